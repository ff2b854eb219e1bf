//! Tabs, sections, panels and views.

use super::{Merged, Origin, condition};
use crate::{
    Card, Catalog, FieldKind, Ident, Labels, Panel, PanelContent, Path, Placed, RowSource, Scopes, Section, SectionContent, Tab, TabContent, Table, TableRef, View,
    def::{PanelDef, PanelKind, PlacedDef, SectionDef, TabDef, ViewDef},
    diagnostic::Diagnostic,
    load::PackSource,
    path, resolve, resolve_view,
};

/// Lays out one card.
pub(crate) fn resolve(card: &mut Card, part: &Merged, packs: &[&PackSource], catalog: &Catalog, findings: &mut Vec<Diagnostic>) {
    let mut ids: Vec<Ident> = Vec::new();
    let mut tabs = Vec::new();
    for (origin, def) in &part.tabs {
        if ids.contains(&def.id) {
            findings.push(origin.error("/id", format!("the tab `{}` stands twice", def.id)));
        }
        ids.push(def.id.clone());
        tabs.push(tab(card, def, part, origin, catalog, findings));
    }
    card.tabs = if tabs.is_empty() { default_tabs(card) } else { tabs };
    let from_files = packs.iter().flat_map(|pack| pack.views.iter().map(move |(file, view)| (pack, file, view)));
    let from_files = from_files.filter(|(_, _, view)| view.card.as_ref() == Some(&card.key)).filter_map(|(pack, file, view)| {
        Some((Origin { pack: pack.manifest.as_ref()?.id.clone(), file: file.clone(), pointer: String::new() }, view.clone()))
    });
    let views: Vec<(Origin, ViewDef)> = part.views.iter().cloned().chain(from_files).collect();
    card.views = views.iter().map(|(origin, def)| view(card, def, origin, catalog, findings)).collect();
    card.views.extend(super::pool::view(card));
}

/// Everything on one tab, child tables below, the history on its own.
fn default_tabs(card: &Card) -> Vec<Tab> {
    let key = |text: &str| Ident::new(text).unwrap_or_else(|_| unreachable!("a plain word"));
    let words = |en: &str, hans: &str, hant: &str| Labels(indexmap::IndexMap::from([("en".into(), en.into()), ("zh-Hans".into(), hans.into()), ("zh-Hant".into(), hant.into())]));
    let section = |id: Ident, labels: Labels, content: SectionContent| Section { id, labels, help: Labels::default(), columns: 2, collapsed: false, visible_when: None, content };
    let fields = card.table.own_fields().map(|field| Placed { field: field.key.clone(), span: None }).collect();
    let mut sections = vec![section(key("fields"), Labels::default(), SectionContent::Fields(fields))];
    for (child, table) in &card.children {
        let columns = table.own_fields().map(|field| field.key.clone()).collect();
        let totals = table.own_fields().filter(|field| matches!(field.kind, FieldKind::Decimal(_)) && !field.is_editable()).map(|field| field.key.clone()).collect();
        let panel = Panel { labels: table.labels.clone(), content: PanelContent::Child { table: child.clone(), columns, totals } };
        sections.push(section(child.clone(), table.labels.clone(), SectionContent::Panel(panel)));
    }
    vec![
        Tab { id: key("main"), labels: card.labels.clone(), icon: None, visible_when: None, content: TabContent::Sections(sections) },
        Tab {
            id: key("history"),
            labels: words("History", "历史", "歷史"),
            icon: None,
            visible_when: None,
            content: TabContent::Panel(Panel { labels: Labels::default(), content: PanelContent::History }),
        },
    ]
}

fn own_scopes(card: &Card) -> Scopes {
    Scopes { table: card.table.reference(), record: Some(card.table.reference()), row: None }
}

fn tab(card: &Card, def: &TabDef, part: &Merged, origin: &Origin, catalog: &Catalog, findings: &mut Vec<Diagnostic>) -> Tab {
    let visible_when = def.visible_when.as_ref().and_then(|filter| condition(catalog, &own_scopes(card), filter, origin, "/visible_when", findings));
    if def.panel.is_some() && !def.sections.is_empty() {
        findings.push(origin.error("", "a tab holds sections or one panel, not both"));
    }
    let content = match &def.panel {
        Some(panel_def) => match panel(card, panel_def, origin, "/panel", catalog, findings) {
            Some(panel) => TabContent::Panel(panel),
            None => TabContent::Sections(Vec::new()),
        },
        None => {
            let one = |(index, def): (usize, &SectionDef)| match part.sections.get(&def.id) {
                Some(elsewhere) => section(card, def, elsewhere, "", catalog, findings),
                None => section(card, def, origin, &format!("/sections/{index}"), catalog, findings),
            };
            TabContent::Sections(def.sections.iter().enumerate().map(one).collect())
        }
    };
    Tab { id: def.id.clone(), labels: def.labels.clone(), icon: def.icon.clone(), visible_when, content }
}

