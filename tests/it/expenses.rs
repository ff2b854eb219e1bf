//! Expenses: entered on the record they belong to, found by the customer however far away, added up at every step,
//! whichever way they come.

use app::jobs::{self, Pace};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{both, imports, site::{Database, Person, Site, encoded, pack, violations}};

both!(every_figure_is_right_whichever_way_expenses_come, the_customer_is_found_however_deep, each_sees_what_is_theirs, they_are_entered_nowhere_else);

struct World {
    site: Site,
    root: Person,
    customer: String,
    other: String,
    order: String,
}

async fn world(database: Database) -> World {
    imports::reader();
    let site = Site::of(database, ["builtin-modules/base", "builtin-modules/sales", "builtin-modules/service", "tests/packs/visits"].map(pack).to_vec()).await;
    let root = site.person("root", &["administrator"]).await;
    let customer = root.make("customer", json!({"name": "Lantern"})).await;
    let other = root.make("customer", json!({"name": "Harbour"})).await;
    let order = root.make("order", json!({"customer": customer})).await;
    World { site, root, customer, other, order }
}

fn expense(card: &str, id: &str, amount: &str) -> Value {
    json!({"source": {"card": card, "id": id}, "type": {"code": "dinner"}, "amount": amount})
}

impl World {
    /// The expenses of an order, the visit or whatever else, and of both customers; nothing derived is stale.
    async fn check(&self, own: (&str, &str), wanted: [&str; 3], when: &str) {
        let total = async |card: &str, id: &str| self.root.read(card, id).await["expense_total"].as_str().unwrap_or("none").to_owned();
        let found = [total(own.0, own.1).await, total("customer", &self.customer).await, total("customer", &self.other).await];
        assert_eq!(found, wanted.map(str::to_owned), "{when}");
        let mut stale = Vec::new();
        app::derived::verify(&self.site.app, &[], &mut |found| stale.push(format!("{found:?}"))).await.expect("looked at");
        assert!(stale.is_empty(), "{when}: {stale:#?}");
    }
}

async fn every_figure_is_right_whichever_way_expenses_come(database: Database) {
    let it = world(database).await;
    let root = &it.root;
    let order = ("order", it.order.as_str());
    let first = root.make("expense", expense("order", &it.order, "100.50")).await;
    it.check(order, ["100.50", "100.50", "0.00"], "by the API").await;
    let dinner = root.find("expense_type", &json!({"field": "code", "op": "is", "value": "dinner"}), "code", "id").await[0].as_str().expect("an id").to_owned();
    let form = format!("f.source=order%3A{}&f.type={dinner}&f.amount=50&f.remark=by+form", it.order);
    let made = root.send(Method::POST, "/c/expense", &[("content-type", "application/x-www-form-urlencoded"), ("hx-request", "true")], Some(form.into_bytes())).await;
    assert_eq!(made.status.as_u16(), 200, "{}", made.text);
    it.check(order, ["150.50", "150.50", "0.00"], "by a form").await;
    let text = format!("source,type,amount\norder: {0},宴请 Dinners,20\norder: {0},宴请 Dinners,30\n", it.order);
    let done = imports::import(&it.site, root, "expense", &text, json!({})).await;
    assert_eq!(imports::counts(&done), (2, 0, 0, 0), "{done}");
    it.check(order, ["200.50", "200.50", "0.00"], "by an import").await;
    let cheap = json!({"field": "amount", "op": "lt", "value": "40"});
    let edit = root.post("/records/expense/bulk", json!({"action": "edit", "fields": [{"field": "amount", "value": "1"}], "all": {"filter": cheap}})).await;
    assert!(edit.status.is_success(), "{}", edit.text);
    jobs::run_due(&it.site.app, &jobs::builtin(), Pace::default()).await.expect("jobs run");
    it.check(order, ["152.50", "152.50", "0.00"], "by a bulk edit").await;
    let answer = root.post("/records/expense/batch", json!({"undoable": true, "atomic": true, "items": [{"op": "create", "record": expense("order", &it.order, "9")}, {"op": "update", "id": first, "record": {"amount": "0.50"}}]})).await.ok(200);
    it.check(order, ["61.50", "61.50", "0.00"], "by a batch").await;
    root.post(&format!("/batches/{}/undo", answer["batch"].as_str().expect("a batch")), json!({})).await.ok(200);
    it.check(order, ["152.50", "152.50", "0.00"], "taken back").await;
    // The order changes hands: its expenses follow, and with them both customers.
    root.patch(&format!("/records/order/{}", it.order), json!({"customer": it.other})).await.ok(200);
    it.check(order, ["152.50", "0.00", "152.50"], "the order is another customer's").await;
    root.patch(&format!("/records/order/{}", it.order), json!({"customer": it.customer})).await.ok(200);
    root.delete(&format!("/records/expense/{first}")).await.ok(204);
    it.check(order, ["52.00", "52.00", "0.00"], "one in the trash").await;
    root.post(&format!("/records/expense/{first}/restore"), json!({})).await.ok(200);
    root.delete(&format!("/records/order/{}", it.order)).await.ok(204);
    assert_eq!(root.read("customer", &it.customer).await["expense_total"], "0.00", "expenses go with what they belong to");
    root.post(&format!("/records/order/{}/restore", it.order), json!({})).await.ok(200);
    it.check(order, ["152.50", "152.50", "0.00"], "and come back with it").await;
    // By type: the tree's leaves add up too.
    assert_eq!(root.read("expense_type", &dinner).await["spent"], "152.50");
    root.post("/records/customer/merge", json!({"master": it.other, "others": [it.customer]})).await.ok(200);
    let read = root.read("customer", &it.other).await;
    assert_eq!((&read["expense_total"], &read["order_count"]), (&json!("152.50"), &json!(1)), "merged");
    assert_eq!(root.read("order", &it.order).await["expense_total"], "152.50");
    let mut stale = Vec::new();
    app::derived::verify(&it.site.app, &[], &mut |found| stale.push(format!("{found:?}"))).await.expect("looked at");
    assert!(stale.is_empty(), "{stale:#?}");
}

