//! Saving one record: the one way by which anything is written.
//!
//! Look up, allow, read, derive, validate, store, tell. In that order, always.

use std::{collections::{BTreeMap, HashMap, HashSet}, sync::Arc};

use access::{Actor, GatedWrite, Readable, Reason, gate_write};
use chrono::{DateTime, Datelike, Utc};
use indexmap::IndexMap;
use model::{
    ActionName, Card, Code, Condition, Field, FieldKind, Ident, Path, Record, Rejected, Reset, Row, TableRef, ValidRecord, Value, Violation, record::value_of, types,
    validate::validate,
};
use serde_json::{Map, Value as Json};
use sha2::{Digest, Sha256};
use sql::{Datum, select, system, write};
use store::Tx;
use uuid::Uuid;

use super::{
    derive::{self, Context},
    draft::{self, Draft},
    facts::{DraftFacts, Linked},
    load,
    merge::{self, Merged, RowChange},
    renew,
};
use crate::{App, AppError, Source, Stale, UnitError, lists::bind_for, snapshot::Snapshot};

/// How a save is asked for.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The client's key under which the answer is kept for a day.
    pub idempotency_key: Option<String>,
    /// The version from `If-Match`; goes before one in the body.
    pub version: Option<i64>,
    /// Only say what would happen.
    pub dry_run: bool,
}

/// What came of a save.
#[derive(Debug, Clone, PartialEq)]
pub struct Saved {
    /// The record.
    pub id: Uuid,
    /// Its version now.
    pub version: i64,
    /// Warnings of rules.
    pub warnings: Vec<Violation>,
    /// Whether edits of somebody else were kept beside these.
    pub merged: bool,
    /// Whether the answer was kept from an earlier try.
    pub replayed: bool,
}

/// Makes a record.
pub async fn create(app: &App, actor: &Actor, card: &str, body: Map<String, Json>, options: &Options) -> Result<Saved, AppError> {
    save(app, actor, card, None, body, options).await
}

/// Changes a record.
pub async fn change(app: &App, actor: &Actor, card: &str, id: Uuid, body: Map<String, Json>, options: &Options) -> Result<Saved, AppError> {
    save(app, actor, card, Some(id), body, options).await
}

async fn save(app: &App, actor: &Actor, card: &str, id: Option<Uuid>, body: Map<String, Json>, options: &Options) -> Result<Saved, AppError> {
    let work = Arc::new(Work::new(app, actor, card, id, body, options)?);
    app.store
        .write(move |tx: &mut Tx| {
            let work = work.clone();
            Box::pin(async move { work.run(tx).await })
        })
        .await
        .map_err(|error| error.error)
}

/// One save, as data: it may be run again.
pub(crate) struct Work {
    snapshot: Arc<Snapshot>,
    actor: Actor,
    card: Arc<Card>,
    gated: GatedWrite,
    id: Option<Uuid>,
    body: Map<String, Json>,
    options: Options,
    site: String,
}

impl Work {
    pub(crate) fn new(app: &App, actor: &Actor, card: &str, id: Option<Uuid>, body: Map<String, Json>, options: &Options) -> Result<Self, AppError> {
        let snapshot = app.snapshot();
        let card = snapshot.card(card)?.clone();
        let action = if id.is_some() { ActionName::Update } else { ActionName::Create };
        let gated = gate_write(&snapshot.catalog, actor, &card, action)?;
        Ok(Self { actor: actor.clone(), card, gated, id, body, options: options.clone(), site: app.site.clone(), snapshot })
    }

    fn catalog(&self) -> &model::Catalog {
        &self.snapshot.catalog
    }

    pub(crate) async fn run(&self, tx: &mut Tx) -> Result<Saved, UnitError> {
        if let Some(saved) = self.replay(tx).await? {
            return Ok(saved);
        }
        let (draft, mut violations) = draft::read(&self.card, self.catalog(), &self.body);
        let stored = self.stored(tx).await?;
        let read_version = self.options.version.or(draft.version);
        let draft = self.with_lookups(tx, draft, &mut violations).await?;
        let mut draft = draft;
        let chosen_id = draft.id;
        if stored.is_none() {
            self.put_defaults(&mut draft, &mut violations);
        }
        let given = given(&draft);
        let mut merged = merge::merge(&self.card, stored.as_ref(), draft, Uuid::now_v7, &mut violations);
        self.check_rights(tx, stored.as_ref(), &mut merged, &mut violations).await?;
        let was_behind = self.check_version(tx, stored.as_ref(), &merged, read_version).await?;
        if let Some(stored) = stored.as_ref().filter(|_| !merged.is_change() && violations.is_empty()) {
            return Ok(Saved { id: stored.id, version: stored.version(), warnings: Vec::new(), merged: false, replayed: false });
        }
        merged.record.id = self.id.or(chosen_id).unwrap_or_else(Uuid::now_v7);
        let (valid, warnings) = self.validated(tx, stored.as_ref(), &mut merged, &given, violations).await?;
        self.store(tx, stored.as_ref(), &merged, &valid).await?;
        let saved = Saved { id: valid.record().id, version: valid.record().version(), warnings, merged: was_behind, replayed: false };
        self.remember(tx, &saved).await?;
        Ok(saved)
    }

