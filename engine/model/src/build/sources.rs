//! Where values come from: each computed, rolled-up and fetched field is tied to its source, and takes from it the
//! type, scale and options that its definition leaves out.
//!
//! **Invariants**
//! - A source may itself wait for its own source, so sources are followed until nothing changes any more.
//! - A field whose type follows from nothing is an error at that field; what only follows from it is not told.
//!
//! **Not here:** conditions of rollups (`fields`), circles of formulas (`script`).

use std::{collections::HashSet, sync::Arc};

use super::{Merged, Origin, defs_of, field_pointer, fields};
use crate::{
    Aggregate, Catalog, DecimalFlavour, Field, FieldKind, FieldType, Ident, Path, Rollup, Source, Storage, Table, TableRef, TextFlavour,
    def::{FetchMode, FieldDef},
    diagnostic::Diagnostic,
    path, resolve as names,
};

/// More rounds than chains of fetched fields are long; beyond that something goes round.
const MOST_ROUNDS: usize = 24;

/// A field: its table and key.
type Place = (TableRef, Ident);

/// Ties fields to their sources.
pub(super) fn resolve(merged: &[Merged], catalog: &mut Catalog, findings: &mut Vec<Diagnostic>) {
    let mut open: HashSet<Place> = fields_of(merged).filter(|(_, _, def)| def.kind.is_none()).map(|(part, (table, key), _)| (of(part, table), key.clone())).collect();
    let mut faults = Vec::new();
    for _ in 0..MOST_ROUNDS {
        faults.clear();
        let before = catalog.clone();
        let mut changed = false;
        for part in merged {
            changed |= tie(part, &before, catalog, &mut open, &mut faults, findings);
        }
        if !changed {
            break;
        }
    }
    let waits = |text: &str, own: &Place| text.split('.').any(|step| open.iter().any(|(table, key)| key == step && (table, key) != (&own.0, &own.1)));
    for (place, origin, pointer, message, text) in &faults {
        if !waits(text, place) {
            findings.push(origin.error(pointer, message.clone()));
        }
    }
    let told: HashSet<&Place> = faults.iter().map(|(place, ..)| place).collect();
    for (part, (child, key), def) in fields_of(merged) {
        let place = (of(part, child), key.clone());
        if open.contains(&place) && !told.contains(&place) && goes_round(catalog, &open, &place, def, merged) {
            let origin = part.origin_of(child, key);
            findings.push(origin.error("", "`type` is missing, and does not follow from the field's source").help("its source takes its own type from here, or has none: write `type` at one of them"));
        }
    }
}

/// Whether a field's type comes back to itself along its sources: others only follow from one that does.
fn goes_round(catalog: &Catalog, open: &HashSet<Place>, own: &Place, def: &FieldDef, merged: &[Merged]) -> bool {
    let mut at = (own.clone(), def);
    for _ in 0..open.len() {
        let next = source(catalog, &at.0.0, at.1).ok().and_then(|(_, end)| end?.place).filter(|place| open.contains(place));
        let Some(next) = next else { return false };
        if next == *own {
            return true;
        }
        let Some(def) = merged.iter().find(|part| part.def.key == next.0.card).and_then(|part| defs_of(&part.def, next.0.child.as_ref())?.get(&next.1)) else { return false };
        at = (next, def);
    }
    false
}

fn of(part: &Merged, child: Option<&Ident>) -> TableRef {
    TableRef { card: part.def.key.clone(), child: child.cloned() }
}

/// Every field as written, with its child table.
fn fields_of(merged: &[Merged]) -> impl Iterator<Item = (&Merged, (Option<&Ident>, &Ident), &FieldDef)> {
    merged.iter().flat_map(|part| {
        let own = part.def.fields.iter().map(|(key, def)| ((None, key), def));
        let rows = part.def.child_tables.iter().flat_map(|(child, table)| table.fields.iter().map(move |(key, def)| ((Some(child), key), def)));
        own.chain(rows).map(move |(place, def)| (part, place, def))
    })
}

