//! The trash of a card.

use app::{AppError, lists};
use axum::{
    extract::{Path as UrlPath, Query, State},
    response::Response,
};
use query::{ListRequest, Trash};

use super::{Reader, list, words};
use crate::{
    Site,
    view::{Avatar, TrashPage, TrashRow},
};

/// `GET /c/{card}/trash`
pub async fn page(State(site): State<Site>, UrlPath(key): UrlPath<String>, Query(pairs): Query<Vec<(String, String)>>, reader: Reader) -> Response {
    let answer = async {
        let snapshot = &reader.asker.snapshot;
        let card = snapshot.card(&key)?.clone();
        let after = pairs.iter().find(|(name, _)| name == "after").map(|(_, value)| value.clone());
        let mut fields: Vec<String> = card.title.paths().filter(|path| reader.may_show(path)).map(ToString::to_string).collect();
        fields.extend(["updated_by".to_owned(), "updated_at".to_owned()]);
        let request = ListRequest { trash: Trash::Only, fields: Some(fields), sort: Some("-updated_at".into()), cursor: after, limit: Some(100), ..ListRequest::default() };
        let gated = lists::ask(snapshot, &reader.asker.actor, &key, &request)?;
        let page = lists::page(&site.app, snapshot, &reader.asker.actor, &gated, &reader.asker.locale).await?;
        let lang = &reader.asker.actor.lang;
        let row = |item: &lists::Item| {
            let title = words::title(&reader, &card, &page.columns, &item.values);
            let find = |name: &str| page.columns.iter().position(|column| column.name == name).map(|index| &item.values[index]);
            let by = find("updated_by").and_then(model::Value::as_id).and_then(|id| page.titles.get(&id).cloned()).unwrap_or_else(|| words::word("system", lang));
            let (when, at) = match find("updated_at") {
                Some(model::Value::Instant(at)) => (words::ago(*at, reader.asker.actor.now, lang), at.to_rfc3339()),
                _ => (String::new(), String::new()),
            };
            TrashRow { id: item.id.to_string(), avatar: Some(Avatar::of(&title)), title, by, when, at, with: None }
        };
        Ok::<_, AppError>(TrashPage {
            card: list::head(&card, lang),
            q: String::new(),
            rows: page.items.iter().map(row).collect(),
            next_url: page.next.as_ref().map(|next| super::url(&format!("/c/{key}/trash"), &[("after", next)])),
            restore_url: format!("/c/{key}/restore"),
            can_restore: true,
        })
    };
    let more = pairs.iter().any(|(name, _)| name == "after");
    match answer.await {
        Ok(page) => reader.draw(&site, if more { "trash/rows.html" } else { "trash/index.html" }, Some(&key), &page),
        Err(error) => reader.failed(&site, &error),
    }
}