    /// Everything up to storing: the record as it would be, and what is wrong with it.
    pub(crate) async fn preview(&self, tx: &mut Tx) -> Result<super::preview::Preview, UnitError> {
        let (mut draft, mut violations) = draft::read(&self.card, self.catalog(), &self.body);
        let stored = self.stored(tx).await?;
        if stored.is_none() {
            self.put_defaults(&mut draft, &mut violations);
        }
        let given = given(&draft);
        let mut merged = merge::merge(&self.card, stored.as_ref(), draft, Uuid::now_v7, &mut violations);
        merged.record.id = self.id.unwrap_or_else(Uuid::now_v7);
        self.stamp(stored.as_ref(), &mut merged.record);
        let linked = self.linked(tx, &merged.record).await?;
        let set = links_set(&self.card, stored.as_ref(), &merged.record);
        let ancestors = HashMap::new();
        let context = Context { actor: &self.actor, linked: &linked, ancestors: &ancestors, set: &set, given: &given };
        let record = derive::derive(&self.snapshot, &self.card, merged.record.clone(), &context, &mut violations);
        let violations = self.at_their_places(&merged, violations);
        Ok(super::preview::Preview { record, violations })
    }

    /// The answer that was given to the same key before.
    async fn replay(&self, tx: &mut Tx) -> Result<Option<Saved>, UnitError> {
        let (Some(key), Some(user)) = (&self.options.idempotency_key, self.actor.user) else { return Ok(None) };
        let rows = tx.fetch(&system::idempotent(tx.dialect(), user, key)).await?;
        let Some(Ok([Datum::Bytes(fingerprint), Datum::Integer(version), Datum::Text(id)])) = rows.into_iter().next().map(<[Datum; 3]>::try_from) else { return Ok(None) };
        if fingerprint != self.fingerprint() {
            return Err(AppError::rejected(Violation::new("", Code::Schema).with("detail", "this Idempotency-Key was used for another request")).into());
        }
        let id = Uuid::try_parse(&id).map_err(|error| AppError::Internal(error.to_string()))?;
        Ok(Some(Saved { id, version, warnings: Vec::new(), merged: false, replayed: true }))
    }

    fn fingerprint(&self) -> Vec<u8> {
        let mut hash = Sha256::new();
        hash.update(self.card.key.as_str());
        hash.update(self.id.map(|id| id.to_string()).unwrap_or_default());
        hash.update(Json::Object(self.body.clone()).to_string());
        hash.finalize().to_vec()
    }

    async fn remember(&self, tx: &mut Tx, saved: &Saved) -> Result<(), UnitError> {
        let (Some(key), Some(user)) = (&self.options.idempotency_key, self.actor.user) else { return Ok(()) };
        // The status column holds the version: with the id it is all that the answer is made of.
        let version = u16::try_from(saved.version).unwrap_or(u16::MAX);
        let kept = system::put_idempotent(tx.dialect(), user, key, self.fingerprint(), version, &saved.id.to_string(), self.actor.now);
        tx.execute(&kept).await?;
        Ok(())
    }

    /// What is stored now, held until the end of the transaction, if the actor may change it.
    async fn stored(&self, tx: &mut Tx) -> Result<Option<Record>, UnitError> {
        let Some(id) = self.id else { return Ok(None) };
        if let Some(hold) = write::hold_for_update(self.catalog(), tx.dialect(), &self.card, id) {
            tx.fetch(&hold).await?;
        }
        let stored = load::record(&mut Source::Tx(tx), self.catalog(), &self.card, id, self.actor.now).await?;
        let alive = stored.filter(|record| record.get("trashed_at").is_empty());
        let Some(record) = alive else { return Err(AppError::not_found("record").into()) };
        if !self.admits(tx, id, &self.gated.rows()).await? {
            return Err(self.refusal(tx, id).await?.into());
        }
        Ok(Some(record))
    }

    async fn admits(&self, tx: &mut Tx, id: Uuid, rows: &Condition) -> Result<bool, UnitError> {
        if rows.is_always() {
            return Ok(true);
        }
        let lowered = select::matching(self.catalog(), tx.dialect(), &self.card.table.reference(), &[id], rows);
        Ok(!tx.fetch(&lowered.statement).await?.is_empty())
    }

    /// A record that may be read but not changed is forbidden; one that may not be read is not there.
    async fn refusal(&self, tx: &mut Tx, id: Uuid) -> Result<AppError, UnitError> {
        let readable = match access::gate(self.catalog(), &self.actor, &self.card, ActionName::Read) {
            Ok(gate) => self.admits(tx, id, &gate.rows()).await?,
            Err(_) => false,
        };
        Ok(if readable { AppError::forbidden("you may not change this record") } else { AppError::not_found("record") })
    }

    /// Links named by a unique field of their target: one statement for each.
    async fn with_lookups(&self, tx: &mut Tx, mut draft: Draft, violations: &mut Vec<Violation>) -> Result<Draft, UnitError> {
        for lookup in std::mem::take(&mut draft.lookups) {
            let found = self.look_up(tx, &lookup).await?;
            let Some(id) = found else {
                violations.push(Violation::new(&lookup.path, Code::NotFound));
                continue;
            };
            put_at(&mut draft, &lookup.path, Value::Id(id));
        }
        Ok(draft)
    }

    async fn look_up(&self, tx: &mut Tx, lookup: &draft::Lookup) -> Result<Option<Uuid>, UnitError> {
        let Some(target) = self.catalog().card(&lookup.target) else { return Ok(None) };
        let Some(field) = target.field(lookup.by.as_str()) else { return Ok(None) };
        let filter = serde_json::json!({"field": lookup.by, "op": "is", "value": types::to_json(&field.kind, &lookup.value)});
        let request = query::ListRequest { filter: Some(filter), fields: Some(vec!["id".into()]), limit: Some(1), ..query::ListRequest::default() };
        let Ok(gated) = crate::lists::ask(&self.snapshot, &self.actor, lookup.target.as_str(), &request) else { return Ok(None) };
        let lowered = select::list(self.catalog(), tx.dialect(), &gated);
        let row = tx.fetch(&lowered.statement).await?.into_iter().next();
        Ok(row.and_then(|row| lowered.decode(row).first().and_then(Value::as_id)))
    }

