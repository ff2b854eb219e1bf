//! The strings of a submitted form → the JSON body that API clients send.
//!
//! Names: `f.KEY` for fields, `f.KEY.PART` for parts of an address or place, `c.TABLE.N.KEY` for child rows, with
//! `c.TABLE.N.id` for rows that exist; `c.TABLE` alone (any value) says that the table was on the form, even if no
//! row is left. Names that come several times are several values. `was.NAME` beside `NAME` says what the form started
//! from, so that only edits are taken, and what others changed meanwhile is not put back.

use std::collections::BTreeMap;

use chrono::{NaiveDateTime, TimeZone};
use model::{Card, Field, FieldKind, Table};
use serde_json::{Map, Value as Json, json};

use crate::Locale;

/// Reads submitted names and strings. Names that belong to no field are passed over, as browsers send buttons too.
pub fn body(card: &Card, submitted: &[(String, String)], locale: &Locale) -> Map<String, Json> {
    let mut body = Map::new();
    read_fields(&card.table, &fields_of(submitted, "f."), locale, &mut body);
    for (key, table) in &card.children {
        let prefix = format!("c.{key}.");
        let on_form = submitted.iter().any(|(name, _)| *name == format!("c.{key}") || name.starts_with(&prefix));
        if on_form {
            body.insert(key.to_string(), Json::Array(rows(table, submitted, &prefix, locale)));
        }
    }
    if let Some((_, version)) = submitted.iter().find(|(name, _)| name == "version")
        && let Ok(version) = version.parse::<i64>() {
            body.insert("version".into(), version.into());
        }
    body
}

/// What the form started from, as far as it says so.
pub fn base(card: &Card, submitted: &[(String, String)], locale: &Locale) -> Map<String, Json> {
    let before: Vec<(String, String)> = submitted.iter().filter_map(|(name, text)| Some((name.strip_prefix("was.")?.to_owned(), text.clone()))).collect();
    body(card, &before, locale)
}

/// Only what was edited: fields that differ from what the form started from, and rows as `add`, `change`, `remove`.
/// What a form does not say it started from is taken as it is.
pub fn edits(card: &Card, submitted: &[(String, String)], locale: &Locale) -> Map<String, Json> {
    let before = base(card, submitted, locale);
    let mut now = body(card, submitted, locale);
    now.retain(|key, value| before.get(key) != Some(value));
    for key in card.children.keys() {
        if let (Some(Json::Array(rows)), Some(Json::Array(old))) = (now.get(key.as_str()), before.get(key.as_str())) {
            let parts = row_edits(rows, old);
            now.insert(key.to_string(), parts);
        }
    }
    now
}

fn row_edits(rows: &[Json], old: &[Json]) -> Json {
    let known = |id: &Json| old.iter().find(|row| row["id"] == *id);
    let is_new = |row: &&Json| row["id"].is_null();
    let change = rows.iter().filter(|row| !is_new(row)).filter_map(|row| {
        let before = known(&row["id"]);
        let kept: Map<String, Json> = row.as_object()?.iter().filter(|(key, value)| *key == "id" || before.is_none_or(|before| before.get(*key) != Some(*value))).map(|(key, value)| (key.clone(), value.clone())).collect();
        (kept.len() > 1).then_some(Json::Object(kept))
    });
    let gone = old.iter().map(|row| &row["id"]).filter(|id| !id.is_null() && !rows.iter().any(|row| row["id"] == **id));
    json!({
        "add": rows.iter().filter(is_new).collect::<Vec<_>>(),
        "change": change.collect::<Vec<_>>(),
        "remove": gone.collect::<Vec<_>>(),
    })
}

/// Name (behind the prefix) → its strings, in order of first appearance.
type Strings<'a> = indexmap::IndexMap<&'a str, Vec<&'a str>>;

fn fields_of<'a>(submitted: &'a [(String, String)], prefix: &str) -> Strings<'a> {
    let mut strings = Strings::new();
    for (name, text) in submitted {
        if let Some(rest) = name.strip_prefix(prefix) {
            strings.entry(rest).or_default().push(text);
        }
    }
    strings
}

