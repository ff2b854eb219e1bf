//! Groups and who is in them, for administrators. What a group may do, packs say.

use app::accounts::{memberships, people::{self, Asked}};
use axum::{
    extract::{Path as UrlPath, Query},
    http::StatusCode,
};
use uuid::Uuid;

use super::{users::{get, group_label, groups, pack_label}, *};
use crate::{
    pages::{draw, shell},
    view::{GroupChoice, GroupPage, GroupRow, GroupsPage},
    sure::Sure,
};

fn row(site: &Site, reader: &Reader, key: &str, members: i64) -> GroupRow {
    let role = reader.asker.snapshot.catalog.roles.get(key);
    GroupRow {
        key: key.to_owned(),
        label: group_label(site, reader, key),
        source: role.map_or_else(|| reader.t(site, "groups.of_engine", &[]), |role| if role.local { reader.t(site, "rights.local", &[]) } else { reader.t(site, "groups.of_pack", &[("pack", &pack_label(reader, role.pack.as_str()))]) }),
        portal: role.is_some_and(|role| role.portal),
        remove_url: role.filter(|role| role.local).map(|_| format!("/studio/groups/{key}/remove")),
        members,
        count: reader.t(site, "groups.members", &[("count", &members.to_string())]),
        url: format!("/studio/groups/{key}"),
    }
}

/// `GET /studio/groups`
pub async fn index(State(site): State<Site>, reader: Reader) -> Response {
    match people::members(&site.app, &reader.asker.actor).await {
        Ok(counts) => {
            let count = |key: &str| counts.iter().find(|(role, _)| role == key).map_or(0, |(_, count)| *count);
            let groups = groups(&reader).iter().map(|key| row(&site, &reader, key, count(key))).collect();
            reader.draw(&site, "studio/groups.html", None, &GroupsPage { groups })
        }
        Err(error) => reader.failed(&site, &error),
    }
}

async fn build(site: &Site, reader: &Reader, key: &str, text: &str) -> Result<GroupPage, AppError> {
    if !groups(reader).iter().any(|known| known == key) {
        return Err(AppError::not_found("group"));
    }
    let actor = &reader.asker.actor;
    let members = people::list(&site.app, actor, &Asked { role: Some(key.to_owned()), active: Some(true), ..Asked::default() }).await?;
    let others = people::list(&site.app, actor, &Asked { text: text.to_owned(), active: Some(true), ..Asked::default() }).await?;
    let more = members.len().max(others.len()) >= people::MAX_LISTED as usize;
    let total = people::members(&site.app, actor).await?.into_iter().find(|(role, _)| role == key).map_or(0, |(_, count)| count);
    let is_member = |id: Uuid| members.iter().any(|member| member.id == id);
    let one = |person: &people::Person, chosen: bool| GroupChoice { key: person.id.to_string(), label: person.name.clone(), hint: person.login.clone(), chosen };
    let all = members.iter().map(|person| one(person, true)).chain(others.iter().filter(|person| !is_member(person.id) && !person.roles.iter().any(|role| role == key)).map(|person| one(person, false))).collect();
    Ok(GroupPage { group: row(site, reader, key, total), people: all, text: text.to_owned(), error: None, saved: false, more })
}

/// `GET /studio/groups/{role}`
pub async fn show(State(site): State<Site>, UrlPath(key): UrlPath<String>, Query(pairs): Query<Vec<(String, String)>>, reader: Reader) -> Response {
    match build(&site, &reader, &key, get(&pairs, "q")).await {
        Ok(page) => reader.draw(&site, "studio/group.html", None, &GroupPage { saved: !get(&pairs, "saved").is_empty(), ..page }),
        Err(error) => reader.failed(&site, &error),
    }
}

/// `POST /studio/groups/{role}/remove`: a group that an administrator made, with what it gave.
pub async fn remove(State(site): State<Site>, UrlPath(key): UrlPath<String>, Sure { reader, by, .. }: Sure) -> Response {
    match app::rights::remove_group(&site.app, &reader.asker.actor, &by, &key).await {
        Ok(()) => Redirect::to("/studio/groups").into_response(),
        Err(error) => reader.failed(&site, &error),
    }
}

/// `POST /studio/groups/{role}/members`: `user`, and `member` is `true` or `false`.
pub async fn members(State(site): State<Site>, UrlPath(key): UrlPath<String>, Sure { reader, by, fields }: Sure) -> Response {
    let work = async {
        let id = people::id_of(get(&fields, "user"))?;
        memberships::set_member(&site.app, &by, &key, id, get(&fields, "member") == "true").await
    };
    match work.await {
        Ok(()) => Redirect::to(&crate::pages::url(&format!("/studio/groups/{key}"), &[("q", get(&fields, "q")), ("saved", "1")])).into_response(),
        Err(error @ (AppError::Malformed { .. } | AppError::Conflict { .. })) => match build(&site, &reader, &key, get(&fields, "q")).await {
            Ok(page) => {
                let words = crate::problem::document(&error, &reader.asker.actor.lang)["detail"].as_str().map(str::to_owned);
                draw(&site, StatusCode::UNPROCESSABLE_ENTITY, "studio/group.html", &shell::of(&site, &reader, None), &GroupPage { error: words, ..page })
            }
            Err(error) => reader.failed(&site, &error),
        },
        Err(error) => reader.failed(&site, &error),
    }
}
