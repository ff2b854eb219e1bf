//! One record out of several: values chosen, rows and links brought together, the others into the trash.
//!
//! **Invariants**
//! - All of it is one unit of work, and one batch: undone, everything is where it was.
//! - Whoever merges may change and delete every one of the records. Links of others to them move in the name of the same
//!   person, whether or not they might change those: a link to a record in the trash would be worth nothing to anybody.
//! - What links were copied through stays as it is: an order keeps the terms it was made with.
//! - An old address leads to the record that is left.
//!
//! **Not here:** how a link is moved (`records::save`), finding what to merge (`duplicates`).

mod blend;

use std::sync::Arc;

use access::{Actor, Reason};
use model::{ActionName, Card, FieldKind, Ident, Record};
use serde_json::{Map, Value as Json, json};
use sql::{system_likeness as kept, write};
use store::Tx;
use uuid::Uuid;

pub use blend::{Choices, choose, is_offered, preferred};

use crate::{
    App, AppError, Snapshot, Source, UnitError,
    batches::{self, Batch, NewBatch},
    jobs::{Context, JobError},
    records::{load, remove::Deletion, save::{Options, Relink, Work, links_set}},
};

/// Most records that are merged into one at once.
pub const MOST: usize = 10;
/// Most links that are moved without a job.
const AT_ONCE: usize = 2_000;
/// Links moved in one unit of work of a job.
const EACH: u32 = 100;

/// What is to become one.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// The record that is left.
    pub master: Uuid,
    /// Those that are merged into it.
    pub others: Vec<Uuid>,
    /// Whose value each field has, whose rows each table; not named: as [`preferred`].
    pub choices: Choices,
}

impl Request {
    /// Reads `{"master": …, "others": […], "fields": {"phone": ID}, "tables": {"lines": "all" | ID}}`.
    pub fn read(body: &Json) -> Result<Self, AppError> {
        let bad = |detail: &str| AppError::malformed("bad_merge", detail.to_owned());
        let id = |json: &Json| json.as_str().and_then(|id| Uuid::try_parse(id).ok());
        let master = body.get("master").and_then(id).ok_or_else(|| bad("`master` is the id of the record that is left"))?;
        let others = body.get("others").and_then(Json::as_array).ok_or_else(|| bad("`others` is a list of ids"))?;
        let mut read: Vec<Uuid> = others.iter().map(|one| id(one).ok_or_else(|| bad("`others` is a list of ids"))).collect::<Result<_, _>>()?;
        read.sort_unstable();
        read.dedup();
        if read.is_empty() || read.len() > MOST || read.contains(&master) {
            return Err(bad(&format!("`others` are 1 to {MOST} records beside the master")));
        }
        let choices = Choices::read(body)?;
        if let Some(stranger) = choices.sources().find(|source| **source != master && !read.contains(source)) {
            return Err(bad(&format!("{stranger} is none of the records that are merged")));
        }
        Ok(Self { master, others: read, choices })
    }

    fn to_json(&self) -> Json {
        let mut json = json!({"master": self.master, "others": self.others});
        self.choices.write(&mut json);
        json
    }
}

/// Merges records; the batch that did it, or that a job does.
pub async fn merge(app: &App, snapshot: &Snapshot, actor: &Actor, card: &str, request: &Request) -> Result<Batch, AppError> {
    let found = snapshot.card(card)?.clone();
    for action in [ActionName::Update, ActionName::Delete] {
        access::gate_write(&snapshot.catalog, actor, &found, action)?;
    }
    let pointing = pointing(app, snapshot, &found, &request.others, u32::try_from(AT_ONCE).unwrap_or(u32::MAX) + 1).await?;
    let about = json!({"master": request.master, "others": request.others}).as_object().cloned().unwrap_or_default();
    let new = NewBatch { kind: "merge", card: card.to_owned(), about, undo_of: None };
    if pointing.len() <= AT_ONCE {
        let batch = whole(app, actor, &found, request, None, Some(new)).await?;
        return batches::read(app, actor, batch).await;
    }
    // Whatever speaks against it is said now, not after hours of moving links.
    check(app, snapshot, actor, &found, request).await?;
    batches::begin_job(app, actor, new, "merge", json!({"card": card, "request": request.to_json()}), None).await
}

