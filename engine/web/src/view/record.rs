//! The page of one record: reading it, changing it, making it.

use serde::Serialize;

use super::{Avatar, CardHead, Cell, FieldView, HistoryPanel, Panel, Tag};

/// A record's page. `records/show.html` draws all of it, `records/_record.html` what a save replaces.
#[derive(Debug, Clone, Default, Serialize)]
pub struct RecordPage {
    /// The card.
    pub card: CardHead,
    /// The record's id; empty while it is being made.
    pub id: String,
    /// The query of the list it was opened from, sent back with a save so that previous and next stay.
    pub from: String,
    /// The version that was read, sent back with a save.
    pub version: i64,
    /// It is being made.
    pub new: bool,
    /// Its title; "New order" while it is being made.
    pub title: String,
    /// Its avatar.
    pub avatar: Option<Avatar>,
    /// Badges beside the title: states and choices that matter.
    pub badges: Vec<Tag>,
    /// Words beneath the title: number, place, owner.
    pub facts: Vec<Fact>,
    /// From the list to here.
    pub crumbs: Vec<Crumb>,
    /// Its neighbours in the list it was opened from.
    pub position: Option<Position>,
    /// Its workflows: states, and the steps that lead on.
    pub flows: Vec<super::FlowBar>,
    /// Its applications, the latest first.
    pub ways: Vec<super::WayView>,
    /// What may be done with it, beyond saving: shown as buttons (first two) and in the menu.
    pub actions: Vec<Action>,
    /// Its tabs, in order. One tab without a label draws no tab bar.
    pub tabs: Vec<Tab>,
    /// Where the form is sent; empty where the reader may only read.
    pub save_url: String,
    /// Where the numbers on tabs are asked for; none where no tab has one.
    pub counts_url: Option<String>,
    /// Where derived values are asked for.
    pub recompute_url: String,
    /// Where it is deleted (POST with `ids`); none without the right.
    pub delete_url: Option<String>,
    /// Where a copy is made; none without the right.
    pub copy_url: Option<String>,
    /// Everything wrong with what was sent, in the order of the form.
    pub errors: Vec<ErrorItem>,
    /// What happened while saving: "Chen Yu's changes of 2 other fields were kept". Shown as a toast.
    pub notice: Option<String>,
    /// Somebody else changed the same fields.
    pub conflict: Option<Conflict>,
    /// Records that look like it.
    pub alike: Option<super::Alike>,
    /// Changes, at the right side; none without the right or for new records.
    pub history: Option<HistoryPanel>,
    /// It lies in the trash: shown, not edited.
    pub trashed: bool,
    /// Why it cannot be edited although the reader has the right ("approved cards are locked").
    pub locked: Option<String>,
    /// It is shown as it was.
    pub as_of: Option<AsOf>,
    /// Where it is shown as it was, for cards that keep that.
    pub as_of_url: Option<String>,
    /// Values given by the address (`?f.customer=…`) count as edits.
    pub prefilled: bool,
    /// The record it is entered from, as the form sends it: name, value.
    pub entered_from: Option<(String, String)>,
}

/// A record shown as it was.
#[derive(Debug, Clone, Default, Serialize)]
pub struct AsOf {
    /// The day that is asked for, as `2026-03-31`.
    pub day: String,
    /// Today, the last that can be asked for.
    pub today: String,
    /// Where another day is asked for (GET `at`).
    pub url: String,
    /// The record as it is.
    pub record_url: String,
    /// "As it was on …".
    pub label: String,
    /// Which version that was, and whose.
    pub said: String,
    /// Why it is not known, where it is shown as it is instead.
    pub unknown: Option<String>,
}

/// A word beneath the title.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Fact {
    /// A Lucide icon; empty for none.
    pub icon: String,
    /// The words.
    pub text: String,
    /// Where they lead.
    pub url: Option<String>,
    /// An avatar before them.
    pub avatar: Option<Avatar>,
}

/// A step from the list to here.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Crumb {
    /// The words.
    pub label: String,
    /// Where it leads.
    pub url: String,
}

/// Where a record stands in the list it was opened from.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Position {
    /// "3 of 2,906"; empty if unknown.
    pub text: String,
    /// The record before it.
    pub prev_url: Option<String>,
    /// The record after it.
    pub next_url: Option<String>,
    /// The list, with the same conditions.
    pub list_url: String,
}

