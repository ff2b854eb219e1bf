//! Formulas of definitions, tried before anything is saved with them: unknown names, kinds that do not fit, circles.
//!
//! **Not here:** calculating (`records::derive`), everything else about definitions (`model::build`).

use model::{Card, Catalog, Code, Diagnostic, Field, FieldKind, Ident, Record, RowSource, Source, Table, Violation, load::PackSource, path, record::value_of};
use script::{Formula, Kind, NameList, Names};
use serde_json::Value as Json;

/// Every computed field of every card, and every script.
pub fn check(catalog: &Catalog, packs: &[PackSource]) -> Vec<Diagnostic> {
    let mut findings = Vec::new();
    for card in catalog.cards.values().filter(|card| !card.builtin) {
        let mut nodes: Vec<(String, Vec<String>)> = Vec::new();
        for table in std::iter::once(&card.table).chain(card.children.values()) {
            for field in table.own_fields() {
                nodes.extend(needs(catalog, card, table, field, packs, &mut findings));
            }
        }
        if let Err(cycle) = script::order(&nodes) {
            let first = cycle.names.first().map_or("", String::as_str);
            let (child, key) = first.split_once('.').map_or((None, first), |(child, key)| (Some(child), key));
            let table = child.map_or(Some(&card.table), |child| card.children.get(child));
            if let Some((table, field)) = table.and_then(|table| Some((table, table.fields.get(key)?))) {
                findings.push(at(packs, card, table, field, "/computed/expr", cycle.to_string()));
            }
        }
    }
    for pack in packs {
        pack.locate(&mut findings);
    }
    findings.extend(crate::scripts::check(catalog));
    findings
}

/// What a calculated field is called among all of the card, and what it reads there.
fn needs(catalog: &Catalog, card: &Card, table: &Table, field: &Field, packs: &[PackSource], findings: &mut Vec<Diagnostic>) -> Option<(String, Vec<String>)> {
    let prefix = table.child.as_ref().map(|child| format!("{child}.")).unwrap_or_default();
    let reads: Vec<String> = match &field.source {
        Source::Computed { expr, .. } => match Formula::check(expr, &OfTable { catalog, card, table }) {
            Ok(formula) => formula.reads().iter().map(|name| from_row(card, table, &prefix, name)).collect(),
            Err(error) => {
                findings.push(at(packs, card, table, field, "/computed/expr", error.to_string()));
                return None;
            }
        },
        Source::Rollup(rollup) => match &rollup.rows {
            RowSource::Child { table: rows } => {
                let field = rollup.field.as_ref().map(|path| format!("{}.{path}", rows.child.as_ref().map_or("", Ident::as_str)));
                field.into_iter().collect()
            }
            RowSource::Pointing { .. } => return None,
        },
        Source::Entered | Source::Live { .. } | Source::Snapshot { .. } => return None,
    };
    Some((format!("{prefix}{}", field.key), reads))
}

/// A name as seen from the record: of a row its own fields stand below the table, and the card's key is the record.
fn from_row(card: &Card, table: &Table, prefix: &str, name: &str) -> String {
    match name.strip_prefix(card.key.as_str()).and_then(|rest| rest.strip_prefix('.')) {
        Some(rest) if table.child.is_some() => rest.to_owned(),
        _ => format!("{prefix}{name}"),
    }
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
struct OfTable<'a> {
    catalog: &'a Catalog,
    card: &'a Card,
    table: &'a Table,
}

impl Names for OfTable<'_> {
    fn kind(&self, name: &str) -> Option<Kind> {
        let rows = |name: &str| self.card.children.get(name).filter(|_| self.table.child.is_none());
        match name.split_once('.') {
            None if rows(name).is_some() => return Some(Kind::Rows),
            Some((table, key)) if rows(table).is_some() => return rows(table)?.fields.get(key).map(kind_of),
            _ => {}
        }
        let path = path::resolve(self.catalog, &self.table.reference(), name).ok()?;
        if path.is_many() {
            return None;
        }
        let field = path.field(self.catalog).filter(|field| !field.secret)?;
        Some(if path.part.is_some() { Kind::Text } else { kind_of(field) })
    }

    fn below(&self, name: &str) -> Vec<String> {
        let keys = |table: &Table| table.fields.values().filter(|field| !field.secret).map(|field| field.key.to_string()).collect::<Vec<_>>();
        if name.is_empty() {
            let around = if self.table.child.is_some() { vec![self.card.key.to_string()] } else { self.card.children.keys().map(Ident::to_string).collect() };
            return keys(self.table).into_iter().chain(around).collect();
        }
        if let Some(rows) = self.card.children.get(name).filter(|_| self.table.child.is_none()) {
            return keys(rows);
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
