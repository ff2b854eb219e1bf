//! The records of a site held in memory, and questions answered from there: the third voice beside both databases.

use std::collections::HashMap;

use access::Actor;
use chrono::{DateTime, NaiveDate, Utc};
use model::{
    Card, Catalog, Condition, Hop, Ident, Operand, Path, Period, Record, Related, Row, RowSource, TableRef, Term, Test, Value, Values, Variable,
    eval::{Facts, Place, holds},
    record::value_of,
    types,
};
use serde_json::Value as Json;
use uuid::Uuid;

use crate::site::Person;

/// Whether a record, and whether a field of one, may be seen.
pub type Sees<'a> = &'a dyn Fn(&Card, &Record, Option<(Option<&Ident>, &Ident)>) -> bool;

/// Every record of some cards.
pub struct World {
    pub catalog: std::sync::Arc<Catalog>,
    pub records: HashMap<Ident, Vec<Record>>,
}

impl World {
    /// Reads everything that somebody with every right reads.
    pub async fn read(catalog: std::sync::Arc<Catalog>, person: &Person, cards: &[&str]) -> Self {
        let mut records = HashMap::new();
        for key in cards {
            let card = catalog.card(key).expect("a card").clone();
            let ids = person.find(key, &serde_json::json!({"all": []}), "id", "id").await;
            let mut all = Vec::new();
            for id in ids.iter().filter_map(Json::as_str) {
                all.push(record(&card, &person.read(key, id).await));
            }
            records.insert(card.key.clone(), all);
        }
        Self { catalog, records }
    }

    /// The people, of whom only the name is asked.
    pub fn with_users(mut self, users: &[(&str, Uuid)]) -> Self {
        let card = self.catalog.card("user").expect("users");
        let of = |(name, id): &(&str, Uuid)| {
            let own = |key: &str| card.table.fields.get(key).map(|field| field.key.clone());
            let values: Values = own("name").map(|key| (key, Value::Text((*name).into()))).into_iter().chain(own("active").map(|key| (key, Value::Bool(true)))).collect();
            Record { id: *id, values, ..Record::default() }
        };
        self.records.insert(card.key.clone(), users.iter().map(of).collect());
        self
    }

    fn find(&self, card: &Ident, id: Uuid) -> Option<&Record> {
        self.records.get(card)?.iter().find(|record| record.id == id)
    }

    /// The ids of a card's records for which a condition holds.
    pub fn answer(&self, card: &str, condition: &Condition, actor: &Actor, sees: Sees<'_>) -> Vec<Uuid> {
        let all = self.records.get(card).map_or(&[][..], Vec::as_slice);
        all.iter().filter(|record| holds(condition, &Place::Record, &Around { world: self, card: self.catalog.card(card).expect("a card"), record, actor, sees, of: None })).map(|record| record.id).collect()
    }
}

fn record(card: &Card, json: &Json) -> Record {
    let values = |table: &model::Table, json: &Json| -> Values {
        let read = |field: &model::Field| {
            let value = types::read_json(&field.kind, &json[field.key.as_str()]).ok().filter(|value| !value.is_empty())?;
            Some((field.key.clone(), value))
        };
        table.fields.values().filter(|field| field.key != "id" && field.live_source().is_none()).filter_map(read).collect()
    };
    let id = |json: &Json| json["id"].as_str().and_then(|id| id.parse().ok()).expect("an id");
    let children = card.children.iter().map(|(key, table)| {
        let rows = json[key.as_str()].as_array().map_or(&[][..], Vec::as_slice);
        (key.clone(), rows.iter().map(|row| Row { id: id(row), values: values(table, row) }).collect())
    });
    Record { id: id(json), values: values(&card.table, json), children: children.collect() }
}

/// One record, with the world around it.
struct Around<'a> {
    world: &'a World,
    card: &'a Card,
    record: &'a Record,
    actor: &'a Actor,
    sees: Sees<'a>,
    /// The child row that is asked about, where rows of other records are.
    of: Option<(&'a Ident, usize)>,
}

impl Around<'_> {
    fn walk(&self, card: &Card, record: &Record, row: Option<(&Ident, usize)>, hops: &[Hop], path: &Path) -> Vec<Value> {
        let child = row.map(|(table, _)| table);
        let empty = Values::default();
        let values = match row {
            None => &record.values,
            Some((table, index)) => record.rows(table.as_str()).get(index).map_or(&empty, |row| &row.values),
        };
        let may = |field: &Ident| field == "id" || (self.sees)(card, record, Some((child, field)));
        match hops.split_first() {
            None if path.leaf == "id" && row.is_none() => vec![Value::Id(record.id)],
            None if !may(&path.leaf) => vec![Value::Empty],
            None => vec![part_of(value_of(values, path.leaf.as_str()), path)],
            Some((Hop::Child { table }, rest)) => (0..record.rows(table.as_str()).len()).flat_map(|index| self.walk(card, record, Some((table, index)), rest, path)).collect(),
            Some((Hop::Parent, rest)) => self.walk(card, record, None, rest, path),
            Some((Hop::Link { field, target } | Hop::Links { field, target } | Hop::AnyLink { field, target }, rest)) => {
                if !may(field) {
                    return vec![];
                }
                let ids: Vec<Uuid> = match value_of(values, field.as_str()) {
                    Value::Id(id) => vec![*id],
                    Value::AnyId { card, id } if card == target => vec![*id],
                    Value::Ids(ids) => ids.clone(),
                    _ => Vec::new(),
                };
                let next = self.world.catalog.card(target).expect("a card");
                let found = ids.into_iter().filter_map(|id| self.world.find(target, id)).filter(|record| (self.sees)(next, record, None));
                found.flat_map(|record| self.walk(next, record, None, rest, path)).collect()
            }
        }
    }
}

