//! Formulas: Rhai expressions over the fields of a record, in a sandbox.
//!
//! **Invariants**
//! - Numbers are exact decimals; `/` never cuts off. An operator with an empty operand gives empty; comparing with
//!   empty is false.
//! - Every limit is set, symbols that reach outside are disabled, and natives that can grow their input are replaced:
//!   limits are looked at only after a native function returns.
//! - Evaluating never panics and never aborts the process.
//!
//! **Not here:** which formulas there are (`model`), when they run (`app`).

mod engine;
mod operators;
mod rows;

use std::{collections::BTreeSet, sync::Arc};

use model::Value;
use rhai::{AST, Dynamic, Scope};
use rust_decimal::Decimal;

pub use rows::RowSet;

/// Why a formula cannot be compiled or calculated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}{}", .line.map(|line| format!(" (line {line})")).unwrap_or_default())]
pub struct ScriptError {
    /// What is wrong.
    pub message: String,
    /// In which line.
    pub line: Option<usize>,
}

/// What a formula may ask for.
pub trait Inputs {
    /// The value of a field, or of a path through links such as `customer.credit_limit`.
    fn value(&self, name: &str) -> Option<Value>;
    /// The rows of a child table.
    fn rows(&self, name: &str) -> Option<RowSet>;
}

/// A compiled formula.
#[derive(Debug, Clone)]
pub struct Formula {
    ast: Arc<AST>,
    names: Vec<String>,
}

impl Formula {
    /// Compiles an expression. `known` are the names it may use; anything else is an error that names the nearest.
    pub fn compile(expr: &str, known: &dyn Fn(&str) -> bool, all: &[String]) -> Result<Self, ScriptError> {
        let names = names_in(expr);
        for name in &names {
            let root = name.split('.').next().unwrap_or(name);
            if !known(name) && !known(root) && !operators::FUNCTIONS.contains(&root) {
                let near = model::nearest(root, all.iter().map(String::as_str)).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
                return Err(ScriptError { message: format!("the formula names `{root}`, which is no field{near}"), line: None });
            }
        }
        let ast = engine::formula().compile_expression(expr).map_err(|error| ScriptError { message: error.err_type().to_string(), line: error.position().line() })?;
        Ok(Self { ast: Arc::new(ast), names: names.into_iter().collect() })
    }

    /// The names it reads: fields, paths, child tables.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Calculates. An empty result is [`Value::Empty`].
    pub fn eval(&self, inputs: &dyn Inputs) -> Result<Value, ScriptError> {
        let mut scope = Scope::new();
        let mut records: indexmap::IndexMap<String, rows::Record> = indexmap::IndexMap::new();
        for name in &self.names {
            match name.split_once('.') {
                None => {
                    if let Some(rows) = inputs.rows(name) {
                        scope.push_constant_dynamic(name.as_str(), Dynamic::from(rows));
                    } else if let Some(value) = inputs.value(name) {
                        scope.push_constant_dynamic(name.as_str(), to_dynamic(value));
                    }
                }
                Some((root, rest)) => {
                    if let Some(rows) = inputs.rows(root) {
                        scope.push_constant_dynamic(root, Dynamic::from(rows));
                    } else if let Some(value) = inputs.value(name) {
                        records.entry(root.to_owned()).or_default().put(rest, to_dynamic(value));
                    }
                }
            }
        }
        for (name, record) in records {
            scope.push_constant_dynamic(name, Dynamic::from(record));
        }
        engine::start_clock();
        let result = engine::formula().eval_ast_with_scope::<Dynamic>(&mut scope, &self.ast);
        from_dynamic(result.map_err(|error| ScriptError { line: error.position().line(), message: plain(&error) })?)
    }
}

/// Rhai's messages carry positions of their own; ours says the line apart.
fn plain(error: &rhai::EvalAltResult) -> String {
    match error {
        rhai::EvalAltResult::ErrorRuntime(value, _) => value.to_string(),
        rhai::EvalAltResult::ErrorTerminated(value, _) => format!("stopped: {value}"),
        other => {
            let text = other.to_string();
            text.rsplit_once(" (line").map_or(text.clone(), |(words, _)| words.to_owned())
        }
    }
}

/// Identifiers with their dots, outside of texts and comments. A name followed by `(` is a function, and the step of
/// a path before `(` a method.
fn names_in(expr: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let chars: Vec<char> = expr.chars().collect();
    let mut at = 0;
    while at < chars.len() {
        match chars[at] {
            quote @ ('"' | '`' | '\'') => {
                at += 1;
                while at < chars.len() && chars[at] != quote {
                    at += if chars[at] == '\\' { 2 } else { 1 };
                }
                at += 1;
            }
            c if c.is_ascii_digit() => {
                while at < chars.len() && (chars[at].is_ascii_alphanumeric() || chars[at] == '_' || chars[at] == '.') {
                    at += 1;
                }
            }
            c if c.is_ascii_alphabetic() || c == '_' => {
                let start = at;
                while at < chars.len() && (chars[at].is_ascii_alphanumeric() || matches!(chars[at], '_' | '.')) {
                    at += 1;
                }
                let mut name: String = chars[start..at].iter().collect();
                let called = chars[at..].iter().find(|c| !c.is_whitespace()) == Some(&'(');
                if called {
                    name = name.rsplit_once('.').map_or_else(String::new, |(before, _)| before.to_owned());
                }
                let name = name.trim_matches('.');
                if !name.is_empty() && !matches!(name, "if" | "else" | "true" | "false" | "switch" | "let" | "return" | "in") {
                    names.insert(name.to_owned());
                }
            }
            _ => at += 1,
        }
    }
    names
}

/// A value as scripts see it: every number a decimal, empty as `()`.
pub(crate) fn to_dynamic(value: Value) -> Dynamic {
    match value {
        Value::Empty => Dynamic::UNIT,
        Value::Text(text) => text.into(),
        Value::Int(number) => Dynamic::from_decimal(Decimal::from(number)),
        Value::Decimal(number) => Dynamic::from_decimal(number),
        Value::Bool(flag) => flag.into(),
        Value::Date(date) => Dynamic::from(date),
        Value::Time(time) => time.format("%H:%M:%S").to_string().into(),
        Value::Instant(at) => Dynamic::from(at),
        Value::Id(id) | Value::AnyId { id, .. } => id.to_string().into(),
        Value::Texts(texts) => texts.join(", ").into(),
        Value::Ids(ids) => Dynamic::from_decimal(Decimal::from(ids.len())),
        Value::Json(json) => json.to_string().into(),
    }
}

fn from_dynamic(result: Dynamic) -> Result<Value, ScriptError> {
    if result.is_unit() {
        return Ok(Value::Empty);
    }
    if let Ok(number) = result.as_decimal() {
        return Ok(Value::Decimal(number));
    }
    if let Ok(number) = result.as_int() {
        return Ok(Value::Decimal(Decimal::from(number)));
    }
    if let Ok(flag) = result.as_bool() {
        return Ok(Value::Bool(flag));
    }
    if result.is_string() {
        let text = result.into_string().unwrap_or_default();
        return Ok(if text.is_empty() { Value::Empty } else { Value::Text(text) });
    }
    if let Some(date) = result.clone().try_cast::<chrono::NaiveDate>() {
        return Ok(Value::Date(date));
    }
    if let Some(at) = result.clone().try_cast::<chrono::DateTime<chrono::Utc>>() {
        return Ok(Value::Instant(at));
    }
    Err(ScriptError { message: format!("the formula gives a {}, which no field holds", result.type_name()), line: None })
}

#[cfg(test)]
mod tests;
