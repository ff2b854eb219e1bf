//! Derived values follow whatever they hang on: through links, over rows, at any distance, by every way in.

use app::jobs::{self, Pace};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    both,
    publishing::{install, pack_of},
    site::{Database, Files, Person, Site},
};

both! {
    values_through_links_follow,
    rows_behind_links_are_added_up,
    what_lies_in_the_trash_is_caught_up_with,
    very_many_followers_are_left_to_a_job,
    changed_definitions_calculate_all_records_anew,
    a_value_damaged_by_other_hands_is_found,
    rows_that_add_up_rows_of_their_own_table_settle,
}

/// Groups of clients with orders of goods: formulas and aggregates over all of them.
pub fn trade() -> Files {
    let text = || json!({"type": "text"});
    let over = |kind: &str, from: &str, function: &str, field: &str| {
        let mut rollup = json!({"from": from, "function": function});
        if !field.is_empty() {
            rollup["field"] = field.into();
        }
        json!({"type": kind, "rollup": rollup})
    };
    let lines = |function: &str, field: &str, by: &str| json!({"from": "order.lines", "by": by, "function": function, "field": field});
    let done = json!({"field": "done", "op": "is", "value": true});
    let mut turnover = over("money", "order.client", "sum", "total");
    turnover["rollup"]["where"] = done.clone();
    let mut open = over("integer", "order.client", "count", "");
    open["rollup"]["where"] = json!({"field": "done", "op": "is_not", "value": true});
    let mut lines_of_done = json!({"type": "decimal", "rollup": lines("sum", "quantity", "order.client")});
    lines_of_done["rollup"]["where"] = json!({"field": "order.done", "op": "is", "value": true});
    let group = json!({"key": "group", "title": "{name}", "fields": {
        "name": text(), "members": over("integer", "client.group", "count", ""), "turnover": over("money", "client.group", "sum", "turnover"),
        "best": over("money", "client.group", "max", "turnover"), "names": over("text", "client.group", "concat", "name"), "average": over("money", "client.group", "avg", "turnover")}});
    let client = json!({"key": "client", "title": "{name}", "fields": {
        "name": text(), "rate": {"type": "decimal", "scale": 2, "default": "1"}, "group": {"type": "link", "target": "group", "on_delete": "set_null"},
        "turnover": turnover, "orders": over("integer", "order.client", "count", ""), "open": open,
        "average": over("money", "order.client", "avg", "total"), "least": over("money", "order.client", "min", "total"), "most": over("money", "order.client", "max", "total"),
        "kinds": over("integer", "order.client", "count_distinct", "kind"), "first_kind": over("text", "order.client", "first", "kind"), "last_kind": over("text", "order.client", "last", "kind"),
        "pieces": {"type": "decimal", "rollup": lines("sum", "quantity", "order.client")}, "pieces_done": lines_of_done,
        "kilos": {"type": "decimal", "rollup": lines("sum", "good.weight", "order.client")},
        "worth": {"type": "money", "computed": {"expr": "turnover * rate"}}}});
    let order = json!({"key": "order", "title": "{kind}", "fields": {
        "client": {"type": "link", "target": "client", "on_delete": "set_null"}, "kind": text(), "done": {"type": "boolean"},
        "total": {"type": "money", "rollup": {"from": "lines", "function": "sum", "field": "amount"}},
        "weighted": {"type": "money", "computed": {"expr": "total * client.rate"}},
        "of_group": {"type": "text", "computed": {"expr": "client.group.name"}}},
        "child_tables": {"lines": {"fields": {
            "good": {"type": "link", "target": "good", "on_delete": "set_null"}, "quantity": {"type": "decimal", "default": "1"},
            "price": {"type": "money", "fetch": {"path": "good.price", "mode": "snapshot", "editable": true}},
            "amount": {"type": "money", "computed": {"expr": "or(quantity * price, 0)"}}, "weight": {"type": "decimal", "computed": {"expr": "quantity * good.weight"}}}}}});
    let good = json!({"key": "good", "title": "{name}", "fields": {
        "name": text(), "price": {"type": "money"}, "weight": {"type": "decimal"}, "sold": {"type": "decimal", "rollup": lines("sum", "quantity", "good")},
        "heaviest": {"type": "decimal", "rollup": lines("max", "weight", "good")}}});
    pack_of(&[group, client, order, good], &[])
}

