//! The list of a card's records, and its trash.

use serde::Serialize;

use super::{AskForm, Avatar, Board, Calendar, Cell, FilterChip, GroupBar, GroupsWindow, ViewBar, Way};

/// What a page says about its card.
#[derive(Debug, Clone, Default, Serialize)]
pub struct CardHead {
    /// The card's key.
    pub key: String,
    /// Its name for one record.
    pub label: String,
    /// Its name for many.
    pub plural: String,
    /// A Lucide icon.
    pub icon: String,
    /// Its list, `/c/CARD`.
    pub url: String,
}

/// The list page. `list/index.html` draws all of it, `list/_rows.html` only [`RowsWindow`].
#[derive(Debug, Clone, Default, Serialize)]
pub struct ListPage {
    /// The card.
    pub card: CardHead,
    /// The views there are, and what can be done with this one.
    pub bar: ViewBar,
    /// What was searched for.
    pub q: String,
    /// What else stands in the address, by name: kept when something is searched for.
    pub keep: Vec<(String, String)>,
    /// How records are drawn.
    pub kind: model::ViewKind,
    /// The kinds there are.
    pub kinds: Vec<Way>,
    /// What the table is grouped by.
    pub group_bar: GroupBar,
    /// Heads of groups, in the place of rows.
    pub groups: Option<GroupsWindow>,
    /// Lanes, in the place of rows.
    pub board: Option<Board>,
    /// A month or a week, in the place of rows.
    pub calendar: Option<Calendar>,
    /// Where columns are kept as the reader likes them.
    pub layout: Layout,
    /// The fragment of rows; with `only=ID`, of one.
    pub rows_url: String,
    /// The conditions, one chip for each.
    pub chips: Vec<FilterChip>,
    /// The list without conditions and search; none when there are none.
    pub clear_url: Option<String>,
    /// The fragment that offers fields to filter by: `/c/CARD/filter?…`.
    pub filter_url: String,
    /// The fragment that chooses columns: `/c/CARD/columns?…`.
    pub columns_url: String,
    /// The columns, in order. The first is the record's title.
    pub columns: Vec<Column>,
    /// The first window of rows.
    pub window: RowsWindow,
    /// Instead of rows: why there are none.
    pub state: ListState,
    /// The fragment that counts: `/c/CARD/count?…`.
    pub count_url: String,
    /// The fragment that adds up; none when no column has a total.
    pub totals_url: Option<String>,
    /// Where a record is made; none without the right.
    pub create_url: Option<String>,
    /// Buttons that run a script on each of the selected records.
    pub bulk_actions: Vec<super::Action>,
    /// What may be done to selected rows beside deleting: assign, claim, release, edit.
    pub bulk_offers: Vec<String>,
    /// Rows may be moved to the trash.
    pub can_delete: bool,
    /// Where rows are deleted: POST with `ids`.
    pub delete_url: String,
    /// Look-alikes; none for cards without rules for them.
    pub duplicates_url: Option<String>,
    /// The trash; none without the right.
    pub trash_url: Option<String>,
    /// Records from a file; none without the right.
    pub import_url: Option<String>,
    /// This list as a workbook; none without the right.
    pub export_url: Option<String>,
    /// This list as text.
    pub export_csv_url: Option<String>,
}

/// How the reader likes the columns of this list.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Layout {
    /// Where that is kept.
    pub url: String,
    /// The view it is kept for.
    pub view: String,
    /// The address names its own columns: changes are made there.
    pub shared: bool,
    /// Something is kept.
    pub changed: bool,
    /// How many columns stay in sight.
    pub pinned: usize,
}

/// Why a list has rows, or why not.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ListState {
    /// There are rows.
    #[default]
    Rows,
    /// The card has no records yet.
    Empty,
    /// Search or conditions match nothing.
    NoMatch,
    /// The list could not be read; the words say why.
    Failed {
        /// What happened, in the reader's language.
        message: String,
    },
    /// The reader may not list this card (but may, for instance, create).
    Forbidden,
    /// The list asks about something that this reader may not see; the words say what.
    Refused {
        /// What may not be seen, in the reader's language.
        message: String,
    },
    /// The view asks something first.
    Ask {
        /// What.
        form: AskForm,
    },
    /// There is no such view, or it is not shared with this reader.
    NoView,
}

