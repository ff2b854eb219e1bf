//! The frame around every page.

use access::{Actor, gate};
use app::Snapshot;
use axum::http::HeaderMap;
use model::{ActionName, Card};

use super::Reader;
use crate::{
    Site, extract,
    templates::LANGUAGES,
    view::{Avatar, FolderItem, Language, NavItem, NavModule, Shell, Theme, UserChip},
};

/// The frame of pages without a session.
pub fn bare(site: &Site, headers: &HeaderMap, here: &str) -> Shell {
    let lang = extract::language(headers);
    Shell { csrf: crate::visit::csrf_of(site, headers), languages: languages(&lang), lang, theme: theme(extract::cookie(headers, extract::THEME).unwrap_or_default()), density: "normal".into(), point: '.', company: site.app.settings().name.clone(), here: here.to_owned(), home_url: "/".into(), ..Shell::default() }
}

fn languages(current: &str) -> Vec<Language> {
    LANGUAGES.iter().map(|(code, name)| Language { code: (*code).into(), name: (*name).into(), current: *code == current }).collect()
}

pub(super) fn theme(name: &str) -> Theme {
    match name {
        "light" => Theme::Light,
        "dark" => Theme::Dark,
        _ => Theme::System,
    }
}

/// Whether the actor may do something with a card's records.
pub fn may(snapshot: &Snapshot, actor: &Actor, card: &Card, action: ActionName) -> bool {
    snapshot.catalog.card(&card.key).is_some_and(|card| !(card.builtin && action != ActionName::Read) && gate(&snapshot.catalog, actor, card, action).is_ok())
}

/// Whether records of a card are made by themselves: not those that are entered from another record.
pub fn may_make(snapshot: &Snapshot, actor: &Actor, card: &Card) -> bool {
    card.entered_from.is_none() && may(snapshot, actor, card, ActionName::Create)
}

/// The frame of a reader's pages; `card` is the card being shown.
pub fn of(site: &Site, reader: &Reader, card: Option<&str>) -> Shell {
    let (snapshot, actor) = (&reader.asker.snapshot, &reader.asker.actor);
    let mut nav = nav(snapshot, actor, card);
    let pins: Vec<NavItem> = reader.pins.iter().map(|(card, listed)| pinned(reader, card, listed)).collect();
    let home = nav.iter().flat_map(|module| &module.items).next().map_or_else(|| "/".to_owned(), |item| item.url.clone());
    nav.splice(0..0, reader.waiting.map(|count| desk(site, reader, count)));
    let shown = card.and_then(|key| snapshot.catalog.card(key)).filter(|card| may_make(snapshot, actor, card));
    let name = actor.name.clone();
    let avatar = Avatar::person(&name);
    Shell {
        lang: actor.lang.clone(),
        languages: languages(&actor.lang),
        theme: theme(&reader.theme),
        density: actor.preferences.get("density").cloned().unwrap_or_else(|| "normal".into()),
        point: reader.asker.locale.point,
        shortcuts_off: actor.preferences.get("shortcuts").is_some_and(|on| on == "false"),
        csrf: reader.csrf.clone(),
        company: site.app.settings().name.clone(),
        user: Some(UserChip { name, initials: avatar.initials, tone: avatar.tone, detail: roles(snapshot, actor), admin: actor.is_administrator() }),
        nav,
        favourites: favourites(reader),
        pins,
        unread: reader.unread,
        home_url: home,
        create_url: shown.map(|card| format!("/c/{}/new", card.key)),
        create_label: shown.map(|card| reader.t(site, "list.new", &[("what", &card.labels.or_key(&actor.lang, card.key.as_str()))])),
        palette_card: card.map(str::to_owned),
        palette_label: card.and_then(|key| snapshot.catalog.card(key)).map_or_else(String::new, |card| card.plurals.or_key(&actor.lang, card.key.as_str())),
        draft_scope: format!("{}.{}", site.app.site, actor.user.map(|id| id.simple().to_string()).unwrap_or_default()),
        drafts: true,
        here: reader.here.clone(),
        notice: actor.viewed_by.map(|_| reader.t(site, "view_as.now", &[("name", &actor.name)])),
        viewing: actor.viewed_by.is_some(),
        flash: None,
    }
}

/// What waits for the reader, and what they wait for; above everything else.
fn desk(site: &Site, reader: &Reader, waiting: i64) -> NavModule {
    let path = reader.here.split('?').next().unwrap_or_default();
    let count = match waiting {
        0 => None,
        count @ 1..100 => Some(count.to_string()),
        _ => Some("99+".to_owned()),
    };
    let item = |key: &str, icon: &str, url: &str, count| NavItem { label: reader.t(site, key, &[]), icon: icon.into(), url: url.into(), current: path == url, count };
    NavModule { items: vec![item("approval.waiting", "inbox", "/approvals", count), item("approval.mine", "file-check", "/applications", None)], ..NavModule::default() }
}

/// A list that is kept in sight.
fn pinned(reader: &Reader, card: &Card, listed: &app::views::Listed) -> NavItem {
    let to = super::url(&format!("/c/{}", card.key), &[("view", &listed.view.id)]);
    NavItem { label: listed.name(&reader.asker.actor.lang), icon: card.icon.clone(), current: reader.here == to, url: to, count: None }
}

/// The folders of records, for the sidebar.
fn favourites(reader: &Reader) -> Vec<FolderItem> {
    let path = reader.here.split('?').next().unwrap_or_default();
    let item = |folder: &app::folders::Folder| FolderItem {
        id: folder.id.to_string(),
        label: folder.name.clone(),
        tone: super::cells::tone(Some(folder.tone)),
        url: format!("/fav/{}", folder.id),
        current: path == format!("/fav/{}", folder.id),
        shared: folder.is_shared(),
        may_fill: folder.may_fill,
    };
    reader.folders.iter().map(item).collect()
}

fn roles(snapshot: &Snapshot, actor: &Actor) -> String {
    let names = actor.roles.iter().map(|role| snapshot.catalog.roles.get(role).map_or_else(|| model::humanize(role.as_str()), |known| known.labels.or_key(&actor.lang, role.as_str())));
    names.collect::<Vec<_>>().join(", ")
}

fn nav(snapshot: &Snapshot, actor: &Actor, current: Option<&str>) -> Vec<NavModule> {
    let lang = &actor.lang;
    let mut modules = Vec::new();
    for group in &snapshot.catalog.menu {
        let items: Vec<NavItem> = group
            .items
            .iter()
            .filter_map(|key| snapshot.catalog.card(key))
            .filter(|card| may(snapshot, actor, card, ActionName::Read))
            .map(|card| NavItem { label: card.plurals.or_key(lang, card.key.as_str()), icon: card.icon.clone(), url: format!("/c/{}", card.key), current: current == Some(card.key.as_str()), count: None })
            .collect();
        if !items.is_empty() {
            modules.push(NavModule { key: group.id.to_string(), label: group.labels.or_key(lang, group.id.as_str()), icon: group.icon.clone().unwrap_or_else(|| "folder".into()), folded: false, items });
        }
    }
    modules
}
