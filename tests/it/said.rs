//! What is said to databases, to programs and to people, kept as texts, so that a change of any of it is seen.

use std::fmt::Write;

use access::{Actor, gate_write};
use app::{AppError, Blocker, Snapshot, Stale, StaleField};
use chrono::{DateTime, Utc};
use model::{ActionName, Catalog, Code, FieldKind, Ident, Path, Period, Rejected, Row, TableRef, Value, Variable, Violation, build, load::read_pack};
use query::{Binder, ListRequest};
use serde_json::{Value as Json, json};
use sql::{Dialect, select, write};
use uuid::Uuid;

use crate::site::pack;

fn catalog() -> Catalog {
    let (source, found) = read_pack(pack("tests/packs/lab"));
    assert!(found.is_empty(), "{found:?}");
    build::build(&[source], 7).0.expect("a catalog")
}

fn now() -> DateTime<Utc> {
    DateTime::parse_from_rfc3339("2026-11-24T08:00:00Z").expect("a moment").with_timezone(&Utc)
}

fn actor(roles: &[&str]) -> Actor {
    Actor::user(Uuid::from_u128(1), "kim", roles.iter().map(|role| Ident::new(role).expect("a key")).collect(), now())
}

struct Bound<'a>(&'a Actor, &'a Catalog);

impl Binder for Bound<'_> {
    fn variable(&self, variable: &Variable) -> Option<Value> {
        self.0.variable(variable)
    }
    fn days(&self, period: Period) -> (chrono::NaiveDate, chrono::NaiveDate) {
        self.0.days(period)
    }
    fn day_start(&self, day: chrono::NaiveDate) -> DateTime<Utc> {
        self.0.day_start(day)
    }
    fn kind(&self, path: &Path) -> Option<FieldKind> {
        path.field(self.1).map(|field| model::resolve::kind_of(path, field))
    }
}

/// A statement on lines of readable length, with what it binds.
fn shown(text: &mut String, statement: &sql::Statement) {
    let sql = statement.sql.replace(" FROM ", "\n  FROM ").replace(" LEFT JOIN ", "\n  LEFT JOIN ").replace(" WHERE ", "\n  WHERE ").replace(" AND ", "\n    AND ").replace(" ORDER BY ", "\n  ORDER BY ").replace(" GROUP BY ", "\n  GROUP BY ").replace(" VALUES ", "\n  VALUES ").replace(" SET ", "\n  SET ");
    let _ = writeln!(text, "{sql}");
    if !statement.binds.is_empty() {
        let _ = writeln!(text, "  -- {}", statement.binds.iter().map(|datum| format!("{datum:?}")).collect::<Vec<_>>().join(", "));
    }
    text.push('\n');
}

const DIALECTS: [Dialect; 2] = [Dialect::Sqlite, Dialect::Postgres];

