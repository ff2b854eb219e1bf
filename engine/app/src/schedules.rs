//! Scripts of packs that run at certain times, in a time zone.
//!
//! **Invariants**
//! - When each is due next is kept: what was due while nothing ran is made up for, once. One process at a time looks.
//! - A run is a job like any other: tried again, given up visibly, replayed. While one waits or runs, no second begins.
//! - They run as the system: whoever installs the pack lets them.
//!
//! **Not here:** patterns (`model::schedule`).

use std::{collections::HashMap, sync::Arc, time::Duration};

use access::{Actor, Reason};
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use model::{Card, Catalog, Schedule, Value, schedule};
use query::ListRequest;
use serde_json::{Value as Json, json};
use sql::{Datum, system_schedules as rows};
use store::Tx;
use uuid::Uuid;

use crate::{
    App, AppError, Source, UnitError,
    jobs::{self, Context, Handlers, JobError, NewJob},
    lists,
    records::{
        load,
        save::{Options, Work},
    },
    scripts::{self, Home, ScriptUse},
};

/// The kind of jobs that run what is due.
pub(crate) const KIND: &str = "schedule";
/// How often to look what is due.
const EVERY: Duration = Duration::from_secs(20);
/// Records between two looks at whether to go on.
const EACH: u32 = 100;

/// What comes back by itself.
pub(crate) fn handlers(handlers: Handlers) -> Handlers {
    handlers.returning("schedules.look", EVERY, look_job).with(KIND, run_job)
}

/// A schedule of a card, and when it runs.
#[derive(Debug, Clone)]
pub struct Kept {
    /// The card.
    pub card: Arc<Card>,
    /// The schedule.
    pub schedule: Schedule,
    /// The zone its times are in.
    pub zone: Tz,
    /// The next time; `None` before anybody looked.
    pub next: Option<DateTime<Utc>>,
    /// When it was due last.
    pub last: Option<DateTime<Utc>>,
}

fn all(catalog: &Catalog) -> impl Iterator<Item = (&Arc<Card>, &Schedule)> {
    catalog.cards.values().flat_map(|card| card.schedules.iter().map(move |schedule| (card, schedule)))
}

fn zone_of(schedule: &Schedule, site: Tz) -> Tz {
    schedule.zone.as_deref().and_then(schedule::zone).unwrap_or(site)
}

/// When a schedule was found to be due, as it is kept.
struct Row {
    pattern: String,
    zone: String,
    next: DateTime<Utc>,
    last: Option<DateTime<Utc>>,
}

async fn known(source: &mut Source<'_>) -> Result<HashMap<(String, String), Row>, AppError> {
    let dialect = source.dialect();
    let one = |row: Vec<Datum>| match <[Datum; 6]>::try_from(row) {
        Ok([Datum::Text(card), Datum::Text(id), Datum::Text(pattern), Datum::Text(zone), Datum::Instant(next), last]) => {
            let last = match last {
                Datum::Instant(last) => Some(last),
                _ => None,
            };
            Some(((card, id), Row { pattern, zone, next, last }))
        }
        _ => None,
    };
    Ok(source.fetch(&rows::all(dialect)).await?.into_iter().filter_map(one).collect())
}

/// Every schedule of the definitions, for administrators.
pub async fn list(app: &App, actor: &Actor) -> Result<Vec<Kept>, AppError> {
    if !actor.is_administrator() {
        return Err(AppError::forbidden("only administrators see the jobs of others"));
    }
    let (snapshot, site) = (app.snapshot(), app.settings().zone);
    let mut known = known(&mut Source::App(app)).await?;
    let one = |(card, schedule): (&Arc<Card>, &Schedule)| {
        let row = known.remove(&(card.id.to_string(), schedule.id.to_string()));
        Kept { card: card.clone(), schedule: schedule.clone(), zone: zone_of(schedule, site), next: row.as_ref().map(|row| row.next), last: row.and_then(|row| row.last) }
    };
    Ok(all(&snapshot.catalog).map(one).collect())
}

