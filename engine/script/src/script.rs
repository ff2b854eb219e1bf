//! Scripts with statements: what happens on a record, and steps of reports.
//!
//! **Invariants**
//! - A script sees what the caller puts in, asks its host for more, and gives a result and changes of the record at
//!   hand; it reaches nothing else.
//! - Scripts that call for one another share one clock and one count of steps.
//!
//! **Not here:** where they run (`pool`), what becomes of the changes (`app`).

use std::{rc::Rc, sync::Arc};

use model::Value;
use rhai::{AST, Dynamic, Scope};
use serde_json::{Map, Value as Json};

use crate::{
    clock::Clock,
    convert::{from_dynamic, from_json, to_dynamic},
    doc::{Doc, Found, Settable},
    fault::ScriptError,
    host::{Host, Presence},
    profile::Profile,
    rows::{RowSet, Rows},
};

/// A compiled script; copies share what was compiled.
#[derive(Debug, Clone)]
pub struct Script {
    ast: Arc<AST>,
    profile: Profile,
}

/// What a script is given under a name.
#[derive(Debug, Clone)]
pub enum Given {
    /// A value.
    Value(Value),
    /// Rows of a child table.
    Rows(RowSet),
    /// A record that is only read.
    Record(Found),
    /// Whatever JSON says.
    Json(Json),
}

/// The record at hand.
#[derive(Debug, Clone, Default)]
pub struct AtHand {
    /// As it stands.
    pub found: Found,
    /// What may be set; nothing of it is where this is nothing.
    pub settable: Option<Settable>,
}

/// What came of a script.
#[derive(Debug, Clone, PartialEq)]
pub struct Ran {
    /// Its last value, where that is one a field could hold.
    pub result: Value,
    /// What it set on the record at hand, as a client would send it.
    pub changes: Map<String, Json>,
}

/// The name under which scripts have the record at hand.
pub const RECORD: &str = "record";

impl Script {
    /// Compiles a script. `given` are the names that will be there when it runs.
    pub fn compile(profile: Profile, source: &str, given: &[&str]) -> Result<Self, ScriptError> {
        let mut scope = Scope::new();
        for name in given {
            scope.push(*name, ());
        }
        let ast = profile.engine().compile_with_scope(&scope, source)?;
        Ok(Self { ast: Arc::new(ast), profile })
    }

    /// Runs it here and now, with nobody to ask. Long ones belong into a [`ScriptPool`](crate::ScriptPool).
    pub fn run(&self, given: impl IntoIterator<Item = (String, Given)>) -> Result<Value, ScriptError> {
        from_dynamic(self.eval(given, None)?)
    }

    /// Runs it on a record, with a host to ask.
    pub fn run_on(&self, host: Rc<dyn Host>, given: impl IntoIterator<Item = (String, Given)>, record: Option<AtHand>) -> Result<Ran, ScriptError> {
        let _present = Presence::of(host);
        let record = record.map(|record| Doc::new(record.found, record.settable));
        let result = self.eval(given, record.as_ref())?;
        Ok(Ran { result: from_dynamic(result).unwrap_or_default(), changes: record.map(|record| record.changes()).unwrap_or_default() })
    }

    fn eval(&self, given: impl IntoIterator<Item = (String, Given)>, record: Option<&Doc>) -> Result<Dynamic, ScriptError> {
        let mut scope = Scope::new();
        for (name, given) in given {
            let value = match given {
                Given::Value(value) => to_dynamic(value),
                Given::Rows(rows) => Dynamic::from(Rows::from(rows)),
                Given::Record(found) => Dynamic::from(Doc::found(found)),
                Given::Json(json) => from_json(&json),
            };
            scope.push_constant_dynamic(name, value);
        }
        // No constant: its fields are set.
        if let Some(record) = record {
            scope.push(RECORD, record.clone());
        }
        let _clock = Clock::start(self.profile.limits().time);
        Ok(self.profile.engine().eval_ast_with_scope::<Dynamic>(&mut scope, &self.ast)?)
    }
}
