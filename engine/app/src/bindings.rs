//! What packs bind to a user: `@me.NAME`, and the org unit.
//!
//! **Not here:** what is remembered of it (`remembered`).

use access::{Actor, Reason};
use chrono::{DateTime, Utc};
use model::{Binding, Condition, Ident, Op, Operand, Path, TableRef, Term, Test, Value};
use uuid::Uuid;

use crate::{App, AppError, snapshot::Snapshot};

/// Fills in what packs bind to a user: the employee behind it, the department of that.
pub(crate) async fn bind(app: &App, snapshot: &Snapshot, actor: &mut Actor) -> Result<(), AppError> {
    let Some(me) = actor.user else { return Ok(()) };
    let catalog = &snapshot.catalog;
    for (name, binding) in &catalog.bindings {
        let Some(value) = bound_value(&mut crate::Source::Store(&app.store), snapshot, binding, me, actor.now).await? else { continue };
        if let (Some(org), Value::Id(id)) = (&catalog.org, &value)
            && binding.target.as_ref() == Some(&org.card) && actor.org_unit.is_none() {
                actor.org_unit = Some(*id);
            }
        actor.bound.insert(name.clone(), value);
    }
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
