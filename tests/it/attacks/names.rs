//! Names and ids in definitions and questions that are meant to become part of a statement or of a page.

use serde_json::{Value, json};

use crate::{both, publishing::pack_of, site::{Database, Site, encoded}};

both!(hostile_words_of_a_definition_reach_no_statement, a_tree_is_asked_with_ids_alone, hostile_text_in_structured_values_is_a_value);

const HOSTILE: [&str; 14] = [
    "x'; DROP TABLE c_thing; --", "x\"; DROP TABLE c_thing; --", "x') OR ('1'='1", "x\") OR (\"1\"=\"1", "$1", "{}", "{0}", "%s", "\\'; SELECT 1; --", "x'||(SELECT login FROM sys_user)||'", "x\0y", "x/*", "*/", "<script>alert(1)</script>",
];

/// 32, 33, 36 · statements and markup in keys, labels, options and patterns
async fn hostile_words_of_a_definition_reach_no_statement(database: Database) {
    // A key is one of few letters, or the pack is refused.
    for word in HOSTILE {
        for card in [
            json!({"key": "thing", "fields": {word: {"type": "text"}}}), json!({"key": "thing", "fields": {"name": {"type": "text"}}, "child_tables": {word: {"fields": {"a": {"type": "text"}}}}}),
            json!({"key": "thing", "fields": {"name": {"type": "text"}}, "title": format!("{{{word}}}")}), json!({"key": "thing", "fields": {"name": {"type": "text"}, "n": {"type": "integer", "rollup": {"from": word, "function": "count"}}}}),
            json!({"key": "thing", "fields": {"name": {"type": word}}}), json!({"key": "thing", "fields": {"name": {"type": "decimal", "scale": word}}}), json!({"key": "thing", "fields": {"name": {"type": "text", "max_length": word}}}),
        ] {
            let mut files = pack_of(&[], &[]);
            files.insert("cards/thing.json".into(), card.to_string().into_bytes());
            let (source, mut findings) = model::load::read_pack(files);
            let (_, found) = model::build::build(&[source], 0);
            findings.extend(found);
            assert!(findings.iter().any(|finding| finding.level == model::Level::Error), "{card} is taken");
        }
    }
    // A label, an option, a default, a pattern, a message is a text, and stays one.
    let options: Vec<Value> = HOSTILE.iter().enumerate().map(|(index, word)| json!({"value": format!("o{index}"), "labels": {"en": word}})).collect();
    let words = HOSTILE.iter().filter(|word| !word.contains('\0')).copied().collect::<Vec<_>>().join(" ");
    let card = json!({
        "key": "thing", "labels": {"en": words}, "plurals": {"en": words}, "title": format!("{{name}} {}", words.replace(['{', '}'], "")), "search": ["name"],
        "fields": {"name": {"type": "text", "labels": {"en": words}, "default": words.replace('\0', ""), "help": {"en": words}}, "grade": {"type": "choice", "labels": {"en": words}, "options": options}},
        "rules": [{"id": "never", "when": {"field": "name", "op": "is", "value": words}, "then": "error", "field": "name", "message": {"en": words}}],
    });
    let site = Site::of(database, vec![pack_of(&[card], &[])]).await;
    let boss = site.person("boss", &["administrator"]).await;
    let ids = site.number("SELECT count(*) FROM sys_user").await;
    for index in 0..HOSTILE.len() {
        boss.make("thing", json!({"name": format!("n{index}"), "grade": format!("o{index}")})).await;
    }
    let groups = boss.post("/records/thing/query", json!({"group_by": [{"field": "grade"}], "totals": [{"field": "grade", "function": "count"}], "sort": "grade"})).await.ok(200);
    assert_eq!(groups["groups"].as_array().map(Vec::len), Some(HOSTILE.len()), "{groups}");
    boss.post("/records/thing", json!({"name": words})).await.refused(422, "invalid");
    for path in ["/c/thing", "/c/thing/new", "/api/docs", "/c/thing/columns", "/c/thing/query"] {
        // Columns are chosen beside their list: asked for by themselves, they lead there.
        let headers: &[(&str, &str)] = if path.ends_with("/columns") { &[("hx-request", "true")] } else { &[] };
        let page = boss.send(reqwest::Method::GET, path, headers, None).await;
        assert!(page.status.is_success() && !page.text.contains("<script>alert(1)"), "{path}: {}", page.status);
    }
    assert_eq!((site.number("SELECT count(*) FROM c_thing").await, site.number("SELECT count(*) FROM sys_user").await), (HOSTILE.len() as i64, ids));
}

