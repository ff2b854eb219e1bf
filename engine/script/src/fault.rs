//! What goes wrong in formulas and scripts, told so that its author can set it right.
//!
//! **Invariants**
//! - Every error names its kind, so that callers decide by [`Fault`] and never by words.
//! - No word of Rhai's own reaches the author where ours are clearer.

use model::nearest;
use rhai::{Dynamic, EvalAltResult, ParseError, ParseErrorType, Position};

use crate::functions;

/// What kind of thing went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fault {
    /// It is not written as the language wants it.
    Syntax,
    /// It names a field, function or table that is not there.
    UnknownName,
    /// Kinds of values do not fit together: a text times a number.
    WrongKind,
    /// A division by zero.
    DivisionByZero,
    /// The result has more digits than a decimal holds.
    TooManyDigits,
    /// A text, list or map grew beyond its ceiling.
    TooLarge,
    /// It took too many steps, went too deep, or ran past its deadline.
    TooLong,
    /// A text is no date or number, or a day lies outside the calendar.
    BadValue,
    /// The script itself refused, by `throw`.
    Thrown,
    /// The site does not allow what was asked of it, or it does not fit.
    Refused,
    /// Too many scripts wait already.
    Busy,
    /// The engine itself failed; the script was stopped.
    Internal,
}

/// Why a formula or script cannot be compiled or run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}{}", place(*.line, *.column))]
pub struct ScriptError {
    /// The kind of fault.
    pub fault: Fault,
    /// What is wrong and, where it can be said, what would be right.
    pub message: String,
    /// In which line, from 1.
    pub line: Option<usize>,
    /// At which character of the line, from 1.
    pub column: Option<usize>,
    /// What a script said when it refused: `throw #{field: "due", message: "Too late."}`.
    pub refusal: Option<Box<Refused>>,
}

/// What a script refuses, told to whoever saves.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Refused {
    /// The field it stands beside; empty for the whole record.
    pub field: String,
    /// The words by language; `en` where none was said.
    pub words: Vec<(String, String)>,
}

fn place(line: Option<usize>, column: Option<usize>) -> String {
    match (line, column) {
        (None, _) => String::new(),
        (Some(line), None) => format!(" (line {line})"),
        (Some(line), Some(column)) => format!(" (line {line}, column {column})"),
    }
}

impl ScriptError {
    /// A fault found outside of the script itself.
    pub fn of(fault: Fault, message: impl Into<String>) -> Self {
        Self::new(fault, message)
    }

    pub(crate) fn new(fault: Fault, message: impl Into<String>) -> Self {
        Self { fault, message: message.into(), line: None, column: None, refusal: None }
    }

    pub(crate) fn at(mut self, line: usize, column: usize) -> Self {
        (self.line, self.column) = (Some(line), Some(column));
        self
    }

    fn positioned(mut self, position: Position) -> Self {
        (self.line, self.column) = (position.line(), position.position());
        self
    }
}

/// A fault on its way through Rhai, which knows only values.
#[derive(Debug, Clone)]
pub(crate) struct Trouble(pub Fault, pub String);

pub(crate) type Outcome<T = Dynamic> = Result<T, Box<EvalAltResult>>;

/// An error of a native function.
pub(crate) fn trouble(fault: Fault, message: impl Into<String>) -> Box<EvalAltResult> {
    EvalAltResult::ErrorRuntime(Dynamic::from(Trouble(fault, message.into())), Position::NONE).into()
}

/// An error for a value of the wrong kind.
pub(crate) fn wrong_kind(what: &str, wanted: &str, value: &Dynamic) -> Box<EvalAltResult> {
    trouble(Fault::WrongKind, format!("{what} wants {wanted}, not {}", functions::kind_name(value)))
}

impl From<Box<EvalAltResult>> for ScriptError {
    fn from(error: Box<EvalAltResult>) -> Self {
        let inner = innermost(*error);
        let position = inner.position();
        of_result(inner).positioned(position)
    }
}

/// The fault itself, out of the calls it happened in.
fn innermost(error: EvalAltResult) -> EvalAltResult {
    match error {
        EvalAltResult::ErrorInFunctionCall(_, _, inner, _) | EvalAltResult::ErrorInModule(_, inner, _) => innermost(*inner),
        other => other,
    }
}

