//! Derived values of many records in few statements. No new version: they are not anybody's edit.

use super::*;

/// Sets these fields of rows to what the values say.
pub fn derived(catalog: &Catalog, dialect: Dialect, table: &Table, fields: &[Ident], rows: &[(Uuid, &Values)]) -> Vec<Statement> {
    let wanted = |key: &Ident| fields.contains(key);
    let columns: Vec<String> = data_of(table, &Values::default(), wanted).map(|(name, _)| name).collect();
    let mut statements = Vec::new();
    if !columns.is_empty() {
        match (dialect, rows.split_first()) {
            // Of a statement for many rows SQLite may think that the table is best gone through as a whole. What it does
            // for one row is found again, and costs no trip.
            (Dialect::Sqlite, Some((first, others))) => {
                let first = set_many(catalog, dialect, table, &columns, std::slice::from_ref(first), wanted);
                let same = |(id, values): &(Uuid, &Values)| {
                    let binds = data_of(table, values, wanted).map(|(_, datum)| datum).chain([Datum::Uuid(*id)]);
                    Statement { sql: first.sql.clone(), binds: binds.collect(), columns: Vec::new() }
                };
                let others: Vec<Statement> = others.iter().map(same).collect();
                statements.push(first);
                statements.extend(others);
            }
            _ => {
                let each = (MAX_BINDS / (columns.len() + 1)).clamp(1, 500);
                statements.extend(rows.chunks(each).map(|some| set_many(catalog, dialect, table, &columns, some, wanted)));
            }
        }
    }
    for (id, values) in rows {
        statements.extend(replace_sides(catalog, dialect, table, *id, values, fields));
    }
    statements
}

fn set_many(catalog: &Catalog, dialect: Dialect, table: &Table, columns: &[String], rows: &[(Uuid, &Values)], wanted: impl Fn(&Ident) -> bool + Copy) -> Statement {
    let mut builder = Builder::new(catalog, dialect, None);
    if let [(id, values)] = rows {
        let sets: Vec<String> = data_of(table, values, wanted).map(|(name, datum)| format!("{name} = {}", builder.bind(datum))).collect();
        let id = builder.bind(Datum::Uuid(*id));
        return builder.finish(&format!("UPDATE {} SET {} WHERE id = {id}", table.physical, sets.join(", ")), Vec::new());
    }
    let tuples: Vec<String> = rows
        .iter()
        .map(|(id, values)| {
            let data = std::iter::once(Datum::Uuid(*id)).chain(data_of(table, values, wanted).map(|(_, datum)| datum));
            let bound: Vec<String> = data.map(|datum| builder.bind(datum)).collect();
            format!("({})", bound.join(", "))
        })
        .collect();
    let names: Vec<String> = (0..columns.len()).map(|index| format!("v{index}")).collect();
    let sets: Vec<String> = columns.iter().zip(&names).map(|(column, name)| format!("{column} = new.{name}")).collect();
    let physical = &table.physical;
    let sql = format!("WITH new(id, {}) AS (VALUES {}) UPDATE {physical} SET {} FROM new WHERE {physical}.id = new.id", names.join(", "), tuples.join(", "), sets.join(", "));
    builder.finish(&sql, Vec::new())
}

/// Holds records for a change until the end of the transaction, those in the trash too, in order of their ids.
pub fn hold_all(catalog: &Catalog, dialect: Dialect, card: &Card, ids: &[Uuid]) -> Option<Statement> {
    if dialect == Dialect::Sqlite {
        return None; // There is one writer.
    }
    let mut builder = Builder::new(catalog, dialect, None);
    let bound = bind_ids(&mut builder, ids);
    Some(builder.finish(&format!("SELECT id FROM {} WHERE id IN ({bound}) ORDER BY id{}", card.table.physical, Hold::Change.clause(dialect)), vec![Physical::Uuid]))
}
