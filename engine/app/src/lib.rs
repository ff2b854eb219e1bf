//! Use cases: looking up, allowing, reading, deriving, validating, storing, telling, in that order.
//!
//! **Invariants**
//! - Every read goes through the gate, every write through [`records::save`] or [`records::remove`]: there is no
//!   second way.
//! - A request sees one snapshot of the catalog.
//!
//! **Not here:** HTTP (`web`), SQL (`sql`), what definitions mean (`model`).

pub mod accounts;
pub mod advice;
pub mod batches;
mod bindings;
pub mod bulk;
pub mod demo;
pub mod derived;
pub mod duplicates;
mod error;
pub mod exports;
pub mod files;
pub mod flows;
pub mod folders;
pub mod formulas;
pub mod imports;
pub mod jobs;
pub mod lists;
pub mod log;
pub mod merge;
pub mod notify;
pub mod outbound;
pub mod outgoing;
pub mod packs;
pub mod pool;
pub mod records;
pub mod remembered;
pub mod schedules;
pub mod rights;
pub mod scripts;
pub mod search;
pub mod secrets;
pub mod settings;
mod snapshot;
mod spread;
pub mod titles;
pub mod upkeep;
pub mod views;

use std::{path::PathBuf, sync::Arc};

use access::Actor;
use arc_swap::ArcSwap;
use sql::{Datum, Dialect, Statement, builder::Sums, select::Lowered, system};
use store::{Store, StoreError, Target, Tx};
use uuid::Uuid;

pub use error::{AppError, Blocker, Stale, StaleField};
pub use settings::Settings;
pub use snapshot::Snapshot;

/// A running site.
pub struct App {
    /// The database.
    pub store: Store,
    /// Where files are kept.
    pub folder: PathBuf,
    /// The site's own key.
    pub secrets: secrets::Secrets,
    /// This site's own id, part of every change.
    pub site: String,
    snapshot: ArcSwap<Snapshot>,
    settings: ArcSwap<Settings>,
    noticed: advice::Noticed,
    remembered: remembered::Remembered,
    marks: derived::Marks,
    plans: lists::plan::Plans,
    /// Held while definitions are read anew: once is enough, however many want it.
    reading: tokio::sync::Mutex<()>,
}

impl App {
    /// Opens a site: its database, and the catalog of what is installed there.
    pub async fn open(folder: PathBuf, database: Option<String>) -> Result<Arc<Self>, AppError> {
        std::fs::create_dir_all(folder.join("files")).map_err(|error| AppError::Unavailable { detail: format!("{}: {error}", folder.display()) })?;
        let target = match database {
            Some(url) if url.starts_with("postgres://") || url.starts_with("postgresql://") => Target::Postgres { url },
            Some(other) => return Err(AppError::malformed("bad_database", format!("`{other}` is no postgres:// address"))),
            None => Target::Sqlite { path: folder.join("site.db") },
        };
        let store = Store::open(&target).await?;
        let secrets = secrets::Secrets::open(&folder)?;
        let site = site_id(&store).await?;
        let app = Arc::new(Self { store, folder, secrets, site, snapshot: ArcSwap::from_pointee(Snapshot::default()), settings: ArcSwap::default(), noticed: advice::Noticed::default(), remembered: remembered::Remembered::default(), marks: derived::Marks::default(), plans: lists::plan::Plans::default(), reading: tokio::sync::Mutex::default() });
        app.reload().await?;
        Ok(app)
    }

    /// The definitions as they are now; a request keeps one snapshot from begin to end.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.snapshot.load_full()
    }

    /// The site's settings as they are now.
    pub fn settings(&self) -> Arc<Settings> {
        self.settings.load_full()
    }

    /// Reads the installed packs and the settings again and swaps the snapshot.
    pub async fn reload(&self) -> Result<(), AppError> {
        let _held = self.reading.lock().await;
        self.read_definitions().await
    }

    async fn read_definitions(&self) -> Result<(), AppError> {
        self.settings.store(Arc::new(settings::read(&self.store).await?));
        let catalog = packs::State::read(&self.store).await?.catalog()?;
        self.snapshot.store(Arc::new(Snapshot::new(catalog).in_zone(self.settings().zone)));
        Ok(())
    }

    /// Reloads if another node published meanwhile.
    pub async fn refresh(&self) -> Result<(), AppError> {
        self.refresh_to(self.store.counts().await?.version).await
    }

    /// Reloads if another node published meanwhile, as somebody found who just read which version holds.
    pub(crate) async fn refresh_to(&self, version: i64) -> Result<(), AppError> {
        if self.is_present(version) {
            return Ok(());
        }
        let _held = self.reading.lock().await;
        // Whoever held it before may have read them already.
        if self.is_present(self.store.counts().await?.version) { Ok(()) } else { self.read_definitions().await }
    }

    fn is_present(&self, version: i64) -> bool {
        u64::try_from(version).unwrap_or(0) == self.snapshot().catalog.version
    }

    /// Does what writes by definitions; again by newer ones, if somebody published meanwhile. Who was only presumed to
    /// be as remembered is not tried again: whoever presumed it reads them anew.
    pub(crate) async fn by_present_definitions<T, F>(&self, actor: &Actor, mut attempt: impl FnMut() -> F) -> Result<T, AppError>
    where
        F: Future<Output = Result<T, AppError>>,
    {
        if actor.known_at.is_some() {
            return attempt().await;
        }
        for _ in 0..5 {
            match attempt().await {
                Err(AppError::Outdated) => self.refresh().await?,
                result => return result,
            }
        }
        Err(AppError::Outdated)
    }
}

