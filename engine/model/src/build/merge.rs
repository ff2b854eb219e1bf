//! Cards with what mixins and extensions add to them, each part remembering where it was written.

use std::collections::HashMap;

use indexmap::IndexMap;

use super::{Origin, Origins, field_pointer};
use crate::{
    FieldType, Ident,
    def::{
        ActionDef, BoundDef, CardDef, CardGrantDef, ExtensionDef, FetchDef, FetchMode, FieldDef, MixinDef, MixinUseDef, OverrideDef, PlaceDef, PlaceSectionDef, PlacedDef, RuleDef, ScriptsDef, TabDef,
        ViewDef,
    },
    diagnostic::Diagnostic,
    load::PackSource,
};

/// A card as all packs together define it.
#[derive(Debug, Clone)]
pub(crate) struct Merged {
    pub def: CardDef,
    pub origin: Origin,
    pub origins: Origins,
    pub rules: Vec<(Origin, RuleDef)>,
    pub tabs: Vec<(Origin, TabDef)>,
    /// Where sections were written that extensions put into tabs of others.
    pub sections: HashMap<Ident, Origin>,
    pub views: Vec<(Origin, ViewDef)>,
    pub grants: Vec<(Origin, CardGrantDef)>,
    pub bounds: Vec<(Origin, BoundDef)>,
    pub search: Vec<(Origin, String)>,
    pub scripts: Vec<(Origin, ScriptsDef)>,
    pub actions: Vec<(Origin, ActionDef)>,
}

impl Merged {
    pub(crate) fn error(&self, pointer: &str, message: impl Into<String>) -> Diagnostic {
        self.origin.error(pointer, message)
    }
    /// Where a field was written.
    pub(crate) fn origin_of(&self, child: Option<&Ident>, key: &Ident) -> &Origin {
        self.origins.get(&(child.cloned(), key.clone())).unwrap_or(&self.origin)
    }
}

/// Every card of every pack, in order.
pub(crate) fn merge(packs: &[&PackSource], findings: &mut Vec<Diagnostic>) -> Vec<Merged> {
    let mut cards: IndexMap<Ident, Merged> = IndexMap::new();
    let mut mixins: HashMap<Ident, (Origin, MixinDef)> = HashMap::new();
    for pack in packs {
        for (file, mixin) in &pack.mixins {
            mixins.insert(mixin.key.clone(), (origin(pack, file), mixin.clone()));
        }
        for (file, card) in &pack.cards {
            let origin = origin(pack, file);
            if let Some(other) = cards.get(&card.key) {
                findings.push(origin.error("/key", format!("the card `{}` is defined by the pack `{}` too", card.key, other.origin.pack)).help("prefix your cards with your pack's name"));
                continue;
            }
            cards.insert(card.key.clone(), start(card, origin));
        }
    }
    for pack in packs {
        for (file, extension) in &pack.extensions {
            let origin = origin(pack, file);
            match cards.get_mut(&extension.extends) {
                Some(card) => extend(card, extension, &origin, findings),
                None => {
                    let known: Vec<String> = cards.keys().map(Ident::to_string).collect();
                    findings.push(origin.error("/extends", format!("there is no card `{}` to extend", extension.extends)).near(extension.extends.as_str(), known.iter().map(String::as_str)));
                }
            }
        }
    }
    let mut uses = Vec::new();
    for card in cards.values() {
        uses.extend(card.def.mixins.iter().map(|used| (card.def.key.clone(), used.clone())));
    }
    for (key, used) in uses {
        if let Some(card) = cards.get_mut(&key) {
            mix_in(card, &used, &mixins, findings);
        }
    }
    register_targets(&mut cards, &mixins);
    cards.values_mut().for_each(|card| super::dated::write_out(card, findings));
    cards.into_values().collect()
}

fn origin(pack: &PackSource, file: &str) -> Origin {
    let id = pack.manifest.as_ref().map(|manifest| manifest.id.clone());
    Origin { pack: id.unwrap_or_else(super::engine_fields::user_key), file: file.to_owned(), pointer: String::new() }
}

