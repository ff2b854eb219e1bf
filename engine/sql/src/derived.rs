//! Rows that lead to records, for values derived from them: added up by record, one after the other, or only found.
//!
//! **Invariants**
//! - Rows in the trash, and rows of records in the trash, do not count.
//! - In order means: as their records were made, then as they stand in them.
//!
//! **Not here:** storing what was derived (`write`).

use model::{Aggregate, Catalog, Condition, FieldKind, Hop, Ident, Path, Storage, TableRef, Value};
use uuid::Uuid;

use crate::{
    Datum, Dialect, Physical, Statement,
    builder::{Builder, Rows, Sums},
    encode, predicate,
    select::{self, Lowered, Selection, bind_ids},
};

/// How rows lead to records: the table, and the path that ends at a link or is the owner's id; to which card.
#[derive(Debug, Clone, Copy)]
pub struct Way<'a> {
    /// The rows.
    pub table: &'a TableRef,
    /// How they lead there.
    pub by: &'a Path,
    /// The card they lead to.
    pub to: &'a Ident,
}

/// Rows on their way, with the joins and tests that the way needs.
struct Led {
    rows: Rows,
    key: String,
    join: String,
    tests: Vec<String>,
}

fn lead(builder: &mut Builder<'_>, way: Way<'_>) -> Led {
    let mut rows = builder.rows(way.table);
    let mut tests = Vec::new();
    let is_owner = way.by.leaf == "id" && matches!(way.by.hops.as_slice(), [Hop::Parent]);
    let field = way.by.field(builder.catalog);
    let (key, join) = match field.map(|field| &field.storage) {
        _ if is_owner => (format!("{}.parent_id", rows.alias), String::new()),
        Some(Storage::Side { table: side }) => {
            let owner = if way.by.hops.is_empty() { "id" } else { "parent_id" };
            let alias = builder.alias();
            (format!("{alias}.value"), format!(" JOIN {side} {alias} ON {alias}.owner_id = {}.{owner}", rows.alias))
        }
        storage => {
            let column = builder.column(&mut rows, way.by);
            if let (Some(Storage::CardAndColumn { card, .. }), Some((alias, _))) = (storage, column.sql.rsplit_once('.')) {
                let bound = builder.bind(Datum::Text(way.to.to_string()));
                tests.push(format!("{alias}.{card} = {bound}"));
            }
            (column.sql, String::new())
        }
    };
    Led { rows, key, join, tests }
}

impl Led {
    /// That neither row nor owner lies in the trash.
    fn alive(&mut self, builder: &mut Builder<'_>) {
        let test = match &self.rows.table.child {
            None => format!("{}.trashed_at IS NULL", self.rows.alias),
            Some(_) => format!("{}.trashed_at IS NULL", owner(builder, &mut self.rows)),
        };
        self.tests.push(test);
    }
    fn of(&mut self, builder: &mut Builder<'_>, ids: &[Uuid]) {
        let bound = bind_ids(builder, ids);
        self.tests.push(format!("{} IN ({bound})", self.key));
    }
    fn condition(&mut self, builder: &mut Builder<'_>, condition: Option<&Condition>) {
        if let Some(condition) = condition.filter(|condition| !condition.is_always()) {
            let test = predicate::lower(builder, &mut self.rows, condition, false);
            self.tests.push(test);
        }
    }
    fn rest(&self, builder: &Builder<'_>) -> String {
        format!("FROM {}{} WHERE {}", builder.from(&self.rows), self.join, self.tests.join(" AND "))
    }
}

/// The alias of the record that owns the rows.
fn owner(builder: &mut Builder<'_>, rows: &mut Rows) -> String {
    let Ok(leaf) = Ident::new("id") else { return rows.alias.clone() };
    let of = TableRef::card(&rows.table.card);
    let path = Path { start: rows.table.clone(), hops: vec![Hop::Parent], leaf, part: None, end: of };
    builder.column(rows, &path).sql.rsplit_once('.').map_or_else(|| rows.alias.clone(), |(alias, _)| alias.to_owned())
}

