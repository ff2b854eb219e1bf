//! Bookings: two of the same thing at the same time are refused, and the other is named as far as it may be seen.
//!
//! **Invariants**
//! - Whoever books a thing waits for others who are booking it: of two at once, one is told of the other.
//! - Days are whole, both included; of moments the last belongs to the next booking. Without an end it goes on.

use model::{NoOverlap, eval::{compare, holds}};

use super::*;

impl Work {
    /// Refuses a record that would be a booking of what is booked by then.
    pub(super) async fn check_overlap(&self, tx: &mut Tx, stored: Option<&Record>, facts: &DraftFacts<'_>, violations: &mut Vec<Violation>) -> Result<(), UnitError> {
        let Some(rule) = &self.card.no_overlap else { return Ok(()) };
        let counts = |facts: &DraftFacts<'_>| rule.when.as_ref().is_none_or(|(when, _)| holds(when, &model::eval::Place::Record, facts));
        let of = |record: &Record| [&rule.by, &rule.from, &rule.to].map(|key| record.get(key.as_str()).clone());
        if !counts(facts) || stored.is_some_and(|stored| of(stored) == of(facts.record) && counts(&DraftFacts { record: stored, ..*facts })) {
            return Ok(());
        }
        let found = other_booking(tx, &self.snapshot, &self.actor, &self.card, facts.record).await?;
        violations.extend(found.map(|other| Violation::new(rule.from.as_str(), Code::Overlap).with("other", other)));
        Ok(())
    }
}

/// Another booking at the same time, in words for whoever asks; nothing if there is none. The record itself is taken to
/// be a booking.
pub(crate) async fn other_booking(tx: &mut Tx, snapshot: &Snapshot, actor: &Actor, card: &Card, record: &Record) -> Result<Option<String>, UnitError> {
    let Some(rule) = &card.no_overlap else { return Ok(None) };
    let [by, from, to] = [&rule.by, &rule.from, &rule.to].map(|key| record.get(key.as_str()));
    if by.is_empty() || from.is_empty() || compare(to, from) == Some(std::cmp::Ordering::Less) {
        return Ok(None);
    }
    let shown = |key: &Ident, value: &Value| card.field(key.as_str()).map_or(Json::Null, |field| types::to_json(&field.kind, value));
    let digest = Sha256::digest(format!("booking {} {}", card.id, shown(&rule.by, by)));
    if let Some(hold) = sql::system_likeness::hold_key(tx.dialect(), &digest) {
        tx.fetch(&hold).await?;
    }
    let filter = at_the_time(rule, card, &|key| shown(key, record.get(key.as_str())));
    let request = query::ListRequest { filter: Some(filter), fields: Some(vec!["id".into(), rule.from.to_string(), rule.to.to_string()]), sort: Some(rule.from.to_string()), limit: Some(2), ..query::ListRequest::default() };
    let system = Actor::system(Reason::Integrity, actor.now);
    let gated = crate::lists::ask(snapshot, &system, card.key.as_str(), &request)?;
    let lowered = sql::page::list(&snapshot.catalog, tx.dialect(), &gated);
    let rows: Vec<Vec<Value>> = tx.fetch(&lowered.statement).await?.into_iter().map(|row| lowered.decode(row)).collect();
    let Some((id, row)) = rows.iter().find_map(|row| row.first().and_then(Value::as_id).filter(|id| *id != record.id).map(|id| (id, row))) else { return Ok(None) };
    let locale = form::Locale::of(&actor.lang, actor.zone);
    let wanted = BTreeMap::from([(card.key.clone(), BTreeSet::from([id]))]);
    let titles = crate::titles::fetch(&mut Source::Tx(tx), &snapshot.catalog, actor, &wanted, &locale).await?;
    let Some(title) = titles.get(&id) else { return Ok(Some("another booking".into())) };
    let text = |at: usize, key: &Ident| card.field(key.as_str()).zip(row.get(at)).map(|(field, value)| form::format::text(&field.kind, value, &locale)).unwrap_or_default();
    Ok(Some(format!("“{title}” ({} – {})", text(1, &rule.from), text(2, &rule.to))))
}

/// The bookings of the same thing that begin before this one ends, and end after it begins.
fn at_the_time(rule: &NoOverlap, card: &Card, shown: &dyn Fn(&Ident) -> Json) -> Json {
    let whole_days = card.field(rule.from.as_str()).is_some_and(|field| matches!(field.kind, FieldKind::Date));
    let (before, after) = if whole_days { ("lte", "gte") } else { ("lt", "gt") };
    let mut parts = vec![
        serde_json::json!({"field": rule.by, "op": "is", "value": shown(&rule.by)}),
        serde_json::json!({"field": rule.from, "op": "not_empty"}),
        serde_json::json!({"any": [{"field": rule.to, "op": "empty"}, {"field": rule.to, "op": after, "value": shown(&rule.from)}]}),
    ];
    if !shown(&rule.to).is_null() {
        parts.push(serde_json::json!({"field": rule.from, "op": before, "value": shown(&rule.to)}));
    }
    parts.extend(rule.when.as_ref().map(|(_, when)| when.to_json()));
    serde_json::json!({"all": parts})
}
