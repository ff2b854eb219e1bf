//! A tracked field over time: a line and a list, as a panel and beside the field.

use app::{
    AppError,
    records::series::{self, Point},
};
use axum::{
    extract::{Path as UrlPath, State},
    response::Response,
};
use model::Value;
use rust_decimal::{Decimal, prelude::ToPrimitive};
use uuid::Uuid;

use super::Reader;
use crate::{
    Site,
    pages::words,
    view::{Chart, SeriesPanel, SeriesPoint},
};

/// The box the line is drawn in, and how far it stays from its edges.
const BOX: (f64, f64) = (320.0, 100.0);
const EDGE: f64 = 6.0;

/// `GET /c/{card}/{id}/series/{field}`
pub async fn page(State(site): State<Site>, UrlPath((key, id, field)): UrlPath<(String, String, String)>, reader: Reader) -> Response {
    let answer = async {
        let id = Uuid::try_parse(&id).map_err(|_| AppError::not_found("record"))?;
        let card = reader.card(&key)?;
        let label = card.field(&field).map(|field| field.labels.or_key(&reader.asker.actor.lang, field.key.as_str())).unwrap_or_default();
        drawn(&site, &reader, &key, id, &label, &field).await
    };
    match answer.await {
        Ok(found) => reader.draw(&site, if reader.fragment { "records/series.html" } else { "records/series_page.html" }, Some(&key), &found),
        Err(error) => reader.failed(&site, &error),
    }
}

/// A field over time, ready to be drawn.
pub async fn drawn(site: &Site, reader: &Reader, key: &str, id: Uuid, heading: &str, field: &str) -> Result<SeriesPanel, AppError> {
    let found = series::series(&site.app, &reader.asker.snapshot, &reader.asker.actor, key, id, field).await?;
    let locale = &reader.asker.locale;
    let snapshot = &reader.asker.snapshot;
    let linked = found.points.iter().filter_map(|point| point.value.as_id());
    let titles = match &found.field.kind {
        model::FieldKind::Link(link) => {
            let wanted = [(link.target.clone(), linked.collect())].into_iter().collect();
            app::titles::fetch(&mut app::Source::App(&site.app), &snapshot.catalog, &reader.asker.actor, &wanted, locale).await?
        }
        _ => app::titles::Titles::new(),
    };
    let files = std::collections::HashMap::new();
    let known = crate::pages::cells::Known { catalog: &snapshot.catalog, locale, titles: &titles, files: &files };
    let text = |value: &Value| match known.cell(&found.field, &found.field.kind, value).text {
        text if text.is_empty() => "—".to_owned(),
        text => text,
    };
    let one = |index: usize, point: &Point| {
        let before = index.checked_sub(1).and_then(|before| number(&found.points[before].value));
        let change = number(&point.value).zip(before).map(|(now, before)| now - before).filter(|change| !change.is_zero());
        let places = |change: Decimal| match &found.field.kind {
            model::FieldKind::Decimal(settings) if settings.flavour == model::DecimalFlavour::Money => settings.scale,
            _ => change.scale().min(9) as u8,
        };
        let amount = |change: Decimal| form::format::number_text(change.abs(), places(change.normalize()), locale);
        SeriesPoint {
            when: form::format::instant(point.at, locale),
            at: point.at.to_rfc3339(),
            text: text(&point.value),
            change: change.map(|change| format!("{}{}", if change.is_sign_negative() { "−" } else { "+" }, amount(change))).unwrap_or_default(),
            trend: change.map(|change| if change.is_sign_negative() { "down" } else { "up" }.to_owned()).unwrap_or_default(),
            who: point.by.as_ref().map_or_else(|| words::word("system", &locale.lang), |(_, name)| name.clone()),
        }
    };
    let points: Vec<SeriesPoint> = found.points.iter().enumerate().map(|(index, point)| one(index, point)).rev().collect();
    Ok(SeriesPanel {
        id: field.to_owned(),
        label: heading.to_owned(),
        last: points.first().map(|point| point.text.clone()).unwrap_or_default(),
        chart: chart(reader, &found.points, &text),
        points,
        record_url: format!("/c/{key}/{id}"),
    })
}

fn number(value: &Value) -> Option<Decimal> {
    match value {
        Value::Decimal(number) => Some(*number),
        Value::Int(number) => Some((*number).into()),
        _ => None,
    }
}

/// The line: each value holds until the next, the last until now.
fn chart(reader: &Reader, points: &[Point], text: &dyn Fn(&Value) -> String) -> Option<Chart> {
    let numbers: Vec<(i64, f64, &Point)> = points.iter().filter_map(|point| Some((point.at.timestamp(), number(&point.value)?.to_f64()?, point))).collect();
    let (first, _, oldest) = *numbers.first()?;
    if numbers.len() < 2 {
        return None;
    }
    let low = numbers.iter().min_by(|left, right| left.1.total_cmp(&right.1))?;
    let high = numbers.iter().max_by(|left, right| left.1.total_cmp(&right.1))?;
    let now = reader.asker.actor.now.timestamp().max(numbers.last()?.0);
    let x = |at: i64| EDGE + (at - first) as f64 / ((now - first).max(1)) as f64 * (BOX.0 - 2.0 * EDGE);
    let y = |value: f64| if high.1 > low.1 { BOX.1 - EDGE - (value - low.1) / (high.1 - low.1) * (BOX.1 - 2.0 * EDGE) } else { BOX.1 / 2.0 };
    let mut line = String::new();
    for (index, (at, value, _)) in numbers.iter().enumerate() {
        line.push_str(&if index == 0 { format!("M{:.1} {:.1}", x(*at), y(*value)) } else { format!("H{:.1}V{:.1}", x(*at), y(*value)) });
    }
    line.push_str(&format!("H{:.1}", x(now)));
    let locale = &reader.asker.locale;
    let day = |at: chrono::DateTime<chrono::Utc>| form::format::date_text(at.with_timezone(&reader.asker.actor.zone).date_naive(), locale);
    let (from, until) = (day(oldest.at), day(reader.asker.actor.now));
    let last = numbers.last()?.2;
    Some(Chart {
        area: format!("{line}V{:.1}H{:.1}Z", BOX.1 - 1.0, x(first)),
        line,
        dots: numbers.iter().map(|(at, value, point)| (format!("{:.1}", x(*at)), format!("{:.1}", y(*value)), format!("{}: {}", day(point.at), text(&point.value)))).collect(),
        text: format!("{from} – {until}: {} → {} ({} – {})", text(&oldest.value), text(&last.value), text(&low.2.value), text(&high.2.value)),
        high: text(&high.2.value),
        low: text(&low.2.value),
        from,
        until,
    })
}
