//! Records as scripts see them: read by name, and where a script may, written by name. Copies are the same record.
//!
//! **Invariants**
//! - What is set is remembered as a change and nothing more: whoever runs the script decides what becomes of it.
//! - An unknown name is an error that says the nearest one.
//! - Secret fields are not in here at all.
//!
//! **Not here:** rows inside formulas, which are only read (`rows`).

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use indexmap::IndexMap;
use model::{Ident, Value, Values, nearest};
use rhai::{Dynamic, Engine, ImmutableString, Map};
use rust_decimal::{Decimal, prelude::ToPrimitive};
use serde_json::{Map as JsonMap, Value as Json};
use uuid::Uuid;

use crate::{
    convert::{from_dynamic, plain_json, to_dynamic},
    fault::{Fault, Outcome, ScriptError, trouble},
    functions::kind_name,
    rows::{RowSet, Rows, aggregates},
};

/// A record that was read, with every field that may be known of it, empty ones too.
#[derive(Debug, Clone, Default)]
pub struct Found {
    /// Its id.
    pub id: Uuid,
    /// Its values.
    pub values: Values,
    /// Its child rows: id and values.
    pub children: IndexMap<Ident, Vec<(Uuid, Values)>>,
}

/// What a script may set: `note`, `lines.price`.
pub type Settable = BTreeSet<String>;

/// One record; copies share it.
#[derive(Debug, Clone)]
pub(crate) struct Doc(Arc<Mutex<Inner>>);

#[derive(Debug)]
struct Inner {
    id: Uuid,
    values: Values,
    tables: IndexMap<Ident, Vec<Line>>,
    settable: Option<Settable>,
    changed: BTreeSet<String>,
    touched: BTreeSet<String>,
}

/// A child row: one that is there already has an id.
#[derive(Debug, Clone)]
struct Line {
    id: Option<Uuid>,
    values: Values,
    changed: BTreeSet<String>,
}

/// The rows of a record's child table.
#[derive(Debug, Clone)]
pub(crate) struct Lines {
    doc: Doc,
    table: Ident,
}

/// One of them.
#[derive(Debug, Clone)]
pub(crate) struct LineAt {
    lines: Lines,
    at: usize,
}

/// Records that a question found.
#[derive(Debug, Clone, Default)]
pub(crate) struct Docs(Arc<Vec<Doc>>);

impl From<Vec<Found>> for Docs {
    fn from(found: Vec<Found>) -> Self {
        Self(Arc::new(found.into_iter().map(Doc::found).collect()))
    }
}

impl IntoIterator for Docs {
    type Item = Doc;
    type IntoIter = std::vec::IntoIter<Doc>;
    fn into_iter(self) -> Self::IntoIter {
        Arc::unwrap_or_clone(self.0).into_iter()
    }
}

impl IntoIterator for Lines {
    type Item = LineAt;
    type IntoIter = std::vec::IntoIter<LineAt>;
    fn into_iter(self) -> Self::IntoIter {
        let count = self.len();
        (0..count).map(|at| LineAt { lines: self.clone(), at }).collect::<Vec<_>>().into_iter()
    }
}

impl Doc {
    /// A record that is only read.
    pub(crate) fn found(found: Found) -> Self {
        Self::new(found, None)
    }

