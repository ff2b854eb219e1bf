//! When a field becomes another type: whether its stored values mean the same, and what each becomes if not.
//!
//! Values are read by the same functions that read what clients send. What cannot be read that way does not convert; it
//! stays where it was.

use rust_decimal::Decimal;
use serde_json::{Value as Json, json};

use std::sync::Arc;

use crate::{Catalog, Code, DecimalFlavour, DecimalKind, FieldKind, FileKind, Ident, LinkKind, OnDelete, Rounding, TextFlavour, TextKind, Value, Violation, types};

/// What stored values of a kind mean. Two kinds of one shape read each other's values as they are.
pub fn shape(catalog: &Catalog, kind: &FieldKind) -> String {
    // A card may get another key, but not another id.
    let id = |key: &Ident| catalog.card(key).map_or_else(|| key.to_string(), |card| card.id.to_string());
    match kind {
        FieldKind::Text(_) | FieldKind::Formula { .. } => "text".into(),
        FieldKind::Colour => "colour".into(),
        FieldKind::RichText => "document".into(),
        FieldKind::Integer { .. } | FieldKind::Rating { .. } | FieldKind::Duration => "integer".into(),
        FieldKind::Decimal(settings) => format!("decimal:{}", settings.scale),
        FieldKind::Boolean => "boolean".into(),
        FieldKind::Date => "date".into(),
        FieldKind::Time => "time".into(),
        FieldKind::Datetime => "datetime".into(),
        FieldKind::Choice { multiple, .. } => if *multiple { "choices" } else { "choice" }.into(),
        FieldKind::Link(link) => format!("{}:{}", if link.multiple { "links" } else { "link" }, id(&link.target)),
        FieldKind::AnyLink { .. } => "link_any".into(),
        FieldKind::Address => "address".into(),
        FieldKind::Geo => "geo".into(),
        FieldKind::Json { .. } => "json".into(),
        FieldKind::File(file) => if file.multiple { "files" } else { "file" }.into(),
    }
}

/// A kind that reads values of a shape; of a definition that may be gone, so with the widest settings.
pub fn kind_of(catalog: &Catalog, shape: &str) -> Option<FieldKind> {
    let link = |id: &str, multiple| {
        let target = catalog.cards.values().find(|card| card.id == id).map(|card| card.key.clone()).or_else(|| Ident::new(id).ok())?;
        Some(FieldKind::Link(Arc::new(LinkKind { target, multiple, category: false, condition: None, on_delete: OnDelete::Restrict, history: false })))
    };
    let file = |multiple| FieldKind::File(FileKind { image: false, multiple, max_size: None, types: Vec::new() });
    Some(match shape.split_once(':') {
        Some(("decimal", scale)) => {
            FieldKind::Decimal(DecimalKind { flavour: DecimalFlavour::Decimal, scale: scale.parse().ok()?, rounding: Rounding::default(), min: None, max: None })
        }
        Some(("link", id)) => return link(id, false),
        Some(("links", id)) => return link(id, true),
        Some(_) => return None,
        None => match shape {
            "text" => FieldKind::Text(TextKind { flavour: TextFlavour::LongText, min: 0, max: u32::MAX, pattern: None }),
            "colour" => FieldKind::Colour,
            "document" => FieldKind::RichText,
            "integer" => FieldKind::Integer { min: None, max: None },
            "boolean" => FieldKind::Boolean,
            "date" => FieldKind::Date,
            "time" => FieldKind::Time,
            "datetime" => FieldKind::Datetime,
            "choice" => FieldKind::Choice { options: Arc::default(), multiple: false },
            "choices" => FieldKind::Choice { options: Arc::default(), multiple: true },
            "link_any" => FieldKind::AnyLink { targets: Vec::new(), on_delete: OnDelete::Restrict },
            "address" => FieldKind::Address,
            "geo" => FieldKind::Geo,
            "json" => FieldKind::Json { schema: None },
            "file" => file(false),
            "files" => file(true),
            _ => return None,
        },
    })
}

/// What a value becomes in a field of another kind.
pub fn convert(from: &FieldKind, to: &FieldKind, value: &Value) -> Result<Value, Violation> {
    let read = match value {
        Value::Empty => return Ok(Value::Empty),
        Value::Texts(many) => return of_many(from, to, value, many.len(), || many.first().map(|text| Value::Text(text.clone()))),
        Value::Ids(many) => return of_many(from, to, value, many.len(), || many.first().map(|id| Value::Id(*id))),
        one => of_one(from, to, one)?,
    };
    storable(to, read)
}

fn is_multiple(kind: &FieldKind) -> bool {
    match kind {
        FieldKind::Choice { multiple, .. } => *multiple,
        FieldKind::Link(link) => link.multiple,
        FieldKind::File(file) => file.multiple,
        _ => false,
    }
}

fn unfit(what: &str) -> Violation {
    Violation::new("", Code::Type).with("wanted", what)
}