impl ListState {
    /// The status of a page in this state.
    pub fn status(&self) -> axum::http::StatusCode {
        use axum::http::StatusCode;
        match self {
            Self::Rows | Self::Empty | Self::NoMatch | Self::Ask { .. } => StatusCode::OK,
            Self::Failed { .. } => StatusCode::BAD_REQUEST,
            Self::Forbidden | Self::Refused { .. } => StatusCode::FORBIDDEN,
            Self::NoView => StatusCode::NOT_FOUND,
        }
    }
}

/// At which end of its column a value stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Align {
    /// Words.
    #[default]
    Start,
    /// Figures.
    End,
}

/// Where a column goes when a row is drawn as a card on a phone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PhoneSlot {
    /// Not shown.
    #[default]
    None,
    /// Upper right, large: an amount or a date.
    Amount,
    /// Lower right, small: a state.
    Status,
}

/// Where a value goes on a card of a board.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CardSlot {
    /// A line of its own, with its heading.
    #[default]
    Line,
    /// The title itself.
    Title,
    /// Above the title, with a picture.
    Over,
    /// At the foot, large.
    Amount,
    /// At the foot, with an icon.
    Date,
    /// At the foot's end, as a picture.
    Person,
    /// A badge below the title.
    Badge,
}

/// A column of the list.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Column {
    /// The path shown, such as `customer.name`.
    pub path: String,
    /// Its heading.
    pub label: String,
    /// A Lucide icon; empty for none.
    pub icon: String,
    /// At which end values stand.
    pub align: Align,
    /// Width in CSS pixels; 0 shares what is left.
    pub width: u16,
    /// Sorted by it: `ascending`, `descending`, or nothing.
    pub sorted: Option<String>,
    /// The list sorted the other way by this column (first click ascending); none if it cannot be sorted by.
    pub sort_url: Option<String>,
    /// The list sorted ascending, for the menu.
    pub asc_url: Option<String>,
    /// The list sorted descending, for the menu.
    pub desc_url: Option<String>,
    /// The list with this column one place to the left; none for the first movable one.
    pub left_url: Option<String>,
    /// The list with this column one place to the right.
    pub right_url: Option<String>,
    /// The list without this column; none for the title.
    pub hide_url: Option<String>,
    /// The fragment that asks for a condition on this column; none if it cannot be filtered by.
    pub filter_url: Option<String>,
    /// As what it is grouped by, such as `date:month`; none if it cannot be.
    pub group: Option<String>,
    /// The list grouped by it too; none if it is already.
    pub group_url: Option<String>,
    /// It stays in sight while others are scrolled.
    pub pinned: bool,
    /// Its cells may be edited in the list, at least some of them.
    pub editable: bool,
    /// Its values come from others, and say from which.
    pub explains: bool,
    /// Its values are being calculated anew.
    pub recomputing: bool,
    /// Where it goes on a card of a board.
    pub slot: CardSlot,
    /// Where it goes on a phone.
    pub phone: PhoneSlot,
}

/// Up to 100 rows, and how the next are fetched.
#[derive(Debug, Clone, Default, Serialize)]
pub struct RowsWindow {
    /// The rows.
    pub rows: Vec<Row>,
    /// The columns again, for the fragment: only `align`, `phone` and `path` are read.
    pub columns: Vec<Column>,
    /// How the rows are drawn.
    pub kind: model::ViewKind,
    /// This window's own address, to fetch it again after it was dropped from the document.
    pub url: String,
    /// The next window, `/c/CARD/rows?…&after=CURSOR`; none at the end.
    pub next_url: Option<String>,
}

