//! Accounts of everybody and groups, for administrators.

use app::{AppError, accounts::{memberships, people::{self, Asked, Changed, Person, Said}}};
use serde_json::{Map, Value, json};

use super::{grants, head::*};
use crate::visit::SureAsker;

fn shown(person: &Person) -> Value {
    json!({
        "id": person.id, "login": person.login, "name": person.name, "email": person.email, "language": person.language, "active": person.active, "groups": person.roles,
        "password": person.password, "second_factor": person.second_factor, "created_at": person.created_at, "signed_in_at": person.seen_at,
    })
}

/// `GET /users`: `q`, `active`, `group`; `after` continues.
pub async fn list(State(site): State<Site>, Query(pairs): Query<Vec<(String, String)>>, asker: Asker) -> Answer {
    asker.answer(async {
        let mut asked = Asked::default();
        for (name, value) in &pairs {
            match name.as_str() {
                "q" => asked.text = value.clone(),
                "active" => asked.active = Some(value == "true"),
                "group" => asked.role = Some(value.clone()),
                "after" => asked.after = Some(value.clone()),
                _ => return Err(AppError::malformed("unknown_parameter", format!("`{name}` means nothing here; there are `q`, `active`, `group` and `after`"))),
            }
        }
        let found = people::list(&site.app, &asker.actor, &asked).await?;
        let next = found.last().filter(|_| found.len() >= people::MAX_LISTED as usize).map(|last| last.login.clone());
        Ok(Json(json!({"data": found.iter().map(shown).collect::<Vec<_>>(), "next": next})))
    })
    .await
}

/// `GET /users/{id}`
pub async fn read(State(site): State<Site>, Path(id): Path<String>, asker: Asker) -> Answer {
    asker.answer(async {
        let person = people::read(&site.app, &asker.actor, id_of(&id, "user")?).await?;
        Ok(Json(shown(&person)))
    })
    .await
}

/// What a body says, in its types; unknown keys are named.
struct Sent<'b>(&'b Map<String, Value>);

impl<'b> Sent<'b> {
    fn read(body: &'b Value, keys: &[&str]) -> Result<Self, AppError> {
        let Some(map) = body.as_object() else { return Err(AppError::malformed("bad_user", "an account is an object")) };
        match map.keys().find(|key| !keys.contains(&key.as_str())) {
            Some(key) => Err(AppError::malformed("bad_user", format!("`{key}` means nothing here; there are {}", keys.join(", ")))),
            None => Ok(Self(map)),
        }
    }

    /// A text; `null` takes it away.
    fn text(&self, key: &str) -> Result<Option<Option<String>>, AppError> {
        match self.0.get(key) {
            None => Ok(None),
            Some(Value::Null) => Ok(Some(None)),
            Some(Value::String(text)) => Ok(Some(Some(text.clone()))),
            Some(_) => Err(AppError::malformed("bad_user", format!("`{key}` is a text"))),
        }
    }

    fn groups(&self) -> Result<Option<Vec<String>>, AppError> {
        let bad = || AppError::malformed("bad_user", "`groups` is a list of keys of groups");
        match self.0.get("groups") {
            None => Ok(None),
            Some(Value::Array(all)) => all.iter().map(|one| one.as_str().map(str::to_owned).ok_or_else(bad)).collect::<Result<Vec<_>, _>>().map(Some),
            Some(_) => Err(bad()),
        }
    }
}

/// `POST /users`: makes an account and a link with which a password is set: `login`, `name`, `email`, `language`, `groups`.
pub async fn invite(State(site): State<Site>, SureAsker { asker, by }: SureAsker, Body(body): Body) -> Answer {
    asker.answer(async {
        by.administering()?;
        let sent = Sent::read(&body, &["login", "name", "email", "language", "groups"])?;
        let login = sent.text("login")?.flatten().ok_or_else(|| AppError::malformed("bad_user", "`login` is wanted: the name to sign in with"))?;
        let said = Said { name: sent.text("name")?.flatten().unwrap_or_default(), email: sent.text("email")?.flatten(), language: sent.text("language")?.flatten() };
        let (id, token) = people::invite(&site.app, &by, &login, &said, &sent.groups()?.unwrap_or_default(), &asker.actor.lang, asker.actor.now).await?;
        Ok((StatusCode::CREATED, Json(json!({"id": id, "link": format!("/login/link/{token}")}))))
    })
    .await
}