/// What is wrong with a source: whose, where it was written, what is wrong, the path it was written as.
type Fault = (Place, Origin, &'static str, String, String);

/// One round over the fields of a card; whether anything is otherwise than before.
fn tie(part: &Merged, before: &Catalog, catalog: &mut Catalog, open: &mut HashSet<Place>, faults: &mut Vec<Fault>, findings: &mut Vec<Diagnostic>) -> bool {
    let Some(card) = catalog.cards.get_mut(part.def.key.as_str()) else { return false };
    let card = Arc::make_mut(card);
    let mut changed = false;
    let children: Vec<Option<Ident>> = std::iter::once(None).chain(card.children.keys().cloned().map(Some)).collect();
    for child in children {
        let Some(defs) = defs_of(&part.def, child.as_ref()) else { continue };
        let reference = of(part, child.as_ref());
        let table = match &child {
            None => &mut card.table,
            Some(child) => &mut card.children[child.as_str()],
        };
        for (key, def) in defs.iter().filter(|(_, def)| def.computed.is_some() || def.fetch.is_some() || def.rollup.is_some()) {
            if !table.fields.contains_key(key) {
                continue;
            }
            let place = (reference.clone(), key.clone());
            match source(before, &reference, def) {
                Ok((source, end)) => changed |= take(table, part, &place, def, source, end.as_ref(), open, findings),
                Err((pointer, message)) => faults.push((place, part.origin_of(child.as_ref(), key).clone(), pointer, message, written(def))),
            }
        }
    }
    changed
}

/// The path of a source as it was written.
fn written(def: &FieldDef) -> String {
    let fetched = def.fetch.as_ref().map(|fetch| fetch.path.clone());
    let rolled = def.rollup.as_ref().map(|rollup| [Some(rollup.from.as_str()), rollup.by.as_deref(), rollup.field.as_deref()].into_iter().flatten().collect::<Vec<_>>().join("."));
    fetched.or(rolled).unwrap_or_default()
}

/// What a source gives: the place of its field, and what that holds.
struct End {
    place: Option<Place>,
    kind: FieldKind,
}

type SourceFault = (&'static str, String);

fn source(catalog: &Catalog, table: &TableRef, def: &FieldDef) -> Result<(Source, Option<End>), SourceFault> {
    if let Some(fetch) = &def.fetch {
        let path = path::resolve(catalog, table, &fetch.path).map_err(|error| ("/fetch/path", error.message))?;
        let end = path.field(catalog).map(|field| End { place: Some((path.end.clone(), path.leaf.clone())), kind: names::kind_of(&path, field) });
        if path.is_many() {
            return Err(("/fetch/path", format!("`{}` leads to many records; use a rollup", fetch.path)));
        }
        let source = match fetch.mode {
            FetchMode::Live => Source::Live { path: fetch.path.clone() },
            FetchMode::Snapshot | FetchMode::Kept => {
                let more = fetch.more.iter().map(|path| path::resolve(catalog, table, path)).collect::<Result<Vec<Path>, _>>().map_err(|error| ("/fetch/path", error.message))?;
                let kept = fetch.mode == FetchMode::Kept;
                if kept {
                    check_kept(catalog, table, fetch.editable, &path)?;
                }
                Source::Snapshot { path, editable: fetch.editable, kept, more }
            }
        };
        return Ok((source, end));
    }
    if let Some(rollup) = &def.rollup {
        let rows = names::row_source(catalog, table, &rollup.from, rollup.by.as_deref()).map_err(|message| ("/rollup/from", message))?;
        if let crate::RowSource::Pointing { by, .. } = &rows
            && !matches!(by.hops.as_slice(), [] | [crate::Hop::Parent]) {
                return Err(("/rollup/from", format!("a rollup follows one link, and `{by}` are several; roll up on the card between, or take the link over with \"fetch\" and \"mode\": \"snapshot\"")));
            }
        if rollup.function == Aggregate::CountEmpty {
            return Err(("/rollup/function", "`count_empty` is for totals of lists; a rollup takes `count`, with `where`: {\"field\": …, \"op\": \"empty\"}".into()));
        }
        let field = match &rollup.field {
            Some(field) => Some(path::resolve(catalog, rows.table(), field).map_err(|error| ("/rollup/field", error.message))?),
            None if rollup.function == Aggregate::Count => None,
            None => return Err(("/rollup", format!("`{}` needs a `field`", rollup.function.name()))),
        };
        let whole = End { place: None, kind: FieldKind::Integer { min: None, max: None } };
        // Texts of many rows, whatever each of them is.
        let texts = FieldKind::Text(crate::TextKind { flavour: TextFlavour::LongText, min: 0, max: 100_000, pattern: None });
        let end = match &field {
            _ if rollup.function == Aggregate::Concat => Some(End { place: None, kind: texts }),
            _ if matches!(rollup.function, Aggregate::Count | Aggregate::CountDistinct) => Some(whole),
            Some(path) => path.field(catalog).map(|field| End { place: Some((path.end.clone(), path.leaf.clone())), kind: names::kind_of(path, field) }),
            None => Some(whole),
        };
        return Ok((Source::Rollup(Box::new(Rollup { rows, function: rollup.function, field, condition: None, written: None, separator: rollup.separator.clone().unwrap_or_else(|| ", ".into()) })), end));
    }
    let expr = def.computed.as_ref().map(|computed| computed.expr.clone()).unwrap_or_default();
    Ok((Source::Computed { expr, rounding: def.rounding.unwrap_or_default() }, None))
}

/// What follows its source is nobody's to change, and its first link is one that people set: what is taken through a link
/// that is itself calculated would be asked for before that is known.
fn check_kept(catalog: &Catalog, table: &TableRef, editable: bool, path: &Path) -> Result<(), SourceFault> {
    if editable {
        return Err(("/fetch/editable", "what is `kept` follows its source and cannot be changed; `snapshot` can".into()));
    }
    let first = match path.hops.first() {
        Some(crate::Hop::Link { field, .. } | crate::Hop::AnyLink { field, .. }) => catalog.table(table).and_then(|table| table.field(field)),
        _ => return Err(("/fetch/path", format!("`{path}` does not lead through a link"))),
    };
    match first {
        Some(link) if link.is_kept() || matches!(link.source, Source::Computed { .. } | Source::Rollup(_)) => Err(("/fetch/path", format!("`{}` is calculated itself: write the whole way from a link that is entered", link.key))),
        _ => Ok(()),
    }
}

/// Gives a field its source, and what it does not say of itself; whether that is news.
#[allow(clippy::too_many_arguments)] // One field: where it is, what was written, what was found.
fn take(table: &mut Table, part: &Merged, place: &Place, def: &FieldDef, source: Source, end: Option<&End>, open: &mut HashSet<Place>, findings: &mut Vec<Diagnostic>) -> bool {
    let known = end.filter(|end| end.place.as_ref().is_none_or(|place| !open.contains(place)));
    let storage = |table: &Table, id: &Ident, def: &FieldDef, kind: &FieldKind| fields::storage(table, id, def, kind);
    let Some(field) = table.fields.get(&place.1) else { return false };
    let mut new = Field { source, ..field.clone() };
    match known {
        Some(end) if def.kind.is_none() => {
            let said = said_by_source(def, &end.kind);
            let was_open = open.remove(place);
            let origin = part.origin_of(place.0.child.as_ref(), &place.1);
            // What is wrong with settings is told once, when the type comes to be known.
            let mut unsaid = Vec::new();
            new.kind = fields::kind(&said, origin, if was_open { findings } else { &mut unsaid });
            new.type_name = said.kind.unwrap_or_default();
            new.storage = storage(table, &new.id, &said, &new.kind);
            if let (Storage::Side { table }, true) = (&new.storage, was_open) {
                super::check_physical(table, part, &field_pointer(place.0.child.as_ref(), &place.1), findings);
            }
        }
        Some(end) => inherit(&mut new, def, &end.kind),
        None => {}
    }
    let changed = new.source != field.source || new.kind != field.kind || new.storage != field.storage;
    table.fields.insert(place.1.clone(), new);
    changed
}

fn inherit(field: &mut Field, def: &FieldDef, end: &FieldKind) {
    match (&mut field.kind, end) {
        (FieldKind::Decimal(own), FieldKind::Decimal(source)) if def.scale.is_none() => own.scale = source.scale,
        (FieldKind::Choice { options, .. }, FieldKind::Choice { options: source, .. }) if def.options.is_empty() => options.clone_from(source),
        _ => {}
    }
}

/// A definition with what its source says where it says nothing. Bounds stay the source's own: a sum has others.
fn said_by_source(def: &FieldDef, end: &FieldKind) -> FieldDef {
    let mut said = FieldDef { kind: Some(type_of(end, def.rollup.as_ref().map(|rollup| rollup.function))), ..def.clone() };
    match end {
        FieldKind::Decimal(decimal) => said.scale = said.scale.or(Some(decimal.scale)),
        FieldKind::Choice { options, .. } if said.options.is_empty() => said.options = options.to_vec(),
        FieldKind::Text(text) => said.max_length = said.max_length.or(Some(text.max)),
        FieldKind::Rating { max } if said.kind == Some(FieldType::Rating) => said.max = said.max.or(Some(crate::def::NumberText::Number((*max).into()))),
        FieldKind::Link(link) if said.kind != Some(FieldType::User) => said.target = said.target.or_else(|| Some(link.target.clone())),
        FieldKind::AnyLink { targets, .. } if said.targets.is_empty() => said.targets.clone_from(targets),
        _ => {}
    }
    said
}

/// The type of what a source gives, by the function that gathers it.
fn type_of(kind: &FieldKind, function: Option<Aggregate>) -> FieldType {
    let own = word(kind);
    match function {
        Some(Aggregate::Count | Aggregate::CountDistinct | Aggregate::CountEmpty) => FieldType::Integer,
        Some(Aggregate::Avg) if matches!(own, FieldType::Integer | FieldType::Rating) => FieldType::Decimal,
        Some(Aggregate::Sum) if own == FieldType::Rating => FieldType::Integer,
        Some(Aggregate::Avg | Aggregate::Sum | Aggregate::Min | Aggregate::Max | Aggregate::First | Aggregate::Last | Aggregate::Concat) | None => own,
    }
}

/// The word that definitions use for what a field holds.
fn word(kind: &FieldKind) -> FieldType {
    match kind {
        FieldKind::Text(text) => match text.flavour {
            TextFlavour::Text => FieldType::Text,
            TextFlavour::LongText => FieldType::LongText,
            TextFlavour::Email => FieldType::Email,
            TextFlavour::Phone => FieldType::Phone,
            TextFlavour::Url => FieldType::Url,
        },
        FieldKind::RichText => FieldType::RichText,
        FieldKind::Integer { .. } => FieldType::Integer,
        FieldKind::Decimal(decimal) => match decimal.flavour {
            DecimalFlavour::Decimal => FieldType::Decimal,
            DecimalFlavour::Money => FieldType::Money,
            DecimalFlavour::Percent => FieldType::Percent,
        },
        FieldKind::Rating { .. } => FieldType::Rating,
        FieldKind::Boolean => FieldType::Boolean,
        FieldKind::Date => FieldType::Date,
        FieldKind::Time => FieldType::Time,
        FieldKind::Datetime => FieldType::Datetime,
        FieldKind::Duration => FieldType::Duration,
        FieldKind::Choice { multiple: true, .. } => FieldType::Choices,
        FieldKind::Choice { .. } => FieldType::Choice,
        FieldKind::Link(link) if link.multiple => FieldType::Links,
        FieldKind::Link(link) if link.category => FieldType::Category,
        FieldKind::Link(link) if link.target == crate::USER_CARD => FieldType::User,
        FieldKind::Link(_) => FieldType::Link,
        FieldKind::AnyLink { .. } => FieldType::LinkAny,
        FieldKind::Address => FieldType::Address,
        FieldKind::Geo => FieldType::Geo,
        FieldKind::File(file) if file.multiple => FieldType::Files,
        FieldKind::File(file) if file.image => FieldType::Image,
        FieldKind::File(_) => FieldType::File,
        FieldKind::Formula { .. } => FieldType::Formula,
        FieldKind::Json { .. } => FieldType::Json,
        FieldKind::Colour => FieldType::Colour,
    }
}
