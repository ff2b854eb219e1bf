//! Derived values after whatever way in, against what a plain calculation in memory gives: random changes of a world of
//! groups, clients, orders and goods, each looked at from what was entered alone.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::{
    alike::Dice,
    both,
    derived::{run_jobs, site},
    site::{Database, Person},
};

both!(every_way_in_gives_what_a_full_calculation_gives, many_at_once_leave_nothing_stale);

/// What everything would be, calculated from what was entered alone.
struct Oracle {
    orders: Vec<Value>,
    clients: Vec<Value>,
    groups: Vec<Value>,
    goods: Vec<Value>,
}

fn number(value: &Value) -> Decimal {
    value.as_str().map_or(Decimal::ZERO, |text| text.parse().expect("a number"))
}

fn money(value: Option<Decimal>) -> Value {
    value.map_or(Value::Null, |value| {
        let mut value = value.round_dp_with_strategy(2, rust_decimal::RoundingStrategy::MidpointAwayFromZero);
        value.rescale(2);
        json!(value.to_string())
    })
}

fn mean(values: &[Decimal]) -> Value {
    money((!values.is_empty()).then(|| values.iter().sum::<Decimal>() / Decimal::from(values.len())))
}

impl Oracle {
    async fn read(root: &Person) -> Self {
        let all = async |card: &str| {
            let mut found = Vec::new();
            for id in root.find(card, &json!({"all": []}), "created_at,id", "id").await {
                found.push(root.read(card, id.as_str().expect("an id")).await);
            }
            found
        };
        Self { orders: all("order").await, clients: all("client").await, groups: all("group").await, goods: all("good").await }
    }

