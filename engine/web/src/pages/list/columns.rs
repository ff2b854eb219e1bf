//! Columns: what stands in them, how they are headed, which there could be.

use app::AppError;
use axum::{
    extract::{Path as UrlPath, Query, State},
    response::{IntoResponse, Redirect, Response},
};
use model::{FieldKind, Path, Storage, path};

use super::{Address, Asked, Reader, ask, groups};
use crate::{
    Site,
    pages::cells,
    view::{Align, CardSlot, Column, ColumnChoice, ColumnsMenu, PhoneSlot},
};

/// Links that the menu of columns leads through.
const MAX_HOPS: usize = 3;

pub(super) fn columns(reader: &Reader, asked: &Asked<'_>) -> Vec<Column> {
    let catalog = &reader.asker.snapshot.catalog;
    let lang = &reader.asker.actor.lang;
    let base = asked.base();
    let names: Vec<String> = asked.columns.iter().map(ToString::to_string).collect();
    let first_sort = asked.sort.split(',').next().unwrap_or_default().trim().to_owned();
    let mut amount_taken = false;
    let mut status_taken = false;
    let write = reader.asker.snapshot.card(asked.card.key.as_str()).ok().and_then(|card| access::gate_write(catalog, &reader.asker.actor, card, model::ActionName::Update).ok());
    let mut slots = Vec::new();
    let with_cols = |names: &[String]| Address { cols: names.join(","), ..asked.address.clone() }.url(&base);
    let mut drawn = Vec::new();
    for (index, path) in asked.columns.iter().enumerate() {
        let Some(field) = path.field(catalog) else { continue };
        let kind = model::resolve::kind_of(path, field);
        let name = &names[index];
        let sortable = !matches!(field.storage, Storage::Side { .. } | Storage::Nowhere) && !matches!(kind, FieldKind::AnyLink { .. } | FieldKind::File(_) | FieldKind::Json { .. } | FieldKind::Geo | FieldKind::RichText);
        let sorted = match first_sort.strip_prefix('-') {
            Some(key) if key == name => Some("descending"),
            None if first_sort == *name => Some("ascending"),
            _ => None,
        };
        let sort_to = |text: String| Address { sort: text, ..asked.address.clone() }.url(&base);
        let swapped = |other: usize| {
            let mut names = names.clone();
            names.swap(index, other);
            with_cols(&names)
        };
        let without: Vec<String> = names.iter().filter(|other| *other != name).cloned().collect();
        let figure = cells::is_figure(&kind);
        let phone = match &kind {
            FieldKind::Decimal(_) if !amount_taken && index > 0 => {
                amount_taken = true;
                PhoneSlot::Amount
            }
            FieldKind::Choice { multiple: false, .. } if !status_taken && index > 0 => {
                status_taken = true;
                PhoneSlot::Status
            }
            _ => PhoneSlot::None,
        };
        drawn.push(Column {
            path: name.clone(),
            label: label(catalog, path, lang),
            icon: cells::icon(&kind).to_owned(),
            align: if figure { Align::End } else { Align::Start },
            width: asked.list.columns.iter().find(|(known, _)| known == path).and_then(|(_, width)| *width).unwrap_or(if index == 0 { 260 } else { width(&kind, lang) }),
            group: groups::proposed(path, &kind).filter(|_| access::may_name(catalog, &reader.asker.actor, path)),
            group_url: groups::proposed(path, &kind).filter(|_| access::may_name(catalog, &reader.asker.actor, path)).filter(|_| !asked.groups.iter().any(|group| group.field == *name)).map(|text| {
                let before: Vec<String> = asked.groups.iter().map(super::address::group_text).collect();
                Address { group: before.into_iter().chain([text]).collect::<Vec<_>>().join(","), ..asked.address.clone() }.url(&base)
            }),
            pinned: index < asked.kept.pinned.max(1),
            editable: path.hops.is_empty() && write.as_ref().is_some_and(|gate| field.is_editable() && !gate.editable(None, &field.key).is_never()),
            explains: crate::pages::fields::explains(path, field),
            recomputing: false,
            // What lanes are made of need not be said on each card.
            slot: if asked.by.as_ref() == Some(path) { CardSlot::Title } else { slot(&kind, index, &mut slots) },
            sorted: sorted.map(str::to_owned),
            sort_url: sortable.then(|| sort_to(if sorted == Some("ascending") { format!("-{name}") } else { name.clone() })),
            asc_url: sortable.then(|| sort_to(name.clone())),
            desc_url: sortable.then(|| sort_to(format!("-{name}"))),
            left_url: (index > 1).then(|| swapped(index - 1)),
            right_url: (index > 0 && index + 1 < names.len()).then(|| swapped(index + 1)),
            hide_url: (index > 0).then(|| with_cols(&without)),
            filter_url: Some(asked.address.url_with(&format!("{base}/filter"), &[("field", name)])),
            phone,
        });
    }
    drawn
}

