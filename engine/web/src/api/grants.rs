//! Groups, and the grants and guards of a card, for who administers them.
//!
//! **Not here:** sharing one record, and why (`rights`); who is in which group, from the side of accounts (`users`).

use app::{
    AppError,
    accounts::{memberships, people},
    rights::{self, Wanted},
};
use model::{
    Bound, Card, FieldRight, Filter, Grant, Ident, Labels, Role, Scope,
    build::local::LocalRight,
    def::ScopeDef,
};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::head::*;
use crate::visit::SureAsker;

fn wrong(detail: impl Into<String>) -> AppError {
    AppError::malformed("bad_right", detail)
}

/// What a body says; unknown keys are named, with the nearest that is known.
struct Sent<'b>(&'b Map<String, Value>);

impl<'b> Sent<'b> {
    fn read(body: &'b Value, keys: &[&str]) -> Result<Self, AppError> {
        let map = body.as_object().ok_or_else(|| wrong(format!("the body is an object with {}", keys.join(", "))))?;
        match map.keys().find(|key| !keys.contains(&key.as_str())) {
            None => Ok(Self(map)),
            Some(stray) => {
                let near = model::nearest(stray, keys.iter().copied()).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
                Err(wrong(format!("`{stray}` means nothing here{near}; there are {}", keys.join(", "))))
            }
        }
    }

    /// A part in its type; none where it is left out.
    fn part<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, AppError> {
        self.0.get(key).map(|value| T::deserialize(value).map_err(|error| wrong(format!("`{key}`: {error}")))).transpose()
    }

    fn scope(&self) -> Result<Option<ScopeDef>, AppError> {
        match self.0.get("scope") {
            Some(filter @ Value::Object(_)) => Filter::from_json(filter).map(|filter| Some(ScopeDef::Filter(filter))).map_err(|error| wrong(format!("`scope`: {error}"))),
            Some(Value::String(_)) => self.part("scope").map_err(|_| wrong("`scope` is a condition, or one of all, own, shared, org_unit, org_tree, subordinates, pool")),
            Some(_) => Err(wrong("`scope` is a name such as \"own\", or a condition")),
            None => Ok(None),
        }
    }
}

/// The card whose rights the asker may change. Who has no grant on it learns nothing of it.
fn card_of<'a>(asker: &'a Asker, key: &str) -> Result<&'a std::sync::Arc<Card>, AppError> {
    let card = asker.snapshot.card(key)?;
    if !rights::may_administer(&asker.snapshot, &asker.actor, card) {
        access::gate(&asker.snapshot.catalog, &asker.actor, card, model::ActionName::Read)?;
        return Err(AppError::forbidden("you may not change the rights of this card"));
    }
    Ok(card)
}

fn scope(scope: &Scope, written: Option<&Filter>) -> Value {
    written.map_or_else(|| json!(super::rights::scope(scope)), Filter::to_json)
}

fn fields(grant: &Grant) -> Map<String, Value> {
    let name = |child: Option<&Ident>, key: &Ident| child.map_or_else(|| key.to_string(), |child| format!("{child}.{key}"));
    grant.fields.iter().map(|((child, key), right)| (name(child.as_ref(), key), json!(right))).collect()
}

fn grant(grant: &Grant) -> Value {
    json!({
        "id": grant.id, "group": grant.role, "actions": grant.actions, "scope": scope(&grant.scope, grant.written.as_ref()), "fields": fields(grant),
        "pack": grant.pack, "replaces": grant.replaces, "fault": grant.fault,
    })
}

fn guard(bound: &Bound) -> Value {
    json!({"id": bound.id, "scope": scope(&bound.scope, bound.written.as_ref()), "except": bound.except, "pack": bound.pack, "fault": bound.fault})
}

/// One of a card by its id, as it is by now.
fn now(site: &Site, key: &str, id: &str) -> Result<Value, AppError> {
    let snapshot = site.app.snapshot();
    let card = snapshot.card(key)?;
    let found = card.grants.iter().find(|one| one.id == id).map(grant).or_else(|| card.bounds.iter().find(|one| one.id == id).map(guard));
    found.ok_or_else(|| AppError::not_found("grant"))
}

/// `GET /rights/{card}`: its grants and guards, of packs and made here.
pub async fn read(Path(key): Path<String>, asker: Asker) -> Answer {
    asker
        .answer(async {
            let card = card_of(&asker, &key)?;
            Ok(Json(json!({"card": card.key, "grants": card.grants.iter().map(grant).collect::<Vec<_>>(), "guards": card.bounds.iter().map(guard).collect::<Vec<_>>()})))
        })
        .await
}