    fn lines(order: &Value) -> &[Value] {
        order["lines"].as_array().map_or(&[], Vec::as_slice)
    }
    fn find<'v>(all: &'v [Value], link: &Value) -> Option<&'v Value> {
        all.iter().find(|one| !link.is_null() && one["id"] == link["id"])
    }
    fn total(order: &Value) -> Decimal {
        Self::lines(order).iter().map(|line| (number(&line["quantity"]) * number(&line["price"])).round_dp_with_strategy(2, rust_decimal::RoundingStrategy::MidpointAwayFromZero)).sum()
    }
    fn orders_of(&self, client: &Value) -> Vec<&Value> {
        self.orders.iter().filter(|order| order["client"]["id"] == client["id"]).collect()
    }
    fn turnover(&self, client: &Value) -> Decimal {
        self.orders_of(client).iter().filter(|order| order["done"] == true).map(|order| Self::total(order)).sum()
    }
    fn weight(&self, line: &Value) -> Option<Decimal> {
        let good = Self::find(&self.goods, &line["good"])?;
        (!good["weight"].is_null() && !line["quantity"].is_null()).then(|| number(&line["quantity"]) * number(&good["weight"]))
    }

    /// `card id field` → what it should be.
    fn expected(&self) -> BTreeMap<String, Value> {
        let mut all = BTreeMap::new();
        let mut put = |of: &Value, card: &str, field: &str, value: Value| {
            all.insert(format!("{card} {} {field}", of["id"].as_str().unwrap_or("?")), value);
        };
        for order in &self.orders {
            let client = Self::find(&self.clients, &order["client"]);
            let group = client.and_then(|client| Self::find(&self.groups, &client["group"]));
            put(order, "order", "total", money(Some(Self::total(order))));
            put(order, "order", "weighted", money(client.filter(|client| !client["rate"].is_null()).map(|client| Self::total(order) * number(&client["rate"]))));
            put(order, "order", "of_group", group.map_or(Value::Null, |group| group["name"].clone()));
            for line in Self::lines(order) {
                put(line, "line", "weight", money(self.weight(line)));
            }
        }
        for client in &self.clients {
            let orders = self.orders_of(client);
            let totals: Vec<Decimal> = orders.iter().map(|order| Self::total(order)).collect();
            let kinds: Vec<&Value> = orders.iter().map(|order| &order["kind"]).filter(|kind| !kind.is_null()).collect();
            let lines: Vec<&Value> = orders.iter().flat_map(|order| Self::lines(order)).collect();
            let quantity = |done: bool| orders.iter().filter(|order| !done || order["done"] == true).flat_map(|order| Self::lines(order)).map(|line| number(&line["quantity"])).sum::<Decimal>();
            put(client, "client", "turnover", money(Some(self.turnover(client))));
            put(client, "client", "worth", money((!client["rate"].is_null()).then(|| self.turnover(client) * number(&client["rate"]))));
            put(client, "client", "orders", json!(orders.len()));
            put(client, "client", "open", json!(orders.iter().filter(|order| order["done"] != true).count()));
            put(client, "client", "average", mean(&totals));
            put(client, "client", "least", money(totals.iter().min().copied()));
            put(client, "client", "most", money(totals.iter().max().copied()));
            put(client, "client", "kinds", json!(kinds.iter().collect::<std::collections::HashSet<_>>().len()));
            put(client, "client", "first_kind", kinds.first().map_or(Value::Null, |kind| (*kind).clone()));
            put(client, "client", "last_kind", kinds.last().map_or(Value::Null, |kind| (*kind).clone()));
            put(client, "client", "pieces", money(Some(quantity(false))));
            put(client, "client", "pieces_done", money(Some(quantity(true))));
            put(client, "client", "kilos", money(Some(lines.iter().filter_map(|line| Self::find(&self.goods, &line["good"])).map(|good| number(&good["weight"])).sum())));
        }
        for group in &self.groups {
            let members: Vec<&Value> = self.clients.iter().filter(|client| client["group"]["id"] == group["id"]).collect();
            let turnovers: Vec<Decimal> = members.iter().map(|client| self.turnover(client)).collect();
            let names: Vec<&str> = members.iter().filter_map(|client| client["name"].as_str()).collect();
            put(group, "group", "members", json!(members.len()));
            put(group, "group", "turnover", money(Some(turnovers.iter().sum())));
            put(group, "group", "best", money(turnovers.iter().max().copied()));
            put(group, "group", "average", mean(&turnovers));
            put(group, "group", "names", if names.is_empty() { Value::Null } else { json!(names.join(", ")) });
        }
        for good in &self.goods {
            let lines: Vec<&Value> = self.orders.iter().flat_map(Self::lines).filter(|line| line["good"]["id"] == good["id"]).collect();
            put(good, "good", "sold", money(Some(lines.iter().map(|line| number(&line["quantity"])).sum())));
            put(good, "good", "heaviest", money(lines.iter().filter_map(|line| self.weight(line)).max()));
        }
        all
    }

    fn found(&self) -> BTreeMap<String, Value> {
        let mut all = BTreeMap::new();
        let lines: Vec<Value> = self.orders.iter().flat_map(Self::lines).cloned().collect();
        for (card, records) in [("order", &self.orders), ("client", &self.clients), ("group", &self.groups), ("good", &self.goods), ("line", &lines)] {
            for record in records {
                for (key, value) in record.as_object().expect("a record") {
                    all.insert(format!("{card} {} {key}", record["id"].as_str().unwrap_or("?")), value.clone());
                }
            }
        }
        all
    }
}

/// One of these, or nothing.
fn any(dice: &mut Dice, ids: &[String]) -> Value {
    if ids.is_empty() || dice.roll(6) == 0 { Value::Null } else { json!(ids[dice.roll(ids.len())]) }
}

fn line(dice: &mut Dice, goods: &[String]) -> Value {
    let price = if dice.roll(2) == 0 { json!(format!("{}.{:02}", dice.roll(50), dice.roll(100))) } else { Value::Null };
    let mut line = json!({"good": any(dice, goods), "quantity": format!("{}.5", dice.roll(9))});
    if !price.is_null() {
        line["price"] = price;
    }
    line
}