/// Has a schedule run as soon as possible, beside its times.
pub async fn now(app: &App, actor: &Actor, card: &str, id: &str) -> Result<Uuid, AppError> {
    if !actor.is_administrator() {
        return Err(AppError::forbidden("only administrators see the jobs of others"));
    }
    let snapshot = app.snapshot();
    let (card, schedule) = all(&snapshot.catalog).find(|(known, schedule)| known.key == card && schedule.id == id).ok_or_else(|| AppError::not_found("schedule"))?;
    jobs::enqueue(app, job(card, schedule, actor.now)).await
}

fn job(card: &Card, schedule: &Schedule, due: DateTime<Utc>) -> NewJob {
    let payload = json!({"card": card.id, "id": schedule.id, "due": due.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)});
    NewJob { unique_key: Some(format!("schedule:{}:{}", card.id, schedule.id)), max_attempts: 5, ..NewJob::new(KIND, payload) }
}

async fn look_job(context: Context) -> Result<Json, JobError> {
    context.app().refresh().await?;
    Ok(json!({"due": look(context.app(), Utc::now()).await?}))
}

/// Enqueues what is due at a moment; how many runs that are.
pub async fn look(app: &App, now: DateTime<Utc>) -> Result<usize, AppError> {
    let (snapshot, site) = (app.snapshot(), app.settings().zone);
    let before = known(&mut Source::App(app)).await?;
    // Most looks find nothing to do, and write nothing.
    let wants = |(card, schedule): (&Arc<Card>, &Schedule)| match before.get(&(card.id.to_string(), schedule.id.to_string())) {
        Some(row) => row.next <= now || row.pattern != schedule.cron || row.zone != zone_of(schedule, site).name(),
        None => true,
    };
    if !all(&snapshot.catalog).any(wants) && before.len() == all(&snapshot.catalog).count() {
        return Ok(0);
    }
    let done = app.store.write(move |tx: &mut Tx| {
        let snapshot = snapshot.clone();
        Box::pin(async move {
            let mut before = known(&mut Source::Tx(tx)).await?;
            let mut count = 0;
            for (card, schedule) in all(&snapshot.catalog) {
                let zone = zone_of(schedule, site);
                let row = before.remove(&(card.id.to_string(), schedule.id.to_string()));
                let is_due = row.as_ref().is_some_and(|row| row.next <= now && row.pattern == schedule.cron && row.zone == zone.name());
                if row.as_ref().is_some_and(|row| row.next > now && row.pattern == schedule.cron && row.zone == zone.name()) {
                    continue;
                }
                let Some(next) = schedule::next(&schedule.cron, zone, now) else { continue };
                let due = rows::Due { card: card.id.as_str(), id: schedule.id.as_str(), pattern: &schedule.cron, zone: zone.name(), next };
                if is_due {
                    jobs::enqueue_in(tx, job(card, schedule, row.map_or(now, |row| row.next))).await?;
                    count += 1;
                }
                tx.execute(&rows::put(tx.dialect(), &due, is_due.then_some(now))).await?;
            }
            for (card, id) in before.keys() {
                tx.execute(&rows::forget(tx.dialect(), card, id)).await?;
            }
            Ok::<usize, UnitError>(count)
        })
    });
    done.await.map_err(|error| error.error)
}

