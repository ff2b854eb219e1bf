//! What waits to be sent outside: e-mails and webhooks that scripts ask for, letters to people about their accounts.
//!
//! **Invariants**
//! - A message is written in the transaction of the change it belongs to: it is there if and only if that is committed.
//! - What a script asked for is never cleared away while it waits; administrators see it, and say if it is not to be sent.
//!
//! How it leaves: [`send`](self::send).

mod hook;
pub(crate) mod letters;
mod mail;
mod send;

use access::Actor;
use chrono::{DateTime, Utc};
use model::Ident;
use serde_json::{Map, Value as Json, json};
use sql::{Datum, system_outgoing as rows};
use store::Tx;
use uuid::Uuid;

pub use hook::key_of;
pub use letters::{Letter, Words};
pub use mail::{MailSettings, Mailer};
pub use send::{Kind, Post, handlers, send_due};

use crate::{App, AppError, UnitError};

/// Most people one e-mail goes to.
const MAX_PEOPLE: usize = 50;
/// Longest subject, in characters.
const MAX_SUBJECT: usize = 255;
/// Longest address on the web.
const MAX_URL: usize = 2_000;
/// Most messages in one answer.
pub const MAX_LISTED: u32 = 50;

/// A message, checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    kind: &'static str,
    target: String,
    subject: String,
    content: Json,
}

/// Who asked for a message, and what it belongs to.
#[derive(Debug, Clone)]
pub(crate) struct Origin {
    pub script: String,
    pub card: Ident,
    pub record: Option<Uuid>,
    pub user: Option<Uuid>,
}

fn addresses(value: Option<&Json>, name: &str) -> Result<Vec<String>, String> {
    let list: Vec<&Json> = match value {
        None | Some(Json::Null) => Vec::new(),
        Some(Json::Array(list)) => list.iter().collect(),
        Some(one) => vec![one],
    };
    let one = |one: &Json| match one.as_str().map(model::types::clean) {
        Some(address) if model::types::is_email(&address) => Ok(address),
        _ => Err(format!("`{name}` is an e-mail address or a list of them, not {one}")),
    };
    list.into_iter().map(one).collect()
}

/// An e-mail as scripts write it: `to`, `cc`, `bcc`, `reply_to`, `subject`, `text`, `html`.
pub(crate) fn mail(message: &Map<String, Json>) -> Result<Message, String> {
    const KNOWN: [&str; 7] = ["to", "cc", "bcc", "reply_to", "subject", "text", "html"];
    if let Some(key) = message.keys().find(|key| !KNOWN.contains(&key.as_str())) {
        let near = model::nearest(key, KNOWN).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
        return Err(format!("an e-mail has no `{key}`{near}"));
    }
    let people = ["to", "cc", "bcc", "reply_to"].map(|name| addresses(message.get(name), name));
    let [to, cc, bcc, reply_to] = people;
    let (to, cc, bcc, reply_to) = (to?, cc?, bcc?, reply_to?);
    if to.is_empty() {
        return Err("an e-mail says whom it goes to: `to`".to_owned());
    }
    if to.len() + cc.len() + bcc.len() > MAX_PEOPLE {
        return Err(format!("one e-mail goes to at most {MAX_PEOPLE} people"));
    }
    let text = |name: &str| match message.get(name) {
        None | Some(Json::Null) => Ok(None),
        Some(Json::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(format!("`{name}` is a text")),
    };
    let subject = text("subject")?.map(|subject| model::types::clean(&subject)).filter(|subject| !subject.is_empty()).ok_or("an e-mail has a `subject`")?;
    if subject.chars().count() > MAX_SUBJECT || subject.chars().any(char::is_control) {
        return Err(format!("`subject` is one line of at most {MAX_SUBJECT} characters"));
    }
    let (plain, html) = (text("text")?, text("html")?);
    if plain.is_none() && html.is_none() {
        return Err("an e-mail has a `text`, or `html`, or both".to_owned());
    }
    let target = to.join(", ");
    Ok(Message { kind: "email", target, content: json!({"to": to, "cc": cc, "bcc": bcc, "reply_to": reply_to, "subject": subject, "text": plain, "html": html}), subject })
}

/// A message to an address on the web.
pub(crate) fn webhook(url: &str, body: Json) -> Result<Message, String> {
    let url = model::types::clean(url);
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    let host = rest.map(|rest| rest.split(['/', '?', '#']).next().unwrap_or_default());
    match host {
        Some(host) if !host.is_empty() && !host.contains('@') && url.len() <= MAX_URL && !url.chars().any(|c| c.is_whitespace() || c.is_control()) => {
            Ok(Message { kind: "webhook", subject: host.to_owned(), target: url, content: body })
        }
        _ => Err(format!("`{url}` is no address of a webhook: http or https, without a name and password, at most {MAX_URL} signs")),
    }
}

/// Puts a message among those that wait, within a unit of work.
pub(crate) async fn enqueue_in(tx: &mut Tx, message: &Message, from: &Origin) -> Result<Uuid, UnitError> {
    let id = Uuid::now_v7();
    let new = rows::NewMessage {
        id,
        kind: message.kind,
        target: &message.target,
        subject: &message.subject,
        content: message.content.to_string(),
        script: Some(&from.script),
        about: Some((from.card.as_str(), from.record)),
        by: from.user,
        at: Utc::now(),
    };
    tx.execute(&rows::put(tx.dialect(), &new)).await?;
    Ok(id)
}

/// What has become of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It waits to be sent, or to be tried again.
    Waiting,
    /// It was taken by whoever it went to.
    Sent,
    /// It was given up; the error says why.
    Failed,
    /// An administrator said that it is not to be sent.
    Cancelled,
}