fn order(dice: &mut Dice, clients: &[String], goods: &[String]) -> Value {
    let kinds = [json!("web"), json!("shop"), json!("fair"), Value::Null];
    let lines: Vec<Value> = (0..dice.roll(4)).map(|_| line(dice, goods)).collect();
    json!({"client": any(dice, clients), "kind": kinds[dice.roll(4)], "done": dice.roll(5) < 3, "lines": lines})
}

/// Ids of every card, those in the trash, batches that may be taken back.
#[derive(Default)]
struct Known {
    orders: Vec<String>,
    clients: Vec<String>,
    groups: Vec<String>,
    goods: Vec<String>,
    trash: Vec<(String, String)>,
    batches: Vec<String>,
}

async fn step(root: &Person, dice: &mut Dice, known: &mut Known) -> String {
    let pick = |dice: &mut Dice, ids: &[String]| ids[dice.roll(ids.len())].clone();
    let choice = dice.roll(14);
    match choice {
        0..=2 => {
            let body = order(dice, &known.clients, &known.goods);
            // What lies in the trash cannot be linked to.
            let made = root.post("/records/order", body.clone()).await;
            known.orders.extend(made.body["id"].as_str().map(str::to_owned));
            format!("make {body}: {}", made.status)
        }
        3..=4 => {
            let (id, body) = (pick(dice, &known.orders), order(dice, &known.clients, &known.goods));
            root.patch(&format!("/records/order/{id}"), body.clone()).await;
            format!("change order {id} {body}")
        }
        5 => {
            let (id, body) = (pick(dice, &known.clients), json!({"rate": format!("{}", dice.roll(4)), "group": any(dice, &known.groups)}));
            root.patch(&format!("/records/client/{id}"), body.clone()).await;
            format!("change client {id} {body}")
        }
        6 => {
            let (id, body) = (pick(dice, &known.goods), json!({"weight": format!("{}.25", dice.roll(4)), "price": "7.77"}));
            root.patch(&format!("/records/good/{id}"), body.clone()).await;
            format!("change good {id} {body}")
        }
        7..=8 => {
            let (card, ids) = [("order", &known.orders), ("client", &known.clients), ("group", &known.groups), ("good", &known.goods)][dice.roll(4)];
            let id = pick(dice, ids);
            let answer = root.delete(&format!("/records/{card}/{id}")).await;
            if answer.status == 204 {
                known.trash.push((card.to_owned(), id.clone()));
            }
            format!("delete {card} {id}: {}", answer.status)
        }
        9 => match known.trash.pop() {
            Some((card, id)) => {
                root.post(&format!("/records/{card}/{id}/restore"), json!({})).await;
                format!("restore {card} {id}")
            }
            None => String::new(),
        },
        10 => {
            let mut items: Vec<Value> = (0..3).map(|_| json!({"op": "create", "record": order(dice, &known.clients, &known.goods)})).collect();
            items.push(json!({"op": "update", "id": pick(dice, &known.orders), "record": order(dice, &known.clients, &known.goods)}));
            let answer = root.post("/records/order/batch", json!({"undoable": true, "atomic": dice.roll(2) == 0, "items": items})).await;
            known.batches.extend(answer.body["batch"].as_str().map(str::to_owned));
            known.orders.extend(answer.body["data"].as_array().into_iter().flatten().filter_map(|one| one["id"].as_str().map(str::to_owned)));
            format!("batch {items:?}")
        }
        11 => match known.batches.pop() {
            Some(batch) => {
                root.post(&format!("/batches/{batch}/undo"), json!({})).await;
                format!("undo {batch}")
            }
            None => String::new(),
        },
        12 => {
            let edit = json!({"action": "edit", "ids": known.orders.iter().take(4).collect::<Vec<_>>(), "fields": [{"field": "client", "value": any(dice, &known.clients)}]});
            let answer = root.post("/records/order/bulk", edit.clone()).await;
            format!("bulk {edit}: {} {}", answer.status, answer.text)
        }
        _ => {
            let (one, two) = (pick(dice, &known.clients), pick(dice, &known.clients));
            let answer = root.post("/records/client/merge", json!({"master": one, "others": [two]})).await;
            known.batches.extend(answer.body["id"].as_str().map(str::to_owned));
            format!("merge {one} {two}: {} {}", answer.status, answer.text)
        }
    }
}

