//! A zone as data: from which instant on which offset holds, exact for telling on which day an instant falls.
//!
//! **Not here:** zone names, which never reach a database.

use chrono::{DateTime, Days, NaiveDate, NaiveTime, TimeDelta, Utc};

use crate::Binder;

/// Offsets from UTC in seconds, each with the instant from which on it holds. The first holds before, too.
pub type Offsets = Vec<(DateTime<Utc>, i32)>;

/// The first and the last year whose changes of the clock are known; before and after, the nearest offset holds.
const YEARS: (i32, i32) = (1980, 2060);
/// Changes of the clock lie further apart than this.
const STEP: u64 = 7;

/// The offsets of the binder's zone, found by asking when days begin.
pub fn offsets(binder: &dyn Binder) -> Offsets {
    let offset = |day: NaiveDate| {
        let seconds = (day.and_time(NaiveTime::MIN).and_utc() - binder.day_start(day)).num_seconds();
        i32::try_from(seconds).unwrap_or(0)
    };
    let day = |year: i32| NaiveDate::from_ymd_opt(year, 1, 1).unwrap_or_default();
    let (mut before, end) = (day(YEARS.0), day(YEARS.1));
    let mut old = offset(before);
    let mut found = vec![(before.and_time(NaiveTime::MIN).and_utc(), old)];
    while before < end {
        let after = before + Days::new(STEP);
        let new = offset(after);
        if old != new {
            found.push((change(before, after, new, &offset), new));
        }
        (before, old) = (after, new);
    }
    found
}

/// The noon before the first day that begins with the new offset. The clock changes within that day, and on either
/// side of its noon both offsets name the same day; so neither can be wrong.
fn change(before: NaiveDate, after: NaiveDate, new: i32, offset: &dyn Fn(NaiveDate) -> i32) -> DateTime<Utc> {
    let mut first = after;
    while first > before && offset(first - Days::new(1)) == new {
        first = first - Days::new(1);
    }
    let begins = first.and_time(NaiveTime::MIN).and_utc() - TimeDelta::seconds(i64::from(new));
    begins - TimeDelta::hours(12)
}
