//! What administrators add to the rights that packs bring, and change of them.
//!
//! **Invariants**
//! - It never keeps a site from starting: what names something that is gone matches nothing, and says so.
//! - Fields are kept by their permanent ids, so that a renamed field keeps its right.
//! - A pack's grant that is changed here is known by its id; whatever an upgrade makes of it, the change holds.

use std::sync::Arc;

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::grants::{following, named, sort, written_filter, written_out};
use crate::{
    ActionName, Bound, Card, Catalog, Condition, FieldRight, Filter, Grant, Ident, Labels, Path, Role, Scope, Scopes, check_filter,
    def::{ScopeDef, ScopeName},
};

/// How the keys of groups begin that administrators make: no pack's group is called so.
pub const LOCAL_GROUPS: &str = "x_";

/// A group that an administrator made.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub struct LocalGroup {
    pub key: Ident,
    pub labels: Labels,
    pub help: Labels,
}

/// A grant, or a guard, that an administrator made.
#[derive(Debug, Clone, PartialEq)]
pub struct LocalGrant {
    /// By which it is known.
    pub id: String,
    /// The card, by its permanent id.
    pub card: String,
    /// Whose grant it is; `None` for a guard.
    pub role: Option<Ident>,
    /// The pack's grant in whose place it stands.
    pub replaces: Option<String>,
    /// What it says.
    pub says: LocalRight,
}

/// What an administrator's grant or guard says, as it is kept.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LocalRight {
    /// What may be done; nothing where a pack's grant is only taken back.
    pub actions: Vec<ActionName>,
    /// To which records.
    pub scope: ScopeDef,
    /// Rights on fields, by their permanent ids: `price`, `lines.price`.
    pub fields: IndexMap<String, FieldRight>,
    /// Of a guard: groups that it does not hold for.
    pub except: Vec<Ident>,
    /// The permanent ids of what its condition names, so that another field of the same name is not taken for it.
    pub names: Vec<String>,
}

/// Everything administrators added.
#[derive(Debug, Clone, Default, PartialEq)]
#[allow(missing_docs)]
pub struct Local {
    pub groups: Vec<LocalGroup>,
    pub grants: Vec<LocalGrant>,
}

/// Puts it over what packs say.
pub fn apply(catalog: &mut Catalog, local: &Local) {
    for group in &local.groups {
        let Ok(pack) = Ident::new("local") else { continue };
        catalog.roles.insert(group.key.clone(), Role { key: group.key.clone(), pack, labels: group.labels.clone(), help: group.help.clone(), portal: false, local: true });
    }
    if local.grants.is_empty() {
        return;
    }
    let mut by_card: IndexMap<&str, Vec<&LocalGrant>> = IndexMap::new();
    for grant in &local.grants {
        by_card.entry(grant.card.as_str()).or_default().push(grant);
    }
    let known = catalog.clone();
    for (id, added) in by_card {
        let Some(card) = catalog.cards.values_mut().find(|card| card.id == id && !card.builtin) else { continue };
        let card = Arc::make_mut(card);
        for one in &added {
            if let Some(place) = one.replaces.as_ref().and_then(|replaced| card.grants.iter().position(|grant| grant.id == *replaced)) {
                let set_aside = card.grants.remove(place);
                card.set_aside.push(set_aside);
            }
            let (scope, fault) = match scope(&known, card, &one.says) {
                Ok(scope) => (scope, None),
                Err(fault) => (Scope::Filter(Condition::never()), Some(fault)),
            };
            match &one.role {
                None => card.bounds.push(Bound { id: one.id.clone(), pack: None, scope, except: one.says.except.clone(), fault, written: written_filter(&one.says.scope) }),
                Some(role) => {
                    let actions = written_out(&one.says.actions);
                    card.grants.push(Grant {
                        id: one.id.clone(),
                        pack: None,
                        replaces: one.replaces.clone(),
                        fault,
                        written: written_filter(&one.says.scope),
                        role: role.clone(),
                        actions,
                        scope,
                        fields: fields(card, &one.says),
                    });
                }
            }
        }
        sort(&mut card.grants);
    }
}

