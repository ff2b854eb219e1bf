//! Conditions as chips, and the little editor for one of them.

use serde::Serialize;

use super::{CardHead, LookupView, OptionView, Widget};

/// A condition above the list.
#[derive(Debug, Clone, Default, Serialize)]
pub struct FilterChip {
    /// A Lucide icon.
    pub icon: String,
    /// The field's label; for a group of conditions a summary in words.
    pub label: String,
    /// The operator in words; empty where the value says all ("this year").
    pub op: String,
    /// The value in words; empty for operators without one.
    pub value: String,
    /// The fragment that edits it; none if it is too involved for the little editor.
    pub edit_url: Option<String>,
    /// Then it is edited in the query builder.
    pub dialog_url: Option<String>,
    /// The list without it.
    pub remove_url: String,
}

/// The answer of `/c/CARD/filter` without a field: what may be filtered by.
#[derive(Debug, Clone, Default, Serialize)]
pub struct FilterFields {
    /// The fields, those of the card first, then those reached through links.
    pub fields: Vec<FilterField>,
    /// The query builder, for conditions that are more involved.
    pub dialog_url: String,
}

/// `/c/CARD/filter` as a page of its own: one of both.
#[derive(Debug, Clone, Default, Serialize)]
pub struct FilterPage {
    /// The card.
    pub card: CardHead,
    /// The list as it is.
    pub back_url: String,
    /// What may be filtered by.
    pub fields: Option<FilterFields>,
    /// One condition being written.
    pub editor: Option<FilterEditor>,
}

/// A field that may be filtered by.
#[derive(Debug, Clone, Default, Serialize)]
pub struct FilterField {
    /// Its label.
    pub label: String,
    /// The card it is reached through.
    pub via: Option<String>,
    /// A Lucide icon.
    pub icon: String,
    /// The fragment that asks for operator and value.
    pub url: String,
}

/// The answer of `/c/CARD/filter?field=…&op=…`: one condition being written.
#[derive(Debug, Clone, Default, Serialize)]
pub struct FilterEditor {
    /// Where the finished list is: GET with `q`, `sort`, … kept and `filter` replaced by the browser.
    pub action: String,
    /// The filter that the condition is added to, as JSON; `{"all": []}` for none.
    pub filter: String,
    /// Which member of the filter's `all` is being edited; none for a new one.
    pub index: Option<usize>,
    /// The path.
    pub field: String,
    /// Its label.
    pub label: String,
    /// A Lucide icon.
    pub icon: String,
    /// The operators that fit, in order.
    pub ops: Vec<FilterWord>,
    /// The operator chosen.
    pub op: String,
    /// This editor for another operator: the browser adds `op`.
    pub url: String,
    /// How the value is asked for.
    pub editor: ValueEditor,
    /// The widget of the field, for inputs.
    pub widget: Widget,
    /// The value(s) so far: two for `between`.
    pub values: Vec<FilterValue>,
    /// The options of a choice.
    pub options: Vec<OptionView>,
    /// How a link finds its records.
    pub lookup: Option<LookupView>,
    /// Relative periods, for `in`.
    pub periods: Vec<FilterWord>,
    /// What is wrong with the value.
    pub error: Option<String>,
}

/// A value of a condition.
#[derive(Debug, Clone, Default, Serialize)]
pub struct FilterValue {
    /// As it stands in the filter.
    pub raw: String,
    /// In words, for links.
    pub text: String,
}

/// An operator or a period.
#[derive(Debug, Clone, Default, Serialize)]
pub struct FilterWord {
    /// As it stands in the filter.
    pub value: String,
    /// In words.
    pub text: String,
    /// It is chosen.
    pub selected: bool,
}

/// How the value of a condition is asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ValueEditor {
    /// Not at all (`empty`, `not_empty`).
    None,
    /// One line of text.
    #[default]
    Text,
    /// A number.
    Number,
    /// Two numbers.
    NumberRange,
    /// A date.
    Date,
    /// Two dates.
    DateRange,
    /// A date and a time.
    Datetime,
    /// Two of them.
    DatetimeRange,
    /// A time.
    Time,
    /// Two times.
    TimeRange,
    /// Stars.
    Rating,
    /// A relative period.
    Period,
    /// Yes or no.
    Boolean,
    /// One option.
    Option,
    /// Several options.
    Options,
    /// One record.
    Link,
    /// Several records.
    Links,
}
