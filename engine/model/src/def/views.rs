//! Saved lists.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Aggregate, Labels, is_false};
use crate::{Filter, Ident};

/// A saved list of one card.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ViewDef {
    /// Permanent identity, unique in the card.
    pub id: Ident,
    /// The card (in `views/`; on a card it is that card).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub card: Option<Ident>,
    /// The list's name.
    #[serde(default, skip_serializing_if = "Labels::is_empty")]
    pub labels: Labels,
    /// How the records are drawn.
    #[serde(default)]
    pub kind: ViewKind,
    /// The columns, in order: a path, or a path with its width.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<ColumnDef>,
    /// Which records.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<Filter>,
    /// In which order: `-date,no`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sort: Option<String>,
    /// Grouped by what, outermost first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub group_by: Vec<GroupDef>,
    /// Totals by column.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub totals: IndexMap<String, Aggregate>,
    /// Settings of board, calendar and chart: the field they are drawn by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// The roles that see it; all when not said.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<Ident>,
    /// The folder it stands in.
    #[serde(default, skip_serializing_if = "Labels::is_empty")]
    pub folder: Labels,
    /// Opened first.
    #[serde(default, skip_serializing_if = "is_false")]
    pub default: bool,
}

/// How a view draws its records.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum ViewKind {
    #[default]
    Table,
    Cards,
    Board,
    Calendar,
    Chart,
}

/// A column: `"name"` or `{"field": "name", "width": 240}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum ColumnDef {
    /// As wide as its type wants.
    Path(String),
    /// With a width.
    Wide(WideColumnDef),
}

/// A column with its width in pixels.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WideColumnDef {
    /// The path shown.
    pub field: String,
    /// Width in CSS pixels.
    pub width: u16,
}

impl ColumnDef {
    /// The path shown.
    pub fn path(&self) -> &str {
        match self {
            Self::Path(path) => path,
            Self::Wide(wide) => &wide.field,
        }
    }
}

/// One level of grouping.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GroupDef {
    /// The path grouped by.
    pub field: String,
    /// For dates: by what.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<DatePart>,
}

/// Spans of time that dates are grouped by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum DatePart { Day, Week, Month, Quarter, Year }
