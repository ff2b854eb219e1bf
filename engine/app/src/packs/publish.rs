//! A publish: tables, values, rules and definitions in one transaction, or not at all.

use std::sync::Arc;

use model::{Catalog, Table, load::read_pack, places::{Place, PlaceState, Places}};
use pack::Change;
use sql::{Dialect, Statement, publish, schema, system};
use store::Tx;
use uuid::Uuid;

use super::{
    convert::{self, Filling, Lost, Tally},
    fill,
    plan::{self, Plan},
    state::{Draft, State},
};
use crate::{App, AppError, UnitError, accounts::Origin, jobs, log::{self, Entry, Event}};

/// Rows converted at a time.
const PART: u32 = 1_000;
/// Most values named that are there twice.
const REPEATED: u32 = 10;

pub(super) struct Published {
    pub lost: Vec<Lost>,
    pub job: Option<Uuid>,
}

/// What a publish does, as data: it may be run again.
pub(super) struct Publication {
    pub version: u64,
    pub grow: Vec<String>,
    pub finish: Vec<String>,
    pub fillings: Vec<Filling>,
    pub renames: Vec<Statement>,
    /// Tables with sets of fields that become unique, or whose values become others.
    pub unique: Vec<(Table, Vec<model::Ident>)>,
    pub new_places: Vec<((String, String), Place)>,
}

impl Publication {
    /// Everything from the present state to a coming catalog. `fills` says which state new places have.
    pub async fn new(app: &App, state: &State, coming: &Catalog, fills: PlaceState) -> Result<Self, AppError> {
        let dialect = app.store.dialect();
        let today = state.catalog()?;
        let known = plan::known_places(state)?;
        let fillings = convert::fillings(&known, coming)?;
        let all = plan::with_new_places(&known, coming)?;
        let mut settled = coming.clone();
        all.settle(&mut settled);
        let mut new_places = plan::first_places(&state.places, &today);
        new_places.extend(plan::first_places(&known, coming));
        new_places.extend(added(&known, &all, fills));
        let existing = app.store.existing().await?;
        let wanted = schema::desired(&settled);
        if let Some((table, column, found, wanted)) = schema::type_changes(&existing, &wanted, dialect).into_iter().next() {
            let detail = format!("the column {column} of {table} holds {found}, which nobody wrote down; the definition wants {wanted:?}: give the field a new key");
            return Err(AppError::Conflict { code: "type_change", detail, blockers: Vec::new() });
        }
        let steps = schema::plan(&existing, &wanted, dialect);
        let changes = pack::diff(&today, coming, &known);
        let (renames, unique) = (renames(dialect, &settled, &changes), becoming_unique(&settled, &changes));
        Ok(Self { version: state.version, grow: steps.grow, finish: steps.finish, fillings, renames, unique, new_places })
    }

    pub async fn execute(tx: &mut Tx, texts: &[String]) -> Result<(), UnitError> {
        for sql in texts {
            tx.execute(&Statement { sql: sql.clone(), binds: Vec::new(), columns: Vec::new() }).await?;
        }
        Ok(())
    }

    /// Everything after the values are in their places.
    pub async fn end(&self, tx: &mut Tx) -> Result<(), UnitError> {
        for (table, keys) in &self.unique {
            let fields: Vec<&model::Field> = keys.iter().filter_map(|key| table.field(key)).collect();
            let Some(statement) = publish::repeated(tx.dialect(), table, &fields, REPEATED) else { continue };
            let rows = tx.fetch(&statement).await?;
            if !rows.is_empty() {
                let names: Vec<String> = keys.iter().map(ToString::to_string).collect();
                let detail = format!("unique: {} of {}: {}", names.join(" and "), convert::name_of(table), plan::twice(&fields, rows));
                return Err(AppError::Conflict { code: "publish_refused", detail, blockers: Vec::new() }.into());
            }
        }
        Self::execute(tx, &self.finish).await?;
        for statement in &self.renames {
            tx.execute(statement).await?;
        }
        tx.fetch(&system::next_catalog_version(tx.dialect())).await?;
        Ok(())
    }

    pub async fn put_places(&self, tx: &mut Tx) -> Result<(), UnitError> {
        for ((table, field), place) in &self.new_places {
            tx.execute(&publish::put_place(tx.dialect(), table, field, place)).await?;
        }
        Ok(())
    }
}

/// Places that the one has and the other has not.
fn added(known: &Places, all: &Places, state: PlaceState) -> Vec<((String, String), Place)> {
    let of = |key: &(String, String), places: &[Place]| {
        let old = known.0.get(key).map_or(0, Vec::len);
        places.iter().skip(old).map(|place| (key.clone(), Place { state, ..place.clone() })).collect::<Vec<_>>()
    };
    all.0.iter().flat_map(|(key, places)| of(key, places)).collect()
}

fn renames(dialect: Dialect, coming: &Catalog, changes: &[Change]) -> Vec<Statement> {
    let mut statements = Vec::new();
    for change in changes {
        match change {
            Change::RenamedCard { from, to } => statements.extend(publish::rename_card(dialect, coming, from.as_str(), to.as_str())),
            Change::RenamedField { from, to } => {
                let old = from.split_once('.').map_or(from.as_str(), |(_, field)| field);
                let new = to.child.as_ref().map_or_else(|| to.field.to_string(), |child| format!("{child}.{}", to.field));
                statements.push(publish::rename_field(dialect, to.card.as_str(), old, &new));
            }
            _ => {}
        }
    }
    statements
}

