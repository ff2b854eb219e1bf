//! Accounts, for administrators: who there is, inviting, changing, helping out.

use app::accounts::{memberships, people::{self, Asked, Changed, Person, Said}};
use axum::{
    extract::{Path as UrlPath, Query},
    http::StatusCode,
};
use model::Ident;
use uuid::Uuid;

use super::*;
use crate::{
    pages::{draw, me, shell, url},
    templates::LANGUAGES,
    view::{Avatar, Choice, GroupChoice, PersonRow, TieRow, UserPage, UsersPage, Way},
    sure::Sure,
};
pub(super) use crate::pages::get;

type Pairs = Vec<(String, String)>;

/// A group's name in the reader's language.
pub(super) fn group_label(site: &Site, reader: &Reader, role: &str) -> String {
    if role == ::access::ADMINISTRATOR {
        return reader.t(site, "groups.administrator", &[]);
    }
    let known = reader.asker.snapshot.catalog.roles.get(role);
    known.map_or_else(|| model::humanize(role), |known| known.labels.or_key(&reader.asker.actor.lang, role))
}

/// Every group: administrators first.
pub(super) fn groups(reader: &Reader) -> Vec<String> {
    let roles = reader.asker.snapshot.catalog.roles.keys().map(Ident::to_string).filter(|role| role != ::access::ADMINISTRATOR);
    std::iter::once(::access::ADMINISTRATOR.to_owned()).chain(roles).collect()
}

/// The words of a pack's name.
pub(super) fn pack_label(reader: &Reader, pack: &str) -> String {
    let known = reader.asker.snapshot.catalog.packs.get(pack);
    known.map_or_else(|| model::humanize(pack), |known| known.labels.or_key(&reader.asker.actor.lang, pack))
}

pub(super) fn row(site: &Site, reader: &Reader, person: &Person) -> PersonRow {
    let avatar = Avatar::person(&person.name);
    let (word, tone) = match (person.active, person.password || person.seen_at.is_some()) {
        (false, _) => ("closed", "gray"),
        (true, false) => ("invited", "amber"),
        (true, true) => ("open", "green"),
    };
    PersonRow {
        id: person.id.to_string(),
        name: person.name.clone(),
        login: person.login.clone(),
        email: person.email.clone().unwrap_or_default(),
        initials: avatar.initials,
        tone: avatar.tone,
        groups: person.roles.iter().map(|role| group_label(site, reader, role)).collect::<Vec<_>>().join(", "),
        seen: person.seen_at.map(|at| words::ago(at, reader.asker.actor.now, &reader.asker.actor.lang)).unwrap_or_default(),
        state: reader.t(site, &format!("users.state_{word}"), &[]),
        state_tone: tone.into(),
        second: person.second_factor,
        url: format!("/studio/users/{}", person.id),
    }
}

/// `GET /studio/users?q=&state=&group=`
pub async fn index(State(site): State<Site>, Query(pairs): Query<Pairs>, reader: Reader) -> Response {
    let answer = async {
        let state = Some(get(&pairs, "state")).filter(|state| !state.is_empty()).unwrap_or("open");
        let active = match state {
            "open" => Some(true),
            "closed" => Some(false),
            "all" => None,
            _ => return Err(AppError::not_found("page")),
        };
        let (text, role) = (get(&pairs, "q"), get(&pairs, "group"));
        let asked = Asked { text: text.to_owned(), active, role: Some(role.to_owned()).filter(|role| !role.is_empty()), after: Some(get(&pairs, "after").to_owned()).filter(|after| !after.is_empty()) };
        let found = people::list(&site.app, &reader.asker.actor, &asked).await?;
        let next = found.last().filter(|_| found.len() >= people::MAX_LISTED as usize).map(|last| url("/studio/users", &[("q", text), ("state", state), ("group", role), ("after", &last.login)]));
        let way = |key: &str| Way { key: key.into(), label: reader.t(&site, &format!("users.show_{key}"), &[]), url: url("/studio/users", &[("q", text), ("state", key), ("group", role)]), current: key == state, ..Way::default() };
        let choice = |key: &str, text: String| Choice { value: key.to_owned(), text, selected: key == role };
        let all = choice("", reader.t(&site, "users.any_group", &[]));
        let groups = std::iter::once(all).chain(groups(&reader).iter().map(|key| choice(key, group_label(&site, &reader, key)))).collect();
        Ok(UsersPage { text: text.to_owned(), ways: ["open", "closed", "all"].map(way).into(), groups, people: found.iter().map(|person| row(&site, &reader, person)).collect(), next_url: next })
    };
    match answer.await {
        Ok(page) => reader.draw(&site, "studio/users.html", None, &page),
        Err(error) => reader.failed(&site, &error),
    }
}

