//! Scripts that run by a job, once what asked for them is committed.

use std::sync::Arc;

use chrono::Utc;
use model::{Ident, ScriptFile};
use serde_json::{Value as Json, json};
use store::Tx;
use uuid::Uuid;

use super::{Home, ScriptUse, run};
use crate::{AppError, Source, UnitError, accounts, jobs::{Context, JobError}, records::load};

/// The handler of jobs that run scripts: under the rights that their user has by now, once.
pub(crate) async fn handle(context: Context) -> Result<Json, JobError> {
    if context.resume_point().is_some() {
        // The last try was committed and could not say so any more.
        return Ok(Json::Null);
    }
    let context = Arc::new(context);
    let app = context.app().clone();
    let user = context.created_by().ok_or(AppError::Unauthenticated)?;
    let home = Home::of(&app);
    let actor = accounts::actor_of(&app, &home.snapshot, user, Utc::now()).await?;
    let within = context.clone();
    let ran = app.store.write(move |tx: &mut Tx| {
        let (home, actor, context) = (home.clone(), actor.clone(), within.clone());
        Box::pin(async move {
            let payload = context.payload();
            let text = |key: &str| payload[key].as_str().unwrap_or_default().to_owned();
            let script = ScriptFile { pack: Ident::new(&text("pack")).map_err(|_| AppError::not_found("script"))?, file: text("file") };
            let card = home.snapshot.card(&text("card"))?.clone();
            let record = match Uuid::try_parse(&text("record")) {
                Ok(id) => load::record(&mut Source::Tx(tx), &home.snapshot.catalog, &card, id, actor.now).await?,
                Err(_) => None,
            };
            let usage = ScriptUse { script: &script, card: &card, record: record.as_ref(), before: None, may_set: false, event: "later", given: payload["given"].clone() };
            let changes = run(tx, &home, &actor, usage).await?;
            context.checkpoint_in(tx, &json!(true)).await?;
            Ok::<_, UnitError>(changes.result)
        })
    });
    ran.await.map_err(|error| error.error)?;
    Ok(Json::Null)
}
