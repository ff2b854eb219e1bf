//! Workflows: whether states and transitions fit together, and what the conditions of transitions mean.
//!
//! **Not here:** the field of each workflow (`fields`), taking transitions (`app::flows`).

use indexmap::IndexMap;

use super::{Merged, condition};
use crate::{
    ApprovalDef, Card, Catalog, Condition, FieldKind, Ident, Scopes, TransitionDef, USER_CARD, WorkflowDef,
    diagnostic::Diagnostic,
    path,
};

/// Checks the workflows of a card; the conditions of its transitions, by their ids.
pub(crate) fn resolve(card: &Card, part: &Merged, catalog: &Catalog, findings: &mut Vec<Diagnostic>) -> IndexMap<Ident, Condition> {
    let mut guards = IndexMap::new();
    let mut seen: Vec<&Ident> = Vec::new();
    for (key, workflow) in &card.workflows {
        let place = if part.def.workflows.contains_key(key) { format!("/workflows/{key}") } else { String::new() };
        let mut at = Check { card, part, catalog, findings, place };
        at.states(workflow);
        for (index, transition) in workflow.transitions.iter().enumerate() {
            if seen.contains(&&transition.id) {
                at.say(&format!("/transitions/{index}/id"), format!("there are two transitions `{}`; each has an id of its own, in all workflows of the card", transition.id));
            }
            seen.push(&transition.id);
            guards.extend(at.transition(index, workflow, transition).map(|guard| (transition.id.clone(), guard)));
        }
    }
    guards
}

struct Check<'a> {
    card: &'a Card,
    part: &'a Merged,
    catalog: &'a Catalog,
    findings: &'a mut Vec<Diagnostic>,
    place: String,
}

impl Check<'_> {
    fn say(&mut self, pointer: &str, message: String) {
        self.findings.push(self.part.error(&format!("{}{pointer}", self.place), message));
    }

    fn states(&mut self, workflow: &WorkflowDef) {
        if workflow.states.values().filter(|state| state.initial).count() > 1 {
            self.say("/states", "records start in one state; several say `initial`".into());
        }
        for (key, state) in &workflow.states {
            for name in &state.editable {
                if !self.card.table.fields.contains_key(name) && !self.card.children.contains_key(name) {
                    let known = self.card.table.own_fields().map(|field| field.key.as_str()).chain(self.card.children.keys().map(Ident::as_str));
                    let finding = self.part.error(&format!("{}/states/{key}/editable", self.place), format!("`{}` has no field `{name}`", self.card.key)).near(name.as_str(), known);
                    self.findings.push(finding);
                }
            }
            if !state.editable.is_empty() && !state.locks {
                self.say(&format!("/states/{key}/editable"), format!("`{key}` does not lock, so everything is editable").to_owned());
            }
        }
    }

    fn transition(&mut self, index: usize, workflow: &WorkflowDef, transition: &TransitionDef) -> Option<Condition> {
        let own = format!("/transitions/{index}");
        for state in transition.from.iter().filter(|state| workflow.states.get(*state).is_some_and(|state| state.last)) {
            self.say(&format!("{own}/from"), format!("`{state}` is final: nothing leads out of it"));
        }
        for role in transition.roles.iter().filter(|role| !self.catalog.roles.contains_key(*role)) {
            let finding = self.part.error(&format!("{}{own}/roles", self.place), format!("there is no role `{role}`"));
            self.findings.push(finding.near(role.as_str(), self.catalog.roles.keys().map(Ident::as_str)).as_warning());
        }
        for name in &transition.required {
            match self.card.table.fields.get(name) {
                Some(field) if field.is_editable() => {}
                Some(_) => self.say(&format!("{own}/required"), format!("`{name}` is not filled in by people")),
                None => {
                    let known = self.card.table.own_fields().map(|field| field.key.as_str());
                    let finding = self.part.error(&format!("{}{own}/required", self.place), format!("`{}` has no field `{name}`", self.card.key)).near(name.as_str(), known);
                    self.findings.push(finding);
                }
            }
        }
        if let Some(approval) = &transition.approval {
            self.approval(&own, workflow, approval);
        }
        self.condition(transition.when.as_ref()?, &format!("{own}/when"))
    }

    fn condition(&mut self, filter: &crate::Filter, pointer: &str) -> Option<Condition> {
        let table = self.card.table.reference();
        let scopes = Scopes { table: table.clone(), record: Some(table), row: None };
        condition(self.catalog, &scopes, filter, &self.part.origin, &format!("{}{pointer}", self.place), self.findings)
    }

    fn approval(&mut self, own: &str, workflow: &WorkflowDef, approval: &ApprovalDef) {
        for (key, state) in [("during", &approval.during), ("rejected", &approval.rejected)] {
            if let Some(state) = state.as_ref().filter(|state| !workflow.states.contains_key(*state)) {
                let finding = self.part.error(&format!("{}{own}/approval/{key}", self.place), format!("there is no state `{state}`"));
                self.findings.push(finding.near(state.as_str(), workflow.states.keys().map(Ident::as_str)));
            }
        }
        if approval.steps.is_empty() {
            self.say(&format!("{own}/approval/steps"), "an approval has at least one step".into());
        }
        for (index, step) in approval.steps.iter().enumerate() {
            let pointer = format!("{own}/approval/steps/{index}");
            if step.by.each().is_empty() {
                self.say(&format!("{pointer}/by"), "nobody is asked".into());
            }
            for by in step.by.each() {
                self.asked(&format!("{pointer}/by"), by);
            }
            for (key, hours) in [("remind_after", step.remind_after), ("escalate_after", step.escalate_after)] {
                if hours == Some(0) {
                    self.say(&format!("{pointer}/{key}"), format!("`{key}` is 1 hour or more"));
                }
            }
            if let Some(when) = &step.when {
                self.condition(when, &format!("{pointer}/when"));
            }
        }
    }

    fn asked(&mut self, pointer: &str, by: &str) {
        let led = self.catalog.org.as_ref().is_some_and(|org| org.manager.is_some());
        match by.strip_prefix("role:") {
            Some(role) if self.catalog.roles.contains_key(role) || role == "administrator" => {}
            Some(role) => {
                let finding = self.part.error(&format!("{}{pointer}", self.place), format!("there is no role `{role}`"));
                self.findings.push(finding.near(role, self.catalog.roles.keys().map(Ident::as_str)));
            }
            None if matches!(by, "manager" | "head") => {
                if !led {
                    let finding = self.part.error(&format!("{}{pointer}", self.place), format!("no pack says who leads an org unit, so `{by}` asks administrators"));
                    self.findings.push(finding.as_warning());
                }
            }
            None => match path::resolve(self.catalog, &self.card.table.reference(), by) {
                Ok(path) if path.is_many() => self.say(pointer, format!("`{by}` leads to many records")),
                Ok(path) => {
                    let is_user = path.field(self.catalog).is_some_and(|field| matches!(&field.kind, FieldKind::Link(link) if link.target == USER_CARD && !link.multiple));
                    if !is_user {
                        self.say(pointer, format!("`{by}` is no user; name `manager`, `head`, `role:KEY` or a path to a user"));
                    }
                }
                Err(error) => self.say(pointer, format!("{}; name `manager`, `head`, `role:KEY` or a path to a user", error.message)),
            },
        }
    }
}