#[test]
fn questions() {
    let catalog = catalog();
    let card = catalog.card("device").expect("a card");
    let some = |filter: Json| json!({"filter": filter, "fields": ["no"], "sort": "no"});
    let questions = [
        ("a column, a path, a live fetch", "keeper", json!({"fields": ["no", "room.name", "room_budget", "about"], "sort": "-room.name,price", "limit": 10})),
        ("texts, letters of any case", "keeper", some(json!({"all": [{"field": "name", "op": "contains", "value": "A%_"}, {"field": "notes", "op": "not_contains", "value": "x"}, {"field": "email", "op": "ends_with", "value": "COM"}]}))),
        ("numbers beyond the scale", "keeper", some(json!({"any": [{"field": "price", "op": "gt", "value": "1.005"}, {"field": "price", "op": "is", "value": "1.005"}, {"field": "amount", "op": "between", "value": [1, 5]}]}))),
        ("an empty field is no unknown", "keeper", some(json!({"not": {"any": [{"field": "amount", "op": "gt", "value": 1}, {"field": "grade", "op": "is_not", "value": "a"}]}}))),
        ("an empty list is one", "keeper", some(json!({"not": {"field": "grade", "op": "any_of", "value": []}}))),
        ("days of a moment", "keeper", some(json!({"all": [{"field": "checked", "op": "is", "value": "2026-11-24"}, {"field": "bought", "op": "in", "value": "this_month"}, {"field": "bought", "op": "anniversary_in", "value": "next_14_days"}]}))),
        ("several values", "keeper", some(json!({"all": [{"field": "tags", "op": "any_of", "value": ["new", "hot"]}, {"field": "kin.name", "op": "is_not", "value": "x"}]}))),
        ("a tree", "keeper", some(json!({"field": "room", "op": "under", "value": [Uuid::from_u128(9)]}))),
        ("rows and their record", "keeper", some(json!({"related": "parts", "has": {"all": [{"field": "due", "op": "before", "value": "@record.bought"}, {"field": "price", "op": "gte", "value": "@record.room.budget"}, {"not": {"field": "quantity", "op": "gt", "value": "@row.price"}}]}}))),
        ("records that point here, and none", "keeper", some(json!({"all": [{"related": "loan.device", "has_not": {"field": "since", "op": "after", "value": "@today"}}, {"related": "device.kin", "has": {"field": "name", "op": "is", "value": "x"}}]}))),
        ("parts of values", "keeper", some(json!({"all": [{"field": "address.city", "op": "is", "value": "Berlin"}, {"field": "place.lat", "op": "gt", "value": 50}, {"field": "manual", "op": "contains", "value": "x"}]}))),
        ("words, looked for", "keeper", json!({"q": "attic 50%", "fields": ["no"]})),
        ("own records without their price", "clerk", json!({"filter": {"field": "room.name", "op": "is", "value": "Attic"}, "fields": ["no", "price", "kin"], "sort": "price"})),
        ("of one grade only", "guest", json!({"fields": ["no", "room"], "count": "exact"})),
        ("the trash", "keeper", json!({"trash": "only", "fields": ["no"]})),
    ];
    let mut text = String::new();
    for (name, role, body) in questions {
        let request: ListRequest = serde_json::from_value(body).expect("a request");
        let actor = actor(&[role]);
        let checked = query::check(&catalog, card, &request, &Bound(&actor, &catalog), &|_| true).expect("it makes sense");
        let gated = access::gate_query(&catalog, &actor, checked).expect("it may be asked");
        for dialect in DIALECTS {
            let _ = writeln!(text, "## {name} ({dialect:?})\n");
            shown(&mut text, &sql::page::list(&catalog, dialect, &gated).statement);
        }
    }
    insta::assert_snapshot!(text);
}

#[test]
fn lanes() {
    let catalog = catalog();
    let card = catalog.card("device").expect("a card");
    let actor = actor(&["clerk"]);
    let lane = |grade: &str| {
        let request: ListRequest = serde_json::from_value(json!({"filter": {"field": "grade", "op": "is", "value": grade}, "fields": ["no", "room.name"], "sort": "-price", "limit": 2})).expect("a request");
        let checked = query::check(&catalog, card, &request, &Bound(&actor, &catalog), &|_| true).expect("it makes sense");
        access::gate_query(&catalog, &actor, checked).expect("it may be asked")
    };
    let lists = [lane("a"), lane("b")];
    let mut text = String::new();
    for dialect in DIALECTS {
        let _ = writeln!(text, "## {dialect:?}\n");
        shown(&mut text, &sql::page::several(&catalog, dialect, &lists).expect("two lists").statement);
    }
    insta::assert_snapshot!(text);
}

#[test]
fn counts_totals_and_groups() {
    let catalog = catalog();
    let card = catalog.card("device").expect("a card");
    let body = json!({"filter": {"field": "leased", "op": "is", "value": true}, "count": "exact", "totals": [{"field": "price", "function": "sum"}, {"field": "amount", "function": "avg"}, {"field": "grade", "function": "count_distinct"}, {"field": "bought", "function": "max"}, {"field": "room.name", "function": "count"}], "group_by": [{"field": "grade"}, {"field": "checked", "by": "month"}]});
    let request: ListRequest = serde_json::from_value(body).expect("a request");
    let mut text = String::new();
    for role in ["keeper", "clerk"] {
        let actor = actor(&[role]);
        let checked = query::check(&catalog, card, &request, &Bound(&actor, &catalog), &|_| true).expect("it makes sense");
        let gated = access::gate_query(&catalog, &actor, checked).expect("it may be asked");
        for dialect in DIALECTS {
            let _ = writeln!(text, "## {role} ({dialect:?})\n");
            shown(&mut text, &select::count(&catalog, dialect, &gated, Some(10_000)).statement);
            shown(&mut text, &select::totals(&catalog, dialect, &gated, sql::builder::Sums::Plain).statement);
        }
    }
    insta::assert_snapshot!(text);
}

