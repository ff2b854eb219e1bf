//! Settings of a site as a whole.

use app::settings;

use crate::{
    both,
    site::{Database, Site},
};

both! { a_change_is_seen_at_once }

async fn a_change_is_seen_at_once(database: Database) {
    let site = Site::with(database, "tests/packs/lab").await;
    let kim = site.person("kim", &["keeper"]).await;
    let page = |text: String| text.contains("<span class=\"trunc\">Lab &amp; Sons</span>");
    assert!(!page(kim.send(reqwest::Method::GET, "/c/room", &[], None).await.text));
    settings::set(&site.app, "name", "  Lab & Sons ").await.expect("set");
    settings::set(&site.app, "currency", "€").await.expect("set");
    assert!(page(kim.send(reqwest::Method::GET, "/c/room", &[], None).await.text));
    kim.make("room", serde_json::json!({"name": "Attic", "budget": "12.5"})).await;
    assert!(kim.send(reqwest::Method::GET, "/c/room", &[], None).await.text.contains("€12.50"));
    for (key, value, code) in [("nmae", "x", "unknown_setting"), ("name", "", "bad_setting"), ("currency", "a\nb", "bad_setting")] {
        let app::AppError::Malformed { code: found, .. } = settings::set(&site.app, key, value).await.expect_err("refused") else { panic!("malformed") };
        assert_eq!(found, code);
    }
}
