//! Packs as consultants write them, from the documents alone: a clinic, a property manager, a sports club. What the
//! documents promise of a definition must come true, by REST and on pages, on both databases.

use serde_json::{Value, json};

use crate::{both, site::{Database, Person, Site, pack, violations}};

both!(
    a_clinic_takes_patients, a_clinic_keeps_to_its_rights, rows_about_several_cards_are_asked_together, child_rows_of_others_are_added_up, property_is_let, a_budget_line_sums_its_own_month,
    a_club_plays, what_is_under_a_tree, a_renamed_field_keeps_its_values,
);

const CLINIC: &str = "tests/packs/clinic";
const CLUB: &str = "tests/packs/club";

pub(crate) async fn estate(database: Database) -> Site {
    Site::of(database, vec![pack("builtin-modules/base"), pack("tests/packs/estate")]).await
}

/// A person as a doctor of a ward, so that `@me.doctor` stands for somebody.
async fn doctor(site: &Site, boss: &Person, login: &str, ward: &str) -> (Person, String) {
    let person = site.person(login, &["physician"]).await;
    let id = boss.make("doctor", json!({"name": login, "account": person.id, "ward": {"code": ward}, "salary": "5000"})).await;
    (person, id)
}

async fn a_clinic_takes_patients(database: Database) {
    let site = Site::with(database, CLINIC).await;
    let boss = site.person("boss", &["director"]).await;
    let (ada, ada_id) = doctor(&site, &boss, "ada", "CHI").await;
    // What comes with the pack is there, linked by its keys.
    assert_eq!(boss.find("ward", &json!({"field": "above.code", "op": "is", "value": "ALL"}), "code", "code").await, [json!("CHI"), json!("SUR")]);
    // A doctor's patient: the default, the number, what is computed.
    let patient = ada.post("/records/patient", json!({"name": "Liu, Wei", "born": "1990-05-17", "height": "1.80", "weight": "81"})).await.ok(201);
    assert_eq!(patient["doctor"]["id"], ada_id.as_str());
    assert!(patient["no"].as_str().is_some_and(|no| no.starts_with('P') && no.ends_with("-0001")), "{}", patient["no"]);
    assert_eq!((&patient["bmi"], &patient["visits"], &patient["level"]), (&json!("25.0"), &json!(0), &json!("public")));
    let id = patient["id"].as_str().expect("an id").to_owned();
    // Rules, and what is wanted only at times.
    let problem = ada.post("/records/patient", json!({"name": "X", "born": "2999-01-01", "level": "private", "pin": "12"})).await.refused(422, "invalid");
    assert_eq!(violations(&problem), ["born rule", "insured_no required", "pin min_length"]);
    ada.post("/records/patient", json!({"name": "Liu, Wei", "born": "1990-05-17"})).await.refused(422, "invalid");
    let thin = ada.patch(&format!("/records/patient/{id}"), json!({"weight": "20"})).await.ok(200);
    assert_eq!(thin["warnings"][0]["path"], "weight", "{thin}");
    // A visit: prices come from the remedy, may be changed, are added up; the level is the patient's, live.
    let remedies = boss.find("remedy", &json!({"all": []}), "code", "id").await;
    let visit = ada
        .post("/records/visit", json!({"patient": id, "starts": "2026-03-02T09:00:00Z", "treatments": [{"remedy": {"code": "ASP"}, "quantity": "8"}, {"remedy": {"code": "HON"}, "price": "4"}], "readings": [{"what": "pulse", "value": "72.5"}]}))
        .await
        .ok(201);
    let rows = visit["treatments"].as_array().expect("rows");
    assert_eq!((&rows[0]["price"], &rows[0]["vat"], &rows[0]["amount"], &rows[0]["form"]), (&json!("0.1250"), &json!("13.00"), &json!("1.13"), &json!("pill")));
    assert_eq!((&rows[1]["quantity"], &rows[1]["price"], &rows[1]["amount"]), (&json!("1.000"), &json!("4.0000"), &json!("4.28")));
    assert_eq!((&visit["total"], &visit["doses"], &visit["pills"], &visit["dearest"]), (&json!("5.41"), &json!(2), &json!("8.000"), &json!("4.0000")), "{visit}");
    assert_eq!((&visit["level"], &visit["ward_name"], &visit["took"], &visit["doctor"]["id"]), (&json!("public"), &json!("Children"), &json!(900), &json!(ada_id)));
    assert!(visit["no"].as_str().is_some_and(|no| no.ends_with("-001")), "{}", visit["no"]);
    let visit_id = visit["id"].as_str().expect("an id").to_owned();
    let read = ada.read("patient", &id).await;
    assert_eq!((&read["visits"], &read["last_seen"], &read["spent_minutes"]), (&json!(1), &json!("2026-03-02T09:00:00Z"), &json!(15)));
    // A row added later has its defaults too; over all visits a remedy counts what it sold, and to how many.
    ada.patch(&format!("/records/visit/{visit_id}"), json!({"treatments": {"add": [{"remedy": remedies[1], "up_to": "2026-03-09"}], "remove": [rows[1]["id"]]}})).await.ok(200);
    let again = ada.read("visit", &visit_id).await;
    assert_eq!((&again["treatments"][1]["quantity"], &again["treatments"][1]["price"]), (&json!("1.000"), &json!("4.5000")), "{again}");
    let honey = boss.read("remedy", remedies[1].as_str().expect("an id")).await;
    assert_eq!((&honey["sold"], &honey["patients"]), (&json!("1.000"), &json!(1)), "{honey}");
    // Rows are compared with their record.
    let problem = ada.patch(&format!("/records/visit/{visit_id}"), json!({"treatments": {"change": [{"id": again["treatments"][1]["id"], "up_to": "2026-01-01"}]}})).await.refused(422, "invalid");
    assert_eq!(violations(&problem), ["treatments/1/up_to rule"]);
    let found = ada.find("visit", &json!({"related": "treatments", "has": {"field": "up_to", "op": "after", "value": "2026-03-01"}}), "no", "id").await;
    assert_eq!(found, [json!(visit_id)]);
    // What is locked while a box is ticked.
    ada.patch(&format!("/records/visit/{visit_id}"), json!({"findings": "Well.", "closed": true})).await.ok(200);
    let problem = ada.patch(&format!("/records/visit/{visit_id}"), json!({"findings": "Not well."})).await.refused(422, "invalid");
    assert_eq!(violations(&problem), ["findings read_only"]);
    ada.patch(&format!("/records/visit/{visit_id}"), json!({"findings": "Not well.", "closed": false})).await.ok(200);
    // A warning by rows that are missing.
    let urgent = ada.post("/records/visit", json!({"patient": id, "kind": "urgent", "urgent_reason": "Pain"})).await.ok(201);
    assert!(urgent["warnings"][0]["message"].as_str().is_some_and(|text| text.contains("temperature")), "{urgent}");
    ada.post("/records/visit", json!({"patient": id, "kind": "urgent"})).await.refused(422, "invalid");
    // Money flows back to the patient.
    let desk = site.person("desk", &["reception"]).await;
    let invoice = desk.post("/records/invoice", json!({"visit": visit_id, "date": "2026-03-02"})).await.ok(201);
    assert_eq!((&invoice["due"], &invoice["patient"]["id"]), (&json!("2026-04-01"), &json!(id)));
    assert_eq!(invoice["amount"], ada.read("visit", &visit_id).await["total"]);
    assert_eq!(boss.read("patient", &id).await["owes"], invoice["amount"]);
    desk.patch(&format!("/records/invoice/{}", invoice["id"].as_str().expect("an id")), json!({"paid_on": "2026-03-05"})).await.ok(200);
    let read = boss.read("patient", &id).await;
    assert_eq!((&read["paid"], &read["owes"]), (&invoice["amount"], &json!("0.00")));
    desk.post("/records/invoice", json!({"visit": visit_id, "date": "2026-03-02", "paid_on": "2026-02-01"})).await.refused(422, "invalid");
    // A tree of the patient's own, gone and back with it.
    let pain = ada.make("complaint", json!({"patient": id, "name": "Head", "pain": 9})).await;
    ada.make("complaint", json!({"patient": id, "name": "Left", "above": pain})).await;
    let other = ada.make("patient", json!({"name": "Other", "born": "2001-01-01"})).await;
    let problem = ada.post("/records/complaint", json!({"patient": other, "name": "Right", "above": pain})).await.refused(422, "invalid");
    assert_eq!(violations(&problem), ["above not_allowed"]);
}

