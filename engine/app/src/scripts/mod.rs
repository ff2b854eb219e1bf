//! Scripts of packs on records: run inside the transaction of what they belong to, under the rights of whoever acts.
//!
//! **Invariants**
//! - A script runs on a thread of the pool, never on those that serve requests; what it asks for is carried out here,
//!   in its transaction, through the same gate and the same save path as everything else.
//! - One change and every script it sets off share one budget; who exceeds it is ended, whatever it catches, and the
//!   transaction undone.
//! - A fault names script, line and column, and is kept for the administrator even though its transaction is undone.
//!
//! **Not here:** the language (`script`), when scripts run (`records::save`, whoever calls [`run`]).

mod act;
mod answer;
mod check;
mod hooks;
mod later;
mod log;
mod record;
mod try_out;

use std::{
    rc::Rc,
    sync::{Arc, LazyLock, Mutex, PoisonError, mpsc::{SyncSender, sync_channel}},
    time::Duration,
};

use access::Actor;
use futures::future::BoxFuture;
use model::{Card, Code, Record, Rejected, ScriptFile, Value, Violation};
use script::{Answer, AtHand, Call, Fault, Given, Host, Profile, Ran, Refusal, Script, ScriptError, ScriptPool};
use serde_json::{Map, Value as Json};
use store::{Store, Tx};
use tokio::sync::{mpsc, oneshot};

use crate::{App, AppError, UnitError, snapshot::Snapshot};

pub use act::{Acted, act, of_card, offered};
pub use check::check;
pub use log::{Entry, Level, entries};
pub use try_out::{Tried, try_out};
pub(crate) use {answer::KIND, later::handle};

/// How deep scripts may set off one another.
const DEEPEST: u8 = 4;

/// Names that every script has, beside [`script::RECORD`].
pub const NAMES: [&str; 7] = [script::RECORD, "before", "event", "given", "me", "today", "now"];

/// Where scripts run: the site, by one state of its definitions.
#[derive(Clone)]
pub struct Home {
    pub(crate) store: Store,
    pub(crate) site: String,
    pub(crate) snapshot: Arc<Snapshot>,
}

impl Home {
    /// A site as it is now.
    pub fn of(app: &App) -> Self {
        Self { store: app.store.clone(), site: app.site.clone(), snapshot: app.snapshot() }
    }
}

/// One run of a script.
pub struct ScriptUse<'a> {
    /// Which.
    pub script: &'a ScriptFile,
    /// Whose record.
    pub card: &'a Card,
    /// The record at hand; none where a script runs by itself.
    pub record: Option<&'a Record>,
    /// As it is stored; none for a new one.
    pub before: Option<&'a Record>,
    /// Whether it may set fields of the record.
    pub may_set: bool,
    /// What happens, as the script reads it: `before_save`, a transition's id.
    pub event: &'a str,
    /// What else it is told, as a map under `given`.
    pub given: Json,
}

/// What came of a script.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Changes {
    /// Its last value.
    pub result: Value,
    /// What it set on the record, as a client would send it.
    pub body: Map<String, Json>,
}

/// A script that set this off: its budget, and its thread, which waits meanwhile.
#[derive(Clone)]
pub(crate) struct Running {
    depth: u8,
    spent: Arc<Mutex<Spent>>,
    thread: SyncSender<Reply>,
}

/// What a script and those it set off asked for so far.
#[derive(Debug, Default)]
struct Spent {
    queries: usize,
    rows: usize,
    writes: usize,
    jobs: usize,
    lines: usize,
}

/// What a waiting script's thread is handed.
enum Reply {
    /// Another script, to be run meanwhile.
    Work(Box<dyn FnOnce() + Send>),
    /// The answer.
    Answer(Result<Answer, Refusal>),
}

/// A script's end of the way to its transaction.
struct Channel(mpsc::UnboundedSender<(Call, SyncSender<Reply>)>);

impl Host for Channel {
    fn call(&self, call: Call) -> Result<Answer, Refusal> {
        let gone = || Refusal::Stop(Fault::TooLong, "stopped: it takes too long".to_owned());
        let (reply, replies) = sync_channel(1);
        self.0.send((call, reply)).map_err(|_| gone())?;
        loop {
            match script::resting(|| replies.recv()) {
                Ok(Reply::Work(work)) => work(),
                Ok(Reply::Answer(answer)) => return answer,
                Err(_) => return Err(gone()),
            }
        }
    }
}

fn pool() -> Result<&'static ScriptPool, AppError> {
    static POOL: LazyLock<std::io::Result<ScriptPool>> = LazyLock::new(ScriptPool::new);
    POOL.as_ref().map_err(|error| AppError::Unavailable { detail: format!("no threads for scripts: {error}") })
}

/// Runs a script inside a transaction. What it set on the record is given back, not saved.
pub async fn run(tx: &mut Tx, home: &Home, actor: &Actor, usage: ScriptUse<'_>) -> Result<Changes, UnitError> {
    run_within(tx, home, actor, usage, None).await
}

