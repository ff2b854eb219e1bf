//! Files whose rows become records: sent, looked at, mapped, checked, run as a job, taken back.
//!
//! **Invariants**
//! - Rows become records by the one save path, with the rights and rules of whoever sent the file.
//! - What a part of the file came to is written down in the transaction that did it: a job that is killed goes on
//!   behind it, and nothing happens twice.
//! - Without `skip`, a file is taken whole or not at all.
//! - Files are read row by row; only rows at hand are in memory.
//!
//! **Not here:** reading files (`exchange`), saving (`records`), taking back (`batches`).

mod chunk;
mod gather;
mod guess;
mod job;
mod kept;
mod links;
mod mistakes;
mod notation;
mod settings;
mod values;

use std::{path::PathBuf, sync::Arc};

use access::Actor;
use chrono::{DateTime, TimeDelta, Utc};
pub use exchange::{Cell, Fault, FaultCode, Line};
use exchange::{Head, Job, Reader};
use form::Locale;
use model::{ActionName, Card};
use serde_json::{Value as Json, json};
use sql::{Datum, system_imports as rows};
use store::Tx;
use uuid::Uuid;

use crate::{App, AppError, Snapshot, UnitError, batches, jobs, run};
use chunk::{Group, Run};
use gather::Gatherer;

pub use chunk::{CellError, Outcome};
pub use guess::{Target, targets};
pub use job::{KIND, run_job, run_job_within};
pub use mistakes::mistakes;
pub use settings::{ColumnName, Mapped, Mode, Settings};

/// Largest file, in bytes.
pub const MAX_FILE: u64 = exchange::limits::FILE;
/// How long a file is kept.
pub const KEPT: TimeDelta = TimeDelta::days(7);
/// Rows looked at before anything is done.
const PREVIEW: usize = 100;
/// Rows read to find the headings and to show what stands in columns.
const PEEK: u64 = 30;

/// A file that was sent.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct Import {
    pub id: Uuid,
    pub card: String,
    pub name: String,
    pub size: i64,
    /// What was found out about the file.
    pub head: Head,
    /// How it is read, once somebody said so.
    pub settings: Option<Settings>,
    pub state: State,
    pub batch: Option<Uuid>,
    pub job: Option<Uuid>,
    /// The last row that is dealt with.
    pub at_row: i64,
    pub created: i64,
    pub updated: i64,
    pub unchanged: i64,
    pub failed: i64,
    /// Why it failed as a whole.
    pub fault: Option<String>,
    pub by: Option<Uuid>,
    pub created_at: DateTime<Utc>,
    pub finished_at: Option<DateTime<Utc>>,
}

/// Where an import stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Nothing is done yet.
    Draft,
    /// A job waits for it, or is at it.
    Running,
    /// Through.
    Done,
    /// Nothing was kept.
    Failed,
    /// It was asked to end; what was done stays, unless it was to be taken whole.
    Cancelled,
}

impl State {
    /// The word of the API.
    pub fn name(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
    fn read(word: &str) -> Self {
        [Self::Running, Self::Done, Self::Failed, Self::Cancelled].into_iter().find(|state| state.name() == word).unwrap_or(Self::Draft)
    }
}

impl Import {
    fn from_row(row: Vec<Datum>) -> Option<Self> {
        let row = <[Datum; 18]>::try_from(row).ok()?;
        let [Datum::Uuid(id), Datum::Text(card), Datum::Text(name), Datum::Integer(size), Datum::Text(head), settings, Datum::Text(state), batch, job, Datum::Integer(at_row), Datum::Integer(created), Datum::Integer(updated), Datum::Integer(unchanged), Datum::Integer(failed), fault, by, Datum::Instant(created_at), finished] = row else { return None };
        let text = |datum: Datum| match datum { Datum::Text(text) => Some(text), _ => None };
        Some(Self {
            id,
            card,
            name,
            size,
            head: serde_json::from_str(&head).ok()?,
            settings: text(settings).and_then(|text| serde_json::from_str(&text).ok()),
            state: State::read(&state),
            batch: sql::encode::id(&batch),
            job: sql::encode::id(&job),
            at_row,
            created,
            updated,
            unchanged,
            failed,
            fault: text(fault),
            by: sql::encode::id(&by),
            created_at,
            finished_at: match finished { Datum::Instant(at) => Some(at), _ => None },
        })
    }

