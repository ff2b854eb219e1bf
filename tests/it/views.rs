//! Lists that people keep: who sees them, who changes them, and that they show nobody more than their rights.

use reqwest::Method;
use serde_json::{Value, json};

use crate::{both, site::{Answer, Database, Person, Site, encoded, violations}};

both!(a_list_is_kept_shared_and_put_away, only_owners_and_administrators_change_a_list, what_a_reader_may_not_see_is_not_in_a_shared_list, parameters_are_asked_and_answered, lists_that_make_no_sense_are_refused, the_address_stands_before_the_view, everybody_has_an_order_of_their_own);

const LAB: &str = "tests/packs/lab";

fn names(answer: &Value, field: &str) -> Vec<String> {
    answer["data"].as_array().expect("rows").iter().map(|row| row[field].as_str().unwrap_or_default().to_owned()).collect()
}

async fn page(person: &Person, path: &str) -> Answer {
    person.send(Method::GET, path, &[], None).await
}

async fn a_list_is_kept_shared_and_put_away(database: Database) {
    let site = Site::with(database, LAB).await;
    let (kim, cleo, zoe) = (site.person("kim", &["keeper"]).await, site.person("cleo", &["clerk"]).await, site.person("zoe", &[]).await);
    for (name, amount) in [("Alpha", 10), ("Beta", 20), ("Gamma", 30)] {
        cleo.make("device", json!({"name": name, "amount": amount})).await;
    }
    let wanted = json!({"name": "Many", "folder": "Checks", "columns": ["name", {"field": "amount", "width": 90}], "filter": {"field": "amount", "op": "gt", "value": 10}, "sort": "-amount", "totals": {"amount": "sum"}});
    let made = kim.post("/views/device", wanted).await.ok(201);
    assert_eq!((&made["origin"], &made["editable"], &made["folder"], &made["columns"][1]["width"]), (&json!("user"), &json!(true), &json!("Checks"), &json!(90)));
    let id = made["id"].as_str().expect("an id").to_owned();
    let list = |person: Person| { let id = id.clone(); async move { person.get(&format!("/records/device?view={id}")).await } };
    let rows = list(kim.clone()).await.ok(200);
    assert_eq!(names(&rows, "name"), ["Gamma", "Beta"]);
    assert!(rows["data"][0].get("notes").is_none(), "only the list's own columns");
    // What the question says itself, the list does not.
    let other = kim.post("/records/device/query", json!({"view": id, "sort": "amount", "fields": ["name", "notes"]})).await.ok(200);
    assert_eq!(names(&other, "name"), ["Beta", "Gamma"]);
    // Nobody else sees it before it is shared, and it is not told from one that is not there.
    list(cleo.clone()).await.refused(404, "not_found");
    cleo.get(&format!("/views/device/{id}")).await.refused(404, "not_found");
    assert_eq!(page(&cleo, &format!("/c/device?view={id}")).await.status, 404);
    assert!(page(&cleo, &format!("/c/device?view={id}")).await.text.contains("not shared with you"));
    zoe.get("/views/device").await.refused(404, "not_found");
    zoe.post("/views/device", json!({"name": "X"})).await.refused(404, "not_found");
    let shared = kim.patch(&format!("/views/device/{id}"), json!({"roles": ["clerk"]})).await.ok(200);
    assert_eq!((&shared["roles"], &shared["sort"]), (&json!(["clerk"]), &json!("-amount")));
    assert_eq!(names(&list(cleo.clone()).await.ok(200), "name"), ["Gamma", "Beta"]);
    assert!(names(&cleo.get("/views/device").await.ok(200), "id").contains(&id));
    // Put away and brought back.
    kim.delete(&format!("/views/device/{id}")).await.ok(204);
    list(kim.clone()).await.refused(404, "not_found");
    kim.post(&format!("/views/device/{id}/restore"), json!({})).await.ok(200);
    assert_eq!(list(cleo).await.status, 200);
    assert!(page(&kim, &format!("/c/device?view={id}")).await.text.contains("Gamma"));
}

