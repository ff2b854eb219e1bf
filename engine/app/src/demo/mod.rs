//! Demo data: recipes of packs (`demo/*.json`) turned into records, written by the one save path in batches.
//!
//! A recipe names a card, how many records, and a generator for each field. Everything follows from a seed, and the
//! id of the k-th record of a card from card and k, so that records can point to one another without a table of ids.
//!
//! **Not here:** names, words and cards: they are data of packs.

mod cook;

use std::{collections::HashMap, sync::Arc};

use access::{ADMINISTRATOR, Actor};
use chrono::{DateTime, TimeDelta, Utc};
use model::{Ident, load::Files};
use rand::{SeedableRng, rngs::StdRng};
use serde_json::{Map, Value as Json};
use uuid::Uuid;

use crate::{App, AppError, accounts, files, flows, settings, records::batch::{self, Item}};
use cook::{Cook, id_of};

/// Records written in one transaction.
const BATCH: usize = 200;

/// A recipe: which card, how many, and how each field is made.
struct Recipe {
    card: String,
    count: u64,
    /// However large the company is, there are no more.
    most: u64,
    fields: Map<String, Json>,
    /// Records that are there already are changed.
    change: bool,
    /// The last records take a transition, each by whoever it belongs to.
    then: Option<Then>,
}

/// What the last records of a recipe do once they are made: they are where new ones start, and go on from there.
struct Then {
    transition: String,
    last: u64,
}