/// One record in a list.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Row {
    /// Its id.
    pub id: String,
    /// Its number in the list, from 1, for `aria-rowindex`.
    pub index: u64,
    /// Its version.
    pub version: i64,
    /// How many groups it stands in.
    pub level: usize,
    /// Its page, with where it was found (`?from=…`) so that previous and next work.
    pub url: String,
    /// Its title.
    pub title: String,
    /// What stands in the first column, which opens it; its title if that column is empty.
    pub name: String,
    /// Its avatar.
    pub avatar: Option<Avatar>,
    /// The avatar of what stands above its title on a board.
    pub over: Option<Avatar>,
    /// Its values, one for each column. The first column's is drawn as the title.
    pub cells: Vec<Cell>,
    /// Second line on a phone: two or three values in words.
    pub meta: String,
    /// May be moved to the trash by this reader.
    pub deletable: bool,
}

/// The answer of `/c/CARD/count`.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Count {
    /// The number, formatted, with "≈" before it if estimated.
    pub text: String,
    /// It is exact.
    pub exact: bool,
    /// Where the exact number is asked for.
    pub exact_url: String,
    /// For `aria-rowcount`; -1 while unknown.
    pub rows: i64,
}

/// The answer of `/c/CARD/totals`.
#[derive(Debug, Clone, Default, Serialize)]
pub struct TotalsRow {
    /// By column.
    pub cells: Vec<TotalCell>,
    /// The columns again: `align`, `phone`, `label`, `path` and `pinned` are read.
    pub columns: Vec<Column>,
}

/// The total of a column.
#[derive(Debug, Clone, Default, Serialize)]
pub struct TotalCell {
    /// In words, short where it is long; none where there is no total.
    pub text: Option<String>,
    /// In full.
    pub full: Option<String>,
    /// Which total it is: `sum`, `avg` …
    pub function: Option<String>,
    /// Those it could have, `none` last; empty where there can be none.
    pub ways: Vec<Way>,
}

/// The answer of `/c/CARD/columns`.
#[derive(Debug, Clone, Default, Serialize)]
pub struct ColumnsMenu {
    /// Where the choice is sent (GET, with `cols` set by the browser).
    pub action: String,
    /// Every column there could be; those shown first, in order.
    pub columns: Vec<ColumnChoice>,
    /// The list with the view's own columns.
    pub reset_url: String,
    /// Only columns behind one link, to be put below it.
    pub via: bool,
}

/// A column that may be shown.
#[derive(Debug, Clone, Default, Serialize)]
pub struct ColumnChoice {
    /// Its path.
    pub path: String,
    /// Its heading.
    pub label: String,
    /// The card it is reached through, for paths.
    pub via: Option<String>,
    /// A Lucide icon.
    pub icon: String,
    /// It is shown.
    pub shown: bool,
    /// It cannot be hidden (the title).
    pub fixed: bool,
    /// The fragment with the columns behind this link.
    pub more_url: Option<String>,
}

/// The trash of a card.
#[derive(Debug, Clone, Default, Serialize)]
pub struct TrashPage {
    /// The card.
    pub card: CardHead,
    /// What was searched for.
    pub q: String,
    /// The trashed records, newest first.
    pub rows: Vec<TrashRow>,
    /// The next window; none at the end.
    pub next_url: Option<String>,
    /// Where records are restored: POST with `ids`.
    pub restore_url: String,
    /// Records may be restored by this reader.
    pub can_restore: bool,
    /// Where records are deleted for good: POST with `ids`, or with `all`; none for who may not.
    pub purge_url: Option<String>,
    /// All of them may be, at once.
    pub may_empty: bool,
    /// After how many days this happens by itself.
    pub days: Option<u32>,
    /// What was done.
    pub said: Option<String>,
    /// Why it was not.
    pub error: Option<String>,
}

/// A record in the trash.
#[derive(Debug, Clone, Default, Serialize)]
pub struct TrashRow {
    /// Its id.
    pub id: String,
    /// Its title.
    pub title: String,
    /// Its avatar.
    pub avatar: Option<Avatar>,
    /// Who deleted it.
    pub by: String,
    /// When, in words.
    pub when: String,
    /// When, for machines.
    pub at: String,
    /// What went with it, such as "with 3 lines"; none if nothing did.
    pub with: Option<String>,
}
