//! Derived values: how saving an order grows with the orders its customer has, what 200 lines with five formulas each and
//! four aggregates cost beside the plain insert of the same rows, how quickly a form of as many answers while one types, and
//! how many records a second are calculated anew.

use std::{path::{Path, PathBuf}, time::Instant};

use clap::Args;
use model::Value;
use rust_decimal::Decimal;
use script::{Formula, Inputs, RowSet};
use serde_json::{Value as Json, json};
use sqlx::{AssertSqlSafe, Connection as _, Executor};

use crate::{client::{Call, Connection, Fault, Server, median}, sides::{Engine, free_address, ready}};

/// Measures derived values.
#[derive(Args, Clone)]
pub struct Derived {
    /// Orders of the customer at first, and in the end.
    #[arg(long, value_delimiter = ',', default_value = "1000,100000")]
    orders: Vec<usize>,
    /// Orders saved for each figure.
    #[arg(long, default_value_t = 300)]
    saves: usize,
    /// The engine's binary; beside this one if not given.
    #[arg(long)]
    cardstock: Option<PathBuf>,
    /// Leave SQLite out.
    #[arg(long)]
    no_sqlite: bool,
}

const LINES: usize = 200;

/// The whole run: for each database a site, filled in steps.
pub async fn run(asked: &Derived, postgres: Option<&str>) -> Result<(), Fault> {
    let cardstock = asked.cardstock.clone().map_or_else(|| std::env::current_exe().map(|path| path.with_file_name("cardstock")), Ok)?;
    let folder = tempfile::tempdir()?;
    println!("| database | what | figure |\n|---|---|---|");
    let (formula, plain) = formula()?;
    println!("| – | a formula over three decimals, µs | {formula:.2}, {:.1} times the same in Rust |", formula / plain);
    for url in (!asked.no_sqlite).then_some(None).into_iter().chain(postgres.map(Some)) {
        let own = match url {
            Some(url) => Some(crate::make_database(url, "cardstock_bench_derived").await?),
            None => None,
        };
        let name = if own.is_some() { "PostgreSQL" } else { "SQLite" };
        measure(asked, name, &cardstock, &folder.path().join(name), own.as_deref()).await?;
    }
    Ok(())
}

