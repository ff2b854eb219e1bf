//! What rules and formulas may ask of a draft: its own values, its rows, and what was fetched of linked records.
//!
//! **Invariants**
//! - `needs` names everything that evaluation will ask, so that it is fetched with one statement per target card.
//!
//! **Not here:** running those statements (`fetch`).

use std::{collections::{HashMap, HashSet}, sync::Arc};

use access::Actor;
use chrono::{DateTime, NaiveDate, Utc};
use indexmap::IndexSet;
use model::{
    Card, Catalog, Condition, FieldKind, Hop, Ident, Leg, Operand, Path, Period, Record, Related, RowPath, RowSource, Source, TableRef, Term, Value, Values, Variable,
    eval::{Facts, Place},
    record::value_of,
};
use uuid::Uuid;

/// Something of a linked record that evaluation will ask for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Need {
    /// The child table whose link it is; `None` for the record's own.
    pub child: Option<Ident>,
    /// The link.
    pub field: Ident,
    /// The card it leads to.
    pub target: Ident,
    /// What is wanted of the linked record, seen from there.
    pub rest: Path,
}

/// Rows that formulas of a record ask for beyond its own child rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowNeed {
    /// The link they lie behind: child table, field, the card it leads to. `None` for rows that point to the record.
    pub link: Option<(Option<Ident>, Ident, Ident)>,
    /// The way from there, or from the record.
    pub rest: RowPath,
    /// What is asked of each row.
    pub fields: Vec<Ident>,
}

/// The row sets of formulas, each once with all that is asked of it. Of a way, what lies behind its first link is seen
/// from there.
pub fn row_needs(sets: &[(TableRef, RowPath, Vec<Ident>)]) -> Vec<RowNeed> {
    let mut found: Vec<RowNeed> = Vec::new();
    for (table, rows, fields) in sets {
        let Some((link, rest)) = behind_link(table, rows) else { continue };
        match found.iter_mut().find(|need| need.link == link && need.rest == rest) {
            Some(known) => known.fields.extend(fields.iter().filter(|field| !known.fields.contains(field)).cloned().collect::<Vec<_>>()),
            None => found.push(RowNeed { link, rest, fields: fields.clone() }),
        }
    }
    found
}

type FirstLink = Option<(Option<Ident>, Ident, Ident)>;

/// The first link of a way to rows, and the way from there; nothing for the record's own child rows.
pub fn behind_link(table: &TableRef, rows: &RowPath) -> Option<(FirstLink, RowPath)> {
    let mut child = table.child.clone();
    for (index, leg) in rows.legs.iter().enumerate() {
        match leg {
            Leg::Hop(Hop::Parent) => child = None,
            Leg::Hop(Hop::Child { .. }) => return None,
            Leg::Hop(Hop::Link { field, target } | Hop::Links { field, target } | Hop::AnyLink { field, target }) => {
                let rest = RowPath { start: TableRef::card(target), legs: rows.legs[index + 1..].to_vec(), end: rows.end.clone() };
                return Some((Some((child, field.clone(), target.clone())), rest));
            }
            Leg::Pointing { .. } => return Some((None, RowPath { start: TableRef::card(&table.card), legs: rows.legs[index..].to_vec(), end: rows.end.clone() })),
        }
    }
    None
}

/// Everything that saving a record of `card` may ask of linked records.
pub fn needs(catalog: &Catalog, card: &Card, formula_paths: &[Path]) -> IndexSet<Need> {
    let mut paths: Vec<Path> = formula_paths.to_vec();
    for rule in &card.rules {
        collect(&rule.when, &mut paths);
    }
    for table in std::iter::once(&card.table).chain(card.children.values()) {
        for field in table.own_fields() {
            for condition in [&field.required_when, &field.visible_when, &field.read_only_when].into_iter().flatten() {
                collect(condition, &mut paths);
            }
            match &field.source {
                Source::Snapshot { path, more, .. } => paths.extend(std::iter::once(path).chain(more).cloned()),
                Source::Rollup(rollup) => {
                    // Own rows are aggregated here; those of other cards by the database, which only has to be told of this record.
                    let own = matches!(rollup.rows, RowSource::Child { .. });
                    paths.extend(rollup.field.iter().filter(|_| own).cloned());
                    if let Some(condition) = &rollup.condition {
                        if own { collect(condition, &mut paths) } else { variables(condition, &mut paths) }
                    }
                }
                Source::Entered | Source::Computed { .. } | Source::Live { .. } => {}
            }
            if let FieldKind::Link(link) = &field.kind {
                // A link's condition is seen from its target; what it asks of this record are its variables.
                link.condition.iter().for_each(|condition| variables(condition, &mut paths));
            }
        }
    }
    paths.iter().filter_map(|path| need(catalog, path)).collect()
}