async fn the_customer_is_found_however_deep(database: Database) {
    let it = world(database).await;
    let root = &it.root;
    let complaint = root.make("complaint", json!({"subject": "Broken", "order": it.order})).await;
    assert_eq!(root.read("complaint", &complaint).await["customer"]["title"], "Lantern", "taken over from the order");
    let visit = root.make("site_visit", json!({"what": "Look at it", "complaint": complaint})).await;
    root.make("expense", expense("complaint", &complaint, "10")).await;
    root.make("expense", expense("site_visit", &visit, "20")).await;
    root.post(&format!("/records/site_visit/{visit}/actions/taxi"), json!({})).await.ok(200);
    root.make("expense", expense("order", &it.order, "5")).await;
    it.check(("site_visit", &visit), ["27.00", "42.00", "0.00"], "of a visit for a complaint about an order").await;
    let of = async |customer: &str| root.find("expense", &json!({"field": "customer", "op": "is", "value": customer}), "amount", "amount").await;
    assert_eq!(of(&it.customer).await, ["5.00", "7.00", "10.00", "20.00"]);
    assert_eq!(root.find("expense", &json!({"field": "customer.name", "op": "contains", "value": "lant"}), "amount", "amount").await.len(), 4);
    // The list that asks for the customer.
    let asked = root.get(&format!("/records/expense?view=of_customer&param.customer={}", it.customer)).await.ok(200);
    assert_eq!(asked["data"].as_array().expect("rows").len(), 4, "{asked}");
    // Steps in the middle change: whatever hangs on them follows, nothing else.
    let second = root.make("order", json!({"customer": it.other})).await;
    root.patch(&format!("/records/complaint/{complaint}"), json!({"order": second, "customer": it.other})).await.ok(200);
    it.check(("site_visit", &visit), ["27.00", "5.00", "37.00"], "the complaint is about another order").await;
    assert_eq!(of(&it.other).await, ["7.00", "10.00", "20.00"]);
    root.patch(&format!("/records/site_visit/{visit}"), json!({"complaint": null})).await.ok(200);
    it.check(("site_visit", &visit), ["27.00", "5.00", "10.00"], "a visit for no complaint").await;
    // Two complaints that were one: expenses stand on the one that is left.
    let twin = root.make("complaint", json!({"subject": "Broken again", "order": it.order})).await;
    root.make("expense", expense("complaint", &twin, "3")).await;
    root.post("/records/complaint/merge", json!({"master": complaint, "others": [twin]})).await.ok(200);
    it.check(("complaint", &complaint), ["13.00", "5.00", "13.00"], "merged complaints").await;
    // Groups over all cards.
    let body = json!({"group_by": [{"field": "customer", "order": "-amount.sum"}], "totals": [{"field": "amount", "function": "sum"}], "limit": 1});
    let groups = root.post("/records/expense/query", body).await.ok(200);
    let told: Vec<(&str, &str)> = groups["groups"].as_array().expect("groups").iter().map(|group| (group["label"][0].as_str().unwrap_or("?"), group["totals"]["amount.sum"].as_str().unwrap_or("?"))).collect();
    assert_eq!(told, [("", "27.00"), ("Harbour", "13.00"), ("Lantern", "5.00")], "{groups}");
}

