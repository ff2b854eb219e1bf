//! Folders of records that people keep.

use app::{AppError, folders::{self, Folder, Wanted}, lists};
use model::{Ident, Tone};
use query::ListRequest;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::head::*;

async fn shown(site: &Site, asker: &Asker, folder: &Folder) -> Result<Value, AppError> {
    let count = folders::count(&site.app, &asker.snapshot, &asker.actor, folder.id).await?;
    Ok(json!({
        "id": folder.id.to_string(), "name": folder.name, "tone": folder.tone, "owner": {"id": folder.owner.to_string(), "title": folder.owner_name},
        "lookers": folder.lookers, "fillers": folder.fillers, "editable": folder.is_owned(&asker.actor), "fillable": folder.may_fill, "count": count
    }))
}

/// A folder out of a body; what it does not say stays as it is in `before`.
fn wanted(body: Value, before: Option<&Folder>) -> Result<Wanted, AppError> {
    let wrong = |detail: String| AppError::malformed("bad_folder", detail);
    let Value::Object(map) = body else { return Err(wrong("a folder is a JSON object such as {\"name\": \"Key accounts\", \"tone\": \"amber\"}".into())) };
    const KEYS: [&str; 9] = ["name", "tone", "lookers", "fillers", "id", "owner", "editable", "fillable", "count"];
    if let Some(stray) = map.keys().find(|key| !KEYS.contains(&key.as_str())) {
        let near = model::nearest(stray, KEYS).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
        return Err(wrong(format!("`{stray}` is no part of a folder{near}")));
    }
    let read = |key: &str| map.get(key).filter(|value| !value.is_null()).cloned();
    let roles = |key: &str, old: Vec<Ident>| read(key).map_or(Ok(old), |value| serde_json::from_value(value).map_err(|error| wrong(format!("`{key}` is a list of groups' keys: {error}"))));
    let name = read("name").map_or_else(|| Ok(before.map(|before| before.name.clone()).unwrap_or_default()), |name| name.as_str().map(|name| name.trim().to_owned()).ok_or_else(|| wrong("`name` is a text".into())))?;
    let tone = read("tone").map_or_else(|| Ok(before.map_or(Tone::Gray, |before| before.tone)), |tone| serde_json::from_value(tone).map_err(|error| wrong(format!("`tone`: {error}"))))?;
    let old = |of: fn(&Folder) -> &Vec<Ident>| before.map(|before| of(before).clone()).unwrap_or_default();
    Ok(Wanted { name, tone, lookers: roles("lookers", old(|folder| &folder.lookers))?, fillers: roles("fillers", old(|folder| &folder.fillers))? })
}

/// `GET /folders`
pub async fn list(State(site): State<Site>, asker: Asker) -> Answer {
    asker.answer(async {
        let mut data = Vec::new();
        for folder in folders::all(&site.app, &asker.actor).await? {
            data.push(shown(&site, &asker, &folder).await?);
        }
        Ok(Json(json!({"data": data})).into_response())
    })
    .await
}

/// `POST /folders`
pub async fn create(State(site): State<Site>, asker: Asker, Body(body): Body) -> Answer {
    asker.answer(async {
        let id = folders::create(&site.app, &asker.snapshot, &asker.actor, &wanted(body, None)?).await?;
        let folder = folders::find(&site.app, &asker.actor, id).await?;
        Ok((StatusCode::CREATED, Json(shown(&site, &asker, &folder).await?)).into_response())
    })
    .await
}

/// `GET /folders/{id}`: the folder, and what is in it by card.
pub async fn read(State(site): State<Site>, Path(id): Path<String>, asker: Asker) -> Answer {
    asker.answer(async {
        let (snapshot, actor) = (&asker.snapshot, &asker.actor);
        let folder = folders::find(&site.app, actor, id_of(&id, "folder")?).await?;
        let mut body = shown(&site, &asker, &folder).await?;
        let mut records = Map::new();
        for card in folders::cards(&site.app, snapshot, actor, folder.id).await? {
            let request = ListRequest { fields: Some(vec!["id".into()]), limit: Some(query::MAX_LIMIT), ..folders::request(folder.id) };
            let gated = lists::ask(snapshot, actor, card.as_str(), &request)?;
            let page = lists::page(&site.app, snapshot, actor, &gated, &asker.locale).await?;
            if !page.items.is_empty() {
                records.insert(card.to_string(), page.items.iter().map(|item| Value::from(item.id.to_string())).collect());
            }
        }
        body["records"] = records.into();
        Ok(Json(body).into_response())
    })
    .await
}

/// `PATCH /folders/{id}`: what is not said stays.
pub async fn change(State(site): State<Site>, Path(id): Path<String>, asker: Asker, Body(body): Body) -> Answer {
    asker.answer(async {
        let before = folders::find(&site.app, &asker.actor, id_of(&id, "folder")?).await?;
        folders::change(&site.app, &asker.snapshot, &asker.actor, before.id, &wanted(body, Some(&before))?).await?;
        let folder = folders::find(&site.app, &asker.actor, before.id).await?;
        Ok(Json(shown(&site, &asker, &folder).await?).into_response())
    })
    .await
}

/// `DELETE /folders/{id}`
pub async fn delete(State(site): State<Site>, Path(id): Path<String>, asker: Asker) -> Answer {
    asker.answer(async { (folders::delete(&site.app, &asker.actor, id_of(&id, "folder")?).await).map(|()| StatusCode::NO_CONTENT) }).await
}

/// `POST /folders/{id}/restore`
pub async fn restore(State(site): State<Site>, Path(id): Path<String>, asker: Asker) -> Answer {
    asker.answer(async {
        let id = id_of(&id, "folder")?;
        folders::restore(&site.app, &asker.actor, id).await?;
        let folder = folders::find(&site.app, &asker.actor, id).await?;
        Ok(Json(shown(&site, &asker, &folder).await?).into_response())
    })
    .await
}

fn records(body: &Value) -> Result<Vec<Uuid>, AppError> {
    let wrong = || AppError::malformed("bad_folder", "`ids` is a list of records' ids");
    body.get("ids").and_then(Value::as_array).ok_or_else(wrong)?.iter().map(|id| id.as_str().and_then(|id| Uuid::try_parse(id).ok()).ok_or_else(wrong)).collect()
}

/// `POST /folders/{id}/records` with `card` and `ids`.
pub async fn add(State(site): State<Site>, Path(id): Path<String>, asker: Asker, Body(body): Body) -> Answer {
    asker.answer(async {
        let card = body.get("card").and_then(Value::as_str).ok_or_else(|| AppError::malformed("bad_folder", "`card` says of which card the records are"))?;
        let added = folders::add(&site.app, &asker.snapshot, &asker.actor, id_of(&id, "folder")?, card, &records(&body)?).await?;
        Ok(Json(json!({"added": added})).into_response())
    })
    .await
}

/// `DELETE /folders/{id}/records/{record}`
pub async fn remove(State(site): State<Site>, Path((id, record)): Path<(String, String)>, asker: Asker) -> Answer {
    asker.answer(async {
        let record = id_of(&record, "record")?;
        folders::remove(&site.app, &asker.actor, id_of(&id, "folder")?, &[record]).await.map(|()| StatusCode::NO_CONTENT)
    })
    .await
}