fn collect(condition: &Condition, paths: &mut Vec<Path>) {
    condition.each_path(&mut |path| paths.push(path.clone()));
    variables(condition, paths);
}

fn variables(condition: &Condition, paths: &mut Vec<Path>) {
    let mut term = |term: &Term| {
        if let Term::Variable(Variable::Record(path) | Variable::Row(path)) = term {
            paths.push(path.clone());
        }
    };
    match condition {
        Condition::All(parts) | Condition::Any(parts) => parts.iter().for_each(|part| variables(part, paths)),
        Condition::Not(part) => variables(part, paths),
        Condition::Test(test) => match &test.operand {
            Operand::One(one) => term(one),
            Operand::Many(many) => many.iter().for_each(term),
            Operand::Range(from, to) => {
                term(from);
                term(to);
            }
            Operand::None | Operand::Period(_) | Operand::Folders { .. } | Operand::Shared { .. } => {}
        },
        Condition::Related(related) => variables(&related.condition, paths),
        Condition::Unknown => {}
    }
}

/// The first link on the way of a path, and what lies behind it.
fn need(catalog: &Catalog, path: &Path) -> Option<Need> {
    let mut child = path.start.child.clone();
    for (index, hop) in path.hops.iter().enumerate() {
        match hop {
            Hop::Child { table } => child = Some(table.clone()),
            Hop::Parent => child = None,
            Hop::Link { field, target } | Hop::Links { field, target } | Hop::AnyLink { field, target } => {
                let start = TableRef::card(target);
                catalog.table(&start)?;
                let rest = Path { start, hops: path.hops[index + 1..].to_vec(), leaf: path.leaf.clone(), part: path.part, end: path.end.clone() };
                return Some(Need { child, field: field.clone(), target: target.clone(), rest });
            }
        }
    }
    None
}

/// Whose rows these are, and the rows with their ids.
pub type RowsFound = (Uuid, Arc<Vec<(Uuid, Values)>>);

/// What was fetched of other records.
#[derive(Debug, Default)]
pub struct Linked {
    /// (record, path from there) → values.
    pub values: HashMap<(Uuid, Path), Vec<Value>>,
    /// (record, way from there) → rows.
    pub rows: HashMap<(Uuid, RowPath), RowsFound>,
}

/// A draft with everything around it that rules may ask for.
pub struct DraftFacts<'a> {
    /// The record as it will be.
    pub record: &'a Record,
    /// Who, when and where.
    pub actor: &'a Actor,
    /// What was fetched of linked records.
    pub linked: &'a Linked,
    /// Records of trees with everything above them.
    pub ancestors: &'a HashMap<Uuid, HashSet<Uuid>>,
    /// Answers to questions about rows of other cards, by the question as text.
    pub pointing: &'a HashMap<String, bool>,
}

