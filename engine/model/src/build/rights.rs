//! Roles, grants, what `@me.NAME` and org units are, and the sidebar.

use indexmap::IndexMap;

use super::{Merged, Origin, condition};
use crate::{
    ActionName, Binding, Card, Catalog, FieldRight, Grant, Ident, OrgUnits, Role, Scope, Scopes, TableRef,
    def::{ActorBindingDef, MenuGroupDef, ScopeDef, ScopeName},
    diagnostic::Diagnostic,
    load::PackSource,
    path,
};

/// Every action that `*` stands for: all but `design` and `administer`.
const ALL_ACTIONS: [ActionName; 14] = [
    ActionName::Read, ActionName::Create, ActionName::Update, ActionName::Delete, ActionName::Restore, ActionName::Export, ActionName::Import, ActionName::Print,
    ActionName::Share, ActionName::Assign, ActionName::Claim, ActionName::Bulk, ActionName::Transition, ActionName::Report,
];

fn pack_origin(pack: &PackSource, file: &str) -> Option<Origin> {
    Some(Origin { pack: pack.manifest.as_ref()?.id.clone(), file: file.to_owned(), pointer: String::new() })
}

/// Roles, and which card org units are: needed before any card is built.
pub(crate) fn read_roles_and_org(packs: &[&PackSource], merged: &[Merged], catalog: &mut Catalog, findings: &mut Vec<Diagnostic>) {
    for pack in packs {
        for (file, def) in &pack.roles {
            let Some(origin) = pack_origin(pack, file) else { continue };
            if let Some(known) = catalog.roles.get(&def.key).filter(|known| known.pack != origin.pack) {
                // A pack may add grants to a role that another pack declares.
                let _ = known;
                continue;
            }
            catalog.roles.insert(def.key.clone(), Role { key: def.key.clone(), pack: origin.pack, labels: def.labels.clone(), portal: def.portal });
        }
        let Some(manifest) = &pack.manifest else { continue };
        if let Some(org) = &manifest.org {
            let unit = &org.unit;
            if !merged.iter().any(|card| card.def.key == unit.card) {
                let known = merged.iter().map(|card| card.def.key.as_str());
                findings.push(Diagnostic::error(manifest.id.as_str(), "pack.json", "/org/unit/card", format!("there is no card `{}`", unit.card)).near(unit.card.as_str(), known));
                continue;
            }
            catalog.org = Some(OrgUnits { card: unit.card.clone(), parent: unit.parent.clone(), manager: unit.manager.clone() });
        }
    }
}

/// The grants of one card, written there and in roles.
pub(crate) fn resolve(card: &mut Card, part: &Merged, packs: &[&PackSource], catalog: &Catalog, findings: &mut Vec<Diagnostic>) {
    let mut grants = Vec::new();
    for (origin, def) in &part.grants {
        if !catalog.roles.contains_key(&def.role) {
            let finding = origin.error("/role", format!("there is no role `{}`", def.role));
            findings.push(finding.near(def.role.as_str(), catalog.roles.keys().map(Ident::as_str)).as_warning());
        }
        grants.extend(grant(card, &def.role, &def.actions, &def.scope, &def.fields, origin, "", catalog, findings));
    }
    for pack in packs {
        for (file, role) in &pack.roles {
            for (index, def) in role.grants.iter().enumerate() {
                let Some(origin) = pack_origin(pack, file) else { continue };
                let pointer = format!("/grants/{index}");
                if def.card == card.key.as_str() || def.card == "*" {
                    grants.extend(grant(card, &role.key, &def.actions, &def.scope, &def.fields, &origin, &pointer, catalog, findings));
                } else if !catalog.cards.contains_key(def.card.as_str()) && card.key == first_card(catalog) {
                    findings.push(origin.error(&format!("{pointer}/card"), format!("there is no card `{}`", def.card)).near(&def.card, catalog.cards.keys().map(Ident::as_str)));
                }
            }
        }
    }
    let follows: Vec<(&Ident, &Ident)> = part.def.fields.iter().filter_map(|(key, def)| Some((key, def.rights_of.as_ref()?))).collect();
    for (key, like) in follows {
        if *key == *like || !part.def.fields.contains_key(like) {
            let known = part.def.fields.keys().map(Ident::as_str);
            findings.push(part.origin_of(None, key).error("/rights_of", format!("`{}` has no other field `{like}`", card.key)).near(like.as_str(), known));
        }
        for grant in &mut grants {
            if let Some(right) = grant.fields.get(&(None, like.clone())).copied() {
                grant.fields.entry((None, key.clone())).or_insert(right);
            }
        }
    }
    card.grants = grants;
}

