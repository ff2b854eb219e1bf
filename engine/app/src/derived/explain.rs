//! Where a value comes from: its formula with what it reads, or the rows that were added up; when it came to be.
//!
//! **Invariants**
//! - A person is told what they may see; of what they may not, only that there is something, and how much.
//!
//! **Not here:** how it is drawn (`web`).

use std::{collections::HashMap, sync::Arc};

use access::Actor;
use chrono::{DateTime, Utc};
use form::{Locale, sentence};
use model::{ActionName, Aggregate, Card, Condition, Field, FieldKind, Hop, Ident, Path, Record, Rollup, RowSource, Source as FieldSource, Table, TableRef, Value, eval::{Facts, Place, holds}, path};
use query::ListRequest;
use serde_json::{Value as Json, json};
use sql::derived::{self, Way};
use store::Tx;
use uuid::Uuid;

use crate::{formulas::TODAY, App, AppError, Source, UnitError, lists::{self, RelatedRequest, bind_for}, records::{facts::DraftFacts, gather::{self, Around}, load, read, with_facts}, snapshot::Snapshot, titles};

mod when;

/// A value with what it was made of.
#[derive(Debug, Clone)]
pub struct Explained {
    /// The field.
    pub field: Field,
    /// `computed`, `rollup` or `fetch`.
    pub way: &'static str,
    /// Its value.
    pub value: Value,
    /// The formula, or the path that is taken over.
    pub formula: Option<String>,
    /// What is done with rows.
    pub function: Option<Aggregate>,
    /// What is read.
    pub inputs: Vec<Input>,
    /// What is added up.
    pub rows: Option<Rows>,
    /// When the newest of what it is made of came to be: since then it is what it is.
    pub computed_at: Option<DateTime<Utc>>,
    /// A job is calculating it anew.
    pub recomputing: bool,
}

/// Something that a formula reads.
#[derive(Debug, Clone)]
pub struct Input {
    /// As the formula calls it.
    pub name: String,
    /// As people call it.
    pub label: String,
    /// What it holds.
    pub kind: FieldKind,
    /// Its value, if the reader may see it.
    pub value: Value,
    /// There is a value, and the reader may not see it.
    pub hidden: bool,
    /// It has an explanation of its own, under this name.
    pub explained: Option<String>,
}

/// Rows that were added up.
#[derive(Debug, Clone, Default)]
pub struct Rows {
    /// Whose records they are, or belong to.
    pub card: Option<Ident>,
    /// What is taken of each.
    pub field: Option<(String, FieldKind)>,
    /// Those that the reader sees, the first of them.
    pub shown: Vec<RowSeen>,
    /// How many the reader sees.
    pub count: i64,
    /// How many more there are.
    pub hidden: i64,
    /// The list that shows the records.
    pub filter: Option<Json>,
}

/// One row.
#[derive(Debug, Clone)]
pub struct RowSeen {
    /// The record, or the one that owns it.
    pub record: Uuid,
    /// What it is called.
    pub title: String,
    /// What it adds.
    pub value: Value,
}

/// Explains a field: `total`, or `lines.ROW.amount` of a child row.
pub async fn explain(app: &App, snapshot: &Arc<Snapshot>, actor: &Actor, key: &str, id: Uuid, name: &str, locale: &Locale) -> Result<Explained, AppError> {
    let card = snapshot.card(key)?.clone();
    let page = read::read(app, snapshot, actor, key, id, locale).await?;
    let system = whole(app, snapshot, &card, id, actor.now).await?;
    let (place, key) = place_of(&card, &system.record, name).ok_or_else(|| AppError::not_found("field"))?;
    let table = match &place {
        Place::Record => &card.table,
        Place::Row { table, .. } => card.children.get(table).unwrap_or(&card.table),
    };
    let field = table.field(&key).filter(|field| !field.system).ok_or_else(|| AppError::not_found("field"))?;
    let gate = access::gate(&snapshot.catalog, actor, &card, ActionName::Read)?;
    if gate.readable(table.child.as_ref(), &field.key) == access::Readable::Never {
        return Err(AppError::forbidden("you may not read this field"));
    }
    let asking = Asking { app, snapshot, actor, locale, card: &card, table, place: &place, system: &system, page: &page };
    let value = asking.own(&key);
    let marked = super::marked(app).await?;
    let place_name = table.child.as_ref().map_or_else(|| key.to_string(), |child| format!("{child}.{key}"));
    let mut explained = Explained {
        field: field.clone(), way: "computed", value, formula: None, function: None, inputs: Vec::new(), rows: None,
        computed_at: system.record.get("updated_at").as_instant(),
        recomputing: marked.get(&card.key).is_some_and(|fields| fields.contains(&place_name)),
    };
    match &field.source {
        FieldSource::Entered => return Err(AppError::not_found("field")),
        FieldSource::Computed { expr, .. } => {
            explained.formula = Some(expr.clone());
            let formula = snapshot.formulas(&card.key, table.child.as_ref()).iter().find(|(of, _)| *of == key).and_then(|(_, formula)| formula.as_ref().ok());
            for name in formula.map(|formula| formula.names()).unwrap_or_default() {
                explained.inputs.push(asking.input(name).await?);
            }
            let behind = asking.newest_behind(formula.map(|formula| formula.names()).unwrap_or_default()).await?;
            explained.computed_at = explained.computed_at.max(asking.newest_linked(&explained.inputs).await?).max(behind);
        }
        FieldSource::Live { path } => {
            (explained.way, explained.formula) = ("fetch", Some(path.clone()));
            explained.inputs.push(asking.input(path).await?);
        }
        FieldSource::Snapshot { path, .. } => {
            (explained.way, explained.formula) = ("fetch", Some(path.to_string()));
            explained.inputs.push(asking.input(&path.to_string()).await?);
        }
        FieldSource::Rollup(rollup) => {
            (explained.way, explained.function) = ("rollup", Some(rollup.function));
            let (rows, newest) = asking.rows(rollup).await?;
            explained.rows = Some(rows);
            explained.computed_at = explained.computed_at.max(newest);
        }
    }
    Ok(explained)
}

