//! Approvals: an application goes from one who decides to the next, whoever leaves, and whatever is published meanwhile.

use app::{accounts, flows::approvals};
use chrono::{TimeDelta, Utc};
use serde_json::{Value, json};

use crate::{both, site::{Answer, Database, Person, Site, pack, violations}};

const WORKS: &str = "tests/packs/works";

both!(
    an_application_goes_its_way, rejected_it_goes_back, nobody_decides_on_their_own, it_is_handed_on_and_shared, who_leaves_is_stood_in_for, what_waits_too_long_goes_up,
    of_two_who_decide_one_wins, it_is_finished_by_the_flow_it_began_under, withdrawn_it_waits_for_nobody, many_are_decided_at_once, what_is_sent_wrong_is_told, pages_show_it
);

/// A small company: units above each other, each with a head, and people in them.
struct Company {
    site: Site,
    /// In the lower unit; its head; the head of the unit above; two clerks; who may do everything.
    wu: Person,
    li: Person,
    bo: Person,
    cy: Person,
    ca: Person,
    root: Person,
}

async fn company(database: Database) -> Company {
    let site = Site::with(database, WORKS).await;
    let root = site.person("root", &["administrator"]).await;
    let (wu, li) = (site.person("wu", &["worker"]).await, site.person("li", &["worker"]).await);
    let bo = site.person("bo", &["worker", "boss"]).await;
    let (cy, ca) = (site.person("cy", &["clerk"]).await, site.person("ca", &["clerk"]).await);
    let top = root.make("unit", json!({"name": "Top"})).await;
    let low = root.make("unit", json!({"name": "Low", "above": top})).await;
    for (person, unit) in [(&wu, &low), (&li, &low), (&bo, &top)] {
        let name = if person.id == wu.id { "Wu" } else if person.id == li.id { "Li" } else { "Bo" };
        let made = root.make("person", json!({"name": name, "unit": unit, "account": person.id})).await;
        let leads = if name == "Li" { &low } else { &top };
        if name != "Wu" {
            root.patch(&format!("/records/unit/{leads}"), json!({"head": made})).await.ok(200);
        }
    }
    Company { site, wu, li, bo, cy, ca, root }
}

async fn ask(person: &Person, transition: &str, record: Value) -> String {
    let id = person.make("leave", record).await;
    person.post(&format!("/records/leave/{id}/transitions/{transition}"), json!({})).await.ok(202);
    id
}

/// The tasks that wait for somebody, by what they are about.
async fn waiting(person: &Person) -> Vec<(String, String)> {
    let told = person.get("/approvals").await.ok(200);
    told["data"].as_array().expect("tasks").iter().map(|one| (one["title"].as_str().unwrap_or("?").to_owned(), one["task"]["id"].as_str().expect("an id").to_owned())).collect()
}

/// Where somebody decides about something.
async fn task(person: &Person, title: &str) -> String {
    let tasks = waiting(person).await;
    let (_, task) = tasks.iter().find(|(known, _)| known == title).unwrap_or_else(|| panic!("nothing called {title} waits: {tasks:?}"));
    format!("/approvals/{task}")
}

async fn decide(person: &Person, title: &str, body: Value) -> Answer {
    let task = task(person, title).await;
    person.post(&task, body).await
}

async fn titles(person: &Person) -> Vec<String> {
    waiting(person).await.into_iter().map(|(title, _)| title).collect()
}

/// The steps of a record's latest application: label, state.
async fn steps(person: &Person, id: &str) -> Vec<String> {
    let told = person.get(&format!("/records/leave/{id}/approvals")).await.ok(200);
    told["data"][0]["steps"].as_array().expect("steps").iter().map(|step| format!("{} {}", step["label"].as_str().unwrap_or("?"), step["state"].as_str().unwrap_or("?"))).collect()
}

async fn state(person: &Person, id: &str) -> Value {
    person.read("leave", id).await["state"].clone()
}