async fn a_clinic_keeps_to_its_rights(database: Database) {
    let site = Site::with(database, CLINIC).await;
    let boss = site.person("boss", &["director"]).await;
    let (ada, ada_id) = doctor(&site, &boss, "ada", "CHI").await;
    let (bob, bob_id) = doctor(&site, &boss, "bob", "SUR").await;
    let (eve, _) = doctor(&site, &boss, "eve", "ALL").await;
    let (desk, pat) = (site.person("desk", &["reception"]).await, site.person("pat", &["outpatient"]).await);
    let ill = ada.make("patient", json!({"name": "Ill", "born": "1990-01-01", "pin": "123456", "diagnosis": "Measles"})).await;
    let own = boss.make("patient", json!({"name": "Pat", "born": "1991-01-01", "doctor": bob_id, "account": pat.id})).await;
    // A scope by what one is; also as one of several.
    bob.get(&format!("/records/patient/{ill}")).await.refused(404, "not_found");
    boss.patch(&format!("/records/patient/{ill}"), json!({"also": [bob_id]})).await.ok(200);
    bob.read("patient", &ill).await;
    // The patient sees the own record only, and not the diagnosis.
    assert_eq!(pat.find("patient", &json!({"all": []}), "name", "id").await, [json!(own)]);
    pat.get(&format!("/records/patient/{ill}")).await.refused(404, "not_found");
    pat.post("/records/patient/query", json!({"filter": {"field": "diagnosis", "op": "contains", "value": "Me"}})).await.refused(403, "forbidden");
    // The desk reads all patients but no diagnosis; derived money is read, never written.
    let read = desk.read("patient", &ill).await;
    assert!(read.get("diagnosis").is_none() && read.get("pin").is_none() && read["owes"] == "0.00", "{read}");
    desk.patch(&format!("/records/patient/{ill}"), json!({"diagnosis": "Fine"})).await.refused(422, "invalid");
    // Confidential visits are not the desk's, in lists as alone, and not to be made by it.
    let secret = boss.make("visit", json!({"patient": ill, "doctor": ada_id, "kind": "secret"})).await;
    desk.get(&format!("/records/visit/{secret}")).await.refused(404, "not_found");
    let answer = desk.post("/records/visit", json!({"patient": ill, "doctor": ada_id, "kind": "secret"})).await;
    assert_eq!(answer.status.as_u16(), 403, "{}", answer.text);
    let visit = desk.make("visit", json!({"patient": ill, "doctor": ada_id})).await;
    let problem = desk.patch(&format!("/records/visit/{visit}"), json!({"treatments": {"add": [{"remedy": {"code": "ASP"}, "price": "1"}]}})).await.refused(422, "invalid");
    assert!(violations(&problem).iter().any(|line| line == "treatments/0/price forbidden"), "{problem}");
    // A unit and those below it see each other's doctors; nobody else's, and no salary but one's own.
    let seen = async |person: &Person| person.find("doctor", &json!({"all": []}), "name", "name").await;
    boss.patch(&format!("/records/doctor/{ada_id}"), json!({"org_unit": {"code": "CHI"}})).await.ok(200);
    boss.patch(&format!("/records/doctor/{bob_id}"), json!({"org_unit": {"code": "SUR"}})).await.ok(200);
    assert_eq!(seen(&eve).await, [json!("ada"), json!("bob"), json!("eve")]);
    assert_eq!(seen(&ada).await, [json!("ada")]);
    let told = eve.post("/records/doctor/query", json!({"fields": ["name", "salary"], "sort": "name"})).await.ok(200);
    let salaries: Vec<&Value> = told["data"].as_array().expect("rows").iter().map(|row| &row["salary"]).collect();
    assert_eq!(salaries, [&Value::Null, &Value::Null, &json!("5000.00")], "{told}");
    // What rests on hidden salaries is shown by its own right.
    assert_eq!(boss.find("ward", &json!({"field": "code", "op": "is", "value": "SUR"}), "code", "payroll").await, [json!("5000.00")]);
    // A formula people type is checked against its context, a JSON value against its schema, a file against its types.
    boss.patch(&format!("/records/doctor/{ada_id}"), json!({"bonus_rule": "salary * 0.1 + visits"})).await.ok(200);
    boss.post("/records/remedy", json!({"code": "X", "name": "X", "sheet": {"dose": 0}})).await.refused(422, "invalid");
    boss.post("/records/remedy", json!({"code": "X", "name": "X", "form": "leech"})).await.refused(422, "invalid");
}

