//! Lists of many records: pages, deep pages, groups with totals, each beside the same SQL written by hand.

use std::{path::{Path, PathBuf}, time::{Duration, Instant}};

use clap::Args;
use serde_json::json;
use sqlx::{AssertSqlSafe, Connection as _, Executor};

use crate::{client::{Call, Connection, Fault, Server}, sides::{Engine, free_address, ready}};

/// Measures lists.
#[derive(Args, Clone)]
pub struct Lists {
    /// How many records.
    #[arg(long, default_value_t = 1_000_000)]
    records: usize,
    /// Seconds for each kind of question.
    #[arg(long, default_value_t = 4.0)]
    seconds: f64,
    /// The engine's binary; beside this one if not given.
    #[arg(long)]
    cardstock: Option<PathBuf>,
    /// Leave SQLite out.
    #[arg(long)]
    no_sqlite: bool,
}

/// What both sides are asked for.
struct Case {
    name: &'static str,
    call: Call,
    /// After `SELECT` and its columns.
    by_hand: String,
}

pub(crate) const TABLE: &str = "c_trade_customer";
const COLUMNS: &str = "id, f_code, f_name, f_industry, f_status, f_annual_revenue, f_created_on";
const FIELDS: &str = "code,name,industry,status,annual_revenue,created_on";
/// Pages walked before the deep one, of 500 records each.
const WALKED: usize = 1_000;

pub(crate) fn page(query: &str) -> Call {
    Call::get(format!("/api/v1/records/trade_customer?fields={FIELDS}&limit=50&{query}"))
}

pub(crate) fn filter() -> String {
    let filter = json!({"all": [{"field": "industry", "op": "is", "value": "retail"}, {"field": "status", "op": "is", "value": "active"}]}).to_string();
    form_urlencoded::byte_serialize(filter.as_bytes()).collect()
}

fn groups(name: &'static str, by: serde_json::Value, key: &str) -> Case {
    let body = json!({"limit": 1, "fields": ["code"], "group_by": [by], "totals": [
        {"field": "annual_revenue", "function": "sum"}, {"field": "employee_count", "function": "avg"}, {"field": "score", "function": "max"}]});
    Case {
        name,
        call: Call::send("POST", "/api/v1/records/trade_customer/query", &body),
        by_hand: format!("SELECT {key}, count(*), sum(f_annual_revenue), avg(f_employee_count), max(f_score) FROM {TABLE} WHERE trashed_at IS NULL GROUP BY 1 ORDER BY 1"),
    }
}

fn cases(is_postgres: bool, cursor: &str, at: &str) -> Vec<Case> {
    let of = |order: &str, narrowed: &str| format!("SELECT {COLUMNS} FROM {TABLE} WHERE trashed_at IS NULL{narrowed} ORDER BY {order} LIMIT 51");
    let month = if is_postgres { "to_char(date_trunc('month', f_created_on::timestamp), 'YYYY-MM-DD')" } else { "strftime('%Y-%m-01', f_created_on)" };
    vec![
        Case { name: "newest first", call: page(""), by_hand: of("created_at DESC, id DESC", "") },
        Case { name: "two filters and sort", call: page(&format!("filter={}&sort=-created_on", filter())), by_hand: of("f_created_on DESC, id DESC", " AND f_industry = 'retail' AND f_status = 'active'") },
        Case { name: "by name", call: page("sort=name"), by_hand: of("f_name, id", "") },
        Case { name: "by an amount without an index, empty ones last", call: page("sort=-annual_revenue"), by_hand: of("f_annual_revenue DESC NULLS LAST, id DESC", "") },
        Case { name: "the page after 500,000", call: page(&format!("cursor={cursor}")), by_hand: of("created_at DESC, id DESC", &format!(" AND (created_at, id) < ({at})")) },
        groups("groups by a choice, three totals", json!({"field": "industry"}), "f_industry"),
        groups("groups by month, three totals", json!({"field": "created_on", "by": "month"}), month),
    ]
}