async fn only_owners_and_administrators_change_a_list(database: Database) {
    let site = Site::with(database, LAB).await;
    let (kim, cleo, root) = (site.person("kim", &["keeper"]).await, site.person("cleo", &["clerk"]).await, site.person("root", &["administrator"]).await);
    let own = kim.post("/views/device", json!({"name": "Own"})).await.ok(201)["id"].as_str().expect("an id").to_owned();
    let shared = kim.post("/views/device", json!({"name": "Shared", "roles": ["clerk"]})).await.ok(201)["id"].as_str().expect("an id").to_owned();
    cleo.patch(&format!("/views/device/{own}"), json!({"name": "X"})).await.refused(404, "not_found");
    cleo.delete(&format!("/views/device/{own}")).await.refused(404, "not_found");
    cleo.patch(&format!("/views/device/{shared}"), json!({"name": "X"})).await.refused(403, "forbidden");
    cleo.delete(&format!("/views/device/{shared}")).await.refused(403, "forbidden");
    for path in ["save", "delete", "edit"] {
        let method = if path == "edit" { Method::GET } else { Method::POST };
        let answer = cleo.send(method, &format!("/c/device/views/{shared}/{path}"), &[("hx-request", "true")], None).await;
        assert!(matches!(answer.status.as_u16(), 403 | 404), "{path}: {}", answer.status);
    }
    // Administrators look after what is shared, and see nothing that is somebody's own.
    root.patch(&format!("/views/device/{own}"), json!({"name": "X"})).await.refused(404, "not_found");
    assert_eq!(root.patch(&format!("/views/device/{shared}"), json!({"name": "Better"})).await.ok(200)["name"], "Better");
    root.delete(&format!("/views/device/{shared}")).await.ok(204);
    cleo.post(&format!("/views/device/{shared}/restore"), json!({})).await.refused(403, "forbidden");
    assert_eq!(kim.post(&format!("/views/device/{shared}/restore"), json!({})).await.ok(200)["name"], "Better");
    // A list of one card is none of another.
    kim.get(&format!("/views/room/{shared}")).await.refused(404, "not_found");
    site.nobody().get("/views/device").await.refused(401, "unauthenticated");
}

async fn what_a_reader_may_not_see_is_not_in_a_shared_list(database: Database) {
    let site = Site::with(database, LAB).await;
    let (kim, cleo) = (site.person("kim", &["keeper"]).await, site.person("cleo", &["clerk"]).await);
    let mine = cleo.make("device", json!({"name": "Mine"})).await;
    kim.make("device", json!({"name": "Foreigner"})).await;
    kim.patch(&format!("/records/device/{mine}"), json!({"cost": "777.77"})).await.ok(200);
    let columns = kim.post("/views/device", json!({"name": "Costs", "columns": ["name", "cost"], "sort": "name", "roles": ["clerk"]})).await.ok(201)["id"].as_str().expect("an id").to_owned();
    let filter = json!({"field": "cost", "op": "gt", "value": "1"});
    let filtered = kim.post("/views/device", json!({"name": "Dear", "columns": ["name"], "filter": filter, "roles": ["clerk"]})).await.ok(201)["id"].as_str().expect("an id").to_owned();
    // Columns fall away, rows are the reader's own.
    let seen = cleo.get(&format!("/records/device?view={columns}")).await;
    assert_eq!(names(&seen.clone().ok(200), "name"), ["Mine"]);
    assert!(!seen.text.contains("cost") && !seen.text.contains("777.77"), "{}", seen.text);
    let drawn = page(&cleo, &format!("/c/device?view={columns}")).await;
    assert!(drawn.status == 200 && drawn.text.contains("Mine") && !drawn.text.contains("777.77") && !drawn.text.contains("Foreigner"));
    // A condition on what may not be read is refused in plain words, inside the list.
    cleo.get(&format!("/records/device?view={filtered}")).await.refused(403, "forbidden");
    let refused = page(&cleo, &format!("/c/device?view={filtered}")).await;
    assert!(refused.status == 403 && refused.text.contains("you may not read the field") && refused.text.contains("id=\"list\"") && !refused.text.contains("Mine</span>"), "{}", refused.text);
    for part in ["rows", "count", "totals", "views/new"] {
        let answer = page(&cleo, &format!("/c/device/{part}?view={filtered}")).await;
        assert!(!answer.text.contains("777.77"), "{part}: {}", answer.text);
    }
    assert!(!page(&cleo, &format!("/c/device/views/counts?ids={filtered},{columns}")).await.text.contains(&filtered));
    // Nobody keeps a question that they may not ask.
    cleo.post("/views/device", json!({"name": "Sly", "filter": filter})).await.refused(403, "forbidden");
    cleo.post("/views/device", json!({"name": "Sly", "columns": ["cost"]})).await.refused(403, "forbidden");
    cleo.post("/views/device", json!({"name": "Sly", "sort": "-cost"})).await.refused(403, "forbidden");
}

