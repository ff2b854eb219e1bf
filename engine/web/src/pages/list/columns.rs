//! Columns: what stands in them, how they are headed, which there could be.

use app::AppError;
use axum::{
    extract::{Path as UrlPath, Query, State},
    response::Response,
};
use model::{FieldKind, Path, Storage, path};

use super::{Address, Asked, Reader, ask};
use crate::{
    Site,
    pages::cells,
    view::{Align, Column, ColumnChoice, ColumnsMenu, PhoneSlot},
};

pub(super) fn columns(reader: &Reader, asked: &Asked<'_>) -> Vec<Column> {
    let catalog = &reader.asker.snapshot.catalog;
    let lang = &reader.asker.actor.lang;
    let base = asked.base();
    let names: Vec<String> = asked.columns.iter().map(ToString::to_string).collect();
    let first_sort = asked.sort.split(',').next().unwrap_or_default().trim().to_owned();
    let mut amount_taken = false;
    let mut status_taken = false;
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
            width: asked.list.columns.iter().find(|(known, _)| known == path).and_then(|(_, width)| *width).unwrap_or(if index == 0 { 260 } else { width(&kind) }),
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

fn width(kind: &FieldKind) -> u16 {
    match kind {
        FieldKind::Boolean | FieldKind::Rating { .. } => 100,
        FieldKind::Integer { .. } => 96,
        FieldKind::Decimal(_) => 140,
        FieldKind::Date | FieldKind::Time => 124,
        FieldKind::Datetime => 156,
        FieldKind::Choice { multiple: false, .. } => 132,
        FieldKind::File(file) if file.image => 72,
        _ => 180,
    }
}

/// A column's heading: the field's, and before it the link it is reached through.
pub fn label(catalog: &model::Catalog, path: &Path, lang: &str) -> String {
    let own = path.field(catalog).map(|field| field.labels.or_key(lang, field.key.as_str())).unwrap_or_default();
    let via = path.hops.last().and_then(|hop| match hop {
        model::Hop::Link { target, .. } | model::Hop::Links { target, .. } | model::Hop::AnyLink { target, .. } => catalog.card(target).map(|card| card.labels.or_key(lang, target.as_str())),
        model::Hop::Child { .. } | model::Hop::Parent => None,
    });
    match via {
        Some(via) => format!("{via} · {own}"),
        None => own,
    }
}

/// `GET /c/{card}/columns`: which columns there could be.
pub async fn choose_columns(State(site): State<Site>, UrlPath(key): UrlPath<String>, Query(pairs): Query<Vec<(String, String)>>, reader: Reader) -> Response {
    let answer = async {
        let snapshot = &reader.asker.snapshot;
        let card = snapshot.card(&key)?.clone();
        let asked = ask(&site, &reader, &card, Address::read(&pairs)).await?;
        let lang = &reader.asker.actor.lang;
        let choice = |path: &Path, shown: bool, fixed: bool| {
            let kind = path.field(&snapshot.catalog).map(|field| field.kind.clone());
            ColumnChoice { path: path.to_string(), label: label(&snapshot.catalog, path, lang), via: None, icon: kind.as_ref().map_or("text", cells::icon).to_owned(), shown, fixed }
        };
        let mut all: Vec<ColumnChoice> = asked.columns.iter().enumerate().map(|(index, path)| choice(path, true, index == 0)).collect();
        for field in card.table.own_fields().chain(card.table.fields.values().filter(|field| matches!(field.key.as_str(), "owner" | "created_at" | "created_by" | "updated_at"))) {
            let path = path::resolve(&snapshot.catalog, &card.table.reference(), field.key.as_str());
            if let Ok(path) = path
                && !field.secret && !path.is_many() && reader.may_show(&path) && !all.iter().any(|known| known.path == path.to_string()) {
                    all.push(choice(&path, false, false));
                }
        }
        let reset = Address { cols: String::new(), ..asked.address.clone() };
        Ok::<_, AppError>(ColumnsMenu { action: reset.url(&asked.base()), columns: all, reset_url: reset.url(&asked.base()) })
    };
    match answer.await {
        Ok(menu) => reader.draw(&site, "list/columns.html", Some(&key), &menu),
        Err(error) => reader.failed(&site, &error),
    }
}
