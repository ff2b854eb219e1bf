//! A month, a week or a day of records, by the hour where they have a time, drawn by the server: it works with keys, without scripts, and on a phone.

use app::{AppError, lists};
use chrono::{Datelike, Days, Months, NaiveDate, Timelike};
use model::{FieldKind, Path, Value};
use query::ListRequest;
use serde_json::json;

use super::{Address, Asked, Reader, kinds, may_make, url};
use crate::{
    Site,
    pages::{cells, words},
    view::{Calendar, CalendarDay, CalendarEvent, Tone, Way},
};

/// Most records of a span.
const MAX_EVENTS: u32 = 500;

/// Records of a day of a month that are shown there; the others are in the day.
const OF_DAY: usize = 4;
/// How long a record without an end is drawn, in minutes.
const SHORT: u32 = 60;
const MINUTES: u32 = 24 * 60;

/// The days that are shown, and a day in the span before and after.
struct Span {
    kind: Spanned,
    at: NaiveDate,
    first: NaiveDate,
    days: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Spanned {
    Month,
    Week,
    Day,
}

impl Spanned {
    const ALL: [Self; 3] = [Self::Month, Self::Week, Self::Day];
    fn word(self) -> &'static str {
        match self {
            Self::Month => "month",
            Self::Week => "week",
            Self::Day => "day",
        }
    }
}

impl Span {
    fn of(address: &Address, today: NaiveDate) -> Self {
        let kind = Spanned::ALL.into_iter().find(|kind| kind.word() == address.span).unwrap_or(Spanned::Month);
        let at = address.at.parse().unwrap_or(today);
        let monday = |day: NaiveDate| day.checked_sub_days(Days::new(day.weekday().num_days_from_monday().into())).unwrap_or(day);
        match kind {
            Spanned::Day => Self { kind, at, first: at, days: 1 },
            Spanned::Week => Self { kind, at, first: monday(at), days: 7 },
            Spanned::Month => {
                let begin = at.with_day(1).unwrap_or(at);
                let first = monday(begin);
                let last = model::last_day(begin, model::DatePart::Month);
                Self { kind, at, first, days: ((last - first).num_days().unsigned_abs() / 7 + 1) * 7 }
            }
        }
    }

    fn last(&self) -> NaiveDate {
        self.first + Days::new(self.days - 1)
    }

    fn moved(&self, forward: bool) -> NaiveDate {
        let by = |days: u64| if forward { self.at.checked_add_days(Days::new(days)) } else { self.at.checked_sub_days(Days::new(days)) };
        let moved = match self.kind {
            Spanned::Day => by(1),
            Spanned::Week => by(7),
            Spanned::Month if forward => self.at.with_day(1).and_then(|at| at.checked_add_months(Months::new(1))),
            Spanned::Month => self.at.with_day(1).and_then(|at| at.checked_sub_months(Months::new(1))),
        };
        moved.unwrap_or(self.at)
    }

    fn title(&self, reader: &Reader) -> String {
        let locale = &reader.asker.locale;
        match self.kind {
            Spanned::Month => form::format::span(self.at, model::DatePart::Month, locale),
            Spanned::Week => form::format::span(self.first, model::DatePart::Week, locale),
            Spanned::Day => words::day(self.at, locale),
        }
    }
}

/// A record with the days it stands at, and the minutes of the first and the last.
struct Standing {
    first: NaiveDate,
    last: NaiveDate,
    from: u32,
    to: u32,
    event: CalendarEvent,
}

impl Standing {
    /// The record as it stands on a day.
    fn on(&self, date: NaiveDate) -> CalendarEvent {
        let (first, last) = (self.first == date, self.last == date);
        CalendarEvent { first, last, from: if first { self.from } else { 0 }, to: if last { self.to } else { MINUTES }, ..self.event.clone() }
    }

    /// Whether it fills the day: then it stands above the hours.
    fn is_whole(&self, date: NaiveDate) -> bool {
        let shown = self.on(date);
        self.first != self.last && shown.to - shown.from >= MINUTES - 60
    }
}

