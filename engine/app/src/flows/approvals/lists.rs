//! What waits for somebody, what they decided, and what they applied for.

use access::Actor;
use chrono::{DateTime, Utc};
use form::Locale;
use model::Ident;
use sql::{Datum, system_approvals as rows};

use super::kept::{Approval, Task};
use crate::{App, AppError, Snapshot, Source, titles::{self, Wanted}};

/// Most that are counted for the sidebar.
const COUNTED: u32 = 100;

/// One line of a list: an application, and, where it is about one, the task.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The application.
    pub approval: Approval,
    /// What somebody is, or was, asked.
    pub task: Option<Task>,
    /// What the record is called; `None` where the reader may not see it, or it is gone.
    pub title: Option<String>,
}

fn roles(actor: &Actor) -> Vec<&str> {
    actor.roles.iter().map(Ident::as_str).collect()
}

/// How many applications wait for the actor; counted up to a hundred.
pub async fn count_waiting(app: &App, actor: &Actor) -> Result<i64, AppError> {
    let Some(user) = actor.user else { return Ok(0) };
    let row = app.store.fetch(&rows::count_waiting(app.store.dialect(), user, &roles(actor), COUNTED)).await?.into_iter().flatten().next();
    Ok(match row {
        Some(Datum::Integer(count)) => count,
        _ => 0,
    })
}

/// What waits for the actor, the oldest first.
pub async fn waiting(app: &App, snapshot: &Snapshot, actor: &Actor, locale: &Locale, limit: u32) -> Result<Vec<Entry>, AppError> {
    let Some(user) = actor.user else { return Ok(Vec::new()) };
    let found = app.store.fetch(&rows::waiting(app.store.dialect(), user, &roles(actor), limit)).await?;
    let tasks = found.into_iter().filter_map(Task::with_approval).map(|(task, approval)| (approval, Some(task)));
    entitled(app, snapshot, actor, locale, tasks.collect()).await
}

/// What the actor decided, the latest first.
pub async fn decided(app: &App, snapshot: &Snapshot, actor: &Actor, locale: &Locale, before: Option<DateTime<Utc>>, limit: u32) -> Result<Vec<Entry>, AppError> {
    let Some(user) = actor.user else { return Ok(Vec::new()) };
    let found = app.store.fetch(&rows::decided(app.store.dialect(), user, before, limit)).await?;
    let tasks = found.into_iter().filter_map(Task::with_approval).map(|(task, approval)| (approval, Some(task)));
    entitled(app, snapshot, actor, locale, tasks.collect()).await
}

/// What the actor applied for, the latest first.
pub async fn applications(app: &App, snapshot: &Snapshot, actor: &Actor, locale: &Locale, before: Option<DateTime<Utc>>, limit: u32) -> Result<Vec<Entry>, AppError> {
    let Some(user) = actor.user else { return Ok(Vec::new()) };
    let found = app.store.fetch(&rows::of_applicant(app.store.dialect(), user, before, limit)).await?;
    entitled(app, snapshot, actor, locale, found.into_iter().filter_map(Approval::from_row).map(|approval| (approval, None)).collect()).await
}

/// With the titles of their records, as far as the reader may see them.
async fn entitled(app: &App, snapshot: &Snapshot, actor: &Actor, locale: &Locale, found: Vec<(Approval, Option<Task>)>) -> Result<Vec<Entry>, AppError> {
    let mut wanted = Wanted::new();
    for (approval, _) in &found {
        if let Some(card) = snapshot.catalog.card(&approval.card) {
            wanted.entry(card.key.clone()).or_default().insert(approval.record);
        }
    }
    let mut titles = titles::fetch(&mut Source::App(app), &snapshot.catalog, actor, &wanted, locale).await?;
    titles.retain(|_, title| !title.is_empty());
    Ok(found.into_iter().map(|(approval, task)| Entry { title: titles.get(&approval.record).cloned(), approval, task }).collect())
}
