//! Values over a card's own tree, which need themselves from record to record, and values that follow from the day.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::{
    alike::Dice,
    both,
    derived::run_jobs,
    publishing::pack_of,
    site::{Database, Files, Person, Site, violations},
};

both!(trees_are_added_up, circles_over_trees_are_refused, many_at_once_in_a_tree, a_day_that_begins_renews_what_asks_for_it);

fn link(target: &str) -> Value {
    json!({"type": "link", "target": target, "on_delete": "set_null"})
}

fn units() -> Files {
    let unit = json!({"key": "unit", "title": "{name}", "tree": {"parent": "parent"}, "fields": {
        "name": {"type": "text"}, "parent": link("unit"),
        "own": {"type": "money", "rollup": {"from": "cost.unit", "function": "sum", "field": "amount"}},
        "below": {"type": "money", "rollup": {"from": "unit.parent", "function": "sum", "field": "total"}},
        "total": {"type": "money", "computed": {"expr": "own + below"}},
        "largest": {"type": "money", "computed": {"expr": "max(own, unit.parent.max(\"largest\"))"}},
        "depth": {"type": "integer", "computed": {"expr": "or(parent.depth, 0) + 1"}}}});
    let cost = json!({"key": "cost", "title": "{amount}", "fields": {"unit": link("unit"), "amount": {"type": "money"}, "share": {"type": "percent", "computed": {"expr": "if unit.total > 0 { amount / unit.total * 100 } else { 0 }"}}}});
    pack_of(&[unit, cost], &[])
}

async fn stale(site: &Site) -> Vec<String> {
    let mut found = Vec::new();
    app::derived::verify(&site.app, &[], &mut |stale| found.push(format!("{} {} {} {}", stale.card, stale.field, stale.stored, stale.right))).await.expect("looked at");
    found
}

/// Total, largest and depth of units.
async fn of(root: &Person, ids: &[&String]) -> Vec<String> {
    let mut found = Vec::new();
    for id in ids {
        let read = root.read("unit", id).await;
        found.push(format!("{} {} {}", read["total"].as_str().unwrap_or("-"), read["largest"].as_str().unwrap_or("-"), read["depth"]));
    }
    found
}

