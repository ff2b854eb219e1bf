//! Accounts of everybody, for administrators: who there is, inviting, changing, closing, helping out.
//!
//! **Not here:** which groups they are in (`memberships`).

use access::{ADMINISTRATOR, Actor};
use chrono::{DateTime, Utc};
use model::Ident;
use serde_json::{Map, Value as Json};
use sql::{Datum, Statement, encode, system_accounts as rows, system_factors as factors};
use store::Tx;
use uuid::Uuid;

use super::{Confirmed, LinkKind, NewPerson, by_id, checked_login, links, make, memberships::{hold, keep_an_administrator, realms, roles_of}, run_logged, signing};
use crate::{App, AppError, UnitError, accounts::Origin, log::{self, Entry, Event}, records, search};

/// Most accounts of one page.
pub const MAX_LISTED: u32 = 100;

/// An account, as administrators see it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Person {
    pub id: Uuid,
    pub login: String,
    pub name: String,
    pub email: Option<String>,
    pub language: Option<String>,
    pub active: bool,
    /// There is a password.
    pub password: bool,
    /// There is a second factor.
    pub second_factor: bool,
    pub created_at: DateTime<Utc>,
    /// The last sign-in.
    pub seen_at: Option<DateTime<Utc>>,
    pub roles: Vec<String>,
}

fn person(row: Vec<Datum>) -> Option<Person> {
    let text = |datum| if let Datum::Text(text) = datum { Some(text) } else { None };
    match <[Datum; 11]>::try_from(row) {
        Ok([Datum::Uuid(id), Datum::Text(login), Datum::Text(name), email, language, Datum::Boolean(active), Datum::Boolean(password), Datum::Boolean(second_factor), Datum::Instant(created_at), seen, roles]) => {
            let mut roles: Vec<String> = text(roles).unwrap_or_default().split(',').filter(|role| !role.is_empty()).map(str::to_owned).collect();
            roles.sort();
            let seen_at = if let Datum::Instant(at) = seen { Some(at) } else { None };
            Some(Person { id, login, name, email: text(email), language: text(language), active, password, second_factor, created_at, seen_at, roles })
        }
        _ => None,
    }
}

fn administering(actor: &Actor) -> Result<(), AppError> {
    if actor.is_administrator() { Ok(()) } else { Err(AppError::forbidden("only administrators look after accounts")) }
}

/// Which accounts are listed.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    /// Part of a name or address.
    pub text: String,
    /// Only open ones, or closed ones.
    pub active: Option<bool>,
    /// Only members of a group.
    pub role: Option<String>,
    /// After this sign-in name.
    pub after: Option<String>,
}

/// Accounts by the name they sign in with.
pub async fn list(app: &App, actor: &Actor, asked: &Asked) -> Result<Vec<Person>, AppError> {
    administering(actor)?;
    let text = Some(asked.text.trim().to_lowercase()).filter(|text| !text.is_empty());
    let wanted = rows::People { text: text.as_deref(), active: asked.active, role: asked.role.as_deref(), after: asked.after.as_deref() };
    let found = app.store.fetch(&rows::people(app.store.dialect(), &wanted, MAX_LISTED)).await?;
    Ok(found.into_iter().filter_map(person).collect())
}

/// One account.
pub async fn read(app: &App, actor: &Actor, id: Uuid) -> Result<Person, AppError> {
    administering(actor)?;
    let found = app.store.fetch(&rows::person(app.store.dialect(), id)).await?.into_iter().next().and_then(person);
    found.ok_or_else(|| AppError::not_found("user"))
}

/// What else is known of an account: until when a link of it is good, and who it is elsewhere.
#[derive(Debug, Clone, Default)]
pub struct Around {
    /// A link that waits to be used: until when.
    pub link: Option<(LinkKind, DateTime<Utc>)>,
    /// Other providers that know it: issuer, name there.
    pub identities: Vec<(String, String)>,
    /// Recovery codes that are left.
    pub codes: i64,
}