async fn rows_about_several_cards_are_asked_together(database: Database) {
    let site = Site::with(database, CLINIC).await;
    let boss = site.person("boss", &["director"]).await;
    let (ada, _) = doctor(&site, &boss, "ada", "CHI").await;
    let patient = ada.make("patient", json!({"name": "Ill", "born": "1990-01-01"})).await;
    let visit = ada.make("visit", json!({"patient": patient})).await;
    let first = ada.make("clinic_note", json!({"about": {"card": "patient", "id": patient}, "text": "Calls often"})).await;
    let second = ada.make("clinic_note", json!({"about": {"card": "visit", "id": visit}, "text": "Came late"})).await;
    // Both know whose they are, whichever card they are about.
    for id in [&first, &second] {
        assert_eq!(ada.read("clinic_note", id).await["patient"]["id"], patient.as_str());
    }
    assert_eq!(boss.find("clinic_note", &json!({"field": "patient.name", "op": "is", "value": "Ill"}), "text", "text").await, [json!("Calls often"), json!("Came late")]);
    assert_eq!(boss.find("clinic_note", &json!({"field": "about(visit).kind", "op": "is", "value": "normal"}), "text", "text").await, [json!("Came late")]);
    assert_eq!(boss.find("patient", &json!({"related": "clinic_note.about", "has": {"field": "text", "op": "contains", "value": "often"}}), "name", "id").await, [json!(patient)]);
    let grouped = boss.post("/records/clinic_note/query", json!({"group_by": [{"field": "patient"}]})).await.ok(200);
    assert_eq!(grouped["groups"][0]["count"], 2, "{grouped}");
    // What they are about goes, and they go along, and come back.
    ada.delete(&format!("/records/visit/{visit}")).await.ok(204);
    ada.get(&format!("/records/clinic_note/{second}")).await.refused(404, "not_found");
    ada.post(&format!("/records/visit/{visit}/restore"), json!({})).await.ok(200);
    ada.read("clinic_note", &second).await;
}

