//! What people are told: that something is theirs now, waits for them, was decided, has ended.
//!
//! A use case calls [`tell`] in the transaction of what it does. The words are made when they are read ([`list`]), in
//! the reader's language and by the reader's rights of that moment.
//!
//! **Invariants**
//! - Nobody is told of what they did themselves, nor of what they turned off in their preferences.
//! - A notice gives no right: a record that its reader may not see has no title in it.
//!
//! **Not here:** drawing (`web`), mail and messages to the outside.

use std::collections::BTreeSet;

use access::Actor;
use chrono::{DateTime, TimeDelta, Utc};
use model::Ident;
use serde_json::{Map, Value as Json, json};
use sql::{Datum, Dialect, system_notices as rows};
use store::{StoreError, Tx};
use uuid::Uuid;

use crate::{App, AppError, Snapshot, Source, titles};

/// How long notices are kept.
pub const KEPT: TimeDelta = TimeDelta::days(90);
/// Most notices in one answer.
pub const MAX_LISTED: u32 = 50;
/// The same that happens again within this time is counted on the notice there is.
const BUNDLED: TimeDelta = TimeDelta::minutes(10);

/// Why somebody is told something; each can be turned off by whoever is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A record is theirs now.
    Assigned,
    /// Something waits for their decision.
    Approval,
    /// What they asked for was decided.
    Decision,
    /// Something was shared with them.
    Shared,
    /// A job of theirs has ended.
    Job,
}

impl Kind {
    /// Every one, in the order people see them.
    pub const ALL: [Self; 5] = [Self::Assigned, Self::Approval, Self::Decision, Self::Shared, Self::Job];
    /// As it is stored and sent.
    pub fn word(self) -> &'static str {
        match self {
            Self::Assigned => "assigned",
            Self::Approval => "approval",
            Self::Decision => "decision",
            Self::Shared => "shared",
            Self::Job => "job",
        }
    }
    /// The preference that turns it off with the value `false`.
    pub fn preference(self) -> String {
        format!("notify.{}", self.word())
    }
    fn read(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }
}

/// What people are to be told.
#[derive(Debug, Clone)]
pub struct Notice {
    /// Who.
    pub to: Vec<Uuid>,
    /// Why.
    pub kind: Kind,
    /// What happened: its words stand in the texts of the interface under `notice.KIND.WORD`, and there is `{who}` did
    /// it, `{what}` the record's title, `{card}` what such a record is called, and everything of `about`.
    pub word: &'static str,
    /// The card of the record it is about.
    pub card: Option<Ident>,
    /// What it is about: a record of the card, or a job. Whoever looks at it has seen the notice.
    pub subject: Option<Uuid>,
    /// Where it leads, if not to the record.
    pub url: Option<String>,
    /// What its words name beside.
    pub about: Map<String, Json>,
    /// Who did it; they are not told.
    pub by: Option<Uuid>,
    /// How often it happened.
    pub times: i64,
    /// Whether the same of the same person to the same card is counted, instead of told again. Its words for several
    /// stand under `notice.KIND.WORD_many`, with `{count}`.
    pub bundled: bool,
}

impl Notice {
    /// That something happened, once.
    pub fn new(kind: Kind, word: &'static str, to: Vec<Uuid>) -> Self {
        Self { to, kind, word, card: None, subject: None, url: None, about: Map::new(), by: None, times: 1, bundled: false }
    }

    /// It is about a record.
    #[must_use]
    pub fn about_record(self, card: &Ident, record: Uuid) -> Self {
        Self { card: Some(card.clone()), subject: Some(record), ..self }
    }
}

/// Tells people, once this unit of work is committed.
pub async fn tell(tx: &mut Tx, notice: &Notice) -> Result<(), StoreError> {
    let to: BTreeSet<Uuid> = notice.to.iter().copied().filter(|user| Some(*user) != notice.by).collect();
    for user in to {
        if tell_one(tx, notice, user).await? {
            tx.tell(user);
        }
    }
    Ok(())
}

/// Whether it may be one who is there, and wants to be told.
async fn tell_one(tx: &mut Tx, notice: &Notice, user: Uuid) -> Result<bool, StoreError> {
    let now = Utc::now();
    let card = notice.card.as_ref().map(Ident::as_str);
    let bundle = notice.bundled.then(|| format!("{}.{} {} {}", notice.kind.word(), notice.word, card.unwrap_or_default(), notice.by.unwrap_or_default().simple()));
    let row = rows::Row {
        id: Uuid::now_v7(),
        user,
        kind: notice.kind.word(),
        word: notice.word,
        bundle: bundle.as_deref(),
        card,
        subject: notice.subject,
        url: notice.url.as_deref(),
        about: Json::Object(notice.about.clone()).to_string(),
        times: notice.times,
        by: notice.by,
        at: now,
    };
    let since = now - BUNDLED;
    let statement = match (&bundle, tx.dialect()) {
        (Some(_), Dialect::Postgres) => {
            // It goes with what else is put aside, instead of two trips. Whoever turned it off looks once for nothing.
            tx.put(rows::count_or_keep(&row, since)).await?;
            return Ok(true);
        }
        (Some(_), Dialect::Sqlite) => match tx.fetch(&rows::same(&row, since)).await?.into_iter().flatten().next() {
            Some(Datum::Uuid(same)) => rows::count_on(same, &row),
            _ => rows::keep(Dialect::Sqlite, &row),
        },
        (None, dialect) => rows::keep(dialect, &row),
    };
    Ok(tx.execute(&statement).await? > 0)
}

