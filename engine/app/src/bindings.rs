//! What packs bind to a user: `@me.NAME`, and the org unit.
//!
//! **Not here:** what is remembered of it (`remembered`).

use access::{Actor, Reason};
use chrono::{DateTime, Utc};
use model::{Binding, Condition, Ident, Op, Operand, Path, TableRef, Term, Test, Value};
use sql::Datum;
use uuid::Uuid;

use crate::{App, AppError, snapshot::Snapshot};

/// Fills in what packs bind to a user: the employee behind it, the department of that.
pub(crate) async fn bind(app: &App, snapshot: &Snapshot, actor: &mut Actor) -> Result<(), AppError> {
    let Some(me) = actor.user else { return Ok(()) };
    let catalog = &snapshot.catalog;
    for (name, binding) in &catalog.bindings {
        let Some(value) = bound_value(&mut crate::Source::App(app), snapshot, binding, me, actor.now).await? else { continue };
        if let (Some(org), Value::Id(id)) = (&catalog.org, &value)
            && binding.target.as_ref() == Some(&org.card) && actor.org_unit.is_none() {
                actor.org_unit = Some(*id);
            }
        actor.bound.insert(name.clone(), value);
    }
    actor.led = led(app, snapshot, actor).await?;
    shared(app, actor).await
}

/// The org units that name somebody, or a record bound to them, as who leads them.
async fn led(app: &App, snapshot: &Snapshot, actor: &Actor) -> Result<Vec<Uuid>, AppError> {
    let catalog = &snapshot.catalog;
    let Some((card, manager)) = catalog.org.as_ref().and_then(|org| Some((catalog.card(&org.card)?, org.manager.as_ref()?))) else { return Ok(Vec::new()) };
    let Some(model::FieldKind::Link(link)) = card.field(manager.as_str()).map(|field| &field.kind) else { return Ok(Vec::new()) };
    let leaders: Vec<Uuid> = if link.target == model::USER_CARD {
        actor.user.into_iter().collect()
    } else {
        // The actor's own record, not one that it leads to, such as its manager's.
        let own = |name: &&Ident| catalog.bindings.get(*name).is_some_and(|binding| binding.path.is_none() && binding.card == link.target);
        actor.bound.iter().filter(|(name, _)| own(name)).filter_map(|(_, value)| value.as_id()).collect()
    };
    if leaders.is_empty() {
        return Ok(Vec::new());
    }
    let Ok(id) = Ident::new("id") else { return Ok(Vec::new()) };
    let request = query::ListRequest { limit: Some(query::MAX_LIMIT), ..query::ListRequest::default() };
    let mut checked = query::check(catalog, card, &request, &NoVariables, &|_| false)?;
    checked.select = vec![query::Selected { name: "id".into(), path: Path::own(card.table.reference(), id) }];
    let who = Operand::Many(leaders.into_iter().map(|id| Term::Value(Value::Id(id))).collect());
    checked.filter = Condition::Test(Test { path: Path::own(card.table.reference(), manager.clone()), op: Op::AnyOf, operand: who });
    let gated = access::gate_query(catalog, &Actor::system(Reason::Binding, actor.now), checked)?;
    let lowered = sql::page::list(catalog, app.store.dialect(), &gated);
    let rows = app.store.fetch(&lowered.statement).await?;
    Ok(rows.into_iter().filter_map(|row| lowered.decode(row).first().and_then(Value::as_id)).collect())
}

/// Whether anything is shared with somebody, and until when it stays as it is.
async fn shared(app: &App, actor: &mut Actor) -> Result<(), AppError> {
    let row = app.store.fetch(&sql::system_shares::with(app.store.dialect(), &actor.who(), actor.now)).await?.into_iter().next();
    let Some([Datum::Integer(count), ends]) = row.as_deref() else { return Ok(()) };
    actor.shared_at = (*count > 0).then_some(actor.now);
    actor.shares_end = if let Datum::Instant(at) = ends { Some(*at) } else { None };
    Ok(())
}

/// What one of those names stands for, of one user.
pub(crate) async fn bound_value(source: &mut crate::Source<'_>, snapshot: &Snapshot, binding: &Binding, me: Uuid, now: DateTime<Utc>) -> Result<Option<Value>, AppError> {
    let catalog = &snapshot.catalog;
    let Some(card) = catalog.card(&binding.card) else { return Ok(None) };
    let table = TableRef::card(&binding.card);
    let system = Actor::system(Reason::Binding, now);
    let test = Test { path: Path::own(table.clone(), binding.by.clone()), op: Op::Is, operand: Operand::One(Term::Value(Value::Id(me))) };
    let Ok(id) = Ident::new("id") else { return Ok(None) };
    let path = binding.path.clone().unwrap_or_else(|| Path::own(table, id));
    let request = query::ListRequest { limit: Some(1), ..query::ListRequest::default() };
    let binder = NoVariables;
    let mut checked = query::check(catalog, card, &request, &binder, &|_| false)?;
    checked.select = vec![query::Selected { name: "value".into(), path }];
    checked.filter = Condition::Test(test);
    let gated = access::gate_query(catalog, &system, checked)?;
    let lowered = sql::page::list(catalog, source.dialect(), &gated);
    let row = source.fetch(&lowered.statement).await?.into_iter().next();
    Ok(row.and_then(|row| lowered.decode(row).into_iter().next()).filter(|value| !value.is_empty()))
}

struct NoVariables;

impl query::Binder for NoVariables {
    fn variable(&self, _: &model::Variable) -> Option<Value> {
        None
    }
    fn days(&self, _: model::Period) -> (chrono::NaiveDate, chrono::NaiveDate) {
        (chrono::NaiveDate::MIN, chrono::NaiveDate::MIN)
    }
    fn day_start(&self, day: chrono::NaiveDate) -> DateTime<Utc> {
        day.and_time(chrono::NaiveTime::MIN).and_utc()
    }
    fn kind(&self, _: &Path) -> Option<model::FieldKind> {
        None
    }
}
