//! Making, naming, colouring, sharing, ordering and deleting folders.

use app::{AppError, folders::{self, Folder, Wanted}};
use axum::{
    extract::{Path as UrlPath, State},
    response::Response,
};
use model::{Ident, Tone};

use super::{Pairs, Reader, folder_id, get, go, ids};
use crate::{
    Site,
    extract::Form,
    view::{Choice, FolderForm},
};

const TONES: [Tone; 8] = [Tone::Amber, Tone::Violet, Tone::Blue, Tone::Teal, Tone::Green, Tone::Red, Tone::Pink, Tone::Gray];

fn folder_form(site: &Site, reader: &Reader, folder: Option<&Folder>) -> FolderForm {
    let (catalog, lang) = (&reader.asker.snapshot.catalog, &reader.asker.actor.lang);
    // A new folder takes the first colour that is free.
    let free = TONES.into_iter().find(|tone| !reader.folders.iter().any(|folder| folder.tone == *tone)).unwrap_or(Tone::Blue);
    let chosen = folder.map_or(free, |folder| folder.tone);
    let right = |role: &Ident| match folder {
        Some(folder) if folder.fillers.contains(role) => "fill",
        Some(folder) if folder.lookers.contains(role) => "look",
        _ => "",
    };
    let role = |(key, role): (&Ident, &model::Role)| (Choice { value: key.to_string(), text: role.labels.or_key(lang, key.as_str()), selected: !right(key).is_empty() }, right(key).to_owned());
    FolderForm {
        exists: folder.is_some(),
        name: folder.map(|folder| folder.name.clone()).unwrap_or_default(),
        tones: TONES.iter().map(|tone| Choice { value: tone.name().into(), text: reader.t(site, &format!("tone.{}", tone.name()), &[]), selected: *tone == chosen }).collect(),
        roles: catalog.roles.iter().map(role).collect(),
        action: folder.map_or_else(|| "/fav".to_owned(), |folder| format!("/fav/{}", folder.id)),
    }
}

fn drawn(site: &Site, reader: &Reader, folder: Option<&Folder>) -> Response {
    reader.draw(site, if reader.fragment { "favourites/form.html" } else { "favourites/form_page.html" }, None, &folder_form(site, reader, folder))
}

/// `GET /fav/new`
pub async fn new_form(State(site): State<Site>, reader: Reader) -> Response {
    drawn(&site, &reader, None)
}

/// `GET /fav/{folder}/edit`
pub async fn edit_form(State(site): State<Site>, UrlPath(id): UrlPath<String>, reader: Reader) -> Response {
    let answer = async {
        let folder = folders::find(&site.app, &reader.asker.actor, folder_id(&id)?).await?;
        if folder.is_owned(&reader.asker.actor) { Ok(folder) } else { Err(AppError::forbidden(format!("“{}” belongs to {}", folder.name, folder.owner_name))) }
    };
    match answer.await {
        Ok(folder) => drawn(&site, &reader, Some(&folder)),
        Err(error) => reader.failed(&site, &error),
    }
}

fn wanted(fields: &[(String, String)]) -> Wanted {
    let with = |right: &str| fields.iter().filter(|(_, value)| value == right).filter_map(|(name, _)| Ident::new(name.strip_prefix("role.")?).ok()).collect();
    let tone = TONES.into_iter().find(|tone| tone.name() == get(fields, "tone")).unwrap_or(Tone::Gray);
    Wanted { name: get(fields, "name").to_owned(), tone, lookers: with("look"), fillers: with("fill") }
}

/// `POST /fav` with `name`, `tone`, `role.KEY`; with `card` and `ids` these records are put in at once.
pub async fn create(State(site): State<Site>, reader: Reader, Form(fields): Form<Pairs>) -> Response {
    let answer = async {
        let (snapshot, actor) = (&reader.asker.snapshot, &reader.asker.actor);
        let id = folders::create(&site.app, snapshot, actor, &wanted(&fields)).await?;
        let records = ids(&fields);
        if !records.is_empty() {
            folders::add(&site.app, snapshot, actor, id, get(&fields, "card"), &records).await?;
        }
        Ok(go(&reader, &format!("/fav/{id}"), Some(reader.t(&site, "fav.made", &[])), None))
    };
    answer.await.unwrap_or_else(|error: AppError| reader.failed(&site, &error))
}

/// `POST /fav/{folder}`
pub async fn change(State(site): State<Site>, UrlPath(id): UrlPath<String>, reader: Reader, Form(fields): Form<Pairs>) -> Response {
    let answer = async {
        folders::change(&site.app, &reader.asker.snapshot, &reader.asker.actor, folder_id(&id)?, &wanted(&fields)).await?;
        Ok(go(&reader, &format!("/fav/{id}"), Some(reader.t(&site, "fav.saved", &[])), None))
    };
    answer.await.unwrap_or_else(|error: AppError| reader.failed(&site, &error))
}

/// `POST /fav/{folder}/delete`
pub async fn delete(State(site): State<Site>, UrlPath(id): UrlPath<String>, reader: Reader) -> Response {
    let answer = async {
        folders::delete(&site.app, &reader.asker.actor, folder_id(&id)?).await?;
        Ok(go(&reader, "/", Some(reader.t(&site, "fav.deleted", &[])), Some(("/fav/restore".into(), vec![id.clone()]))))
    };
    answer.await.unwrap_or_else(|error: AppError| reader.failed(&site, &error))
}

/// `POST /fav/restore` with `ids`.
pub async fn restore(State(site): State<Site>, reader: Reader, Form(fields): Form<Pairs>) -> Response {
    let answer = async {
        let mut last = "/".to_owned();
        for id in ids(&fields) {
            folders::restore(&site.app, &reader.asker.actor, id).await?;
            last = format!("/fav/{id}");
        }
        Ok(go(&reader, &last, None, None))
    };
    answer.await.unwrap_or_else(|error: AppError| reader.failed(&site, &error))
}

/// `POST /fav/order` with `ids`: the reader's own folders in their new order.
pub async fn arrange(State(site): State<Site>, reader: Reader, Form(fields): Form<Pairs>) -> Response {
    let answer = folders::arrange(&site.app, &reader.asker.actor, &ids(&fields)).await;
    match answer {
        Ok(()) => go(&reader, "/", None, None),
        Err(error) => reader.failed(&site, &error),
    }
}