/// The numbers that the rows of a body have on the form, in order: they need not be 0, 1, 2.
pub fn row_numbers(table: &Table, submitted: &[(String, String)], locale: &Locale) -> Vec<u32> {
    let key = table.child.as_ref().map_or("", model::Ident::as_str);
    numbered_rows(table, submitted, &format!("c.{key}."), locale).into_keys().collect()
}

fn rows(table: &Table, submitted: &[(String, String)], prefix: &str, locale: &Locale) -> Vec<Json> {
    numbered_rows(table, submitted, prefix, locale).into_values().map(Json::Object).collect()
}

fn numbered_rows(table: &Table, submitted: &[(String, String)], prefix: &str, locale: &Locale) -> BTreeMap<u32, Map<String, Json>> {
    let mut strings: BTreeMap<u32, Strings<'_>> = BTreeMap::new();
    for (name, text) in submitted {
        let place = name.strip_prefix(prefix).and_then(|rest| rest.split_once('.'));
        let Some((number, key)) = place.and_then(|(number, key)| Some((number.parse().ok()?, key))) else { continue };
        strings.entry(number).or_default().entry(key).or_default().push(text);
    }
    let row = |(number, strings): (u32, Strings<'_>)| {
        let mut row = Map::new();
        if let Some(id) = strings.get("id").and_then(|ids| ids.first()).filter(|id| !id.is_empty()) {
            row.insert("id".into(), (*id).into());
        }
        read_fields(table, &strings, locale, &mut row);
        (number, row)
    };
    let mut by_number: BTreeMap<u32, Map<String, Json>> = strings.into_iter().map(row).collect();
    // A row in which nothing was typed is the empty last line of the editor, not a row.
    let typed = |row: &mut Map<String, Json>| row.values().any(|value| !value.is_null() && *value != Json::Array(Vec::new()));
    by_number.retain(|_, row| typed(row));
    by_number
}

fn read_fields(table: &Table, strings: &Strings<'_>, locale: &Locale, body: &mut Map<String, Json>) {
    for field in table.fields.values() {
        let key = field.key.as_str();
        match field.kind {
            FieldKind::Address | FieldKind::Geo => {
                let prefix = format!("{key}.");
                let parts: Map<String, Json> = strings
                    .iter()
                    .filter_map(|(name, texts)| Some((name.strip_prefix(&prefix)?.to_owned(), Json::from(*texts.last()?))))
                    .collect();
                if !parts.is_empty() {
                    let filled = parts.values().any(|part| part.as_str().is_some_and(|text| !text.trim().is_empty()));
                    body.insert(key.into(), if filled { Json::Object(parts) } else { Json::Null });
                }
            }
            _ => {
                if let Some(texts) = strings.get(key) {
                    body.insert(key.into(), value(field, texts, locale));
                }
            }
        }
    }
}

fn value(field: &Field, texts: &[&str], locale: &Locale) -> Json {
    let multiple = match &field.kind {
        FieldKind::Choice { multiple, .. } => *multiple,
        FieldKind::Link(link) => link.multiple,
        FieldKind::File(file) => file.multiple,
        _ => false,
    };
    if multiple {
        return texts.iter().filter(|text| !text.is_empty()).map(|text| Json::from(*text)).collect();
    }
    let text = texts.last().copied().unwrap_or_default();
    if text.trim().is_empty() {
        return Json::Null;
    }
    match &field.kind {
        FieldKind::Integer { .. } | FieldKind::Rating { .. } | FieldKind::Decimal(_) => Json::String(plain_number(text, locale)),
        FieldKind::Boolean => Json::Bool(matches!(text, "true" | "on" | "1")),
        FieldKind::Datetime => instant(text, locale),
        FieldKind::Duration => seconds(text).map_or_else(|| Json::from(text), Json::from),
        FieldKind::AnyLink { .. } => text.split_once(':').map_or_else(|| Json::from(text), |(card, id)| json!({"card": card, "id": id})),
        FieldKind::Json { .. } => serde_json::from_str(text).unwrap_or_else(|_| Json::from(text)),
        FieldKind::RichText => match serde_json::from_str::<Json>(text) {
            Ok(document @ Json::Object(_)) => document,
            _ => Json::from(text),
        },
        _ => Json::from(text),
    }
}

