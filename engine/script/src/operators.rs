//! Arithmetic of formulas: exact, empty stays empty, nothing overflows silently.

use chrono::{DateTime, Datelike, Days, Months, NaiveDate, Utc};
use rhai::{Dynamic, Engine, EvalAltResult, ImmutableString};
use rust_decimal::{Decimal, prelude::ToPrimitive};

type Outcome = Result<Dynamic, Box<EvalAltResult>>;

/// Functions that formulas may call.
pub(crate) const FUNCTIONS: [&str; 24] = [
    "or", "round", "abs", "min", "max", "floor", "ceiling", "len", "upper", "lower", "trim", "year", "month", "day", "days_between", "add_days", "add_months", "is_empty", "sum", "count",
    "avg", "first", "last", "number",
];

/// A number, whatever kind: `None` for what is no number.
fn number(value: &Dynamic) -> Option<Decimal> {
    value.as_decimal().ok().or_else(|| value.as_int().ok().map(Decimal::from))
}

fn wrong(words: &str) -> Box<EvalAltResult> {
    words.into()
}

fn arithmetic(sign: char, left: &Dynamic, right: &Dynamic) -> Outcome {
    if left.is_unit() || right.is_unit() {
        return Ok(Dynamic::UNIT);
    }
    if sign == '+' && (left.is_string() || right.is_string()) {
        let text = format!("{left}{right}");
        return if text.len() > 16_384 { Err(wrong("the text would be too long")) } else { Ok(text.into()) };
    }
    if let Some(result) = with_dates(sign, left, right) {
        return result;
    }
    let (Some(left_number), Some(right_number)) = (number(left), number(right)) else {
        return Err(format!("`{sign}` fits numbers, not {} and {}", left.type_name(), right.type_name()).into());
    };
    let result = match sign {
        '+' => left_number.checked_add(right_number),
        '-' => left_number.checked_sub(right_number),
        '*' => left_number.checked_mul(right_number),
        '/' if right_number.is_zero() => return Err(wrong("a division by zero")),
        '/' => left_number.checked_div(right_number),
        '%' if right_number.is_zero() => return Err(wrong("a division by zero")),
        _ => left_number.checked_rem(right_number),
    };
    result.map(Dynamic::from_decimal).ok_or_else(|| wrong("the result has too many digits"))
}

/// A day less a day is days; a day and days are a day.
fn with_dates(sign: char, left: &Dynamic, right: &Dynamic) -> Option<Outcome> {
    let day = left.clone().try_cast::<NaiveDate>()?;
    if let (Some(other), '-') = (right.clone().try_cast::<NaiveDate>(), sign) {
        return Some(Ok(Dynamic::from_decimal(Decimal::from((day - other).num_days()))));
    }
    let count = number(right)?.trunc().to_i64()?;
    match sign {
        '+' => Some(Ok(moved(day, count))),
        '-' => Some(Ok(moved(day, -count))),
        _ => None,
    }
}

fn moved(day: NaiveDate, count: i64) -> Dynamic {
    let span = Days::new(count.unsigned_abs());
    let moved = if count < 0 { day.checked_sub_days(span) } else { day.checked_add_days(span) };
    moved.map_or(Dynamic::UNIT, Dynamic::from)
}

fn compare(left: &Dynamic, right: &Dynamic) -> Option<std::cmp::Ordering> {
    if let (Some(left), Some(right)) = (number(left), number(right)) {
        return Some(left.cmp(&right));
    }
    if let (Ok(left), Ok(right)) = (left.as_immutable_string_ref(), right.as_immutable_string_ref()) {
        return Some(left.as_str().cmp(right.as_str()));
    }
    if let (Ok(left), Ok(right)) = (left.as_bool(), right.as_bool()) {
        return Some(left.cmp(&right));
    }
    let days = (left.clone().try_cast::<NaiveDate>(), right.clone().try_cast::<NaiveDate>());
    if let (Some(left), Some(right)) = days {
        return Some(left.cmp(&right));
    }
    let instants = (left.clone().try_cast::<DateTime<Utc>>(), right.clone().try_cast::<DateTime<Utc>>());
    instants.0.zip(instants.1).map(|(left, right)| left.cmp(&right))
}

