//! Conditions as chips, and the editor of one.

use app::{AppError, Source, titles};
use axum::{
    extract::{Path as UrlPath, Query, State},
    response::Response,
};
use model::{ActionName, FieldKind, Filter, Op, Path, path, resolve};
use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::{
    Reader, cells,
    list::{Address, Asked, ask, head, label},
    builder::{self, value::Names},
    words,
};
use crate::{
    Site,
    view::{FilterChip, FilterEditor, FilterField, FilterFields, FilterPage, FilterValue, FilterWord, LookupView, OptionView, ValueEditor},
};

/// The members of the list's outermost `all`; a single test stands for itself.
fn members(asked: &Asked<'_>) -> Vec<Json> {
    match asked.list.filter.as_ref().map(Filter::to_json) {
        Some(Json::Object(map)) if map.contains_key("all") => map["all"].as_array().cloned().unwrap_or_default(),
        Some(other) => vec![other],
        None => Vec::new(),
    }
}

/// What an address says that shall have no condition: nothing, unless the view has some.
pub fn no_filter(asked: &Asked<'_>) -> String {
    let has = asked.base.as_ref().is_some_and(|base| base.view.filter.is_some());
    if has { json!({"all": []}).to_string() } else { String::new() }
}

/// One chip for each condition.
pub async fn chips(site: &Site, reader: &Reader, asked: &Asked<'_>) -> Result<Vec<FilterChip>, AppError> {
    let all = members(asked);
    let base = format!("/c/{}", asked.card.key);
    let mut chips = Vec::with_capacity(all.len());
    for (index, member) in all.iter().enumerate() {
        let rest: Vec<&Json> = all.iter().enumerate().filter(|(other, _)| *other != index).map(|(_, member)| member).collect();
        let filter = if rest.is_empty() { no_filter(asked) } else { json!({"all": rest}).to_string() };
        let remove_url = Address { filter, ..asked.address.clone() }.url(&base);
        let edit_url = asked.address.url_with(&format!("{base}/filter"), &[("index", &index.to_string())]);
        chips.push(chip(site, reader, asked, member, edit_url, remove_url).await?);
    }
    Ok(chips)
}

async fn chip(site: &Site, reader: &Reader, asked: &Asked<'_>, member: &Json, edit_url: String, remove_url: String) -> Result<FilterChip, AppError> {
    let lang = &reader.asker.actor.lang;
    let catalog = &reader.asker.snapshot.catalog;
    let table = asked.card.table.reference();
    let Ok(filter) = Filter::from_json(member) else { return Ok(FilterChip { icon: "circle-alert".into(), label: words::word("conditions", lang), remove_url, ..FilterChip::default() }) };
    let simple = match &filter {
        Filter::Test { field, op, value } => path::resolve(catalog, &table, field).ok().filter(|_| is_plain(value) && *op != Op::InFolder).map(|path| (path, *op, value.clone())),
        _ => None,
    };
    let Some((path, op, value)) = simple else {
        // What the little editor cannot show is read out as a sentence, and edited in the query builder.
        let names = Names::load(site, reader, &table, &filter).await?;
        let label = builder::sentence(reader, asked, &names, &filter);
        return Ok(FilterChip { icon: "brackets".into(), label, dialog_url: Some(asked.address.url(&format!("{}/query", asked.base()))), remove_url, ..FilterChip::default() });
    };
    let Some(kind) = path.field(catalog).map(|field| resolve::kind_of(&path, field)) else { return Ok(FilterChip { icon: "circle-alert".into(), label: path.to_string(), remove_url, ..FilterChip::default() }) };
    let period = matches!(op, Op::In);
    Ok(FilterChip {
        icon: cells::icon(&kind).to_owned(),
        label: label(catalog, &path, lang),
        op: if period { String::new() } else { words::op(op, lang) },
        value: value_text(site, reader, &kind, op, &value).await?,
        edit_url: Some(edit_url),
        dialog_url: None,
        remove_url,
    })
}

