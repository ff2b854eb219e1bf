//! A record as it was: the same page, with nothing to change on it.

use app::{AppError, records::versions};
use axum::{
    extract::{Path as UrlPath, Query, State},
    response::Response,
};
use uuid::Uuid;

use super::{
    Reader,
    drawn::{Rights, from_page, with_title},
    get,
    painter::Painter,
};
use crate::{
    Site,
    view::{self, AsOf, RecordPage},
};

/// `GET /c/{card}/{id}/as-of?at=2026-03-31`
pub async fn page(State(site): State<Site>, UrlPath((key, id)): UrlPath<(String, String)>, Query(pairs): Query<Vec<(String, String)>>, reader: Reader) -> Response {
    let answer = async {
        let id = Uuid::try_parse(&id).map_err(|_| AppError::not_found("record"))?;
        reader.card(&key)?;
        show(&site, &reader, &key, id, get(&pairs, "at").filter(|at| !at.is_empty()), get(&pairs, "tab")).await
    };
    match answer.await {
        Ok(page) => reader.draw(&site, "records/show.html", Some(&key), &page),
        Err(error) => reader.failed(&site, &error),
    }
}

async fn show(site: &Site, reader: &Reader, key: &str, id: Uuid, at: Option<&str>, tab: Option<&str>) -> Result<RecordPage, AppError> {
    let (snapshot, actor) = (&reader.asker.snapshot, &reader.asker.actor);
    let card = snapshot.card(key)?.clone();
    let day = at.map_or_else(|| actor.today().to_string(), str::to_owned);
    let moment = versions::moment(actor, &day)?;
    let (page, unknown) = match versions::read(&site.app, snapshot, actor, key, id, moment, &reader.asker.locale).await {
        Ok(page) => (page, None),
        // The day is asked for once more, beside the record as it is.
        Err(AppError::Malformed { code: "as_of_unknown", detail }) => (app::records::read::read(&site.app, snapshot, actor, key, id, &reader.asker.locale).await?, Some(detail)),
        Err(error) => return Err(error),
    };
    let mut drawn = from_page(page).ok_or_else(|| AppError::not_found("record"))?;
    with_title(site, reader, &card, &mut drawn).await?;
    let rights = Rights { read: access::gate(&snapshot.catalog, actor, &card, model::ActionName::Read)?, write: None, delete: false, applied: false };
    let painter = Painter { site, reader, card: &card, drawn: &drawn, rights: &rights, new: false };
    let mut shown = painter.page(tab, "");
    let url = format!("/c/{key}/{id}");
    let day = day.get(..10).unwrap_or_default().to_owned();
    // Only what is the record itself was kept: what others say of it is as it is today.
    shown.tabs.retain(|tab| tab.later_url.is_none());
    for tab in &mut shown.tabs {
        tab.url = crate::pages::url(&format!("{url}/as-of"), &[("at", &day), ("tab", &tab.id)]);
        tab.sections.retain(|section| !matches!(section.panel, Some(view::Panel::Later { .. })));
        for field in tab.sections.iter_mut().flat_map(|section| &mut section.fields) {
            (field.explain_url, field.series_url, field.recomputing) = (None, None, false);
        }
        for section in &mut tab.sections {
            let Some(view::Panel::Child(table)) = &mut section.panel else { continue };
            table.columns.iter_mut().for_each(|column| column.recomputing = false);
            table.rows.iter_mut().flat_map(|row| &mut row.cells).for_each(|cell| cell.explain_url = None);
        }
    }
    if !shown.tabs.iter().any(|tab| tab.current)
        && let Some(first) = shown.tabs.first_mut()
    {
        first.current = true;
    }
    let when = form::format::instant(moment.min(actor.now), &reader.asker.locale);
    let version = drawn.record.version();
    let by = drawn.record.get("updated_by").as_id().and_then(|id| drawn.titles.get(&id).cloned());
    let said = by.map(|who| reader.t(site, "as_of.version", &[("version", &version.to_string()), ("who", &who)])).unwrap_or_default();
    let label = reader.t(site, "as_of.banner", &[("when", &when)]);
    Ok(RecordPage {
        position: None,
        actions: Vec::new(),
        copy_url: None,
        counts_url: None,
        history: None,
        as_of: Some(AsOf {
            day,
            today: actor.today().to_string(),
            url: format!("{url}/as-of"),
            record_url: url,
            label,
            said,
            unknown: unknown.map(|detail| crate::phrases::told(&detail, &actor.lang)),
        }),
        ..shown
    })
}
