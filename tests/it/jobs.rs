//! Later work: run once at a time, taken over from the dead, tried again, given up, ended on request.

use std::{
    sync::{Arc, atomic::{AtomicUsize, Ordering}},
    time::Duration,
};

use app::{App, jobs::{self, Handlers, JobError, NewJob, Pace}};
use reqwest::Method;
use serde_json::{Value, json};
use sql::{Datum, Physical, Statement};
use store::Tx;
use uuid::Uuid;

use crate::{
    both,
    site::{Database, Person, Site},
};

both!(runs_each_once, is_taken_over_and_resumed, is_tried_again_and_given_up, ends_on_request, goes_with_its_transaction, belongs_to_who_asked, stops_and_goes_on, returns_by_itself, administrators_see_all_and_try_again);

/// A pace at which nothing is waited for.
const PACE: Pace = Pace { workers: 4, lease: Duration::from_secs(60), poll: Duration::from_millis(20), backoff: Duration::ZERO, max_backoff: Duration::ZERO };

async fn bare(database: Database) -> Site {
    Site::of(database, Vec::new()).await
}

async fn sql(app: &App, text: &str) {
    app.store.apply(vec![text.to_owned()]).await.expect("done");
}

async fn fresh(app: &App, id: Uuid) -> Value {
    let actor = access::Actor::user(Uuid::nil(), "admin", vec![model::Ident::new("administrator").expect("a name")], chrono::Utc::now());
    jobs::read(app, &actor, id).await.expect("a job").to_json()
}

