//! One record made or changed by itself: a unit of work of its own.

use super::*;

/// Makes a record.
pub async fn create(app: &App, actor: &Actor, card: &str, body: Map<String, Json>, options: &Options) -> Result<Saved, AppError> {
    save(app, actor, card, None, body, options).await
}

/// Changes a record.
pub async fn change(app: &App, actor: &Actor, card: &str, id: Uuid, body: Map<String, Json>, options: &Options) -> Result<Saved, AppError> {
    save(app, actor, card, Some(id), body, options).await
}

async fn save(app: &App, actor: &Actor, card: &str, id: Option<Uuid>, body: Map<String, Json>, options: &Options) -> Result<Saved, AppError> {
    app.by_present_definitions(actor, || async {
        // A unique index refuses one thing at a time; only then is everything asked that is wrong.
        let asks_ahead = app.store.dialect() == sql::Dialect::Sqlite;
        match attempt(app, actor, card, id, body.clone(), options, asks_ahead).await {
            Err(AppError::Rejected(Rejected(violations))) if !asks_ahead && violations.iter().any(|violation| violation.code == Code::Unique) => attempt(app, actor, card, id, body.clone(), options, true).await,
            result => result,
        }
    })
    .await
}

async fn attempt(app: &App, actor: &Actor, card: &str, id: Option<Uuid>, body: Map<String, Json>, options: &Options, asks_ahead: bool) -> Result<Saved, AppError> {
    let work = Arc::new(Work { asks_ahead, ..Work::new(app, actor, card, id, body, options)? });
    let saved = app.store.write(move |tx: &mut Tx| {
        let work = work.clone();
        Box::pin(async move { work.run(tx).await })
    });
    saved.await.map_err(|error| error.error)
}