fn languages(site: &Site, reader: &Reader, current: &str) -> Vec<Choice> {
    let usual = Choice { value: String::new(), text: reader.t(site, "users.browser_language", &[]), selected: current.is_empty() };
    std::iter::once(usual).chain(LANGUAGES.iter().map(|(code, name)| Choice { value: (*code).into(), text: (*name).into(), selected: *code == current })).collect()
}

fn choices(site: &Site, reader: &Reader, chosen: &[String]) -> Vec<GroupChoice> {
    let one = |key: String| {
        let hint = match reader.asker.snapshot.catalog.roles.get(key.as_str()) {
            Some(role) => pack_label(reader, role.pack.as_str()),
            None => reader.t(site, "groups.of_engine", &[]),
        };
        GroupChoice { label: group_label(site, reader, &key), hint, chosen: chosen.contains(&key), key }
    };
    groups(reader).into_iter().map(one).collect()
}

/// What a form says.
fn said(fields: &[(String, String)]) -> Said {
    let maybe = |name: &str| Some(get(fields, name).to_owned()).filter(|text| !text.is_empty());
    Said { name: get(fields, "name").to_owned(), email: maybe("email"), language: maybe("language") }
}

/// What was changed in a form, by what stood there when it was shown.
fn changed(fields: &[(String, String)]) -> Changed {
    let said = said(fields);
    let is_new = |name: &str| fields.iter().find(|(known, _)| *known == format!("was_{name}")).is_none_or(|(_, was)| was != get(fields, name));
    Changed { name: is_new("name").then_some(said.name), email: is_new("email").then_some(said.email), language: is_new("language").then_some(said.language) }
}

fn all_of(fields: &[(String, String)], key: &str) -> Vec<String> {
    fields.iter().filter(|(name, value)| name == key && !value.is_empty()).map(|(_, value)| value.clone()).collect()
}

/// `GET /studio/users/new`
pub async fn new(State(site): State<Site>, sure: Sure) -> Response {
    sure.reader.draw(&site, "studio/user.html", None, &new_page(&site, &sure.reader, &[]))
}

fn new_page(site: &Site, reader: &Reader, fields: &[(String, String)]) -> UserPage {
    let person = PersonRow { login: get(fields, "login").into(), name: get(fields, "name").into(), email: get(fields, "email").into(), ..PersonRow::default() };
    UserPage { action: "/studio/users".into(), new: true, person, languages: languages(site, reader, get(fields, "language")), groups: choices(site, reader, &all_of(fields, "groups")), open: true, ..UserPage::default() }
}

/// What a refusal says, where it is about what was typed.
fn refusal(reader: &Reader, error: &AppError) -> Option<String> {
    match error {
        AppError::Malformed { .. } | AppError::Conflict { .. } | AppError::Rejected(_) => crate::problem::document(error, &reader.asker.actor.lang)["detail"].as_str().map(str::to_owned),
        _ => None,
    }
}