/// A record with everything around it, as the system sees it.
struct Whole {
    record: Record,
    around: Around,
}

async fn whole(app: &App, snapshot: &Arc<Snapshot>, card: &Arc<Card>, id: Uuid, now: DateTime<Utc>) -> Result<Whole, AppError> {
    let work = Arc::new((snapshot.clone(), card.clone()));
    let found = app.store.look(move |tx: &mut Tx| {
        let work = work.clone();
        Box::pin(async move {
            let (snapshot, card) = &*work;
            let record = load::record(&mut Source::Tx(tx), &snapshot.catalog, card, id, now).await?.ok_or_else(|| AppError::not_found("record"))?;
            let around = gather::around(tx, snapshot, card, &[&record], now).await?;
            Ok::<_, UnitError>(Whole { record, around })
        })
    });
    found.await.map_err(|error| error.error)
}

fn place_of(card: &Card, record: &Record, name: &str) -> Option<(Place, Ident)> {
    match name.split('.').collect::<Vec<_>>().as_slice() {
        [key] => Some((Place::Record, Ident::new(key).ok()?)),
        [table, row, key] => {
            let (table, row) = (card.children.get(*table)?.child.clone()?, Uuid::try_parse(row).ok()?);
            let index = record.rows(table.as_str()).iter().position(|known| known.id == row)?;
            Some((Place::Row { table, index }, Ident::new(key).ok()?))
        }
        _ => None,
    }
}

struct Asking<'a> {
    app: &'a App,
    snapshot: &'a Arc<Snapshot>,
    actor: &'a Actor,
    locale: &'a Locale,
    card: &'a Arc<Card>,
    table: &'a Table,
    place: &'a Place,
    system: &'a Whole,
    page: &'a lists::Page,
}

type RowsAndTime = (Rows, Option<DateTime<Utc>>);

