//! The names in a formula: what it reads, and whether that is there.
//!
//! **Invariants**
//! - Decided when the formula is compiled, from its tokens alone; a formula that compiles asks for nothing else.
//! - An unknown name is an error that says where it stands and what is near.

use std::collections::BTreeSet;

use model::nearest;

use crate::{
    fault::{Fault, ScriptError},
    functions,
    tokens::{Kind as TokenKind, Token, closing},
};

/// What a name stands for, as far as a formula cares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A number of any kind.
    Number,
    /// A text of any kind, a single choice, a time of day.
    Text,
    /// Yes or no.
    Flag,
    /// A day.
    Date,
    /// An instant.
    Instant,
    /// Several choices or several links.
    Several,
    /// A link to one record: a value, and a way to that record's fields.
    Link,
    /// Named parts: an address, a place.
    Parts,
    /// The rows of a child table.
    Rows,
    /// Not known beforehand; nothing is checked.
    Any,
}

/// The names that a formula may use. Paths are dotted: `customer.credit_limit`, `lines.amount`.
pub trait Names {
    /// What stands at a path; `None` where there is nothing.
    fn kind(&self, path: &str) -> Option<Kind>;
    /// The names that stand below a path, for suggestions; the empty path is the record itself.
    fn below(&self, path: &str) -> Vec<String>;
}

/// A plain list of names, for callers without a catalog.
#[derive(Debug, Clone, Default)]
pub struct NameList(Vec<(String, Kind)>);

impl<N: Into<String>> FromIterator<(N, Kind)> for NameList {
    fn from_iter<I: IntoIterator<Item = (N, Kind)>>(names: I) -> Self {
        Self(names.into_iter().map(|(name, kind)| (name.into(), kind)).collect())
    }
}

impl Names for NameList {
    fn kind(&self, path: &str) -> Option<Kind> {
        self.0.iter().find(|(name, _)| name == path).map(|(_, kind)| *kind)
    }
    fn below(&self, path: &str) -> Vec<String> {
        let own = |name: &str| match path {
            "" => Some(name.to_owned()),
            _ => name.strip_prefix(path)?.strip_prefix('.').map(str::to_owned),
        };
        self.0.iter().filter_map(|(name, _)| own(name)).filter(|name| !name.contains('.')).collect()
    }
}

/// A name at the root of what a formula reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Root {
    pub name: String,
    /// The same inside the engine.
    pub variable: String,
    /// Whether the name stands for itself somewhere.
    pub own: bool,
    /// What is read below it, by path from the root.
    pub paths: Vec<String>,
    /// Whether it may be a child table.
    pub rows: bool,
    /// Which of the paths lead to rows.
    pub row_paths: Vec<String>,
}

/// What a formula reads.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Reads {
    pub roots: Vec<Root>,
    /// Fields, paths, and fields of child tables.
    pub fields: BTreeSet<String>,
    /// Tokens that are fields here and words of Rhai's there.
    pub renamed: Vec<usize>,
}

/// What is put after a field's name that is a word of Rhai's; no key contains it.
pub(crate) const RENAMED: char = 'X';

/// Words that Rhai keeps for itself and that are good names of fields.
const RHAI_WORDS: [&str; 9] = ["package", "protected", "is", "print", "debug", "type_of", "super", "module", "use"];

/// Words that Rhai or the language keeps for itself; a formula has no use for them.
const STATEMENTS: [&str; 26] = [
    "let", "const", "while", "loop", "for", "do", "until", "break", "continue", "return", "throw", "try", "catch", "fn", "private", "import", "export", "as", "this", "eval", "Fn", "call",
    "curry", "is_def_var", "is_def_fn", "global",
];
const KEYWORDS: [&str; 6] = ["if", "else", "switch", "true", "false", "in"];

/// Finds and checks the names.
pub(crate) fn find(tokens: &[Token], names: &dyn Names) -> Result<Reads, ScriptError> {
    let mut finder = Finder { tokens, names, reads: Reads::default() };
    let mut index = 0;
    while index < tokens.len() {
        index = finder.step(index)?;
    }
    Ok(finder.reads)
}

struct Finder<'t> {
    tokens: &'t [Token],
    names: &'t dyn Names,
    reads: Reads,
}

