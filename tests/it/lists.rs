//! Questions: filters over every type, paths, orders, pages, counts, totals, groups.

use serde_json::{Value, json};

use crate::{both, site::{Database, Person, Site, encoded}};

both!(every_operator_finds_what_it_says, paths_lead_through_links_and_child_rows, relative_periods, orders_and_pages, pages_hold_while_rows_are_added, counts_and_totals, groups_with_subtotals, quick_search, expansion, what_makes_no_sense_is_refused);

/// Three devices that differ in everything; the third is empty.
async fn three(site: &Site) -> (Person, [String; 2]) {
    let kim = site.person("kim", &["keeper"]).await;
    let house = kim.make("room", json!({"name": "House", "budget": "100"})).await;
    let attic = kim.make("room", json!({"name": "Attic", "parent": house, "budget": "5"})).await;
    let first = kim
        .make("device", json!({
            "name": "Alpha", "notes": "50% off_sale", "email": "a@example.com", "phone": "+1 555", "web": "https://a.example", "amount": 10, "weight": "1.5", "price": "99.95", "share": "10", "stars": 5,
            "leased": true, "bought": "2026-01-15", "opens": "08:00", "checked": "2026-03-01T12:00:00Z", "lasts": 60, "grade": "a", "tags": ["new", "hot"], "room": attic,
            "about": {"card": "room", "id": house}, "address": {"city": "Berlin", "country": "DE"}, "place": {"lat": 52.5, "lon": 13.4}, "tint": "red",
            "parts": [{"label": "Screw", "quantity": "4", "price": "0.10", "due": "2026-02-01", "kinds": ["x"]}, {"label": "Nut", "quantity": "1", "price": "5"}]
        }))
        .await;
    kim.make("device", json!({
        "name": "Beta", "notes": "plain", "email": "b@example.com", "amount": 20, "weight": "-2.25", "price": "1000000000000.01", "share": "20", "stars": 3, "leased": false, "bought": "2026-06-30",
        "opens": "17:30", "checked": "2026-06-01T00:00:00Z", "lasts": 120, "grade": "c", "tags": ["new"], "room": house, "kin": [first], "about": {"card": "device", "id": first},
        "address": {"city": "Lyon"}, "keeper": null, "parts": [{"label": "Bolt", "quantity": "2", "price": "1"}]
    }))
    .await;
    kim.make("device", json!({"name": "gamma", "bought": null, "grade": null, "keeper": null})).await;
    (kim, [house, attic])
}

fn names(found: &[Value]) -> String {
    found.iter().filter_map(Value::as_str).map(|name| name[..1].to_uppercase()).collect::<Vec<_>>().join("")
}

