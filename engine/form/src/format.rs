//! Values as words for a person.

use chrono::{DateTime, Datelike, NaiveDate, NaiveTime, Timelike, Utc};
use chrono_tz::Tz;
use model::{DecimalFlavour, FieldKind, Value};
use rust_decimal::Decimal;

/// How a person reads: language, zone, and habits of writing dates and numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct Locale {
    /// `en`, `zh-Hans`, `zh-Hant`.
    pub lang: String,
    /// The zone in which instants are shown.
    pub zone: Tz,
    /// A `strftime` pattern for dates.
    pub date: String,
    /// What stands between thousands; empty for nothing.
    pub thousands: char,
    /// What stands before decimals.
    pub point: char,
    /// The sign before amounts of money; empty where there are several currencies.
    pub currency: String,
}

/// Ways to write a date: name, `strftime` pattern.
pub const DATES: [(&str, &str); 5] = [("iso", "%Y-%m-%d"), ("words", "%-d %b %Y"), ("slashes", "%d/%m/%Y"), ("dots", "%d.%m.%Y"), ("american", "%m/%d/%Y")];

/// Ways to write a number: name, what stands between thousands, what before decimals.
pub const NUMBERS: [(&str, char, char); 3] = [("comma", ',', '.'), ("dot", '.', ','), ("space", '\u{202f}', ',')];

impl Locale {
    /// The usual habits of a language.
    pub fn of(lang: &str, zone: Tz) -> Self {
        let date = if lang.starts_with("zh") { "%Y-%m-%d" } else { "%-d %b %Y" };
        Self { lang: lang.to_owned(), zone, date: date.to_owned(), thousands: ',', point: '.', currency: String::new() }
    }

    /// With the sign that stands before amounts of money.
    #[must_use]
    pub fn with_currency(mut self, sign: &str) -> Self {
        sign.clone_into(&mut self.currency);
        self
    }

    /// With a person's own ways to write dates ([`DATES`]) and numbers ([`NUMBERS`]); unknown names change nothing.
    #[must_use]
    pub fn with_habits(mut self, date: Option<&str>, number: Option<&str>) -> Self {
        if let Some((_, pattern)) = DATES.iter().find(|(name, _)| Some(*name) == date) {
            (*pattern).clone_into(&mut self.date);
        }
        if let Some((_, thousands, point)) = NUMBERS.iter().find(|(name, _, _)| Some(*name) == number) {
            (self.thousands, self.point) = (*thousands, *point);
        }
        self
    }
}

/// The words for a value; empty for an empty one. Links and files have titles of their own, which the caller knows.
pub fn text(kind: &FieldKind, value: &Value, locale: &Locale) -> String {
    match value {
        Value::Empty => String::new(),
        Value::Text(text) => match kind {
            FieldKind::Choice { options, .. } => label(options, text, &locale.lang),
            _ => text.clone(),
        },
        Value::Texts(texts) => match kind {
            FieldKind::Choice { options, .. } => texts.iter().map(|text| label(options, text, &locale.lang)).collect::<Vec<_>>().join(", "),
            _ => texts.join(", "),
        },
        Value::Int(number) => match kind {
            FieldKind::Duration => duration(*number),
            _ => number_text(Decimal::from(*number), 0, locale),
        },
        Value::Decimal(number) => decimal(kind, *number, locale),
        Value::Bool(flag) => yes_no(*flag, &locale.lang).to_owned(),
        Value::Date(date) => date_text(*date, locale),
        Value::Time(time) => time_text(*time),
        Value::Instant(at) => instant(*at, locale),
        Value::Id(id) | Value::AnyId { id, .. } => id.to_string(),
        Value::Ids(ids) => ids.len().to_string(),
        Value::Json(json) => document(kind, json),
    }
}

/// The words on an option.
pub fn label(options: &[model::OptionDef], value: &str, lang: &str) -> String {
    options.iter().find(|option| option.value == value).map_or_else(|| value.to_owned(), |option| option.labels.or_key(lang, value))
}

fn decimal(kind: &FieldKind, number: Decimal, locale: &Locale) -> String {
    match kind {
        FieldKind::Decimal(settings) => {
            // Money has its cents always; of other numbers zeros at the end say nothing.
            let scale = match settings.flavour {
                DecimalFlavour::Money => settings.scale,
                DecimalFlavour::Decimal | DecimalFlavour::Percent => u8::try_from(number.normalize().scale()).unwrap_or(9).min(settings.scale),
            };
            let text = number_text(number, scale, locale);
            match settings.flavour {
                DecimalFlavour::Money if number.is_sign_negative() => format!("-{}{}", locale.currency, text.trim_start_matches('-')),
                DecimalFlavour::Money => format!("{}{text}", locale.currency),
                DecimalFlavour::Percent => format!("{text}%"),
                DecimalFlavour::Decimal => text,
            }
        }
        _ => number_text(number, u8::try_from(number.scale()).unwrap_or(9), locale),
    }
}

