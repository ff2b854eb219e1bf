//! Parts of a record's page that show more than fields.

use serde::Serialize;

use super::{Avatar, CardHead, Cell, ChildTableView, Column, FieldView, FileChip};

/// A panel in a tab or a section.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Panel {
    /// Rows the record owns.
    Child(ChildTableView),
    /// Records, or child rows of records, that point here.
    Related(RelatedPanel),
    /// A tree of records that belong here.
    Tree(TreePanel),
    /// Who changed what.
    History(HistoryPanel),
    /// The files of a field.
    Files(FilesPanel),
    /// A field over time.
    Series(SeriesPanel),
    /// A few figures.
    Kpis {
        /// In order.
        kpis: Vec<Kpi>,
    },
    /// Fetched when it comes into view: the answer is another panel.
    Later {
        /// Where.
        url: String,
    },
}

/// Records that point here.
#[derive(Debug, Clone, Default, Serialize)]
pub struct RelatedPanel {
    /// Unique on the page; the panel's element has the id `panel-ID`.
    pub id: String,
    /// Its heading.
    pub label: String,
    /// How many there are, formatted; none if unknown.
    pub count: Option<String>,
    /// Its columns; `sort_url` and the menus are not used.
    pub columns: Vec<Column>,
    /// Its rows, the newest few or one window.
    pub rows: Vec<RelatedRow>,
    /// Totals by column; empty for none.
    pub totals: Vec<Option<String>>,
    /// Where a record is made that points here; none without the right.
    pub create_url: Option<String>,
    /// Words for that, such as "New order".
    pub create_label: String,
    /// All of them in a list; none for child rows.
    pub list_url: Option<String>,
    /// The next window of this panel.
    pub next_url: Option<String>,
}

/// A row of a related panel.
#[derive(Debug, Clone, Default, Serialize)]
pub struct RelatedRow {
    /// The record's page; none if the reader may not open it.
    pub url: Option<String>,
    /// Its values, one for each column.
    pub cells: Vec<Cell>,
}

/// Who changed what, as a page of its own.
#[derive(Debug, Clone, Default, Serialize)]
pub struct HistoryPage {
    /// The card.
    pub card: CardHead,
    /// The record's title.
    pub title: String,
    /// The record's page.
    pub record_url: String,
    /// The changes.
    pub history: HistoryPanel,
}

/// Records that form a tree.
#[derive(Debug, Clone, Default, Serialize)]
pub struct TreePanel {
    /// Unique on the page.
    pub id: String,
    /// Its heading.
    pub label: String,
    /// The roots.
    pub nodes: Vec<TreeNode>,
    /// Where a root is made.
    pub create_url: Option<String>,
    /// Words for that.
    pub create_label: String,
}

/// A node of a tree.
#[derive(Debug, Clone, Default, Serialize)]
pub struct TreeNode {
    /// Its title.
    pub title: String,
    /// Its page.
    pub url: String,
    /// More about it, in words.
    pub detail: String,
    /// Unfolded at first.
    pub open: bool,
    /// What is under it.
    pub children: Vec<TreeNode>,
    /// Where a child of it is made.
    pub create_url: Option<String>,
}

/// Files or pictures of a field, shown large.
#[derive(Debug, Clone, Default, Serialize)]
pub struct FilesPanel {
    /// The field they belong to, as on the form.
    pub field: FieldView,
    /// Drawn as pictures.
    pub pictures: bool,
    /// Others' files shown beside, which are not edited here.
    pub others: Vec<FileChip>,
}

/// A field's values over time. `panels/series.html` draws it, on the page and beside a field.
#[derive(Debug, Clone, Default, Serialize)]
pub struct SeriesPanel {
    /// Unique on the page.
    pub id: String,
    /// Its heading.
    pub label: String,
    /// The newest value, in words.
    pub last: String,
    /// The values, newest first.
    pub points: Vec<SeriesPoint>,
    /// The line, in a box of 320 × 100; none where the values are no numbers, or only one is known.
    pub chart: Option<Chart>,
    /// The record's page.
    pub record_url: String,
}

/// A line over time, drawn in a box of 320 × 100.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Chart {
    /// The line, as an SVG path.
    pub line: String,
    /// The area beneath it, as an SVG path.
    pub area: String,
    /// Where values begin: x, y, and what is said of them.
    pub dots: Vec<(String, String, String)>,
    /// The largest value, in words.
    pub high: String,
    /// The smallest value, in words.
    pub low: String,
    /// The first day, in words.
    pub from: String,
    /// The last day, in words.
    pub until: String,
    /// What it says, for those who do not see it.
    pub text: String,
}

/// A value of a series.
#[derive(Debug, Clone, Default, Serialize)]
pub struct SeriesPoint {
    /// When, in words.
    pub when: String,
    /// The moment.
    pub at: String,
    /// The value, in words.
    pub text: String,
    /// By how much it differs from the one before, with its sign; empty where that means nothing.
    pub change: String,
    /// `up`, `down`, or nothing.
    pub trend: String,
    /// Who set it.
    pub who: String,
}

/// A figure.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Kpi {
    /// What it counts.
    pub label: String,
    /// The figure, formatted.
    pub value: String,
    /// A word beside it, such as "+18%".
    pub note: String,
    /// `up`, `down`, or nothing: the note's colour.
    pub trend: String,
}

/// Who changed what. Drawn at the right side of a record, and as a tab.
#[derive(Debug, Clone, Default, Serialize)]
pub struct HistoryPanel {
    /// Days, newest first.
    pub days: Vec<HistoryDay>,
    /// How many changes there are, formatted; none if unknown.
    pub count: Option<String>,
    /// Older ones.
    pub next_url: Option<String>,
    /// Fetched from here when it comes into view, instead of being filled at once.
    pub url: Option<String>,
}

/// The changes of a day.
#[derive(Debug, Clone, Default, Serialize)]
pub struct HistoryDay {
    /// "Today", "Yesterday", "12 November".
    pub label: String,
    /// Newest first.
    pub entries: Vec<HistoryEntry>,
}

/// One change.
#[derive(Debug, Clone, Default, Serialize)]
pub struct HistoryEntry {
    /// Who did it: a name, or what in the system.
    pub who: String,
    /// Its avatar; none for the system.
    pub avatar: Option<Avatar>,
    /// A Lucide icon, shown where there is no avatar.
    pub icon: String,
    /// What was done, in words: "changed 2 fields", "created this card".
    pub what: String,
    /// When, short: "11:40".
    pub time: String,
    /// When, for machines and as a title.
    pub at: String,
    /// The changes, field by field.
    pub changes: Vec<Change>,
    /// Words that were said with it.
    pub note: Option<String>,
}

/// A field's change.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Change {
    /// The field's label, with the row for child rows: "Lines 3 · Quantity".
    pub label: String,
    /// The old value in words; empty for none.
    pub old: String,
    /// The new value in words; empty for none.
    pub new: String,
}