async fn every_operator_finds_what_it_says(database: Database) {
    let site = Site::with(database, "tests/packs/lab").await;
    let (kim, [house, attic]) = three(&site).await;
    let first = kim.find("device", &json!({"field": "name", "op": "is", "value": "Alpha"}), "name", "id").await[0].as_str().expect("an id").to_owned();
    let one = |field: &str, op: &str, value: Value| json!({"field": field, "op": op, "value": value});
    let cases: Vec<(Value, &str)> = vec![
        (one("name", "is", json!("Alpha")), "A"),
        (one("name", "is_not", json!("Alpha")), "BG"),
        (one("name", "any_of", json!(["Alpha", "gamma"])), "AG"),
        (one("name", "none_of", json!(["Alpha", "gamma"])), "B"),
        (one("name", "contains", json!("ET")), "B"),
        (one("name", "not_contains", json!("a")), ""),
        (one("name", "starts_with", json!("al")), "A"),
        (one("name", "ends_with", json!("MMA")), "G"),
        // Signs of patterns are letters like others.
        (one("notes", "contains", json!("50%")), "A"),
        (one("notes", "contains", json!("f_s")), "A"),
        (one("notes", "contains", json!("%")), "A"),
        (json!({"field": "notes", "op": "empty"}), "G"),
        (json!({"field": "notes", "op": "not_empty"}), "AB"),
        (one("notes", "not_contains", json!("plain")), "AG"),
        (one("email", "ends_with", json!("example.com")), "AB"),
        (one("amount", "gt", json!(10)), "B"),
        (one("amount", "gte", json!(10)), "AB"),
        (one("amount", "lt", json!(20)), "A"),
        (one("amount", "lte", json!(9)), ""),
        (one("amount", "between", json!([10, 15])), "A"),
        (one("amount", "is_not", json!(10)), "BG"),
        (one("weight", "lt", json!("0")), "B"),
        (one("price", "is", json!("1000000000000.01")), "B"),
        (one("price", "is_not", json!("99.95")), "BG"),
        (one("price", "between", json!(["99.95", "99.95"])), "A"),
        (one("share", "gte", json!("15")), "B"),
        (one("stars", "is", json!(3)), "B"),
        (one("leased", "is", json!(true)), "A"),
        (one("leased", "is_not", json!(true)), "BG"),
        (json!({"field": "leased", "op": "empty"}), "G"),
        (one("bought", "before", json!("2026-06-30")), "A"),
        (one("bought", "after", json!("2026-01-15")), "B"),
        (one("bought", "between", json!(["2026-01-15", "2026-06-30"])), "AB"),
        (one("opens", "gt", json!("12:00")), "B"),
        (one("checked", "before", json!("2026-06-01T00:00:00Z")), "A"),
        (one("checked", "is", json!("2026-06-01")), "B"),
        (one("lasts", "gt", json!(60)), "B"),
        (one("grade", "is", json!("a")), "A"),
        (one("grade", "any_of", json!(["a", "c"])), "AB"),
        (one("grade", "none_of", json!(["a"])), "BG"),
        (one("tags", "is", json!("hot")), "A"),
        (one("tags", "any_of", json!(["new"])), "AB"),
        (one("tags", "none_of", json!(["hot"])), "BG"),
        (json!({"field": "tags", "op": "empty"}), "G"),
        (one("room", "is", json!(attic)), "A"),
        (one("room", "under", json!(house)), "AB"),
        (one("room", "is_not", json!(attic)), "BG"),
        (json!({"not": {"field": "room", "op": "under", "value": house}}), "G"),
        (one("kin", "any_of", json!([first])), "B"),
        (json!({"field": "kin", "op": "empty"}), "AG"),
        (one("about", "is", json!({"card": "device", "id": first})), "B"),
        (json!({"field": "about", "op": "not_empty"}), "AB"),
        (one("keeper", "is", json!("@me")), "A"),
        (one("address.city", "is", json!("Berlin")), "A"),
        (one("address.city", "starts_with", json!("l")), "B"),
        (one("place.lat", "gt", json!(50)), "A"),
        (one("tint", "is", json!("red")), "A"),
        (one("owner", "is", json!("@me")), "ABG"),
        (one("parts_total", "gt", json!("5")), "A"),
        (json!({"all": []}), "ABG"),
        (json!({"any": []}), ""),
        (one("name", "any_of", json!([])), ""),
        (json!({"not": {"field": "amount", "op": "gt", "value": 10}}), "AG"),
        (json!({"any": [one("name", "is", json!("Beta")), {"not": one("grade", "is", json!("c"))}]}), "ABG"),
    ];
    for (filter, expected) in cases {
        assert_eq!(names(&kim.find("device", &filter, "name", "name").await), expected, "{filter}");
    }
}

