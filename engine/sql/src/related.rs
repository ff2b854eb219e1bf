//! Child rows of other records that point to a record, through the gate of the card that owns them.

use access::GatedQuery;
use model::{Catalog, TableRef};

use crate::{
    Dialect,
    builder::{Builder, Rows, Sums},
    page, predicate,
    select::{Lowered, Selection, aggregate},
};

/// The owner, the row's id, then what was asked for; in the order asked for, then newest records first.
pub fn rows(catalog: &Catalog, dialect: Dialect, gated: &GatedQuery, table: &TableRef, limit: u32) -> Lowered {
    let mut builder = Builder::new(catalog, dialect, Some(gated.tables()));
    let mut rows = builder.rows(table);
    let mut selection = Selection::with_ids(&rows.alias, &["parent_id", "id"]);
    for selected in &gated.query().select {
        selection.push(&mut builder, &mut rows, &selected.path);
    }
    let wanted = gated.query().sort.iter().filter(|sort| sort.path.start == *table);
    let order: String = wanted.map(|sort| format!("{}, ", page::ordered(sort, &builder.column(&mut rows, &sort.path)))).collect();
    let clause = clause(&mut builder, &mut rows, gated, table);
    let sql = format!("SELECT {} FROM {} WHERE {clause} ORDER BY {order}{a}.parent_id DESC, {a}.position LIMIT {limit}", selection.list(), builder.from(&rows), a = rows.alias);
    selection.finish(builder, &sql)
}

/// How many there are, then the totals.
pub fn totals(catalog: &Catalog, dialect: Dialect, gated: &GatedQuery, table: &TableRef, sums: Sums) -> Lowered {
    let mut builder = Builder::new(catalog, dialect, Some(gated.tables())).with_sums(sums);
    let mut rows = builder.rows(table);
    let mut selection = Selection::with_ids(&rows.alias, &[]);
    aggregate(&mut builder, &mut rows, &mut selection, None, model::Aggregate::Count);
    for total in &gated.query().totals {
        aggregate(&mut builder, &mut rows, &mut selection, total.path.as_ref(), total.function);
    }
    let clause = clause(&mut builder, &mut rows, gated, table);
    let sql = format!("SELECT {} FROM {} WHERE {clause}", selection.list(), builder.from(&rows));
    selection.finish(builder, &sql)
}

/// The filter, the owner's access predicate, and that the owner is not in the trash.
fn clause(builder: &mut Builder<'_>, rows: &mut Rows, gated: &GatedQuery, table: &TableRef) -> String {
    let mut all = vec![predicate::lower(builder, rows, &gated.query().filter, false)];
    all.extend(builder.access(&rows.alias, table));
    let owner = builder.alias();
    let of = TableRef::card(&table.card);
    let physical = builder.physical(&of);
    // What is referred to may be read in some of the owners only; then it is only their rows.
    let narrow: Vec<String> = gated.narrow().iter().map(|narrow| builder.ungated(|builder| predicate::lower_at(builder, &owner, &of, narrow))).collect();
    let narrow: String = narrow.iter().map(|narrow| format!(" AND {narrow}")).collect();
    all.push(format!("EXISTS (SELECT 1 FROM {physical} {owner} WHERE {owner}.id = {}.parent_id AND {owner}.trashed_at IS NULL{narrow})", rows.alias));
    all.join(" AND ")
}