pub async fn site(database: Database) -> (Site, Person) {
    let site = Site::of(database, vec![trade()]).await;
    let root = site.person("root", &["administrator"]).await;
    (site, root)
}

pub async fn run_jobs(site: &Site) {
    jobs::run_due(&site.app, &jobs::builtin(), Pace::default()).await.expect("jobs");
}

async fn values_through_links_follow(database: Database) {
    let (_site, root) = site(database).await;
    let group = root.make("group", json!({"name": "North"})).await;
    let client = root.make("client", json!({"name": "Acme", "rate": "2", "group": group})).await;
    let good = root.make("good", json!({"name": "Nail", "price": "3.00", "weight": "0.5"})).await;
    let order = root.make("order", json!({"client": client, "kind": "web", "done": true, "lines": [{"good": good, "quantity": "4"}]})).await;
    let of = async |card: &str, id: &str, fields: &[&str]| -> Vec<Value> {
        let read = root.read(card, id).await;
        fields.iter().map(|field| read[*field].clone()).collect()
    };
    assert_eq!(of("order", &order, &["total", "weighted", "of_group"]).await, [json!("12.00"), json!("24.00"), json!("North")]);
    assert_eq!(of("client", &client, &["turnover", "worth", "kilos"]).await, [json!("12.00"), json!("24.00"), json!("0.50")]);
    // The formula of an order reads the client, the group behind it, the goods of its lines.
    root.patch(&format!("/records/client/{client}"), json!({"rate": "3"})).await.ok(200);
    root.patch(&format!("/records/group/{group}"), json!({"name": "South"})).await.ok(200);
    root.patch(&format!("/records/good/{good}"), json!({"weight": "1.5", "price": "9.00"})).await.ok(200);
    assert_eq!(of("order", &order, &["total", "weighted", "of_group"]).await, [json!("12.00"), json!("36.00"), json!("South")], "a snapshot stays");
    assert_eq!(root.read("order", &order).await["lines"][0]["weight"], "6.00");
    assert_eq!(of("client", &client, &["worth", "kilos"]).await, [json!("36.00"), json!("1.50")]);
    assert_eq!(of("good", &good, &["sold", "heaviest"]).await, [json!("4.00"), json!("6.00")]);
    assert_eq!(of("group", &group, &["members", "turnover", "best", "names", "average"]).await, [json!(1), json!("12.00"), json!("12.00"), json!("Acme"), json!("12.00")]);
    // A link that moves takes everything along.
    let other = root.make("group", json!({"name": "West"})).await;
    root.patch(&format!("/records/client/{client}"), json!({"group": other})).await.ok(200);
    assert_eq!(of("order", &order, &["of_group"]).await, [json!("West")]);
    assert_eq!(of("group", &group, &["members", "turnover", "best", "names", "average"]).await, [json!(0), json!("0.00"), Value::Null, Value::Null, Value::Null]);
    assert_eq!(of("group", &other, &["members", "turnover", "names"]).await, [json!(1), json!("12.00"), json!("Acme")]);
}

