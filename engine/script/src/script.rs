//! Scripts with statements: what happens on a record, and steps of reports.
//!
//! **Invariants**
//! - A script sees what the caller puts in and gives a result; it reaches nothing else.
//!
//! **Not here:** where they run (`pool`).

use std::sync::Arc;

use model::Value;
use rhai::{AST, Dynamic, Scope};

use crate::{
    clock::Clock,
    convert::{from_dynamic, to_dynamic},
    fault::ScriptError,
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
}

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

    /// Runs it here and now. Long ones belong into a [`ScriptPool`](crate::ScriptPool).
    pub fn run(&self, given: impl IntoIterator<Item = (String, Given)>) -> Result<Value, ScriptError> {
        let mut scope = Scope::new();
        for (name, given) in given {
            let value = match given {
                Given::Value(value) => to_dynamic(value),
                Given::Rows(rows) => Dynamic::from(Rows::from(rows)),
            };
            scope.push_constant_dynamic(name, value);
        }
        let _clock = Clock::start(self.profile.limits().time);
        let result = self.profile.engine().eval_ast_with_scope::<Dynamic>(&mut scope, &self.ast);
        from_dynamic(result?)
    }
}