    /// As the API gives it.
    pub fn to_json(&self) -> Json {
        let at = |at: DateTime<Utc>| at.to_rfc3339_opts(chrono::SecondsFormat::Micros, true);
        json!({
            "id": self.id, "card": self.card, "name": self.name, "size": self.size, "file": self.head, "settings": self.settings, "state": self.state.name(), "batch": self.batch, "job": self.job,
            "created": self.created, "updated": self.updated, "unchanged": self.unchanged, "failed": self.failed, "fault": self.fault, "created_at": at(self.created_at), "finished_at": self.finished_at.map(at),
        })
    }
}

/// A file that cannot be read, as an error of the request.
pub(crate) fn unreadable(fault: &Fault) -> AppError {
    match fault.code {
        FaultCode::Io => AppError::Unavailable { detail: fault.to_string() },
        FaultCode::TooHeavy | FaultCode::Bomb => AppError::TooLarge { detail: fault.to_string() },
        _ => AppError::malformed("bad_file", fault.to_string()),
    }
}

/// Whether the actor may import into a card.
pub fn may(snapshot: &Snapshot, actor: &Actor, card: &str) -> Result<Arc<Card>, AppError> {
    let card = snapshot.card(card)?.clone();
    access::gate(&snapshot.catalog, actor, &card, ActionName::Import)?;
    if card.builtin {
        return Err(AppError::forbidden("records of this card are not made from files"));
    }
    Ok(card)
}

fn path_of(app: &App, id: Uuid) -> PathBuf {
    app.folder.join("imports").join(id.simple().to_string())
}

/// A place to write an upload to, before it is an import.
pub async fn place(app: &App) -> Result<(Uuid, PathBuf), AppError> {
    let folder = app.folder.join("imports");
    tokio::fs::create_dir_all(&folder).await.map_err(|error| AppError::Unavailable { detail: error.to_string() })?;
    let id = Uuid::now_v7();
    Ok((id, path_of(app, id)))
}

/// Reads a file somewhere people may wait for it.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, Fault> + Send + 'static) -> Result<T, AppError> {
    let done = tokio::task::spawn_blocking(work).await.map_err(|error| AppError::Internal(error.to_string()))?;
    done.map_err(|fault| unreadable(&fault))
}

fn job_of(app: &App, id: Uuid, settings: &Settings, rows: Option<u64>) -> Job {
    Job { path: path_of(app, id), sheet: settings.sheet.clone(), encoding: settings.encoding.clone(), separator: settings.separator.clone(), rows, seconds: 0 }
}

/// The beginning of a file.
pub struct Look {
    /// What was found out about it.
    pub head: Head,
    /// The row of the headings.
    pub header: u32,
    /// The headings.
    pub headings: Vec<String>,
    /// Its first rows below them.
    pub lines: Vec<Line>,
    /// All of the first rows, those above the headings too.
    pub first: Vec<Line>,
}

/// Looks at the beginning of a file.
pub async fn look(app: &App, id: Uuid, settings: &Settings, most: u64) -> Result<Look, AppError> {
    kept::here(app, id).await?;
    let (job, header) = (job_of(app, id, settings, Some(most + u64::from(settings.header.unwrap_or(1)))), settings.header);
    blocking(move || {
        let mut reader = Reader::open(job)?;
        let mut first = Vec::new();
        while let Some(line) = reader.next_line()? {
            first.push(line);
        }
        let heading = first.iter().find(|line| header.is_none_or(|header| line.row == header)).ok_or(Fault::new(FaultCode::Empty))?;
        let (header, headings) = (heading.row, settings::headings(Some(heading)));
        let lines = first.iter().filter(|line| line.row > header).cloned().collect();
        Ok(Look { head: reader.head().clone(), header, headings, lines, first })
    })
    .await
}

/// Takes a file in that lies at its [`place`].
pub async fn create(app: &Arc<App>, actor: &Actor, card: &str, id: Uuid, name: &str, size: u64, settings: &Settings) -> Result<Import, AppError> {
    let card = may(&app.snapshot(), actor, card)?;
    clean(app, actor.now).await?;
    let looked = match look(app, id, settings, PEEK).await {
        Ok(looked) => looked,
        Err(error) => {
            let _ = tokio::fs::remove_file(path_of(app, id)).await;
            return Err(error);
        }
    };
    let name: String = name.chars().filter(|c| !c.is_control()).take(200).collect();
    let head = serde_json::to_string(&looked.head).unwrap_or_default();
    let new = rows::NewImport { id, card: card.key.as_str(), name: &name, size: i64::try_from(size).unwrap_or(i64::MAX), head, by: actor.user, at: actor.now };
    run(&app.store, vec![rows::create(app.store.dialect(), &new)]).await?;
    if let Err(error) = kept::keep(app, id).await {
        forget(app, id).await?;
        return Err(error);
    }
    read(app, actor, id).await
}