impl State {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Waiting, Self::Failed, Self::Sent, Self::Cancelled];
    /// As it is stored.
    pub fn word(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Sent => "sent",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
    fn read(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.word() == word)
    }
}

/// A message as administrators see it.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct Outgoing {
    pub id: Uuid,
    pub kind: String,
    pub target: String,
    pub subject: String,
    pub content: Json,
    pub state: State,
    pub attempts: i64,
    pub error: Option<String>,
    pub script: Option<String>,
    pub record: Option<(String, Uuid)>,
    pub by: Option<(Uuid, String)>,
    pub at: DateTime<Utc>,
    pub run_at: DateTime<Utc>,
}

impl Outgoing {
    fn from_row(row: Vec<Datum>) -> Option<Self> {
        let [
            Datum::Uuid(id),
            Datum::Text(kind),
            Datum::Text(target),
            Datum::Text(subject),
            Datum::Text(content),
            Datum::Text(state),
            Datum::Integer(attempts),
            error,
            script,
            card,
            record,
            by,
            name,
            Datum::Instant(at),
            Datum::Instant(run_at),
        ] = <[Datum; 15]>::try_from(row).ok()?
        else {
            return None;
        };
        let text = |datum: Datum| match datum {
            Datum::Text(text) => Some(text),
            _ => None,
        };
        let record = text(card).zip(sql::encode::id(&record));
        let by = sql::encode::id(&by).map(|id| (id, text(name).unwrap_or_default()));
        let content = serde_json::from_str(&content).unwrap_or_default();
        Some(Self { id, kind, target, subject, content, state: State::read(&state)?, attempts, error: text(error), script: text(script), record, by, at, run_at })
    }
}

fn administering(actor: &Actor) -> Result<(), AppError> {
    if actor.is_administrator() { Ok(()) } else { Err(AppError::forbidden("only administrators see what is sent")) }
}

/// Messages of some states, the newest first.
pub async fn list(app: &App, actor: &Actor, states: &[State], before: Option<Uuid>) -> Result<Vec<Outgoing>, AppError> {
    administering(actor)?;
    let words: Vec<&str> = states.iter().map(|state| state.word()).collect();
    let found = app.store.fetch(&rows::list(app.store.dialect(), &words, before, MAX_LISTED)).await?;
    Ok(found.into_iter().filter_map(Outgoing::from_row).collect())
}

/// How many messages there are of each state.
pub async fn counts(app: &App, actor: &Actor) -> Result<Vec<(State, i64)>, AppError> {
    administering(actor)?;
    let one = |row: Vec<Datum>| match <[Datum; 2]>::try_from(row) {
        Ok([Datum::Text(state), Datum::Integer(count)]) => Some((State::read(&state)?, count)),
        _ => None,
    };
    Ok(app.store.fetch(&rows::counts(app.store.dialect())).await?.into_iter().filter_map(one).collect())
}

/// A message that waits, or failed, is not to be sent any more.
pub async fn cancel(app: &App, actor: &Actor, id: Uuid) -> Result<(), AppError> {
    set(app, actor, id, &[State::Waiting, State::Failed], State::Cancelled).await
}

/// A message that was given up, or cancelled, is tried again.
pub async fn again(app: &App, actor: &Actor, id: Uuid) -> Result<(), AppError> {
    set(app, actor, id, &[State::Failed, State::Cancelled], State::Waiting).await
}

async fn set(app: &App, actor: &Actor, id: Uuid, from: &'static [State], to: State) -> Result<(), AppError> {
    administering(actor)?;
    let done = app.store.write(move |tx: &mut Tx| {
        Box::pin(async move {
            let words: Vec<&str> = from.iter().map(|state| state.word()).collect();
            tx.execute(&rows::set_state(tx.dialect(), id, &words, to.word(), Utc::now())).await
        })
    });
    match done.await.map_err(AppError::from)? {
        0 => Err(AppError::Conflict { code: "message_ended", detail: "this message was sent meanwhile, or is not there".into(), blockers: Vec::new() }),
        _ => Ok(()),
    }
}