async fn child_rows_of_others_are_added_up(database: Database) {
    let site = Site::with(database, CLUB).await;
    let boss = site.person("boss", &["chair"]).await;
    let men = json!({"name": "Men"});
    let one = boss.make("member", json!({"given": "A", "family": "One", "squad": men, "born": "1990-01-31", "joined": "2020-06-30"})).await;
    let two = boss.make("member", json!({"given": "B", "family": "Two", "squad": men, "born": "1985-12-01", "joined": "2010-01-01", "sponsor": one})).await;
    let read = boss.read("member", &one).await;
    assert_eq!((&read["called"], &read["jubilee"], &read["years"], &read["sponsored"], &read["grade"]), (&json!("One, A"), &json!("2045-06-30"), &json!(30), &json!(1), &json!("none")));
    let squad = boss.read("squad", read["squad"]["id"].as_str().expect("an id")).await;
    assert_eq!((&squad["members"], &squad["oldest"], &squad["per_head"]), (&json!(2), &json!("1985-12-01"), &json!("0.00")));
    let squad_id = squad["id"].as_str().expect("an id").to_owned();
    let game = boss
        .post("/records/game", json!({"on": "2026-04-04", "opponent": "Sharks", "place": "Home", "squad": squad_id, "against": 2, "entries": [{"member": one, "shirt": 1, "goals": 5}, {"member": two, "shirt": 9, "goals": 1, "fine": "10", "note": "Late"}]}))
        .await
        .ok(201);
    assert_eq!((&game["goals"], &game["result"], &game["won"], &game["fines"], &game["scorers"]), (&json!(6), &json!("6:2"), &json!(true), &json!("10.00"), &json!(2)));
    assert_eq!((&game["entries"][0]["home"], &game["entries"][0]["age"]), (&json!("Men"), &json!(36)), "{game}");
    boss.post("/records/game", json!({"on": "2026-05-05", "opponent": "Bears", "place": "Away", "squad": squad_id, "entries": [{"member": one, "shirt": 1, "goals": 6}]})).await.ok(201);
    let read = boss.read("member", &one).await;
    assert_eq!((&read["goals"], &read["best"], &read["mean"], &read["places"], &read["last_game"], &read["grade"]), (&json!(11), &json!(6), &json!("5.500"), &json!(2), &json!("2026-05-05"), &json!("gold")), "{read}");
    assert_eq!(boss.read("squad", &squad_id).await["goals"], 12);
    // Aggregates of computed values, and aggregates of those.
    let fee = boss.make("fee", json!({"member": one, "year": 2026, "amount": "120", "discount": "12.5"})).await;
    boss.make("fee", json!({"member": two, "year": 2026, "amount": "80", "paid": "80"})).await;
    let read = boss.read("member", &one).await;
    assert_eq!((&read["fees"], &read["fee_count"]), (&json!("105.00"), &json!(1)));
    let squad = boss.read("squad", &squad_id).await;
    assert_eq!((&squad["fees"], &squad["per_head"]), (&json!("105.00"), &json!("52.50")));
    boss.patch(&format!("/records/fee/{fee}"), json!({"paid": "105"})).await.ok(200);
    assert_eq!((&boss.read("member", &one).await["fee_count"], &boss.read("squad", &squad_id).await["fees"]), (&json!(0), &json!("0.00")));
    // Leaving a squad takes everything along.
    boss.patch(&format!("/records/member/{two}"), json!({"squad": {"name": "Youth"}})).await.ok(200);
    assert_eq!((&boss.read("squad", &squad_id).await["members"], &boss.read("squad", &squad_id).await["goals"]), (&json!(1), &json!(11)));
    // Rows: how many, none twice, and what is wanted of one another.
    let rows = |shirts: &[i64]| shirts.iter().map(|shirt| json!({"member": one, "shirt": shirt})).collect::<Vec<_>>();
    let game = |entries: Value| json!({"on": "2026-06-06", "opponent": "X", "squad": squad_id, "entries": entries});
    boss.post("/records/game", game(json!([]))).await.refused(422, "invalid");
    let problem = boss.post("/records/game", game(json!(rows(&[1, 2])))).await.refused(422, "invalid");
    assert_eq!(violations(&problem), ["entries/1/member unique"]);
    let problem = boss.post("/records/game", game(json!([{"member": two, "shirt": 3}]))).await.refused(422, "invalid");
    assert_eq!(violations(&problem), ["entries/0/member not_allowed"]);
    let problem = boss.post("/records/game", game(json!([{"member": one, "shirt": 1, "fine": "5"}]))).await.refused(422, "invalid");
    assert_eq!(violations(&problem), ["entries/0/note required"]);
    // States are there, and set by nobody.
    let fee = boss.read("fee", &fee).await;
    assert_eq!(fee["dunning"], "none");
    boss.patch(&format!("/records/fee/{}", fee["id"].as_str().expect("an id")), json!({"dunning": "lawyer"})).await.refused(422, "invalid");
}

