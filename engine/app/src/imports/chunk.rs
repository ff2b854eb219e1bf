//! Some records of a file: what their rows mean, and what came of saving them.

use std::{collections::{HashMap, HashSet}, sync::Arc};

use access::Actor;
use exchange::{Cell, Line};
use form::Locale;
use model::{Card, Code, FieldKind, Ident, Value, Violation, types};
use query::ListRequest;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};
use store::Tx;
use uuid::Uuid;

use super::{links::{self, Asking, Found, Meanings}, settings::{Column, Mode, Plan}, values::Notation};
use crate::{App, AppError, Snapshot, Source, UnitError, lists, records::{many, save::{Options, Work}}};

/// The rows of one record.
#[derive(Debug, Clone)]
pub(super) struct Group {
    pub lines: Vec<Line>,
    /// A row before it that has the same key.
    pub same_as: Option<u32>,
}

impl Group {
    pub(super) fn row(&self) -> u32 {
        self.lines.first().map_or(0, |line| line.row)
    }
    pub(super) fn last_row(&self) -> u32 {
        self.lines.last().map_or(0, |line| line.row)
    }
}

/// What is wrong with a row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CellError {
    /// The row, as people count.
    pub row: u32,
    /// The column, from 0; the whole row when not given.
    pub column: Option<usize>,
    /// What is wrong, in the words of whoever sent the file.
    pub message: String,
}

/// What came of a record.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// It is new.
    Created,
    /// It was there, and is changed.
    Updated,
    /// It was there, and already as the file says.
    Unchanged,
    /// Nothing was done.
    Failed(Vec<CellError>),
}

/// An import under way: who, into what, how.
pub(super) struct Run {
    pub app: Arc<App>,
    pub snapshot: Arc<Snapshot>,
    pub actor: Actor,
    pub locale: Locale,
    pub card: Arc<Card>,
    pub plan: Plan,
    pub notation: Notation,
    pub batch: Option<Uuid>,
}

/// What is known of a record there is, before it is changed.
struct Stored {
    id: Uuid,
    values: HashMap<String, Value>,
    rows: HashMap<Ident, Vec<Uuid>>,
}

