//! Grants and guards of cards, as packs write them.
//!
//! **Not here:** what administrators add and change (`local`).

use std::collections::HashMap;

use indexmap::IndexMap;

use super::{Merged, Origin, condition, rights::pack_origin};
use crate::{
    ActionName, Bound, Card, Catalog, FieldRight, Filter, Grant, Ident, Scope, Scopes,
    def::{ScopeDef, ScopeName},
    diagnostic::Diagnostic,
    load::PackSource,
};

/// Every action that `*` stands for: all but `design` and `administer`.
pub const ALL_ACTIONS: [ActionName; 14] = [
    ActionName::Read,
    ActionName::Create,
    ActionName::Update,
    ActionName::Delete,
    ActionName::Restore,
    ActionName::Export,
    ActionName::Import,
    ActionName::Print,
    ActionName::Share,
    ActionName::Assign,
    ActionName::Claim,
    ActionName::Bulk,
    ActionName::Transition,
    ActionName::Report,
];

/// The grants of one card, written there and in roles, and its guards.
pub(crate) fn resolve(card: &mut Card, part: &Merged, packs: &[&PackSource], catalog: &Catalog, findings: &mut Vec<Diagnostic>) {
    let mut reading = Reading { card, catalog, findings, counted: HashMap::new() };
    let mut grants = Vec::new();
    for (origin, def) in &part.grants {
        reading.check_role(origin, "/role", &def.role);
        let written = Written { role: &def.role, id: def.id.as_ref(), actions: &def.actions, scope: &def.scope, fields: &def.fields };
        grants.extend(reading.grant(&written, origin, ""));
    }
    for pack in packs {
        for (file, role) in &pack.roles {
            for (index, def) in role.grants.iter().enumerate() {
                let Some(origin) = pack_origin(pack, file) else { continue };
                let pointer = format!("/grants/{index}");
                if def.card == reading.card.key.as_str() || def.card == "*" {
                    let written = Written { role: &role.key, id: def.id.as_ref(), actions: &def.actions, scope: &def.scope, fields: &def.fields };
                    grants.extend(reading.grant(&written, &origin, &pointer));
                } else if !catalog.cards.contains_key(def.card.as_str()) && reading.card.key == first_card(catalog) {
                    reading.findings.push(origin.error(&format!("{pointer}/card"), format!("there is no card `{}`", def.card)).near(&def.card, catalog.cards.keys().map(Ident::as_str)));
                }
            }
        }
    }
    let mut bounds: Vec<Bound> = Vec::new();
    for (origin, def) in &part.bounds {
        def.except.iter().for_each(|role| reading.check_role(origin, "/except", role));
        let id = format!("{}/{}/{}", origin.pack, reading.card.id, def.id);
        if bounds.iter().any(|known| known.id == id) {
            reading.findings.push(origin.error("/id", format!("there is a guard `{}` already", def.id)));
        }
        if let Some(scope) = reading.scope(&def.scope, origin, "/scope") {
            if scope == Scope::All {
                reading.findings.push(origin.error("/scope", "a guard that lets everything through guards nothing"));
            }
            bounds.push(Bound { id, pack: Some(origin.pack.clone()), scope, except: def.except.clone(), fault: None, written: written_filter(&def.scope) });
        }
    }
    for (key, def) in &part.def.fields {
        if let Some(like) = def.rights_of.as_ref().filter(|like| *like == key || !part.def.fields.contains_key(*like)) {
            let known = part.def.fields.keys().map(Ident::as_str);
            findings.push(part.origin_of(None, key).error("/rights_of", format!("`{}` has no other field `{like}`", card.key)).near(like.as_str(), known));
        }
    }
    sort(&mut grants);
    card.grants = grants;
    card.bounds = bounds;
}

/// Rights on fields that follow from those on others, unless the grant names them: of what is calculated from a field and
/// would tell it (`rights_of`), and of where a dated link led before.
pub(super) fn following(card: &Card, rights: &mut IndexMap<(Option<Ident>, Ident), FieldRight>) {
    for (key, like) in &card.rights_of {
        if let Some(right) = rights.get(&(None, like.clone())).copied() {
            rights.entry((None, key.clone())).or_insert(right);
        }
    }
    for field in card.table.fields.values().filter(|field| field.is_dated()) {
        let (Some(right), Some(table)) = (rights.get(&(None, field.key.clone())).copied(), super::dated::table_of(&field.key)) else { continue };
        for key in card.children.get(&table).into_iter().flat_map(|rows| rows.own_fields()).map(|own| own.key.clone()) {
            rights.entry((Some(table.clone()), key)).or_insert(right);
        }
    }
}