/// An import of the actor's own; administrators see everybody's.
pub async fn read(app: &App, actor: &Actor, id: Uuid) -> Result<Import, AppError> {
    let found = find(app, id).await?;
    found.filter(|import| actor.is_unbounded() || import.by.is_some() && import.by == actor.user).ok_or_else(|| AppError::not_found("import"))
}

async fn find(app: &App, id: Uuid) -> Result<Option<Import>, AppError> {
    Ok(app.store.fetch(&rows::read(app.store.dialect(), id)).await?.into_iter().next().and_then(Import::from_row))
}

/// How a file is read: as files like it were last time, else by its headings. `key` is the field that was chosen for it.
pub async fn suggestion(app: &App, actor: &Actor, import: &Import, looked: &Look, chosen: Option<(Mode, Option<String>)>) -> Result<Settings, AppError> {
    let snapshot = app.snapshot();
    let card = may(&snapshot, actor, &import.card)?;
    let last = match actor.user {
        Some(user) => app.store.fetch(&rows::last_settings(app.store.dialect(), user, card.key.as_str())).await?.into_iter().flatten().next(),
        None => None,
    };
    let last = last.and_then(|last| match last { Datum::Text(text) => serde_json::from_str(&text).ok(), _ => None });
    let targets = targets(&snapshot.catalog, actor, &card);
    Ok(Settings { header: Some(looked.header), sheet: looked.head.sheet.clone(), ..guess::settings(&targets, &looked.headings, last, chosen) })
}

/// Settings with columns, guessed where nobody said which.
async fn completed(app: &App, actor: &Actor, import: &Import, settings: &Settings, looked: &Look) -> Result<Settings, AppError> {
    let mut settings = settings.clone();
    if settings.columns.is_empty() {
        let chosen = (settings.key.is_some() || settings.mode != Mode::Create).then(|| (settings.mode, settings.key.clone()));
        let guessed = suggestion(app, actor, import, looked, chosen).await?;
        (settings.mode, settings.key, settings.columns) = (guessed.mode, guessed.key, guessed.columns);
    }
    settings.header.get_or_insert(looked.header);
    Ok(settings)
}

async fn run_of(app: &Arc<App>, actor: &Actor, locale: &Locale, import: &Import, settings: &Settings, headings: &[String], batch: Option<Uuid>) -> Result<Run, AppError> {
    let snapshot = app.snapshot();
    let card = may(&snapshot, actor, &import.card)?;
    let plan = settings::plan(&snapshot.catalog, actor, &card, settings, headings)?;
    for action in match settings.mode { Mode::Create => &[ActionName::Create][..], Mode::Update => &[ActionName::Update], Mode::Both => &[ActionName::Create, ActionName::Update] } {
        access::gate_write(&snapshot.catalog, actor, &card, *action)?;
    }
    let notation = values::Notation::of(settings, locale);
    Ok(Run { app: app.clone(), snapshot, actor: actor.clone(), locale: locale.clone(), card, plan, notation, batch })
}

/// Keeps how a file is to be read.
pub async fn keep(app: &App, import: &Import, settings: &Settings, looked: &Look) -> Result<(), AppError> {
    let text = serde_json::to_string(settings).map_err(|error| AppError::Internal(error.to_string()))?;
    let head = serde_json::to_string(&looked.head).map_err(|error| AppError::Internal(error.to_string()))?;
    run(&app.store, vec![rows::set_settings(app.store.dialect(), import.id, &text, &head)]).await
}

/// What would come of the first rows.
pub struct Preview {
    /// How the file is read.
    pub settings: Settings,
    /// The headings.
    pub headings: Vec<String>,
    /// The rows, each with what its record would come to.
    pub rows: Vec<(Line, Outcome)>,
}