/// Registers one operator for every pair of kinds that a formula can meet.
macro_rules! pairs {
    ($engine:expr, $name:expr, $result:ty, $body:expr) => {
        pairs!(@row $engine, $name, $result, $body, Decimal);
        pairs!(@row $engine, $name, $result, $body, i64);
        pairs!(@row $engine, $name, $result, $body, ());
        pairs!(@row $engine, $name, $result, $body, ImmutableString);
        pairs!(@row $engine, $name, $result, $body, NaiveDate);
        pairs!(@row $engine, $name, $result, $body, DateTime<Utc>);
        pairs!(@row $engine, $name, $result, $body, bool);
    };
    (@row $engine:expr, $name:expr, $result:ty, $body:expr, $left:ty) => {
        pairs!(@one $engine, $name, $result, $body, $left, Decimal);
        pairs!(@one $engine, $name, $result, $body, $left, i64);
        pairs!(@one $engine, $name, $result, $body, $left, ());
        pairs!(@one $engine, $name, $result, $body, $left, ImmutableString);
        pairs!(@one $engine, $name, $result, $body, $left, NaiveDate);
        pairs!(@one $engine, $name, $result, $body, $left, DateTime<Utc>);
        pairs!(@one $engine, $name, $result, $body, $left, bool);
    };
    (@one $engine:expr, $name:expr, $result:ty, $body:expr, $left:ty, $right:ty) => {
        $engine.register_fn($name, |left: $left, right: $right| -> $result { $body(&Dynamic::from(left), &Dynamic::from(right)) });
    };
}

/// Registers operators and functions.
pub(crate) fn register(engine: &mut Engine) {
    use std::cmp::Ordering::{Equal, Greater, Less};
    pairs!(engine, "+", Outcome, |left: &Dynamic, right: &Dynamic| arithmetic('+', left, right));
    pairs!(engine, "-", Outcome, |left: &Dynamic, right: &Dynamic| arithmetic('-', left, right));
    pairs!(engine, "*", Outcome, |left: &Dynamic, right: &Dynamic| arithmetic('*', left, right));
    pairs!(engine, "/", Outcome, |left: &Dynamic, right: &Dynamic| arithmetic('/', left, right));
    pairs!(engine, "%", Outcome, |left: &Dynamic, right: &Dynamic| arithmetic('%', left, right));
    pairs!(engine, "==", bool, |left: &Dynamic, right: &Dynamic| compare(left, right) == Some(Equal));
    pairs!(engine, "!=", bool, |left: &Dynamic, right: &Dynamic| compare(left, right).is_some_and(|order| order != Equal));
    pairs!(engine, "<", bool, |left: &Dynamic, right: &Dynamic| compare(left, right) == Some(Less));
    pairs!(engine, "<=", bool, |left: &Dynamic, right: &Dynamic| matches!(compare(left, right), Some(Less | Equal)));
    pairs!(engine, ">", bool, |left: &Dynamic, right: &Dynamic| compare(left, right) == Some(Greater));
    pairs!(engine, ">=", bool, |left: &Dynamic, right: &Dynamic| matches!(compare(left, right), Some(Greater | Equal)));
    engine.register_fn("-", |value: Decimal| -value);
    engine.register_fn("-", |(): ()| ());
    engine.register_fn("or", |left: Dynamic, right: Dynamic| if left.is_unit() { right } else { left });
    engine.register_fn("is_empty", |value: Dynamic| value.is_unit());
    numbers(engine);
    texts_and_days(engine);
}

fn on_number(value: &Dynamic, with: impl Fn(Decimal) -> Decimal) -> Outcome {
    if value.is_unit() {
        return Ok(Dynamic::UNIT);
    }
    number(value).map(|number| Dynamic::from_decimal(with(number))).ok_or_else(|| wrong("a number is wanted here"))
}