/// A fault of a role's file is said once, at the first card of a pack.
fn first_card(catalog: &Catalog) -> Ident {
    catalog.cards.values().find(|card| !card.builtin).map_or_else(super::engine_fields::user_key, |card| card.key.clone())
}

#[allow(clippy::too_many_arguments)] // One grant, its place, and where its faults go.
fn grant(
    card: &Card, role: &Ident, actions: &[ActionName], scope: &ScopeDef, fields: &IndexMap<String, FieldRight>, origin: &Origin, pointer: &str, catalog: &Catalog,
    findings: &mut Vec<Diagnostic>,
) -> Option<Grant> {
    let mut all: Vec<ActionName> = actions.iter().flat_map(|action| if *action == ActionName::All { ALL_ACTIONS.to_vec() } else { vec![*action] }).collect();
    all.sort_unstable();
    all.dedup();
    let scope = match scope {
        ScopeDef::Unsaid | ScopeDef::Named(ScopeName::All) => Scope::All,
        ScopeDef::Named(ScopeName::Own) => Scope::Own,
        ScopeDef::Named(ScopeName::Shared) => Scope::Shared,
        ScopeDef::Named(ScopeName::OrgUnit) => Scope::OrgUnit,
        ScopeDef::Named(ScopeName::OrgTree) => Scope::OrgTree,
        ScopeDef::Named(ScopeName::Subordinates) => Scope::Subordinates,
        ScopeDef::Filter(filter) => {
            let condition = condition(catalog, &Scopes::of(card.table.reference()), filter, origin, &format!("{pointer}/scope"), findings)?;
            if condition.is_always() {
                findings.push(origin.error(&format!("{pointer}/scope"), "a scope may not be empty").help("\"scope\": \"all\""));
                return None;
            }
            Scope::Filter(condition)
        }
    };
    let mut rights = IndexMap::new();
    for (name, right) in fields {
        let found = match name.split_once('.') {
            None => card.table.fields.get(name.as_str()).map(|field| (None, field.key.clone())),
            Some((child, key)) => card.children.get(child).and_then(|table| Some((table.child.clone(), table.fields.get(key)?.key.clone()))),
        };
        match found {
            Some(place) => {
                rights.insert(place, *right);
            }
            None => {
                let known = card.table.fields.keys().map(Ident::as_str);
                findings.push(origin.error(&format!("{pointer}/fields/{name}"), format!("`{}` has no field `{name}`", card.key)).near(name, known));
            }
        }
    }
    // What a dated link led to before is seen and changed by whoever sees and changes the link.
    for field in card.table.fields.values().filter(|field| field.is_dated()) {
        let (Some(right), Some(table)) = (rights.get(&(None, field.key.clone())).copied(), super::dated::table_of(&field.key)) else { continue };
        for key in card.children.get(&table).into_iter().flat_map(|rows| rows.own_fields()).map(|own| own.key.clone()) {
            rights.entry((Some(table.clone()), key)).or_insert(right);
        }
    }
    Some(Grant { role: role.clone(), actions: all, scope, fields: rights })
}