    /// A record of which some fields may be set.
    pub(crate) fn new(found: Found, settable: Option<Settable>) -> Self {
        let line = |(id, values)| Line { id: Some(id), values, changed: BTreeSet::new() };
        let tables = found.children.into_iter().map(|(key, rows)| (key, rows.into_iter().map(line).collect())).collect();
        Self(Arc::new(Mutex::new(Inner { id: found.id, values: found.values, tables, settable, changed: BTreeSet::new(), touched: BTreeSet::new() })))
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn id(&self) -> Uuid {
        self.inner().id
    }

    fn get(&self, name: &str) -> Outcome {
        let inner = self.inner();
        if name == "id" {
            return Ok(inner.id.to_string().into());
        }
        if let Some(value) = inner.values.get(name) {
            return Ok(to_dynamic(value.clone()));
        }
        match inner.tables.get_key_value(name).map(|(table, _)| table.clone()) {
            Some(table) => {
                drop(inner);
                Ok(Dynamic::from(Lines { doc: self.clone(), table }))
            }
            None => Err(unknown("record", name, inner.values.keys().chain(inner.tables.keys()))),
        }
    }

    fn set(&self, name: &str, value: Dynamic) -> Outcome<()> {
        // `record.lines[0].price = 1` puts the rows back where they came from.
        if value.is::<Lines>() {
            return Ok(());
        }
        let mut inner = self.inner();
        let Some(key) = inner.values.keys().find(|key| *key == name).cloned() else {
            return Err(unknown("record", name, inner.values.keys().chain(inner.tables.keys())));
        };
        may(&inner, name)?;
        let value = from_dynamic(value)?;
        if inner.values.get(&key) != Some(&value) {
            inner.changed.insert(name.to_owned());
            inner.values.insert(key, value);
        }
        Ok(())
    }

    /// What was set, as a client would send it.
    pub(crate) fn changes(&self) -> JsonMap<String, Json> {
        let inner = self.inner();
        let one = |values: &Values, name: &String| (name.clone(), plain_json(values.get(name.as_str()).unwrap_or(&Value::Empty)));
        let mut body: JsonMap<String, Json> = inner.changed.iter().map(|name| one(&inner.values, name)).collect();
        for (table, lines) in inner.tables.iter().filter(|(table, _)| inner.touched.contains(table.as_str())) {
            let row = |line: &Line| {
                let mut row: JsonMap<String, Json> = line.changed.iter().map(|name| one(&line.values, name)).collect();
                if let Some(id) = line.id {
                    row.insert("id".into(), id.to_string().into());
                }
                Json::Object(row)
            };
            body.insert(table.to_string(), lines.iter().map(row).collect());
        }
        body
    }
}

fn may(inner: &Inner, name: &str) -> Outcome<()> {
    match &inner.settable {
        None => Err(trouble(Fault::Refused, format!("`{name}` is only read here; change the record with `save`"))),
        Some(settable) if !settable.contains(name) => Err(trouble(Fault::Refused, format!("`{name}` is not set by scripts: it is calculated, or only transitions set it"))),
        Some(_) => Ok(()),
    }
}

fn unknown<'k>(what: &str, name: &str, known: impl Iterator<Item = &'k Ident>) -> Box<rhai::EvalAltResult> {
    let near = nearest(name, known.map(Ident::as_str)).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
    trouble(Fault::UnknownName, format!("the {what} has no field `{name}`{near}"))
}

impl Lines {
    fn len(&self) -> usize {
        self.doc.inner().tables.get(&self.table).map_or(0, Vec::len)
    }

    fn rows(&self) -> Rows {
        let inner = self.doc.inner();
        let rows = inner.tables.get(&self.table).into_iter().flatten().map(|line| line.values.clone()).collect();
        Rows::from(RowSet(Arc::new(rows)))
    }

    fn add(&self, fields: Map) -> Outcome<()> {
        let mut line = Line { id: None, values: Values::default(), changed: BTreeSet::new() };
        for (name, value) in fields {
            let value = from_dynamic(value)?;
            let path = format!("{}.{name}", self.table);
            may(&self.doc.inner(), &path)?;
            let Ok(key) = Ident::new(&name) else { return Err(trouble(Fault::UnknownName, format!("`{name}` is no field"))) };
            line.changed.insert(name.to_string());
            line.values.insert(key, value);
        }
        self.change(|lines| lines.push(line))
    }

    fn remove(&self, at: usize) -> Outcome<()> {
        if at >= self.len() {
            return Err(trouble(Fault::BadValue, "there is nothing at this index"));
        }
        self.change(|lines| drop(lines.remove(at)))
    }

    fn change(&self, change: impl FnOnce(&mut Vec<Line>)) -> Outcome<()> {
        let mut inner = self.doc.inner();
        if inner.settable.is_none() {
            return may(&inner, self.table.as_str());
        }
        inner.touched.insert(self.table.to_string());
        if let Some(lines) = inner.tables.get_mut(&self.table) {
            change(lines);
        }
        Ok(())
    }
}

impl LineAt {
    fn get(&self, name: &str) -> Outcome {
        let inner = self.lines.doc.inner();
        let Some(line) = inner.tables.get(&self.lines.table).and_then(|lines| lines.get(self.at)) else { return Err(trouble(Fault::BadValue, "this row is gone")) };
        match line.values.get(name) {
            Some(value) => Ok(to_dynamic(value.clone())),
            // A new row has only what was put into it.
            None if line.id.is_none() => Ok(Dynamic::UNIT),
            None if name == "id" => Ok(line.id.map(|id| id.to_string().into()).unwrap_or_default()),
            None => Err(unknown("row", name, line.values.keys())),
        }
    }