#[test]
fn tables() {
    let catalog = catalog();
    let mut text = String::new();
    for dialect in DIALECTS {
        let _ = writeln!(text, "## {dialect:?}\n");
        let steps = sql::schema::plan(&sql::schema::Existing::default(), &sql::schema::desired(&catalog), dialect);
        for step in steps.grow.into_iter().chain(steps.finish) {
            let _ = writeln!(text, "{step};");
        }
        text.push('\n');
    }
    insta::assert_snapshot!(text);
}

#[test]
fn writes() {
    let catalog = catalog();
    let device = catalog.card("device").expect("a card");
    let key = |name: &str| Ident::new(name).expect("a key");
    let values = [("name", Value::Text("O'Brien".into())), ("price", Value::Decimal("12.50".parse().expect("a number"))), ("leased", Value::Bool(true)), ("tags", Value::Texts(vec!["new".into(), "hot".into()])), ("about", Value::AnyId { card: key("room"), id: Uuid::from_u128(3) }), ("version", Value::Int(2))];
    let row = Row { id: Uuid::from_u128(6), values: [("label", Value::Text("A".into())), ("kinds", Value::Texts(vec!["x".into()]))].into_iter().map(|(name, value)| (key(name), value)).collect() };
    let record = model::Record { id: Uuid::from_u128(5), values: values.into_iter().map(|(name, value)| (key(name), value)).collect(), children: [(key("parts"), vec![row])].into_iter().collect() };
    struct Nothing;
    impl model::eval::Facts for Nothing {
        fn values(&self, _: &model::eval::Place, _: &Path) -> Vec<Value> {
            Vec::new()
        }
        fn variable(&self, _: &Variable) -> Option<Value> {
            None
        }
        fn days(&self, _: Period) -> (chrono::NaiveDate, chrono::NaiveDate) {
            Default::default()
        }
        fn day_of(&self, at: DateTime<Utc>) -> chrono::NaiveDate {
            at.date_naive()
        }
        fn is_under(&self, _: Uuid, _: Uuid) -> bool {
            false
        }
        fn row_count(&self, _: &Ident) -> usize {
            0
        }
        fn pointing(&self, _: &model::eval::Place, _: &model::Related) -> Option<bool> {
            None
        }
    }
    // Nothing but validation makes what can be written; what is wanting here is filled in.
    let mut whole = record;
    whole.children[0][0].values.insert(key("quantity"), Value::Decimal("1.000".parse().expect("a number")));
    let valid = model::validate::validate(device, whole.clone(), None, &Nothing, Vec::new());
    let valid = valid.valid.unwrap_or_else(|| panic!("{:?}", valid.violations));
    let actor = actor(&["keeper"]);
    let gated = gate_write(&catalog, &actor, device, ActionName::Update).expect("may");
    let ids = [Uuid::from_u128(5), Uuid::from_u128(8)];
    let stamp = write::Stamp { by: Some(Uuid::from_u128(1)), at: now() };
    let parts = &device.children["parts"];
    let mut text = String::new();
    for dialect in DIALECTS {
        let _ = writeln!(text, "## made ({dialect:?})\n");
        write::create(&catalog, dialect, &gated, &valid).iter().for_each(|statement| shown(&mut text, statement));
        let _ = writeln!(text, "## changed ({dialect:?})\n");
        let changes = write::Changes { fields: vec![key("price"), key("tags"), key("version")], added: Vec::new(), changed: vec![(parts, 0, &whole.children[0][0], vec![key("label"), key("kinds")])], removed: vec![(parts, Uuid::from_u128(7))] };
        write::update(&catalog, dialect, &gated, &valid, 1, &changes).iter().for_each(|statement| shown(&mut text, statement));
        let _ = writeln!(text, "## to the trash and back ({dialect:?})\n");
        shown(&mut text, &write::trash(&catalog, dialect, device, &ids, Uuid::from_u128(9), stamp));
        shown(&mut text, &write::restore(&catalog, dialect, device, Uuid::from_u128(9), stamp));
        let _ = writeln!(text, "## looked at before ({dialect:?})\n");
        let room = catalog.card("room").expect("a card");
        for (table, field) in catalog.links_to(&room.key).filter(|(_, field)| !field.system) {
            shown(&mut text, &write::pointing(&catalog, dialect, table, field, &ids, 10, false));
        }
        if let Some(statement) = write::same_values(&catalog, dialect, &device.table, &whole, &[key("name")]) {
            shown(&mut text, &statement);
        }
        shown(&mut text, &select::matching(&catalog, dialect, &TableRef::card(&device.key), &ids, &gated.rows()).statement);
    }
    insta::assert_snapshot!(text);
}

