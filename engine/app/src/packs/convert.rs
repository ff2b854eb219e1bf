//! Values from one place to another, a part at a time, and what would not convert.

use std::collections::{BTreeMap, HashMap};

use model::{Catalog, Field, FieldKind, Storage, Table, Value, convert, places::{Places, at}, types};
use serde_json::{Value as Json, json};
use sql::{Datum, encode, publish};
use store::Tx;
use uuid::Uuid;

use crate::{AppError, Source, UnitError};

/// Most examples of values that do not convert.
const EXAMPLES: usize = 5;

/// Values of one field that have no meaning as its new type. They stay where they were.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Lost {
    /// `card.field`, `card.table.field`
    pub field: String,
    /// How many.
    pub count: u64,
    /// Some of them.
    pub examples: Vec<String>,
}

/// Lost values by field.
#[derive(Debug, Clone, Default)]
pub(super) struct Tally(BTreeMap<String, Lost>);

impl Tally {
    pub fn note(&mut self, field: &str, example: impl FnOnce() -> String) {
        let lost = self.0.entry(field.to_owned()).or_insert_with(|| Lost { field: field.to_owned(), ..Lost::default() });
        lost.count += 1;
        if lost.examples.len() < EXAMPLES {
            lost.examples.push(example());
        }
    }
    pub fn list(&self) -> Vec<Lost> {
        self.0.values().cloned().collect()
    }
    pub fn to_json(&self) -> Json {
        self.0.values().map(|lost| json!({"field": lost.field, "count": lost.count, "examples": lost.examples})).collect()
    }
    pub fn from_json(json: Option<&Json>) -> Self {
        Self(read_lost(json).into_iter().map(|lost| (lost.field.clone(), lost)).collect())
    }
}

pub(super) fn read_lost(json: Option<&Json>) -> Vec<Lost> {
    let one = |lost: &Json| {
        let examples = lost.get("examples")?.as_array()?.iter().filter_map(|text| text.as_str().map(str::to_owned)).collect();
        Some(Lost { field: lost.get("field")?.as_str()?.to_owned(), count: lost.get("count")?.as_u64()?, examples })
    };
    json.and_then(Json::as_array).into_iter().flatten().filter_map(one).collect()
}

/// A value as a person would recognise it.
pub(super) fn shown(kind: &FieldKind, value: &Value) -> String {
    let text = match types::to_json(kind, value) {
        Json::String(text) => text,
        other => other.to_string(),
    };
    text.chars().take(60).collect()
}

/// The fields of one table whose values go to new places.
#[derive(Debug, Clone)]
pub(super) struct Filling {
    /// The table's physical name.
    pub table: String,
    /// `card`, `card.table`
    pub name: String,
    /// Where values are, and where they go.
    pub pairs: Vec<(Field, Field)>,
}

/// A field as it lies in a place.
pub(super) fn field_in(catalog: &Catalog, field: &Field, shape: &str, name: &str) -> Result<Field, AppError> {
    let kind = convert::kind_of(catalog, shape).ok_or_else(|| AppError::Internal(format!("`{shape}` is no shape of values")))?;
    let several = match &kind {
        FieldKind::Choice { multiple, .. } => *multiple,
        FieldKind::Link(link) => link.multiple,
        FieldKind::File(file) => file.multiple,
        _ => false,
    };
    let storage = match &kind {
        _ if several => Storage::Side { table: name.to_owned() },
        FieldKind::AnyLink { .. } => Storage::CardAndColumn { id: name.to_owned(), card: format!("{name}__card") },
        _ => Storage::Column(name.to_owned()),
    };
    Ok(Field { kind, storage, ..field.clone() })
}

pub(super) fn name_of(table: &Table) -> String {
    table.child.as_ref().map_or_else(|| table.card.to_string(), |child| format!("{}.{child}", table.card))
}

/// What goes where, when `coming` comes to hold: for every field whose values mean something else there. With the new
/// places, each with its table and the field's id.
pub(super) fn fillings(places: &Places, coming: &Catalog) -> Result<Vec<Filling>, AppError> {
    let mut found: Vec<Filling> = Vec::new();
    for (table, field, place) in places.changed(coming) {
        let from = field_in(coming, field, &place.shape, &place.name)?;
        let name = match places.filling(&table.physical, &field.id) {
            Some(place) => place.name.clone(),
            None => places.next(&table.physical, field).1,
        };
        let to = Field { storage: at(&field.storage, &name), ..field.clone() };
        match found.iter_mut().find(|filling| filling.table == table.physical) {
            Some(filling) => filling.pairs.push((from, to)),
            None => found.push(Filling { table: table.physical.clone(), name: name_of(table), pairs: vec![(from, to)] }),
        }
    }
    Ok(found)
}

/// Some rows of a table with what fields hold, in order of ids.
pub(super) async fn read_part(source: &mut Source<'_>, table: &str, fields: &[&Field], after: Option<Uuid>, limit: u32, hold: bool) -> Result<Vec<(Uuid, Vec<Value>)>, UnitError> {
    let dialect = source.dialect();
    let mut rows = Vec::new();
    for row in source.fetch(&publish::rows(dialect, table, fields, after, limit, hold)).await? {
        let mut row = row.into_iter();
        let Some(Datum::Uuid(id)) = row.next() else { continue };
        rows.push((id, publish::values(fields, row.collect())));
    }
    let ids: Vec<Uuid> = rows.iter().map(|(id, _)| *id).collect();
    for (index, field) in fields.iter().enumerate() {
        if ids.is_empty() {
            break;
        }
        let Some(statement) = publish::side_rows(dialect, field, &ids) else { continue };
        let mut by_owner: HashMap<Uuid, Vec<Datum>> = HashMap::new();
        for row in source.fetch(&statement).await? {
            if let Ok([Datum::Uuid(owner), value]) = <[Datum; 2]>::try_from(row) {
                by_owner.entry(owner).or_default().push(value);
            }
        }
        for (id, values) in &mut rows {
            values[index] = encode::side_value(&field.kind, by_owner.remove(id).unwrap_or_default());
        }
    }
    Ok(rows)
}

/// Converts some rows; gives the last one's id, or nothing when there are no more, and how many there were.
pub(super) async fn fill_part(tx: &mut Tx, filling: &Filling, after: Option<Uuid>, limit: u32, tally: &mut Tally) -> Result<(Option<Uuid>, usize), UnitError> {
    let from: Vec<&Field> = filling.pairs.iter().map(|(from, _)| from).collect();
    let rows = read_part(&mut Source::Tx(tx), &filling.table, &from, after, limit, true).await?;
    let (last, count) = (rows.last().map(|(id, _)| *id), rows.len());
    let mut filled = Vec::with_capacity(count);
    for (id, values) in rows {
        let mut row = Vec::with_capacity(values.len());
        for ((from, to), value) in filling.pairs.iter().zip(values) {
            row.push(convert::convert(&from.kind, &to.kind, &value).unwrap_or_else(|_| {
                tally.note(&format!("{}.{}", filling.name, to.key), || shown(&from.kind, &value));
                Value::Empty
            }));
        }
        filled.push((id, row));
    }
    let to: Vec<&Field> = filling.pairs.iter().map(|(_, to)| to).collect();
    for statement in publish::fill(tx.dialect(), &filling.table, &to, &filled) {
        tx.execute(&statement).await?;
    }
    Ok((last.filter(|_| count == limit as usize), count))
}
