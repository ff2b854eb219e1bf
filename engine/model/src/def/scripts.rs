//! Scripts: what happens when a record is saved, and buttons that do something.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Labels, is_false};
use crate::{Filter, Ident};

/// `{"before_save": "scripts/check.rhai", "after_save": "scripts/tell.rhai"}`
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ScriptsDef {
    /// Run on the record as it will be, before it is validated; may set fields and refuse.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before_save: Option<String>,
    /// Run when the record is written, in the same transaction; may save other records.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after_save: Option<String>,
    /// Run with each transition, after the script of its own, before validation; may set fields and refuse.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_transition: Option<String>,
    /// Run at certain times.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub on_schedule: Vec<ScheduleDef>,
}

/// `{"id": "remind", "cron": "0 8 * * MON-FRI", "zone": "Asia/Shanghai", "run": "scripts/remind.rhai"}`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ScheduleDef {
    /// Permanent identity.
    pub id: Ident,
    /// What it does, for administrators.
    #[serde(default, skip_serializing_if = "Labels::is_empty")]
    pub labels: Labels,
    /// When: minute, hour, day of the month, month, day of the week.
    pub cron: String,
    /// In which time zone, such as `Asia/Shanghai`; the site's when not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// The script.
    pub run: String,
    /// Run for each record for which this holds; once, for none, when not said.
    #[serde(default, rename = "where", skip_serializing_if = "Option::is_none")]
    pub condition: Option<Filter>,
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
