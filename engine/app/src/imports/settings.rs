//! How a file is read: which sheet, which column becomes which field, what is done with records there are already.

use access::{Actor, Readable};
use exchange::Line;
use indexmap::IndexMap;
use model::{ActionName, Card, Catalog, Field, FieldKind, Ident, Part, Table, nearest};
use serde::{Deserialize, Serialize};

use crate::AppError;

/// How a file is read, as clients say it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// The sheet of a workbook.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sheet: Option<String>,
    /// The encoding of a text file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encoding: Option<String>,
    /// What separates its values.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub separator: Option<String>,
    /// The row of the headings; the first that is not empty when not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header: Option<u32>,
    /// What is done with records there are already.
    pub mode: Mode,
    /// The field by which they are known: a unique one, or `id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Rows with mistakes are left out; else nothing is done at all.
    pub skip: bool,
    /// An empty cell empties the field of a record there is; else it says nothing.
    pub clear: bool,
    /// How dates such as 01/02/2026 are meant: `dmy` or `mdy`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dates: Option<String>,
    /// What stands before decimals where a number could be read either way: `.` or `,`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub point: Option<char>,
    /// Which column becomes which field; guessed from the headings when there are none.
    pub columns: Vec<Mapped>,
}

/// What is done with records there are already.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Every row is a new record.
    #[default]
    Create,
    /// Every row changes a record there is.
    Update,
    /// A row changes the record with its key, or makes one.
    Both,
}

/// A column that becomes a field.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mapped {
    /// Its heading, or its number from 1.
    pub column: ColumnName,
    /// The field: `name`, `address.city`, `lines.product`.
    pub field: String,
    /// For links: the field of the target whose value stands in the cells, or `title`; whichever fits when not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// For links: records that are not there are made.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub create: bool,
}

/// A heading, or a number from 1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ColumnName {
    /// From 1.
    Number(usize),
    /// As it stands in the file.
    Heading(String),
}

impl Default for ColumnName {
    fn default() -> Self {
        Self::Number(1)
    }
}

/// A column with the field it becomes, resolved.
#[derive(Debug, Clone)]
pub(super) struct Column {
    /// Its place in the file, from 0.
    pub index: usize,
    /// The child table.
    pub child: Option<Ident>,
    /// The field.
    pub field: Field,
    /// The part of an address or a place.
    pub part: Option<Part>,
    pub by: Option<String>,
    pub create: bool,
}

impl Column {
    /// Where violations of it stand, seen from the record or the row.
    pub(super) fn is_at(&self, child: Option<&str>, key: &str) -> bool {
        self.child.as_ref().map(Ident::as_str) == child && self.field.key == key
    }
}

/// Settings checked against the card and the headings.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    pub columns: Vec<Column>,
    /// Which of them is the key.
    pub key: Option<usize>,
    pub settings: Settings,
}

impl Plan {
    /// Whether records have rows of their own in the file.
    pub(super) fn has_children(&self) -> bool {
        self.columns.iter().any(|column| column.child.is_some())
    }
    /// The child tables that are filled.
    pub(super) fn children(&self) -> impl Iterator<Item = &Ident> {
        let mut seen: IndexMap<&Ident, ()> = IndexMap::new();
        self.columns.iter().filter_map(|column| column.child.as_ref()).for_each(|child| {
            seen.insert(child, ());
        });
        seen.into_keys()
    }
}

fn wrong(detail: String) -> AppError {
    AppError::malformed("bad_mapping", detail)
}

/// Where a name leads: child table, field, part.
pub(super) fn find<'c>(card: &'c Card, name: &str) -> Option<(Option<&'c Ident>, &'c Field, Option<Part>)> {
    let own = |table: &'c Table, name: &str| {
        let (key, part) = name.split_once('.').map_or((name, None), |(key, part)| (key, Some(part)));
        let field = table.fields.get(key)?;
        let parts: &[Part] = match field.kind {
            FieldKind::Address => &Part::ALL[..5],
            FieldKind::Geo => &Part::ALL[5..],
            _ => &[],
        };
        match part {
            None => Some((field, None)),
            Some(part) => Some((field, Some(*parts.iter().find(|known| known.name() == part)?))),
        }
    };
    if let Some((child, rest)) = name.split_once('.')
        && let Some((key, table)) = card.children.get_key_value(child) {
            return own(table, rest).map(|(field, part)| (Some(key), field, part));
        }
    own(&card.table, name).map(|(field, part)| (None, field, part))
}

/// Why a field cannot be filled from a file, if so.
pub(super) fn refusal(catalog: &Catalog, actor: &Actor, card: &std::sync::Arc<Card>, child: Option<&Ident>, field: &Field) -> Option<&'static str> {
    if field.key == "id" && child.is_none() || matches!(field.key.as_str(), "owner" | "org_unit") && field.system {
        return None;
    }
    if field.secret {
        return Some("is secret");
    }
    if !field.is_editable() {
        return Some("is not set by hand");
    }
    if matches!(field.kind, FieldKind::File(_)) {
        return Some("holds files");
    }
    let editable = [ActionName::Create, ActionName::Update].into_iter().filter_map(|action| access::gate(catalog, actor, card, action).ok()).any(|gate| gate.editable(child, &field.key) != Readable::Never);
    (!editable).then_some("is not yours to change")
}