async fn each_sees_what_is_theirs(database: Database) {
    let it = world(database).await;
    let (ann, bob) = (it.site.person("ann", &["sales"]).await, it.site.person("bob", &["sales"]).await);
    let hers = ann.make("customer", json!({"name": "Hers"})).await;
    let task = ann.make("sales_task", json!({"subject": "Call", "customer": hers})).await;
    let mine = ann.make("expense", expense("sales_task", &task, "4")).await;
    // A complaint of hers about a customer whom she does not see.
    let complaint = it.root.make("complaint", json!({"subject": "Late", "customer": it.customer, "owner": ann.id})).await;
    let second = ann.make("expense", expense("complaint", &complaint, "6")).await;
    let read = ann.read("expense", &second).await;
    assert_eq!((&read["customer"]["id"], &read["customer"]["title"]), (&json!(it.customer), &Value::Null), "{read}");
    it.root.make("expense", expense("complaint", &complaint, "8")).await;
    let of = async |person: &Person, customer: &str| person.find("expense", &json!({"field": "customer", "op": "is", "value": customer}), "amount", "amount").await;
    assert_eq!(of(&ann, &hers).await, ["4.00"]);
    assert_eq!(of(&ann, &it.customer).await, ["6.00"], "of others only the total is known, to those who see the customer");
    assert_eq!(of(&it.root, &it.customer).await, ["6.00", "8.00"]);
    assert!(of(&bob, &hers).await.is_empty());
    assert!(ann.find("expense", &json!({"field": "customer.name", "op": "is", "value": "Lantern"}), "amount", "amount").await.is_empty(), "paths end where one may not look");
    bob.get(&format!("/records/expense/{mine}")).await.refused(404, "not_found");
    // Nobody enters anything on a record they do not see.
    let problem = bob.post("/records/expense", expense("sales_task", &task, "1")).await.refused(422, "invalid");
    assert_eq!(violations(&problem), ["source not_found"]);
    // Credit that is left tells the limit, so it is seen by those who see that.
    let clerk = it.site.person("clerk", &["assistant"]).await;
    it.root.patch(&format!("/records/customer/{hers}"), json!({"credit_limit": "1000"})).await.ok(200);
    let read = clerk.read("customer", &hers).await;
    assert!(read.get("credit_left").is_none() && read.get("order_total").is_some(), "{read}");
    assert_eq!(ann.read("customer", &hers).await["credit_left"], "1000.00");
}

async fn they_are_entered_nowhere_else(database: Database) {
    let it = world(database).await;
    let root = &it.root;
    let without = json!({"type": {"code": "dinner"}, "amount": "1"});
    assert_eq!(violations(&root.post("/records/expense", without).await.refused(422, "invalid")), ["source required"]);
    let problem = root.post("/records/expense", expense("customer", &it.customer, "1")).await.refused(422, "invalid");
    assert_eq!(violations(&problem), ["source target"], "only cards with the tab");
    let id = root.make("expense", expense("order", &it.order, "1")).await;
    let second = root.make("order", json!({"customer": it.other})).await;
    let problem = root.patch(&format!("/records/expense/{id}"), json!({"source": {"card": "order", "id": second}})).await.refused(422, "invalid");
    assert_eq!(violations(&problem), ["source fixed"]);
    let problem = root.patch(&format!("/records/expense/{id}"), json!({"customer": it.other})).await.refused(422, "invalid");
    assert_eq!(violations(&problem), ["customer read_only"]);
    let done = imports::import(&it.site, root, "expense", "type,amount\n宴请 Dinners,20\n", json!({})).await;
    assert_eq!(imports::counts(&done), (0, 0, 0, 1), "{done}");
    assert_eq!(root.read("order", &it.order).await["expense_total"], "1.00");
    let page = async |path: &str| {
        let answer = root.send(Method::GET, path, &[("accept", "text/html")], None).await;
        crate::site::Answer { text: answer.text.replace("&#x2f;", "/"), ..answer }
    };
    assert!(page("/c/order").await.text.contains("/c/order/new"), "other lists do");
    for path in ["/c/expense", "/c/expense?kind=cards", "/palette?q=expense"] {
        assert!(!page(path).await.text.contains("/c/expense/new"), "{path} offers to make one");
    }
    let refused = page("/c/expense/new").await;
    assert_eq!(refused.status.as_u16(), 403, "{}", refused.text);
    let form = page(&format!("/c/expense/new?f.source={}", encoded(&format!("order:{}", it.order)))).await;
    assert!(form.status.is_success() && form.text.contains(&format!("name=\"f.source\" value=\"order:{}\"", it.order)), "{}", form.text);
    let tab = page(&format!("/c/order/{}/panel/expenses", it.order)).await;
    assert!(tab.text.contains("/c/expense/new?f.source=order%3A"), "{}", tab.text);
    let all = page(&format!("/c/customer/{}/panel/expenses", it.customer)).await;
    assert!(all.status.is_success() && !all.text.contains("/c/expense/new"), "{}", all.text);
    let card = root.get("/cards/expense").await.ok(200);
    assert_eq!(card["entered_from"], "source", "{card}");
}
