//! Scripts: what happens when a record is saved, and buttons that do something.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Labels, is_false};
use crate::{Filter, Ident};

/// `{"before_save": "scripts/check.rhai", "after_save": "scripts/tell.rhai"}`
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ScriptsDef {
    /// Run on the record as it will be, before it is validated; may set fields and refuse.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before_save: Option<String>,
    /// Run when the record is written, in the same transaction; may save other records.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after_save: Option<String>,
}

impl ScriptsDef {
    /// Whether nothing is said.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A button that runs a script.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ActionDef {
    /// Permanent identity.
    pub id: Ident,
    /// The words on the button.
    #[serde(default, skip_serializing_if = "Labels::is_empty")]
    pub labels: Labels,
    /// A Lucide icon.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub icon: Option<String>,
    /// The script.
    pub run: String,
    /// Who sees it; all who may change the record when not said.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<Ident>,
    /// Offered only while this holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<Filter>,
    /// Offered for selected records of a list, too.
    #[serde(default, skip_serializing_if = "is_false")]
    pub list: bool,
}
