//! Saving one record: the one way by which anything is written.
//!
//! Look up, allow, read, derive, validate, store, tell. In that order, always.

use std::{collections::{BTreeMap, BTreeSet, HashMap, HashSet}, sync::Arc};

use access::{Actor, GatedWrite, Readable, Reason, gate_write};
use chrono::{DateTime, Datelike, Utc};
use indexmap::IndexMap;
use model::{
    ActionName, Card, Code, Condition, Field, FieldKind, Ident, Path, Record, Rejected, Reset, Row, ValidRecord, Value, Violation, record::value_of, types,
    validate::validate,
};
use serde_json::{Map, Value as Json};
use sha2::{Digest, Sha256};
use sql::{Datum, select, system, write::{self, Hold}};
use store::Tx;
use uuid::Uuid;

mod alone;
mod asked;
mod back;
mod conditions;
mod dated;
mod defaults;
mod links;
mod overlap;
mod pool;
mod relink;
mod reach;
mod repeat;
mod rights;
mod scripted;
mod keep;
mod shared;
mod states;
mod unique;

pub use alone::{change, create};
pub(crate) use conditions::with_facts;
use conditions::{place_of, touched_at};
pub(crate) use keep::tracked;
use links::Targets;
pub(crate) use links::{ids, links_set};
pub(crate) use overlap::other_booking;
pub(crate) use pool::Move;
pub(crate) use relink::Relink;
pub(crate) use shared::Shared;
pub(crate) use states::{StateMove, check_asked, conflict};

use super::{
    derive::{self, Context},
    draft::{self, Draft},
    facts::DraftFacts, load,
    merge::{self, Merged, RowChange},
    gather::{self, Around}, told,
};
use crate::{App, AppError, Source, Stale, UnitError, batches::{self, Before}, derived, lists::bind_for, scripts::{Home, Running}, search, snapshot::Snapshot};

/// How a save is asked for.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The client's key under which the answer is kept for a day.
    pub idempotency_key: Option<String>,
    /// The version from `If-Match`; goes before one in the body.
    pub version: Option<i64>,
    /// Only say what would happen.
    pub dry_run: bool,
    /// The version whose changes of the same fields may be written over: its values were seen.
    pub over: Option<i64>,
    /// The batch it belongs to: what was before is written down, so that it can be taken back.
    pub batch: Option<Uuid>,
    /// A person decides about look-alikes first: what would be a warning refuses, but for those accepted here (those that
    /// may not be seen by the empty id).
    pub ask_about_duplicates: Option<Vec<Uuid>>,
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
    /// Whether anything was changed at all.
    pub changed: bool,
    /// Where a batch is taken back: places that somebody changed since, and that stayed so.
    pub left: Vec<String>,
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
    mode: Mode,
    shared: Option<Arc<Shared>>,
    /// Whether values that only one record may have are looked for ahead, or left to the index: that saves a trip.
    asks_ahead: bool,
    home: Home,
    /// The script that set this off.
    outer: Option<Running>,
    /// Whoever merges, where the system moves links for them: scripts see what they see.
    person: Option<Box<Actor>>,
}

/// Where a save's draft comes from, beside the body.
enum Mode {
    /// The body alone.
    Plain,
    /// What was before a batch.
    Back(Revert),
    /// Values added to, or taken out of, fields that hold several.
    Several(Vec<Several>),
    /// Out of the pool, or into it.
    Pool(Move),
    /// Links moved from merged records.
    Relink(Relink),
    /// A transition.
    State(StateMove),
}

/// Values added to a field that holds several, or taken out of it.
#[derive(Debug, Clone)]
pub(crate) struct Several {
    /// The field.
    pub field: Ident,
    /// The values.
    pub values: Value,
    /// Added, or taken out.
    pub add: bool,
}

/// A change to take back: the record gets what it had before, in places nobody changed since.
struct Revert {
    before: Before,
    /// The version from the change on.
    version: i64,
    /// The batch of the change, and the one that takes it back.
    batches: [Uuid; 2],
}

impl Work {
    pub(crate) fn new(app: &App, actor: &Actor, card: &str, id: Option<Uuid>, body: Map<String, Json>, options: &Options) -> Result<Self, AppError> {
        Self::at(&Home::of(app), actor, card, id, body, options)
    }

    /// The same by definitions that are at hand already.
    pub(crate) fn at(home: &Home, actor: &Actor, card: &str, id: Option<Uuid>, body: Map<String, Json>, options: &Options) -> Result<Self, AppError> {
        let snapshot = home.snapshot.clone();
        let card = snapshot.card(card)?.clone();
        let action = if id.is_some() { ActionName::Update } else { ActionName::Create };
        let gated = gate_write(&snapshot.catalog, actor, &card, action)?;
        Ok(Self { actor: actor.clone(), card, gated, id, body, options: options.clone(), site: home.site.clone(), mode: Mode::Plain, shared: None, asks_ahead: true, snapshot, home: home.clone(), outer: None, person: actor.behind(Reason::Merge).map(Box::new) })
    }

