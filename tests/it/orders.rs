//! Sales orders as the module defines them: discounts, taxes, credit, approval by amount, and what customers' cards say.

use serde_json::{Value, json};

use crate::{both, site::{Database, Person, Site, pack, violations}};

both!(discounts_and_taxes_stand_on_lines_and_on_the_whole, a_state_is_moved_by_transitions_alone, large_orders_are_agreed_to, credit_is_looked_at, opportunities_and_tasks_go_their_way);

struct Firm {
    an: Person,
    li: Person,
    mo: Person,
    fi: Person,
    root: Person,
    customer: String,
    product: String,
    _site: Site,
}

/// An sells, Li leads sales, Mo manages, Fi keeps the books; a customer of An's, and a product for 100 with 13 % of tax.
async fn firm(database: Database) -> Firm {
    let site = Site::of(database, ["builtin-modules/base", "builtin-modules/sales"].map(pack).to_vec()).await;
    let root = site.person("root", &["administrator"]).await;
    let (an, li) = (site.person("an", &["sales"]).await, site.person("li", &["sales_manager"]).await);
    let (mo, fi) = (site.person("mo", &["manager"]).await, site.person("fi", &["finance"]).await);
    let organisation = root.make("organisation", json!({"code": "O", "name": "Company"})).await;
    let top = root.make("department", json!({"code": "D1", "name": "Office", "organisation": organisation})).await;
    let low = root.make("department", json!({"code": "D2", "name": "Sales", "organisation": organisation, "parent": top})).await;
    for (person, code, unit, leads) in [(&an, "E1", &low, None), (&li, "E2", &low, Some(&low)), (&mo, "E3", &top, Some(&top))] {
        let employee = root.make("employee", json!({"code": code, "name": code, "department": unit, "user": person.id})).await;
        if let Some(unit) = leads {
            root.patch(&format!("/records/department/{unit}"), json!({"manager": employee})).await.ok(200);
        }
    }
    let customer = an.make("customer", json!({"name": "Lantern"})).await;
    let product = root.make("product", json!({"code": "P", "name": "Lamp", "price": "100", "unit": {"code": "pcs"}, "tax": "13"})).await;
    Firm { an, li, mo, fi, root, customer, product, _site: site }
}

impl Firm {
    async fn order(&self, quantity: &str, more: Value) -> String {
        let mut order = json!({"customer": self.customer, "lines": [{"product": self.product, "quantity": quantity}]});
        for (key, value) in more.as_object().into_iter().flatten() {
            order[key] = value.clone();
        }
        self.an.make("order", order).await
    }
    async fn figures<const N: usize>(&self, card: &str, id: &str, keys: [&str; N]) -> [String; N] {
        let read = self.root.read(card, id).await;
        keys.map(|key| read[key].as_str().map_or_else(|| read[key].to_string(), str::to_owned))
    }
}

async fn step(person: &Person, order: &str, transition: &str, body: Value) -> crate::site::Answer {
    person.post(&format!("/records/order/{order}/transitions/{transition}"), body).await
}

async fn agree(person: &Person) -> Value {
    let told = person.get("/approvals").await.ok(200);
    let task = told["data"][0]["task"]["id"].as_str().unwrap_or_else(|| panic!("nothing waits: {told}")).to_owned();
    person.post(&format!("/approvals/{task}"), json!({"decision": "approve"})).await.ok(200)
}

async fn discounts_and_taxes_stand_on_lines_and_on_the_whole(database: Database) {
    let it = firm(database).await;
    let free = it.root.make("product", json!({"code": "F", "name": "Book", "price": "10", "unit": {"code": "pcs"}})).await;
    it.root.patch(&format!("/records/product/{free}"), json!({"tax": null})).await.ok(200);
    let lines = json!([{"product": it.product, "quantity": "10", "discount": "10"}, {"product": free, "quantity": "3"}, {"product": it.product, "quantity": "1", "price": "33.33", "tax_rate": "0"}]);
    let id = it.an.make("order", json!({"customer": it.customer, "discount": "5", "tax_rate": "6", "lines": lines})).await;
    let read = it.an.read("order", &id).await;
    let of = |key: &str| read["lines"].as_array().expect("lines").iter().map(|line| line[key].as_str().unwrap_or("-").to_owned()).collect::<Vec<_>>();
    assert_eq!((of("amount"), of("tax")), (vec!["900.00".into(), "30.00".into(), "33.33".into()], vec!["117.00".into(), "1.80".into(), "0.00".into()]));
    // 963.33 − 5 % = 915.16 (48.17 off); taxes 118.80 − 5 % = 112.86.
    assert_eq!(it.figures("order", &id, ["subtotal", "discount_amount", "tax", "total", "open"]).await, ["963.33", "48.17", "112.86", "1028.02", "1028.02"]);
    it.an.patch(&format!("/records/order/{id}"), json!({"tax_rate": "13", "discount": null})).await.ok(200);
    assert_eq!(it.figures("order", &id, ["subtotal", "discount_amount", "tax", "total"]).await, ["963.33", "0.00", "120.90", "1084.23"]);
    let problem = it.an.patch(&format!("/records/order/{id}"), json!({"discount": "101"})).await.refused(422, "invalid");
    assert_eq!(violations(&problem), ["discount max"]);
}

