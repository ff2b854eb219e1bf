//! Running an import: the whole file in one unit of work while it is small, else part by part with a ledger.

use std::sync::Arc;

use exchange::Fault;
use serde_json::{Value as Json, json};
use sql::system_imports::{self as rows, Tally};
use store::{Failure, StoreError, Tx};
use uuid::Uuid;

use super::{CellError, Group, Import, Outcome, Run, find, kept, gather::{Gatherer, lines}, job_of, look, run_of, unreadable};
use crate::{App, AppError, UnitError, accounts, batches, exports, jobs::{Context, JobError}};

/// The kind of its jobs.
pub const KIND: &str = "import";
/// Records saved in one unit of work.
const CHUNK: usize = 500;
/// Most rows that are taken whole in one unit of work; more are taken part by part, and taken back if one is refused.
const WHOLE: i64 = 50_000;
/// Most rows whose mistakes are kept.
const MISTAKES: i64 = 20_000;

/// What a job carries over to whoever goes on with it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Point {
    /// A row was refused: the rest is looked at only, and what was done is undone.
    refused: bool,
}

impl Point {
    fn read(json: Option<&Json>) -> Self {
        Self { refused: json.and_then(|json| json["refused"].as_bool()).unwrap_or(false) }
    }
}

/// The handler of import jobs.
pub async fn run_job(context: Context) -> Result<Json, JobError> {
    run_job_within(context, WHOLE).await
}

/// The same, with how many rows are taken whole in one unit of work.
pub async fn run_job_within(context: Context, most: i64) -> Result<Json, JobError> {
    let id = context.payload()["import"].as_str().and_then(|id| Uuid::try_parse(id).ok()).ok_or_else(|| AppError::not_found("import"))?;
    let app = context.app().clone();
    let Some(import) = find(&app, id).await? else { return Err(AppError::not_found("import").into()) };
    if import.state != super::State::Running {
        return Ok(import.to_json());
    }
    let ended = work(&context, &app, &import, most).await;
    let settle = async |state: &str, fault: Option<String>| -> Result<(), AppError> {
        if let Some(batch) = import.batch {
            batches::finish(&app, batch).await?;
        }
        crate::run(&app.store, vec![rows::finish(app.store.dialect(), id, state, fault.as_deref(), chrono::Utc::now())]).await
    };
    match &ended {
        Ok(true) => settle("done", None).await?,
        // Nothing of it was kept.
        Ok(false) => settle("failed", None).await?,
        Err(JobError::Cancelled) => settle("cancelled", None).await?,
        Err(JobError::Failed(error)) if !matches!(error, AppError::Unavailable { .. } | AppError::Internal(_) | AppError::Conflict { .. } | AppError::Stale(_)) => settle("failed", Some(error.to_string())).await?,
        Err(_) => {}
    }
    ended?;
    crate::upkeep::tables_changed(&app.store).await?;
    let through = find(&app, id).await?;
    if through.as_ref().is_some_and(|import| import.state == super::State::Done && import.failed == 0) {
        kept::let_go(&app, id).await?;
    }
    let mut told = through.map(|import| import.to_json()).unwrap_or_default();
    told["url"] = format!("/c/{}/import/{id}", import.card).into();
    Ok(told)
}

/// Whether rows became records.
async fn work(context: &Context, app: &Arc<App>, import: &Import, most: i64) -> Result<bool, JobError> {
    let settings = import.settings.clone().unwrap_or_default();
    let user = import.by.ok_or(AppError::Unauthenticated)?;
    let actor = accounts::actor_of(app, &app.snapshot(), user, chrono::Utc::now()).await?;
    let locale = exports::locale_of(&actor);
    let looked = look(app, import.id, &settings, 1).await?;
    let run = Arc::new(run_of(app, &actor, &locale, import, &settings, &looked.headings, import.batch).await?);
    let total = count(app, import, looked.header).await?;
    context.progress(import.at_row.max(0), Some(total)).await?;
    let importing = Importing { context, app, import, run, header: looked.header, total };
    if settings.skip || total > most { importing.part_by_part(settings.skip).await } else { importing.whole().await }
}

/// How many rows there are.
async fn count(app: &App, import: &Import, header: u32) -> Result<i64, JobError> {
    let mut receive = lines(job_of(app, import.id, &import.settings.clone().unwrap_or_default(), None), header);
    let mut last = 0;
    while let Some(batch) = receive.recv().await {
        last = batch.map_err(|fault| unreadable(&fault))?.last().map_or(last, |line| i64::from(line.row));
    }
    Ok(last)
}

struct Importing<'a> {
    context: &'a Context,
    app: &'a Arc<App>,
    import: &'a Import,
    run: Arc<Run>,
    header: u32,
    total: i64,
}