    /// Instead of a body: what was before.
    pub(crate) fn reverting(mut self, before: Before, version: i64, batches: [Uuid; 2]) -> Self {
        self.mode = Mode::Back(Revert { before, version, batches });
        self
    }

    /// Beside the body: values added to fields that hold several, and taken out of them.
    pub(crate) fn with_several(mut self, several: Vec<Several>) -> Self {
        self.mode = Mode::Several(several);
        self
    }

    /// Instead of a body: links moved.
    pub(crate) fn relinking(mut self, relink: Relink) -> Self {
        self.mode = Mode::Relink(relink);
        self
    }

    /// What was copied through a link stays as it is where a link is only moved, or put back.
    fn links_set_now(&self, stored: Option<&Record>, record: &Record) -> HashSet<Touched> {
        match self.mode {
            Mode::Back(_) | Mode::Relink(_) => HashSet::new(),
            Mode::Plain | Mode::Several(_) | Mode::Pool(_) | Mode::State(_) => links_set(&self.card, stored, record).into_iter().collect(),
        }
    }

    /// Whether this takes something back.
    fn is_back(&self) -> bool {
        matches!(self.mode, Mode::Back(_))
    }

    pub(crate) fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    pub(crate) fn catalog(&self) -> &model::Catalog {
        &self.snapshot.catalog
    }

    pub(crate) async fn run(&self, tx: &mut Tx) -> Result<Saved, UnitError> {
        crate::still_present(tx, &self.snapshot, &self.actor).await?;
        if let Some(saved) = self.replay(tx).await? {
            return Ok(saved);
        }
        self.save(tx, &self.body).await
    }

    /// The same with a body that is known only inside the transaction.
    pub(crate) async fn run_with(&self, tx: &mut Tx, body: Map<String, Json>) -> Result<Saved, UnitError> {
        self.save(tx, &body).await
    }

    /// Whether the actor may change another record of the same card as this one.
    pub(crate) async fn may_change(&self, tx: &mut Tx, id: Uuid) -> Result<(), UnitError> {
        if self.admits(tx, id, &self.gated.rows()).await? { Ok(()) } else { Err(self.refusal(tx, id).await?.into()) }
    }

    async fn save(&self, tx: &mut Tx, body: &Map<String, Json>) -> Result<Saved, UnitError> {
        derived::begin(tx, &self.snapshot, &self.card).await?;
        let (draft, mut violations) = draft::read(&self.card, self.catalog(), body);
        let stored = self.stored(tx).await?;
        let (draft, left, untouched) = self.moded(tx, stored.as_ref(), draft).await?;
        let read_version = self.options.version.or(draft.version);
        let mut draft = self.with_lookups(tx, draft, &mut violations).await?;
        let chosen_id = draft.id;
        if stored.is_none() {
            self.put_defaults(&mut draft, &mut violations);
        }
        if !self.is_back() {
            self.put_row_defaults(&mut draft, &mut violations);
        }
        let defaults = std::mem::take(&mut draft.defaults);
        let mut merged = merge::merge(&self.card, stored.as_ref(), draft, Uuid::now_v7, &mut violations);
        let mut given = given(&merged);
        self.check_rights(tx, stored.as_ref(), &mut merged, &defaults, &mut violations).await?;
        let was_behind = self.check_version(tx, stored.as_ref(), &merged, read_version).await?;
        if let Some(stored) = stored.as_ref().filter(|_| !merged.is_change() && violations.is_empty()) {
            return Ok(Saved { id: stored.id, version: stored.version(), warnings: Vec::new(), merged: false, replayed: false, changed: false, left });
        }
        merged.record.id = self.id.or(chosen_id).unwrap_or_else(Uuid::now_v7);
        let back = untouched.then(|| merged.clone());
        self.before_save(tx, (stored.as_ref(), back.as_ref()), &mut merged, &mut given, &mut violations).await?;
        self.run_with_step(tx, stored.as_ref(), &mut merged, &mut given, &mut violations).await?;
        self.date_links(stored.as_ref(), &mut merged);
        let (valid, warnings) = self.validated(tx, stored.as_ref(), &mut merged, &given, violations).await?;
        self.store(tx, stored.as_ref(), &merged, &valid, &left).await?;
        let saved = Saved { id: valid.record().id, version: valid.record().version(), warnings, merged: was_behind, replayed: false, changed: true, left };
        self.after_save(tx, stored.as_ref(), valid.record()).await?;
        self.moved(tx, saved.id, stored.as_ref().and_then(|stored| stored.get("owner").as_id())).await?;
        self.staged(tx, stored.as_ref(), valid.record()).await?;
        self.remember(tx, &saved).await?;
        Ok(saved)
    }

