//! Grants of one actor on one card, compiled.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use chrono::{DateTime, NaiveDate, Utc};
use indexmap::IndexMap;
use model::{ActionName, Bound, Card, Catalog, Condition, FieldKind, FieldRight, Grant, Ident, Path, Period, USER_CARD, Value, Variable};
use query::{Binder, bind};

use crate::{Actor, Denied, scope};

/// Binds conditions to an actor.
pub(crate) struct ActorBinder<'a> {
    pub actor: &'a Actor,
    pub catalog: &'a Catalog,
}

impl Binder for ActorBinder<'_> {
    fn variable(&self, variable: &Variable) -> Option<Value> {
        self.actor.variable(variable)
    }
    fn days(&self, period: Period) -> (NaiveDate, NaiveDate) {
        self.actor.days(period)
    }
    fn day_start(&self, day: NaiveDate) -> DateTime<Utc> {
        self.actor.day_start(day)
    }
    fn kind(&self, path: &Path) -> Option<FieldKind> {
        path.field(self.catalog).map(|field| model::resolve::kind_of(path, field))
    }
}

/// One grant, as it admits rows now.
#[derive(Debug, Clone)]
pub struct Admission {
    /// Which rows.
    pub rows: Condition,
    /// Rights on single fields; `edit` where nothing is said. Unbounded actors have none named.
    pub fields: IndexMap<(Option<Ident>, Ident), FieldRight>,
}

impl Admission {
    fn right(&self, child: Option<&Ident>, field: &Ident) -> FieldRight {
        self.fields.get(&(child.cloned(), field.clone())).copied().unwrap_or(FieldRight::Edit)
    }
}

/// The compiled right of one actor to do one thing with one card.
#[derive(Debug, Clone)]
pub struct Gate {
    /// The card.
    pub card: Arc<Card>,
    /// The grants that allow the action; never none.
    pub admissions: Vec<Admission>,
    /// What they all stay within.
    pub bounds: Condition,
}

/// Gates that were opened for one actor, by definitions, card and action.
#[derive(Debug, Default)]
pub(crate) struct Compiled(Mutex<HashMap<(u64, Ident, ActionName), Gate>>);

impl Compiled {
    fn get(&self, key: &(u64, Ident, ActionName)) -> Option<Gate> {
        self.0.lock().ok()?.get(key).cloned()
    }
    fn put(&self, key: (u64, Ident, ActionName), gate: Gate) {
        if let Ok(mut gates) = self.0.lock() {
            gates.insert(key, gate);
        }
    }
}

/// Where something holds of a field.
#[derive(Debug, Clone, PartialEq)]
pub enum Readable {
    /// In every row that is seen.
    Always,
    /// In no row.
    Never,
    /// In rows for which this holds.
    When(Condition),
}

impl Readable {
    /// Whether it holds nowhere.
    pub fn is_never(&self) -> bool {
        matches!(self, Self::Never)
    }
}

/// How a field is shown.
#[derive(Debug, Clone, PartialEq)]
pub struct Shown {
    /// Where it is shown as it is.
    pub plain: Readable,
    /// Where, of the rest, a part of it is shown.
    pub masked: Readable,
}

impl Shown {
    /// As it is, everywhere.
    pub const PLAIN: Self = Self { plain: Readable::Always, masked: Readable::Never };
    /// Nowhere.
    pub const HIDDEN: Self = Self { plain: Readable::Never, masked: Readable::Never };

    /// Whether nothing of it is ever shown.
    pub fn is_hidden(&self) -> bool {
        self.plain.is_never() && self.masked.is_never()
    }
}

impl Gate {
    /// Which rows: any of the grants admits them, and no guard keeps them out.
    pub fn rows(&self) -> Condition {
        any_of(self.admissions.iter()).and(self.bounds.clone())
    }

    /// Whether a field can be read, and in which rows. Secret fields never are.
    pub fn readable(&self, child: Option<&Ident>, field: &Ident) -> Readable {
        if self.is_secret(child, field) { Readable::Never } else { self.holds(|admission| admission.right(child, field) >= FieldRight::Read) }
    }

    /// How a field is shown: read in some rows, perhaps masked in others.
    pub fn shown(&self, child: Option<&Ident>, field: &Ident) -> Shown {
        let plain = self.readable(child, field);
        if plain == Readable::Always || self.is_secret(child, field) {
            return Shown { plain, masked: Readable::Never };
        }
        let some = self.admissions.iter().any(|admission| admission.right(child, field) == FieldRight::Mask);
        let masked = if some { self.holds(|admission| admission.right(child, field) >= FieldRight::Mask) } else { Readable::Never };
        Shown { plain, masked }
    }

    /// Whether some grant lets the field be changed, in whichever rows.
    pub fn editable(&self, child: Option<&Ident>, field: &Ident) -> Readable {
        self.holds(|admission| admission.right(child, field) == FieldRight::Edit)
    }

    fn is_secret(&self, child: Option<&Ident>, field: &Ident) -> bool {
        self.card.table_of(child).and_then(|table| table.field(field)).is_none_or(|field| field.secret)
    }