/// What else is known of an account.
pub async fn around(app: &App, actor: &Actor, id: Uuid) -> Result<Around, AppError> {
    administering(actor)?;
    let dialect = app.store.dialect();
    let link = match app.store.fetch(&rows::link_of(dialect, id, actor.now)).await?.into_iter().next().as_deref() {
        Some([Datum::Text(kind), Datum::Instant(until)]) => Some((if kind == "invite" { LinkKind::Invite } else { LinkKind::Reset }, *until)),
        _ => None,
    };
    Ok(Around { link, identities: super::provider::identities(app, id).await?, codes: super::second::codes_left(app, id).await? })
}

/// A group and how many members it has that may sign in.
pub async fn members(app: &App, actor: &Actor) -> Result<Vec<(String, i64)>, AppError> {
    administering(actor)?;
    let pair = |row: Vec<Datum>| match <[Datum; 2]>::try_from(row) {
        Ok([Datum::Text(role), Datum::Integer(count)]) => Some((role, count)),
        _ => None,
    };
    Ok(app.store.fetch(&rows::members(app.store.dialect())).await?.into_iter().filter_map(pair).collect())
}

/// What administrators say of an account.
#[derive(Debug, Clone, Default)]
pub struct Said {
    /// The name people know.
    pub name: String,
    /// The mail address.
    pub email: Option<String>,
    /// The language of pages; the browser's if not said.
    pub language: Option<String>,
}

/// What is to be another of an account; what is not said stays, whoever changes it meanwhile.
#[derive(Debug, Clone, Default)]
pub struct Changed {
    /// The name people know; their sign-in name if it is empty.
    pub name: Option<String>,
    /// The mail address, or none.
    pub email: Option<Option<String>>,
    /// The language of pages, or the browser's.
    pub language: Option<Option<String>>,
}

/// Checked: one line each, a mail address that can be one, a language there is.
fn checked(said: &Said, login: &str) -> Result<Said, AppError> {
    let line = |text: &str| model::types::clean(text);
    let name = Some(line(&said.name)).filter(|name| !name.is_empty()).unwrap_or_else(|| login.to_owned());
    if name.chars().count() > 200 || name.contains(char::is_control) {
        return Err(AppError::malformed("bad_name", "a name is one line of at most 200 characters"));
    }
    let email = said.email.as_deref().map(line).filter(|email| !email.is_empty());
    let fits = |email: &String| {
        let (before, after) = email.rsplit_once('@').unwrap_or_default();
        !before.is_empty() && after.contains('.') && email.chars().count() <= 254 && !email.contains(|c: char| c.is_whitespace() || c.is_control() || ",;<>\"".contains(c))
    };
    if email.as_ref().is_some_and(|email| !fits(email)) {
        return Err(AppError::malformed("bad_email", "a mail address is written like name@example.com"));
    }
    let language = said.language.clone().filter(|language| !language.is_empty());
    if language.as_deref().is_some_and(|language| !["en", "zh-Hans", "zh-Hant"].contains(&language)) {
        return Err(AppError::malformed("bad_language", "a language is en, zh-Hans or zh-Hant"));
    }
    Ok(Said { name, email, language })
}

/// Makes an account for somebody, and a link with which they set a password. The letter about it is written in their
/// language, else in `lang`.
pub async fn invite(app: &App, by: &Confirmed, login: &str, said: &Said, roles: &[String], lang: &str, now: DateTime<Utc>) -> Result<(Uuid, String), AppError> {
    by.administering()?;
    let login = checked_login(login)?;
    let said = checked(said, &login)?;
    realms(&app.snapshot(), roles)?;
    let person = NewPerson { login, name: said.name, email: said.email, language: said.language, roles: roles.to_vec(), password: None };
    let id = make(app, person, by.entry(Event::UserInvited), now).await?;
    let link = links::make(app, by.entry(Event::LinkMade), id, LinkKind::Invite, Some(lang), now).await?;
    Ok((id, link))
}

