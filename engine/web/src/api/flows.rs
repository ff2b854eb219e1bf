//! Transitions of a record, and what it went through.

use std::collections::HashMap;

use app::{
    AppError,
    flows::{self, Asked},
    records::{read as reading, save::Options},
};
use axum::{
    Json,
    extract::{Path, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use model::{Card, Ident};
use serde_json::{Value, json};
use uuid::Uuid;

use super::records::options;
use crate::{
    Site,
    extract::{Asker, Body},
    phrases,
    problem::Problem,
};

type Answer = Result<Response, Problem>;

fn id_of(text: &str) -> Result<Uuid, AppError> {
    Uuid::try_parse(text).map_err(|_| AppError::not_found("record"))
}

/// `POST /records/{card}/{id}/transitions/{transition}`
pub async fn take(State(site): State<Site>, Path((card, id, transition)): Path<(String, String, String)>, headers: HeaderMap, asker: Asker, Body(body): Body) -> Answer {
    let answer = async {
        // The gate first: who may not see the card learns nothing of what is wrong with the request.
        app::lists::may_act(&asker.snapshot, &asker.actor, &card, model::ActionName::Transition)?;
        let asked = Asked::read(&body, Options { ask_about_duplicates: None, ..options(&headers)? })?;
        flows::take(&site.app, &asker.actor, &card, id_of(&id)?, &transition, &asked).await
    };
    let taken = answer.await.map_err(|error| asker.problem(error))?;
    let mut response = super::records::answer_of(&site, &asker, &card, taken.saved).await?;
    if let Some(approval) = taken.approval {
        // It happens once others agreed: the record is where it waits for them.
        *response.status_mut() = StatusCode::ACCEPTED;
        response.headers_mut().insert(header::CONTENT_LOCATION, HeaderValue::from_str(&format!("/api/v1/records/{card}/{id}/approvals#{approval}")).unwrap_or(HeaderValue::from_static("/api/v1/applications")));
    }
    Ok(response)
}

/// The states a record is in, as far as the asker may read them.
fn states_of(card: &Card, page: &app::lists::Page) -> HashMap<Ident, String> {
    let values = page.items.first().into_iter().flat_map(|item| page.columns.iter().zip(&item.values));
    values.filter_map(|(column, value)| Some((card.workflows.get_key_value(column.name.as_str())?.0.clone(), value.as_text()?.to_owned()))).collect()
}

/// `GET /records/{card}/{id}/transitions`
pub async fn offers(State(site): State<Site>, Path((card, id)): Path<(String, String)>, asker: Asker) -> Answer {
    let answer = async {
        let id = id_of(&id)?;
        let page = reading::read_in(&site.app, &asker.snapshot, &asker.actor, &card, id, &[query::Trash::Without], &asker.locale).await?;
        let found = asker.snapshot.card(&card)?;
        flows::offers(&site.app, &asker.snapshot, &asker.actor, found, id, &states_of(found, &page)).await
    };
    let offers = answer.await.map_err(|error| asker.problem(error))?;
    let lang = &asker.actor.lang;
    let one = |offer: &flows::Offer| {
        json!({
            "workflow": offer.workflow, "id": offer.transition.id, "label": offer.transition.labels.or_key(lang, offer.transition.id.as_str()), "to": offer.transition.to,
            "open": offer.why.is_none(), "why": offer.why.as_ref().map(|why| phrases::told(why, lang)), "required": offer.transition.required, "comment": offer.transition.comment,
            "approval": offer.transition.approval.is_some(),
        })
    };
    Ok(Json(json!({"data": offers.iter().map(one).collect::<Vec<Value>>()})).into_response())
}

/// `GET /records/{card}/{id}/states`
pub async fn stages(State(site): State<Site>, Path((card, id)): Path<(String, String)>, asker: Asker) -> Answer {
    let answer = async { flows::stages(&site.app, &asker.snapshot, &asker.actor, &card, id_of(&id)?).await };
    let stages = answer.await.map_err(|error| asker.problem(error))?;
    Ok(Json(json!({"data": stages.iter().map(flows::Stage::to_json).collect::<Vec<_>>()})).into_response())
}
