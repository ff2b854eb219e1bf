//! The pack's own file.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Labels;
use crate::Ident;

/// `pack.json`: what the pack is, and how it binds the engine's users and org units to its cards.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ManifestDef {
    /// The pack's key.
    pub id: Ident,
    /// Semantic version: `1.4.0`.
    pub version: String,
    /// The pack's name.
    #[serde(default, skip_serializing_if = "Labels::is_empty")]
    pub labels: Labels,
    /// What the pack is for.
    #[serde(default, skip_serializing_if = "Labels::is_empty")]
    pub help: Labels,
    /// Packs it needs: key → range of versions.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub requires: IndexMap<Ident, String>,
    /// The range of engine versions it runs on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub engine: Option<String>,
    /// Names for `@me.NAME`: a binding to a card, or a path starting at another name.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub actor: IndexMap<Ident, ActorBindingDef>,
    /// What org units are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub org: Option<OrgDef>,
    /// Groups of the sidebar, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub menu: Vec<MenuGroupDef>,
    /// Set when shipped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<String>,
}

/// What `@me.NAME` stands for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum ActorBindingDef {
    /// A path that begins with another bound name: `employee.department`.
    Path(String),
    /// The record of a card whose user field is the user at hand.
    Card(ActorCardDef),
}

/// `{"card": "employee", "by": "user"}`, with `path` for what lies behind it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ActorCardDef {
    /// The card.
    pub card: Ident,
    /// Its user field.
    pub by: Ident,
    /// A path from that record; the record itself when not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
}

/// `{"unit": {"card": "department", "parent": "parent", "manager": "manager"}}`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OrgDef {
    /// The card whose records are org units.
    pub unit: OrgUnitDef,
}

/// The card of org units.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OrgUnitDef {
    /// The card.
    pub card: Ident,
    /// Its link to the unit above.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<Ident>,
    /// Its link to whoever leads it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manager: Option<Ident>,
}

/// A group of the sidebar.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MenuGroupDef {
    /// Permanent identity; groups of the same id from several packs are one.
    pub id: Ident,
    /// The group's name.
    #[serde(default, skip_serializing_if = "Labels::is_empty")]
    pub labels: Labels,
    /// A Lucide icon.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub icon: Option<String>,
    /// The cards, in order.
    pub items: Vec<Ident>,
}