/// `PATCH /users/{id}`: `name`, `email`, `language`, `groups`, `active`; what is left out stays.
pub async fn change(State(site): State<Site>, Path(id): Path<String>, SureAsker { asker, by }: SureAsker, Body(body): Body) -> Answer {
    asker.answer(async {
        by.administering()?;
        let id = id_of(&id, "user")?;
        let sent = Sent::read(&body, &["name", "email", "language", "groups", "active"])?;
        let known = people::read(&site.app, &asker.actor, id).await?;
        let active = match sent.0.get("active") {
            None => None,
            Some(Value::Bool(active)) => Some(*active),
            Some(_) => return Err(AppError::malformed("bad_user", "`active` is true or false")),
        };
        let wanted = Changed { name: sent.text("name")?.map(Option::unwrap_or_default), email: sent.text("email")?, language: sent.text("language")? };
        let groups = sent.groups()?;
        people::change(&site.app, &by, id, &wanted).await?;
        if let Some(groups) = groups {
            memberships::set_roles(&site.app, &by, id, &groups).await?;
        }
        if let Some(active) = active.filter(|active| *active != known.active) {
            people::close(&site.app, &by, id, !active).await?;
        }
        // Whoever took it from themselves does not read on.
        let person = if by.user() == Some(id) { None } else { Some(people::read(&site.app, &asker.actor, id).await?) };
        Ok(match person {
            Some(person) => Json(shown(&person)).into_response(),
            None => StatusCode::NO_CONTENT.into_response(),
        })
    })
    .await
}

/// `POST /users/{id}/link`: a new link; those before it are good no more.
pub async fn link(State(site): State<Site>, Path(id): Path<String>, SureAsker { asker, by }: SureAsker) -> Answer {
    asker.answer(async {
        by.administering()?;
        let token = people::send_link(&site.app, &by, id_of(&id, "user")?, &asker.actor.lang, asker.actor.now).await?;
        Ok((StatusCode::CREATED, Json(json!({"link": format!("/login/link/{token}")}))))
    })
    .await
}

/// `DELETE /users/{id}/sessions`
pub async fn end_sessions(State(site): State<Site>, Path(id): Path<String>, SureAsker { asker, by }: SureAsker) -> Answer {
    asker.answer(async {
        by.administering()?;
        people::end_sessions(&site.app, &by, id_of(&id, "user")?).await?;
        Ok(StatusCode::NO_CONTENT)
    })
    .await
}

/// `DELETE /users/{id}/second-factor`
pub async fn second_off(State(site): State<Site>, Path(id): Path<String>, SureAsker { asker, by }: SureAsker) -> Answer {
    asker.answer(async {
        by.administering()?;
        people::second_off(&site.app, &by, id_of(&id, "user")?).await?;
        Ok(StatusCode::NO_CONTENT)
    })
    .await
}

/// `GET /groups`
pub async fn groups(State(site): State<Site>, asker: Asker) -> Answer {
    asker.answer(async {
        let counts = people::members(&site.app, &asker.actor).await?;
        let count = |key: &str| counts.iter().find(|(role, _)| role == key).map_or(0, |(_, count)| *count);
        let lang = &asker.actor.lang;
        let own = grants::group(None, lang, count(access::ADMINISTRATOR));
        let others = asker.snapshot.catalog.roles.values().filter(|role| role.key != access::ADMINISTRATOR).map(|role| grants::group(Some(role), lang, count(role.key.as_str())));
        Ok(Json(json!({"data": std::iter::once(own).chain(others).collect::<Vec<_>>()})))
    })
    .await
}
