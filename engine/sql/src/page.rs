//! Pages of lists.
//!
//! **Invariants**
//! - Rows whose first sort key is empty come last, and are asked for by a statement of their own: so each statement
//!   walks an index from where the page before ended, however deep the list, in either direction.
//! - One row more than the limit says whether there is another page.
//! - The last column of each row is the number of [`Counts`] at which the page was read.

use access::GatedQuery;
use model::{Catalog, FieldKind, Value};
use query::Sort;

use crate::{
    Counts, Dialect, Physical,
    builder::{Builder, Column},
    encode,
    select::{Lowered, Selection, clause, conditions},
};

/// Which rows of a list one statement asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    /// All of them: the first sort key is never empty.
    Whole,
    /// Those whose first sort key is filled.
    Filled,
    /// Those whose first sort key is empty.
    Empty,
}

/// A page: what was asked for, then the sort keys, titles read along, and [`Counts`]. It may end early where rows with an empty first key begin: [`rest`].
pub fn list(catalog: &Catalog, dialect: Dialect, gated: &GatedQuery) -> Lowered {
    let after_empty = gated.query().after.as_ref().and_then(|after| after.first()).is_some_and(Value::is_empty);
    let part = match (is_split(catalog, dialect, gated), after_empty) {
        (false, _) => Part::Whole,
        (true, false) => Part::Filled,
        (true, true) => Part::Empty,
    };
    lower(catalog, dialect, gated, part, gated.query().limit + 1)
}

/// What is left of a page of which [`list`] gave `had` rows: those whose first sort key is empty. `None` where all are had.
pub fn rest(catalog: &Catalog, dialect: Dialect, gated: &GatedQuery, had: usize) -> Option<Lowered> {
    let after_empty = gated.query().after.as_ref().and_then(|after| after.first()).is_some_and(Value::is_empty);
    let left = (gated.query().limit as usize + 1).saturating_sub(had);
    let wanted = left > 0 && !after_empty && is_split(catalog, dialect, gated);
    wanted.then(|| lower(catalog, dialect, gated, Part::Empty, u32::try_from(left).unwrap_or(1)))
}

fn is_split(catalog: &Catalog, dialect: Dialect, gated: &GatedQuery) -> bool {
    let query = gated.query();
    let mut builder = Builder::new(catalog, dialect, Some(gated.tables()));
    let mut rows = builder.rows(&query.card.table.reference());
    query.sort.first().is_some_and(|sort| builder.column(&mut rows, &sort.path).nullable)
}

fn lower(catalog: &Catalog, dialect: Dialect, gated: &GatedQuery, part: Part, limit: u32) -> Lowered {
    let mut builder = Builder::new(catalog, dialect, Some(gated.tables()));
    let (selection, sql) = rows_of(&mut builder, gated, part, limit, false);
    selection.finish(builder, &sql)
}

/// Several lists of the same card and columns, each as far as its limit, in one statement: what was asked for, the sort
/// keys, and in the end which list a row is of. Rows of one list come in its order, those with an empty first key last.
pub fn several(catalog: &Catalog, dialect: Dialect, lists: &[GatedQuery]) -> Option<Lowered> {
    let mut builder = Builder::new(catalog, dialect, None);
    let (mut found, mut texts) = (None, Vec::new());
    for (index, gated) in lists.iter().enumerate() {
        let parts: &[Part] = if is_split(catalog, dialect, gated) { &[Part::Filled, Part::Empty] } else { &[Part::Whole] };
        for (nth, part) in parts.iter().enumerate() {
            builder.tables = Some(gated.tables());
            let (mut selection, sql) = rows_of(&mut builder, gated, *part, gated.query().limit + 1, true);
            let names: Vec<String> = (0..selection.len()).map(|column| format!("l.k{column}")).collect();
            texts.push(format!("SELECT {}, CAST({} AS bigint) FROM ({sql}) l", names.join(", "), index * 2 + nth));
            selection.add_value(String::new(), Physical::Integer, FieldKind::Integer { min: None, max: None });
            found = Some(selection);
        }
    }
    Some(found?.finish(builder, &texts.join(" UNION ALL ")))
}

