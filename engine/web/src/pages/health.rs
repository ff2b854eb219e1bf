//! Whether the process lives, whether it can serve, and what it counts.

use axum::{extract::State, http::StatusCode};

use crate::Site;

/// `GET /healthz`
pub async fn alive() -> &'static str {
    "ok\n"
}

/// `GET /readyz`: the database answers.
pub async fn ready(State(site): State<Site>) -> (StatusCode, &'static str) {
    match site.app.store.ping().await {
        Ok(()) => (StatusCode::OK, "ready\n"),
        Err(error) => {
            tracing::warn!(%error, "not ready");
            (StatusCode::SERVICE_UNAVAILABLE, "the database does not answer\n")
        }
    }
}

/// `GET /metrics`, in the text format of Prometheus.
pub async fn metrics(State(site): State<Site>) -> String {
    let snapshot = site.app.snapshot();
    format!(
        "# HELP cardstock_catalog_version Publishes so far.\n# TYPE cardstock_catalog_version counter\ncardstock_catalog_version {}\n# HELP cardstock_cards Cards defined.\n# TYPE cardstock_cards gauge\ncardstock_cards {}\n# HELP cardstock_statements_total Statements of changes that were committed by this process.\n# TYPE cardstock_statements_total counter\ncardstock_statements_total {}\n",
        snapshot.catalog.version,
        snapshot.catalog.cards.len(),
        site.app.store.statements()
    )
}
