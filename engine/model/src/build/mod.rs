//! From the definitions of all packs to one catalog: mixins, extensions, the engine's own fields, then everything
//! that names something else is resolved and checked, all findings at once.
//!
//! **Not here:** reading JSON (`load`), storing anything (`store`).

mod bookings;
pub mod dated;
mod engine_fields;
mod fields;
mod grants;
mod layout;
pub mod local;
pub use grants::ALL_ACTIONS;
pub use layout::default_columns;
pub use local::LOCAL_GROUPS;
pub use pool::filter as pool_filter;
mod merge;
mod order;
mod pool;
mod rights;
mod scripts;
mod sources;
#[cfg(test)]
mod tests;
mod workflow;

use std::{collections::HashMap, sync::Arc};

use indexmap::IndexMap;

use crate::{
    Card, Catalog, Ident, PackInfo, Scopes, Table, check_filter,
    def::{CardDef, FieldDef, Labels},
    diagnostic::Diagnostic,
    load::PackSource,
};

pub use engine_fields::ENGINE_FIELDS;
use merge::Merged;

/// Where a part of a card was written: pack, file, and the pointer to its table of fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Origin {
    pub pack: Ident,
    pub file: String,
    pub pointer: String,
}

impl Origin {
    pub(crate) fn error(&self, pointer: &str, message: impl Into<String>) -> Diagnostic {
        Diagnostic::error(self.pack.as_str(), &self.file, format!("{}{pointer}", self.pointer), message)
    }
}

/// Builds the catalog of `packs`. Gives it only if nothing is an error; findings may be warnings alone.
pub fn build(packs: &[PackSource], version: u64) -> (Option<Catalog>, Vec<Diagnostic>) {
    let mut findings = Vec::new();
    let packs = order::sort(packs, &mut findings);
    let merged = merge::merge(&packs, &mut findings);
    let mut catalog = Catalog { version, ..Catalog::default() };
    for pack in &packs {
        if let Some(manifest) = &pack.manifest {
            catalog.packs.insert(manifest.id.clone(), PackInfo { version: manifest.version.clone(), labels: manifest.labels.clone() });
        }
    }
    rights::read_roles_and_org(&packs, &merged, &mut catalog, &mut findings);
    skeleton(&merged, &mut catalog, &mut findings);
    sources::resolve(&merged, &mut catalog, &mut findings);
    finish(&merged, &packs, &mut catalog, &mut findings);
    // What only follows from a file that could not be read is said already, by what is wrong with that file.
    let unreadable = packs.iter().any(|pack| !pack.unreadable.is_empty());
    findings.retain(|finding| !packs.iter().any(|pack| pack.follows(finding)));
    for pack in &packs {
        pack.locate(&mut findings);
    }
    findings.sort_by(|left, right| (&left.pack, &left.file, left.place).cmp(&(&right.pack, &right.file, right.place)));
    let refused = unreadable || crate::load::has_errors(&findings);
    ((!refused).then_some(catalog), findings)
}

/// First pass: every card with its tables and fields, nothing resolved that names another.
fn skeleton(merged: &[Merged], catalog: &mut Catalog, findings: &mut Vec<Diagnostic>) {
    catalog.cards.insert(engine_fields::user_key(), Arc::new(engine_fields::user_card()));
    for card in merged {
        let org = catalog.org.as_ref().map(|org| org.card.clone());
        let built = skeleton_card(card, org.as_ref(), findings);
        catalog.cards.insert(card.def.key.clone(), Arc::new(built));
    }
}

