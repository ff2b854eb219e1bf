//! Who signed in, and who did what to the site. A use case calls [`append`] in the transaction of what it does.
//!
//! **Invariants**
//! - Lines are only added; the database refuses anything else.
//! - Each line is bound to all before it, and the end to the last, by the site's key: a line that was changed, put in,
//!   taken out or cut off at the end is found by [`verify::verify`].
//! - No password, token, code or link stands in it; of names that nobody has, nothing.
//!
//! **Not here:** what happened to records (`records::history`).

pub mod events;
pub mod export;
pub mod verify;

use access::Actor;
use chrono::{DateTime, Utc};
use serde_json::{Map, Value as Json};
use sql::{Datum, system_log as rows};
use store::{StoreError, Tx};
use uuid::Uuid;

pub use events::{Event, Log};

use crate::{App, AppError, UnitError, accounts::Origin, secrets::Secrets};

/// Most lines of one page.
pub const MAX_LISTED: u32 = 100;
/// Most lines of one exported file.
pub const MAX_EXPORTED: u32 = 100_000;

/// What is written down.
#[derive(Debug, Clone)]
pub struct Entry {
    /// What happened.
    pub event: Event,
    /// Who did it; `None` for the command line, and for people who are not known.
    pub actor: Option<Uuid>,
    /// To whom.
    pub subject: Option<Uuid>,
    /// Where from.
    pub origin: Origin,
    /// What else: names of groups, of settings, never a secret.
    pub about: Map<String, Json>,
}

impl Entry {
    /// Something happened.
    pub fn new(event: Event, origin: &Origin) -> Self {
        Self { event, actor: None, subject: None, origin: origin.clone(), about: Map::new() }
    }

    /// Who did it.
    #[must_use]
    pub fn by(self, actor: Option<Uuid>) -> Self {
        Self { actor, ..self }
    }

    /// To whom.
    #[must_use]
    pub fn to(self, subject: Uuid) -> Self {
        Self { subject: Some(subject), ..self }
    }

    /// What else.
    #[must_use]
    pub fn about(mut self, key: &str, value: impl Into<Json>) -> Self {
        self.about.insert(key.to_owned(), value.into());
        self
    }
}

/// The bytes of a line that its seal speaks of.
fn bytes(line: &rows::Line, before: &[u8]) -> Vec<u8> {
    let whole = serde_json::json!([line.seq, line.at.timestamp_micros(), line.log, line.event, line.actor, line.subject, line.address, line.agent, line.about, line.key]);
    [before, whole.to_string().as_bytes()].concat()
}

fn end_bytes(seq: i64, mac: &[u8]) -> Vec<u8> {
    [&seq.to_be_bytes()[..], mac].concat()
}

/// Adds a line, behind whatever else is being added.
pub async fn append(tx: &mut Tx, secrets: &Secrets, entry: &Entry) -> Result<(), StoreError> {
    let dialect = tx.dialect();
    let (seq, before) = match tx.fetch(&rows::head(dialect, true)).await?.into_iter().next().as_deref() {
        Some([Datum::Integer(seq), Datum::Bytes(mac), ..]) => (*seq, mac.clone()),
        other => return Err(StoreError::Unexpected { detail: format!("{other:?} is no end of the log") }),
    };
    let short = |text: &str, most: usize| text.chars().filter(|c| !c.is_control()).take(most).collect::<String>();
    let now = Utc::now();
    let mut line = rows::Line {
        seq: seq + 1,
        // As exactly as both databases keep it.
        at: DateTime::from_timestamp_micros(now.timestamp_micros()).unwrap_or(now),
        log: entry.event.log().word().into(),
        event: entry.event.word().into(),
        actor: entry.actor,
        subject: entry.subject,
        address: entry.origin.address.clone(),
        agent: Some(short(&entry.origin.agent, 200)).filter(|agent| !agent.is_empty()),
        about: Json::Object(entry.about.clone()).to_string(),
        key: secrets.name(),
        mac: Vec::new(),
    };
    line.mac = secrets.mac("log", &bytes(&line, &before));
    let seal = secrets.mac("log.end", &end_bytes(line.seq, &line.mac));
    for statement in rows::append(dialect, &line, seal) {
        tx.execute(&statement).await?;
    }
    Ok(())
}

/// Adds a line in a transaction of its own.
pub async fn note(app: &App, entry: Entry) -> Result<(), AppError> {
    let secrets = app.secrets.clone();
    let noted = app.store.write(move |tx: &mut Tx| {
        let (secrets, entry) = (secrets.clone(), entry.clone());
        Box::pin(async move { Ok::<(), UnitError>(append(tx, &secrets, &entry).await?) })
    });
    noted.await.map_err(|error| error.error)
}

/// Which lines somebody wants to see.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Which log.
    pub log: Log,
    /// Only this.
    pub event: Option<Event>,
    /// Who did it, or to whom.
    pub user: Option<Uuid>,
    /// Where from, or its beginning.
    pub address: Option<String>,
    /// Not before.
    pub from: Option<DateTime<Utc>>,
    /// Before.
    pub until: Option<DateTime<Utc>>,
    /// Before this place.
    pub before: Option<i64>,
}

/// A line, with names as they are now.
#[derive(Debug, Clone)]
pub struct Shown {
    /// Its place.
    pub seq: i64,
    /// When.
    pub at: DateTime<Utc>,
    /// What happened; nothing for a word of a newer version.
    pub event: Option<Event>,
    /// Its word.
    pub word: String,
    /// Who did it.
    pub actor: Option<(Uuid, String)>,
    /// To whom.
    pub subject: Option<(Uuid, String)>,
    /// Where from.
    pub address: Option<String>,
    /// What the browser said about itself.
    pub agent: Option<String>,
    /// What else.
    pub about: Map<String, Json>,
}

/// Lines, the newest first, for administrators.
pub async fn list(app: &App, actor: &Actor, asked: &Asked, limit: u32) -> Result<Vec<Shown>, AppError> {
    if !actor.is_administrator() {
        return Err(AppError::forbidden("only administrators read the log"));
    }
    let events: Vec<&str> = asked.event.iter().map(|event| event.word()).collect();
    let wanted = rows::Wanted { log: asked.log.word(), events: &events, user: asked.user, address: asked.address.as_deref(), from: asked.from, until: asked.until, before: asked.before };
    let found = app.store.fetch(&rows::lines(app.store.dialect(), &wanted, limit)).await?;
    Ok(found.into_iter().filter_map(shown).collect())
}

fn shown(row: Vec<Datum>) -> Option<Shown> {
    let (line, names) = rows::Line::read(row)?;
    let name = |at: usize| if let Some(Datum::Text(name)) = names.get(at) { name.clone() } else { String::new() };
    Some(Shown {
        seq: line.seq,
        at: line.at,
        event: Event::read(&line.event),
        word: line.event,
        actor: line.actor.map(|id| (id, name(0))),
        subject: line.subject.map(|id| (id, name(1))),
        address: line.address,
        agent: line.agent,
        about: serde_json::from_str(&line.about).unwrap_or_default(),
    })
}
