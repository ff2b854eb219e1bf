//! Making entries again: after a new tokenizer, after a card's search fields changed, or because somebody says so.

use std::sync::Arc;

use model::{Card, Ident};
use serde_json::{Value as Json, json};
use sql::{Datum, encode};
use store::Tx;
use uuid::Uuid;

use super::documents::index;
use crate::{App, AppError, Source, UnitError, jobs::{self, Context, JobError, NewJob}, snapshot::Snapshot};

/// The job that makes again what is to be made again.
pub const KIND: &str = "search.rebuild";
/// Records of one transaction.
const BATCH: u32 = 200;
/// Cards with so few records are made again at once.
const SMALL: u32 = 1_000;

/// A card whose entries are being made again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Open {
    /// The card.
    pub card: Ident,
    /// Records done.
    pub done: i64,
    /// Where to go on, if it has begun.
    after: Option<Uuid>,
}

/// Cards whose entries are not all of the layout that they should be.
pub async fn cards_open(source: &mut Source<'_>, snapshot: &Snapshot) -> Result<Vec<Open>, AppError> {
    let rows = source.fetch(&sql::search::states(source.dialect())).await?;
    let state = |card: &Card| rows.iter().find(|row| row.first() == Some(&Datum::Text(card.id.to_string())));
    let open = |card: &Arc<Card>| {
        let layout = &snapshot.search().card(&card.key)?.layout;
        let found = state(card).filter(|row| row.get(1) == Some(&Datum::Text(layout.clone())));
        match found.map(Vec::as_slice) {
            Some([_, _, Datum::Null(_), _]) => None,
            Some([_, _, Datum::Uuid(after), Datum::Integer(done)]) => Some(Open { card: card.key.clone(), done: *done, after: Some(*after) }),
            _ => Some(Open { card: card.key.clone(), done: 0, after: None }),
        }
    };
    Ok(snapshot.catalog.cards.values().filter_map(open).collect())
}

/// After definitions or the program changed: what is small is made again at once, for the rest a job is left.
pub async fn settle(app: &App) -> Result<(), AppError> {
    let snapshot = app.snapshot();
    let mut later = false;
    for open in cards_open(&mut Source::App(app), &snapshot).await? {
        let Some(card) = snapshot.catalog.card(&open.card) else { continue };
        let size = size(app, &snapshot, card, Some(SMALL + 1)).await?;
        if size > i64::from(SMALL) {
            later = true;
            continue;
        }
        rebuild_card(app, &snapshot, card, open.after, open.done, &mut |_| ()).await?;
    }
    if later {
        jobs::enqueue(app, NewJob { unique_key: Some(KIND.to_owned()), ..NewJob::new(KIND, Json::Null) }).await?;
    }
    Ok(())
}

async fn size(app: &App, snapshot: &Snapshot, card: &Card, most: Option<u32>) -> Result<i64, AppError> {
    let row = app.store.fetch(&sql::search::size(&snapshot.catalog, app.store.dialect(), card, most)).await?.into_iter().flatten().next();
    Ok(match row {
        Some(Datum::Integer(size)) => size,
        _ => 0,
    })
}

/// Makes the entries of one card, or of all, again. What was interrupted goes on where it was. `tell` hears of each
/// step: card, done, of how many.
pub async fn rebuild(app: &App, only: Option<&str>, tell: &mut (dyn FnMut(&Card, i64, i64) + Send)) -> Result<i64, AppError> {
    let snapshot = app.snapshot();
    if let Some(key) = only {
        snapshot.card(key)?;
    }
    let open = cards_open(&mut Source::App(app), &snapshot).await?;
    let mut all = 0;
    for card in snapshot.catalog.cards.values().filter(|card| only.is_none_or(|only| card.key == *only)) {
        let total = size(app, &snapshot, card, None).await?;
        let begun = open.iter().find(|open| open.card == card.key);
        let (after, done) = begun.map_or((None, 0), |open| (open.after, open.done));
        all += rebuild_card(app, &snapshot, card, after, done, &mut |done| tell(card, done, total)).await?;
    }
    Ok(all)
}

/// Every record of a card, some at a time.
async fn rebuild_card(app: &App, snapshot: &Arc<Snapshot>, card: &Arc<Card>, after: Option<Uuid>, done: i64, step: &mut (dyn FnMut(i64) + Send)) -> Result<i64, AppError> {
    let (mut after, mut done) = (after.unwrap_or_default(), done);
    while let Some(last) = next(app, snapshot, card, after, &mut done).await? {
        after = last;
        step(done);
    }
    Ok(done)
}

/// The next records in one transaction, in which stands too how far it is.
async fn next(app: &App, snapshot: &Arc<Snapshot>, card: &Arc<Card>, after: Uuid, done: &mut i64) -> Result<Option<Uuid>, AppError> {
    let work = (snapshot.clone(), card.clone(), *done);
    let some = app.store.write(move |tx: &mut Tx| {
        let work = work.clone();
        Box::pin(async move { batch(tx, &work.0, &work.1, after, work.2).await })
    });
    let found = some.await.map_err(|error: UnitError| error.error)?;
    *done += found.map_or(0, |(_, count)| count);
    Ok(found.map(|(last, _)| last))
}

/// The next records; `None` when there are no more, which is noted.
async fn batch(tx: &mut Tx, snapshot: &Snapshot, card: &Card, after: Uuid, done: i64) -> Result<Option<(Uuid, i64)>, UnitError> {
    let layout = snapshot.search().card(&card.key).map_or("", |searched| searched.layout.as_str());
    let rows = tx.fetch(&sql::search::records_after(&snapshot.catalog, tx.dialect(), card, Some(after), BATCH)).await?;
    let ids: Vec<Uuid> = rows.iter().filter_map(|row| row.first().and_then(encode::id)).collect();
    let Some(last) = ids.last().copied() else {
        tx.execute(&sql::search::put_state(tx.dialect(), card.id.as_str(), layout, None, done)).await?;
        return Ok(None);
    };
    if let Some(room) = sql::search::make_room(tx.dialect(), card.id.as_str(), &ids) {
        tx.execute(&room).await?;
    }
    index(tx, snapshot, card, &ids).await?;
    let count = i64::try_from(ids.len()).unwrap_or(0);
    tx.execute(&sql::search::put_state(tx.dialect(), card.id.as_str(), layout, Some(last), done + count)).await?;
    Ok(Some((last, count)))
}

/// The job: until nothing is open. A publish meanwhile is seen between two cards.
pub async fn rebuild_job(context: Context) -> Result<Json, JobError> {
    let app = context.app().clone();
    let mut all = 0;
    loop {
        app.refresh().await?;
        let snapshot = app.snapshot();
        let Some(open) = cards_open(&mut Source::App(&app), &snapshot).await?.into_iter().next() else { break };
        let Some(card) = snapshot.catalog.card(&open.card).cloned() else { break };
        tracing::info!(card = %card.key, "search entries are made again");
        let total = size(&app, &snapshot, &card, None).await?;
        let (mut after, mut done) = (open.after.unwrap_or_default(), open.done);
        while let Some(last) = next(&app, &snapshot, &card, after, &mut done).await? {
            after = last;
            context.progress(done, Some(total)).await?;
            context.go_on().await?;
        }
        all += done;
    }
    Ok(json!({"records": all}))
}
