//! Groups as SQL: their keys, how many, totals, in the order asked for.
//!
//! **Invariants**
//! - A record of a field with several values stands in a group of each; in every other case the groups' counts add up.
//! - Days of moments are those of the actor's zone, which comes as offsets, never as a name.

use access::GatedQuery;
use model::{Aggregate, Catalog, DatePart, FieldKind, Ident, Path, Storage, TableRef, resolve};
use query::{Group, GroupKey, zone::Offsets};

use crate::{
    Datum, Dialect, Physical,
    builder::{Builder, Column, Rows, Sums},
    encode,
    select::{Lowered, Output, Selection, aggregate, clause, unordered},
};

/// Deepest tree that is walked: a circle in old data must not catch us.
const MAX_DEPTH: u32 = 100;

/// What a statement of groups is made of beside its rows.
#[derive(Default)]
struct Parts {
    /// Walks through trees.
    walks: Vec<String>,
    /// Joins of side tables and of those walks.
    joins: String,
    /// The columns that make a group, by place.
    keys: Vec<usize>,
    /// What puts each level in order by value.
    order: Vec<String>,
    /// How deep a group of a tree's level lies.
    depths: Vec<String>,
}

/// Groups: the keys of `levels` levels, how many, how deep those of trees lie, then the totals.
pub fn groups(catalog: &Catalog, dialect: Dialect, gated: &GatedQuery, levels: usize, limit: u32, sums: Sums) -> Lowered {
    let query = gated.query();
    let mut builder = Builder::new(catalog, dialect, Some(gated.tables())).with_sums(sums);
    let mut rows = builder.rows(&query.card.table.reference());
    let (mut selection, mut parts) = (Selection::new(), Parts::default());
    for group in &query.groups[..levels] {
        parts.level(&mut builder, &mut rows, &mut selection, group, &query.zone);
    }
    aggregate(&mut builder, &mut rows, &mut selection, None, Aggregate::Count);
    let count = selection.len();
    for depth in &parts.depths {
        selection.add(depth.clone(), Physical::Integer);
        selection.outputs.push(Output::Count);
    }
    let mut totals = Vec::new();
    for total in &query.totals {
        let before = selection.len();
        aggregate(&mut builder, &mut rows, &mut selection, total.path.as_ref(), total.function);
        totals.push(by_total(&selection, before, total.function));
    }
    let (from, all) = unordered(&mut builder, &mut rows, gated);
    let order = order(&query.groups[..levels], &parts, count, &totals);
    let keys: Vec<String> = parts.keys.iter().map(ToString::to_string).collect();
    let with = if parts.walks.is_empty() { String::new() } else { format!("WITH RECURSIVE {} ", parts.walks.join(", ")) };
    let sql = format!("{with}SELECT {} FROM {}{}{} GROUP BY {} ORDER BY {} LIMIT {limit}", selection.list(), from, parts.joins, clause(&all), keys.join(", "), order.join(", "));
    selection.finish(builder, &sql)
}

/// Outer levels by value; the innermost as it is asked for, then by value, so that the order is always the same.
fn order(groups: &[Group], parts: &Parts, count: usize, totals: &[String]) -> Vec<String> {
    let mut order = Vec::new();
    for (index, (group, by_value)) in groups.iter().zip(&parts.order).enumerate() {
        let direction = if group.order.descending { " DESC" } else { "" };
        let last = index + 1 == groups.len();
        match group.order.by {
            GroupKey::Count if last => order.push(format!("{count}{direction}")),
            GroupKey::Total(at) if last => order.push(format!("{}{direction} NULLS LAST", totals[at])),
            _ => {
                order.push(format!("{by_value}{direction} NULLS LAST"));
                continue;
            }
        }
        order.push(format!("{by_value} NULLS LAST"));
    }
    order.extend(parts.keys.iter().map(|key| format!("{key} NULLS LAST")));
    order
}