    /// What a new record starts with, where the client said nothing.
    fn put_defaults(&self, draft: &mut Draft, violations: &mut Vec<Violation>) {
        for field in self.card.table.own_fields() {
            self.put_default(field, &mut draft.values, violations);
        }
        for (key, change) in &mut draft.children {
            let (Some(table), draft::ChildDraft::Whole(rows)) = (self.card.children.get(key), change) else { continue };
            for row in rows.iter_mut().filter(|row| row.id.is_none()) {
                table.own_fields().for_each(|field| self.put_default(field, &mut row.values, violations));
            }
        }
        let own = |name: &str| self.card.table.fields.get(name).map(|field| field.key.clone());
        if let (Some(owner), Some(user)) = (own("owner"), self.actor.user) {
            draft.values.entry(owner).or_insert(Value::Id(user));
        }
        if let (Some(unit), Some(id)) = (own("org_unit"), self.actor.org_unit) {
            draft.values.entry(unit).or_insert(Value::Id(id));
        }
    }

    fn put_default(&self, field: &Field, values: &mut model::Values, violations: &mut Vec<Violation>) {
        let Some(default) = field.default.as_ref().filter(|_| !values.contains_key(&field.key) || field.workflow) else { return };
        let value = match default.as_str() {
            Some("@today") => Ok(Value::Date(self.actor.today())),
            Some("@now") => Ok(Value::Instant(self.actor.now)),
            Some("@me") => Ok(self.actor.user.map_or(Value::Empty, Value::Id)),
            Some(name) if name.starts_with("@me.") => Ok(Ident::new(&name[4..]).ok().and_then(|name| self.actor.bound.get(&name).cloned()).unwrap_or_default()),
            _ => types::read_json(&field.kind, default),
        };
        match value {
            Ok(value) if !value.is_empty() => {
                values.insert(field.key.clone(), value);
            }
            Ok(_) => {}
            Err(violation) => violations.push(violation.under(field.key.as_str())),
        }
    }

    /// Fields that are never set by hand, and those the actor may not change.
    async fn check_rights(&self, tx: &mut Tx, stored: Option<&Record>, merged: &mut Merged, violations: &mut Vec<Violation>) -> Result<(), UnitError> {
        let mut touched: Vec<(Option<Ident>, Ident, String)> = merged.changed.iter().map(|key| (None, key.clone(), key.to_string())).collect();
        for ((table, row), change) in &merged.rows {
            let rows = merged.record.rows(table.as_str());
            let index = rows.iter().position(|known| known.id == *row).unwrap_or(0);
            let fields: Vec<Ident> = match change {
                RowChange::Changed(fields) => fields.clone(),
                RowChange::Added => rows.get(index).map(|row| row.values.keys().cloned().collect()).unwrap_or_default(),
                RowChange::Removed => Vec::new(),
            };
            touched.extend(fields.into_iter().map(|key| (Some(table.clone()), key.clone(), format!("{table}/{index}/{key}"))));
        }
        for (child, key, path) in touched {
            let Some(field) = self.card.table_of(child.as_ref()).and_then(|table| table.field(&key)) else { continue };
            if let Some(code) = self.refused(tx, stored, child.as_ref(), field, merged).await? {
                violations.push(Violation::new(path, code));
            }
        }
        Ok(())
    }

    async fn refused(&self, tx: &mut Tx, stored: Option<&Record>, child: Option<&Ident>, field: &Field, merged: &Merged) -> Result<Option<Code>, UnitError> {
        if field.system {
            // A new record belongs to its maker without asking; giving it to another is assigning.
            let own = stored.is_none()
                && match field.key.as_str() {
                    "owner" => merged.record.get("owner").as_id() == self.actor.user,
                    _ => merged.record.get(field.key.as_str()).as_id() == self.actor.org_unit,
                };
            return Ok((!own && !self.gated.may_assign()).then_some(Code::Forbidden));
        }
        let by_engine = stored.is_none() && (field.workflow || field.default.is_some());
        if !field.is_editable() && !by_engine && !self.actor.is_unbounded_system() {
            return Ok(Some(Code::ReadOnly));
        }
        match self.gated.editable(child, &field.key) {
            Readable::Always => Ok(None),
            Readable::Never if by_engine => Ok(None),
            Readable::Never => Ok(Some(Code::Forbidden)),
            Readable::When(rows) => match stored {
                Some(stored) if !self.admits(tx, stored.id, &rows).await? => Ok(Some(Code::Forbidden)),
                _ => Ok(None),
            },
        }
    }

    /// A stale version is no conflict unless the same places changed on both sides.
    async fn check_version(&self, tx: &mut Tx, stored: Option<&Record>, merged: &Merged, read: Option<i64>) -> Result<bool, UnitError> {
        let (Some(stored), Some(read)) = (stored, read) else { return Ok(false) };
        if read >= stored.version() {
            return Ok(false);
        }
        let rows = tx.fetch(&system::changed_since(tx.dialect(), stored.id, read)).await?;
        let theirs: HashSet<String> = rows
            .into_iter()
            .flatten()
            .filter_map(|datum| match datum {
                Datum::Text(fields) => serde_json::from_str::<Vec<String>>(&fields).ok(),
                _ => None,
            })
            .flatten()
            .collect();
        let fields = merge::conflicts(&self.card, stored, merged, &theirs);
        if fields.is_empty() {
            return Ok(true);
        }
        let history = tx.fetch(&system::history(tx.dialect(), stored.id, 1)).await?;
        let (changed_at, changed_by) = match history.into_iter().next().as_deref() {
            Some([Datum::Instant(at), _, Datum::Text(name), ..]) => (Some(*at), Some(name.clone())),
            Some([Datum::Instant(at), ..]) => (Some(*at), None),
            _ => (None, None),
        };
        Err(AppError::Stale(Box::new(Stale { version: stored.version(), changed_by, changed_at, fields })).into())
    }