async fn an_application_goes_its_way(database: Database) {
    let it = company(database).await;
    let id = ask(&it.wu, "ask", json!({"why": "Sea", "days": 10})).await;
    assert_eq!(state(&it.wu, &id).await, "asked");
    assert_eq!((titles(&it.li).await, titles(&it.bo).await, titles(&it.cy).await), (vec!["Sea".into()], vec![], vec![]));
    assert_eq!(steps(&it.wu, &id).await, ["Manager open", "Cover left_out", "Clerks, Bosses coming", "Head of the unit left_out"]);
    // Those who decide see what was asked for: it stays so.
    let locked = it.wu.patch(&format!("/records/leave/{id}"), json!({"days": 30, "note": "n"})).await.refused(422, "invalid");
    assert!(violations(&locked).iter().all(|one| one.starts_with("days ")), "{locked}");
    it.wu.patch(&format!("/records/leave/{id}"), json!({"note": "n"})).await.ok(200);
    it.wu.delete(&format!("/records/leave/{id}")).await.refused(409, "locked");
    it.bo.post(&format!("/records/leave/{id}/transitions/ask"), json!({})).await.refused(409, "approval_running");
    let done = decide(&it.li, "Sea", json!({"decision": "approve", "opinion": "enjoy"})).await.ok(200);
    assert_eq!(done["state"], "running");
    assert_eq!((titles(&it.li).await, titles(&it.cy).await, titles(&it.ca).await, titles(&it.bo).await), (Vec::<String>::new(), vec!["Sea".to_owned()], vec!["Sea".to_owned()], vec!["Sea".to_owned()]));
    let done = decide(&it.ca, "Sea", json!({"decision": "approve"})).await.ok(200);
    assert_eq!(done["state"], "approved");
    assert_eq!(state(&it.wu, &id).await, "granted");
    assert!(titles(&it.cy).await.is_empty() && titles(&it.bo).await.is_empty(), "one was enough");
    let way = it.wu.get(&format!("/records/leave/{id}/approvals")).await.ok(200);
    let first = &way["data"][0]["steps"][0]["tasks"][0];
    assert_eq!((&first["decided_by"]["title"], &first["opinion"], &first["state"]), (&json!("li"), &json!("enjoy"), &json!("approved")), "{way}");
    let mine = it.wu.get("/applications").await.ok(200);
    assert_eq!((&mine["data"][0]["title"], &mine["data"][0]["state"]), (&json!("Sea"), &json!("approved")));
    let decided = it.li.get("/approvals?state=decided").await.ok(200);
    assert_eq!(decided["data"][0]["title"], "Sea");
    let stages = it.wu.get(&format!("/records/leave/{id}/states")).await.ok(200);
    let went: Vec<&str> = stages["data"].as_array().expect("stages").iter().filter_map(|one| one["to"].as_str()).collect();
    assert_eq!(went, ["granted", "asked"]);
    // Where no step applies nobody is asked.
    let free = it.wu.make("leave", json!({"why": "Short", "days": 1})).await;
    let taken = it.wu.post(&format!("/records/leave/{free}/transitions/free"), json!({})).await.ok(200);
    assert_eq!(taken["state"], "granted");
}

async fn rejected_it_goes_back(database: Database) {
    let it = company(database).await;
    let id = ask(&it.wu, "ask", json!({"why": "Sea", "days": 10})).await;
    let refused = decide(&it.li, "Sea", json!({"decision": "reject"})).await.refused(422, "invalid");
    assert_eq!(violations(&refused), ["opinion required"]);
    decide(&it.li, "Sea", json!({"decision": "approve"})).await.ok(200);
    // Back to an earlier step, which is asked again.
    decide(&it.cy, "Sea", json!({"decision": "reject", "to": 2, "opinion": "x"})).await.refused(400, "bad_decision");
    decide(&it.cy, "Sea", json!({"decision": "reject", "to": 0, "opinion": "ask Li again"})).await.ok(200);
    assert_eq!((titles(&it.li).await, titles(&it.ca).await.len()), (vec!["Sea".to_owned()], 0));
    assert_eq!(steps(&it.wu, &id).await[..3], ["Manager done", "Clerks, Bosses done", "Manager open"]);
    let told = it.li.get("/notices").await.ok(200);
    assert_eq!((&told["data"][0]["kind"], &told["data"][0]["word"], &told["data"][0]["record"]["title"]), (&json!("approval"), &json!("waits"), &json!("Sea")), "{told}");
    // Back to whoever applied: it ends, and can be changed and asked for again.
    let done = decide(&it.li, "Sea", json!({"decision": "reject", "opinion": "too long"})).await.ok(200);
    assert_eq!((&done["state"], state(&it.wu, &id).await), (&json!("rejected"), json!("refused")));
    let told = it.wu.get("/notices").await.ok(200);
    assert_eq!((&told["data"][0]["kind"], &told["data"][0]["word"], &told["data"][0]["by"]["title"]), (&json!("decision"), &json!("rejected"), &json!("li")), "{told}");
    it.wu.patch(&format!("/records/leave/{id}"), json!({"days": 2})).await.ok(200);
    it.wu.post(&format!("/records/leave/{id}/transitions/ask"), json!({})).await.ok(202);
    decide(&it.li, "Sea", json!({"decision": "approve"})).await.ok(200);
    assert_eq!(state(&it.wu, &id).await, "granted", "two days need no clerk");
    assert_eq!(it.wu.get(&format!("/records/leave/{id}/approvals")).await.ok(200)["data"].as_array().map(Vec::len), Some(2));
}