/// The whole run: for each database a site, filled, asked.
pub async fn run(asked: &Lists, postgres: Option<&str>) -> Result<(), Fault> {
    let cardstock = asked.cardstock.clone().map_or_else(|| std::env::current_exe().map(|path| path.with_file_name("cardstock")), Ok)?;
    let folder = tempfile::tempdir()?;
    println!("| database | list of {} records | engine p50 ms | engine p95 ms | by hand p50 ms | ratio |\n|---|---|---|---|---|---|", asked.records);
    for url in (!asked.no_sqlite).then_some(None).into_iter().chain(postgres.map(Some)) {
        let own = match url {
            Some(url) => Some(crate::make_database(url, "cardstock_bench_lists").await?),
            None => None,
        };
        let name = if own.is_some() { "PostgreSQL" } else { "SQLite" };
        measure(asked, name, &cardstock, &folder.path().join(name), own.as_deref()).await?;
    }
    Ok(())
}

async fn measure(asked: &Lists, name: &str, cardstock: &Path, site: &Path, url: Option<&str>) -> Result<(), Fault> {
    let engine = Engine { cardstock, site, postgres: url };
    let pack = Path::new(env!("CARGO_MANIFEST_DIR")).join("pack");
    engine.run(&["pack", "install", &pack.display().to_string()]).await?;
    engine.run(&["user", "add", "clerk", "--role", "trade_clerk"]).await?;
    let token = engine.run(&["token", "new", "--user", "clerk"]).await?;
    let began = Instant::now();
    let mut hand = Hand::open(&site.join("site.db"), url).await?;
    hand.fill(asked.records).await?;
    eprintln!("  {name}: {} records written in {:.0} s", asked.records, began.elapsed().as_secs_f64());
    let address = free_address()?;
    let _server = engine.serve(&address)?;
    let server = Server { address, token: Some(token) };
    ready(&server).await?;
    let mut connection = Connection::open(&server).await?;
    let (cursor, at) = walk(&mut connection, url.is_some(), asked.records).await?;
    for case in cases(url.is_some(), &cursor, &at) {
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        let began = Instant::now();
        while began.elapsed().as_secs_f64() < asked.seconds || ours.len() < 9 {
            let sent = Instant::now();
            connection.json(&case.call).await?;
            ours.push(sent.elapsed());
            let sent = Instant::now();
            hand.ask(&case.by_hand).await?;
            theirs.push(sent.elapsed());
        }
        let (p50, p95, by_hand) = (at_share(&mut ours, 50), at_share(&mut ours, 95), at_share(&mut theirs, 50));
        println!("| {name} | {} | {p50:.1} | {p95:.1} | {by_hand:.1} | {:.2} |", case.name, p50 / by_hand);
    }
    Ok(())
}

pub(crate) fn at_share(took: &mut [Duration], share: usize) -> f64 {
    took.sort_unstable();
    took.get((took.len() * share / 100).min(took.len().saturating_sub(1))).map_or(0.0, |took| took.as_secs_f64() * 1000.0)
}

/// Walks to the middle of the list; the cursor there, and the same place as SQL.
async fn walk(connection: &mut Connection, is_postgres: bool, records: usize) -> Result<(String, String), Fault> {
    let mut cursor = String::new();
    let mut last = json!(null);
    for _ in 0..WALKED.min(records / 1_000) {
        let begins = if cursor.is_empty() { String::new() } else { format!("&cursor={cursor}") };
        let page = connection.json(&Call::get(format!("/api/v1/records/trade_customer?fields=created_at&limit=500{begins}"))).await?;
        last = page["data"].as_array().and_then(|rows| rows.last()).cloned().unwrap_or_default();
        match page["next"].as_str() {
            Some(next) => cursor = form_urlencoded::byte_serialize(next.as_bytes()).collect(),
            None => break,
        }
    }
    let at: chrono::DateTime<chrono::Utc> = last["created_at"].as_str().unwrap_or_default().parse()?;
    let id = last["id"].as_str().unwrap_or_default();
    let place = if is_postgres { format!("'{}'::timestamptz, '{id}'::uuid", at.to_rfc3339()) } else { format!("{}, x'{}'", at.timestamp_micros(), id.replace('-', "")) };
    Ok((cursor, place))
}

/// The same database, asked directly.
pub(crate) enum Hand {
    Sqlite(sqlx::SqliteConnection),
    Postgres(sqlx::PgConnection),
}