/// The same, set off by another script or not.
pub(crate) fn run_within<'t>(tx: &'t mut Tx, home: &'t Home, actor: &'t Actor, usage: ScriptUse<'t>, outer: Option<&'t Running>) -> BoxFuture<'t, Result<Changes, UnitError>> {
    Box::pin(async move {
        let compiled = home.snapshot.script(usage.script);
        let ran = match compiled {
            Ok(script) => run_compiled(tx, home, actor, script, &usage, outer).await?,
            Err(error) => Err(error),
        };
        match ran {
            Ok(ran) => Ok(Changes { result: ran.result, body: ran.changes }),
            Err(error) => Err(failed(home, actor, &usage, &error).into()),
        }
    })
}

/// Runs a compiled script; the outer error is the transaction's, the inner one the script's.
pub(crate) async fn run_compiled(tx: &mut Tx, home: &Home, actor: &Actor, script: &Script, usage: &ScriptUse<'_>, outer: Option<&Running>) -> Result<Result<Ran, ScriptError>, UnitError> {
    let depth = outer.map_or(0, |outer| outer.depth + 1);
    if depth > DEEPEST {
        return Ok(Err(ScriptError::of(Fault::TooLong, format!("stopped: scripts set off one another more than {DEEPEST} deep"))));
    }
    let spent = outer.map(|outer| outer.spent.clone()).unwrap_or_default();
    let (calls, mut asked) = mpsc::unbounded_channel();
    let (done, mut ran) = oneshot::channel();
    let (script, given, at_hand) = (script.clone(), given(actor, usage), at_hand(usage));
    let work = move || script.run_on(Rc::new(Channel(calls)), given, at_hand);
    // Nobody may wait for the result any more.
    let tell = move |result| drop(done.send(result));
    match outer {
        Some(outer) => drop(outer.thread.try_send(Reply::Work(Box::new(move || tell(work()))))),
        None => {
            if let Err(error) = pool()?.spawn(work, tell) {
                return Err(AppError::Unavailable { detail: error.message }.into());
            }
        }
    }
    let late = tokio::time::sleep(Profile::Rule.limits().time + Duration::from_secs(1));
    tokio::pin!(late);
    let mut lost: Option<UnitError> = None;
    let result = loop {
        tokio::select! {
            biased;
            Some((call, reply)) = asked.recv() => {
                let running = Running { depth, spent: spent.clone(), thread: reply.clone() };
                let answer = match answer::answer(tx, home, actor, usage, call, &running).await {
                    Ok(answer) => answer,
                    Err(error) => {
                        let stop = Err(Refusal::Stop(Fault::Internal, "stopped: its transaction is lost".to_owned()));
                        lost = Some(error);
                        stop
                    }
                };
                // Its thread waits for this, or is gone.
                drop(reply.try_send(Reply::Answer(answer)));
            }
            result = &mut ran => break result.unwrap_or_else(|_| Err(ScriptError::of(Fault::Internal, "the script was stopped by an internal fault".to_owned()))),
            () = &mut late => break Err(ScriptError::of(Fault::TooLong, "stopped: it takes too long".to_owned())),
        }
    };
    match lost {
        Some(error) => Err(error),
        None => Ok(result),
    }
}

fn given(actor: &Actor, usage: &ScriptUse<'_>) -> Vec<(String, Given)> {
    let mut given = vec![
        ("event".to_owned(), Given::Value(Value::Text(usage.event.to_owned()))),
        ("given".to_owned(), Given::Json(usage.given.clone())),
        ("me".to_owned(), Given::Value(actor.user.map_or(Value::Empty, Value::Id))),
        ("today".to_owned(), Given::Value(Value::Date(actor.today()))),
        ("now".to_owned(), Given::Value(Value::Instant(actor.now))),
        ("before".to_owned(), usage.before.map_or(Given::Value(Value::Empty), |before| Given::Record(record::found(usage.card, before)))),
    ];
    if usage.record.is_none() {
        given.push((script::RECORD.to_owned(), Given::Value(Value::Empty)));
    }
    given
}

fn at_hand(usage: &ScriptUse<'_>) -> Option<AtHand> {
    let settable = usage.may_set.then(|| record::settable(usage.card));
    usage.record.map(|record| AtHand { found: record::found(usage.card, record), settable })
}

/// What a script's fault is for whoever set it off; kept for the administrator.
fn failed(home: &Home, actor: &Actor, usage: &ScriptUse<'_>, error: &ScriptError) -> AppError {
    if let Some(refused) = &error.refusal {
        let known = usage.card.field(&refused.field).is_some() || refused.field.is_empty();
        let words = refused.words.iter().map(|(lang, text)| (lang.clone(), text.clone())).collect();
        let path = if known { refused.field.clone() } else { String::new() };
        let violation = Violation { words: Some(model::Labels(words)), ..Violation::new(path, Code::Rule).with("message", &error.message) };
        return AppError::Rejected(Rejected(vec![violation]));
    }
    if error.fault == Fault::Busy {
        return AppError::Unavailable { detail: error.message.clone() };
    }
    let script = usage.script.to_string();
    tracing::warn!(%script, card = %usage.card.key, record = ?usage.record.map(|record| record.id), %error, "a script failed");
    log::keep(home, actor, usage, Level::Fault, error);
    AppError::Conflict { code: "script_failed", detail: format!("the script {script} failed: {error}"), blockers: Vec::new() }
}

impl Running {
    /// Spends some of the budget; whether there was enough.
    fn spend(&self, what: impl FnOnce(&mut Spent) -> bool) -> bool {
        what(&mut self.spent.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