async fn property_is_let(database: Database) {
    let site = estate(database).await;
    let boss = site.person("boss", &["landlord"]).await;
    let keeper = site.person("joe", &["caretaker"]).await;
    let houses = boss.find("building", &json!({"all": []}), "code", "id").await;
    let (house, other) = (houses[0].as_str().expect("an id").to_owned(), houses[1].as_str().expect("an id").to_owned());
    boss.patch(&format!("/records/building/{house}"), json!({"caretaker": keeper.id})).await.ok(200);
    let flats = boss.find("flat", &json!({"field": "building", "op": "is", "value": house}), "door", "id").await;
    assert_eq!(flats.len(), 2);
    let flat = flats[0].as_str().expect("an id").to_owned();
    let read = boss.read("flat", &flat).await;
    assert_eq!((&read["city"], &read["rent"], &read["leases"]), (&json!("Berlin"), &json!("0.00"), &json!(0)));
    let firm = boss.make("customer", json!({"name": "Tenants Ltd"})).await;
    let tenant = boss.make("contact", json!({"name": "Tom", "customer": firm, "pets": [{"name": "Rex", "kind": "dog"}]})).await;
    let problem = boss.patch(&format!("/records/contact/{tenant}"), json!({"pets": [{"name": "Cerberus"}]})).await.refused(422, "invalid");
    assert_eq!(violations(&problem), ["pets/0/name rule"]);
    let lease = boss.post("/records/lease", json!({"flat": flat, "tenant": tenant, "starts": "2026-01-01"})).await.ok(201);
    // 900 × 3 × 1.125 % is 30.375: half of a cent goes to the even one.
    assert_eq!((&lease["rent"], &lease["deposit"], &lease["interest"], &lease["yearly"], &lease["state"]), (&json!("900.00"), &json!("2700.00"), &json!("1.125"), &json!("30.38"), &json!("draft")), "{lease}");
    let lease_id = lease["id"].as_str().expect("an id").to_owned();
    assert_eq!(boss.read("contact", &tenant).await["pays"], "900.00");
    let read = boss.read("building", &house).await;
    assert_eq!((&read["flats"], &read["area"], &read["rent"], &read["rent_per_area"]), (&json!(2), &json!("140.50"), &json!("900.00"), &json!("6.4057")), "{read}");
    // Set of fields; the end before the start.
    boss.post("/records/lease", json!({"flat": flat, "tenant": tenant, "starts": "2026-01-01"})).await.refused(422, "invalid");
    boss.patch(&format!("/records/lease/{lease_id}"), json!({"ends": "2025-01-01"})).await.refused(422, "invalid");
    // A flat without a lease that runs.
    let vacant = json!({"related": "lease.flat", "has_not": {"field": "ends", "op": "empty"}});
    assert_eq!(boss.find("flat", &vacant, "door", "door").await, [json!("1R")]);
    // A lease that is dearer than its flat asks for: rows compared with the record they belong to.
    let dearer = |op: &str| json!({"related": "lease.flat", "has": {"field": "rent", "op": op, "value": "@record.asking"}});
    assert_eq!(boss.find("flat", &dearer("gte"), "door", "door").await, [json!("1L")]);
    assert!(boss.find("flat", &dearer("gt"), "door", "door").await.is_empty());
    // Meters run forward: a row compared with itself.
    let charge = boss.post("/records/charge", json!({"lease": lease_id, "month": "2026-02-01", "meters": [{"meter": "W1", "before": "10", "after": "12.5", "price": "4.2"}, {"meter": "E1", "before": "0", "after": "100", "price": "0.305"}]})).await.ok(201);
    assert_eq!((&charge["rent"], &charge["consumed"], &charge["amount"], &charge["last_meter"], &charge["first_meter"], &charge["dear"]), (&json!("900.00"), &json!("41.00"), &json!("941.00"), &json!("E1"), &json!("W1"), &json!("10.50")), "{charge}");
    assert_eq!((&charge["meters"][0]["used"], &charge["meters"][0]["read_in"]), (&json!("2.500"), &json!(2)));
    assert_eq!(boss.read("lease", &lease_id).await["due"], "941.00");
    let problem = boss.post("/records/charge", json!({"lease": lease_id, "meters": [{"meter": "W1", "before": "10", "after": "12"}, {"meter": "G1", "before": "10", "after": "9"}]})).await.refused(422, "invalid");
    assert_eq!(violations(&problem), ["meters/1/after rule"]);
    let more = json!({"related": "meters", "has": {"field": "used", "op": "gt", "value": "@row.after"}});
    assert!(boss.find("charge", &more, "month", "id").await.is_empty());
    let all = json!({"not": {"related": "meters", "has": {"field": "after", "op": "lte", "value": "@row.before"}}});
    assert_eq!(boss.find("charge", &all, "month", "id").await.len(), 1);
    // Costs of any kind of record, added up there.
    boss.make("cost", json!({"about": {"card": "flat", "id": flat}, "category": "water", "month": 3, "amount": "50"})).await;
    boss.make("cost", json!({"about": {"card": "building", "id": house}, "category": "roof", "month": 3, "amount": "70"})).await;
    let roof = boss.make("cost", json!({"about": {"card": "building", "id": other}, "category": "roof", "month": 4, "amount": "7"})).await;
    assert_eq!((&boss.read("flat", &flat).await["costs"], &boss.read("building", &house).await["costs"], &boss.read("building", &other).await["costs"]), (&json!("50.00"), &json!("70.00"), &json!("7.00")));
    assert_eq!(boss.find("cost", &json!({"field": "building", "op": "is", "value": house}), "amount", "amount").await, [json!("50.00"), json!("70.00")]);
    boss.patch(&format!("/records/cost/{roof}"), json!({"about": {"card": "building", "id": house}})).await.ok(200);
    assert_eq!((&boss.read("building", &house).await["costs"], &boss.read("building", &other).await["costs"], &boss.read("cost", &roof).await["building"]["id"]), (&json!("77.00"), &json!("0.00"), &json!(house)));
    // The caretaker sees what is theirs, and no purchase price.
    assert_eq!(keeper.find("building", &json!({"all": []}), "code", "code").await, [json!("H1")]);
    assert_eq!(keeper.find("flat", &json!({"all": []}), "door", "door").await.len(), 2);
    assert!(keeper.read("flat", &flat).await.get("purchase").is_none());
    keeper.patch(&format!("/records/flat/{flat}"), json!({"floor": 1})).await.ok(200);
    keeper.patch(&format!("/records/flat/{flat}"), json!({"asking": "1"})).await.refused(422, "invalid");
    // Fields of an address in conditions and columns.
    assert_eq!(boss.find("building", &json!({"field": "place.city", "op": "is", "value": "上海"}), "place.city", "place.city").await, [json!("上海")]);
}

