//! Who may see and do what: scopes, rights on fields, secrets, sessions.

use reqwest::Method;
use serde_json::{Value, json};

use crate::{both, imports, site::{Database, Site, encoded, violations}};

both!(scopes_admit_rows, hidden_fields_are_nowhere, fields_that_are_only_read, secrets_are_never_told, paths_are_gated_at_each_hop, sessions_and_tokens, rights_act_on_the_next_request, sign_in_is_slow_for_guessers, owners_are_assigned_by_those_who_may, rows_of_a_table_one_only_reads_stay, rows_hold_by_files_and_in_bulk);

const LAB: &str = "tests/packs/lab";

async fn scopes_admit_rows(database: Database) {
    let site = Site::with(database, LAB).await;
    let (kim, cleo, gus, zoe) = (site.person("kim", &["keeper"]).await, site.person("cleo", &["clerk"]).await, site.person("gus", &["guest"]).await, site.person("zoe", &[]).await);
    let theirs = kim.make("device", json!({"name": "Theirs", "grade": "b"})).await;
    let public = kim.make("device", json!({"name": "Public", "grade": "a"})).await;
    let mine = cleo.make("device", json!({"name": "Mine"})).await;
    let all = json!({"all": []});
    assert_eq!(cleo.find("device", &all, "name", "name").await, [json!("Mine")]);
    assert_eq!(gus.find("device", &all, "name", "name").await, [json!("Public")]);
    assert_eq!(kim.find("device", &all, "name", "name").await.len(), 3);
    // Not yours to see is not there; yours to see but not to change is forbidden.
    cleo.get(&format!("/records/device/{theirs}")).await.refused(404, "not_found");
    cleo.patch(&format!("/records/device/{theirs}"), json!({"name": "X"})).await.refused(404, "not_found");
    cleo.delete(&format!("/records/device/{theirs}")).await.refused(404, "not_found");
    cleo.get(&format!("/records/device/{theirs}/history")).await.refused(404, "not_found");
    gus.patch(&format!("/records/device/{public}"), json!({"name": "X"})).await.refused(403, "forbidden");
    gus.post("/records/device", json!({"name": "X"})).await.refused(403, "forbidden");
    gus.delete(&format!("/records/device/{public}")).await.refused(403, "forbidden");
    cleo.patch(&format!("/records/device/{mine}"), json!({"notes": "ok"})).await.ok(200);
    // A card without any grant is not there.
    for path in ["/records/device", "/records/repair", "/cards/device", "/records/nonsense"] {
        zoe.get(path).await.refused(404, "not_found");
    }
    cleo.get("/records/repair").await.refused(404, "not_found");
    assert!(!cleo.get("/cards").await.ok(200).to_string().contains("repair"));
    // Counts, totals and groups are of what may be seen.
    let answer = cleo.post("/records/device/query", json!({"count": "exact", "group_by": [{"field": "grade"}]})).await.ok(200);
    assert_eq!((&answer["count"]["value"], answer["groups"].as_array().map(Vec::len)), (&json!(1), Some(1)));
    // A record may not be moved out of what one may change.
    cleo.patch(&format!("/records/device/{mine}"), json!({"owner": kim.id})).await;
    assert_eq!(cleo.read("device", &mine).await["owner"]["id"], cleo.id.as_str());
}