fn becoming_unique(coming: &Catalog, changes: &[Change]) -> Vec<(Table, Vec<model::Ident>)> {
    let mut found = Vec::new();
    let mut add = |card: &model::Ident, child: Option<&model::Ident>, wanted: &dyn Fn(&[model::Ident]) -> bool| {
        let Some(card) = coming.card(card) else { return };
        let Some(table) = card.table_of(child) else { return };
        let sets = if child.is_none() { &card.unique } else { &table.unique };
        found.extend(sets.iter().filter(|set| wanted(set)).map(|set| (table.clone(), set.clone())));
    };
    for change in changes {
        match change {
            Change::Unique { card, child, fields } => add(card, child.as_ref(), &|set| set == fields.as_slice()),
            Change::Retyped { at, .. } => add(&at.card, at.child.as_ref(), &|set| set.contains(&at.field)),
            _ => {}
        }
    }
    found
}

/// Another publish must not be under way; one whose job is dead is given up.
pub(super) async fn none_is_under_way(app: &App, state: &State) -> Result<(), AppError> {
    if state.waiting.is_empty() {
        return Ok(());
    }
    let job = app.store.fetch(&publish::converting_job(app.store.dialect(), fill::KIND)).await?.into_iter().flatten().next();
    match job.and_then(|id| sql::encode::id(&id)) {
        Some(id) => Err(AppError::Conflict { code: "publishing", detail: format!("values are being converted for another publish (job {id}); wait for it, or cancel it"), blockers: Vec::new() }),
        None => {
            fill::give_up(app).await?;
            Err(AppError::Outdated)
        }
    }
}

/// Publishes: at once, or, where large tables are to be converted, by a job that it enqueues.
pub(super) async fn publish(app: &Arc<App>, draft: &Draft, coming: &Catalog, plan: &Plan) -> Result<Published, AppError> {
    let fills = if plan.by_job { PlaceState::Filling } else { PlaceState::Live };
    let work = Arc::new((Publication::new(app, &draft.state, coming, fills).await?, draft.new.clone(), plan.by_job));
    let (secrets, entry) = (app.secrets.clone(), told(&draft.new));
    let done = app.store.write_alone(move |tx: &mut Tx| {
        let (work, secrets, entry) = (work.clone(), secrets.clone(), entry.clone());
        Box::pin(async move {
            let (publication, new, by_job) = &*work;
            if u64::try_from(tx.counts().await?.version).unwrap_or(0) != publication.version {
                return Err(UnitError::from(AppError::Outdated));
            }
            Publication::execute(tx, &publication.grow).await?;
            publication.put_places(tx).await?;
            if let Some(entry) = &entry {
                log::append(tx, &secrets, entry).await?;
            }
            if *by_job { begin_filling(tx, new).await } else { at_once(tx, publication, new).await }
        })
    });
    done.await.map_err(|error| error.error)
}

/// A line of the log: which packs, in which version. Tables that an engine makes anew of the same definitions are none.
fn told(new: &[model::load::Files]) -> Option<Entry> {
    let packs: Vec<serde_json::Value> = new.iter().filter_map(|files| read_pack(files.clone()).0.manifest).map(|pack| format!("{} {}", pack.id, pack.version).into()).collect();
    (!packs.is_empty()).then(|| Entry::new(Event::PacksInstalled, &Origin::command_line()).about("packs", packs))
}

async fn at_once(tx: &mut Tx, publication: &Publication, new: &[model::load::Files]) -> Result<Published, UnitError> {
    let mut tally = Tally::default();
    for filling in &publication.fillings {
        let mut after = None;
        loop {
            (after, _) = convert::fill_part(tx, filling, after, PART, &mut tally).await?;
            if after.is_none() {
                break;
            }
        }
    }
    for (pack, files) in by_pack(new) {
        tx.execute(&system::clear_definitions(tx.dialect(), &pack)).await?;
        for (path, content) in files {
            tx.execute(&system::put_definition(tx.dialect(), &pack, path, content.clone())).await?;
        }
    }
    publication.end(tx).await?;
    Ok(Published { lost: tally.list(), job: None })
}

async fn begin_filling(tx: &mut Tx, new: &[model::load::Files]) -> Result<Published, UnitError> {
    for (pack, files) in by_pack(new) {
        for (path, content) in files {
            tx.execute(&publish::put_waiting(tx.dialect(), &pack, path, content.clone())).await?;
        }
    }
    let job = jobs::NewJob { unique_key: Some(fill::KIND.to_owned()), ..jobs::NewJob::new(fill::KIND, serde_json::Value::Null) };
    let job = jobs::enqueue_in(tx, job).await?;
    // Everybody writes to both places from now on.
    tx.fetch(&system::next_catalog_version(tx.dialect())).await?;
    Ok(Published { lost: Vec::new(), job: Some(job) })
}

fn by_pack(new: &[model::load::Files]) -> Vec<(String, &model::load::Files)> {
    new.iter().map(|files| (read_pack(files.clone()).0.id().to_owned(), files)).collect()
}
