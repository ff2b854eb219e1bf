//! The applications that ship: leave, vehicles, sales support, as people of a small company use them.

use serde_json::{Value, json};

use crate::{both, site::{Database, Person, Site, pack, run}};

both!(leave_goes_to_who_leads_and_further_when_it_is_long, a_vehicle_is_given_out_and_given_back, support_goes_to_finance_by_its_cost);

struct Office {
    site: Site,
    an: Person,
    li: Person,
    mo: Person,
    root: Person,
}

/// Two departments, one above the other: An sells, Li leads, Mo manages the company.
async fn office(database: Database) -> Office {
    let site = Site::of(database, vec![pack("builtin-modules/base"), pack("builtin-modules/office")]).await;
    let root = site.person("root", &["administrator"]).await;
    let (an, li, mo) = (site.person("an", &["sales"]).await, site.person("li", &["sales"]).await, site.person("mo", &["manager"]).await);
    let organisation = root.make("organisation", json!({"code": "O", "name": "Company"})).await;
    let top = root.make("department", json!({"code": "D1", "name": "Office", "organisation": organisation})).await;
    let low = root.make("department", json!({"code": "D2", "name": "Sales", "organisation": organisation, "parent": top})).await;
    for (person, code, unit, leads) in [(&an, "E1", &low, None), (&li, "E2", &low, Some(&low)), (&mo, "E3", &top, Some(&top))] {
        let employee = root.make("employee", json!({"code": code, "name": code, "department": unit, "user": person.id})).await;
        if let Some(unit) = leads {
            root.patch(&format!("/records/department/{unit}"), json!({"manager": employee})).await.ok(200);
        }
    }
    Office { site, an, li, mo, root }
}

async fn tasks(person: &Person) -> Vec<String> {
    let told = person.get("/approvals").await.ok(200);
    told["data"].as_array().expect("tasks").iter().filter_map(|one| one["task"]["id"].as_str().map(str::to_owned)).collect()
}

async fn agree(person: &Person) -> Value {
    let task = tasks(person).await.into_iter().next().expect("something waits");
    person.post(&format!("/approvals/{task}"), json!({"decision": "approve"})).await.ok(200)
}

async fn submit(person: &Person, card: &str, record: Value) -> String {
    let id = person.make(card, record).await;
    person.post(&format!("/records/{card}/{id}/transitions/submit"), json!({})).await.ok(202);
    id
}

async fn state(person: &Person, card: &str, id: &str) -> Value {
    person.read(card, id).await["state"].clone()
}

async fn leave_goes_to_who_leads_and_further_when_it_is_long(database: Database) {
    let it = office(database).await;
    let short = submit(&it.an, "leave_request", json!({"starts": "2026-12-01", "ends": "2026-12-02", "days": "2"})).await;
    assert_eq!(it.an.read("leave_request", &short).await["employee"]["title"], "E1", "who applies stands there already");
    assert_eq!(agree(&it.li).await["state"], "approved");
    let long = submit(&it.an, "leave_request", json!({"starts": "2026-12-07", "ends": "2026-12-11", "days": "5"})).await;
    assert_eq!(agree(&it.li).await["state"], "running");
    assert_eq!(agree(&it.mo).await["state"], "approved");
    assert_eq!(state(&it.an, "leave_request", &long).await, "approved");
    it.an.patch(&format!("/records/leave_request/{long}"), json!({"days": "1"})).await.refused(422, "invalid");
    it.an.post(&format!("/records/leave_request/{long}/transitions/cancel"), json!({"comment": "work"})).await.ok(200);
    // Who leads a department asks who leads the one above; what makes no sense is not asked for.
    submit(&it.li, "leave_request", json!({"starts": "2026-12-01", "ends": "2026-12-01", "days": "1"})).await;
    assert_eq!((tasks(&it.li).await.len(), tasks(&it.mo).await.len()), (0, 1));
    it.an.post("/records/leave_request", json!({"starts": "2026-12-02", "ends": "2026-12-01", "days": "1"})).await.refused(422, "invalid");
    let none = it.an.make("leave_request", json!({"starts": "2026-12-01", "ends": "2026-12-01", "days": "0"})).await;
    it.an.post(&format!("/records/leave_request/{none}/transitions/submit"), json!({})).await.refused(409, "transition_guard");
    // Colleagues see nothing of it.
    let (other, before) = (it.site.person("zu", &["sales"]).await, "not_found");
    other.get(&format!("/records/leave_request/{short}")).await.refused(404, before);
}