fn part_of(value: &Value, path: &Path) -> Value {
    let Some(part) = path.part else { return value.clone() };
    match value {
        Value::Json(json) => match &json[part.name()] {
            Json::String(text) => Value::Text(text.clone()),
            Json::Number(number) => number.to_string().parse().map_or(Value::Empty, Value::Decimal),
            _ => Value::Empty,
        },
        _ => Value::Empty,
    }
}

impl Facts for Around<'_> {
    fn values(&self, at: &Place, path: &Path) -> Vec<Value> {
        let row = match at {
            Place::Row { table, index } => Some((table, *index)),
            Place::Record => self.of,
        };
        self.walk(self.card, self.record, row.filter(|_| path.start.child.is_some()), &path.hops, path)
    }
    fn variable(&self, variable: &Variable) -> Option<Value> {
        self.actor.variable(variable)
    }
    fn days(&self, period: Period) -> (NaiveDate, NaiveDate) {
        self.actor.days(period)
    }
    fn day_of(&self, at: DateTime<Utc>) -> NaiveDate {
        at.with_timezone(&self.actor.zone).date_naive()
    }
    fn is_under(&self, id: Uuid, ancestor: Uuid) -> bool {
        let parent = |id: Uuid| {
            self.world.records.iter().find_map(|(card, records)| {
                let tree = self.world.catalog.card(card)?.tree.clone()?;
                records.iter().find(|record| record.id == id)?.get(tree.as_str()).as_id()
            })
        };
        let mut at = parent(id);
        while let Some(current) = at {
            if current == ancestor {
                return true;
            }
            at = parent(current);
        }
        false
    }
    fn row_count(&self, table: &Ident) -> usize {
        self.record.rows(table.as_str()).len()
    }
    fn pointing(&self, _: &Place, related: &Related) -> Option<bool> {
        let RowSource::Pointing { table, by } = &related.rows else { return None };
        let card = self.world.catalog.card(&table.card)?;
        let condition = self.told(&related.condition);
        let mut all = self.world.records.get(&table.card)?.iter().filter(|record| (self.sees)(card, record, None));
        Some(all.any(|record| {
            let around = |of| Around { world: self.world, card, record, actor: self.actor, sees: self.sees, of };
            let rows: Vec<Option<(&Ident, usize)>> = match &table.child {
                None => vec![None],
                Some(child) => (0..record.rows(child.as_str()).len()).map(|index| Some((child, index))).collect(),
            };
            rows.into_iter().any(|of| {
                let around = around(of);
                let here = of.map_or(Place::Record, |(table, index)| Place::Row { table: table.clone(), index });
                let points = around.values(&here, by).into_iter().flat_map(|value| match value { Value::Ids(ids) => ids, other => other.as_id().into_iter().collect() }).any(|id| id == self.record.id);
                points && holds(&condition, &here, &around)
            })
        }))
    }
}

impl Around<'_> {
    /// What a condition about other records says of this one, put in: there, this record is not at hand.
    fn told(&self, condition: &Condition) -> Condition {
        match condition {
            Condition::All(parts) => Condition::All(parts.iter().map(|part| self.told(part)).collect()),
            Condition::Any(parts) => Condition::Any(parts.iter().map(|part| self.told(part)).collect()),
            Condition::Not(part) => Condition::Not(Box::new(self.told(part))),
            Condition::Related(related) => Condition::Related(Related { condition: Box::new(self.told(&related.condition)), ..related.clone() }),
            Condition::Test(test) => match &test.operand {
                Operand::One(Term::Variable(Variable::Outer(path))) => match self.values(&Place::Record, path).into_iter().next() {
                    Some(value) if !value.is_empty() => Condition::Test(Test { operand: Operand::One(Term::Value(value)), ..test.clone() }),
                    _ => Condition::Unknown,
                },
                _ => condition.clone(),
            },
            Condition::Unknown => Condition::Unknown,
        }
    }
}

/// A filter as JSON, resolved for a card.
pub fn resolved(catalog: &Catalog, card: &str, filter: &Json) -> Result<Condition, String> {
    let filter = model::Filter::from_json(filter).map_err(|error| error.to_string())?;
    let key = &catalog.card(card).expect("a card").key;
    model::check_filter(catalog, &model::Scopes::of(TableRef::card(key)), &filter).map_err(|error| format!("{} at {}", error.message, error.pointer))
}
