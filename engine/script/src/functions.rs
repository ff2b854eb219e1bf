//! The functions that formulas and scripts may call.
//!
//! **Invariants**
//! - An empty argument gives empty, except to `or`, `is_empty`, `min`, `max` and the yes-or-no functions.
//! - Every function stands in [`FUNCTIONS`] or [`ROW_FUNCTIONS`], with its usage: documentation and suggestions read it there.

use chrono::{DateTime, Datelike, Months, NaiveDate, Utc};
use rhai::{Dynamic, Engine, ImmutableString};
use rust_decimal::{Decimal, MathematicalOps, RoundingStrategy, prelude::ToPrimitive};

use crate::{
    fault::{Fault, Outcome, Trouble, trouble, wrong_kind},
    operators::{compare, in_calendar, moved, native, number, plain, too_many_digits},
    rows::{Record, Rows, Several, contains},
};

/// A function, for documentation and suggestions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Function {
    /// Its name.
    pub name: &'static str,
    /// How it is written.
    pub usage: &'static str,
    /// What it gives.
    pub gives: &'static str,
}

const fn f(name: &'static str, usage: &'static str, gives: &'static str) -> Function {
    Function { name, usage, gives }
}

/// The functions over values.
pub const FUNCTIONS: &[Function] = &[
    f("or", "or(a, b, …)", "the first that is not empty"),
    f("is_empty", "is_empty(a)", "whether it is empty"),
    f("round", "round(number, places)", "the number rounded half away from zero, to 0 places unless said"),
    f("floor", "floor(number)", "the next whole number below"),
    f("ceiling", "ceiling(number)", "the next whole number above"),
    f("abs", "abs(number)", "the number without its sign"),
    f("sqrt", "sqrt(number)", "the square root"),
    f("min", "min(a, b, …)", "the smaller one; empty ones do not count"),
    f("max", "max(a, b, …)", "the larger one; empty ones do not count"),
    f("number", "number(text)", "the number a text says; empty if it says none"),
    f("text", "text(a)", "the value as text"),
    f("len", "len(text)", "how many characters a text has, or how many items a list"),
    f("upper", "upper(text)", "the text in capitals"),
    f("lower", "lower(text)", "the text in small letters"),
    f("trim", "trim(text)", "the text without spaces around it"),
    f("left", "left(text, count)", "the first characters"),
    f("right", "right(text, count)", "the last characters"),
    f("middle", "middle(text, from, count)", "characters from a place on, counted from 1"),
    f("replace", "replace(text, part, with)", "the text with every such part replaced"),
    f("contains", "contains(text, part)", "whether a text has a part, or a list an item"),
    f("starts_with", "starts_with(text, part)", "whether the text begins so"),
    f("ends_with", "ends_with(text, part)", "whether the text ends so"),
    f("date", "date(year, month, day) or date(\"2026-11-24\")", "a day"),
    f("year", "year(day)", "the year"),
    f("quarter", "quarter(day)", "the quarter, 1 to 4"),
    f("month", "month(day)", "the month, 1 to 12"),
    f("day", "day(day)", "the day of the month"),
    f("weekday", "weekday(day)", "the day of the week, Monday is 1"),
    f("days_between", "days_between(from, to)", "how many days lie between"),
    f("months_between", "months_between(from, to)", "how many whole months lie between"),
    f("hours_between", "hours_between(from, to)", "how many hours lie between two instants"),
    f("add_days", "add_days(day, count)", "the day so many days later"),
    f("add_months", "add_months(day, count)", "the day so many months later, or the last of its month"),
    f("add_years", "add_years(day, count)", "the day so many years later"),
    f("end_of_month", "end_of_month(day)", "the last day of its month"),
];

/// The functions over the rows of a child table, written after its name and a dot.
pub const ROW_FUNCTIONS: &[Function] = &[
    f("sum", "rows.sum(\"field\")", "the sum; 0 over no rows"),
    f("count", "rows.count() or rows.count(\"field\")", "how many rows there are, or how many have a value"),
    f("avg", "rows.avg(\"field\")", "the average of those that have a value"),
    f("min", "rows.min(\"field\")", "the smallest"),
    f("max", "rows.max(\"field\")", "the largest"),
    f("first", "rows.first(\"field\")", "the first value"),
    f("last", "rows.last(\"field\")", "the last value"),
    f("where", "rows.where(\"field\", \"is\", value)", "only the rows that pass the test"),
];

