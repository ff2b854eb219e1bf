//! One record, read through the same gate as a list.

use access::Actor;
use form::Locale;
use model::Ident;
use query::{ListRequest, Trash};
use serde_json::json;
use uuid::Uuid;

use crate::{App, AppError, lists::{self, Page}, snapshot::Snapshot};

/// A record with its child rows. Also from the trash, for those who may restore.
pub async fn read(app: &App, snapshot: &Snapshot, actor: &Actor, card: &str, id: Uuid, locale: &Locale) -> Result<Page, AppError> {
    read_in(app, snapshot, actor, card, id, &[Trash::Without, Trash::Only], locale).await
}

/// A record with its child rows, looked for in these places.
pub async fn read_in(app: &App, snapshot: &Snapshot, actor: &Actor, card: &str, id: Uuid, places: &[Trash], locale: &Locale) -> Result<Page, AppError> {
    for trash in places.iter().copied() {
        let request = ListRequest { filter: Some(json!({"field": "id", "op": "is", "value": id.to_string()})), limit: Some(1), trash, ..ListRequest::default() };
        let gated = match lists::ask(snapshot, actor, card, &request) {
            Ok(gated) => gated.with_children(snapshot.card(card)?.children.keys().cloned().collect::<Vec<Ident>>()).with_titles(&snapshot.catalog, actor),
            // Who may not restore does not see the trash.
            Err(AppError::Forbidden { .. }) if trash == Trash::Only && places.len() > 1 => break,
            Err(error) => return Err(error),
        };
        let page = lists::page(app, snapshot, actor, &gated, locale).await?;
        if !page.items.is_empty() {
            return Ok(page);
        }
        if snapshot.card(card)?.builtin {
            break;
        }
    }
    Err(AppError::not_found("record"))
}

/// Whether a record satisfies a condition of the gate.
pub async fn matches(app: &App, snapshot: &Snapshot, card: &model::Card, id: Uuid, rows: &model::Condition) -> Result<bool, AppError> {
    if rows.is_always() {
        return Ok(true);
    }
    let lowered = sql::select::matching(&snapshot.catalog, app.store.dialect(), &card.table.reference(), &[id], rows);
    Ok(!app.store.fetch(&lowered.statement).await?.is_empty())
}