/// `POST /studio/users`: invites somebody; the link is shown to hand over.
pub async fn invite(State(site): State<Site>, sure: Sure) -> Response {
    let (reader, fields) = (&sure.reader, &sure.fields);
    match people::invite(&site.app, &sure.by, get(fields, "login"), &said(fields), &all_of(fields, "groups"), &reader.asker.actor.lang, reader.asker.actor.now).await {
        Ok((id, token)) => with_link(&site, reader, id, &token).await,
        Err(error) => match refusal(reader, &error) {
            Some(words) => draw(&site, StatusCode::UNPROCESSABLE_ENTITY, "studio/user.html", &shell::of(&site, reader, None), &UserPage { error: Some(words), ..new_page(&site, reader, fields) }),
            None => reader.failed(&site, &error),
        },
    }
}

/// The account, with a link that was just made.
async fn with_link(site: &Site, reader: &Reader, id: Uuid, token: &str) -> Response {
    match build(site, reader, id).await {
        Ok(page) => {
            let path = format!("/login/link/{token}");
            let link_url = site.base_url.as_deref().map(|base| format!("{base}{path}"));
            let address = page.person.email.as_str();
            let key = if site.has_mail { "users.link_sent" } else { "users.link_mailed" };
            let mailed = (!address.is_empty()).then(|| reader.t(site, key, &[("address", address)]));
            reader.draw(site, "studio/user.html", None, &UserPage { link: Some(path), link_url, mailed, ..page })
        }
        Err(error) => reader.failed(site, &error),
    }
}

async fn build(site: &Site, reader: &Reader, id: Uuid) -> Result<UserPage, AppError> {
    let actor = &reader.asker.actor;
    let person = people::read(&site.app, actor, id).await?;
    let around = people::around(&site.app, actor, id).await?;
    let sessions = me::sessions(site, reader, Some(id)).await?;
    let tokens = me::tokens(site, reader, Some(id)).await?;
    Ok(UserPage {
        action: format!("/studio/users/{id}"),
        person: row(site, reader, &person),
        languages: languages(site, reader, person.language.as_deref().unwrap_or_default()),
        groups: choices(site, reader, &person.roles),
        ties: ties(site, reader, id).await?,
        open: person.active,
        password: person.password,
        link_until: around.link.map(|(_, until)| form::format::instant(until, &reader.asker.locale)),
        identities: around.identities.into_iter().map(|(issuer, name)| format!("{name} · {issuer}")).collect(),
        sessions,
        tokens,
        own: actor.user == Some(id),
        log_url: url("/studio/log", &[("log", "operation"), ("user", &id.to_string())]),
        ..UserPage::default()
    })
}

/// Records that packs tie to users, such as who somebody is in the company.
async fn ties(site: &Site, reader: &Reader, id: Uuid) -> Result<Vec<TieRow>, AppError> {
    let (snapshot, actor) = (&reader.asker.snapshot, &reader.asker.actor);
    let mut rows = Vec::new();
    for tied in people::tied(&site.app, actor, id).await? {
        let Some(card) = snapshot.catalog.card(&tied.card) else { continue };
        let mut wanted = app::titles::Wanted::new();
        if let Some(record) = tied.record {
            wanted.entry(card.key.clone()).or_default().insert(record);
        }
        let titles = app::titles::fetch(&mut app::Source::App(&site.app), &snapshot.catalog, actor, &wanted, &reader.asker.locale).await?;
        rows.push(TieRow {
            card: card.key.to_string(),
            label: card.labels.or_key(&actor.lang, card.key.as_str()),
            value: tied.record.map(|record| record.to_string()).unwrap_or_default(),
            title: tied.record.and_then(|record| titles.get(&record).cloned()).unwrap_or_default(),
            url: tied.record.map(|record| format!("/c/{}/{record}", card.key)),
        });
    }
    Ok(rows)
}

/// `GET /studio/users/{id}`
pub async fn show(State(site): State<Site>, UrlPath(id): UrlPath<String>, Query(pairs): Query<Pairs>, reader: Reader) -> Response {
    let answer = async { build(&site, &reader, people::id_of(&id)?).await };
    match answer.await {
        Ok(page) => reader.draw(&site, "studio/user.html", None, &UserPage { saved: !get(&pairs, "saved").is_empty(), ..page }),
        Err(error) => reader.failed(&site, &error),
    }
}

