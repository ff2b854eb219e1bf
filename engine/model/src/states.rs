//! States of records: what they lock, and which ways lead out of them.

use crate::{Card, Ident, Record, StateDef, TransitionDef, WorkflowDef};

impl Card {
    /// A transition by its id, with the key of its workflow.
    pub fn transition(&self, id: &str) -> Option<(&Ident, &WorkflowDef, &TransitionDef)> {
        let mut all = self.workflows.iter().flat_map(|(key, workflow)| workflow.transitions.iter().map(move |transition| (key, workflow, transition)));
        all.find(|(_, _, transition)| transition.id == id)
    }

    /// The state of a record in one of its workflows.
    pub fn state<'c>(&'c self, workflow: &str, record: &Record) -> Option<(&'c Ident, &'c StateDef)> {
        let states = &self.workflows.get(workflow)?.states;
        states.get_key_value(record.get(workflow).as_text()?)
    }

    /// The states that lock a record as it is.
    pub fn locks(&self, record: &Record) -> impl Iterator<Item = (&Ident, &StateDef)> {
        let states: Vec<_> = self.workflows.keys().filter_map(|key| self.state(key.as_str(), record)).filter(|(_, state)| state.locks).collect();
        states.into_iter()
    }

    /// Whether a state locks a field, or a child table, of a record as it is.
    pub fn is_locked(&self, record: &Record, name: &str) -> bool {
        self.locks(record).any(|(_, state)| !self.opens(state, name))
    }

    /// Whether a state leaves a field, or a child table, open although it locks; with a dated link its rows.
    pub fn opens(&self, state: &StateDef, name: &str) -> bool {
        let of_link = |open: &Ident| self.field(open.as_str()).is_some_and(crate::Field::is_dated) && crate::build::dated::table_of(open).is_some_and(|table| table == name);
        state.editable.iter().any(|open| open == name || of_link(open))
    }
}
