//! Numbers, dates and times as people write them in tables.

use chrono::{NaiveDate, NaiveDateTime, NaiveTime};

/// Which part of 01/02/2026 comes first, and which sign stands before decimals, where it cannot be seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Habits {
    pub month_first: bool,
    pub point: char,
}

/// `¥1,234.50`, `1.234,50`, `(12)`, `１２` as a plain number; nothing if it is none.
pub(super) fn number(text: &str, habits: Habits) -> Option<String> {
    let mut plain = String::with_capacity(text.len());
    let mut negative = false;
    for c in text.trim().chars() {
        match c {
            '0'..='9' | '.' | ',' => plain.push(c),
            '０'..='９' => plain.push(char::from_digit(c as u32 - '０' as u32, 10)?),
            '，' => plain.push(','),
            '．' => plain.push('.'),
            '-' | '−' | '－' | '(' | '（' => negative = true,
            '+' | ')' | '）' | ' ' | '\u{a0}' | '\u{202f}' | '\'' | '¥' | '￥' | '$' | '€' | '£' | '元' => {}
            'e' | 'E' => return text.trim().parse::<f64>().ok().filter(|number| number.is_finite()).map(exchange::number_text),
            _ => return None,
        }
    }
    let point = point_of(&plain, habits)?;
    let digits: String = plain.chars().filter_map(|c| match c {
        c if Some(c) == point => Some('.'),
        '.' | ',' => None,
        c => Some(c),
    }).collect();
    if !digits.bytes().any(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some(if negative { format!("-{digits}") } else { digits })
}

/// The sign that stands before decimals. Of two different ones it is the last; one that comes several times groups
/// thousands; one alone does so only if three digits follow, and then the habit decides. Nothing where it fits neither way.
fn point_of(plain: &str, habits: Habits) -> Option<Option<char>> {
    let (dots, commas) = (plain.matches('.').count(), plain.matches(',').count());
    match (dots, commas) {
        (0, 0) => Some(None),
        (1, 1..) if plain.rfind('.') > plain.rfind(',') => Some(Some('.')),
        (1.., 1) if plain.rfind(',') > plain.rfind('.') => Some(Some(',')),
        (1, 0) => Some(alone(plain, '.', habits)),
        (0, 1) => Some(alone(plain, ',', habits)),
        (0, _) | (_, 0) => Some(None),
        _ => None,
    }
}

fn alone(plain: &str, sign: char, habits: Habits) -> Option<char> {
    let (before, after) = plain.split_once(sign).unwrap_or((plain, ""));
    let may_group = after.len() == 3 && (1..=3).contains(&before.len()) && before != "0";
    (!may_group || habits.point == sign).then_some(sign)
}

/// A day: ISO, with points or slashes, in Chinese, in English words, or Excel's number of it.
pub(super) fn day(text: &str, habits: Habits) -> Option<NaiveDate> {
    let text = text.trim();
    if let Ok(number) = text.parse::<f64>()
        && !text.contains(['-', '/']) {
            return match text.len() {
                8 => NaiveDate::parse_from_str(text, "%Y%m%d").ok(),
                5 => exchange::from_serial(number).map(|at| at.date()),
                _ => None,
            };
        }
    let numbers: Vec<&str> = text.split(|c: char| !c.is_ascii_digit()).filter(|part| !part.is_empty()).collect();
    let separators: String = text.chars().filter(|c| !c.is_ascii_digit() && !c.is_whitespace()).collect();
    if let ([one, two, three], true) = (numbers.as_slice(), matches!(separators.as_str(), "--" | "//" | ".." | "年月日" | "年月" | "...")) {
        let read = |text: &str| text.parse::<u32>().ok();
        let (one_number, two_number) = (read(one)?, read(two)?);
        if one.len() == 4 {
            return NaiveDate::from_ymd_opt(i32::try_from(one_number).ok()?, two_number, read(three)?);
        }
        let year = year(three)?;
        // Days come first with points; with slashes or dashes what cannot be a month is a day, else the habit decides.
        let month_first = separators != ".." && (two_number > 12 || one_number <= 12 && habits.month_first);
        let (day, month) = if month_first { (two_number, one_number) } else { (one_number, two_number) };
        return NaiveDate::from_ymd_opt(year, month, day);
    }
    ["%d %b %Y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y", "%d-%b-%Y", "%d-%b-%y"].iter().find_map(|pattern| NaiveDate::parse_from_str(text, pattern).ok())
}

fn year(text: &str) -> Option<i32> {
    let number: i32 = text.parse().ok()?;
    match text.len() {
        4 => Some(number),
        2 => Some(if number < 70 { 2000 + number } else { 1900 + number }),
        _ => None,
    }
}

/// A time of day: `9:30`, `09:30:15`, `9:30 PM`, `下午3:05`.
pub(super) fn time(text: &str) -> Option<NaiveTime> {
    let text = text.trim();
    let (text, shift) = match text {
        _ if text.starts_with("上午") => (&text["上午".len()..], ""),
        _ if text.starts_with("下午") => (&text["下午".len()..], " PM"),
        _ => (text, ""),
    };
    let text = format!("{}{shift}", text.trim());
    ["%H:%M", "%H:%M:%S", "%H:%M:%S%.f", "%I:%M %p", "%I:%M:%S %p", "%I:%M%p"].iter().find_map(|pattern| NaiveTime::parse_from_str(&text, pattern).ok())
}

/// A moment without a zone: a day, and a time after it.
pub(super) fn moment(text: &str, habits: Habits) -> Option<NaiveDateTime> {
    let text = text.trim();
    if let Some(day) = day(text, habits) {
        return Some(day.and_time(NaiveTime::MIN));
    }
    if let Ok(number) = text.parse::<f64>() {
        return exchange::from_serial(number).filter(|_| (20_000.0..100_000.0).contains(&number));
    }
    let cuts = text.char_indices().filter(|(_, c)| matches!(c, ' ' | 'T' | '日')).map(|(at, c)| if c == '日' { (at + c.len_utf8(), at + c.len_utf8()) } else { (at, at + 1) });
    cuts.into_iter().find_map(|(end, start)| Some(day(&text[..end], habits)?.and_time(time(&text[start..])?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENGLISH: Habits = Habits { month_first: false, point: '.' };
    const GERMAN: Habits = Habits { month_first: false, point: ',' };

    #[test]
    fn numbers_are_read_in_every_notation() {
        for (text, english, german) in [
            ("1,234.50", Some("1234.50"), Some("1234.50")),
            ("1.234,50", Some("1234.50"), Some("1234.50")),
            ("1.234.567,8", Some("1234567.8"), Some("1234567.8")),
            ("1,234,567", Some("1234567"), Some("1234567")),
            ("1.500", Some("1.500"), Some("1500")),
            ("1,500", Some("1500"), Some("1.500")),
            ("1234.500", Some("1234.500"), Some("1234.500")),
            ("0.125", Some("0.125"), Some("0.125")),
            ("12,5", Some("12.5"), Some("12.5")),
            ("¥ 1 234", Some("1234"), Some("1234")),
            ("(12.5)", Some("-12.5"), Some("-12.5")),
            ("−１２", Some("-12"), Some("-12")),
            ("1e3", Some("1000"), Some("1000")),
            ("a lot", None, None),
            ("1.2,3.4", None, None),
            ("", None, None),
        ] {
            assert_eq!(number(text, ENGLISH).as_deref(), english, "{text}");
            assert_eq!(number(text, GERMAN).as_deref(), german, "{text}");
        }
    }

    #[test]
    fn days_and_moments_are_read_in_every_notation() {
        let american = Habits { month_first: true, ..ENGLISH };
        for text in ["2026-11-24", "2026/11/24", "2026.11.24", "20261124", "24.11.2026", "24/11/2026", "11/24/2026", "24.11.26", "2026年11月24日", "24 Nov 2026", "Nov 24, 2026", "46350"] {
            assert_eq!(day(text, ENGLISH).map(|day| day.to_string()).as_deref(), Some("2026-11-24"), "{text}");
        }
        assert_eq!(day("01/02/2026", ENGLISH).map(|day| day.to_string()).as_deref(), Some("2026-02-01"));
        assert_eq!(day("01/02/2026", american).map(|day| day.to_string()).as_deref(), Some("2026-01-02"));
        for text in ["2026-02-30", "soon", "1.5", "", "32.13.2026"] {
            assert_eq!(day(text, ENGLISH), None, "{text}");
        }
        for text in ["2026-11-24 09:30", "2026-11-24T09:30:00", "24/11/2026 9:30 AM", "2026年11月24日 上午9:30", "2026年11月24日9:30", "46350.395833333336"] {
            assert_eq!(moment(text, ENGLISH).map(|at| at.to_string()).as_deref(), Some("2026-11-24 09:30:00"), "{text}");
        }
        assert_eq!(time("下午3:05").map(|time| time.to_string()).as_deref(), Some("15:05:00"));
    }
}