/// The place of a column, by its heading or number.
fn place(name: &ColumnName, headings: &[String]) -> Option<usize> {
    match name {
        ColumnName::Number(number) => number.checked_sub(1).filter(|index| *index < exchange::limits::COLUMNS as usize),
        ColumnName::Heading(heading) => {
            let wanted = heading.trim();
            headings.iter().position(|known| known == wanted).or_else(|| headings.iter().position(|known| known.eq_ignore_ascii_case(wanted)))
        }
    }
}

/// Checks settings: every column and field is there, may be filled, and is named once.
pub(super) fn plan(catalog: &Catalog, actor: &Actor, card: &std::sync::Arc<Card>, settings: &Settings, headings: &[String]) -> Result<Plan, AppError> {
    let mut columns: Vec<Column> = Vec::new();
    for mapped in &settings.columns {
        let index = place(&mapped.column, headings).ok_or_else(|| match &mapped.column {
            ColumnName::Heading(heading) => {
                let near = nearest(heading, headings.iter().map(String::as_str)).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
                wrong(format!("the file has no column `{heading}`{near}"))
            }
            ColumnName::Number(number) => wrong(format!("columns are counted from 1 to {}; {number} is none", exchange::limits::COLUMNS)),
        })?;
        let (child, field, part) = find(card, &mapped.field).ok_or_else(|| {
            let near = nearest(&mapped.field, card.table.own_fields().map(|field| field.key.as_str())).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
            wrong(format!("`{}` has no field `{}`{near}", card.key, mapped.field))
        })?;
        // What records are known by need not be set by hand: it is only looked for.
        let is_key = child.is_none() && part.is_none() && settings.mode != Mode::Create && settings.key.as_deref() == Some(field.key.as_str()) && !field.secret;
        if let Some(why) = refusal(catalog, actor, card, child, field).filter(|_| !is_key) {
            return Err(wrong(format!("`{}` {why}, so no column becomes it", mapped.field)));
        }
        if let Some(by) = mapped.by.as_deref() {
            check_by(catalog, field, by)?;
        }
        if columns.iter().any(|known| known.child.as_ref() == child && known.field.key == field.key && (known.part == part || known.part.is_none() || part.is_none())) {
            return Err(wrong(format!("two columns become `{}`", mapped.field)));
        }
        columns.push(Column { index, child: child.cloned(), field: field.clone(), part, by: mapped.by.clone(), create: mapped.create });
    }
    if columns.is_empty() {
        return Err(wrong("no column becomes a field; map at least one".into()));
    }
    let key = key(card, settings, &columns)?;
    Ok(Plan { columns, key, settings: settings.clone() })
}

fn check_by(catalog: &Catalog, field: &Field, by: &str) -> Result<(), AppError> {
    let targets: Vec<&Ident> = match &field.kind {
        FieldKind::Link(link) => vec![&link.target],
        FieldKind::AnyLink { targets, .. } => targets.iter().collect(),
        _ => return Err(wrong(format!("`{}` is no link, so `by` says nothing", field.key))),
    };
    let fits = |target: &&&Ident| catalog.card(target.as_str()).and_then(|card| card.field(by)).is_some_and(|field| field.unique && !field.secret);
    if matches!(by, "id" | "title") || targets.iter().any(|target| fits(&target)) {
        return Ok(());
    }
    Err(wrong(format!("`{by}` is no unique field of what `{}` points to; name one, or `title`, or `id`", field.key)))
}

fn key(card: &Card, settings: &Settings, columns: &[Column]) -> Result<Option<usize>, AppError> {
    let Some(key) = settings.key.as_deref().filter(|key| !key.is_empty()) else {
        if settings.mode == Mode::Create {
            return Ok(None);
        }
        return Err(wrong("to change records, say by which field they are known: `key` is a unique field, or `id`".into()));
    };
    let unique = key == "id" || card.field(key).is_some_and(|field| field.unique && !field.secret && field.column().is_some());
    if !unique {
        return Err(wrong(format!("`{key}` is no unique field of `{}`, so records are not known by it", card.key)));
    }
    let found = columns.iter().position(|column| column.is_at(None, key) && column.part.is_none());
    if found.is_none() && settings.mode != Mode::Create {
        return Err(wrong(format!("no column becomes `{key}`, by which records are to be known")));
    }
    Ok(found)
}

/// The headings of a line.
pub(super) fn headings(line: Option<&Line>) -> Vec<String> {
    line.map(|line| line.cells.iter().map(|cell| cell.text().trim().to_owned()).collect()).unwrap_or_default()
}