fn tally(outcomes: &[Outcome]) -> Tally {
    outcomes.iter().fold(Tally::default(), |tally, outcome| match outcome {
        Outcome::Created => Tally { created: tally.created + 1, ..tally },
        Outcome::Updated => Tally { updated: tally.updated + 1, ..tally },
        Outcome::Unchanged => Tally { unchanged: tally.unchanged + 1, ..tally },
        Outcome::Failed(_) => Tally { failed: tally.failed + 1, ..tally },
    })
}

/// What is wrong with the rows of a record, under its first row.
type Wrong = Vec<(u32, Vec<CellError>)>;

fn wrong(groups: &[Group], outcomes: &[Outcome]) -> Wrong {
    let one = |(group, outcome): (&Group, &Outcome)| match outcome {
        Outcome::Failed(errors) => Some((group.row(), errors.clone())),
        Outcome::Created | Outcome::Updated | Outcome::Unchanged => None,
    };
    groups.iter().zip(outcomes).filter_map(one).collect()
}

async fn put_wrong(tx: &mut Tx, import: Uuid, wrong: &Wrong) -> Result<(), UnitError> {
    for (row, errors) in wrong {
        let text = serde_json::to_string(errors).map_err(|error| AppError::Internal(error.to_string()))?;
        tx.execute(&rows::put_row(tx.dialect(), import, i64::from(*row), &text)).await?;
    }
    Ok(())
}

/// Why the whole was not taken.
enum Refused {
    /// Rows were wrong: these, and what the others would have come to.
    Rows(Wrong, Tally),
    /// The file could not be read on.
    File(Fault),
    Broken(UnitError),
}

impl From<StoreError> for Refused {
    fn from(error: StoreError) -> Self {
        Self::Broken(error.into())
    }
}
impl From<UnitError> for Refused {
    fn from(error: UnitError) -> Self {
        Self::Broken(error)
    }
}
impl Failure for Refused {
    fn store(&self) -> Option<&StoreError> {
        match self {
            Self::Broken(error) => error.store.as_ref(),
            Self::Rows(..) | Self::File(_) => None,
        }
    }
}