    /// Rows and fields in pairs: a right holds in the rows of the grants that give it, and in no others.
    fn holds(&self, gives: impl Fn(&Admission) -> bool) -> Readable {
        let (giving, others): (Vec<_>, Vec<_>) = self.admissions.iter().partition(|admission| gives(admission));
        if giving.is_empty() {
            return Readable::Never;
        }
        if others.is_empty() || giving.iter().any(|admission| admission.rows.is_always()) {
            return Readable::Always;
        }
        Readable::When(any_of(giving.into_iter()))
    }
}

fn any_of<'a>(admissions: impl Iterator<Item = &'a Admission>) -> Condition {
    let mut rows: Vec<Condition> = admissions.map(|admission| admission.rows.clone()).collect();
    if rows.iter().any(Condition::is_always) {
        return Condition::always();
    }
    // A grant that admits nothing says nothing.
    let mut seen: Vec<Condition> = Vec::new();
    rows.retain(|rows| {
        let says = *rows != Condition::never() && !seen.contains(rows);
        if says {
            seen.push(rows.clone());
        }
        says
    });
    if rows.len() == 1 { rows.remove(0) } else { Condition::Any(rows) }
}

/// Opens the gate of one action on one card, or says why not. Compiled once for each actor, definitions, card and action.
pub fn gate(catalog: &Catalog, actor: &Actor, card: &Arc<Card>, action: ActionName) -> Result<Gate, Denied> {
    if actor.is_unbounded() {
        return Ok(Gate { card: card.clone(), admissions: vec![Admission { rows: Condition::always(), fields: IndexMap::new() }], bounds: Condition::always() });
    }
    if card.key == USER_CARD {
        return user_gate(catalog, card, action, actor);
    }
    let key = (catalog.version, card.key.clone(), action);
    if let Some(gate) = actor.compiled.get(&key) {
        return Ok(gate);
    }
    // Whether what time it is was asked for by this gate, not by an earlier one.
    let asking = actor.again(actor.now, actor.known_at);
    let gate = open(catalog, &asking, card, action)?;
    if asking.asked_time() {
        actor.note_time();
    } else {
        actor.compiled.put(key, gate.clone());
    }
    Ok(gate)
}

fn open(catalog: &Catalog, actor: &Actor, card: &Arc<Card>, action: ActionName) -> Result<Gate, Denied> {
    // One that was taken back gives nothing, not even knowing of the card.
    let mut held = held(card, actor).filter(|grant| !grant.actions.is_empty()).peekable();
    if held.peek().is_none() {
        return Err(Denied::Hidden);
    }
    let allowing: Vec<Admission> =
        held.filter(|grant| grant.actions.contains(&action)).map(|grant| Admission { rows: rows_of(catalog, actor, card, &grant.scope, action), fields: grant.fields.clone() }).collect();
    if allowing.is_empty() {
        return Err(Denied::Action { action: word(action), card: card.labels.or_key(&actor.lang, card.key.as_str()) });
    }
    let bounds = card.bounds.iter().filter(|bound| holds_for(bound, actor)).map(|bound| rows_of(catalog, actor, card, &bound.scope, action));
    Ok(Gate { card: card.clone(), admissions: allowing, bounds: bounds.fold(Condition::always(), Condition::and) })
}

/// The grants of a card that the actor holds by their groups.
pub(crate) fn held<'c>(card: &'c Card, actor: &Actor) -> impl Iterator<Item = &'c Grant> {
    let mut roles: Vec<&Ident> = actor.roles.iter().collect();
    roles.sort_unstable();
    roles.dedup();
    roles.into_iter().flat_map(|role| card.grants_of(role)).collect::<Vec<_>>().into_iter()
}

/// Whether a guard is one for this actor.
pub(crate) fn holds_for(bound: &Bound, actor: &Actor) -> bool {
    !bound.except.iter().any(|role| actor.roles.contains(role))
}

/// The rows of a scope for this actor. An unknown anywhere in it makes it match nothing.
pub(crate) fn rows_of(catalog: &Catalog, actor: &Actor, card: &Card, of: &model::Scope, action: ActionName) -> Condition {
    let rows = bind(&scope::condition(catalog, actor, card, of, action), &ActorBinder { actor, catalog });
    if query::bind::has_unknown(&rows) { Condition::never() } else { rows }
}

/// What an action is called in messages.
pub fn word(action: ActionName) -> String {
    format!("{action:?}").to_lowercase()
}

/// Whether somebody is from outside: in groups for people from there, such as those of a customer.
pub fn is_outsider(catalog: &Catalog, actor: &Actor) -> bool {
    actor.roles.iter().any(|role| catalog.roles.get(role).is_some_and(|role| role.portal))
}

/// Everybody signed in reads who the others are; accounts are changed by their own use cases.
fn user_gate(catalog: &Catalog, card: &Arc<Card>, action: ActionName, actor: &Actor) -> Result<Gate, Denied> {
    // Who works in the house is nobody's business outside.
    if is_outsider(catalog, actor) {
        return Err(Denied::Hidden);
    }
    if action != ActionName::Read || actor.user.is_none() {
        return Err(Denied::Action { action: word(action), card: card.labels.or_key(&actor.lang, "user") });
    }
    let hidden = card.table.fields.keys().filter(|key| !matches!(key.as_str(), "id" | "name" | "active"));
    let fields = hidden.map(|key| ((None, key.clone()), FieldRight::None)).collect();
    Ok(Gate { card: card.clone(), admissions: vec![Admission { rows: Condition::always(), fields }], bounds: Condition::always() })
}