async fn hidden_fields_are_nowhere(database: Database) {
    let site = Site::with(database, LAB).await;
    let (kim, cleo) = (site.person("kim", &["keeper"]).await, site.person("cleo", &["clerk"]).await);
    let id = cleo.make("device", json!({"name": "Mine"})).await;
    kim.patch(&format!("/records/device/{id}"), json!({"cost": "777.77"})).await.ok(200);
    assert_eq!(kim.read("device", &id).await["cost"], "777.77");
    let read = cleo.get(&format!("/records/device/{id}")).await;
    assert!(!read.text.contains("777.77") && !read.text.contains("\"cost\""), "{}", read.text);
    let listed = cleo.get("/records/device").await;
    assert!(!listed.text.contains("777.77"), "{}", listed.text);
    // Naming it is refused before anything runs.
    let filter = json!({"field": "cost", "op": "gt", "value": "1"});
    for body in [
        json!({"filter": filter}), json!({"filter": {"not": filter}}), json!({"sort": "cost"}), json!({"fields": ["cost"]}), json!({"group_by": [{"field": "cost"}]}),
        json!({"totals": [{"field": "cost", "function": "sum"}]}), json!({"filter": {"field": "kin.cost", "op": "gt", "value": "1"}}),
    ] {
        cleo.post("/records/device/query", body).await.refused(403, "forbidden");
    }
    cleo.patch(&format!("/records/device/{id}"), json!({"cost": "1"})).await.refused(422, "invalid");
    assert_eq!(kim.read("device", &id).await["cost"], "777.77");
    let history = cleo.get(&format!("/records/device/{id}/history")).await;
    assert!(!history.text.contains("777.77") && !history.text.contains("\"cost\""), "{}", history.text);
    assert!(!cleo.get("/cards/device").await.text.contains("\"cost\""));
    assert!(!cleo.get("/openapi.json").await.text.contains("\"cost\""));
    assert!(kim.get("/openapi.json").await.text.contains("\"cost\""));
    // A conflict tells nothing of it either.
    let version = cleo.read("device", &id).await["version"].as_i64().expect("a version");
    kim.patch(&format!("/records/device/{id}"), json!({"cost": "888.88", "name": "Theirs"})).await.ok(200);
    let stale = cleo.patch(&format!("/records/device/{id}"), json!({"version": version, "name": "Mine again"})).await;
    assert!(stale.status.as_u16() == 412 && !stale.text.contains("888.88"), "{}", stale.text);
    // Totals that rest on it are computed for all, and shown by their own right.
    assert_eq!(cleo.read("device", &id).await["worth"], "0.00");
}

async fn fields_that_are_only_read(database: Database) {
    let site = Site::with(database, LAB).await;
    let (kim, cleo) = (site.person("kim", &["keeper"]).await, site.person("cleo", &["clerk"]).await);
    let problem = cleo.post("/records/device", json!({"name": "Mine", "price": "1", "worth": "5", "no": "D-7"})).await.refused(422, "invalid");
    let found = violations(&problem);
    assert!(["no read_only", "price forbidden", "worth read_only"].iter().all(|wanted| found.iter().any(|line| line == wanted)), "{found:?}");
    let id = cleo.make("device", json!({"name": "Mine"})).await;
    kim.patch(&format!("/records/device/{id}"), json!({"price": "12"})).await.ok(200);
    assert_eq!(cleo.read("device", &id).await["price"], "12.00");
    let problem = cleo.patch(&format!("/records/device/{id}"), json!({"price": "1", "name": "Changed"})).await.refused(422, "invalid");
    assert_eq!(violations(&problem), ["price forbidden"]);
    assert_eq!(kim.read("device", &id).await["name"], "Mine");
    // Sent as it is, it is no change.
    cleo.patch(&format!("/records/device/{id}"), json!({"price": "12.00", "name": "Changed"})).await.ok(200);
    // What was read may be sent back; what is the engine's own stays.
    let read = cleo.read("device", &id).await;
    let mut sent = read.clone();
    sent["created_at"] = json!("2020-01-01T00:00:00Z");
    sent["site"] = json!("elsewhere");
    assert_eq!(cleo.patch(&format!("/records/device/{id}"), sent).await.ok(200), read);
}