    fn set(&self, name: &str, value: Dynamic) -> Outcome<()> {
        let value = from_dynamic(value)?;
        let Ok(key) = Ident::new(name) else { return Err(trouble(Fault::UnknownName, format!("`{name}` is no field"))) };
        let mut inner = self.lines.doc.inner();
        let known = inner.tables.get(&self.lines.table).and_then(|lines| lines.get(self.at)).map(|line| (line.id.is_none(), line.values.contains_key(name)));
        match known {
            None => return Err(trouble(Fault::BadValue, "this row is gone")),
            Some((false, false)) => {
                let line = &inner.tables[&self.lines.table][self.at];
                return Err(unknown("row", name, line.values.keys()));
            }
            Some(_) => may(&inner, &format!("{}.{name}", self.lines.table))?,
        }
        inner.touched.insert(self.lines.table.to_string());
        if let Some(line) = inner.tables.get_mut(&self.lines.table).and_then(|lines| lines.get_mut(self.at)) {
            line.changed.insert(name.to_owned());
            line.values.insert(key, value);
        }
        Ok(())
    }
}

impl Docs {
    fn rows(&self) -> Rows {
        Rows::from(RowSet(Arc::new(self.0.iter().map(|doc| doc.inner().values.clone()).collect())))
    }
}

fn place(at: &Dynamic) -> Outcome<usize> {
    let number = crate::operators::number(at).filter(|number| number.is_integer() && *number >= Decimal::ZERO).and_then(|number| number.to_usize());
    number.ok_or_else(|| trouble(Fault::WrongKind, format!("a place is a whole number from 0 on, not {}", kind_name(at))))
}

/// Registers what records offer.
pub(crate) fn register(engine: &mut Engine) {
    engine.register_type_with_name::<Doc>("record").register_type_with_name::<Lines>("rows").register_type_with_name::<LineAt>("row").register_type_with_name::<Docs>("records");
    engine.register_indexer_get(|doc: &mut Doc, name: ImmutableString| doc.get(&name));
    engine.register_indexer_set(|doc: &mut Doc, name: ImmutableString, value: Dynamic| doc.set(&name, value));
    engine.register_indexer_get(|row: &mut LineAt, name: ImmutableString| row.get(&name));
    engine.register_indexer_set(|row: &mut LineAt, name: ImmutableString, value: Dynamic| row.set(&name, value));
    let line = |lines: &mut Lines, at: &Dynamic| {
        let at = place(at)?;
        if at < lines.len() { Ok(LineAt { lines: lines.clone(), at }) } else { Err(trouble(Fault::BadValue, "there is nothing at this index")) }
    };
    let doc = |docs: &mut Docs, at: &Dynamic| docs.0.get(place(at)?).cloned().ok_or_else(|| trouble(Fault::BadValue, "there is nothing at this index"));
    engine.register_indexer_get(move |lines: &mut Lines, at: i64| line(lines, &at.into()));
    engine.register_indexer_get(move |lines: &mut Lines, at: Decimal| line(lines, &Dynamic::from_decimal(at)));
    engine.register_indexer_set(|_: &mut Lines, _: i64, _: LineAt| ());
    engine.register_indexer_set(|_: &mut Lines, _: Decimal, _: LineAt| ());
    engine.register_indexer_get(move |docs: &mut Docs, at: i64| doc(docs, &at.into()));
    engine.register_indexer_get(move |docs: &mut Docs, at: Decimal| doc(docs, &Dynamic::from_decimal(at)));
    engine.register_fn("len", |lines: &mut Lines| Decimal::from(lines.len()));
    engine.register_fn("len", |docs: &mut Docs| Decimal::from(docs.0.len()));
    engine.register_fn("is_empty", |lines: &mut Lines| lines.len() == 0);
    engine.register_fn("is_empty", |docs: &mut Docs| docs.0.is_empty());
    engine.register_fn("add", |lines: &mut Lines, fields: Map| lines.add(fields));
    engine.register_fn("remove", |lines: &mut Lines, at: Dynamic| lines.remove(place(&at)?));
    aggregates!(engine, Lines, Lines::rows);
    aggregates!(engine, Docs, Docs::rows);
    engine.register_iterator::<Lines>().register_iterator::<Docs>();
}

/// An error of a value that a script made.
impl From<ScriptError> for Box<rhai::EvalAltResult> {
    fn from(error: ScriptError) -> Self {
        trouble(error.fault, error.message)
    }
}
