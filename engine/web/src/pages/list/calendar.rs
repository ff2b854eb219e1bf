//! A month or a week of records, drawn by the server: it works with keys, without scripts, and on a phone.

use app::{AppError, lists};
use chrono::{Datelike, Days, Months, NaiveDate, Timelike};
use model::{ActionName, FieldKind, Path, Value};
use query::ListRequest;
use serde_json::json;

use super::{Address, Asked, Reader, kinds, may, url};
use crate::{
    Site,
    pages::{cells, words},
    view::{Calendar, CalendarDay, CalendarEvent, Tone, Way},
};

/// Most records of a month or a week.
const MAX_EVENTS: u32 = 500;

/// The days that are shown, and a day in the span before and after.
struct Span {
    week: bool,
    at: NaiveDate,
    first: NaiveDate,
    days: u64,
}

impl Span {
    fn of(address: &Address, today: NaiveDate) -> Self {
        let week = address.span == "week";
        let at = address.at.parse().unwrap_or(today);
        let begin = if week { at } else { at.with_day(1).unwrap_or(at) };
        let first = begin.checked_sub_days(Days::new(begin.weekday().num_days_from_monday().into())).unwrap_or(begin);
        let last = if week { first } else { model::last_day(begin, model::DatePart::Month) };
        let days = if week { 7 } else { ((last - first).num_days().unsigned_abs() / 7 + 1) * 7 };
        Self { week, at, first, days }
    }

    fn last(&self) -> NaiveDate {
        self.first + Days::new(self.days - 1)
    }

    fn moved(&self, forward: bool) -> NaiveDate {
        let moved = match (self.week, forward) {
            (true, true) => self.at.checked_add_days(Days::new(7)),
            (true, false) => self.at.checked_sub_days(Days::new(7)),
            (false, true) => self.at.with_day(1).and_then(|at| at.checked_add_months(Months::new(1))),
            (false, false) => self.at.with_day(1).and_then(|at| at.checked_sub_months(Months::new(1))),
        };
        moved.unwrap_or(self.at)
    }
}

/// A record with the days it stands at.
struct Standing {
    first: NaiveDate,
    last: NaiveDate,
    event: CalendarEvent,
}

/// The calendar with its records.
pub(super) async fn draw(site: &Site, reader: &Reader, asked: &Asked<'_>) -> Result<Calendar, AppError> {
    let (snapshot, actor) = (&reader.asker.snapshot, &reader.asker.actor);
    let Some((by, field)) = asked.by.as_ref().and_then(|path| Some((path, path.field(&snapshot.catalog)?))) else { return Ok(Calendar::default()) };
    let today = actor.now.with_timezone(&reader.asker.locale.zone).date_naive();
    let span = Span::of(&asked.address, today);
    let (standing, capped) = standing(site, reader, asked, by, &span).await?;
    let base = asked.base();
    let to = |at: NaiveDate, week: bool| Address { at: at.to_string(), span: if week { "week".into() } else { String::new() }, ..asked.address.clone() }.url(&base);
    let creates = may(snapshot, actor, asked.card, ActionName::Create) && field.is_editable();
    let timed = matches!(field.kind, FieldKind::Datetime);
    let day = |offset: u64| {
        let date = span.first + Days::new(offset);
        let events = standing.iter().filter(|one| one.first <= date && date <= one.last);
        CalendarDay {
            date: date.to_string(),
            number: date.day(),
            label: words::day(date, &reader.asker.locale),
            today: date == today,
            outside: !span.week && date.month() != span.at.month(),
            create_url: creates.then(|| url(&format!("{base}/new"), &[(&format!("f.{}", field.key), &if timed { format!("{date}T09:00") } else { date.to_string() })])),
            events: events.map(|one| CalendarEvent { first: one.first == date, last: one.last == date, ..one.event.clone() }).collect(),
        }
    };
    let title = if span.week { form::format::span(span.first, model::DatePart::Week, &reader.asker.locale) } else { form::format::span(span.at, model::DatePart::Month, &reader.asker.locale) };
    let card = snapshot.card(asked.card.key.as_str())?;
    Ok(Calendar {
        field: field.key.to_string(),
        until: asked.until.as_ref().map(ToString::to_string),
        timed,
        title,
        week: span.week,
        prev_url: to(span.moved(false), span.week),
        next_url: to(span.moved(true), span.week),
        today_url: to(today, span.week),
        spans: [("month", false), ("week", true)].map(|(key, week)| Way { key: key.into(), url: to(span.at, week), current: week == span.week, ..Way::default() }).into(),
        choices: kinds::choices(reader, asked, "calendar"),
        weekdays: (0..7).map(|day| words::weekday(day, &actor.lang)).collect(),
        weeks: (0..span.days / 7).map(|week| (0..7).map(|offset| day(week * 7 + offset)).collect()).collect(),
        capped,
        limit: MAX_EVENTS,
        locked: kinds::locked(reader, card, field).map(|text| reader.t(site, text, &[("what", &field.labels.or_key(&actor.lang, field.key.as_str()))])),
    })
}