#[test]
fn the_api_described() {
    let snapshot = Snapshot::new(catalog());
    for role in ["administrator", "clerk"] {
        let document = web::openapi::write(&snapshot, &actor(&[role]));
        insta::assert_snapshot!(format!("openapi_{role}"), serde_json::to_string_pretty(&document).expect("JSON"));
    }
}

#[test]
fn problems() {
    let stale = Stale { version: 4, changed_by: Some("Li Wei".into()), changed_at: Some(now()), fields: vec![StaleField { path: "lines/01930000-0000-7000-8000-000000000001/price".into(), theirs: json!("2.00"), yours: json!("3.00") }] };
    let blocker = Blocker { card: Ident::new("loan").expect("a key"), field: Ident::new("device").expect("a key"), count: 3 };
    let denied = |denied: access::Denied| AppError::from(denied);
    let errors: Vec<AppError> = vec![
        AppError::malformed("bad_filter", "`nmae` is no field; did you mean `name`? (at /field)"),
        AppError::Unauthenticated,
        denied(access::Denied::Hidden),
        denied(access::Denied::Action { action: "delete".into(), card: "Device".into() }),
        denied(access::Denied::Field { field: "cost".into(), card: "Device".into() }),
        AppError::forbidden("you may not change this record"),
        AppError::forbidden("you may not delete this record"),
        AppError::forbidden("the record would leave what you may change"),
        AppError::forbidden("this change was asked for by another site"),
        AppError::not_found("record"),
        AppError::not_found("file"),
        AppError::Conflict { code: "restricted", detail: "other records point to this one (Loans: 3)".into(), blockers: vec![blocker] },
        AppError::Conflict { code: "restricted", detail: "what `Device` points to (Device) is in the trash; restore that first".into(), blockers: Vec::new() },
        AppError::Conflict { code: "value_taken", detail: "another record has taken one of its unique values meanwhile".into(), blockers: Vec::new() },
        AppError::Conflict { code: "id_taken", detail: "there is a record with this id already".into(), blockers: Vec::new() },
        AppError::Stale(Box::new(stale)),
        AppError::TooLarge { detail: "a body has at most 2097152 bytes".into() },
        AppError::UnsupportedType { detail: "send JSON with Content-Type: application/json".into() },
        AppError::Rejected(Rejected(vec![Violation::new("name", Code::Required), Violation::new("lines/2/quantity", Code::Min).with("min", 0)])),
        AppError::TooMany { seconds: 12 },
        AppError::Unavailable { detail: "the disk is full".into() },
        AppError::Internal("a secret cause".into()),
        AppError::malformed("weak_password", "a password has 10 to 128 characters"),
        AppError::malformed("wrong_password", "the present password is not right"),
        AppError::malformed("bad_link", "this link was used already or is too old; ask for another"),
    ];
    let mut text = String::new();
    for error in &errors {
        for lang in ["en", "zh-Hans", "zh-Hant"] {
            let _ = writeln!(text, "{lang:8} {}", web::problem::document(error, lang));
        }
        text.push('\n');
    }
    assert!(!text.contains("a secret cause") && !text.contains("the disk is full"), "what only the log should see is told");
    insta::assert_snapshot!(text);
}

#[test]
fn violations() {
    let named = |code: Code| {
        let example = [("wanted", "A number"), ("min", "1"), ("max", "9"), ("found", "x"), ("pattern", "[A-Z]"), ("options", "a, b"), ("digits", "15"), ("scale", "2"), ("targets", "room, device"), ("field", "nmae"), ("near", ""), ("detail", "3 is too many"), ("count", "4"), ("row", "7"), ("message", "No."), ("transitions", "check, close"), ("state", "Approved"), ("other", "LV-7")];
        example.into_iter().fold(Violation::new("place", code), |violation, (name, value)| violation.with(name, value))
    };
    let mut text = String::new();
    for code in Code::ALL {
        let violation = named(*code);
        let _ = writeln!(text, "{}: {} | {} | {}", code.name(), violation.message("en"), violation.message("zh-Hans"), violation.message("zh-Hant"));
    }
    assert!(!text.contains('{'), "an argument is not filled in:\n{text}");
    insta::assert_snapshot!(text);
}
