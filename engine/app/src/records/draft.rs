//! What a client submitted, read against the card: values by field, child rows, links named by a unique field.
//!
//! **Invariants**
//! - Never stops at the first fault: every place that cannot be read is a violation of its own.
//! - The engine's own fields in a body are passed over, so that a record that was read can be sent back.
//!
//! **Not here:** whether the values are allowed (`model::validate`), whether links exist (`links`).

use indexmap::IndexMap;
use model::{Card, Code, Field, FieldKind, Ident, Table, Value, Values, Violation, nearest, types};
use serde_json::{Map, Value as Json};
use uuid::Uuid;

/// What is to become of a record.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Draft {
    /// The id a new record shall have, where its maker chose one.
    pub id: Option<Uuid>,
    /// The version that was read, where the client said so.
    pub version: Option<i64>,
    /// Fields that were submitted, empty ones included.
    pub values: Values,
    /// Child tables that were submitted.
    pub children: IndexMap<Ident, ChildDraft>,
    /// Links named by a unique field of their target, still to be looked up.
    pub lookups: Vec<Lookup>,
    /// Places that a default filled in, not the client: `grade`, `lines/2/quantity`.
    pub defaults: Vec<String>,
}

/// What is to become of a child table.
#[derive(Debug, Clone, PartialEq)]
pub enum ChildDraft {
    /// The whole table: rows with an id are changed, without are new, left out are deleted.
    Whole(Vec<RowDraft>),
    /// Single rows.
    Parts { add: Vec<RowDraft>, change: Vec<RowDraft>, remove: Vec<Uuid> },
}

/// What is to become of a child row.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RowDraft {
    /// Its id; `None` for a new row.
    pub id: Option<Uuid>,
    /// Fields that were submitted.
    pub values: Values,
    /// Where it stood in the body, for violations: `lines/2`.
    pub path: String,
    /// Whether a row that is gone comes back under its id.
    pub revived: bool,
}

/// A link given as `{"unique_field": value}`.
#[derive(Debug, Clone, PartialEq)]
pub struct Lookup {
    /// The field whose value it is: `customer`, `lines/2/product`.
    pub path: String,
    /// The card to look in.
    pub target: Ident,
    /// Its unique field.
    pub by: Ident,
    /// The value looked for.
    pub value: Value,
}

/// Reads a submitted record. Always gives a draft; what could not be read is among the violations.
pub fn read(card: &Card, catalog: &model::Catalog, body: &Map<String, Json>) -> (Draft, Vec<Violation>) {
    let mut reader = Reader { catalog, card, violations: Vec::new(), lookups: Vec::new() };
    let mut draft = Draft { version: body.get("version").and_then(Json::as_i64), ..Draft::default() };
    if body.get("version").is_some_and(|version| !version.is_null()) && draft.version.is_none() {
        reader.violations.push(Violation::new("version", Code::Type).with("wanted", "A whole number"));
    }
    draft.id = reader.read_id(body, "id");
    for (key, json) in body {
        if key.starts_with('$') || key == "version" || key == "id" {
            continue;
        }
        if let Some(table) = card.children.get(key.as_str()) {
            if let (Some(name), Some(child)) = (table.child.clone(), reader.read_child(table, json)) {
                draft.children.insert(name, child);
            }
        } else if let Some((key, value)) = reader.read_field(&card.table, key, json, key) {
            draft.values.insert(key, value);
        }
    }
    draft.lookups = reader.lookups;
    (draft, reader.violations)
}

struct Reader<'c> {
    catalog: &'c model::Catalog,
    card: &'c Card,
    violations: Vec<Violation>,
    lookups: Vec<Lookup>,
}