/// The words for a total, short where it is long: `¥257.2M`, `¥2.6亿`. The exact words where it is not.
pub fn short(kind: &FieldKind, value: &Value, locale: &Locale) -> String {
    let number = match (kind, value) {
        (FieldKind::Decimal(_) | FieldKind::Integer { .. }, Value::Decimal(number)) => *number,
        (FieldKind::Integer { .. }, Value::Int(number)) => Decimal::from(*number),
        _ => return text(kind, value, locale),
    };
    let units: &[(i64, &str)] = match locale.lang.as_str() {
        "zh-Hans" => &[(1_000_000_000_000, "万亿"), (100_000_000, "亿"), (10_000, "万")],
        "zh-Hant" => &[(1_000_000_000_000, "兆"), (100_000_000, "億"), (10_000, "萬")],
        _ => &[(1_000_000_000, "B"), (1_000_000, "M")],
    };
    let found = units.iter().find(|(size, _)| number.abs() >= Decimal::from(*size));
    // Whole numbers have room for more: they have no decimals and no sign of a currency.
    let long = if matches!(kind, FieldKind::Integer { .. }) { 10_000_000 } else { 1_000_000 };
    let Some((size, unit)) = found.filter(|_| number.abs() >= Decimal::from(long)) else { return text(kind, value, locale) };
    let part = number_text((number / Decimal::from(*size)).round_dp(1), 1, locale);
    let sign = if matches!(kind, FieldKind::Decimal(settings) if settings.flavour == DecimalFlavour::Money) { locale.currency.as_str() } else { "" };
    match part.strip_prefix('-') {
        Some(part) => format!("-{sign}{part}{unit}"),
        None => format!("{sign}{part}{unit}"),
    }
}

/// A number with its thousands apart and exactly `scale` decimals.
pub fn number_text(number: Decimal, scale: u8, locale: &Locale) -> String {
    let mut number = number;
    number.rescale(u32::from(scale));
    let plain = number.abs().to_string();
    let (whole, rest) = plain.split_once('.').unwrap_or((&plain, ""));
    let mut grouped = String::new();
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            grouped.push(locale.thousands);
        }
        grouped.push(digit);
    }
    let sign = if number.is_sign_negative() && !number.is_zero() { "-" } else { "" };
    if rest.is_empty() { format!("{sign}{grouped}") } else { format!("{sign}{grouped}{}{rest}", locale.point) }
}

/// A day in the person's habit.
pub fn date_text(date: NaiveDate, locale: &Locale) -> String {
    date.format(&locale.date).to_string()
}

/// The span that begins on a day: `November 2026`, `Q4 2026`, `2026年11月`.
pub fn span(first: NaiveDate, part: model::DatePart, locale: &Locale) -> String {
    let (year, chinese) = (first.year(), locale.lang.starts_with("zh"));
    let quarter = first.month0() / 3 + 1;
    match (part, chinese) {
        (model::DatePart::Day, _) => date_text(first, locale),
        (model::DatePart::Week, true) => format!("{}年第{}周", first.iso_week().year(), first.iso_week().week()).replace('周', if locale.lang == "zh-Hant" { "週" } else { "周" }),
        (model::DatePart::Week, false) => format!("Week {}, {}", first.iso_week().week(), first.iso_week().year()),
        (model::DatePart::Month, true) => format!("{year}年{}月", first.month()),
        (model::DatePart::Month, false) => first.format("%B %Y").to_string(),
        (model::DatePart::Quarter, true) => format!("{year}年第{quarter}季度"),
        (model::DatePart::Quarter, false) => format!("Q{quarter} {year}"),
        (model::DatePart::Year, true) => format!("{year}年"),
        (model::DatePart::Year, false) => year.to_string(),
    }
}

fn time_text(time: NaiveTime) -> String {
    time.format(if time.second() == 0 { "%H:%M" } else { "%H:%M:%S" }).to_string()
}

/// An instant in the person's zone and habit.
pub fn instant(at: DateTime<Utc>, locale: &Locale) -> String {
    let local = at.with_timezone(&locale.zone);
    format!("{} {}", local.date_naive().format(&locale.date), local.format("%H:%M"))
}

/// The words for yes and no.
pub fn yes_no(flag: bool, lang: &str) -> &'static str {
    match (flag, lang) {
        (true, lang) if lang.starts_with("zh") => "是",
        (false, lang) if lang.starts_with("zh") => "否",
        (true, _) => "Yes",
        (false, _) => "No",
    }
}

/// The name of a part of an address or a place.
pub fn part_label(part: model::Part, lang: &str) -> &'static str {
    let (en, hans, hant) = match part {
        model::Part::Country => ("Country", "国家", "國家"),
        model::Part::Region => ("Region", "省/州", "省/州"),
        model::Part::City => ("City", "城市", "城市"),
        model::Part::Street => ("Street", "街道", "街道"),
        model::Part::Postcode => ("Postcode", "邮编", "郵遞區號"),
        model::Part::Lat => ("Latitude", "纬度", "緯度"),
        model::Part::Lon => ("Longitude", "经度", "經度"),
    };
    match lang {
        "zh-Hans" => hans,
        "zh-Hant" => hant,
        _ => en,
    }
}

