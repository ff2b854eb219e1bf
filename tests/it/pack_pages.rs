//! Every page that a pack makes by itself opens, for who may everything and for who may little.

use reqwest::Method;
use serde_json::json;

use crate::{both, packs::estate, site::{Database, Person, Site, pack}};

both!(every_page_of_every_pack_opens, every_page_of_what_ships_opens, former_contacts_stand_by_when_they_left);

/// Every list, form, record, panel, filter and search of a pack, as somebody who may everything and as one who may little.
async fn every_page_of_every_pack_opens(database: Database) {
    let sites = [Site::with(database, "tests/packs/clinic").await, estate(database).await, Site::with(database, "tests/packs/club").await];
    let bosses = ["director", "landlord", "chair"];
    for (site, role) in sites.iter().zip(bosses) {
        let (boss, little) = (site.person("boss", &[role]).await, site.person("little", &["reception", "caretaker", "trainer"].iter().copied().filter(|role| site.app.snapshot().catalog.roles.contains_key(*role)).collect::<Vec<_>>()).await);
        every_page(site, &boss, &little).await;
    }
}

/// Every page of every card that the first of two people sees; the second may be refused, and nothing else.
async fn every_page(site: &Site, boss: &Person, little: &Person) {
    let cards: Vec<String> = boss.get("/cards").await.ok(200)["data"].as_array().expect("cards").iter().filter_map(|card| card["key"].as_str().map(str::to_owned)).filter(|key| key != "user").collect();
    for card in cards {
        let first = boss.get(&format!("/records/{card}?limit=1&fields=id")).await.ok(200)["data"][0]["id"].as_str().map(str::to_owned);
        let mut paths = vec![format!("/c/{card}"), format!("/c/{card}/filter"), format!("/c/{card}/trash"), format!("/lookup/{card}?q=a")];
        let snapshot = site.app.snapshot();
        let known = snapshot.catalog.card(&card).expect("a card");
        // What is entered from another record has no empty form of its own.
        paths.extend(known.entered_from.is_none().then(|| format!("/c/{card}/new")));
        paths.extend(known.views.iter().map(|view| format!("/c/{card}?view={}", view.id)));
        if let Some(id) = first {
            paths.push(format!("/c/{card}/{id}"));
            paths.push(format!("/c/{card}/{id}/history"));
            paths.push(format!("/c/{card}/{id}/counts"));
            paths.extend(panels(known).iter().map(|panel| format!("/c/{card}/{id}/panel/{panel}")));
        }
        for path in paths {
            let answer = boss.send(Method::GET, &path, &[("accept", "text/html")], None).await;
            assert_eq!(answer.status.as_u16(), 200, "{path}: {}", answer.text);
            let answer = little.send(Method::GET, &path, &[("accept", "text/html")], None).await;
            assert!([200, 403, 404].contains(&answer.status.as_u16()), "{path}: {}", answer.text);
        }
    }
}

/// The modules that ship, with a record of most of their cards.
async fn modules(database: Database) -> (Site, Person) {
    let site = Site::of(database, ["builtin-modules/base", "builtin-modules/sales", "builtin-modules/office", "builtin-modules/service"].map(pack).to_vec()).await;
    let root = site.person("root", &["administrator"]).await;
    let organisation = root.make("organisation", json!({"code": "O", "name": "Company"})).await;
    let department = root.make("department", json!({"code": "D", "name": "Office", "organisation": organisation})).await;
    root.make("employee", json!({"code": "E", "name": "Root", "department": department, "user": root.id})).await;
    let customer = root.make("customer", json!({"name": "Lantern"})).await;
    root.make("contact", json!({"name": "Ann", "customer": customer})).await;
    let product = root.make("product", json!({"code": "P", "name": "Lamp", "price": "100", "unit": {"code": "pcs"}, "tax": "13"})).await;
    let order = root.make("order", json!({"customer": customer, "lines": [{"product": product, "quantity": "2"}]})).await;
    root.make("receipt", json!({"order": order, "amount": "10"})).await;
    root.make("opportunity", json!({"name": "More lamps", "customer": customer})).await;
    root.make("complaint", json!({"subject": "Too dark", "customer": customer})).await;
    (site, root)
}

async fn every_page_of_what_ships_opens(database: Database) {
    let (site, root) = modules(database).await;
    every_page(&site, &root, &site.person("an", &["sales"]).await).await;
}

async fn former_contacts_stand_by_when_they_left(database: Database) {
    let (site, root) = modules(database).await;
    let (old, new) = (root.make("customer", json!({"name": "Old place"})).await, root.make("customer", json!({"name": "New place"})).await);
    for (name, ended) in [("Early", "2020-03-01"), ("Late", "2024-05-01"), ("Middle", "2022-01-01")] {
        let contact = root.make("contact", json!({"name": name, "customer": new})).await;
        root.patch(&format!("/records/contact/{contact}"), json!({"customer_history": {"add": [{"customer": old, "since": "2019-01-01", "ended": ended}]}})).await.ok(200);
    }
    let panel = root.send(Method::GET, &format!("/c/customer/{old}/panel/former_contacts"), &[("accept", "text/html")], None).await;
    let at = |name: &str| panel.text.find(&format!(">{name}<")).unwrap_or_else(|| panic!("{name} is missing in {}", panel.text));
    assert!(at("Late") < at("Middle") && at("Middle") < at("Early"), "{}", panel.text);
    // Who may not see the contacts is told nothing of them.
    let stranger = site.person("stranger", &["sales"]).await;
    let panel = stranger.send(Method::GET, &format!("/c/customer/{old}/panel/former_contacts"), &[("accept", "text/html")], None).await;
    assert!(!panel.text.contains("Late"), "{}", panel.text);
}

/// The panels that are fetched by themselves.
fn panels(card: &model::Card) -> Vec<String> {
    let fetched = |panel: &model::Panel| !matches!(panel.content, model::PanelContent::Child { .. } | model::PanelContent::Files { .. } | model::PanelContent::Figures { .. });
    let mut found = Vec::new();
    for tab in &card.tabs {
        match &tab.content {
            model::TabContent::Panel(panel) if fetched(panel) => found.push(tab.id.to_string()),
            model::TabContent::Panel(_) => {}
            model::TabContent::Sections(sections) => found.extend(sections.iter().filter(|section| matches!(&section.content, model::SectionContent::Panel(panel) if fetched(panel))).map(|section| section.id.to_string())),
        }
    }
    found
}
