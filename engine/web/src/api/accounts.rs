//! One's own account, sessions and API tokens; of everybody, for administrators.

use app::{AppError, accounts::{self, confirm as sudo, people, second, signing::{self, TokenAsked}}};
use axum::http::HeaderMap;
use chrono::Utc;
use serde_json::{Value, json};
use uuid::Uuid;

use super::head::*;
use crate::{extract, throttle::Key, visit::{From, SureAsker}};

fn me(asker: &Asker) -> Result<Uuid, AppError> {
    asker.actor.user.ok_or(AppError::Unauthenticated)
}

fn text<'b>(body: &'b Value, key: &str) -> &'b str {
    body.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// `GET /me`
pub async fn me_of(site: &Site, asker: &Asker) -> Result<Value, AppError> {
    let (user, actor) = (me(asker)?, &asker.actor);
    Ok(json!({
        "id": user, "login": accounts::login_of(&site.app, user).await?, "name": actor.name, "groups": actor.roles, "language": actor.lang, "zone": actor.zone.name(),
        "second_factor": second::is_on(&site.app, user).await?, "recovery_codes": second::codes_left(&site.app, user).await?,
    }))
}

/// `GET /me`
pub async fn me_read(State(site): State<Site>, asker: Asker) -> Answer {
    asker.answer(async { Ok(Json(me_of(&site, &asker).await?)) }).await
}

/// `POST /me/confirm`: `password`, and `code` where there is a second factor; opens what is dangerous for a quarter of an
/// hour, for this session.
pub async fn confirm(State(site): State<Site>, From(origin): From, headers: HeaderMap, asker: Asker, Body(body): Body) -> Answer {
    asker.answer(async {
        let no_session = || AppError::malformed("no_session", "an API token confirms nothing: make one that administers");
        let session = extract::session_of(&site, &headers).filter(|_| !headers.contains_key("authorization")).ok_or_else(no_session)?;
        let keys = [Key::Confirm(me(&asker)?.to_string())];
        site.throttle.check(&keys)?;
        if sudo::again(&site.app, &asker.actor, session, text(&body, "password"), text(&body, "code"), &origin, Utc::now()).await? {
            site.throttle.succeeded(&keys);
            return Ok(StatusCode::NO_CONTENT);
        }
        site.throttle.failed(&keys);
        Err(AppError::malformed("wrong_password", "the present password is not right"))
    })
    .await
}

/// `POST /me/password`: `current`, `password`. Every session ends.
pub async fn password(State(site): State<Site>, SureAsker { asker, by }: SureAsker, Body(body): Body) -> Answer {
    asker.answer(async {
        let keys = [Key::Confirm(me(&asker)?.to_string())];
        site.throttle.check(&keys)?;
        let changed = accounts::change_password(&site.app, &asker.actor, &by, text(&body, "current"), text(&body, "password")).await;
        if matches!(&changed, Err(AppError::Malformed { code: "wrong_password", .. })) {
            site.throttle.failed(&keys);
        }
        changed.map(|()| StatusCode::NO_CONTENT)
    })
    .await
}

/// `POST /me/second-factor`: begins; the secret to give to an authenticator app.
pub async fn second_begin(State(site): State<Site>, SureAsker { asker, by }: SureAsker) -> Answer {
    asker.answer(async {
        let setup = second::begin(&site.app, &by, asker.actor.now).await?;
        Ok(Json(json!({"secret": setup.secret, "picture": setup.picture})))
    })
    .await
}

/// `PATCH /me/second-factor`: `code` turns it on; the recovery codes, once.
pub async fn second_on(State(site): State<Site>, SureAsker { asker, by }: SureAsker, Body(body): Body) -> Answer {
    asker.answer(async { Ok(Json(json!({"recovery_codes": second::turn_on(&site.app, &by, text(&body, "code"), asker.actor.now).await?}))) }).await
}

/// `DELETE /me/second-factor`
pub async fn second_off(State(site): State<Site>, SureAsker { asker, by }: SureAsker) -> Answer {
    asker.answer(async { second::turn_off(&site.app, &by).await.map(|()| StatusCode::NO_CONTENT) }).await
}

/// `POST /me/second-factor/codes`: other recovery codes.
pub async fn second_codes(State(site): State<Site>, SureAsker { asker, by }: SureAsker) -> Answer {
    asker.answer(async { Ok(Json(json!({"recovery_codes": second::renew_codes(&site.app, &by).await?}))) }).await
}