fn skeleton_card(merged: &Merged, org: Option<&Ident>, findings: &mut Vec<Diagnostic>) -> Card {
    let def = &merged.def;
    let id = def.id.clone().unwrap_or_else(|| def.key.clone());
    let mut table = Table {
        card: def.key.clone(),
        child: None,
        physical: format!("c_{id}"),
        id: id.clone(),
        labels: def.labels.clone(),
        fields: engine_fields::of_card(&merged.origin.pack, org),
        becoming: Vec::new(),
        unique: Vec::new(),
        rows: (0, None),
    };
    fields::add(&mut table, &def.fields, merged, None, findings);
    fields::add_workflows(&mut table, def, merged, findings);
    if let Some(from) = def.entered_from.as_ref().and_then(|key| table.fields.get_mut(key)) {
        (from.required, from.fixed) = (true, true);
    }
    let mut children = IndexMap::new();
    for (key, child) in &def.child_tables {
        let child_id = child.id.clone().unwrap_or_else(|| key.clone());
        let mut rows = Table {
            card: def.key.clone(),
            child: Some(key.clone()),
            physical: format!("c_{id}__{child_id}"),
            id: child_id,
            labels: child.labels.clone(),
            fields: engine_fields::of_child(&merged.origin.pack),
            becoming: Vec::new(),
            unique: child.unique.clone(),
            rows: (child.min_rows.unwrap_or(0), child.max_rows),
        };
        check_physical(&rows.physical, merged, &format!("/child_tables/{key}"), findings);
        if def.fields.contains_key(key.as_str()) {
            findings.push(merged.error(&format!("/child_tables/{key}"), format!("`{key}` is the key of a field too")).help("fields and child tables share their names"));
        }
        fields::add(&mut rows, &child.fields, merged, Some(key), findings);
        children.insert(key.clone(), rows);
    }
    check_physical(&table.physical, merged, "/key", findings);
    Card {
        key: def.key.clone(),
        pack: merged.origin.pack.clone(),
        plurals: if def.plurals.is_empty() { def.labels.clone() } else { def.plurals.clone() },
        labels: if def.labels.is_empty() { Labels::english(&crate::def::humanize(def.key.as_str())) } else { def.labels.clone() },
        help: def.help.clone(),
        icon: def.icon.clone().unwrap_or_else(|| "file-text".to_owned()),
        title: crate::Title::default(),
        unique: unique_sets(def),
        indexes: def.indexes.clone(),
        numbering: def.numbering.clone(),
        tree: def.tree.as_ref().map(|tree| tree.parent.clone()),
        rules: Vec::new(),
        tabs: Vec::new(),
        search: Vec::new(),
        duplicates: def.duplicates.clone(),
        entered_from: def.entered_from.clone(),
        rights_of: def.fields.iter().filter_map(|(key, field)| Some((key.clone(), field.rights_of.clone()?))).collect(),
        no_overlap: None,
        pool: None,
        as_of: def.as_of,
        conversions: def.conversions.clone(),
        workflows: fields::workflows(def),
        hooks: Vec::new(),
        schedules: Vec::new(),
        actions: Vec::new(),
        guards: IndexMap::new(),
        views: Vec::new(),
        grants: Vec::new(),
        bounds: Vec::new(),
        set_aside: Vec::new(),
        builtin: false,
        id,
        table,
        children,
    }
}

/// PostgreSQL cuts longer names off, silently.
fn check_physical(name: &str, merged: &Merged, pointer: &str, findings: &mut Vec<Diagnostic>) {
    if name.len() > 63 {
        findings.push(merged.error(pointer, format!("the table's name `{name}` is longer than 63 bytes")).help("shorten the key, or set a shorter `id` before the first install"));
    }
}

fn unique_sets(def: &CardDef) -> Vec<Vec<Ident>> {
    let single = def.fields.iter().filter(|(_, field)| field.unique).map(|(key, _)| vec![key.clone()]);
    single.chain(def.unique.iter().cloned()).collect()
}

/// Second pass: whatever names something else.
fn finish(merged: &[Merged], packs: &[&PackSource], catalog: &mut Catalog, findings: &mut Vec<Diagnostic>) {
    scripts::collect(packs, catalog);
    // Conditions may compare with what users are bound to.
    rights::bind_actor(packs, catalog, findings);
    let known = catalog.clone();
    for part in merged {
        let Some(card) = catalog.cards.get_mut(part.def.key.as_str()) else { continue };
        let card = Arc::make_mut(card);
        fields::resolve(card, part, &known, findings);
    }
    // Layouts and rights see fields with their sources resolved.
    let known = catalog.clone();
    for part in merged {
        let Some(card) = catalog.cards.get_mut(part.def.key.as_str()) else { continue };
        let card = Arc::make_mut(card);
        check_sets(card, part, findings);
        scripts::resolve(card, part, &known, findings);
        card.pool = pool::resolve(card, part, &known, findings);
        bookings::resolve(card, part, &known, findings);
        card.guards = workflow::resolve(card, part, &known, findings);
        layout::resolve(card, part, packs, &known, findings);
        grants::resolve(card, part, packs, &known, findings);
    }
    rights::menu(packs, catalog, findings);
    check_view_files(packs, catalog, findings);
}

