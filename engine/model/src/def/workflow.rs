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
    /// Records in it are read only, and stay.
    #[serde(default, skip_serializing_if = "is_false")]
    pub locks: bool,
    /// Fields and child tables that can be changed although it locks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub editable: Vec<Ident>,
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
    /// Fields that must be filled in by then; they are asked for with it, and may be sent along.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub required: Vec<Ident>,
    /// Whether a comment is asked for.
    #[serde(default, skip_serializing_if = "CommentDef::is_none")]
    pub comment: CommentDef,
    /// A script run with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
    /// Who must agree.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<ApprovalDef>,
}

/// Whether a transition asks for a comment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CommentDef {
    /// It is taken at once; a comment sent along is kept.
    #[default]
    None,
    /// A comment can be written.
    Optional,
    /// Not without a comment.
    Required,
}

impl CommentDef {
    fn is_none(&self) -> bool {
        *self == Self::None
    }
}

/// Who must agree before a transition happens.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ApprovalDef {
    /// One after the other.
    pub steps: Vec<ApprovalStepDef>,
    /// The state of records while they are decided on; they stay where they are when not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub during: Option<Ident>,
    /// The state of records that were rejected; they go back to where they were when not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rejected: Option<Ident>,
    /// Whoever applies may approve as well, where they are among those asked.
    #[serde(default, skip_serializing_if = "is_false")]
    pub own: bool,
}

/// Those who must agree at one time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ApprovalStepDef {
    /// The step's name on the screen.
    #[serde(default, skip_serializing_if = "Labels::is_empty")]
    pub labels: Labels,
    /// `manager`, `head`, `role:KEY`, or a path to a user; several in a list.
    pub by: ByDef,
    /// How many of several must agree.
    #[serde(default, skip_serializing_if = "NeedDef::is_all")]
    pub need: NeedDef,
    /// Asked at the same time as the step before.
    #[serde(default, skip_serializing_if = "is_false")]
    pub parallel: bool,
    /// Asked only while this holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<Filter>,
    /// Hours after which those who did not answer are reminded, again and again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remind_after: Option<u32>,
    /// Hours after which it goes to the manager of those who did not answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub escalate_after: Option<u32>,
}

/// One, or several, that are asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum ByDef {
    /// One.
    One(String),
    /// Several.
    Several(Vec<String>),
}

impl ByDef {
    /// Each of them.
    pub fn each(&self) -> &[String] {
        match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::Several(several) => several,
        }
    }
}

/// How many of those asked must agree.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NeedDef {
    /// Each of them.
    #[default]
    All,
    /// Whoever is first.
    Any,
}

impl NeedDef {
    fn is_all(&self) -> bool {
        *self == Self::All
    }
}
