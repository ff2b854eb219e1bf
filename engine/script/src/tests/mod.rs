use std::{collections::HashMap, sync::Arc};

use model::{Ident, Value, Values};

use super::*;

mod arithmetic;
mod empties;
mod faults;
mod naming;
mod ordering;
mod random;
mod running;
mod sandbox;

/// A record to calculate on. Everything by its path.
#[derive(Clone, Default)]
struct Fields {
    values: HashMap<String, Value>,
    rows: HashMap<String, RowSet>,
}

impl Inputs for Fields {
    fn value(&self, name: &str) -> Option<Value> {
        self.values.get(name).cloned()
    }
    fn rows(&self, name: &str) -> Option<RowSet> {
        self.rows.get(name).cloned()
    }
}

fn decimal(text: &str) -> Value {
    Value::Decimal(text.parse().expect("a number"))
}

fn day(text: &str) -> Value {
    Value::Date(text.parse().expect("a day"))
}

fn row(values: &[(&str, Value)]) -> Values {
    values.iter().map(|(key, value)| (Ident::new(key).expect("a key"), value.clone())).collect()
}

fn inputs() -> Fields {
    let values = [
        ("quantity", decimal("3")),
        ("price", decimal("0.10")),
        ("count", Value::Int(7)),
        ("nothing", Value::Empty),
        ("name", Value::Text("Zoë".into())),
        ("code", Value::Text(" ab-1 ".into())),
        ("done", Value::Bool(true)),
        ("open", Value::Bool(false)),
        ("untouched", Value::Empty),
        ("start", day("2026-02-28")),
        ("end", day("2026-11-24")),
        ("at", Value::Instant("2026-11-24T10:00:00Z".parse().expect("an instant"))),
        ("finish", Value::Instant("2026-11-25T12:30:00Z".parse().expect("an instant"))),
        ("tags", Value::Texts(vec!["red".into(), "blue".into()])),
        ("partner", Value::Id(uuid::Uuid::nil())),
        ("partner.limit", decimal("500")),
        ("partner.owner.name", Value::Text("Ann".into())),
        ("nobody", Value::Empty),
        ("nobody.limit", Value::Empty),
    ];
    let lines = vec![
        row(&[("amount", decimal("1.50")), ("kind", Value::Text("goods".into())), ("due", day("2026-03-01"))]),
        row(&[("amount", decimal("2.25")), ("kind", Value::Text("work".into())), ("due", day("2026-01-01"))]),
        row(&[("amount", Value::Empty), ("kind", Value::Text("goods".into())), ("due", Value::Empty)]),
    ];
    let rows = [("lines", lines), ("none", Vec::new())];
    Fields {
        values: values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
        rows: rows.into_iter().map(|(name, rows)| (name.to_owned(), RowSet(Arc::new(rows)))).collect(),
    }
}

fn names() -> NameList {
    use Kind::*;
    [
        ("quantity", Number),
        ("price", Number),
        ("count", Number),
        ("nothing", Number),
        ("name", Text),
        ("code", Text),
        ("done", Flag),
        ("open", Flag),
        ("untouched", Flag),
        ("start", Date),
        ("end", Date),
        ("at", Instant),
        ("finish", Instant),
        ("tags", Several),
        ("partner", Link),
        ("partner.limit", Number),
        ("partner.owner", Link),
        ("partner.owner.name", Text),
        ("nobody", Link),
        ("nobody.limit", Number),
        ("lines", Rows),
        ("lines.amount", Number),
        ("lines.kind", Text),
        ("lines.due", Date),
        ("none", Rows),
        ("none.amount", Number),
    ]
    .into_iter()
    .collect()
}

fn eval(expr: &str) -> Result<Value, ScriptError> {
    Formula::check(expr, &names())?.eval(&inputs())
}

/// The same without knowing kinds beforehand: what happens when the formula runs.
fn eval_loosely(expr: &str) -> Result<Value, ScriptError> {
    Formula::compile(expr, &|_| true, &[])?.eval(&inputs())
}

fn shown(result: Result<Value, ScriptError>) -> String {
    match result {
        Ok(Value::Empty) => "empty".to_owned(),
        Ok(Value::Decimal(number)) => number.normalize().to_string(),
        Ok(Value::Text(text)) => text,
        Ok(Value::Bool(flag)) => flag.to_string(),
        Ok(Value::Date(day)) => day.to_string(),
        Ok(Value::Texts(texts)) => texts.join("|"),
        Ok(other) => format!("{other:?}"),
        Err(error) => format!("error: {error}"),
    }
}

/// What a formula gives over the record above.
#[track_caller]
fn check(expr: &str, expected: &str) {
    assert_eq!(shown(eval(expr)), expected, "{expr}");
}

/// The same, without kinds.
#[track_caller]
fn check_loosely(expr: &str, expected: &str) {
    assert_eq!(shown(eval_loosely(expr)), expected, "{expr}");
}
