//! Sending what waits: each message until it is taken, or there is no hope.
//!
//! **Invariants**
//! - A message is taken in hand by one process at a time, for longer than sending takes; one that dies lets go of it by
//!   that. So it is sent at least once, under an id that stays.
//! - What goes to one address of a webhook goes in the order it was written in; what is given up holds nothing up.
//!
//! **Not here:** how e-mails and webhooks travel (`mail`, `hook`).

use std::{
    sync::{Arc, atomic::{AtomicBool, Ordering}},
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use futures::{StreamExt, stream};
use serde_json::{Value as Json, json};
use sql::{Datum, Statement, system_outgoing as rows};
use store::Tx;
use uuid::Uuid;

use super::{hook, letters::{Closed, Words}, mail::{self, Mailer}};
use crate::{App, AppError, jobs::{Context, Handlers, JobError}, outbound::Outbound};

/// The jobs that send: what is slow in one does not hold the other up.
const JOBS: [(&str, Kind); 2] = [("outgoing.mail", Kind::Email), ("outgoing.hooks", Kind::Webhook)];
/// How often to look for what is due.
const EVERY: Duration = Duration::from_secs(10);
/// How long a message is in hand: longer than any sending takes.
const IN_HAND: TimeDelta = TimeDelta::minutes(5);
/// Longest time for one message.
const PATIENCE: Duration = Duration::from_secs(120);
/// How many are on their way at once, and how many are looked up together.
const AT_ONCE: usize = 8;
const BATCH: u32 = 64;
/// No try is the first but one after so long: what waited behind others is not held up as long again by itself.
const LONGEST: TimeDelta = TimeDelta::days(2);
/// Waits between tries, in seconds; after the last it is given up, about two days after the first.
const WAITS: [i64; 8] = [30, 120, 600, 1_800, 7_200, 21_600, 43_200, 86_400];
/// Tries of what the other side refuses without saying that it cannot at the moment.
const FEW: usize = 4;
/// Longest error that is kept, in characters.
const MAX_ERROR: usize = 500;

/// Why a message did not leave.
#[derive(Debug)]
pub(super) enum Fault {
    /// It never will.
    Never(String),
    /// It may in a while, if somebody mends something on the other side.
    Soon(String),
    /// It may later.
    Later(String),
    /// It may after so many seconds.
    At(String, i64),
    /// It may later, and nothing else of its kind leaves at the moment either.
    Down(String),
}

/// What is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// By the mail server.
    Email,
    /// To an address on the web.
    Webhook,
}

impl Kind {
    /// As it is stored.
    fn word(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Webhook => "webhook",
        }
    }
}

/// How messages leave, as whoever runs the program configured it.
pub struct Post {
    mailer: Option<Mailer>,
    out: Outbound,
    base_url: Option<String>,
    words: Words,
}

impl std::fmt::Debug for Post {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Post").field("mailer", &self.mailer).field("out", &self.out).field("base_url", &self.base_url).finish_non_exhaustive()
    }
}

/// A message in hand.
struct InHand {
    id: Uuid,
    kind: String,
    target: String,
    content: Json,
    attempts: usize,
    written: DateTime<Utc>,
}

impl InHand {
    fn from_row(row: Vec<Datum>) -> Option<Self> {
        let [Datum::Uuid(id), Datum::Text(kind), Datum::Text(target), Datum::Text(content), Datum::Integer(attempts), Datum::Instant(written)] = <[Datum; 6]>::try_from(row).ok()? else { return None };
        Some(Self { id, kind, target, content: serde_json::from_str(&content).unwrap_or_default(), attempts: usize::try_from(attempts).unwrap_or(0), written })
    }
}

impl Post {
    /// The ways out there are. Without a mailer e-mails wait; letters need the address of the site, to lead there.
    pub fn new(mailer: Option<Mailer>, out: Outbound, base_url: Option<String>, words: Words) -> Result<Self, AppError> {
        if mailer.is_some() && base_url.is_none() {
            return Err(AppError::malformed("bad_mail_server", "e-mails lead people to --base-url: say it"));
        }
        Ok(Self { mailer, out, base_url, words })
    }

    /// Whether e-mails leave at all.
    pub fn has_mail(&self) -> bool {
        self.mailer.is_some()
    }

    /// Sends an e-mail at once, to see whether it works.
    pub async fn try_out(&self, to: &str, subject: &str, text: &str) -> Result<(), AppError> {
        let Some(mailer) = &self.mailer else { return Err(AppError::malformed("bad_mail_server", "no mail server is configured: --mail-server, --mail-from")) };
        let mail = mail::Written { to: vec![to.to_owned()], subject: subject.to_owned(), text: Some(text.to_owned()), ..mail::Written::default() };
        let left = tokio::time::timeout(PATIENCE, mailer.send(Uuid::now_v7(), &mail, &mut Vec::new())).await;
        let left = left.unwrap_or_else(|_| Err(Fault::Later("it took too long".into())));
        left.map_err(|fault| AppError::Unavailable { detail: format!("the mail server did not take it: {}", told(fault)) })
    }

    async fn send(&self, app: &App, message: &InHand, taken: &mut Vec<String>) -> Result<(), Fault> {
        match (message.kind.as_str(), &self.mailer) {
            ("webhook", _) => hook::send(&self.out, &app.secrets, message.id, &message.target, &message.content, Utc::now()).await,
            (_, None) => Err(Fault::Later("no mail server is configured".into())),
            (_, Some(mailer)) => mailer.send(message.id, &self.written(app, message)?, taken).await,
        }
    }