async fn secrets_are_never_told(database: Database) {
    let site = Site::with(database, LAB).await;
    let kim = site.person("kim", &["keeper"]).await;
    let boss = site.person("boss", &["administrator"]).await;
    let id = kim.make("device", json!({"name": "Safe", "pin": "s3cr3t-pin"})).await;
    assert_eq!(site.number("SELECT count(*) FROM c_device WHERE f_pin = 's3cr3t-pin'").await, 1);
    for person in [&kim, &boss] {
        for path in [format!("/records/device/{id}"), format!("/records/device/{id}/history"), "/records/device".into(), format!("/records/device?q={}", encoded("s3cr3t"))] {
            let answer = person.get(&path).await;
            assert!(!answer.text.contains("s3cr3t"), "{path}: {}", answer.text);
        }
        for body in [json!({"filter": {"field": "pin", "op": "starts_with", "value": "s"}}), json!({"sort": "pin"}), json!({"fields": ["pin"]}), json!({"group_by": [{"field": "pin"}]}), json!({"totals": [{"field": "pin", "function": "max"}]})] {
            let answer = person.post("/records/device/query", body.clone()).await;
            assert!([400, 403].contains(&answer.status.as_u16()) && !answer.text.contains("s3cr3t"), "{body}: {}", answer.text);
        }
    }
}

async fn paths_are_gated_at_each_hop(database: Database) {
    let site = Site::with(database, LAB).await;
    let (kim, cleo) = (site.person("kim", &["keeper"]).await, site.person("cleo", &["clerk"]).await);
    let room = kim.make("room", json!({"name": "Vault", "budget": "123456"})).await;
    let hidden = kim.make("device", json!({"name": "Hidden", "price": "1"})).await;
    let mine = cleo.make("device", json!({"name": "Mine", "room": room})).await;
    kim.patch(&format!("/records/device/{mine}"), json!({"kin": [hidden], "about": {"card": "device", "id": hidden}})).await.ok(200);
    let read = cleo.read("device", &mine).await;
    // The room may be seen, its budget not; the linked device is a link without a name.
    assert_eq!(read["room"]["title"], "Vault");
    assert!(read.get("room_budget").is_none_or(Value::is_null), "{}", read["room_budget"]);
    assert_eq!(read["kin"], json!([{"id": hidden, "title": null}]));
    assert_eq!(read["about"]["title"], Value::Null);
    for filter in [json!({"field": "room.budget", "op": "gt", "value": "1"}), json!({"field": "room_budget", "op": "gt", "value": "1"})] {
        cleo.post("/records/device/query", json!({"filter": filter})).await.refused(403, "forbidden");
    }
    let expanded = cleo.get(&format!("/records/device/{mine}?expand=room,kin")).await;
    assert!(!expanded.text.contains("123456") && !expanded.text.contains("Hidden"), "{}", expanded.text);
    // Behind a record that may not be seen everything is empty.
    assert!(cleo.find("device", &json!({"field": "kin.name", "op": "is", "value": "Hidden"}), "name", "name").await.is_empty());
    assert!(cleo.find("device", &json!({"field": "kin.price", "op": "not_empty"}), "name", "name").await.is_empty());
    // A related card without a grant cannot be asked about.
    let answer = cleo.post("/records/device/query", json!({"filter": {"related": "repair.device", "has": {"field": "text", "op": "contains", "value": "x"}}})).await;
    assert!([403, 400, 404].contains(&answer.status.as_u16()), "{}", answer.text);
}

