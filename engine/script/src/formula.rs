//! Formulas: compiled once, calculated often, inline on the thread that asks.
//!
//! **Invariants**
//! - Only what the formula reads is asked of its inputs.
//! - The same inputs give the same result, on every thread and machine.
//! - Calculating never panics and never takes the process down.
//!
//! **Not here:** which formulas there are (`model`), when they run (`app`).

use std::{collections::BTreeSet, sync::Arc};

use model::{Ident, Value, Values};
use rhai::{AST, Dynamic, Scope};

use crate::{
    clock::Clock,
    conditions::{self, Wrapped},
    convert::{from_dynamic, to_dynamic},
    fault::{Fault, ScriptError},
    names::{self, Kind, Names, Root},
    profile::Profile,
    rows::{Record, RowSet, Rows},
    tokens,
};

/// What a formula may ask for.
pub trait Inputs {
    /// The value of a field, or of a path through links such as `customer.credit_limit`.
    fn value(&self, name: &str) -> Option<Value>;
    /// The rows of a child table.
    fn rows(&self, name: &str) -> Option<RowSet>;
}

/// A compiled formula; copies share what was compiled.
#[derive(Debug, Clone)]
pub struct Formula(Arc<Compiled>);

#[derive(Debug)]
struct Compiled {
    ast: AST,
    wrapped: Wrapped,
    roots: Vec<Root>,
    names: Vec<String>,
    reads: BTreeSet<String>,
}

impl Formula {
    /// Compiles an expression. `known` are the names it may use; anything else is an error that names the nearest.
    pub fn compile(expr: &str, known: &dyn Fn(&str) -> bool, all: &[String]) -> Result<Self, ScriptError> {
        Self::parse(expr, &Loose { known, all })
    }

    /// Compiles an expression over names whose kinds are known, and tries it on an example, so that a text times a
    /// number is found before any record is saved.
    pub fn check(expr: &str, names: &dyn Names) -> Result<Self, ScriptError> {
        let formula = Self::parse(expr, names)?;
        let example = Example { names };
        if formula.0.roots.iter().all(|root| example.can_show(root)) {
            match formula.eval(&example) {
                Err(error) if matches!(error.fault, Fault::WrongKind | Fault::UnknownName | Fault::Syntax) => return Err(error),
                // What depends on the values is no fault of the formula.
                Ok(_) | Err(_) => {}
            }
        }
        Ok(formula)
    }

    fn parse(expr: &str, names: &dyn Names) -> Result<Self, ScriptError> {
        let tokens = tokens::split(expr)?;
        if tokens.is_empty() {
            return Err(ScriptError::new(Fault::Syntax, "the formula is empty"));
        }
        let reads = names::find(&tokens, names)?;
        let wrapped = conditions::wrap(expr, &tokens, &reads.renamed);
        let mut scope = Scope::new();
        for root in &reads.roots {
            scope.push(root.variable.as_str(), ());
        }
        let compiled = Profile::Formula.engine().compile_expression_with_scope(&scope, &wrapped.text);
        let ast = compiled.map_err(|error| told_back(error.into(), &wrapped))?;
        let own = reads.roots.iter().filter(|root| root.own || root.rows).map(|root| root.name.clone());
        let paths = reads.roots.iter().flat_map(|root| root.paths.iter().map(move |path| format!("{}.{path}", root.name)));
        let names: BTreeSet<String> = own.chain(paths).collect();
        Ok(Self(Arc::new(Compiled { ast, wrapped, names: names.into_iter().collect(), roots: reads.roots, reads: reads.fields })))
    }

    /// The names it asks its inputs for: fields, paths, child tables.
    pub fn names(&self) -> &[String] {
        &self.0.names
    }

    /// What it depends on: fields, paths, and fields of child tables such as `lines.amount`; `lines.*` where it cannot
    /// be told which. Made for [`order`](crate::order()).
    pub fn reads(&self) -> Vec<String> {
        self.0.reads.iter().cloned().collect()
    }

