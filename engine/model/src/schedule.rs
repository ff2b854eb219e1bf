//! Certain times: patterns as cron reads them, in a time zone.
//!
//! **Not here:** what happens then (`app::schedules`).

use std::str::FromStr;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use croner::{
    Cron,
    parser::{CronParser, Seconds, Year},
};

fn read(pattern: &str) -> Result<Cron, String> {
    let wrong = |why: String| format!("`{pattern}` is no times: {why}");
    if pattern.len() > 200 {
        return Err("times are said in at most 200 signs".to_owned());
    }
    CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build().parse(pattern).map_err(|error| wrong(error.to_string()))
}

/// Whether a pattern says times that come.
pub fn check(pattern: &str) -> Result<(), String> {
    let cron = read(pattern)?;
    let from = DateTime::<Utc>::UNIX_EPOCH.with_timezone(&Tz::UTC);
    cron.find_next_occurrence(&from, false).map(|_| ()).map_err(|_| format!("`{pattern}` never comes"))
}

/// A time zone by its name.
pub fn zone(name: &str) -> Option<Tz> {
    Tz::from_str(name).ok()
}

/// The first time of a pattern after a moment. Where clocks are put forward over it, the next that there is; where they
/// are put back, it comes once.
pub fn next(pattern: &str, zone: Tz, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let cron = read(pattern).ok()?;
    cron.find_next_occurrence(&after.with_timezone(&zone), false).ok().map(|at| at.with_timezone(&Utc)).filter(|at| *at > after)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().expect("a moment")
    }

    #[test]
    fn times_come_in_their_zone() {
        let shanghai = zone("Asia/Shanghai").expect("a zone");
        assert_eq!(next("0 8 * * MON-FRI", shanghai, at("2026-11-27T00:00:00Z")), Some(at("2026-11-30T00:00:00Z")), "Friday at eight was now; Monday is next");
        assert_eq!(next("0 8 * * MON-FRI", Tz::UTC, at("2026-11-27T00:00:00Z")), Some(at("2026-11-27T08:00:00Z")));
        assert_eq!(next("30 23 L * *", Tz::UTC, at("2026-02-01T00:00:00Z")), Some(at("2026-02-28T23:30:00Z")));
        assert_eq!(next("*/15 * * * *", Tz::UTC, at("2026-02-01T00:00:01Z")), Some(at("2026-02-01T00:15:00Z")));
    }

    #[test]
    fn clocks_are_put_forward_and_back() {
        let berlin = zone("Europe/Berlin").expect("a zone");
        // On 2026-03-29 there is no half past two; on 2026-10-25 there are two of them.
        let skipped = next("30 2 * * *", berlin, at("2026-03-28T12:00:00Z")).expect("a time");
        assert!(skipped >= at("2026-03-29T01:00:00Z") && skipped <= at("2026-03-30T00:30:00Z"), "{skipped}");
        let mut times = Vec::new();
        let mut now = at("2026-10-24T12:00:00Z");
        for _ in 0..2 {
            now = next("30 2 * * *", berlin, now).expect("a time");
            times.push(now);
        }
        assert!(times[1] - times[0] >= chrono::TimeDelta::hours(24), "{times:?}");
    }

    #[test]
    fn what_is_no_times_is_said() {
        for wrong in ["", "x", "* * * *", "0 0 8 * * *", "61 * * * *", "0 0 31 2 *", "@every 5m"] {
            assert!(check(wrong).is_err(), "{wrong}");
        }
        assert!(check("0 8 * * 1-5").is_ok());
        assert!(zone("Mars/Olympus").is_none());
    }
}