async fn rows_behind_links_are_added_up(database: Database) {
    let card = |key: &str, fields: Value| json!({"key": key, "title": "{name}", "fields": fields, "child_tables": {"steps": {"fields": {"hours": {"type": "decimal"}}}}});
    let team = card("team", json!({"name": {"type": "text"}, "people": {"type": "links", "target": "person"}, "pay": {"type": "money", "computed": {"expr": "people.sum(\"wage\")"}},
        "tasks": {"type": "integer", "computed": {"expr": "task.team.count()"}}, "late": {"type": "integer", "computed": {"expr": "task.team.where(\"late\", \"is\", true).count()"}}}));
    let person = card("person", json!({"name": {"type": "text"}, "wage": {"type": "money"}}));
    let task = card("task", json!({"name": {"type": "text"}, "late": {"type": "boolean"}, "team": {"type": "link", "target": "team", "on_delete": "set_null"}, "hours": {"type": "decimal"},
        "share": {"type": "decimal", "computed": {"expr": "hours / team.task.team.sum(\"hours\")"}}, "steps_of_team": {"type": "decimal", "computed": {"expr": "team.steps.sum(\"hours\")"}}}));
    let site = Site::of(database, vec![pack_of(&[team, person, task], &[])]).await;
    let root = site.person("root", &["administrator"]).await;
    let (ann, bob) = (root.make("person", json!({"name": "Ann", "wage": "10"})).await, root.make("person", json!({"name": "Bob", "wage": "5"})).await);
    let team = root.make("team", json!({"name": "Red", "people": [ann, bob], "steps": [{"hours": "2"}, {"hours": "3"}]})).await;
    assert_eq!(root.read("team", &team).await["pay"], "15.00");
    let one = root.make("task", json!({"name": "One", "team": team, "hours": "1"})).await;
    let two = root.make("task", json!({"name": "Two", "team": team, "hours": "3", "late": true})).await;
    let share = async |id: &str| root.read("task", id).await["share"].clone();
    assert_eq!((share(&one).await, share(&two).await), (json!("0.25"), json!("0.75")), "each hears of the other");
    let read = root.read("team", &team).await;
    assert_eq!((&read["tasks"], &read["late"]), (&json!(2), &json!(1)));
    assert_eq!(root.read("task", &one).await["steps_of_team"], "5.00");
    root.patch(&format!("/records/person/{bob}"), json!({"wage": "7.50"})).await.ok(200);
    root.patch(&format!("/records/task/{two}"), json!({"late": false, "hours": "1"})).await.ok(200);
    root.patch(&format!("/records/team/{team}"), json!({"steps": {"add": [{"hours": "4"}]}})).await.ok(200);
    let read = root.read("team", &team).await;
    assert_eq!((&read["pay"], &read["tasks"], &read["late"]), (&json!("17.50"), &json!(2), &json!(0)));
    assert_eq!((share(&one).await, root.read("task", &two).await["steps_of_team"].clone()), (json!("0.50"), json!("9.00")));
    root.delete(&format!("/records/task/{two}")).await.ok(204);
    assert_eq!((share(&one).await, root.read("team", &team).await["tasks"].clone()), (json!("1.00"), json!(1)));
    // Nothing calculates itself from itself, however far round.
    let circle = |key: &str, fields: Value| json!({"key": key, "title": "{name}", "fields": fields});
    let boss = circle("boss", json!({"name": {"type": "text"}, "all": {"type": "money", "rollup": {"from": "helper.boss", "function": "sum", "field": "pay"}}}));
    let helper = circle("helper", json!({"name": {"type": "text"}, "boss": {"type": "link", "target": "boss"}, "pay": {"type": "money", "computed": {"expr": "boss.all / 2"}}}));
    let found = app::packs::check(&site.app, vec![pack_of(&[boss, helper], &[])]).await.expect("checked");
    let told: Vec<&str> = found.iter().map(|finding| finding.message.as_str()).collect();
    assert!(told.iter().any(|told| told.ends_with("in a circle: boss.all → helper.pay → boss.all")), "{told:?}");
    assert!(found.iter().any(|finding| finding.file == "cards/boss.json" && finding.pointer == "/fields/all/rollup"), "{found:?}");
}

