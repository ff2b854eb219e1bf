//! What the engine keeps of derived values beside the values: totals behind averages, and fields that are being
//! calculated anew.

use uuid::Uuid;

use crate::{Datum, Dialect, Physical, Statement, select::bind_ids, builder::Builder, system::statement};

/// The sums and counts behind an averaged field: owner, total as text, count.
pub fn totals(dialect: Dialect, field: &str, owners: &[Uuid]) -> Statement {
    let catalog = model::Catalog::default();
    let mut builder = Builder::new(&catalog, dialect, None);
    let field = builder.bind(Datum::Text(field.to_owned()));
    let owners = bind_ids(&mut builder, owners);
    builder.finish(&format!("SELECT owner_id, total, counted FROM sys_derived_total WHERE field = {field} AND owner_id IN ({owners})"), vec![Physical::Uuid, Physical::Text, Physical::Integer])
}

/// Keeps one.
pub fn put_total(dialect: Dialect, field: &str, owner: Uuid, total: &str, counted: i64) -> Statement {
    let binds = vec![Datum::Text(field.to_owned()), Datum::Uuid(owner), Datum::Text(total.to_owned()), Datum::Integer(counted)];
    statement(dialect, "INSERT INTO sys_derived_total (field, owner_id, total, counted) VALUES ({}, {}, {}, {}) ON CONFLICT (field, owner_id) DO UPDATE SET total = excluded.total, counted = excluded.counted", binds, Vec::new())
}

/// Marks a field as being calculated anew by a job.
pub fn mark(dialect: Dialect, card: &str, field: &str, job: Uuid) -> Statement {
    let binds = vec![Datum::Text(card.to_owned()), Datum::Text(field.to_owned()), Datum::Uuid(job)];
    statement(dialect, "INSERT INTO sys_recomputing (card, field, job) VALUES ({}, {}, {}) ON CONFLICT DO NOTHING", binds, Vec::new())
}

/// By what each field was made: field, mark of its definition.
pub fn states(dialect: Dialect) -> Statement {
    statement(dialect, "SELECT field, made_by FROM sys_derived_state", Vec::new(), vec![Physical::Text, Physical::Text])
}

/// Keeps one.
pub fn put_state(dialect: Dialect, field: &str, made_by: &str) -> Statement {
    let binds = vec![Datum::Text(field.to_owned()), Datum::Text(made_by.to_owned())];
    statement(dialect, "INSERT INTO sys_derived_state (field, made_by) VALUES ({}, {}) ON CONFLICT (field) DO UPDATE SET made_by = excluded.made_by", binds, Vec::new())
}

/// Takes a job's marks away.
pub fn unmark(dialect: Dialect, job: Uuid) -> Statement {
    statement(dialect, "DELETE FROM sys_recomputing WHERE job = {}", vec![Datum::Uuid(job)], Vec::new())
}

/// Every mark of a job that has not ended: card, field.
pub fn marks(dialect: Dialect) -> Statement {
    statement(dialect, "SELECT DISTINCT card, field FROM sys_recomputing ORDER BY card, field", Vec::new(), vec![Physical::Text, Physical::Text])
}

const TURN: i64 = 4_401_774_512;

/// Those who change records that are added up into others go side by side …
pub fn share_turn(dialect: Dialect) -> Option<Statement> {
    (dialect == Dialect::Postgres).then(|| statement(dialect, &format!("SELECT pg_advisory_xact_lock_shared({TURN})"), Vec::new(), Vec::new()))
}

/// … and who changes what many others read goes alone, since its locks go against their order.
pub fn take_turn(dialect: Dialect) -> Option<Statement> {
    (dialect == Dialect::Postgres).then(|| statement(dialect, &format!("SELECT pg_advisory_xact_lock({TURN})"), Vec::new(), Vec::new()))
}

/// The same, if nobody else is under way.
pub fn try_turn(dialect: Dialect) -> Option<Statement> {
    (dialect == Dialect::Postgres).then(|| statement(dialect, &format!("SELECT pg_try_advisory_xact_lock({TURN})"), Vec::new(), vec![Physical::Boolean]))
}
