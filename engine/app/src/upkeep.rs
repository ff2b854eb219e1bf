//! What a site does for itself: numbers for the change log, an end for what has had its time, no files that nobody names,
//! a planner that knows what tables hold.
//!
//! **Invariants**
//! - Changes are numbered without gaps, in the order they became visible, by one process at a time.
//! - A content is deleted only while no row names it: a row that comes at the same moment finds it again.
//!
//! **Not here:** when these run (`jobs`).

use std::{path::{Path, PathBuf}, time::Duration};

use chrono::{TimeDelta, Utc};
use serde_json::{Value as Json, json};
use sql::{Datum, Dialect, system, system_upkeep::{self, Expired}};
use store::{Store, StoreError, Tx};

use crate::{App, AppError, jobs::{Context, Handlers, JobError}};

/// Answers to clients that ask twice, uploads that nothing was attached to, second factors half set up.
const KEPT_A_DAY: TimeDelta = TimeDelta::days(1);
/// Jobs that ended.
const KEPT_A_WEEK: TimeDelta = TimeDelta::days(7);

/// What scripts told.
const KEPT_A_MONTH: TimeDelta = TimeDelta::days(30);
/// Messages that left, or that nobody wants to leave any more.
const KEPT_A_QUARTER: TimeDelta = TimeDelta::days(90);

/// What comes back by itself.
pub(crate) fn handlers(handlers: Handlers) -> Handlers {
    handlers.returning("upkeep.expire", Duration::from_secs(3_600), expire).returning("upkeep.files", Duration::from_secs(24 * 3_600), sweep)
        .returning("upkeep.tables", Duration::from_secs(3_600), know_tables)
}

/// Gives numbers to the changes that have none. SQLite numbers them as they are made.
pub async fn number_changes(store: &Store) -> Result<(), StoreError> {
    if store.dialect() == Dialect::Sqlite || store.fetch(&system_upkeep::any_unnumbered()).await?.is_empty() {
        return Ok(());
    }
    let numbered = store.write(|tx: &mut Tx| {
        Box::pin(async move {
            tx.fetch(&system::hold_sequencer()).await?;
            tx.execute(&system::number_changes()).await
        })
    });
    numbered.await.map(|_| ())
}

/// After many rows came, or an index: the planner looks anew at tables that changed much.
pub async fn tables_changed(store: &Store) -> Result<(), AppError> {
    let statements = system_upkeep::know_tables(store.dialect());
    if statements.is_empty() { Ok(()) } else { crate::run(store, statements).await }
}

async fn know_tables(context: Context) -> Result<Json, JobError> {
    tables_changed(&context.app().store).await?;
    Ok(Json::Null)
}

async fn expire(context: Context) -> Result<Json, JobError> {
    let now = Utc::now();
    let mut count = 0;
    for what in Expired::ALL {
        let before = match what {
            Expired::Sessions | Expired::LoginLinks | Expired::Tokens | Expired::LoginSteps | Expired::ProviderSteps | Expired::Browsers => now,
            Expired::Answers | Expired::Uploads | Expired::SecondDrafts => now - KEPT_A_DAY,
            Expired::Jobs => now - KEPT_A_WEEK,
            Expired::Notices => now - crate::notify::KEPT,
            // What a letter leads to is over by then.
            Expired::Letters => now - crate::accounts::LinkKind::Invite.lasts(),
            Expired::ScriptLines => now - KEPT_A_MONTH,
            Expired::Messages => now - KEPT_A_QUARTER,
        };
        loop {
            let statement = system_upkeep::clear(context.app().store.dialect(), what, before);
            let deleted: Result<u64, StoreError> = context.app().store.write(move |tx: &mut Tx| {
                let statement = statement.clone();
                Box::pin(async move { tx.execute(&statement).await })
            }).await;
            let deleted = deleted?;
            count += deleted;
            if deleted < u64::from(system_upkeep::BATCH) {
                break;
            }
            context.go_on().await?;
        }
    }
    crate::imports::clean(context.app(), now).await?;
    Ok(json!({"deleted": count}))
}

/// Deletes contents older than a day that no row names, and what broken-off uploads left.
async fn sweep(context: Context) -> Result<Json, JobError> {
    let root = context.app().folder.join("files");
    let mut count = 0;
    for folder in entries(root).await? {
        let old: Vec<PathBuf> = tokio::task::spawn_blocking(move || old_files(&folder)).await.map_err(|error| AppError::Internal(error.to_string()))?;
        for part in old.chunks(200) {
            count += delete_unnamed(context.app(), part).await?;
        }
        context.go_on().await?;
    }
    Ok(json!({"deleted": count}))
}

async fn entries(root: PathBuf) -> Result<Vec<PathBuf>, AppError> {
    let read = move || -> std::io::Result<Vec<PathBuf>> { std::fs::read_dir(root)?.map(|entry| Ok(entry?.path())).collect() };
    let found = tokio::task::spawn_blocking(read).await.map_err(|error| AppError::Internal(error.to_string()))?;
    found.map_err(|error| AppError::Unavailable { detail: error.to_string() })
}

fn old_files(folder: &Path) -> Vec<PathBuf> {
    let is_old = |path: &PathBuf| {
        let age = path.metadata().and_then(|known| known.modified()).ok().and_then(|at| at.elapsed().ok());
        age.is_some_and(|age| age > Duration::from_secs(24 * 3_600))
    };
    std::fs::read_dir(folder).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path())).filter(is_old).collect()
}

fn name_of(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// Out of the way first, then a look whether a row names it meanwhile, then gone or back: an upload that looks after
/// its row is kept finds the content, or writes it again.
async fn delete_unnamed(app: &App, paths: &[PathBuf]) -> Result<usize, AppError> {
    let mut doomed = Vec::new();
    let named = named(app, paths).await?;
    for path in paths {
        let name = name_of(path);
        if name.starts_with('.') {
            // A broken-off upload, or what an earlier sweep put aside: nothing can name it.
            restore_or_remove(app, path).await?;
        } else if !named.contains(&name) {
            let aside = path.with_file_name(format!(".{name}"));
            if tokio::fs::rename(path, &aside).await.is_ok() {
                doomed.push(aside);
            }
        }
    }
    for aside in &doomed {
        restore_or_remove(app, aside).await?;
    }
    Ok(doomed.len())
}

async fn restore_or_remove(app: &App, aside: &Path) -> Result<(), AppError> {
    let name = name_of(aside);
    let own = PathBuf::from(name.trim_start_matches('.'));
    let is_named = !named(app, std::slice::from_ref(&own)).await?.is_empty();
    let done = if is_named { tokio::fs::rename(aside, aside.with_file_name(&own)).await } else { tokio::fs::remove_file(aside).await };
    if let Err(error) = done {
        tracing::warn!(%error, file = %aside.display(), "a file could not be cleared away");
    }
    Ok(())
}

async fn named(app: &App, paths: &[PathBuf]) -> Result<Vec<String>, AppError> {
    let hashes: Vec<String> = paths.iter().map(|path| name_of(path)).collect();
    let rows = app.store.fetch(&system_upkeep::named_contents(app.store.dialect(), &hashes)).await?;
    Ok(rows.into_iter().flatten().filter_map(|datum| match datum { Datum::Text(text) => Some(text), _ => None }).collect())
}