    /// Derives, numbers, checks links and rules; gives the record only if nothing is wrong.
    async fn validated(&self, tx: &mut Tx, stored: Option<&Record>, merged: &mut Merged, given: &[Touched], mut violations: Vec<Violation>) -> Result<(ValidRecord, Vec<Violation>), UnitError> {
        self.stamp(stored, &mut merged.record);
        let linked = self.linked(tx, &merged.record).await?;
        let set = links_set(&self.card, stored, &merged.record);
        let ancestors = self.ancestors(tx, &merged.record).await?;
        let context = Context { actor: &self.actor, linked: &linked, ancestors: &ancestors, set: &set, given };
        merged.record = derive::derive(&self.snapshot, &self.card, merged.record.clone(), &context, &mut violations);
        self.check_links(tx, stored, &merged.record, &mut violations).await?;
        self.check_tree(&merged.record, &ancestors, &mut violations);
        self.number(tx, stored, &mut merged.record, &violations).await?;
        self.check_unique(tx, stored, &merged.record, &mut violations).await?;
        let pointing = self.pointing(tx, &merged.record).await?;
        let facts = DraftFacts { record: &merged.record, actor: &self.actor, linked: &linked, ancestors: &ancestors, pointing: &pointing };
        let verdict = validate(&self.card, merged.record.clone(), stored, &facts, self.at_their_places(merged, violations));
        let (warnings, errors): (Vec<_>, Vec<_>) = verdict.violations.into_iter().partition(|violation| violation.warning);
        match verdict.valid {
            Some(valid) => Ok((valid, warnings)),
            None => Err(AppError::Rejected(Rejected(errors)).into()),
        }
    }

    /// Violations found while reading name places of the body; people know rows by their place in the table.
    fn at_their_places(&self, merged: &Merged, violations: Vec<Violation>) -> Vec<Violation> {
        let moved = |violation: Violation| {
            let place = merged.places.iter().find(|(body, _)| violation.path == *body || violation.path.starts_with(&format!("{body}/")));
            match place {
                Some((body, place)) => Violation { path: violation.path.replacen(body.as_str(), place, 1), ..violation },
                None => violation,
            }
        };
        violations.into_iter().map(moved).collect()
    }

    /// The engine's own fields.
    fn stamp(&self, stored: Option<&Record>, record: &mut Record) {
        let mut put = |name: &str, value: Value| {
            if let Some(field) = self.card.table.fields.get(name) {
                record.values.insert(field.key.clone(), value);
            }
        };
        let by = self.actor.user.map_or(Value::Empty, Value::Id);
        put("version", Value::Int(stored.map_or(1, |stored| stored.version() + 1)));
        put("updated_at", Value::Instant(micros(self.actor.now)));
        put("updated_by", by.clone());
        if stored.is_none() {
            put("created_at", Value::Instant(micros(self.actor.now)));
            put("created_by", by);
            put("site", Value::Text(self.site.clone()));
        }
    }

    /// What rules and formulas ask of linked records: one statement for each card linked to.
    async fn linked(&self, tx: &mut Tx, record: &Record) -> Result<Linked, UnitError> {
        let mut wanted: BTreeMap<Ident, (HashSet<Uuid>, Vec<Path>)> = BTreeMap::new();
        for need in self.snapshot.needs(&self.card.key) {
            let ids = ids_of(record, need.child.as_ref(), &need.field, &need.target);
            if ids.is_empty() || need.rest.leaf == "id" && need.rest.hops.is_empty() {
                continue;
            }
            let entry = wanted.entry(need.target.clone()).or_default();
            entry.0.extend(ids);
            if !entry.1.contains(&need.rest) {
                entry.1.push(need.rest.clone());
            }
        }
        let mut linked = Linked::new();
        let system = Actor::system(Reason::Derivation, self.actor.now);
        for (target, (ids, paths)) in wanted {
            let (single, _many): (Vec<Path>, Vec<Path>) = paths.into_iter().partition(|path| !path.is_many());
            let tables = access::tables(self.catalog(), &system, std::slice::from_ref(&target), &single).map_err(AppError::from)?;
            let ids: Vec<Uuid> = ids.into_iter().collect();
            let lowered = select::by_ids(self.catalog(), tx.dialect(), &tables, &TableRef::card(&target), &ids, &single, true);
            for row in tx.fetch(&lowered.statement).await? {
                let mut values = lowered.decode(row).into_iter();
                let Some(Value::Id(id)) = values.next() else { continue };
                for (path, value) in single.iter().zip(values) {
                    linked.insert((id, path.clone()), vec![value]);
                }
            }
        }
        Ok(linked)
    }

    /// For links to trees: everything above what they point to; and what lies above the record itself.
    async fn ancestors(&self, tx: &mut Tx, record: &Record) -> Result<HashMap<Uuid, HashSet<Uuid>>, UnitError> {
        let mut found: HashMap<Uuid, HashSet<Uuid>> = HashMap::new();
        let tree_links = self.card.table.fields.values().filter_map(|field| match &field.kind {
            FieldKind::Link(link) if !link.multiple => self.catalog().card(&link.target).filter(|card| card.tree.is_some()).map(|card| (field, card)),
            _ => None,
        });
        for (field, tree) in tree_links {
            let Some(id) = record.get(field.key.as_str()).as_id() else { continue };
            let mut above = HashSet::new();
            let mut at = Some(id);
            // A tree is shallow; a circle in old data must not catch us.
            while let Some(current) = at.filter(|current| above.len() < 100 && above.insert(*current)) {
                at = self.parent_of(tx, tree, current).await?;
            }
            found.insert(id, above);
        }
        Ok(found)
    }