/// What a grant says, with what is left out as it was.
fn says(sent: &Sent<'_>, before: Option<&Grant>) -> Result<LocalRight, AppError> {
    let was = |grant: &Grant| -> Result<LocalRight, AppError> {
        let scope = match &grant.written {
            Some(filter) => ScopeDef::Filter(filter.clone()),
            None => serde_json::from_value(json!(super::rights::scope(&grant.scope))).map_err(|error| AppError::Internal(error.to_string()))?,
        };
        let fields = fields(grant).into_iter().filter_map(|(name, right)| Some((name, serde_json::from_value::<FieldRight>(right).ok()?))).collect();
        Ok(LocalRight { actions: grant.actions.to_vec(), scope, fields, ..LocalRight::default() })
    };
    let before = before.map(was).transpose()?;
    let is_new = before.is_none();
    let before = before.unwrap_or_default();
    let says = LocalRight {
        actions: sent.part("actions")?.unwrap_or(before.actions),
        scope: sent.scope()?.unwrap_or(before.scope),
        fields: sent.part("fields")?.unwrap_or(before.fields),
        except: sent.part("except")?.unwrap_or_default(),
        names: Vec::new(),
    };
    if is_new && matches!(says.scope, ScopeDef::Unsaid) {
        return Err(wrong("`scope` is wanted: which records? \"all\", \"own\", … or a condition"));
    }
    Ok(says)
}

/// `POST /rights/{card}/grants`: `group`, `actions`, `scope`, `fields`.
pub async fn give(State(site): State<Site>, Path(key): Path<String>, SureAsker { asker, by }: SureAsker, Body(body): Body) -> Answer {
    asker
        .answer(async {
            card_of(&asker, &key)?;
            let sent = Sent::read(&body, &["group", "actions", "scope", "fields"])?;
            let role: Ident = sent.part("group")?.ok_or_else(|| wrong("`group` is wanted: the key of a group"))?;
            let says = says(&sent, None)?;
            if says.actions.is_empty() {
                return Err(wrong("`actions` is wanted: what they may do, such as [\"read\"]"));
            }
            let id = rights::put(&site.app, &asker.actor, &by, Wanted { id: None, card: key.clone(), role: Some(role), replaces: None, says }).await?;
            Ok((StatusCode::CREATED, Json(now(&site, &key, &id.to_string())?)))
        })
        .await
}

/// `PATCH /rights/{card}/grants/{id}`: `actions`, `scope`, `fields`. In the place of a pack's grant comes one made here.
pub async fn change(State(site): State<Site>, Path((key, id)): Path<(String, String)>, SureAsker { asker, by }: SureAsker, Body(body): Body) -> Answer {
    asker
        .answer(async {
            let known = card_of(&asker, &key)?.grants.iter().find(|grant| grant.id == id).ok_or_else(|| AppError::not_found("grant"))?;
            let sent = Sent::read(&body, &["actions", "scope", "fields"])?;
            let own = if known.pack.is_none() { Some(id_of(&id, "grant")?) } else { None };
            let wanted = Wanted { id: own, card: key.clone(), role: Some(known.role.clone()), replaces: known.pack.is_some().then(|| id.clone()), says: says(&sent, Some(known))? };
            let id = rights::put(&site.app, &asker.actor, &by, wanted).await?;
            Ok(Json(now(&site, &key, &id.to_string())?))
        })
        .await
}

/// `DELETE /rights/{card}/grants/{id}`: one made here is gone, and a pack's in whose place it stood holds again; a pack's
/// gives nothing any more.
pub async fn take(State(site): State<Site>, Path((key, id)): Path<(String, String)>, SureAsker { asker, by }: SureAsker) -> Answer {
    asker
        .answer(async {
            let known = card_of(&asker, &key)?.grants.iter().find(|grant| grant.id == id).ok_or_else(|| AppError::not_found("grant"))?;
            match known.pack {
                Some(_) => rights::take_back(&site.app, &asker.actor, &by, &key, &id).await?,
                None => rights::remove(&site.app, &asker.actor, &by, id_of(&id, "grant")?).await?,
            }
            Ok(StatusCode::NO_CONTENT)
        })
        .await
}

/// `POST /rights/{card}/guards`: `scope`, `except`.
pub async fn bound(State(site): State<Site>, Path(key): Path<String>, SureAsker { asker, by }: SureAsker, Body(body): Body) -> Answer {
    asker
        .answer(async {
            card_of(&asker, &key)?;
            let sent = Sent::read(&body, &["scope", "except"])?;
            let id = rights::put(&site.app, &asker.actor, &by, Wanted { id: None, card: key.clone(), role: None, replaces: None, says: says(&sent, None)? }).await?;
            Ok((StatusCode::CREATED, Json(now(&site, &key, &id.to_string())?)))
        })
        .await
}

