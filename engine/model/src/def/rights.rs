//! Roles and grants.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Labels, is_false};
use crate::{Filter, Ident};

/// `roles/ROLE.json`: a user group and what it may do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RoleDef {
    /// The role's key.
    pub key: Ident,
    /// Permanent identity; defaults to the first key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<Ident>,
    /// The group's name.
    #[serde(default, skip_serializing_if = "Labels::is_empty")]
    pub labels: Labels,
    /// What the group is for.
    #[serde(default, skip_serializing_if = "Labels::is_empty")]
    pub help: Labels,
    /// A group of outside people.
    #[serde(default, skip_serializing_if = "is_false")]
    pub portal: bool,
    /// What it may do.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub grants: Vec<RoleGrantDef>,
}

/// A grant written in a role: which card it speaks of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RoleGrantDef {
    /// The card; `*` for every card.
    pub card: String,
    /// What may be done.
    pub actions: Vec<ActionName>,
    /// To which records.
    #[serde(default)]
    pub scope: ScopeDef,
    /// Rights on single fields; `edit` when not named.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub fields: IndexMap<String, FieldRight>,
    /// By which an administrator's change of it is kept through upgrades; by default its role, counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<Ident>,
}

/// A condition that every grant of a card stays within.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BoundDef {
    /// Its identity among the card's.
    pub id: Ident,
    /// The records that can be reached at all: a named scope, or a condition.
    pub scope: ScopeDef,
    /// Groups that it does not hold for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub except: Vec<Ident>,
}

/// A grant written on a card: which role it speaks of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CardGrantDef {
    /// The role.
    pub role: Ident,
    /// What may be done.
    pub actions: Vec<ActionName>,
    /// To which records.
    #[serde(default)]
    pub scope: ScopeDef,
    /// Rights on single fields; `edit` when not named. A child table's fields are `lines.price`.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub fields: IndexMap<String, FieldRight>,
    /// By which an administrator's change of it is kept through upgrades; by default its role, counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<Ident>,
}

/// The actions of grants; `*` is all but `design` and `administer`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum ActionName {
    #[serde(rename = "*")]
    All,
    Read, Create, Update, Delete, Restore, Export, Import, Print, Share, Assign, Claim, Bulk, Transition, Report, Design, Administer,
}

/// Which records a grant speaks of.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum ScopeDef {
    /// A named scope.
    Named(ScopeName),
    /// Those for which a condition holds.
    Filter(Filter),
    /// Not said: all.
    #[default]
    #[serde(skip)]
    Unsaid,
}

/// The named scopes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum ScopeName {
    All,
    Own,
    Shared,
    OrgUnit,
    OrgTree,
    Subordinates,
    Pool,
}

/// What a grant allows of one field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FieldRight {
    /// As if it did not exist.
    None,
    /// Shown in part.
    Mask,
    /// Seen, not changed.
    Read,
    /// Seen and changed.
    Edit,
}