/// Records that point to any of these: (card, record), each once.
async fn pointing(app: &App, snapshot: &Snapshot, card: &Card, ids: &[Uuid], limit: u32) -> Result<Vec<(Ident, Uuid)>, AppError> {
    let mut found = std::collections::BTreeSet::new();
    for (table, field) in links(snapshot, card) {
        let statement = write::pointing(&snapshot.catalog, app.store.dialect(), table, field, ids, limit, false);
        found.extend(app.store.fetch(&statement).await?.iter().filter_map(|row| Some((table.card.clone(), sql::encode::id(row.first()?)?))));
    }
    Ok(found.into_iter().collect())
}

/// How many records point to any of these, counted up to a few thousand.
pub async fn count_links(app: &App, snapshot: &Snapshot, card: &Card, ids: &[Uuid]) -> Result<usize, AppError> {
    if ids.is_empty() { Ok(0) } else { Ok(pointing(app, snapshot, card, ids, 5_000).await?.len()) }
}

fn links<'s>(snapshot: &'s Snapshot, card: &'s Card) -> impl Iterator<Item = (&'s model::Table, &'s model::Field)> {
    snapshot.catalog.links_to(&card.key).filter(|(_, field)| !field.system)
}

/// Everything that speaks against merging, found by doing it and undoing it.
async fn check(app: &App, snapshot: &Snapshot, actor: &Actor, card: &Arc<Card>, request: &Request) -> Result<(), AppError> {
    for id in std::iter::once(&request.master).chain(&request.others) {
        for action in [ActionName::Update, ActionName::Delete] {
            let gated = access::gate(&snapshot.catalog, actor, card, action)?;
            if !crate::records::read::matches(app, snapshot, card, *id, &gated.rows()).await? {
                return Err(AppError::forbidden("merging takes the right to change and to delete every one of the records"));
            }
        }
    }
    Ok(())
}

/// All of it in one unit of work.
async fn whole(app: &App, actor: &Actor, card: &Arc<Card>, request: &Request, batch: Option<Uuid>, new: Option<NewBatch>) -> Result<Uuid, AppError> {
    let (site, snapshot) = (app.site.clone(), app.snapshot());
    let begun = batch.unwrap_or_else(Uuid::now_v7);
    let at = match batch {
        Some(batch) => batches::read(app, actor, batch).await?.created_at,
        None => actor.now,
    };
    let deletions: Vec<Deletion> = request.others.iter().map(|id| Deletion::new(app, actor, card.key.as_str(), *id, Some(begun))).collect::<Result<_, _>>()?;
    let master = Work::new(app, actor, card.key.as_str(), Some(request.master), Map::new(), &Options { batch: Some(begun), ..Options::default() })?;
    let of = |(key, id): (Ident, Uuid)| -> Result<(Ident, Uuid, Work), AppError> {
        let moving = actor.for_reason(Reason::Merge);
        let relink = Relink { card: card.key.clone(), from: request.others.clone(), to: request.master };
        let work = Work::new(app, &moving, key.as_str(), Some(id), Map::new(), &Options { batch: Some(begun), ..Options::default() })?;
        Ok((key, id, work.relinking(relink)))
    };
    let found = pointing(app, &snapshot, card, &request.others, 100_000).await?;
    let moving: Vec<(Ident, Uuid, Work)> = found.into_iter().map(of).collect::<Result<_, _>>()?;
    let work = Arc::new(Whole { actor: actor.clone(), card: card.clone(), snapshot, request: request.clone(), site, deletions, master, moving, new, batch: begun, at });
    let done = app.store.write(move |tx: &mut Tx| {
        let work = work.clone();
        Box::pin(async move { work.run(tx).await })
    });
    done.await.map_err(|error| error.error)?;
    Ok(begun)
}

struct Whole {
    actor: Actor,
    card: Arc<Card>,
    snapshot: Arc<Snapshot>,
    request: Request,
    site: String,
    deletions: Vec<Deletion>,
    master: Work,
    moving: Vec<(Ident, Uuid, Work)>,
    new: Option<NewBatch>,
    batch: Uuid,
    /// When the batch began.
    at: chrono::DateTime<chrono::Utc>,
}

