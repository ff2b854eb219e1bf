//! What a record went through: every change of a state, by whom, and how long each lasted.

use access::{Actor, Readable};
use chrono::{DateTime, Utc};
use model::{ActionName, Ident};
use serde_json::{Value as Json, json};
use sql::{Datum, system_states as rows};
use uuid::Uuid;

use crate::{App, AppError, Snapshot, records::read};

/// Most changes that are told of one record.
const MOST: u32 = 500;

/// A change of a state.
#[derive(Debug, Clone, PartialEq)]
pub struct Stage {
    /// The workflow's field.
    pub workflow: String,
    /// The transition; `None` where one was taken back.
    pub transition: Option<String>,
    /// What it was, and what it became.
    pub from: String,
    /// See `from`.
    pub to: String,
    /// Who; `None` for the system.
    pub by: Option<(Uuid, String)>,
    /// When.
    pub at: DateTime<Utc>,
    /// Since when it had been so.
    pub since: DateTime<Utc>,
    /// What was said.
    pub comment: Option<String>,
}

impl Stage {
    /// How long the state before had lasted, in seconds.
    pub fn seconds(&self) -> i64 {
        (self.at - self.since).num_seconds().max(0)
    }

    /// As the API shows it.
    pub fn to_json(&self) -> Json {
        let at = |at: DateTime<Utc>| at.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true);
        let by = self.by.as_ref().map(|(id, name)| json!({"id": id.to_string(), "title": name}));
        json!({
            "workflow": self.workflow, "transition": self.transition, "from": self.from, "to": self.to, "by": by, "at": at(self.at), "since": at(self.since),
            "seconds": self.seconds(), "comment": self.comment
        })
    }
}

/// The changes of a record's states, the latest first, of those workflows whose state the reader may see. The record
/// must be readable.
pub async fn stages(app: &App, snapshot: &Snapshot, actor: &Actor, card: &str, id: Uuid) -> Result<Vec<Stage>, AppError> {
    let locale = form::Locale::of(&actor.lang, actor.zone);
    read::read(app, snapshot, actor, card, id, &locale).await?;
    let card = snapshot.card(card)?;
    let gate = access::gate(&snapshot.catalog, actor, card, ActionName::Read)?;
    let seen = |key: &str| Ident::new(key).is_ok_and(|key| card.workflows.contains_key(&key) && gate.readable(None, &key) == Readable::Always);
    let found = app.store.fetch(&rows::of(app.store.dialect(), id, MOST)).await?;
    Ok(found.into_iter().filter_map(stage).filter(|stage| seen(&stage.workflow)).collect())
}

fn stage(row: Vec<Datum>) -> Option<Stage> {
    let [Datum::Text(workflow), transition, Datum::Text(from), Datum::Text(to), by, name, Datum::Instant(at), Datum::Instant(since), comment] = <[Datum; 9]>::try_from(row).ok()? else { return None };
    let text = |datum| match datum {
        Datum::Text(text) => Some(text),
        _ => None,
    };
    let by = match (by, name) {
        (Datum::Uuid(id), Datum::Text(name)) => Some((id, name)),
        _ => None,
    };
    Some(Stage { workflow, transition: text(transition), from, to, by, at, since, comment: text(comment) })
}