/// Several values: into several, or into one if there is only one.
fn of_many(from: &FieldKind, to: &FieldKind, value: &Value, count: usize, first: impl Fn() -> Option<Value>) -> Result<Value, Violation> {
    if is_multiple(to) {
        links_fit(from, to, value)?;
        return types::read_json(to, &types::to_json(from, value)).and_then(|read| storable(to, read));
    }
    match (first(), to) {
        (_, FieldKind::Text(_) | FieldKind::RichText) if matches!(from, FieldKind::Choice { .. }) => {
            let Value::Texts(texts) = value else { return Err(unfit("One value")) };
            types::read_json(to, &Json::String(texts.join(", ")))
        }
        (Some(one), _) if count == 1 => convert(from, to, &one),
        _ => Err(unfit("One value")),
    }
}

/// Links lead to what they led to, or nowhere.
fn links_fit(from: &FieldKind, to: &FieldKind, value: &Value) -> Result<(), Violation> {
    let fits = match (from, to) {
        (FieldKind::Link(from), FieldKind::Link(to)) => from.target == to.target,
        (FieldKind::Link(from), FieldKind::AnyLink { targets, .. }) => targets.contains(&from.target),
        (FieldKind::AnyLink { .. }, FieldKind::Link(to)) => matches!(value, Value::AnyId { card, .. } if *card == to.target),
        (FieldKind::AnyLink { .. }, FieldKind::AnyLink { .. }) | (FieldKind::File(_), FieldKind::File(_)) => true,
        (FieldKind::Link(_) | FieldKind::AnyLink { .. } | FieldKind::File(_), _) | (_, FieldKind::Link(_) | FieldKind::AnyLink { .. } | FieldKind::File(_)) => false,
        _ => true,
    };
    if fits { Ok(()) } else { Err(unfit("A record")) }
}

fn of_one(from: &FieldKind, to: &FieldKind, value: &Value) -> Result<Value, Violation> {
    links_fit(from, to, value)?;
    let json = types::to_json(from, value);
    match (value, to) {
        (Value::Instant(at), FieldKind::Date) => Ok(Value::Date(at.date_naive())),
        (Value::Instant(at), FieldKind::Time) => Ok(Value::Time(at.time())),
        (Value::Date(day), FieldKind::Datetime) => Ok(Value::Instant(day.and_time(chrono::NaiveTime::MIN).and_utc())),
        (Value::Bool(flag), FieldKind::Integer { .. } | FieldKind::Rating { .. } | FieldKind::Duration) => Ok(Value::Int((*flag).into())),
        (Value::Bool(flag), FieldKind::Decimal(_)) => types::read_json(to, &json!(i64::from(*flag))),
        (Value::Int(number), FieldKind::Boolean) => yes_or_no(&number.to_string()),
        (Value::Decimal(number), FieldKind::Boolean) => yes_or_no(&number.normalize().to_string()),
        (Value::Text(text), FieldKind::Boolean) => yes_or_no(text),
        (Value::Decimal(number), FieldKind::Decimal(settings)) => types::read_json(to, &json!(widest(*number, settings.scale).to_string())),
        (Value::Id(id), FieldKind::AnyLink { .. }) => match from {
            FieldKind::Link(link) => Ok(Value::AnyId { card: link.target.clone(), id: *id }),
            _ => Err(unfit("A record")),
        },
        (Value::AnyId { id, .. }, FieldKind::Link(link)) => Ok(if link.multiple { Value::Ids(vec![*id]) } else { Value::Id(*id) }),
        (Value::AnyId { card, id }, FieldKind::AnyLink { .. }) => Ok(Value::AnyId { card: card.clone(), id: *id }),
        (Value::Text(text), FieldKind::Choice { options, .. }) => {
            let known = options.iter().find(|option| option.value == *text).or_else(|| options.iter().find(|option| option.labels.0.values().any(|label: &String| label.eq_ignore_ascii_case(text.trim()))));
            let text = known.map_or(text.as_str(), |option| option.value.as_str());
            types::read_json(to, &if is_multiple(to) { json!([text]) } else { json!(text) })
        }
        (Value::Text(text), FieldKind::Json { .. }) => Ok(Value::Json(serde_json::from_str(text).unwrap_or(json))),
        (_, FieldKind::Text(_) | FieldKind::Formula { .. } | FieldKind::RichText | FieldKind::Colour | FieldKind::Choice { .. }) if !matches!(from, FieldKind::RichText) || !matches!(to, FieldKind::RichText) => {
            let text = Json::String(text_of(value, &json));
            types::read_json(to, &if is_multiple(to) { Json::Array(vec![text]) } else { text })
        }
        _ if is_multiple(to) => types::read_json(to, &Json::Array(vec![json])),
        _ => types::read_json(to, &json),
    }
}

/// Without zeros at the end that the new scale has no room for.
fn widest(number: Decimal, scale: u8) -> Decimal {
    let normal = number.normalize();
    if normal.scale() > u32::from(scale) { normal } else { number }
}

