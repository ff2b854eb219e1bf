//! Formulas of definitions, tried before anything is saved with them: unknown names, kinds that do not fit, circles.
//!
//! **Not here:** calculating (`records::derive`), everything else about definitions (`model::build`).

use std::collections::HashMap;

use model::{Card, Catalog, Code, Diagnostic, Field, FieldKind, Ident, Record, Source, Table, TableRef, Violation, load::PackSource, path, record::value_of, rows};
use script::{Formula, Kind, NameList, Names};
use serde_json::Value as Json;

use crate::derived::{Circle, Graph};

/// What a formula calls the day it is where the site is, unless a field is called so.
pub(crate) const TODAY: &str = "today";

/// Every computed field of every card, and every script.
pub fn check(catalog: &Catalog, packs: &[PackSource]) -> Vec<Diagnostic> {
    let mut findings = Vec::new();
    let mut reads: HashMap<(TableRef, Ident), Vec<String>> = HashMap::new();
    for card in catalog.cards.values().filter(|card| !card.builtin) {
        for table in std::iter::once(&card.table).chain(card.children.values()) {
            for field in table.own_fields() {
                let Source::Computed { expr, .. } = &field.source else { continue };
                match Formula::check(expr, &OfTable { catalog, card, table }) {
                    Ok(formula) => {
                        reads.insert((table.reference(), field.key.clone()), formula.reads());
                    }
                    Err(error) => findings.push(at(packs, card, table, field, "/computed/expr", error.to_string())),
                }
            }
        }
    }
    let graph = Graph::new(catalog, &|table, field| reads.get(&(table.reference(), field.clone())).cloned().unwrap_or_default());
    findings.extend(graph.circle().and_then(|circle| told(catalog, packs, &circle)));
    for pack in packs {
        pack.locate(&mut findings);
    }
    findings.extend(crate::scripts::check(catalog));
    findings
}

/// A circle, at the first of its fields.
fn told(catalog: &Catalog, packs: &[PackSource], circle: &Circle) -> Option<Diagnostic> {
    let (first, key) = circle.0.first()?;
    let card = catalog.card(&first.card)?;
    let table = card.table_of(first.child.as_ref())?;
    let field = table.field(key)?;
    let pointer = if matches!(field.source, Source::Rollup(_)) { "/rollup" } else { "/computed/expr" };
    let is_one_card = circle.0.iter().all(|(table, _)| table.card == first.card);
    let name = |(table, key): &(TableRef, Ident)| match (&table.child, is_one_card) {
        (None, true) => key.to_string(),
        (Some(child), true) => format!("{child}.{key}"),
        (_, false) => format!("{table}.{key}"),
    };
    let names: Vec<String> = circle.0.iter().map(name).collect();
    Some(at(packs, card, table, field, pointer, format!("the computed fields need one another in a circle: {}", names.join(" → "))))
}

/// A finding at the place where a field was written, be it on the card, in an extension or in a mixin.
fn at(packs: &[PackSource], card: &Card, table: &Table, field: &Field, pointer: &str, message: String) -> Diagnostic {
    let fields = table.child.as_ref().map_or_else(|| format!("/fields/{}", field.key), |child| format!("/child_tables/{child}/fields/{}", field.key));
    let has = |child: Option<&Ident>, own: &model::FieldDefs, children: Option<&indexmap::IndexMap<Ident, model::ChildTableDef>>| match child {
        None => own.contains_key(&field.key),
        Some(child) => children.and_then(|tables| tables.get(child)).is_some_and(|table| table.fields.contains_key(&field.key)),
    };
    let child = table.child.as_ref();
    let found = packs.iter().filter(|pack| pack.id() == field.pack.as_str()).find_map(|pack| {
        let cards = pack.cards.iter().filter(|(_, def)| def.key == card.key && has(child, &def.fields, Some(&def.child_tables))).map(|(file, _)| file);
        let extensions = pack.extensions.iter().filter(|(_, def)| def.extends == card.key && has(child, &def.fields, Some(&def.child_tables))).map(|(file, _)| file);
        let mixins = pack.mixins.iter().filter(|(_, def)| has(child, &def.fields, None)).map(|(file, _)| file);
        cards.chain(extensions).chain(mixins).next().cloned()
    });
    Diagnostic::error(field.pack.as_str(), &found.unwrap_or_else(|| format!("cards/{}.json", card.key)), format!("{fields}{pointer}"), message)
}

/// The names that formulas of a table may use.
pub(crate) struct OfTable<'a> {
    pub catalog: &'a Catalog,
    pub card: &'a Card,
    pub table: &'a Table,
}

impl OfTable<'_> {
    /// The table of the rows that a name stands for.
    fn rows(&self, name: &str) -> Option<&Table> {
        self.catalog.table(&rows::resolve(self.catalog, &self.table.reference(), name)?.end)
    }

    /// What a name stands for that is no value: rows, a field of them, or the first half of `receipt.order`.
    fn kind_of_rows(&self, name: &str) -> Option<Kind> {
        if self.rows(name).is_some() {
            return Some(Kind::Rows);
        }
        if rows::pointing_links(self.catalog, &self.table.reference(), name).is_some() {
            return Some(Kind::Parts);
        }
        let (rows, key) = name.rsplit_once('.')?;
        self.rows(rows)?.fields.get(key).filter(|field| !field.secret).map(kind_of)
    }
}

