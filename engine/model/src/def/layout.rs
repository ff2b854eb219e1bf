//! Layout: tabs, sections, panels.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Labels, is_false};
use crate::{Filter, Ident};

/// A tab of a card. It holds sections, or one panel.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TabDef {
    /// Permanent identity.
    pub id: Ident,
    /// The words on the tab.
    #[serde(default, skip_serializing_if = "Labels::is_empty")]
    pub labels: Labels,
    /// A Lucide icon.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub icon: Option<String>,
    /// The tab it follows (in extensions and mixins).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Ident>,
    /// Shown only while this holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub visible_when: Option<Filter>,
    /// The sections, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sections: Vec<SectionDef>,
    /// A single panel filling the tab.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub panel: Option<PanelDef>,
}

/// A group of fields in columns, or a panel.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SectionDef {
    /// Permanent identity, unique in the card.
    pub id: Ident,
    /// The heading.
    #[serde(default, skip_serializing_if = "Labels::is_empty")]
    pub labels: Labels,
    /// A sentence under the heading.
    #[serde(default, skip_serializing_if = "Labels::is_empty")]
    pub help: Labels,
    /// Columns, 1–4.
    #[serde(default = "two")]
    #[schemars(range(min = 1, max = 4))]
    pub columns: u8,
    /// Folded at first.
    #[serde(default, skip_serializing_if = "is_false")]
    pub collapsed: bool,
    /// Shown only while this holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub visible_when: Option<Filter>,
    /// The fields, in order: a key, or a key with its width.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub place: Vec<PlacedDef>,
    /// A panel instead of fields.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub panel: Option<PanelDef>,
}

fn two() -> u8 {
    2
}

/// A field's place: `"name"` or `{"field": "name", "span": 2}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum PlacedDef {
    /// One column wide, or as wide as its type wants.
    Key(Ident),
    /// With a width.
    Wide(WidePlacedDef),
}

/// A field with its width in columns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WidePlacedDef {
    /// The field.
    pub field: Ident,
    /// Columns it takes, 1–4.
    #[schemars(range(min = 1, max = 4))]
    pub span: u8,
}

/// What a panel shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PanelKind {
    /// The rows of a child table.
    Child,
    /// Records, or child rows of records, that point here.
    Related,
    /// A tree of records that belong here.
    Tree,
    /// Who changed what.
    History,
    /// Notes, calls, mail.
    Activity,
    /// The files of a field.
    Files,
    /// A tracked field over time.
    Series,
    /// A few figures of the record, large.
    Figures,
}

/// A part of a layout that shows rows, history or files.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PanelDef {
    /// What it shows.
    pub kind: PanelKind,
    /// The heading.
    #[serde(default, skip_serializing_if = "Labels::is_empty")]
    pub labels: Labels,
    /// `child`: the table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<Ident>,
    /// `related`, `tree`: the card, or `card.table` for child rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub card: Option<String>,
    /// `related`, `tree`: the link, or path, from there to this record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// `files`, `series`: the field.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<Ident>,
    /// The columns, in order, as paths; `figures`: the fields.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<String>,
    /// The columns with a total.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub totals: Vec<String>,
    /// Order of the rows: `-date,no`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sort: Option<String>,
    /// Which rows.
    #[serde(default, rename = "where", skip_serializing_if = "Option::is_none")]
    pub condition: Option<Filter>,
    /// Whether records may be made here; yes when not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub create: Option<bool>,
}
