//! Lists that are kept: read, made, changed, deleted.

use app::{AppError, views::{self, Answers, Listed, Wanted}};
use query::ListRequest;
use serde_json::{Map, Value, json};

use super::head::*;

/// `chosen`: it was just made the one that opens first, which this request's actor does not know yet.
async fn shown(site: &Site, asker: &Asker, card: &str, id: &str, chosen: bool) -> Result<Value, AppError> {
    let (snapshot, actor) = (&asker.snapshot, &asker.actor);
    let card = snapshot.card(card)?.clone();
    let all = views::all(&site.app, snapshot, actor, &card).await?;
    let first = views::first(actor, &card, &all).map(|first| first.view.id.as_str());
    let listed = all.iter().find(|listed| listed.view.id == id).ok_or_else(|| AppError::not_found("list"))?;
    Ok(views::to_json(actor, &card, listed, chosen || first == Some(id)))
}

/// `GET /views/{card}`: those of packs and those kept, in the reader's order.
pub async fn list(State(site): State<Site>, Path(card): Path<String>, asker: Asker) -> Answer {
    asker.answer(async {
        let (snapshot, actor) = (&asker.snapshot, &asker.actor);
        let card = asker.card(&card)?;
        let all = views::all(&site.app, snapshot, actor, &card).await?;
        let first = views::first(actor, &card, &all).map(|first| first.view.id.clone());
        let one = |listed: &Listed| views::to_json(actor, &card, listed, first.as_deref() == Some(listed.view.id.as_str()));
        Ok(Json(json!({"data": all.iter().map(one).collect::<Vec<_>>()})).into_response())
    })
    .await
}

/// `GET /views/{card}/{id}`
pub async fn read(State(site): State<Site>, Path((card, id)): Path<(String, String)>, asker: Asker) -> Answer {
    asker.answer(async {
        asker.card(&card)?;
        shown(&site, &asker, &card, &id, false).await.map(Json)
    })
    .await
}

/// `POST /views/{card}`; with `"default": true` it opens first.
pub async fn create(State(site): State<Site>, Path(card): Path<String>, asker: Asker, Body(body): Body) -> Answer {
    asker.answer(async {
        asker.card(&card)?;
        let first = body.get("default") == Some(&Value::Bool(true));
        let id = views::create(&site.app, &asker.snapshot, &asker.actor, &card, &Wanted::from_json(body, None)?).await?.to_string();
        if first {
            views::arrange(&site.app, &asker.snapshot, &asker.actor, &card, None, Some(&id)).await?;
        }
        shown(&site, &asker, &card, &id, first).await.map(|made| (StatusCode::CREATED, Json(made)))
    })
    .await
}

/// `PATCH /views/{card}/{id}`: what is not said stays.
pub async fn change(State(site): State<Site>, Path((card, id)): Path<(String, String)>, asker: Asker, Body(body): Body) -> Answer {
    asker.answer(async {
        let (snapshot, actor) = (&asker.snapshot, &asker.actor);
        asker.card(&card)?;
        let first = body.get("default") == Some(&Value::Bool(true));
        // Which opens first is everybody's own choice, of any list.
        let only_first = first && body.as_object().is_some_and(|body| body.len() == 1);
        if !only_first {
            let before = views::find(&site.app, snapshot, actor, &snapshot.card(&card)?.clone(), &id).await?;
            views::change(&site.app, snapshot, actor, &card, &id, &Wanted::from_json(body, Some(&before))?).await?;
        }
        if first {
            views::arrange(&site.app, snapshot, actor, &card, None, Some(&id)).await?;
        }
        shown(&site, &asker, &card, &id, first).await.map(Json)
    })
    .await
}

/// `DELETE /views/{card}/{id}`
pub async fn delete(State(site): State<Site>, Path((card, id)): Path<(String, String)>, asker: Asker) -> Answer {
    asker.answer(async { views::delete(&site.app, &asker.snapshot, &asker.actor, &card, &id).await.map(|()| StatusCode::NO_CONTENT) }).await
}

/// `POST /views/{card}/{id}/restore`
pub async fn restore(State(site): State<Site>, Path((card, id)): Path<(String, String)>, asker: Asker) -> Answer {
    asker.answer(async {
        asker.card(&card)?;
        views::restore(&site.app, &asker.snapshot, &asker.actor, &card, &id).await?;
        shown(&site, &asker, &card, &id, false).await.map(Json)
    })
    .await
}

/// A question from an address, with `view` and `param.NAME` worked in.
pub async fn from_url(site: &Site, asker: &Asker, card: &str, pairs: Vec<(String, String)>) -> Result<ListRequest, AppError> {
    let (own, rest): (Vec<_>, Vec<_>) = pairs.into_iter().partition(|(key, _)| key == "view" || key.starts_with("param."));
    let view = own.iter().find(|(key, _)| key == "view").map(|(_, id)| id.as_str());
    views::asked(&site.app, &asker.snapshot, &asker.actor, card, view, &Answers::from_url(&own), ListRequest::from_url(&rest)?).await
}

/// A question from a body, with `view` and `params` worked in.
pub async fn from_body(site: &Site, asker: &Asker, card: &str, body: Value) -> Result<ListRequest, AppError> {
    let (mut body, mut view, mut params) = (body, None, Map::new());
    if let Value::Object(map) = &mut body {
        view = match map.remove("view") {
            None | Some(Value::Null) => None,
            Some(Value::String(id)) => Some(id),
            Some(_) => return Err(AppError::malformed("bad_query", "`view` is the id of a list")),
        };
        params = match map.remove("params") {
            None | Some(Value::Null) => Map::new(),
            Some(Value::Object(params)) => params,
            Some(_) => return Err(AppError::malformed("bad_query", "`params` is an object: {\"NAME\": VALUE}")),
        };
    }
    let answers = Answers(params.into_iter().collect());
    views::asked(&site.app, &asker.snapshot, &asker.actor, card, view.as_deref(), &answers, ListRequest::from_json(body)?).await
}