async fn every_way_in_gives_what_a_full_calculation_gives(database: Database) {
    let (site, root) = site(database).await;
    // Another world with each run; a failure names it.
    let seed: u64 = std::env::var("CARDSTOCK_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or_else(|| uuid::Uuid::new_v4().as_u64_pair().0 | 1);
    let mut dice = Dice(seed);
    let mut known = Known::default();
    for index in 0..3 {
        known.groups.push(root.make("group", json!({"name": format!("G{index}")})).await);
        known.goods.push(root.make("good", json!({"name": format!("P{index}"), "price": format!("{index}.40"), "weight": "1.5"})).await);
    }
    for index in 0..4 {
        let body = json!({"name": format!("C{index}"), "group": any(&mut dice, &known.groups)});
        known.clients.push(root.make("client", body).await);
    }
    let body = order(&mut dice, &known.clients, &known.goods);
    known.orders.push(root.make("order", body).await);
    for number in 0..60 {
        let what = step(&root, &mut dice, &mut known).await;
        run_jobs(&site).await;
        if number % 3 != 0 && !what.starts_with("merge") && !what.starts_with("undo") {
            continue;
        }
        let world = Oracle::read(&root).await;
        let found = world.found();
        for (place, expected) in world.expected() {
            assert_eq!(found.get(&place).unwrap_or(&Value::Null), &expected, "{place} after step {number}, {what}; CARDSTOCK_SEED={seed}");
        }
    }
}

/// Orders go up into clients and goods, rates and weights come down into orders, all at the same time.
async fn many_at_once_leave_nothing_stale(database: Database) {
    let (site, root) = site(database).await;
    let group = root.make("group", json!({"name": "G"})).await;
    let (mut clients, mut goods) = (Vec::new(), Vec::new());
    for index in 0..3 {
        clients.push(root.make("client", json!({"name": format!("C{index}"), "group": group})).await);
        goods.push(root.make("good", json!({"name": format!("P{index}"), "price": "2.00", "weight": "1"})).await);
    }
    let work = (0..6_u64).map(|seed| {
        let (root, clients, goods) = (root.clone(), clients.clone(), goods.clone());
        tokio::spawn(async move {
            let mut dice = Dice(seed * 7_919 + 1);
            let mut orders = Vec::new();
            for round in 0..8 {
                match (seed % 3, round % 2, orders.len()) {
                    (0, 1, _) => {
                        let id = dice.pick(&clients);
                        root.patch(&format!("/records/client/{id}"), json!({"rate": dice.roll(5).to_string()})).await.ok(200);
                    }
                    (1, 1, _) => {
                        let id = dice.pick(&goods);
                        root.patch(&format!("/records/good/{id}"), json!({"weight": dice.roll(5).to_string()})).await.ok(200);
                    }
                    (2, 1, 1..) => {
                        let (id, body) = (dice.pick(&orders), order(&mut dice, &clients, &goods));
                        root.patch(&format!("/records/order/{id}"), body).await.ok(200);
                    }
                    _ => {
                        let body = order(&mut dice, &clients, &goods);
                        orders.push(root.make("order", body).await);
                    }
                }
            }
        })
    });
    for one in work.collect::<Vec<_>>() {
        one.await.expect("nobody is refused");
    }
    run_jobs(&site).await;
    let mut stale = Vec::new();
    app::derived::verify(&site.app, &[], &mut |found| stale.push(format!("{found:?}"))).await.expect("looked at");
    assert!(stale.is_empty(), "{stale:#?}");
}