    async fn parent_of(&self, tx: &mut Tx, tree: &Card, id: Uuid) -> Result<Option<Uuid>, UnitError> {
        let Some(parent) = &tree.tree else { return Ok(None) };
        let system = Actor::system(Reason::Integrity, self.actor.now);
        let tables = access::tables(self.catalog(), &system, std::slice::from_ref(&tree.key), &[]).map_err(AppError::from)?;
        let path = Path::own(tree.table.reference(), parent.clone());
        let lowered = select::by_ids(self.catalog(), tx.dialect(), &tables, &tree.table.reference(), &[id], std::slice::from_ref(&path), true);
        let row = tx.fetch(&lowered.statement).await?.into_iter().next();
        Ok(row.and_then(|row| lowered.decode(row).get(1).and_then(Value::as_id)))
    }

    fn check_tree(&self, record: &Record, ancestors: &HashMap<Uuid, HashSet<Uuid>>, violations: &mut Vec<Violation>) {
        let Some(parent) = &self.card.tree else { return };
        let above = record.get(parent.as_str()).as_id().and_then(|id| ancestors.get(&id));
        if above.is_some_and(|above| above.contains(&record.id)) {
            violations.push(Violation::new(parent.as_str(), Code::Cycle));
        }
    }

    /// Links that were set now point to records that exist, that the actor may see, and that the link's condition allows.
    async fn check_links(&self, tx: &mut Tx, stored: Option<&Record>, record: &Record, violations: &mut Vec<Violation>) -> Result<(), UnitError> {
        for (owner, key) in links_set(&self.card, stored, record) {
            let child = owner.as_ref().map(|(table, _)| table);
            let Some(field) = self.card.table_of(child).and_then(|table| table.field(&key)) else { continue };
            let (values, path) = match &owner {
                None => (&record.values, key.to_string()),
                Some((table, row)) => {
                    let Some(index) = record.rows(table.as_str()).iter().position(|known| known.id == *row) else { continue };
                    (&record.rows(table.as_str())[index].values, format!("{table}/{index}/{key}"))
                }
            };
            let value = value_of(values, key.as_str()).clone();
            let found = match &field.kind {
                FieldKind::Link(link) => self.check_target(tx, &link.target, &ids(&value), link.condition.as_ref(), record, owner.as_ref()).await?,
                FieldKind::AnyLink { .. } => match &value {
                    Value::AnyId { card, id } => self.check_target(tx, card, &[*id], None, record, owner.as_ref()).await?,
                    _ => None,
                },
                FieldKind::File(_) => self.check_files(tx, field, &ids(&value), record.id).await?,
                _ => None,
            };
            violations.extend(found.map(|violation| violation.under(&path)));
        }
        Ok(())
    }

    async fn check_target(&self, tx: &mut Tx, target: &Ident, ids: &[Uuid], condition: Option<&Condition>, record: &Record, owner: Option<&(Ident, Uuid)>) -> Result<Option<Violation>, UnitError> {
        let Some(card) = self.catalog().card(target) else { return Ok(Some(Violation::new("", Code::NotFound))) };
        let rows = match access::gate(self.catalog(), &self.actor, card, ActionName::Read) {
            Ok(gate) => gate.rows(),
            Err(_) => return Ok(Some(Violation::new("", Code::NotFound))),
        };
        let held = tx.fetch(&write::hold(self.catalog(), tx.dialect(), &card.table.reference(), ids)).await?;
        if held.len() < ids.len() || !self.all_match(tx, card, ids, &rows).await? {
            return Ok(Some(Violation::new("", Code::NotFound)));
        }
        let Some(condition) = condition else { return Ok(None) };
        let bound = with_record(condition, &self.card, record, owner);
        let bound = bind_for(&self.actor, self.catalog(), &bound);
        if query::bind::has_unknown(&bound) || self.all_match(tx, card, ids, &bound).await? { Ok(None) } else { Ok(Some(Violation::new("", Code::NotAllowed))) }
    }

    async fn all_match(&self, tx: &mut Tx, card: &Card, ids: &[Uuid], rows: &Condition) -> Result<bool, UnitError> {
        if rows.is_always() {
            return Ok(true);
        }
        let lowered = select::matching(self.catalog(), tx.dialect(), &card.table.reference(), ids, rows);
        Ok(tx.fetch(&lowered.statement).await?.len() >= ids.len())
    }

    /// Files must be there, be the actor's own upload or this record's already, and fit the field.
    async fn check_files(&self, tx: &mut Tx, field: &Field, ids: &[Uuid], record: Uuid) -> Result<Option<Violation>, UnitError> {
        let infos = crate::files::infos(&mut Source::Tx(tx), ids).await?;
        for id in ids {
            let Some(info) = infos.get(id) else { return Ok(Some(Violation::new("", Code::NotFound))) };
            let own = match &info.owner {
                None => info.uploaded_by == self.actor.user,
                Some((_, owner, _)) => *owner == record,
            };
            if !own {
                return Ok(Some(Violation::new("", Code::NotFound)));
            }
            if let Some(violation) = crate::files::check(&field.kind, info) {
                return Ok(Some(violation));
            }
        }
        Ok(None)
    }

    /// A new record gets its number last, so that refused ones use none up.
    async fn number(&self, tx: &mut Tx, stored: Option<&Record>, record: &mut Record, violations: &[Violation]) -> Result<(), UnitError> {
        let Some(numbering) = self.card.numbering.as_ref().filter(|_| stored.is_none() && violations.is_empty()) else { return Ok(()) };
        if !record.get(numbering.field.as_str()).is_empty() {
            return Ok(());
        }
        let today = self.actor.today();
        let period = match numbering.reset {
            Reset::Never => String::new(),
            Reset::Yearly => today.format("%Y").to_string(),
            Reset::Monthly => today.format("%Y%m").to_string(),
            Reset::Daily => today.format("%Y%m%d").to_string(),
        };
        let name = format!("{}.{}.{period}", self.card.id, numbering.field);
        let row = tx.fetch(&system::next_number(tx.dialect(), &name)).await?.into_iter().flatten().next();
        let Some(Datum::Integer(number)) = row else { return Ok(()) };
        record.values.insert(numbering.field.clone(), Value::Text(numbered(&numbering.pattern, number, today, &self.site)));
        Ok(())
    }

