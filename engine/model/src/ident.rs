//! Names that may reach SQL: checked once, then trusted by their type.

use std::{borrow::Borrow, fmt, str::FromStr, sync::Arc};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// The longest key of a card, field or other element, in bytes.
pub const MAX_KEY: usize = 31;

/// A key of the definition language: `^[a-z][a-z0-9_]{0,30}$`.
///
/// The only text that may stand in SQL outside of binds; nothing else can be turned into one.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Ident(Arc<str>);

/// Why a text is no [`Ident`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a key: start with a small letter, then small letters, digits or `_`, at most 31 characters")]
pub struct NotAnIdent(pub String);

impl Ident {
    /// Checks `text` and keeps it.
    pub fn new(text: &str) -> Result<Self, NotAnIdent> {
        let mut bytes = text.bytes();
        let starts_well = bytes.next().is_some_and(|b| b.is_ascii_lowercase());
        let goes_on_well = bytes.all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        if starts_well && goes_on_well && text.len() <= MAX_KEY {
            Ok(Self(text.into()))
        } else {
            Err(NotAnIdent(text.to_owned()))
        }
    }

    /// The text itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Ident {
    type Err = NotAnIdent;
    fn from_str(text: &str) -> Result<Self, NotAnIdent> {
        Self::new(text)
    }
}
impl fmt::Display for Ident {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
impl fmt::Debug for Ident {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &*self.0)
    }
}
impl Borrow<str> for Ident {
    fn borrow(&self) -> &str {
        &self.0
    }
}
impl PartialEq<str> for Ident {
    fn eq(&self, other: &str) -> bool {
        &*self.0 == other
    }
}
impl PartialEq<&str> for Ident {
    fn eq(&self, other: &&str) -> bool {
        &*self.0 == *other
    }
}
impl<'de> Deserialize<'de> for Ident {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        Self::new(&text).map_err(serde::de::Error::custom)
    }
}
impl JsonSchema for Ident {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Key".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "pattern": "^[a-z][a-z0-9_]{0,30}$",
            "description": "A key: a small letter, then small letters, digits or `_`, at most 31 characters."
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Ident;

    #[test]
    fn only_plain_small_names_pass() {
        for good in ["a", "order", "f_2", "a23456789012345678901234567890x"] {
            assert!(Ident::new(good).is_ok(), "{good}");
        }
        for bad in ["", "A", "1a", "_a", "a-b", "a b", "a\"b", "é", "a\0", "a234567890123456789012345678901xy"] {
            assert!(Ident::new(bad).is_err(), "{bad:?}");
        }
    }
}