impl DraftFacts<'_> {
    /// A value of the record, or of one of its rows.
    pub fn own(&self, at: &Place, key: &str) -> Value {
        match at {
            Place::Record if key == "id" => Value::Id(self.record.id),
            Place::Record => self.record.get(key).clone(),
            Place::Row { table, index } => self.record.rows(table.as_str()).get(*index).map(|row| value_of(&row.values, key).clone()).unwrap_or_default(),
        }
    }

    /// The rows that a way leads to, beyond the record's own child rows.
    pub fn rows_behind(&self, at: &Place, table: &TableRef, rows: &RowPath) -> Vec<Values> {
        let Some((link, rest)) = behind_link(table, rows) else { return Vec::new() };
        let ids = match &link {
            None => vec![self.record.id],
            Some((child, field, target)) => {
                let values = match (child, at) {
                    (Some(_), Place::Row { table, index }) => self.record.rows(table.as_str()).get(*index).map(|row| &row.values),
                    _ => Some(&self.record.values),
                };
                match values.map(|values| value_of(values, field.as_str())) {
                    Some(Value::Id(id)) => vec![*id],
                    Some(Value::AnyId { card, id }) if card == target => vec![*id],
                    Some(Value::Ids(ids)) => ids.clone(),
                    _ => Vec::new(),
                }
            }
        };
        let found = ids.into_iter().filter_map(|id| self.linked.rows.get(&(id, rest.clone())));
        found.flat_map(|(owner, rows)| self.with_draft(&table.card, &rest, *owner, rows)).collect()
    }

    /// Rows as they will be: where the record at hand is, or will be, one of them, as it is in the draft.
    fn with_draft(&self, card: &Ident, rest: &RowPath, owner: Uuid, rows: &[(Uuid, Values)]) -> Vec<Values> {
        let by = match rest.legs.last() {
            Some(Leg::Pointing { table, by }) if table.card == *card && table.child.is_none() => by,
            _ => return rows.iter().map(|(_, values)| values.clone()).collect(),
        };
        let leads_there = match value_of(&self.record.values, by.leaf.as_str()) {
            Value::Id(id) | Value::AnyId { id, .. } => *id == owner,
            Value::Ids(ids) => ids.contains(&owner),
            _ => false,
        } && value_of(&self.record.values, "trashed_at").is_empty();
        let known = rows.iter().position(|(id, _)| *id == self.record.id);
        let mut all: Vec<Values> = rows.iter().map(|(_, values)| values.clone()).collect();
        match (leads_there, known) {
            (true, Some(index)) => all[index] = self.record.values.clone(),
            (true, None) => all.push(self.record.values.clone()),
            (false, Some(index)) => {
                all.remove(index);
            }
            (false, None) => {}
        }
        all
    }

    /// The values behind a link, several for several links.
    fn behind(&self, values: &Values, field: &Ident, target: &Ident, rest: &[Hop], path: &Path) -> Vec<Value> {
        let rest = Path { start: TableRef::card(target), hops: rest.to_vec(), leaf: path.leaf.clone(), part: path.part, end: path.end.clone() };
        let ids: Vec<Uuid> = match value_of(values, field.as_str()) {
            Value::Id(id) => vec![*id],
            Value::AnyId { card, id } if card == target => vec![*id],
            Value::Ids(ids) => ids.clone(),
            _ => Vec::new(),
        };
        if rest.hops.is_empty() && rest.leaf == "id" {
            return ids.into_iter().map(Value::Id).collect();
        }
        ids.into_iter().filter_map(|id| self.linked.values.get(&(id, rest.clone()))).flatten().cloned().collect()
    }

    fn walk(&self, at: &Place, hops: &[Hop], path: &Path) -> Vec<Value> {
        let empty = Values::default();
        let values = match at {
            Place::Record => &self.record.values,
            Place::Row { table, index } => self.record.rows(table.as_str()).get(*index).map_or(&empty, |row| &row.values),
        };
        match hops.split_first() {
            None if path.leaf == "id" && *at == Place::Record => vec![Value::Id(self.record.id)],
            None => vec![part_of(value_of(values, path.leaf.as_str()), path)],
            Some((Hop::Link { field, target } | Hop::Links { field, target } | Hop::AnyLink { field, target }, rest)) => {
                self.behind(values, field, target, rest, path)
            }
            Some((Hop::Child { table }, rest)) => {
                let rows = (0..self.row_count(table)).map(|index| Place::Row { table: table.clone(), index });
                rows.flat_map(|row| self.walk(&row, rest, path)).collect()
            }
            Some((Hop::Parent, rest)) => self.walk(&Place::Record, rest, path),
        }
    }
}

fn part_of(value: &Value, path: &Path) -> Value {
    match (path.part, value) {
        (None, value) => value.clone(),
        (Some(part), Value::Json(json)) => match json.get(part.name()) {
            Some(serde_json::Value::String(text)) => Value::Text(text.clone()),
            _ => Value::Empty,
        },
        (Some(_), _) => Value::Empty,
    }
}

impl Facts for DraftFacts<'_> {
    fn values(&self, at: &Place, path: &Path) -> Vec<Value> {
        // A path that starts at the record may be asked from a row (`@record.date`), and the other way round it goes by Parent.
        let at = if path.start.child.is_none() { &Place::Record } else { at };
        self.walk(at, &path.hops, path)
    }
    fn variable(&self, variable: &Variable) -> Option<Value> {
        self.actor.variable(variable)
    }
    fn days(&self, period: Period) -> (NaiveDate, NaiveDate) {
        self.actor.days(period)
    }
    fn day_of(&self, at: DateTime<Utc>) -> NaiveDate {
        at.with_timezone(&self.actor.zone).date_naive()
    }
    fn is_under(&self, id: Uuid, ancestor: Uuid) -> bool {
        self.ancestors.get(&id).is_some_and(|above| above.contains(&ancestor))
    }
    fn row_count(&self, table: &Ident) -> usize {
        self.record.rows(table.as_str()).len()
    }
    fn pointing(&self, _: &Place, related: &Related) -> Option<bool> {
        self.pointing.get(&format!("{related:?}")).copied()
    }
}
