//! Requests that went wrong in every way a program can make them: for every route of the OpenAPI document seeded
//! mutations of good requests. Never a 5xx; what is refused is refused with a problem document; the data stays whole.

use reqwest::Method;
use serde_json::{Map, Value as Json, json};

use crate::{both, site::{Answer, Database, Person, Site, encoded}};

both!(mutated_requests_are_never_our_fault, hostile_names_never_reach_the_database);

const LAB: &str = "tests/packs/lab";
/// Mutations of each operation; fewer where each takes longer, with other seeds.
fn each(database: Database) -> usize {
    if database == Database::Sqlite { 200 } else { 70 }
}

/// Numbers that look random and are the same every time; the seed is printed with what it found.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(sides.max(1)).expect("few")).expect("few")
    }
    fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.roll(of.len())]
    }
}

const TEXTS: [&str; 30] = [
    "", " ", "\u{0}", "a\u{0}b", "\u{7}", "\n", "\u{202e}txt.exe", "\u{feff}", "💥👩‍👩‍👧", "Ω≈ç√", "'; DROP TABLE c_device; --", "\" OR 1=1 --", "\\", "%", "_", "{{7*7}}", "${7*7}", "<script>alert(1)</script>", "../../etc/passwd", "null", "true", "NaN", "1e999", "-0",
    "0x1f", "9999-99-99", "2026-02-30", "+999999-01-01T00:00:00Z", "00000000-0000-0000-0000-000000000000", "@me",
];

fn hostile(dice: &mut Dice) -> Json {
    match dice.roll(15) {
        0 => Json::Null,
        1 => json!(true),
        2 => json!(-1),
        3 => json!(u64::MAX),
        4 => json!(i64::MIN),
        5 => json!(1.7e308),
        6 => json!(0.1),
        7 => json!([]),
        8 => json!({}),
        9 => json!([[["x"]]]),
        10 => json!({"id": {"id": {"id": 1}}}),
        11 => json!("x".repeat(3_000)),
        12 => (0..dice.roll(70)).fold(json!(1), |inner, _| json!([inner])),
        13 => json!({"card": "nonsense", "id": "01930000-0000-7000-8000-000000000001"}),
        _ => json!(*dice.pick(&TEXTS)),
    }
}

/// One place of a document made wrong.
fn mutate(dice: &mut Dice, json: &mut Json) {
    match json {
        Json::Object(map) if !map.is_empty() => {
            let keys: Vec<String> = map.keys().cloned().collect();
            let key = dice.pick(&keys).clone();
            match dice.roll(8) {
                0 => {
                    map.remove(&key);
                }
                1 => {
                    map.insert((*dice.pick(&TEXTS)).to_owned(), hostile(dice));
                }
                2 | 3 => {
                    map.insert(key, hostile(dice));
                }
                _ => mutate(dice, &mut map[&key]),
            }
        }
        Json::Array(items) if !items.is_empty() && dice.roll(3) > 0 => {
            let index = dice.roll(items.len());
            if dice.roll(4) == 0 {
                let again = items[index].clone();
                items.push(again);
            } else {
                mutate(dice, &mut items[index]);
            }
        }
        other => *other = hostile(dice),
    }
}

/// A good record of a card, to be spoiled.
fn good(card: &str, ids: &[String], me: &str) -> Json {
    match card {
        "device" => {
            let mut record = crate::records::everything(&ids[0], &ids[1], me);
            record["parts"] = json!([{"label": "A", "quantity": "1", "price": "2.5", "due": "2026-12-24", "kinds": ["x"], "of": ids[1]}, {"label": "B", "quantity": "2"}]);
            record
        }
        "room" => json!({"name": "Cellar", "parent": ids[0], "budget": "10"}),
        "loan" => json!({"device": ids[1], "since": "2026-03-03", "fee": "1.50"}),
        _ => json!({"device": ids[1], "text": "Broken"}),
    }
}

fn good_query(name: &str) -> String {
    match name {
        "filter" => r#"{"all": [{"field": "id", "op": "not_empty"}, {"not": {"field": "created_at", "op": "in", "value": "today"}}]}"#,
        "sort" => "-created_at,id",
        "fields" => "id,version",
        "limit" => "5",
        "count" => "exact",
        "q" => "a b",
        "trash" => "only",
        _ => "x",
    }
    .to_owned()
}