/// Changes what is said of an account.
pub async fn change(app: &App, by: &Confirmed, id: Uuid, wanted: &Changed) -> Result<(), AppError> {
    by.administering()?;
    let known = by_id(app, id).await?.ok_or_else(|| AppError::not_found("user"))?;
    let said = Said {
        name: wanted.name.clone().unwrap_or_else(|| known.name.clone()),
        email: wanted.email.clone().unwrap_or_else(|| known.email.clone()),
        language: wanted.language.clone().unwrap_or_else(|| known.language.clone()),
    };
    let said = checked(&said, &known.login)?;
    let name = (wanted.name.is_some() && known.name != said.name).then_some(said.name.as_str());
    let email = (wanted.email.is_some() && known.email != said.email).then_some(said.email.as_deref());
    let language = (wanted.language.is_some() && known.language != said.language).then_some(said.language.as_deref());
    let changed: Vec<&str> = [name.map(|_| "name"), email.map(|_| "email"), language.map(|_| "language")].into_iter().flatten().collect();
    let dialect = app.store.dialect();
    let Some(statement) = rows::change_user(dialect, id, name, email, language) else { return Ok(()) };
    let mut statements = vec![statement];
    if let Some(before) = known.email.as_deref().filter(|_| changed.contains(&"email")) {
        // What went there, or is to go there, is no longer theirs.
        statements.extend([rows::end_links(dialect, id), sql::system_outgoing::cancel_letters(dialect, before, Utc::now())]);
    }
    let entry = by.entry(Event::UserChanged).to(id).about("changed", changed.clone());
    search::user_changed(app, app.snapshot(), id, statements, entry, changed.contains(&"name")).await
}

/// A new link for somebody who has none, or forgot the password. The letter about it is written in their language, else in
/// `lang`.
pub async fn send_link(app: &App, by: &Confirmed, id: Uuid, lang: &str, now: DateTime<Utc>) -> Result<String, AppError> {
    by.administering()?;
    let known = by_id(app, id).await?.ok_or_else(|| AppError::not_found("user"))?;
    if !known.active {
        return Err(AppError::Conflict { code: "user_closed", detail: "this account is closed; open it first".into(), blockers: Vec::new() });
    }
    links::make(app, by.entry(Event::LinkMade), id, if known.password.is_some() { LinkKind::Reset } else { LinkKind::Invite }, Some(lang), now).await
}

/// Turns somebody's second factor off, who lost the telephone and the recovery codes.
pub async fn second_off(app: &App, by: &Confirmed, id: Uuid) -> Result<(), AppError> {
    by.administering()?;
    by_id(app, id).await?.ok_or_else(|| AppError::not_found("user"))?;
    let dialect = app.store.dialect();
    let statements = factors::clear_second(dialect, id).into_iter().chain(rows::end_sessions(dialect, id)).collect();
    run_logged(app, statements, by.entry(Event::SecondOff).to(id)).await
}

/// Ends every session of somebody.
pub async fn end_sessions(app: &App, by: &Confirmed, id: Uuid) -> Result<(), AppError> {
    by.administering()?;
    by_id(app, id).await?.ok_or_else(|| AppError::not_found("user"))?;
    run_logged(app, rows::end_sessions(app.store.dialect(), id), by.entry(Event::SessionsEnded).to(id)).await
}

/// Ends a session of anybody.
pub async fn end_session(app: &App, by: &Confirmed, session: &str) -> Result<(), AppError> {
    by.administering()?;
    signing::end(app, session, None, by.entry(Event::SessionEnded)).await
}

/// Takes an API token of anybody back.
pub async fn revoke_token(app: &App, by: &Confirmed, id: Uuid) -> Result<(), AppError> {
    by.administering()?;
    signing::revoke(app, id, None, by.entry(Event::TokenRevoked)).await
}

/// Lets somebody sign in again, or no longer, as the command line does it.
pub async fn set_active(app: &App, user: Uuid, active: bool) -> Result<(), AppError> {
    set(app, user, active, Entry::new(if active { Event::UserOpened } else { Event::UserClosed }, &Origin::command_line())).await
}