fn all() -> impl Iterator<Item = &'static Function> {
    FUNCTIONS.iter().chain(ROW_FUNCTIONS).chain(crate::host::HOST_FUNCTIONS)
}

pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    all().map(|function| function.name)
}

pub(crate) fn is_known(name: &str) -> bool {
    names().any(|known| known == name)
}

pub(crate) fn is_row_function(name: &str) -> bool {
    ROW_FUNCTIONS.iter().any(|known| known.name == name)
}

pub(crate) fn usage(name: &str) -> &'static str {
    all().find(|known| known.name == name).map_or("", |known| known.usage)
}

/// What a value is, in a word with its article.
pub(crate) fn kind_name(value: &Dynamic) -> &'static str {
    plain_type(value.type_name())
}

/// The plain word for one of Rhai's types.
pub(crate) fn plain_type(name: &str) -> &'static str {
    let last = name.rsplit("::").next().unwrap_or(name);
    match last {
        "()" => "nothing",
        "Decimal" | "decimal" | "i64" | "int" => "a number",
        "string" | "String" | "&str" | "ImmutableString" | "char" => "a text",
        "bool" => "yes or no",
        "NaiveDate" => "a day",
        "DateTime<Utc>" | "Utc>" => "an instant",
        "array" | "Several" | "list" => "a list",
        "map" => "a map",
        "Rows" | "rows" => "a table of rows",
        "Record" | "record" => "a linked record",
        _ => "something else",
    }
}

/// A value as text; `None` for what has no plain text.
pub(crate) fn shown(value: &Dynamic) -> Option<String> {
    if let Ok(text) = value.as_immutable_string_ref() {
        return Some(text.to_string());
    }
    if let Some(number) = number(value) {
        return Some(number.to_string());
    }
    if let Ok(flag) = value.as_bool() {
        return Some(flag.to_string());
    }
    if let Ok(letter) = value.as_char() {
        return Some(letter.to_string());
    }
    if let Some(day) = native::<NaiveDate>(value) {
        return Some(day.to_string());
    }
    if let Some(at) = native::<DateTime<Utc>>(value) {
        return Some(at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true));
    }
    if let Some(items) = value.read_lock::<Several>() {
        return Some(items.shown());
    }
    value.read_lock::<Trouble>().map(|trouble| trouble.1.clone())
}

/// The day a text says.
pub(crate) fn parse_day(text: &str) -> Outcome<NaiveDate> {
    let said = NaiveDate::parse_from_str(text.trim(), "%Y-%m-%d").ok();
    said.ok_or_else(|| trouble(Fault::BadValue, format!("\"{}\" is no day; write it as \"2026-11-24\"", text.chars().take(40).collect::<String>())))
}

/// Registers every function but those of rows.
pub(crate) fn register(engine: &mut Engine, max_text: usize) {
    choices(engine);
    numbers(engine);
    texts(engine, max_text);
    days(engine);
}

fn choices(engine: &mut Engine) {
    let is_empty = |value: &Dynamic| value.is_unit() || value.read_lock::<Record>().is_some_and(|record| record.own().is_unit());
    engine.register_fn("or", move |a: Dynamic, b: Dynamic| if is_empty(&a) { b } else { a });
    engine.register_fn("or", move |a: Dynamic, b: Dynamic, c: Dynamic| [a, b].into_iter().find(|value| !is_empty(value)).unwrap_or(c));
    engine.register_fn("or", move |a: Dynamic, b: Dynamic, c: Dynamic, d: Dynamic| [a, b, c].into_iter().find(|value| !is_empty(value)).unwrap_or(d));
    engine.register_fn("is_empty", move |value: Dynamic| is_empty(&value) || value.read_lock::<Rows>().is_some_and(|rows| rows.is_empty()));
    for (name, wanted) in [("min", std::cmp::Ordering::Less), ("max", std::cmp::Ordering::Greater)] {
        engine.register_fn(name, move |a: Dynamic, b: Dynamic| pick([a, b], wanted));
        engine.register_fn(name, move |a: Dynamic, b: Dynamic, c: Dynamic| pick([a, b, c], wanted));
        engine.register_fn(name, move |a: Dynamic, b: Dynamic, c: Dynamic, d: Dynamic| pick([a, b, c, d], wanted));
    }
}