impl Hand {
    pub(crate) async fn open(file: &Path, url: Option<&str>) -> Result<Self, Fault> {
        let Some(url) = url else {
            let mut connection = sqlx::SqliteConnection::connect(&format!("sqlite://{}", file.display())).await?;
            // As the engine's own connections.
            connection.execute("PRAGMA cache_size = -32000; PRAGMA mmap_size = 268435456; PRAGMA temp_store = memory").await?;
            return Ok(Self::Sqlite(connection));
        };
        Ok(Self::Postgres(sqlx::PgConnection::connect(url).await?))
    }

    pub(crate) async fn ask(&mut self, sql: &str) -> Result<usize, Fault> {
        let sql = AssertSqlSafe(sql.to_owned());
        Ok(match self {
            Self::Sqlite(connection) => sqlx::query(sql).fetch_all(connection).await?.len(),
            Self::Postgres(connection) => sqlx::query(sql).fetch_all(connection).await?.len(),
        })
    }

    /// Rows made by the database itself: how long saving takes is measured elsewhere.
    pub(crate) async fn fill(&mut self, records: usize) -> Result<(), Fault> {
        let industries = crate::data::INDUSTRIES;
        let statuses = crate::data::STATUSES;
        let columns = "id, version, created_at, updated_at, f_code, f_name, f_phone, f_city, f_industry, f_status, f_annual_revenue, f_employee_count, f_created_on, f_is_active, f_score";
        match self {
            Self::Sqlite(connection) => {
                let sql = format!(
                    "INSERT INTO {TABLE} ({columns}) WITH RECURSIVE n(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM n WHERE n + 1 < {records}) \
                     SELECT unhex(printf('%012x7000800000000000%04x', 1700000000000 + n, n % 65536)), 1, 1700000000000000 + n * 60000000, 1700000000000000 + n * 60000000, printf('C%07d', n), \
                     printf('Firm %d %s', n * 7919 % {records}, substr('northsoutheastwest', 1 + n % 10, 5)), printf('+86 138 %08d', n * 48271 % 100000000), 'Shanghai', json_extract('{}', '$[' || (n * 31 % 10) || ']'), \
                     json_extract('{}', '$[' || (n * 17 / 3 % 5) || ']'), CASE WHEN n % 9 = 0 THEN NULL ELSE n * 48271 % 10000000000 END, n % 5000, date('2020-01-01', '+' || (n * 131 % 2400) || ' days'), n % 2, n % 100 FROM n; ANALYZE",
                    json!(industries), json!(statuses)
                );
                connection.execute(sqlx::raw_sql(AssertSqlSafe(sql))).await?;
            }
            Self::Postgres(connection) => {
                let list = |words: &[&str]| words.iter().map(|word| format!("'{word}'")).collect::<Vec<_>>().join(",");
                let sql = format!(
                    "INSERT INTO {TABLE} ({columns}) SELECT (lpad(to_hex(1700000000000 + n), 12, '0') || '7000800000000000' || lpad(to_hex(n % 65536), 4, '0'))::uuid, 1, to_timestamp(1700000000 + n * 60), to_timestamp(1700000000 + n * 60), \
                     'C' || lpad(n::text, 7, '0'), 'Firm ' || (n * 7919 % {records}) || ' ' || substr('northsoutheastwest', (1 + n % 10)::int, 5), '+86 138 ' || lpad((n * 48271 % 100000000)::text, 8, '0'), 'Shanghai', \
                     (ARRAY[{}])[1 + n * 31 % 10], (ARRAY[{}])[1 + n * 17 / 3 % 5], CASE WHEN n % 9 = 0 THEN NULL ELSE (n * 48271 % 10000000000)::numeric / 100 END, n % 5000, DATE '2020-01-01' + (n * 131 % 2400)::int, n % 2 = 1, (n % 100)::numeric / 10 \
                     FROM generate_series(0, {records}::bigint - 1) n",
                    list(&industries), list(&statuses)
                );
                connection.execute(sqlx::raw_sql(AssertSqlSafe(sql))).await?;
                connection.execute("VACUUM ANALYZE").await?;
            }
        }
        Ok(())
    }
}
