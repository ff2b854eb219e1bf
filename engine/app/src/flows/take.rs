//! Taking a transition.

use std::sync::Arc;

use access::{Actor, gate_write};
use model::{ActionName, Code, CommentDef, TransitionDef, Violation, types};
use serde_json::{Map, Value as Json};
use store::Tx;
use uuid::Uuid;

use super::{approvals::Start, is_for, role_words};
use crate::{
    App, AppError, UnitError,
    records::save::{Options, Saved, StateMove, Work, conflict},
    scripts::{Home, Running},
};

/// Longest comment.
const MAX_COMMENT: usize = 4_000;

/// What comes with a transition.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    /// What is said about it.
    pub comment: Option<String>,
    /// The fields it asks for.
    pub record: Map<String, Json>,
    /// The version that was read, the client's key, the batch it belongs to.
    pub options: Options,
}

impl Asked {
    /// Reads `{"comment", "record", "version"}`.
    pub fn read(body: &Json, options: Options) -> Result<Self, AppError> {
        let wrong = |detail: String| AppError::malformed("bad_transition", detail);
        let map = match body {
            Json::Null => return Ok(Self { options, ..Self::default() }),
            Json::Object(map) => map,
            _ => return Err(wrong("a JSON object is wanted: {\"comment\": …, \"record\": {…}}".into())),
        };
        if let Some(key) = map.keys().find(|key| !matches!(key.as_str(), "comment" | "record" | "version")) {
            return Err(wrong(format!("`{key}` is none of comment, record, version")));
        }
        let comment = match map.get("comment") {
            None | Some(Json::Null) => None,
            Some(Json::String(comment)) => Some(comment.clone()),
            Some(_) => return Err(wrong("`comment` is a text".into())),
        };
        let record = match map.get("record") {
            None | Some(Json::Null) => Map::new(),
            Some(Json::Object(record)) => record.clone(),
            Some(_) => return Err(wrong("`record` is an object of fields".into())),
        };
        let version = match map.get("version") {
            None | Some(Json::Null) => None,
            Some(version) => Some(version.as_i64().ok_or_else(|| wrong("`version` is a whole number".into()))?),
        };
        Ok(Self { comment, record, options: Options { version: options.version.or(version), ..options } })
    }
}

/// What came of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Taken {
    /// The record.
    pub saved: Saved,
    /// The application that waits for others now.
    pub approval: Option<Uuid>,
}

/// Takes a transition of a record.
pub async fn take(app: &App, actor: &Actor, card: &str, id: Uuid, transition: &str, asked: &Asked) -> Result<Taken, AppError> {
    app.by_present_definitions(actor, || async {
        let taking = Arc::new(Taking::new(&Home::of(app), actor, card, id, transition, asked)?);
        let taken = app.store.write(move |tx: &mut Tx| {
            let taking = taking.clone();
            Box::pin(async move { taking.run(tx).await })
        });
        taken.await.map_err(|error| error.error)
    })
    .await
}

/// One transition, as data: it may be run again.
pub(crate) struct Taking {
    work: Work,
    /// What begins where others must agree first.
    start: Option<Start>,
}

impl Taking {
    /// Checked as far as it can be without the record.
    pub fn new(home: &Home, actor: &Actor, card: &str, id: Uuid, transition: &str, asked: &Asked) -> Result<Self, AppError> {
        let snapshot = home.snapshot.clone();
        let found = snapshot.card(card)?;
        // The gate first: who may not see the card learns nothing of its transitions.
        gate_write(&snapshot.catalog, actor, found, ActionName::Transition)?;
        let (workflow, _, def) = found.transition(transition).ok_or_else(|| AppError::not_found("transition"))?;
        if !is_for(actor, def) {
            return Err(AppError::forbidden(format!("only {} can take this step", role_words(&snapshot.catalog, actor, def))));
        }
        let comment = comment_of(def.comment, asked.comment.as_deref())?;
        let mut state = StateMove::take(workflow, def, comment.clone());
        let start = match &def.approval {
            None => None,
            Some(approval) => {
                state.to.clone_from(&approval.during);
                // It runs once others agreed.
                state.run = None;
                Some(Start::new(home, actor, card, id, workflow, def, comment, asked.options.batch)?)
            }
        };
        let work = Work::transition(home, actor, card, id, state, asked.record.clone(), &asked.options)?;
        Ok(Self { work, start })
    }

    /// Set off by a script, whose budget it shares.
    pub(crate) fn set_off_by(mut self, running: &Running) -> Self {
        self.work = self.work.set_off_by(running.clone());
        self.start = self.start.map(|start| start.set_off_by(running));
        self
    }

    pub async fn run(&self, tx: &mut Tx) -> Result<Taken, UnitError> {
        let Some(start) = &self.start else { return Ok(Taken { saved: self.work.run(tx).await?, approval: None }) };
        let from = start.before(tx).await?;
        let saved = self.work.run(tx).await?;
        if saved.replayed {
            return Ok(Taken { saved, approval: None });
        }
        let (approval, done) = start.begin(tx, &from).await?;
        Ok(match done {
            Some(done) => Taken { saved: done, approval: None },
            None => Taken { saved, approval: Some(approval) },
        })
    }

    /// A transition taken back: the record is in the state it was in before, if it still is where the transition led.
    pub fn back(app: &App, actor: &Actor, card: &str, id: Uuid, transition: &str, before: &str, batch: Uuid) -> Result<Work, AppError> {
        let snapshot = app.snapshot();
        let found = snapshot.card(card)?;
        gate_write(&snapshot.catalog, actor, found, ActionName::Transition)?;
        let (workflow, states, def) = found.transition(transition).ok_or_else(|| AppError::not_found("transition"))?;
        if !is_for(actor, def) {
            return Err(AppError::forbidden(format!("only {} can take this step", role_words(&snapshot.catalog, actor, def))));
        }
        let before = states.states.get_key_value(before).map(|(key, _)| key.clone()).ok_or_else(|| AppError::not_found("state"))?;
        if has_effects(def) {
            return Err(conflict("transition_done", "what this step did elsewhere cannot be taken back; take another step"));
        }
        let state = StateMove { from: vec![def.to.clone()], to: Some(before), required: Vec::new(), back: true, ..StateMove::take(workflow, def, None) };
        Work::transition(&Home::of(app), actor, card, id, state, Map::new(), &Options { batch: Some(batch), ..Options::default() })
    }
}

/// Whether more happened than a change of the state.
fn has_effects(def: &TransitionDef) -> bool {
    def.run.is_some() || def.approval.is_some()
}

/// What is said with a step: cleaned, and there where it must be.
pub(crate) fn comment_of(wanted: CommentDef, comment: Option<&str>) -> Result<Option<String>, AppError> {
    let comment = comment.map(|comment| comment.split('\n').map(types::clean).collect::<Vec<_>>().join("\n").trim().to_owned()).filter(|comment| !comment.is_empty());
    let violation = |code| Violation::new("comment", code);
    match &comment {
        None if wanted == CommentDef::Required => Err(AppError::rejected(violation(Code::Required))),
        Some(comment) if comment.chars().any(|c| c.is_control() && c != '\n') => Err(AppError::rejected(violation(Code::Characters))),
        Some(comment) if comment.chars().count() > MAX_COMMENT => Err(AppError::rejected(violation(Code::MaxLength).with("max", MAX_COMMENT).with("found", comment.chars().count()))),
        _ => Ok(comment),
    }
}
