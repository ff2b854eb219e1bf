//! Every page that a pack makes by itself opens, for who may everything and for who may little.

use reqwest::Method;

use crate::{both, packs::estate, site::{Database, Site}};

both!(every_page_of_every_pack_opens);

/// Every list, form, record, panel, filter and search of a pack, as somebody who may everything and as one who may little.
async fn every_page_of_every_pack_opens(database: Database) {
    let sites = [Site::with(database, "tests/packs/clinic").await, estate(database).await, Site::with(database, "tests/packs/club").await];
    let bosses = ["director", "landlord", "chair"];
    for (site, role) in sites.iter().zip(bosses) {
        let (boss, little) = (site.person("boss", &[role]).await, site.person("little", &["reception", "caretaker", "trainer"].iter().copied().filter(|role| site.app.snapshot().catalog.roles.contains_key(*role)).collect::<Vec<_>>()).await);
        let cards: Vec<String> = boss.get("/cards").await.ok(200)["data"].as_array().expect("cards").iter().filter_map(|card| card["key"].as_str().map(str::to_owned)).filter(|key| key != "user").collect();
        for card in cards {
            let first = boss.get(&format!("/records/{card}?limit=1&fields=id")).await.ok(200)["data"][0]["id"].as_str().map(str::to_owned);
            let mut paths = vec![format!("/c/{card}"), format!("/c/{card}/new"), format!("/c/{card}/filter"), format!("/c/{card}/trash"), format!("/lookup/{card}?q=a")];
            let snapshot = site.app.snapshot();
            let known = snapshot.catalog.card(&card).expect("a card");
            paths.extend(known.views.iter().map(|view| format!("/c/{card}?view={}", view.id)));
            if let Some(id) = first {
                paths.push(format!("/c/{card}/{id}"));
                paths.push(format!("/c/{card}/{id}/history"));
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
}

/// The panels that are fetched by themselves.
fn panels(card: &model::Card) -> Vec<String> {
    let fetched = |panel: &model::Panel| !matches!(panel.content, model::PanelContent::Child { .. } | model::PanelContent::Files { .. });
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
