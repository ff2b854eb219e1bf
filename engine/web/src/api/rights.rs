//! Sharing single records, and telling why somebody may or may not.

use app::{
    AppError,
    rights::{
        shares::{self, Share, Wanted, Who},
        why::{self, Why},
    },
};
use chrono::{DateTime, SecondsFormat, Utc};
use model::{FieldRight, Ident, Scope};
use serde_json::{Value, json};
use uuid::Uuid;

use super::head::*;

fn wrong(detail: impl Into<String>) -> AppError {
    AppError::malformed("bad_share", detail)
}

fn moment(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

fn who(who: &Who, name: Option<&str>) -> Value {
    match who {
        Who::User(id) => json!({"user": {"id": id.to_string(), "title": name}}),
        Who::Group(key) => json!({"group": {"key": key, "label": name}}),
    }
}

fn shown(share: &Share) -> Value {
    let mut all = who(&share.who, Some(&share.name));
    all["edit"] = json!(share.edit);
    all["until"] = json!(share.until.map(moment));
    all["shared_by"] = json!(share.by.map(|by| by.to_string()));
    all["shared_at"] = json!(moment(share.at));
    all["works"] = json!(share.works);
    all
}

fn before(wanted: Option<&Wanted>) -> Value {
    wanted.map_or(Value::Null, |wanted| {
        let mut all = who(&wanted.who, None);
        all["edit"] = json!(wanted.edit);
        all["until"] = json!(wanted.until.map(moment));
        all
    })
}

/// `user` or `group` of a body.
fn whom(body: &Value) -> Result<Who, AppError> {
    let id = |value: &Value, part: &str| value.as_str().or_else(|| value.get(part)?.as_str()).map(str::to_owned);
    match (body.get("user").and_then(|user| id(user, "id")), body.get("group").and_then(|group| id(group, "key"))) {
        (Some(user), None) => Uuid::try_parse(&user).map(Who::User).map_err(|_| wrong("`user` is a user's id")),
        (None, Some(group)) => Ident::new(&group).map(Who::Group).map_err(|error| wrong(error.to_string())),
        _ => Err(wrong("a share names a `user` or a `group`")),
    }
}

fn wanted(body: &Value) -> Result<Wanted, AppError> {
    const KEYS: [&str; 4] = ["user", "group", "edit", "until"];
    let map = body.as_object().ok_or_else(|| wrong("a share is a JSON object such as {\"user\": \"…\", \"edit\": true}"))?;
    if let Some(stray) = map.keys().find(|key| !KEYS.contains(&key.as_str())) {
        let near = model::nearest(stray, KEYS).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
        return Err(wrong(format!("`{stray}` is no part of a share{near}")));
    }
    let edit = match map.get("edit") {
        None | Some(Value::Null) => false,
        Some(Value::Bool(edit)) => *edit,
        Some(_) => return Err(wrong("`edit` is true or false")),
    };
    let until = match map.get("until") {
        None | Some(Value::Null) => None,
        Some(text) => Some(text.as_str().and_then(|text| DateTime::parse_from_rfc3339(text).ok()).ok_or_else(|| wrong("`until` is a moment such as \"2026-12-31T23:59:59Z\""))?.with_timezone(&Utc)),
    };
    Ok(Wanted { who: whom(body)?, edit, until })
}

/// `GET /records/{card}/{id}/shares`
pub async fn list(State(site): State<Site>, Path((card, id)): Path<(String, String)>, asker: Asker) -> Answer {
    asker
        .answer(async {
            asker.card(&card)?;
            let found = shares::list(&site.app, &asker.snapshot, &asker.actor, &card, id_of(&id, "record")?).await?;
            Ok(Json(json!({"data": found.iter().map(shown).collect::<Vec<_>>()})))
        })
        .await
}

/// `POST /records/{card}/{id}/shares`: shares it, or shares it otherwise. Answers what was before.
pub async fn put(State(site): State<Site>, Path((card, id)): Path<(String, String)>, asker: Asker, Body(body): Body) -> Answer {
    asker
        .answer(async {
            asker.card(&card)?;
            let was = shares::put(&site.app, &asker.actor, &card, id_of(&id, "record")?, wanted(&body)?).await?;
            Ok(Json(json!({"before": before(was.as_ref())})))
        })
        .await
}

/// `POST /records/{card}/{id}/shares/remove` with `user` or `group`. Answers what was before.
pub async fn remove(State(site): State<Site>, Path((card, id)): Path<(String, String)>, asker: Asker, Body(body): Body) -> Answer {
    asker
        .answer(async {
            asker.card(&card)?;
            let was = shares::remove(&site.app, &asker.actor, &card, id_of(&id, "record")?, whom(&body)?).await?;
            Ok(Json(json!({"before": before(was.as_ref())})))
        })
        .await
}

/// `GET /records/{card}/{id}/why?user=…`
pub async fn why(State(site): State<Site>, Path((card, id)): Path<(String, String)>, Query(pairs): Query<Vec<(String, String)>>, asker: Asker) -> Answer {
    asker
        .answer(async {
            asker.card(&card)?;
            let user = match pairs.iter().find(|(key, _)| key == "user") {
                Some((_, user)) => Some(id_of(user, "user")?),
                None => None,
            };
            let found = why::why(&site.app, &asker.snapshot, &asker.actor, &card, id_of(&id, "record")?, user).await?;
            Ok(Json(told(&found)))
        })
        .await
}

fn told(why: &Why) -> Value {
    let about = |about: &why::About| {
        let grant = |grant: &why::Counted| json!({"id": grant.id, "group": grant.role, "held": grant.held, "scope": scope(&grant.scope), "matches": grant.matches, "fault": grant.fault});
        let guard = |guard: &why::Guard| json!({"id": guard.id, "scope": scope(&guard.scope), "fault": guard.fault});
        json!({"action": access::action_word(about.action), "may": about.may, "grants": about.grants.iter().map(grant).collect::<Vec<_>>(), "kept_out": about.kept_out.iter().map(guard).collect::<Vec<_>>()})
    };
    let field = |field: &why::Field| {
        let name = field.child.as_ref().map_or_else(|| field.key.to_string(), |child| format!("{child}.{}", field.key));
        json!({"field": name, "read": right(field.read), "edit": field.edit, "secret": field.secret, "groups": field.by})
    };
    json!({
        "user": {"id": why.user.to_string(), "title": why.name}, "active": why.active, "groups": why.roles, "unbounded": why.unbounded, "trashed": why.trashed, "shared": why.shared,
        "actions": why.actions.iter().map(about).collect::<Vec<_>>(), "fields": why.fields.iter().map(field).collect::<Vec<_>>()
    })
}

fn right(right: FieldRight) -> &'static str {
    match right {
        FieldRight::None => "none",
        FieldRight::Mask => "mask",
        FieldRight::Read | FieldRight::Edit => "read",
    }
}

/// A scope by its name.
pub(crate) fn scope(scope: &Scope) -> &'static str {
    match scope {
        Scope::All => "all",
        Scope::Own => "own",
        Scope::Shared => "shared",
        Scope::OrgUnit => "org_unit",
        Scope::OrgTree => "org_tree",
        Scope::Subordinates => "subordinates",
        Scope::Pool => "pool",
        Scope::Filter(_) => "condition",
    }
}
