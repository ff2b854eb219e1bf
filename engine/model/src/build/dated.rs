//! Dated links: a link with `history` brings a child table that says who it led to, since when, and until when.
//!
//! The table is written out here as a pack would have written it, so that rights, questions, search, forms, merging and
//! undoing know it like any other.
//!
//! **Not here:** keeping the rows as the link changes (`app::records::save::dated`).

use indexmap::IndexMap;

use super::{Origin, merge::Merged};
use crate::{
    FieldType, Filter, Ident, Labels, OnDelete,
    def::{ChildTableDef, FieldDef, PanelDef, PanelKind, RuleDef, Severity, TabDef},
    diagnostic::Diagnostic,
};

/// The first day of a row of a dated link, and the last.
pub const SINCE: &str = "since";
/// See [`SINCE`].
pub const UNTIL: &str = "ended";

/// The child table that a dated link brings.
pub fn table_of(link: &Ident) -> Option<Ident> {
    Ident::new(&format!("{link}_history")).ok()
}

fn words(en: &str, hans: &str, hant: &str) -> Labels {
    Labels(IndexMap::from([("en".into(), en.into()), ("zh-Hans".into(), hans.into()), ("zh-Hant".into(), hant.into())]))
}

/// Writes out what the dated links of a card bring.
pub(super) fn write_out(card: &mut Merged, findings: &mut Vec<Diagnostic>) {
    for (table, fields) in &card.def.child_tables {
        for key in fields.fields.iter().filter(|(_, field)| field.history).map(|(key, _)| key) {
            findings.push(card.origin_of(Some(table), key).error("/history", "only a link of the record itself keeps its history"));
        }
    }
    let dated: Vec<(Ident, FieldDef)> = card.def.fields.iter().filter(|(_, field)| field.history).map(|(key, field)| (key.clone(), field.clone())).collect();
    for (key, field) in dated {
        let origin = card.origin_of(None, &key).clone();
        let is_single = matches!(field.kind, Some(FieldType::Link | FieldType::Category | FieldType::User));
        let wrong = match () {
            // What else is wrong with its type is said where types are read.
            () if field.kind == Some(FieldType::Links) => Some("a link to one record keeps its history; one to several does not".to_owned()),
            () if !is_single => continue,
            () if field.fetch.is_some() || field.computed.is_some() || field.rollup.is_some() => Some("only a link that people set keeps its history".to_owned()),
            () if [SINCE, UNTIL].contains(&key.as_str()) => Some(format!("a dated link is not called `{key}`: its rows have such a field")),
            () => None,
        };
        let table = table_of(&key);
        match (wrong, table) {
            (Some(message), _) => findings.push(origin.error("/history", message)),
            (None, None) => {
                findings.push(origin.error("/history", format!("`{key}_history` would be too long for a child table")).help("shorten the key of the link, and keep the old one as its `id`"))
            }
            (None, Some(table)) if card.def.fields.contains_key(&table) || card.def.child_tables.contains_key(&table) => {
                findings.push(origin.error("/history", format!("the history of `{key}` is the child table `{table}`, and there is something of that name already")));
            }
            (None, Some(table)) => bring(card, &key, &field, table, &origin),
        }
    }
}

fn bring(card: &mut Merged, key: &Ident, field: &FieldDef, table: Ident, origin: &Origin) {
    let ident = |text: &str| Ident::new(text).unwrap_or_else(|_| unreachable!("a plain word"));
    let name = |lang: &str, or: &str| field.labels.0.get(lang).cloned().unwrap_or_else(|| or.to_owned());
    let plain = crate::def::humanize(key.as_str());
    let en = name("en", &plain);
    let (hans, hant) = (name("zh-Hans", &en), name("zh-Hant", &en));
    let labels = words(&format!("{en} over time"), &format!("{hans}变更记录"), &format!("{hant}變更記錄"));
    let day = |labels| FieldDef { kind: Some(FieldType::Date), labels, ..FieldDef::default() };
    let link = FieldDef { kind: field.kind, labels: field.labels.clone(), target: field.target.clone(), on_delete: Some(OnDelete::SetNull), ..FieldDef::default() };
    let fields = IndexMap::from([(key.clone(), link), (ident(SINCE), day(words("Since", "自", "自"))), (ident(UNTIL), day(words("Until", "至", "至")))]);
    let id = card.def.fields.get(key).and_then(|field| field.id.clone()).and_then(|id| table_of(&id));
    card.def.child_tables.insert(table.clone(), ChildTableDef { id, labels: labels.clone(), fields, unique: Vec::new(), min_rows: None, max_rows: None });
    super::merge::remember(card, origin);
    let ended = serde_json::json!({"related": table, "has": {"field": UNTIL, "op": "before", "value": format!("@row.{SINCE}")}});
    if let (Ok(when), Ok(id)) = (Filter::from_json(&ended), Ident::new(&format!("{table}_order"))) {
        let message = words("It ends before it begins.", "结束早于开始。", "結束早於開始。");
        card.rules.push((origin.clone(), RuleDef { id, when, then: Severity::Error, field: Some(format!("{table}.{UNTIL}")), message }));
    }
    // Whoever is looked for through the link is found by those it led to before, too.
    let own = format!("{key}.");
    if let Some((place, path)) = card.search.iter().find(|(_, path)| path == key.as_str() || path.starts_with(&own)).cloned() {
        card.search.push((place, format!("{table}.{path}")));
    }
    let is_shown = card.tabs.iter().any(|(_, tab)| panels(tab).any(|panel| panel.table.as_ref() == Some(&table)));
    if is_shown || card.tabs.is_empty() {
        return;
    }
    let panel = PanelDef {
        kind: PanelKind::Child,
        labels: Labels::default(),
        table: Some(table.clone()),
        card: None,
        by: None,
        field: None,
        columns: Vec::new(),
        totals: Vec::new(),
        sort: None,
        condition: None,
        create: None,
    };
    let tab = TabDef { id: table, labels, icon: Some("history".into()), after: None, visible_when: None, sections: Vec::new(), panel: Some(panel) };
    let at = card.tabs.iter().position(|(_, tab)| tab.panel.as_ref().is_some_and(|panel| panel.kind == PanelKind::History)).unwrap_or(card.tabs.len());
    card.tabs.insert(at, (origin.clone(), tab));
}

fn panels(tab: &TabDef) -> impl Iterator<Item = &PanelDef> {
    tab.panel.iter().chain(tab.sections.iter().filter_map(|section| section.panel.as_ref()))
}
