//! The server to be measured against, written by hand for this one schema: tables, validation, JSON, an audit row for
//! each change, no rights. What the stack can do when nothing is configurable.
//!
//! SQLite and PostgreSQL differ in nothing but types, so both are the same handlers, included twice.

mod record;

/// On SQLite: one connection writes, six read, every commit is synced.
pub mod sqlite {
    use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};

    type Db = sqlx::Sqlite;
    const BEGIN: &str = "BEGIN IMMEDIATE";
    const HOLD: &str = "";

    /// Opens the database, for reading and for writing.
    async fn open(url: &str) -> Result<(sqlx::Pool<Db>, sqlx::Pool<Db>), sqlx::Error> {
        let options: SqliteConnectOptions = url.parse::<SqliteConnectOptions>()?;
        let options = options.create_if_missing(true).journal_mode(SqliteJournalMode::Wal).synchronous(SqliteSynchronous::Full).foreign_keys(true);
        let options = options.pragma("cache_size", "-32000").pragma("mmap_size", "268435456");
        let writer = SqlitePoolOptions::new().max_connections(1).connect_with(options.clone()).await?;
        Ok((SqlitePoolOptions::new().max_connections(6).connect_with(options).await?, writer))
    }

    const SCHEMA: &str = include_str!("sqlite.sql");

    include!("handlers.rs");
}

/// On PostgreSQL: one pool for everything.
pub mod postgres {
    type Db = sqlx::Postgres;
    const BEGIN: &str = "BEGIN";
    const HOLD: &str = " FOR UPDATE";

    /// Opens the database, for reading and for writing.
    async fn open(url: &str) -> Result<(sqlx::Pool<Db>, sqlx::Pool<Db>), sqlx::Error> {
        let pool = sqlx::postgres::PgPoolOptions::new().max_connections(20).test_before_acquire(false).connect(url).await?;
        Ok((pool.clone(), pool))
    }

    const SCHEMA: &str = include_str!("postgres.sql");

    include!("handlers.rs");
}
