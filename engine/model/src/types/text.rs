//! text, long_text, email, phone, url, formula, colour.

use serde_json::Value as Json;
use unicode_normalization::UnicodeNormalization;

use super::wanted;
use crate::{Code, TextFlavour, TextKind, Tone, Value, Violation};

/// Trims and brings to NFC. Line ends become `\n`.
pub fn clean(text: &str) -> String {
    text.trim().replace("\r\n", "\n").nfc().collect()
}

pub(super) fn read(json: &Json) -> Result<Value, Violation> {
    let Json::String(text) = json else { return Err(wanted("A text")) };
    let text = clean(text);
    if text.chars().any(|c| c.is_control() && c != '\n' && c != '\t') {
        return Err(Violation::new("", Code::Characters));
    }
    Ok(Value::Text(text))
}

pub(super) fn check(settings: &TextKind, text: &str) -> Vec<Violation> {
    let mut found = check_length(text, settings.max);
    let length = text.chars().count();
    if length < settings.min as usize {
        found.push(Violation::new("", Code::MinLength).with("min", settings.min));
    }
    if settings.flavour != TextFlavour::LongText && text.contains(['\n', '\t']) {
        found.push(Violation::new("", Code::Characters));
    }
    if let Some(pattern) = settings.pattern.as_deref().filter(|pattern| !matches(pattern, text)) {
        found.push(Violation::new("", Code::Pattern).with("pattern", pattern));
    }
    let form = match settings.flavour {
        TextFlavour::Email if !is_email(text) => Some("e-mail address"),
        TextFlavour::Url if !is_url(text) => Some("web address"),
        TextFlavour::Phone if !is_phone(text) => Some("phone number"),
        _ => None,
    };
    found.extend(form.map(|form| Violation::new("", Code::Format).with("wanted", form)));
    found
}

pub(super) fn check_length(text: &str, max: u32) -> Vec<Violation> {
    let length = text.chars().count();
    if length <= max as usize {
        return Vec::new();
    }
    vec![Violation::new("", Code::MaxLength).with("max", max).with("found", length)]
}

/// Patterns are checked when a definition is published, so one that does not compile matches nothing here.
/// Compiled patterns are kept per thread: compiling one costs more than a thousand matches.
fn matches(pattern: &str, text: &str) -> bool {
    thread_local! {
        static COMPILED: std::cell::RefCell<std::collections::HashMap<String, Option<regex::Regex>>> = std::cell::RefCell::default();
    }
    COMPILED.with_borrow_mut(|compiled| {
        if compiled.len() > 1_000 {
            compiled.clear();
        }
        let regex = compiled.entry(pattern.to_owned()).or_insert_with(|| {
            regex::RegexBuilder::new(&format!("^(?:{pattern})$")).size_limit(1 << 20).build().ok()
        });
        regex.as_ref().is_some_and(|regex| regex.is_match(text))
    })
}

/// What browsers accept as an address, close enough to RFC 5321: something, `@`, a domain; no spaces.
pub fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let domain_fits = domain.split('.').all(|label| !label.is_empty() && !label.starts_with('-') && !label.ends_with('-'));
    let plain = |c: char| !c.is_whitespace() && !matches!(c, '<' | '>' | '"' | ',' | ';' | '(' | ')' | '@');
    !local.is_empty() && local.len() <= 64 && domain_fits && local.chars().all(plain) && domain.chars().all(plain)
}

/// Only addresses that a browser may safely open; a bare host name is taken as one.
fn is_url(text: &str) -> bool {
    let rest = match text.split_once("://") {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https") => rest,
        Some(_) => return false,
        None => text,
    };
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let no_scheme = text.contains("://") || !host.contains(':') || host.rsplit(':').next().is_some_and(|port| port.parse::<u16>().is_ok());
    !host.is_empty() && no_scheme && !text.contains(char::is_whitespace) && !text.contains(['<', '>', '"'])
}

fn is_phone(text: &str) -> bool {
    let digits = text.chars().filter(char::is_ascii_digit).count();
    let plain = |c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | ' ' | '(' | ')' | '.' | '/' | '#' | '*' | 'x' | ',' | 'e' | 't' | '转' | '轉' | '（' | '）');
    (2..=40).contains(&digits) && text.chars().all(plain)
}

pub(super) fn read_colour(json: &Json) -> Result<Value, Violation> {
    let wrong = || Violation::new("", Code::Format).with("wanted", "colour");
    let text = json.as_str().ok_or_else(wrong)?.trim().to_ascii_lowercase();
    let hex = text.strip_prefix('#').is_some_and(|hex| hex.len() == 6 && hex.bytes().all(|b| b.is_ascii_hexdigit()));
    let tone = [Tone::Gray, Tone::Blue, Tone::Teal, Tone::Green, Tone::Amber, Tone::Red, Tone::Violet, Tone::Pink].iter().any(|tone| tone.name() == text);
    if hex || tone { Ok(Value::Text(text)) } else { Err(wrong()) }
}
