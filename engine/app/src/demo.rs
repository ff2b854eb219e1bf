//! Demo data: recipes of packs (`demo/*.json`) turned into records, written by the one save path in batches.
//!
//! A recipe names a card, how many records, and a generator for each field. Everything follows from a seed, and the
//! id of the k-th record of a card from card and k, so that records can point to one another without a table of ids.
//!
//! **Not here:** names, words and cards: they are data of packs.

use std::sync::Arc;

use access::{ADMINISTRATOR, Actor};
use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};
use model::{Ident, load::Files};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde_json::{Map, Value as Json, json};
use uuid::Uuid;

use crate::{App, AppError, accounts, files, settings, records::batch::{self, Item}};

/// Records written in one transaction.
const BATCH: usize = 200;

/// A recipe: which card, how many, and how each field is made.
struct Recipe {
    card: String,
    count: u64,
    fields: Map<String, Json>,
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
            kitchen.recipes.push(Recipe { card: card.to_owned(), count: if fixed { 0 } else { count }, fields });
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
            recipe.count = recipe.count.max(1);
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
    for (index, recipe) in kitchen.recipes.iter().enumerate() {
        let mut cook = Cook { kitchen: &kitchen, recipe, random: StdRng::seed_from_u64(index as u64 + 42), today: now.date_naive(), made: now.date_naive() };
        let mut k = 0;
        while k < recipe.count {
            let upto = (k + BATCH as u64).min(recipe.count);
            let mut items = Vec::with_capacity(BATCH);
            for number in k..upto {
                let actor = recipe.maker(&actors, number, now);
                cook.made = actor.now.date_naive();
                items.push((actor, Item::Create(cook.record(number)?)));
            }
            batch::atomic_by(app, &recipe.card, items.iter().map(|(actor, item)| (actor, item)), None).await.map_err(|(at, error)| bad(&format!("{} #{}", recipe.card, k + at as u64), error))?;
            done(upto - k);
            k = upto;
        }
    }
    crate::upkeep::tables_changed(&app.store).await
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

/// The id of the k-th record of a card: a UUIDv7 whose time grows with k.
fn id_of(card: &str, k: u64) -> Uuid {
    let hash = card.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    let millis = 1_700_000_000_000 + k;
    let mut random = [0_u8; 10];
    random[..8].copy_from_slice(&hash.to_be_bytes());
    uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
}

/// Makes the records of one recipe.
struct Cook<'k> {
    kitchen: &'k Kitchen,
    recipe: &'k Recipe,
    random: StdRng,
    today: NaiveDate,
    /// When the record at hand was made.
    made: NaiveDate,
}

