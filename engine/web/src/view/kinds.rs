//! The ways a list is drawn beside a plain table: groups, boards, calendars; and a cell being edited.

use serde::Serialize;

use super::{Avatar, Column, FieldView, RowsWindow, Tag, Tone};

/// A choice among a few, each with its address.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Way {
    /// The word for machines.
    pub key: String,
    /// What is shown; where empty, the template has a text for `key`.
    pub label: String,
    /// A Lucide icon.
    pub icon: String,
    /// The list drawn that way.
    pub url: String,
    /// It is the one shown.
    pub current: bool,
}

/// What the list is grouped by.
#[derive(Debug, Clone, Default, Serialize)]
pub struct GroupBar {
    /// The levels, outermost first.
    pub levels: Vec<GroupLevel>,
    /// The levels as they stand in the address.
    pub text: String,
    /// Fields it could be grouped by, for the menu.
    pub fields: Vec<Way>,
    /// No further level is possible.
    pub full: bool,
    /// The list without groups; none when there are none.
    pub clear_url: Option<String>,
}

/// One level of grouping.
#[derive(Debug, Clone, Default, Serialize)]
pub struct GroupLevel {
    /// As it stands in the address.
    pub text: String,
    /// The field's heading.
    pub label: String,
    /// A Lucide icon.
    pub icon: String,
    /// The part of the date or the level of the tree.
    pub part: Option<String>,
    /// Parts of dates there are.
    pub parts: Vec<Way>,
    /// Levels of trees there are, by number.
    pub levels: Vec<Way>,
    /// Orders there are: `value`, `-value`, `count`, `-count`, and totals with their names.
    pub orders: Vec<Way>,
    /// The list with this level further out.
    pub left_url: Option<String>,
    /// The list with this level further in.
    pub right_url: Option<String>,
    /// The list without this level.
    pub remove_url: String,
}

/// Heads of groups, of one level.
#[derive(Debug, Clone, Default, Serialize)]
pub struct GroupsWindow {
    /// The groups, in their order.
    pub groups: Vec<GroupHead>,
    /// The columns again.
    pub columns: Vec<Column>,
    /// How many columns a head takes before the first total.
    pub span: usize,
    /// There are more groups than are shown.
    pub capped: bool,
}

/// The head of one group.
#[derive(Debug, Clone, Default, Serialize)]
pub struct GroupHead {
    /// Its id in the document.
    pub id: String,
    /// How deep, from 1.
    pub level: usize,
    /// The words on it; empty where records have no value.
    pub label: String,
    /// Its value is not shown to this reader.
    pub hidden: bool,
    /// The option it stands for.
    pub tag: Option<Tag>,
    /// The picture of the link it stands for.
    pub avatar: Option<Avatar>,
    /// How many records.
    pub count: String,
    /// How many, as a number.
    pub records: i64,
    /// Totals by column.
    pub totals: Vec<Option<String>>,
    /// The fragment with what is in it: rows, or groups of the next level.
    pub url: String,
}

/// Records in lanes, one for each option of a choice.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Board {
    /// The choice.
    pub field: String,
    /// Its heading.
    pub label: String,
    /// Choices it could be drawn by.
    pub choices: Vec<Way>,
    /// The lanes, in the order of the options; one without a value last.
    pub lanes: Vec<Lane>,
    /// The fragment with how many records each has, and their totals.
    pub figures_url: String,
    /// Why records cannot be moved; none when they can.
    pub locked: Option<String>,
    /// Records are moved by steps of a workflow.
    pub by_steps: bool,
}

/// One lane of a board.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Lane {
    /// The option; empty for records without one.
    pub value: String,
    /// Its place among the lanes.
    pub index: usize,
    /// Its name.
    pub label: String,
    /// Its tone.
    pub tone: Tone,
    /// The first records.
    pub window: RowsWindow,
    /// Where a record is made in it; none without the right.
    pub create_url: Option<String>,
}

/// What a lane holds.
#[derive(Debug, Clone, Default, Serialize)]
pub struct LaneFigures {
    /// Its place.
    pub index: usize,
    /// How many records.
    pub count: String,
    /// Their total.
    pub total: Option<String>,
}

/// The answer of `/c/CARD/lanes`.
#[derive(Debug, Clone, Default, Serialize)]
pub struct BoardFigures {
    /// By lane.
    pub lanes: Vec<LaneFigures>,
}

/// A month or a week.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Calendar {
    /// The field that says when.
    pub field: String,
    /// The field that says until when.
    pub until: Option<String>,
    /// Records stand at moments, not only at days.
    pub timed: bool,
    /// `November 2026`.
    pub title: String,
    /// It is a week or a day.
    pub week: bool,
    /// Names of the hours, where records stand by the hour.
    pub hours: Vec<String>,
    /// The span before.
    pub prev_url: String,
    /// The span after.
    pub next_url: String,
    /// The span with today.
    pub today_url: String,
    /// Month, week and day.
    pub spans: Vec<Way>,
    /// Fields it could be drawn by.
    pub choices: Vec<Way>,
    /// Names of the days of the week, Monday first.
    pub weekdays: Vec<String>,
    /// Weeks of seven days; a single day.
    pub weeks: Vec<Vec<CalendarDay>>,
    /// More records than are shown.
    pub capped: bool,
    /// How many are shown at most.
    pub limit: u32,
    /// Why records cannot be moved; none when they can.
    pub locked: Option<String>,
}

/// A day.
#[derive(Debug, Clone, Default, Serialize)]
pub struct CalendarDay {
    /// `2026-11-27`.
    pub date: String,
    /// Its number in the month.
    pub number: u32,
    /// It in words.
    pub label: String,
    /// It is today.
    pub today: bool,
    /// It belongs to the month before or after.
    pub outside: bool,
    /// Where a record of that day is made; none without the right.
    pub create_url: Option<String>,
    /// What stands there; of a month only the first few.
    pub events: Vec<CalendarEvent>,
    /// How many more there are.
    pub more: usize,
    /// The day by itself.
    pub url: String,
    /// By the hour: what lasts the whole day.
    pub whole: Vec<CalendarEvent>,
    /// By the hour: what has its time.
    pub timed: Vec<CalendarEvent>,
    /// By the hour: the minute it is now, if it is today.
    pub now: Option<u32>,
}

/// A record in a calendar.
#[derive(Debug, Clone, Default, Serialize)]
pub struct CalendarEvent {
    /// Its id.
    pub id: String,
    /// Its version.
    pub version: i64,
    /// Its title.
    pub title: String,
    /// Its page.
    pub url: String,
    /// The time of day, where it has one.
    pub time: Option<String>,
    /// When, as an input holds it.
    pub raw: String,
    /// Until when, as an input holds it; empty for nothing.
    pub until: String,
    /// Its tone.
    pub tone: Tone,
    /// The minutes of this day it stands at.
    pub from: u32,
    /// See `from`.
    pub to: u32,
    /// It begins on this day.
    pub first: bool,
    /// It ends on this day.
    pub last: bool,
}

/// A cell of a list being edited.
#[derive(Debug, Clone, Default, Serialize)]
pub struct CellEditor {
    /// The field with its input.
    pub field: FieldView,
    /// The version that was read.
    pub version: i64,
    /// Where it is saved.
    pub url: String,
    /// The record's title.
    pub title: String,
}