fn start(card: &CardDef, origin: Origin) -> Merged {
    let mut merged = Merged {
        def: card.clone(),
        origins: Origins::new(),
        rules: card.rules.iter().cloned().enumerate().map(|(index, rule)| (at(&origin, format!("/rules/{index}")), rule)).collect(),
        tabs: card.tabs.iter().cloned().enumerate().map(|(index, tab)| (at(&origin, format!("/tabs/{index}")), tab)).collect(),
        views: card.views.iter().cloned().enumerate().map(|(index, view)| (at(&origin, format!("/views/{index}")), view)).collect(),
        grants: card.permissions.iter().cloned().enumerate().map(|(index, grant)| (at(&origin, format!("/permissions/{index}")), grant)).collect(),
        bounds: card.guards.iter().cloned().enumerate().map(|(index, bound)| (at(&origin, format!("/guards/{index}")), bound)).collect(),
        search: card.search.iter().cloned().enumerate().map(|(index, path)| (at(&origin, format!("/search/{index}")), path)).collect(),
        scripts: vec![(at(&origin, "/scripts".into()), card.scripts.clone())],
        actions: card.actions.iter().cloned().enumerate().map(|(index, action)| (at(&origin, format!("/actions/{index}")), action)).collect(),
        sections: HashMap::new(),
        origin: origin.clone(),
    };
    remember(&mut merged, &origin);
    merged
}

fn at(origin: &Origin, pointer: String) -> Origin {
    Origin { pointer, ..origin.clone() }
}

/// Fields that nobody claimed yet were written at `origin`.
pub(super) fn remember(merged: &mut Merged, origin: &Origin) {
    let own = merged.def.fields.keys().map(|key| (None, key.clone()));
    let children = merged.def.child_tables.iter().flat_map(|(child, table)| table.fields.keys().map(|key| (Some(child.clone()), key.clone())));
    let places: Vec<(Option<Ident>, Ident)> = own.chain(children).collect();
    for (child, key) in places {
        let pointer = field_pointer(child.as_ref(), &key);
        merged.origins.entry((child, key)).or_insert_with(|| at(origin, pointer));
    }
}

fn extend(card: &mut Merged, extension: &ExtensionDef, origin: &Origin, findings: &mut Vec<Diagnostic>) {
    for (key, field) in &extension.fields {
        if card.def.fields.contains_key(key) {
            findings.push(origin.error(&format!("/fields/{key}"), format!("`{}` has a field `{key}` already", card.def.key)).help("an extension only adds; `override` changes labels, `required` and options"));
        } else {
            card.def.fields.insert(key.clone(), field.clone());
        }
    }
    for (key, table) in &extension.child_tables {
        match card.def.child_tables.get_mut(key) {
            Some(known) => {
                for (field_key, field) in &table.fields {
                    known.fields.entry(field_key.clone()).or_insert_with(|| field.clone());
                }
            }
            None => {
                card.def.child_tables.insert(key.clone(), table.clone());
            }
        }
    }
    remember(card, origin);
    for (key, change) in &extension.overrides {
        override_field(card, key, change, origin, findings);
    }
    for (index, tab) in extension.tabs.iter().enumerate() {
        insert_tab(card, at(origin, format!("/tabs/{index}")), tab.clone(), findings);
    }
    for (index, place) in extension.sections.iter().enumerate() {
        insert_section(card, place, at(origin, format!("/sections/{index}")), findings);
    }
    for (index, place) in extension.place.iter().enumerate() {
        place_fields(card, place, &at(origin, format!("/place/{index}")), findings);
    }
    card.rules.extend(extension.rules.iter().cloned().enumerate().map(|(index, rule)| (at(origin, format!("/rules/{index}")), rule)));
    card.views.extend(extension.views.iter().cloned().enumerate().map(|(index, view)| (at(origin, format!("/views/{index}")), view)));
    card.grants.extend(extension.permissions.iter().cloned().enumerate().map(|(index, grant)| (at(origin, format!("/permissions/{index}")), grant)));
    card.bounds.extend(extension.guards.iter().cloned().enumerate().map(|(index, bound)| (at(origin, format!("/guards/{index}")), bound)));
    card.search.extend(extension.search.iter().cloned().enumerate().map(|(index, path)| (at(origin, format!("/search/{index}")), path)));
    card.scripts.push((at(origin, "/scripts".into()), extension.scripts.clone()));
    card.actions.extend(extension.actions.iter().cloned().enumerate().map(|(index, action)| (at(origin, format!("/actions/{index}")), action)));
    card.def.unique.extend(extension.unique.iter().cloned());
    card.def.indexes.extend(extension.indexes.iter().cloned());
    card.def.mixins.extend(extension.mixins.iter().cloned());
    card.def.conversions.extend(extension.conversions.iter().cloned());
    card.def.labels.0.extend(extension.labels.0.clone());
}