/// A list in a file of its own says whose it is.
fn check_view_files(packs: &[&PackSource], catalog: &Catalog, findings: &mut Vec<Diagnostic>) {
    for (pack, file, view) in packs.iter().flat_map(|pack| pack.views.iter().map(move |(file, view)| (pack, file, view))) {
        match &view.card {
            None => findings.push(Diagnostic::error(pack.id(), file, "", "the list does not say of which card it is").help("\"card\": \"…\"")),
            Some(card) if catalog.card(card).is_none() => {
                findings.push(Diagnostic::error(pack.id(), file, "/card", format!("there is no card `{card}`")).near(card.as_str(), catalog.cards.keys().map(Ident::as_str)));
            }
            Some(_) => {}
        }
    }
}

/// Sets of fields of `unique`, `indexes` and `duplicates` name stored fields.
fn check_sets(card: &Card, part: &Merged, findings: &mut Vec<Diagnostic>) {
    let sets = part.def.unique.iter().map(|set| ("unique", set)).chain(part.def.indexes.iter().map(|set| ("indexes", set)));
    let sets = sets.chain(part.def.duplicates.iter().map(|duplicates| ("duplicates", &duplicates.fields)));
    for (what, set) in sets {
        for key in set {
            match card.table.fields.get(key.as_str()) {
                Some(field) if field.column().is_some() => {}
                Some(_) => findings.push(part.error(&format!("/{what}"), format!("`{key}` is not stored in one column and cannot stand in `{what}`"))),
                None => findings.push(part.error(&format!("/{what}"), format!("`{}` has no field `{key}`", card.key)).near(key.as_str(), card.table.fields.keys().map(Ident::as_str))),
            }
        }
    }
    for (key, table) in &card.children {
        for field in table.unique.iter().flatten().filter(|field| !table.fields.contains_key(field.as_str())) {
            findings.push(part.error(&format!("/child_tables/{key}/unique"), format!("`{key}` has no field `{field}`")).near(field.as_str(), table.fields.keys().map(Ident::as_str)));
        }
    }
}

/// A filter of a definition, resolved, or its fault said.
pub(crate) fn condition(catalog: &Catalog, scopes: &Scopes, filter: &crate::Filter, origin: &Origin, pointer: &str, findings: &mut Vec<Diagnostic>) -> Option<crate::Condition> {
    match check_filter(catalog, scopes, filter) {
        Ok(condition) => {
            let mut names = Vec::new();
            bound_names(&condition, &mut names);
            for name in names.iter().filter(|name| !catalog.bindings.contains_key(name.as_str())) {
                let finding = origin.error(pointer, format!("nothing is bound to `@me.{name}`, so this is never true"));
                findings.push(finding.near(name.as_str(), catalog.bindings.keys().map(Ident::as_str)).as_warning());
            }
            Some(condition)
        }
        Err(error) => {
            findings.push(origin.error(&format!("{pointer}{}", error.pointer), error.message));
            None
        }
    }
}

/// The names of users' bindings that a condition asks for.
fn bound_names(condition: &crate::Condition, names: &mut Vec<Ident>) {
    use crate::{Condition, Term, Variable};
    match condition {
        Condition::All(parts) | Condition::Any(parts) => parts.iter().for_each(|part| bound_names(part, names)),
        Condition::Not(part) => bound_names(part, names),
        Condition::Related(related) => bound_names(&related.condition, names),
        Condition::Test(test) => names.extend(test.operand.terms().filter_map(|term| match term {
            Term::Variable(Variable::Bound(name)) => Some(name.clone()),
            _ => None,
        })),
        Condition::Unknown => {}
    }
}

/// Where each field of a card was written: (child table, key) → origin.
pub(crate) type Origins = HashMap<(Option<Ident>, Ident), Origin>;

/// A field definition with its place, for messages.
pub(crate) fn field_pointer(child: Option<&Ident>, key: &Ident) -> String {
    match child {
        None => format!("/fields/{key}"),
        Some(child) => format!("/child_tables/{child}/fields/{key}"),
    }
}

/// Definitions of a table's fields by key.
pub(crate) fn defs_of<'d>(def: &'d CardDef, child: Option<&Ident>) -> Option<&'d IndexMap<Ident, FieldDef>> {
    match child {
        None => Some(&def.fields),
        Some(child) => def.child_tables.get(child.as_str()).map(|table| &table.fields),
    }
}