async fn what_lies_in_the_trash_is_caught_up_with(database: Database) {
    let (_site, root) = site(database).await;
    let client = root.make("client", json!({"name": "Acme", "rate": "2"})).await;
    let order = |total: &str| json!({"client": client, "done": true, "lines": [{"price": total, "quantity": "1"}]});
    let (one, two) = (root.make("order", order("10")).await, root.make("order", order("5")).await);
    root.delete(&format!("/records/order/{one}")).await.ok(204);
    let read = root.read("client", &client).await;
    assert_eq!((&read["turnover"], &read["orders"], &read["most"]), (&json!("5.00"), &json!(1), &json!("5.00")));
    root.patch(&format!("/records/client/{client}"), json!({"rate": "4"})).await.ok(200);
    root.post(&format!("/records/order/{one}/restore"), json!({})).await.ok(200);
    assert_eq!(root.read("order", &one).await["weighted"], "40.00", "it is as if it had never been away");
    assert_eq!(root.read("client", &client).await["most"], "10.00");
    // A link that is emptied with its target reads as empty.
    root.delete(&format!("/records/client/{client}")).await.ok(204);
    assert_eq!(root.read("order", &two).await["weighted"], Value::Null);
    root.post(&format!("/records/client/{client}/restore"), json!({})).await.ok(200);
    assert_eq!(root.read("order", &two).await["weighted"], "20.00");
}

/// So many copies of the order there is, past all checks.
async fn copy_orders(site: &Site, database: Database, count: u32) {
    let columns = "created_at, updated_at, version, site, f_client, f_total, f_weighted, f_done";
    let id = match database {
        Database::Sqlite => "unhex(printf('%032x', n.n + 1000))",
        Database::Postgres => "lpad(to_hex(n.n + 1000), 32, '0')::uuid",
    };
    // Their sums are entered here, since they have no lines.
    let copies = format!("WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {count}) INSERT INTO c_order (id, {columns}) SELECT {id}, {columns} FROM c_order, n");
    site.app.store.apply(vec![copies]).await.expect("copies");
}

async fn very_many_followers_are_left_to_a_job(database: Database) {
    let (site, root) = site(database).await;
    let client = root.make("client", json!({"name": "Acme", "rate": "2"})).await;
    let order = root.make("order", json!({"client": client, "done": true, "lines": [{"price": "3.00", "quantity": "1"}]})).await;
    copy_orders(&site, database, 10_100).await;
    root.patch(&format!("/records/client/{client}"), json!({"rate": "5"})).await.ok(200);
    let stale = "SELECT count(*) FROM c_order WHERE f_weighted <> f_total * 5";
    assert_eq!(site.number(stale).await, 10_101, "they are left to a job");
    assert_eq!(root.read("order", &order).await["recomputing"], json!(["weighted"]));
    run_jobs(&site).await;
    assert_eq!(site.number(stale).await, 0);
    assert_eq!(root.read("order", &order).await["weighted"], "15.00");
    assert_eq!(site.number("SELECT count(*) FROM sys_recomputing").await, 0);
}

/// The same cards with another formula, and a field that was not there before.
fn grown() -> Files {
    let mut files = trade();
    let mut order: Value = serde_json::from_slice(&files["cards/order.json"]).expect("a card");
    order["fields"]["weighted"]["computed"]["expr"] = json!("total * client.rate * 10");
    order["fields"]["twice"] = json!({"type": "money", "computed": {"expr": "weighted * 2"}});
    let mut client: Value = serde_json::from_slice(&files["cards/client.json"]).expect("a card");
    client["fields"]["all_twice"] = json!({"type": "money", "rollup": {"from": "order.client", "function": "sum", "field": "twice"}});
    files.insert("cards/order.json".into(), order.to_string().into_bytes());
    files.insert("cards/client.json".into(), client.to_string().into_bytes());
    files
}