fn of_result(error: EvalAltResult) -> ScriptError {
    use EvalAltResult as E;
    match error {
        E::ErrorRuntime(value, _) => match value.clone().try_cast::<Trouble>() {
            Some(Trouble(fault, message)) => ScriptError::new(fault, message),
            None => thrown(&value),
        },
        E::ErrorParsing(kind, _) => of_parsing(&kind),
        E::ErrorVariableNotFound(name, _) => ScriptError::new(Fault::UnknownName, format!("there is no `{name}` here")),
        E::ErrorFunctionNotFound(signature, _) => unknown_function(&signature),
        E::ErrorPropertyNotFound(name, _) | E::ErrorDotExpr(name, _) => ScriptError::new(Fault::UnknownName, format!("there is no part `{name}` here; only links have parts")),
        E::ErrorIndexingType(..) | E::ErrorIndexNotFound(..) | E::ErrorArrayBounds(..) | E::ErrorStringBounds(..) | E::ErrorBitFieldBounds(..) => ScriptError::new(Fault::BadValue, "there is nothing at this index"),
        E::ErrorMismatchDataType(wanted, got, _) => ScriptError::new(Fault::WrongKind, format!("{} is wanted here, not {}", functions::plain_type(&wanted), functions::plain_type(&got))),
        E::ErrorMismatchOutputType(wanted, got, _) => ScriptError::new(Fault::WrongKind, format!("the result should be {}, not {}", functions::plain_type(&wanted), functions::plain_type(&got))),
        E::ErrorArithmetic(message, _) if message.contains("zero") => ScriptError::new(Fault::DivisionByZero, "a division by zero"),
        E::ErrorArithmetic(..) => ScriptError::new(Fault::TooManyDigits, "the result has too many digits"),
        E::ErrorTooManyOperations(_) => ScriptError::new(Fault::TooLong, "stopped: it takes too many steps"),
        E::ErrorStackOverflow(_) => ScriptError::new(Fault::TooLong, "stopped: functions call one another too deeply"),
        E::ErrorTerminated(value, _) if value.is::<Trouble>() => {
            let Trouble(fault, message) = value.cast();
            ScriptError::new(fault, message)
        }
        E::ErrorTerminated(..) => ScriptError::new(Fault::TooLong, "stopped: it takes too long"),
        E::ErrorTooManyVariables(_) => ScriptError::new(Fault::TooLarge, "stopped: it has too many variables"),
        E::ErrorDataTooLarge(what, _) => ScriptError::new(Fault::TooLarge, format!("stopped: a value became too large ({})", what.to_lowercase())),
        mut other => {
            // Its place is told apart.
            let _ = other.take_position();
            ScriptError::new(Fault::Syntax, other.to_string())
        }
    }
}

/// What a script threw: words, or a map of `field` and `message`, which may be words by language.
fn thrown(value: &Dynamic) -> ScriptError {
    let mut refused = Refused::default();
    let words = |value: &Dynamic| functions::shown(value).unwrap_or_else(|| "the script refused".to_owned());
    match value.as_map_ref() {
        Ok(map) => {
            refused.field = map.get("field").map(words).unwrap_or_default();
            match map.get("message").map(|message| (message, message.as_map_ref())) {
                Some((_, Ok(by_language))) => refused.words = by_language.iter().map(|(lang, text)| (lang.to_string(), words(text))).collect(),
                Some((message, Err(_))) => refused.words.push(("en".to_owned(), words(message))),
                None => refused.words.push(("en".to_owned(), "the script refused".to_owned())),
            }
        }
        Err(_) => refused.words.push(("en".to_owned(), words(value))),
    }
    let message = refused.words.first().map(|(_, text)| text.clone()).unwrap_or_default();
    ScriptError { refusal: Some(Box::new(refused)), ..ScriptError::new(Fault::Thrown, message) }
}

/// `name (type, type)` as Rhai says it.
fn unknown_function(signature: &str) -> ScriptError {
    let (name, rest) = signature.split_once(" (").unwrap_or((signature, ""));
    let given: Vec<&str> = rest.trim_end_matches(')').split(", ").filter(|kind| !kind.is_empty()).map(functions::plain_type).collect();
    if functions::is_known(name) {
        return ScriptError::new(Fault::WrongKind, format!("`{name}` does not take {}; write {}", listed(&given), functions::usage(name)));
    }
    let near = nearest(name, functions::names()).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
    ScriptError::new(Fault::UnknownName, format!("there is no function `{name}`{near}"))
}

fn listed(kinds: &[&str]) -> String {
    match kinds {
        [] => "nothing".to_owned(),
        [one] => (*one).to_owned(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

impl From<ParseError> for ScriptError {
    fn from(error: ParseError) -> Self {
        of_parsing(error.err_type()).positioned(error.position())
    }
}

fn of_parsing(kind: &ParseErrorType) -> ScriptError {
    use ParseErrorType as P;
    match kind {
        P::UnexpectedEOF => ScriptError::new(Fault::Syntax, "the end comes too early: something is missing after the last sign"),
        P::VariableUndefined(name) => ScriptError::new(Fault::UnknownName, format!("there is no `{name}` here")),
        P::MissingToken(token, _) => ScriptError::new(Fault::Syntax, format!("a `{token}` is missing here")),
        P::BadInput(rhai::LexError::UnexpectedInput(what)) => ScriptError::new(Fault::Syntax, format!("`{what}` has no place here")),
        P::ExprTooDeep => ScriptError::new(Fault::Syntax, "too many brackets inside one another; split the formula in two fields"),
        P::Reserved(word) => ScriptError::new(Fault::Syntax, format!("`{word}` has no place here")),
        P::ExprExpected(_) => ScriptError::new(Fault::Syntax, "only a calculation may stand here, no statement"),
        other => ScriptError::new(Fault::Syntax, other.to_string()),
    }
}
