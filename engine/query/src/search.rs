//! Quick search: in which fields of a card words are looked for, and what of a value is text.
//!
//! Each field that a card is searched by has a *slot*: a code that stands before every word of that field in the
//! index, so that a question names the fields it looks into, and those that a reader may not read are not asked.
//!
//! **Not here:** how texts are cut (`search`), the index's statements (`sql`).

use model::{Card, Catalog, FieldKind, Hop, Path, TextFlavour, Value, path, resolve};
use serde_json::Value as Json;

/// Own texts looked into where a card names no search fields.
const MAX_OWN: usize = 6;
/// Letters of a code. Short, since every word of the index begins with one.
const CODE: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";

/// What words ask for.
#[derive(Debug, Clone)]
pub struct Search {
    /// What was typed.
    pub question: search::Question,
    /// Where it is looked for.
    pub slots: Vec<Slot>,
}

/// A field that a card is searched by.
#[derive(Debug, Clone, PartialEq)]
pub struct Slot {
    /// Stands before its words in the index.
    pub code: String,
    /// Stands before the beginnings of its values.
    pub whole: String,
    /// Where the field is.
    pub path: Path,
    /// Whether it is part of the title.
    pub title: bool,
    /// What it holds.
    pub kind: FieldKind,
}

impl Slot {
    /// How its texts are kept.
    pub fn style(&self) -> search::Style {
        let spoken = match &self.kind {
            FieldKind::Text(text) => text.flavour == TextFlavour::Text,
            FieldKind::Choice { .. } | FieldKind::Formula { .. } => true,
            _ => false,
        };
        search::Style { title: self.title, spoken }
    }

    /// What of a value is text.
    pub fn texts(&self, value: &Value) -> Vec<String> {
        let option = |value: &str| -> Vec<String> {
            let FieldKind::Choice { options, .. } = &self.kind else { return vec![value.to_owned()] };
            let labels = options.iter().filter(|option| option.value == value).flat_map(|option| option.labels.0.values().cloned());
            std::iter::once(value.to_owned()).chain(labels).collect()
        };
        match value {
            Value::Text(text) => option(text),
            Value::Texts(texts) => texts.iter().flat_map(|text| option(text)).collect(),
            Value::Int(number) => vec![number.to_string()],
            Value::Decimal(number) => vec![number.to_string()],
            Value::Date(date) => vec![date.to_string()],
            Value::Json(json) => {
                let mut found = Vec::new();
                strings(json, self.kind == FieldKind::RichText, &mut found);
                vec![found.join(" ")]
            }
            _ => Vec::new(),
        }
    }
}

/// Texts of a document; of rich text only what people wrote.
fn strings(json: &Json, rich: bool, found: &mut Vec<String>) {
    match json {
        Json::String(text) if !rich => found.push(text.clone()),
        Json::Array(parts) => parts.iter().for_each(|part| strings(part, rich, found)),
        Json::Object(map) => map.iter().for_each(|(key, value)| match value {
            Json::String(text) if rich && key == "text" => found.push(text.clone()),
            value => strings(value, rich, found),
        }),
        _ => {}
    }
}

/// Where a card's records are looked for: its title, then what its definition names, else a few of its own texts.
pub fn slots(catalog: &Catalog, card: &Card) -> Vec<Slot> {
    let table = card.table.reference();
    let titles: Vec<Path> = card.title.paths().cloned().flat_map(|path| through_link(catalog, path)).collect();
    let mut paths = titles.clone();
    if card.search.is_empty() {
        let texts = card.table.own_fields().filter(|field| matches!(field.kind, FieldKind::Text(_)) && field.column().is_some());
        paths.extend(texts.take(MAX_OWN).map(|field| Path::own(table.clone(), field.key.clone())));
    } else {
        paths.extend(card.search.iter().cloned().flat_map(|path| through_link(catalog, path)));
    }
    let mut slots: Vec<Slot> = Vec::new();
    for path in paths {
        let Some(field) = path.field(catalog).filter(|field| !field.secret) else { continue };
        let kind = resolve::kind_of(&path, field);
        if !is_text(&kind) || slots.iter().any(|known| known.path == path) {
            continue;
        }
        let identity = identity(catalog, card, &path);
        let taken: Vec<String> = slots.iter().flat_map(|slot| [slot.code.clone(), slot.whole.clone()]).collect();
        let code = code(&identity, &taken);
        let whole = self::code(&format!("{identity}="), &[taken, vec![code.clone()]].concat());
        slots.push(Slot { code, whole, title: titles.contains(&path), kind, path });
    }
    slots
}

