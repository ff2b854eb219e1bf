//! Into the trash and out of it: never a deletion that cannot be undone.

use std::{collections::BTreeMap, sync::Arc};

use access::{Actor, GatedWrite, gate_write};
use futures::future::BoxFuture;
use model::{ActionName, Card, FieldKind, Ident, OnDelete, Record, record::value_of};
use sql::{Datum, select, write::{self, Hold, Stamp}};
use store::Tx;
use uuid::Uuid;

use super::{load, told, save::{ids, links_set}};
use crate::{App, AppError, Blocker, Source, UnitError, batches, derived::{self, Change}, search, snapshot::Snapshot};

/// Most records that stand in the way are counted up to this.
const BLOCKERS: u32 = 1_000;

/// Moves a record to the trash, with everything that goes along. Answers the trash id under which it can be restored.
pub async fn delete(app: &App, actor: &Actor, card: &str, id: Uuid) -> Result<Uuid, AppError> {
    app.by_present_definitions(actor, || async {
        let work = Arc::new(Deletion::new(app, actor, card, id, None)?);
        let done = app.store.write(move |tx: &mut Tx| {
            let work = work.clone();
            Box::pin(async move { work.run(tx).await })
        });
        done.await.map_err(|error| error.error)
    })
    .await
}

/// One deletion, as data: it may be run again.
pub(crate) struct Deletion {
    snapshot: Arc<Snapshot>,
    actor: Actor,
    card: Arc<Card>,
    gated: GatedWrite,
    id: Uuid,
    site: String,
    batch: Option<Uuid>,
}

impl Deletion {
    pub(crate) fn new(app: &App, actor: &Actor, card: &str, id: Uuid, batch: Option<Uuid>) -> Result<Self, AppError> {
        let snapshot = app.snapshot();
        let card = snapshot.card(card)?.clone();
        let gated = gate_write(&snapshot.catalog, actor, &card, ActionName::Delete)?;
        Ok(Self { actor: actor.clone(), card, gated, id, site: app.site.clone(), batch, snapshot })
    }

    /// Files that went to the record it was merged into.
    pub(crate) async fn files_back(&self, tx: &mut Tx) -> Result<(), UnitError> {
        crate::merge::files_back(tx, &self.snapshot.catalog, &self.card, self.id, self.actor.now).await
    }

    /// Whether the record lies in the trash; nothing for one that is not there at all.
    pub(crate) async fn in_trash(&self, tx: &mut Tx) -> Result<Option<bool>, UnitError> {
        let found = tx.fetch(&write::trash_of(&self.snapshot.catalog, tx.dialect(), &self.card, self.id)).await?;
        Ok(found.into_iter().flatten().next().map(|trash| matches!(trash, Datum::Uuid(_))))
    }

    pub(crate) async fn run(&self, tx: &mut Tx) -> Result<Uuid, UnitError> {
        crate::still_present(tx, &self.snapshot, &self.actor).await?;
        derived::begin(tx, &self.snapshot, &self.card).await?;
        let record = check(tx, &self.snapshot, &self.actor, &self.card, self.id, &self.gated.rows(), false).await?;
        if let Some((state, def)) = self.card.locks(&record).next() {
            let label = def.labels.or_key(&self.actor.lang, state.as_str());
            return Err(super::save::conflict("locked", format!("records that are “{label}” are not deleted")).into());
        }
        if !self.card.workflows.is_empty() && !tx.fetch(&sql::system_approvals::running(tx.dialect(), self.id)).await?.is_empty() {
            return Err(crate::flows::approvals::running().into());
        }
        let removal = Removal { snapshot: &self.snapshot, actor: &self.actor, site: &self.site, trash_id: Uuid::now_v7(), batch: self.batch };
        removal.remove(tx, &self.card, &[self.id]).await?;
        Ok(removal.trash_id)
    }
}