/// To which records, or what is wrong with it by now.
pub fn scope(catalog: &Catalog, card: &Card, says: &LocalRight) -> Result<Scope, String> {
    let filter = match &says.scope {
        ScopeDef::Unsaid => return Ok(named(ScopeName::All)),
        ScopeDef::Named(name) => return Ok(named(*name)),
        ScopeDef::Filter(filter) => filter,
    };
    let condition = resolved(catalog, card, filter)?;
    if !says.names.is_empty() && names(catalog, &condition) != says.names {
        return Err("a field that its condition names is another one by now".to_owned());
    }
    Ok(Scope::Filter(condition))
}

fn resolved(catalog: &Catalog, card: &Card, filter: &Filter) -> Result<Condition, String> {
    let condition = check_filter(catalog, &Scopes::of(card.table.reference()), filter).map_err(|error| error.message)?;
    if condition.is_always() { Err("a scope may not be empty".to_owned()) } else { Ok(condition) }
}

/// The permanent ids of what a condition names, in order.
fn names(catalog: &Catalog, condition: &Condition) -> Vec<String> {
    let mut names = Vec::new();
    condition.each_path(&mut |path: &Path| {
        let table = catalog.table(&path.end);
        let leaf = table.and_then(|table| table.field(&path.leaf)).map_or_else(|| path.leaf.to_string(), |field| field.id.to_string());
        names.push(format!("{}.{leaf}", table.map_or_else(String::new, |table| table.id.to_string())));
    });
    names
}

/// Rights on fields by their keys of today. What is gone is read by nobody anyway.
fn fields(card: &Card, says: &LocalRight) -> IndexMap<(Option<Ident>, Ident), FieldRight> {
    let found = |(name, right): (&String, &FieldRight)| {
        let (child, id) = name.split_once('.').map_or((None, name.as_str()), |(child, id)| (Some(child), id));
        let table = match child {
            None => Some(&card.table),
            Some(child) => card.children.values().find(|table| table.id == child),
        }?;
        let field = table.fields.values().find(|field| field.id == id)?;
        Some(((table.child.clone(), field.key.clone()), *right))
    };
    let mut rights = says.fields.iter().filter_map(found).collect();
    following(card, &mut rights);
    rights
}

/// What a kept right gives, as a grant.
pub fn granted(card: &Card, role: &Ident, says: &LocalRight, scope: Scope) -> Grant {
    Grant {
        id: String::new(),
        pack: None,
        replaces: None,
        fault: None,
        written: written_filter(&says.scope),
        role: role.clone(),
        actions: written_out(&says.actions),
        scope,
        fields: fields(card, says),
    }
}

/// What a grant says, to be compared with what it says after an upgrade.
pub fn summary(grant: &Grant) -> String {
    format!("{:?} {:?} {:?}", grant.actions, grant.scope, grant.fields)
}

/// What somebody wrote by today's keys, as it is kept; or everything that is wrong with it.
pub fn keep(catalog: &Catalog, card: &Card, mut says: LocalRight) -> Result<LocalRight, Vec<(String, String)>> {
    let mut faults = Vec::new();
    let mut kept = IndexMap::new();
    for (name, right) in &says.fields {
        let (child, key) = name.split_once('.').map_or((None, name.as_str()), |(child, key)| (Some(child), key));
        let table = match child {
            None => Some(&card.table),
            Some(child) => card.children.get(child),
        };
        match table.and_then(|table| Some((table, table.fields.get(key)?))) {
            Some((table, field)) => {
                let name = if table.child.is_some() { format!("{}.{}", table.id, field.id) } else { field.id.to_string() };
                kept.insert(name, *right);
            }
            None => faults.push((format!("fields/{name}"), format!("`{}` has no field `{name}`", card.key))),
        }
    }
    if let ScopeDef::Filter(filter) = &says.scope {
        match resolved(catalog, card, filter) {
            Ok(condition) => says.names = names(catalog, &condition),
            Err(message) => faults.push(("scope".to_owned(), message)),
        }
    }
    says.fields = kept;
    if faults.is_empty() { Ok(says) } else { Err(faults) }
}
