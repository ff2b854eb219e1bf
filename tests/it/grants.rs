//! Random grants and random questions: which records are found, and which of their fields are seen, is what the grants
//! say, on both databases as in memory.

use std::collections::{BTreeMap, HashSet};

use access::Actor;
use model::FieldRight;
use proptest::{prelude::*, sample::select, strategy::ValueTree};
use serde_json::{Value as Json, json};
use uuid::Uuid;

use crate::{
    alike::{fill, filters, id, on_runtime, runner, wait},
    site::{Database, Person, Site, pack},
    world::{World, resolved},
};

const LAB: &str = "tests/packs/lab";

/// One grant on devices.
#[derive(Debug, Clone)]
struct Grant {
    scope: Json,
    fields: BTreeMap<&'static str, FieldRight>,
}

const GUARDED: [&str; 9] = ["name", "amount", "price", "grade", "tags", "room", "kin", "worth", "bought"];

fn grants() -> BoxedStrategy<Vec<Grant>> {
    let scope = select(vec![json!("all"), json!("own"), json!({"field": "grade", "op": "is", "value": "a"}), json!({"field": "amount", "op": "gt", "value": 1}), json!({"not": {"field": "leased", "op": "is", "value": true}}), json!({"field": "room.budget", "op": "not_empty"}), json!({"related": "parts", "has": {"field": "quantity", "op": "gt", "value": "1"}}), json!({"field": "name", "op": "any_of", "value": []})]);
    let rights = select(vec![FieldRight::None, FieldRight::Read, FieldRight::Edit]);
    let fields = proptest::collection::btree_map(select(GUARDED.to_vec()), rights, 0..5);
    proptest::collection::vec((scope, fields).prop_map(|(scope, fields)| Grant { scope, fields }), 1..4).boxed()
}

