//! The list as a file, as it is shown: its columns in their widths, its conditions, order, groups and totals.

use app::exports::{Asked as Export, Format};
use query::{GroupRequest, TotalRequest};

use super::*;

/// `GET /c/{card}/export`
pub async fn export(State(site): State<Site>, UrlPath(key): UrlPath<String>, Query(pairs): Query<Vec<(String, String)>>, reader: Reader) -> Response {
    let answer = async {
        let card = reader.asker.snapshot.card(&key)?.clone();
        app::lists::may_see(&reader.asker.snapshot, &reader.asker.actor, &key)?;
        let format = Format::read(pairs.iter().find(|(name, _)| name == "format").map_or("xlsx", |(_, format)| format.as_str()))?;
        let asked = ask(&site, &reader, &card, Address::read(&pairs)).await?;
        let group = |group: &GroupDef| serde_json::to_value(group).ok().and_then(|json| serde_json::from_value::<GroupRequest>(json).ok());
        let list = ListRequest {
            fields: Some(asked.columns.iter().map(ToString::to_string).collect()),
            limit: None,
            cursor: None,
            group_by: asked.list.group_by.iter().filter_map(group).collect(),
            totals: asked.list.totals.iter().map(|(path, function)| TotalRequest { field: path.to_string(), function: *function }).collect(),
            ..asked.request(&[])
        };
        let widths = asked.list.columns.iter().filter_map(|(path, width)| Some((path.to_string(), (*width)?))).collect();
        crate::api::exports::send(&site, &reader.asker, &key, &Export { list, format, widths }).await
    };
    answer.await.unwrap_or_else(|error: AppError| reader.failed(&site, &error))
}