    fn written(&self, app: &App, message: &InHand) -> Result<mail::Written, Fault> {
        let text = |key: &str| message.content.get(key).and_then(Json::as_str);
        match (text("letter"), text("sealed"), &self.base_url) {
            (Some(kind), Some(sealed), Some(base)) => Closed { id: message.id, kind, sealed }.write(&app.secrets, base, &app.settings().name, self.words, Utc::now()),
            _ => mail::read(&message.content),
        }
    }
}

/// What comes back by itself.
pub fn handlers(handlers: Handlers, post: Arc<Post>) -> Handlers {
    JOBS.into_iter().fold(handlers, |handlers, (name, kind)| {
        let post = post.clone();
        handlers.returning(name, EVERY, move |context| {
            let post = post.clone();
            async move { send_job(&context, &post, kind).await }
        })
    })
}

async fn send_job(context: &Context, post: &Post, kind: Kind) -> Result<Json, JobError> {
    let mut count = 0;
    loop {
        let sent = send_due(context.app(), post, kind, Utc::now()).await?;
        if sent == 0 {
            return Ok(json!({"tried": count}));
        }
        count += sent;
        context.go_on().await?;
    }
}

/// Sends some of what is due at a moment; how many messages were tried, none if nothing of the kind leaves just now.
pub async fn send_due(app: &App, post: &Post, kind: Kind, now: DateTime<Utc>) -> Result<usize, AppError> {
    if kind == Kind::Email && !post.has_mail() {
        return Ok(0);
    }
    let due = app.store.fetch(&rows::due(app.store.dialect(), kind.word(), now, BATCH)).await?;
    let down = AtomicBool::new(false);
    let tried = stream::iter(due.into_iter().filter_map(InHand::from_row)).map(|message| try_one(app, post, message, now, &down)).buffer_unordered(AT_ONCE);
    let count: usize = tried.collect::<Vec<Result<usize, AppError>>>().await.into_iter().sum::<Result<usize, AppError>>()?;
    Ok(if down.load(Ordering::Relaxed) { 0 } else { count })
}

async fn try_one(app: &App, post: &Post, mut message: InHand, now: DateTime<Utc>, down: &AtomicBool) -> Result<usize, AppError> {
    let dialect = app.store.dialect();
    if down.load(Ordering::Relaxed) || change(app, rows::claim(dialect, message.id, now, now.max(Utc::now()) + IN_HAND)).await? == 0 {
        return Ok(0);
    }
    let known = message.content.get("taken").and_then(|taken| serde_json::from_value::<Vec<String>>(taken.clone()).ok()).unwrap_or_default();
    let mut taken = known.clone();
    let left = tokio::time::timeout(PATIENCE, post.send(app, &message, &mut taken)).await.unwrap_or_else(|_| Err(Fault::Later("the other side took too long".into())));
    let at = Utc::now();
    if matches!(left, Err(Fault::Down(_))) {
        down.store(true, Ordering::Relaxed);
    }
    let content = (taken.len() > known.len() && left.is_err()).then(|| {
        message.content["taken"] = json!(taken);
        message.content.to_string()
    });
    let is_late = message.attempts > 0 && now.max(at) - message.written > LONGEST;
    let settled = match left {
        Ok(()) => rows::sent(dialect, message.id, at),
        Err(fault) => match wait(&fault, message.attempts).filter(|_| !is_late) {
            Some(seconds) => rows::later(dialect, message.id, &told(fault), now.max(at) + TimeDelta::seconds(seconds), content.as_deref()),
            None => {
                let told = told(fault);
                tracing::warn!(message = %message.id, kind = message.kind, error = told, "a message was given up");
                rows::give_up(dialect, message.id, &told, at)
            }
        },
    };
    change(app, settled).await?;
    Ok(1)
}

/// How long to wait after a try, in seconds; `None` to give up. `before` is how often it was tried before that.
fn wait(fault: &Fault, before: usize) -> Option<i64> {
    match fault {
        Fault::Never(_) => None,
        Fault::Soon(_) => WAITS[..FEW - 1].get(before).copied(),
        Fault::Later(_) | Fault::Down(_) => WAITS.get(before).copied(),
        Fault::At(_, seconds) => WAITS.get(before).map(|wait| *wait.max(seconds)),
    }
}

fn told(fault: Fault) -> String {
    match fault {
        Fault::Never(told) | Fault::Soon(told) | Fault::Later(told) | Fault::At(told, _) | Fault::Down(told) => told.chars().take(MAX_ERROR).map(|c| if c.is_control() { ' ' } else { c }).collect(),
    }
}

async fn change(app: &App, statement: Statement) -> Result<u64, AppError> {
    let done = app.store.write(move |tx: &mut Tx| {
        let statement = statement.clone();
        Box::pin(async move { tx.execute(&statement).await })
    });
    done.await.map_err(AppError::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_until_it_is_given_up() {
        let waits = |fault: fn() -> Fault| (0..20).map_while(|before| wait(&fault(), before)).collect::<Vec<_>>();
        assert_eq!(waits(|| Fault::Later(String::new())), WAITS);
        assert_eq!(waits(|| Fault::Soon(String::new())), [30, 120, 600]);
        assert!(waits(|| Fault::Never(String::new())).is_empty());
        assert_eq!(waits(|| Fault::At(String::new(), 300))[..3], [300, 300, 600]);
    }
}