async fn nobody_decides_on_their_own(database: Database) {
    let it = company(database).await;
    // The head of a unit applies: the next one up decides.
    ask(&it.li, "ask", json!({"why": "Hills", "days": 1})).await;
    assert_eq!((titles(&it.li).await, titles(&it.bo).await), (Vec::<String>::new(), vec!["Hills".to_owned()]));
    // Nobody stands above: administrators do.
    ask(&it.bo, "ask", json!({"why": "Moon", "days": 1})).await;
    assert_eq!((titles(&it.bo).await, titles(&it.root).await), (vec!["Hills".to_owned()], vec!["Moon".to_owned()]));
    // A member of a group that is asked decides on what others asked for, not on their own.
    decide(&it.root, "Moon", json!({"decision": "approve"})).await.ok(200);
    ask(&it.bo, "ask", json!({"why": "Mars", "days": 10})).await;
    decide(&it.root, "Mars", json!({"decision": "approve"})).await.ok(200);
    assert!(!titles(&it.bo).await.contains(&"Mars".to_owned()) && titles(&it.cy).await.contains(&"Mars".to_owned()));
    // A cover who is the applicant.
    let own = it.wu.make("leave", json!({"why": "Cover", "days": 1, "cover": it.wu.id})).await;
    it.wu.post(&format!("/records/leave/{own}/transitions/ask"), json!({})).await.ok(202);
    decide(&it.li, "Cover", json!({"decision": "approve"})).await.ok(200);
    assert_eq!((titles(&it.wu).await, titles(&it.li).await), (Vec::<String>::new(), vec!["Cover".to_owned()]));
    // Unless the flow says so.
    let own = ask(&it.wu, "quick", json!({"why": "Own", "days": 1})).await;
    assert_eq!(state(&it.wu, &own).await, "draft");
    it.wu.patch(&format!("/records/leave/{own}"), json!({"days": 2})).await.refused(422, "invalid");
    decide(&it.wu, "Own", json!({"decision": "approve"})).await.ok(200);
    assert_eq!(state(&it.wu, &own).await, "granted");
}

async fn it_is_handed_on_and_shared(database: Database) {
    let it = company(database).await;
    let id = ask(&it.wu, "ask", json!({"why": "Sea", "days": 1})).await;
    decide(&it.li, "Sea", json!({"decision": "delegate", "user": it.wu.id})).await.refused(409, "own_application");
    decide(&it.li, "Sea", json!({"decision": "delegate", "user": "01930000-0000-7000-8000-00000000dead"})).await.refused(422, "invalid");
    decide(&it.li, "Sea", json!({"decision": "delegate", "user": it.bo.id, "opinion": "yours"})).await.ok(200);
    assert_eq!((titles(&it.li).await, titles(&it.bo).await), (Vec::<String>::new(), vec!["Sea".to_owned()]));
    decide(&it.bo, "Sea", json!({"decision": "add", "user": it.cy.id})).await.ok(200);
    decide(&it.bo, "Sea", json!({"decision": "add", "user": it.cy.id})).await.refused(409, "asked_already");
    decide(&it.bo, "Sea", json!({"decision": "approve"})).await.ok(200);
    assert_eq!(state(&it.wu, &id).await, "asked", "who was added decides too");
    decide(&it.cy, "Sea", json!({"decision": "approve"})).await.ok(200);
    assert_eq!(state(&it.wu, &id).await, "granted");
    // Who is not asked decides nothing, and learns nothing; administrators may give it to somebody else.
    ask(&it.wu, "ask", json!({"why": "Hills", "days": 1})).await;
    let (_, task) = waiting(&it.li).await.remove(0);
    it.cy.post(&format!("/approvals/{task}"), json!({"decision": "approve"})).await.refused(404, "not_found");
    it.root.post(&format!("/approvals/{task}"), json!({"decision": "approve"})).await.refused(404, "not_found");
    it.root.post(&format!("/approvals/{task}"), json!({"decision": "delegate", "user": it.bo.id})).await.ok(200);
    assert_eq!(titles(&it.bo).await, ["Hills"]);
}