async fn a_vehicle_is_given_out_and_given_back(database: Database) {
    let it = office(database).await;
    let keeper = it.site.person("ke", &["assistant"]).await;
    let vehicle = keeper.make("vehicle", json!({"plate": "A-1", "name": "Van"})).await;
    let id = submit(&it.an, "vehicle_use", json!({"vehicle": vehicle, "purpose": "Fair", "starts": "2026-12-01T08:00:00Z", "ends": "2026-12-01T18:00:00Z"})).await;
    agree(&it.li).await;
    assert_eq!(agree(&keeper).await["state"], "approved");
    it.an.post(&format!("/records/vehicle_use/{id}/transitions/give_back"), json!({})).await.refused(422, "invalid");
    it.an.post(&format!("/records/vehicle_use/{id}/transitions/give_back"), json!({"record": {"mileage": 120}})).await.ok(200);
    let read = it.an.read("vehicle_use", &id).await;
    assert_eq!((&read["state"], &read["mileage"]), (&json!("returned"), &json!(120)));
}

async fn support_goes_to_finance_by_its_cost(database: Database) {
    let it = office(database).await;
    let finance = it.site.person("fi", &["finance"]).await;
    let industry = it.root.make("industry", json!({"code": "T", "name": "Toys"})).await;
    let customer = it.an.make("customer", json!({"name": "Lantern", "industry": industry})).await;
    let cheap = submit(&it.an, "support_request", json!({"customer": customer, "subject": "Samples", "cost": "100"})).await;
    assert_eq!(agree(&it.li).await["state"], "approved");
    let dear = submit(&it.an, "support_request", json!({"customer": customer, "subject": "Stand", "cost": "30000"})).await;
    assert_eq!(agree(&it.li).await["state"], "running");
    // Finance and management are asked at the same time; both must agree.
    assert_eq!(agree(&it.mo).await["state"], "running");
    assert_eq!(agree(&finance).await["state"], "approved");
    it.an.patch(&format!("/records/support_request/{dear}"), json!({"result": "It stood."})).await.ok(200);
    it.an.post(&format!("/records/support_request/{dear}/transitions/finish"), json!({})).await.ok(200);
    assert_eq!((state(&it.an, "support_request", &cheap).await, state(&it.an, "support_request", &dear).await), (json!("approved"), json!("done")));
}

/// How recipes are followed is the same on both databases.
#[test]
fn the_demo_company_has_applications_under_way() {
    run(Database::Sqlite, demo);
}

async fn demo(database: Database) {
    let packs = ["base", "office", "sales", "service"].map(|name| pack(&format!("builtin-modules/{name}"))).to_vec();
    let site = Site::of(database, packs.clone()).await;
    app::demo::fill(&site.app, &packs, Some(300), chrono::Utc::now(), &|_| {}).await.expect("a company");
    assert!(site.number("SELECT count(*) FROM sys_approval_task WHERE state = 'open' AND user_id IS NOT NULL").await >= 8, "they wait for people, not for administrators");
    // Whoever works on something may see whose it is.
    for (table, link, of) in [("order", "customer", "customer"), ("opportunity", "customer", "customer"), ("sales_task", "customer", "customer"), ("complaint", "order", "order")] {
        let all = site.number(&format!("SELECT count(*) FROM c_{table} WHERE f_{link} IS NOT NULL")).await;
        let theirs = site.number(&format!("SELECT count(*) FROM c_{table} one JOIN c_{of} other ON other.id = one.f_{link} WHERE other.owner = one.owner")).await;
        assert!(all > 0 && theirs == all, "{table}: {theirs} of {all}");
    }
}
