//! The fields of demo records, each from its generator.
//!
//! **Invariants**
//! - Everything follows from a seed; the same demo is the same records.

use std::collections::HashMap;

use chrono::{Days, NaiveDate};
use rand::{RngExt, rngs::StdRng};
use serde_json::{Map, Value as Json, json};
use uuid::Uuid;

use super::{Kitchen, Recipe, bad};
use crate::AppError;

/// The id of the k-th record of a card: a UUIDv7 whose time grows with k.
pub(super) fn id_of(card: &str, k: u64) -> Uuid {
    let hash = card.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    let millis = 1_700_000_000_000 + k;
    let mut random = [0_u8; 10];
    random[..8].copy_from_slice(&hash.to_be_bytes());
    uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
}

/// Makes the records of one recipe.
pub(super) struct Cook<'k> {
    pub kitchen: &'k Kitchen,
    pub recipe: &'k Recipe,
    pub random: StdRng,
    pub today: NaiveDate,
    /// When the record at hand was made.
    pub made: NaiveDate,
    /// Whose each record is that was made so far, by its id.
    pub owners: HashMap<String, Json>,
}

impl Cook<'_> {
    pub fn record(&mut self, k: u64) -> Result<Map<String, Json>, AppError> {
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
        if let (Some(Json::String(id)), Some(owner)) = (record.get("id"), record.get("owner")) {
            self.owners.insert(id.clone(), owner.clone());
        }
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
        if !self.wanted(map, record) {
            return Ok(Json::Null);
        }
        let Some((how, what)) = map.iter().find(|(key, _)| !matches!(key.as_str(), "chance" | "if" | "if_not" | "of" | "within" | "max" | "scale")) else { return Ok(Json::Null) };
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
            // The same, of what has happened by now.
            "past" => self.date(self.made, what).min(self.today).to_string().into(),
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
            // Records of another card, by their numbers: `["employee", [0, 0, 2]]`.
            "ref_nth" => {
                let nth = usize::try_from(k).ok().and_then(|k| what.get(1)?.get(k)?.as_u64());
                nth.map_or(Json::Null, |nth| id_of(what.get(0).and_then(Json::as_str).unwrap_or_default(), nth).to_string().into())
            }
            "at" => usize::try_from(k).ok().and_then(|k| what.get(k)).cloned().unwrap_or(Json::Null),
            "field" => what.as_str().and_then(|field| record.get(field)).cloned().unwrap_or(Json::Null),
            // One part of a list in another field: `["_stay", 0]`.
            "item" => self.item(what, record),
            // So many days after another field's day: `["starts", "_stay", 1]`, the number being a part of a list.
            "later" => {
                let start = what.get(0).and_then(Json::as_str).and_then(|field| record.get(field)?.as_str()?.parse::<NaiveDate>().ok());
                let days = self.item(&json!([what.get(1), what.get(2)]), record).as_u64().unwrap_or(0);
                start.and_then(|start| start.checked_add_days(Days::new(days))).map_or(Json::Null, |day| day.to_string().into())
            }
            // By what another field says: `["field", {"value": "10"}]`.
            "by" => {
                let said = what.get(0).and_then(Json::as_str).and_then(|field| record.get(field)?.as_str());
                let recipe = said.and_then(|said| what.get(1)?.get(said)).cloned().unwrap_or(Json::Null);
                self.make(&recipe, k, record)?
            }
            // By how long ago the record was made: `[days, younger, older]`.
            "aged" => {
                let limit = what.get(0).and_then(Json::as_i64).unwrap_or(0);
                let recipe = what.get(if (self.today - self.made).num_days() < limit { 1 } else { 2 }).cloned().unwrap_or(Json::Null);
                self.make(&recipe, k, record)?
            }
            // The records of a card one after the other, from the first again.
            "turn" => {
                let card = what.as_str().unwrap_or_default();
                match self.count_of(card) {
                    0 => Json::Null,
                    count => json!(id_of(card, k % count).to_string()),
                }
            }
            "near" => self.near(what.as_str().unwrap_or_default(), k),
            // A record of one of several cards, as far as they are there: `[["one", 3], ["other", 1]]`.
            "ref_any" => {
                let there: Vec<Json> = what.as_array().into_iter().flatten().filter(|pair| pair.get(0).and_then(Json::as_str).is_some_and(|card| self.count_of(card) > 0)).cloned().collect();
                let card = self.weighted(&Json::Array(there));
                match card.as_str() {
                    Some(card) => json!({"card": card, "id": self.near(card, k)}),
                    None => Json::Null,
                }
            }
            "first" => what.as_array().into_iter().flatten().filter_map(|field| record.get(field.as_str()?)).next().cloned().unwrap_or(Json::Null),
            "user" => {
                let login = self.pick(what);
                self.person(&login)
            }
            // Whose a record is that one of these fields points to: who works on something may see what it belongs to.
            "owner_of" => {
                let id = |value: &Json| value.as_str().or_else(|| value.get("id")?.as_str()).map(str::to_owned);
                let mut ids = what.as_array().into_iter().flatten().filter_map(|field| id(record.get(field.as_str()?)?));
                ids.find_map(|id| self.owners.get(&id)).cloned().unwrap_or(Json::Null)
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

    /// Whether a field is filled: `"if": ["field", ["value"]]`, `"if_not": "field"`.
    fn wanted(&self, map: &Map<String, Json>, record: &Map<String, Json>) -> bool {
        let fits = |said: &Json| {
            let value = said.get(0).and_then(Json::as_str).and_then(|field| record.get(field));
            value.is_some_and(|value| said.get(1).and_then(Json::as_array).is_some_and(|any| any.contains(value)))
        };
        let is_there = |field: &Json| field.as_str().is_some_and(|field| record.contains_key(field));
        map.get("if").is_none_or(fits) && !map.get("if_not").is_some_and(is_there)
    }

    fn item(&self, what: &Json, record: &Map<String, Json>) -> Json {
        let list = what.get(0).and_then(Json::as_str).and_then(|field| record.get(field));
        let at = what.get(1).and_then(Json::as_u64).and_then(|at| usize::try_from(at).ok());
        list.zip(at).and_then(|(list, at)| list.get(at)).cloned().unwrap_or(Json::Null)
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

    /// A record of another card that was made about when this one was, or a little before.
    fn near(&mut self, card: &str, k: u64) -> Json {
        let (count, own) = (self.count_of(card), self.recipe.count.max(1));
        if count == 0 {
            return Json::Null;
        }
        let at = u64::try_from(u128::from(k) * u128::from(count) / u128::from(own)).unwrap_or(0).min(count - 1);
        json!(id_of(card, at - self.random.random_range(0..=at.min(5))).to_string())
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
