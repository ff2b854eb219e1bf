//! Workflows: states and the transitions between them.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Labels, Tone, is_false};
use crate::{Filter, Ident};

/// States and transitions that set one choice field.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WorkflowDef {
    /// The field's name on the screen.
    #[serde(default, skip_serializing_if = "Labels::is_empty")]
    pub labels: Labels,
    /// The states, in order.
    pub states: IndexMap<Ident, StateDef>,
    /// The only ways from one to another.
    #[serde(default)]
    pub transitions: Vec<TransitionDef>,
}

/// A state of a record.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StateDef {
    /// The state's name on the screen.
    #[serde(default, skip_serializing_if = "Labels::is_empty")]
    pub labels: Labels,
    /// The tone of its badge.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub colour: Option<Tone>,
    /// New records start here.
    #[serde(default, skip_serializing_if = "is_false")]
    pub initial: bool,
    /// Fields cannot be changed.
    #[serde(default, skip_serializing_if = "is_false")]
    pub locks: bool,
    /// Nothing leads out.
    #[serde(default, rename = "final", skip_serializing_if = "is_false")]
    pub last: bool,
}

/// A way from some states to another.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TransitionDef {
    /// Permanent identity.
    pub id: Ident,
    /// The words on the button.
    #[serde(default, skip_serializing_if = "Labels::is_empty")]
    pub labels: Labels,
    /// Where it may start.
    pub from: Vec<Ident>,
    /// Where it leads.
    pub to: Ident,
    /// Who may take it; all who hold `transition` when not said.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<Ident>,
    /// Open only while this holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<Filter>,
    /// A script run with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
    /// Who must agree.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<ApprovalDef>,
}

/// Who must agree before a transition happens.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ApprovalDef {
    /// One after the other.
    pub steps: Vec<ApprovalStepDef>,
}

/// One person, or one group, that must agree.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ApprovalStepDef {
    /// `manager`, `role:KEY`, or a path to a user.
    pub by: String,
    /// Asked only while this holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<Filter>,
}
