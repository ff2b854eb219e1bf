//! A board: one lane for each option of a choice, each a list of its own; the first of all lanes are asked for at once.

use app::{AppError, lists};
use axum::{
    extract::{Path as UrlPath, Query, State},
    response::Response,
};
use model::{Aggregate, FieldKind, OptionDef};
use query::{GroupRequest, ListRequest};
use serde_json::{Value as Json, json};

use super::{Address, Asked, Inside, Reader, ask, kinds, may_make, url, window::windows};
use crate::{
    Site,
    pages::cells,
    view::{Board, BoardFigures, Lane, LaneFigures},
};

/// Records of a lane at first, and of each further window.
const LANE_WINDOW: u32 = 20;

/// The option of each lane: retired ones only while records have them; `None` for records without one.
fn options<'a>(reader: &'a Reader, asked: &'a Asked<'_>) -> Vec<Option<&'a OptionDef>> {
    let field = asked.by.as_ref().and_then(|path| path.field(&reader.asker.snapshot.catalog));
    match field.map(|field| (&field.kind, field.required)) {
        Some((FieldKind::Choice { options, .. }, required)) => options.iter().map(Some).chain((!required).then_some(None)).collect(),
        _ => Vec::new(),
    }
}

fn within(field: &str, option: Option<&OptionDef>) -> Json {
    match option {
        Some(option) => json!({"field": field, "op": "is", "value": option.value}),
        None => json!({"field": field, "op": "empty"}),
    }
}

/// The board with the first records of each lane.
pub(super) async fn draw(site: &Site, reader: &Reader, asked: &Asked<'_>) -> Result<Board, AppError> {
    let snapshot = &reader.asker.snapshot;
    let Some(field) = asked.by.as_ref().and_then(|path| path.field(&snapshot.catalog)) else { return Ok(Board::default()) };
    let (lang, key) = (&reader.asker.actor.lang, field.key.as_str());
    let card = snapshot.card(asked.card.key.as_str())?;
    let creates = may_make(snapshot, &reader.asker.actor, asked.card) && field.is_editable();
    let mut lanes = Vec::new();
    let options = options(reader, asked);
    let parts: Vec<Inside> = options.iter().map(|option| Inside { within: Some(within(key, *option)), limit: Some(LANE_WINDOW), ..Inside::default() }).collect();
    let windows = windows(site, reader, asked, &parts).await?;
    for (index, (option, window)) in options.into_iter().zip(windows).enumerate() {
        if window.rows.is_empty() && option.is_none_or(|option| option.retired) {
            continue;
        }
        let value = option.map(|option| option.value.clone()).unwrap_or_default();
        lanes.push(Lane {
            index,
            label: option.map(|option| option.labels.or_key(lang, &option.value)).unwrap_or_default(),
            tone: cells::tone(option.and_then(|option| option.colour)),
            window,
            create_url: creates.then(|| url(&format!("{}/new", asked.base()), &[(&format!("f.{key}"), &value)])),
            value,
        });
    }
    Ok(Board {
        field: key.to_owned(),
        label: field.labels.or_key(lang, key),
        choices: kinds::choices(reader, asked, "board"),
        lanes,
        figures_url: asked.address.url(&format!("{}/lanes", asked.base())),
        by_steps: field.workflow,
        locked: kinds::locked(reader, card, field).map(|text| reader.t(site, text, &[("what", &field.labels.or_key(lang, key))])),
    })
}

/// `GET /c/{card}/lanes`: how many records each lane has, and the first total that is a sum.
pub async fn lanes(State(site): State<Site>, UrlPath(key): UrlPath<String>, Query(pairs): Query<Vec<(String, String)>>, reader: Reader) -> Response {
    let answer = async {
        let snapshot = &reader.asker.snapshot;
        let card = reader.card(&key)?;
        let asked = ask(&site, &reader, &card, Address::read(&pairs)).await?;
        let Some(by) = &asked.by else { return Ok(BoardFigures::default()) };
        let group = GroupRequest { field: by.to_string(), ..GroupRequest::default() };
        let request = ListRequest { group_by: vec![group], totals: asked.total_requests(), limit: Some(1), sort: None, ..asked.request(&[]) };
        let gated = lists::ask(snapshot, &reader.asker.actor, &key, &request)?;
        let rows = lists::groups(&site.app, snapshot, &gated).await?;
        let shown = asked.totals.iter().find(|(_, function)| *function == Aggregate::Sum).and_then(|(path, _)| asked.columns.iter().position(|known| known == path));
        let lane = |(index, option): (usize, Option<&OptionDef>)| {
            let found = rows.iter().find(|row| match (option, row.key.first()) {
                (Some(option), Some(model::Value::Text(text))) => *text == option.value,
                (None, value) => value.is_none_or(model::Value::is_empty),
                _ => false,
            });
            let total = found.and_then(|row| asked.total_texts(&reader, &row.totals, true).into_iter().nth(shown?).flatten());
            LaneFigures { index, count: form::format::number_text(found.map_or(0, |row| row.count).into(), 0, &reader.asker.locale), total }
        };
        Ok::<_, AppError>(BoardFigures { lanes: options(&reader, &asked).into_iter().enumerate().map(lane).collect() })
    };
    match answer.await {
        Ok(figures) => reader.draw(&site, "list/lanes.html", Some(&key), &figures),
        Err(error) => reader.failed(&site, &error),
    }
}