fn pick<const N: usize>(values: [Dynamic; N], wanted: std::cmp::Ordering) -> Outcome {
    values.into_iter().map(plain).filter(|value| !value.is_unit()).try_fold(Dynamic::UNIT, |best, value| {
        let better = best.is_unit() || compare(&value, &best)? == Some(wanted);
        Ok(if better { value } else { best })
    })
}

/// Calls `with` on a number; nothing stays nothing.
fn on_number(name: &str, value: &Dynamic, with: impl FnOnce(Decimal) -> Outcome) -> Outcome {
    match number(value) {
        Some(number) => with(number),
        None if value.is_unit() => Ok(Dynamic::UNIT),
        None => Err(wrong_kind(&format!("`{name}`"), "a number", value)),
    }
}

fn rounded(value: &Dynamic, places: Decimal) -> Outcome {
    let places = places.trunc().to_i64().filter(|places| (-15..=15).contains(places)).ok_or_else(|| trouble(Fault::BadValue, "`round` takes -15 to 15 places"))?;
    on_number("round", value, |number| {
        if let Ok(places) = u32::try_from(places) {
            return Ok(Dynamic::from_decimal(number.round_dp_with_strategy(places, RoundingStrategy::MidpointAwayFromZero)));
        }
        // Tens, hundreds …: round the number of them.
        let unit = Decimal::from(10_i64.pow(u32::try_from(-places).unwrap_or(0)));
        let units = number.checked_div(unit).ok_or_else(too_many_digits)?.round_dp_with_strategy(0, RoundingStrategy::MidpointAwayFromZero);
        units.checked_mul(unit).map(Dynamic::from_decimal).ok_or_else(too_many_digits)
    })
}

fn numbers(engine: &mut Engine) {
    engine.register_fn("round", |value: Dynamic| rounded(&value, Decimal::ZERO));
    engine.register_fn("round", |value: Dynamic, places: Dynamic| -> Outcome { on_number("round", &places, |places| rounded(&value, places)) });
    engine.register_fn("floor", |value: Dynamic| on_number("floor", &value, |number| Ok(Dynamic::from_decimal(number.floor()))));
    engine.register_fn("ceiling", |value: Dynamic| on_number("ceiling", &value, |number| Ok(Dynamic::from_decimal(number.ceil()))));
    engine.register_fn("abs", |value: Dynamic| on_number("abs", &value, |number| Ok(Dynamic::from_decimal(number.abs()))));
    engine.register_fn("sqrt", |value: Dynamic| {
        on_number("sqrt", &value, |number| number.sqrt().map(Dynamic::from_decimal).ok_or_else(|| trouble(Fault::BadValue, "a negative number has no square root")))
    });
    engine.register_fn("number", |value: Dynamic| -> Outcome {
        if number(&value).is_some() {
            return Ok(value);
        }
        on_text("number", &value, |text| Ok(text.trim().parse::<Decimal>().map_or(Dynamic::UNIT, Dynamic::from_decimal)))
    });
}

/// Calls `with` on a text; nothing stays nothing, and a number is taken by its digits.
fn on_text(name: &str, value: &Dynamic, with: impl FnOnce(&str) -> Outcome) -> Outcome {
    if let Ok(text) = value.as_immutable_string_ref() {
        return with(text.as_str());
    }
    let value = plain(value.clone());
    if value.is_unit() {
        return Ok(Dynamic::UNIT);
    }
    match shown(&value) {
        Some(text) => with(&text),
        None => Err(wrong_kind(&format!("`{name}`"), "a text", &value)),
    }
}

fn count_of(name: &str, value: &Dynamic) -> Outcome<Option<usize>> {
    match number(value) {
        Some(number) => Ok(Some(number.trunc().max(Decimal::ZERO).to_usize().unwrap_or(usize::MAX))),
        None if value.is_unit() => Ok(None),
        None => Err(wrong_kind(&format!("`{name}`"), "a number", value)),
    }
}