async fn sessions_and_tokens(database: Database) {
    let site = Site::with(database, LAB).await;
    let kim = site.person("kim", &["keeper"]).await;
    let nobody = site.nobody();
    for path in ["/records/device", "/cards", "/openapi.json", "/files/00000000-0000-7000-8000-000000000000"] {
        nobody.get(path).await.refused(401, "unauthenticated");
    }
    let mut forged = kim.clone();
    forged.token = Some("not-a-token".into());
    forged.get("/records/device").await.refused(401, "unauthenticated");
    // The password page gives a cookie that scripts cannot read, and that other sites cannot use.
    let form = b"name=KIM&password=a+good+password&next=%2F".to_vec();
    let headers = [("content-type", "application/x-www-form-urlencoded"), ("sec-fetch-site", "same-origin")];
    let answer = nobody.send(Method::POST, "/login", &headers, Some(form.clone())).await;
    let cookies: Vec<String> = answer.headers.get_all("set-cookie").iter().filter_map(|value| value.to_str().ok().map(str::to_owned)).collect();
    let session = cookies.iter().find(|cookie| cookie.contains("session=")).expect("a session");
    assert!(session.contains("HttpOnly") && session.contains("SameSite=") && session.contains("Path=/"), "{session}");
    let crossed = nobody.send(Method::POST, "/login", &[headers[0], ("sec-fetch-site", "cross-site")], Some(form)).await;
    assert_eq!(crossed.status.as_u16(), 403, "{}", crossed.text);
    let cookie = session.split(';').next().expect("a pair").to_owned();
    let with = |extra: Vec<(&'static str, String)>| {
        let mut all = vec![("cookie".to_owned(), cookie.clone()), ("content-type".to_owned(), "application/json".to_owned())];
        all.extend(extra.into_iter().map(|(name, value)| (name.to_owned(), value)));
        all
    };
    let send = async |method: Method, path: &str, headers: Vec<(String, String)>, body: Option<Vec<u8>>| {
        let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        nobody.send(method, path, &headers, body).await
    };
    send(Method::GET, "/api/v1/records/device", with(vec![]), None).await.ok(200);
    // A page of another site cannot write with it.
    let body = json!({"name": "Forged"}).to_string().into_bytes();
    for extra in [vec![("sec-fetch-site", "cross-site".to_owned())], vec![("origin", "https://evil.example".to_owned())]] {
        let answer = send(Method::POST, "/api/v1/records/device", with(extra.clone()), Some(body.clone())).await;
        assert_eq!(answer.status.as_u16(), 403, "{extra:?}: {}", answer.text);
    }
    assert_eq!(site.number("SELECT count(*) FROM c_device").await, 0);
    // Signing out ends it.
    send(Method::POST, "/logout", with(vec![("sec-fetch-site", "same-origin".to_owned())]), Some(Vec::new())).await;
    send(Method::GET, "/api/v1/records/device", with(vec![]), None).await.refused(401, "unauthenticated");
    // What is kept cannot be used to sign in.
    assert_eq!(site.number("SELECT count(*) FROM sys_user WHERE password LIKE '$argon2id$%'").await, 1);
}

async fn rights_act_on_the_next_request(database: Database) {
    let site = Site::with(database, LAB).await;
    let cleo = site.person("cleo", &["clerk"]).await;
    cleo.get("/records/device").await.ok(200);
    app::accounts::set_active(&site.app, cleo.id.parse().expect("an id"), false).await.expect("done");
    cleo.get("/records/device").await.refused(401, "unauthenticated");
}

async fn sign_in_is_slow_for_guessers(database: Database) {
    let site = Site::with(database, LAB).await;
    site.person("kim", &["keeper"]).await;
    let nobody = site.nobody();
    let mut last = 0;
    for round in 0..12 {
        let form = format!("name=kim&password=guess+number+{round}&next=%2F").into_bytes();
        let answer = nobody.send(Method::POST, "/login", &[("content-type", "application/x-www-form-urlencoded"), ("sec-fetch-site", "same-origin")], Some(form)).await;
        last = answer.status.as_u16();
        if last == 429 {
            assert!(answer.header("retry-after").parse::<u64>().is_ok_and(|seconds| seconds > 0));
            break;
        }
    }
    assert_eq!(last, 429);
}

async fn owners_are_assigned_by_those_who_may(database: Database) {
    let site = Site::with(database, LAB).await;
    let (kim, cleo) = (site.person("kim", &["keeper"]).await, site.person("cleo", &["clerk"]).await);
    let id = cleo.make("device", json!({"name": "Mine"})).await;
    let problem = cleo.patch(&format!("/records/device/{id}"), json!({"owner": kim.id})).await.refused(422, "invalid");
    assert_eq!(violations(&problem), ["owner forbidden"]);
    cleo.post("/records/device", json!({"name": "For another", "owner": kim.id})).await.refused(422, "invalid");
    kim.patch(&format!("/records/device/{id}"), json!({"owner": kim.id})).await.ok(200);
    cleo.get(&format!("/records/device/{id}")).await.refused(404, "not_found");
}