async fn parameters_are_asked_and_answered(database: Database) {
    let site = Site::with(database, LAB).await;
    let kim = site.person("kim", &["keeper"]).await;
    for (name, amount, grade) in [("Alpha", 10, "a"), ("Beta", 20, "b"), ("Gamma", 30, "c")] {
        kim.make("device", json!({"name": name, "amount": amount, "grade": grade})).await;
    }
    let filter = json!({"all": [{"field": "amount", "op": "gte", "value": "@param.least"}, {"field": "grade", "op": "any_of", "value": ["@param.grade"]}]});
    let parameters = json!({"least": {"labels": {"en": "At least"}}, "grade": {"optional": true}});
    let id = kim.post("/views/device", json!({"name": "Asks", "columns": ["name"], "filter": filter, "sort": "name", "parameters": parameters})).await.ok(201)["id"].as_str().expect("an id").to_owned();
    let at = format!("/records/device?view={id}");
    assert_eq!(names(&kim.get(&at).await.ok(200), "name"), Vec::<String>::new(), "what must be answered matches nothing before");
    assert_eq!(names(&kim.get(&format!("{at}&param.least=20")).await.ok(200), "name"), ["Beta", "Gamma"], "what may be left empty then does not count");
    assert_eq!(names(&kim.get(&format!("{at}&param.least=10&param.grade=a&param.grade=c")).await.ok(200), "name"), ["Alpha", "Gamma"]);
    let body = json!({"view": id, "params": {"least": 30}});
    assert_eq!(names(&kim.post("/records/device/query", body).await.ok(200), "name"), ["Gamma"]);
    kim.get(&format!("{at}&param.least=many")).await.refused(400, "bad_filter");
    kim.post("/records/device/query", json!({"view": id, "params": 3})).await.refused(400, "bad_query");
    let open = page(&kim, &format!("/c/device?view={id}")).await;
    assert!(open.status == 200 && open.text.contains("At least") && !open.text.contains("Gamma"), "{}", open.text);
    let answered = page(&kim, &format!("/c/device?view={id}&param.least=30")).await;
    assert!(answered.text.contains("Gamma") && !answered.text.contains("Beta"), "{}", answered.text);
}

async fn lists_that_make_no_sense_are_refused(database: Database) {
    let site = Site::with(database, LAB).await;
    let kim = site.person("kim", &["keeper"]).await;
    let long = "x".repeat(101);
    let refused = kim.post("/views/device", json!({"name": "", "folder": long, "roles": ["nobody_at_all"]})).await.refused(422, "invalid");
    assert_eq!(violations(&refused), ["folder max_length", "name required", "roles/0 option"], "all at once");
    let wrong = kim.post("/views/device", json!({"name": "X", "columns": ["nmae"], "filter": {"field": "amount", "op": "contains", "value": "1"}})).await.refused(400, "bad_view");
    assert!(wrong["detail"].as_str().is_some_and(|detail| detail.contains("did you mean `name`") && detail.contains("/filter/op")), "{wrong}");
    for body in [json!([]), json!({"name": 3}), json!({"name": "X", "colums": []}), json!({"name": "X", "labels": {}}), json!({"name": "X", "filter": "x"}), json!({"name": "X", "kind": "heap"})] {
        kim.post("/views/device", body).await.refused(400, "bad_view");
    }
    kim.get("/records/device?view=nonsense").await.refused(404, "not_found");
    kim.post("/views/device/0195f6a0-0000-7000-8000-000000000001/restore", json!({})).await.refused(404, "not_found");
    kim.post("/views/device/x/restore", json!({})).await.refused(404, "not_found");
    // A page says it inside the list.
    let bad = page(&kim, &format!("/c/device?filter={}", encoded("{\"field\": \"nmae\", \"op\": \"empty\"}"))).await;
    assert!(bad.status == 400 && bad.text.contains("did you mean") && bad.text.contains("id=\"list\""), "{}", bad.text);
}

