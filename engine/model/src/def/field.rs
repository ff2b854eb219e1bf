//! Fields: the slots of a card.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::{Labels, is_false};
use crate::{Filter, Ident};

/// The closed set of field types.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FieldType {
    #[default]
    Text, LongText, Email, Phone, Url, RichText,
    Integer, Decimal, Money, Percent, Rating, Boolean,
    Date, Time, Datetime, Duration,
    Choice, Choices, Link, Links, LinkAny, User, Category,
    Address, Geo, File, Files, Image, Formula, Json, Colour,
}

impl FieldType {
    /// Every type, in the order of the documentation.
    pub const ALL: [Self; 31] = [
        Self::Text, Self::LongText, Self::Email, Self::Phone, Self::Url, Self::RichText,
        Self::Integer, Self::Decimal, Self::Money, Self::Percent, Self::Rating, Self::Boolean,
        Self::Date, Self::Time, Self::Datetime, Self::Duration,
        Self::Choice, Self::Choices, Self::Link, Self::Links, Self::LinkAny, Self::User, Self::Category,
        Self::Address, Self::Geo, Self::File, Self::Files, Self::Image, Self::Formula, Self::Json, Self::Colour,
    ];

    /// The word that stands in definitions.
    pub fn name(self) -> &'static str {
        match self {
            Self::Text => "text", Self::LongText => "long_text", Self::Email => "email", Self::Phone => "phone",
            Self::Url => "url", Self::RichText => "rich_text", Self::Integer => "integer", Self::Decimal => "decimal",
            Self::Money => "money", Self::Percent => "percent", Self::Rating => "rating", Self::Boolean => "boolean",
            Self::Date => "date", Self::Time => "time", Self::Datetime => "datetime", Self::Duration => "duration",
            Self::Choice => "choice", Self::Choices => "choices", Self::Link => "link", Self::Links => "links",
            Self::LinkAny => "link_any", Self::User => "user", Self::Category => "category", Self::Address => "address",
            Self::Geo => "geo", Self::File => "file", Self::Files => "files", Self::Image => "image",
            Self::Formula => "formula", Self::Json => "json", Self::Colour => "colour",
        }
    }
}

/// A field as written in a definition.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("anyOf" = [{"required": ["type"]}, {"required": ["fetch"]}, {"required": ["rollup"]}]))]
pub struct FieldDef {
    /// Permanent identity; defaults to the first key. Write the old key here when renaming.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<Ident>,
    /// What the field holds; a field with `fetch` or `rollup` that does not say it takes it from its source.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<FieldType>,
    /// The field's name on the screen.
    #[serde(default, skip_serializing_if = "Labels::is_empty")]
    pub labels: Labels,
    /// A sentence of help beneath the field.
    #[serde(default, skip_serializing_if = "Labels::is_empty")]
    pub help: Labels,
    /// An example shown while the field is empty.
    #[serde(default, skip_serializing_if = "Labels::is_empty")]
    pub placeholder: Labels,
    /// How the field is shown, where its type offers a choice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub widget: Option<String>,

    /// Shortest text, in characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_length: Option<u32>,
    /// Longest text, in characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_length: Option<u32>,
    /// A regular expression the whole text must match.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pattern: Option<String>,
    /// Smallest value; a number, or a decimal as text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<NumberText>,
    /// Largest value; for `rating`, how many steps (5).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<NumberText>,
    /// Digits after the point, 0–9; 2 when not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 9))]
    pub scale: Option<u8>,
    /// How results are rounded to the scale.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rounding: Option<Rounding>,
    /// The values of a choice, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<OptionDef>,
    /// The card a link points to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<Ident>,
    /// The cards a `link_any` may point to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub targets: Vec<Ident>,
    /// Which records a link may point to.
    #[serde(default, rename = "where", skip_serializing_if = "Option::is_none")]
    pub condition: Option<Filter>,
    /// What happens to this record when the linked one goes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_delete: Option<OnDelete>,
    /// A dated link: earlier targets are kept with from and to.
    #[serde(default, skip_serializing_if = "is_false")]
    pub history: bool,
    /// Largest file, in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_size: Option<u64>,
    /// Media types taken, such as `image/png` or `image/*`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub types: Vec<String>,
    /// The names a user's formula may use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<Json>,
    /// A JSON Schema that the value must satisfy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<Json>,

    /// Calculated from this record by an expression.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub computed: Option<ComputedDef>,
    /// Aggregated over related records.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollup: Option<RollupDef>,
    /// Taken over from a linked record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fetch: Option<FetchDef>,
    /// What a new record starts with: a value, or `@today`, `@now`, `@me`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<Json>,
    /// Must be filled in.
    #[serde(default, skip_serializing_if = "is_false")]
    pub required: bool,
    /// No two records outside the trash share a value.
    #[serde(default, skip_serializing_if = "is_false")]
    pub unique: bool,
    /// Never set by hand.
    #[serde(default, skip_serializing_if = "is_false")]
    pub read_only: bool,
    /// How the field's history is kept.
    #[serde(default, skip_serializing_if = "Track::is_none")]
    pub track: Track,
    /// Whoever may see that field may see this one: what is calculated from it tells it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rights_of: Option<Ident>,
    /// `secret`: write-only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<FieldClass>,
    /// Must be filled in while this holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub required_when: Option<Filter>,
    /// Shown only while this holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub visible_when: Option<Filter>,
    /// Not editable while this holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_only_when: Option<Filter>,
    /// When its value stands out in lists, cards and boards; the first that holds counts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub emphasis: Vec<EmphasisDef>,
}