/// Seconds as hours and minutes: `1:30`, `0:05:20`.
pub fn duration(seconds: i64) -> String {
    let (sign, seconds) = if seconds < 0 { ("-", -seconds) } else { ("", seconds) };
    let (hours, minutes, rest) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if rest == 0 { format!("{sign}{hours}:{minutes:02}") } else { format!("{sign}{hours}:{minutes:02}:{rest:02}") }
}

fn document(kind: &FieldKind, json: &serde_json::Value) -> String {
    let part = |key: &str| json.get(key).and_then(serde_json::Value::as_str).unwrap_or_default().to_owned();
    match kind {
        FieldKind::Address => {
            let parts = ["street", "city", "region", "postcode", "country"].map(part);
            parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ")
        }
        FieldKind::Geo => {
            let number = |key: &str| json.get(key).map(serde_json::Value::to_string).unwrap_or_default();
            format!("{}, {}", number("lat"), number("lon"))
        }
        FieldKind::RichText => plain_text(json),
        _ => json.to_string(),
    }
}

/// The words of a rich-text document, a line for each paragraph. Walks without recursion: documents come from clients.
pub fn plain_text(document: &serde_json::Value) -> String {
    let mut words = String::new();
    let mut open = vec![document];
    while let Some(node) = open.pop() {
        if let Some(text) = node.get("text").and_then(serde_json::Value::as_str) {
            words.push_str(text);
        }
        if matches!(node.get("type").and_then(serde_json::Value::as_str), Some("paragraph" | "heading" | "hardBreak" | "listItem")) && !words.is_empty() {
            words.push('\n');
        }
        if let Some(content) = node.get("content").and_then(serde_json::Value::as_array) {
            open.extend(content.iter().rev());
        }
    }
    words.trim().to_owned()
}

/// What stands in an input field for a value: exact, without grouping, as `submit` reads it back.
pub fn input(kind: &FieldKind, value: &Value, locale: &Locale) -> String {
    match (kind, value) {
        (FieldKind::Datetime, Value::Instant(at)) => {
            let local = at.with_timezone(&locale.zone);
            local.format(if local.second() == 0 { "%Y-%m-%dT%H:%M" } else { "%Y-%m-%dT%H:%M:%S" }).to_string()
        }
        (FieldKind::Duration, Value::Int(seconds)) => duration(*seconds),
        (FieldKind::Decimal(settings), Value::Decimal(number)) if settings.flavour != DecimalFlavour::Money => number.normalize().to_string().replace('.', &locale.point.to_string()),
        (FieldKind::Decimal(_), Value::Decimal(number)) => number.to_string().replace('.', &locale.point.to_string()),
        (FieldKind::RichText, Value::Json(json)) => plain_text(json),
        (FieldKind::Json { .. }, Value::Json(json)) => serde_json::to_string_pretty(json).unwrap_or_default(),
        (_, Value::AnyId { card, id }) => format!("{card}:{id}"),
        _ => match model::types::to_json(kind, value) {
            serde_json::Value::String(text) => text,
            serde_json::Value::Null => String::new(),
            other => other.to_string(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_stand_apart_and_decimals_are_complete() {
        let locale = Locale::of("en", chrono_tz::UTC);
        let check = |text: &str, scale, expected: &str| assert_eq!(number_text(text.parse().expect("a number"), scale, &locale), expected);
        check("1234567.5", 2, "1,234,567.50");
        check("-999", 0, "-999");
        check("-0.00", 2, "0.00");
        check("1000", 0, "1,000");
    }

    #[test]
    fn long_totals_are_short_and_short_ones_exact() {
        let kind = FieldKind::Decimal(model::DecimalKind { flavour: DecimalFlavour::Money, scale: 2, rounding: model::Rounding::default(), min: None, max: None });
        let check = |number: &str, lang: &str, expected: &str| {
            let locale = Locale { currency: "¥".into(), ..Locale::of(lang, chrono_tz::UTC) };
            assert_eq!(short(&kind, &Value::Decimal(number.parse().expect("a number")), &locale), expected);
        };
        check("257229000.77", "en", "¥257.2M");
        check("-5137843726.12", "en", "-¥5.1B");
        check("999999.5", "en", "¥999,999.50");
        check("1306240.5", "en", "¥1.3M");
        check("257229000.77", "zh-Hans", "¥2.6亿");
        check("25722900", "zh-Hant", "¥2,572.3萬");
    }

    #[test]
    fn numbers_are_read_back_as_they_were_written_in_every_habit() {
        let kind = FieldKind::Decimal(model::DecimalKind { flavour: DecimalFlavour::Decimal, scale: 2, rounding: model::Rounding::default(), min: None, max: None });
        let number: Decimal = "1234567.50".parse().expect("a number");
        for (name, _, _) in NUMBERS {
            let locale = Locale::of("en", chrono_tz::UTC).with_habits(None, Some(name));
            for text in [input(&kind, &Value::Decimal(number), &locale), text(&kind, &Value::Decimal(number), &locale)] {
                assert_eq!(crate::submit::plain_number(&text, &locale), "1234567.5", "{name}: {text}");
            }
        }
    }
}
