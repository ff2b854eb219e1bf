//! Operators: exact, empty stays empty, nothing overflows silently.
//!
//! **Invariants**
//! - Every operator is ours for every pair of values: Rhai's own (integer division, silent shifts, `false` for a text
//!   compared with a number) are never reached.
//! - Arithmetic with an empty operand gives empty; a comparison with one is false.
//! - What would grow is measured before it is made.

use std::cmp::Ordering;

use chrono::{DateTime, Days, NaiveDate, Utc};
use rhai::{Array, Dynamic, Engine, ImmutableString, Map};
use rust_decimal::{Decimal, MathematicalOps, prelude::ToPrimitive};

use crate::{
    fault::{Fault, Outcome, trouble},
    functions::{kind_name, shown},
    rows::{Record, Several},
};

/// Largest exponent of `**`; beyond it a result has too many digits anyway, or is none.
const MAX_EXPONENT: i64 = 1_000;

/// An arithmetic operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sign {
    Add,
    Sub,
    Mul,
    Div,
    Rem,
    Pow,
}

impl Sign {
    const ALL: [Self; 6] = [Self::Add, Self::Sub, Self::Mul, Self::Div, Self::Rem, Self::Pow];

    fn text(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Sub => "-",
            Self::Mul => "*",
            Self::Div => "/",
            Self::Rem => "%",
            Self::Pow => "**",
        }
    }
}

/// A comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Test {
    Is,
    IsNot,
    Less,
    LessOrIs,
    More,
    MoreOrIs,
}

impl Test {
    const ALL: [Self; 6] = [Self::Is, Self::IsNot, Self::Less, Self::LessOrIs, Self::More, Self::MoreOrIs];

    fn text(self) -> &'static str {
        match self {
            Self::Is => "==",
            Self::IsNot => "!=",
            Self::Less => "<",
            Self::LessOrIs => "<=",
            Self::More => ">",
            Self::MoreOrIs => ">=",
        }
    }

    fn holds(self, order: Ordering) -> bool {
        match self {
            Self::Is => order == Ordering::Equal,
            Self::IsNot => order != Ordering::Equal,
            Self::Less => order == Ordering::Less,
            Self::LessOrIs => order != Ordering::Greater,
            Self::More => order == Ordering::Greater,
            Self::MoreOrIs => order != Ordering::Less,
        }
    }
}

/// A number, whatever kind: `None` for what is no number.
pub(crate) fn number(value: &Dynamic) -> Option<Decimal> {
    value.as_decimal().ok().or_else(|| value.as_int().ok().map(Decimal::from))
}

/// A value of a native type, without copying anything but it.
pub(crate) fn native<T: Copy + Send + Sync + 'static>(value: &Dynamic) -> Option<T> {
    value.read_lock::<T>().map(|value| *value)
}

/// A record stands for the link that led to it, wherever a plain value is wanted.
pub(crate) fn plain(value: Dynamic) -> Dynamic {
    if value.is::<Record>() { value.cast::<Record>().own() } else { value }
}

/// The calculation itself.
fn calculate(sign: Sign, left: Decimal, right: Decimal) -> Outcome {
    let result = match sign {
        Sign::Add => left.checked_add(right),
        Sign::Sub => left.checked_sub(right),
        Sign::Mul => left.checked_mul(right),
        Sign::Div | Sign::Rem if right.is_zero() => return Err(trouble(Fault::DivisionByZero, "a division by zero")),
        Sign::Div => left.checked_div(right),
        Sign::Rem => left.checked_rem(right),
        Sign::Pow => power(left, right)?,
    };
    result.map(Dynamic::from_decimal).ok_or_else(too_many_digits)
}

pub(crate) fn too_many_digits() -> Box<rhai::EvalAltResult> {
    trouble(Fault::TooManyDigits, "the result has too many digits")
}

