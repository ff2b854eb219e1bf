//! Values of conditions: how they are asked for, read from a form, and called.

use std::collections::HashMap;

use app::{AppError, Source, titles};
use form::submit::plain_number;
use model::{Catalog, Field, FieldKind, Filter, Hop, Ident, Op, Path, TableRef, path, resolve};
use serde_json::Value as Json;
use uuid::Uuid;

use crate::{
    Site,
    pages::{Reader, cells, words},
    view::{FilterValue, FilterWord, OptionView, ValueBox, ValueEditor},
};

/// What ids in a filter are called by this reader; what may not be seen has no name.
#[derive(Debug, Default)]
pub struct Names(HashMap<String, String>);

impl Names {
    /// The names of everything a filter points to: one statement for each card.
    pub async fn load(site: &Site, reader: &Reader, table: &TableRef, filter: &Filter) -> Result<Self, AppError> {
        let mut wanted = titles::Wanted::new();
        collect(&reader.asker.snapshot.catalog, table, filter, &mut wanted);
        let found = titles::fetch(&mut Source::App(&site.app), &reader.asker.snapshot.catalog, &reader.asker.actor, &wanted, &reader.asker.locale).await?;
        let mut names: HashMap<String, String> = found.into_iter().map(|(id, title)| (id.to_string(), title)).collect();
        names.extend(reader.folders.iter().map(|folder| (folder.id.to_string(), folder.name.clone())));
        Ok(Self(names))
    }

    pub fn get(&self, id: &str) -> Option<String> {
        self.0.get(id).cloned()
    }
}

fn collect(catalog: &Catalog, table: &TableRef, filter: &Filter, wanted: &mut titles::Wanted) {
    match filter {
        Filter::All(parts) | Filter::Any(parts) => parts.iter().for_each(|part| collect(catalog, table, part, wanted)),
        Filter::Not(part) => collect(catalog, table, part, wanted),
        Filter::Related { related, by, filter, .. } => {
            if let Ok(rows) = resolve::row_source(catalog, table, related, by.as_deref()) {
                collect(catalog, &rows.table().clone(), filter, wanted);
            }
        }
        Filter::Test { field, op, value } if *op != Op::InFolder => {
            let Ok(path) = path::resolve(catalog, table, field) else { return };
            let items = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
            let ids: Vec<Uuid> = items.iter().filter_map(|item| Uuid::try_parse(item.as_str()?).ok()).collect();
            for target in path.field(catalog).map(|field| targets(&path, field)).unwrap_or_default() {
                wanted.entry(target).or_default().extend(ids.iter().copied());
            }
        }
        Filter::Test { .. } => {}
    }
}

/// The cards that what stands at the end of a path may point to.
pub fn targets(path: &Path, field: &Field) -> Vec<Ident> {
    match &field.kind {
        _ if path.leaf == "id" => vec![path.end.card.clone()],
        FieldKind::Link(link) => vec![link.target.clone()],
        FieldKind::AnyLink { targets, .. } => targets.clone(),
        _ => Vec::new(),
    }
}

/// The operators a person is offered: those that fit and that an editor can be made for, and the present one.
pub fn offered(catalog: &Catalog, path: &Path, field: &Field, present: Option<Op>) -> Vec<Op> {
    let kind = resolve::kind_of(path, field);
    let tree = resolve::tree_of(catalog, path, field).is_some();
    let fits = |op: &Op| match (&kind, op) {
        _ if Some(*op) == present => true,
        (FieldKind::Text(_) | FieldKind::Formula { .. } | FieldKind::Colour, Op::Gt | Op::Gte | Op::Lt | Op::Lte | Op::Between) => false,
        (FieldKind::Date | FieldKind::Datetime, Op::Gt | Op::Gte | Op::Lt | Op::Lte | Op::AnyOf | Op::NoneOf) => false,
        (FieldKind::Integer { .. } | FieldKind::Decimal(_) | FieldKind::Rating { .. } | FieldKind::Duration | FieldKind::Time, Op::AnyOf | Op::NoneOf) => false,
        (FieldKind::Choice { multiple: false, .. }, Op::Contains | Op::NotContains) => false,
        (_, Op::Under) => tree,
        // A record is there, or it would not be asked about.
        (_, Op::Empty | Op::NotEmpty | Op::Is | Op::IsNot) if path.leaf == "id" && path.hops.is_empty() => false,
        _ => true,
    };
    resolve::operators(&kind).iter().copied().filter(fits).collect()
}

