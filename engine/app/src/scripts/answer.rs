//! What scripts ask for, carried out in their transaction under the rights of whoever acts, within their budget.
//!
//! **Invariants**
//! - Reading goes through the gate of lists, writing through the one save path, each in a part of its own that is
//!   undone where it is refused.
//! - Budgets: 100 questions, 10,000 records read, 150 saves, 10 jobs, e-mails and webhooks, 100 lines for one change and all it sets off.

use access::Actor;
use model::Ident;
use query::ListRequest;
use script::{Answer, Call, Fault, Found, Refusal};
use serde_json::{Map, Value as Json, json};
use sql::system_scripts;
use store::Tx;
use uuid::Uuid;

use super::{Home, Level, Running, ScriptUse, log, record};
use crate::{
    AppError, Source, UnitError,
    flows::{Asked, Taking},
    jobs::{self, NewJob},
    lists,
    outgoing::{self, Message, Origin},
    records::save::{Options, Work},
};

const QUERIES: usize = 100;
const ROWS: usize = 10_000;
const WRITES: usize = 150;
/// Jobs, e-mails and webhooks.
const JOBS: usize = 10;
const LINES: usize = 100;

/// The kind of jobs that run scripts.
pub(crate) const KIND: &str = "script";

/// What the script hears; the outer error is the transaction's own, which ends it.
type Heard = Result<Answer, Refusal>;

fn too_much(what: &str, limit: usize) -> Heard {
    Err(Refusal::Stop(Fault::TooLong, format!("stopped: one change and its scripts {what} at most {limit} times")))
}

/// A refusal that the script may catch, or an error that its transaction does not survive.
fn refused(error: UnitError) -> Result<Heard, UnitError> {
    match &error.error {
        AppError::Unavailable { .. } | AppError::Outdated | AppError::Internal(_) => Err(error),
        _ if error.store.is_some() => Err(error),
        // A script that failed is not hidden by the one that set it off.
        AppError::Conflict { code: "script_failed", detail, .. } => Ok(Err(Refusal::Stop(Fault::Refused, detail.clone()))),
        AppError::Rejected(rejected) => {
            let said: Vec<String> = rejected.0.iter().map(|violation| if violation.path.is_empty() { violation.message("en") } else { format!("{}: {}", violation.path, violation.message("en")) }).collect();
            Ok(Err(Refusal::Refused(said.join(" "))))
        }
        other => Ok(Err(Refusal::Refused(other.to_string()))),
    }
}

/// Answers one question of a script.
pub(super) async fn answer(tx: &mut Tx, home: &Home, actor: &Actor, usage: &ScriptUse<'_>, call: Call, running: &Running) -> Result<Heard, UnitError> {
    match call {
        Call::Read { card, id } => {
            if !running.spend(|spent| counted(&mut spent.queries, 1, QUERIES)) {
                return Ok(too_much("ask", QUERIES));
            }
            let Ok(id) = Uuid::try_parse(&id) else { return Ok(Ok(Answer::Record(None))) };
            match read(tx, home, actor, &card, id).await {
                Ok(found) => Ok(Ok(Answer::Record(found))),
                Err(error) => refused(error),
            }
        }
        Call::Query { card, request } => query(tx, home, actor, &card, request, running).await,
        Call::Save { card, id, body } => save(tx, home, actor, &card, id, body, running).await,
        Call::Log { text } => {
            if !running.spend(|spent| counted(&mut spent.lines, 1, LINES)) {
                return Ok(too_much("write lines", LINES));
            }
            let line = log::line(actor, usage, Level::Line, &text, (None, None));
            tx.execute(&system_scripts::put(tx.dialect(), &line)).await?;
            Ok(Ok(Answer::Nothing))
        }
        Call::Later { script, given } => {
            let wanted = model::ScriptFile { pack: usage.script.pack.clone(), file: script };
            if let Err(error) = home.snapshot.script(&wanted) {
                return Ok(Err(Refusal::Refused(format!("{wanted} cannot run: {error}"))));
            }
            if !running.spend(|spent| counted(&mut spent.jobs, 1, JOBS)) {
                return Ok(too_much("make jobs, e-mails and webhooks", JOBS));
            }
            let payload = json!({"pack": wanted.pack, "file": wanted.file, "card": usage.card.key, "record": usage.record.map(|record| record.id.to_string()), "given": given});
            jobs::enqueue_in(tx, NewJob { created_by: actor.user, max_attempts: 3, ..NewJob::new(KIND, payload) }).await?;
            Ok(Ok(Answer::Nothing))
        }
        Call::Transition { card, id, transition, asked } => take(tx, home, actor, &card, &id, &transition, &asked, running).await,
        Call::Mail { message } => send(tx, actor, usage, outgoing::mail(&message), running).await,
        Call::Webhook { url, body } => send(tx, actor, usage, outgoing::webhook(&url, body), running).await,
    }
}

/// Puts a message among those that wait to be sent.
async fn send(tx: &mut Tx, actor: &Actor, usage: &ScriptUse<'_>, message: Result<Message, String>, running: &Running) -> Result<Heard, UnitError> {
    let message = match message {
        Ok(message) => message,
        Err(wrong) => return Ok(Err(Refusal::Refused(wrong))),
    };
    if !running.spend(|spent| counted(&mut spent.jobs, 1, JOBS)) {
        return Ok(too_much("make jobs, e-mails and webhooks", JOBS));
    }
    let from = Origin { script: usage.script.to_string(), card: usage.card.key.clone(), record: usage.record.map(|record| record.id), user: actor.user };
    outgoing::enqueue_in(tx, &message, &from).await?;
    Ok(Ok(Answer::Nothing))
}