/// The same, with a mark where values are being calculated anew.
pub(super) async fn marked(site: &Site, reader: &Reader, asked: &Asked<'_>) -> Result<Vec<Column>, AppError> {
    let marked = app::derived::marked(&site.app).await?;
    let is_marked = |path: &Path| {
        let key = path.end.child.as_ref().map_or_else(|| path.leaf.to_string(), |child| format!("{child}.{}", path.leaf));
        marked.get(&path.end.card).is_some_and(|fields| fields.contains(&key))
    };
    let names: Vec<String> = asked.columns.iter().filter(|path| is_marked(path)).map(ToString::to_string).collect();
    Ok(columns(reader, asked).into_iter().map(|column| Column { recomputing: names.contains(&column.path), ..column }).collect())
}

/// Where a column goes on a card of a board: one of each, the rest are lines.
fn slot(kind: &FieldKind, index: usize, taken: &mut Vec<CardSlot>) -> CardSlot {
    let wanted = match kind {
        _ if index == 0 => CardSlot::Title,
        FieldKind::Link(link) if link.target == model::USER_CARD && !link.multiple => CardSlot::Person,
        FieldKind::Link(link) if !link.multiple => CardSlot::Over,
        FieldKind::Decimal(settings) if settings.flavour == model::DecimalFlavour::Money => CardSlot::Amount,
        FieldKind::Date | FieldKind::Datetime => CardSlot::Date,
        FieldKind::Choice { .. } => CardSlot::Badge,
        _ => CardSlot::Line,
    };
    if matches!(wanted, CardSlot::Badge | CardSlot::Line) || !taken.contains(&wanted) {
        taken.push(wanted);
        return wanted;
    }
    CardSlot::Line
}

/// Width of a column, in CSS pixels, that nobody gave one. That of a choice fits its longest option, within limits.
fn width(kind: &FieldKind, lang: &str) -> u16 {
    match kind {
        FieldKind::Boolean | FieldKind::Rating { .. } => 100,
        FieldKind::Integer { .. } => 96,
        FieldKind::Decimal(_) => 140,
        FieldKind::Date | FieldKind::Time => 124,
        FieldKind::Datetime => 156,
        FieldKind::Choice { multiple: false, options } => {
            let longest = options.iter().filter(|option| !option.retired).map(|option| letters(&option.labels.or_key(lang, &option.value))).max();
            (longest.unwrap_or(0) + BADGE).clamp(132, 216)
        }
        FieldKind::File(file) if file.image => 72,
        _ => 180,
    }
}

/// What stands around the words of an option in its cell: dot, rounding, the cell's edges.
const BADGE: u16 = 58;

/// About how wide words are, in CSS pixels: Han characters and their like are squares of the font's size.
fn letters(text: &str) -> u16 {
    text.chars().map(|letter| if u32::from(letter) < 0x2E80 { 7 } else { 13 }).sum()
}