/// The calendar with its records.
pub(super) async fn draw(site: &Site, reader: &Reader, asked: &Asked<'_>) -> Result<Calendar, AppError> {
    let (snapshot, actor) = (&reader.asker.snapshot, &reader.asker.actor);
    let Some((by, field)) = asked.by.as_ref().and_then(|path| Some((path, path.field(&snapshot.catalog)?))) else { return Ok(Calendar::default()) };
    let today = actor.now.with_timezone(&reader.asker.locale.zone).date_naive();
    let span = Span::of(&asked.address, today);
    let (standing, capped) = standing(site, reader, asked, by, &span).await?;
    let base = asked.base();
    let to = |at: NaiveDate, kind: Spanned| Address { at: at.to_string(), span: if kind == Spanned::Month { String::new() } else { kind.word().into() }, ..asked.address.clone() }.url(&base);
    let creates = may_make(snapshot, actor, asked.card) && field.is_editable();
    let timed = matches!(field.kind, FieldKind::Datetime);
    let local = actor.now.with_timezone(&reader.asker.locale.zone);
    let by_hour = timed && span.kind != Spanned::Month;
    let day = |offset: u64| {
        let date = span.first + Days::new(offset);
        let here: Vec<&Standing> = standing.iter().filter(|one| one.first <= date && date <= one.last).collect();
        let most = if span.kind == Spanned::Month { OF_DAY } else { usize::MAX };
        // One more than fits is shown all the same: saying so takes as much room.
        let most = if here.len() == most.saturating_add(1) { here.len() } else { most };
        let (whole, timed_here): (Vec<&Standing>, Vec<&Standing>) = here.iter().copied().partition(|one| one.is_whole(date));
        let drawn = |all: &[&Standing]| if by_hour { all.iter().map(|one| one.on(date)).collect() } else { Vec::new() };
        CalendarDay {
            date: date.to_string(),
            number: date.day(),
            label: words::day(date, &reader.asker.locale),
            today: date == today,
            outside: span.kind == Spanned::Month && date.month() != span.at.month(),
            create_url: creates.then(|| url(&format!("{base}/new"), &[(&format!("f.{}", field.key), &if timed { format!("{date}T09:00") } else { date.to_string() })])),
            more: here.len().saturating_sub(most),
            whole: drawn(&whole),
            timed: drawn(&timed_here),
            events: if by_hour { Vec::new() } else { here.into_iter().take(most).map(|one| one.on(date)).collect() },
            url: to(date, Spanned::Day),
            now: (by_hour && date == today).then(|| local.hour() * 60 + local.minute()),
        }
    };
    let (title, week) = (span.title(reader), span.kind != Spanned::Month);
    let card = snapshot.card(asked.card.key.as_str())?;
    Ok(Calendar {
        field: field.key.to_string(),
        until: asked.until.as_ref().map(ToString::to_string),
        timed,
        title,
        week,
        hours: if by_hour { (0..24).map(|hour| if hour == 0 { String::new() } else { format!("{hour:02}:00") }).collect() } else { Vec::new() },
        prev_url: to(span.moved(false), span.kind),
        next_url: to(span.moved(true), span.kind),
        today_url: to(today, span.kind),
        spans: Spanned::ALL.map(|kind| Way { key: kind.word().into(), url: to(span.at, kind), current: kind == span.kind, ..Way::default() }).into(),
        choices: kinds::choices(reader, asked, "calendar"),
        weekdays: (0..7).map(|day| words::weekday(day, &actor.lang)).collect(),
        weeks: if span.kind == Spanned::Day { vec![vec![day(0)]] } else { (0..span.days / 7).map(|week| (0..7).map(|offset| day(week * 7 + offset)).collect()).collect() },
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
        let from = minute_of(reader, &value(by)).unwrap_or(0);
        let until = asked.until.as_ref().map(&value).filter(|value| !value.is_empty());
        let to = until.and_then(|value| minute_of(reader, &value)).unwrap_or(if begin == end { from + SHORT } else { MINUTES }).min(MINUTES);
        // What ends at midnight ends with the day before.
        let (last, to) = match (end.pred_opt(), to) {
            (Some(before), 0) if end > begin => (before, MINUTES),
            _ => (end, to.max(if begin == end { from } else { 0 })),
        };
        found.push(Standing { first: begin, last, from, to, event });
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

fn minute_of(reader: &Reader, value: &Value) -> Option<u32> {
    match value {
        Value::Instant(at) => {
            let local = at.with_timezone(&reader.asker.locale.zone);
            Some(local.hour() * 60 + local.minute())
        }
        _ => None,
    }
}

fn time_of(reader: &Reader, value: &Value) -> Option<String> {
    minute_of(reader, value).map(|minute| format!("{:02}:{:02}", minute / 60, minute % 60))
}