    /// Calculates. An empty result is [`Value::Empty`].
    pub fn eval(&self, inputs: &dyn Inputs) -> Result<Value, ScriptError> {
        let mut scope = Scope::new();
        for root in &self.0.roots {
            if let Some(value) = read(root, inputs) {
                scope.push_constant_dynamic(root.variable.as_str(), value);
            }
        }
        let _clock = Clock::start(Profile::Formula.limits().time);
        let result = Profile::Formula.engine().eval_ast_with_scope::<Dynamic>(&mut scope, &self.0.ast);
        from_dynamic(result.map_err(|error| told_back(error.into(), &self.0.wrapped))?)
    }
}

/// A root name as the formula sees it; `None` where the inputs know nothing of it.
fn read(root: &Root, inputs: &dyn Inputs) -> Option<Dynamic> {
    if root.rows
        && let Some(rows) = inputs.rows(&root.name) {
            return Some(Dynamic::from(Rows::from(rows)));
        }
    if root.paths.is_empty() {
        return inputs.value(&root.name).map(to_dynamic);
    }
    let own = if root.own { inputs.value(&root.name).map(to_dynamic) } else { None };
    let mut record = Record::new(own.unwrap_or_default());
    for path in &root.paths {
        let name = format!("{}.{path}", root.name);
        let rows = if root.row_paths.contains(path) { inputs.rows(&name) } else { None };
        record.put(path, match rows {
            Some(rows) => Dynamic::from(Rows::from(rows)),
            None => to_dynamic(inputs.value(&name)?),
        });
    }
    Some(Dynamic::from(record))
}

/// The place of an error in the formula as it was written.
fn told_back(mut error: ScriptError, wrapped: &Wrapped) -> ScriptError {
    if let (Some(line), Some(column)) = (error.line, error.column) {
        error.column = Some(wrapped.column(line, column));
    }
    error
}

/// Names of which only the roots are known.
struct Loose<'n> {
    known: &'n dyn Fn(&str) -> bool,
    all: &'n [String],
}

impl Names for Loose<'_> {
    fn kind(&self, path: &str) -> Option<Kind> {
        let root = path.split('.').next().unwrap_or(path);
        ((self.known)(path) || (self.known)(root)).then_some(Kind::Any)
    }
    fn below(&self, path: &str) -> Vec<String> {
        if path.is_empty() { self.all.to_vec() } else { Vec::new() }
    }
}

/// A record with something in every field, to try a formula on.
struct Example<'n> {
    names: &'n dyn Names,
}

impl Example<'_> {
    /// Whether every value the root stands for can be made up.
    fn can_show(&self, root: &Root) -> bool {
        let plain = |path: &str| !matches!(self.names.kind(path), None | Some(Kind::Any | Kind::Parts));
        let rows = |table: &str| self.names.below(table).iter().all(|field| plain(&format!("{table}.{field}")));
        let shows = |path: &String| {
            let name = format!("{}.{path}", root.name);
            if root.row_paths.contains(path) { rows(&name) } else { plain(&name) }
        };
        (!root.own || plain(&root.name)) && root.paths.iter().all(shows) && (!root.rows || rows(&root.name))
    }
}

fn example(kind: Kind) -> Value {
    let day = chrono::NaiveDate::from_ymd_opt(2026, 1, 31).unwrap_or_default();
    match kind {
        Kind::Number => Value::Int(1),
        Kind::Text => Value::Text("1".into()),
        Kind::Flag => Value::Bool(true),
        Kind::Date => Value::Date(day),
        Kind::Instant => Value::Instant(day.and_time(chrono::NaiveTime::MIN).and_utc()),
        Kind::Several => Value::Texts(vec!["1".into()]),
        Kind::Link => Value::Id(uuid::Uuid::nil()),
        Kind::Parts | Kind::Rows | Kind::Any => Value::Empty,
    }
}

impl Inputs for Example<'_> {
    fn value(&self, name: &str) -> Option<Value> {
        self.names.kind(name).map(example)
    }
    fn rows(&self, name: &str) -> Option<RowSet> {
        if !matches!(self.names.kind(name), Some(Kind::Rows | Kind::Several)) {
            return None;
        }
        let field = |key: String| Some((Ident::new(&key).ok()?, example(self.names.kind(&format!("{name}.{key}"))?)));
        let row: Values = self.names.below(name).into_iter().filter_map(field).collect();
        Some(RowSet(Arc::new(vec![row])))
    }
}