/// The record is there, in or out of the trash as wanted, and the actor's to act on.
pub(super) async fn check(tx: &mut Tx, snapshot: &Snapshot, actor: &Actor, card: &Card, id: Uuid, rows: &model::Condition, trashed: bool) -> Result<Record, UnitError> {
    if let Some(hold) = write::hold_for_update(&snapshot.catalog, tx.dialect(), card, id) {
        tx.fetch(&hold).await?;
    }
    let record = load::record(&mut Source::Tx(tx), &snapshot.catalog, card, id, actor.now).await?;
    let Some(record) = record.filter(|record| record.get("trashed_at").is_empty() != trashed) else { return Err(AppError::not_found("record").into()) };
    let admitted = async |tx: &mut Tx, rows: &model::Condition| -> Result<bool, UnitError> {
        if rows.is_always() {
            return Ok(true);
        }
        let lowered = select::matching(&snapshot.catalog, tx.dialect(), &card.table.reference(), &[id], rows);
        Ok(!tx.fetch(&lowered.statement).await?.is_empty())
    };
    if admitted(tx, rows).await? {
        return Ok(record);
    }
    let readable = match snapshot.catalog.card(&card.key).map(|card| access::gate(&snapshot.catalog, actor, card, ActionName::Read)) {
        Some(Ok(gate)) => admitted(tx, &gate.rows()).await?,
        _ => false,
    };
    Err(if readable { AppError::forbidden("you may not delete this record") } else { AppError::not_found("record") }.into())
}

struct Removal<'a> {
    snapshot: &'a Snapshot,
    actor: &'a Actor,
    site: &'a str,
    trash_id: Uuid,
    batch: Option<Uuid>,
}

impl Removal<'_> {
    /// Links that restrict refuse; links that cascade go along, under the same trash id; the others stay and read as empty.
    fn remove<'f>(&'f self, tx: &'f mut Tx, card: &'f Card, ids: &'f [Uuid]) -> BoxFuture<'f, Result<(), UnitError>> {
        Box::pin(async move {
            let catalog = &self.snapshot.catalog;
            let stamp = Stamp { by: self.actor.user, at: self.actor.now };
            let mut blockers = Vec::new();
            let mut along: BTreeMap<Ident, Vec<Uuid>> = BTreeMap::new();
            for (table, field) in catalog.links_to(&card.key).filter(|(_, field)| !field.system) {
                let on_delete = field.kind.on_delete().unwrap_or_default();
                if on_delete == OnDelete::SetNull {
                    continue;
                }
                let limit = if on_delete == OnDelete::Restrict { BLOCKERS } else { 100_000 };
                let rows = tx.fetch(&write::pointing(catalog, tx.dialect(), table, field, ids, limit, false)).await?;
                let records: Vec<Uuid> = rows.iter().filter_map(|row| row.first().and_then(sql::encode::id)).filter(|id| !ids.contains(id)).collect();
                if records.is_empty() {
                    continue;
                }
                match on_delete {
                    OnDelete::Cascade => along.entry(table.card.clone()).or_default().extend(records),
                    _ => blockers.push(Blocker { card: table.card.clone(), field: field.key.clone(), count: records.len() as u64 }),
                }
            }
            if !blockers.is_empty() {
                return Err(blocked(self.snapshot, self.actor, blockers).into());
            }
            let before: Vec<model::Record> = self.load_all(tx, card, ids).await?;
            tx.execute(&write::trash(catalog, tx.dialect(), card, ids, self.trash_id, stamp)).await?;
            for record in &before {
                if let Some(batch) = self.batch {
                    batches::trashed(tx, batch, card, record.id, "deleted", Some(self.trash_id), record.version() + 1).await?;
                }
                let event = told::whole(self.actor, self.site, self.trash_id, card, (record.id, record.version() + 1), "deleted");
                told::tell(tx, self.snapshot, card, &event).await?;
                let change = Change { old: Some(record.clone()), new: None, is_fresh: false };
                derived::after_save(tx, self.snapshot, card, change, self.actor.now).await?;
            }
            search::after_trash(tx, self.snapshot, card, ids, false).await?;
            for (key, mut records) in along {
                records.sort_unstable();
                records.dedup();
                if let Some(other) = catalog.card(&key) {
                    self.remove(tx, other, &records).await?;
                }
            }
            Ok(())
        })
    }

    async fn load_all(&self, tx: &mut Tx, card: &Card, ids: &[Uuid]) -> Result<Vec<model::Record>, UnitError> {
        let mut records = Vec::with_capacity(ids.len());
        for id in ids {
            records.extend(load::record(&mut Source::Tx(tx), &self.snapshot.catalog, card, *id, self.actor.now).await?);
        }
        Ok(records)
    }
}

