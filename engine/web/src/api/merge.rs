//! Look-alikes, and making one record of several.

use app::{AppError, duplicates, merge};
use model::Ident;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{bulk::accepted, head::*};

/// `GET /records/{card}/duplicates?rule=0&after=…&limit=20`
pub async fn groups(State(site): State<Site>, Path(card): Path<String>, Query(pairs): Query<Vec<(String, String)>>, asker: Asker) -> Answer {
    let get = |name: &str| pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    asker.answer(async {
        let found = asker.card(&card)?;
        let rule = get("rule").map_or(Ok(0), str::parse).map_err(|_| AppError::not_found("rule"))?;
        let limit = match get("limit").map(str::parse::<usize>) {
            None => 20,
            Some(Ok(limit @ 1..=100)) => limit,
            Some(_) => return Err(AppError::malformed("bad_limit", "limit is a number from 1 to 100")),
        };
        let (groups, next) = duplicates::groups(&site.app, &asker.snapshot, &asker.actor, &card, rule, get("after"), limit).await?;
        let wanted = [(found.key.clone(), groups.iter().flat_map(|group| group.records.iter().copied()).collect())].into_iter().collect();
        let titles = app::titles::fetch(&mut app::Source::App(&site.app), &asker.snapshot.catalog, &asker.actor, &wanted, &asker.locale).await?;
        let one = |group: &duplicates::Group| json!({"key": group.key, "records": group.records.iter().map(|id| json!({"id": id, "title": titles.get(id)})).collect::<Vec<_>>()});
        let rules: Vec<Value> = found.duplicates.iter().map(|def| json!({"match": def.fields.iter().map(Ident::to_string).collect::<Vec<_>>(), "action": if def.action == model::DuplicateAction::Refuse { "refuse" } else { "warn" }})).collect();
        Ok(Json(json!({"rules": rules, "data": groups.iter().map(one).collect::<Vec<_>>(), "next": next, "complete": duplicates::is_built(&site.app, &found).await?})).into_response())
    })
    .await
}

/// `POST /records/{card}/duplicates/dismiss` with `{"records": [ids]}`
pub async fn dismiss(State(site): State<Site>, Path(card): Path<String>, asker: Asker, Body(body): Body) -> Answer {
    asker.answer(async {
        asker.card(&card)?;
        let bad = || AppError::malformed("bad_pair", "`records` is a list of ids");
        let ids = body.get("records").and_then(Value::as_array).ok_or_else(bad)?;
        let ids: Vec<Uuid> = ids.iter().map(|id| id.as_str().and_then(|id| Uuid::try_parse(id).ok()).ok_or_else(bad)).collect::<Result<_, _>>()?;
        duplicates::dismiss(&site.app, &asker.snapshot, &asker.actor, &card, &ids).await.map(|()| StatusCode::NO_CONTENT)
    })
    .await
}

/// `POST /records/{card}/merge`
pub async fn merge(State(site): State<Site>, Path(card): Path<String>, asker: Asker, Body(body): Body) -> Answer {
    asker.answer(async {
        asker.card(&card)?;
        let batch = merge::merge(&site.app, &asker.snapshot, &asker.actor, &card, &merge::Request::read(&body)?).await?;
        Ok((accepted(&batch), Json(batch.to_json(&asker.actor))))
    })
    .await
}