fn override_field(card: &mut Merged, key: &Ident, change: &OverrideDef, origin: &Origin, findings: &mut Vec<Diagnostic>) {
    let known: Vec<String> = card.def.fields.keys().map(Ident::to_string).collect();
    let Some(field) = card.def.fields.get_mut(key) else {
        findings.push(origin.error(&format!("/override/{key}"), format!("`{}` has no field `{key}`", card.def.key)).near(key.as_str(), known.iter().map(String::as_str)));
        return;
    };
    field.labels.0.extend(change.labels.0.clone());
    field.required = change.required.unwrap_or(field.required);
    for option in &change.options {
        if !field.options.iter().any(|known| known.value == option.value) {
            field.options.push(option.clone());
        }
    }
}

/// Anchored by `after`; without an anchor before the history, else at the end.
fn insert_tab(card: &mut Merged, origin: Origin, tab: TabDef, findings: &mut Vec<Diagnostic>) {
    let position = match &tab.after {
        Some(anchor) => match card.tabs.iter().position(|(_, known)| known.id == *anchor) {
            Some(position) => position + 1,
            None => {
                let known: Vec<String> = card.tabs.iter().map(|(_, tab)| tab.id.to_string()).collect();
                findings.push(origin.error("/after", format!("there is no tab `{anchor}`")).near(anchor.as_str(), known.iter().map(String::as_str)).as_warning());
                card.tabs.len()
            }
        },
        None => card.tabs.len(),
    };
    card.tabs.insert(position, (origin, tab));
}

fn insert_section(card: &mut Merged, place: &PlaceSectionDef, origin: Origin, findings: &mut Vec<Diagnostic>) {
    let tabs: Vec<String> = card.tabs.iter().map(|(_, tab)| tab.id.to_string()).collect();
    let Some((_, tab)) = card.tabs.iter_mut().find(|(_, tab)| tab.id == place.tab) else {
        findings.push(origin.error("/tab", format!("there is no tab `{}`", place.tab)).near(place.tab.as_str(), tabs.iter().map(String::as_str)));
        return;
    };
    let (name, anchor, behind) = match (&place.before, &place.after) {
        (Some(anchor), _) => ("/before", Some(anchor), 0),
        (None, anchor) => ("/after", anchor.as_ref(), 1),
    };
    let found = anchor.and_then(|anchor| tab.sections.iter().position(|known| known.id == *anchor));
    if let (Some(anchor), None) = (anchor, found) {
        let known: Vec<String> = tab.sections.iter().map(|section| section.id.to_string()).collect();
        findings.push(origin.error(name, format!("the tab `{}` has no section `{anchor}`", place.tab)).near(anchor.as_str(), known.iter().map(String::as_str)).as_warning());
    }
    tab.sections.insert(found.map_or(tab.sections.len(), |found| found + behind), place.section.clone());
    card.sections.insert(place.section.id.clone(), at(&origin, format!("{}/section", origin.pointer)));
}

