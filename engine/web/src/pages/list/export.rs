//! The list as a file, as it is shown: its columns in their widths, its conditions, order, groups and totals.

use app::exports::{Asked as Export, Format};
use axum::Form;
use query::{GroupRequest, TotalRequest};
use uuid::Uuid;

use super::*;

/// Most records that are named one by one.
const MAX_IDS: usize = 5_000;

type Pairs = Vec<(String, String)>;

/// `GET /c/{card}/export`
pub async fn export(State(site): State<Site>, UrlPath(key): UrlPath<String>, Query(pairs): Query<Pairs>, reader: Reader) -> Response {
    send(&site, &reader, &key, &pairs, &[]).await.unwrap_or_else(|error: AppError| reader.failed(&site, &error))
}

/// `POST /c/{card}/export`: the records that are selected, by `ids`; without, all that the list's address matches.
pub async fn export_selected(State(site): State<Site>, UrlPath(key): UrlPath<String>, Query(pairs): Query<Pairs>, reader: Reader, Form(fields): Form<Pairs>) -> Response {
    let ids: Vec<Uuid> = fields.iter().filter(|(name, _)| name == "ids").flat_map(|(_, ids)| ids.split(',')).filter_map(|id| Uuid::try_parse(id.trim()).ok()).collect();
    let format = fields.iter().filter(|(name, _)| name == "format").cloned();
    let pairs: Pairs = format.chain(pairs).collect();
    send(&site, &reader, &key, &pairs, &ids).await.unwrap_or_else(|error: AppError| reader.failed(&site, &error))
}

async fn send(site: &Site, reader: &Reader, key: &str, pairs: &[(String, String)], ids: &[Uuid]) -> Result<Response, AppError> {
    let card = reader.asker.snapshot.card(key)?.clone();
    app::lists::may_see(&reader.asker.snapshot, &reader.asker.actor, key)?;
    if ids.len() > MAX_IDS {
        return Err(AppError::TooLarge { detail: format!("at most {MAX_IDS} records are named one by one; select all matches instead") });
    }
    let format = Format::read(pairs.iter().find(|(name, _)| name == "format").map_or("xlsx", |(_, format)| format.as_str()))?;
    let asked = ask(site, reader, &card, Address::read(pairs)).await?;
    let group = |group: &GroupDef| serde_json::to_value(group).ok().and_then(|json| serde_json::from_value::<GroupRequest>(json).ok());
    let list = ListRequest {
        fields: Some(asked.columns.iter().map(ToString::to_string).collect()),
        limit: None,
        cursor: None,
        group_by: asked.list.group_by.iter().filter_map(group).collect(),
        totals: asked.list.totals.iter().map(|(path, function)| TotalRequest { field: path.to_string(), function: *function }).collect(),
        ..asked.request(&[])
    };
    // What was selected is named by its ids: it may match no more.
    let list = if ids.is_empty() { list } else { ListRequest { filter: Some(json!({"field": "id", "op": "any_of", "value": ids})), q: None, ..list } };
    let widths = asked.list.columns.iter().filter_map(|(path, width)| Some((path.to_string(), (*width)?))).collect();
    crate::api::exports::send(site, &reader.asker, key, &Export { list, format, widths }).await
}