/// Something that may be done with a record.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Action {
    /// The words.
    pub label: String,
    /// A Lucide icon.
    pub icon: String,
    /// Where it leads, or is sent.
    pub url: String,
    /// Sent with POST instead of followed.
    pub post: bool,
    /// Drawn in red, at the end of the menu.
    pub danger: bool,
    /// Opened in a dialog, where scripts run.
    pub dialog: bool,
}

/// How many rows stand behind tabs.
#[derive(Debug, Clone, Default, Serialize)]
pub struct TabCounts {
    /// Those of which it is known.
    pub counts: Vec<TabCount>,
}

/// How many rows stand behind a tab.
#[derive(Debug, Clone, Default, Serialize)]
pub struct TabCount {
    /// The tab.
    pub id: String,
    /// How many, formatted.
    pub text: String,
}

/// A tab of a record.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Tab {
    /// Its id, as in `?tab=`.
    pub id: String,
    /// Its label.
    pub label: String,
    /// A number beside it, formatted.
    pub count: Option<String>,
    /// The page with this tab open.
    pub url: String,
    /// Open.
    pub current: bool,
    /// How many of its fields are wrong.
    pub errors: usize,
    /// Its sections. Tabs with fields are always filled, so that one form holds all of them.
    pub sections: Vec<Section>,
    /// Fetched from here when first opened, instead of `sections`.
    pub later_url: Option<String>,
}

/// A section of a tab: fields in columns, or a panel.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Section {
    /// Its id; unique on the page.
    pub id: String,
    /// Its heading; empty for none.
    pub label: String,
    /// A sentence beside the heading.
    pub help: Option<String>,
    /// Columns, 1–4.
    pub columns: u8,
    /// Can be folded, and is at first.
    pub collapsed: bool,
    /// Not shown at the moment; its inputs stay in the form.
    pub hidden: bool,
    /// Its fields, in order.
    pub fields: Vec<FieldView>,
    /// A panel instead of fields.
    pub panel: Option<Panel>,
}

/// Something wrong with what was sent.
#[derive(Debug, Clone, Default, Serialize)]
pub struct ErrorItem {
    /// The id of the input; empty if it concerns the record as a whole.
    pub field_id: String,
    /// The field's label, with the row for child rows.
    pub label: String,
    /// What is wrong.
    pub message: String,
}

/// Somebody saved the record since it was read, and changed the same fields. Answered with 412.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Conflict {
    /// Who.
    pub who: String,
    /// When, in words: "40 seconds ago".
    pub when: String,
    /// The version that is stored now. "Keep mine" saves against it.
    pub version: i64,
    /// The fields both changed.
    pub fields: Vec<ConflictField>,
    /// How many of the reader's own edits do not clash.
    pub others: usize,
    /// The record as it is stored now; "Keep theirs" opens it.
    pub reload_url: String,
    /// The record was deleted meanwhile; only `who` and `when` are told.
    pub deleted: bool,
}

/// A field that both changed.
#[derive(Debug, Clone, Default, Serialize)]
pub struct ConflictField {
    /// Its name in the form.
    pub name: String,
    /// Its label.
    pub label: String,
    /// What both started from.
    pub base: Cell,
    /// What is stored now.
    pub theirs: Cell,
    /// What was sent.
    pub mine: Cell,
    /// Their value as inputs hold it: a JSON list of pairs, value and title.
    pub theirs_raw: String,
}

/// The answer of `recompute`: only what changed.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Recomputed {
    /// Fields drawn anew, by their wrapper: derived values, and fields whose visibility, need or right changed.
    pub fields: Vec<FieldView>,
    /// Values of child rows drawn anew.
    pub cells: Vec<RecomputedCell>,
    /// Totals of child tables.
    pub totals: Vec<RecomputedTotal>,
}

/// A value of a child row that changed.
#[derive(Debug, Clone, Default, Serialize)]
pub struct RecomputedCell {
    /// `c-TABLE-N-KEY`.
    pub id: String,
    /// What is shown.
    pub cell: Cell,
    /// What its input holds; none for fields that are not sent.
    pub raw: Option<String>,
}

/// A total of a child table.
#[derive(Debug, Clone, Default, Serialize)]
pub struct RecomputedTotal {
    /// The table's key.
    pub table: String,
    /// The column's key.
    pub key: String,
    /// The total, formatted.
    pub text: String,
}