async fn standing(site: &Site, reader: &Reader, asked: &Asked<'_>, by: &Path, span: &Span) -> Result<(Vec<Standing>, bool), AppError> {
    let snapshot = &reader.asker.snapshot;
    let (first, last) = (span.first.to_string(), span.last().to_string());
    let starts = json!({"field": by.to_string(), "op": "between", "value": [first, last]});
    // What lasts is there if it begins before the end and ends after the beginning.
    let within = match &asked.until {
        None => starts,
        Some(until) => json!({"any": [starts, {"all": [{"field": by.to_string(), "op": "lte", "value": last}, {"field": until.to_string(), "op": "gte", "value": first}]}]}),
    };
    let tone = asked.columns.iter().chain(asked.card.table.own_fields().filter_map(|field| model::path::resolve(&snapshot.catalog, &asked.card.table.reference(), field.key.as_str()).ok()).collect::<Vec<_>>().iter()).find(|path| path.field(&snapshot.catalog).is_some_and(|field| matches!(model::resolve::kind_of(path, field), FieldKind::Choice { multiple: false, .. })) && reader.may_show(path)).cloned();
    let names: Vec<String> = [Some(by), asked.until.as_ref(), tone.as_ref()].into_iter().flatten().map(ToString::to_string).chain(["version".to_owned()]).collect();
    let request = ListRequest { fields: Some(names.iter().cloned().chain(asked.title.iter().cloned()).collect()), filter: asked.narrowed(Some(within)), sort: Some(by.to_string()), limit: Some(MAX_EVENTS), ..asked.request(&[]) };
    let gated = lists::ask(snapshot, &reader.asker.actor, asked.card.key.as_str(), &request)?;
    let page = lists::page(&site.app, snapshot, &reader.asker.actor, &gated, &reader.asker.locale).await?;
    let back = asked.address.url(&asked.base());
    let from = back.split_once('?').map(|(_, query)| query.to_owned()).unwrap_or_default();
    let kind_of = |path: &Path| path.field(&snapshot.catalog).map(|field| model::resolve::kind_of(path, field));
    let mut found = Vec::with_capacity(page.items.len());
    for item in &page.items {
        let value = |path: &Path| page.columns.iter().position(|column| column.path == *path).and_then(|at| item.values.get(at)).cloned().unwrap_or_default();
        let Some(begin) = day_of(reader, &value(by)) else { continue };
        let end = asked.until.as_ref().and_then(|path| day_of(reader, &value(path))).unwrap_or(begin).max(begin);
        let input = |path: &Path| kind_of(path).map(|kind| form::format::input(&kind, &value(path), &reader.asker.locale)).unwrap_or_default();
        let colour = tone.as_ref().and_then(|path| match (kind_of(path)?, value(path)) {
            (FieldKind::Choice { options, .. }, Value::Text(text)) => options.iter().find(|option| option.value == text).map(|option| cells::tone(option.colour)),
            _ => None,
        });
        let own = format!("{}/{}", asked.base(), item.id);
        let event = CalendarEvent {
            id: item.id.to_string(),
            version: page.columns.iter().position(|column| column.name == "version").and_then(|at| match item.values.get(at) { Some(Value::Int(version)) => Some(*version), _ => None }).unwrap_or_default(),
            title: words::title(reader, asked.card, &page.columns, &item.values),
            url: if from.is_empty() { own } else { url(&own, &[("from", &from)]) },
            time: time_of(reader, &value(by)),
            raw: input(by),
            until: asked.until.as_ref().map(input).unwrap_or_default(),
            tone: colour.unwrap_or(Tone::Blue),
            ..CalendarEvent::default()
        };
        found.push(Standing { first: begin, last: end, event });
    }
    Ok((found, page.next.is_some()))
}

fn day_of(reader: &Reader, value: &Value) -> Option<NaiveDate> {
    match value {
        Value::Date(date) => Some(*date),
        Value::Instant(at) => Some(at.with_timezone(&reader.asker.locale.zone).date_naive()),
        _ => None,
    }
}

fn time_of(reader: &Reader, value: &Value) -> Option<String> {
    match value {
        Value::Instant(at) => {
            let local = at.with_timezone(&reader.asker.locale.zone);
            Some(format!("{:02}:{:02}", local.hour(), local.minute()))
        }
        _ => None,
    }
}