async fn changed_definitions_calculate_all_records_anew(database: Database) {
    let (site, root) = site(database).await;
    let client = root.make("client", json!({"name": "Acme", "rate": "2"})).await;
    let order = root.make("order", json!({"client": client, "done": true, "lines": [{"price": "3.00", "quantity": "1"}]})).await;
    install(&site, grown()).await;
    let read = root.read("order", &order).await;
    assert_eq!((&read["weighted"], &read["twice"], &read["recomputing"]), (&json!("60.00"), &json!("120.00"), &Value::Null), "few are calculated at once");
    assert_eq!(root.read("client", &client).await["all_twice"], "120.00");
    // Back to the old formula, with more records than are calculated at once.
    copy_orders(&site, database, 1_500).await;
    install(&site, trade()).await;
    let read = root.read("order", &order).await;
    assert_eq!((&read["weighted"], &read["recomputing"]), (&json!("60.00"), &json!(["weighted"])), "marked, until a job is done");
    let listed = root.get("/records/order?limit=1").await.ok(200);
    assert_eq!(listed["recomputing"], json!(["weighted"]));
    let marks = async || root.send(Method::GET, "/c/order?cols=total,weighted,client", &[], None).await.text.matches("being calculated").count();
    assert_eq!(marks().await, 2, "one head says so, to see and to hear");
    run_jobs(&site).await;
    assert_eq!(marks().await, 0);
    let read = root.read("order", &order).await;
    assert_eq!((&read["weighted"], &read["recomputing"]), (&json!("6.00"), &Value::Null));
    assert_eq!(site.number("SELECT count(*) FROM c_order WHERE f_weighted <> f_total * 2").await, 0);
}

async fn a_value_damaged_by_other_hands_is_found(database: Database) {
    let (site, root) = site(database).await;
    let client = root.make("client", json!({"name": "Acme", "rate": "2"})).await;
    let order = root.make("order", json!({"client": client, "done": true, "lines": [{"price": "3.00", "quantity": "1"}]})).await;
    let look = async |cards: &[String]| {
        let mut found = Vec::new();
        app::derived::verify(&site.app, cards, &mut |stale| found.push(format!("{} {} {} {}", stale.card, stale.field, stale.stored, stale.right))).await.expect("looked at");
        found
    };
    assert!(look(&[]).await.is_empty());
    site.app.store.apply(vec!["UPDATE c_client SET f_orders = 7".into(), "UPDATE c_order__lines SET f_amount = f_amount * 2".into()]).await.expect("damage");
    assert_eq!(look(&[]).await, ["client orders 7 1", "order lines/0/amount \"6.00\" \"3.00\""]);
    assert_eq!(look(&["order".to_owned()]).await.len(), 1);
    app::derived::recompute(&site.app, &[], &mut |_, _, _| ()).await.expect("calculated");
    assert!(look(&[]).await.is_empty());
    let read = root.read("client", &client).await;
    assert_eq!((&read["orders"], &root.read("order", &order).await["lines"][0]["amount"]), (&json!(1), &json!("3.00")));
}

/// A row has all of its aggregates before the next row has any: one pass is not enough here.
async fn rows_that_add_up_rows_of_their_own_table_settle(database: Database) {
    let bag = json!({"key": "bag", "title": "{name}", "fields": {"name": {"type": "text"}, "top": {"type": "integer", "rollup": {"from": "parts", "function": "max", "field": "most"}}},
        "child_tables": {"parts": {"fields": {"kind": {"type": "text"},
            "alike": {"type": "integer", "rollup": {"from": "parts", "function": "count", "where": {"field": "kind", "op": "is", "value": "@row.kind"}}},
            "most": {"type": "integer", "rollup": {"from": "parts", "function": "max", "field": "alike"}}}}}});
    let site = Site::of(database, vec![pack_of(&[bag], &[])]).await;
    let root = site.person("root", &["administrator"]).await;
    let figures = |bag: &Value| -> Vec<(i64, i64)> { bag["parts"].as_array().expect("parts").iter().map(|part| (part["alike"].as_i64().unwrap_or(-1), part["most"].as_i64().unwrap_or(-1))).collect() };
    let id = root.make("bag", json!({"name": "B", "parts": [{"kind": "b"}, {"kind": "a"}, {"kind": "a"}]})).await;
    let made = root.read("bag", &id).await;
    assert_eq!((figures(&made), &made["top"]), (vec![(1, 2), (2, 2), (2, 2)], &json!(2)));
    let changed = root.patch(&format!("/records/bag/{id}"), json!({"parts": {"add": [{"kind": "a"}]}})).await.ok(200);
    assert_eq!((figures(&changed), &changed["top"]), (vec![(1, 3), (3, 3), (3, 3), (3, 3)], &json!(3)));
}