async fn mutated_requests_are_never_our_fault(database: Database) {
    let site = Site::with(database, LAB).await;
    let boss = site.person("boss", &["administrator"]).await;
    let room = boss.make("room", json!({"name": "Attic"})).await;
    let device = boss.make("device", json!({"name": "One"})).await;
    boss.make("loan", json!({"device": device})).await;
    let ids = vec![room, device];
    let document = boss.get("/openapi.json").await.ok(200);
    let mut work = Vec::new();
    for (path, operations) in document["paths"].as_object().expect("paths") {
        for (method, operation) in operations.as_object().expect("operations") {
            work.push((method.to_uppercase(), path.clone(), operation.clone()));
        }
    }
    assert!(work.len() > 20, "{}", work.len());
    // Questions in a body, batches and restoring are not in the document, and as open to nonsense.
    for (path, body) in [
        ("/api/v1/records/device/query", json!({"filter": {"any": [{"field": "name", "op": "contains", "value": "a"}, {"related": "parts", "has": {"field": "quantity", "op": "gt", "value": "@record.weight"}}]}, "sort": "-name", "fields": ["name", "room.name"], "group_by": [{"field": "bought", "by": "month"}], "totals": [{"field": "price", "function": "sum"}], "limit": 3, "count": "exact", "expand": ["room"]})),
        ("/api/v1/records/device/batch", json!({"atomic": true, "items": [{"op": "create", "record": {"name": "B"}}, {"op": "update", "id": ids[1], "version": 1, "record": {"notes": "n"}}]})),
        ("/api/v1/records/device/{id}/restore", json!({})),
    ] {
        work.push(("POST".into(), path.into(), json!({"x-body": body})));
    }
    let tasks: Vec<_> = work.into_iter().enumerate().map(|(number, (method, path, operation))| {
        let (boss, ids) = (boss.clone(), ids.clone());
        async move {
            let mut dice = Dice(0x5eed_0000 + number as u64 * 7919 + each(database) as u64);
            for round in 0..each(database) {
                let seed = dice.0;
                let (answer, sent) = one(&boss, &mut dice, &method, &path, &operation, &ids).await;
                let status = answer.status.as_u16();
                assert!(status < 500, "{method} {path} round {round} seed {seed:#x}: {status} {}\nsent: {sent}", answer.text);
                if status >= 400 {
                    assert_eq!(answer.header("content-type"), "application/problem+json", "{method} {path}: {} {}\nsent: {sent}", status, answer.text);
                    assert!(answer.body["code"].is_string() && answer.body["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{}", answer.text);
                }
            }
        }
    }).collect();
    // Some at a time, as clients are.
    let mut running = tokio::task::JoinSet::new();
    for task in tasks {
        while running.len() >= 6 {
            running.join_next().await.expect("a task").expect("no failure");
        }
        running.spawn(task);
    }
    while let Some(done) = running.join_next().await {
        done.expect("no failure");
    }
    // Everything that stands there can still be read, in every list.
    for card in ["device", "room", "loan", "repair"] {
        let all = boss.post(&format!("/records/{card}/query"), json!({"limit": 500, "count": "exact"})).await.ok(200);
        for row in all["data"].as_array().expect("rows").iter().take(40) {
            boss.read(card, row["id"].as_str().expect("an id")).await;
        }
    }
}

async fn one(boss: &Person, dice: &mut Dice, method: &str, path: &str, operation: &Json, ids: &[String]) -> (Answer, String) {
    let card = path.split('/').nth(4).unwrap_or_default();
    let known = if card == "room" { &ids[0] } else { &ids[1] };
    let id = match dice.roll(4) {
        0 => encoded(TEXTS[dice.roll(TEXTS.len())]),
        _ => known.clone(),
    };
    // An empty segment is another route.
    let id = if id.is_empty() { "x".into() } else { id };
    // Deleting needs something to delete, again and again.
    let id = if method == "DELETE" && dice.roll(2) == 0 { boss.post(&format!("/records/{card}"), good(card, ids, &boss.id)).await.body["id"].as_str().unwrap_or("x").to_owned() } else { id };
    let mut address = path.replace("{id}", &id);
    let names: Vec<&str> = operation["parameters"].as_array().into_iter().flatten().filter(|parameter| parameter["in"] == "query").filter_map(|parameter| parameter["name"].as_str()).collect();
    let mut pairs: Map<String, Json> = Map::new();
    for name in &names {
        if dice.roll(3) == 0 {
            let mut value = good_query(name);
            if dice.roll(2) == 0 {
                value = match serde_json::from_str::<Json>(&value).ok().filter(Json::is_object) {
                    Some(mut filter) if dice.roll(2) == 0 => {
                        mutate(dice, &mut filter);
                        filter.to_string()
                    }
                    _ => (*dice.pick(&TEXTS)).to_owned(),
                };
            }
            pairs.insert((*name).to_owned(), json!(value));
        }
    }
    if !pairs.is_empty() {
        let text: Vec<String> = pairs.iter().map(|(name, value)| format!("{name}={}", encoded(value.as_str().unwrap_or_default()))).collect();
        address = format!("{address}?{}", text.join("&"));
    }
    let mut headers: Vec<(&str, &str)> = Vec::new();
    if dice.roll(8) == 0 {
        headers.push(*dice.pick(&[("if-match", "\"1\""), ("if-match", "*"), ("if-match", "\"-1\""), ("if-match", "\"99999999999999999999\""), ("idempotency-key", "same"), ("accept", "text/plain"), ("accept-language", "zh;q=x,,;")]));
    }
    let verb: Method = method.parse().expect("a method");
    if !["POST", "PATCH"].contains(&method) {
        return (boss.send(verb, &address, &headers, None).await, address);
    }
    let mut body = operation.get("x-body").cloned().unwrap_or_else(|| good(card, ids, &boss.id));
    for _ in 0..=dice.roll(2) {
        mutate(dice, &mut body);
    }
    let mut bytes = body.to_string().into_bytes();
    if dice.roll(20) == 0 {
        let at = dice.roll(bytes.len());
        bytes[at] = u8::try_from(dice.roll(256)).unwrap_or(0);
    }
    headers.push(("content-type", "application/json"));
    let sent = format!("{address} {}", String::from_utf8_lossy(&bytes).chars().take(2_000).collect::<String>());
    (boss.send(verb, &address, &headers, Some(bytes)).await, sent)
}

/// Names where the language wants names: of fields, orders, groups, totals, columns, cards, operators, parameters.
async fn hostile_names_never_reach_the_database(database: Database) {
    let site = Site::with(database, LAB).await;
    let boss = site.person("boss", &["administrator"]).await;
    boss.make("device", json!({"name": "Only", "parts": [{"label": "A", "quantity": "1"}]})).await;
    const NAMES: [&str; 20] = [
        "name'; DROP TABLE c_device; --", "name\" OR \"1\"=\"1", "name) UNION SELECT password FROM sys_user --", "f_name", "c_device.f_name", "1", "*", "name COLLATE NOCASE", "name desc, (select 1)", "room.name'--", "sys_user.password", "owner.password", "keeper.password",
        "name/**/", "name;", "NAME", "näme", "a.b.c.d.e.f.g.h", "lower(name)", "pin",
    ];
    for name in NAMES {
        let test = json!({"field": name, "op": "is", "value": "x"});
        for body in [
            json!({"filter": test}), json!({"filter": {"related": name, "has": {"all": []}}}), json!({"filter": {"related": "parts", "has": test}}), json!({"filter": {"related": "loan.device", "by": name, "has": {"all": []}}}), json!({"filter": {"field": "name", "op": name, "value": "x"}}),
            json!({"sort": name}), json!({"sort": format!("-{name}")}), json!({"fields": [name]}), json!({"group_by": [{"field": name}]}), json!({"group_by": [{"field": "bought", "by": name}]}), json!({"totals": [{"field": name, "function": "sum"}]}),
            json!({"totals": [{"field": "price", "function": name}]}), json!({"expand": [name]}), json!({"count": name}), json!({name: 1}), json!({"filter": {"field": "bought", "op": "in", "value": name}}), json!({"cursor": name}),
        ] {
            let answer = boss.post("/records/device/query", body.clone()).await;
            let harmless = body.to_string().contains("\"pin\"");
            assert!([400, 403].contains(&answer.status.as_u16()) || harmless && answer.status.as_u16() < 500, "{body}: {} {}", answer.status, answer.text);
            assert!(!answer.text.contains("argon2"), "{body}: {}", answer.text);
        }
        let found = boss.post("/records/device/query", json!({"filter": {"field": "name", "op": "is", "value": name}})).await.ok(200);
        assert_eq!(found["data"], json!([]), "{name}");
        for path in [format!("/records/{}", encoded(name)), format!("/cards/{}", encoded(name))] {
            boss.get(&path).await.refused(404, "not_found");
        }
        if name == "pin" {
            continue;
        }
        boss.post("/records/device", json!({"name": "Spoiled", name: "x"})).await.refused(422, "invalid");
        boss.post("/records/device", json!({"name": "Spoiled", "parts": [{"label": "A", "quantity": "1", name: "x"}]})).await.refused(422, "invalid");
        boss.post("/records/loan", json!({"device": {name: "x"}})).await.refused(422, "invalid");
    }
    assert_eq!(site.number("SELECT count(*) FROM c_device").await, 1);
    assert_eq!(site.number("SELECT count(*) FROM sys_user").await, 1);
}