/// `Orders: 3, Loans: 1`
pub(super) fn counted(snapshot: &Snapshot, actor: &Actor, blockers: &[Blocker]) -> String {
    let shown = blockers.iter().map(|blocker| {
        let name = snapshot.catalog.card(&blocker.card).map_or_else(|| blocker.card.to_string(), |card| card.plurals.or_key(&actor.lang, card.key.as_str()));
        format!("{name}: {}", blocker.count)
    });
    shown.collect::<Vec<_>>().join(", ")
}

fn blocked(snapshot: &Snapshot, actor: &Actor, blockers: Vec<Blocker>) -> AppError {
    AppError::Conflict { code: "restricted", detail: format!("other records point to this one ({})", counted(snapshot, actor, &blockers)), blockers }
}

/// Brings a record back from the trash, with everything that went along.
pub async fn restore(app: &App, actor: &Actor, card: &str, id: Uuid) -> Result<(), AppError> {
    app.by_present_definitions(actor, || async {
        let work = Arc::new(Restoration::new(app, actor, card, id, None)?);
        let done = app.store.write(move |tx: &mut Tx| {
            let work = work.clone();
            Box::pin(async move { work.run(tx).await })
        });
        done.await.map_err(|error| error.error)
    })
    .await
}

/// One restoration, as data: it may be run again.
pub(crate) struct Restoration(pub(crate) Deletion);

impl Restoration {
    pub(crate) fn new(app: &App, actor: &Actor, card: &str, id: Uuid, batch: Option<Uuid>) -> Result<Self, AppError> {
        let snapshot = app.snapshot();
        let card = snapshot.card(card)?.clone();
        let gated = gate_write(&snapshot.catalog, actor, &card, ActionName::Restore)?;
        Ok(Self(Deletion { actor: actor.clone(), card, gated, id, site: app.site.clone(), batch, snapshot }))
    }

    pub(crate) async fn run(&self, tx: &mut Tx) -> Result<(), UnitError> {
        crate::still_present(tx, &self.0.snapshot, &self.0.actor).await?;
        let Deletion { snapshot, actor, card, gated, id, site, batch } = &self.0;
        derived::begin(tx, snapshot, card).await?;
        check(tx, snapshot, actor, card, *id, &gated.rows(), true).await?;
        let trash = tx.fetch(&write::trash_of(&snapshot.catalog, tx.dialect(), card, *id)).await?;
        let Some(Datum::Uuid(trash_id)) = trash.into_iter().flatten().next() else { return Err(AppError::not_found("record").into()) };
        let removal = Removal { snapshot, actor, site, trash_id, batch: *batch };
        removal.restore(tx).await
    }
}

