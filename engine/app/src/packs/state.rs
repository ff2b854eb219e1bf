//! What a site has: definitions, places of its fields, and definitions that wait for their values.

use std::sync::Arc;

use indexmap::IndexMap;
use model::{
    Catalog, Diagnostic, build,
    load::{Files, PackSource, has_errors, read_pack},
    places::{Place, PlaceState, Places},
};
use sql::{Datum, Statement, publish, system};
use store::{Store, StoreError, Tx};

use crate::{App, AppError};

/// Everything a catalog is made of, as it stood at one instant.
pub(crate) struct State {
    pub packs: Vec<PackSource>,
    pub version: u64,
    pub places: Places,
    pub waiting: Vec<Files>,
}

impl State {
    /// Reads it all on one state of the database: definitions of one publish with the version of another would never be
    /// read again.
    pub async fn read(store: &Store) -> Result<Self, AppError> {
        let read = store.look(|tx: &mut Tx| {
            Box::pin(async move {
                let dialect = tx.dialect();
                let packs = files(tx, &system::definitions(dialect)).await?;
                let waiting = files(tx, &publish::waiting(dialect)).await?;
                let version = u64::try_from(tx.counts().await?.version).unwrap_or(0);
                let places = places(tx.fetch(&publish::places(dialect)).await?);
                let packs = packs.into_iter().map(|files| read_pack(files).0).collect();
                Ok::<Self, StoreError>(Self { packs, version, places, waiting })
            })
        });
        Ok(read.await?)
    }

    /// The catalog that holds.
    pub fn catalog(&self) -> Result<Catalog, AppError> {
        let mut catalog = built(&self.packs, self.version)?;
        self.places.settle(&mut catalog);
        if let Some(coming) = self.coming()? {
            self.places.prepare(&mut catalog, &coming);
        }
        Ok(catalog)
    }

    /// The catalog whose values are being converted, if there is one.
    pub fn coming(&self) -> Result<Option<Catalog>, AppError> {
        if self.waiting.is_empty() {
            return Ok(None);
        }
        let mut packs = self.packs.clone();
        for files in &self.waiting {
            put(&mut packs, read_pack(files.clone()).0);
        }
        let mut coming = built(&packs, self.version + 1)?;
        self.places.settle(&mut coming);
        Ok(Some(coming))
    }
}

fn put(packs: &mut Vec<PackSource>, pack: PackSource) {
    match packs.iter_mut().find(|known| known.id() == pack.id()) {
        Some(known) => *known = pack,
        None => packs.push(pack),
    }
}

fn built(packs: &[PackSource], version: u64) -> Result<Catalog, AppError> {
    let (catalog, findings) = build::build(packs, version);
    catalog.ok_or_else(|| AppError::Internal(findings.iter().map(|finding| finding.render(None)).collect::<Vec<_>>().join("\n")))
}

async fn files(tx: &mut Tx, statement: &Statement) -> Result<Vec<Files>, StoreError> {
    let mut packs: IndexMap<String, Files> = IndexMap::new();
    for row in tx.fetch(statement).await? {
        if let Ok([Datum::Text(pack), Datum::Text(path), Datum::Bytes(content)]) = <[Datum; 3]>::try_from(row) {
            packs.entry(pack).or_default().insert(path, content);
        }
    }
    Ok(packs.into_values().collect())
}

fn places(rows: Vec<Vec<Datum>>) -> Places {
    let mut places = Places::default();
    for row in rows {
        let Ok([Datum::Text(table), Datum::Text(field), Datum::Integer(n), Datum::Text(shape), Datum::Text(name), Datum::Text(state)]) = <[Datum; 6]>::try_from(row) else { continue };
        let Some(state) = PlaceState::read(&state) else { continue };
        places.0.entry((table, field)).or_default().push(Place { n, shape, name, state });
    }
    places
}

/// Packs about to be installed, checked together with those a site has.
pub(super) struct Draft {
    pub state: State,
    pub new: Vec<Files>,
    pub findings: Vec<Diagnostic>,
    /// What the site's catalog would be, its fields not yet told where they are; nothing if there are mistakes.
    pub coming: Option<Catalog>,
}

impl Draft {
    pub async fn new(app: &Arc<App>, new: Vec<Files>) -> Result<Self, AppError> {
        let state = State::read(&app.store).await?;
        let mut packs = state.packs.clone();
        let mut findings = Vec::new();
        for files in &new {
            let (source, found) = read_pack(files.clone());
            findings.extend(found);
            put(&mut packs, source);
        }
        let (coming, found) = build::build(&packs, state.version + 1);
        findings.extend(found);
        findings.extend(coming.iter().flat_map(|catalog| crate::formulas::check(catalog, &packs)));
        let coming = coming.filter(|_| !has_errors(&findings));
        Ok(Self { state, new, findings, coming })
    }
}

/// Checks packs together with those a site has. Findings of the site's own packs count too: they must fit together.
pub async fn check(app: &Arc<App>, new: Vec<Files>) -> Result<Vec<Diagnostic>, AppError> {
    Ok(Draft::new(app, new).await?.findings)
}