fn power(base: Decimal, exponent: Decimal) -> Outcome<Option<Decimal>> {
    if exponent.abs() > Decimal::from(MAX_EXPONENT) {
        return Err(trouble(Fault::TooManyDigits, format!("an exponent lies between -{MAX_EXPONENT} and {MAX_EXPONENT}")));
    }
    if base.is_zero() && exponent.is_sign_negative() && !exponent.is_zero() {
        return Err(trouble(Fault::DivisionByZero, "zero to a negative power is a division by zero"));
    }
    if exponent.is_integer() {
        return Ok(exponent.to_i64().and_then(|exponent| base.checked_powi(exponent)));
    }
    if base.is_sign_negative() {
        return Err(trouble(Fault::BadValue, "a negative number has no root here"));
    }
    // Roots are approximations; the last digits of one are noise.
    Ok(base.checked_powd(exponent).map(|root| root.round_dp(18)))
}

/// An operator between any two values.
fn arithmetic(sign: Sign, left: Dynamic, right: Dynamic, max_text: usize) -> Outcome {
    if let (Some(left), Some(right)) = (number(&left), number(&right)) {
        return calculate(sign, left, right);
    }
    let (left, right) = (plain(left), plain(right));
    if left.is_unit() || right.is_unit() {
        return Ok(Dynamic::UNIT);
    }
    if sign == Sign::Add && (left.is_string() || right.is_string()) {
        return join(&left, &right, max_text);
    }
    if let Some(result) = with_days(sign, &left, &right) {
        return result;
    }
    Err(trouble(Fault::WrongKind, format!("`{}` fits numbers, not {} and {}", sign.text(), kind_name(&left), kind_name(&right))))
}

fn join(left: &Dynamic, right: &Dynamic, max_text: usize) -> Outcome {
    let (Some(first), Some(second)) = (shown(left), shown(right)) else {
        return Err(trouble(Fault::WrongKind, format!("`+` cannot join {} and {}", kind_name(left), kind_name(right))));
    };
    if first.len() + second.len() > max_text {
        return Err(trouble(Fault::TooLarge, "the text would be too long"));
    }
    Ok(format!("{first}{second}").into())
}

/// A day less a day is days; a day and days are a day.
fn with_days(sign: Sign, left: &Dynamic, right: &Dynamic) -> Option<Outcome> {
    if let (Some(day), Some(other)) = (native::<NaiveDate>(left), native::<NaiveDate>(right)) {
        return (sign == Sign::Sub).then(|| Ok(Dynamic::from_decimal(Decimal::from((day - other).num_days()))));
    }
    let (day, count) = match (native::<NaiveDate>(left), native::<NaiveDate>(right)) {
        (Some(day), None) => (day, number(right)?),
        (None, Some(day)) if sign == Sign::Add => (day, number(left)?),
        _ => return None,
    };
    match sign {
        Sign::Add => Some(moved(day, count)),
        Sign::Sub => Some(moved(day, -count)),
        Sign::Mul | Sign::Div | Sign::Rem | Sign::Pow => None,
    }
}

/// A day, so many days later; parts of days are cut off.
pub(crate) fn moved(day: NaiveDate, count: Decimal) -> Outcome {
    let count = count.trunc().to_i64().unwrap_or(i64::MAX);
    let span = Days::new(count.unsigned_abs());
    in_calendar(if count < 0 { day.checked_sub_days(span) } else { day.checked_add_days(span) })
}

/// A day of the years 1 to 9999, which is what fields hold.
pub(crate) fn in_calendar(day: Option<NaiveDate>) -> Outcome {
    use chrono::Datelike;
    match day {
        Some(day) if (1..=9999).contains(&day.year()) => Ok(Dynamic::from(day)),
        _ => Err(trouble(Fault::BadValue, "the day lies outside the years 1 to 9999")),
    }
}

