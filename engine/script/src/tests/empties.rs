use proptest::prelude::*;

use super::*;

#[test]
fn an_operator_with_an_empty_operand_gives_empty() {
    for expr in ["quantity * nothing", "nothing + 1", "1 - nothing", "nothing / 0", "0 / nothing", "nothing ** 2", "-nothing", "name + nothing", "nothing + name", "start + nothing", "!untouched", "nothing + nothing"] {
        check(expr, "empty");
    }
}

#[test]
fn a_comparison_with_empty_is_false() {
    for sign in ["==", "!=", "<", "<=", ">", ">="] {
        for other in ["0", "nothing", "name", "start", "done", "tags", "partner"] {
            check_loosely(&format!("nothing {sign} {other}"), "false");
            check_loosely(&format!("{other} {sign} nothing"), "false");
        }
    }
}

#[test]
fn an_empty_condition_counts_as_no() {
    check("if untouched { 1 } else { 2 }", "2");
    check("if untouched { 1 }", "empty");
    check("if !untouched { 1 } else { 2 }", "2");
    check("untouched || done", "true");
    check("untouched && done", "false");
    check("done && untouched || open", "false");
    check("(untouched || done) && !(untouched && done)", "true");
    check("if or(untouched, true) && done { 1 } else { 2 }", "1");
    check("nothing > 1 || quantity > 1 && done", "true");
    check("[untouched && done, done || untouched][1]", "true");
}

#[test]
fn functions_of_nothing_give_nothing() {
    for expr in [
        "round(nothing, 2)", "round(2, nothing)", "abs(nothing)", "floor(nothing)", "sqrt(nothing)", "len(nothing)", "upper(nothing)", "left(nothing, 1)", "left(name, nothing)", "number(nothing)",
        "text(nothing)", "year(nothing)", "add_days(nothing, 1)", "add_days(start, nothing)", "add_months(nothing, nothing)", "days_between(nothing, start)", "days_between(start, nothing)",
        "hours_between(nothing, at)", "end_of_month(nothing)", "date(2026, nothing, 1)", "replace(nothing, \"a\", \"b\")", "nobody.limit", "nobody.limit * 2", "min(nothing, nothing)",
    ] {
        check_loosely(expr, "empty");
    }
    check_loosely("min(nothing, 3)", "3");
    check_loosely("max(3, nothing, 2)", "3");
    check_loosely("contains(nothing, \"a\")", "false");
    check_loosely("starts_with(nothing, \"a\")", "false");
}

#[test]
fn or_gives_the_first_that_is_there() {
    check("or(nothing, 5)", "5");
    check("or(quantity, 5)", "3");
    check("or(nothing, nothing, 7)", "7");
    check("or(nothing, nothing, nothing, quantity)", "3");
    check("or(nothing, nothing)", "empty");
    check("or(0, 5)", "0");
    check("or(open, true)", "false");
}

#[test]
fn no_rows_sum_up_to_zero() {
    check("none.sum(\"amount\")", "0");
    check("none.count()", "0");
    check("none.count(\"amount\")", "0");
    for function in ["min", "max", "avg", "first", "last"] {
        check(&format!("none.{function}(\"amount\")"), "empty");
    }
    check("lines.where(\"kind\", \"is\", \"none\").sum(\"amount\")", "0");
    check("lines.where(\"kind\", \"is\", \"none\").avg(\"amount\")", "empty");
    check("is_empty(none)", "true");
    check("is_empty(lines)", "false");
}

/// A condition over `a`, `b` and `c`, each yes, no or empty, and what it is when empty counts as no at `&&` and `||`.
#[derive(Debug, Clone)]
enum Logic {
    Name(usize),
    Not(Box<Logic>),
    And(Box<Logic>, Box<Logic>),
    Or(Box<Logic>, Box<Logic>),
}

impl Logic {
    fn text(&self) -> String {
        match self {
            Self::Name(index) => ["a", "b", "c"][*index].to_owned(),
            Self::Not(inner) => format!("!({})", inner.text()),
            // `&&` binds stronger than `||`, so only these need brackets.
            Self::And(left, right) => [left, right].map(|side| if matches!(**side, Self::Or(..)) { format!("({})", side.text()) } else { side.text() }).join(" && "),
            Self::Or(left, right) => format!("{} || {}", left.text(), right.text()),
        }
    }
    fn value(&self, given: &[Option<bool>; 3]) -> Option<bool> {
        match self {
            Self::Name(index) => given[*index],
            Self::Not(inner) => inner.value(given).map(|flag| !flag),
            Self::And(left, right) => Some(left.value(given) == Some(true) && right.value(given) == Some(true)),
            Self::Or(left, right) => Some(left.value(given) == Some(true) || right.value(given) == Some(true)),
        }
    }
}

fn logic() -> impl Strategy<Value = Logic> {
    (0_usize..3).prop_map(Logic::Name).prop_recursive(4, 24, 2, |inner| {
        prop_oneof![
            inner.clone().prop_map(|inner| Logic::Not(inner.into())),
            (inner.clone(), inner.clone()).prop_map(|(left, right)| Logic::And(left.into(), right.into())),
            (inner.clone(), inner).prop_map(|(left, right)| Logic::Or(left.into(), right.into())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, ..ProptestConfig::default() })]

    #[test]
    fn conditions_follow_the_rule_for_empties(logic in logic(), given in prop::array::uniform3(prop::option::of(any::<bool>()))) {
        let value = |index: usize| given[index].map_or(Value::Empty, Value::Bool);
        let fields = Fields { values: ["a", "b", "c"].into_iter().enumerate().map(|(index, name)| (name.to_owned(), value(index))).collect(), ..Fields::default() };
        let abc: NameList = ["a", "b", "c"].into_iter().map(|name| (name, Kind::Flag)).collect();
        let result = |expr: &str| Formula::check(expr, &abc).map_err(|error| TestCaseError::fail(format!("{expr}: {error}")))?.eval(&fields).map_err(|error| TestCaseError::fail(format!("{expr}: {error}")));
        let expected = logic.value(&given);
        prop_assert_eq!(result(&logic.text())?, expected.map_or(Value::Empty, Value::Bool));
        let chosen = result(&format!("if {} {{ 1 }} else {{ 2 }}", logic.text()))?;
        prop_assert_eq!(chosen, decimal(if expected == Some(true) { "1" } else { "2" }));
    }

    /// Any sum, product or difference with an empty somewhere in it is empty.
    #[test]
    fn one_empty_makes_the_whole_empty(numbers in prop::collection::vec(prop::option::of(-1000_i64..1000), 2..8), signs in prop::collection::vec(0_usize..3, 8)) {
        let fields = Fields { values: numbers.iter().enumerate().map(|(index, number)| (format!("n{index}"), number.map_or(Value::Empty, Value::Int))).collect(), ..Fields::default() };
        let known: NameList = (0..numbers.len()).map(|index| (format!("n{index}"), Kind::Number)).collect();
        let expr = (0..numbers.len()).map(|index| format!("n{index}")).reduce(|left, right| format!("{left} {} {right}", ["+", "-", "*"][signs[left.len() % 8]])).unwrap_or_default();
        let result = Formula::check(&expr, &known).expect("a formula").eval(&fields).expect("a result");
        prop_assert_eq!(result.is_empty(), numbers.iter().any(Option::is_none), "{}", expr);
    }
}
