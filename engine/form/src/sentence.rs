//! A condition read back as a sentence, so that a person sees what a query asks.
//!
//! **Invariants**
//! - Groups within groups stand in brackets: a sentence has one reading.
//! - Whatever does not resolve is said as it is written, never left out.
//!
//! **Not here:** titles of linked records (the caller knows them), HTML (`web`).

use model::{Catalog, FieldKind, Filter, Hop, Op, Path, TableRef, path, resolve, types};
use serde_json::Value as Json;

use crate::{
    Locale, format,
    words::{self, pick},
};

/// Reads conditions of one catalog to one person.
pub struct Sentences<'a> {
    /// Names of fields and options.
    pub catalog: &'a Catalog,
    /// How the person reads.
    pub locale: &'a Locale,
    /// What the caller calls a record, a user, a folder, by its id; `None` where it may not be told.
    pub titles: &'a dyn Fn(&str) -> Option<String>,
    /// What a parameter is called where it is asked.
    pub parameters: &'a dyn Fn(&str) -> Option<String>,
}

/// Most values told one by one.
const MOST_VALUES: usize = 4;

impl Sentences<'_> {
    /// The whole condition. Nothing for one that always holds.
    pub fn of(&self, table: &TableRef, filter: &Filter) -> String {
        match filter {
            Filter::All(parts) if parts.is_empty() => String::new(),
            filter => self.part(table, filter, false),
        }
    }

    fn word(&self, en: &str, hans: &str, hant: &str) -> String {
        pick(&self.locale.lang, (en, hans, hant))
    }

    fn is_chinese(&self) -> bool {
        self.locale.lang.starts_with("zh")
    }

    /// `inside`: other conditions stand beside it, so that a group needs brackets.
    fn part(&self, table: &TableRef, filter: &Filter, inside: bool) -> String {
        match filter {
            Filter::All(parts) => self.group(table, parts, &self.word(" and ", "，且", "，且"), &self.word("anything", "任何内容", "任何內容"), inside),
            Filter::Any(parts) => self.group(table, parts, &self.word(" or ", "，或", "，或"), &self.word("nothing", "没有任何内容", "沒有任何內容"), inside),
            Filter::Not(part) => format!("{}{}", self.word("not ", "非", "非"), self.bracketed(&self.part(table, part, false))),
            Filter::Test { field, op, value } => self.test(table, field, *op, value),
            Filter::Related { related, by, wanted, filter } => self.related(table, related, by.as_deref(), *wanted, filter),
        }
    }

    fn bracketed(&self, text: &str) -> String {
        if self.is_chinese() { format!("（{text}）") } else { format!("({text})") }
    }

    fn group(&self, table: &TableRef, parts: &[Filter], join: &str, none: &str, inside: bool) -> String {
        match parts {
            [] => none.to_owned(),
            [one] => self.part(table, one, inside),
            several => {
                let text = several.iter().map(|part| self.part(table, part, true)).collect::<Vec<_>>().join(join);
                if inside { self.bracketed(&text) } else { text }
            }
        }
    }

    fn test(&self, table: &TableRef, name: &str, op: Op, value: &Json) -> String {
        let Ok(path) = path::resolve(self.catalog, table, name) else { return format!("{name} {} {}", words::op(op, &self.locale.lang), plain(value)).trim().to_owned() };
        let label = path_label(self.catalog, table, name, &self.locale.lang);
        let kind = path.field(self.catalog).map(|field| resolve::kind_of(&path, field));
        let (op, value) = (op_words(op, path.is_many(), &self.locale.lang), self.value(kind.as_ref(), op, value));
        let space = if self.is_chinese() { "" } else { " " };
        if value.is_empty() { format!("{label}{space}{op}") } else { format!("{label}{space}{op}{space}{value}") }
    }

    /// A test's value in words; empty for operators without one.
    pub fn value(&self, kind: Option<&FieldKind>, op: Op, value: &Json) -> String {
        if op.is_unary() {
            return String::new();
        }
        let items: Vec<&Json> = value.as_array().map_or_else(|| vec![value], |items| items.iter().collect());
        let mut texts: Vec<String> = items.iter().take(MOST_VALUES).map(|item| self.one(kind, op, item)).collect();
        if items.len() > MOST_VALUES {
            texts.push(format!("+{}", items.len() - MOST_VALUES));
        }
        match op {
            Op::Between => texts.join(" – "),
            _ if self.is_chinese() => texts.join("、"),
            _ => texts.join(", "),
        }
    }

    fn one(&self, kind: Option<&FieldKind>, op: Op, item: &Json) -> String {
        let written = plain(item);
        if let Some(variable) = written.strip_prefix('@').filter(|rest| !rest.starts_with('@')) {
            return self.variable(variable);
        }
        if matches!(op, Op::In | Op::AnniversaryIn) {
            return words::period(&written, &self.locale.lang);
        }
        match kind {
            Some(FieldKind::Link(_) | FieldKind::AnyLink { .. }) => (self.titles)(&written).unwrap_or_else(|| "…".into()),
            Some(FieldKind::Choice { options, .. }) => format::label(options, &written, &self.locale.lang),
            Some(FieldKind::Text(_) | FieldKind::Address | FieldKind::RichText | FieldKind::Json { .. } | FieldKind::Formula { .. }) => {
                let (open, close) = if self.locale.lang == "zh-Hant" { ("「", "」") } else { ("“", "”") };
                format!("{open}{written}{close}")
            }
            // A moment is asked for by its day.
            Some(FieldKind::Datetime) if written.len() == 10 => types::read_json(&FieldKind::Date, item).map_or(written, |value| format::text(&FieldKind::Date, &value, self.locale)),
            Some(kind) => types::read_json(kind, item).map_or(written, |value| format::text(kind, &value, self.locale)),
            None => written,
        }
    }

    fn variable(&self, name: &str) -> String {
        match name {
            "me" => self.word("me", "我", "我"),
            "today" => self.word("today", "今天", "今天"),
            "now" => self.word("now", "现在", "現在"),
            _ => match (name.strip_prefix("me."), name.strip_prefix("param."), name.strip_prefix("record.")) {
                (Some(bound), _, _) => {
                    let what = self.bound(bound);
                    if self.is_chinese() { format!("我的{what}") } else { format!("my {}", what.to_lowercase()) }
                }
                (_, Some(parameter), _) => format!("?{}", (self.parameters)(parameter).unwrap_or_else(|| model::humanize(parameter))),
                (_, _, Some(path)) => format!("{} {}", self.word("the record's", "该记录的", "該記錄的"), model::humanize(path)),
                _ => format!("@{name}"),
            },
        }
    }

    /// What a pack binds to the user, by the name of the card it is of.
    fn bound(&self, name: &str) -> String {
        let binding = self.catalog.bindings.get(name);
        let card = binding.and_then(|binding| self.catalog.card(binding.target.as_ref().unwrap_or(&binding.card)));
        card.map_or_else(|| model::humanize(name), |card| card.labels.or_key(&self.locale.lang, card.key.as_str()))
    }

    fn related(&self, table: &TableRef, from: &str, by: Option<&str>, wanted: bool, filter: &Filter) -> String {
        let what = related_label(self.catalog, table, from, by, &self.locale.lang);
        let has = if wanted { self.word("has ", "有", "有") } else { self.word("has no ", "没有", "沒有") };
        let inner = resolve::row_source(self.catalog, table, from, by).ok().map(|rows| rows.table().clone());
        let condition = match (&inner, filter) {
            (_, Filter::All(parts)) if parts.is_empty() => String::new(),
            (Some(inner), filter) => self.part(inner, filter, false),
            (None, filter) => filter.to_json().to_string(),
        };
        match condition.is_empty() {
            true => format!("{has}{what}"),
            false if self.is_chinese() => format!("{has}{what}{}", self.bracketed(&condition)),
            false => format!("{has}{what} {}", self.bracketed(&format!("where {condition}"))),
        }
    }
}