/// Looks until it is so.
async fn until<F: Future<Output = bool>>(mut is_so: impl FnMut() -> F) {
    tokio::time::timeout(Duration::from_secs(60), async {
        while !is_so().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await
    .expect("it came to be within a minute");
}

async fn runs_each_once(database: Database) {
    let site = bare(database).await;
    let runs = Arc::new(AtomicUsize::new(0));
    let counted = runs.clone();
    let handlers = Handlers::default().with("count", move |context| {
        let counted = counted.clone();
        async move {
            counted.fetch_add(1, Ordering::SeqCst);
            tokio::task::yield_now().await;
            Ok(context.payload().clone())
        }
    });
    // Two processes' workers on one database, as far as the database can tell.
    let one = jobs::start(&site.app, &handlers, PACE);
    let two = jobs::start(&site.app, &handlers, PACE);
    let mut ids = Vec::new();
    for number in 0..40 {
        ids.push(jobs::enqueue(&site.app, NewJob::new("count", json!(number))).await.expect("enqueued"));
    }
    until(|| async { site.number("SELECT count(*) FROM sys_job WHERE state = 'done'").await == 40 }).await;
    one.stop(Duration::from_secs(5)).await;
    two.stop(Duration::from_secs(5)).await;
    assert_eq!(runs.load(Ordering::SeqCst), 40, "each job ran once");
    assert_eq!(fresh(&site.app, ids[7]).await["result"], 7);
}

async fn is_taken_over_and_resumed(database: Database) {
    let site = bare(database).await;
    let begun = Arc::new(AtomicUsize::new(0));
    let seen = begun.clone();
    let handlers = Handlers::default().with("steps", move |context| {
        let seen = seen.clone();
        async move {
            let from = context.resume_point().and_then(Value::as_i64).unwrap_or(0);
            if seen.fetch_add(1, Ordering::SeqCst) == 0 {
                context.progress(3, Some(10)).await?;
                context.checkpoint(json!(3)).await?;
                // From here on this worker says nothing: as dead as one that was killed.
                std::future::pending::<()>().await;
            }
            Ok(json!({"from": from}))
        }
    });
    let dying = jobs::start(&site.app, &handlers, Pace { workers: 1, ..PACE });
    let id = jobs::enqueue(&site.app, NewJob::new("steps", Value::Null)).await.expect("enqueued");
    until(|| async { fresh(&site.app, id).await["done"] == 3 }).await;
    assert_eq!(jobs::run_due(&site.app, &handlers, PACE).await.expect("looked"), 0, "its lease holds, nobody else takes it");
    drop(dying);
    sql(&site.app, "UPDATE sys_job SET lease_until = run_at").await;
    assert_eq!(jobs::run_due(&site.app, &handlers, PACE).await.expect("looked"), 1);
    let job = fresh(&site.app, id).await;
    assert_eq!((&job["state"], &job["result"]["from"], &job["done"]), (&json!("done"), &json!(3), &json!(10)), "{job}");
}

async fn is_tried_again_and_given_up(database: Database) {
    let site = bare(database).await;
    let handlers = Handlers::default()
        .with("broken", |_| async { Err(JobError::Failed(app::AppError::Unavailable { detail: "no answer from there".into() })) })
        .with("nonsense", |_| async { Err(JobError::Failed(app::AppError::malformed("bad_file", "there is no column A"))) })
        .with("panics", |_| async { panic!("no") });
    let broken = jobs::enqueue(&site.app, NewJob { max_attempts: 3, ..NewJob::new("broken", Value::Null) }).await.expect("enqueued");
    let nonsense = jobs::enqueue(&site.app, NewJob::new("nonsense", Value::Null)).await.expect("enqueued");
    let panics = jobs::enqueue(&site.app, NewJob { max_attempts: 1, ..NewJob::new("panics", Value::Null) }).await.expect("enqueued");
    jobs::run_due(&site.app, &handlers, PACE).await.expect("ran");
    let job = fresh(&site.app, broken).await;
    assert_eq!((&job["state"], &job["attempts"]), (&json!("failed"), &json!(3)), "{job}");
    assert!(job["error"].as_str().is_some_and(|error| error.contains("no answer from there")), "{job}");
    let job = fresh(&site.app, nonsense).await;
    assert_eq!((&job["state"], &job["attempts"], &job["error"]), (&json!("failed"), &json!(1), &json!("there is no column A")), "another try would not help: {job}");
    assert_eq!(fresh(&site.app, panics).await["state"], "failed");
    // With a pause between tries the job waits for its time, longer after each.
    let slow = Pace { backoff: Duration::from_secs(100), max_backoff: Duration::from_secs(10_000), ..PACE };
    let waits = jobs::enqueue(&site.app, NewJob { max_attempts: 3, ..NewJob::new("broken", Value::Null) }).await.expect("enqueued");
    let mut pauses = Vec::new();
    for _ in 0..2 {
        let began = chrono::Utc::now();
        assert_eq!(jobs::run_due(&site.app, &handlers, slow).await.expect("ran"), 1);
        let job = fresh(&site.app, waits).await;
        assert_eq!(job["state"], "waiting", "{job}");
        let at = chrono::DateTime::parse_from_rfc3339(job["run_at"].as_str().expect("a moment")).expect("a moment");
        pauses.push((at.with_timezone(&chrono::Utc) - began).num_seconds());
        sql(&site.app, "UPDATE sys_job SET run_at = created_at WHERE state = 'waiting'").await;
    }
    assert!(pauses[0] >= 100 && pauses[1] >= 200, "{pauses:?}");
}

async fn ends_on_request(database: Database) {
    let site = bare(database).await;
    let anna = site.person("anna", &[]).await;
    let by = Some(Uuid::try_parse(&anna.id).expect("an id"));
    let handlers = Handlers::default().with("long", |context| async move {
        loop {
            context.go_on().await?;
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    let waiting = jobs::enqueue(&site.app, NewJob { created_by: by, ..NewJob::new("long", Value::Null) }).await.expect("enqueued");
    let job = anna.post(&format!("/jobs/{waiting}/cancel"), json!({})).await.ok(200);
    assert_eq!(job["state"], "cancelled", "what nobody has begun ends at once");
    let runner = jobs::start(&site.app, &handlers, PACE);
    let running = jobs::enqueue(&site.app, NewJob { created_by: by, ..NewJob::new("long", Value::Null) }).await.expect("enqueued");
    until(|| async { anna.get(&format!("/jobs/{running}")).await.ok(200)["state"] == "running" }).await;
    anna.post(&format!("/jobs/{running}/cancel"), json!({})).await.ok(200);
    until(|| async { anna.get(&format!("/jobs/{running}")).await.ok(200)["state"] == "cancelled" }).await;
    runner.stop(Duration::from_secs(5)).await;
    let again = anna.post(&format!("/jobs/{running}/cancel"), json!({})).await.ok(200);
    assert_eq!(again["state"], "cancelled", "once more is no mistake");
}

async fn goes_with_its_transaction(database: Database) {
    let site = bare(database).await;
    let job = || NewJob { unique_key: Some("once".into()), ..NewJob::new("count", Value::Null) };
    let undone: Result<(), app::UnitError> = site
        .app
        .store
        .write(move |tx: &mut Tx| {
            Box::pin(async move {
                jobs::enqueue_in(tx, job()).await?;
                Err(app::AppError::malformed("no", "something after it fails").into())
            })
        })
        .await;
    assert!(undone.is_err());
    assert_eq!(site.number("SELECT count(*) FROM sys_job").await, 0);
    let first = jobs::enqueue(&site.app, job()).await.expect("enqueued");
    assert_eq!(jobs::enqueue(&site.app, job()).await.expect("known"), first, "one job for one key");
    let handlers = Handlers::default().with("count", |_| async { Ok(Value::Null) });
    jobs::run_due(&site.app, &handlers, PACE).await.expect("ran");
    assert_ne!(jobs::enqueue(&site.app, job()).await.expect("enqueued"), first, "the key is free again");
    let later = NewJob { run_at: Some(chrono::Utc::now() + chrono::TimeDelta::days(1)), ..NewJob::new("count", Value::Null) };
    let later = jobs::enqueue(&site.app, later).await.expect("enqueued");
    jobs::run_due(&site.app, &handlers, PACE).await.expect("ran");
    assert_eq!(fresh(&site.app, later).await["state"], "waiting", "not before its time");
}

async fn page(person: &Person, id: Uuid, fragment: bool) -> String {
    let headers: &[(&str, &str)] = if fragment { &[("hx-request", "true")] } else { &[] };
    person.send(Method::GET, &format!("/jobs/{id}"), headers, None).await.text
}

async fn belongs_to_who_asked(database: Database) {
    let site = bare(database).await;
    let (anna, ben, root) = (site.person("anna", &[]).await, site.person("ben", &[]).await, site.person("root", &["administrator"]).await);
    let by = Some(Uuid::try_parse(&anna.id).expect("an id"));
    let id = jobs::enqueue(&site.app, NewJob { created_by: by, total: Some(5_000), ..NewJob::new("count", Value::Null) }).await.expect("enqueued");
    let system = jobs::enqueue(&site.app, NewJob::new("count", Value::Null)).await.expect("enqueued");
    for path in [format!("/jobs/{id}"), format!("/jobs/{system}"), "/jobs/nonsense".to_owned()] {
        ben.get(&path).await.refused(404, "not_found");
        ben.post(&format!("{path}/cancel"), json!({})).await.refused(404, "not_found");
        assert_eq!(ben.send(Method::GET, &path, &[], None).await.status, 404);
        assert_eq!(ben.send(Method::POST, &format!("{path}/cancel"), &[], None).await.status, 404);
    }
    anna.get(&format!("/jobs/{system}")).await.refused(404, "not_found");
    root.get(&format!("/jobs/{system}")).await.ok(200);
    site.nobody().get(&format!("/jobs/{id}")).await.refused(401, "unauthenticated");
    assert_eq!(ben.get("/jobs").await.ok(200)["data"], json!([]));
    let mine = anna.get("/jobs").await.ok(200);
    assert_eq!((mine["data"][0]["id"].clone(), mine["data"].as_array().map(Vec::len), mine["next"].clone()), (json!(id), Some(1), Value::Null));
    anna.get("/jobs?after=1").await.refused(400, "unknown_parameter");
    anna.get("/jobs?before=1").await.refused(400, "bad_cursor");
    let (whole, part) = (page(&anna, id, false).await, page(&anna, id, true).await);
    assert!(whole.contains("<html") && whole.contains("load delay:1s") && whole.contains("0 of 5,000"), "{whole}");
    assert!(!part.contains("<html") && part.contains("load delay:1s") && part.contains("max=\"5000\""), "{part}");
    let handlers = Handlers::default().with("count", |_| async { Ok(json!({"url": "/c/somewhere"})) });
    jobs::run_due(&site.app, &handlers, PACE).await.expect("ran");
    let ended = page(&anna, id, true).await;
    assert!(!ended.contains("load delay") && ended.contains("job-result"), "asking again ends with the job: {ended}");
}

async fn stops_and_goes_on(database: Database) {
    let site = bare(database).await;
    let handlers = Handlers::default().with("steps", |context| async move {
        let from = context.resume_point().and_then(Value::as_i64).unwrap_or(0);
        for step in from..3 {
            if from == 0 && step == 1 {
                std::future::pending::<()>().await;
            }
            context.progress(step + 1, Some(3)).await?;
            context.checkpoint(json!(step + 1)).await?;
            context.go_on().await?;
        }
        Ok(json!({"from": from}))
    });
    let runner = jobs::start(&site.app, &handlers, PACE);
    let id = jobs::enqueue(&site.app, NewJob::new("steps", Value::Null)).await.expect("enqueued");
    until(|| async { fresh(&site.app, id).await["done"] == 1 }).await;
    // It does not end within the grace, so it is put back, and is nobody's at once.
    runner.stop(Duration::ZERO).await;
    assert_eq!(fresh(&site.app, id).await["state"], "waiting");
    assert_eq!(jobs::run_due(&site.app, &handlers, PACE).await.expect("ran"), 1);
    assert_eq!(fresh(&site.app, id).await["result"]["from"], 1);
}

async fn returns_by_itself(database: Database) {
    let site = bare(database).await;
    let runs = Arc::new(AtomicUsize::new(0));
    let counted = runs.clone();
    let handlers = Handlers::default().returning("tick", Duration::from_secs(3_600), move |_| {
        let run = counted.fetch_add(1, Ordering::SeqCst);
        async move { if run == 0 { Err(JobError::Failed(app::AppError::not_found("record"))) } else { Ok(Value::Null) } }
    });
    for expected in [1, 0, 1] {
        assert_eq!(jobs::run_due(&site.app, &handlers, PACE).await.expect("ran"), expected);
        if expected == 0 {
            // An hour goes by.
            sql(&site.app, "UPDATE sys_job SET run_at = created_at").await;
        }
    }
    let statement = Statement { sql: "SELECT state FROM sys_job".into(), binds: Vec::new(), columns: vec![Physical::Text] };
    assert_eq!(site.app.store.fetch(&statement).await.expect("rows"), vec![vec![Datum::Text("waiting".into())]], "one row for all its turns, whatever became of them");
    assert_eq!(runs.load(Ordering::SeqCst), 2);
}

async fn administrators_see_all_and_try_again(database: Database) {
    let site = bare(database).await;
    let (root, kim) = (site.person("root", &["administrator"]).await, site.person("kim", &[]).await);
    let broken = Arc::new(AtomicUsize::new(1));
    let seen = broken.clone();
    let handlers = Handlers::default()
        .with("fragile", move |_| {
            let seen = seen.clone();
            async move { if seen.load(Ordering::SeqCst) > 0 { Err(JobError::Failed(app::AppError::malformed("bad_file", "the file is empty"))) } else { Ok(Value::Null) } }
        })
        .returning("tick", Duration::from_secs(3_600), |_| async { Ok(Value::Null) });
    let by = kim.id.parse().ok();
    let id = jobs::enqueue(&site.app, NewJob { created_by: by, unique_key: Some("one".into()), ..NewJob::new("fragile", Value::Null) }).await.expect("enqueued");
    jobs::run_due(&site.app, &handlers, PACE).await.expect("ran");
    let page = root.send(Method::GET, "/studio/jobs", &[], None).await;
    assert!(page.text.contains("Fragile") && page.text.contains("the file is empty") && page.text.contains(&format!("/studio/jobs/{id}/again").replace('/', "&#x2f;")), "{}", page.text);
    assert!(page.text.contains("Tick") && page.text.contains("every hour"), "{}", page.text);
    let send = async |person: &Person, path: String| person.send(Method::POST, &path, &[("content-type", "application/x-www-form-urlencoded"), ("sec-fetch-site", "same-origin")], Some(Vec::new())).await.status.as_u16();
    assert_eq!(send(&kim, format!("/studio/jobs/{id}/again")).await, 403, "only administrators try again what others asked for");
    assert_eq!(send(&root, format!("/studio/jobs/{id}/again")).await, 303);
    assert_eq!(fresh(&site.app, id).await["state"], "waiting");
    assert_eq!(send(&root, format!("/studio/jobs/{id}/again")).await, 409, "it waits already");
    broken.store(0, Ordering::SeqCst);
    jobs::run_due(&site.app, &handlers, PACE).await.expect("ran");
    assert_eq!(fresh(&site.app, id).await["state"], "done");
    let done = root.send(Method::GET, "/studio/jobs?state=done", &[], None).await;
    assert!(done.text.contains("Fragile") && done.text.contains("kim"), "{}", done.text);
    // One that was given up is not tried again while another does the same.
    broken.store(1, Ordering::SeqCst);
    let first = jobs::enqueue(&site.app, NewJob { unique_key: Some("one".into()), ..NewJob::new("fragile", Value::Null) }).await.expect("enqueued");
    jobs::run_due(&site.app, &handlers, PACE).await.expect("ran");
    jobs::enqueue(&site.app, NewJob { unique_key: Some("one".into()), ..NewJob::new("fragile", Value::Null) }).await.expect("enqueued");
    assert_eq!(send(&root, format!("/studio/jobs/{first}/again")).await, 409);
    assert_eq!(root.send(Method::GET, "/studio/jobs?state=nonsense", &[], None).await.status.as_u16(), 404);
    // What waits for its time is run at once.
    let tick = site.number("SELECT count(*) FROM sys_job WHERE kind = 'tick' AND run_at > created_at").await;
    assert_eq!(tick, 1);
    let snapshot = site.app.snapshot();
    let actor = app::accounts::actor_of(&site.app, &snapshot, root.id.parse().expect("an id"), chrono::Utc::now()).await.expect("an actor");
    let scheduled = jobs::schedules(&site.app, &actor).await.expect("schedules");
    assert_eq!(send(&root, format!("/studio/jobs/{}/now", scheduled[0].job.id)).await, 303);
    assert!(jobs::schedules(&site.app, &actor).await.expect("schedules")[0].job.run_at <= chrono::Utc::now());
}