fn yes_or_no(text: &str) -> Result<Value, Violation> {
    match text.trim().to_lowercase().as_str() {
        "true" | "yes" | "y" | "1" | "是" => Ok(Value::Bool(true)),
        "false" | "no" | "n" | "0" | "否" => Ok(Value::Bool(false)),
        _ => Err(unfit("Yes or no")),
    }
}

fn text_of(value: &Value, json: &Json) -> String {
    match (value, json) {
        (Value::Decimal(number), _) => number.to_string(),
        (Value::Json(Json::Object(map)), _) if map.get("type").and_then(Json::as_str) == Some("doc") => types::document_text(json),
        (Value::Json(Json::Object(map)), _) if map.values().all(Json::is_string) => map.values().filter_map(Json::as_str).collect::<Vec<_>>().join("\n"),
        (_, Json::String(text)) => text.clone(),
        (_, other) => other.to_string(),
    }
}

/// What no column of the kind could hold, and options that are not there, do not convert. Bounds are for people to
/// mend: a value beyond them is kept.
fn storable(to: &FieldKind, read: Value) -> Result<Value, Violation> {
    let hard = |violation: &Violation| matches!(violation.code, Code::Option | Code::Digits | Code::Type | Code::Characters | Code::Repeated);
    let text_is_kept = matches!(to, FieldKind::Text(_));
    match types::check(to, &read).into_iter().find(|violation| hard(violation) && !text_is_kept) {
        Some(violation) => Err(violation),
        None => Ok(read),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(from: &str, value: Json, to: &str, expected: Json) {
        let catalog = Catalog::default();
        let (from, to) = (kind_of(&catalog, from).expect("a shape"), kind_of(&catalog, to).expect("a shape"));
        let value = types::read_json(&from, &value).expect("a value");
        let found = convert(&from, &to, &value).map_or(Json::Null, |value| types::to_json(&to, &value));
        assert_eq!(found, expected, "{value:?}");
    }

    #[test]
    fn what_reads_as_the_new_type_becomes_it() {
        check("text", json!("12.50"), "decimal:2", json!("12.50"));
        check("text", json!(" 7 "), "integer", json!(7));
        check("text", json!("2026-11-24"), "date", json!("2026-11-24"));
        check("text", json!("yes"), "boolean", json!(true));
        check("text", json!("two\nlines"), "document", json!({"type": "doc", "content": [{"type": "paragraph", "content": [{"type": "text", "text": "two"}]}, {"type": "paragraph", "content": [{"type": "text", "text": "lines"}]}]}));
        check("integer", json!(7), "decimal:2", json!("7.00"));
        check("integer", json!(7), "text", json!("7"));
        check("integer", json!(1), "boolean", json!(true));
        check("boolean", json!(true), "text", json!("true"));
        check("decimal:2", json!("7.00"), "integer", json!(7));
        check("decimal:4", json!("7.2500"), "decimal:2", json!("7.25"));
        check("decimal:2", json!("7.25"), "decimal:4", json!("7.2500"));
        check("decimal:2", json!("7.20"), "text", json!("7.20"));
        check("datetime", json!("2026-11-24T09:30:00Z"), "date", json!("2026-11-24"));
        check("date", json!("2026-11-24"), "datetime", json!("2026-11-24T00:00:00Z"));
        check("date", json!("2026-11-24"), "text", json!("2026-11-24"));
        check("document", json!("one\ntwo"), "text", json!("one\ntwo"));
        check("address", json!({"city": "Tainan"}), "text", json!("Tainan"));
        check("choice", json!("new"), "text", json!("new"));
        check("link:a", json!("01890000-0000-7000-8000-000000000001"), "links:a", json!(["01890000-0000-7000-8000-000000000001"]));
        check("links:a", json!(["01890000-0000-7000-8000-000000000001"]), "link:a", json!("01890000-0000-7000-8000-000000000001"));
        check("file", json!("01890000-0000-7000-8000-000000000001"), "files", json!(["01890000-0000-7000-8000-000000000001"]));
    }

    #[test]
    fn what_does_not_read_as_the_new_type_does_not_convert() {
        check("text", json!("twelve"), "integer", Json::Null);
        check("text", json!("12.555"), "decimal:2", Json::Null);
        check("decimal:2", json!("7.25"), "integer", Json::Null);
        check("decimal:4", json!("7.2501"), "decimal:2", Json::Null);
        check("integer", json!(7), "boolean", Json::Null);
        check("text", json!("new"), "choice", Json::Null);
        check("link:a", json!("01890000-0000-7000-8000-000000000001"), "link:b", Json::Null);
        check("text", json!("01890000-0000-7000-8000-000000000001"), "link:a", Json::Null);
        check("links:a", json!(["01890000-0000-7000-8000-000000000001", "01890000-0000-7000-8000-000000000002"]), "link:a", Json::Null);
    }
}