/// The operator a new condition begins with.
pub fn first_op(catalog: &Catalog, path: &Path, field: &Field) -> Op {
    match resolve::kind_of(path, field) {
        _ if path.leaf == "id" => Op::InFolder,
        FieldKind::Choice { .. } | FieldKind::Link(_) | FieldKind::AnyLink { .. } => Op::AnyOf,
        FieldKind::Integer { .. } | FieldKind::Decimal(_) | FieldKind::Rating { .. } | FieldKind::Duration => Op::Gte,
        _ => offered(catalog, path, field, None).first().copied().unwrap_or(Op::Is),
    }
}

/// How a value is asked for.
pub fn editor(kind: &FieldKind, op: Op) -> ValueEditor {
    match (op, kind) {
        (Op::Empty | Op::NotEmpty, _) => ValueEditor::None,
        (Op::In | Op::AnniversaryIn, _) => ValueEditor::Period,
        (Op::InFolder, _) => ValueEditor::Options,
        (Op::Between, FieldKind::Date | FieldKind::Datetime) => ValueEditor::DateRange,
        (Op::Between, FieldKind::Time) => ValueEditor::TimeRange,
        (Op::Between, _) => ValueEditor::NumberRange,
        (Op::AnyOf | Op::NoneOf, FieldKind::Choice { .. }) => ValueEditor::Options,
        (_, FieldKind::Choice { .. }) => ValueEditor::Option,
        (Op::AnyOf | Op::NoneOf | Op::Under, FieldKind::Link(_) | FieldKind::AnyLink { .. }) => ValueEditor::Links,
        (_, FieldKind::Link(_) | FieldKind::AnyLink { .. }) => ValueEditor::Link,
        (_, FieldKind::Boolean) => ValueEditor::Boolean,
        (_, FieldKind::Date | FieldKind::Datetime) => ValueEditor::Date,
        (_, FieldKind::Time) => ValueEditor::Time,
        (_, FieldKind::Rating { .. }) => ValueEditor::Rating,
        (_, FieldKind::Integer { .. } | FieldKind::Decimal(_) | FieldKind::Duration) => ValueEditor::Number,
        _ => ValueEditor::Text,
    }
}

/// What was typed, as filters have it.
pub fn read(reader: &Reader, kind: &FieldKind, op: Op, typed: &[&str]) -> Json {
    let filled: Vec<&str> = typed.iter().map(|text| text.trim()).filter(|text| !text.is_empty()).collect();
    let one = |text: &str| number(reader, kind, text);
    match editor(kind, op) {
        ValueEditor::None => Json::Null,
        ValueEditor::Options | ValueEditor::Links => filled.iter().map(|text| Json::from(*text)).collect(),
        ValueEditor::NumberRange | ValueEditor::DateRange | ValueEditor::DatetimeRange | ValueEditor::TimeRange => {
            if filled.is_empty() { Json::Null } else { typed.iter().take(2).map(|text| one(text.trim())).collect() }
        }
        ValueEditor::Boolean => filled.first().map_or(Json::Null, |text| Json::from(*text == "true")),
        // Several texts are typed with commas between them.
        ValueEditor::Text if matches!(op, Op::AnyOf | Op::NoneOf) => filled.iter().flat_map(|text| text.split([',', '，', '、'])).map(str::trim).filter(|text| !text.is_empty()).map(Json::from).collect(),
        _ => filled.first().map_or(Json::Null, |text| one(text)),
    }
}

fn number(reader: &Reader, kind: &FieldKind, text: &str) -> Json {
    match kind {
        FieldKind::Decimal(_) => plain_number(text, &reader.asker.locale).into(),
        FieldKind::Integer { .. } | FieldKind::Rating { .. } => {
            let plain = plain_number(text, &reader.asker.locale);
            plain.parse::<i64>().map_or_else(|_| plain.into(), Json::from)
        }
        FieldKind::Duration => seconds(text).map_or_else(|| text.into(), Json::from),
        _ => text.into(),
    }
}