struct Kitchen {
    recipes: Vec<Recipe>,
    words: Map<String, Json>,
    users: Vec<Json>,
    settings: Vec<(&'static str, String)>,
    pictures: Vec<Uuid>,
    people: Vec<(String, Uuid)>,
}

fn bad(path: &str, what: impl std::fmt::Display) -> AppError {
    AppError::malformed("bad_demo", format!("{path}: {what}"))
}

/// Reads the recipes of all packs, in order of their file names. `records` scales their counts.
fn read(packs: &[Files], records: Option<u64>) -> Result<Kitchen, AppError> {
    let mut kitchen = Kitchen { recipes: Vec::new(), words: Map::new(), users: Vec::new(), settings: Vec::new(), pictures: Vec::new(), people: Vec::new() };
    let mut named: Vec<(&String, &Vec<u8>)> = packs.iter().flatten().filter(|(path, _)| path.starts_with("demo/") && path.ends_with(".json")).collect();
    named.sort_by_key(|(path, _)| path.as_str());
    for (path, content) in named {
        let json: Json = serde_json::from_slice(content).map_err(|error| bad(path, error))?;
        for (key, setting) in [("company", "name"), ("currency", "currency")] {
            kitchen.settings.extend(json.get(key).and_then(Json::as_str).map(|value| (setting, value.to_owned())));
        }
        kitchen.words.extend(json.get("words").and_then(Json::as_object).cloned().unwrap_or_default());
        kitchen.users.extend(json.get("users").and_then(Json::as_array).cloned().unwrap_or_default());
        if let Some(card) = json.get("card").and_then(Json::as_str) {
            let count = json.get("count").and_then(Json::as_u64).unwrap_or(10);
            let fields = json.get("fields").and_then(Json::as_object).cloned().unwrap_or_default();
            // Cards whose number does not grow with the company say so.
            let fixed = json.get("fixed").and_then(Json::as_bool).unwrap_or(false);
            let change = json.get("change").and_then(Json::as_bool).unwrap_or(false);
            let then = json.get("then").and_then(|then| Some(Then { transition: then.get("transition")?.as_str()?.to_owned(), last: then.get("last").and_then(Json::as_u64).unwrap_or(1) }));
            kitchen.recipes.push(Recipe { card: card.to_owned(), count: if fixed { 0 } else { count }, most: json.get("most").and_then(Json::as_u64).unwrap_or(u64::MAX), fields, change, then });
            if fixed
                && let Some(recipe) = kitchen.recipes.last_mut() {
                    recipe.fields.insert("$fixed".into(), count.into());
                }
        }
    }
    let scaled: u64 = kitchen.recipes.iter().map(|recipe| recipe.count).sum();
    for recipe in &mut kitchen.recipes {
        if let Some(fixed) = recipe.fields.remove("$fixed").and_then(|fixed| fixed.as_u64()) {
            recipe.count = fixed;
        } else if let Some(records) = records.filter(|_| scaled > 0) {
            recipe.count = (u128::from(recipe.count) * u128::from(records) / u128::from(scaled)).try_into().unwrap_or(u64::MAX);
            recipe.count = recipe.count.max(1).min(recipe.most);
        }
    }
    Ok(kitchen)
}

/// How many records will be made.
pub fn total(packs: &[Files], records: Option<u64>) -> Result<u64, AppError> {
    Ok(read(packs, records)?.recipes.iter().map(|recipe| recipe.count).sum())
}

/// Sign-in name, password and a word about each demo user.
pub fn sign_ins(packs: &[Files]) -> Result<Vec<(String, String, String)>, AppError> {
    let text = |user: &Json, key: &str| user.get(key).and_then(Json::as_str).unwrap_or_default().to_owned();
    Ok(read(packs, None)?.users.iter().filter(|user| user.get("about").is_some()).map(|user| (text(user, "login"), text(user, "password"), text(user, "about"))).collect())
}

/// Fills a site. `done` is told how many more records were written.
pub async fn fill(app: &Arc<App>, packs: &[Files], records: Option<u64>, now: DateTime<Utc>, done: &(dyn Fn(u64) + Send + Sync)) -> Result<(), AppError> {
    let mut kitchen = read(packs, records)?;
    for (setting, value) in &kitchen.settings {
        settings::set(app, setting, value).await?;
    }
    let mut actors = Vec::new();
    for user in &kitchen.users {
        actors.push(add_user(app, user, now).await?);
    }
    let Some(first) = actors.first().cloned() else { return Err(bad("demo", "there are no users")) };
    let wanted = kitchen.recipes.iter().filter(|recipe| recipe.has_pictures()).map(|recipe| recipe.count).max().unwrap_or(0);
    kitchen.pictures = pictures(app, packs, &first, wanted).await?;
    kitchen.people = kitchen.users.iter().zip(&actors).filter_map(|(user, actor)| Some((user.get("login")?.as_str()?.to_owned(), actor.user?))).collect();
    let kitchen = kitchen;
    let mut owners = HashMap::new();
    for (index, recipe) in kitchen.recipes.iter().enumerate() {
        let mut cook = Cook { kitchen: &kitchen, recipe, random: StdRng::seed_from_u64(index as u64 + 42), today: now.date_naive(), made: now.date_naive(), owners: std::mem::take(&mut owners) };
        let (mut k, mut go_on) = (0, Vec::new());
        while k < recipe.count {
            let upto = (k + BATCH as u64).min(recipe.count);
            let mut items = Vec::with_capacity(BATCH);
            for number in k..upto {
                let actor = recipe.maker(&actors, number, now);
                cook.made = actor.now.date_naive();
                let mut record = cook.record(number)?;
                let going = recipe.then.as_ref().filter(|then| number + then.last >= recipe.count);
                if let Some(then) = going {
                    start_over(app, &recipe.card, &then.transition, &mut record);
                    let by = record.get("owner").and_then(Json::as_str).and_then(|id| Uuid::try_parse(id).ok());
                    go_on.push((id_of(&recipe.card, number), by));
                }
                items.push((actor, match recipe.change {
                    true => {
                        record.shift_remove("id");
                        Item::Update { id: id_of(&recipe.card, number), version: None, body: record }
                    }
                    false => Item::Create(record),
                }));
            }
            batch::atomic_by(app, &recipe.card, items.iter().map(|(actor, item)| (actor, item)), None).await.map_err(|(at, error)| bad(&format!("{} #{}", recipe.card, k + at as u64), error))?;
            done(upto - k);
            k = upto;
        }
        owners = std::mem::take(&mut cook.owners);
        let Some(then) = &recipe.then else { continue };
        for (id, by) in go_on {
            let Some(actor) = actors.iter().find(|actor| actor.user == by) else { continue };
            match flows::take(app, actor, &recipe.card, id, &then.transition, &flows::Asked::default()).await {
                // Where the card's own conditions are against it, the record stays where it began.
                Ok(_) | Err(AppError::Conflict { code: "transition_guard", .. }) => {}
                Err(error) => return Err(bad(&format!("{} {}", recipe.card, then.transition), error)),
            }
        }
    }
    crate::upkeep::tables_changed(&app.store).await
}

/// A record that is to take a transition is where new ones start.
fn start_over(app: &App, card: &str, transition: &str, record: &mut Map<String, Json>) {
    let snapshot = app.snapshot();
    if let Some((workflow, ..)) = snapshot.card(card).ok().and_then(|card| card.transition(transition)) {
        record.shift_remove(workflow.as_str());
    }
}

async fn add_user(app: &Arc<App>, user: &Json, now: DateTime<Utc>) -> Result<Actor, AppError> {
    let text = |key: &str| user.get(key).and_then(Json::as_str).unwrap_or_default();
    let roles: Vec<String> = user.get("roles").and_then(Json::as_array).into_iter().flatten().filter_map(|role| role.as_str().map(str::to_owned)).collect();
    let language = user.get("language").and_then(Json::as_str);
    // People without a word about them are colleagues nobody signs in as.
    let password = user.get("about").is_some().then(|| text("password"));
    let id = accounts::create_user(app, text("login"), text("name"), password, &roles, language, now).await?;
    let role = Ident::new(ADMINISTRATOR).map_err(|error| AppError::Internal(error.to_string()))?;
    Ok(Actor::user(id, text("name"), vec![role], now))
}

/// Pictures that packs bring (`demo/*.png`), once for each record that wants one: a file belongs to one record.
async fn pictures(app: &Arc<App>, packs: &[Files], actor: &Actor, wanted: u64) -> Result<Vec<Uuid>, AppError> {
    let all: Vec<(&String, &Vec<u8>)> = packs.iter().flatten().filter(|(path, _)| path.starts_with("demo/") && path.ends_with(".png")).collect();
    let mut kept = Vec::new();
    for (path, content) in all.iter().cycle().take(if all.is_empty() { 0 } else { usize::try_from(wanted).unwrap_or(0) }) {
        kept.push(files::upload(app, actor, path, "image/png", (*content).clone()).await?.id);
    }
    Ok(kept)
}

/// About two years, over which records were made.
const MINUTES: u64 = 1_000_000;

impl Recipe {
    /// Who made the k-th record, and when: several people, each a few in a row, the last one just now.
    fn maker(&self, actors: &[Actor], k: u64, now: DateTime<Utc>) -> Actor {
        let age = u128::from(self.count.saturating_sub(k + 1)) * u128::from(MINUTES) * 60 / u128::from(self.count.max(1));
        // A picture is attached by who uploaded it.
        let turn = if self.has_pictures() { 0 } else { usize::try_from(k / 3 * 7 % 31).unwrap_or(0) };
        let mut actor = actors[turn % actors.len()].clone();
        actor.now = now - TimeDelta::seconds(i64::try_from(age).unwrap_or(0));
        actor
    }

    fn has_pictures(&self) -> bool {
        self.fields.values().any(|field| field.get("picture").is_some())
    }
}