/// One line of an order, as a formula sees it.
struct Line([(&'static str, Decimal); 3]);

impl Inputs for Line {
    fn value(&self, name: &str) -> Option<Value> {
        self.0.iter().find(|(known, _)| *known == name).map(|(_, value)| Value::Decimal(*value))
    }
    fn rows(&self, _: &str) -> Option<RowSet> {
        None
    }
}

/// A compiled formula, calculated again and again; the same by hand, in turns. Microseconds of each.
fn formula() -> Result<(f64, f64), Fault> {
    const TIMES: usize = 100_000;
    let names: Vec<String> = ["quantity", "price", "discount"].map(str::to_owned).to_vec();
    let formula = Formula::compile("quantity * price * (100 - discount) / 100", &|name| names.iter().any(|known| known == name), &names).map_err(|error| error.to_string())?;
    let line = Line([("quantity", Decimal::new(2_500, 3)), ("price", Decimal::new(1_999, 2)), ("discount", Decimal::new(5, 0))]);
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..9 {
        let began = Instant::now();
        for _ in 0..TIMES {
            std::hint::black_box(formula.eval(std::hint::black_box(&line)).map_err(|error| error.to_string())?);
        }
        ours.push(began.elapsed().as_secs_f64() * 1e6 / TIMES as f64);
        let began = Instant::now();
        for _ in 0..TIMES {
            let [quantity, price, discount] = std::hint::black_box(&line).0.map(|(_, value)| value);
            std::hint::black_box(quantity * price * (Decimal::ONE_HUNDRED - discount) / Decimal::ONE_HUNDRED);
        }
        theirs.push(began.elapsed().as_secs_f64() * 1e6 / TIMES as f64);
    }
    Ok((median(ours), median(theirs)))
}

fn order(customer: &str, lines: usize) -> Json {
    let line = |n: usize| json!({"product": format!("Product {n}"), "quantity": format!("{}.5", n % 9 + 1), "price": format!("{}.99", n % 90 + 1), "discount": "5"});
    json!({"no": "SO-1", "customer": customer, "status": "done", "lines": (0..lines).map(line).collect::<Vec<_>>()})
}

async fn measure(asked: &Derived, name: &str, cardstock: &Path, site: &Path, url: Option<&str>) -> Result<(), Fault> {
    let engine = Engine { cardstock, site, postgres: url };
    let pack = Path::new(env!("CARGO_MANIFEST_DIR")).join("pack-derived");
    engine.run(&["pack", "install", &pack.display().to_string()]).await?;
    engine.run(&["user", "add", "clerk", "--role", "sums_clerk"]).await?;
    let token = engine.run(&["token", "new", "--user", "clerk"]).await?;
    let (mut there, mut customer, mut first) = (0, String::new(), None);
    for wanted in &asked.orders {
        if *wanted > there && !customer.is_empty() {
            fill(&site.join("site.db"), url, wanted - there).await?;
            let began = Instant::now();
            engine.run(&["recompute"]).await?;
            println!("| {name} | records calculated anew a second, of {wanted} | {:.0} |", *wanted as f64 / began.elapsed().as_secs_f64());
            there = *wanted;
        }
        let address = free_address()?;
        let mut process = engine.serve(&address)?;
        let server = Server { address, token: Some(token.clone()) };
        ready(&server).await?;
        let mut connection = Connection::open(&server).await?;
        if customer.is_empty() {
            let made = connection.json(&Call::send("POST", "/api/v1/records/sums_customer", &json!({"name": "Acme"}))).await?;
            customer = made["id"].as_str().unwrap_or_default().to_owned();
            connection.json(&Call::send("POST", "/api/v1/records/sums_order", &order(&customer, 1))).await?;
            process.kill().await?;
            fill(&site.join("site.db"), url, *wanted).await?;
            engine.run(&["recompute"]).await?;
            there = *wanted;
            process = engine.serve(&server.address)?;
            ready(&server).await?;
            connection = Connection::open(&server).await?;
        }
        let took = saves(&mut connection, &order(&customer, 1), asked.saves).await?;
        let growth = first.map_or(String::new(), |first: f64| format!(", {:.2} times the first", took / first));
        first = first.or(Some(took));
        println!("| {name} | saving an order of a customer with {wanted}, ms | {took:.2}{growth} |");
        if Some(wanted) == asked.orders.last() {
            let (middle, slow) = typed(&mut connection, &customer, asked.saves / 3 + 1).await?;
            println!("| {name} | a form of {LINES} lines calculated while one types, ms | {middle:.2}, 95 of 100 within {slow:.2} |");
            let ours = saves(&mut connection, &order(&customer, LINES), asked.saves / 5 + 1).await?;
            process.kill().await?;
            let theirs = plain(&site.join("plain.db"), url, asked.saves / 5 + 1).await?;
            println!("| {name} | {LINES} lines, five formulas each, four aggregates, ms | {ours:.2}, {:.2} times the plain insert |", ours / theirs);
        }
        process.kill().await?;
    }
    Ok(())
}

/// What a page asks for with each change of a line: the whole form goes there, what follows from it comes back.
/// The middle, and what 95 of 100 took at most.
async fn typed(connection: &mut Connection, customer: &str, times: usize) -> Result<(f64, f64), Fault> {
    let made = connection.json(&Call::send("POST", "/api/v1/records/sums_order", &order(customer, LINES))).await?;
    let text = |value: &Json| value.as_str().unwrap_or_default().replace(' ', "+");
    let mut form = format!("version=1&f.no=SO-1&f.customer={customer}&f.status=done&c.lines=");
    for (n, line) in made["lines"].as_array().into_iter().flatten().enumerate() {
        let fields = ["id", "product", "quantity", "price", "discount"].map(|key| format!("&c.lines.{n}.{key}={}", text(&line[key])));
        form.extend(fields);
    }
    let path = format!("/c/sums_order/{}/recompute", made["id"].as_str().unwrap_or_default());
    let mut took = Vec::with_capacity(times);
    for round in 0..times {
        let call = Call::form(path.as_str(), format!("{form}&c.lines.0.quantity={round}"));
        let sent = Instant::now();
        let (status, answer) = connection.call(&call).await?;
        took.push(sent.elapsed().as_secs_f64() * 1000.0);
        if status != 200 || answer.is_empty() {
            return Err(format!("{path}: {status} {}", String::from_utf8_lossy(&answer)).into());
        }
    }
    took.sort_by(f64::total_cmp);
    Ok((took[took.len() / 2], took[took.len() * 95 / 100]))
}

async fn saves(connection: &mut Connection, body: &Json, times: usize) -> Result<f64, Fault> {
    let call = Call::send("POST", "/api/v1/records/sums_order", body);
    let mut took = Vec::with_capacity(times);
    for _ in 0..times {
        let sent = Instant::now();
        connection.json(&call).await?;
        took.push(sent.elapsed().as_secs_f64() * 1000.0);
    }
    Ok(median(took))
}

/// Copies of the first order, made by the database itself.
async fn fill(file: &Path, url: Option<&str>, count: usize) -> Result<(), Fault> {
    let columns = "created_at, updated_at, version, site, f_no, f_customer, f_status, f_net, f_total";
    // Ids in order of time, as the engine makes them.
    let (id, of) = match url {
        None => ("unhex(printf('%012x7%03x80', 1790000000000 + n, n % 4096) || hex(randomblob(7)))", "(SELECT * FROM c_sums_order LIMIT 1)"),
        Some(_) => ("(lpad(to_hex(1790000000000 + n), 12, '0') || '7' || lpad(to_hex(n % 4096), 3, '0') || '80' || substr(md5(random()::text), 1, 14))::uuid", "(SELECT * FROM c_sums_order LIMIT 1) one"),
    };
    let sql = format!("WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {count}) INSERT INTO c_sums_order (id, {columns}) SELECT {id}, {columns} FROM n, {of}");
    match url {
        None => {
            sqlx::SqliteConnection::connect(&format!("sqlite://{}", file.display())).await?.execute(AssertSqlSafe(sql)).await?;
        }
        Some(url) => {
            sqlx::PgConnection::connect(url).await?.execute(AssertSqlSafe(sql)).await?;
        }
    }
    Ok(())
}

/// The same rows by hand: one transaction, one prepared statement for each table, synced.
async fn plain(file: &Path, url: Option<&str>, times: usize) -> Result<f64, Fault> {
    let tables = "CREATE TABLE plain_order (id TEXT PRIMARY KEY, no TEXT, customer TEXT, status TEXT, net BIGINT, total BIGINT); \
        CREATE TABLE plain_line (id TEXT PRIMARY KEY, parent TEXT, position BIGINT, product TEXT, quantity BIGINT, price BIGINT, discount BIGINT, gross BIGINT, reduction BIGINT, amount BIGINT, tax BIGINT, with_tax BIGINT); \
        CREATE INDEX plain_lines ON plain_line (parent, position)";
    let mut took = Vec::with_capacity(times);
    macro_rules! insert {
        ($connection:expr, $head:expr, $line:expr) => {
            for round in 0..times {
                let began = Instant::now();
                let mut tx = $connection.begin().await?;
                let id = format!("order-{round}");
                sqlx::query($head).bind(&id).bind("SO-1").bind("Acme").bind("done").bind(1_000_i64).bind(1_190_i64).execute(&mut *tx).await?;
                for n in 0..LINES {
                    let mut line = sqlx::query($line).bind(format!("{id}-{n}")).bind(&id).bind(n as i64).bind(format!("Product {n}"));
                    for figure in 0..8_i64 {
                        line = line.bind(figure * 100);
                    }
                    line.execute(&mut *tx).await?;
                }
                tx.commit().await?;
                took.push(began.elapsed().as_secs_f64() * 1000.0);
            }
        };
    }
    match url {
        None => {
            let mut connection = sqlx::SqliteConnection::connect(&format!("sqlite://{}?mode=rwc", file.display())).await?;
            connection.execute("PRAGMA journal_mode = wal; PRAGMA synchronous = full").await?;
            connection.execute(sqlx::raw_sql(tables)).await?;
            insert!(connection, "INSERT INTO plain_order VALUES (?, ?, ?, ?, ?, ?)", "INSERT INTO plain_line VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
        }
        Some(url) => {
            let mut connection = sqlx::PgConnection::connect(url).await?;
            connection.execute(sqlx::raw_sql(tables)).await?;
            insert!(connection, "INSERT INTO plain_order VALUES ($1, $2, $3, $4, $5, $6)", "INSERT INTO plain_line VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)");
        }
    }
    Ok(median(took))
}