async fn paths_lead_through_links_and_child_rows(database: Database) {
    let site = Site::with(database, "tests/packs/lab").await;
    let (kim, [house, _]) = three(&site).await;
    let cases = [
        (json!({"field": "room.name", "op": "is", "value": "Attic"}), "A"),
        (json!({"field": "room.parent.name", "op": "is", "value": "House"}), "A"),
        (json!({"field": "room.parent", "op": "empty"}), "BG"),
        (json!({"field": "parts.label", "op": "is", "value": "Nut"}), "A"),
        (json!({"field": "parts.label", "op": "is_not", "value": "Nut"}), "BG"),
        (json!({"field": "parts.quantity", "op": "gt", "value": "3"}), "A"),
        (json!({"field": "parts.kinds", "op": "any_of", "value": ["x"]}), "A"),
        (json!({"related": "parts", "has": {"all": [{"field": "label", "op": "is", "value": "Screw"}, {"field": "price", "op": "gt", "value": "1"}]}}), ""),
        (json!({"related": "parts", "has": {"field": "amount", "op": "gte", "value": "2"}}), "AB"),
        (json!({"related": "parts", "has_not": {"all": []}}), "G"),
        (json!({"related": "loan.device", "has_not": {"all": []}}), "ABG"),
        (json!({"field": "kin.name", "op": "is", "value": "Alpha"}), "B"),
        (json!({"field": "kin.room.name", "op": "is", "value": "Attic"}), "B"),
        (json!({"field": "room_budget", "op": "gt", "value": "50"}), "B"),
    ];
    for (filter, expected) in cases {
        assert_eq!(names(&kim.find("device", &filter, "name", "name").await), expected, "{filter}");
    }
    let rooms = kim.find("room", &json!({"related": "device.room", "has": {"field": "grade", "op": "is", "value": "a"}}), "name", "name").await;
    assert_eq!(rooms, [json!("Attic")]);
    let rooms = kim.find("room", &json!({"field": "parent", "op": "is", "value": house}), "name", "name").await;
    assert_eq!(rooms, [json!("Attic")]);
}

async fn relative_periods(database: Database) {
    let site = Site::with(database, "tests/packs/lab").await;
    let kim = site.person("kim", &["keeper"]).await;
    let today = chrono::Utc::now().date_naive();
    for (name, days) in [("today", 0), ("yesterday", -1), ("long ago", -800), ("soon", 2)] {
        kim.make("device", json!({"name": name, "bought": (today + chrono::TimeDelta::days(days)).to_string()})).await;
    }
    for (period, expected) in [("today", vec!["today"]), ("yesterday", vec!["yesterday"]), ("last_7_days", vec!["today", "yesterday"]), ("next_3_days", vec!["soon"])] {
        let found = kim.find("device", &json!({"field": "bought", "op": "in", "value": period}), "name", "name").await;
        let found: Vec<&str> = found.iter().filter_map(Value::as_str).collect();
        assert!(expected.iter().all(|name| found.contains(name)) && !found.contains(&"long ago"), "{period}: {found:?}");
    }
    assert_eq!(kim.find("device", &json!({"field": "created_at", "op": "in", "value": "this_year"}), "name", "name").await.len(), 4);
}

async fn orders_and_pages(database: Database) {
    let site = Site::with(database, "tests/packs/lab").await;
    let kim = site.person("kim", &["keeper"]).await;
    let room = kim.make("room", json!({"name": "B"})).await;
    for number in 0..23 {
        kim.make("device", json!({"name": format!("N{}", number % 5), "amount": if number % 4 == 0 { Value::Null } else { json!(number % 3) }, "room": if number % 2 == 0 { json!(room) } else { Value::Null }})).await;
    }
    for sort in ["name", "-name,amount", "amount,-name", "-amount", "room.name,-amount,name", "-created_at", "room", "no"] {
        let all = kim.find("device", &json!({"all": []}), sort, "no").await;
        assert_eq!(all.len(), 23);
        let (mut cursor, mut walked) = (String::new(), Vec::new());
        loop {
            let page = kim.get(&format!("/records/device?sort={sort}&limit=4&fields=no{cursor}")).await.ok(200);
            walked.extend(page["data"].as_array().expect("rows").iter().map(|row| row["no"].clone()));
            match page["next"].as_str() {
                Some(next) => cursor = format!("&cursor={}", encoded(next)),
                None => break,
            }
        }
        assert_eq!(walked, all, "{sort}");
    }
    // What is empty comes last, either way.
    for sort in ["amount", "-amount"] {
        let all = kim.find("device", &json!({"all": []}), sort, "amount").await;
        assert!(all[17..].iter().all(Value::is_null) && all[..17].iter().all(|amount| !amount.is_null()), "{sort}: {all:?}");
    }
    // The cursor of one question is no good for another.
    let page = kim.get("/records/device?sort=name&limit=2").await.ok(200);
    let next = encoded(page["next"].as_str().expect("a next page"));
    kim.get(&format!("/records/device?sort=amount&limit=2&cursor={next}")).await.refused(400, "bad_cursor");
    kim.get("/records/device?cursor=abc").await.refused(400, "bad_cursor");
}

