//! Cards, child tables, extensions, mixins.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::{ActionDef, BoundDef, CardGrantDef, FieldDefs, Labels, NumberingDef, PanelDef, PoolDef, ScriptsDef, StateDef, TabDef, TransitionDef, ViewDef, WorkflowDef};
use crate::{Filter, Ident};

/// A kind of record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CardDef {
    /// The card's key, unique on a site.
    pub key: Ident,
    /// Permanent identity; defaults to the first key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<Ident>,
    /// One record of it: "Order".
    #[serde(default, skip_serializing_if = "Labels::is_empty")]
    pub labels: Labels,
    /// Many of them: "Orders".
    #[serde(default, skip_serializing_if = "Labels::is_empty")]
    pub plurals: Labels,
    /// A sentence saying what the card is for.
    #[serde(default, skip_serializing_if = "Labels::is_empty")]
    pub help: Labels,
    /// The name of a Lucide icon.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub icon: Option<String>,
    /// How a record is called: `{no} {customer.name}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Numbers given to new records.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub numbering: Option<NumberingDef>,
    /// Records form a tree.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tree: Option<TreeDef>,
    /// The fields, in order.
    #[serde(default)]
    pub fields: FieldDefs,
    /// Tables of rows owned by a record.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub child_tables: IndexMap<Ident, ChildTableDef>,
    /// Mixins used.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mixins: Vec<MixinUseDef>,
    /// The link to the record that records are entered from, and stay with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entered_from: Option<Ident>,
    /// What must hold for every record.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<RuleDef>,
    /// The layout.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tabs: Vec<TabDef>,
    /// Shorthand for one workflow named `state`.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub states: IndexMap<Ident, StateDef>,
    /// Transitions of the workflow named `state`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub transitions: Vec<TransitionDef>,
    /// Workflows by the key of the choice field they set.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub workflows: IndexMap<Ident, WorkflowDef>,
    /// Sets of fields that are unique together.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unique: Vec<Vec<Ident>>,
    /// What looks like the same record twice.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub duplicates: Vec<DuplicatesDef>,
    /// Sets of fields to index.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub indexes: Vec<Vec<Ident>>,
    /// Paths whose text search finds the record by.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub search: Vec<String>,
    /// Bookings that may not overlap.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub no_overlap: Option<NoOverlapDef>,
    /// Records that can be made from one of this card.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conversions: Vec<ConversionDef>,
    /// What happens when a record is saved.
    #[serde(default, skip_serializing_if = "ScriptsDef::is_empty")]
    pub scripts: ScriptsDef,
    /// Buttons that run a script.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub actions: Vec<ActionDef>,
    /// Records without an owner are a pool that people claim from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pool: Option<PoolDef>,
    /// How records were is kept, child rows too, and can be read as of any day.
    #[serde(default, skip_serializing_if = "super::is_false")]
    pub as_of: bool,
    /// Who may do what.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub permissions: Vec<CardGrantDef>,
    /// What every grant stays within, whatever it says.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub guards: Vec<BoundDef>,
    /// Lists that come with the card.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub views: Vec<ViewDef>,
}

/// Rows owned by a record and saved with it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChildTableDef {
    /// Permanent identity; defaults to the first key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<Ident>,
    /// The table's name on the screen.
    #[serde(default, skip_serializing_if = "Labels::is_empty")]
    pub labels: Labels,
    /// The fields of a row, in order.
    pub fields: FieldDefs,
    /// Sets of fields that are unique among the rows of one record.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unique: Vec<Vec<Ident>>,
    /// Fewest rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_rows: Option<u32>,
    /// Most rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_rows: Option<u32>,
}

/// `{"parent": "parent"}`: the link to the card itself that makes the tree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TreeDef {
    /// A link field of this card whose target is this card.
    pub parent: Ident,
}

/// A condition that must not hold, and what to say when it does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RuleDef {
    /// Permanent identity.
    pub id: Ident,
    /// The rule speaks when this is true of the record.
    pub when: Filter,
    /// `error` refuses the save, `warning` only says so.
    #[serde(default)]
    pub then: Severity,
    /// The field the message stands beside; `lines.due` for a column of child rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// What the person reads.
    pub message: Labels,
}

/// What a rule does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Severity {
    #[default]
    Error,
    #[serde(alias = "warn")]
    Warning,
}

/// `{"match": ["name", "phone"], "action": "warn"}`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DuplicatesDef {
    /// The fields that are all equal in a duplicate.
    #[serde(rename = "match")]
    pub fields: Vec<Ident>,
    /// What to do about it.
    pub action: DuplicateAction,
}

/// What happens when a duplicate is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum DuplicateAction {
    Warn,
    Refuse,
}