    /// Sets of fields that are unique: asked ahead, so that all violations come at once; the index is the backstop.
    async fn check_unique(&self, tx: &mut Tx, stored: Option<&Record>, record: &Record, violations: &mut Vec<Violation>) -> Result<(), UnitError> {
        for set in &self.card.unique {
            let changed = stored.is_none_or(|stored| set.iter().any(|key| stored.get(key.as_str()) != record.get(key.as_str())));
            // A number that was just given cannot be taken.
            let is_number = stored.is_none() && self.card.numbering.as_ref().is_some_and(|numbering| set.as_slice() == std::slice::from_ref(&numbering.field)) && self.body.get(set[0].as_str()).is_none();
            if !changed || is_number {
                continue;
            }
            let Some(statement) = write::same_values(self.catalog(), tx.dialect(), &self.card.table, record, set) else { continue };
            if !tx.fetch(&statement).await?.is_empty() {
                violations.push(Violation::new(set.first().map_or("", Ident::as_str), Code::Unique));
            }
        }
        for (key, table) in &self.card.children {
            for set in &table.unique {
                twice(record.rows(key.as_str()), set).into_iter().for_each(|index| violations.push(Violation::new(format!("{key}/{index}/{}", set[0]), Code::Unique)));
            }
        }
        Ok(())
    }

    /// Questions of rules about rows of other cards, answered by the database.
    async fn pointing(&self, tx: &mut Tx, record: &Record) -> Result<HashMap<String, bool>, UnitError> {
        let mut asked = Vec::new();
        self.card.rules.iter().for_each(|rule| pointing_in(&rule.when, &mut asked));
        let mut answers = HashMap::new();
        for related in asked {
            let positive = Condition::Related(model::Related { wanted: true, ..related.clone() });
            let bound = bind_for(&self.actor, self.catalog(), &with_record(&positive, &self.card, record, None));
            let lowered = select::matching(self.catalog(), tx.dialect(), &self.card.table.reference(), &[record.id], &bound);
            answers.insert(format!("{related:?}"), !tx.fetch(&lowered.statement).await?.is_empty());
        }
        Ok(answers)
    }

    /// Rows, derived values of others, and what tells of it: audit, change log, outbox.
    async fn store(&self, tx: &mut Tx, stored: Option<&Record>, merged: &Merged, valid: &ValidRecord) -> Result<(), UnitError> {
        let dialect = tx.dialect();
        let record = valid.record();
        let (statements, changed) = match stored {
            None => (write::create(self.catalog(), dialect, &self.gated, valid), filled(record)),
            Some(stored) => {
                let (changes, changed) = changes(&self.card, stored, record, merged);
                (write::update(self.catalog(), dialect, &self.gated, valid, stored.version(), &changes), changed)
            }
        };
        for (index, statement) in statements.iter().enumerate() {
            let count = tx.execute(statement).await.map_err(|error| self.explain(error))?;
            if index == 0 && stored.is_some() && count == 0 {
                return Err(store::StoreError::Busy { detail: "the record was changed at the same moment".into() }.into());
            }
        }
        if !self.admits(tx, record.id, &self.gated.rows()).await? && !self.is_assignment(stored, merged) {
            return Err(AppError::forbidden("the record would leave what you may change").into());
        }
        self.attach(tx, record, stored).await?;
        renew::after_save(tx, &self.snapshot, &self.card, stored, Some(record), self.actor.now).await?;
        let event = system::Event {
            at: self.actor.now,
            actor: self.actor.user,
            card: self.card.key.as_str(),
            record: record.id,
            version: record.version(),
            action: if stored.is_some() { "updated" } else { "created" },
            fields: Json::from(changed).to_string(),
            tracked: tracked(&self.card, stored, record),
            site: &self.site,
            tx: Uuid::now_v7(),
            ids: [Uuid::now_v7(), Uuid::now_v7(), Uuid::now_v7()],
        };
        for statement in system::event(dialect, &event) {
            tx.execute(&statement).await?;
        }
        Ok(())
    }

    /// A change of owner or org unit by those who may assign tests only the old row.
    fn is_assignment(&self, stored: Option<&Record>, merged: &Merged) -> bool {
        stored.is_some() && self.gated.may_assign() && merged.changed.iter().any(|key| matches!(key.as_str(), "owner" | "org_unit"))
    }

    /// A unique index that was broken all the same is the violation it stands for.
    fn explain(&self, error: store::StoreError) -> UnitError {
        if let store::StoreError::Unique { constraint } = &error {
            if let Some((_, child, fields)) = sql::schema::constraint_fields(self.catalog(), constraint) {
                let field = fields.first().map_or("", Ident::as_str);
                let path = child.map_or_else(|| field.to_owned(), |child| format!("{child}/{field}"));
                return AppError::rejected(Violation::new(path, Code::Unique)).into();
            }
            if constraint.contains(".id") || constraint.ends_with("_pkey") {
                return AppError::Conflict { code: "id_taken", detail: "there is a record with this id already".into(), blockers: Vec::new() }.into();
            }
        }
        error.into()
    }

