//! The sign-in log and the log of operations, for administrators.

use app::{AppError, exports, log::{self, Asked, Event, Log, Shown}};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{exports::attachment, head::*};
use crate::visit::SureAsker;

fn asked(log: &str, pairs: &[(String, String)]) -> Result<Asked, AppError> {
    let mut asked = Asked { log: Log::read(log).ok_or_else(|| AppError::not_found("address"))?, event: None, user: None, address: None, from: None, until: None, before: None };
    let bad = |name: &str, what: &str| AppError::malformed("bad_parameter", format!("`{name}` is {what}"));
    for (name, value) in pairs {
        let moment = || DateTime::parse_from_rfc3339(value).map(|at| at.with_timezone(&Utc)).map_err(|_| bad(name, "a time such as 2026-11-27T18:00:00Z"));
        match name.as_str() {
            "event" => asked.event = Some(Event::read(value).ok_or_else(|| bad(name, "a word such as `signed_in`"))?),
            "user" => asked.user = Some(Uuid::try_parse(value).map_err(|_| bad(name, "the id of an account"))?),
            "address" => asked.address = Some(value.clone()),
            "from" => asked.from = Some(moment()?),
            "until" => asked.until = Some(moment()?),
            "before" => asked.before = Some(value.parse().map_err(|_| bad(name, "the number of a line"))?),
            _ => return Err(AppError::malformed("unknown_parameter", format!("`{name}` means nothing here; there are event, user, address, from, until and before"))),
        }
    }
    Ok(asked)
}

fn shown(line: &Shown) -> Value {
    let person = |who: &Option<(Uuid, String)>| who.as_ref().map(|(id, name)| json!({"id": id, "title": name}));
    json!({"seq": line.seq, "at": line.at, "event": line.word, "actor": person(&line.actor), "subject": person(&line.subject), "address": line.address, "agent": line.agent, "about": line.about})
}

/// `GET /log/{log}`: `signin` or `operation`, the newest first.
pub async fn list(State(site): State<Site>, Path(log): Path<String>, Query(pairs): Query<Vec<(String, String)>>, asker: Asker) -> Answer {
    asker.answer(async {
        if !asker.actor.is_administrator() {
            return Err(AppError::forbidden("only administrators read the log"));
        }
        let lines = log::list(&site.app, &asker.actor, &asked(&log, &pairs)?, log::MAX_LISTED).await?;
        let next = lines.last().filter(|_| lines.len() >= log::MAX_LISTED as usize).map(|last| last.seq);
        Ok(Json(json!({"data": lines.iter().map(shown).collect::<Vec<_>>(), "next": next})))
    })
    .await
}

/// `GET /log/{log}/export`: the same as CSV.
pub async fn export(State(site): State<Site>, Path(log): Path<String>, Query(pairs): Query<Vec<(String, String)>>, SureAsker { asker, by }: SureAsker) -> Answer {
    asker.answer(async {
        by.administering()?;
        let asked = asked(&log, &pairs)?;
        let file = exports::scratch().await?;
        let copy = file.try_clone().map_err(|error| AppError::Unavailable { detail: error.to_string() })?;
        log::export::export(&site.app, &by, &asker.actor, &asked, copy).await?;
        attachment(file, &format!("log-{}.csv", asked.log.word()), "text/csv; charset=utf-8").await
    })
    .await
}
