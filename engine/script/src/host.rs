//! What a script may ask of the world around it, and how the question gets there.
//!
//! **Invariants**
//! - A script reaches nothing but what its host answers; who has none is told so.
//! - What a host refuses, a script may catch; what ends a script (a ceiling, a lost transaction) it may not.
//!
//! **Not here:** answering (`app`), rights (`access`), ceilings on how much is asked (`app`).

use std::{cell::RefCell, rc::Rc};

use rhai::{Dynamic, Engine, EvalAltResult, ImmutableString, Map, Position};
use serde_json::{Map as JsonMap, Value as Json};

use crate::{
    convert::to_json,
    doc::{Doc, Docs, Found},
    fault::{Fault, Outcome, Trouble, trouble},
    functions::{Function, shown},
    profile::Profile,
};

/// What a script asks for.
#[derive(Debug, Clone, PartialEq)]
pub enum Call {
    /// A record by its id.
    Read { card: String, id: String },
    /// Records by a question as in the API.
    Query { card: String, request: Json },
    /// A record made, or one changed.
    Save { card: String, id: Option<String>, body: JsonMap<String, Json> },
    /// A line for the administrator.
    Log { text: String },
    /// Another script, by a job once this is committed.
    Later { script: String, given: Json },
    /// A transition of a record, with what is said of it and the fields it asks for.
    Transition { card: String, id: String, transition: String, asked: Json },
    /// An e-mail, once this is committed.
    Mail { message: JsonMap<String, Json> },
    /// A message to an address on the web, once this is committed.
    Webhook { url: String, body: Json },
}

/// What a host answers.
#[derive(Debug, Clone, Default)]
pub enum Answer {
    /// It is done.
    #[default]
    Nothing,
    /// The record, or that there is none.
    Record(Option<Found>),
    /// The records.
    Records(Vec<Found>),
}

/// Why a host does not answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// It may not be, or does not fit: the script may go on without.
    Refused(String),
    /// The script ends here, whatever it catches.
    Stop(Fault, String),
}

/// Whoever answers a script, on the script's thread.
pub trait Host {
    /// Answers one question.
    fn call(&self, call: Call) -> Result<Answer, Refusal>;
}

thread_local! {
    /// Those of scripts inside one another, innermost last.
    static HOSTS: RefCell<Vec<Rc<dyn Host>>> = const { RefCell::new(Vec::new()) };
}

/// A host at work for as long as this lives, on this thread.
pub(crate) struct Presence;

impl Presence {
    pub(crate) fn of(host: Rc<dyn Host>) -> Self {
        HOSTS.with_borrow_mut(|hosts| hosts.push(host));
        Self
    }
}

impl Drop for Presence {
    fn drop(&mut self) {
        HOSTS.with_borrow_mut(|hosts| drop(hosts.pop()));
    }
}

fn ask(call: Call) -> Outcome<Answer> {
    let host = HOSTS.with_borrow(|hosts| hosts.last().cloned());
    let Some(host) = host else { return Err(trouble(Fault::Refused, "there is nobody to ask here")) };
    host.call(call).map_err(|refusal| match refusal {
        Refusal::Refused(message) => trouble(Fault::Refused, message),
        Refusal::Stop(fault, message) => EvalAltResult::ErrorTerminated(Dynamic::from(Trouble(fault, message)), Position::NONE).into(),
    })
}

const fn f(name: &'static str, usage: &'static str, gives: &'static str) -> Function {
    Function { name, usage, gives }
}

/// What scripts of the profiles *rule* and *report* may call beside the functions of formulas; in reports only
/// those that read.
pub const HOST_FUNCTIONS: &[Function] = &[
    f("read", "read(\"card\", id)", "the record, or nothing where there is none that the user may see"),
    f("query", "query(\"card\", #{filter: …, sort: …, limit: …})", "the records that the user may see, as in the API"),
    f("save", "save(\"card\", #{field: value}) or save(\"card\", id, #{field: value})", "the record that was made or changed, by the one way everything is saved"),
    f(
        "transition",
        "transition(\"card\", id, \"approve\") or transition(\"card\", id, \"approve\", #{comment: …, record: #{…}})",
        "the record after the transition was taken, or asked for where others must agree",
    ),
    f(
        "mail",
        "mail(#{to: …, subject: …, text: …})",
        "nothing; the e-mail waits to be sent once everything is committed. `to`, `cc` and `bcc` are an address or a list of them, `html` may stand beside `text`",
    ),
    f("webhook", "webhook(\"https://…\", #{name: value})", "nothing; the map waits to be sent there as JSON once everything is committed"),
    f("log", "log(text)", "nothing; the line stands under Scripts for the administrator"),
    f("later", "later(\"scripts/other.rhai\", #{name: value})", "nothing; the script runs by a job once everything is committed, with `given`"),
];

