//! Only the integration tests live here; see `it/`.