/// `{"by": "vehicle", "from": "starts", "to": "ends"}`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NoOverlapDef {
    /// What is booked.
    pub by: Ident,
    /// First moment, or day.
    pub from: Ident,
    /// Moment after the last, or last day. Without one it goes on.
    pub to: Ident,
    /// Which records are bookings; all when not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<Filter>,
}

/// Making one record from another with its values carried over.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConversionDef {
    /// Permanent identity.
    pub id: Ident,
    /// The words on the button.
    #[serde(default, skip_serializing_if = "Labels::is_empty")]
    pub labels: Labels,
    /// The card of the new record.
    pub to: Ident,
    /// Field of the new record → path of this one.
    #[serde(default)]
    pub fields: IndexMap<Ident, String>,
    /// Child table of the new record → how its rows are made.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub rows: IndexMap<Ident, ConversionRowsDef>,
    /// Offered only while this holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<Filter>,
    /// The field of the new record that points back here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link_back: Option<Ident>,
}

/// How child rows are carried over.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConversionRowsDef {
    /// The child table of this card.
    pub from: Ident,
    /// Field of the new row → path of the old.
    pub fields: IndexMap<Ident, String>,
}

/// `{"use": "expenses", "customer": "customer"}`; the other keys are the mixin's parameters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MixinUseDef {
    /// The mixin's key.
    #[serde(rename = "use")]
    pub mixin: Ident,
    /// Its parameters: name → path of this card.
    #[serde(flatten)]
    pub parameters: IndexMap<String, String>,
}

/// Fields and tabs that many cards share.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MixinDef {
    /// The mixin's key.
    pub key: Ident,
    /// The mixin's name for designers.
    #[serde(default, skip_serializing_if = "Labels::is_empty")]
    pub labels: Labels,
    /// Parameter → its kind (`path`).
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub parameters: IndexMap<Ident, ParameterKind>,
    /// Fields added to every using card.
    #[serde(default)]
    pub fields: FieldDefs,
    /// Tabs added to every using card.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tabs: Vec<TabDef>,
    /// Panels added as tabs of their own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub panels: Vec<PanelDef>,
}

/// What a mixin's parameter is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ParameterKind {
    /// A path of the using card.
    Path,
}

/// What a pack adds to another pack's card. It only adds, and may override labels, `required` and add options.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExtensionDef {
    /// The card extended.
    pub extends: Ident,
    /// Fields added, in the grammar of a card.
    #[serde(default)]
    pub fields: FieldDefs,
    /// Child tables added.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub child_tables: IndexMap<Ident, ChildTableDef>,
    /// Tabs added; `after` anchors them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tabs: Vec<TabDef>,
    /// Sections put into existing tabs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sections: Vec<PlaceSectionDef>,
    /// Fields placed into existing sections.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub place: Vec<PlaceDef>,
    /// Rules added.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<RuleDef>,
    /// Grants added.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub permissions: Vec<CardGrantDef>,
    /// Guards added.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub guards: Vec<BoundDef>,
    /// Search paths added.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub search: Vec<String>,
    /// Views added.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub views: Vec<ViewDef>,
    /// Unique sets added; they may name fields of the card.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unique: Vec<Vec<Ident>>,
    /// Indexes added.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub indexes: Vec<Vec<Ident>>,
    /// Mixins added.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mixins: Vec<MixinUseDef>,
    /// Conversions added.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conversions: Vec<ConversionDef>,
    /// What happens beside when a record is saved.
    #[serde(default, skip_serializing_if = "ScriptsDef::is_empty")]
    pub scripts: ScriptsDef,
    /// Buttons that run a script.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub actions: Vec<ActionDef>,
    /// Other labels for the card.
    #[serde(default, skip_serializing_if = "Labels::is_empty")]
    pub labels: Labels,
    /// Changes to existing fields: labels, `required`, further options.
    #[serde(default, rename = "override", skip_serializing_if = "IndexMap::is_empty")]
    pub overrides: IndexMap<Ident, OverrideDef>,
}

/// What an extension may change of an existing field.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OverrideDef {
    /// Other words.
    #[serde(default, skip_serializing_if = "Labels::is_empty")]
    pub labels: Labels,
    /// Must be filled in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub required: Option<bool>,
    /// Options added at the end.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<super::OptionDef>,
}

/// `{"tab": "main", "before": "head", "section": {…}}`; at the end of the tab without an anchor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PlaceSectionDef {
    /// The tab's id.
    pub tab: Ident,
    /// The section it stands before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Ident>,
    /// The section it follows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Ident>,
    /// What is put there.
    pub section: super::SectionDef,
}

/// `{"section": "head", "after": "name", "fields": ["x"]}`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PlaceDef {
    /// The section's id.
    pub section: Ident,
    /// The field they follow; at the end when not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Ident>,
    /// The fields, in order.
    pub fields: Vec<Ident>,
}

/// A value of any JSON kind.
pub type AnyJson = Json;