/// How two values stand to each other; `None` with an empty one, an error for kinds that do not compare.
pub(crate) fn compare(left: &Dynamic, right: &Dynamic) -> Outcome<Option<Ordering>> {
    if let (Some(left), Some(right)) = (number(left), number(right)) {
        return Ok(Some(left.cmp(&right)));
    }
    if let (Ok(left), Ok(right)) = (left.as_immutable_string_ref(), right.as_immutable_string_ref()) {
        return Ok(Some(left.as_str().cmp(right.as_str())));
    }
    if left.is::<Record>() || right.is::<Record>() {
        return compare(&plain(left.clone()), &plain(right.clone()));
    }
    if left.is_unit() || right.is_unit() {
        return Ok(None);
    }
    if let (Ok(left), Ok(right)) = (left.as_bool(), right.as_bool()) {
        return Ok(Some(left.cmp(&right)));
    }
    if let (Some(left), Some(right)) = (day_of(left, right)?, day_of(right, left)?) {
        return Ok(Some(left.cmp(&right)));
    }
    if let (Some(left), Some(right)) = (native::<DateTime<Utc>>(left), native::<DateTime<Utc>>(right)) {
        return Ok(Some(left.cmp(&right)));
    }
    Err(trouble(Fault::WrongKind, format!("{} cannot be compared with {}", kind_name(left), kind_name(right))))
}

/// A day, or a text beside a day that says one: there are no dates among the literals.
fn day_of(value: &Dynamic, other: &Dynamic) -> Outcome<Option<NaiveDate>> {
    if let Some(day) = native::<NaiveDate>(value) {
        return Ok(Some(day));
    }
    match value.as_immutable_string_ref() {
        Ok(text) if other.is::<NaiveDate>() => crate::functions::parse_day(text.as_str()).map(Some),
        _ => Ok(None),
    }
}

/// Whether two values are the same, lists and maps part by part.
pub(crate) fn same(left: &Dynamic, right: &Dynamic) -> Outcome<bool> {
    if let (Ok(left), Ok(right)) = (left.as_array_ref(), right.as_array_ref()) {
        return same_parts(left.len() == right.len(), left.iter().zip(right.iter()));
    }
    if let (Ok(left), Ok(right)) = (left.as_map_ref(), right.as_map_ref()) {
        let keys = left.keys().eq(right.keys());
        return same_parts(keys, left.values().zip(right.values()));
    }
    if let (Some(left), Some(right)) = (left.read_lock::<Several>(), right.read_lock::<Several>()) {
        return Ok(*left == *right);
    }
    Ok(compare(left, right)? == Some(Ordering::Equal))
}

fn same_parts<'v>(fit: bool, mut parts: impl Iterator<Item = (&'v Dynamic, &'v Dynamic)>) -> Outcome<bool> {
    // Inside lists an empty part is a part like any other.
    let one = |(left, right): (&Dynamic, &Dynamic)| if left.is_unit() || right.is_unit() { Ok(left.is_unit() && right.is_unit()) } else { same(left, right) };
    Ok(fit && parts.try_fold(true, |so_far, pair| Ok::<_, Box<rhai::EvalAltResult>>(so_far && one(pair)?))?)
}

fn is_composite(value: &Dynamic) -> bool {
    value.is_array() || value.is_map() || value.is::<Several>()
}

fn test(test: Test, left: &Dynamic, right: &Dynamic) -> Outcome<bool> {
    if matches!(test, Test::Is | Test::IsNot) && is_composite(left) && is_composite(right) {
        return Ok(same(left, right)? == (test == Test::Is));
    }
    Ok(compare(left, right)?.is_some_and(|order| test.holds(order)))
}