#[test]
fn rights_admit_what_their_grants_say() {
    on_runtime(async {
        let mut dice = runner(1);
        // Twelve people with grants of their own, on both databases.
        let people: Vec<Vec<Grant>> = (0..12).map(|_| grants().new_tree(&mut dice).expect("grants").current()).collect();
        let mut files = pack(LAB);
        for (person, grants) in people.iter().enumerate() {
            for (index, grant) in grants.iter().enumerate() {
                let fields: BTreeMap<&str, &FieldRight> = grant.fields.iter().map(|(field, right)| (*field, right)).collect();
                let key = format!("r{person}_{index}");
                let role = json!({"key": key, "grants": [{"card": "device", "actions": ["read"], "scope": grant.scope, "fields": fields}, {"card": "room", "actions": ["read"], "scope": {"field": "budget", "op": "not_empty"}}]});
                files.insert(format!("roles/{key}.json"), role.to_string().into_bytes());
            }
        }
        let sites = [Site::of(Database::Sqlite, vec![files.clone()]).await, Site::of(Database::Postgres, vec![files]).await];
        let mut keepers = Vec::new();
        let mut readers: Vec<Vec<Person>> = Vec::new();
        for site in &sites {
            let kim = site.person("kim", &["keeper"]).await;
            fill(&kim).await;
            let mut own = Vec::new();
            for (person, grants) in people.iter().enumerate() {
                let roles: Vec<String> = (0..grants.len()).map(|index| format!("r{person}_{index}")).collect();
                own.push(site.person(&format!("p{person}"), &roles.iter().map(String::as_str).collect::<Vec<_>>()).await);
            }
            // Some records are theirs.
            for number in 0..12 {
                kim.patch(&format!("/records/device/{}", id(100 + number)), json!({"owner": own[number as usize].id})).await.ok(200);
            }
            keepers.push(kim);
            readers.push(own);
        }
        let catalog = sites[0].app.snapshot().catalog.clone();
        let worlds = [World::read(sites[0].app.snapshot().catalog.clone(), &keepers[0], &["device", "room"]).await, World::read(sites[1].app.snapshot().catalog.clone(), &keepers[1], &["device", "room"]).await];
        let admitted = |side: usize, person: usize| -> Vec<HashSet<Uuid>> {
            let actor = Actor::user(readers[side][person].id.parse().expect("an id"), "p", Vec::new(), chrono::Utc::now());
            people[person].iter().map(|grant| {
                let condition = match grant.scope.as_str() {
                    Some("all") => json!({"all": []}),
                    Some(_) => json!({"field": "owner", "op": "is", "value": "@me"}),
                    None => grant.scope.clone(),
                };
                let condition = resolved(&catalog, "device", &condition).expect("a scope");
                worlds[side].answer("device", &condition, &actor, &|_, _, _| true).into_iter().collect()
            }).collect()
        };
        let admissions: Vec<Vec<Vec<HashSet<Uuid>>>> = (0..2).map(|side| (0..people.len()).map(|person| admitted(side, person)).collect()).collect();
        const NAMED: [&str; 10] = ["name", "amount", "price", "grade", "tags", "room", "kin.name", "worth", "bought", "room.name"];
        let asked = (0..people.len(), filters(&catalog, &NAMED, false));
        let result = runner(300).run(&asked, |(person, filter)| {
            let condition = resolved(&catalog, "device", &filter).map_err(TestCaseError::reject)?;
            let mut named: HashSet<String> = HashSet::new();
            condition.each_path(&mut |path| {
                let first = path.hops.first().and_then(|hop| match hop { model::Hop::Link { field, .. } | model::Hop::Links { field, .. } => Some(field), _ => None });
                named.insert(first.unwrap_or(&path.leaf).to_string());
            });
            let mut behind = HashSet::new();
            condition.each_path(&mut |path| if !path.hops.is_empty() && path.end.card == "device" { behind.insert(path.leaf.to_string()); });
            for side in 0..2 {
                let grants = &people[person];
                let rows = &admissions[side][person];
                let reads = |grant: &Grant, field: &str| grant.fields.get(field).is_none_or(|right| *right != FieldRight::None);
                let seen = |id: Uuid| rows.iter().any(|rows| rows.contains(&id));
                let cell = |id: Uuid, field: &str| grants.iter().zip(rows).any(|(grant, rows)| rows.contains(&id) && reads(grant, field));
                let forbidden = named.iter().chain(&behind).any(|field| !grants.iter().any(|grant| reads(grant, field)));
                let found = wait(readers[side][person].post("/records/device/query", json!({"filter": filter, "limit": 500, "sort": "id"})));
                if forbidden {
                    prop_assert_eq!(found.status.as_u16(), 403, "{}", found.text);
                    continue;
                }
                prop_assert_eq!(found.status.as_u16(), 200, "{}", found.text);
                let actor = Actor::user(readers[side][person].id.parse().expect("an id"), "p", Vec::new(), chrono::Utc::now());
                let sees = |card: &model::Card, record: &model::Record, field: Option<(Option<&model::Ident>, &model::Ident)>| match (card.key.as_str(), field) {
                    ("device", None) => seen(record.id),
                    ("device", Some((None, field))) => cell(record.id, field.as_str()),
                    ("room", None) => !record.get("budget").is_empty(),
                    _ => true,
                };
                let expected: HashSet<Uuid> = worlds[side].answer("device", &condition, &actor, &sees).into_iter().filter(|id| seen(*id) && named.iter().all(|field| cell(*id, field))).collect();
                let shown: HashSet<Uuid> = found.body["data"].as_array().expect("rows").iter().filter_map(|row| row["id"].as_str()?.parse().ok()).collect();
                prop_assert_eq!(&shown, &expected);
                for row in found.body["data"].as_array().expect("rows") {
                    let id: Uuid = row["id"].as_str().and_then(|id| id.parse().ok()).expect("an id");
                    let stored = worlds[side].records["device"].iter().find(|record| record.id == id).expect("a record");
                    for field in GUARDED {
                        let there = row.get(field).is_some_and(|value| !value.is_null() && *value != json!([]));
                        prop_assert_eq!(there, cell(id, field) && !stored.get(field).is_empty(), "{} of {}", field, id);
                    }
                }
            }
            Ok(())
        });
        result.unwrap_or_else(|error| panic!("{error}"));
    });
}