impl Whole {
    /// Hold, look, move links, take the others away, give the master its values, tell.
    async fn run(&self, tx: &mut Tx) -> Result<(), UnitError> {
        if let Some(new) = &self.new {
            batches::begin_as(tx, &self.actor, new, self.batch).await?;
        }
        let records = self.hold(tx).await?;
        self.move_links(tx).await?;
        tx.execute(&kept::move_files(&self.snapshot.catalog, tx.dialect(), &self.request.others, self.request.master)).await?;
        tx.execute(&kept::follow_folders(&self.snapshot.catalog, tx.dialect(), &self.request.others, self.request.master, self.at)).await?;
        for deletion in &self.deletions {
            deletion.run(tx).await?;
        }
        let body = blend::body(&self.card, &records, self.request.master, &self.request.choices);
        self.master.run_with(tx, body).await?;
        for other in &self.request.others {
            tx.execute(&kept::put_merged(tx.dialect(), self.card.key.as_str(), *other, self.request.master, self.actor.now)).await?;
        }
        self.tell(tx).await?;
        if self.new.is_some() {
            batches::finish_in(tx, self.batch).await?;
        }
        Ok(())
    }

    /// The records as they are now, the master first; held, in one order for everybody.
    async fn hold(&self, tx: &mut Tx) -> Result<Vec<Record>, UnitError> {
        let catalog = &self.snapshot.catalog;
        let mut ids: Vec<Uuid> = std::iter::once(self.request.master).chain(self.request.others.iter().copied()).collect();
        let order = ids.clone();
        ids.sort_unstable();
        tx.fetch(&write::hold(catalog, tx.dialect(), &self.card.table.reference(), &ids, write::Hold::Change)).await?;
        let mut records = Vec::with_capacity(ids.len());
        for id in order {
            let found = load::record(&mut Source::Tx(tx), catalog, &self.card, id, self.actor.now).await?;
            let alive = found.filter(|record| record.get("trashed_at").is_empty());
            records.push(alive.ok_or_else(|| AppError::not_found("record"))?);
        }
        // The deletions ask whether each may be deleted; whether each may be changed is asked here.
        for id in &self.request.others {
            self.master.may_change(tx, *id).await?;
        }
        Ok(records)
    }

    /// Every link, or a list of those that cannot be moved.
    async fn move_links(&self, tx: &mut Tx) -> Result<(), UnitError> {
        let mut blocked = Vec::new();
        for (key, id, work) in &self.moving {
            tx.savepoint().await?;
            match work.run(tx).await {
                Ok(_) => tx.release().await?,
                Err(error) if store::Failure::store(&error).is_some_and(store::StoreError::can_retry) => return Err(error),
                Err(error) => {
                    tx.undo().await?;
                    blocked.push((key.clone(), *id, error.error));
                }
            }
        }
        if blocked.is_empty() { Ok(()) } else { Err(self.refusal(&blocked).into()) }
    }

    fn refusal(&self, blocked: &[(Ident, Uuid, AppError)]) -> AppError {
        let lang = &self.actor.lang;
        let one = |(key, _, error): &(Ident, Uuid, AppError)| {
            let name = self.snapshot.catalog.card(key).map_or_else(|| key.to_string(), |card| card.labels.or_key(lang, key.as_str()));
            format!("{name}: {}", batches::reason(error, lang)["detail"].as_str().unwrap_or_default())
        };
        let mut told: Vec<String> = blocked.iter().map(one).collect();
        told.dedup();
        told.truncate(5);
        AppError::Conflict { code: "merge_blocked", detail: format!("{} records cannot point to the one that is left: {}", blocked.len(), told.join("; ")), blockers: Vec::new() }
    }

    /// The history of the record that is left has it, even if none of its values changed.
    async fn tell(&self, tx: &mut Tx) -> Result<(), UnitError> {
        let Some(master) = load::record(&mut Source::Tx(tx), &self.snapshot.catalog, &self.card, self.request.master, self.actor.now).await? else { return Ok(()) };
        let event = sql::system::Event {
            at: self.actor.now,
            actor: self.actor.user,
            card: self.card.key.as_str(),
            record: master.id,
            version: master.version(),
            action: "merged",
            fields: "[]".into(),
            tracked: None,
            site: &self.site,
            tx: Uuid::now_v7(),
            ids: [Uuid::now_v7(), Uuid::now_v7()],
        };
        crate::records::told::tell(tx, &self.snapshot, &self.card, &event).await
    }
}

