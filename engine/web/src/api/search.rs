//! `GET /search`: records of every card by words, best first.

use app::{AppError, Source, search};
use axum::{
    Json,
    extract::{Query, State},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

use crate::{Site, extract::Asker, problem::Problem};

/// Hits of each card when nobody says, and at most.
const FEW: usize = 5;
const MANY: usize = 50;

/// What an address asks for.
struct Asked {
    q: String,
    card: Option<String>,
    limit: usize,
}

fn read(pairs: &[(String, String)]) -> Result<Asked, AppError> {
    let mut asked = Asked { q: String::new(), card: None, limit: FEW };
    for (key, text) in pairs {
        match key.as_str() {
            "q" => asked.q.clone_from(text),
            "card" => asked.card = Some(text.clone()),
            "limit" => asked.limit = text.parse().ok().filter(|limit| (1..=MANY).contains(limit)).ok_or_else(|| AppError::malformed("bad_limit", format!("a card has 1 to {MANY} hits")))?,
            _ => {
                let near = model::nearest(key, ["q", "card", "limit"]).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
                return Err(AppError::malformed("unknown_parameter", format!("`{key}` is no parameter of search{near}")));
            }
        }
    }
    if asked.q.trim().is_empty() {
        return Err(AppError::malformed("bad_parameter", "`q` says what is looked for, such as ?q=red"));
    }
    Ok(asked)
}

/// `GET /search?q=&card=&limit=`
pub async fn find(State(site): State<Site>, Query(pairs): Query<Vec<(String, String)>>, asker: Asker) -> Result<Response, Problem> {
    let (snapshot, actor, locale) = (&asker.snapshot, &asker.actor, &asker.locale);
    let answer = async {
        let asked = read(&pairs)?;
        let found = match &asked.card {
            None => search::everywhere(&site.app, snapshot, actor, &asked.q, asked.limit, locale).await?,
            Some(card) => vec![search::in_card(&site.app, snapshot, actor, card, &asked.q, None, asked.limit, locale).await?],
        };
        let open = search::cards_open(&mut Source::App(&site.app), snapshot).await?;
        // Who may not see a card does not learn that it is being rebuilt.
        let open = open.iter().filter(|open| snapshot.catalog.card(&open.card).is_some_and(|card| access::gate(&snapshot.catalog, actor, card, model::ActionName::Read).is_ok()));
        Ok::<_, AppError>(json!({"data": found.iter().map(|hits| card_json(&asker, hits)).collect::<Vec<_>>(), "rebuilding": open.map(|open| &open.card).collect::<Vec<_>>()}))
    };
    answer.await.map(|answer| Json(answer).into_response()).map_err(|error| asker.problem(error))
}

fn card_json(asker: &Asker, found: &search::CardHits) -> Value {
    let label = asker.snapshot.catalog.card(&found.card).map_or_else(String::new, |card| card.plurals.or_key(&asker.actor.lang, card.key.as_str()));
    let hits: Vec<Value> = found.hits.iter().map(|hit| {
        let detail = hit.detail.as_ref().map(|detail| json!({"label": detail.label, "text": detail.text, "marks": marks(&detail.text, &detail.marks)}));
        json!({"id": hit.id, "title": hit.title, "marks": marks(&hit.title, &hit.marks), "detail": detail})
    }).collect();
    json!({"card": found.card, "label": label, "count": {"value": found.count, "exact": found.exact}, "hits": hits})
}

/// Where words were found, counted in characters: bytes are nothing to most clients.
fn marks(text: &str, marks: &[std::ops::Range<usize>]) -> Vec<[usize; 2]> {
    let at = |byte: usize| text.char_indices().take_while(|(place, _)| *place < byte).count();
    marks.iter().map(|mark| [at(mark.start), at(mark.end)]).collect()
}