/// Registers what a profile may ask.
pub(crate) fn register(engine: &mut Engine, profile: Profile) {
    engine.register_fn("read", |card: ImmutableString, id: Dynamic| -> Outcome {
        let Some(id) = id_of(&id)? else { return Ok(Dynamic::UNIT) };
        one(ask(Call::Read { card: card.into(), id })?)
    });
    engine.register_fn("query", |card: ImmutableString, request: Map| -> Outcome<Docs> { many(&card, to_json(&request.into())?) });
    engine.register_fn("query", |card: ImmutableString| -> Outcome<Docs> { many(&card, Json::Object(JsonMap::new())) });
    if profile != Profile::Rule {
        return;
    }
    engine.register_fn("save", |card: ImmutableString, body: Map| -> Outcome { saved(&card, None, body) });
    engine.register_fn("save", |card: ImmutableString, id: Dynamic, body: Map| -> Outcome {
        let id = id_of(&id)?.ok_or_else(|| trouble(Fault::WrongKind, "`save` wants the id of a record, not nothing"))?;
        saved(&card, Some(id), body)
    });
    engine.register_fn("transition", |card: ImmutableString, id: Dynamic, transition: ImmutableString| -> Outcome { taken(&card, &id, &transition, Json::Null) });
    engine.register_fn("transition", |card: ImmutableString, id: Dynamic, transition: ImmutableString, asked: Map| -> Outcome { taken(&card, &id, &transition, to_json(&asked.into())?) });
    engine.register_fn("mail", |message: Map| -> Outcome<()> {
        let Json::Object(message) = to_json(&message.into())? else { return Ok(()) };
        ask(Call::Mail { message }).map(|_| ())
    });
    engine.register_fn("webhook", |url: ImmutableString, body: Map| -> Outcome<()> { ask(Call::Webhook { url: url.into(), body: to_json(&body.into())? }).map(|_| ()) });
    engine.register_fn("log", |what: Dynamic| -> Outcome<()> {
        let text = match shown(&what) {
            Some(text) => text,
            None => to_json(&what)?.to_string(),
        };
        ask(Call::Log { text }).map(|_| ())
    });
    engine.register_fn("later", |script: ImmutableString, given: Map| -> Outcome<()> { ask(Call::Later { script: script.into(), given: to_json(&given.into())? }).map(|_| ()) });
    engine.register_fn("later", |script: ImmutableString| -> Outcome<()> { ask(Call::Later { script: script.into(), given: Json::Object(JsonMap::new()) }).map(|_| ()) });
}

/// The id that a text or a record stands for; nothing for nothing.
fn id_of(value: &Dynamic) -> Outcome<Option<String>> {
    if value.is_unit() {
        return Ok(None);
    }
    if let Some(doc) = value.read_lock::<Doc>() {
        return Ok(Some(doc.id().to_string()));
    }
    match value.as_immutable_string_ref() {
        Ok(text) => Ok(Some(text.to_string())),
        Err(_) => Err(crate::fault::wrong_kind("an id", "a text or a record", value)),
    }
}

fn one(answer: Answer) -> Outcome {
    Ok(match answer {
        Answer::Record(Some(found)) => Dynamic::from(Doc::found(found)),
        Answer::Record(None) | Answer::Nothing | Answer::Records(_) => Dynamic::UNIT,
    })
}

fn many(card: &str, request: Json) -> Outcome<Docs> {
    match ask(Call::Query { card: card.to_owned(), request })? {
        Answer::Records(found) => Ok(Docs::from(found)),
        Answer::Record(_) | Answer::Nothing => Ok(Docs::default()),
    }
}

fn saved(card: &str, id: Option<String>, body: Map) -> Outcome {
    let Json::Object(body) = to_json(&body.into())? else { return Ok(Dynamic::UNIT) };
    one(ask(Call::Save { card: card.to_owned(), id, body })?)
}

fn taken(card: &str, id: &Dynamic, transition: &str, asked: Json) -> Outcome {
    let id = id_of(id)?.ok_or_else(|| trouble(Fault::WrongKind, "`transition` wants the id of a record, not nothing"))?;
    one(ask(Call::Transition { card: card.to_owned(), id, transition: transition.to_owned(), asked })?)
}
