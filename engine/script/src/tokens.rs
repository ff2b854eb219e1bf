//! Splits a formula into its words and signs, each with its place.
//!
//! **Invariants**
//! - Takes a part of Rhai: what could hide a name (texts with `${…}`, maps, closures) is refused with a reason.
//! - Never recurses; the length of a formula is bounded.
//!
//! **Not here:** what the words mean (`names`).

use crate::fault::{Fault, ScriptError};

/// Longest formula, in characters.
pub(crate) const MAX_LENGTH: usize = 10_000;

/// What a token is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A name or a keyword.
    Name,
    /// A number.
    Number,
    /// A text, without its quotes.
    Text(String),
    /// `(`, `[` or `{`.
    Open,
    /// `)`, `]` or `}`.
    Close,
    /// Anything else.
    Sign,
}

/// One word or sign of a formula.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Token {
    pub kind: Kind,
    pub text: String,
    /// Where it begins and ends, in characters from the start.
    pub from: usize,
    pub to: usize,
    pub line: usize,
    pub column: usize,
}

impl Token {
    pub(crate) fn is(&self, text: &str) -> bool {
        !matches!(self.kind, Kind::Text(_)) && self.text == text
    }

    pub(crate) fn error(&self, fault: Fault, message: impl Into<String>) -> ScriptError {
        ScriptError::new(fault, message).at(self.line, self.column)
    }
}

/// Signs of more than one character, longest first.
const SIGNS: [&str; 13] = ["**", "==", "!=", "<=", ">=", "&&", "||", "??", "?.", "=>", "::", "..", "+="];

struct Reader {
    chars: Vec<char>,
    at: usize,
    line: usize,
    line_start: usize,
}

/// Splits a formula.
pub(crate) fn split(text: &str) -> Result<Vec<Token>, ScriptError> {
    let chars: Vec<char> = text.chars().collect();
    if chars.len() > MAX_LENGTH {
        return Err(ScriptError::new(Fault::Syntax, format!("the formula is longer than {MAX_LENGTH} characters; split it in several fields")));
    }
    let mut reader = Reader { chars, at: 0, line: 1, line_start: 0 };
    let mut tokens = Vec::new();
    while let Some(token) = reader.next()? {
        tokens.push(token);
    }
    check_brackets(&tokens)?;
    Ok(tokens)
}

impl Reader {
    fn peek(&self, ahead: usize) -> Option<char> {
        self.chars.get(self.at + ahead).copied()
    }

    fn error(&self, message: impl Into<String>) -> ScriptError {
        ScriptError::new(Fault::Syntax, message).at(self.line, self.at - self.line_start + 1)
    }

    fn step(&mut self) {
        if self.peek(0) == Some('\n') {
            self.line += 1;
            self.line_start = self.at + 1;
        }
        self.at += 1;
    }

    /// Over spaces and comments.
    fn skip(&mut self) -> Result<(), ScriptError> {
        loop {
            match (self.peek(0), self.peek(1)) {
                (Some(c), _) if c.is_whitespace() => self.step(),
                (Some('/'), Some('/')) => {
                    while self.peek(0).is_some_and(|c| c != '\n') {
                        self.step();
                    }
                }
                (Some('/'), Some('*')) => self.skip_block()?,
                _ => return Ok(()),
            }
        }
    }

    /// Comments may stand inside one another.
    fn skip_block(&mut self) -> Result<(), ScriptError> {
        let unclosed = self.error("this comment is never closed by `*/`");
        let mut depth = 0_usize;
        loop {
            match (self.peek(0), self.peek(1)) {
                (Some('/'), Some('*')) => depth += 1,
                (Some('*'), Some('/')) => depth -= 1,
                (Some(_), _) => {
                    self.step();
                    continue;
                }
                (None, _) => return Err(unclosed),
            }
            self.step();
            self.step();
            if depth == 0 {
                return Ok(());
            }
        }
    }