fn texts(engine: &mut Engine, max_text: usize) {
    engine.register_fn("text", |value: Dynamic| on_text("text", &value, |text| Ok(text.into())));
    engine.register_fn("len", |value: Dynamic| -> Outcome {
        if let Some(items) = value.read_lock::<Several>() {
            return Ok(Dynamic::from_decimal(Decimal::from(items.0.len())));
        }
        if let Ok(items) = value.as_array_ref() {
            return Ok(Dynamic::from_decimal(Decimal::from(items.len())));
        }
        on_text("len", &value, |text| Ok(Dynamic::from_decimal(Decimal::from(text.chars().count()))))
    });
    engine.register_fn("upper", |value: Dynamic| on_text("upper", &value, |text| Ok(text.to_uppercase().into())));
    engine.register_fn("lower", |value: Dynamic| on_text("lower", &value, |text| Ok(text.to_lowercase().into())));
    engine.register_fn("trim", |value: Dynamic| on_text("trim", &value, |text| Ok(text.trim().into())));
    engine.register_fn("left", |value: Dynamic, count: Dynamic| part("left", &value, &count, |_, count| (0, count)));
    engine.register_fn("right", |value: Dynamic, count: Dynamic| part("right", &value, &count, |len, count| (len.saturating_sub(count), count)));
    engine.register_fn("middle", |value: Dynamic, from: Dynamic, count: Dynamic| -> Outcome {
        let Some(from) = count_of("middle", &from)? else { return Ok(Dynamic::UNIT) };
        part("middle", &value, &count, |_, count| (from.saturating_sub(1), count))
    });
    engine.register_fn("replace", move |value: Dynamic, find: ImmutableString, with: ImmutableString| on_text("replace", &value, |text| replaced(text, &find, &with, max_text)));
    engine.register_fn("contains", |whole: Dynamic, part: Dynamic| contains(&whole, &part));
    engine.register_fn("starts_with", |text: Dynamic, part: Dynamic| both(&text, &part, |text, part| text.starts_with(part)));
    engine.register_fn("ends_with", |text: Dynamic, part: Dynamic| both(&text, &part, |text, part| text.ends_with(part)));
}

fn part(name: &str, value: &Dynamic, count: &Dynamic, place: impl FnOnce(usize, usize) -> (usize, usize)) -> Outcome {
    let Some(count) = count_of(name, count)? else { return Ok(Dynamic::UNIT) };
    on_text(name, value, |text| {
        let (from, count) = place(text.chars().count(), count);
        Ok(text.chars().skip(from).take(count).collect::<String>().into())
    })
}

/// Measured before it is made: the engine looks at sizes only afterwards.
pub(crate) fn replaced(text: &str, find: &str, with: &str, max_text: usize) -> Outcome {
    if find.is_empty() {
        return Ok(text.into());
    }
    let places = text.matches(find).count();
    let size = places.saturating_mul(with.len()).saturating_add(text.len()).saturating_sub(places * find.len());
    if size > max_text {
        return Err(trouble(Fault::TooLarge, "the text would be too long"));
    }
    Ok(text.replace(find, with).into())
}

fn both(text: &Dynamic, part: &Dynamic, test: fn(&str, &str) -> bool) -> Outcome<bool> {
    if text.is_unit() || part.is_unit() {
        return Ok(false);
    }
    match (shown(text), shown(part)) {
        (Some(text), Some(part)) => Ok(test(&text, &part)),
        _ => Err(wrong_kind("this", "a text", text)),
    }
}

/// The day of a day, an instant, or a text that says one.
fn day_in(name: &str, value: &Dynamic) -> Outcome<Option<NaiveDate>> {
    if value.is_unit() {
        return Ok(None);
    }
    if let Ok(text) = value.as_immutable_string_ref() {
        return parse_day(text.as_str()).map(Some);
    }
    let day = native::<NaiveDate>(value).or_else(|| native::<DateTime<Utc>>(value).map(|at| at.date_naive()));
    day.map(Some).ok_or_else(|| wrong_kind(&format!("`{name}`"), "a day", value))
}

