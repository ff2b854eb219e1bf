//! Statements about the log: a line is added, lines are read. Nothing here changes or deletes one.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{Datum, Dialect, Physical, Statement, system::statement};

fn text(text: impl Into<String>) -> Datum {
    Datum::Text(text.into())
}

/// The last line, held until the end of the transaction: seq, mac, key, seal.
pub fn head(dialect: Dialect, hold: bool) -> Statement {
    let held = if hold && dialect == Dialect::Postgres { " FOR UPDATE" } else { "" };
    statement(dialect, &format!("SELECT seq, mac, key, seal FROM sys_log_head WHERE id = 1{held}"), Vec::new(), vec![Physical::Integer, Physical::Bytes, Physical::Text, Physical::Bytes])
}

/// A line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Its place in the row of all lines.
    pub seq: i64,
    /// When.
    pub at: DateTime<Utc>,
    /// `signin` or `operation`.
    pub log: String,
    /// What happened.
    pub event: String,
    /// Who did it.
    pub actor: Option<Uuid>,
    /// To whom.
    pub subject: Option<Uuid>,
    /// Where from.
    pub address: Option<String>,
    /// What the browser said about itself.
    pub agent: Option<String>,
    /// What else, as JSON.
    pub about: String,
    /// Which key it is sealed with.
    pub key: String,
    /// What binds it to all lines before it.
    pub mac: Vec<u8>,
}

/// The columns of a line.
pub const LINE: [Physical; 11] = [
    Physical::Integer, Physical::Instant, Physical::Text, Physical::Text, Physical::Uuid, Physical::Uuid, Physical::Text, Physical::Text, Physical::Text, Physical::Text, Physical::Bytes,
];
const COLUMNS: &str = "l.seq, l.at, l.log, l.event, l.actor, l.subject, l.address, l.agent, l.about, l.key, l.mac";

impl Line {
    /// A line out of the columns [`LINE`]; what else stands in the row is given back.
    pub fn read(mut row: Vec<Datum>) -> Option<(Self, Vec<Datum>)> {
        if row.len() < LINE.len() {
            return None;
        }
        let rest = row.split_off(LINE.len());
        let uuid = |datum| if let Datum::Uuid(id) = datum { Some(id) } else { None };
        let text = |datum| if let Datum::Text(text) = datum { Some(text) } else { None };
        match <[Datum; 11]>::try_from(row) {
            Ok([Datum::Integer(seq), Datum::Instant(at), Datum::Text(log), Datum::Text(event), actor, subject, address, agent, Datum::Text(about), Datum::Text(key), Datum::Bytes(mac)]) => {
                Some((Self { seq, at, log, event, actor: uuid(actor), subject: uuid(subject), address: text(address), agent: text(agent), about, key, mac }, rest))
            }
            _ => None,
        }
    }
}

/// Adds a line behind the last, and says that it is the last.
pub fn append(dialect: Dialect, line: &Line, seal: Vec<u8>) -> Vec<Statement> {
    let uuid = |id: Option<Uuid>| id.map_or(Datum::Null(Physical::Uuid), Datum::Uuid);
    let maybe = |value: &Option<String>| value.clone().map_or(Datum::Null(Physical::Text), Datum::Text);
    let binds = vec![
        Datum::Integer(line.seq),
        Datum::Instant(line.at),
        text(&line.log),
        text(&line.event),
        uuid(line.actor),
        uuid(line.subject),
        maybe(&line.address),
        maybe(&line.agent),
        text(&line.about),
        text(&line.key),
        Datum::Bytes(line.mac.clone()),
    ];
    let head = vec![Datum::Integer(line.seq), Datum::Bytes(line.mac.clone()), text(&line.key), Datum::Bytes(seal)];
    vec![
        statement(dialect, "INSERT INTO sys_log (seq, at, log, event, actor, subject, address, agent, about, key, mac) VALUES ({}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {})", binds, Vec::new()),
        statement(dialect, "UPDATE sys_log_head SET seq = {}, mac = {}, key = {}, seal = {} WHERE id = 1", head, Vec::new()),
    ]
}

/// Lines after a place, in their order.
pub fn after(dialect: Dialect, seq: i64, limit: u32) -> Statement {
    statement(dialect, &format!("SELECT {COLUMNS} FROM sys_log l WHERE l.seq > {{}} ORDER BY l.seq LIMIT {limit}"), vec![Datum::Integer(seq)], LINE.to_vec())
}

/// Which lines are read.
#[derive(Debug, Clone, Default)]
pub struct Wanted<'a> {
    /// `signin` or `operation`.
    pub log: &'a str,
    /// Only these events; empty for all.
    pub events: &'a [&'a str],
    /// Who did it, or to whom.
    pub user: Option<Uuid>,
    /// Where from, in full or its beginning.
    pub address: Option<&'a str>,
    /// Not before.
    pub from: Option<DateTime<Utc>>,
    /// Before.
    pub until: Option<DateTime<Utc>>,
    /// Before this place.
    pub before: Option<i64>,
}

/// Lines, the newest first, each with the names of who did it and to whom.
pub fn lines(dialect: Dialect, wanted: &Wanted<'_>, limit: u32) -> Statement {
    let (mut binds, mut tests) = (vec![text(wanted.log)], vec!["l.log = {}".to_owned()]);
    if !wanted.events.is_empty() {
        binds.extend(wanted.events.iter().map(|event| text(*event)));
        tests.push(format!("l.event IN ({})", vec!["{}"; wanted.events.len()].join(", ")));
    }
    if let Some(user) = wanted.user {
        binds.extend([Datum::Uuid(user), Datum::Uuid(user)]);
        tests.push("(l.actor = {} OR l.subject = {})".into());
    }
    if let Some(address) = wanted.address {
        binds.push(text(format!("{}%", address.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_"))));
        tests.push("l.address LIKE {} ESCAPE '\\'".into());
    }
    for (moment, test) in [(wanted.from, "l.at >= {}"), (wanted.until, "l.at < {}")] {
        if let Some(moment) = moment {
            binds.push(Datum::Instant(moment));
            tests.push(test.into());
        }
    }
    if let Some(before) = wanted.before {
        binds.push(Datum::Integer(before));
        tests.push("l.seq < {}".into());
    }
    let sql = format!(
        "SELECT {COLUMNS}, a.display_name, s.display_name FROM sys_log l LEFT JOIN sys_user a ON a.id = l.actor LEFT JOIN sys_user s ON s.id = l.subject \
         WHERE {} ORDER BY l.seq DESC LIMIT {limit}",
        tests.join(" AND ")
    );
    statement(dialect, &sql, binds, [&LINE[..], &[Physical::Text, Physical::Text]].concat())
}
