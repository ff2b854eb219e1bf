//! One record, read through the same gate as a list.

use access::Actor;
use form::Locale;
use query::Trash;
use uuid::Uuid;

use crate::{App, AppError, lists::{self, Page}, snapshot::Snapshot};

/// A record with its child rows. Also from the trash, for those who may restore.
pub async fn read(app: &App, snapshot: &Snapshot, actor: &Actor, card: &str, id: Uuid, locale: &Locale) -> Result<Page, AppError> {
    read_in(app, snapshot, actor, card, id, &[Trash::Without, Trash::Only], locale).await
}

/// A record with its child rows, looked for in these places.
pub async fn read_in(app: &App, snapshot: &Snapshot, actor: &Actor, card: &str, id: Uuid, places: &[Trash], locale: &Locale) -> Result<Page, AppError> {
    for trash in places.iter().copied() {
        let page = match lists::plan::record(app, snapshot, actor, card, (id, trash), locale).await {
            // Who may not restore does not see the trash.
            Err(AppError::Forbidden { .. }) if trash == Trash::Only && places.len() > 1 => break,
            page => page?,
        };
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