/// `1:30`, `0:05:20`, or hours as a number.
fn seconds(text: &str) -> Option<i64> {
    let parts: Vec<i64> = text.split(':').map(|part| part.trim().parse().ok()).collect::<Option<_>>()?;
    match parts.as_slice() {
        [hours] => hours.checked_mul(3600),
        [hours, minutes] => hours.checked_mul(3600)?.checked_add(minutes.checked_mul(60)?),
        [hours, minutes, seconds] => hours.checked_mul(3600)?.checked_add(minutes.checked_mul(60)?)?.checked_add(*seconds),
        _ => None,
    }
}

/// A value as its editor shows it.
pub fn value_box(reader: &Reader, names: &Names, path: &Path, field: &Field, op: Op, value: &Json) -> ValueBox {
    let kind = resolve::kind_of(path, field);
    let lang = &reader.asker.actor.lang;
    let items: Vec<&Json> = match value {
        Json::Null => Vec::new(),
        Json::Array(items) => items.iter().collect(),
        single => vec![single],
    };
    let shown = |item: &&Json| {
        let plain = item.as_str().map_or_else(|| item.to_string(), str::to_owned);
        let typed = model::types::read_json(&kind, item).ok().filter(|_| matches!(kind, FieldKind::Decimal(_) | FieldKind::Duration));
        let raw = typed.map_or_else(|| plain.clone(), |value| form::format::input(&kind, &value, &reader.asker.locale));
        FilterValue { raw, text: names.get(&plain).unwrap_or_else(|| "…".into()) }
    };
    let editor = editor(&kind, op);
    let mut values: Vec<FilterValue> = items.iter().map(shown).collect();
    if editor == ValueEditor::Text && values.len() > 1 {
        values = vec![FilterValue { raw: values.iter().map(|value| value.raw.as_str()).collect::<Vec<_>>().join(", "), text: String::new() }];
    }
    let is = |text: &str| values.iter().any(|value| value.raw == text);
    let options = match &kind {
        _ if op == Op::InFolder => reader.folders.iter().map(|folder| OptionView { value: folder.id.to_string(), text: folder.name.clone(), tone: cells::tone(Some(folder.tone)), selected: is(&folder.id.to_string()) }).collect(),
        FieldKind::Choice { options, .. } => options.iter().map(|option| OptionView { value: option.value.clone(), text: option.labels.or_key(lang, &option.value), tone: cells::tone(option.colour), selected: is(&option.value) }).collect(),
        _ => Vec::new(),
    };
    let chosen = values.first().map_or("this_month", |value| value.raw.as_str());
    let mut periods: Vec<FilterWord> = words::PERIODS.iter().map(|period| FilterWord { value: (*period).into(), text: words::period(period, lang), selected: *period == chosen }).collect();
    if !periods.iter().any(|period| period.selected) {
        periods.insert(0, FilterWord { value: chosen.to_owned(), text: words::period(chosen, lang), selected: true });
    }
    let lookup = targets(path, field).first().map(|target| format!("/lookup/{target}")).unwrap_or_default();
    let stars = if let FieldKind::Rating { max } = kind { max } else { 0 };
    ValueBox { editor, options, lookup, periods, stars, values, ..ValueBox::default() }
}

/// The table whose fields a test names, from the `related` around it.
pub fn table_of(catalog: &Catalog, start: &TableRef, around: &[(&str, Option<&str>)]) -> Option<TableRef> {
    around.iter().try_fold(start.clone(), |table, (from, by)| resolve::row_source(catalog, &table, from, *by).ok().map(|rows| rows.table().clone()))
}

/// An icon for the first step of a path.
pub fn icon(path: &Path, field: &Field) -> &'static str {
    match path.hops.first() {
        Some(Hop::Child { .. }) => "list",
        _ => cells::icon(&resolve::kind_of(path, field)),
    }
}
