//! Roles, what `@me.NAME` and org units are, and the sidebar.
//!
//! **Not here:** grants (`grants`), what administrators add to them (`local`).

use super::{Merged, Origin};
use crate::{
    Binding, Catalog, Ident, OrgUnits, Role, TableRef,
    def::{ActorBindingDef, MenuGroupDef},
    diagnostic::Diagnostic,
    load::PackSource,
    path,
};

pub(crate) fn pack_origin(pack: &PackSource, file: &str) -> Option<Origin> {
    Some(Origin { pack: pack.manifest.as_ref()?.id.clone(), file: file.to_owned(), pointer: String::new() })
}

/// Roles, and which card org units are: needed before any card is built.
pub(crate) fn read_roles_and_org(packs: &[&PackSource], merged: &[Merged], catalog: &mut Catalog, findings: &mut Vec<Diagnostic>) {
    for pack in packs {
        for (file, def) in &pack.roles {
            let Some(origin) = pack_origin(pack, file) else { continue };
            if def.key.as_str().starts_with(super::LOCAL_GROUPS) {
                findings.push(origin.error("/key", format!("groups whose key begins with `{}` are those that administrators make", super::LOCAL_GROUPS)).help("choose another key"));
                continue;
            }
            if let Some(known) = catalog.roles.get(&def.key).filter(|known| known.pack != origin.pack) {
                // A pack may add grants to a role that another pack declares.
                let _ = known;
                continue;
            }
            catalog.roles.insert(def.key.clone(), Role { key: def.key.clone(), pack: origin.pack, labels: def.labels.clone(), help: def.help.clone(), portal: def.portal, local: false });
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

/// What `@me.NAME` stands for; a name may begin at another.
pub(crate) fn bind_actor(packs: &[&PackSource], catalog: &mut Catalog, findings: &mut Vec<Diagnostic>) {
    check_org(packs, catalog, findings);
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

/// Units below units are found along the tree of their card, and those who lead them by a link.
fn check_org(packs: &[&PackSource], catalog: &Catalog, findings: &mut Vec<Diagnostic>) {
    for (id, unit) in packs.iter().filter_map(|pack| Some((pack.manifest.as_ref()?.id.clone(), &pack.manifest.as_ref()?.org.as_ref()?.unit))) {
        let Some(card) = catalog.card(&unit.card) else { continue };
        if let Some(parent) = unit.parent.as_ref().filter(|parent| card.tree.as_ref() != Some(*parent)) {
            let finding = Diagnostic::error(id.as_str(), "pack.json", "/org/unit/parent", format!("`{}` is no tree by `{parent}`, so no unit lies below another", card.key));
            findings.push(finding.help(format!("\"tree\": {{\"parent\": \"{parent}\"}} in the card")).as_warning());
        }
        if let Some(manager) = unit.manager.as_ref().filter(|manager| !matches!(card.field(manager.as_str()).map(|field| &field.kind), Some(crate::FieldKind::Link(_)))) {
            let finding = Diagnostic::error(id.as_str(), "pack.json", "/org/unit/manager", format!("`{manager}` of `{}` is no link to who leads a unit", card.key));
            findings.push(finding.near(manager.as_str(), card.table.fields.keys().map(Ident::as_str)).as_warning());
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
