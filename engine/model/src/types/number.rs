//! integer, rating, duration, decimal, money, percent, boolean.

use std::str::FromStr;

use rust_decimal::{Decimal, RoundingStrategy};
use serde_json::Value as Json;

use super::wanted;
use crate::{Code, DecimalKind, Rounding, Value, Violation};

/// The largest whole number that every JSON reader keeps exactly.
pub const SAFE_INTEGER: i64 = (1 << 53) - 1;
/// Most digits of a decimal, before and after the point together.
pub const MAX_DIGITS: u32 = 15;

/// Rounds a result to a scale.
pub fn round(number: Decimal, scale: u8, rounding: Rounding) -> Decimal {
    let strategy = match rounding {
        Rounding::HalfUp => RoundingStrategy::MidpointAwayFromZero,
        Rounding::HalfEven => RoundingStrategy::MidpointNearestEven,
    };
    number.round_dp_with_strategy(u32::from(scale), strategy)
}

/// `12.5` at scale 2 is `12.50`.
pub(super) fn at_scale(number: Decimal, scale: u8) -> String {
    let mut number = number;
    number.rescale(u32::from(scale));
    number.to_string()
}

pub(super) fn read_integer(json: &Json) -> Result<Value, Violation> {
    let wrong = || wanted("A whole number");
    let number = match json {
        // `3.0` is a whole number too; `1e3` as well.
        Json::Number(number) => number.as_i64().or_else(|| whole(&number.to_string())).ok_or_else(wrong)?,
        Json::String(text) => whole(text.trim()).ok_or_else(wrong)?,
        _ => return Err(wrong()),
    };
    Ok(Value::Int(number))
}

fn whole(text: &str) -> Option<i64> {
    let number = parse(text)?;
    if number.fract().is_zero() { i64::try_from(number.trunc().mantissa() / 10_i128.pow(number.trunc().scale())).ok() } else { None }
}

fn parse(text: &str) -> Option<Decimal> {
    if text.len() > 40 {
        return None;
    }
    Decimal::from_str(text).or_else(|_| Decimal::from_scientific(text)).ok()
}

pub(super) fn read_decimal(json: &Json, settings: &DecimalKind) -> Result<Value, Violation> {
    let text = match json {
        Json::Number(number) => number.to_string(),
        Json::String(text) => text.trim().to_owned(),
        _ => return Err(wanted("A number")),
    };
    let number = match parse(&text) {
        Some(number) => number,
        None if is_number(&text) => return Err(Violation::new("", Code::Digits).with("digits", MAX_DIGITS)),
        None => return Err(wanted("A number")),
    };
    let number = number.normalize();
    if number.scale() > u32::from(settings.scale) {
        return Err(Violation::new("", Code::Scale).with("scale", settings.scale));
    }
    let mut number = number;
    number.rescale(u32::from(settings.scale));
    Ok(Value::Decimal(number))
}

/// Whether the text is a number at all, however long.
fn is_number(text: &str) -> bool {
    let mut digits = 0;
    for (index, c) in text.char_indices() {
        match c {
            '0'..='9' => digits += 1,
            '+' | '-' if index == 0 || text[..index].ends_with(['e', 'E']) => {}
            '.' | 'e' | 'E' => {}
            _ => return false,
        }
    }
    digits > 0
}

pub(super) fn read_boolean(json: &Json) -> Result<Value, Violation> {
    match json {
        Json::Bool(flag) => Ok(Value::Bool(*flag)),
        Json::String(text) if text == "true" => Ok(Value::Bool(true)),
        Json::String(text) if text == "false" => Ok(Value::Bool(false)),
        _ => Err(wanted("Yes or no")),
    }
}

pub(super) fn check_integer(number: i64, min: Option<i64>, max: Option<i64>) -> Vec<Violation> {
    let min = min.unwrap_or(-SAFE_INTEGER);
    let max = max.unwrap_or(SAFE_INTEGER);
    bounds(number < min, min, number > max, max)
}

pub(super) fn check_decimal(number: Decimal, settings: &DecimalKind) -> Vec<Violation> {
    // Digits are counted at the field's scale: what is stored on SQLite is the scaled whole number.
    let mut scaled = number;
    scaled.rescale(u32::from(settings.scale));
    if scaled.scale() != u32::from(settings.scale) || scaled.mantissa().unsigned_abs() >= 10_u128.pow(MAX_DIGITS) {
        return vec![Violation::new("", Code::Digits).with("digits", MAX_DIGITS)];
    }
    let below = settings.min.is_some_and(|min| number < min);
    let above = settings.max.is_some_and(|max| number > max);
    bounds(below, settings.min.unwrap_or_default(), above, settings.max.unwrap_or_default())
}

fn bounds(below: bool, min: impl std::fmt::Display, above: bool, max: impl std::fmt::Display) -> Vec<Violation> {
    let below = below.then(|| Violation::new("", Code::Min).with("min", min));
    let above = above.then(|| Violation::new("", Code::Max).with("max", max));
    below.into_iter().chain(above).collect()
}