/// A column's heading: the field's, and before it the link it is reached through.
pub fn label(catalog: &model::Catalog, path: &Path, lang: &str) -> String {
    let own = path.field(catalog).map(|field| field.labels.or_key(lang, field.key.as_str())).unwrap_or_default();
    let mut table = path.start.clone();
    let via = path.hops.iter().filter_map(|hop| match hop {
        model::Hop::Link { field, target } | model::Hop::Links { field, target } | model::Hop::AnyLink { field, target } => {
            let found = catalog.table(&table).and_then(|table| table.field(field)).map(|field| field.labels.or_key(lang, field.key.as_str()));
            table = model::TableRef::card(target);
            found
        }
        model::Hop::Child { .. } | model::Hop::Parent => None,
    });
    let via = via.collect::<Vec<_>>().join(" · ");
    match via {
        via if via.is_empty() => own,
        via => format!("{via} · {own}"),
    }
}

/// `GET /c/{card}/columns`: which columns there could be.
pub async fn choose_columns(State(site): State<Site>, UrlPath(key): UrlPath<String>, Query(pairs): Query<Vec<(String, String)>>, reader: Reader) -> Response {
    let answer = async {
        let snapshot = &reader.asker.snapshot;
        let card = snapshot.card(&key)?.clone();
        let asked = ask(&site, &reader, &card, Address::read(&pairs)).await?;
        let lang = &reader.asker.actor.lang;
        let base = asked.base();
        let choice = |path: &Path, shown: bool, fixed: bool| {
            let kind = path.field(&snapshot.catalog).map(|field| model::resolve::kind_of(path, field));
            let link = matches!(&kind, Some(FieldKind::Link(link)) if !link.multiple && snapshot.catalog.card(&link.target).is_some_and(|target| access::gate(&snapshot.catalog, &reader.asker.actor, target, model::ActionName::Read).is_ok()));
            let more_url = (link && path.hops.len() < MAX_HOPS).then(|| asked.address.url_with(&format!("{base}/columns"), &[("via", &path.to_string())]));
            ColumnChoice { path: path.to_string(), label: label(&snapshot.catalog, path, lang), via: None, icon: kind.as_ref().map_or("text", cells::icon).to_owned(), shown, fixed, more_url }
        };
        let via = pairs.iter().find(|(name, _)| name == "via").map(|(_, via)| via.as_str()).unwrap_or_default();
        let mut all: Vec<ColumnChoice> = if via.is_empty() { asked.columns.iter().enumerate().map(|(index, path)| choice(path, true, index == 0)).collect() } else { Vec::new() };
        let table = card.table.reference();
        let through = (!via.is_empty()).then(|| path::resolve(&snapshot.catalog, &table, via).map_err(|error| AppError::malformed("unknown_field", error.message))).transpose()?;
        let target = match through.as_ref().and_then(|path| path.field(&snapshot.catalog)).map(|field| &field.kind) {
            Some(FieldKind::Link(link)) => snapshot.catalog.card(&link.target),
            _ => None,
        };
        let fields = target.unwrap_or(&card);
        let system = fields.table.fields.values().filter(|field| field.system && matches!(field.key.as_str(), "owner" | "created_at" | "created_by" | "updated_at" | "name"));
        for field in fields.table.own_fields().chain(system).filter(|field| !field.secret) {
            let name = if via.is_empty() { field.key.to_string() } else { format!("{via}.{}", field.key) };
            if let Ok(path) = path::resolve(&snapshot.catalog, &table, &name)
                && !path.is_many() && reader.may_show(&path) && !all.iter().any(|known| known.path == path.to_string()) && (via.is_empty() || !asked.columns.contains(&path)) && (path.hops.is_empty() || path.field(&snapshot.catalog).is_some_and(|field| field.column().is_some())) {
                    all.push(choice(&path, false, false));
                }
        }
        let reset = Address { cols: String::new(), ..asked.address.clone() };
        Ok::<_, AppError>(ColumnsMenu { action: reset.url(&base), columns: all, reset_url: reset.url(&base), via: !via.is_empty() })
    };
    match answer.await {
        // Columns are chosen beside their list.
        Ok(menu) if !reader.fragment => Redirect::to(&menu.reset_url).into_response(),
        Ok(menu) => reader.draw(&site, if menu.via { "list/columns_via.html" } else { "list/columns.html" }, Some(&key), &menu),
        Err(error) => reader.failed(&site, &error),
    }
}