impl Finder<'_> {
    fn is(&self, index: usize, text: &str) -> bool {
        self.tokens.get(index).is_some_and(|token| token.is(text))
    }

    fn is_dot(&self, index: usize) -> bool {
        self.is(index, ".") || self.is(index, "?.")
    }

    fn is_name(&self, index: usize) -> bool {
        self.tokens.get(index).is_some_and(|token| token.kind == TokenKind::Name)
    }

    /// Looks at one token, and gives the place of the next to look at.
    fn step(&mut self, index: usize) -> Result<usize, ScriptError> {
        let token = &self.tokens[index];
        match token.text.as_str() {
            "=" | "+=" if token.kind == TokenKind::Sign => return Err(token.error(Fault::Syntax, "a formula sets nothing; to compare, write `==`")),
            ";" => return Err(token.error(Fault::Syntax, "a formula is one calculation, without `;`")),
            _ => {}
        }
        if token.kind != TokenKind::Name || token.text.chars().all(|c| c == '_') {
            return self.after_dot(index);
        }
        let word = token.text.as_str();
        if STATEMENTS.contains(&word) {
            return Err(token.error(Fault::Syntax, format!("`{word}` has no place in a formula, which is one calculation; use `if … {{ … }} else {{ … }}` to choose")));
        }
        if KEYWORDS.contains(&word) {
            return Ok(index + 1);
        }
        if self.is(index + 1, "(") {
            self.function(index)?;
            return Ok(index + 1);
        }
        self.path(index)
    }

    /// A dot after a call or bracket: only a function may follow.
    fn after_dot(&self, index: usize) -> Result<usize, ScriptError> {
        if !self.is_dot(index) {
            return Ok(index + 1);
        }
        let Some(next) = self.tokens.get(index + 1).filter(|_| self.is_name(index + 1)) else { return Ok(index + 1) };
        if !self.is(index + 2, "(") {
            return Err(next.error(Fault::UnknownName, format!("`.{}` follows no link; only linked records have fields", next.text)));
        }
        Ok(index + 1)
    }

    fn function(&self, index: usize) -> Result<(), ScriptError> {
        let token = &self.tokens[index];
        let after_dot = index > 0 && self.is_dot(index - 1);
        let name = token.text.as_str();
        let known = functions::FUNCTIONS.iter().any(|known| known.name == name) || functions::is_row_function(name);
        if known {
            return Ok(());
        }
        if self.names.kind(name).is_some_and(|kind| kind != Kind::Any) && !after_dot {
            return Err(token.error(Fault::Syntax, format!("`{name}` is a field, no function; leave out the brackets, or write a sign before them")));
        }
        let near = nearest(name, functions::names()).map(|near| format!("; did you mean `{}`?", functions::usage(near))).unwrap_or_default();
        Err(token.error(Fault::UnknownName, format!("there is no function `{name}`{near}")))
    }

    /// A name with what follows it by dots.
    fn path(&mut self, start: usize) -> Result<usize, ScriptError> {
        let mut path = self.tokens[start].text.clone();
        self.check(&path, start, "")?;
        let mut at = start + 1;
        while self.is_dot(at) && self.is_name(at + 1) && !self.is(at + 2, "(") {
            let parent = path.clone();
            path = format!("{path}.{}", self.tokens[at + 1].text);
            self.check(&path, at + 1, &parent)?;
            at += 2;
        }
        self.reads.renamed.extend((start..at).filter(|index| RHAI_WORDS.contains(&self.tokens[*index].text.as_str())));
        let is_plain = !path.contains('.');
        match self.names.kind(&path).unwrap_or(Kind::Any) {
            Kind::Rows => self.rows(&path, start, at, true)?,
            Kind::Any if is_plain => self.rows(&path, start, at, false)?,
            // Several links are a value, and a way to the records they point to.
            Kind::Several if self.is_row_call(at) && !self.names.below(&path).is_empty() => self.rows(&path, start, at, true)?,
            _ => self.value(&path),
        }
        Ok(at)
    }

    /// Whether a function of rows is called on what ends before this token: `.sum("salary")`.
    fn is_row_call(&self, at: usize) -> bool {
        let named = matches!(self.tokens.get(at + 3), Some(Token { kind: TokenKind::Text(_), .. }));
        named && self.is_dot(at) && self.tokens.get(at + 1).is_some_and(|token| functions::is_row_function(&token.text))
    }

    fn check(&self, path: &str, token: usize, parent: &str) -> Result<(), ScriptError> {
        let token = &self.tokens[token];
        match self.names.kind(parent) {
            _ if parent.is_empty() => {}
            Some(Kind::Link | Kind::Parts | Kind::Any) | None => {}
            Some(Kind::Rows) => return Err(token.error(Fault::WrongKind, format!("`{parent}` has many rows; write `{parent}.sum(\"{}\")` or another of sum, avg, min, max, first, last", token.text))),
            Some(_) => return Err(token.error(Fault::UnknownName, format!("`{parent}` is no link, so `.{}` leads nowhere", token.text))),
        }
        if self.names.kind(path).is_some() {
            return Ok(());
        }
        let known = self.names.below(parent);
        let near = nearest(&token.text, known.iter().map(String::as_str)).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
        let what = if parent.is_empty() { format!("the formula names `{}`, which is no field", token.text) } else { format!("`{parent}` leads to no field `{}`", token.text) };
        Err(token.error(Fault::UnknownName, format!("{what}{near}")))
    }

    fn root(&mut self, name: &str) -> &mut Root {
        let place = self.reads.roots.iter().position(|root| root.name == name).unwrap_or_else(|| {
            let variable = if RHAI_WORDS.contains(&name) { format!("{name}{RENAMED}") } else { name.to_owned() };
            self.reads.roots.push(Root { name: name.to_owned(), variable, own: false, paths: Vec::new(), rows: false, row_paths: Vec::new() });
            self.reads.roots.len() - 1
        });
        &mut self.reads.roots[place]
    }

    fn value(&mut self, path: &str) {
        match path.split_once('.') {
            None => self.root(path).own = true,
            Some((name, rest)) => {
                let root = self.root(name);
                if !root.paths.iter().any(|known| known == rest) {
                    root.paths.push(rest.to_owned());
                }
            }
        }
        self.reads.fields.insert(path.to_owned());
    }

    /// A child table, surely or perhaps, and the fields of it that the calls after its name read.
    fn rows(&mut self, name: &str, start: usize, after: usize, surely: bool) -> Result<(), ScriptError> {
        let call = if self.is_dot(after) && self.is_name(after + 1) { Some(after + 1) } else { None };
        // Also `sum(lines, "amount")`, which is the same call written the other way.
        let before = start.checked_sub(2).filter(|before| self.is(start - 1, "(") && self.is_name(*before));
        let is_row_call = |at: &usize, argument: usize| {
            let function = self.tokens[*at].text.as_str();
            let named = matches!(self.tokens.get(argument), Some(Token { kind: TokenKind::Text(_), .. }));
            functions::is_row_function(function) && (surely || named || function == "count")
        };
        let (calls, arguments) = match (call.filter(|at| is_row_call(at, at + 2)), before.filter(|at| is_row_call(at, after + 1))) {
            (Some(at), _) => (at, at + 2),
            (None, Some(at)) => (at, after + 1),
            (None, None) => {
                if surely && !before.is_some_and(|at| self.is(at, "is_empty")) {
                    return Err(self.tokens[start].error(Fault::WrongKind, format!("`{name}` has many rows; write `{name}.sum(\"…\")` or another of sum, count, avg, min, max, first, last")));
                }
                self.rows_root(name);
                self.value(name);
                return Ok(());
            }
        };
        if !surely {
            self.value(name);
        }
        self.rows_root(name);
        self.row_fields(name, calls, arguments)
    }

    /// Rows are a name of their own, or stand at the end of a path.
    fn rows_root(&mut self, name: &str) {
        match name.split_once('.') {
            None => self.root(name).rows = true,
            Some((root, rest)) => {
                let root = self.root(root);
                for paths in [&mut root.paths, &mut root.row_paths] {
                    if !paths.iter().any(|known| known == rest) {
                        paths.push(rest.to_owned());
                    }
                }
            }
        }
    }

    fn row_fields(&mut self, name: &str, mut call: usize, mut arguments: usize) -> Result<(), ScriptError> {
        loop {
            let function = self.tokens[call].text.clone();
            let open = (call..self.tokens.len()).find(|at| self.is(*at, "(")).unwrap_or(call);
            let close = closing(self.tokens, open);
            let field = self.tokens.get(arguments).filter(|_| arguments < close).map(|token| (token, &token.kind));
            match field {
                Some((token, TokenKind::Text(field))) if !(self.is(arguments + 1, ",") && function != "where") => self.row_field(name, field, token, &function)?,
                Some(_) => {
                    self.reads.fields.insert(format!("{name}.*"));
                }
                None if function == "count" => {
                    self.reads.fields.insert(name.to_owned());
                }
                None => return Err(self.tokens[call].error(Fault::Syntax, format!("`{function}` wants the name of a field: {}", functions::usage(&function)))),
            }
            if function != "where" {
                return Ok(());
            }
            if !(self.is_dot(close + 1) && self.is_name(close + 2) && functions::is_row_function(&self.tokens[close + 2].text)) {
                return Err(self.tokens[call].error(Fault::WrongKind, format!("`{name}.where(…)` gives rows; go on with `.sum(\"…\")` or another of sum, count, avg, min, max, first, last")));
            }
            (call, arguments) = (close + 2, close + 4);
        }
    }

    fn row_field(&mut self, table: &str, field: &str, token: &Token, function: &str) -> Result<(), ScriptError> {
        let path = format!("{table}.{field}");
        let known = self.names.below(table);
        match self.names.kind(&path) {
            // A plain list of names may know the table without its fields.
            None if self.names.kind(table) == Some(Kind::Rows) || !known.is_empty() => {
                let near = nearest(field, known.iter().map(String::as_str)).map(|near| format!("; did you mean \"{near}\"?")).unwrap_or_default();
                return Err(token.error(Fault::UnknownName, format!("the rows of `{table}` have no field \"{field}\"{near}")));
            }
            Some(kind) if matches!(function, "sum" | "avg") && !matches!(kind, Kind::Number | Kind::Any) => {
                return Err(token.error(Fault::WrongKind, format!("\"{field}\" of `{table}` is no number, so there is no {function} of it")));
            }
            _ => {}
        }
        self.reads.fields.insert(path);
        Ok(())
    }
}