async fn who_leaves_is_stood_in_for(database: Database) {
    let it = company(database).await;
    let id = ask(&it.wu, "ask", json!({"why": "Sea", "days": 1})).await;
    let user = |person: &Person| uuid::Uuid::try_parse(&person.id).expect("an id");
    accounts::set_active(&it.site.app, user(&it.li), false).await.expect("left");
    assert_eq!(titles(&it.bo).await, ["Sea"], "at once, without waiting for a look");
    decide(&it.bo, "Sea", json!({"decision": "approve"})).await.ok(200);
    assert_eq!(state(&it.wu, &id).await, "granted");
    // Who comes later is not asked of who is not there.
    ask(&it.wu, "ask", json!({"why": "Hills", "days": 1})).await;
    assert_eq!(titles(&it.bo).await, ["Hills"]);
    accounts::set_active(&it.site.app, user(&it.bo), false).await.expect("left");
    assert_eq!(titles(&it.root).await, ["Hills"], "nobody is left above: administrators");
    let way = it.wu.get("/applications").await.ok(200);
    assert_eq!(way["data"][0]["state"], "running");
}

async fn what_waits_too_long_goes_up(database: Database) {
    let it = company(database).await;
    ask(&it.wu, "ask", json!({"why": "Sea", "days": 1})).await;
    let look = |hours: i64| approvals::look_after(&it.site.app, Utc::now() + TimeDelta::hours(hours));
    assert_eq!(look(1).await.expect("a look"), (0, 0));
    assert_eq!(look(25).await.expect("a look"), (1, 0));
    assert_eq!(look(26).await.expect("a look"), (0, 0), "once a day");
    let told = it.li.get("/approvals").await.ok(200);
    assert_eq!(told["data"][0]["task"]["reminded"], 1);
    assert_eq!(look(73).await.expect("a look"), (0, 1));
    assert_eq!((titles(&it.li).await, titles(&it.bo).await), (Vec::<String>::new(), vec!["Sea".to_owned()]));
    decide(&it.bo, "Sea", json!({"decision": "approve"})).await.ok(200);
}

async fn of_two_who_decide_one_wins(database: Database) {
    let it = company(database).await;
    for round in 0..3 {
        let why = format!("Sea {round}");
        let id = ask(&it.wu, "ask", json!({"why": why, "days": 10})).await;
        decide(&it.li, &why, json!({"decision": "approve"})).await.ok(200);
        let (first, second) = (task(&it.cy, &why).await, task(&it.ca, &why).await);
        let (one, two) = tokio::join!(it.cy.post(&first, json!({"decision": "approve"})), it.ca.post(&second, json!({"decision": "reject", "opinion": "no"})));
        let (lost, winner) = if one.status == 200 { (two, "cy") } else { (one, "ca") };
        let told = lost.refused(409, "task_decided");
        assert!(told["detail"].as_str().is_some_and(|text| text.starts_with(winner)), "{told}");
        assert!(["granted", "refused"].contains(&state(&it.wu, &id).await.as_str().unwrap_or_default()));
    }
    // Of two who apply at once one does.
    let id = it.wu.make("leave", json!({"why": "Twice", "days": 1})).await;
    let path = format!("/records/leave/{id}/transitions/quick");
    let (one, two) = tokio::join!(it.wu.post(&path, json!({})), it.bo.post(&path, json!({})));
    let statuses = [one.status.as_u16(), two.status.as_u16()];
    assert!(statuses.contains(&202) && statuses.contains(&409), "{} {}", one.text, two.text);
}