async fn the_address_stands_before_the_view(database: Database) {
    let site = Site::with(database, LAB).await;
    let kim = site.person("kim", &["keeper"]).await;
    kim.make("device", json!({"name": "Alpha", "amount": 10})).await;
    kim.make("device", json!({"name": "Beta", "amount": 20})).await;
    let id = kim.post("/views/device", json!({"name": "Many", "columns": ["name"], "filter": {"field": "amount", "op": "gt", "value": 10}})).await.ok(201)["id"].as_str().expect("an id").to_owned();
    let here = format!("/c/device?view={id}");
    assert!(!page(&kim, &here).await.text.contains("view-changed"));
    let changed = page(&kim, &format!("{here}&filter={}", encoded("{\"all\": []}"))).await;
    assert!(changed.text.contains("view-changed") && changed.text.contains("Alpha"), "{}", changed.text);
    // Saved, the view is what was shown.
    let saved = kim.send(Method::POST, &format!("/c/device/views/{id}/save?sort=-name&filter={}&cols={}", encoded("{\"all\": []}"), encoded("name:300,amount")), &[], None).await;
    assert_eq!((saved.status.as_u16(), saved.header("location")), (303, here.as_str()));
    let now = kim.get(&format!("/views/device/{id}")).await.ok(200);
    assert_eq!((now.get("filter"), &now["sort"], &now["columns"]), (None, &json!("-name"), &json!([{"field": "name", "width": 300}, "amount"])));
    // Kept as another one, from a form.
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let new = kim.send(Method::POST, &format!("/c/device/views?view={id}&cols=name"), &form, Some(b"name=Other&folder=&roles=clerk&first=1".to_vec())).await;
    assert_eq!(new.status, 303, "{}", new.text);
    let other = new.header("location").rsplit('=').next().expect("an id").to_owned();
    let shown = kim.get(&format!("/views/device/{other}")).await.ok(200);
    assert_eq!((&shown["name"], &shown["roles"], &shown["columns"], &shown["default"]), (&json!("Other"), &json!(["clerk"]), &json!(["name"]), &json!(true)));
    assert!(page(&kim, "/c/device").await.text.contains(&format!("data-view=\"{other}\" aria-current=\"page\"")));
}

async fn everybody_has_an_order_of_their_own(database: Database) {
    let site = Site::with(database, LAB).await;
    let (kim, cleo) = (site.person("kim", &["keeper"]).await, site.person("cleo", &["clerk"]).await);
    let mut ids = Vec::new();
    for name in ["One", "Two", "Three"] {
        ids.push(kim.post("/views/device", json!({"name": name, "roles": ["clerk"]})).await.ok(201)["id"].as_str().expect("an id").to_owned());
    }
    let order = |person: Person| async move { names(&person.get("/views/device").await.ok(200), "name").into_iter().filter(|name| ["One", "Two", "Three"].contains(&name.as_str())).collect::<Vec<_>>() };
    let form = [("content-type", "application/x-www-form-urlencoded")];
    kim.send(Method::POST, "/c/device/views/order", &form, Some(format!("ids={},{},{}", ids[2], ids[0], ids[1]).into_bytes())).await;
    assert_eq!(order(kim.clone()).await, ["Three", "One", "Two"]);
    kim.send(Method::POST, &format!("/c/device/views/{}/move", ids[2]), &form, Some(b"by=1".to_vec())).await;
    assert_eq!(order(kim.clone()).await, ["One", "Three", "Two"]);
    assert_eq!(order(cleo.clone()).await, ["One", "Two", "Three"]);
    // Which opens first is everybody's own choice, of any list they see.
    assert_eq!(cleo.patch(&format!("/views/device/{}", ids[1]), json!({"default": true})).await.ok(200)["default"], true);
    assert_eq!(kim.get(&format!("/views/device/{}", ids[1])).await.ok(200)["default"], false);
}
