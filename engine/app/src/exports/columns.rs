//! Which columns an export has, and the rows that a record becomes.

use std::collections::HashMap;

use access::Actor;
use exchange::{Cell, book::{Column, Shape, Total}};
use form::Locale;
use indexmap::IndexMap;
use model::{Aggregate, Card, Catalog, DecimalFlavour, FieldKind, Hop, Ident, Part, Path, Storage, TableRef, path};
use query::ListRequest;

use super::{Asked, cells, groups::Grouping};
use crate::{AppError, Snapshot, lists::{Item, Page}};

/// The columns of an export.
pub(super) struct Columns {
    own: Vec<Path>,
    children: IndexMap<Ident, Vec<Path>>,
    totals: Vec<(String, Aggregate)>,
}

/// The parts of an address that columns are made of.
const PARTS: [Part; 5] = [Part::Country, Part::Region, Part::City, Part::Street, Part::Postcode];

/// Puts the question together: named columns, or everything; groups go before the order.
pub(super) fn of(catalog: &Catalog, card: &Card, asked: &Asked, may: &mut dyn FnMut(Option<&Ident>, &Ident) -> bool) -> Result<(ListRequest, Columns, Grouping), AppError> {
    let table = card.table.reference();
    let mut columns = Columns { own: Vec::new(), children: IndexMap::new(), totals: asked.list.totals.iter().map(|total| (total.field.clone(), total.function)).collect() };
    let names: Vec<String> = match &asked.list.fields {
        Some(names) => names.clone(),
        None => everything(card),
    };
    for name in &names {
        if let Some((key, child)) = card.children.get_key_value(name.as_str()) {
            let fields = child.own_fields().filter(|field| !field.secret && !matches!(field.storage, Storage::Nowhere));
            let paths = fields.filter(|field| may(Some(key), &field.key)).flat_map(|field| expanded(catalog, &child.reference(), &field.key, &field.kind)).collect();
            columns.children.insert(key.clone(), paths);
            continue;
        }
        let path = path::resolve(catalog, &table, name).map_err(|error| AppError::malformed("unknown_field", error.message))?;
        let first = first_field(&path).clone();
        let seen = path.leaf == "id" && path.hops.is_empty() || may(None, &first);
        if seen && !columns.own.contains(&path) {
            columns.own.push(path);
        }
    }
    let grouping = Grouping::of(catalog, &table, &asked.list)?;
    let mut request = ListRequest { expand: Vec::new(), limit: None, cursor: None, group_by: Vec::new(), totals: Vec::new(), ..asked.list.clone() };
    let mut fields: Vec<String> = columns.own.iter().map(ToString::to_string).collect();
    fields.extend(grouping.names().filter(|name| !names.contains(name)));
    fields.extend(columns.children.keys().map(Ident::to_string));
    if fields.is_empty() {
        return Err(AppError::forbidden("nothing of these records may be exported"));
    }
    request.fields = Some(fields);
    request.sort = grouping.order(request.sort);
    Ok((request, columns, grouping))
}

/// The field of the record itself that a path begins with.
fn first_field(path: &Path) -> &Ident {
    match path.hops.first() {
        Some(Hop::Link { field, .. } | Hop::Links { field, .. } | Hop::AnyLink { field, .. }) => field,
        Some(Hop::Child { .. } | Hop::Parent) | None => &path.leaf,
    }
}

/// The id, what people fill in, the owner, and child tables.
fn everything(card: &Card) -> Vec<String> {
    let mut names = vec!["id".to_owned()];
    for field in card.table.own_fields().filter(|field| !field.secret && field.live_source().is_none()) {
        match field.kind {
            FieldKind::Address => names.extend(PARTS.map(|part| format!("{}.{}", field.key, part.name()))),
            _ => names.push(field.key.to_string()),
        }
    }
    names.extend(card.table.fields.get("owner").map(|field| field.key.to_string()));
    names.extend(card.children.keys().map(Ident::to_string));
    names
}

fn expanded(catalog: &Catalog, table: &TableRef, key: &Ident, kind: &FieldKind) -> Vec<Path> {
    let parts: Vec<String> = match kind {
        FieldKind::Address => PARTS.iter().map(|part| format!("{key}.{}", part.name())).collect(),
        _ => vec![key.to_string()],
    };
    parts.iter().filter_map(|name| path::resolve(catalog, table, name).ok()).collect()
}

/// A column's heading: what leads to it, and the field's name.
pub(crate) fn label(catalog: &Catalog, path: &Path, lang: &str) -> String {
    let mut words: Vec<String> = Vec::new();
    let mut table = path.start.clone();
    if let Some(child) = catalog.table(&table).filter(|table| table.child.is_some()) {
        words.push(child.labels.or_key(lang, child.child.as_ref().map_or("", Ident::as_str)));
    }
    for hop in &path.hops {
        match hop {
            Hop::Link { field, target } | Hop::Links { field, target } | Hop::AnyLink { field, target } => {
                words.extend(catalog.table(&table).and_then(|table| table.field(field)).map(|field| field.labels.or_key(lang, field.key.as_str())));
                table = TableRef::card(target);
            }
            Hop::Child { table: child } => table.child = Some(child.clone()),
            Hop::Parent => table.child = None,
        }
    }
    words.extend(path.field(catalog).map(|field| field.labels.or_key(lang, field.key.as_str())));
    words.extend(path.part.map(|part| form::format::part_label(part, lang).to_owned()));
    words.join(" · ")
}