/// Closes an account, or opens it again. Closing ends everything that is open.
pub async fn close(app: &App, by: &Confirmed, id: Uuid, closed: bool) -> Result<(), AppError> {
    by.administering()?;
    set(app, id, !closed, by.entry(if closed { Event::UserClosed } else { Event::UserOpened })).await
}

async fn set(app: &App, id: Uuid, active: bool, entry: Entry) -> Result<(), AppError> {
    by_id(app, id).await?.ok_or_else(|| AppError::not_found("user"))?;
    let (secrets, entry) = (app.secrets.clone(), entry.to(id));
    let done = app.store.write(move |tx: &mut Tx| {
        let (secrets, entry) = (secrets.clone(), entry.clone());
        tx.change_rights();
        Box::pin(async move {
            let dialect = tx.dialect();
            hold(tx).await?;
            let mut statements: Vec<Statement> = vec![rows::set_active(dialect, id, active)];
            if !active {
                if roles_of(tx, id).await?.iter().any(|role| role == ADMINISTRATOR) {
                    keep_an_administrator(tx, id).await?;
                }
                statements.extend(rows::end_sessions(dialect, id).into_iter().chain(rows::end_ways(dialect, id)));
            }
            for statement in &statements {
                tx.execute(statement).await?;
            }
            log::append(tx, &secrets, &entry).await?;
            Ok::<(), UnitError>(())
        })
    });
    done.await.map_err(|error| error.error)?;
    if !active {
        // What waits for them goes to who stands in.
        crate::flows::approvals::look_after(app, Utc::now()).await?;
    }
    Ok(())
}

/// A record that packs tie to users: `@me.NAME`.
#[derive(Debug, Clone)]
pub struct Tied {
    /// The card of such records.
    pub card: Ident,
    /// Its field that names the user.
    pub by: Ident,
    /// The record that names this user.
    pub record: Option<Uuid>,
}

/// Which records are tied to an account.
pub async fn tied(app: &App, actor: &Actor, id: Uuid) -> Result<Vec<Tied>, AppError> {
    administering(actor)?;
    let snapshot = app.snapshot();
    let mut found = Vec::new();
    for binding in snapshot.catalog.bindings.values().filter(|binding| binding.path.is_none()) {
        let value = crate::bindings::bound_value(&mut crate::Source::App(app), &snapshot, binding, id, actor.now).await?;
        found.push(Tied { card: binding.card.clone(), by: binding.by.clone(), record: value.and_then(|value| value.as_id()) });
    }
    Ok(found)
}

/// Ties another record of a card to an account, by the one way of saving; the one before is let go.
pub async fn tie(app: &App, by: &Confirmed, actor: &Actor, id: Uuid, card: &str, record: Option<Uuid>) -> Result<(), AppError> {
    by.administering()?;
    let tied = tied(app, actor, id).await?.into_iter().find(|tied| tied.card == card).ok_or_else(|| AppError::not_found("card"))?;
    if tied.record == record {
        return Ok(());
    }
    let set = |value: Json| Map::from_iter([(tied.by.to_string(), value)]);
    if let Some(before) = tied.record {
        records::save::change(app, actor, card, before, set(Json::Null), &records::save::Options::default()).await?;
    }
    if let Some(record) = record {
        records::save::change(app, actor, card, record, set(Json::from(id.to_string())), &records::save::Options::default()).await?;
    }
    log::note(app, by.entry(Event::UserChanged).to(id).about("changed", vec![card.to_owned()])).await
}

/// Who somebody is, by the id in a request.
pub fn id_of(text: &str) -> Result<Uuid, AppError> {
    Uuid::try_parse(text).map_err(|_| AppError::not_found("user"))
}

/// The ids of a group's members, for whoever puts people in and out of it.
pub async fn member_ids(app: &App, actor: &Actor, role: &str) -> Result<Vec<Uuid>, AppError> {
    administering(actor)?;
    let wanted = rows::People { role: Some(role), ..rows::People::default() };
    let found = app.store.fetch(&rows::people(app.store.dialect(), &wanted, 10_000)).await?;
    Ok(found.into_iter().filter_map(|row| row.first().and_then(encode::id)).collect())
}