async fn it_is_finished_by_the_flow_it_began_under(database: Database) {
    let it = company(database).await;
    let id = ask(&it.wu, "ask", json!({"why": "Sea", "days": 10})).await;
    let mut files = pack(WORKS);
    let text = String::from_utf8(files["cards/leave.json"].clone()).expect("text").replace("\"op\": \"gt\", \"value\": 5", "\"op\": \"gt\", \"value\": 500").replace("\"by\": \"manager\", \"labels\": {\"en\": \"Manager\"}", "\"by\": \"role:boss\"");
    files.insert("cards/leave.json".into(), text.into_bytes());
    let manifest = String::from_utf8(files["pack.json"].clone()).expect("text").replace("1.0.0", "1.1.0");
    files.insert("pack.json".into(), manifest.into_bytes());
    let installed = app::packs::install(&it.site.app, vec![files]).await.expect("installed");
    assert!(installed.findings.iter().all(|finding| finding.level != model::Level::Error));
    let new = ask(&it.wu, "ask", json!({"why": "Hills", "days": 10})).await;
    assert_eq!((titles(&it.li).await, titles(&it.bo).await), (vec!["Sea".to_owned()], vec!["Hills".to_owned()]), "each by its own flow");
    decide(&it.li, "Sea", json!({"decision": "approve"})).await.ok(200);
    assert_eq!(titles(&it.cy).await, ["Sea"], "the old flow asks a clerk");
    decide(&it.cy, "Sea", json!({"decision": "approve"})).await.ok(200);
    decide(&it.bo, "Hills", json!({"decision": "approve"})).await.ok(200);
    assert_eq!((state(&it.wu, &id).await, state(&it.wu, &new).await), (json!("granted"), json!("granted")));
}

async fn withdrawn_it_waits_for_nobody(database: Database) {
    let it = company(database).await;
    let id = ask(&it.wu, "ask", json!({"why": "Sea", "days": 1})).await;
    let (_, task) = waiting(&it.li).await.remove(0);
    let mine = it.wu.get("/applications").await.ok(200);
    let application = mine["data"][0]["id"].as_str().expect("an id").to_owned();
    it.li.post(&format!("/applications/{application}/withdraw"), json!({})).await.refused(404, "not_found");
    let done = it.wu.post(&format!("/applications/{application}/withdraw"), json!({})).await.ok(200);
    assert_eq!((&done["state"], state(&it.wu, &id).await), (&json!("withdrawn"), json!("draft")));
    assert!(titles(&it.li).await.is_empty());
    it.li.post(&format!("/approvals/{task}"), json!({"decision": "approve"})).await.refused(409, "task_decided");
    it.wu.post(&format!("/applications/{application}/withdraw"), json!({})).await.refused(409, "task_decided");
    it.wu.patch(&format!("/records/leave/{id}"), json!({"days": 2})).await.ok(200);
    it.wu.delete(&format!("/records/leave/{id}")).await.ok(204);
}

async fn many_are_decided_at_once(database: Database) {
    let it = company(database).await;
    for index in 0..3 {
        ask(&it.wu, "ask", json!({"why": format!("Day {index}"), "days": 1})).await;
    }
    let mut tasks: Vec<String> = waiting(&it.li).await.into_iter().map(|(_, task)| task).collect();
    tasks.push("01930000-0000-7000-8000-00000000dead".into());
    let done = it.li.post("/approvals", json!({"tasks": tasks, "decision": "approve", "opinion": "all fine"})).await.ok(200);
    let statuses: Vec<i64> = done["data"].as_array().expect("results").iter().filter_map(|one| one["status"].as_i64()).collect();
    assert_eq!(statuses, [200, 200, 200, 404]);
    assert_eq!(it.wu.find("leave", &json!({"all": []}), "why", "state").await, [json!("granted"), json!("granted"), json!("granted")]);
    // Asked for at once as well, and each by its own way.
    let mut ids = Vec::new();
    for index in 0..3 {
        ids.push(it.wu.make("leave", json!({"why": format!("Week {index}"), "days": 1})).await);
    }
    let bulk = it.wu.post("/records/leave/bulk", json!({"action": "transition", "transition": "ask", "ids": ids})).await.ok(200);
    assert_eq!(bulk["batch"]["changed"], 3, "{bulk}");
    assert_eq!(titles(&it.li).await.len(), 3);
}

async fn what_is_sent_wrong_is_told(database: Database) {
    let it = company(database).await;
    ask(&it.wu, "ask", json!({"why": "Sea", "days": 1})).await;
    let (_, task) = waiting(&it.li).await.remove(0);
    for body in [json!([]), json!({}), json!({"decision": "perhaps"}), json!({"decision": "approve", "opinon": "x"}), json!({"decision": "reject", "opinion": "x", "to": "nobody"}), json!({"decision": "reject", "opinion": "x", "to": 99}), json!({"decision": "delegate"}), json!({"decision": "approve", "opinion": 5})] {
        it.li.post(&format!("/approvals/{task}"), body.clone()).await.refused(400, "bad_decision");
    }
    it.li.post("/approvals", json!({"tasks": "x", "decision": "approve"})).await.refused(400, "bad_decision");
    it.li.get("/approvals?state=nonsense").await.refused(400, "bad_decision");
    it.li.get("/applications?before=yesterday").await.refused(400, "bad_decision");
    it.li.post("/approvals/nonsense", json!({"decision": "approve"})).await.refused(404, "not_found");
    assert_eq!(titles(&it.li).await, ["Sea"]);
}