impl Run {
    fn asking(&self) -> Asking<'_> {
        Asking { snapshot: &self.snapshot, actor: &self.actor, locale: &self.locale, notation: &self.notation }
    }

    /// Saves some records; says what came of each.
    pub(super) async fn chunk(&self, tx: &mut Tx, groups: &[Group]) -> Result<Vec<Outcome>, UnitError> {
        let mut outcomes = Vec::with_capacity(groups.len());
        let mut meanings = Meanings::default();
        let mut rest = groups;
        while !rest.is_empty() {
            meanings.forget_missing();
            let wanted = self.link_texts(rest);
            meanings.ask(tx, &self.asking(), &wanted).await?;
            let mut faults = self.make_missing(tx, &mut meanings, &wanted).await?;
            // A record may point to one that stands above it in the same file: that one is saved first.
            let cut = (1..rest.len()).find(|index| self.points_to_own(&rest[*index], &meanings)).unwrap_or(rest.len());
            let (now, later) = rest.split_at(cut);
            outcomes.extend(self.save(tx, now, &meanings, &mut faults).await?);
            rest = later;
        }
        Ok(outcomes)
    }

    fn link_columns(&self) -> impl Iterator<Item = &Column> {
        self.plan.columns.iter().filter(|column| matches!(column.field.kind, FieldKind::Link(_) | FieldKind::AnyLink { .. }) && column.field.key != "id")
    }

    fn link_texts(&self, groups: &[Group]) -> Vec<(&Column, Vec<String>)> {
        let of = |column: &Column| {
            let cells = groups.iter().flat_map(|group| &group.lines).map(|line| line.cell(column.index)).filter(|cell| !cell.is_empty());
            let all: HashSet<String> = cells.flat_map(|cell| links::texts(&column.field, &cell.text())).collect();
            all.into_iter().collect()
        };
        self.link_columns().map(|column| (column, of(column))).collect()
    }

    fn points_to_own(&self, group: &Group, meanings: &Meanings) -> bool {
        self.link_columns().filter(|column| links::targets(&column.field).contains(&&self.card.key)).any(|column| {
            let cells = group.lines.iter().map(|line| line.cell(column.index)).filter(|cell| !cell.is_empty());
            cells.flat_map(|cell| links::texts(&column.field, &cell.text())).any(|text| meanings.of(column, &text) == Found::Nothing)
        })
    }

    /// Records that columns say are to be made where they are missing; what was wrong with those that could not be.
    async fn make_missing(&self, tx: &mut Tx, meanings: &mut Meanings, wanted: &[(&Column, Vec<String>)]) -> Result<HashMap<(Ident, String), String>, UnitError> {
        let mut faults = HashMap::new();
        for (column, texts) in wanted.iter().filter(|(column, _)| column.create) {
            let FieldKind::Link(link) = &column.field.kind else { continue };
            let Some(target) = self.snapshot.catalog.card(&link.target) else { continue };
            let by = column.by.as_deref().filter(|by| !matches!(*by, "id" | "title"));
            let Some(field) = by.map(str::to_owned).or_else(|| target.title.paths().find(|path| path.hops.is_empty()).map(|path| path.leaf.to_string())) else { continue };
            let missing: Vec<&String> = texts.iter().filter(|text| meanings.of(column, text) == Found::Nothing).collect();
            let options = Options { batch: self.batch, ..Options::default() };
            let works: Vec<_> = missing.iter().map(|text| Work::new(&self.app, &self.actor, target.key.as_str(), None, Map::from_iter([(field.clone(), Json::from(text.as_str()))]), &options)).collect();
            for (text, made) in missing.into_iter().zip(many::save(tx, works).await?) {
                match made {
                    Ok(saved) => meanings.learn(&link.target, column.by.as_ref(), text, saved.id),
                    Err(error) => {
                        faults.insert((link.target.clone(), text.clone()), self.told(&error));
                    }
                }
            }
        }
        Ok(faults)
    }

    fn told(&self, error: &AppError) -> String {
        match error {
            AppError::Rejected(rejected) => rejected.0.iter().map(|violation| violation.message(&self.actor.lang)).collect::<Vec<_>>().join(" "),
            AppError::Internal(cause) => {
                tracing::error!(%cause, "an internal error in an import");
                "something went wrong on our side".to_owned()
            }
            other => other.to_string(),
        }
    }

    async fn save(&self, tx: &mut Tx, groups: &[Group], meanings: &Meanings, faults: &mut HashMap<(Ident, String), String>) -> Result<Vec<Outcome>, UnitError> {
        let stored = self.stored(tx, groups).await?;
        let mut prepared: Vec<Result<bool, Vec<CellError>>> = Vec::with_capacity(groups.len());
        let mut works = Vec::new();
        for group in groups {
            let one = Reading { run: self, group, meanings, faults, errors: Vec::new() }.read(&stored);
            prepared.push(one.map(|(id, body)| {
                let options = Options { batch: self.batch, ..Options::default() };
                works.push(Work::new(&self.app, &self.actor, self.card.key.as_str(), id, body, &options));
                id.is_none()
            }));
        }
        let mut results = many::save(tx, works).await?.into_iter();
        let outcome = |(group, prepared): (&Group, Result<bool, Vec<CellError>>)| match prepared {
            Err(errors) => Outcome::Failed(errors),
            Ok(creating) => match results.next() {
                Some(Ok(saved)) if !saved.changed => Outcome::Unchanged,
                Some(Ok(_)) => if creating { Outcome::Created } else { Outcome::Updated },
                Some(Err(error)) => Outcome::Failed(self.errors_of(group, &error)),
                None => Outcome::Failed(Vec::new()),
            },
        };
        Ok(groups.iter().zip(prepared).map(outcome).collect())
    }

    /// Violations at the cells they speak of.
    fn errors_of(&self, group: &Group, error: &AppError) -> Vec<CellError> {
        let AppError::Rejected(rejected) = error else {
            return vec![CellError { row: group.row(), column: None, message: self.told(error) }];
        };
        rejected.0.iter().map(|violation| self.error_of(group, violation)).collect()
    }

    fn error_of(&self, group: &Group, violation: &Violation) -> CellError {
        let message = violation.message(&self.actor.lang);
        let steps: Vec<&str> = violation.path.split('/').collect();
        let (child, index, key) = match steps.as_slice() {
            [table, index, key, ..] if self.card.children.contains_key(*table) => (Some(*table), index.parse::<usize>().ok(), *key),
            [table, key] if self.card.children.contains_key(*table) && key.parse::<usize>().is_err() => (Some(*table), None, *key),
            [key, ..] => (None, None, *key),
            [] => (None, None, ""),
        };
        let column = self.plan.columns.iter().find(|column| column.is_at(child, key)).map(|column| column.index);
        let line = match (child, index) {
            (Some(child), Some(index)) => self.child_lines(group, child).nth(index).map(|line| line.row),
            _ => None,
        };
        let named = || {
            let field = self.card.table_of(child.and_then(|child| self.card.children.get_key_value(child)).map(|(key, _)| key)).and_then(|table| table.fields.get(key));
            field.map(|field| format!("{}: {message}", field.labels.or_key(&self.actor.lang, field.key.as_str())))
        };
        // A column that is not in the file is named, so that it is known what is missing.
        let message = if column.is_none() { named().unwrap_or(message) } else { message };
        CellError { row: line.unwrap_or(group.row()), column, message }
    }

    /// The lines of a record that have something in a child table.
    fn child_lines<'g>(&'g self, group: &'g Group, child: &'g str) -> impl Iterator<Item = &'g Line> {
        group.lines.iter().filter(move |line| self.plan.columns.iter().any(|column| column.child.as_ref().is_some_and(|key| key == child) && !line.cell(column.index).is_empty()))
    }

    /// The key of a record as the database would say it.
    pub(super) fn key_of(&self, group: &Group) -> Option<Json> {
        let column = &self.plan.columns[self.plan.key?];
        let cell = group.lines.first()?.cell(column.index);
        if cell.is_empty() {
            return None;
        }
        if column.field.key == "id" {
            return Uuid::try_parse(cell.text().trim()).ok().map(|id| json!(id.to_string()));
        }
        let json = self.notation.read(&column.field.kind, cell).ok()?;
        let value = types::read_json(&column.field.kind, &json).ok().filter(|value| !value.is_empty())?;
        types::check(&column.field.kind, &value).is_empty().then(|| types::to_json(&column.field.kind, &value))
    }

    /// Records there are already, by their keys: with what only they can say of cells that speak of a part.
    async fn stored(&self, tx: &mut Tx, groups: &[Group]) -> Result<HashMap<String, Stored>, UnitError> {
        let mut found = HashMap::new();
        let Some(key) = self.plan.key.map(|key| &self.plan.columns[key].field).filter(|_| self.plan.settings.mode != Mode::Create) else { return Ok(found) };
        let keys: Vec<Json> = groups.iter().filter_map(|group| self.key_of(group)).collect();
        let partly = self.plan.columns.iter().filter(|column| column.child.is_none() && (column.part.is_some() || matches!(column.field.kind, FieldKind::RichText)));
        let mut fields: Vec<String> = [key.key.to_string()].into_iter().chain(partly.map(|column| column.field.key.to_string())).collect();
        fields.extend(self.plan.children().map(Ident::to_string));
        for chunk in keys.chunks(400) {
            let filter = json!({"field": key.key, "op": "any_of", "value": chunk});
            let request = ListRequest { filter: Some(filter), fields: Some(fields.clone()), sort: Some("id".into()), limit: Some(query::MAX_LIMIT), ..ListRequest::default() };
            let gated = lists::ask(&self.snapshot, &self.actor, self.card.key.as_str(), &request)?;
            let page = lists::page_from(&mut Source::Tx(tx), &self.snapshot, &self.actor, &gated, &self.locale).await?;
            for item in page.items {
                let named = page.columns.iter().zip(item.values);
                let values: HashMap<String, Value> = named.map(|(column, value)| (column.name.clone(), value)).collect();
                let known = if key.key == "id" { json!(item.id.to_string()) } else { values.get(key.key.as_str()).map(|value| types::to_json(&key.kind, value)).unwrap_or_default() };
                let rows = item.children.into_iter().map(|(child, rows)| (child, rows.into_iter().map(|row| row.id).collect())).collect();
                found.insert(known.to_string(), Stored { id: item.id, values, rows });
            }
        }
        Ok(found)
    }
}