fn days(engine: &mut Engine) {
    type Part = fn(&NaiveDate) -> i64;
    let parts: [(&'static str, Part); 5] = [
        ("year", |day| i64::from(day.year())),
        ("quarter", |day| i64::from(day.month0() / 3 + 1)),
        ("month", |day| i64::from(day.month())),
        ("day", |day| i64::from(day.day())),
        ("weekday", |day| i64::from(day.weekday().number_from_monday())),
    ];
    for (name, part) in parts {
        engine.register_fn(name, move |value: Dynamic| -> Outcome { Ok(day_in(name, &value)?.map_or(Dynamic::UNIT, |day| Dynamic::from_decimal(Decimal::from(part(&day))))) });
    }
    engine.register_fn("date", |value: Dynamic| -> Outcome { Ok(day_in("date", &value)?.map_or(Dynamic::UNIT, Dynamic::from)) });
    engine.register_fn("date", |year: Dynamic, month: Dynamic, day: Dynamic| -> Outcome {
        let (Some(year), Some(month), Some(day)) = (count_of("date", &year)?, count_of("date", &month)?, count_of("date", &day)?) else { return Ok(Dynamic::UNIT) };
        let narrow = |part: usize| u32::try_from(part).unwrap_or(u32::MAX);
        in_calendar(i32::try_from(year).ok().and_then(|year| NaiveDate::from_ymd_opt(year, narrow(month), narrow(day))))
    });
    engine.register_fn("days_between", |from: Dynamic, to: Dynamic| between("days_between", &from, &to, |from, to| (to - from).num_days()));
    engine.register_fn("months_between", |from: Dynamic, to: Dynamic| between("months_between", &from, &to, whole_months));
    engine.register_fn("hours_between", |from: Dynamic, to: Dynamic| hours(&from, &to));
    engine.register_fn("add_days", |day: Dynamic, count: Dynamic| later("add_days", &day, &count, moved));
    engine.register_fn("add_months", |day: Dynamic, count: Dynamic| later("add_months", &day, &count, |day, count| months_later(day, count, 1)));
    engine.register_fn("add_years", |day: Dynamic, count: Dynamic| later("add_years", &day, &count, |day, count| months_later(day, count, 12)));
    engine.register_fn("end_of_month", |value: Dynamic| -> Outcome {
        let Some(day) = day_in("end_of_month", &value)? else { return Ok(Dynamic::UNIT) };
        in_calendar(day.with_day(1).and_then(|first| first.checked_add_months(Months::new(1))).and_then(|next| next.pred_opt()))
    });
}

fn between(name: &str, from: &Dynamic, to: &Dynamic, count: fn(NaiveDate, NaiveDate) -> i64) -> Outcome {
    let (Some(from), Some(to)) = (day_in(name, from)?, day_in(name, to)?) else { return Ok(Dynamic::UNIT) };
    Ok(Dynamic::from_decimal(Decimal::from(count(from, to))))
}

fn whole_months(from: NaiveDate, to: NaiveDate) -> i64 {
    if to < from {
        return -whole_months(to, from);
    }
    let months = i64::from(to.year() - from.year()) * 12 + i64::from(to.month()) - i64::from(from.month());
    // The 31st and the last of a shorter month: the month is full.
    let is_full = to.day() >= from.day() || to.succ_opt().is_some_and(|next| next.month() != to.month());
    months - i64::from(!is_full)
}

fn hours(from: &Dynamic, to: &Dynamic) -> Outcome {
    if from.is_unit() || to.is_unit() {
        return Ok(Dynamic::UNIT);
    }
    let (Some(from_at), Some(to_at)) = (native::<DateTime<Utc>>(from), native::<DateTime<Utc>>(to)) else {
        return Err(wrong_kind("`hours_between`", "two instants", if from.is::<DateTime<Utc>>() { to } else { from }));
    };
    let seconds = Decimal::from((to_at - from_at).num_seconds());
    Ok(seconds.checked_div(Decimal::from(3_600)).map_or(Dynamic::UNIT, Dynamic::from_decimal))
}

fn later(name: &str, day: &Dynamic, count: &Dynamic, go: impl FnOnce(NaiveDate, Decimal) -> Outcome) -> Outcome {
    let Some(day) = day_in(name, day)? else { return Ok(Dynamic::UNIT) };
    on_number(name, count, |count| go(day, count))
}

fn months_later(day: NaiveDate, count: Decimal, times: i64) -> Outcome {
    let count = count.trunc().to_i64().and_then(|count| count.checked_mul(times)).and_then(|count| i32::try_from(count).ok());
    let moved = count.and_then(|count| {
        let span = Months::new(count.unsigned_abs());
        if count < 0 { day.checked_sub_months(span) } else { day.checked_add_months(span) }
    });
    in_calendar(moved)
}