    async fn attach(&self, tx: &mut Tx, record: &Record, stored: Option<&Record>) -> Result<(), UnitError> {
        for (owner, key) in links_set(&self.card, stored, record) {
            let child = owner.as_ref().map(|(table, _)| table);
            let Some(field) = self.card.table_of(child).and_then(|table| table.field(&key)).filter(|field| matches!(field.kind, FieldKind::File(_))) else { continue };
            let value = match &owner {
                None => record.get(key.as_str()).clone(),
                Some((table, row)) => record.rows(table.as_str()).iter().find(|known| known.id == *row).map(|row| value_of(&row.values, key.as_str()).clone()).unwrap_or_default(),
            };
            let place = child.map_or_else(|| field.key.to_string(), |child| format!("{child}.{}", field.key));
            let ids = ids(&value);
            if !ids.is_empty() {
                tx.execute(&system::attach_files(tx.dialect(), &ids, self.actor.user, self.card.key.as_str(), record.id, &place)).await?;
            }
        }
        Ok(())
    }
}

/// A place of a record: (child table and row), field.
pub(crate) type Touched = (Option<(Ident, Uuid)>, Ident);

fn micros(at: DateTime<Utc>) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(at.timestamp_micros()).unwrap_or(at)
}

/// Places the client gave a value. New rows get their ids while merging, so they are known by their order there.
fn given(draft: &Draft) -> Vec<Touched> {
    let own = draft.values.iter().filter(|(_, value)| !value.is_empty()).map(|(key, _)| (None, key.clone()));
    let rows = draft.children.iter().flat_map(|(table, change)| {
        let rows: Vec<&draft::RowDraft> = match change {
            draft::ChildDraft::Whole(rows) => rows.iter().collect(),
            draft::ChildDraft::Parts { add, change, .. } => change.iter().chain(add).collect(),
        };
        rows.into_iter().filter_map(|row| Some((row.id?, row))).flat_map(|(id, row)| row.values.iter().filter(|(_, value)| !value.is_empty()).map(move |(key, _)| (Some((table.clone(), id)), key.clone()))).collect::<Vec<_>>()
    });
    own.chain(rows).collect()
}

fn put_at(draft: &mut Draft, path: &str, value: Value) {
    let steps: Vec<&str> = path.split('/').collect();
    match steps.as_slice() {
        [key] => {
            if let Ok(key) = Ident::new(key) {
                draft.values.insert(key, value);
            }
        }
        [table, .., key] => {
            let Ok(key) = Ident::new(key) else { return };
            let rows = match draft.children.get_mut(*table) {
                Some(draft::ChildDraft::Whole(rows)) => rows.iter_mut().collect::<Vec<_>>(),
                Some(draft::ChildDraft::Parts { add, change, .. }) => add.iter_mut().chain(change).collect(),
                None => return,
            };
            let row_path = path.rsplit_once('/').map_or("", |(row, _)| row);
            if let Some(row) = rows.into_iter().find(|row| row.path == row_path) {
                row.values.insert(key, value);
            }
        }
        [] => {}
    }
}

/// The ids of a link or file value.
pub(crate) fn ids(value: &Value) -> Vec<Uuid> {
    match value {
        Value::Id(id) | Value::AnyId { id, .. } => vec![*id],
        Value::Ids(ids) => ids.clone(),
        _ => Vec::new(),
    }
}

fn ids_of(record: &Record, child: Option<&Ident>, field: &Ident, target: &Ident) -> Vec<Uuid> {
    let of = |values: &model::Values| match value_of(values, field.as_str()) {
        Value::AnyId { card, id } => if card == target { vec![*id] } else { Vec::new() },
        value => ids(value),
    };
    match child {
        None => of(&record.values),
        Some(child) => record.rows(child.as_str()).iter().flat_map(|row| of(&row.values)).collect(),
    }
}

/// Links and files whose value is not what is stored.
pub(crate) fn links_set(card: &Card, stored: Option<&Record>, record: &Record) -> Vec<Touched> {
    let is_pointer = |field: &&Field| matches!(field.kind, FieldKind::Link(_) | FieldKind::AnyLink { .. } | FieldKind::File(_)) && (!field.system || matches!(field.key.as_str(), "owner" | "org_unit"));
    let mut set = Vec::new();
    for field in card.table.fields.values().filter(is_pointer) {
        let value = record.get(field.key.as_str());
        if !value.is_empty() && stored.is_none_or(|stored| stored.get(field.key.as_str()) != value) {
            set.push((None, field.key.clone()));
        }
    }
    for (key, table) in &card.children {
        for row in record.rows(key.as_str()) {
            let before = stored.and_then(|stored| stored.rows(key.as_str()).iter().find(|known| known.id == row.id));
            for field in table.fields.values().filter(is_pointer) {
                let value = value_of(&row.values, field.key.as_str());
                if !value.is_empty() && before.is_none_or(|before| value_of(&before.values, field.key.as_str()) != value) {
                    set.push((Some((key.clone(), row.id)), field.key.clone()));
                }
            }
        }
    }
    set
}

/// `@record.…` and `@row.…` of a condition replaced by the draft's own values; what lies behind links stays unknown.
pub(crate) fn with_record(condition: &Condition, card: &Card, record: &Record, owner: Option<&(Ident, Uuid)>) -> Condition {
    let row = owner.and_then(|(table, id)| record.rows(table.as_str()).iter().find(|row| row.id == *id));
    let value = |path: &Path, values: Option<&model::Values>| -> Option<Value> {
        if path.leaf == "id" && path.hops.is_empty() && path.start.child.is_none() {
            return Some(Value::Id(record.id));
        }
        values.filter(|_| path.hops.is_empty()).map(|values| value_of(values, path.leaf.as_str()).clone()).filter(|value| !value.is_empty())
    };
    let _ = card;
    replace(condition, &|variable| match variable {
        model::Variable::Record(path) => value(path, Some(&record.values)),
        model::Variable::Row(path) => value(path, row.map(|row| &row.values)),
        _ => None,
    })
}

