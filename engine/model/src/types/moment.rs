//! date, time, datetime.

use chrono::{DateTime, Datelike, NaiveDate, NaiveTime, SubsecRound, Timelike, Utc};
use serde_json::Value as Json;

use super::wanted;
use crate::{Code, Value, Violation};

pub(super) fn read_date(json: &Json) -> Result<Value, Violation> {
    let wrong = || wanted("A date such as 2026-11-24");
    let text = json.as_str().ok_or_else(wrong)?.trim();
    if text.len() != 10 {
        return Err(wrong());
    }
    NaiveDate::parse_from_str(text, "%Y-%m-%d").map(Value::Date).map_err(|_| wrong())
}

pub(super) fn read_time(json: &Json) -> Result<Value, Violation> {
    let wrong = || wanted("A time such as 09:30");
    let text = json.as_str().ok_or_else(wrong)?.trim();
    let parsed = NaiveTime::parse_from_str(text, "%H:%M").or_else(|_| NaiveTime::parse_from_str(text, "%H:%M:%S"));
    let time = parsed.map_err(|_| wrong())?;
    // chrono reads :60 as a leap second, which no database keeps.
    if time.nanosecond() >= 1_000_000_000 { Err(wrong()) } else { Ok(Value::Time(time)) }
}

pub(super) fn read_instant(json: &Json) -> Result<Value, Violation> {
    let wrong = || wanted("A moment such as 2026-11-24T09:30:00Z");
    let text = json.as_str().ok_or_else(wrong)?.trim();
    let at = DateTime::parse_from_rfc3339(text).map_err(|_| wrong())?.with_timezone(&Utc);
    if at.nanosecond() >= 1_000_000_000 {
        return Err(wrong());
    }
    Ok(Value::Instant(at.trunc_subsecs(6)))
}

pub(super) fn time_text(time: NaiveTime) -> String {
    time.format(if time.second() == 0 { "%H:%M" } else { "%H:%M:%S" }).to_string()
}

pub(super) fn instant_text(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true)
}

/// Years 1 to 9999: what both databases and every client can write.
pub(super) fn check_date(date: NaiveDate) -> Vec<Violation> {
    if (1..=9999).contains(&date.year()) {
        return Vec::new();
    }
    vec![Violation::new("", Code::Type).with("wanted", "A date such as 2026-11-24")]
}