async fn a_budget_line_sums_its_own_month(database: Database) {
    let site = estate(database).await;
    let boss = site.person("boss", &["landlord"]).await;
    let budget = boss.make("budget", json!({"year": 2026, "lines": [{"month": 3, "category": "roof", "planned": "100"}, {"month": 3, "category": "water", "planned": "50"}, {"month": 4, "category": "roof"}]})).await;
    let cost = |month: i64, category: &str, amount: &str| json!({"budget": budget, "category": category, "month": month, "year": 2026, "amount": amount});
    for (month, category, amount) in [(3, "roof", "40"), (3, "roof", "30"), (3, "water", "5"), (4, "water", "9")] {
        boss.make("cost", cost(month, category, amount)).await;
    }
    let spent = |read: &Value| read["lines"].as_array().expect("rows").iter().map(|row| row["spent"].as_str().unwrap_or("?").to_owned()).collect::<Vec<_>>();
    let read = boss.read("budget", &budget).await;
    assert_eq!(spent(&read), ["70.00", "5.00", "0.00"]);
    assert_eq!((&read["planned"], &read["spent"], &read["left"]), (&json!("150.00"), &json!("75.00"), &json!("75.00")));
    // A line that becomes another month's, a new line, another year: each is asked for anew.
    let row = read["lines"][2]["id"].clone();
    boss.patch(&format!("/records/budget/{budget}"), json!({"lines": {"change": [{"id": row, "category": "water"}], "add": [{"month": 3, "category": "roof"}]}})).await.ok(200);
    assert_eq!(spent(&boss.read("budget", &budget).await), ["70.00", "5.00", "9.00", "70.00"]);
    boss.patch(&format!("/records/budget/{budget}"), json!({"year": 2027})).await.ok(200);
    let read = boss.read("budget", &budget).await;
    assert_eq!((spent(&read), &read["spent"]), (["0.00", "0.00", "0.00", "0.00"].map(str::to_owned).to_vec(), &json!("0.00")));
}

