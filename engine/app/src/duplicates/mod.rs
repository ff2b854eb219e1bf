//! Records that look alike: told while saving, found later, said not to be the same.
//!
//! **Invariants**
//! - What a record looks like is kept in the transaction that stores it, so that asking is one look into an index.
//! - Candidates are named only as far as the reader may see them; of the others only how many there are.
//!
//! **Not here:** making one of two (`merge`).

mod keys;

use std::{collections::HashSet, sync::Arc};

use access::{Actor, Reason};
use chrono::Utc;
use model::{ActionName, Card, Catalog, Code, DuplicateAction, Record, Value, Violation};
use query::ListRequest;
use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};
use sql::{Datum, select, system, system_likeness as kept};
use store::Tx;
use uuid::Uuid;

use crate::{
    App, AppError, Snapshot, UnitError,
    jobs::{self, Context, JobError, NewJob},
    lists, run,
};

/// Most candidates that are told.
const TOLD: usize = 5;
/// Records looked at in one unit of work while building.
const EACH: u32 = 500;
/// Most records of one group that are shown.
pub const MOST_ALIKE: u32 = 50;

/// Keeps what a record looks like from now on.
pub(crate) async fn keep(tx: &mut Tx, card: &Card, stored: Option<&Record>, record: &Record) -> Result<(), UnitError> {
    for rule in 0..card.duplicates.len() {
        let before = stored.and_then(|stored| keys::key(card, rule, &stored.values));
        let after = keys::key(card, rule, &record.values);
        if before == after && stored.is_some() {
            continue;
        }
        let statement = match (after, before) {
            (Some(key), _) => kept::put(tx.dialect(), card.key.as_str(), rule, record.id, key),
            (None, Some(_)) => kept::forget(tx.dialect(), card.key.as_str(), rule, record.id),
            (None, None) => continue,
        };
        tx.put(statement).await?;
    }
    Ok(())
}

/// Look-alikes of a record that is about to be saved, as violations: warnings, or refusals where the rule says so or
/// where a person is to decide first.
pub(crate) async fn check(tx: &mut Tx, catalog: &Catalog, actor: &Actor, card: &Arc<Card>, stored: Option<&Record>, record: &Record, ask: Option<&[Uuid]>) -> Result<Vec<Violation>, UnitError> {
    let mut found = Vec::new();
    for (rule, def) in card.duplicates.iter().enumerate() {
        let Some(key) = keys::key(card, rule, &record.values) else { continue };
        if stored.is_some_and(|stored| keys::key(card, rule, &stored.values).as_ref() == Some(&key)) {
            continue;
        }
        let refuses = def.action == DuplicateAction::Refuse;
        if let Some(hold) = kept::hold_key(tx.dialect(), &key).filter(|_| refuses) {
            tx.fetch(&hold).await?;
        }
        let rows = tx.fetch(&kept::like(catalog, tx.dialect(), card, rule, key, record.id, 100)).await?;
        let like: Vec<Uuid> = rows.iter().filter_map(|row| row.first().and_then(sql::encode::id)).collect();
        if like.is_empty() {
            continue;
        }
        let seen = visible(tx, catalog, actor, card, &like).await?;
        let named: Vec<String> = like.iter().filter(|id| seen.contains(id)).take(TOLD).map(Uuid::to_string).collect();
        let field = def.fields.first().map_or("", model::Ident::as_str);
        let violation = Violation::new(field, Code::Duplicate).with("records", named.join(",")).with("count", like.len()).with("rule", rule);
        // Asked once: whoever has seen them goes on.
        let known = |accepted: &[Uuid]| like.iter().take(TOLD).all(|id| accepted.contains(&if seen.contains(id) { *id } else { Uuid::nil() }));
        let asks = ask.is_some_and(|accepted| !known(accepted));
        found.push(Violation { warning: !refuses && !asks, ..violation });
    }
    Ok(found)
}

