//! Numbers given to new records.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::is_false;
use crate::Ident;

/// `{"field": "no", "pattern": "SO-{yyyy}{mm}-{####}", "reset": "monthly"}`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NumberingDef {
    /// The text field that takes the number.
    pub field: Ident,
    /// Text and `{yyyy} {yy} {mm} {dd} {site} {####}`.
    pub pattern: String,
    /// When counting starts again.
    #[serde(default)]
    pub reset: Reset,
    /// No number may be missing; slower, numbers are given at commit.
    #[serde(default, skip_serializing_if = "is_false")]
    pub gapless: bool,
}

/// When a numbering starts again at 1.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Reset {
    #[default]
    Never,
    Yearly,
    Monthly,
    Daily,
}
