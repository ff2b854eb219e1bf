//! Numbers as Excel means them.

use chrono::{NaiveDate, NaiveDateTime, TimeDelta, Timelike};

/// A number with the fifteen digits that Excel keeps: `0.1 + 0.2` is `0.3`.
pub fn number_text(number: f64) -> String {
    let plain = number.to_string();
    let digits = plain.bytes().filter(u8::is_ascii_digit).count() - usize::from(plain.trim_start_matches('-').starts_with("0."));
    if digits <= 15 || !number.is_finite() {
        return plain;
    }
    format!("{number:.14e}").parse::<f64>().map_or(plain, |rounded| rounded.to_string())
}

/// Day 0 of Excel's calendar.
fn epoch() -> NaiveDate {
    NaiveDate::from_ymd_opt(1899, 12, 30).unwrap_or_default()
}

/// Days since [`epoch`], with the time of day behind the point.
pub fn serial(at: NaiveDateTime) -> f64 {
    let days = (at.date() - epoch()).num_days();
    let seconds = f64::from(at.time().num_seconds_from_midnight()) + f64::from(at.time().nanosecond()) / 1e9;
    // Days of a calendar are far below 2^53.
    days as f64 + seconds / 86_400.0
}

/// What a number means where a date is expected: 1900-03-01 to 9999-12-31.
pub fn from_serial(number: f64) -> Option<NaiveDateTime> {
    if !(61.0..2_958_466.0).contains(&number) {
        return None;
    }
    let millis = (number * 86_400_000.0).round();
    epoch().and_time(chrono::NaiveTime::MIN).checked_add_signed(TimeDelta::milliseconds(millis as i64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fifteen_digits_are_kept() {
        for (number, expected) in [(0.1 + 0.2, "0.3"), (19.9, "19.9"), (1_234_567.891, "1234567.891"), (1e15, "1000000000000000"), (-2.5, "-2.5"), (123_456_789_012_345.0, "123456789012345")] {
            assert_eq!(number_text(number), expected);
        }
    }

    #[test]
    fn days_have_the_numbers_excel_gives_them() {
        let at = NaiveDate::from_ymd_opt(2026, 11, 24).and_then(|day| day.and_hms_opt(12, 0, 0)).expect("a moment");
        assert_eq!(serial(at), 46_350.5);
        assert_eq!(from_serial(46_350.5), Some(at));
        assert_eq!(from_serial(5.0), None);
    }
}
