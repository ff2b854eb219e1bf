//! One field of a record, edited where it is seen: in a cell of a list, by moving a card of a board or of a calendar.
//! Saved as any form is; what is refused is said there, and nothing that others changed is written over.

use app::{
    AppError,
    records::{read, save::{self, Options}},
};
use axum::{
    extract::{Path as UrlPath, Query, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::json;
use std::sync::Arc;
use uuid::Uuid;

use super::{Painter, Reader, clash, from_page, get, rights, with_title};
use crate::{
    Site,
    extract::Form,
    problem::Problem,
    view::{CellEditor, Right},
};

/// `GET /c/{card}/{id}/cell?field=KEY`: the field with its input.
pub async fn editor(State(site): State<Site>, UrlPath((key, id)): UrlPath<(String, String)>, Query(pairs): Query<Vec<(String, String)>>, reader: Reader) -> Response {
    let answer = async {
        let snapshot = &reader.asker.snapshot;
        let card: Arc<model::Card> = snapshot.card(&key)?.clone();
        let id = Uuid::try_parse(&id).map_err(|_| AppError::not_found("record"))?;
        let name = get(&pairs, "field").unwrap_or_default();
        let page = read::read(&site.app, snapshot, &reader.asker.actor, &key, id, &reader.asker.locale).await?;
        let mut drawn = from_page(page).ok_or_else(|| AppError::not_found("record"))?;
        with_title(&site, &reader, &card, &mut drawn).await?;
        let rights = rights(&site, &reader, &card, Some(id)).await?;
        let painter = Painter { site: &site, reader: &reader, card: &card, drawn: &drawn, rights: &rights, new: false };
        let field = card.field(name).and_then(|field| Some((field, painter.field(field, None, 1)?)));
        let (field, mut view) = field.ok_or_else(|| AppError::not_found("field"))?;
        if view.right == Right::Read {
            let why = if field.is_editable() { "list.cell_forbidden" } else { "list.cell_derived" };
            return Err(AppError::forbidden(reader.t(&site, why, &[("what", &view.label)])));
        }
        // Beside a form of the same record, ids stay apart.
        view.id = format!("cell-{}", view.id);
        view.recompute = false;
        let title = app::titles::text(&snapshot.catalog, &card, &card.title.paths().map(|path| if path.hops.is_empty() { drawn.record.get(path.leaf.as_str()).clone() } else { model::Value::Empty }).collect::<Vec<_>>(), &reader.asker.locale);
        Ok(CellEditor { field: view, version: drawn.record.version(), url: format!("/c/{key}/{id}/cell"), title })
    };
    match answer.await {
        Ok(cell) => reader.draw(&site, "list/cell.html", Some(&key), &cell),
        Err(error) => reader.failed(&site, &error),
    }
}

/// `POST /c/{card}/{id}/cell` with `f.KEY`, `was.f.KEY`, `version`: `{"version", "merged", "warnings"}`.
pub async fn save(State(site): State<Site>, UrlPath((key, id)): UrlPath<(String, String)>, reader: Reader, Form(fields): Form<Vec<(String, String)>>) -> Response {
    let lang = reader.asker.actor.lang.clone();
    let answer = async {
        let id = Uuid::try_parse(&id).map_err(|_| AppError::not_found("record"))?;
        let card = reader.asker.snapshot.card(&key)?.clone();
        let body = form::submit::edits(&card, &fields, &reader.asker.locale);
        let options = Options { over: get(&fields, "over").and_then(|version| version.parse().ok()), ..Options::default() };
        save::change(&site.app, &reader.asker.actor, &key, id, body, &options).await
    };
    match answer.await {
        Ok(saved) => {
            let warnings: Vec<String> = saved.warnings.iter().map(|warning| warning.message(&lang)).collect();
            (StatusCode::OK, axum::Json(json!({"version": saved.version, "merged": saved.merged, "warnings": warnings}))).into_response()
        }
        Err(AppError::Stale(stale)) => match clash::told(&site, &reader, &key, Uuid::try_parse(&id).ok(), &fields, &stale).await {
            Ok(clash) => {
                let mut response = reader.draw(&site, "list/clash.html", Some(&key), &clash);
                *response.status_mut() = StatusCode::PRECONDITION_FAILED;
                response
            }
            Err(error) => Problem { error, lang }.into_response(),
        },
        Err(error) => Problem { error, lang }.into_response(),
    }
}