async fn pages_hold_while_rows_are_added(database: Database) {
    let site = Site::with(database, "tests/packs/lab").await;
    let kim = site.person("kim", &["keeper"]).await;
    for number in 0..12 {
        kim.make("device", json!({"name": format!("M{number:02}")})).await;
    }
    let (mut cursor, mut walked, mut round) = (String::new(), Vec::new(), 0);
    loop {
        let page = kim.get(&format!("/records/device?sort=name&limit=3&fields=name{cursor}")).await.ok(200);
        walked.extend(page["data"].as_array().expect("rows").iter().filter_map(|row| row["name"].as_str().map(str::to_owned)));
        // Before and after where the reader stands.
        kim.make("device", json!({"name": format!("A{round}")})).await;
        round += 1;
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={}", encoded(next)),
            None => break,
        }
    }
    let old: Vec<String> = (0..12).map(|number| format!("M{number:02}")).collect();
    assert_eq!(walked, old);
}

async fn counts_and_totals(database: Database) {
    let site = Site::with(database, "tests/packs/lab").await;
    let (kim, _) = three(&site).await;
    let body = json!({"count": "exact", "totals": [
        {"field": "price", "function": "sum"}, {"field": "amount", "function": "avg"}, {"field": "amount", "function": "max"}, {"field": "weight", "function": "min"}, {"field": "grade", "function": "count"},
        {"field": "grade", "function": "count_distinct"}, {"field": "bought", "function": "min"}
    ]});
    let answer = kim.post("/records/device/query", body).await.ok(200);
    assert_eq!(answer["count"], json!({"value": 3, "exact": true}));
    let totals = &answer["totals"];
    assert_eq!(totals["price.sum"], "1000000000099.96");
    assert_eq!(totals["amount.avg"].as_str().and_then(|avg| avg.parse::<f64>().ok()), Some(15.0), "{totals}");
    assert_eq!((&totals["amount.max"], &totals["weight.min"], &totals["grade.count"], &totals["grade.count_distinct"], &totals["bought.min"]), (&json!(20), &json!("-2.250"), &json!(2), &json!(2), &json!("2026-01-15")));
    assert_eq!(kim.get("/records/device?count=none").await.ok(200).get("count"), None);
    assert_eq!(kim.get("/records/device?count=estimate").await.ok(200)["count"]["value"], 3);
    // Sums do not overflow.
    for number in 0..12 {
        kim.make("device", json!({"name": format!("Big {number}"), "price": "9999999999999.99"})).await;
    }
    let answer = kim.post("/records/device/query", json!({"filter": {"field": "name", "op": "starts_with", "value": "Big"}, "totals": [{"field": "price", "function": "sum"}]})).await.ok(200);
    assert_eq!(answer["totals"]["price.sum"], "119999999999999.88");
}

async fn groups_with_subtotals(database: Database) {
    let site = Site::with(database, "tests/packs/lab").await;
    let (kim, _) = three(&site).await;
    kim.make("device", json!({"name": "Delta", "grade": "a", "bought": "2026-01-31", "amount": 5})).await;
    let body = json!({"group_by": [{"field": "grade"}, {"field": "bought", "by": "month"}], "totals": [{"field": "amount", "function": "sum"}]});
    let answer = kim.post("/records/device/query", body).await.ok(200);
    let groups = answer["groups"].as_array().expect("groups");
    let find = |key: Value| groups.iter().find(|group| group["key"] == key).unwrap_or_else(|| panic!("no group {key} in {answer}"));
    assert_eq!((&find(json!(["a"]))["count"], &find(json!(["a"]))["totals"]["amount.sum"]), (&json!(2), &json!("15")));
    assert_eq!(find(json!(["a"]))["label"], json!(["First"]));
    assert_eq!(find(json!(["a", "2026-01-01"]))["count"], 2);
    assert_eq!(find(json!(["c", "2026-06-01"]))["totals"]["amount.sum"], "20");
    assert_eq!(find(json!([null]))["count"], 1);
    let answer = kim.post("/records/device/query", json!({"group_by": [{"field": "room"}]})).await.ok(200);
    assert!(answer["groups"].as_array().expect("groups").iter().any(|group| group["label"] == json!(["Attic"])), "{answer}");
}

