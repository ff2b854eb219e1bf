//! Saved lists.

use chrono::{Days, Months, NaiveDate};
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Aggregate, EmphasisDef, Labels, is_false};
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
    /// When values of a column stand out: by column, in the place of what its field says.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub emphasis: IndexMap<String, Vec<EmphasisDef>>,
    /// Of a board: the choice its columns are of. Of a calendar: the day or moment records stand at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// Of a calendar: the day or moment records last until.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    /// What is asked when it is opened, by name: `@param.NAME` of its filter.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub parameters: IndexMap<Ident, ViewParameterDef>,
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

/// What a view asks when it is opened. Its type is that of the field it is compared with.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ViewParameterDef {
    /// What it is called where it is asked; the field's name when not said.
    #[serde(default, skip_serializing_if = "Labels::is_empty")]
    pub labels: Labels,
    /// What stands there before anybody answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<serde_json::Value>,
    /// It may be left empty: conditions with it then do not count.
    #[serde(default, skip_serializing_if = "is_false")]
    pub optional: bool,
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

    /// Its width, where one is said.
    pub fn width(&self) -> Option<u16> {
        match self {
            Self::Path(_) => None,
            Self::Wide(wide) => Some(wide.width),
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
    /// For links into a tree: the level from the top at which records are gathered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<u8>,
    /// `value`, `count` or a total such as `total.sum`; `-` before it for largest first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<String>,
}

/// Spans of time that dates are grouped by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum DatePart { Day, Week, Month, Quarter, Year }

impl DatePart {
    /// Every span, shortest first.
    pub const ALL: [Self; 5] = [Self::Day, Self::Week, Self::Month, Self::Quarter, Self::Year];

    /// The word that stands in definitions and requests.
    pub fn name(self) -> &'static str {
        match self {
            Self::Day => "day", Self::Week => "week", Self::Month => "month", Self::Quarter => "quarter", Self::Year => "year",
        }
    }
}

/// The last day of the span that begins on a day.
pub fn last_day(first: NaiveDate, part: DatePart) -> NaiveDate {
    let next = match part {
        DatePart::Day => first.checked_add_days(Days::new(1)),
        DatePart::Week => first.checked_add_days(Days::new(7)),
        DatePart::Month => first.checked_add_months(Months::new(1)),
        DatePart::Quarter => first.checked_add_months(Months::new(3)),
        DatePart::Year => first.checked_add_months(Months::new(12)),
    };
    next.and_then(|next| next.pred_opt()).unwrap_or(first)
}