/// Whether a value is one that the little editor can show: no variable but the reader.
fn is_plain(value: &Json) -> bool {
    let items = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
    items.iter().all(|item| item.as_str().is_none_or(|text| !text.starts_with('@') || text == "@me"))
}

/// A condition's value in words.
async fn value_text(site: &Site, reader: &Reader, kind: &FieldKind, op: Op, value: &Json) -> Result<String, AppError> {
    let lang = &reader.asker.actor.lang;
    if op.is_unary() {
        return Ok(String::new());
    }
    if matches!(op, Op::In | Op::AnniversaryIn) {
        return Ok(words::period(value.as_str().unwrap_or_default(), lang));
    }
    let items: Vec<Json> = value.as_array().cloned().unwrap_or_else(|| vec![value.clone()]);
    let mut texts = Vec::new();
    for item in items.iter().take(3) {
        texts.push(one_text(site, reader, kind, item).await?);
    }
    let more = if items.len() > 3 { format!(" +{}", items.len() - 3) } else { String::new() };
    let join = if op == Op::Between { " – " } else { ", " };
    Ok(format!("{}{more}", texts.join(join)))
}

async fn one_text(site: &Site, reader: &Reader, kind: &FieldKind, item: &Json) -> Result<String, AppError> {
    let plain = item.as_str().map_or_else(|| item.to_string(), str::to_owned);
    if plain == "@me" {
        return Ok(reader.asker.actor.name.clone());
    }
    match kind {
        FieldKind::Choice { options, .. } => Ok(form::format::label(options, &plain, &reader.asker.actor.lang)),
        FieldKind::Link(link) => {
            let Ok(id) = Uuid::try_parse(&plain) else { return Ok(plain) };
            let wanted = [(link.target.clone(), std::iter::once(id).collect())].into_iter().collect();
            let titles = titles::fetch(&mut Source::App(&site.app), &reader.asker.snapshot.catalog, &reader.asker.actor, &wanted, &reader.asker.locale).await?;
            Ok(titles.get(&id).cloned().unwrap_or_else(|| "…".into()))
        }
        FieldKind::Boolean | FieldKind::Date | FieldKind::Decimal(_) | FieldKind::Integer { .. } => {
            let read = model::types::read_json(kind, item);
            Ok(read.map_or(plain, |value| form::format::text(kind, &value, &reader.asker.locale)))
        }
        _ => Ok(plain),
    }
}

/// `GET /c/{card}/filter`: the fields on offer, or the editor of one condition.
pub async fn editor(State(site): State<Site>, UrlPath(key): UrlPath<String>, Query(pairs): Query<Vec<(String, String)>>, reader: Reader) -> Response {
    let get = |name: &str| pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    let answer = async {
        let card = reader.asker.snapshot.card(&key)?.clone();
        let asked = ask(&site, &reader, &card, Address::read(&pairs)).await?;
        let index = get("index").and_then(|index| index.parse::<usize>().ok());
        let member = index.and_then(|index| members(&asked).get(index).cloned());
        let stored = member.as_ref().and_then(|member| Filter::from_json(member).ok());
        let (field, op, value) = match (&stored, get("field")) {
            (Some(Filter::Test { field, op, value }), None) => (field.clone(), *op, value.clone()),
            (_, Some(field)) => (field.to_owned(), Op::Is, Json::Null),
            _ => return Ok(None),
        };
        let op = get("op").and_then(Op::parse).map_or(op, |op| op);
        edit(&site, &reader, &asked, &field, get("op").is_some() || stored.is_some(), op, &value, index).await.map(Some)
    };
    let shown = match answer.await {
        Ok(Some(editor)) => Ok((Some(editor), None)),
        Ok(None) => fields(&site, &reader, &key, &pairs).await.map(|fields| (None, Some(fields))),
        Err(error) => Err(error),
    };
    match (shown, reader.fragment) {
        (Ok((Some(editor), _)), true) => reader.draw(&site, "list/filter_editor.html", Some(&key), &editor),
        (Ok((None, fields)), true) => reader.draw(&site, "list/filter_fields.html", Some(&key), &fields.unwrap_or_default()),
        (Ok((editor, fields)), false) => whole(&site, &reader, &key, &pairs, editor, fields),
        (Err(error), _) => reader.failed(&site, &error),
    }
}