/// A unit of work begins with this: the definitions it was prepared by still hold, and hold until its end; and who acts
/// is who they were remembered to be.
pub(crate) async fn still_present(tx: &mut Tx, snapshot: &Snapshot, actor: &Actor) -> Result<(), UnitError> {
    if actor.viewed_by.is_some() {
        return Err(AppError::forbidden("you look at the site as somebody else; nothing is changed that way").into());
    }
    let counts = tx.counts().await?;
    let defined = u64::try_from(counts.version).unwrap_or(0) == snapshot.catalog.version;
    let known = actor.known_at.is_none_or(|known_at| known_at == counts.number());
    if defined && known { Ok(()) } else { Err(AppError::Outdated.into()) }
}

async fn site_id(store: &Store) -> Result<String, AppError> {
    let dialect = store.dialect();
    if let Some(Datum::Text(site)) = store.fetch(&system::site(dialect, "site")).await?.into_iter().flatten().next() {
        return Ok(site);
    }
    let site = Uuid::now_v7().simple().to_string();
    let kept = system::put_site(dialect, "site", &site);
    run(store, vec![kept]).await?;
    Ok(site)
}

/// Runs statements of the engine's own tables in one transaction.
pub(crate) async fn run(store: &Store, statements: Vec<Statement>) -> Result<(), AppError> {
    store
        .write(move |tx: &mut Tx| {
            let statements = statements.clone();
            Box::pin(async move {
                for statement in &statements {
                    tx.execute(statement).await?;
                }
                Ok::<(), AppError>(())
            })
        })
        .await
}

/// The same for statements that change what is remembered of one user alone: how they like things.
pub(crate) async fn run_on_person(store: &Store, user: Uuid, statements: Vec<Statement>) -> Result<(), AppError> {
    store
        .write(move |tx: &mut Tx| {
            let statements = statements.clone();
            Box::pin(async move {
                let mut changed = 0;
                for statement in &statements {
                    changed += tx.execute(statement).await?;
                }
                if changed > 0 {
                    tx.change_rights_of(user);
                }
                Ok::<(), AppError>(())
            })
        })
        .await
}

/// Where statements are run: on a snapshot of the database, or inside a unit of work.
pub enum Source<'a> {
    /// Outside of transactions.
    App(&'a App),
    /// Inside one, seeing its own changes.
    Tx(&'a mut Tx),
}

impl Source<'_> {
    /// Runs a reading statement.
    pub async fn fetch(&mut self, statement: &Statement) -> Result<Vec<Vec<Datum>>, StoreError> {
        match self {
            Self::App(app) => app.store.fetch(statement).await,
            Self::Tx(tx) => tx.fetch(statement).await,
        }
    }
    /// Runs a statement with sums: as the database sums, and another way where it cannot.
    pub async fn fetch_sums(&mut self, lower: impl Fn(Sums) -> Lowered) -> Result<(Lowered, Vec<Vec<Datum>>), StoreError> {
        let plain = lower(Sums::Plain);
        match self.fetch(&plain.statement).await {
            Ok(rows) => Ok((plain, rows)),
            Err(StoreError::Overflow { .. }) => {
                let halves = lower(Sums::Halves);
                let rows = self.fetch(&halves.statement).await?;
                Ok((halves, rows))
            }
            Err(error) => Err(error),
        }
    }
    /// How often definitions were published and rights changed.
    pub async fn counts(&mut self) -> Result<sql::Counts, StoreError> {
        match self {
            Self::App(app) => app.store.counts().await,
            Self::Tx(tx) => tx.counts().await,
        }
    }
    /// Which words statements must be written in.
    pub fn dialect(&self) -> Dialect {
        match self {
            Self::App(app) => app.store.dialect(),
            Self::Tx(tx) => tx.dialect(),
        }
    }
}

impl From<StoreError> for AppError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable { detail } | StoreError::Busy { detail } | StoreError::Lost { detail } => Self::Unavailable { detail },
            StoreError::Unique { constraint } => Self::Conflict { code: "unique", detail: format!("another record has the same values ({constraint})"), blockers: Vec::new() },
            StoreError::ForeignKey { .. } => Self::Conflict { code: "linked", detail: "something linked is gone, or still linked".into(), blockers: Vec::new() },
            StoreError::Text { .. } => Self::malformed("bad_text", "a text holds the character NUL, which no text can hold"),
            StoreError::Unexpected { detail } | StoreError::Overflow { detail } => Self::Internal(detail),
        }
    }
}

/// An error of a unit of work, with the database's part kept for trying again.
#[derive(Debug)]
pub struct UnitError {
    /// As the use case tells it.
    pub error: AppError,
    /// As the database told it.
    pub store: Option<StoreError>,
}

impl From<StoreError> for UnitError {
    fn from(error: StoreError) -> Self {
        Self { error: error.clone().into(), store: Some(error) }
    }
}
impl From<AppError> for UnitError {
    fn from(error: AppError) -> Self {
        Self { error, store: None }
    }
}
impl store::Failure for UnitError {
    fn store(&self) -> Option<&StoreError> {
        self.store.as_ref()
    }
}
impl store::Failure for AppError {
    fn store(&self) -> Option<&StoreError> {
        None
    }
}

impl From<UnitError> for AppError {
    fn from(error: UnitError) -> Self {
        error.error
    }
}

impl From<access::Denied> for AppError {
    fn from(denied: access::Denied) -> Self {
        match denied {
            access::Denied::Hidden => Self::not_found("card"),
            other => Self::forbidden(other.to_string()),
        }
    }
}
impl From<query::QueryError> for AppError {
    fn from(error: query::QueryError) -> Self {
        Self::Malformed { code: error.code, detail: error.detail }
    }
}