/// When a value stands out, and how.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EmphasisDef {
    /// Of which records.
    pub when: Filter,
    /// How it looks.
    pub tone: EmphasisTone,
}

/// What a value that stands out says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EmphasisTone {
    /// Something is wrong: overdue, beyond a limit.
    Danger,
    /// Something needs a look soon.
    Warning,
    /// All is well.
    Success,
    /// Worth knowing.
    Info,
    /// Of no weight any more.
    Muted,
}

/// A number written as JSON number or, where exactness matters, as text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum NumberText {
    /// `0`, `1.5`
    Number(serde_json::Number),
    /// `"0.1"`
    Text(String),
}

impl std::fmt::Display for NumberText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{number}"),
            Self::Text(text) => f.write_str(text),
        }
    }
}

/// How a result is brought to its scale.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Rounding {
    /// 0.5 → 1, −0.5 → −1.
    #[default]
    HalfUp,
    /// Banker's rounding.
    HalfEven,
}

/// One value of a choice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OptionDef {
    /// What is stored.
    pub value: String,
    /// What is shown.
    #[serde(default, skip_serializing_if = "Labels::is_empty")]
    pub labels: Labels,
    /// One of the eight tones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub colour: Option<Tone>,
    /// No longer offered; records that have it keep it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub retired: bool,
}

/// The eight tones of badges, avatars and charts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Tone { Gray, Blue, Teal, Green, Amber, Red, Violet, Pink }

impl Tone {
    /// The word that stands in definitions and in style classes.
    pub fn name(self) -> &'static str {
        match self {
            Self::Gray => "gray", Self::Blue => "blue", Self::Teal => "teal", Self::Green => "green",
            Self::Amber => "amber", Self::Red => "red", Self::Violet => "violet", Self::Pink => "pink",
        }
    }
}

/// What happens to records that link to one that goes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnDelete {
    /// The deletion is refused.
    #[default]
    Restrict,
    /// The link reads as empty.
    SetNull,
    /// They go too, and come back together.
    Cascade,
}

/// How a field's history is kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Track {
    /// Only that it changed.
    #[default]
    None,
    /// Old and new value of each change.
    Changes,
    /// The values over time, drawn as a line.
    Series,
}

impl Track {
    /// Whether only the fact of a change is kept.
    pub fn is_none(&self) -> bool {
        matches!(self, Self::None)
    }
}

/// Classes of fields with rules of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FieldClass {
    /// Write-only: never in answers, filters, sorts, totals, history, exports or scripts.
    Secret,
}

/// `{"expr": "quantity * price"}`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ComputedDef {
    /// A Rhai expression over the fields of the same record.
    pub expr: String,
}

/// `{"from": "lines", "function": "sum", "field": "amount"}`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RollupDef {
    /// A child table, `card.link` of records pointing here, or `card.table` with `by`.
    pub from: String,
    /// For child rows of other records: the path from the row to this record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// What is done with the rows.
    pub function: Aggregate,
    /// The field aggregated; not needed for `count`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// Which rows count.
    #[serde(default, rename = "where", skip_serializing_if = "Option::is_none")]
    pub condition: Option<Filter>,
    /// What stands between the texts of `concat`; a comma and a space unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub separator: Option<String>,
}

/// Aggregate functions of rollups, totals and groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Aggregate { Sum, Avg, Min, Max, Count, CountDistinct, CountEmpty, First, Last, Concat }

impl Aggregate {
    /// The word that stands in definitions and requests.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sum => "sum", Self::Avg => "avg", Self::Min => "min", Self::Max => "max",
            Self::Count => "count", Self::CountDistinct => "count_distinct", Self::CountEmpty => "count_empty", Self::First => "first", Self::Last => "last", Self::Concat => "concat",
        }
    }
}

/// `{"path": "product.price", "mode": "snapshot", "editable": true}`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FetchDef {
    /// Through which links to which field.
    pub path: String,
    /// Read by join each time, stored when the link is set, or stored and followed.
    pub mode: FetchMode,
    /// A snapshot that people may change.
    #[serde(default, skip_serializing_if = "is_false")]
    pub editable: bool,
    /// The same through other targets of the link: set by mixins, never written.
    #[serde(skip)]
    pub more: Vec<String>,
}

/// When a fetched value is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FetchMode {
    /// Each time it is read; never stored.
    Live,
    /// When the link is set.
    Snapshot,
    /// Always: it is stored, and follows what it is taken from.
    Kept,
}

/// Fields by key, in order.
pub type FieldDefs = IndexMap<Ident, FieldDef>;