/// The same as a page, for whoever opens its address.
fn whole(site: &Site, reader: &Reader, key: &str, pairs: &[(String, String)], editor: Option<FilterEditor>, fields: Option<FilterFields>) -> Response {
    let Ok(card) = reader.asker.snapshot.card(key) else { return reader.failed(site, &AppError::not_found("card")) };
    let card = head(card, &reader.asker.actor.lang);
    let page = FilterPage { back_url: Address::read(pairs).url(&card.url), card, fields, editor };
    reader.draw(site, "list/filter_page.html", Some(key), &page)
}

async fn fields(site: &Site, reader: &Reader, key: &str, pairs: &[(String, String)]) -> Result<FilterFields, AppError> {
    let snapshot = &reader.asker.snapshot;
    let lang = &reader.asker.actor.lang;
    let card = snapshot.card(key)?.clone();
    let asked = ask(site, reader, &card, Address::read(pairs)).await?;
    let gate = access::gate(&snapshot.catalog, &reader.asker.actor, snapshot.card(key)?, ActionName::Read)?;
    let offered = |field: &&model::Field| !field.secret && gate.readable(None, &field.key) != access::Readable::Never && !matches!(field.key.as_str(), "id" | "site" | "trashed_at" | "version");
    let own = card.table.own_fields().chain(card.table.fields.values().filter(|field| field.system)).filter(offered);
    let mut all: Vec<FilterField> = own
        .map(|field| FilterField {
            label: field.labels.or_key(lang, field.key.as_str()),
            via: None,
            icon: cells::icon(&field.kind).to_owned(),
            url: asked.address.url_with(&format!("/c/{key}/filter"), &[("field", field.key.as_str())]),
        })
        .collect();
    // One step further: what linked cards tell.
    for field in card.table.own_fields().filter(offered) {
        let FieldKind::Link(link) = &field.kind else { continue };
        let Some(target) = snapshot.catalog.card(&link.target).filter(|target| !target.builtin) else { continue };
        let Ok(gate) = access::gate(&snapshot.catalog, &reader.asker.actor, target, ActionName::Read) else { continue };
        for inner in target.table.own_fields().filter(|inner| !inner.secret && gate.readable(None, &inner.key) != access::Readable::Never && matches!(inner.kind, FieldKind::Choice { .. } | FieldKind::Text(_) | FieldKind::Decimal(_) | FieldKind::Date | FieldKind::Link(_) | FieldKind::Boolean)) {
            let name = format!("{}.{}", field.key, inner.key);
            all.push(FilterField {
                label: inner.labels.or_key(lang, inner.key.as_str()),
                via: Some(field.labels.or_key(lang, field.key.as_str())),
                icon: cells::icon(&inner.kind).to_owned(),
                url: asked.address.url_with(&format!("/c/{key}/filter"), &[("field", &name)]),
            });
        }
    }
    Ok(FilterFields { fields: all, dialog_url: asked.address.url(&format!("{}/query", asked.base())) })
}

