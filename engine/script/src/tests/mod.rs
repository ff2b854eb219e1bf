use std::{collections::HashMap, sync::Arc};

use model::{Ident, Value};

use super::*;

struct Fields(HashMap<&'static str, Value>);

impl Inputs for Fields {
    fn value(&self, name: &str) -> Option<Value> {
        self.0.get(name).cloned()
    }
    fn rows(&self, name: &str) -> Option<RowSet> {
        let amount = Ident::new("amount").ok()?;
        let row = |text: &str| indexmap::IndexMap::from([(amount.clone(), text.parse().map_or(Value::Empty, Value::Decimal))]);
        (name == "lines").then(|| RowSet(Arc::new(vec![row("1.50"), row("2.25"), row("")])))
    }
}

fn inputs() -> Fields {
    let decimal = |text: &str| Value::Decimal(text.parse().expect("a number"));
    Fields(HashMap::from([
        ("quantity", decimal("3")),
        ("price", decimal("0.10")),
        ("nothing", Value::Empty),
        ("name", Value::Text("x".into())),
        ("day", Value::Date(chrono::NaiveDate::from_ymd_opt(2026, 2, 28).expect("a day"))),
        ("customer.limit", decimal("500")),
    ]))
}

fn eval(expr: &str) -> Result<Value, ScriptError> {
    let known = |_: &str| true;
    Formula::compile(expr, &known, &[])?.eval(&inputs())
}

#[track_caller]
fn check(expr: &str, expected: &str) {
    let shown = match eval(expr) {
        Ok(Value::Empty) => "empty".to_owned(),
        Ok(Value::Decimal(number)) => number.normalize().to_string(),
        Ok(Value::Text(text)) => text,
        Ok(Value::Bool(flag)) => flag.to_string(),
        Ok(Value::Date(day)) => day.to_string(),
        Ok(other) => format!("{other:?}"),
        Err(error) => format!("error: {}", error.message),
    };
    assert_eq!(shown, expected, "{expr}");
}

#[test]
fn numbers_are_exact() {
    check("quantity * price", "0.3");
    check("0.1 + 0.2", "0.3");
    check("7 / 2", "3.5");
    check("1 / 3 * 0 + 2", "2");
    check("-quantity", "-3");
    check("round(2.345, 2)", "2.35");
}

#[test]
fn empty_stays_empty_and_compares_to_nothing() {
    check("quantity * nothing", "empty");
    check("or(nothing, 5)", "5");
    check("nothing == 0", "false");
    check("if nothing > 1 { 1 } else { 2 }", "2");
}

#[test]
fn rows_and_links_are_read() {
    check("lines.sum(\"amount\")", "3.75");
    check("lines.count()", "3");
    check("lines.max(\"amount\")", "2.25");
    check("customer.limit - 100", "400");
}

#[test]
fn days_are_counted() {
    check("day + 1", "2026-03-01");
    check("add_months(day, 1)", "2026-03-28");
    check("year(day)", "2026");
}

#[test]
fn faults_are_told() {
    check("1 / 0", "error: a division by zero");
    check("name * 2", "error: `*` fits numbers, not string and i64");
    let unknown = Formula::compile("quanttity * 2", &|name| name == "quantity", &["quantity".into()]).expect_err("no such name");
    assert_eq!(unknown.message, "the formula names `quanttity`, which is no field; did you mean `quantity`?");
}

/// The ways by which a script could once take the process down with it: each is an error now.
#[test]
fn nothing_takes_the_process_down() {
    for hostile in [
        "\"a\".pad(1000000, \"b\")",
        "let s = \"aaaaaaaaaa\"; loop { s += s; }",
        "eval(\"1\")",
        "let f = Fn(\"x\"); loop { f = f.curry(f); }",
        "let x = []; loop { x = [x, x]; }",
        "loop { }",
        "((((((((((((((((((((((((((((((((((((((((1))))))))))))))))))))))))))))))))))))))))",
        "99999999999999999999999999 * 99999999999999999999999999",
    ] {
        assert!(eval(hostile).is_err(), "{hostile}");
    }
}