impl Importing<'_> {
    /// The whole file in one unit of work: everything, or nothing and why.
    async fn whole(&self) -> Result<bool, JobError> {
        self.context.go_on().await?;
        let (run, context, import, header) = (self.run.clone(), self.context.clone(), self.import.clone(), self.header);
        let job = job_of(self.app, import.id, &self.run.plan.settings, None);
        let total = self.total;
        let done = self.app.store.write_large(move |tx: &mut Tx| {
            let (run, context, import, job) = (run.clone(), context.clone(), import.clone(), job.clone());
            Box::pin(async move {
                let mut receive = lines(job, header);
                let mut gatherer = Gatherer::new(&run, CHUNK);
                let (mut sum, mut all_wrong) = (Tally::default(), Wrong::new());
                let mut chunks = Vec::new();
                while let Some(batch) = receive.recv().await {
                    chunks.extend(batch.map_err(Refused::File)?.into_iter().filter_map(|line| gatherer.push(line)));
                    for groups in chunks.drain(..) {
                        take(tx, &run, &groups, &mut sum, &mut all_wrong).await?;
                    }
                }
                take(tx, &run, &gatherer.finish(), &mut sum, &mut all_wrong).await?;
                if !all_wrong.is_empty() {
                    return Err(Refused::Rows(all_wrong, sum));
                }
                if tx.execute(&rows::advance(tx.dialect(), import.id, import.at_row, total, sum)).await? == 0 {
                    return Err(lost().into());
                }
                context.checkpoint_in(tx, &Json::Null).await?;
                Ok(())
            })
        });
        match done.await {
            Ok(()) => {
                self.context.progress(self.total, Some(self.total)).await?;
                Ok(true)
            }
            Err(Refused::File(fault)) => Err(unreadable(&fault).into()),
            Err(Refused::Broken(error)) => Err(error.error.into()),
            Err(Refused::Rows(all_wrong, sum)) => {
                let (id, from, total) = (self.import.id, self.import.at_row, self.total);
                let kept = self.app.store.write(move |tx: &mut Tx| {
                    let all_wrong = all_wrong.clone();
                    Box::pin(async move {
                        put_wrong(tx, id, &all_wrong).await?;
                        tx.execute(&rows::advance(tx.dialect(), id, from, total, Tally { failed: sum.failed, ..Tally::default() })).await?;
                        Ok::<(), UnitError>(())
                    })
                });
                kept.await.map_err(|error| error.error)?;
                Ok(false)
            }
        }
    }

    /// Part by part: each with its line in the ledger, in one transaction with what it did.
    async fn part_by_part(&self, skip: bool) -> Result<bool, JobError> {
        let mut point = Point::read(self.context.resume_point());
        let mut at = self.import.at_row;
        let mut failed = self.import.failed;
        let mut receive = lines(job_of(self.app, self.import.id, &self.run.plan.settings, None), self.header);
        let mut gatherer = Gatherer::new(&self.run, CHUNK);
        let mut chunks = Vec::new();
        let mut is_last = false;
        while !is_last {
            match receive.recv().await {
                Some(batch) => chunks.extend(batch.map_err(|fault| unreadable(&fault))?.into_iter().filter_map(|line| gatherer.push(line))),
                None => {
                    is_last = true;
                    chunks.push(std::mem::replace(&mut gatherer, Gatherer::new(&self.run, CHUNK)).finish());
                }
            }
            for mut groups in chunks.drain(..) {
                // What an earlier worker did is done; keys seen there were seen.
                groups.retain(|group| i64::from(group.row()) > at);
                let Some(to) = groups.last().map(|group| i64::from(group.last_row())) else { continue };
                if let Err(stop) = self.context.go_on().await {
                    return self.stopped(stop, skip).await;
                }
                self.context.progress(to, Some(self.total)).await?;
                let tally = self.part(Arc::new(groups), at, to, skip, &mut point, failed).await?;
                failed += tally.failed;
                at = to;
            }
        }
        if point.refused {
            self.undo().await?;
        }
        Ok(!point.refused)
    }

    async fn stopped(&self, stop: JobError, skip: bool) -> Result<bool, JobError> {
        if let (JobError::Cancelled, false, Some(batch)) = (&stop, skip, self.import.batch) {
            // A job that was cancelled is not taken up again: a job of its own takes back what was done.
            batches::finish(self.app, batch).await?;
            batches::undo(self.app, &self.run.actor, batch).await?;
            self.reset().await?;
        }
        Err(stop)
    }

    async fn part(&self, groups: Arc<Vec<Group>>, from: i64, to: i64, skip: bool, point: &mut Point, failed: i64) -> Result<Tally, JobError> {
        let (run, context, id, is_refused) = (self.run.clone(), self.context.clone(), self.import.id, point.refused);
        let done = self.app.store.write_large(move |tx: &mut Tx| {
            let (run, context, groups) = (run.clone(), context.clone(), groups.clone());
            Box::pin(async move {
                tx.savepoint().await?;
                let outcomes = run.chunk(tx, &groups).await?;
                let mut sum = tally(&outcomes);
                let refused = is_refused || !skip && sum.failed > 0;
                if refused {
                    tx.undo().await?;
                    sum = Tally { failed: sum.failed, ..Tally::default() };
                } else {
                    tx.release().await?;
                }
                if failed < MISTAKES {
                    put_wrong(tx, id, &wrong(&groups, &outcomes)).await?;
                }
                if tx.execute(&rows::advance(tx.dialect(), id, from, to, sum)).await? == 0 {
                    return Err(lost());
                }
                context.checkpoint_in(tx, &json!({"refused": refused})).await?;
                Ok((sum, refused))
            })
        });
        let (sum, refused) = done.await.map_err(|error| error.error)?;
        point.refused = refused;
        Ok(sum)
    }

    /// Takes back what was done before a row was refused, or goes on with that: it is told as refused when nothing is left.
    async fn undo(&self) -> Result<(), JobError> {
        let Some(batch) = self.import.batch else { return Ok(()) };
        batches::finish(self.app, batch).await?;
        batches::undo_here(self.app, &self.run.actor, batch, self.context).await?;
        Ok(self.reset().await?)
    }

    async fn reset(&self) -> Result<(), AppError> {
        crate::run(&self.app.store, vec![rows::reset(self.app.store.dialect(), self.import.id)]).await
    }
}

/// Saves a chunk of the whole, and adds up.
async fn take(tx: &mut Tx, run: &Run, groups: &[Group], sum: &mut Tally, all_wrong: &mut Wrong) -> Result<(), UnitError> {
    let outcomes = run.chunk(tx, groups).await?;
    let more = tally(&outcomes);
    *sum = Tally { created: sum.created + more.created, updated: sum.updated + more.updated, unchanged: sum.unchanged + more.unchanged, failed: sum.failed + more.failed };
    if (all_wrong.len() as i64) < MISTAKES {
        all_wrong.extend(wrong(groups, &outcomes));
    }
    Ok(())
}

/// Somebody else went on with it.
fn lost() -> UnitError {
    AppError::Conflict { code: "import_elsewhere", detail: "another worker went on with this import".into(), blockers: Vec::new() }.into()
}
