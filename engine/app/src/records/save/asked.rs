//! What formulas and rules ask of other records: linked ones, those above in a tree, those pointing here.

use model::eval::Place;

use super::*;

impl Work {
    pub(super) fn check_tree(&self, record: &Record, ancestors: &HashMap<Uuid, HashSet<Uuid>>, violations: &mut Vec<Violation>) {
        let Some(parent) = &self.card.tree else { return };
        let above = record.get(parent.as_str()).as_id().and_then(|id| ancestors.get(&id));
        if above.is_some_and(|above| above.contains(&record.id)) {
            violations.push(Violation::new(parent.as_str(), Code::Cycle));
        }
    }

    /// Questions of rules and fields about rows of other cards, answered by the database.
    pub(super) async fn pointing(&self, tx: &mut Tx, facts: &DraftFacts<'_>) -> Result<HashMap<String, bool>, UnitError> {
        let mut asked = Vec::new();
        self.card.rules.iter().for_each(|rule| pointing_in(&rule.when, &mut asked));
        for field in std::iter::once(&self.card.table).chain(self.card.children.values()).flat_map(|table| table.own_fields()) {
            [&field.required_when, &field.visible_when, &field.read_only_when].into_iter().flatten().for_each(|when| pointing_in(when, &mut asked));
        }
        let record = facts.record;
        let mut answers = HashMap::new();
        for related in asked {
            let positive = Condition::Related(model::Related { wanted: true, ..related.clone() });
            let bound = bind_for(&self.actor, self.catalog(), &with_facts(&positive, facts, &Place::Record));
            let lowered = select::matching(self.catalog(), tx.dialect(), &self.card.table.reference(), &[record.id], &bound);
            answers.insert(format!("{related:?}"), !tx.fetch(&lowered.statement).await?.is_empty());
        }
        Ok(answers)
    }
}

pub(super) fn pointing_in<'c>(condition: &'c Condition, found: &mut Vec<&'c model::Related>) {
    match condition {
        Condition::All(parts) | Condition::Any(parts) => parts.iter().for_each(|part| pointing_in(part, found)),
        Condition::Not(part) => pointing_in(part, found),
        Condition::Related(related) if matches!(related.rows, model::RowSource::Pointing { .. }) => found.push(related),
        Condition::Related(related) => pointing_in(&related.condition, found),
        Condition::Test(_) | Condition::Unknown => {}
    }
}