/// Registers operators for every pair of values. The usual pairs stand apart, so that they are found at once.
pub(crate) fn register(engine: &mut Engine, max_text: usize, max_items: usize) {
    for sign in Sign::ALL {
        let name = sign.text();
        engine.register_fn(name, move |left: Decimal, right: Decimal| calculate(sign, left, right));
        engine.register_fn(name, move |left: Decimal, right: i64| calculate(sign, left, Decimal::from(right)));
        engine.register_fn(name, move |left: i64, right: Decimal| calculate(sign, Decimal::from(left), right));
        engine.register_fn(name, move |left: i64, right: i64| calculate(sign, Decimal::from(left), Decimal::from(right)));
        engine.register_fn(name, move |left: Dynamic, right: Dynamic| any(sign, left, right, max_text, max_items));
        engine.register_fn(format!("{name}="), move |left: &mut Dynamic, right: Dynamic| -> Outcome<()> {
            *left = any(sign, std::mem::take(left), right, max_text, max_items)?;
            Ok(())
        });
    }
    for each in Test::ALL {
        let name = each.text();
        engine.register_fn(name, move |left: Decimal, right: Decimal| each.holds(left.cmp(&right)));
        engine.register_fn(name, move |left: Decimal, right: i64| each.holds(left.cmp(&Decimal::from(right))));
        engine.register_fn(name, move |left: ImmutableString, right: ImmutableString| each.holds(left.as_str().cmp(right.as_str())));
        engine.register_fn(name, move |left: Dynamic, right: Dynamic| test(each, &left, &right));
    }
    engine.register_fn("-", |value: Dynamic| -> Outcome { negated(&value) });
    engine.register_fn("+", |value: Dynamic| -> Outcome { negated(&value).map(|_| value) });
    engine.register_fn("!", |value: Dynamic| -> Outcome { truth(&value).map(|flag| flag.map_or(Dynamic::UNIT, |flag| (!flag).into())) });
    for name in ["&", "|", "^", "<<", ">>", "&=", "|=", "^=", "<<=", ">>="] {
        engine.register_fn(name, move |_: Dynamic, _: Dynamic| -> Outcome { Err(trouble(Fault::WrongKind, format!("there is no `{name}` here; conditions are joined by `&&` and `||`"))) });
    }
    // What conditions are wrapped in: see `conditions`.
    engine.register_fn(crate::conditions::YES, |value: bool| value);
    engine.register_fn(crate::conditions::YES, |value: Dynamic| -> Outcome<bool> { truth(&value).map(|flag| flag == Some(true)) });
    engine.register_fn(crate::conditions::CASE, |value: Dynamic| case(plain(value)));
}

fn any(sign: Sign, left: Dynamic, right: Dynamic, max_text: usize, max_items: usize) -> Outcome {
    if sign == Sign::Add && left.is_array() {
        return listed(left, right, max_items);
    }
    if sign == Sign::Add && left.is_map() && right.is_map() {
        return merged(left, right, max_items);
    }
    arithmetic(sign, left, right, max_text)
}

fn listed(left: Dynamic, right: Dynamic, max_items: usize) -> Outcome {
    let mut items: Array = left.cast();
    let more: Array = if right.is_array() { right.cast() } else { vec![right] };
    if items.len() + more.len() > max_items {
        return Err(trouble(Fault::TooLarge, "the list would be too long"));
    }
    items.extend(more);
    Ok(items.into())
}

fn merged(left: Dynamic, right: Dynamic, max_items: usize) -> Outcome {
    let (mut entries, more): (Map, Map) = (left.cast(), right.cast());
    if entries.len() + more.len() > max_items {
        return Err(trouble(Fault::TooLarge, "the map would be too large"));
    }
    entries.extend(more);
    Ok(entries.into())
}

fn negated(value: &Dynamic) -> Outcome {
    match number(value) {
        Some(number) => Ok(Dynamic::from_decimal(-number)),
        None if value.is_unit() => Ok(Dynamic::UNIT),
        None => Err(trouble(Fault::WrongKind, format!("`-` fits numbers, not {}", kind_name(value)))),
    }
}

/// Yes or no; nothing for an empty value.
fn truth(value: &Dynamic) -> Outcome<Option<bool>> {
    match value.as_bool() {
        Ok(flag) => Ok(Some(flag)),
        Err(_) if value.is_unit() => Ok(None),
        Err(_) => Err(trouble(Fault::WrongKind, format!("a condition is yes or no, not {}; compare it with something", kind_name(value)))),
    }
}

/// The cases of a `switch` are matched by kind too, and whole numbers among them are integers.
fn case(value: Dynamic) -> Dynamic {
    match value.as_decimal() {
        Ok(number) if number.is_integer() => number.to_i64().map_or(value, Dynamic::from_int),
        _ => value,
    }
}