/// What groups are put in order by for a total whose columns begin after `before`. A sum of SQLite stands in two halves.
fn by_total(selection: &Selection, before: usize, function: Aggregate) -> String {
    let columns = selection.since(before);
    match (function, columns) {
        (Aggregate::Avg, [high, low, count]) => format!("({high} * 1e9 + {low}) / {count}"),
        (Aggregate::Avg, [sum, count]) => format!("{sum} * 1.0 / nullif({count}, 0)"),
        (_, [high, low]) => format!("({high} * 1e9 + {low})"),
        _ => (before + 1).to_string(),
    }
}

impl Parts {
    fn level(&mut self, builder: &mut Builder<'_>, rows: &mut Rows, selection: &mut Selection, group: &Group, zone: &Offsets) {
        let catalog = builder.catalog;
        let Some(field) = group.path.field(catalog) else { return };
        let kind = resolve::kind_of(&group.path, field);
        if let (Some(level), FieldKind::Link(link)) = (group.level, &kind) {
            let column = builder.alive(rows, &group.path);
            return self.tree(builder, selection, group, level, &link.target, &column);
        }
        match &field.storage {
            Storage::Side { table } => {
                let alias = builder.alias();
                let readable = builder.leaf_readable(rows, &group.path);
                self.joins += &format!(" LEFT JOIN {table} {alias} ON {alias}.owner_id = {}.id AND {readable}", rows.alias);
                let column = Column { sql: format!("{alias}.value"), physical: encode::side_physical(&kind), nullable: true };
                let kind = if column.physical == Physical::Text { kind } else { pointer() };
                self.key(builder, rows, selection, group, &column, kind);
            }
            Storage::CardAndColumn { .. } => {
                let before = selection.len();
                selection.push(builder, rows, &group.path);
                self.keys.extend(before + 1..=selection.len());
                self.order.push(format!("{}", selection.len()));
            }
            Storage::Column(_) | Storage::Nowhere => {
                let column = builder.alive(rows, &group.path);
                match group.by {
                    Some(part) => {
                        let column = Column { sql: bucket(builder.dialect, &column, part, zone), physical: Physical::Text, nullable: true };
                        self.key(builder, rows, selection, group, &column, FieldKind::Colour);
                    }
                    None => self.key(builder, rows, selection, group, &column, kind),
                }
            }
        }
    }

    fn key(&mut self, builder: &mut Builder<'_>, rows: &mut Rows, selection: &mut Selection, group: &Group, column: &Column, kind: FieldKind) {
        selection.add(column.sql.clone(), column.physical);
        self.keys.push(selection.len());
        self.order.push(match (&kind, &group.title) {
            // Options stand in their own order, links in that of their titles.
            (FieldKind::Choice { options, .. }, _) => ranks(builder, &column.sql, options),
            (_, Some(title)) => format!("min({})", builder.column(rows, title).sql),
            _ => selection.len().to_string(),
        });
        selection.outputs.push(Output::Value(kind));
    }

    /// Every record of the tree with what lies above it at the level: one walk from the top, then a join.
    fn tree(&mut self, builder: &mut Builder<'_>, selection: &mut Selection, group: &Group, level: u8, target: &Ident, column: &Column) {
        let tree = builder.catalog.card(target).and_then(|card| Some((card.table.physical.clone(), card.field(card.tree.as_ref()?.as_str())?.column()?.to_owned())));
        let Some((physical, parent)) = tree else { return };
        let (walk, step, node) = (builder.alias(), builder.alias(), builder.alias());
        self.walks.push(format!(
            "{walk}(id, top, depth) AS (SELECT id, id, 1 FROM {physical} WHERE {parent} IS NULL UNION ALL \
             SELECT {step}.id, CASE WHEN {walk}.depth < {level} THEN {step}.id ELSE {walk}.top END, {walk}.depth + 1 FROM {physical} {step} JOIN {walk} ON {step}.{parent} = {walk}.id WHERE {walk}.depth < {MAX_DEPTH})"
        ));
        let of = TableRef::card(target);
        let seen = builder.access(&node, &of).map(|rows| format!(" AND {rows}")).unwrap_or_default();
        self.joins += &format!(" LEFT JOIN {walk} ON {walk}.id = {} LEFT JOIN {physical} {node} ON {node}.id = {walk}.top{seen}", column.sql);
        selection.add(format!("{walk}.top"), Physical::Uuid);
        selection.outputs.push(Output::Value(pointer()));
        self.keys.push(selection.len());
        let own = group.title.as_ref().filter(|title| title.hops.len() == group.path.hops.len() + 1);
        self.order.push(match own {
            Some(title) => format!("min({})", builder.leaf(&node, &of, &Path::own(of.clone(), title.leaf.clone()), true).sql),
            None => selection.len().to_string(),
        });
        self.depths.push(format!("CAST(min({walk}.depth) AS bigint)"));
    }
}