fn plain(value: &Json) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// An operator in words. Where a path leads to many rows, one of them is enough; what is denied, each must be without.
pub fn op_words(op: Op, many: bool, lang: &str) -> String {
    let text = words::op(op, lang);
    let each = matches!(op, Op::IsNot | Op::NoneOf | Op::NotContains | Op::Empty);
    match (many, each) {
        (false, _) => text,
        (true, false) => format!("{}{text}", pick(lang, ("some, ", "任一", "任一"))),
        (true, true) => format!("{}{text}", pick(lang, ("each, ", "均", "均"))),
    }
}

/// The name of a path, link by link: `Customer · Industry · Name`.
pub fn path_label(catalog: &Catalog, table: &TableRef, name: &str, lang: &str) -> String {
    let Ok(path) = path::resolve(catalog, table, name) else { return name.to_owned() };
    // A fetched field has a name of its own.
    if let Some(field) = catalog.table(table).and_then(|table| table.fields.get(name)) {
        return field.labels.or_key(lang, name);
    }
    let mut at = path.start.clone();
    let mut labels = Vec::new();
    for hop in &path.hops {
        let (label, next) = step(catalog, &at, hop, lang);
        labels.extend(label);
        at = next;
    }
    labels.extend(leaf(catalog, &path, lang));
    labels.join(" · ")
}