fn place_fields(card: &mut Merged, place: &PlaceDef, origin: &Origin, findings: &mut Vec<Diagnostic>) {
    let known: Vec<String> = card.tabs.iter().flat_map(|(_, tab)| tab.sections.iter()).map(|section| section.id.to_string()).collect();
    let sections = card.tabs.iter_mut().flat_map(|(_, tab)| tab.sections.iter_mut());
    let Some(section) = sections.into_iter().find(|section| section.id == place.section) else {
        findings.push(origin.error("/section", format!("there is no section `{}`", place.section)).near(place.section.as_str(), known.iter().map(String::as_str)));
        return;
    };
    let key_of = |placed: &PlacedDef| match placed {
        PlacedDef::Key(key) => key.clone(),
        PlacedDef::Wide(wide) => wide.field.clone(),
    };
    let anchor = place.after.as_ref().and_then(|anchor| section.place.iter().position(|placed| key_of(placed) == *anchor));
    let start = anchor.map_or(section.place.len(), |anchor| anchor + 1);
    for (offset, field) in place.fields.iter().enumerate() {
        section.place.insert(start + offset, PlacedDef::Key(field.clone()));
    }
}

fn mix_in(card: &mut Merged, used: &MixinUseDef, mixins: &HashMap<Ident, (Origin, MixinDef)>, findings: &mut Vec<Diagnostic>) {
    let Some((origin, mixin)) = mixins.get(&used.mixin) else {
        let finding = card.error("/mixins", format!("there is no mixin `{}`", used.mixin));
        findings.push(finding.near(used.mixin.as_str(), mixins.keys().map(Ident::as_str)));
        return;
    };
    for parameter in mixin.parameters.keys().filter(|key| !used.parameters.contains_key(key.as_str())) {
        findings.push(card.error("/mixins", format!("the mixin `{}` wants the parameter `{parameter}`", used.mixin)).help("a path of this card"));
    }
    for parameter in used.parameters.keys().filter(|key| !mixin.parameters.contains_key(key.as_str())) {
        findings.push(card.error("/mixins", format!("the mixin `{}` has no parameter `{parameter}`", used.mixin)).near(parameter, mixin.parameters.keys().map(Ident::as_str)));
    }
    for (key, field) in &mixin.fields {
        card.def.fields.entry(key.clone()).or_insert_with(|| field.clone());
    }
    remember(card, origin);
    for tab in &mixin.tabs {
        insert_tab(card, at(origin, "/tabs".into()), tab.clone(), findings);
    }
    for (index, panel) in mixin.panels.iter().enumerate() {
        let name = if index == 0 { mixin.key.to_string() } else { format!("{}_{index}", mixin.key) };
        let Ok(id) = Ident::new(&name) else { continue };
        let tab = TabDef { id, labels: if panel.labels.is_empty() { mixin.labels.clone() } else { panel.labels.clone() }, icon: None, after: None, visible_when: None, sections: Vec::new(), panel: Some(panel.clone()) };
        insert_tab(card, at(origin, format!("/panels/{index}")), tab, findings);
    }
}

/// What a mixin shows, or adds up, of other cards: the card, and the link by which its rows point to a using card.
fn rows_of(mixin: &MixinDef) -> Vec<(Ident, Ident)> {
    let tabs = mixin.tabs.iter().flat_map(|tab| tab.panel.iter().chain(tab.sections.iter().filter_map(|section| section.panel.as_ref())));
    let panels = mixin.panels.iter().chain(tabs).map(|panel| (panel.card.as_deref().unwrap_or_default().to_owned(), panel.by.clone()));
    let rollups = mixin.fields.values().filter_map(|field| field.rollup.as_ref()).map(|rollup| (rollup.from.clone(), rollup.by.clone()));
    let named = panels.chain(rollups).filter_map(|(from, by)| {
        let (card, by) = match by {
            Some(by) => (from, by),
            None => from.split_once('.').map(|(card, by)| (card.to_owned(), by.to_owned()))?,
        };
        Some((Ident::new(&card).ok()?, Ident::new(&by).ok()?))
    });
    let mut rows: Vec<(Ident, Ident)> = Vec::new();
    named.for_each(|row| if !rows.contains(&row) { rows.push(row) });
    rows
}