fn pointer() -> FieldKind {
    FieldKind::AnyLink { targets: Vec::new(), on_delete: model::OnDelete::Restrict }
}

/// The place of an option among the options. It follows from the group's key, so it is found once for each group.
fn ranks(builder: &mut Builder<'_>, sql: &str, options: &[model::OptionDef]) -> String {
    let whens: String = options.iter().enumerate().map(|(rank, option)| format!(" WHEN {} THEN {rank}", builder.bind(Datum::Text(option.value.clone())))).collect();
    if whens.is_empty() { sql.to_owned() } else { format!("CASE {sql}{whens} END") }
}

/// The first day of the span a day or moment falls into, as `YYYY-MM-DD`.
fn bucket(dialect: Dialect, column: &Column, part: DatePart, zone: &Offsets) -> String {
    let sql = &column.sql;
    let moment = column.physical == Physical::Instant;
    match dialect {
        Dialect::Sqlite => {
            let day = if moment { format!("date({sql} / 1000000 + {}, 'unixepoch')", offset(dialect, sql, zone)) } else { sql.clone() };
            match part {
                DatePart::Day => day,
                DatePart::Week => format!("date({day}, '-6 days', 'weekday 1')"),
                DatePart::Month => format!("strftime('%Y-%m-01', {day})"),
                DatePart::Quarter => format!("(strftime('%Y-', {day}) || printf('%02d', (CAST(strftime('%m', {day}) AS INTEGER) - 1) / 3 * 3 + 1) || '-01')"),
                DatePart::Year => format!("strftime('%Y-01-01', {day})"),
            }
        }
        Dialect::Postgres => {
            let day = if moment { format!("(({sql} AT TIME ZONE 'UTC') + make_interval(secs => {}))", offset(dialect, sql, zone)) } else { format!("{sql}::timestamp") };
            let part = match part {
                DatePart::Day => "day",
                DatePart::Week => "week",
                DatePart::Month => "month",
                DatePart::Quarter => "quarter",
                DatePart::Year => "year",
            };
            format!("to_char(date_trunc('{part}', {day}), 'YYYY-MM-DD')")
        }
    }
}

/// How many seconds a zone is ahead of UTC at a moment: halves are asked first, so that few comparisons decide.
fn offset(dialect: Dialect, sql: &str, zone: &[(chrono::DateTime<chrono::Utc>, i32)]) -> String {
    match zone {
        [] => "0".to_owned(),
        [(_, seconds)] => format!("({seconds})"),
        several => {
            let (before, after) = several.split_at(several.len() / 2);
            let from = after[0].0;
            let at = match dialect {
                Dialect::Sqlite => from.timestamp_micros().to_string(),
                Dialect::Postgres => format!("'{}'::timestamptz", from.format("%Y-%m-%dT%H:%M:%SZ")),
            };
            format!("CASE WHEN {sql} < {at} THEN {} ELSE {} END", offset(dialect, sql, before), offset(dialect, sql, after))
        }
    }
}