impl Removal<'_> {
    async fn restore(&self, tx: &mut Tx) -> Result<(), UnitError> {
        let stamp = Stamp { by: self.actor.user, at: self.actor.now };
        let mut back = Vec::new();
        for card in self.snapshot.catalog.cards.values().filter(|card| !card.builtin) {
            let restored = tx.fetch(&write::restore(&self.snapshot.catalog, tx.dialect(), card, self.trash_id, stamp)).await.map_err(|error| match error {
                store::StoreError::Unique { .. } => {
                    UnitError::from(AppError::Conflict { code: "value_taken", detail: "another record has taken one of its unique values meanwhile".into(), blockers: Vec::new() })
                }
                other => other.into(),
            })?;
            let ids: Vec<Uuid> = restored.iter().filter_map(|row| row.first().and_then(sql::encode::id)).collect();
            back.push((card, ids));
        }
        for (card, ids) in back {
            for record in self.load_all(tx, card, &ids).await? {
                self.check_targets(tx, card, &record).await?;
                self.check_booking(tx, card, &record).await?;
                tx.execute(&sql::system_likeness::forget_merged(tx.dialect(), record.id)).await?;
                if let Some(batch) = self.batch {
                    batches::trashed(tx, batch, card, record.id, "restored", None, record.version()).await?;
                }
                let event = told::whole(self.actor, self.site, self.trash_id, card, (record.id, record.version()), "restored");
                told::tell(tx, self.snapshot, card, &event).await?;
                let change = Change { old: None, new: Some(record), is_fresh: false };
                derived::after_save(tx, self.snapshot, card, change, self.actor.now).await?;
            }
            derived::after_restore(tx, self.snapshot, card, &ids, self.actor.now).await?;
            search::after_trash(tx, self.snapshot, card, &ids, true).await?;
        }
        Ok(())
    }

    /// What is booked by others meanwhile is theirs.
    async fn check_booking(&self, tx: &mut Tx, card: &Card, record: &model::Record) -> Result<(), UnitError> {
        let Some(rule) = &card.no_overlap else { return Ok(()) };
        let (linked, ancestors, pointing) = Default::default();
        let facts = super::facts::DraftFacts { record, actor: self.actor, linked: &linked, ancestors: &ancestors, pointing: &pointing };
        if rule.when.as_ref().is_some_and(|(when, _)| !model::eval::holds(when, &model::eval::Place::Record, &facts)) {
            return Ok(());
        }
        match super::save::other_booking(tx, self.snapshot, self.actor, card, record).await? {
            Some(other) => Err(AppError::Conflict { code: "value_taken", detail: model::Violation::new("", model::Code::Overlap).with("other", other).message(&self.actor.lang), blockers: Vec::new() }.into()),
            None => Ok(()),
        }
    }

    /// A record comes back only where what it cannot be without is there.
    async fn check_targets(&self, tx: &mut Tx, card: &Card, record: &model::Record) -> Result<(), UnitError> {
        let catalog = &self.snapshot.catalog;
        let mut wanted: BTreeMap<&Ident, (Vec<Uuid>, &model::Field)> = BTreeMap::new();
        for (owner, key) in links_set(card, None, record) {
            let child = owner.as_ref().map(|(table, _)| table);
            let Some(field) = card.table_of(child).and_then(|table| table.field(&key)) else { continue };
            if field.system || !matches!(field.kind.on_delete(), Some(OnDelete::Restrict | OnDelete::Cascade)) {
                continue;
            }
            let values = match &owner {
                None => Some(&record.values),
                Some((table, row)) => record.rows(table.as_str()).iter().find(|known| known.id == *row).map(|row| &row.values),
            };
            let Some(value) = values.map(|values| value_of(values, key.as_str())) else { continue };
            let target = match (&field.kind, value) {
                (FieldKind::Link(link), _) => &link.target,
                (_, model::Value::AnyId { card, .. }) => card,
                _ => continue,
            };
            wanted.entry(target).or_insert((Vec::new(), field)).0.extend(ids(value));
        }
        for (target, (mut ids, field)) in wanted {
            ids.sort_unstable();
            ids.dedup();
            let Some(target) = catalog.card(target).filter(|target| !target.builtin) else { continue };
            let held = tx.fetch(&write::hold(catalog, tx.dialect(), &target.table.reference(), &ids, Hold::Share)).await?;
            if held.len() < ids.len() {
                let lang = &self.actor.lang;
                let (field, target) = (field.labels.or_key(lang, field.key.as_str()), target.labels.or_key(lang, target.key.as_str()));
                let detail = format!("what `{field}` points to ({target}) is in the trash; restore that first");
                return Err(AppError::Conflict { code: "restricted", detail, blockers: Vec::new() }.into());
            }
        }
        Ok(())
    }
}