fn numbers(engine: &mut Engine) {
    engine.register_fn("round", |value: Dynamic, places: i64| -> Outcome {
        let places = u32::try_from(places.clamp(0, 9)).unwrap_or(0);
        on_number(&value, |number| number.round_dp_with_strategy(places, rust_decimal::RoundingStrategy::MidpointAwayFromZero))
    });
    engine.register_fn("round", |value: Dynamic| -> Outcome { on_number(&value, |number| number.round_dp_with_strategy(0, rust_decimal::RoundingStrategy::MidpointAwayFromZero)) });
    // Rhai has a `round` for decimals of its own, to even; the typed one here goes before it.
    engine.register_fn("round", |value: Decimal, places: i64| -> Decimal {
        value.round_dp_with_strategy(u32::try_from(places.clamp(0, 9)).unwrap_or(0), rust_decimal::RoundingStrategy::MidpointAwayFromZero)
    });
    engine.register_fn("round", |value: Decimal| -> Decimal { value.round_dp_with_strategy(0, rust_decimal::RoundingStrategy::MidpointAwayFromZero) });
    engine.register_fn("abs", |value: Dynamic| -> Outcome { on_number(&value, |number| number.abs()) });
    engine.register_fn("floor", |value: Dynamic| -> Outcome { on_number(&value, |number| number.floor()) });
    engine.register_fn("ceiling", |value: Dynamic| -> Outcome { on_number(&value, |number| number.ceil()) });
    let pick = |wanted: std::cmp::Ordering| {
        move |left: Dynamic, right: Dynamic| -> Dynamic {
            match compare(&left, &right) {
                Some(order) if order == wanted => left,
                Some(_) => right,
                None if left.is_unit() => right,
                None => left,
            }
        }
    };
    engine.register_fn("min", pick(std::cmp::Ordering::Less));
    engine.register_fn("max", pick(std::cmp::Ordering::Greater));
    engine.register_fn("number", |text: ImmutableString| -> Dynamic { text.trim().parse::<Decimal>().map_or(Dynamic::UNIT, Dynamic::from_decimal) });
}

fn texts_and_days(engine: &mut Engine) {
    let part = |with: fn(&NaiveDate) -> i64| {
        move |value: Dynamic| -> Outcome {
            let day = value.clone().try_cast::<NaiveDate>().or_else(|| value.clone().try_cast::<DateTime<Utc>>().map(|at| at.date_naive()));
            match day {
                Some(day) => Ok(Dynamic::from_decimal(Decimal::from(with(&day)))),
                None if value.is_unit() => Ok(Dynamic::UNIT),
                None => Err(wrong("a date is wanted here")),
            }
        }
    };
    engine.register_fn("year", part(|day| i64::from(day.year())));
    engine.register_fn("month", part(|day| i64::from(day.month())));
    engine.register_fn("day", part(|day| i64::from(day.day())));
    engine.register_fn("days_between", |from: NaiveDate, to: NaiveDate| Decimal::from((to - from).num_days()));
    engine.register_fn("add_days", |day: NaiveDate, count: Dynamic| moved(day, number(&count).and_then(|count| count.trunc().to_i64()).unwrap_or(0)));
    engine.register_fn("add_months", |day: NaiveDate, count: Dynamic| {
        let count = number(&count).and_then(|count| count.trunc().to_i32()).unwrap_or(0);
        let span = Months::new(count.unsigned_abs());
        let moved = if count < 0 { day.checked_sub_months(span) } else { day.checked_add_months(span) };
        moved.map_or(Dynamic::UNIT, Dynamic::from)
    });
    engine.register_fn("len", |text: ImmutableString| Decimal::from(text.chars().count()));
    engine.register_fn("upper", |text: ImmutableString| text.to_uppercase());
    engine.register_fn("lower", |text: ImmutableString| text.to_lowercase());
    engine.register_fn("trim", |text: ImmutableString| text.trim().to_owned());
}