#[allow(clippy::too_many_arguments)] // One condition being written, where, and for whom.
async fn edit(site: &Site, reader: &Reader, asked: &Asked<'_>, name: &str, has_op: bool, op: Op, value: &Json, index: Option<usize>) -> Result<FilterEditor, AppError> {
    let catalog = &reader.asker.snapshot.catalog;
    let lang = &reader.asker.actor.lang;
    let path: Path = path::resolve(catalog, &asked.card.table.reference(), name).map_err(|error| AppError::malformed("unknown_field", error.message))?;
    let field = path.field(catalog).ok_or_else(|| AppError::malformed("unknown_field", name))?;
    let kind = resolve::kind_of(&path, field);
    let fitting = resolve::operators(&kind);
    let first = match &kind {
        FieldKind::Choice { .. } | FieldKind::Link(_) => Op::AnyOf,
        _ => fitting.first().copied().unwrap_or(Op::Is),
    };
    let op = if has_op && fitting.contains(&op) { op } else { first };
    let items: Vec<Json> = match value {
        Json::Null => Vec::new(),
        Json::Array(items) => items.clone(),
        single => vec![single.clone()],
    };
    let mut values = Vec::new();
    for item in &items {
        let plain = item.as_str().map_or_else(|| item.to_string(), str::to_owned);
        let number = matches!(kind, FieldKind::Decimal(_)).then(|| model::types::read_json(&kind, item).ok()).flatten();
        let raw = number.map_or(plain, |number| form::format::input(&kind, &number, &reader.asker.locale));
        values.push(FilterValue { raw, text: one_text(site, reader, &kind, item).await? });
    }
    let options = match &kind {
        FieldKind::Choice { options, .. } => options.iter().map(|option| OptionView { value: option.value.clone(), text: option.labels.or_key(lang, &option.value), tone: cells::tone(option.colour), selected: values.iter().any(|value| value.raw == option.value) }).collect(),
        _ => Vec::new(),
    };
    let lookup = match &kind {
        FieldKind::Link(link) => Some(LookupView { url: format!("/lookup/{}", link.target), needs: Vec::new(), multiple: matches!(op, Op::AnyOf | Op::NoneOf) }),
        _ => None,
    };
    let chosen = values.first().map(|value| value.raw.clone()).unwrap_or_else(|| "this_month".into());
    let editor = value_editor(&kind, op);
    let clean = Address { filter: String::new(), ..asked.address.clone() };
    let base = format!("/c/{}", asked.card.key);
    Ok(FilterEditor {
        action: clean.url(&base),
        filter: json!({"all": members(asked)}).to_string(),
        index,
        field: name.to_owned(),
        label: label(catalog, &path, lang),
        icon: cells::icon(&kind).to_owned(),
        ops: fitting.iter().filter(|op| **op != Op::InFolder && (!matches!(op, Op::Before | Op::After) || matches!(kind, FieldKind::Date | FieldKind::Datetime))).map(|word| FilterWord { value: word.name().into(), text: words::op(*word, lang), selected: *word == op }).collect(),
        op: op.name().into(),
        url: asked.address.url_with(&format!("{base}/filter"), &[("field", name), ("index", &index.map(|index| index.to_string()).unwrap_or_default())]),
        editor,
        widget: cells::widget(field),
        values,
        options,
        lookup,
        periods: words::PERIODS.iter().map(|period| FilterWord { value: (*period).into(), text: words::period(period, lang), selected: *period == chosen }).collect(),
        error: None,
    })
}

fn value_editor(kind: &FieldKind, op: Op) -> ValueEditor {
    match (op, kind) {
        (Op::Empty | Op::NotEmpty, _) => ValueEditor::None,
        (Op::In | Op::AnniversaryIn, _) => ValueEditor::Period,
        (Op::InFolder, _) => ValueEditor::None,
        (Op::Between, FieldKind::Date) => ValueEditor::DateRange,
        (Op::Between, FieldKind::Datetime) => ValueEditor::DateRange,
        (Op::Between, _) => ValueEditor::NumberRange,
        (Op::AnyOf | Op::NoneOf, FieldKind::Choice { .. }) => ValueEditor::Options,
        (_, FieldKind::Choice { .. }) => ValueEditor::Option,
        (Op::AnyOf | Op::NoneOf, FieldKind::Link(_)) => ValueEditor::Links,
        (_, FieldKind::Link(_)) => ValueEditor::Link,
        (_, FieldKind::Boolean) => ValueEditor::Boolean,
        (_, FieldKind::Date | FieldKind::Datetime) => ValueEditor::Date,
        (_, FieldKind::Time) => ValueEditor::Time,
        (_, FieldKind::Integer { .. } | FieldKind::Decimal(_) | FieldKind::Rating { .. } | FieldKind::Duration) => ValueEditor::Number,
        _ => ValueEditor::Text,
    }
}