fn step(catalog: &Catalog, at: &TableRef, hop: &Hop, lang: &str) -> (Option<String>, TableRef) {
    let field = |key: &model::Ident| catalog.table(at).and_then(|table| table.field(key)).map(|field| field.labels.or_key(lang, key.as_str()));
    match hop {
        Hop::Link { field: key, target } | Hop::Links { field: key, target } | Hop::AnyLink { field: key, target } => (field(key), TableRef::card(target)),
        Hop::Child { table } => {
            let next = TableRef::child(&at.card, table);
            (catalog.table(&next).map(|child| child.labels.or_key(lang, table.as_str())), next)
        }
        Hop::Parent => (catalog.card(&at.card).map(|card| card.labels.or_key(lang, at.card.as_str())), TableRef::card(&at.card)),
    }
}

fn leaf(catalog: &Catalog, path: &Path, lang: &str) -> Vec<String> {
    if path.leaf == "id" && !path.hops.is_empty() {
        return Vec::new();
    }
    if path.leaf == "id" {
        return vec![catalog.card(&path.end.card).map_or_else(|| "id".into(), |card| card.labels.or_key(lang, card.key.as_str()))];
    }
    let own = path.field(catalog).map(|field| field.labels.or_key(lang, field.key.as_str()));
    own.into_iter().chain(path.part.map(|part| part_label(part, lang))).collect()
}

/// A part of an address or a place.
pub fn part_label(part: model::Part, lang: &str) -> String {
    use model::Part;
    pick(lang, match part {
        Part::Country => ("Country", "国家", "國家"),
        Part::Region => ("Region", "省/州", "省/州"),
        Part::City => ("City", "城市", "城市"),
        Part::Street => ("Street", "街道", "街道"),
        Part::Postcode => ("Postcode", "邮编", "郵遞區號"),
        Part::Lat => ("Latitude", "纬度", "緯度"),
        Part::Lon => ("Longitude", "经度", "經度"),
    })
}

/// What related rows are called: `Orders`, or `Orders (Contact)` where they point here by a link of another name.
pub fn related_label(catalog: &Catalog, table: &TableRef, from: &str, by: Option<&str>, lang: &str) -> String {
    let Ok(rows) = resolve::row_source(catalog, table, from, by) else { return from.to_owned() };
    let of = rows.table();
    let plural = |card: &model::Card| card.plurals.or_key(lang, card.key.as_str());
    let name = match (&of.child, catalog.card(&of.card)) {
        (Some(child), _) => catalog.table(of).map_or_else(|| child.to_string(), |found| found.labels.or_key(lang, child.as_str())),
        (None, Some(card)) => plural(card),
        (None, None) => from.to_owned(),
    };
    let model::RowSource::Pointing { by, .. } = &rows else { return name };
    let others = catalog.links_to(&table.card).filter(|(found, _)| found.reference() == *of).count();
    if others < 2 { name } else { format!("{name} ({})", path_label(catalog, of, &by.to_string(), lang)) }
}

#[cfg(test)]
mod tests;
