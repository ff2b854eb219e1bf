//! choice, choices.

use serde_json::Value as Json;

use super::wanted;
use crate::{Code, OptionDef, Value, Violation};

pub(super) fn read_many(json: &Json, options: &[OptionDef]) -> Result<Value, Violation> {
    let items = match json {
        Json::Array(items) => items.as_slice(),
        Json::String(_) => std::slice::from_ref(json),
        _ => return Err(wanted("A list")),
    };
    let mut texts: Vec<String> = Vec::with_capacity(items.len());
    for item in items {
        let text = item.as_str().ok_or_else(|| wanted("A list"))?.trim();
        if texts.iter().any(|known| known == text) {
            return Err(Violation::new("", Code::Repeated).with("found", text));
        }
        texts.push(text.to_owned());
    }
    // The order of options is the order of meaning; a set has none of its own.
    texts.sort_by_key(|text| options.iter().position(|option| option.value == *text));
    Ok(if texts.is_empty() { Value::Empty } else { Value::Texts(texts) })
}

pub(super) fn check(options: &[OptionDef], texts: &[String]) -> Vec<Violation> {
    let unknown = texts.iter().filter(|text| !options.iter().any(|option| option.value == **text));
    unknown.map(|text| none_of(options, text)).collect()
}

/// That a text is none of the options that may be chosen. People read what they are called, and what is written in files.
pub(crate) fn none_of(options: &[OptionDef], found: &str) -> Violation {
    let offered = || options.iter().filter(|option| !option.retired).take(20);
    let values = offered().map(|option| option.value.as_str()).collect::<Vec<_>>().join(", ");
    let named = |lang: &str| {
        let one = |option: &OptionDef| match option.labels.get(lang) {
            Some(label) if label != option.value => format!("{label} ({})", option.value),
            _ => option.value.clone(),
        };
        offered().map(one).collect::<Vec<_>>().join(", ")
    };
    Violation::new("", Code::Option).with("found", short(found)).with("options", values).read_as("options", named)
}

fn short(text: &str) -> String {
    text.chars().take(40).collect()
}