fn shape(kind: &FieldKind, locale: &Locale) -> Shape {
    match kind {
        FieldKind::Integer { .. } | FieldKind::Rating { .. } => Shape::Whole,
        FieldKind::Decimal(settings) => match settings.flavour {
            DecimalFlavour::Decimal => Shape::Number { scale: settings.scale },
            DecimalFlavour::Money => Shape::Money { scale: settings.scale, sign: locale.currency.clone() },
            DecimalFlavour::Percent => Shape::Percent { scale: settings.scale },
        },
        FieldKind::Boolean => Shape::Flag,
        FieldKind::Date => Shape::Day,
        FieldKind::Datetime => Shape::Moment,
        FieldKind::Time => Shape::Time,
        FieldKind::Duration => Shape::Span,
        FieldKind::Text(_) | FieldKind::RichText | FieldKind::Choice { .. } | FieldKind::Link(_) | FieldKind::AnyLink { .. } | FieldKind::Address | FieldKind::Geo | FieldKind::File(_) | FieldKind::Formula { .. } | FieldKind::Json { .. } | FieldKind::Colour => Shape::Text,
    }
}

fn width(shape: &Shape) -> f64 {
    match shape {
        Shape::Text => 24.0,
        Shape::Flag => 8.0,
        Shape::Moment => 19.0,
        Shape::Whole | Shape::Percent { .. } | Shape::Day | Shape::Time | Shape::Span => 12.0,
        Shape::Number { .. } | Shape::Money { .. } => 15.0,
    }
}

impl Columns {
    /// The columns as files have them.
    pub(super) fn written(&self, snapshot: &Snapshot, asked: &Asked, locale: &Locale) -> Vec<Column> {
        let catalog = &snapshot.catalog;
        let one = |path: &Path, name: &str| {
            let kind = path.field(catalog).map(|field| model::resolve::kind_of(path, field));
            let shape = if path.leaf == "id" { Shape::Text } else { kind.as_ref().map_or(Shape::Text, |kind| shape(kind, locale)) };
            let pixels = asked.widths.iter().find(|(known, _)| known == name).map(|(_, width)| f64::from(*width) / 7.0);
            Column { label: label(catalog, path, &locale.lang), width: pixels.unwrap_or_else(|| width(&shape)).clamp(4.0, 120.0), total: self.total(name), shape }
        };
        let own = self.own.iter().map(|path| one(path, &path.to_string()));
        let children = self.children.iter().flat_map(|(key, paths)| paths.iter().map(move |path| (key, path)));
        own.chain(children.map(|(key, path)| one(path, &format!("{key}.{path}")))).collect()
    }

    fn total(&self, name: &str) -> Option<Total> {
        let (_, function) = self.totals.iter().find(|(known, _)| known == name)?;
        match function {
            Aggregate::Sum => Some(Total::Sum),
            Aggregate::Avg => Some(Total::Average),
            Aggregate::Min => Some(Total::Min),
            Aggregate::Max => Some(Total::Max),
            Aggregate::Count => Some(Total::Count),
            // Excel has no such subtotal.
            Aggregate::CountDistinct | Aggregate::CountEmpty | Aggregate::First | Aggregate::Last | Aggregate::Concat => None,
        }
    }

    /// Where the columns stand in a page.
    pub(super) fn places<'c>(&'c self, page: &Page) -> Places<'c> {
        let find = |columns: &[query::Selected], path: &Path| columns.iter().position(|column| column.path == *path || column.name == path.to_string());
        let own = self.own.iter().map(|path| (path, find(&page.columns, path))).collect();
        let children = self.children.iter().map(|(key, paths)| {
            let columns = page.child_columns.get(key).map_or(&[][..], Vec::as_slice);
            (key, paths.iter().map(|path| (path, find(columns, &Path { part: None, ..path.clone() }))).collect())
        });
        Places { own, children: children.collect() }
    }
}

type Place<'c> = (&'c Path, Option<usize>);

/// The columns with their places in a page.
pub(super) struct Places<'c> {
    own: Vec<Place<'c>>,
    children: HashMap<&'c Ident, Vec<Place<'c>>>,
}

impl Places<'_> {
    /// A record's rows: one, or as many as its longest child table has. Its own values stand in the first.
    pub(super) fn rows(&self, snapshot: &Snapshot, page: &Page, item: &Item, locale: &Locale) -> Vec<Vec<Cell>> {
        let cell = |(path, place): &Place<'_>, item: &Item| place.and_then(|place| item.values.get(place)).map_or(Cell::Empty, |value| cells::cell(snapshot, path, value, page, locale));
        let own: Vec<Cell> = self.own.iter().map(|place| cell(place, item)).collect();
        if self.children.is_empty() {
            return vec![own];
        }
        let tables: Vec<(&Vec<Place<'_>>, &[Item])> = page.child_columns.keys().filter_map(|key| Some((self.children.get(key)?, item.children.get(key).map_or(&[][..], Vec::as_slice)))).collect();
        let count = tables.iter().map(|(_, rows)| rows.len()).max().unwrap_or(0).max(1);
        let line = |index: usize| {
            let mut line: Vec<Cell> = if index == 0 { own.clone() } else { vec![Cell::Empty; own.len()] };
            for (places, rows) in &tables {
                match rows.get(index) {
                    Some(row) => line.extend(places.iter().map(|place| cell(place, row))),
                    None => line.extend(std::iter::repeat_n(Cell::Empty, places.len())),
                }
            }
            line
        };
        (0..count).map(line).collect()
    }
}

/// Whose habits and words a file follows when nobody is there to read it: the actor's.
pub fn locale_of(actor: &Actor) -> Locale {
    let habit = |name: &str| actor.preferences.get(name).map(String::as_str);
    Locale::of(&actor.lang, actor.zone).with_habits(habit("date"), habit("number"))
}