    fn next(&mut self) -> Result<Option<Token>, ScriptError> {
        self.skip()?;
        let Some(first) = self.peek(0) else { return Ok(None) };
        let (from, line, column) = (self.at, self.line, self.at - self.line_start + 1);
        let kind = match first {
            '"' => Kind::Text(self.text()?),
            '\'' => return Err(self.error("texts stand between double quotes: \"text\"")),
            '`' | '#' | '@' | '$' | '~' | '\\' => return Err(self.error(format!("`{first}` has no place in a formula"))),
            '&' if self.peek(1) != Some('&') => return Err(self.error("two conditions are joined by `&&`; texts by `+`")),
            c if c.is_ascii_digit() => self.number()?,
            c if c.is_ascii_alphabetic() || c == '_' => self.name(),
            c if !c.is_ascii() => return Err(self.error(format!("`{c}` has no place in a formula outside of a text; names are plain small letters"))),
            '(' | '[' | '{' => self.one(Kind::Open),
            ')' | ']' | '}' => self.one(Kind::Close),
            _ => self.sign(),
        };
        let text = self.chars[from..self.at].iter().collect();
        Ok(Some(Token { kind, text, from, to: self.at, line, column }))
    }

    fn one(&mut self, kind: Kind) -> Kind {
        self.at += 1;
        kind
    }

    fn sign(&mut self) -> Kind {
        let long = SIGNS.iter().find(|sign| sign.chars().enumerate().all(|(index, c)| self.peek(index) == Some(c)));
        self.at += long.map_or(1, |sign| sign.len());
        Kind::Sign
    }

    fn name(&mut self) -> Kind {
        while self.peek(0).is_some_and(|c| c.is_ascii_alphanumeric() || c == '_') {
            self.at += 1;
        }
        Kind::Name
    }

    /// Digits, with a point only before another digit, so that `2.round()` stays a call.
    fn number(&mut self) -> Result<Kind, ScriptError> {
        let (from, error) = (self.at, self.error(""));
        let (mut points, mut letters) = (0, 0);
        while let Some(c) = self.peek(0) {
            let point = c == '.' && self.peek(1).is_some_and(|next| next.is_ascii_digit());
            if !(c.is_ascii_alphanumeric() || c == '_' || point) {
                break;
            }
            points += usize::from(point);
            letters += usize::from(c.is_ascii_alphabetic());
            self.at += 1;
        }
        if points > 1 || letters > 0 {
            let written: String = self.chars[from..self.at].iter().collect();
            return Err(ScriptError { message: format!("`{written}` is no number; numbers are written with digits and a point: 1250.75"), ..error });
        }
        Ok(Kind::Number)
    }

    fn text(&mut self) -> Result<String, ScriptError> {
        let unclosed = self.error("this text is never closed by `\"`");
        let mut text = String::new();
        self.step();
        loop {
            match self.peek(0) {
                None | Some('\n') => return Err(unclosed),
                Some('"') => break,
                Some('\\') if self.peek(1) != Some('\n') => {
                    self.step();
                    text.extend(self.peek(0));
                    self.step();
                }
                Some(c) => {
                    text.push(c);
                    self.step();
                }
            }
        }
        self.step();
        Ok(text)
    }
}

/// Every bracket has its partner.
fn check_brackets(tokens: &[Token]) -> Result<(), ScriptError> {
    let mut open: Vec<&Token> = Vec::new();
    for token in tokens {
        match token.kind {
            Kind::Open => open.push(token),
            Kind::Close => {
                let wanted = match token.text.as_str() {
                    ")" => "(",
                    "]" => "[",
                    _ => "{",
                };
                match open.pop() {
                    Some(opened) if opened.text == wanted => {}
                    Some(opened) => return Err(token.error(Fault::Syntax, format!("`{}` closes what `{}` opened", token.text, opened.text))),
                    None => return Err(token.error(Fault::Syntax, format!("`{}` closes nothing", token.text))),
                }
            }
            _ => {}
        }
    }
    match open.pop() {
        Some(opened) => Err(opened.error(Fault::Syntax, format!("this `{}` is never closed", opened.text))),
        None => Ok(()),
    }
}

/// The token that closes the bracket at `open`.
pub(crate) fn closing(tokens: &[Token], open: usize) -> usize {
    let mut depth = 0_usize;
    for (index, token) in tokens.iter().enumerate().skip(open) {
        match token.kind {
            Kind::Open => depth += 1,
            Kind::Close if depth == 1 => return index,
            Kind::Close => depth -= 1,
            _ => {}
        }
    }
    tokens.len()
}
