//! Which column is which field, guessed from its heading: a key, or a label in any language.

use std::{collections::HashSet, sync::Arc};

use access::Actor;
use model::{Card, Catalog, Field, FieldKind, Ident, Part, Table};

use super::settings::{ColumnName, Mapped, Mode, Settings, refusal};

/// Every language that labels come in.
const LANGUAGES: [&str; 3] = ["en", "zh-Hans", "zh-Hant"];

/// A field that a column may become.
#[derive(Debug, Clone)]
pub struct Target {
    /// As settings name it: `lines.product`.
    pub name: String,
    /// For links: the field of the target that is meant.
    pub by: Option<String>,
    /// Its label in the actor's language.
    pub label: String,
    /// It must be filled in.
    pub required: bool,
    /// It is not set by hand: records are only known by it.
    pub only_key: bool,
    /// It points to other records.
    pub link: bool,
    words: HashSet<String>,
}

/// Letters and digits of a heading, in one case: what is left of decoration is what it says.
fn plain(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// Everything a column may become, for this actor.
pub fn targets(catalog: &Catalog, actor: &Actor, card: &Arc<Card>) -> Vec<Target> {
    let mut found = Vec::new();
    if let Some(id) = card.field("id") {
        found.push(target(catalog, &card.table, None, id, None, None, &actor.lang));
    }
    let tables = std::iter::once((None, &card.table)).chain(card.children.iter().map(|(key, table)| (Some(key), table)));
    for (child, table) in tables {
        let assigned = table.fields.values().filter(|field| field.system && matches!(field.key.as_str(), "owner" | "org_unit"));
        let is_key = |field: &&Field| child.is_none() && field.unique && !field.secret && field.column().is_some();
        for field in table.own_fields().chain(assigned).filter(|field| refusal(catalog, actor, card, child, field).is_none() || is_key(field)) {
            found.push(target(catalog, table, child, field, None, None, &actor.lang));
            let parts: &[Part] = match field.kind {
                FieldKind::Address => &Part::ALL[..5],
                FieldKind::Geo => &Part::ALL[5..],
                _ => &[],
            };
            found.extend(parts.iter().map(|part| target(catalog, table, child, field, Some(*part), None, &actor.lang)));
            if let FieldKind::Link(link) = &field.kind
                && let Some(other) = catalog.card(&link.target) {
                    let unique = other.table.own_fields().filter(|by| by.unique && !by.secret && by.column().is_some());
                    found.extend(unique.map(|by| target(catalog, table, child, field, None, Some(by), &actor.lang)));
                }
        }
    }
    found
}

fn target(catalog: &Catalog, table: &Table, child: Option<&Ident>, field: &Field, part: Option<Part>, by: Option<&Field>, lang: &str) -> Target {
    let mut name = child.map_or_else(String::new, |child| format!("{child}."));
    name.push_str(field.key.as_str());
    let mut words = HashSet::new();
    let label = |lang: &str| {
        let table = child.map(|child| table.labels.or_key(lang, child.as_str()));
        let names = [Some(field.labels.or_key(lang, field.key.as_str())), part.map(|part| form::format::part_label(part, lang).to_owned()), by.map(|by| by.labels.or_key(lang, by.key.as_str()))];
        (table, names.into_iter().flatten().collect::<Vec<_>>())
    };
    for lang in LANGUAGES {
        let (table, names) = label(lang);
        words.insert(plain(&names.join("")));
        words.extend(table.map(|table| plain(&format!("{table}{}", names.join("")))));
        // A part is known without the field it is of, where nothing else is called so.
        words.extend(part.map(|_| plain(names.last().map_or("", String::as_str))));
        if let (Some(by), FieldKind::Link(link)) = (by, &field.kind)
            && let Some(other) = catalog.card(&link.target) {
                words.insert(plain(&format!("{}{}", other.labels.or_key(lang, other.key.as_str()), by.labels.or_key(lang, by.key.as_str()))));
            }
    }
    words.insert(plain(&name));
    words.insert(plain(field.key.as_str()));
    if let Some(part) = part {
        name = format!("{name}.{}", part.name());
    }
    if part.is_some() || by.is_some() {
        words.remove(&plain(field.key.as_str()));
        words.remove(&plain(&format!("{}{}", child.map_or("", Ident::as_str), field.key)));
        words.insert(plain(&format!("{name}{}", by.map_or("", |by| by.key.as_str()))));
    }
    let (table, names) = label(lang);
    Target { label: table.into_iter().chain(names).collect::<Vec<_>>().join(" · "), by: by.map(|by| by.key.to_string()), required: field.required && part.is_none() && by.is_none(), only_key: !field.system && !field.is_editable(), link: matches!(field.kind, FieldKind::Link(_) | FieldKind::AnyLink { .. }), words, name }
}

/// Settings for a file with these headings: as last time where the headings are known from then, else by their words.
pub(super) fn settings(targets: &[Target], headings: &[String], last: Option<Settings>, chosen: Option<(Mode, Option<String>)>) -> Settings {
    let mut settings = Settings::default();
    let mut taken: HashSet<String> = HashSet::new();
    for (index, heading) in headings.iter().enumerate().filter(|(_, heading)| !heading.is_empty()) {
        let column = if headings.iter().filter(|known| *known == heading).count() == 1 { ColumnName::Heading(heading.clone()) } else { ColumnName::Number(index + 1) };
        let remembered = last.iter().flat_map(|last| &last.columns).find(|mapped| mapped.column == column && targets.iter().any(|target| target.name == mapped.field));
        let word = plain(heading);
        let guessed = || targets.iter().find(|target| target.words.contains(&word) && !taken.contains(&target.name));
        let mapped = match remembered.filter(|mapped| !taken.contains(&mapped.field)) {
            Some(mapped) => Some(mapped.clone()),
            None => guessed().map(|target| Mapped { column, field: target.name.clone(), by: target.by.clone(), create: false }),
        };
        if let Some(mapped) = mapped {
            taken.insert(mapped.field.clone());
            settings.columns.push(mapped);
        }
    }
    if let Some(last) = last {
        let still = last.key.as_ref().is_none_or(|key| taken.contains(key));
        if still {
            (settings.mode, settings.key) = (last.mode, last.key);
        }
        (settings.skip, settings.clear, settings.dates, settings.point) = (last.skip, last.clear, last.dates, last.point);
    } else if taken.contains("id") {
        // A file that names records was written by an export.
        (settings.mode, settings.key) = (Mode::Both, Some("id".into()));
    }
    if let Some((mode, key)) = chosen {
        (settings.mode, settings.key) = (mode, key);
    }
    without_spare_keys(targets, &mut settings);
    settings
}

/// What is not set by hand is of use only as the key.
fn without_spare_keys(targets: &[Target], settings: &mut Settings) {
    let key = settings.key.clone().filter(|_| settings.mode != Mode::Create);
    settings.columns.retain(|mapped| key.as_deref() == Some(mapped.field.as_str()) || !targets.iter().any(|target| target.only_key && target.name == mapped.field));
}