    /// Derives, numbers, checks links and rules; gives the record only if nothing is wrong.
    async fn validated(&self, tx: &mut Tx, stored: Option<&Record>, merged: &mut Merged, given: &HashSet<Touched>, mut violations: Vec<Violation>) -> Result<(ValidRecord, Vec<Violation>), UnitError> {
        self.stamp(stored, &mut merged.record);
        let targets = self.hold_targets(tx, stored, &merged.record, Targets::default()).await?;
        let Around { linked, ancestors } = gather::around(tx, &self.snapshot, &self.card, &[&merged.record], self.actor.now).await?;
        let set = self.links_set_now(stored, &merged.record);
        let system = self.snapshot.calculating(self.actor.now);
        let context = Context { actor: &system, linked: &linked, ancestors: &ancestors, set: &set, given };
        merged.record = self.derived(tx, stored, merged.record.clone(), &context, &mut violations).await?;
        let nothing = HashMap::new();
        let facts = DraftFacts { record: &merged.record, actor: &self.actor, linked: &linked, ancestors: &ancestors, pointing: &nothing };
        self.check_links(tx, stored, &facts, targets, &mut violations).await?;
        let pointing = self.pointing(tx, &facts).await?;
        let facts = DraftFacts { pointing: &pointing, ..facts };
        self.check_locked(stored, merged, &facts, &mut violations);
        violations.extend(crate::formulas::check_typed(&self.card, &merged.record, stored));
        self.check_tree(&merged.record, &ancestors, &mut violations);
        self.number(tx, stored, &mut merged.record, &violations).await?;
        self.check_unique(tx, stored, &merged.record, &mut violations).await?;
        let facts = DraftFacts { record: &merged.record, actor: &self.actor, linked: &linked, ancestors: &ancestors, pointing: &pointing };
        self.check_overlap(tx, stored, &facts, &mut violations).await?;
        let alike = self.alike(tx, stored, &merged.record).await?;
        let (alike, refusing): (Vec<_>, Vec<_>) = alike.into_iter().partition(|violation| violation.warning);
        violations.extend(refusing);
        let verdict = validate(&self.card, merged.record.clone(), stored, &facts, self.at_their_places(merged, violations));
        let (mut warnings, errors): (Vec<_>, Vec<_>) = verdict.violations.into_iter().partition(|violation| violation.warning);
        match verdict.valid {
            Some(valid) => {
                warnings.extend(alike);
                Ok((valid, warnings))
            }
            None => Err(AppError::Rejected(Rejected(errors)).into()),
        }
    }

    /// Everything that is calculated. Aggregates over other records that depend on this one's values are asked for anew.
    async fn derived(&self, tx: &mut Tx, stored: Option<&Record>, record: Record, context: &Context<'_>, violations: &mut Vec<Violation>) -> Result<Record, UnitError> {
        let before = violations.len();
        let record = derive::derive(&self.snapshot, &self.card, record, context, violations);
        if stored.is_none() || !derived::depends_on_record(&self.card) {
            return Ok(record);
        }
        let record = derived::asked_by_record(tx, &self.snapshot, &self.card, record, context).await?;
        violations.truncate(before);
        Ok(derive::derive(&self.snapshot, &self.card, record, context, violations))
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
}

/// A place of a record: (child table and row), field.
pub(crate) type Touched = (Option<(Ident, Uuid)>, Ident);

fn micros(at: DateTime<Utc>) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(at.timestamp_micros()).unwrap_or(at)
}

/// Places the client gave a value of its own: one that is not what is stored.
fn given(merged: &Merged) -> HashSet<Touched> {
    let own = merged.changed.iter().filter(|key| !merged.record.get(key.as_str()).is_empty()).map(|key| (None, key.clone()));
    let rows = merged.record.children.iter().flat_map(|(table, rows)| {
        rows.iter().flat_map(move |row| {
            let place = (table.clone(), row.id);
            let keys: Vec<Ident> = match merged.rows.get(&place) {
                Some(RowChange::Changed(fields)) => fields.iter().filter(|key| !value_of(&row.values, key.as_str()).is_empty()).cloned().collect(),
                Some(RowChange::Added) => row.values.iter().filter(|(_, value)| !value.is_empty()).map(|(key, _)| key.clone()).collect(),
                Some(RowChange::Removed) | None => Vec::new(),
            };
            keys.into_iter().map(move |key| (Some(place.clone()), key))
        })
    });
    own.chain(rows).collect()
}