async fn visible(tx: &mut Tx, catalog: &Catalog, actor: &Actor, card: &Arc<Card>, ids: &[Uuid]) -> Result<HashSet<Uuid>, UnitError> {
    let Ok(gate) = access::gate(catalog, actor, card, ActionName::Read) else { return Ok(HashSet::new()) };
    let rows = gate.rows();
    if rows.is_always() {
        return Ok(ids.iter().copied().collect());
    }
    let lowered = select::matching(catalog, tx.dialect(), &card.table.reference(), ids, &rows);
    let found = tx.fetch(&lowered.statement).await?;
    Ok(found.iter().filter_map(|row| row.first().and_then(sql::encode::id)).collect())
}

/// Whether a rule of a card refuses what this violation tells of.
pub fn refuses(card: &Card, violation: &Violation) -> bool {
    let rule = violation.args.iter().find(|(key, _)| *key == "rule").and_then(|(_, rule)| rule.parse::<usize>().ok());
    violation.code == Code::Duplicate && rule.and_then(|rule| card.duplicates.get(rule)).is_some_and(|rule| rule.action == DuplicateAction::Refuse)
}

/// The records a violation tells of, and how many there are in all.
pub fn candidates(violation: &Violation) -> Option<(Vec<Uuid>, usize)> {
    let arg = |name: &str| violation.args.iter().find(|(key, _)| *key == name).map(|(_, value)| value.as_str());
    if violation.code != Code::Duplicate {
        return None;
    }
    let ids = arg("records")?.split(',').filter_map(|id| Uuid::try_parse(id).ok()).collect();
    Some((ids, arg("count")?.parse().ok()?))
}

/// A group of records that look alike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// What they share; opaque.
    pub key: String,
    /// The records, the oldest first.
    pub records: Vec<Uuid>,
}

/// Groups of look-alikes by one rule, as far as the actor may see them; and where the next ones begin.
pub async fn groups(app: &App, snapshot: &Snapshot, actor: &Actor, card: &str, rule: usize, after: Option<&str>, limit: usize) -> Result<(Vec<Group>, Option<String>), AppError> {
    let (catalog, dialect) = (&snapshot.catalog, app.store.dialect());
    let card = snapshot.card(card)?;
    access::gate(catalog, actor, card, ActionName::Read)?;
    let def = card.duplicates.get(rule).ok_or_else(|| AppError::not_found("rule"))?;
    let table = card.table.reference();
    let paths: Vec<model::Path> = def.fields.iter().map(|key| model::Path::own(table.clone(), key.clone())).collect();
    // Who may not read what is compared does not learn that it is the same.
    if !paths.iter().all(|path| access::may_name(catalog, actor, path)) {
        return Err(AppError::forbidden("you may not read every field that is compared"));
    }
    let tables = access::tables(catalog, actor, std::slice::from_ref(&card.key), &[])?;
    let mut at = after.map(bytes_of).transpose()?;
    let mut groups: Vec<Group> = Vec::new();
    loop {
        let rows = app.store.fetch(&kept::shared_keys(dialect, card.key.as_str(), rule, at.clone(), 50)).await?;
        let keys: Vec<Vec<u8>> = rows.into_iter().flatten().filter_map(|datum| match datum { Datum::Bytes(key) => Some(key), _ => None }).collect();
        let Some(last) = keys.last().cloned() else { return Ok((groups, None)) };
        let rows = app.store.fetch(&kept::sharing(catalog, dialect, &tables, card, rule, &keys, 50 * MOST_ALIKE)).await?;
        let mut by_key: indexmap::IndexMap<Vec<u8>, Vec<Uuid>> = indexmap::IndexMap::new();
        for row in rows {
            if let Ok([Datum::Bytes(key), Datum::Uuid(record)]) = <[Datum; 2]>::try_from(row) {
                by_key.entry(key).or_default().push(record);
            }
        }
        for (key, records) in by_key.into_iter().filter(|(_, records)| records.len() > 1) {
            if !is_settled(app, catalog, &records).await? {
                groups.push(Group { key: hex(&key), records });
            }
            if groups.len() == limit {
                let next = groups.last().map(|group| group.key.clone());
                return Ok((groups, next));
            }
        }
        at = Some(last);
    }
}

