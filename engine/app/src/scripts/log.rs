//! What scripts tell the administrator: lines they wrote, and faults they ended with.
//!
//! **Invariants**
//! - A line is part of the transaction it was written in; a fault is kept although its transaction is undone.

use access::Actor;
use chrono::{DateTime, Utc};
use script::ScriptError;
use sql::{Datum, system_scripts::{self, Line}};
use uuid::Uuid;

use super::{Home, ScriptUse};
use crate::{App, AppError};

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// A line that a script wrote.
    Line,
    /// A fault that ended it.
    Fault,
}

impl Level {
    /// As it is stored.
    pub fn word(self) -> &'static str {
        match self {
            Self::Line => "line",
            Self::Fault => "fault",
        }
    }
}

/// One entry, newest first.
#[derive(Debug, Clone)]
pub struct Entry {
    /// When.
    pub at: DateTime<Utc>,
    /// A line or a fault.
    pub level: Level,
    /// `pack/scripts/file.rhai`
    pub script: String,
    /// The card, and the record where there was one.
    pub card: String,
    /// The record.
    pub record: Option<Uuid>,
    /// Who acted.
    pub user: Option<Uuid>,
    /// What was said.
    pub message: String,
    /// Line and column of a fault.
    pub place: Option<(i64, i64)>,
}

pub(super) fn line<'l>(actor: &Actor, usage: &ScriptUse<'_>, level: Level, message: &'l str, place: (Option<usize>, Option<usize>)) -> Line<'l> {
    let whole = |number: Option<usize>| number.and_then(|number| i64::try_from(number).ok());
    Line { id: Uuid::now_v7(), at: Utc::now(), level: level.word(), script: usage.script.to_string(), card: usage.card.key.to_string(), record: usage.record.map(|record| record.id), user: actor.user, message, place: (whole(place.0), whole(place.1)) }
}

/// Keeps a fault beside the transaction that it undoes.
pub(super) fn keep(home: &Home, actor: &Actor, usage: &ScriptUse<'_>, level: Level, error: &ScriptError) {
    let statement = system_scripts::put(home.store.dialect(), &line(actor, usage, level, &error.message, (error.line, error.column)));
    let store = home.store.clone();
    tokio::spawn(async move {
        if let Err(error) = crate::run(&store, vec![statement]).await {
            tracing::error!(%error, "a script's fault could not be kept");
        }
    });
}

/// What was said last, for administrators.
pub async fn entries(app: &App, actor: &Actor, limit: u32) -> Result<Vec<Entry>, AppError> {
    if !actor.is_administrator() {
        return Err(AppError::forbidden("only administrators look after scripts"));
    }
    let rows = app.store.fetch(&system_scripts::latest(app.store.dialect(), limit)).await?;
    Ok(rows.into_iter().filter_map(read).collect())
}

fn read(row: Vec<Datum>) -> Option<Entry> {
    let [Datum::Instant(at), Datum::Text(level), Datum::Text(script), Datum::Text(card), record, user, Datum::Text(message), line, column] = <[Datum; 9]>::try_from(row).ok()? else { return None };
    let place = match (line, column) {
        (Datum::Integer(line), Datum::Integer(column)) => Some((line, column)),
        _ => None,
    };
    let level = if level == Level::Fault.word() { Level::Fault } else { Level::Line };
    Some(Entry { at, level, script, card, record: sql::encode::id(&record), user: sql::encode::id(&user), message, place })
}