async fn trees_are_added_up(database: Database) {
    let site = Site::of(database, vec![units()]).await;
    let root = site.person("root", &["administrator"]).await;
    let unit = async |name: &str, parent: Option<&String>| root.make("unit", json!({"name": name, "parent": parent})).await;
    let a = unit("A", None).await;
    let b = unit("B", Some(&a)).await;
    let (c, d) = (unit("C", Some(&b)).await, unit("D", Some(&b)).await);
    let one = root.make("cost", json!({"unit": c, "amount": "10"})).await;
    root.make("cost", json!({"unit": d, "amount": "5"})).await;
    assert_eq!(of(&root, &[&a, &b, &c, &d]).await, ["15.00 10.00 1", "15.00 10.00 2", "10.00 10.00 3", "5.00 5.00 3"]);
    // Of a whole tree, back down to what was added up.
    root.make("cost", json!({"unit": a, "amount": "25"})).await;
    let e = unit("E", None).await;
    // What moves takes its sums along, and those below it come to stand elsewhere.
    root.patch(&format!("/records/unit/{b}"), json!({"parent": e})).await.ok(200);
    assert_eq!(of(&root, &[&a, &e, &b, &c]).await, ["25.00 25.00 1", "15.00 10.00 1", "15.00 10.00 2", "10.00 10.00 3"]);
    root.patch(&format!("/records/unit/{b}"), json!({"parent": null})).await.ok(200);
    assert_eq!(of(&root, &[&e, &b, &d]).await, ["0.00 0.00 1", "15.00 10.00 1", "5.00 5.00 2"]);
    root.patch(&format!("/records/unit/{b}"), json!({"parent": a})).await.ok(200);
    // Into the trash and back, changed meanwhile.
    root.delete(&format!("/records/unit/{c}")).await.ok(204);
    assert_eq!(of(&root, &[&a, &b]).await, ["30.00 25.00 1", "5.00 5.00 2"]);
    root.post(&format!("/records/unit/{c}/restore"), json!({})).await.ok(200);
    root.patch(&format!("/records/cost/{one}"), json!({"amount": "100"})).await.ok(200);
    assert_eq!(of(&root, &[&a, &b, &c]).await, ["130.00 100.00 1", "105.00 100.00 2", "100.00 100.00 3"]);
    assert_eq!(root.read("cost", &one).await["share"], "100.00");
    let batch = root.post("/records/unit/bulk", json!({"action": "edit", "fields": [{"field": "parent", "value": e}], "ids": [c, d]})).await.ok(200);
    assert_eq!(of(&root, &[&a, &b, &e]).await, ["25.00 25.00 1", "0.00 0.00 2", "105.00 100.00 1"]);
    root.post(&format!("/batches/{}/undo", batch["batch"]["id"].as_str().expect("a batch")), json!({})).await.ok(200);
    assert_eq!(of(&root, &[&a, &b, &e]).await, ["130.00 100.00 1", "105.00 100.00 2", "0.00 0.00 1"]);
    assert!(stale(&site).await.is_empty());
    // What other hands did is found, and a new calculation goes up the whole tree in whatever order records stand.
    site.app.store.apply(vec!["UPDATE c_unit SET f_total = f_total + 1".into(), "UPDATE c_unit SET f_depth = 9".into()]).await.expect("damage");
    assert!(!stale(&site).await.is_empty());
    app::derived::recompute(&site.app, &[], &mut |_, _, _| ()).await.expect("calculated");
    assert_eq!((stale(&site).await, of(&root, &[&a, &b, &c]).await), (Vec::new(), vec!["130.00 100.00 1".to_owned(), "105.00 100.00 2".to_owned(), "100.00 100.00 3".to_owned()]));
    // Nobody comes to stand below themselves.
    for parent in [&a, &b, &c] {
        assert_eq!(violations(&root.patch(&format!("/records/unit/{a}"), json!({"parent": parent})).await.refused(422, "invalid")), ["parent cycle"]);
    }
}

async fn circles_over_trees_are_refused(database: Database) {
    let site = Site::of(database, Vec::new()).await;
    let told = async |tree: bool, total: &str, more: Value| {
        let mut unit = json!({"key": "unit", "title": "{name}", "fields": {"name": {"type": "text"}, "parent": link("unit"), "other": link("unit"), "own": {"type": "money"},
            "below": {"type": "money", "rollup": {"from": "unit.parent", "function": "sum", "field": "total"}}, "total": {"type": "money", "computed": {"expr": total}}}});
        unit["fields"].as_object_mut().expect("fields").extend(more.as_object().expect("fields").clone());
        if tree {
            unit["tree"] = json!({"parent": "parent"});
        }
        let found = app::packs::check(&site.app, vec![pack_of(&[unit], &[])]).await.expect("checked");
        found.iter().filter(|finding| finding.level == model::Level::Error).map(|finding| finding.message.clone()).collect::<Vec<_>>()
    };
    assert!(told(true, "own + below", json!({})).await.is_empty());
    for (tree, total, more) in [
        (false, "own + below", json!({})),
        (true, "own + below + total", json!({})),
        (true, "own + below + or(parent.total, 0)", json!({})),
        (true, "own + below + or(other.total, 0)", json!({})),
        (true, "own + below + twice", json!({"twice": {"type": "money", "computed": {"expr": "total * 2"}}})),
    ] {
        let told = told(tree, total, more).await;
        assert!(told.iter().any(|told| told.contains("in a circle: ")), "{total}: {told:?}");
    }
}

