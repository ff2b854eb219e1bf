//! Records as scripts are given them: everything but what is secret, and which of it a script may set.

use model::{Card, Field, Record, Source, Storage, Table, Value, Values, record::value_of};
use script::{Found, Settable};

fn seen(table: &Table) -> impl Iterator<Item = &Field> {
    table.fields.values().filter(|field| !field.secret && field.key != "id" && field.storage != Storage::Nowhere)
}

fn values_of(table: &Table, values: &Values) -> Values {
    seen(table).map(|field| (field.key.clone(), value_of(values, field.key.as_str()).clone())).collect()
}

/// A record with every field a script may know, empty ones too.
pub(super) fn found(card: &Card, record: &Record) -> Found {
    let rows = |(key, table): (&model::Ident, &Table)| (key.clone(), record.rows(key.as_str()).iter().map(|row| (row.id, values_of(table, &row.values))).collect());
    Found { id: record.id, values: values_of(&card.table, &record.values), children: card.children.iter().map(rows).collect() }
}

/// What people enter, or what is copied from elsewhere: everything else is calculated, or set by transitions.
pub(super) fn settable(card: &Card) -> Settable {
    let entered = |field: &&Field| !field.system && !field.workflow && !field.secret && matches!(field.source, Source::Entered | Source::Snapshot { kept: false, .. });
    let own = card.table.fields.values().filter(entered).map(|field| field.key.to_string());
    let rows = card.children.iter().flat_map(|(key, table)| table.fields.values().filter(entered).map(move |field| format!("{key}.{}", field.key)));
    own.chain(rows).collect()
}

/// A page's record, with the columns that were read.
pub(super) fn of_page(page: &crate::lists::Page, item: &crate::lists::Item) -> Found {
    let values = |columns: &[query::Selected], values: &[Value]| -> Values {
        let named = columns.iter().zip(values).filter_map(|(column, value)| Some((model::Ident::new(&column.name).ok()?, value.clone())));
        named.filter(|(name, _)| *name != "id").collect()
    };
    let rows = item.children.iter().filter_map(|(key, rows)| {
        let columns = page.child_columns.get(key)?;
        Some((key.clone(), rows.iter().map(|row| (row.id, values(columns, &row.values))).collect()))
    });
    Found { id: item.id, values: values(&page.columns, &item.values), children: rows.collect() }
}