async fn a_club_plays(database: Database) {
    let site = Site::with(database, CLUB).await;
    let boss = site.person("boss", &["chair"]).await;
    let (tim, pia) = (site.person("tim", &["trainer"]).await, site.person("pia", &["player"]).await);
    let youth = boss.find("squad", &json!({"field": "name", "op": "is", "value": "Youth"}), "name", "id").await[0].as_str().expect("an id").to_owned();
    boss.make("member", json!({"given": "Tim", "family": "T", "login": tim.id, "squad": youth})).await;
    let kid = boss.make("member", json!({"given": "Pia", "family": "P", "login": pia.id, "squad": {"name": "U12"}, "born": "2015-02-02"})).await;
    let man = boss.make("member", json!({"given": "Max", "family": "M", "squad": {"name": "Men"}})).await;
    // A trainer has the own squad and those below it, and of members no fees.
    assert_eq!(tim.find("squad", &json!({"all": []}), "name", "name").await, [json!("U12"), json!("Youth")]);
    assert_eq!(tim.find("member", &json!({"all": []}), "family", "family").await, [json!("P"), json!("T")]);
    tim.get(&format!("/records/member/{man}")).await.refused(404, "not_found");
    tim.post("/records/member/query", json!({"totals": [{"field": "fees", "function": "sum"}]})).await.refused(403, "forbidden");
    let game = |opponent: &str, member: &str, squad: &Value| json!({"on": "2026-03-03", "opponent": opponent, "squad": squad, "entries": [{"member": member, "shirt": 1, "fine": "5", "note": "Asleep"}]});
    let made = tim.make("game", game("Owls", &kid, &json!({"name": "U12"}))).await;
    let answer = tim.post("/records/game", json!({"on": "2026-03-03", "opponent": "X", "squad": {"name": "Men"}, "entries": [{"member": kid}]})).await;
    assert!([403, 422].contains(&answer.status.as_u16()), "{}", answer.text);
    // A player sees the games they played, and of the line-up no fines.
    let other = boss.make("game", game("Elks", &man, &json!({"name": "Men"}))).await;
    assert_eq!(pia.find("game", &json!({"all": []}), "on", "id").await, [json!(made)]);
    pia.get(&format!("/records/game/{other}")).await.refused(404, "not_found");
    let read = pia.get(&format!("/records/game/{made}")).await;
    assert!(!read.text.contains("\"fine\"") && !read.text.contains("Asleep"), "{}", read.text);
    let fined = json!({"filter": {"related": "entries", "has": {"field": "fine", "op": "gt", "value": 1}}});
    pia.post("/records/game/query", fined).await.refused(403, "forbidden");
    // What one is not: an unknown in a scope would admit nothing, `is_not` negated admits the one.
    assert_eq!(pia.find("squad", &json!({"all": []}), "name", "name").await, [json!("U12")]);
    let zoe = site.person("zoe", &["player", "trainer"]).await;
    assert!(zoe.find("squad", &json!({"all": []}), "name", "name").await.is_empty());
    assert!(zoe.find("game", &json!({"all": []}), "on", "id").await.is_empty());
    // The own record may be changed, in what is left to its owner.
    pia.patch(&format!("/records/member/{kid}"), json!({"given": "Pia Maria"})).await.ok(200);
    let problem = pia.patch(&format!("/records/member/{kid}"), json!({"joined": "2000-01-01"})).await.refused(422, "invalid");
    assert_eq!(violations(&problem), ["joined forbidden"]);
    // What only may be read is not given by way of making a record either.
    boss.post("/records/member", json!({"given": "New", "family": "N", "joined": "2019-01-01"})).await.ok(201);
}

