//! What follows from what is being typed: derived values, visibility, totals. Nothing is stored.

use std::collections::HashMap;

use access::Readable;
use app::{AppError, records::preview};
use axum::{
    extract::{Path as UrlPath, State},
    response::Response,
};
use model::{Field, Ident, SectionContent, TabContent, record::value_of};
use uuid::Uuid;

use super::{
    Reader,
    drawn::{from_draft, rights},
    painter::Painter,
};
use crate::{
    Site,
    extract::Form,
    pages::cells,
    view::{self, Recomputed, Right},
};

/// `POST /c/{card}/recompute`
pub async fn recompute_new(State(site): State<Site>, UrlPath(key): UrlPath<String>, reader: Reader, Form(fields): Form<Vec<(String, String)>>) -> Response {
    recomputed(&site, &reader, &key, None, &fields).await
}

/// `POST /c/{card}/{id}/recompute`
pub async fn recompute(State(site): State<Site>, UrlPath((key, id)): UrlPath<(String, String)>, reader: Reader, Form(fields): Form<Vec<(String, String)>>) -> Response {
    match Uuid::try_parse(&id) {
        Ok(id) => recomputed(&site, &reader, &key, Some(id), &fields).await,
        Err(_) => reader.failed(&site, &AppError::not_found("record")),
    }
}

async fn recomputed(site: &Site, reader: &Reader, key: &str, id: Option<Uuid>, submitted: &[(String, String)]) -> Response {
    let answer = async {
        let card = reader.asker.snapshot.card(key)?.clone();
        let body = form::submit::body(&card, submitted, &reader.asker.locale);
        let numbers: HashMap<Ident, Vec<u32>> = card.children.iter().map(|(key, table)| (key.clone(), form::submit::row_numbers(table, submitted, &reader.asker.locale))).collect();
        let fresh = fresh_links(&numbers, super::get(submitted, "_fresh").unwrap_or_default());
        let preview = preview::preview(&site.app, &reader.asker.actor, key, id, body, fresh).await?;
        let drawn = from_draft(site, reader, &card, preview.record, Vec::new(), HashMap::new()).await?;
        let rights = rights(site, reader, &card, id).await?;
        let painter = Painter { site, reader, card: &card, drawn: &drawn, rights: &rights, new: id.is_none() };
        Ok::<_, AppError>(painter.changed(&numbers))
    };
    match answer.await {
        Ok(changed) => reader.draw(site, "records/recompute.html", Some(key), &changed),
        Err(error) => reader.failed(site, &error),
    }
}

/// The links that were set since the last answer, as the form names them: `f.KEY`, `c.TABLE.3.KEY`. Given by
/// their places in the record: `KEY`, `TABLE/2/KEY`.
fn fresh_links(numbers: &HashMap<Ident, Vec<u32>>, names: &str) -> Vec<String> {
    let place = |name: &str| match name.split('.').collect::<Vec<_>>().as_slice() {
        ["f", key] => Some((*key).to_owned()),
        ["c", table, n, key] => {
            let n: u32 = n.parse().ok()?;
            let index = numbers.get(*table)?.iter().position(|known| *known == n)?;
            Some(format!("{table}/{index}/{key}"))
        }
        _ => None,
    };
    names.split(' ').filter_map(place).collect()
}

impl Painter<'_> {
    fn changed(&self, numbers: &HashMap<Ident, Vec<u32>>) -> Recomputed {
        let mut changed = Recomputed::default();
        let depends = |field: &&Field| !field.is_editable() || field.visible_when.is_some() || field.required_when.is_some() || field.read_only_when.is_some() || matches!(field.source, model::Source::Snapshot { .. });
        let placed: Vec<(Ident, Option<u8>, u8)> = self.card.tabs.iter().filter_map(|tab| match &tab.content {
            TabContent::Sections(sections) => Some(sections),
            TabContent::Panel(_) => None,
        }).flatten().filter_map(|section| match &section.content {
            SectionContent::Fields(placed) => Some(placed.iter().map(|placed| (placed.field.clone(), placed.span, section.columns)).collect::<Vec<_>>()),
            SectionContent::Panel(_) => None,
        }).flatten().collect();
        for (key, span, columns) in placed {
            let Some(field) = self.card.field(key.as_str()).filter(|field| depends(field)) else { continue };
            changed.fields.extend(self.field(field, span, columns).filter(|view| view.right == Right::Read || view.hidden || field.visible_when.is_some()));
        }
        for (key, table) in &self.card.children {
            let rows = self.drawn.record.rows(key.as_str());
            let numbers = numbers.get(key).cloned().unwrap_or_default();
            for (index, row) in rows.iter().enumerate() {
                let Some(n) = numbers.get(index) else { continue };
                for field in table.own_fields().filter(|field| !matches!(field.source, model::Source::Entered) && self.rights.read.readable(Some(key), &field.key) != Readable::Never) {
                    let value = value_of(&row.values, field.key.as_str());
                    changed.cells.push(view::RecomputedCell { id: format!("c-{key}-{n}-{}", field.key), cell: self.known().cell(field, &field.kind, value), raw: field.is_editable().then(|| form::format::input(&field.kind, value, self.known().locale)) });
                }
            }
            for field in table.own_fields().filter(|field| cells::is_figure(&field.kind)) {
                changed.totals.push(view::RecomputedTotal { table: key.to_string(), key: field.key.to_string(), text: self.total(key, field) });
            }
        }
        changed
    }
}