impl Asking<'_> {
    /// What the reader sees of the row at hand, or of the record.
    fn at(&self, place: &Place, key: &Ident) -> Value {
        let Some(item) = self.page.items.first() else { return Value::Empty };
        let of = |columns: &[query::Selected], values: &[Value]| columns.iter().position(|column| column.name == key.as_str()).and_then(|index| values.get(index)).cloned().unwrap_or_default();
        match place {
            Place::Record => of(&self.page.columns, &item.values),
            Place::Row { table, index } => {
                let row = self.system.record.rows(table.as_str()).get(*index).map(|row| row.id);
                let seen = item.children.get(table).and_then(|rows| rows.iter().find(|seen| Some(seen.id) == row));
                match (seen, self.page.child_columns.get(table)) {
                    (Some(seen), Some(columns)) => of(columns, &seen.values),
                    _ => Value::Empty,
                }
            }
        }
    }

    fn own(&self, key: &Ident) -> Value {
        self.at(self.place, key)
    }

    /// The first link on the way of a path, as the reader sees it, and the way from there.
    fn link(&self, path: &Path) -> Option<(Ident, Uuid, Path)> {
        let mut place = self.place.clone();
        for (index, hop) in path.hops.iter().enumerate() {
            match hop {
                Hop::Parent => place = Place::Record,
                Hop::Link { field, target } | Hop::AnyLink { field, target } => {
                    let id = self.at(&place, field).as_id()?;
                    let rest = Path { start: TableRef::card(target), hops: path.hops[index + 1..].to_vec(), ..path.clone() };
                    return Some((target.clone(), id, rest));
                }
                Hop::Links { .. } | Hop::Child { .. } => return None,
            }
        }
        None
    }

    /// The value at the end of a path, as far as the reader sees it.
    async fn seen(&self, path: &Path) -> Result<Value, AppError> {
        if path.hops.iter().all(|hop| matches!(hop, Hop::Parent)) && path.part.is_none() {
            let place = if path.hops.is_empty() { self.place.clone() } else { Place::Record };
            return Ok(self.at(&place, &path.leaf));
        }
        let Some((target, id, rest)) = self.link(path) else { return Ok(Value::Empty) };
        let request = ListRequest { filter: Some(json!({"field": "id", "op": "is", "value": id.to_string()})), fields: Some(vec![rest.to_string()]), limit: Some(1), ..ListRequest::default() };
        let gated = match lists::ask(self.snapshot, self.actor, target.as_str(), &request) {
            Ok(gated) => gated,
            Err(AppError::Forbidden { .. } | AppError::NotFound { .. }) => return Ok(Value::Empty),
            Err(error) => return Err(error),
        };
        let page = lists::page(self.app, self.snapshot, self.actor, &gated, self.locale).await?;
        Ok(page.items.into_iter().next().and_then(|item| item.values.into_iter().next()).unwrap_or_default())
    }

    /// Something a formula reads, as the reader sees it.
    async fn input(&self, name: &str) -> Result<Input, AppError> {
        let start = self.table.reference();
        let label = sentence::path_label(&self.snapshot.catalog, &start, name, &self.locale.lang);
        let resolved = path::resolve(&self.snapshot.catalog, &start, name).ok().filter(|path| !path.is_many());
        let Some((path, field)) = resolved.and_then(|path| Some((path.clone(), path.field(&self.snapshot.catalog)?))) else {
            let (kind, value) = if name == TODAY { (FieldKind::Date, Value::Date(self.snapshot.day(self.actor.now))) } else { (FieldKind::Boolean, Value::Empty) };
            return Ok(Input { name: name.to_owned(), label, kind, value, hidden: false, explained: None });
        };
        let nothing = HashMap::new();
        let facts = self.facts(&nothing);
        let real = facts.values(self.place, &path).into_iter().next().unwrap_or_default();
        let value = self.seen(&path).await?;
        let is_own = path.hops.is_empty() && !matches!(field.source, FieldSource::Entered);
        let explained = is_own.then(|| self.name_of(&path.leaf));
        Ok(Input { name: name.to_owned(), label, kind: model::resolve::kind_of(&path, field), hidden: value.is_empty() && !real.is_empty(), value, explained })
    }

    /// How a field of the row at hand is asked about.
    fn name_of(&self, key: &Ident) -> String {
        match self.place {
            Place::Record => key.to_string(),
            Place::Row { table, index } => self.system.record.rows(table.as_str()).get(*index).map_or_else(|| key.to_string(), |row| format!("{table}.{}.{key}", row.id)),
        }
    }

    fn facts<'f>(&'f self, nothing: &'f HashMap<String, bool>) -> DraftFacts<'f> {
        DraftFacts { record: &self.system.record, actor: self.actor, linked: &self.system.around.linked, ancestors: &self.system.around.ancestors, pointing: nothing }
    }

    async fn rows(&self, rollup: &Rollup) -> Result<RowsAndTime, AppError> {
        match &rollup.rows {
            RowSource::Child { table } => Ok((self.own_rows(rollup, table), None)),
            RowSource::Pointing { table, by } => self.pointing(rollup, table, by).await,
        }
    }

    fn field_of(&self, rollup: &Rollup) -> Option<(String, FieldKind)> {
        let path = rollup.field.as_ref()?;
        let label = sentence::path_label(&self.snapshot.catalog, &path.start, &path.to_string(), &self.locale.lang);
        Some((label, model::resolve::kind_of(path, path.field(&self.snapshot.catalog)?)))
    }

    /// Rows of the record itself; they follow it, so only their values may be hidden.
    fn own_rows(&self, rollup: &Rollup, table: &TableRef) -> Rows {
        let Some(child) = &table.child else { return Rows::default() };
        let nothing = HashMap::new();
        let facts = self.facts(&nothing);
        let condition = rollup.condition.as_ref().map(|condition| with_facts(condition, &facts, self.place));
        let of = |index: usize| Place::Row { table: child.clone(), index };
        let kept: Vec<usize> = (0..facts.row_count(child)).filter(|index| condition.as_ref().is_none_or(|condition| holds(condition, &of(*index), &facts))).collect();
        let value = |index: usize| match &rollup.field {
            Some(path) if path.hops.is_empty() => self.at(&of(index), &path.leaf),
            _ => Value::Empty,
        };
        let shown = kept.iter().map(|index| RowSeen { record: self.system.record.id, title: format!("{}", index + 1), value: value(*index) }).collect();
        Rows { card: None, field: self.field_of(rollup), shown, count: i64::try_from(kept.len()).unwrap_or(0), hidden: 0, filter: None }
    }

    /// Rows of other records, those the reader sees, and how many more there are.
    async fn pointing(&self, rollup: &Rollup, table: &TableRef, by: &Path) -> Result<RowsAndTime, AppError> {
        let id = self.system.record.id;
        let nothing = HashMap::new();
        let condition = rollup.condition.as_ref().map(|condition| with_facts(condition, &self.facts(&nothing), self.place));
        let (total, newest) = self.counted(table, by, condition.as_ref()).await?;
        let mut rows = Rows { card: Some(table.card.clone()), field: self.field_of(rollup), hidden: total, filter: list_filter(table, by, rollup, id), ..Rows::default() };
        let columns: Vec<Path> = rollup.field.iter().cloned().collect();
        for columns in [columns.as_slice(), &[]] {
            let asked = RelatedRequest { table, by, columns, totals: &[], sort: None, condition: condition.as_ref(), record: id, of: self.card, after: None };
            match lists::related(self.app, self.snapshot, self.actor, &asked, self.locale).await {
                Ok(found) => {
                    let owners: Vec<Uuid> = found.page.items.iter().filter_map(|item| found.owner(item)).collect();
                    let wanted = [(table.card.clone(), owners.iter().copied().collect())].into_iter().collect();
                    let titles = titles::fetch(&mut Source::App(self.app), &self.snapshot.catalog, self.actor, &wanted, self.locale).await?;
                    rows.shown = found.page.items.iter().filter_map(|item| {
                        let record = found.owner(item)?;
                        Some(RowSeen { record, title: titles.get(&record).cloned().unwrap_or_default(), value: item.values.first().cloned().unwrap_or_default() })
                    }).collect();
                    rows.count = found.count.unwrap_or(0).min(total);
                    rows.hidden = total - rows.count;
                    break;
                }
                Err(AppError::Forbidden { .. } | AppError::NotFound { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        if rows.count == 0 {
            rows.filter = None;
        }
        Ok((rows, newest))
    }

    /// How many rows there are in all, and when the newest of them was changed.
    async fn counted(&self, table: &TableRef, by: &Path, condition: Option<&Condition>) -> Result<(i64, Option<DateTime<Utc>>), AppError> {
        let catalog = &self.snapshot.catalog;
        let system = self.snapshot.calculating(self.actor.now);
        let bound = condition.map(|condition| bind_for(&system, catalog, condition));
        let (id, dialect) = (self.system.record.id, self.app.store.dialect());
        let Ok(leaf) = Ident::new("updated_at") else { return Ok((0, None)) };
        let hops = if table.child.is_some() { vec![Hop::Parent] } else { Vec::new() };
        let path = Path { start: table.clone(), hops, leaf, part: None, end: TableRef::card(&table.card) };
        let way = Way { table, by, to: &self.card.key };
        let lowered = derived::aggregates(catalog, dialect, way, Some(&path), &[Aggregate::Count, Aggregate::Max], bound.as_ref(), &[id], sql::builder::Sums::Plain);
        let row = self.app.store.fetch(&lowered.statement).await?.into_iter().next().unwrap_or_default();
        let values = lowered.decode(row);
        let count = match values.get(1) {
            Some(Value::Int(count)) => *count,
            _ => 0,
        };
        Ok((count, values.get(2).and_then(Value::as_instant)))
    }
}

/// The list of the records whose rows were added up, as an address says it.
fn list_filter(table: &TableRef, by: &Path, rollup: &Rollup, id: Uuid) -> Option<Json> {
    if rollup.condition.as_ref().is_some_and(Condition::names_record) || by.leaf == "id" {
        return None;
    }
    let here = json!({"field": by.leaf, "op": "is", "value": id.to_string()});
    let kept = rollup.written.as_ref().map(model::Filter::to_json);
    let both = |first: Json, second: Option<Json>| json!({"all": std::iter::once(first).chain(second).collect::<Vec<_>>()});
    Some(match (&table.child, by.hops.is_empty()) {
        (None, _) => both(here, kept),
        (Some(child), true) => json!({"all": [{"related": child, "has": both(here, kept)}]}),
        (Some(child), false) => both(here, kept.map(|kept| json!({"related": child, "has": kept}))),
    })
}
