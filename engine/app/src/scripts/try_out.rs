//! A script tried on a record: what it gives, sets and says, with nothing kept unless that is wanted.

use std::sync::Arc;

use access::Actor;
use model::{FieldKind, ScriptFile, types};
use script::{Profile, Script};
use serde_json::{Map, Value as Json};
use sql::{Datum, system_scripts};
use store::Tx;
use uuid::Uuid;

use super::{Home, NAMES, ScriptUse, failed, run_compiled};
use crate::{App, AppError, Source, UnitError, records::{load, save::{Options, Work}}};

/// What came of trying.
#[derive(Debug, Clone)]
pub struct Tried {
    /// The last value.
    pub result: Json,
    /// What was set on the record.
    pub changes: Map<String, Json>,
    /// The lines written, in order.
    pub lines: Vec<String>,
}

/// Runs a script on a record, or on none; keeps what it did only if `keep`.
pub async fn try_out(app: &App, actor: &Actor, name: &str, source: &str, card: &str, id: Option<Uuid>, keep: bool) -> Result<Tried, AppError> {
    let home = Home::of(app);
    let card = home.snapshot.card(card)?.clone();
    // As a script of the card's pack, so that it may ask for others of it later.
    let file = ScriptFile { pack: card.pack.clone(), file: name.to_owned() };
    let script = Script::compile(Profile::Rule, source, &NAMES).map_err(|error| AppError::malformed("bad_script", error.to_string()))?;
    let work = Arc::new((home, actor.clone(), card, file, script));
    let done = app.store.write(move |tx: &mut Tx| {
        let work = work.clone();
        Box::pin(async move {
            let (home, actor, card, file, script) = &*work;
            crate::still_present(tx, &home.snapshot, actor).await?;
            let record = match id {
                Some(id) => Some(load::record(&mut Source::Tx(tx), &home.snapshot.catalog, card, id, actor.now).await?.ok_or_else(|| AppError::not_found("record"))?),
                None => None,
            };
            let began = Uuid::now_v7();
            tx.savepoint().await?;
            let usage = ScriptUse { script: file, card, record: record.as_ref(), before: record.as_ref(), may_set: true, event: "tried", given: Json::Null };
            let ran = run_compiled(tx, home, actor, script, &usage, None).await?.map_err(|error| UnitError::from(failed(home, actor, &usage, &error)))?;
            if let (Some(id), false) = (id, ran.changes.is_empty()) {
                Work::at(home, actor, card.key.as_str(), Some(id), ran.changes.clone(), &Options::default())?.run(tx).await?;
            }
            let said = tx.fetch(&system_scripts::since(tx.dialect(), began)).await?;
            let lines = said.into_iter().flatten().filter_map(|datum| match datum { Datum::Text(text) => Some(text), _ => None }).collect();
            if keep { tx.release().await? } else { tx.undo().await? }
            Ok::<_, UnitError>(Tried { result: types::to_json(&FieldKind::Boolean, &ran.result), changes: ran.changes, lines })
        })
    });
    done.await.map_err(|error| error.error)
}