/// What a page, or the part of one, says.
async fn page(person: &Person, path: &str, part: bool) -> String {
    let headers: &[(&str, &str)] = if part { &[("hx-request", "true")] } else { &[("accept", "text/html")] };
    let answer = person.send(reqwest::Method::GET, path, headers, None).await;
    assert_eq!(answer.status.as_u16(), 200, "{path}: {}", answer.text);
    answer.text.replace("&#x2f;", "/")
}

async fn send(person: &Person, path: &str, form: &str) -> Answer {
    let headers = [("content-type", "application/x-www-form-urlencoded"), ("sec-fetch-site", "same-origin"), ("hx-request", "true")];
    person.send(reqwest::Method::POST, path, &headers, Some(form.as_bytes().to_vec())).await
}

async fn pages_show_it(database: Database) {
    let it = company(database).await;
    let id = it.wu.make("leave", json!({"why": "Sea", "days": 10})).await;
    let record = format!("/c/leave/{id}");
    let shown = page(&it.wu, &record, false).await;
    assert!(shown.contains("id=\"step-ask\"") && shown.contains(&format!("data-dialog=\"{record}/step/ask\"")), "{shown}");
    // A dialog is a page of its own too.
    for part in [false, true] {
        let dialog = page(&it.wu, &format!("{record}/step/ask"), part).await;
        assert!(dialog.contains("name=\"comment\"") && dialog.contains("<main") != part, "{dialog}");
    }
    let taken = send(&it.wu, &format!("{record}/step/ask"), "comment=for+the+children&version=1").await.ok(200);
    assert_eq!(taken["url"], record.as_str(), "{taken}");
    let shown = page(&it.wu, &record, false).await;
    assert!(shown.contains("for the children") && shown.contains("data-state=\"running\"") && shown.contains("/withdraw") && shown.contains("Asked for"), "{shown}");
    assert!(!shown.contains("name=\"f.days\"") && shown.contains("name=\"f.note\""), "read only, but for what is left open: {shown}");
    // Who decides sees it in the inbox, with its number in the sidebar.
    let inbox = page(&it.li, "/approvals", false).await;
    let (_, task) = waiting(&it.li).await.remove(0);
    assert!(inbox.contains("Sea") && inbox.contains(&format!("/approvals/{task}")) && inbox.contains("<span class=\"ct\">1</span>"), "{inbox}");
    for part in [false, true] {
        let dialog = page(&it.li, &format!("/approvals/{task}"), part).await;
        assert!(dialog.contains("name=\"opinion\"") && dialog.contains("for the children") && dialog.contains("<main") != part, "{dialog}");
    }
    let refused = send(&it.li, &format!("/approvals/{task}"), "decision=reject").await;
    assert!(refused.status == 422 && refused.body["detail"].as_str().is_some_and(|text| text.starts_with("Opinion:")), "{}", refused.text);
    send(&it.li, "/approvals", &format!("decision=approve&task={task}&opinion=fine")).await.ok(200);
    assert!(page(&it.li, "/approvals?show=decided", false).await.contains("fine"));
    assert!(page(&it.wu, "/applications", false).await.contains("Sea"));
    // The way it went stands on the record; the history says which step it was.
    let shown = page(&it.wu, &record, false).await;
    assert!(shown.contains("Clerks, Bosses") && shown.contains("fine"), "{shown}");
    let history = page(&it.wu, &format!("{record}/history"), true).await;
    assert!(history.contains("Ask for it"), "{history}");
    // A board moves by steps: at once, by asking, or not at all.
    let other = it.wu.make("leave", json!({"why": "Hills", "days": 1})).await;
    let moved = send(&it.wu, &format!("/c/leave/{other}/move"), "field=state&to=asked&version=1").await.ok(200);
    assert_eq!(moved["dialog"], format!("/c/leave/{other}/step/ask").as_str(), "{moved}");
    send(&it.wu, &format!("/c/leave/{other}/move"), "field=state&to=refused&version=1").await.refused(409, "state_changed");
    assert!(page(&it.wu, "/c/leave?kind=board:state", false).await.contains("data-by-steps"));
    assert!(page(&it.wu, "/c/leave/bulk?action=transition", true).await.contains("value=\"ask\""));
}