/// One record being read.
struct Reading<'a> {
    run: &'a Run,
    group: &'a Group,
    meanings: &'a Meanings,
    faults: &'a HashMap<(Ident, String), String>,
    errors: Vec<CellError>,
}

type Read = (Option<Uuid>, Map<String, Json>);

impl Reading<'_> {
    fn fail(&mut self, row: u32, column: Option<usize>, violation: &Violation) {
        self.errors.push(CellError { row, column, message: violation.message(&self.run.actor.lang) });
    }

    fn read(mut self, stored: &HashMap<String, Stored>) -> Result<Read, Vec<CellError>> {
        let (run, group) = (self.run, self.group);
        let (mode, row) = (run.plan.settings.mode, group.row());
        let key_column = run.plan.key.map(|key| run.plan.columns[key].index);
        if let Some(before) = group.same_as {
            self.fail(row, key_column, &Violation::new("", Code::SameKey).with("row", before));
        }
        let key = run.key_of(group);
        let there = key.as_ref().and_then(|key| stored.get(&key.to_string()));
        match (mode, &key, there) {
            (Mode::Update, None, _) | (Mode::Both, None, _) if run.plan.key.is_some_and(|key| mode == Mode::Update || !group.lines[0].cell(run.plan.columns[key].index).is_empty()) => self.fail(row, key_column, &Violation::new("", Code::Required)),
            (mode, Some(key), None) if mode == Mode::Update || mode == Mode::Both && !self.may_set_key() => self.fail(row, key_column, &Violation::new("", Code::NoMatch).with("found", key.as_str().map_or_else(|| key.to_string(), str::to_owned))),
            _ => {}
        }
        let body = self.body(there);
        if self.errors.is_empty() { Ok((there.map(|there| there.id), body)) } else { Err(self.errors) }
    }

    /// Whether a record that is not there can be made with its key.
    fn may_set_key(&self) -> bool {
        self.run.plan.key.is_none_or(|key| {
            let field = &self.run.plan.columns[key].field;
            field.key == "id" || field.is_editable()
        })
    }

    fn body(&mut self, there: Option<&Stored>) -> Map<String, Json> {
        let (run, group) = (self.run, self.group);
        let mut body = Map::new();
        let Some(first) = group.lines.first() else { return body };
        for column in run.plan.columns.iter().filter(|column| column.child.is_none()) {
            for line in &group.lines[1..] {
                let (here, again) = (first.cell(column.index), line.cell(column.index));
                if !again.is_empty() && again != here {
                    self.fail(line.row, Some(column.index), &Violation::new("", Code::Differs).with("row", first.row));
                }
            }
            let was = there.and_then(|there| there.values.get(column.field.key.as_str()));
            self.put(&mut body, column, first, was, there.is_some());
        }
        for child in run.plan.children() {
            let known = there.and_then(|there| there.rows.get(child)).map_or(&[][..], Vec::as_slice);
            let mut rows = Vec::new();
            for (index, line) in run.child_lines(group, child.as_str()).enumerate() {
                let mut row = Map::new();
                if let Some(id) = known.get(index) {
                    row.insert("id".into(), json!(id.to_string()));
                }
                for column in run.plan.columns.iter().filter(|column| column.child.as_ref() == Some(child)) {
                    self.put(&mut row, column, line, None, known.get(index).is_some());
                }
                rows.push(Json::Object(row));
            }
            body.insert(child.to_string(), Json::Array(rows));
        }
        body
    }

    /// What a cell says of its field, if it says anything.
    fn put(&mut self, into: &mut Map<String, Json>, column: &Column, line: &Line, was: Option<&Value>, is_there: bool) {
        let (run, cell, key) = (self.run, line.cell(column.index), column.field.key.to_string());
        if column.field.key == "id" && column.child.is_none() {
            if !is_there && !cell.is_empty() {
                into.insert(key, json!(cell.text().trim()));
            }
            return;
        }
        if !column.field.is_editable() && !column.field.system {
            return;
        }
        if cell.is_empty() {
            if is_there && run.plan.settings.clear && column.part.is_none() {
                into.insert(key, Json::Null);
            }
            return;
        }
        let value = match &column.field.kind {
            FieldKind::Link(_) | FieldKind::AnyLink { .. } => self.link(column, line, cell),
            FieldKind::Address | FieldKind::Geo if column.part.is_some() => Ok(part(into.remove(&key).or_else(|| was.map(|was| types::to_json(&column.field.kind, was))), column, cell)),
            FieldKind::RichText if was.is_some_and(|was| matches!(was, Value::Json(document) if form::format::plain_text(document) == cell.text().trim())) => return,
            kind => run.notation.read(kind, cell),
        };
        match value {
            Ok(value) => {
                into.insert(key, value);
            }
            Err(violation) => self.fail(line.row, Some(column.index), &violation),
        }
    }

    fn link(&mut self, column: &Column, line: &Line, cell: &Cell) -> Result<Json, Violation> {
        let mut found = Vec::new();
        for text in links::texts(&column.field, &cell.text()) {
            let meaning = self.meanings.of(column, &text);
            if let Found::One(card, id) = &meaning {
                found.push((card.clone(), *id));
                continue;
            }
            match links::targets(&column.field).first().and_then(|target| self.faults.get(&((*target).clone(), text.clone()))) {
                Some(message) => self.errors.push(CellError { row: line.row, column: Some(column.index), message: message.clone() }),
                None => return Err(links::fault(&meaning, &text).unwrap_or_else(|| Violation::new("", Code::NotFound))),
            }
        }
        Ok(match &column.field.kind {
            FieldKind::Link(link) if link.multiple => found.iter().map(|(_, id)| Json::from(id.to_string())).collect(),
            FieldKind::AnyLink { .. } => found.first().map_or(Json::Null, |(card, id)| json!({"card": card, "id": id.to_string()})),
            _ => found.first().map_or(Json::Null, |(_, id)| Json::from(id.to_string())),
        })
    }
}

/// A document with one part of it as the cell says.
fn part(document: Option<Json>, column: &Column, cell: &Cell) -> Json {
    let mut map = match document {
        Some(Json::Object(map)) => map,
        _ => Map::new(),
    };
    if let Some(part) = column.part {
        map.insert(part.name().to_owned(), Json::from(cell.text().trim()));
    }
    Json::Object(map)
}