/// Rows of a card by a link there, the card that uses the mixin, and its parameters: name, path.
type Wanted = (Ident, Ident, Ident, Vec<(String, String)>);

/// Each use makes the card a target of the `link_any` by which the mixin finds its rows, and has those rows keep what
/// stands at the end of each parameter's path, so that they can be asked and grouped by it over all cards.
fn register_targets(cards: &mut IndexMap<Ident, Merged>, mixins: &HashMap<Ident, (Origin, MixinDef)>) {
    let mut wanted: Vec<Wanted> = Vec::new();
    for card in cards.values() {
        for used in &card.def.mixins {
            let Some((_, mixin)) = mixins.get(&used.mixin) else { continue };
            let parameters: Vec<(String, String)> = used.parameters.iter().filter(|(name, _)| mixin.parameters.contains_key(name.as_str())).map(|(name, path)| (name.clone(), path.clone())).collect();
            wanted.extend(rows_of(mixin).into_iter().map(|(of, by)| (of, by, card.def.key.clone(), parameters.clone())));
        }
    }
    for (of, by, target, parameters) in wanted {
        let kept: Vec<(Ident, FieldDef)> = parameters.iter().filter_map(|(name, path)| Some((Ident::new(name).ok()?, kept_field(cards, &target, &by, path)?))).collect();
        let Some(card) = cards.get_mut(&of) else { continue };
        let Some(field) = card.def.fields.get_mut(&by).filter(|field| field.kind == Some(FieldType::LinkAny)) else { continue };
        if !field.targets.contains(&target) {
            field.targets.push(target);
        }
        for (name, def) in kept {
            let Some(fetch) = def.fetch.clone() else { continue };
            match card.def.fields.get_mut(&name) {
                None => {
                    card.def.fields.insert(name, def);
                }
                Some(known) => match &mut known.fetch {
                    None if known.computed.is_none() && known.rollup.is_none() => known.fetch = Some(fetch),
                    Some(own) if own.path != fetch.path && !own.more.contains(&fetch.path) => own.more.push(fetch.path),
                    _ => {}
                },
            }
        }
        let origin = card.origin.clone();
        remember(card, &origin);
    }
}

/// The field in which rows keep what a path of the card they are about leads to.
fn kept_field(cards: &IndexMap<Ident, Merged>, card: &Ident, by: &Ident, path: &str) -> Option<FieldDef> {
    let mut at = cards.get(card)?;
    let mut end: Option<&FieldDef> = None;
    for step in path.split('.') {
        if let Some(link) = end.and_then(|field| field.target.as_ref()) {
            at = cards.get(link)?;
        }
        end = if step == "id" { None } else { Some(at.def.fields.get(step)?) };
    }
    let itself = FieldDef { kind: Some(FieldType::Link), target: Some(at.def.key.clone()), labels: at.def.labels.clone(), ..FieldDef::default() };
    let end = end.cloned().unwrap_or(itself);
    let is_link = matches!(end.kind, Some(FieldType::Link | FieldType::Category | FieldType::User | FieldType::Links | FieldType::LinkAny));
    Some(FieldDef {
        kind: end.kind,
        labels: end.labels,
        target: end.target,
        targets: end.targets,
        options: end.options,
        scale: end.scale,
        on_delete: is_link.then_some(crate::OnDelete::SetNull),
        fetch: Some(FetchDef { path: format!("{by}({card}).{path}"), mode: FetchMode::Kept, editable: false, more: Vec::new() }),
        ..FieldDef::default()
    })
}