/// Whose: one's own, or, for administrators with `all=true`, everybody's.
fn whose(asker: &Asker, pairs: &[(String, String)]) -> Result<Option<Uuid>, AppError> {
    let mut all = false;
    for (name, value) in pairs {
        match name.as_str() {
            "all" => all = value == "true",
            _ => return Err(AppError::malformed("unknown_parameter", format!("`{name}` means nothing here; there is `all`"))),
        }
    }
    if all && !asker.actor.is_administrator() {
        return Err(AppError::forbidden("only administrators look after accounts"));
    }
    if all { Ok(None) } else { me(asker).map(Some) }
}

/// `GET /sessions`
pub async fn sessions(State(site): State<Site>, Query(pairs): Query<Vec<(String, String)>>, headers: HeaderMap, asker: Asker) -> Answer {
    asker.answer(async {
        let current = extract::session_of(&site, &headers).map(accounts::session_id);
        let one = |session: signing::Session| {
            json!({"id": session.id, "began_at": session.began, "used_at": session.seen, "agent": session.agent, "address": session.address, "user": {"id": session.user.0, "title": session.user.1}, "current": current.as_ref() == Some(&session.id)})
        };
        let found = signing::sessions(&site.app, whose(&asker, &pairs)?, asker.actor.now).await?;
        Ok(Json(json!({"data": found.into_iter().map(one).collect::<Vec<_>>()})))
    })
    .await
}

/// `DELETE /sessions/{id}`: one's own; of others, for administrators who have just shown who they are.
pub async fn end_session(State(site): State<Site>, Path(id): Path<String>, From(origin): From, headers: HeaderMap, asker: Asker) -> Answer {
    asker.answer(async {
        match accounts::end_session(&site.app, me(&asker)?, &id, &origin).await {
            Err(AppError::NotFound { .. }) if asker.actor.is_administrator() => {
                let credential = extract::credential(&site, &headers).ok_or(AppError::Unauthenticated)?;
                let by = sudo::require(&site.app, &credential, &asker.actor, origin).await?;
                people::end_session(&site.app, &by, &id).await?;
            }
            ended => ended?,
        }
        Ok(StatusCode::NO_CONTENT)
    })
    .await
}

/// `GET /tokens`
pub async fn tokens(State(site): State<Site>, Query(pairs): Query<Vec<(String, String)>>, asker: Asker) -> Answer {
    asker.answer(async {
        let one = |token: signing::Token| json!({"id": token.id, "name": token.name, "created_at": token.made, "expires_at": token.ends, "used_at": token.seen, "administers": token.administers, "user": {"id": token.user.0, "title": token.user.1}});
        let found = signing::tokens(&site.app, whose(&asker, &pairs)?).await?;
        Ok(Json(json!({"data": found.into_iter().map(one).collect::<Vec<_>>()})))
    })
    .await
}

/// `POST /tokens`: `name`, `days`, `administers`; the token, once.
pub async fn make_token(State(site): State<Site>, SureAsker { asker, by }: SureAsker, Body(body): Body) -> Answer {
    asker.answer(async {
        let days = match body.get("days") {
            None | Some(Value::Null) => None,
            Some(days) => Some(days.as_i64().ok_or_else(|| AppError::malformed("bad_token", "`days` is a whole number"))?),
        };
        let asked = TokenAsked { name: text(&body, "name").to_owned(), days, administers: body.get("administers") == Some(&Value::Bool(true)) };
        let token = signing::own_token(&site.app, &by, &asked, asker.actor.now).await?;
        Ok((StatusCode::CREATED, Json(json!({"token": token}))))
    })
    .await
}

/// `DELETE /tokens/{id}`: as with sessions.
pub async fn revoke_token(State(site): State<Site>, Path(id): Path<String>, From(origin): From, headers: HeaderMap, asker: Asker) -> Answer {
    asker.answer(async {
        let id = id_of(&id, "token")?;
        match accounts::revoke_token(&site.app, me(&asker)?, id, &origin).await {
            Err(AppError::NotFound { .. }) if asker.actor.is_administrator() => {
                let credential = extract::credential(&site, &headers).ok_or(AppError::Unauthenticated)?;
                let by = sudo::require(&site.app, &credential, &asker.actor, origin).await?;
                people::revoke_token(&site.app, &by, id).await?;
            }
            revoked => revoked?,
        }
        Ok(StatusCode::NO_CONTENT)
    })
    .await
}