/// `DELETE /rights/{card}/guards/{id}`: one made here; those of packs stay.
pub async fn unbound(State(site): State<Site>, Path((key, id)): Path<(String, String)>, SureAsker { asker, by }: SureAsker) -> Answer {
    asker
        .answer(async {
            let known = card_of(&asker, &key)?.bounds.iter().find(|bound| bound.id == id).ok_or_else(|| AppError::not_found("guard"))?;
            if known.pack.is_some() {
                return Err(AppError::forbidden("this guard comes with a pack"));
            }
            rights::remove(&site.app, &asker.actor, &by, id_of(&id, "guard")?).await?;
            Ok(StatusCode::NO_CONTENT)
        })
        .await
}

/// `POST /groups`: `labels`, `help`, by language.
pub async fn make_group(State(site): State<Site>, SureAsker { asker, by }: SureAsker, Body(body): Body) -> Answer {
    asker
        .answer(async {
            by.administering()?;
            let sent = Sent::read(&body, &["labels", "help"])?;
            let labels: Labels = sent.part("labels")?.ok_or_else(|| wrong("`labels` is wanted, such as {\"en\": \"Night shift\"}"))?;
            let key = rights::put_group(&site.app, &asker.actor, &by, None, &labels, &sent.part("help")?.unwrap_or_default()).await?;
            Ok((StatusCode::CREATED, Json(group_now(&site, &asker, key.as_str()).await?)))
        })
        .await
}

/// `GET /groups/{key}`
pub async fn read_group(State(site): State<Site>, Path(key): Path<String>, asker: Asker) -> Answer {
    asker.answer(async { Ok(Json(group_now(&site, &asker, &key).await?)) }).await
}

/// `PATCH /groups/{key}`: other `labels` and `help` of a group that was made here.
pub async fn change_group(State(site): State<Site>, Path(key): Path<String>, SureAsker { asker, by }: SureAsker, Body(body): Body) -> Answer {
    asker
        .answer(async {
            by.administering()?;
            let sent = Sent::read(&body, &["labels", "help"])?;
            let known = asker.snapshot.catalog.roles.get(key.as_str()).ok_or_else(|| AppError::not_found("group"))?;
            let (labels, help) = (sent.part("labels")?.unwrap_or_else(|| known.labels.clone()), sent.part("help")?.unwrap_or_else(|| known.help.clone()));
            rights::put_group(&site.app, &asker.actor, &by, Some(&key), &labels, &help).await?;
            Ok(Json(group_now(&site, &asker, &key).await?))
        })
        .await
}

/// `DELETE /groups/{key}`: one made here, with what it gave.
pub async fn remove_group(State(site): State<Site>, Path(key): Path<String>, SureAsker { asker, by }: SureAsker) -> Answer {
    asker
        .answer(async {
            by.administering()?;
            rights::remove_group(&site.app, &asker.actor, &by, &key).await?;
            Ok(StatusCode::NO_CONTENT)
        })
        .await
}

/// `PUT /groups/{key}/members/{user}`: into the group.
pub async fn join(State(site): State<Site>, Path((key, user)): Path<(String, String)>, SureAsker { asker, by }: SureAsker) -> Answer {
    member(&site, &asker, &by, &key, &user, true).await
}

/// `DELETE /groups/{key}/members/{user}`: out of the group.
pub async fn leave(State(site): State<Site>, Path((key, user)): Path<(String, String)>, SureAsker { asker, by }: SureAsker) -> Answer {
    member(&site, &asker, &by, &key, &user, false).await
}

async fn member(site: &Site, asker: &Asker, by: &app::accounts::Confirmed, key: &str, user: &str, wanted: bool) -> Answer {
    asker
        .answer(async {
            by.administering()?;
            if key != access::ADMINISTRATOR && !asker.snapshot.catalog.roles.contains_key(key) {
                return Err(AppError::not_found("group"));
            }
            memberships::set_member(&site.app, by, key, id_of(user, "user")?, wanted).await?;
            Ok(StatusCode::NO_CONTENT)
        })
        .await
}

async fn group_now(site: &Site, asker: &Asker, key: &str) -> Result<Value, AppError> {
    let members = people::members(&site.app, &asker.actor).await?.into_iter().find(|(role, _)| role == key).map_or(0, |(_, count)| count);
    if key == access::ADMINISTRATOR {
        return Ok(group(None, &asker.actor.lang, members));
    }
    let snapshot = site.app.snapshot();
    let role = snapshot.catalog.roles.get(key).ok_or_else(|| AppError::not_found("group"))?;
    Ok(group(Some(role), &asker.actor.lang, members))
}

/// A group as clients see it; the administrators are the engine's own.
pub(super) fn group(role: Option<&Role>, lang: &str, members: i64) -> Value {
    match role {
        None => json!({"key": access::ADMINISTRATOR, "label": "Administrator", "labels": {}, "help": {}, "pack": null, "portal": false, "local": false, "members": members}),
        Some(role) => json!({
            "key": role.key, "label": role.labels.or_key(lang, role.key.as_str()), "labels": role.labels, "help": role.help, "pack": role.pack, "portal": role.portal, "local": role.local, "members": members,
        }),
    }
}