#[allow(clippy::too_many_arguments)] // One transition, and whoever asked for it.
async fn take(tx: &mut Tx, home: &Home, actor: &Actor, card: &str, id: &str, transition: &str, asked: &Json, running: &Running) -> Result<Heard, UnitError> {
    if !running.spend(|spent| counted(&mut spent.writes, 1, WRITES)) {
        return Ok(too_much("save", WRITES));
    }
    let Ok(id) = Uuid::try_parse(id) else { return Ok(Err(Refusal::Refused("there is no such record".to_owned()))) };
    let taking = Asked::read(asked, Options::default()).and_then(|asked| Taking::new(home, actor, card, id, transition, &asked));
    let taking = match taking {
        Ok(taking) => taking.set_off_by(running),
        Err(error) => return refused(error.into()),
    };
    tx.savepoint().await?;
    match taking.run(tx).await {
        Ok(taken) => {
            tx.release().await?;
            saved_as(tx, home, actor, card, taken.saved.id).await
        }
        Err(error) => undone(tx, error).await,
    }
}

fn counted(spent: &mut usize, more: usize, limit: usize) -> bool {
    *spent += more;
    *spent <= limit
}

async fn read(tx: &mut Tx, home: &Home, actor: &Actor, card: &str, id: Uuid) -> Result<Option<Found>, UnitError> {
    let request = ListRequest { filter: Some(json!({"field": "id", "op": "is", "value": id.to_string()})), limit: Some(1), ..ListRequest::default() };
    let children: Vec<Ident> = home.snapshot.card(card)?.children.keys().cloned().collect();
    let gated = lists::ask(&home.snapshot, actor, card, &request)?.with_children(children);
    let page = lists::page_from(&mut Source::Tx(tx), &home.snapshot, actor, &gated, &crate::exports::locale_of(actor)).await?;
    Ok(page.items.first().map(|item| record::of_page(&page, item)))
}

async fn query(tx: &mut Tx, home: &Home, actor: &Actor, card: &str, request: Json, running: &Running) -> Result<Heard, UnitError> {
    if !running.spend(|spent| counted(&mut spent.queries, 1, QUERIES)) {
        return Ok(too_much("ask", QUERIES));
    }
    let page = async {
        let request = ListRequest::from_json(request).map_err(AppError::from)?;
        let gated = lists::ask(&home.snapshot, actor, card, &request)?;
        Ok::<_, UnitError>(lists::page_from(&mut Source::Tx(tx), &home.snapshot, actor, &gated, &crate::exports::locale_of(actor)).await?)
    };
    let page = match page.await {
        Ok(page) => page,
        Err(error) => return refused(error),
    };
    if !running.spend(|spent| counted(&mut spent.rows, page.items.len(), ROWS)) {
        return Ok(too_much("read records", ROWS));
    }
    Ok(Ok(Answer::Records(page.items.iter().map(|item| record::of_page(&page, item)).collect())))
}

async fn save(tx: &mut Tx, home: &Home, actor: &Actor, card: &str, id: Option<String>, body: Map<String, Json>, running: &Running) -> Result<Heard, UnitError> {
    if !running.spend(|spent| counted(&mut spent.writes, 1, WRITES)) {
        return Ok(too_much("save", WRITES));
    }
    let id = match id.map(|id| Uuid::try_parse(&id)) {
        None => None,
        Some(Ok(id)) => Some(id),
        Some(Err(_)) => return Ok(Err(Refusal::Refused("there is no such record".to_owned()))),
    };
    let work = match Work::at(home, actor, card, id, body, &Options::default()) {
        Ok(work) => work.set_off_by(running.clone()),
        Err(error) => return refused(error.into()),
    };
    tx.savepoint().await?;
    match work.run(tx).await {
        Ok(saved) => {
            tx.release().await?;
            saved_as(tx, home, actor, card, saved.id).await
        }
        Err(error) => undone(tx, error).await,
    }
}

/// What was written, as far as whoever acts may read it.
async fn saved_as(tx: &mut Tx, home: &Home, actor: &Actor, card: &str, id: Uuid) -> Result<Heard, UnitError> {
    match read(tx, home, actor, card, id).await {
        Ok(found) => Ok(Ok(Answer::Record(Some(found.unwrap_or(Found { id, ..Found::default() }))))),
        // Who may write without reading knows the id.
        Err(error) if matches!(error.error, AppError::NotFound { .. } | AppError::Forbidden { .. }) => Ok(Ok(Answer::Record(Some(Found { id, ..Found::default() })))),
        Err(error) => Err(error),
    }
}

/// What was refused is undone by itself.
async fn undone(tx: &mut Tx, error: UnitError) -> Result<Heard, UnitError> {
    match refused(error)? {
        Err(Refusal::Refused(said)) => {
            tx.undo().await?;
            Ok(Err(Refusal::Refused(said)))
        }
        other => Ok(other),
    }
}
