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
    let names = || options.iter().filter(|option| !option.retired).map(|option| option.value.as_str()).take(20).collect::<Vec<_>>().join(", ");
    unknown.map(|text| Violation::new("", Code::Option).with("found", short(text)).with("options", names())).collect()
}

fn short(text: &str) -> String {
    text.chars().take(40).collect()
}