/// In order of their groups: those of one stand together.
pub(super) fn sort(grants: &mut [Grant]) {
    grants.sort_by(|left, right| left.role.cmp(&right.role));
}

/// A fault of a role's file is said once, at the first card of a pack.
fn first_card(catalog: &Catalog) -> Ident {
    catalog.cards.values().find(|card| !card.builtin).map_or_else(super::engine_fields::user_key, |card| card.key.clone())
}

/// A grant as its file has it.
struct Written<'d> {
    role: &'d Ident,
    id: Option<&'d Ident>,
    actions: &'d [ActionName],
    scope: &'d ScopeDef,
    fields: &'d IndexMap<String, FieldRight>,
}

/// Rights of one card being read.
struct Reading<'a> {
    card: &'a Card,
    catalog: &'a Catalog,
    findings: &'a mut Vec<Diagnostic>,
    counted: HashMap<(Ident, Ident), usize>,
}

impl Reading<'_> {
    fn check_role(&mut self, origin: &Origin, pointer: &str, role: &Ident) {
        if !self.catalog.roles.contains_key(role) {
            let finding = origin.error(pointer, format!("there is no role `{role}`"));
            self.findings.push(finding.near(role.as_str(), self.catalog.roles.keys().map(Ident::as_str)).as_warning());
        }
    }

    fn scope(&mut self, scope: &ScopeDef, origin: &Origin, pointer: &str) -> Option<Scope> {
        let filter = match scope {
            ScopeDef::Unsaid => return Some(Scope::All),
            ScopeDef::Named(name) => return Some(named(*name)),
            ScopeDef::Filter(filter) => filter,
        };
        let found = condition(self.catalog, &Scopes::of(self.card.table.reference()), filter, origin, pointer, self.findings)?;
        if found.is_always() {
            self.findings.push(origin.error(pointer, "a scope may not be empty").help("\"scope\": \"all\""));
            return None;
        }
        Some(Scope::Filter(found))
    }

    fn grant(&mut self, written: &Written<'_>, origin: &Origin, pointer: &str) -> Option<Grant> {
        let counted = self.counted.entry((origin.pack.clone(), written.role.clone())).or_default();
        *counted += 1;
        let own = written.id.map_or_else(|| if *counted == 1 { written.role.to_string() } else { format!("{}_{counted}", written.role) }, Ident::to_string);
        let scope = self.scope(written.scope, origin, &format!("{pointer}/scope"))?;
        let mut rights = IndexMap::new();
        for (name, right) in written.fields {
            match place_of(self.card, name) {
                Some(place) => {
                    rights.insert(place, *right);
                }
                None => {
                    let known = self.card.table.fields.keys().map(Ident::as_str);
                    self.findings.push(origin.error(&format!("{pointer}/fields/{name}"), format!("`{}` has no field `{name}`", self.card.key)).near(name, known));
                }
            }
        }
        following(self.card, &mut rights);
        let id = format!("{}/{}/{own}", origin.pack, self.card.id);
        Some(Grant {
            id,
            pack: Some(origin.pack.clone()),
            replaces: None,
            fault: None,
            written: written_filter(written.scope),
            role: written.role.clone(),
            actions: written_out(written.actions),
            scope,
            fields: rights,
        })
    }
}

/// The condition of a scope, where it is one.
pub(super) fn written_filter(scope: &ScopeDef) -> Option<Filter> {
    match scope {
        ScopeDef::Filter(filter) => Some(filter.clone()),
        ScopeDef::Named(_) | ScopeDef::Unsaid => None,
    }
}

/// What a named scope is.
pub(super) fn named(name: ScopeName) -> Scope {
    match name {
        ScopeName::All => Scope::All,
        ScopeName::Own => Scope::Own,
        ScopeName::Shared => Scope::Shared,
        ScopeName::OrgUnit => Scope::OrgUnit,
        ScopeName::OrgTree => Scope::OrgTree,
        ScopeName::Subordinates => Scope::Subordinates,
        ScopeName::Pool => Scope::Pool,
    }
}

/// Actions with `*` written out, each once, in order.
pub(super) fn written_out(actions: &[ActionName]) -> Vec<ActionName> {
    let mut all: Vec<ActionName> = actions.iter().flat_map(|action| if *action == ActionName::All { ALL_ACTIONS.to_vec() } else { vec![*action] }).collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// The place that `price` or `lines.price` names.
fn place_of(card: &Card, name: &str) -> Option<(Option<Ident>, Ident)> {
    match name.split_once('.') {
        None => card.table.fields.get(name).map(|field| (None, field.key.clone())),
        Some((child, key)) => card.children.get(child).and_then(|table| Some((table.child.clone(), table.fields.get(key)?.key.clone()))),
    }
}