fn replace(condition: &Condition, with: &dyn Fn(&model::Variable) -> Option<Value>) -> Condition {
    use model::{Operand, Term};
    let term = |term: &Term| match term {
        Term::Variable(variable) => with(variable).map_or_else(|| term.clone(), Term::Value),
        Term::Value(_) => term.clone(),
    };
    match condition {
        Condition::All(parts) => Condition::All(parts.iter().map(|part| replace(part, with)).collect()),
        Condition::Any(parts) => Condition::Any(parts.iter().map(|part| replace(part, with)).collect()),
        Condition::Not(part) => Condition::Not(Box::new(replace(part, with))),
        Condition::Related(related) => Condition::Related(model::Related { condition: Box::new(replace(&related.condition, with)), ..related.clone() }),
        Condition::Test(test) => {
            let operand = match &test.operand {
                Operand::One(one) => Operand::One(term(one)),
                Operand::Many(many) => Operand::Many(many.iter().map(term).collect()),
                Operand::Range(from, to) => Operand::Range(term(from), term(to)),
                other => other.clone(),
            };
            Condition::Test(model::Test { operand, ..test.clone() })
        }
        Condition::Unknown => Condition::Unknown,
    }
}

fn pointing_in<'c>(condition: &'c Condition, found: &mut Vec<&'c model::Related>) {
    match condition {
        Condition::All(parts) | Condition::Any(parts) => parts.iter().for_each(|part| pointing_in(part, found)),
        Condition::Not(part) => pointing_in(part, found),
        Condition::Related(related) if matches!(related.rows, model::RowSource::Pointing { .. }) => found.push(related),
        Condition::Related(related) => pointing_in(&related.condition, found),
        Condition::Test(_) | Condition::Unknown => {}
    }
}

fn twice(rows: &[Row], set: &[Ident]) -> Vec<usize> {
    let values = |row: &Row| -> Vec<Value> { set.iter().map(|key| value_of(&row.values, key.as_str()).clone()).collect() };
    let is_double = |index: usize| {
        let own = values(&rows[index]);
        !own.iter().any(Value::is_empty) && rows[..index].iter().any(|row| values(row) == own)
    };
    (0..rows.len()).filter(|index| is_double(*index)).collect()
}

/// `SO-{yyyy}{mm}-{####}`
fn numbered(pattern: &str, number: i64, today: chrono::NaiveDate, site: &str) -> String {
    let mut text = pattern.replace("{yyyy}", &format!("{:04}", today.year())).replace("{yy}", &format!("{:02}", today.year() % 100));
    text = text.replace("{mm}", &format!("{:02}", today.month())).replace("{dd}", &format!("{:02}", today.day())).replace("{site}", &site[..site.len().min(4)]);
    if let (Some(open), Some(close)) = (text.find("{#"), text.find("#}")) {
        let width = close - open;
        text.replace_range(open..close + 2, &format!("{number:0width$}"));
    }
    text
}

fn filled(record: &Record) -> Vec<String> {
    record.values.iter().filter(|(_, value)| !value.is_empty()).map(|(key, _)| key.to_string()).collect()
}

/// Every column that differs from what is stored, derived ones included, and the places as people call them.
fn changes<'r>(card: &'r Card, stored: &Record, record: &'r Record, merged: &Merged) -> (write::Changes<'r>, Vec<String>) {
    let mut changes = write::Changes::default();
    for field in card.table.fields.values().filter(|field| field.key != "id" && field.key != "trashed_at") {
        if stored.get(field.key.as_str()) != record.get(field.key.as_str()) {
            changes.fields.push(field.key.clone());
        }
    }
    let mut paths: Vec<String> = changes.fields.iter().filter(|key| !matches!(key.as_str(), "version" | "updated_at" | "updated_by")).map(Ident::to_string).collect();
    for (key, table) in &card.children {
        let (before, after) = (stored.rows(key.as_str()), record.rows(key.as_str()));
        changes.removed.extend(before.iter().filter(|row| !after.iter().any(|kept| kept.id == row.id)).map(|row| (table, row.id)));
        for (position, row) in after.iter().enumerate() {
            match before.iter().enumerate().find(|(_, known)| known.id == row.id) {
                None => changes.added.push((table, position, row)),
                Some((old_position, known)) => {
                    let fields: Vec<Ident> = table.own_fields().map(|field| field.key.clone()).filter(|field| value_of(&known.values, field.as_str()) != value_of(&row.values, field.as_str())).collect();
                    if !fields.is_empty() || old_position != position {
                        paths.extend(fields.iter().map(|field| format!("{key}/{}/{field}", row.id)));
                        changes.changed.push((table, position, row, fields));
                    }
                }
            }
        }
    }
    paths.extend(merged.rows.iter().filter(|(_, change)| !matches!(change, RowChange::Changed(_))).map(|((table, id), _)| format!("{table}/{id}")));
    (changes, paths)
}

/// Old and new values of tracked fields: `{"total": ["1.00", "2.00"]}`. Secret values are never kept.
fn tracked(card: &Card, stored: Option<&Record>, record: &Record) -> Option<String> {
    let mut kept: IndexMap<String, [Json; 2]> = IndexMap::new();
    for field in card.table.own_fields().filter(|field| !field.secret && !field.track.is_none()) {
        let new = record.get(field.key.as_str());
        let old = stored.map(|stored| stored.get(field.key.as_str()).clone()).unwrap_or_default();
        if old != *new {
            kept.insert(field.key.to_string(), [types::to_json(&field.kind, &old), types::to_json(&field.kind, new)]);
        }
    }
    (!kept.is_empty()).then(|| serde_json::to_string(&kept).unwrap_or_default())
}