/// Aggregates of a path over rows, for each of these records that has any: the record, then one value for each function.
#[allow(clippy::too_many_arguments)] // A question with all its parts.
pub fn aggregates(catalog: &Catalog, dialect: Dialect, way: Way<'_>, path: Option<&Path>, functions: &[Aggregate], condition: Option<&Condition>, ids: &[Uuid], sums: Sums) -> Lowered {
    let mut builder = Builder::new(catalog, dialect, None).with_sums(sums);
    let mut led = lead(&mut builder, way);
    let mut selection = Selection::with_ids(&led.rows.alias, &[]);
    selection.add_value(led.key.clone(), Physical::Uuid, pointer());
    for function in functions {
        select::aggregate(&mut builder, &mut led.rows, &mut selection, path, *function);
    }
    led.condition(&mut builder, condition);
    led.alive(&mut builder);
    led.of(&mut builder, ids);
    // One record needs no groups, so that the smallest and largest can be read off an index.
    let list = selection.list();
    let sql = match ids {
        [_] => {
            let rest = list.split_once(", ").map_or(String::new(), |(_, rest)| format!(", {rest}"));
            let id = builder.bind(Datum::Uuid(ids[0]));
            format!("SELECT {id}{rest} {}", led.rest(&builder))
        }
        _ => format!("SELECT {list} {} GROUP BY {}", led.rest(&builder), led.key),
    };
    selection.finish(builder, &sql)
}

/// Rows of these records in order: the record, the row's id, then `paths`; those without a value at `filled` left out.
#[allow(clippy::too_many_arguments)] // A question with all its parts.
pub fn in_order(catalog: &Catalog, dialect: Dialect, way: Way<'_>, paths: &[Path], filled: Option<&Path>, condition: Option<&Condition>, ids: &[Uuid], (newest_first, limit): (bool, Option<u32>)) -> Lowered {
    let mut builder = Builder::new(catalog, dialect, None);
    let mut led = lead(&mut builder, way);
    let mut selection = Selection::with_ids(&led.rows.alias, &[]);
    selection.add_value(led.key.clone(), Physical::Uuid, pointer());
    selection.add_value(format!("{}.id", led.rows.alias), Physical::Uuid, pointer());
    for path in paths {
        selection.push(&mut builder, &mut led.rows, path);
    }
    if let Some(path) = filled {
        let column = builder.column(&mut led.rows, path).sql;
        led.tests.push(format!("{column} IS NOT NULL"));
    }
    led.condition(&mut builder, condition);
    led.alive(&mut builder);
    led.of(&mut builder, ids);
    let way = if newest_first { " DESC" } else { "" };
    let order = match &led.rows.table.child {
        None => format!("{a}.created_at{way}, {a}.id{way}", a = led.rows.alias),
        Some(_) => {
            let owner = owner(&mut builder, &mut led.rows);
            format!("{owner}.created_at{way}, {owner}.id{way}, {}.position{way}", led.rows.alias)
        }
    };
    let limit = limit.map(|limit| format!(" LIMIT {limit}")).unwrap_or_default();
    let sql = format!("SELECT {} {} ORDER BY {order}{limit}", selection.list(), led.rest(&builder));
    selection.finish(builder, &sql)
}

/// How many rows of a record have a value; at most `most` are looked at.
#[allow(clippy::too_many_arguments)] // A question with all its parts.
pub fn count_value(catalog: &Catalog, dialect: Dialect, way: Way<'_>, path: &Path, value: &Value, condition: Option<&Condition>, id: Uuid, most: usize) -> Statement {
    let mut builder = Builder::new(catalog, dialect, None);
    let mut led = lead(&mut builder, way);
    let column = builder.column(&mut led.rows, path);
    let bound = builder.bind(encode::datum(value, column.physical));
    led.tests.push(format!("{} = {bound}", column.sql));
    led.condition(&mut builder, condition);
    led.alive(&mut builder);
    led.of(&mut builder, &[id]);
    let sql = format!("SELECT count(*) FROM (SELECT 1 {} LIMIT {most}) found", led.rest(&builder));
    builder.finish(&sql, vec![Physical::Integer])
}

/// The records that rows of these records, or these records themselves, lead to.
pub fn led_to(catalog: &Catalog, dialect: Dialect, way: Way<'_>, records: &[Uuid]) -> Statement {
    let mut builder = Builder::new(catalog, dialect, None);
    let mut led = lead(&mut builder, way);
    let bound = bind_ids(&mut builder, records);
    let own = if way.table.child.is_none() { "id" } else { "parent_id" };
    led.tests.push(format!("{}.{own} IN ({bound})", led.rows.alias));
    led.tests.push(format!("{} IS NOT NULL", led.key));
    let sql = format!("SELECT DISTINCT {} {}", led.key, led.rest(&builder));
    builder.finish(&sql, vec![Physical::Uuid])
}

fn pointer() -> FieldKind {
    FieldKind::AnyLink { targets: Vec::new(), on_delete: model::OnDelete::Restrict }
}