/// 34 · statements where a tree, a link or a cursor wants an id
async fn a_tree_is_asked_with_ids_alone(database: Database) {
    let site = Site::with(database, "tests/packs/lab").await;
    let boss = site.person("boss", &["administrator"]).await;
    let room = boss.make("room", json!({"name": "Attic"})).await;
    boss.make("device", json!({"name": "One", "room": room})).await;
    let before = site.content().await;
    for word in HOSTILE.into_iter().chain(["01930000-0000-7000-8000-000000000001' OR '1'='1", "01930000-0000-7000-8000-000000000001)", "null", "0", "[]", "../.."]) {
        for filter in [
            json!({"field": "room", "op": "under", "value": word}), json!({"field": "room", "op": "is", "value": word}), json!({"field": "room", "op": "any_of", "value": [word]}), json!({"field": "kin", "op": "any_of", "value": [word]}), json!({"field": "id", "op": "is", "value": word}),
            json!({"field": "owner", "op": "is", "value": word}), json!({"field": "about", "op": "is", "value": {"card": "room", "id": word}}), json!({"field": "about", "op": "is", "value": {"card": word, "id": room}}),
        ] {
            let answer = boss.post("/records/device/query", json!({"filter": filter})).await;
            let none = answer.status.as_u16() == 200 && answer.body["data"] == json!([]);
            assert!(none || answer.status.as_u16() == 400, "{filter}: {} {}", answer.status, answer.text);
        }
        for path in [format!("/records/device?cursor={}", encoded(word)), format!("/records/room?sort={}", encoded(word)), format!("/views/{}", encoded(word)), format!("/folders/{}", encoded(word)), format!("/jobs/{}", encoded(word)), format!("/batches/{}", encoded(word))] {
            let answer = boss.get(&path).await;
            assert!(answer.status.is_client_error(), "{path}: {} {}", answer.status, answer.text);
        }
        boss.patch(&format!("/records/room/{room}"), json!({"parent": word})).await.refused(422, "invalid");
    }
    assert_eq!(site.content().await, before);
}

/// 34 · statements in the parts of an address, a place, free JSON
async fn hostile_text_in_structured_values_is_a_value(database: Database) {
    let site = Site::with(database, "tests/packs/lab").await;
    let boss = site.person("boss", &["administrator"]).await;
    for word in HOSTILE.into_iter().filter(|word| !word.contains('\0')) {
        let record = json!({"name": "One", "notes": word, "address": {"city": word, "street": word}, "extra": {word: [word, {word: word}]}});
        let id = boss.make("device", record).await;
        let read = boss.read("device", &id).await;
        assert_eq!((&read["notes"], &read["address"]["city"], &read["extra"][word][1][word]), (&json!(word), &json!(word), &json!(word)));
        assert_eq!(boss.find("device", &json!({"field": "notes", "op": "is", "value": word}), "name", "id").await, [json!(id)]);
        for path in ["address.city", "extra.x", "place.lat"] {
            let answer = boss.post("/records/device/query", json!({"filter": {"field": path, "op": "is", "value": word}})).await;
            assert!(answer.status.as_u16() < 500, "{path} {word}: {}", answer.text);
        }
        let answer = boss.post("/records/device/query", json!({"filter": {"field": format!("extra.{word}"), "op": "is", "value": 1}})).await;
        assert_eq!(answer.status.as_u16(), 400, "{}", answer.text);
        boss.delete(&format!("/records/device/{id}")).await.ok(204);
    }
    let bad = boss.post("/records/device", json!({"name": "One", "place": {"lat": "1; DROP TABLE c_device", "lon": 1}})).await;
    assert_eq!(bad.status.as_u16(), 422);
}