/// Runs what is due: once, or for each record that its condition finds, each in a transaction of its own.
async fn run_job(context: Context) -> Result<Json, JobError> {
    let app = context.app().clone();
    app.refresh().await?;
    let home = Home::of(&app);
    let snapshot = app.snapshot();
    let text = |name: &str| context.payload()[name].as_str().unwrap_or_default().to_owned();
    let found = all(&snapshot.catalog).find(|(card, schedule)| card.id == text("card").as_str() && schedule.id == text("id").as_str());
    // It is gone from the definitions meanwhile.
    let Some((card, schedule)) = found else { return Ok(Json::Null) };
    let mut system = Actor::system(Reason::Schedule, Utc::now());
    system.zone = zone_of(schedule, app.settings().zone);
    let run = Arc::new(Run { home, actor: system, card: card.clone(), schedule: schedule.clone(), given: json!({"schedule": schedule.id, "due": text("due")}), context: context.clone() });
    let Some(filter) = &schedule.condition else {
        if context.resume_point().is_none() {
            run.one(&app, None).await?;
        }
        return Ok(json!({"runs": 1}));
    };
    let request = ListRequest { filter: Some(filter.to_json()), sort: Some("id".into()), fields: Some(vec!["id".into()]), ..ListRequest::default() };
    let point = context.resume_point().cloned().unwrap_or_default();
    let number = |name: &str| point[name].as_u64().unwrap_or(0);
    let (mut count, mut failed) = (number("runs"), number("failed"));
    let mut after = point["after"].as_str().and_then(|id| Uuid::try_parse(id).ok());
    loop {
        context.go_on().await?;
        let gated = lists::ask(&snapshot, &run.actor, card.key.as_str(), &request)?.page(after.map(|id| vec![Value::Id(id)]), EACH);
        let lowered = sql::page::list(&snapshot.catalog, app.store.dialect(), &gated);
        let found = app.store.fetch(&lowered.statement).await?;
        let ids: Vec<Uuid> = found.into_iter().take(EACH as usize).filter_map(|row| lowered.decode(row).first().and_then(Value::as_id)).collect();
        if ids.is_empty() {
            return Ok(json!({"runs": count, "failed": failed}));
        }
        for id in ids {
            count += 1;
            after = Some(id);
            match run.one(&app, Some((id, json!({"after": id, "runs": count, "failed": failed})))).await {
                Ok(()) => {}
                // Kept for the administrator; what is wrong with one record keeps no other from its turn.
                Err(AppError::Conflict { .. } | AppError::Rejected(_) | AppError::NotFound { .. }) => failed += 1,
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// One run, as data: it may be run again.
struct Run {
    home: Home,
    actor: Actor,
    card: Arc<Card>,
    schedule: Schedule,
    given: Json,
    context: Context,
}

impl Run {
    async fn one(self: &Arc<Self>, app: &App, of: Option<(Uuid, Json)>) -> Result<(), AppError> {
        let run = self.clone();
        let done = app.store.write(move |tx: &mut Tx| {
            let (run, of) = (run.clone(), of.clone());
            Box::pin(async move { run.inside(tx, of).await })
        });
        done.await.map_err(|error| error.error)
    }

    async fn inside(&self, tx: &mut Tx, of: Option<(Uuid, Json)>) -> Result<(), UnitError> {
        crate::still_present(tx, &self.home.snapshot, &self.actor).await?;
        let record = match &of {
            Some((id, _)) => load::record(&mut Source::Tx(tx), &self.home.snapshot.catalog, &self.card, *id, self.actor.now).await?.filter(|record| record.get("trashed_at").is_empty()),
            None => None,
        };
        if of.is_none() || record.is_some() {
            let usage = ScriptUse {
                script: &self.schedule.script,
                card: &self.card,
                record: record.as_ref(),
                before: record.as_ref(),
                may_set: record.is_some(),
                event: "on_schedule",
                given: self.given.clone(),
            };
            let changes = scripts::run(tx, &self.home, &self.actor, usage).await?;
            if let (Some(record), false) = (&record, changes.body.is_empty()) {
                Work::at(&self.home, &self.actor, self.card.key.as_str(), Some(record.id), changes.body, &Options::default())?.run(tx).await?;
            }
        }
        self.context.checkpoint_in(tx, &of.map_or(json!({"runs": 1}), |(_, point)| point)).await
    }
}