/// The lab, with groups that only read the rows of a table, do not see them, or change one field of them.
async fn rowed(database: Database) -> Site {
    let mut files = crate::site::pack(LAB);
    let only = |right: &str, label: &str| json!({"parts.label": label, "parts.of": right, "parts.quantity": right, "parts.price": right, "parts.due": right, "parts.kinds": right});
    for (key, fields) in [("reader", only("read", "read")), ("blind", only("none", "none")), ("some", only("read", "edit"))] {
        let role = json!({"key": key, "grants": [{"card": "device", "actions": ["read", "create", "update", "bulk", "import"], "fields": fields}]});
        files.insert(format!("roles/{key}.json"), role.to_string().into_bytes());
    }
    Site::of(database, vec![files]).await
}

async fn rows_of_a_table_one_only_reads_stay(database: Database) {
    let site = rowed(database).await;
    let kim = site.person("kim", &["keeper"]).await;
    let id = kim.make("device", json!({"name": "Whole", "parts": [{"label": "A", "quantity": "1"}, {"label": "B", "quantity": "2"}]})).await;
    let rows = kim.read("device", &id).await["parts"].clone();
    let first = rows[0]["id"].clone();
    for role in ["reader", "blind"] {
        let eve = site.person(role, &[role]).await;
        for body in [json!({"parts": []}), json!({"parts": {"remove": [first]}}), json!({"name": "Changed", "parts": [{"id": rows[1]["id"]}]})] {
            let problem = eve.patch(&format!("/records/device/{id}"), body.clone()).await.refused(422, "invalid");
            assert!(violations(&problem).iter().all(|line| line.starts_with("parts") && line.ends_with("forbidden")), "{body}: {problem}");
        }
        let batch = eve.post("/records/device/batch", json!({"items": [{"op": "update", "id": id, "record": {"parts": []}}]})).await.ok(200);
        assert_eq!(batch["data"][0]["status"], 422, "{batch}");
        let answer = eve.send(Method::POST, &format!("/c/device/{id}"), &FORM, Some(without_first(&rows))).await;
        assert!(answer.status.as_u16() < 500, "{}", answer.text);
        // What else they may change they change, and the rows stay.
        eve.patch(&format!("/records/device/{id}"), json!({"notes": role})).await.ok(200);
        assert_eq!(kim.read("device", &id).await["parts"].as_array().map(Vec::len), Some(2), "{role}");
    }
    // The same by those who may change something of a row: by the form, and by the API.
    let other = kim.make("device", json!({"name": "Whole", "parts": [{"label": "A", "quantity": "1"}, {"label": "B", "quantity": "2"}]})).await;
    let others = kim.read("device", &other).await["parts"].clone();
    kim.send(Method::POST, &format!("/c/device/{other}"), &FORM, Some(without_first(&others))).await;
    assert_eq!(kim.read("device", &other).await["parts"].as_array().map(Vec::len), Some(1), "the form takes a row away");
    let some = site.person("some", &["some"]).await;
    some.patch(&format!("/records/device/{id}"), json!({"parts": {"remove": [first]}})).await.ok(200);
    assert_eq!(kim.read("device", &id).await["parts"].as_array().map(Vec::len), Some(1));
}

