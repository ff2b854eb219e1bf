//! Sums: quick ones, and those beyond what SQLite counts in.

use serde_json::json;
use sql::{Dialect, Physical, Statement, builder::Sums};

use crate::{
    both,
    site::{Database, Site},
};

both! { halves_add_up_to_the_whole, a_sum_that_is_too_large_is_known }

async fn halves_add_up_to_the_whole(database: Database) {
    let site = Site::with(database, "tests/packs/lab").await;
    let kim = site.person("kim", &["keeper"]).await;
    for price in ["9999999999999.99", "0.01", "1234567890123.45", "3.00"] {
        kim.make("device", json!({"name": price, "price": price, "weight": "-1.125", "amount": 7})).await;
    }
    let snapshot = site.app.snapshot();
    let actor = access::Actor::system(access::Reason::Integrity, chrono::Utc::now());
    let body = json!({"totals": [{"field": "price", "function": "sum"}, {"field": "weight", "function": "avg"}, {"field": "amount", "function": "sum"}]});
    let gated = app::lists::ask(&snapshot, &actor, "device", &query::ListRequest::from_json(body).expect("a question")).expect("asked");
    let mut found = Vec::new();
    for sums in [Sums::Plain, Sums::Halves] {
        let lowered = sql::select::totals(&snapshot.catalog, site.app.store.dialect(), &gated, sums);
        let rows = site.app.store.fetch(&lowered.statement).await.expect("a row");
        found.push(lowered.decode(rows.into_iter().next().expect("one")));
    }
    assert_eq!(found[0], found[1]);
    assert_eq!(found[0][0], model::Value::Decimal("11234567890126.45".parse().expect("a number")));
}

async fn a_sum_that_is_too_large_is_known(database: Database) {
    let site = Site::with(database, "tests/packs/lab").await;
    if site.app.store.dialect() == Dialect::Postgres {
        return; // Its sums have no end.
    }
    let statement = Statement { sql: "SELECT sum(n) FROM (SELECT 9223372036854775807 AS n UNION ALL SELECT 1)".into(), binds: Vec::new(), columns: vec![Physical::Integer] };
    let error = site.app.store.fetch(&statement).await.expect_err("too large");
    assert!(matches!(error, store::StoreError::Overflow { .. }), "{error:?}");
}
