//! Buttons of a card: who sees which, and what pressing one does.
//!
//! **Invariants**
//! - A script pressed for sets what its user may set: its changes of the record are saved under their rights.
//! - What is not offered is not there: an action without the right, or whose condition does not hold, is refused.

use std::sync::Arc;

use access::{Actor, gate, gate_write};
use model::{Action, ActionName, Card, Condition, Value};
use serde_json::Value as Json;
use sql::select;
use store::Tx;
use uuid::Uuid;

use super::{Home, ScriptUse, run};
use crate::{App, AppError, Source, UnitError, lists::bind_for, records::{load, save::{Options, Saved, Work}}, snapshot::Snapshot};

/// What came of an action.
#[derive(Debug, Clone, Default)]
pub struct Acted {
    /// What the script said at its end.
    pub message: Option<String>,
    /// The save of what it set; none where it set nothing.
    pub saved: Option<Saved>,
}

/// The actions of a card that an actor may see somewhere.
pub fn offered<'c>(snapshot: &Snapshot, actor: &Actor, card: &'c Card) -> Vec<&'c Action> {
    let may_change = snapshot.catalog.card(&card.key).is_some_and(|card| gate_write(&snapshot.catalog, actor, card, ActionName::Update).is_ok());
    let open = |action: &&Action| if action.roles.is_empty() { may_change } else { actor.is_unbounded() || actor.roles.iter().any(|role| action.roles.contains(role)) };
    card.actions.iter().filter(open).collect()
}

/// An action by its id, if this actor may press it.
pub fn of_card<'c>(snapshot: &Snapshot, actor: &Actor, card: &'c Card, id: &str) -> Result<&'c Action, AppError> {
    if !card.actions.iter().any(|known| known.id == id) {
        return Err(AppError::not_found("action"));
    }
    offered(snapshot, actor, card).into_iter().find(|known| known.id == id).ok_or_else(|| AppError::forbidden("you may not use this action"))
}

async fn holds(source: &mut Source<'_>, snapshot: &Snapshot, actor: &Actor, card: &Card, id: Uuid, when: &Condition) -> Result<bool, AppError> {
    let bound = bind_for(actor, &snapshot.catalog, when);
    let lowered = select::matching(&snapshot.catalog, source.dialect(), &card.table.reference(), &[id], &bound);
    Ok(!source.fetch(&lowered.statement).await?.is_empty())
}

/// Presses a button for a record.
pub async fn act(app: &App, actor: &Actor, card: &str, id: Uuid, action: &str) -> Result<Acted, AppError> {
    app.by_present_definitions(actor, || async {
        let home = Home::of(app);
        let card = home.snapshot.card(card)?.clone();
        let readable = gate(&home.snapshot.catalog, actor, &card, ActionName::Read)?;
        let action = of_card(&home.snapshot, actor, &card, action)?.clone();
        let press = Arc::new(Press { rows: readable.rows(), home, actor: actor.clone(), card, action, id });
        let done = app.store.write(move |tx: &mut Tx| {
            let press = press.clone();
            Box::pin(async move { press.run(tx).await })
        });
        done.await.map_err(|error| error.error)
    })
    .await
}

/// A button pressed, as data: it may be run again.
struct Press {
    home: Home,
    actor: Actor,
    card: Arc<Card>,
    action: Action,
    id: Uuid,
    /// The records that may be seen.
    rows: Condition,
}

impl Press {
    async fn run(&self, tx: &mut Tx) -> Result<Acted, UnitError> {
        let (snapshot, catalog) = (&self.home.snapshot, &self.home.snapshot.catalog);
        crate::still_present(tx, snapshot, &self.actor).await?;
        let seen = select::matching(catalog, tx.dialect(), &self.card.table.reference(), &[self.id], &bind_for(&self.actor, catalog, &self.rows));
        if tx.fetch(&seen.statement).await?.is_empty() {
            return Err(AppError::not_found("record").into());
        }
        let record = load::record(&mut Source::Tx(tx), catalog, &self.card, self.id, self.actor.now).await?.filter(|record| record.get("trashed_at").is_empty());
        let Some(record) = record else { return Err(AppError::not_found("record").into()) };
        if let Some(when) = &self.action.when
            && !holds(&mut Source::Tx(tx), snapshot, &self.actor, &self.card, self.id, when).await? {
                return Err(AppError::Conflict { code: "not_offered", detail: "this action is not open for this record now".into(), blockers: Vec::new() }.into());
            }
        let usage = ScriptUse { script: &self.action.script, card: &self.card, record: Some(&record), before: Some(&record), may_set: true, event: self.action.id.as_str(), given: Json::Null };
        let changes = run(tx, &self.home, &self.actor, usage).await?;
        let saved = if changes.body.is_empty() {
            None
        } else {
            let work = Work::at(&self.home, &self.actor, self.card.key.as_str(), Some(self.id), changes.body, &Options::default())?;
            Some(work.run(tx).await?)
        };
        let message = match changes.result {
            Value::Text(text) => Some(text),
            _ => None,
        };
        Ok(Acted { message, saved })
    }
}