/// A link is found by its target's title.
fn through_link(catalog: &Catalog, found: Path) -> Vec<Path> {
    let target = match found.field(catalog).map(|field| &field.kind) {
        Some(FieldKind::Link(link)) if found.leaf != "id" => catalog.card(&link.target),
        _ => return vec![found],
    };
    let parts = target.into_iter().flat_map(|target| target.title.paths());
    parts.filter_map(|part| path::resolve(catalog, &found.start, &format!("{found}.{part}")).ok()).collect()
}

fn is_text(kind: &FieldKind) -> bool {
    match kind {
        FieldKind::Text(_) | FieldKind::Formula { .. } | FieldKind::Choice { .. } | FieldKind::Address | FieldKind::RichText => true,
        FieldKind::Integer { .. } | FieldKind::Decimal(_) | FieldKind::Date => true,
        FieldKind::Rating { .. } | FieldKind::Boolean | FieldKind::Time | FieldKind::Datetime | FieldKind::Duration | FieldKind::Link(_) | FieldKind::AnyLink { .. } => false,
        FieldKind::Geo | FieldKind::File(_) | FieldKind::Json { .. } | FieldKind::Colour => false,
    }
}

/// A path by permanent identities: what is renamed keeps its code, what is replaced gets another.
fn identity(catalog: &Catalog, card: &Card, path: &Path) -> String {
    let mut table = path.start.clone();
    let mut text = card.id.to_string();
    let mut field = |table: &model::TableRef, key: &model::Ident| {
        let id = catalog.table(table).and_then(|table| table.field(key)).map_or_else(|| key.to_string(), |field| field.id.to_string());
        text.push('/');
        text.push_str(&id);
    };
    for hop in &path.hops {
        match hop {
            Hop::Link { field: key, target } | Hop::Links { field: key, target } | Hop::AnyLink { field: key, target } => {
                field(&table, key);
                table = model::TableRef::card(target);
            }
            Hop::Child { table: child } => {
                table.child = Some(child.clone());
                field(&table, child);
            }
            Hop::Parent => table.child = None,
        }
    }
    field(&table, &path.leaf);
    path.part.map_or(text.clone(), |part| format!("{text}.{}", part.name()))
}

/// FNV-1a, 64 bits (Fowler, Noll, Vo): the same for ever, as what is stored must be.
fn fnv(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// Three letters that stand for an identity.
fn code(identity: &str, taken: &[String]) -> String {
    let mut hash = fnv(identity);
    loop {
        let letters = [hash >> 40, hash >> 20, hash].map(|part| char::from(CODE[(part % 36) as usize]));
        let code: String = letters.iter().collect();
        if !taken.contains(&code) {
            return code;
        }
        hash = hash.wrapping_mul(0x0100_0000_01b3).wrapping_add(1);
    }
}

/// What a card's entries were made by: another layout means that they must be made again.
pub fn layout(slots: &[Slot]) -> String {
    let parts: Vec<String> = slots.iter().map(|slot| format!("{} {} {} {:?}", slot.code, slot.title, slot.path, slot.kind)).collect();
    format!("{}.{:016x}", search::VERSION, fnv(&parts.join("\n")))
}