impl Names for OfTable<'_> {
    fn kind(&self, name: &str) -> Option<Kind> {
        let rows = |name: &str| self.card.children.get(name).filter(|_| self.table.child.is_none());
        match name.split_once('.') {
            None if rows(name).is_some() => return Some(Kind::Rows),
            Some((table, key)) if rows(table).is_some() => return rows(table)?.fields.get(key).map(kind_of),
            _ => {}
        }
        let Some(path) = path::resolve(self.catalog, &self.table.reference(), name).ok().filter(|path| !path.is_many()) else { return self.kind_of_rows(name).or((name == TODAY).then_some(Kind::Date)) };
        let field = path.field(self.catalog).filter(|field| !field.secret)?;
        Some(if path.part.is_some() { Kind::Text } else { kind_of(field) })
    }

    fn below(&self, name: &str) -> Vec<String> {
        let keys = |table: &Table| table.fields.values().filter(|field| !field.secret).map(|field| field.key.to_string()).collect::<Vec<_>>();
        if name.is_empty() {
            let around = if self.table.child.is_some() { vec![self.card.key.to_string()] } else { self.card.children.keys().map(Ident::to_string).collect() };
            return keys(self.table).into_iter().chain(around).chain([TODAY.to_owned()]).collect();
        }
        if let Some(rows) = self.card.children.get(name).filter(|_| self.table.child.is_none()) {
            return keys(rows);
        }
        if let Some(rows) = self.rows(name) {
            return keys(rows);
        }
        if let Some(links) = rows::pointing_links(self.catalog, &self.table.reference(), name) {
            return links.iter().map(Ident::to_string).collect();
        }
        let end = path::resolve(self.catalog, &self.table.reference(), name).ok();
        let target = end.and_then(|path| match path.field(self.catalog).map(|field| &field.kind) {
            Some(FieldKind::Link(link)) => self.catalog.card(&link.target),
            _ if path.leaf == "id" => self.catalog.card(&path.end.card),
            _ => None,
        });
        target.map(|card| keys(&card.table)).unwrap_or_default()
    }
}

fn kind_of(field: &Field) -> Kind {
    match &field.kind {
        FieldKind::Integer { .. } | FieldKind::Decimal(_) | FieldKind::Rating { .. } | FieldKind::Duration => Kind::Number,
        FieldKind::Text(_) | FieldKind::Formula { .. } | FieldKind::Colour | FieldKind::Time | FieldKind::Choice { multiple: false, .. } => Kind::Text,
        FieldKind::Boolean => Kind::Flag,
        FieldKind::Date => Kind::Date,
        FieldKind::Datetime => Kind::Instant,
        FieldKind::Choice { multiple: true, .. } => Kind::Several,
        FieldKind::Link(link) if link.multiple => Kind::Several,
        FieldKind::Link(_) => Kind::Link,
        FieldKind::Address | FieldKind::Geo => Kind::Parts,
        FieldKind::AnyLink { .. } | FieldKind::File(_) | FieldKind::RichText | FieldKind::Json { .. } => Kind::Any,
    }
}

/// Formulas that people typed into fields of a record, against the names their fields offer.
pub(crate) fn check_typed(card: &Card, record: &Record, stored: Option<&Record>) -> Vec<Violation> {
    let mut found = Vec::new();
    let mut look = |table: &Table, values: &model::Values, before: Option<&model::Values>, prefix: &str| {
        for field in table.own_fields() {
            let FieldKind::Formula { context } = &field.kind else { continue };
            let value = value_of(values, field.key.as_str());
            let Some(text) = value.as_text().filter(|_| before.is_none_or(|before| value_of(before, field.key.as_str()) != value)) else { continue };
            if let Err(error) = Formula::check(text, &offered(context.as_ref())) {
                found.push(Violation::new(format!("{prefix}{}", field.key), Code::Formula).with("detail", error.to_string()));
            }
        }
    };
    look(&card.table, &record.values, stored.map(|stored| &stored.values), "");
    for (key, table) in &card.children {
        for (index, row) in record.rows(key.as_str()).iter().enumerate() {
            let before = stored.and_then(|stored| stored.rows(key.as_str()).iter().find(|known| known.id == row.id)).map(|row| &row.values);
            look(table, &row.values, before, &format!("{key}/{index}/"));
        }
    }
    found
}

/// `["salary", "visits"]`, or with what they are: `{"salary": "money"}`.
fn offered(context: Option<&Json>) -> NameList {
    let kind = |word: &str| match word {
        "integer" | "decimal" | "money" | "percent" | "rating" | "duration" => Kind::Number,
        "text" | "long_text" | "choice" | "time" | "email" | "phone" | "url" => Kind::Text,
        "boolean" => Kind::Flag,
        "date" => Kind::Date,
        "datetime" => Kind::Instant,
        _ => Kind::Any,
    };
    match context {
        Some(Json::Array(names)) => names.iter().filter_map(Json::as_str).map(|name| (name, Kind::Any)).collect(),
        Some(Json::Object(names)) => names.iter().map(|(name, of)| (name.as_str(), of.as_str().map_or(Kind::Any, kind))).collect(),
        _ => NameList::default(),
    }
}