/// Whether of every pair somebody said that they are not the same.
async fn is_settled(app: &App, catalog: &Catalog, records: &[Uuid]) -> Result<bool, AppError> {
    let pairs = records.len() * (records.len() - 1) / 2;
    Ok(app.store.fetch(&kept::unlike(catalog, app.store.dialect(), records)).await?.len() >= pairs)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn bytes_of(text: &str) -> Result<Vec<u8>, AppError> {
    let bad = || AppError::malformed("bad_cursor", "this is no place among the groups; start again without it");
    let pairs = text.as_bytes().chunks(2);
    let bytes = pairs.map(|pair| std::str::from_utf8(pair).ok().and_then(|pair| u8::from_str_radix(pair, 16).ok()).ok_or_else(bad));
    if text.len() == 32 { bytes.collect() } else { Err(bad()) }
}

/// Remembers that none of these records is another of them. Who says so may change all of them.
pub async fn dismiss(app: &App, snapshot: &Snapshot, actor: &Actor, card: &str, records: &[Uuid]) -> Result<(), AppError> {
    let card = snapshot.card(card)?;
    let gate = access::gate(&snapshot.catalog, actor, card, ActionName::Update)?;
    if records.len() < 2 || records.len() > MOST_ALIKE as usize {
        return Err(AppError::malformed("bad_pair", format!("two records, at most {MOST_ALIKE}, are said not to be the same")));
    }
    let lowered = select::matching(&snapshot.catalog, app.store.dialect(), &card.table.reference(), records, &gate.rows());
    let found = app.store.fetch(&lowered.statement).await?.len();
    if found < records.iter().collect::<HashSet<_>>().len() {
        return Err(AppError::not_found("record"));
    }
    let pairs = records.iter().enumerate().flat_map(|(index, one)| records[index + 1..].iter().map(move |other| (*one, *other))).filter(|(one, other)| one != other);
    run(&app.store, pairs.map(|pair| kept::put_unlike(app.store.dialect(), card.key.as_str(), pair, actor.user, actor.now)).collect()).await
}

/// Under which name of the site's settings stands by which rules a card was built.
fn built_name(card: &Card) -> String {
    format!("likeness:{}", card.key)
}

fn fingerprint(card: &Card) -> String {
    let mut hash = Sha256::new();
    hash.update(keys::VERSION.to_be_bytes());
    for rule in &card.duplicates {
        rule.fields.iter().for_each(|field| hash.update(format!("{field},")));
        hash.update(";");
    }
    hex(&hash.finalize()[..8])
}

/// Whether everything that was there before a rule is compared by it.
pub async fn is_built(app: &App, card: &Card) -> Result<bool, AppError> {
    let found = app.store.fetch(&system::site(app.store.dialect(), &built_name(card))).await?.into_iter().flatten().next();
    Ok(card.duplicates.is_empty() || found == Some(Datum::Text(fingerprint(card))))
}

/// Asks for what new rules need. Called after definitions changed.
pub async fn ask_to_build(app: &App) -> Result<(), AppError> {
    for card in app.snapshot().catalog.cards.values() {
        if !is_built(app, card).await? {
            jobs::enqueue(app, NewJob { unique_key: Some("duplicates.build:once".into()), ..NewJob::new("duplicates.build", Json::Null) }).await?;
            return Ok(());
        }
    }
    Ok(())
}

/// Builds what rules need that came after their records. Comes back by itself, and goes on where it was.
pub async fn handle_build(context: Context) -> Result<Json, JobError> {
    let app = context.app().clone();
    let snapshot = app.snapshot();
    let mut built = Vec::new();
    for card in snapshot.catalog.cards.values().filter(|card| !card.builtin) {
        if is_built(&app, card).await? {
            continue;
        }
        build(&context, &snapshot, card).await?;
        built.push(card.key.to_string());
    }
    Ok(json!({"built": built}))
}

async fn build(context: &Context, snapshot: &Snapshot, card: &Card) -> Result<(), JobError> {
    let app = context.app();
    let dialect = app.store.dialect();
    let here = context.resume_point().filter(|point| point["card"] == card.key.as_str() && point["rules"] == fingerprint(card).as_str());
    let mut after = here.and_then(|point| Uuid::try_parse(point["after"].as_str()?).ok());
    if after.is_none() {
        run(&app.store, vec![kept::forget_card(dialect, card.key.as_str())]).await?;
    }
    let system = Actor::system(Reason::Integrity, Utc::now());
    let mut fields: Vec<String> = card.duplicates.iter().flat_map(|rule| &rule.fields).map(ToString::to_string).collect();
    fields.sort_unstable();
    fields.dedup();
    fields.push("id".into());
    let request = ListRequest { sort: Some("id".into()), fields: Some(fields), ..ListRequest::default() };
    loop {
        context.go_on().await?;
        let gated = lists::ask(snapshot, &system, card.key.as_str(), &request)?.page(after.map(|id| vec![Value::Id(id)]), EACH);
        let work = Arc::new((snapshot.catalog.clone(), card.clone(), gated, context.clone()));
        let unit = app.store.write(move |tx: &mut Tx| {
            let work = work.clone();
            Box::pin(async move {
                let (catalog, card, gated, context) = &*work;
                build_part(tx, catalog, card, gated, context).await
            })
        });
        match unit.await.map_err(|error: UnitError| error.error)? {
            Some(last) => after = Some(last),
            None => break,
        }
    }
    run(&app.store, vec![system::put_site(dialect, &built_name(card), &fingerprint(card))]).await?;
    Ok(())
}

/// Reads some records, held so that nobody changes them meanwhile, and keeps what they look like.
async fn build_part(tx: &mut Tx, catalog: &Catalog, card: &Card, gated: &access::GatedQuery, context: &Context) -> Result<Option<Uuid>, UnitError> {
    let names: Vec<model::Ident> = gated.query().select.iter().map(|selected| selected.path.leaf.clone()).collect();
    let read = async |tx: &mut Tx| -> Result<Vec<(Uuid, model::Values)>, UnitError> {
        let lowered = sql::page::list(catalog, tx.dialect(), gated);
        let rows = tx.fetch(&lowered.statement).await?;
        let one = |row: Vec<Datum>| {
            let values: model::Values = names.iter().cloned().zip(lowered.decode(row)).collect();
            Some((values.get("id")?.as_id()?, values))
        };
        Ok(rows.into_iter().take(EACH as usize).filter_map(one).collect())
    };
    let ids: Vec<Uuid> = read(tx).await?.iter().map(|(id, _)| *id).collect();
    let Some(last) = ids.last().copied() else { return Ok(None) };
    tx.fetch(&sql::write::hold(catalog, tx.dialect(), &card.table.reference(), &ids, sql::write::Hold::Share)).await?;
    let mut all = Vec::new();
    for (id, values) in read(tx).await?.into_iter().filter(|(id, _)| ids.contains(id)) {
        all.extend((0..card.duplicates.len()).filter_map(|rule| Some((rule, id, keys::key(card, rule, &values)?))));
    }
    for statement in kept::put_many(catalog, tx.dialect(), card.key.as_str(), all) {
        tx.execute(&statement).await?;
    }
    context.checkpoint_in(tx, &json!({"card": card.key, "rules": fingerprint(card), "after": last})).await?;
    Ok(Some(last))
}