/// Where a record went that was merged: the one that is left, however often that was merged in turn.
pub async fn merged_into(app: &App, card: &str, id: Uuid) -> Result<Option<Uuid>, AppError> {
    let mut at = id;
    for _ in 0..20 {
        let found = app.store.fetch(&kept::merged_into(app.store.dialect(), card, at)).await?.into_iter().flatten().next();
        match found.and_then(|id| sql::encode::id(&id)) {
            Some(next) => at = next,
            None => break,
        }
    }
    Ok((at != id).then_some(at))
}

/// Files that a record brings back from the one it was merged into. Called where a merge is undone.
pub(crate) async fn files_back(tx: &mut Tx, catalog: &model::Catalog, card: &Card, id: Uuid, now: chrono::DateTime<chrono::Utc>) -> Result<(), UnitError> {
    tx.execute(&kept::forget_merged(tx.dialect(), id)).await?;
    let Some(record) = load::record(&mut Source::Tx(tx), catalog, card, id, now).await? else { return Ok(()) };
    let files: Vec<Uuid> = links_set(card, None, &record)
        .into_iter()
        .filter(|(owner, key)| card.table_of(owner.as_ref().map(|(table, _)| table)).and_then(|table| table.field(key)).is_some_and(|field| matches!(field.kind, FieldKind::File(_))))
        .flat_map(|(owner, key)| match owner {
            None => crate::records::save::ids(record.get(key.as_str())),
            Some((table, row)) => record.rows(table.as_str()).iter().filter(|known| known.id == row).flat_map(|row| crate::records::save::ids(model::record::value_of(&row.values, key.as_str()))).collect(),
        })
        .collect();
    if !files.is_empty() {
        tx.execute(&kept::give_files(catalog, tx.dialect(), &files, id)).await?;
    }
    Ok(())
}

/// Merges where very many links move: in parts, and the rest at once.
pub async fn handle(context: Context) -> Result<Json, JobError> {
    let app = context.app().clone();
    let batch = context.payload()["batch"].as_str().and_then(|id| Uuid::try_parse(id).ok()).ok_or_else(|| AppError::Internal("a job without its batch".into()))?;
    let result = in_parts(&context, &app, batch).await;
    if !matches!(result, Err(JobError::Stopped)) {
        batches::finish(&app, batch).await?;
    }
    result?;
    Ok(json!({"batch": batch, "url": format!("/me/batches/{batch}")}))
}

async fn in_parts(context: &Context, app: &Arc<App>, batch: Uuid) -> Result<(), JobError> {
    let user = context.created_by().ok_or_else(|| AppError::Internal("a job without a user".into()))?;
    let request = Request::read(&context.payload()["request"])?;
    let key = context.payload()["card"].as_str().unwrap_or_default().to_owned();
    let mut done = 0;
    loop {
        context.go_on().await?;
        let snapshot = app.snapshot();
        let actor = crate::accounts::actor_of(app, &snapshot, user, chrono::Utc::now()).await?;
        let card = snapshot.card(&key)?.clone();
        let found = pointing(app, &snapshot, &card, &request.others, EACH).await?;
        if found.len() < EACH as usize {
            return whole(app, &actor, &card, &request, Some(batch), None).await.map(|_| ()).map_err(JobError::from);
        }
        let relink = Relink { card: card.key.clone(), from: request.others.clone(), to: request.master };
        let moving = actor.for_reason(Reason::Merge);
        let options = Options { batch: Some(batch), ..Options::default() };
        let works: Vec<Work> = found.iter().take(EACH as usize).map(|(key, id)| Ok(Work::new(app, &moving, key.as_str(), Some(*id), Map::new(), &options)?.relinking(relink.clone()))).collect::<Result<_, AppError>>()?;
        done += i64::try_from(works.len()).unwrap_or(0);
        context.progress(done, None).await?;
        let work = Arc::new((works, context.clone()));
        let part = app.store.write(move |tx: &mut Tx| {
            let work = work.clone();
            Box::pin(async move {
                for one in &work.0 {
                    one.run(tx).await?;
                }
                work.1.checkpoint_in(tx, &json!({"moved": true})).await
            })
        });
        part.await.map_err(|error: UnitError| JobError::from(error.error))?;
    }
}
