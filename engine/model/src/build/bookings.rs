//! Bookings that may not overlap: what is booked, from when to when, and which records are bookings.

use super::{Merged, condition};
use crate::{Card, Catalog, Condition, Field, FieldKind, NoOverlap, Scopes, Term, diagnostic::Diagnostic};

pub(crate) fn resolve(card: &mut Card, part: &Merged, catalog: &Catalog, findings: &mut Vec<Diagnostic>) {
    let Some(def) = part.def.no_overlap.as_ref() else { return };
    let keys = [("by", &def.by), ("from", &def.from), ("to", &def.to)];
    let found: Vec<Option<&Field>> = keys.iter().map(|(_, key)| card.table.fields.get(*key)).collect();
    for ((name, key), _) in keys.iter().zip(&found).filter(|(_, field)| field.is_none()) {
        findings.push(part.error(&format!("/no_overlap/{name}"), format!("`{}` has no field `{key}`", card.key)).near(key.as_str(), card.table.own_fields().map(|field| field.key.as_str())));
    }
    let [Some(by), Some(from), Some(to)] = found.as_slice() else { return };
    for ((name, key), _) in keys.iter().zip([by, from, to]).filter(|(_, field)| field.column().is_none()) {
        findings.push(part.error(&format!("/no_overlap/{name}"), format!("`{key}` is not stored in one column")));
    }
    if !matches!((&from.kind, &to.kind), (FieldKind::Date, FieldKind::Date) | (FieldKind::Datetime, FieldKind::Datetime)) {
        findings.push(part.error("/no_overlap", format!("`{}` and `{}` are of two types; both are dates, or both datetimes", def.from, def.to)));
    }
    let scopes = Scopes { table: card.table.reference(), record: None, row: None };
    let when = def.when.as_ref().and_then(|filter| Some((condition(catalog, &scopes, filter, &part.origin, "/no_overlap/when", findings)?, filter.clone())));
    if when.as_ref().is_some_and(|(when, _)| !is_plain(when)) {
        findings.push(part.error("/no_overlap/when", "this compares the record's own fields with fixed values, nothing else").help("such as {\"field\": \"state\", \"op\": \"any_of\", \"value\": [\"approved\"]}"));
        return;
    }
    // Asked at every save of a booking.
    let index = vec![def.by.clone(), def.from.clone()];
    if !card.indexes.contains(&index) {
        card.indexes.push(index);
    }
    card.no_overlap = Some(NoOverlap { by: def.by.clone(), from: def.from.clone(), to: def.to.clone(), when });
}

/// Whether a condition asks a record for its own values alone.
fn is_plain(condition: &Condition) -> bool {
    match condition {
        Condition::All(parts) | Condition::Any(parts) => parts.iter().all(is_plain),
        Condition::Not(part) => is_plain(part),
        Condition::Test(test) => test.path.hops.is_empty() && test.operand.terms().all(|term| matches!(term, Term::Value(_))),
        Condition::Related(_) | Condition::Unknown => false,
    }
}