/// One list, or a part of it; its columns may be called `k0`, `k1` and so on.
fn rows_of(builder: &mut Builder<'_>, gated: &GatedQuery, part: Part, limit: u32, named: bool) -> (Selection, String) {
    let query = gated.query();
    let mut rows = builder.rows(&query.card.table.reference());
    let mut selection = Selection::new();
    for selected in &query.select {
        selection.push(builder, &mut rows, &selected.path);
    }
    let mut keys = Vec::new();
    for sort in &query.sort {
        let column = builder.column(&mut rows, &sort.path);
        let kind = sort.path.field(builder.catalog).map_or(FieldKind::Boolean, |field| model::resolve::kind_of(&sort.path, field));
        selection.add_value(column.sql.clone(), column.physical, kind);
        keys.push(column);
    }
    selection.push_titles(builder, &mut rows, gated.titles(None));
    selection.add_value(Counts::COLUMN.to_owned(), Physical::Integer, FieldKind::Integer { min: None, max: None });
    let mut all = conditions(builder, &mut rows, gated);
    let first = keys.first().map(|key| key.sql.clone()).unwrap_or_default();
    let skipped = match part {
        Part::Whole => 0,
        Part::Filled => {
            all.push(format!("{first} IS NOT NULL"));
            keys.iter_mut().take(1).for_each(|key| key.nullable = false);
            0
        }
        Part::Empty => {
            all.push(format!("{first} IS NULL"));
            1
        }
    };
    let (sort, keys) = (&query.sort[skipped..], &keys[skipped..]);
    let began = query.after.as_ref().filter(|after| part != Part::Empty || after.first().is_some_and(Value::is_empty));
    if let Some(after) = began.and_then(|after| after.get(skipped..)) {
        all.push(keyset(builder, sort, keys, after));
    }
    let order: Vec<String> = sort.iter().zip(keys).map(|(sort, key)| ordered(sort, key)).collect();
    let columns = if named { selection.named() } else { selection.list() };
    let sql = format!("SELECT {columns} FROM {}{} ORDER BY {} LIMIT {limit}", builder.from(&rows), clause(&all), order.join(", "));
    (selection, sql)
}

pub(crate) fn ordered(sort: &Sort, key: &Column) -> String {
    let direction = if sort.descending { " DESC" } else { "" };
    let last = if key.nullable { " NULLS LAST" } else { "" };
    format!("{}{direction}{last}", key.sql)
}

/// Records that come after the one with these keys. Empty keys come last either way.
fn keyset(builder: &mut Builder<'_>, sort: &[Sort], keys: &[Column], after: &[Value]) -> String {
    let same_way = sort.windows(2).all(|pair| pair[0].descending == pair[1].descending);
    if same_way && keys.iter().all(|key| !key.nullable) {
        let columns: Vec<&str> = keys.iter().map(|key| key.sql.as_str()).collect();
        let bound: Vec<String> = keys.iter().zip(after).map(|(key, value)| builder.bind(encode::datum(value, key.physical))).collect();
        let sign = if sort.first().is_some_and(|key| key.descending) { "<" } else { ">" };
        return format!("({}) {sign} ({})", columns.join(", "), bound.join(", "));
    }
    let mut ways = Vec::new();
    for index in 0..keys.len() {
        let mut way: Vec<String> = (0..index).map(|before| equal(builder, &keys[before], &after[before])).collect();
        match beyond(builder, &keys[index], sort[index].descending, &after[index]) {
            Some(beyond) => way.push(beyond),
            None => continue,
        }
        ways.push(format!("({})", way.join(" AND ")));
    }
    if ways.is_empty() {
        return "1 = 0".to_owned();
    }
    // The first key bounds all ways: an index is entered where the page begins.
    let bound = match (keys.first(), after.first()) {
        (Some(key), Some(value)) if !key.nullable => {
            let bound = builder.bind(encode::datum(value, key.physical));
            let sign = if sort[0].descending { "<=" } else { ">=" };
            format!("{} {sign} {bound} AND ", key.sql)
        }
        _ => String::new(),
    };
    format!("{bound}({})", ways.join(" OR "))
}

fn equal(builder: &mut Builder<'_>, key: &Column, value: &Value) -> String {
    if value.is_empty() {
        return format!("{} IS NULL", key.sql);
    }
    let bound = builder.bind(encode::datum(value, key.physical));
    format!("{} = {bound}", key.sql)
}

fn beyond(builder: &mut Builder<'_>, key: &Column, descending: bool, value: &Value) -> Option<String> {
    if value.is_empty() {
        return None;
    }
    let bound = builder.bind(encode::datum(value, key.physical));
    let sign = if descending { "<" } else { ">" };
    Some(if key.nullable { format!("({sql} {sign} {bound} OR {sql} IS NULL)", sql = key.sql) } else { format!("{} {sign} {bound}", key.sql) })
}
