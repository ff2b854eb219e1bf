use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use model::{Catalog, FieldKind, Filter, Path, Period, Scopes, TableRef, Value, Variable, check_filter, load::read_pack};
use serde_json::{Value as Json, json};

use super::{Binder, bind, day_of, has_unknown};

/// Eight hours ahead of UTC, on 24 November 2026; nobody is signed in.
struct Shanghai(Catalog);

impl Binder for Shanghai {
    fn variable(&self, variable: &Variable) -> Option<Value> {
        match variable {
            Variable::Today => NaiveDate::from_ymd_opt(2026, 11, 24).map(Value::Date),
            Variable::Now => Some(Value::Instant("2026-11-23T16:30:00Z".parse().expect("a moment"))),
            _ => None,
        }
    }
    fn days(&self, _: Period) -> (NaiveDate, NaiveDate) {
        let day = |day| NaiveDate::from_ymd_opt(2026, 11, day).expect("a day");
        (day(23), day(29))
    }
    fn day_start(&self, day: NaiveDate) -> DateTime<Utc> {
        day.and_time(chrono::NaiveTime::MIN).and_utc() - TimeDelta::hours(8)
    }
    fn kind(&self, path: &Path) -> Option<FieldKind> {
        path.field(&self.0).map(|field| field.kind.clone())
    }
}

fn catalog() -> Catalog {
    let card = r#"{"key": "thing", "fields": {"day": {"type": "date"}, "at": {"type": "datetime"}, "by": {"type": "user"}}}"#;
    let files = [("pack.json", r#"{"id": "p", "version": "1.0.0"}"#), ("cards/thing.json", card)];
    let (source, _) = read_pack(files.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec())).collect());
    model::build::build(&[source], 1).0.expect("a catalog")
}

#[track_caller]
fn check(filter: Json, expected: &str) {
    let binder = Shanghai(catalog());
    let card = binder.0.card("thing").expect("the card");
    let filter = Filter::from_json(&filter).expect("a filter");
    let condition = check_filter(&binder.0, &Scopes::of(TableRef::card(&card.key)), &filter).expect("a condition");
    let said = format!("{:?}", bind(&condition, &binder));
    // What was compared, without how a path looks inside.
    let operands: Vec<&str> = said.split("op: ").skip(1).map(|rest| rest.split(" })").next().unwrap_or(rest)).collect();
    let unknown = if said.contains("Unknown") { "unknown" } else { "" };
    assert_eq!(format!("{}{unknown}", operands.join("; ")), expected, "{said}");
}

#[test]
fn a_moment_compared_with_a_day_means_the_whole_day() {
    let test = |op: &str| json!({"field": "at", "op": op, "value": "2026-11-24"});
    check(test("is"), "Between, operand: Range(Value(Instant(2026-11-23T16:00:00Z)), Value(Instant(2026-11-24T15:59:59.999999Z)))");
    check(test("before"), "Before, operand: One(Value(Instant(2026-11-23T16:00:00Z)))");
    check(test("after"), "Gt, operand: One(Value(Instant(2026-11-24T15:59:59.999999Z)))");
    check(test("lte"), "Lte, operand: One(Value(Instant(2026-11-24T15:59:59.999999Z)))");
    check(test("gte"), "Gte, operand: One(Value(Instant(2026-11-23T16:00:00Z)))");
    check(json!({"field": "at", "op": "in", "value": "this_week"}), "Between, operand: Range(Value(Instant(2026-11-22T16:00:00Z)), Value(Instant(2026-11-29T15:59:59.999999Z)))");
}

#[test]
fn a_day_compared_with_now_means_the_day_it_is_here() {
    check(json!({"field": "day", "op": "is", "value": "@now"}), "Is, operand: One(Value(Date(2026-11-24)))");
    let binder = Shanghai(catalog());
    assert_eq!(day_of(&binder, "2026-11-23T15:59:59Z".parse().expect("a moment")).to_string(), "2026-11-23");
    assert_eq!(day_of(&binder, "2026-11-23T16:00:00Z".parse().expect("a moment")).to_string(), "2026-11-24");
}

#[test]
fn a_variable_that_stands_for_nothing_is_unknown() {
    check(json!({"field": "by", "op": "is", "value": "@me"}), "unknown");
    check(json!({"not": {"field": "by", "op": "is", "value": "@me"}}), "unknown");
    let binder = Shanghai(catalog());
    let card = binder.0.card("thing").expect("the card");
    let of = |filter: Json| bind(&check_filter(&binder.0, &Scopes::of(TableRef::card(&card.key)), &Filter::from_json(&filter).expect("a filter")).expect("a condition"), &binder);
    assert!(has_unknown(&of(json!({"any": [{"field": "day", "op": "empty"}, {"field": "by", "op": "is", "value": "@me"}]}))));
    assert!(!has_unknown(&of(json!({"field": "day", "op": "before", "value": "@today"}))));
}
