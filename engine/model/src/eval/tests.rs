use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, Utc};
use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::{Facts, Place, Truth, evaluate};
use crate::{Filter, Ident, Path, Period, Related, Scopes, TableRef, Value, Variable, check_filter, plant::plant, types};

/// A record as JSON; today is 2026-11-24 in a zone eight hours ahead.
struct Sheet {
    values: HashMap<String, Value>,
    lines: Vec<HashMap<String, Value>>,
}

impl Facts for Sheet {
    fn values(&self, at: &Place, path: &Path) -> Vec<Value> {
        let find = |row: &HashMap<String, Value>| row.get(path.leaf.as_str()).cloned().unwrap_or_default();
        match (at, path.hops.len()) {
            _ if path.start.child.is_none() && path.hops.is_empty() => vec![find(&self.values)],
            (Place::Row { index, .. }, 0) => vec![find(&self.lines[*index])],
            _ => self.lines.iter().map(find).collect(),
        }
    }
    fn variable(&self, variable: &Variable) -> Option<Value> {
        match variable {
            Variable::Today => NaiveDate::from_ymd_opt(2026, 11, 24).map(Value::Date),
            _ => None,
        }
    }
    fn days(&self, _: Period) -> (NaiveDate, NaiveDate) {
        let day = |day| NaiveDate::from_ymd_opt(2026, 11, day).expect("a day");
        (day(23), day(29))
    }
    fn day_of(&self, at: DateTime<Utc>) -> NaiveDate {
        (at + chrono::TimeDelta::hours(8)).date_naive()
    }
    fn is_under(&self, _: Uuid, _: Uuid) -> bool {
        false
    }
    fn row_count(&self, _: &Ident) -> usize {
        self.lines.len()
    }
    fn pointing(&self, _: &Place, _: &Related) -> Option<bool> {
        None
    }
}

fn truth(record: &Json, filter: Json) -> Truth {
    let catalog = plant();
    let card = catalog.card("job").expect("the card");
    let read = |table: &crate::Table, json: &Json| -> HashMap<String, Value> {
        let map = json.as_object().expect("an object");
        map.iter().filter_map(|(key, json)| Some((key.clone(), types::read_json(&table.fields.get(key.as_str())?.kind, json).expect("a value")))).collect()
    };
    let lines = record["lines"].as_array().map_or(&[][..], Vec::as_slice).iter().map(|row| read(&card.children["lines"], row)).collect();
    let sheet = Sheet { values: read(&card.table, record), lines };
    let scopes = Scopes { table: card.table.reference(), record: Some(TableRef::card(&card.key)), row: None };
    let filter = Filter::from_json(&filter).expect("a filter");
    evaluate(&check_filter(&catalog, &scopes, &filter).expect("a condition"), &Place::Record, &sheet)
}

#[track_caller]
fn check(record: Json, field: &str, op: &str, value: Json, expected: bool) {
    let filter = json!({"field": field, "op": op, "value": value});
    assert_eq!(truth(&record, filter.clone()), Truth::from(expected));
    assert_eq!(truth(&record, json!({"not": filter})), Truth::from(!expected), "under not");
}

#[test]
fn an_empty_field_is_no_unknown() {
    let empty = || json!({});
    for (op, value, expected) in [("is", json!("x"), false), ("is_not", json!("x"), true), ("any_of", json!(["x"]), false), ("none_of", json!(["x"]), true), ("contains", json!("x"), false), ("not_contains", json!("x"), true), ("starts_with", json!("x"), false), ("gt", json!("x"), false), ("lte", json!("x"), false), ("empty", Json::Null, true), ("not_empty", Json::Null, false)] {
        check(empty(), "no", op, value, expected);
    }
    check(empty(), "total", "between", json!(["1", "2"]), false);
    check(empty(), "date", "in", json!("this_week"), false);
}

#[test]
fn what_is_not_known_stays_unknown_under_not() {
    let unknown = json!({"field": "owner", "op": "is", "value": "@me"});
    assert_eq!(truth(&json!({}), unknown.clone()), Truth::Unknown);
    assert_eq!(truth(&json!({}), json!({"not": unknown})), Truth::Unknown);
    assert_eq!(truth(&json!({}), json!({"any": [unknown, {"all": []}]})), Truth::True);
    assert_eq!(truth(&json!({}), json!({"all": [unknown, {"any": []}]})), Truth::False);
    assert_eq!(truth(&json!({}), json!({"field": "no", "op": "none_of", "value": []})), Truth::Unknown);
}

#[test]
fn moments_and_days_are_compared_by_the_day_in_the_actors_zone() {
    let seen = || json!({"seen": "2026-11-23T17:00:00Z"}); // the 24th there
    check(seen(), "seen", "is", json!("2026-11-24"), true);
    check(seen(), "seen", "is_not", json!("@today"), false);
    check(seen(), "seen", "after", json!("2026-11-23"), true);
    check(seen(), "seen", "after", json!("2026-11-24"), false);
    check(seen(), "seen", "lte", json!("2026-11-24"), true);
    check(seen(), "seen", "before", json!("@today"), false);
    check(seen(), "seen", "any_of", json!(["2026-11-20", "2026-11-24"]), true);
    check(json!({"date": "2026-11-24", "seen": "2026-11-23T17:00:00Z"}), "date", "is", json!("@record.seen"), true);
}

#[test]
fn over_many_rows_one_is_enough_and_not_means_none() {
    let rows = || json!({"lines": [{"item": "bolt"}, {"item": "Nut"}, {}]});
    check(rows(), "lines.item", "is", json!("bolt"), true);
    check(rows(), "lines.item", "is_not", json!("bolt"), false);
    check(rows(), "lines.item", "is_not", json!("screw"), true);
    check(rows(), "lines.item", "contains", json!("nUT"), true);
    check(rows(), "lines.item", "not_empty", Json::Null, true);
    check(json!({}), "lines.item", "empty", Json::Null, true);
}

#[test]
fn rows_are_seen_one_by_one() {
    let record = json!({"date": "2026-11-24", "lines": [{"item": "bolt", "due": "2026-12-01"}, {"item": "nut", "due": "2026-11-01"}]});
    let has = |filter: Json| truth(&record, json!({"related": "lines", "has": filter}));
    let early = json!({"field": "due", "op": "before", "value": "@record.date"});
    assert_eq!(has(early.clone()), Truth::True);
    assert_eq!(has(json!({"all": [early, {"field": "item", "op": "is", "value": "bolt"}]})), Truth::False);
    assert_eq!(truth(&record, json!({"related": "lines", "has_not": {"field": "amount", "op": "not_empty"}})), Truth::True);
}

#[test]
fn documents_have_the_texts_that_people_read() {
    let value = types::read_json(&crate::FieldKind::RichText, &json!("Plain words")).expect("a document");
    let found = |value: &Value, part: &str| super::texts(value, &Value::Text(part.into()), |text, part| text.contains(part));
    assert!(found(&value, "PLAIN"));
    assert!(!found(&value, "paragraph"));
    let place = Value::Json(json!({"city": "Paris"}));
    assert!(found(&place, "par"));
    assert!(!found(&place, "city"));
}

#[test]
fn an_empty_field_of_the_record_at_hand_is_unknown() {
    assert_eq!(truth(&json!({"date": "2026-11-24"}), json!({"field": "date", "op": "is", "value": "@record.seen"})), Truth::Unknown);
}