/// By files and by changes of many, as by the form and the API.
async fn rows_hold_by_files_and_in_bulk(database: Database) {
    imports::reader();
    let site = rowed(database).await;
    let kim = site.person("kim", &["keeper"]).await;
    let id = kim.make("device", json!({"name": "Whole", "parts": [{"label": "A", "quantity": "1"}, {"label": "B", "quantity": "2"}]})).await;
    let before = kim.read("device", &id).await;
    let no = before["no"].as_str().expect("a number").to_owned();
    let column = |name: &str, field: &str| json!({"column": name, "field": field});
    let settings = |columns: &[Value]| {
        let all: Vec<Value> = std::iter::once(column("no", "no")).chain(columns.iter().cloned()).collect();
        json!({"mode": "update", "key": "no", "columns": all})
    };
    let path = "/records/device/import";
    for role in ["reader", "blind"] {
        let eve = site.person(role, &[role]).await;
        // A column that becomes a field of those rows is refused before a row is read, however many there are.
        for (file, columns) in [
            (format!("no,label\n{no},A\n"), vec![column("label", "parts.label")]),
            (format!("no,n\n{no},7\n"), vec![column("n", "parts.quantity")]),
            (format!("no,label,n\n{no},,\n"), vec![column("label", "parts.label"), column("n", "parts.quantity")]),
        ] {
            let refused = imports::send(&eve, path, file.as_bytes(), &settings(&columns)).await.refused(400, "bad_mapping");
            assert!(refused["detail"].as_str().is_some_and(|detail| detail.contains("not yours to change")), "{role}: {refused}");
        }
        // Without such a column the rows stay as they are.
        let done = imports::import(&site, &eve, "device", &format!("no,notes\n{no},by {role}\n"), settings(&[column("notes", "notes")])).await;
        assert_eq!(imports::counts(&done), (0, 1, 0, 0), "{role}: {done}");
        // Guessed by its headings, it fills what they may change, and the rows of a new record are none.
        let made = imports::import(&site, &eve, "device", &format!("name,parts.label,parts.quantity\nMade by {role},A,1\n"), json!({})).await;
        assert_eq!(imports::counts(&made), (1, 0, 0, 0), "{role}: {made}");
        let new = kim.find("device", &json!({"field": "name", "op": "is", "value": format!("Made by {role}")}), "name", "id").await[0].as_str().expect("an id").to_owned();
        assert_eq!(kim.read("device", &new).await["parts"].as_array().map(Vec::len), Some(0));
        for field in ["parts", "parts.label", "parts.quantity"] {
            for op in ["set", "clear", "remove"] {
                let body = json!({"action": "edit", "fields": [{"field": field, "op": op, "value": []}], "ids": [id]});
                let answer = eve.post("/records/device/bulk", body).await;
                // Rows as a whole are each record's answer; their fields are none of the card's.
                let told: Value = serde_json::from_str(&answer.text).expect("JSON");
                assert!(answer.status.is_client_error() || told["batch"]["changed"] == 0, "{role} {field} {op}: {told}");
            }
        }
        eve.post("/records/device/bulk", json!({"action": "edit", "fields": [{"field": "notes", "value": "many"}], "ids": [id]})).await.ok(200);
        assert_eq!(kim.read("device", &id).await["parts"], before["parts"], "{role}");
    }
    // Who may change one field of a row changes that one, and takes rows away by leaving them out.
    let some = site.person("some", &["some"]).await;
    imports::send(&some, path, format!("no,n\n{no},7\n").as_bytes(), &settings(&[column("n", "parts.quantity")])).await.refused(400, "bad_mapping");
    let done = imports::import(&site, &some, "device", &format!("no,label\n{no},Z\n"), settings(&[column("label", "parts.label")])).await;
    assert_eq!(imports::counts(&done), (0, 1, 0, 0), "{done}");
    let after = kim.read("device", &id).await["parts"].clone();
    assert_eq!((after.as_array().map(Vec::len), &after[0]["id"], &after[0]["label"], &after[0]["quantity"]), (Some(1), &before["parts"][0]["id"], &json!("Z"), &before["parts"][0]["quantity"]), "{after}");
}

const FORM: [(&str, &str); 2] = [("content-type", "application/x-www-form-urlencoded"), ("sec-fetch-site", "same-origin")];

/// A form that started from two rows and has only the second.
fn without_first(rows: &Value) -> Vec<u8> {
    let (first, second) = (rows[0]["id"].as_str().expect("an id"), rows[1]["id"].as_str().expect("an id"));
    let row = |number: u32, id: &str, label: &str| format!("c.parts.{number}.id={id}&c.parts.{number}.label={label}&c.parts.{number}.quantity={number}");
    let was = [row(1, first, "A"), row(2, second, "B")].map(|row| format!("was.{}", row.replace('&', "&was."))).join("&");
    format!("version=1&f.name=Whole&was.f.name=Whole&{was}&{}", row(2, second, "B")).into_bytes()
}