/// Carries the first rows out, looks, and undoes them: rules, rights and links as they will be.
pub async fn preview(app: &Arc<App>, actor: &Actor, locale: &Locale, import: &Import, settings: &Settings) -> Result<Preview, AppError> {
    let looked = look(app, import.id, settings, PREVIEW as u64).await?;
    let settings = completed(app, actor, import, settings, &looked).await?;
    let work = Arc::new(run_of(app, actor, locale, import, &settings, &looked.headings, None).await?);
    let mut gatherer = Gatherer::new(&work, usize::MAX);
    looked.lines.into_iter().for_each(|line| drop(gatherer.push(line)));
    let groups = Arc::new(gatherer.finish());
    let (unit_work, unit_groups) = (work.clone(), groups.clone());
    let tried = app.store.write(move |tx: &mut Tx| {
        let (work, groups) = (unit_work.clone(), unit_groups.clone());
        // An error undoes it all, and carries out what was seen.
        Box::pin(async move { Err::<(), Tried>(work.chunk(tx, &groups).await.map_or_else(Tried::Broken, Tried::Seen)) })
    });
    let outcomes = match tried.await {
        Err(Tried::Seen(outcomes)) => outcomes,
        Err(Tried::Broken(error)) => return Err(error.error),
        Ok(()) => Vec::new(),
    };
    let rows = groups.iter().zip(outcomes).flat_map(|(group, outcome)| group.lines.iter().map(move |line| (line.clone(), outcome.clone()))).collect();
    Ok(Preview { settings, headings: looked.headings, rows })
}

/// How a trial ended.
enum Tried {
    Seen(Vec<Outcome>),
    Broken(UnitError),
}

impl From<store::StoreError> for Tried {
    fn from(error: store::StoreError) -> Self {
        Self::Broken(error.into())
    }
}
impl store::Failure for Tried {
    fn store(&self) -> Option<&store::StoreError> {
        match self {
            Self::Seen(_) => None,
            Self::Broken(error) => error.store.as_ref(),
        }
    }
}

/// Starts an import as a job: at most once, whoever clicks how often.
pub async fn start(app: &Arc<App>, actor: &Actor, locale: &Locale, import: &Import, settings: &Settings) -> Result<Import, AppError> {
    let looked = look(app, import.id, settings, PEEK).await?;
    let settings = completed(app, actor, import, settings, &looked).await?;
    run_of(app, actor, locale, import, &settings, &looked.headings, None).await?;
    let text = serde_json::to_string(&settings).map_err(|error| AppError::Internal(error.to_string()))?;
    let about = json!({"file": import.name}).as_object().cloned().unwrap_or_default();
    let work = Arc::new((actor.clone(), import.clone(), text, batches::NewBatch { kind: "import", card: import.card.clone(), about, undo_of: None }));
    let started = app.store.write(move |tx: &mut Tx| {
        let work = work.clone();
        Box::pin(async move {
            let (actor, import, settings, batch) = &*work;
            let batch = batches::begin_in(tx, actor, batch).await?;
            let new = jobs::NewJob { created_by: actor.user, unique_key: Some(format!("{KIND}:{}", import.id)), ..jobs::NewJob::new(KIND, json!({"import": import.id})) };
            let job = jobs::enqueue_in(tx, new).await?;
            tx.execute(&sql::system_batches::set_job(tx.dialect(), batch, job)).await?;
            if tx.execute(&rows::start(tx.dialect(), import.id, settings, batch, job)).await? == 0 {
                return Err(AppError::Conflict { code: "import_started", detail: "this import was started already".into(), blockers: Vec::new() }.into());
            }
            Ok::<(), UnitError>(())
        })
    });
    started.await.map_err(|error| error.error)?;
    read(app, actor, import.id).await
}

/// Mistakes of an import, beyond a row: each record's under its first row.
pub async fn errors(app: &App, import: &Import, beyond: i64, limit: u32) -> Result<Vec<(i64, Vec<CellError>)>, AppError> {
    let found = app.store.fetch(&rows::rows(app.store.dialect(), import.id, beyond, i64::from(limit))).await?;
    let one = |row: Vec<Datum>| match <[Datum; 2]>::try_from(row) {
        Ok([Datum::Integer(row), Datum::Text(errors)]) => Some((row, serde_json::from_str(&errors).unwrap_or_default())),
        _ => None,
    };
    Ok(found.into_iter().filter_map(one).collect())
}

/// Forgets files whose time is over.
pub async fn clean(app: &App, now: DateTime<Utc>) -> Result<(), AppError> {
    for id in app.store.fetch(&rows::old(app.store.dialect(), now - KEPT)).await?.into_iter().flatten().filter_map(|id| sql::encode::id(&id)) {
        forget(app, id).await?;
    }
    kept::sweep(app).await
}

async fn forget(app: &App, id: Uuid) -> Result<(), AppError> {
    let _ = tokio::fs::remove_file(path_of(app, id)).await;
    run(&app.store, rows::forget(app.store.dialect(), id).to_vec()).await
}