/// What `@me.NAME` stands for; a name may begin at another.
pub(crate) fn bind_actor(packs: &[&PackSource], catalog: &mut Catalog, findings: &mut Vec<Diagnostic>) {
    for pack in packs {
        let Some(manifest) = &pack.manifest else { continue };
        for (name, def) in &manifest.actor {
            let bound = match def {
                ActorBindingDef::Card(of) => bind(catalog, &of.card, &of.by, of.path.as_deref()),
                ActorBindingDef::Path(text) => {
                    let (head, rest) = text.split_once('.').unwrap_or((text, ""));
                    match catalog.bindings.get(head).cloned() {
                        Some(base) => extend(catalog, &base, rest),
                        None => Err(format!("`{head}` is not bound before `{name}`")),
                    }
                }
            };
            match bound {
                Ok(binding) => {
                    catalog.bindings.insert(name.clone(), binding);
                }
                Err(message) => findings.push(Diagnostic::error(manifest.id.as_str(), "pack.json", format!("/actor/{name}"), message)),
            }
        }
    }
}

fn bind(catalog: &Catalog, card: &Ident, by: &Ident, rest: Option<&str>) -> Result<Binding, String> {
    let found = catalog.card(card).ok_or_else(|| format!("there is no card `{card}`"))?;
    let points_to_user = found.field(by.as_str()).is_some_and(|field| matches!(&field.kind, crate::FieldKind::Link(link) if link.target == crate::USER_CARD));
    if !points_to_user {
        return Err(format!("`{by}` of `{card}` is no user field"));
    }
    let binding = Binding { card: card.clone(), by: by.clone(), path: None, target: Some(card.clone()) };
    rest.map_or(Ok(binding.clone()), |rest| extend(catalog, &binding, rest))
}

fn extend(catalog: &Catalog, base: &Binding, rest: &str) -> Result<Binding, String> {
    let text = match &base.path {
        Some(path) => format!("{path}.{rest}"),
        None => rest.to_owned(),
    };
    let path = path::resolve(catalog, &TableRef::card(&base.card), &text).map_err(|error| error.message)?;
    let target = path.field(catalog).and_then(|field| match &field.kind {
        crate::FieldKind::Link(link) => Some(link.target.clone()),
        _ => None,
    });
    Ok(Binding { path: Some(path), target, ..base.clone() })
}

/// The sidebar: groups of the same id are one; cards that nobody placed stand in a group of their pack.
pub(crate) fn menu(packs: &[&PackSource], catalog: &mut Catalog, findings: &mut Vec<Diagnostic>) {
    let mut menu: Vec<MenuGroupDef> = Vec::new();
    let mut placed: Vec<Ident> = Vec::new();
    for pack in packs {
        let Some(manifest) = &pack.manifest else { continue };
        for (index, group) in manifest.menu.iter().enumerate() {
            for item in group.items.iter().filter(|item| !catalog.cards.contains_key(*item)) {
                let finding = Diagnostic::error(manifest.id.as_str(), "pack.json", format!("/menu/{index}/items"), format!("there is no card `{item}`"));
                findings.push(finding.near(item.as_str(), catalog.cards.keys().map(Ident::as_str)));
            }
            placed.extend(group.items.iter().cloned());
            match menu.iter_mut().find(|known| known.id == group.id) {
                Some(known) => known.items.extend(group.items.iter().cloned()),
                None => menu.push(group.clone()),
            }
        }
    }
    for pack in packs {
        let Some(manifest) = &pack.manifest else { continue };
        let own = catalog.cards.values().filter(|card| card.pack == manifest.id && !card.builtin && !placed.contains(&card.key));
        let items: Vec<Ident> = own.map(|card| card.key.clone()).collect();
        if !items.is_empty() && manifest.menu.is_empty() {
            menu.push(MenuGroupDef { id: manifest.id.clone(), labels: manifest.labels.clone(), icon: None, items });
        }
    }
    catalog.menu = menu;
}