async fn a_state_is_moved_by_transitions_alone(database: Database) {
    let it = firm(database).await;
    let id = it.order("1", json!({})).await;
    let problem = it.an.patch(&format!("/records/order/{id}"), json!({"status": "confirmed"})).await.refused(422, "invalid");
    assert_eq!(violations(&problem), ["status state"]);
    let empty = it.an.make("order", json!({"customer": it.customer})).await;
    step(&it.an, &empty, "confirm", json!({})).await.refused(409, "transition_guard");
    assert_eq!(it.figures("customer", &it.customer, ["order_total", "receivable"]).await, ["0.00", "0.00"], "drafts do not count");
    step(&it.an, &id, "confirm", json!({})).await.ok(200);
    assert_eq!(it.figures("order", &id, ["status", "total"]).await, ["confirmed", "113.00"], "small ones are nobody else's to agree to");
    assert_eq!(it.figures("customer", &it.customer, ["order_total", "receivable", "order_count"]).await, ["113.00", "113.00", "2"]);
    let problem = it.an.patch(&format!("/records/order/{id}"), json!({"discount": "50"})).await.refused(422, "invalid");
    assert_eq!(violations(&problem), ["discount locked"]);
    it.an.patch(&format!("/records/order/{id}"), json!({"remark": "in a hurry"})).await.ok(200);
    step(&it.an, &id, "ship", json!({})).await.refused(422, "invalid");
    step(&it.an, &id, "ship", json!({"record": {"shipped_on": "2099-01-01"}})).await.ok(200);
    step(&it.an, &id, "close", json!({})).await.refused(409, "transition_guard");
    it.fi.make("receipt", json!({"order": id, "amount": "113", "status": "confirmed"})).await;
    step(&it.an, &id, "close", json!({})).await.ok(200);
    assert_eq!(it.figures("customer", &it.customer, ["order_total", "received_total", "receivable"]).await, ["113.00", "113.00", "0.00"]);
    // Opened again by those who lead, and not without a word.
    step(&it.an, &id, "reopen_closed", json!({"comment": "x"})).await.refused(403, "forbidden");
    step(&it.li, &id, "reopen_closed", json!({})).await.refused(422, "invalid");
    step(&it.li, &id, "reopen_closed", json!({"comment": "A part is missing."})).await.ok(200);
    let second = it.order("2", json!({})).await;
    step(&it.an, &second, "confirm", json!({})).await.ok(200);
    step(&it.an, &second, "cancel", json!({"comment": "changed their mind"})).await.ok(200);
    assert_eq!(it.figures("customer", &it.customer, ["order_total"]).await, ["113.00"], "what is cancelled does not count");
    step(&it.li, &second, "reopen", json!({"comment": "they came back"})).await.ok(200);
    it.an.patch(&format!("/records/order/{second}"), json!({"discount": "50"})).await.ok(200);
}

async fn large_orders_are_agreed_to(database: Database) {
    let it = firm(database).await;
    let (middle, large) = (it.order("900", json!({})).await, it.order("5000", json!({})).await);
    step(&it.an, &middle, "confirm", json!({})).await.ok(202);
    assert_eq!(it.figures("customer", &it.customer, ["pending_total", "order_total"]).await, ["101700.00", "0.00"]);
    it.an.patch(&format!("/records/order/{middle}"), json!({"discount": "1"})).await.refused(422, "invalid");
    assert_eq!(agree(&it.li).await["state"], "approved");
    assert_eq!(it.figures("customer", &it.customer, ["pending_total", "order_total"]).await, ["0.00", "101700.00"]);
    step(&it.an, &large, "confirm", json!({})).await.ok(202);
    assert_eq!(agree(&it.li).await["state"], "running", "two steps above half a million");
    assert_eq!(agree(&it.mo).await["state"], "approved");
    assert_eq!(it.figures("order", &large, ["status", "total"]).await, ["confirmed", "565000.00"]);
    // Rejected, it is a draft again and can be changed.
    let third = it.order("1000", json!({})).await;
    step(&it.an, &third, "confirm", json!({})).await.ok(202);
    let told = it.li.get("/approvals").await.ok(200);
    let task = told["data"][0]["task"]["id"].as_str().expect("a task").to_owned();
    it.li.post(&format!("/approvals/{task}"), json!({"decision": "reject", "opinion": "too dear"})).await.ok(200);
    assert_eq!(it.figures("order", &third, ["status"]).await, ["draft"]);
    it.an.patch(&format!("/records/order/{third}"), json!({"discount": "40"})).await.ok(200);
    step(&it.an, &third, "confirm", json!({})).await.ok(200);
}