fn section(card: &Card, def: &SectionDef, origin: &Origin, pointer: &str, catalog: &Catalog, findings: &mut Vec<Diagnostic>) -> Section {
    let visible_when = def.visible_when.as_ref().and_then(|filter| condition(catalog, &own_scopes(card), filter, origin, &format!("{pointer}/visible_when"), findings));
    let content = match &def.panel {
        Some(panel_def) => panel(card, panel_def, origin, &format!("{pointer}/panel"), catalog, findings).map(SectionContent::Panel),
        None => None,
    };
    let content = content.unwrap_or_else(|| {
        let mut placed: Vec<Placed> = Vec::new();
        for (index, place) in def.place.iter().enumerate() {
            let (key, span) = match place {
                PlacedDef::Key(key) => (key, None),
                PlacedDef::Wide(wide) => (&wide.field, Some(wide.span)),
            };
            let at = format!("{pointer}/place/{index}");
            if !card.table.fields.contains_key(key) {
                findings.push(origin.error(&at, format!("`{}` has no field `{key}`", card.key)).near(key.as_str(), card.table.fields.keys().map(Ident::as_str)));
            } else if placed.iter().any(|known| known.field == *key) {
                findings.push(origin.error(&at, format!("`{key}` stands in this section twice")));
            } else {
                placed.push(Placed { field: key.clone(), span });
            }
        }
        SectionContent::Fields(placed)
    });
    Section { id: def.id.clone(), labels: def.labels.clone(), help: def.help.clone(), columns: def.columns.clamp(1, 4), collapsed: def.collapsed, visible_when, content }
}

fn panel(card: &Card, def: &PanelDef, origin: &Origin, pointer: &str, catalog: &Catalog, findings: &mut Vec<Diagnostic>) -> Option<Panel> {
    let content = match def.kind {
        PanelKind::Child => child_panel(card, def, origin, pointer, findings),
        PanelKind::Related => related_panel(card, def, origin, pointer, catalog, findings),
        PanelKind::Tree => tree_panel(card, def, origin, pointer, catalog, findings),
        PanelKind::History => Some(PanelContent::History),
        PanelKind::Activity => Some(PanelContent::Activity),
        PanelKind::Figures => Some(PanelContent::Figures { fields: keys_of(&card.table, &def.columns, origin, &format!("{pointer}/columns"), findings) }),
        PanelKind::Files | PanelKind::Series => match def.field.as_ref().filter(|key| card.table.fields.contains_key(*key)) {
            Some(field) if def.kind == PanelKind::Files => Some(PanelContent::Files { field: field.clone() }),
            Some(field) => Some(PanelContent::Series { field: field.clone() }),
            None => {
                findings.push(origin.error(&format!("{pointer}/field"), "this panel names a field of the card"));
                None
            }
        },
    };
    content.map(|content| Panel { labels: def.labels.clone(), content })
}

fn child_panel(card: &Card, def: &PanelDef, origin: &Origin, pointer: &str, findings: &mut Vec<Diagnostic>) -> Option<PanelContent> {
    let name = def.table.as_ref().map_or("", Ident::as_str);
    let Some(table) = card.children.get(name) else {
        findings.push(origin.error(&format!("{pointer}/table"), format!("`{}` has no child table `{name}`", card.key)).near(name, card.children.keys().map(Ident::as_str)));
        return None;
    };
    let columns = keys_of(table, &def.columns, origin, &format!("{pointer}/columns"), findings);
    let totals = keys_of(table, &def.totals, origin, &format!("{pointer}/totals"), findings);
    let columns = if columns.is_empty() { table.own_fields().map(|field| field.key.clone()).collect() } else { columns };
    Some(PanelContent::Child { table: table.child.clone()?, columns, totals })
}