impl Cook<'_> {
    fn record(&mut self, k: u64) -> Result<Map<String, Json>, AppError> {
        let mut record = Map::new();
        record.insert("id".into(), id_of(&self.recipe.card, k).to_string().into());
        let fields = &self.recipe.fields;
        for (key, recipe) in fields {
            let value = self.make(recipe, k, &record)?;
            if !value.is_null() {
                record.insert(key.clone(), value);
            }
        }
        record.retain(|key, _| !key.starts_with('_'));
        Ok(record)
    }

    fn count_of(&self, card: &str) -> u64 {
        self.kitchen.recipes.iter().find(|recipe| recipe.card == card).map_or(0, |recipe| recipe.count)
    }

    fn between(&mut self, range: &Json) -> i64 {
        let bound = |index: usize| range.get(index).and_then(Json::as_i64).unwrap_or(0);
        let (low, high) = (bound(0), bound(1));
        if low >= high { low } else { self.random.random_range(low..=high) }
    }

    /// One value from its generator: an object with one telling key; anything else stands for itself.
    fn make(&mut self, recipe: &Json, k: u64, record: &Map<String, Json>) -> Result<Json, AppError> {
        let Some(map) = recipe.as_object() else { return Ok(recipe.clone()) };
        if let Some(chance) = map.get("chance").and_then(Json::as_f64)
            && self.random.random::<f64>() >= chance {
                return Ok(Json::Null);
            }
        let Some((how, what)) = map.iter().find(|(key, _)| !matches!(key.as_str(), "chance" | "of" | "within" | "max" | "scale")) else { return Ok(Json::Null) };
        Ok(match how.as_str() {
            "pick" => self.pick(what),
            "weighted" => self.weighted(what),
            "word" => {
                let words = what.as_str().and_then(|name| self.kitchen.words.get(name)).cloned().unwrap_or(Json::Null);
                self.pick(&words)
            }
            "several" => self.several(what, map.get("max").and_then(Json::as_u64).unwrap_or(3)),
            "int" => self.between(what).into(),
            "decimal" => {
                let scale = map.get("scale").and_then(Json::as_u64).and_then(|scale| u32::try_from(scale).ok()).unwrap_or(2);
                rust_decimal::Decimal::new(self.between(what), scale).to_string().into()
            }
            "bool" => (self.random.random::<f64>() < what.as_f64().unwrap_or(0.5)).into(),
            "date" => self.date(self.today, what).to_string().into(),
            "made" => self.date(self.made, what).to_string().into(),
            "pattern" => self.pattern(what.as_str().unwrap_or_default()).into(),
            "template" => self.template(what.as_str().unwrap_or_default(), k, record)?.into(),
            "ref" => self.reference(what.as_str().unwrap_or_default(), map.get("within").and_then(Json::as_str), k, record),
            "spread" => {
                let (card, count) = (what.as_str().unwrap_or_default(), self.recipe.count.max(1));
                json!(id_of(card, k * self.count_of(card).max(1) / count).to_string())
            }
            "earlier" => if k == 0 { Json::Null } else { json!(id_of(&self.recipe.card, self.random.random_range(0..k)).to_string()) },
            "nth" => what.as_array().and_then(|all| all.get(usize::try_from(k).ok()? % all.len().max(1))).cloned().unwrap_or(Json::Null),
            "picture" => match self.kitchen.pictures.as_slice() {
                [] => Json::Null,
                all => all[usize::try_from(k).unwrap_or(0) % all.len()].to_string().into(),
            },
            "oneof" => {
                let chosen = self.weighted(what);
                chosen.as_str().and_then(|field| record.get(field)).cloned().unwrap_or(Json::Null)
            }
            "at" => usize::try_from(k).ok().and_then(|k| what.get(k)).cloned().unwrap_or(Json::Null),
            "first" => what.as_array().into_iter().flatten().filter_map(|field| record.get(field.as_str()?)).next().cloned().unwrap_or(Json::Null),
            "user" => {
                let login = self.pick(what);
                self.person(&login)
            }
            "user_nth" => {
                let login = usize::try_from(k).ok().and_then(|k| what.get(k)).cloned().unwrap_or(Json::Null);
                self.person(&login)
            }
            "object" => {
                let mut object = Map::new();
                for (key, inner) in what.as_object().into_iter().flatten() {
                    object.insert(key.clone(), self.make(inner, k, record)?);
                }
                Json::Object(object)
            }
            "rows" => self.rows(what, k, record)?,
            other => return Err(bad("demo", format!("there is no generator `{other}`"))),
        })
    }

    fn person(&self, login: &Json) -> Json {
        let id = self.kitchen.people.iter().find(|(known, _)| Some(known.as_str()) == login.as_str()).map(|(_, id)| id.to_string());
        id.map_or(Json::Null, Json::String)
    }

    fn pick(&mut self, from: &Json) -> Json {
        match from.as_array() {
            Some(all) if !all.is_empty() => all[self.random.random_range(0..all.len())].clone(),
            _ => Json::Null,
        }
    }

    fn weighted(&mut self, from: &Json) -> Json {
        let all: Vec<(&Json, u64)> = from.as_array().into_iter().flatten().filter_map(|pair| Some((pair.get(0)?, pair.get(1)?.as_u64()?))).collect();
        let total: u64 = all.iter().map(|(_, weight)| weight).sum();
        if total == 0 {
            return Json::Null;
        }
        let mut left = self.random.random_range(0..total);
        for (value, weight) in all {
            if left < weight {
                return value.clone();
            }
            left -= weight;
        }
        Json::Null
    }

    fn several(&mut self, from: &Json, max: u64) -> Json {
        let mut all: Vec<Json> = from.as_array().cloned().unwrap_or_default();
        let count = self.random.random_range(0..=max);
        let mut chosen = Vec::new();
        for _ in 0..count {
            if all.is_empty() {
                break;
            }
            chosen.push(all.swap_remove(self.random.random_range(0..all.len())));
        }
        Json::Array(chosen)
    }

    /// Some days before or after a day.
    fn date(&mut self, day: NaiveDate, range: &Json) -> NaiveDate {
        let days = self.between(range);
        let span = Days::new(days.unsigned_abs());
        let moved = if days < 0 { day.checked_sub_days(span) } else { day.checked_add_days(span) };
        moved.unwrap_or(day)
    }

    /// `#` is a digit.
    fn pattern(&mut self, pattern: &str) -> String {
        pattern.chars().map(|c| if c == '#' { char::from(b'0' + self.random.random_range(0..10_u8)) } else { c }).collect()
    }

    /// `{word:surname}{word:given}`, `{n}`, `{field}`.
    fn template(&mut self, template: &str, k: u64, record: &Map<String, Json>) -> Result<String, AppError> {
        let mut text = String::new();
        let mut rest = template;
        while let Some(open) = rest.find('{') {
            text.push_str(&rest[..open]);
            let close = rest[open..].find('}').map_or(rest.len(), |close| open + close);
            let name = &rest[open + 1..close];
            let value = match name.split_once(':') {
                Some(("word", list)) => self.make(&json!({"word": list}), k, record)?,
                Some(("digits", pattern)) => self.pattern(pattern).into(),
                _ if name == "n" => (k + 1).into(),
                _ => record.get(name).cloned().unwrap_or(Json::Null),
            };
            match value {
                Json::String(value) => text.push_str(&value),
                Json::Null => {}
                other => text.push_str(&other.to_string()),
            }
            rest = rest.get(close + 1..).unwrap_or_default();
        }
        text.push_str(rest);
        Ok(text.split_whitespace().collect::<Vec<_>>().join(" "))
    }

    /// A record of another card; few are pointed to often, most seldom. Within: those spread over another record.
    fn reference(&mut self, card: &str, within: Option<&str>, _: u64, record: &Map<String, Json>) -> Json {
        let count = self.count_of(card);
        if count == 0 {
            return Json::Null;
        }
        let (low, high) = match within.and_then(|field| record.get(field)).and_then(Json::as_str).and_then(|id| Uuid::try_parse(id).ok()) {
            None => (0, count),
            Some(owner) => match self.owner_range(card, owner, count) {
                Some(range) => range,
                None => return Json::Null,
            },
        };
        let skew = if within.is_none() { self.random.random::<f64>().powi(2) } else { self.random.random::<f64>() };
        #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let k = low + ((high - low) as f64 * skew) as u64;
        json!(id_of(card, k.min(high - 1)).to_string())
    }

    /// Which records of a card were spread onto an owner: those whose share of the way is the owner's.
    fn owner_range(&self, card: &str, owner: Uuid, count: u64) -> Option<(u64, u64)> {
        let spread = self.kitchen.recipes.iter().find(|recipe| recipe.card == card)?.fields.values().find_map(|field| field.get("spread")?.as_str().map(str::to_owned))?;
        let owners = self.count_of(&spread).max(1);
        let millis = owner.get_timestamp().map(|stamp| { let (seconds, nanos) = stamp.to_unix(); seconds * 1000 + u64::from(nanos) / 1_000_000 })?;
        let index = millis.checked_sub(1_700_000_000_000)?;
        let low = (index * count).div_ceil(owners);
        let high = ((index + 1) * count).div_ceil(owners);
        (low < high).then_some((low, high))
    }


    fn rows(&mut self, what: &Json, k: u64, record: &Map<String, Json>) -> Result<Json, AppError> {
        let count = self.between(what.get("count").unwrap_or(&json!([1, 5])));
        let fields = what.get("fields").and_then(Json::as_object).cloned().unwrap_or_default();
        let mut rows = Vec::new();
        for _ in 0..count {
            let mut row = Map::new();
            for (key, recipe) in &fields {
                let value = self.make(recipe, k, record)?;
                if !value.is_null() {
                    row.insert(key.clone(), value);
                }
            }
            rows.push(Json::Object(row));
        }
        Ok(Json::Array(rows))
    }
}
