//! Where a value of a record comes from, beside it.

use app::{AppError, derived::explain::{self, Explained}};
use axum::{
    extract::{Path as UrlPath, State},
    response::Response,
};
use model::Value;
use uuid::Uuid;

use super::Reader;
use crate::{
    Site,
    pages::url,
    view::{self, ExplainedInput, ExplainedRow},
};

/// `GET /c/{card}/{id}/explain/{field}`
pub async fn page(State(site): State<Site>, UrlPath((key, id, field)): UrlPath<(String, String, String)>, reader: Reader) -> Response {
    let answer = async {
        let id = Uuid::try_parse(&id).map_err(|_| AppError::not_found("record"))?;
        reader.card(&key)?;
        let found = explain::explain(&site.app, &reader.asker.snapshot, &reader.asker.actor, &key, id, &field, &reader.asker.locale).await?;
        Ok::<_, AppError>(drawn(&site, &reader, &key, id, &found))
    };
    match answer.await {
        Ok(found) => reader.draw(&site, if reader.fragment { "records/explain.html" } else { "records/explain_page.html" }, Some(&key), &found),
        Err(error) => reader.failed(&site, &error),
    }
}

fn drawn(site: &Site, reader: &Reader, key: &str, id: Uuid, found: &Explained) -> view::Explained {
    let locale = &reader.asker.locale;
    let text = |kind: &model::FieldKind, value: &Value| form::format::text(kind, value, locale);
    let t = |key: &str, args: &[(&str, &str)]| reader.t(site, key, args);
    let number = |count: i64| form::format::number_text(count.into(), 0, locale);
    let record_url = format!("/c/{key}/{id}");
    let rows = found.rows.as_ref();
    let of = rows.and_then(|rows| rows.field.as_ref());
    let how = match found.function {
        Some(function) => t(&format!("explain.{}", function.name()), &[("field", of.map_or("", |(label, _)| label.as_str()))]),
        None => t(&format!("explain.{}", found.way), &[]),
    };
    let input = |input: &explain::Input| ExplainedInput {
        name: input.name.clone(),
        label: input.label.clone(),
        value: text(&input.kind, &input.value),
        hidden: input.hidden,
        url: input.explained.as_ref().map(|name| format!("{record_url}/explain/{name}")),
    };
    let row = |row: &explain::RowSeen| ExplainedRow {
        title: row.title.clone(),
        value: of.map_or_else(String::new, |(_, kind)| text(kind, &row.value)),
        url: rows.and_then(|rows| rows.card.as_ref()).map(|card| format!("/c/{card}/{}", row.record)),
    };
    view::Explained {
        label: found.field.labels.or_key(&locale.lang, found.field.key.as_str()),
        value: text(&found.field.kind, &found.value),
        how,
        formula: found.formula.clone().filter(|_| found.way == "computed"),
        inputs: found.inputs.iter().map(input).collect(),
        rows: rows.map(|rows| rows.shown.iter().map(row).collect()).unwrap_or_default(),
        count: rows.map(|rows| t("explain.rows", &[("count", &number(rows.count))])),
        hidden: rows.filter(|rows| rows.hidden > 0).map(|rows| t("explain.hidden_rows", &[("count", &number(rows.hidden))])),
        list_url: rows.and_then(|rows| Some(url(&format!("/c/{}", rows.card.as_ref()?), &[("filter", &rows.filter.as_ref()?.to_string())]))),
        at: found.computed_at.map(|at| t("explain.at", &[("when", &form::format::instant(at, locale))])),
        recomputing: found.recomputing,
        record_url,
    }
}