fn keys_of(table: &Table, names: &[String], origin: &Origin, pointer: &str, findings: &mut Vec<Diagnostic>) -> Vec<Ident> {
    let found = names.iter().enumerate().filter_map(|(index, name)| match table.fields.get(name.as_str()) {
        Some(field) => Some(field.key.clone()),
        None => {
            findings.push(origin.error(&format!("{pointer}/{index}"), format!("`{}` has no field `{name}`", table.reference())).near(name, table.fields.keys().map(Ident::as_str)));
            None
        }
    });
    found.collect()
}

fn related_panel(card: &Card, def: &PanelDef, origin: &Origin, pointer: &str, catalog: &Catalog, findings: &mut Vec<Diagnostic>) -> Option<PanelContent> {
    let from = def.card.as_deref().unwrap_or_default();
    let rows = match resolve::row_source(catalog, &card.table.reference(), from, def.by.as_deref()) {
        Ok(RowSource::Pointing { table, by }) => (table, by),
        Ok(RowSource::Child { .. }) => {
            findings.push(origin.error(&format!("{pointer}/card"), format!("`{from}` is a child table")).help("{\"kind\": \"child\", \"table\": …}"));
            return None;
        }
        Err(message) => {
            findings.push(origin.error(&format!("{pointer}/card"), message));
            return None;
        }
    };
    let (table, by) = rows;
    let mut paths = |names: &[String], what: &str| paths_of(catalog, &table, names, origin, &format!("{pointer}/{what}"), findings);
    let (columns, totals) = (paths(&def.columns, "columns"), paths(&def.totals, "totals"));
    let columns = if columns.is_empty() { default_columns(catalog, &table, Some(&by)) } else { columns };
    let scopes = Scopes { table: table.clone(), record: Some(card.table.reference()), row: None };
    let condition = def.condition.as_ref().and_then(|filter| condition(catalog, &scopes, filter, origin, &format!("{pointer}/where"), findings));
    // Rows of another record's child table are made there, not here.
    let create = def.create.unwrap_or(true) && table.child.is_none() && by.hops.is_empty();
    Some(PanelContent::Related { table, by, columns, totals, sort: def.sort.clone(), condition, create })
}

fn tree_panel(card: &Card, def: &PanelDef, origin: &Origin, pointer: &str, catalog: &Catalog, findings: &mut Vec<Diagnostic>) -> Option<PanelContent> {
    let from = def.card.as_deref().unwrap_or_default();
    match resolve::row_source(catalog, &card.table.reference(), from, def.by.as_deref()) {
        Ok(RowSource::Pointing { table, by }) if catalog.card(&table.card).is_some_and(|card| card.tree.is_some()) => Some(PanelContent::Tree { card: table.card, by }),
        Ok(_) => {
            findings.push(origin.error(&format!("{pointer}/card"), format!("`{from}` is no tree card")));
            None
        }
        Err(message) => {
            findings.push(origin.error(&format!("{pointer}/card"), message));
            None
        }
    }
}

fn paths_of(catalog: &Catalog, table: &TableRef, names: &[String], origin: &Origin, pointer: &str, findings: &mut Vec<Diagnostic>) -> Vec<Path> {
    let found = names.iter().enumerate().filter_map(|(index, name)| match path::resolve(catalog, table, name) {
        Ok(path) => Some(path),
        Err(error) => {
            findings.push(origin.error(&format!("{pointer}/{index}"), error.message));
            None
        }
    });
    found.collect()
}

/// What a list shows when nobody said: the title's fields first, then the first fields that fit a cell.
pub fn default_columns(catalog: &Catalog, table: &TableRef, without: Option<&Path>) -> Vec<Path> {
    let Some(found) = catalog.table(table) else { return Vec::new() };
    let fits = |field: &&crate::Field| {
        !field.secret
            && !matches!(field.kind, FieldKind::RichText | FieldKind::Json { .. } | FieldKind::Geo | FieldKind::Formula { .. } | FieldKind::File(_))
            && !matches!(&field.kind, FieldKind::Text(text) if text.flavour == crate::TextFlavour::LongText)
    };
    let own = found.own_fields().filter(fits).filter_map(|field| path::resolve(catalog, table, field.key.as_str()).ok());
    own.filter(|path| Some(path) != without.filter(|by| by.hops.is_empty())).take(8).collect()
}

fn view(card: &Card, def: &ViewDef, origin: &Origin, catalog: &Catalog, findings: &mut Vec<Diagnostic>) -> View {
    let (view, faults) = resolve_view(catalog, &card.table.reference(), def);
    findings.extend(faults.into_iter().map(|fault| origin.error(&fault.pointer, fault.message)));
    view
}
