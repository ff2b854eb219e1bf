//! What a record looks like by a rule of its card: the same for texts that people take for the same.
//!
//! **Invariants**
//! - Pure, and the same for ever under one [`VERSION`]: whoever changes what comes out counts it up, and sites rebuild.

use model::{Card, Field, FieldKind, TextFlavour, Value, record::value_of, types};
use sha2::{Digest, Sha256};
use unicode_normalization::UnicodeNormalization;

/// Counts changes of what comes out for a value.
pub(super) const VERSION: u32 = 1;
/// Digits of a telephone number that tell it from others; what stands before them is a country's or a trunk prefix.
const NATIONAL: usize = 10;

/// The key of a record by a rule; nothing if one of the rule's fields is empty.
pub(crate) fn key(card: &Card, rule: usize, values: &model::Values) -> Option<Vec<u8>> {
    let rule = card.duplicates.get(rule)?;
    let mut hash = Sha256::new();
    for name in &rule.fields {
        let field = card.table.field(name)?;
        let text = normal(field, value_of(values, name.as_str()))?;
        hash.update((text.len() as u64).to_be_bytes());
        hash.update(text);
    }
    Some(hash.finalize()[..16].to_vec())
}

/// What of a value counts; nothing if there is nothing.
fn normal(field: &Field, value: &Value) -> Option<String> {
    let text = match (&field.kind, value) {
        (_, Value::Empty) => return None,
        (FieldKind::Text(kind), Value::Text(text)) => match kind.flavour {
            TextFlavour::Phone => phone(text),
            TextFlavour::Url => address(text),
            TextFlavour::Email => folded(text),
            TextFlavour::Text | TextFlavour::LongText => letters(text),
        },
        (kind, value) => types::to_json(kind, value).to_string(),
    };
    (!text.is_empty()).then_some(text)
}

/// Compatibility forms (full width and half width are one), lower case.
fn folded(text: &str) -> String {
    text.nfkc().flat_map(char::to_lowercase).filter(|letter| !letter.is_whitespace()).collect()
}

/// Letters and digits as search sees them: spaces, points, brackets, accents and the two ways of writing Chinese do not
/// tell names apart. A text of signs only is kept whole.
fn letters(text: &str) -> String {
    let kept = search::folded(text);
    if kept.is_empty() { folded(text) } else { kept }
}

/// The last digits of a number, so that `+86 138…` and `138…`, `0049 30…` and `030…` are one.
fn phone(text: &str) -> String {
    let digits: Vec<char> = text.nfkc().filter(char::is_ascii_digit).collect();
    let from = digits.len().saturating_sub(NATIONAL);
    digits[from..].iter().collect::<String>().trim_start_matches('0').to_owned()
}

/// A site's address without what every address has.
fn address(text: &str) -> String {
    let folded = folded(text);
    let bare = folded.trim_start_matches("https://").trim_start_matches("http://").trim_start_matches("www.");
    bare.trim_end_matches('/').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn same(of: fn(&str) -> String, one: &str, other: &str) {
        assert_eq!(of(one), of(other), "{one} and {other} look alike");
    }

    #[test]
    fn names_differ_in_letters_not_in_signs() {
        same(letters, "Ａcme  Ltd.", "acme ltd");
        same(letters, "深圳（华侨城）有限公司", "深圳(華僑城)有限公司");
        same(letters, "Doppelgänger GmbH", "doppelganger gmbh");
        assert_ne!(letters("Acme"), letters("Acne"));
        assert_ne!(letters("!!"), letters("??"));
    }

    #[test]
    fn numbers_differ_in_their_last_digits() {
        same(phone, "+86 138 1234 5678", "13812345678");
        same(phone, "０２０－８８８８８８８８", "020 8888 8888");
        assert_ne!(phone("020 88888888"), phone("020 88888889"));
    }

    #[test]
    fn addresses_differ_in_what_they_name() {
        same(address, "https://www.Example.com/", "example.com");
        assert_ne!(address("example.com/a"), address("example.com/b"));
    }
}