async fn many_at_once_in_a_tree(database: Database) {
    let site = Site::of(database, vec![units()]).await;
    let root = site.person("root", &["administrator"]).await;
    let mut units: Vec<String> = Vec::new();
    for number in 0..6_usize {
        let parent = (number > 0).then(|| units[(number - 1) / 2].clone());
        units.push(root.make("unit", json!({"name": format!("U{number}"), "parent": parent})).await);
    }
    let work = (0..4_u64).map(|seed| {
        let (root, units) = (root.clone(), units.clone());
        tokio::spawn(async move {
            let mut dice = Dice(seed * 7_919 + 1);
            for _ in 0..6 {
                if dice.roll(3) == 0 {
                    let moved = root.patch(&format!("/records/unit/{}", dice.pick(&units)), json!({"parent": dice.pick(&units)})).await;
                    assert!(matches!(moved.status.as_u16(), 200 | 422), "{}", moved.text);
                } else {
                    root.make("cost", json!({"unit": dice.pick(&units), "amount": dice.roll(50).to_string()})).await;
                }
            }
        })
    });
    for one in work.collect::<Vec<_>>() {
        one.await.expect("nobody is refused but for circles");
    }
    run_jobs(&site).await;
    assert_eq!(stale(&site).await, Vec::<String>::new());
    // Each still stands below somebody who stands below nobody.
    for unit in &units {
        let (mut at, mut steps) = (unit.clone(), 0);
        while let Some(above) = root.read("unit", &at).await["parent"]["id"].as_str() {
            (at, steps) = (above.to_owned(), steps + 1);
            assert!(steps < 10, "a circle");
        }
    }
}

async fn a_day_that_begins_renews_what_asks_for_it(database: Database) {
    let client = json!({"key": "client", "title": "{name}", "fields": {"name": {"type": "text"},
        "late": {"type": "integer", "rollup": {"from": "task.client", "function": "count", "where": {"field": "due", "op": "before", "value": "@today"}}},
        "soon": {"type": "integer", "rollup": {"from": "task.client", "function": "count", "where": {"field": "due", "op": "in", "value": "next_7_days"}}},
        "fee": {"type": "money", "computed": {"expr": "late * 5"}}, "all": {"type": "integer", "rollup": {"from": "task.client", "function": "count"}}}});
    let task = json!({"key": "task", "title": "{due}", "fields": {"client": link("client"), "due": {"type": "date"}, "days": {"type": "integer", "computed": {"expr": "days_between(today, due)"}}}});
    let site = Site::of(database, vec![pack_of(&[client, task], &[])]).await;
    let root = site.person("root", &["administrator"]).await;
    let client = root.make("client", json!({"name": "Acme"})).await;
    let task = root.make("task", json!({"client": client, "due": "2130-01-01"})).await;
    root.make("task", json!({"client": client, "due": "2130-01-05"})).await;
    let seen = async || {
        let read = root.read("client", &client).await;
        (read["late"].clone(), read["soon"].clone(), read["fee"].clone(), root.read("task", &task).await["days"].clone())
    };
    let at = |text: &str| text.parse::<DateTime<Utc>>().expect("a moment");
    assert_eq!((seen().await.0, seen().await.2), (json!(0), json!("0.00")));
    let looked = async |now: &str| app::derived::renew_day(&site.app, at(now)).await.expect("renewed");
    assert_eq!(looked("2130-01-01T11:00:00Z").await, 3, "a client and two tasks");
    assert_eq!(seen().await, (json!(0), json!(2), json!("0.00"), json!(0)));
    assert_eq!(looked("2130-01-01T23:59:59Z").await, 0, "once on a day");
    // The day is that of the site, and whatever hangs on it follows.
    app::settings::set(&site.app, "zone", "Pacific/Kiritimati").await.expect("set");
    assert_eq!(looked("2130-01-01T11:00:00Z").await, 3);
    assert_eq!(seen().await, (json!(1), json!(1), json!("5.00"), json!(-1)));
    // A job does so by itself: back to the day it is.
    run_jobs(&site).await;
    assert_eq!((seen().await.0, seen().await.2), (json!(0), json!("0.00")));
    let mut found = 0;
    app::derived::verify(&site.app, &[], &mut |_| found += 1).await.expect("looked at");
    assert_eq!(found, 0);
}