async fn credit_is_looked_at(database: Database) {
    let it = firm(database).await;
    it.root.patch(&format!("/records/customer/{}", it.customer), json!({"credit_limit": "1500"})).await.ok(200);
    let (first, second) = (it.order("10", json!({})).await, it.order("5", json!({})).await);
    step(&it.an, &first, "confirm_beyond", json!({"comment": "x"})).await.refused(409, "transition_guard");
    step(&it.an, &first, "confirm", json!({})).await.ok(200);
    assert_eq!(it.figures("customer", &it.customer, ["receivable", "credit_left"]).await, ["1130.00", "370.00"]);
    let problem = step(&it.an, &second, "confirm", json!({})).await.refused(409, "transition_guard");
    assert!(problem["detail"].as_str().is_some_and(|detail| detail.contains("redit")), "{problem}");
    // Whoever writes it down is told at once.
    let saved = it.an.patch(&format!("/records/order/{second}"), json!({"remark": "soon"})).await.ok(200);
    assert_eq!(saved["warnings"][0]["code"], "rule", "{saved}");
    it.fi.make("receipt", json!({"order": first, "amount": "500", "status": "confirmed"})).await;
    assert_eq!(it.figures("customer", &it.customer, ["receivable", "credit_left"]).await, ["630.00", "870.00"]);
    step(&it.an, &second, "confirm", json!({})).await.ok(200);
    // Beyond it others must agree, those who keep the books among them; meanwhile it counts.
    let third = it.order("10", json!({})).await;
    step(&it.an, &third, "confirm_beyond", json!({})).await.refused(422, "invalid");
    step(&it.an, &third, "confirm_beyond", json!({"comment": "They pay on Friday."})).await.ok(202);
    assert_eq!(it.figures("customer", &it.customer, ["pending_total", "credit_left"]).await, ["1130.00", "-825.00"]);
    assert_eq!(agree(&it.li).await["state"], "running");
    assert_eq!(agree(&it.fi).await["state"], "approved");
    assert_eq!(it.figures("order", &third, ["status"]).await, ["confirmed"]);
}

async fn opportunities_and_tasks_go_their_way(database: Database) {
    let it = firm(database).await;
    let id = it.an.make("opportunity", json!({"name": "Lamps for a school", "customer": it.customer, "expected": "10000"})).await;
    let take = async |card: &str, id: &str, transition: &str, body: Value| it.an.post(&format!("/records/{card}/{id}/transitions/{transition}"), body).await;
    assert_eq!(it.figures("opportunity", &id, ["stage", "weighted"]).await, ["lead", "1000.00"]);
    take("opportunity", &id, "track", json!({})).await.ok(200);
    take("opportunity", &id, "confirm", json!({})).await.refused(422, "invalid");
    take("opportunity", &id, "confirm", json!({"record": {"closes": "2099-06-30"}})).await.ok(200);
    assert_eq!(it.figures("opportunity", &id, ["probability", "weighted"]).await, ["60", "6000.00"]);
    assert_eq!(it.figures("customer", &it.customer, ["opportunity_open"]).await, ["10000.00"]);
    it.an.post(&format!("/records/opportunity/{id}/actions/make_order"), json!({})).await.ok(200);
    let order = it.an.find("order", &json!({"field": "opportunity", "op": "is", "value": id}), "no", "id").await[0].as_str().expect("an order").to_owned();
    it.an.patch(&format!("/records/order/{order}"), json!({"lines": [{"product": it.product, "quantity": "10"}]})).await.ok(200);
    step(&it.an, &order, "confirm", json!({})).await.ok(200);
    take("opportunity", &id, "win", json!({"record": {"win_reason": "quality"}})).await.ok(200);
    assert_eq!(it.figures("opportunity", &id, ["stage", "probability", "ordered"]).await, ["contracted", "100", "1130.00"]);
    assert_eq!(it.figures("customer", &it.customer, ["opportunity_open"]).await, ["0.00"]);
    take("opportunity", &id, "unsign", json!({"comment": "x"})).await.refused(403, "forbidden");
    let lost = it.an.make("opportunity", json!({"name": "Another", "customer": it.customer})).await;
    take("opportunity", &lost, "lose", json!({})).await.refused(422, "invalid");
    take("opportunity", &lost, "lose", json!({"record": {"loss_reason": "price"}})).await.ok(200);
    take("opportunity", &lost, "reopen", json!({"comment": "they called"})).await.ok(200);
    assert_eq!(it.figures("opportunity", &lost, ["loss_reason", "probability"]).await, ["null", "20"]);
    // A visit that was made is the last contact of the customer.
    let task = it.an.make("sales_task", json!({"subject": "Visit", "kind": "visit", "customer": it.customer})).await;
    assert_eq!(it.figures("customer", &it.customer, ["tasks_open"]).await, ["1"]);
    take("sales_task", &task, "finish", json!({})).await.refused(422, "invalid");
    take("sales_task", &task, "finish", json!({"record": {"reached": "yes", "result": "They want more."}})).await.ok(200);
    let read = it.root.read("customer", &it.customer).await;
    assert_eq!((&read["tasks_open"], &read["last_contact"]), (&json!(0), &it.root.read("sales_task", &task).await["done_on"]), "{read}");
}
