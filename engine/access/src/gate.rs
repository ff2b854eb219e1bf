//! Grants of one actor on one card, compiled.

use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};
use indexmap::IndexMap;
use model::{ActionName, Card, Catalog, Condition, FieldKind, FieldRight, Grant, Ident, Op, Operand, Path, Period, RowSource, Scope, TableRef, Term, Test, USER_CARD, Value, Variable};
use query::{Binder, bind};

use crate::{Actor, Denied};

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

/// What an actor may do to a card's records with one action.
#[derive(Debug, Clone)]
pub struct Gate {
    /// The card.
    pub card: Arc<Card>,
    /// The grants that allow the action.
    pub admissions: Vec<Admission>,
}

/// Whether a field can be read.
#[derive(Debug, Clone, PartialEq)]
pub enum Readable {
    /// In every row that is seen.
    Always,
    /// In no row.
    Never,
    /// In rows for which this holds.
    When(Condition),
}

impl Gate {
    /// Which rows: any of the grants admits them.
    pub fn rows(&self) -> Condition {
        if self.admissions.iter().any(|admission| admission.rows.is_always()) {
            return Condition::always();
        }
        match self.admissions.as_slice() {
            [single] => single.rows.clone(),
            several => Condition::Any(several.iter().map(|admission| admission.rows.clone()).collect()),
        }
    }

    /// Whether a field can be read, and in which rows. Secret fields never are.
    pub fn readable(&self, child: Option<&Ident>, field: &Ident) -> Readable {
        let secret = self.card.table_of(child).and_then(|table| table.field(field)).is_none_or(|field| field.secret);
        let (reading, blind): (Vec<_>, Vec<_>) = self.admissions.iter().partition(|admission| admission.right(child, field) >= FieldRight::Read);
        if secret || reading.is_empty() {
            return Readable::Never;
        }
        if blind.is_empty() || reading.iter().any(|admission| admission.rows.is_always()) {
            return Readable::Always;
        }
        Readable::When(Condition::Any(reading.into_iter().map(|admission| admission.rows.clone()).collect()))
    }

    /// Whether some grant lets the field be changed, in whichever rows.
    pub fn editable(&self, child: Option<&Ident>, field: &Ident) -> Readable {
        let (editing, others): (Vec<_>, Vec<_>) = self.admissions.iter().partition(|admission| admission.right(child, field) == FieldRight::Edit);
        if editing.is_empty() {
            return Readable::Never;
        }
        if others.is_empty() || editing.iter().any(|admission| admission.rows.is_always()) {
            return Readable::Always;
        }
        Readable::When(Condition::Any(editing.into_iter().map(|admission| admission.rows.clone()).collect()))
    }
}

/// Opens the gate of one action on one card, or says why not.
pub fn gate(catalog: &Catalog, actor: &Actor, card: &Arc<Card>, action: ActionName) -> Result<Gate, Denied> {
    if actor.is_unbounded() {
        return Ok(Gate { card: card.clone(), admissions: vec![Admission { rows: Condition::always(), fields: IndexMap::new() }] });
    }
    if card.key == USER_CARD {
        return user_gate(card, action, actor);
    }
    let held: Vec<&Grant> = card.grants.iter().filter(|grant| actor.roles.contains(&grant.role)).collect();
    if held.is_empty() {
        return Err(Denied::Hidden);
    }
    let binder = ActorBinder { actor, catalog };
    let allowing: Vec<Admission> = held
        .iter()
        .filter(|grant| grant.actions.contains(&action))
        .map(|grant| {
            let rows = bind(&scope(catalog, actor, card, &grant.scope), &binder);
            let rows = if query::bind::has_unknown(&rows) { Condition::never() } else { rows };
            Admission { rows, fields: grant.fields.clone() }
        })
        .collect();
    if allowing.is_empty() {
        let action = format!("{action:?}").to_lowercase();
        return Err(Denied::Action { action, card: card.labels.or_key(&actor.lang, card.key.as_str()) });
    }
    Ok(Gate { card: card.clone(), admissions: allowing })
}

/// Everybody signed in reads who the others are; accounts are changed by their own use cases.
fn user_gate(card: &Arc<Card>, action: ActionName, actor: &Actor) -> Result<Gate, Denied> {
    if action != ActionName::Read || actor.user.is_none() {
        return Err(Denied::Action { action: format!("{action:?}").to_lowercase(), card: card.labels.or_key(&actor.lang, "user") });
    }
    let hidden = card.table.fields.keys().filter(|key| !matches!(key.as_str(), "id" | "name" | "active"));
    let fields = hidden.map(|key| ((None, key.clone()), FieldRight::None)).collect();
    Ok(Gate { card: card.clone(), admissions: vec![Admission { rows: Condition::always(), fields }] })
}

fn own_test(card: &Card, field: &str, op: Op, operand: Operand) -> Condition {
    match card.table.fields.get(field) {
        Some(field) => Condition::Test(Test { path: Path::own(card.table.reference(), field.key.clone()), op, operand }),
        None => Condition::never(),
    }
}

fn scope(catalog: &Catalog, actor: &Actor, card: &Card, scope: &Scope) -> Condition {
    let unit = || actor.org_unit.map(|unit| Operand::One(Term::Value(Value::Id(unit))));
    match scope {
        Scope::All => Condition::always(),
        Scope::Own => own_test(card, "owner", Op::Is, Operand::One(Term::Variable(Variable::Me))),
        Scope::OrgUnit => unit().map_or(Condition::never(), |unit| own_test(card, "org_unit", Op::Is, unit)),
        Scope::OrgTree => unit().map_or(Condition::never(), |unit| own_test(card, "org_unit", Op::Under, unit)),
        Scope::Subordinates => subordinates(catalog, actor, card),
        // Nothing is shared record by record yet.
        Scope::Shared => Condition::never(),
        Scope::Filter(condition) => condition.clone(),
    }
}

/// Records whose org unit lies in a unit that the actor leads.
fn subordinates(catalog: &Catalog, actor: &Actor, card: &Card) -> Condition {
    let Some(org) = &catalog.org else { return Condition::never() };
    let (Some(manager), Some(unit)) = (&org.manager, card.table.fields.get("org_unit")) else { return Condition::never() };
    let managed = actor.bound.values().filter_map(Value::as_id).collect::<Vec<_>>();
    if managed.is_empty() {
        return Condition::never();
    }
    let hop = model::Hop::Link { field: unit.key.clone(), target: org.card.clone() };
    let path = Path { start: card.table.reference(), hops: vec![hop], leaf: manager.clone(), part: None, end: TableRef::card(&org.card) };
    let operand = Operand::Many(managed.into_iter().map(|id| Term::Value(Value::Id(id))).collect());
    Condition::Test(Test { path, op: Op::AnyOf, operand })
}

/// The table whose rows a source reads.
pub(crate) fn source_card(rows: &RowSource) -> &Ident {
    &rows.table().card
}