/// Does something to an account, and goes back to its page; what is refused is said there.
async fn done(site: &Site, reader: &Reader, id: &str, work: impl Future<Output = Result<(), AppError>>) -> Response {
    match work.await {
        Ok(()) => Redirect::to(&format!("/studio/users/{id}?saved=1")).into_response(),
        Err(error) => match (refusal(reader, &error), Uuid::try_parse(id)) {
            (Some(words), Ok(user)) => match build(site, reader, user).await {
                Ok(page) => draw(site, StatusCode::UNPROCESSABLE_ENTITY, "studio/user.html", &shell::of(site, reader, None), &UserPage { error: Some(words), ..page }),
                Err(error) => reader.failed(site, &error),
            },
            _ => reader.failed(site, &error),
        },
    }
}

/// `POST /studio/users/{id}`: name, mail address, language.
pub async fn save(State(site): State<Site>, UrlPath(id): UrlPath<String>, Sure { reader, by, fields }: Sure) -> Response {
    done(&site, &reader, &id, async { people::change(&site.app, &by, people::id_of(&id)?, &changed(&fields)).await }).await
}

/// `POST /studio/users/{id}/groups`: `groups`, all that are wanted, and `seen`, all there were when it was asked.
pub async fn set_groups(State(site): State<Site>, UrlPath(id): UrlPath<String>, Sure { reader, by, fields }: Sure) -> Response {
    done(&site, &reader, &id, async { memberships::change_roles(&site.app, &by, people::id_of(&id)?, &all_of(&fields, "seen"), &all_of(&fields, "groups")).await }).await
}

/// `POST /studio/users/{id}/tie`: `card` and `record`.
pub async fn tie(State(site): State<Site>, UrlPath(id): UrlPath<String>, Sure { reader, by, fields }: Sure) -> Response {
    let work = async {
        let record = Some(get(&fields, "record")).filter(|record| !record.is_empty()).map(Uuid::try_parse).transpose().map_err(|_| AppError::not_found("record"))?;
        people::tie(&site.app, &by, &reader.asker.actor, people::id_of(&id)?, get(&fields, "card"), record).await
    };
    done(&site, &reader, &id, work).await
}

/// `POST /studio/users/{id}/link`: a new link, shown to hand over.
pub async fn link(State(site): State<Site>, UrlPath(id): UrlPath<String>, Sure { reader, by, .. }: Sure) -> Response {
    let made = async {
        let user = people::id_of(&id)?;
        Ok::<_, AppError>((user, people::send_link(&site.app, &by, user, &reader.asker.actor.lang, reader.asker.actor.now).await?))
    };
    match made.await {
        Ok((user, token)) => with_link(&site, &reader, user, &token).await,
        Err(error) => done(&site, &reader, &id, async { Err(error) }).await,
    }
}

/// `POST /studio/users/{id}/close`: `closed` is `true` or `false`.
pub async fn close(State(site): State<Site>, UrlPath(id): UrlPath<String>, Sure { reader, by, fields }: Sure) -> Response {
    done(&site, &reader, &id, async { people::close(&site.app, &by, people::id_of(&id)?, get(&fields, "closed") != "false").await }).await
}

/// `POST /studio/users/{id}/second/off`
pub async fn second_off(State(site): State<Site>, UrlPath(id): UrlPath<String>, Sure { reader, by, .. }: Sure) -> Response {
    done(&site, &reader, &id, async { people::second_off(&site.app, &by, people::id_of(&id)?).await }).await
}

/// `POST /studio/users/{id}/sessions/end`
pub async fn end_sessions(State(site): State<Site>, UrlPath(id): UrlPath<String>, Sure { reader, by, .. }: Sure) -> Response {
    done(&site, &reader, &id, async { people::end_sessions(&site.app, &by, people::id_of(&id)?).await }).await
}
