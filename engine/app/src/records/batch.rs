//! Many changes in one request: all or nothing, or a result for each.

use std::sync::Arc;

use access::Actor;
use serde_json::{Map, Value as Json};
use store::Tx;
use uuid::Uuid;

use super::{remove::Deletion, save::{Options, Saved, Work}};
use crate::{App, AppError, UnitError};

/// Most items of a batch.
pub const MAX_ITEMS: usize = 1_000;

/// One change.
#[derive(Debug, Clone)]
pub enum Item {
    /// Makes a record.
    Create(Map<String, Json>),
    /// Changes one.
    Update { id: Uuid, version: Option<i64>, body: Map<String, Json> },
    /// Moves one to the trash.
    Delete(Uuid),
}

/// One item, allowed and ready.
enum Step {
    Save(Work),
    Delete(Deletion),
}

impl Step {
    fn new(app: &App, actor: &Actor, card: &str, item: &Item, batch: Option<Uuid>) -> Result<Self, AppError> {
        let options = |version| Options { version, batch, ..Options::default() };
        Ok(match item {
            Item::Create(body) => Self::Save(Work::new(app, actor, card, None, body.clone(), &options(None))?),
            Item::Update { id, version, body } => Self::Save(Work::new(app, actor, card, Some(*id), body.clone(), &options(*version))?),
            Item::Delete(id) => Self::Delete(Deletion::new(app, actor, card, *id, batch)?),
        })
    }

    async fn run(&self, tx: &mut Tx) -> Result<Option<Saved>, UnitError> {
        match self {
            Self::Save(work) => work.run(tx).await.map(Some),
            Self::Delete(deletion) => deletion.run(tx).await.map(|_| None),
        }
    }
}

/// All items in order, in one transaction: one that fails undoes all. A deletion answers nothing. What is done under a
/// batch can be taken back.
pub async fn atomic(app: &App, actor: &Actor, card: &str, items: &[Item], batch: Option<Uuid>) -> Result<Vec<Option<Saved>>, (usize, AppError)> {
    atomic_by(app, card, items.iter().map(|item| (actor, item)), batch).await
}

/// The same, each item by an actor of its own.
pub async fn atomic_by<'a>(app: &App, card: &str, items: impl Iterator<Item = (&'a Actor, &'a Item)>, batch: Option<Uuid>) -> Result<Vec<Option<Saved>>, (usize, AppError)> {
    let items: Vec<(&Actor, &Item)> = items.collect();
    for _ in 0..5 {
        match attempt(app, card, &items, batch).await {
            Err((index, AppError::Outdated)) => app.refresh().await.map_err(|error| (index, error))?,
            result => return result,
        }
    }
    Err((0, AppError::Outdated))
}

async fn attempt(app: &App, card: &str, items: &[(&Actor, &Item)], batch: Option<Uuid>) -> Result<Vec<Option<Saved>>, (usize, AppError)> {
    let steps = items.iter().enumerate().map(|(index, (actor, item))| Step::new(app, actor, card, item, batch).map_err(|error| (index, error)));
    let works: Vec<Step> = steps.collect::<Result<_, _>>()?;
    let works = Arc::new(works);
    let run = app.store.write(move |tx: &mut Tx| {
        let works = works.clone();
        Box::pin(async move {
            let mut saved = Vec::with_capacity(works.len());
            for (index, work) in works.iter().enumerate() {
                saved.push(work.run(tx).await.map_err(|error| At { index, error })?);
            }
            Ok::<_, At>(saved)
        })
    });
    run.await.map_err(|at| (at.index, at.error.error))
}

struct At {
    index: usize,
    error: UnitError,
}

impl From<store::StoreError> for At {
    fn from(error: store::StoreError) -> Self {
        Self { index: 0, error: error.into() }
    }
}
impl store::Failure for At {
    fn store(&self) -> Option<&store::StoreError> {
        self.error.store.as_ref()
    }
}

/// Each item by itself.
pub async fn each(app: &App, actor: &Actor, card: &str, items: &[Item], batch: Option<Uuid>) -> Vec<Result<Option<Saved>, AppError>> {
    let mut results = Vec::with_capacity(items.len());
    for item in items {
        results.push(atomic(app, actor, card, std::slice::from_ref(item), batch).await.map(|mut one| one.pop().flatten()).map_err(|(_, error)| error));
    }
    results
}
