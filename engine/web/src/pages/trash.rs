//! The trash of a card.

use app::{AppError, lists, records::purge};
use axum::{
    extract::{Path as UrlPath, Query, State},
    response::{IntoResponse, Redirect, Response},
};
use query::{ListRequest, Trash};

use super::{Reader, get, list, words};
use crate::{
    Site,
    sure::Sure,
    view::{Avatar, TrashPage, TrashRow},
};

type Pairs = Vec<(String, String)>;

/// Records in one window.
const WINDOW: u32 = 100;
/// Most records of one press.
const MOST: usize = 200;

/// `GET /c/{card}/trash`
pub async fn page(State(site): State<Site>, UrlPath(key): UrlPath<String>, Query(pairs): Query<Pairs>, reader: Reader) -> Response {
    let after = Some(get(&pairs, "after").to_owned()).filter(|after| !after.is_empty());
    let more = after.is_some();
    match shown(&site, &reader, &key, after).await {
        Ok(mut page) => {
            page.said = match get(&pairs, "gone") {
                "later" => Some(reader.t(&site, "trash.emptying", &[])),
                count => count.parse::<u64>().ok().map(|count| reader.t(&site, "trash.gone", &[("count", &count.to_string())])),
            };
            reader.draw(&site, if more { "trash/rows.html" } else { "trash/index.html" }, Some(&key), &page)
        }
        Err(error) => reader.failed(&site, &error),
    }
}

async fn shown(site: &Site, reader: &Reader, key: &str, after: Option<String>) -> Result<TrashPage, AppError> {
    let snapshot = &reader.asker.snapshot;
    let card = snapshot.card(key)?.clone();
    let mut fields: Vec<String> = card.title.paths().filter(|path| reader.may_show(path)).map(ToString::to_string).collect();
    fields.extend(["updated_by".to_owned(), "updated_at".to_owned()]);
    let request = ListRequest { trash: Trash::Only, fields: Some(fields), sort: Some("-updated_at".into()), cursor: after, limit: Some(WINDOW), ..ListRequest::default() };
    let gated = lists::ask(snapshot, &reader.asker.actor, key, &request)?;
    let page = lists::page(&site.app, snapshot, &reader.asker.actor, &gated, &reader.asker.locale).await?;
    let lang = &reader.asker.actor.lang;
    let row = |item: &lists::Item| {
        let title = words::title(reader, &card, &page.columns, &item.values);
        let find = |name: &str| page.columns.iter().position(|column| column.name == name).map(|index| &item.values[index]);
        let by = find("updated_by").and_then(model::Value::as_id).and_then(|id| page.titles.get(&id).cloned()).unwrap_or_else(|| words::word("system", lang));
        let (when, at) = match find("updated_at") {
            Some(model::Value::Instant(at)) => (words::ago(*at, reader.asker.actor.now, lang), at.to_rfc3339()),
            _ => (String::new(), String::new()),
        };
        TrashRow { id: item.id.to_string(), avatar: Some(Avatar::of(&title)), title, by, when, at, with: None }
    };
    let may = purge::may(snapshot, &reader.asker.actor, &card);
    Ok(TrashPage {
        card: list::head(&card, lang),
        rows: page.items.iter().map(row).collect(),
        next_url: page.next.as_ref().map(|next| super::url(&format!("/c/{key}/trash"), &[("after", next)])),
        restore_url: format!("/c/{key}/restore"),
        can_restore: true,
        purge_url: may.map(|_| format!("/c/{key}/purge")),
        may_empty: may == Some(true),
        days: site.app.settings().trash_days,
        ..TrashPage::default()
    })
}

/// `POST /c/{card}/purge` with `ids`, or with `all`: deleted for good. What cannot be is told where it lies.
pub async fn purge(State(site): State<Site>, UrlPath(key): UrlPath<String>, Sure { reader, fields, .. }: Sure) -> Response {
    let done = async {
        let actor = &reader.asker.actor;
        if !get(&fields, "all").is_empty() {
            purge::empty(&site.app, actor, &key).await?;
            return Ok("later".to_owned());
        }
        let ids = list::ids(&fields);
        if ids.len() > MOST {
            return Err(AppError::malformed("bad_bulk", format!("1 to {MOST} records are deleted for good at once")));
        }
        let mut count = 0;
        for id in ids {
            count += match purge::purge(&site.app, actor, &key, id).await {
                // It went along with one before.
                Err(AppError::NotFound { .. }) if count > 0 => 0,
                gone => gone?,
            };
        }
        Ok::<_, AppError>(count.to_string())
    };
    match done.await {
        Ok(gone) => Redirect::to(&super::url(&format!("/c/{key}/trash"), &[("gone", &gone)])).into_response(),
        Err(error @ AppError::Conflict { .. }) => match shown(&site, &reader, &key, None).await {
            Ok(mut page) => {
                page.error = crate::problem::document(&error, &reader.asker.actor.lang)["detail"].as_str().map(str::to_owned);
                let mut response = reader.draw(&site, "trash/index.html", Some(&key), &page);
                *response.status_mut() = crate::problem::status(&error);
                response
            }
            Err(error) => reader.failed(&site, &error),
        },
        Err(error) => reader.failed(&site, &error),
    }
}