/// `1,234.50 %` → `1234.50`; also what people paste: full-width digits, signs of currencies, spaces.
pub fn plain_number(text: &str, locale: &Locale) -> String {
    let kept = text.chars().filter_map(|c| match c {
        c if c == locale.point => Some('.'),
        c if c == locale.thousands => None,
        '０'..='９' => char::from_digit(c as u32 - '０' as u32, 10),
        ' ' | '\u{a0}' | '\u{202f}' | '，' | '%' | '％' | '¥' | '￥' | '$' | '€' | '£' => None,
        '−' | '－' => Some('-'),
        '．' => Some('.'),
        c => Some(c),
    });
    kept.collect()
}

fn instant(text: &str, locale: &Locale) -> Json {
    let parsed = NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M").or_else(|_| NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S"));
    // An hour that does not exist (clocks going forward) is taken as the moment the clocks changed to.
    let local = parsed.ok().and_then(|local| locale.zone.from_local_datetime(&local).earliest().or_else(|| locale.zone.from_local_datetime(&(local + chrono::TimeDelta::hours(1))).earliest()));
    local.map_or_else(|| Json::from(text), |at| Json::from(at.with_timezone(&chrono::Utc).to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true)))
}

/// `1:30`, `0:05:20`, `90m`, `1.5h`, or plain minutes.
pub fn seconds(text: &str) -> Option<i64> {
    let text = text.trim();
    let (sign, text) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
    let parts: Vec<&str> = text.split(':').collect();
    let whole = |text: &str| text.parse::<i64>().ok().filter(|number| (0..=i64::from(u32::MAX)).contains(number));
    let found = match parts.as_slice() {
        [hours, minutes] => whole(hours)? * 3600 + whole(minutes)? * 60,
        [hours, minutes, rest] => whole(hours)? * 3600 + whole(minutes)? * 60 + whole(rest)?,
        [single] => {
            let (number, unit) = match single.strip_suffix(['h', 'm', 's']) {
                Some(number) => (number, single.chars().next_back()?),
                None => (*single, 'm'),
            };
            let number: rust_decimal::Decimal = number.trim().parse().ok()?;
            let each = match unit { 'h' => 3600, 's' => 1, _ => 60 };
            i64::try_from(number.checked_mul(each.into())?.round().mantissa()).ok()?
        }
        _ => return None,
    };
    Some(sign * found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_as_people_write_them() {
        let locale = Locale::of("en", chrono_tz::UTC);
        assert_eq!(plain_number("¥1,234.50", &locale), "1234.50");
        assert_eq!(plain_number("−１２", &locale), "-12");
    }

    #[test]
    fn rows_are_edited_one_by_one() {
        let old = [json!({"id": "a", "n": 1, "t": "x"}), json!({"id": "b", "n": 2})];
        let rows = [json!({"id": "a", "n": 1, "t": "y"}), json!({"id": "c", "n": 3}), json!({"n": 4})];
        let expected = json!({"add": [{"n": 4}], "change": [{"id": "a", "t": "y"}, {"id": "c", "n": 3}], "remove": ["b"]});
        assert_eq!(row_edits(&rows, &old), expected);
    }

    #[test]
    fn durations_come_in_several_ways() {
        for (text, expected) in [("1:30", 5400), ("90m", 5400), ("1.5h", 5400), ("45", 2700), ("0:05:20", 320), ("-1:00", -3600)] {
            assert_eq!(seconds(text), Some(expected), "{text}");
        }
        assert_eq!(seconds("soon"), None);
    }

    #[test]
    fn an_hour_that_does_not_exist_is_the_next_that_does() {
        let locale = Locale::of("en", chrono_tz::Europe::Berlin);
        assert_eq!(instant("2026-03-29T02:30", &locale), Json::from("2026-03-29T01:30:00Z"));
    }
}
