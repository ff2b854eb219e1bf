//! Packs: checked, planned, applied, swapped.

use std::sync::Arc;

use model::{Diagnostic, build, load::{Files, PackSource, has_errors, read_pack}};
use sql::{Datum, schema, system};
use store::{Store, Tx};

use crate::{App, AppError, UnitError};

/// What installing packs did, or why it did not.
#[derive(Debug)]
pub struct Installed {
    /// Findings, errors and warnings.
    pub findings: Vec<Diagnostic>,
    /// Statements that changed tables.
    pub steps: Vec<String>,
}

/// The packs a site has, and the count of its publishes.
pub(crate) async fn installed(store: &Store) -> Result<(Vec<PackSource>, u64), AppError> {
    let mut packs: indexmap::IndexMap<String, Files> = indexmap::IndexMap::new();
    for row in store.fetch(&system::definitions(store.dialect())).await? {
        if let Ok([Datum::Text(pack), Datum::Text(path), Datum::Bytes(content)]) = <[Datum; 3]>::try_from(row) {
            packs.entry(pack).or_default().insert(path, content);
        }
    }
    let version = store.fetch(&system::catalog_version(store.dialect())).await?.into_iter().flatten().next();
    let version = match version {
        Some(Datum::Integer(version)) => u64::try_from(version).unwrap_or(0),
        _ => 0,
    };
    Ok((packs.into_values().map(|files| read_pack(files).0).collect(), version))
}

/// Checks packs together with those a site has. Findings of the site's own packs count too: they must fit together.
pub async fn check(app: &App, new: Vec<Files>) -> Result<(Vec<PackSource>, Vec<Diagnostic>), AppError> {
    let (mut packs, _) = installed(&app.store).await?;
    let mut findings = Vec::new();
    for files in new {
        let (source, found) = read_pack(files);
        findings.extend(found);
        packs.retain(|pack| pack.id() != source.id());
        packs.push(source);
    }
    let (catalog, found) = build::build(&packs, 0);
    findings.extend(found);
    findings.extend(catalog.iter().flat_map(|catalog| crate::formulas::check(catalog, &packs)));
    Ok((packs, findings))
}

/// Installs packs, or upgrades them: diff, plan, apply, swap. Nothing is dropped; what is gone is retired.
pub async fn install(app: &Arc<App>, new: Vec<Files>) -> Result<Installed, AppError> {
    let ids: Vec<Files> = new.clone();
    let (packs, findings) = check(app, new).await?;
    if has_errors(&findings) {
        return Ok(Installed { findings, steps: Vec::new() });
    }
    let (catalog, _) = build::build(&packs, app.snapshot().catalog.version + 1);
    let Some(catalog) = catalog else { return Ok(Installed { findings, steps: Vec::new() }) };
    let dialect = app.store.dialect();
    let existing = app.store.existing().await?;
    let wanted = schema::desired(&catalog);
    if let Some((table, column, found, wanted)) = schema::type_changes(&existing, &wanted, dialect).into_iter().next() {
        let detail = format!("the column {column} of {table} holds {found}, the definition wants {wanted:?}; give the field a new key and convert its values");
        return Err(AppError::Conflict { code: "type_change", detail, blockers: Vec::new() });
    }
    let steps = schema::plan(&existing, &wanted, dialect);
    let mut statements: Vec<sql::Statement> = steps.iter().map(|sql| sql::Statement { sql: sql.clone(), binds: Vec::new(), columns: Vec::new() }).collect();
    for files in ids {
        let id = read_pack(files.clone()).0.id().to_owned();
        statements.push(system::clear_definitions(dialect, &id));
        statements.extend(files.into_iter().map(|(path, content)| system::put_definition(dialect, &id, &path, content)));
    }
    let statements = Arc::new(statements);
    app.store
        .write(move |tx: &mut Tx| {
            let statements = statements.clone();
            Box::pin(async move {
                for statement in statements.iter() {
                    tx.execute(statement).await?;
                }
                tx.fetch(&system::next_catalog_version(tx.dialect())).await?;
                Ok::<(), UnitError>(())
            })
        })
        .await
        .map_err(|error| error.error)?;
    app.reload().await?;
    crate::search::settle(app).await?;
    crate::duplicates::ask_to_build(app).await?;
    Ok(Installed { findings, steps })
}

/// The records that come with a pack: `data/*.json`, by stable key, written by the one save path.
pub async fn load_data(app: &Arc<App>, files: &Files, now: chrono::DateTime<chrono::Utc>) -> Result<usize, AppError> {
    let actor = access::Actor::system(access::Reason::PackData, now);
    let mut count = 0;
    for (path, content) in files.iter().filter(|(path, _)| path.starts_with("data/") && path.ends_with(".json")) {
        let data: serde_json::Value = serde_json::from_slice(content).map_err(|error| AppError::malformed("bad_data", format!("{path}: {error}")))?;
        let card = data.get("card").and_then(serde_json::Value::as_str).unwrap_or_default().to_owned();
        let key = data.get("key").and_then(serde_json::Value::as_str).unwrap_or_default().to_owned();
        for record in data.get("records").and_then(serde_json::Value::as_array).into_iter().flatten() {
            let Some(record) = record.as_object() else { continue };
            if exists(app, &actor, &card, &key, record).await? {
                continue;
            }
            crate::records::save::create(app, &actor, &card, record.clone(), &crate::records::save::Options::default()).await.map_err(|error| match error {
                AppError::Rejected(rejected) => AppError::malformed("bad_data", format!("{path}: {rejected}")),
                other => other,
            })?;
            count += 1;
        }
    }
    Ok(count)
}

async fn exists(app: &App, actor: &access::Actor, card: &str, key: &str, record: &serde_json::Map<String, serde_json::Value>) -> Result<bool, AppError> {
    let Some(value) = record.get(key) else { return Ok(false) };
    let request = query::ListRequest { filter: Some(serde_json::json!({"field": key, "op": "is", "value": value})), limit: Some(1), fields: Some(vec!["id".into()]), ..query::ListRequest::default() };
    let snapshot = app.snapshot();
    let gated = crate::lists::ask(&snapshot, actor, card, &request)?;
    let lowered = sql::page::list(&snapshot.catalog, app.store.dialect(), &gated);
    Ok(!app.store.fetch(&lowered.statement).await?.is_empty())
}