impl Reader<'_> {
    fn read_id(&mut self, map: &Map<String, Json>, path: &str) -> Option<Uuid> {
        self.id_at(map.get("id").filter(|id| !id.is_null()), path)
    }

    fn id_at(&mut self, json: Option<&Json>, path: &str) -> Option<Uuid> {
        let id = json?.as_str().and_then(|id| Uuid::try_parse(id).ok());
        if id.is_none() {
            self.violations.push(Violation::new(path, Code::Type).with("wanted", "An id"));
        }
        id
    }

    fn read_field(&mut self, table: &Table, key: &str, json: &Json, path: &str) -> Option<(Ident, Value)> {
        let Some(field) = table.fields.get(key) else {
            self.violations.push(unknown(self.card, table, key, path));
            return None;
        };
        if is_engines_own(field) {
            return None;
        }
        if let Some(lookup) = self.lookup(field, json, path) {
            self.lookups.push(lookup);
            return Some((field.key.clone(), Value::Empty));
        }
        match types::read_json(&field.kind, json) {
            Ok(value) => Some((field.key.clone(), value)),
            Err(violation) => {
                self.violations.push(violation.under(path));
                None
            }
        }
    }

    /// `{"code": "C-1"}` for a link: an object without an id, whose one key is a unique field of the target.
    fn lookup(&mut self, field: &Field, json: &Json, path: &str) -> Option<Lookup> {
        let FieldKind::Link(link) = &field.kind else { return None };
        let map = json.as_object().filter(|map| !link.multiple && map.len() == 1 && !map.contains_key("id"))?;
        let (key, json) = map.iter().next()?;
        let target = self.catalog.card(&link.target)?;
        let by = target.field(key).filter(|by| by.unique)?;
        let value = types::read_json(&by.kind, json).ok()?;
        Some(Lookup { path: path.to_owned(), target: link.target.clone(), by: by.key.clone(), value })
    }

    fn read_child(&mut self, table: &Table, json: &Json) -> Option<ChildDraft> {
        let key = table.child.as_ref().map_or("", Ident::as_str);
        match json {
            Json::Array(rows) => Some(ChildDraft::Whole(self.read_rows(table, rows, key))),
            Json::Null => Some(ChildDraft::Whole(Vec::new())),
            Json::Object(map) if map.keys().all(|key| matches!(key.as_str(), "add" | "change" | "remove")) => {
                let list = |name: &str| map.get(name).and_then(Json::as_array).cloned().unwrap_or_default();
                let add = self.read_rows(table, &list("add"), &format!("{key}/add"));
                let change = self.read_rows(table, &list("change"), &format!("{key}/change"));
                let mut remove = Vec::new();
                for (index, id) in list("remove").iter().enumerate() {
                    remove.extend(self.id_at(Some(id), &format!("{key}/remove/{index}")));
                }
                Some(ChildDraft::Parts { add, change, remove })
            }
            _ => {
                self.violations.push(Violation::new(key, Code::Type).with("wanted", "A list"));
                None
            }
        }
    }

    fn read_rows(&mut self, table: &Table, rows: &[Json], prefix: &str) -> Vec<RowDraft> {
        let read = rows.iter().enumerate().map(|(index, row)| self.read_row(table, row, format!("{prefix}/{index}")));
        read.collect()
    }

    fn read_row(&mut self, table: &Table, json: &Json, path: String) -> RowDraft {
        let mut row = RowDraft { path: path.clone(), ..RowDraft::default() };
        let Json::Object(map) = json else {
            self.violations.push(Violation::new(path, Code::Type).with("wanted", "A document"));
            return row;
        };
        row.id = self.read_id(map, &format!("{path}/id"));
        for (key, json) in map {
            if matches!(key.as_str(), "id" | "position") {
                continue;
            }
            if let Some((key, value)) = self.read_field(table, key, json, &format!("{path}/{key}")) {
                row.values.insert(key, value);
            }
        }
        row
    }
}

/// `owner` and `org_unit` are assigned; everything else of the engine's is never taken from a body.
fn is_engines_own(field: &Field) -> bool {
    field.system && !matches!(field.key.as_str(), "owner" | "org_unit")
}

fn unknown(card: &Card, table: &Table, key: &str, path: &str) -> Violation {
    let children = card.children.keys().filter(|_| table.child.is_none());
    let near = nearest(key, table.own_fields().map(|field| field.key.as_str()).chain(children.map(Ident::as_str)));
    let near = near.map(|near| format!(" ({near}?)")).unwrap_or_default();
    let shown: String = key.chars().filter(|c| !c.is_control()).take(60).collect();
    Violation::new(path, Code::UnknownField).with("field", shown).with("near", near)
}