/// A notice as whoever was told sees it.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct Told {
    pub id: Uuid,
    pub kind: Kind,
    pub word: String,
    pub card: Option<String>,
    pub subject: Option<Uuid>,
    /// What the record is called; none where there is none, or it may not be seen.
    pub title: Option<String>,
    pub url: Option<String>,
    pub about: Map<String, Json>,
    pub times: i64,
    pub by: Option<(Uuid, String)>,
    pub at: DateTime<Utc>,
    pub seen: bool,
}

impl Told {
    fn from_row(row: Vec<Datum>) -> Option<Self> {
        let [Datum::Uuid(id), Datum::Text(kind), Datum::Text(word), card, subject, url, Datum::Text(about), Datum::Integer(times), by, name, Datum::Instant(at), seen] = <[Datum; 12]>::try_from(row).ok()? else {
            return None;
        };
        let text = |datum: Datum| match datum { Datum::Text(text) => Some(text), _ => None };
        Some(Self {
            id,
            kind: Kind::read(&kind)?,
            word,
            card: text(card),
            subject: sql::encode::id(&subject),
            title: None,
            url: text(url),
            about: serde_json::from_str(&about).unwrap_or_default(),
            times,
            by: sql::encode::id(&by).map(|id| (id, text(name).unwrap_or_default())),
            at,
            seen: matches!(seen, Datum::Instant(_)),
        })
    }

    /// The record it is about, if it is about one.
    pub fn record(&self) -> Option<(&str, Uuid)> {
        Some((self.card.as_deref()?, self.subject?))
    }

    /// As the API gives it.
    pub fn to_json(&self) -> Json {
        json!({
            "id": self.id, "kind": self.kind.word(), "word": self.word, "record": self.record().map(|(card, id)| json!({"card": card, "id": id, "title": self.title})),
            "job": self.subject.filter(|_| self.card.is_none()), "about": self.about, "times": self.times, "by": self.by.as_ref().map(|(id, name)| json!({"id": id, "title": name})),
            "at": self.at.to_rfc3339_opts(chrono::SecondsFormat::Micros, true), "seen": self.seen,
        })
    }
}

/// What the actor was told, the latest first.
pub async fn list(app: &App, snapshot: &Snapshot, actor: &Actor, unread: bool, before: Option<Uuid>) -> Result<Vec<Told>, AppError> {
    let Some(user) = actor.user else { return Ok(Vec::new()) };
    let found = app.store.fetch(&rows::list(app.store.dialect(), user, unread, before, MAX_LISTED)).await?;
    let mut told: Vec<Told> = found.into_iter().filter_map(Told::from_row).collect();
    let mut wanted = titles::Wanted::new();
    for (card, id) in told.iter().filter_map(Told::record) {
        if let Some(card) = snapshot.catalog.card(card) {
            wanted.entry(card.key.clone()).or_default().insert(id);
        }
    }
    let locale = form::Locale::of(&actor.lang, actor.zone);
    let mut titles = titles::fetch(&mut Source::App(app), &snapshot.catalog, actor, &wanted, &locale).await?;
    for one in &mut told {
        one.title = one.subject.and_then(|id| titles.get_mut(&id)).map(|title| title.clone());
    }
    Ok(told)
}

/// One of the actor's notices.
pub async fn read(app: &App, actor: &Actor, id: Uuid) -> Result<Told, AppError> {
    let user = actor.user.ok_or(AppError::Unauthenticated)?;
    let row = app.store.fetch(&rows::one(app.store.dialect(), user, id)).await?.into_iter().next();
    row.and_then(Told::from_row).ok_or_else(|| AppError::not_found("notice"))
}

/// How many notices the actor has not seen; a hundred stands for more.
pub async fn unread(app: &App, actor: &Actor) -> Result<i64, AppError> {
    let Some(user) = actor.user else { return Ok(0) };
    let found = app.store.fetch(&rows::unread(app.store.dialect(), user)).await?;
    Ok(match found.first().and_then(|row| row.first()) { Some(Datum::Integer(count)) => *count, _ => 0 })
}

/// Which of one's notices.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Which {
    /// All.
    All,
    /// These.
    Ids(Vec<Uuid>),
    /// Those about a record or a job.
    About(Uuid),
}

/// The actor has seen notices.
pub async fn see(app: &App, actor: &Actor, which: &Which) -> Result<(), AppError> {
    // An administrator who looks at somebody's pages has not seen it for them.
    let Some(user) = actor.user.filter(|_| actor.viewed_by.is_none()) else { return Ok(()) };
    let seen = match which {
        Which::All => rows::Seen::All,
        Which::Ids(ids) => rows::Seen::Ids(ids),
        Which::About(subject) => rows::Seen::About(*subject),
    };
    change(app, user, rows::see(app.store.dialect(), user, seen, Utc::now())).await
}

/// The actor wants to be reminded of notices.
pub async fn unsee(app: &App, actor: &Actor, ids: &[Uuid]) -> Result<(), AppError> {
    let Some(user) = actor.user else { return Ok(()) };
    change(app, user, rows::unsee(app.store.dialect(), user, ids)).await
}

/// Other pages of the same person count anew.
async fn change(app: &App, user: Uuid, statement: sql::Statement) -> Result<(), AppError> {
    let done = app.store.write(move |tx: &mut Tx| {
        let statement = statement.clone();
        Box::pin(async move {
            if tx.execute(&statement).await? > 0 {
                tx.tell(user);
            }
            Ok::<(), StoreError>(())
        })
    });
    done.await.map_err(AppError::from)
}
