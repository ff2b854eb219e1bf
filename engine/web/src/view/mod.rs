//! What pages show: plain data, already formatted and localised, which the templates in `ui/templates` draw.
//!
//! Who fills these structs decides everything: texts, links, rights. Templates only place it. Labels of cards, fields
//! and options arrive in the reader's language; the words of the interface itself come from `ui/locales` by `t(…)`.
//!
//! **Invariants**
//! - No logic and no I/O: only `Serialize`, `Default`, and a few constructors.
//! - Every URL in here is complete (path and query, encoded), so that no template builds one.
//! - What the reader may not see is not in here at all.
//!
//! **Not here:** where the data comes from (the handlers), how it looks (`ui/`).

mod account;
mod bulk;
mod cell;
mod child;
mod docs;
mod explain;
mod favourites;
mod field;
mod filter;
mod flow;
mod import;
mod job;
mod kinds;
mod list;
mod merge;
mod notices;
mod palette;
mod panel;
mod problem;
mod query;
mod record;
mod rights;
mod search;
mod shell;
mod studio;
mod users;
mod views;

pub use account::{AwayPage, Choice, CodePage, ForgottenPage, ConfirmPage, DemoSignIn, LoginPage, MePage, PasswordPage, SecondPage, SessionRow, TokenRow};
pub use bulk::{BatchPage, BatchResult, BatchRow, BatchesPage, BulkField, BulkPage, BulkStep};
pub use cell::{Avatar, Cell, FileChip, LinkChip, Tag, Tone, Widget};
pub use child::{ChildCell, ChildColumn, ChildRow, ChildTableView};
pub use docs::{ApiDocsPage, ApiGroup, ApiOperation, ApiParameter, ApiResponse};
pub use explain::{Explained, ExplainedInput, ExplainedRow};
pub use favourites::{FolderAction, FolderCard, FolderChoice, FolderCounts, FolderForm, FolderItem, FolderMenu, FolderPage, FolderRow};
pub use field::{FieldView, LookupView, OptionView, PartView, Right};
pub use filter::{FilterChip, FilterEditor, FilterField, FilterFields, FilterPage, FilterValue, FilterWord, ValueEditor};
pub use flow::{ApprovalEntry, ApprovalsPage, DecisionDialog, FlowAction, FlowBar, Step, StepDialog, WayPerson, WayStep, WayView};
pub use import::{ImportColumn, ImportMap, ImportPreview, ImportStart, ImportState, PreviewCell, PreviewRow};
pub use job::JobPage;
pub use kinds::{Board, BoardFigures, Calendar, CalendarDay, CalendarEvent, CellEditor, GroupBar, GroupHead, GroupLevel, GroupsWindow, Lane, LaneFigures, Way};
pub use list::{Align, CardHead, CardSlot, Column, ColumnChoice, ColumnsMenu, Count, Layout, ListPage, ListState, PhoneSlot, Row, RowsWindow, TotalCell, TotalsRow, TrashPage, TrashRow};
pub use merge::{Alike, AlikeRecord, DuplicateGroup, DuplicateRecord, DuplicatesPage, MergeCell, MergeField, MergePage, MergeRecord, MergeTable};
pub use notices::{NoticeRow, NoticesPage};
pub use palette::{LookupOption, LookupResults, Palette, PaletteGroup, PaletteItem, Piece};
pub use panel::{Change, Chart, FilesPanel, HistoryDay, HistoryEntry, HistoryPage, HistoryPanel, Kpi, Panel, RelatedPanel, RelatedRow, SeriesPanel, SeriesPoint, TreeNode, TreePanel};
pub use problem::{ErrorKind, ErrorPage};
pub use record::{Action, AsOf, Conflict, ConflictField, Crumb, ErrorItem, Fact, Position, Recomputed, RecomputedCell, RecomputedTotal, RecordPage, Section, Tab, TabCount, TabCounts};
pub use search::{SearchCard, SearchHit, SearchPage, SearchScope};
pub use query::{AskForm, QueryCount, QueryField, QueryFields, QueryNode, QueryPage, ValueBox};
pub use rights::{ConditionForm, GrantForm, GrantLine, OrgPage, OrgUnitLine, RightsCell, RightsPage, RightsRow, ShareLine, SharePage, WhyField, WhyLine, WhyPage, WhyReason};
pub use shell::{Language, NavItem, NavModule, Shell, Theme, UserChip};
pub use users::{AccessPage, GroupChoice, GroupPage, GroupRow, GroupsPage, LogPage, LogRow, PersonRow, PortalCard, PortalPage, TieRow, UserPage, UsersPage};
pub use studio::{JobLine, JobsPage, OutgoingLine, OutgoingPage, ScheduleLine, ScriptLine, ScriptsPage, SlowList, SpeedPage};
pub use views::{ViewBar, ViewChanged, ViewCounts, ViewFolder, ViewForm, ViewMenu, ViewTab};
