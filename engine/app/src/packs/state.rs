//! What a site has: definitions, places of its fields, and definitions that wait for their values.

use std::sync::Arc;

use indexmap::IndexMap;
use model::{
    Catalog, Diagnostic, Ident, build,
    build::local::{Local, LocalGrant, LocalGroup, LocalRight},
    load::{Files, PackSource, has_errors, read_pack},
    places::{Place, PlaceState, Places},
};
use sql::{Datum, Statement, publish, system, system_rights};
use store::{Store, StoreError, Tx};

use crate::{App, AppError};

/// Everything a catalog is made of, as it stood at one instant.
pub(crate) struct State {
    pub packs: Vec<PackSource>,
    pub version: u64,
    pub places: Places,
    pub waiting: Vec<Files>,
    /// What administrators added to the rights of packs.
    pub local: Local,
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
                let local = local(tx).await?;
                let packs = packs.into_iter().map(|files| read_pack(files).0).collect();
                Ok::<Self, StoreError>(Self { packs, version, places, waiting, local })
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
        build::local::apply(&mut catalog, &self.local);
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

/// Groups, grants and guards that administrators made. What cannot be read is left out: it gives nothing to anybody, but
/// for a guard, which then lets nothing through.
async fn local(tx: &mut Tx) -> Result<Local, StoreError> {
    let dialect = tx.dialect();
    let words = |datum: &Datum| match datum {
        Datum::Text(text) => serde_json::from_str(text).unwrap_or_default(),
        _ => Default::default(),
    };
    let text = |datum: &Datum| if let Datum::Text(text) = datum { Some(text.clone()) } else { None };
    let group = |row: Vec<Datum>| Some(LocalGroup { key: Ident::new(&text(row.first()?)?).ok()?, labels: words(row.get(1)?), help: words(row.get(2)?) });
    let groups = tx.fetch(&system_rights::groups(dialect)).await?.into_iter().filter_map(group).collect();
    let grant = |row: Vec<Datum>| {
        let [Datum::Uuid(id), Datum::Text(card), role, replaces, Datum::Text(says)] = <[Datum; 5]>::try_from(row).ok()? else { return None };
        let role = match text(&role) {
            Some(role) => Some(Ident::new(&role).ok()?),
            None => None,
        };
        let says = match serde_json::from_str(&says) {
            Ok(says) => says,
            Err(_) if role.is_none() => LocalRight { scope: model::def::ScopeDef::Filter(serde_json::from_value(serde_json::json!({"any": []})).ok()?), ..LocalRight::default() },
            Err(_) => return None,
        };
        Some(LocalGrant { id: id.to_string(), card, role, replaces: text(&replaces), says })
    };
    let grants = tx.fetch(&system_rights::grants(dialect)).await?.into_iter().filter_map(grant).collect();
    Ok(Local { groups, grants })
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
