//! What administrators look after: slow lists, and the indexes that help them.

use app::{AppError, advice};
use axum::{
    extract::State,
    response::{IntoResponse, Redirect, Response},
};
use model::Card;

use super::{Reader, words};
use crate::{
    Site,
    extract::Form,
    view::{SlowList, SpeedPage},
};

/// `GET /studio/speed`
pub async fn speed(State(site): State<Site>, reader: Reader) -> Response {
    match build(&site, &reader).await {
        Ok(page) => reader.draw(&site, "studio/speed.html", None, &page),
        Err(error) => reader.failed(&site, &error),
    }
}

async fn build(site: &Site, reader: &Reader) -> Result<SpeedPage, AppError> {
    let advice = advice::list(&site.app, &reader.asker.actor).await?;
    let lang = &reader.asker.actor.lang;
    let number = |number: i64| form::format::number_text(number.into(), 0, &reader.asker.locale);
    let one = |advice: &advice::Advice| {
        let card = reader.asker.snapshot.catalog.card(&advice.shape.card)?;
        let named = |columns: &[String]| columns.iter().map(|column| label(card, column, lang)).collect::<Vec<_>>().join(", ");
        Some(SlowList {
            label: card.plurals.or_key(lang, card.key.as_str()),
            icon: card.icon.clone(),
            narrowed: named(&advice.shape.narrowed),
            sorted: named(&advice.shape.sorted),
            seen: number(advice.seen),
            worst: number(advice.worst / 1_000),
            last: words::ago(advice.last, reader.asker.actor.now, lang),
            card: card.key.to_string(),
            columns: advice.shape.columns().join(","),
        })
    };
    Ok(SpeedPage { lists: advice.iter().filter_map(one).collect() })
}

fn label(card: &Card, column: &str, lang: &str) -> String {
    let field = card.table.fields.values().find(|field| field.column() == Some(column));
    field.map_or_else(|| column.to_owned(), |field| field.labels.or_key(lang, field.key.as_str()))
}

/// `POST /studio/speed`: has an index made, and shows how far it is.
pub async fn make_index(State(site): State<Site>, reader: Reader, Form(pairs): Form<Vec<(String, String)>>) -> Response {
    let get = |name: &str| pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str()).unwrap_or_default();
    let columns: Vec<String> = get("columns").split(',').map(str::to_owned).collect();
    match advice::make(&site.app, &reader.asker.actor, get("card"), &columns).await {
        Ok(job) => Redirect::to(&format!("/jobs/{job}")).into_response(),
        Err(error) => reader.failed(&site, &error),
    }
}