async fn quick_search(database: Database) {
    let site = Site::with(database, "tests/packs/lab").await;
    let (kim, _) = three(&site).await;
    for (words, expected) in [("alp", "A"), ("ATTIC", "A"), ("attic alpha", "A"), ("attic beta", ""), ("D-0003", "G"), ("%", "")] {
        let found = kim.get(&format!("/records/device?q={}&sort=name", encoded(words))).await.ok(200);
        let found: Vec<Value> = found["data"].as_array().expect("rows").iter().map(|row| row["name"].clone()).collect();
        assert_eq!(names(&found), expected, "{words}");
    }
}

async fn expansion(database: Database) {
    let site = Site::with(database, "tests/packs/lab").await;
    let (kim, _) = three(&site).await;
    let id = kim.find("device", &json!({"field": "name", "op": "is", "value": "Beta"}), "name", "id").await[0].as_str().expect("an id").to_owned();
    let read = kim.get(&format!("/records/device/{id}?expand=room,kin")).await.ok(200);
    assert_eq!((&read["room"]["budget"], &read["room"]["title"]), (&json!("100.00"), &json!("House")));
    assert_eq!(read["kin"][0]["name"], "Alpha");
    kim.get(&format!("/records/device/{id}?expand=name")).await.refused(400, "bad_expand");
    // Child rows come with one record, and in lists only when named.
    assert_eq!(read["parts"][0]["label"], "Bolt");
    let listed = kim.get("/records/device?fields=name,room.name&sort=name").await.ok(200);
    assert_eq!(listed["data"][0], json!({"id": listed["data"][0]["id"], "name": "Alpha", "room.name": "Attic"}));
    let listed = kim.get("/records/device?fields=name,parts&sort=name").await.ok(200);
    assert_eq!(listed["data"][0]["parts"].as_array().map(Vec::len), Some(2));
}

async fn what_makes_no_sense_is_refused(database: Database) {
    let site = Site::with(database, "tests/packs/lab").await;
    let kim = site.person("kim", &["keeper"]).await;
    let deep = (0..200).fold(json!({"all": []}), |inner, _| json!({"not": inner}));
    for filter in [
        json!({"field": "nmae", "op": "is", "value": "x"}),
        json!({"field": "name", "op": "like", "value": "x"}),
        json!({"field": "amount", "op": "contains", "value": 1}),
        json!({"field": "amount", "op": "gt", "value": "many"}),
        json!({"field": "bought", "op": "is", "value": "2026-02-30"}),
        json!({"field": "bought", "op": "in", "value": "some_day"}),
        json!({"field": "grade", "op": "is", "value": "z"}),
        json!({"field": "room", "op": "is", "value": "not an id"}),
        json!({"field": "name.length", "op": "is", "value": 1}),
        json!({"field": "name"}),
        json!({"all": {}}),
        json!([]),
        json!({"related": "name", "has": {"all": []}}),
        json!({"field": "amount", "op": "between", "value": [1]}),
        json!({"field": "amount", "op": "gt", "value": 1e300}),
        deep,
    ] {
        let answer = kim.post("/records/device/query", json!({"filter": filter})).await;
        assert_eq!(answer.status.as_u16(), 400, "{filter}: {}", answer.text);
        assert!(answer.body["detail"].as_str().is_some_and(|detail| detail.len() > 10), "{}", answer.text);
    }
    for query in ["sort=nmae", "sort=tags", "fields=nmae", "limit=0", "limit=501", "limit=many", "count=maybe", "filter=%7B", "trash=all", "nonsense=1"] {
        let answer = kim.get(&format!("/records/device?{query}")).await;
        assert_eq!(answer.status.as_u16(), 400, "{query}: {}", answer.text);
    }
    // The nearest name is told.
    assert!(kim.post("/records/device/query", json!({"filter": {"field": "nmae", "op": "is", "value": "x"}})).await.text.contains("`name`"));
}