async fn what_is_under_a_tree(database: Database) {
    let site = Site::with(database, CLUB).await;
    let boss = site.person("boss", &["chair"]).await;
    let squads = boss.find("squad", &json!({"all": []}), "name", "id").await;
    let names = boss.find("squad", &json!({"all": []}), "name", "name").await;
    let of = |name: &str| squads[names.iter().position(|known| known == name).expect("a squad")].clone();
    for (filter, expected) in [
        (json!({"field": "id", "op": "under", "value": of("Youth")}), vec!["U12", "Youth"]),
        (json!({"not": {"field": "id", "op": "under", "value": of("Youth")}}), vec!["Club", "Men"]),
        (json!({"field": "parent", "op": "under", "value": [of("Youth"), of("Men")]}), vec!["U12"]),
        (json!({"field": "parent.parent", "op": "under", "value": of("Club")}), vec!["U12"]),
    ] {
        assert_eq!(boss.find("squad", &filter, "name", "name").await, expected, "{filter}");
    }
    // Cascade: the whole branch goes and comes back.
    let youth = of("Youth");
    boss.delete(&format!("/records/squad/{}", youth.as_str().expect("an id"))).await.ok(204);
    assert_eq!(boss.find("squad", &json!({"all": []}), "name", "name").await, [json!("Club"), json!("Men")]);
    boss.post(&format!("/records/squad/{}/restore", youth.as_str().expect("an id")), json!({})).await.ok(200);
    assert_eq!(boss.find("squad", &json!({"all": []}), "name", "name").await.len(), 4);
}

async fn a_renamed_field_keeps_its_values(database: Database) {
    let site = Site::with(database, CLUB).await;
    let boss = site.person("boss", &["chair"]).await;
    let id = boss.make("member", json!({"given": "Ann", "family": "Old"})).await;
    let mut files = pack(CLUB);
    let change = |files: &mut crate::site::Files, name: &str, from: &str, to: &str| {
        let text = String::from_utf8(files[name].clone()).expect("text").replace(from, to);
        files.insert(name.into(), text.into_bytes());
    };
    change(&mut files, "pack.json", "0.1.0", "0.2.0");
    change(&mut files, "cards/member.json", "\"family\": {\"type\"", "\"surname\": {\"id\": \"family\", \"labels\": {\"en\": \"Surname\"}, \"type\"");
    change(&mut files, "cards/member.json", "{family}", "{surname}");
    change(&mut files, "cards/member.json", "family +", "surname +");
    change(&mut files, "cards/fee.json", "member.family", "member.surname");
    let installed = app::packs::install(&site.app, vec![files]).await.expect("installed");
    assert!(installed.findings.iter().all(|finding| finding.level != model::Level::Error), "{:?}", installed.findings);
    let read = boss.read("member", &id).await;
    assert_eq!((&read["surname"], read.get("family")), (&json!("Old"), None));
    boss.patch(&format!("/records/member/{id}"), json!({"surname": "New"})).await.ok(200);
    assert_eq!(boss.read("member", &id).await["called"], "New, Ann");
}
