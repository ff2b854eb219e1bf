//! What is not Rust: migrations, templates, texts in several languages.

use std::collections::BTreeSet;

use serde_json::Value as Json;

use super::{Findings, files::File};

/// The languages of interface and built-in packs.
const LANGUAGES: [&str; 3] = ["en", "zh-Hans", "zh-Hant"];

/// The same system migrations for both databases.
pub fn migrations(files: &[File], found: &mut Findings) {
    let names = |folder: &str| -> BTreeSet<&str> { files.iter().filter(|file| file.path.starts_with(folder)).map(File::stem).collect() };
    let (sqlite, postgres) = (names("migrations/sqlite/"), names("migrations/postgres/"));
    for name in sqlite.symmetric_difference(&postgres) {
        found.push(format!("migrations: {name} is there for one of the databases only"));
    }
}

/// Nothing in a page runs as code from an attribute.
pub fn templates(files: &[File], found: &mut Findings) {
    for file in files.iter().filter(|file| file.path.starts_with("ui/templates/")) {
        for word in [" style=", " onclick=", " onchange=", " oninput=", "hx-on", "javascript:", "\"js:", "<script>", "<style"] {
            if file.text.contains(word) {
                found.push(format!("{}: contains `{}`, which the page's policy forbids", file.path, word.trim()));
            }
        }
    }
}

/// Every text of the interface in every language, with the same places to fill in.
pub fn locales(files: &[File], found: &mut Findings) {
    let read = |lang: &str| -> Json {
        let path = format!("ui/locales/{lang}.json");
        files.iter().find(|file| file.path == path).and_then(|file| serde_json::from_str(&file.text).ok()).unwrap_or_default()
    };
    let english = read("en");
    for lang in &LANGUAGES[1..] {
        let other = read(lang);
        let keys = |json: &Json| -> BTreeSet<String> { json.as_object().into_iter().flatten().map(|(key, _)| key.clone()).collect() };
        for key in keys(&english).symmetric_difference(&keys(&other)) {
            found.push(format!("ui/locales: `{key}` is only in one of en and {lang}"));
        }
        for (key, text) in english.as_object().into_iter().flatten() {
            if let Some(translated) = other.get(key).filter(|translated| places(translated) != places(text)) {
                found.push(format!("ui/locales/{lang}.json: `{key}` is filled in otherwise than in English: {translated}"));
            }
        }
    }
}

/// The names in braces of a text, or of the forms of one.
fn places(text: &Json) -> BTreeSet<String> {
    let texts: Vec<&str> = match text {
        Json::String(text) => vec![text],
        Json::Object(forms) => forms.values().filter_map(Json::as_str).collect(),
        _ => Vec::new(),
    };
    texts.iter().flat_map(|text| text.split('{').skip(1)).filter_map(|rest| rest.split_once('}')).map(|(name, _)| name.to_owned()).filter(|name| name != "count").collect()
}

/// Labels of built-in packs speak every language.
pub fn labels(files: &[File], found: &mut Findings) {
    for file in files.iter().filter(|file| file.path.starts_with("builtin-modules/") && file.path.ends_with(".json") && !file.path.contains("/data/") && !file.path.contains("/demo/")) {
        match serde_json::from_str::<Json>(&file.text) {
            Ok(json) => walk(&json, "", &file.path, found),
            Err(error) => found.push(format!("{}: is no JSON: {error}", file.path)),
        }
    }
}

fn walk(json: &Json, pointer: &str, path: &str, found: &mut Findings) {
    match json {
        Json::Object(map) => {
            for (key, value) in map {
                let here = format!("{pointer}/{key}");
                let words = value.as_object().filter(|words| words.contains_key("en"));
                if let (true, Some(words)) = (["labels", "plurals", "help", "message", "placeholder", "folder"].contains(&key.as_str()), words) {
                    for lang in LANGUAGES.iter().filter(|lang| !words.contains_key(**lang)) {
                        found.push(format!("{path} {here}: says nothing in {lang}"));
                    }
                }
                walk(value, &here, path, found);
            }
        }
        Json::Array(items) => items.iter().enumerate().for_each(|(index, item)| walk(item, &format!("{pointer}/{index}"), path, found)),
        _ => {}
    }
}
