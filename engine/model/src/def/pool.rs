//! Pools: records without an owner, from which people take what they work on.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Filter, Ident};

/// `{"hold": 50, "per_day": 10, "return_after": 30, "activity": "last_contact"}`
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PoolDef {
    /// Records the pool is about; all when not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<Filter>,
    /// Most records of the pool that one user holds at a time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold: Option<u32>,
    /// Most records that one user claims in a day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per_day: Option<u32>,
    /// Days without activity after which a record goes back to the pool.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub return_after: Option<u32>,
    /// The date of the last activity; the last change of the record when not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub activity: Option<Ident>,
    /// Days for which whoever gave a record back, or lost it, does not claim it again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cooldown: Option<u32>,
}
