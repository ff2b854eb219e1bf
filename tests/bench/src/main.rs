//! Measures the engine beside a server written by hand for one schema; see README.md.

mod baseline;
mod client;
mod data;
mod derived;
mod lists;
mod report;
mod rights;
mod search;
mod sides;
mod start;
mod tables;

use std::{path::PathBuf, time::Duration};

use clap::{Args, Parser, Subcommand};

use client::{Call, Fault, drive};
use report::Cell;
use sides::{Op, Plan, Side};

/// The engine beside a hand-written server.
#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    run: Run,
}

#[derive(Subcommand)]
enum Command {
    /// Files in and out: imports and exports that many rows.
    Tables {
        #[arg(long, default_value_t = 100_000)]
        rows: usize,
        /// The engine's binary; beside this one if not given.
        #[arg(long)]
        cardstock: Option<PathBuf>,
    },
    /// Serve the hand-written server; the benchmark starts this itself.
    HandWritten {
        #[arg(long)]
        database: String,
        #[arg(long)]
        listen: String,
    },
    /// Measure lists of many records instead.
    Lists(lists::Lists),
    /// Measure what rights cost instead.
    Rights(rights::Rights),
    /// Measure derived values instead.
    Derived(derived::Derived),
    /// Measure search over many records instead.
    Search(search::Search),
}

#[derive(Args, Clone)]
struct Run {
    /// Measure on PostgreSQL too: the address of a server where databases may be made (`cargo xtask pg start`).
    #[arg(long, global = true)]
    postgres: Option<String>,
    /// Leave SQLite out.
    #[arg(long)]
    no_sqlite: bool,
    /// How many customers.
    #[arg(long, default_value_t = 100_000)]
    customers: usize,
    /// How many orders.
    #[arg(long, default_value_t = 200_000)]
    orders: usize,
    /// Rounds of each cell; the servers take turns.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Seconds of a round.
    #[arg(long, default_value_t = 2.0)]
    seconds: f64,
    /// Only these: read, read-order, list, deep, change, create, create-order.
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Connections at once.
    #[arg(long, value_delimiter = ',', default_value = "1,16")]
    connections: Vec<usize>,
    /// The engine's binary; beside this one if not given.
    #[arg(long)]
    cardstock: Option<PathBuf>,
    /// Write the table to this file.
    #[arg(long)]
    out: Option<PathBuf>,
    /// After filling, print addresses and wait, so that a profiler can be put to work.
    #[arg(long)]
    hold: bool,
}

#[tokio::main]
async fn main() -> Result<(), Fault> {
    let cli = Cli::parse();
    match cli.command {
        Some(Command::HandWritten { database, listen }) if database.starts_with("postgres") => baseline::postgres::serve(&database, &listen).await,
        Some(Command::HandWritten { database, listen }) => baseline::sqlite::serve(&database, &listen).await,
        Some(Command::Lists(asked)) => lists::run(&asked, cli.run.postgres.as_deref()).await,
        Some(Command::Rights(asked)) => rights::run(&asked, cli.run.postgres.as_deref()).await,
        Some(Command::Derived(asked)) => derived::run(&asked, cli.run.postgres.as_deref()).await,
        Some(Command::Search(asked)) => search::run(&asked, cli.run.postgres.as_deref()).await,
        Some(Command::Tables { rows, cardstock }) => tables::measure(&cardstock.map_or_else(|| std::env::current_exe().map(|path| path.with_file_name("cardstock")), Ok)?, rows).await,
        None => run(&cli.run).await,
    }
}

async fn run(run: &Run) -> Result<(), Fault> {
    let cardstock = match &run.cardstock {
        Some(path) => path.clone(),
        None => std::env::current_exe()?.with_file_name("cardstock"),
    };
    if !cardstock.exists() {
        return Err(format!("{} is missing; `cargo build --release -p cardstock` first", cardstock.display()).into());
    }
    let folder = tempfile::tempdir()?;
    let start = if run.only.is_empty() { Some(start::measure(&cardstock, folder.path()).await?) } else { None };
    let mut cells = Vec::new();
    let mut memory = Vec::new();
    println!("{}", report::HEAD);
    let databases = (!run.no_sqlite).then_some(("SQLite", None)).into_iter().chain(run.postgres.as_deref().map(|url| ("PostgreSQL", Some(url))));
    for (name, url) in databases {
        let urls = match url {
            Some(url) => Some(make_databases(url).await?),
            None => None,
        };
        let place = folder.path().join(name);
        std::fs::create_dir_all(&place)?;
        let plan = |postgres| Plan { cardstock: &cardstock, folder: &place, postgres, customers: run.customers, orders: run.orders };
        let hand_written = sides::start_hand_written(&plan(urls.as_ref().map(|urls| urls.1.as_str()))).await?;
        let engine = sides::start_engine(&plan(urls.as_ref().map(|urls| urls.0.as_str()))).await?;
        for url in urls.iter().flat_map(|urls| [&urls.0, &urls.1]) {
            statement(url, "VACUUM ANALYZE").await?;
        }
        if run.hold {
            eprintln!("engine: process {:?} http://{} token {}", engine.process.id(), engine.server.address, engine.server.token.as_deref().unwrap_or_default());
            eprintln!("hand-written: process {:?} http://{}", hand_written.process.id(), hand_written.server.address);
        }
        measure(run, name, &engine, &hand_written, &mut cells).await?;
        memory.extend(start::resident(engine.process.id()).map(|found| (format!("memory of the engine after this load on {name}"), found)));
        memory.extend(start::resident(hand_written.process.id()).map(|found| (format!("memory of the hand-written server after this load on {name}"), found)));
    }
    let command = format!("cargo run --release -p cardstock-bench -- {}", std::env::args().skip(1).collect::<Vec<_>>().join(" "));
    let text = report::document(command.trim(), (run.customers, run.orders), &cells, start.as_ref(), &memory);
    match &run.out {
        Some(path) => std::fs::write(path, text)?,
        None => println!("\n{text}"),
    }
    Ok(())
}

async fn measure(run: &Run, database: &'static str, engine: &Side, hand_written: &Side, cells: &mut Vec<Cell>) -> Result<(), Fault> {
    for op in Op::ALL.into_iter().filter(|op| run.only.is_empty() || run.only.iter().any(|only| only == op.key())) {
        for &connections in &run.connections {
            let mut cell = Cell { database, op, connections, engine: Vec::new(), hand_written: Vec::new() };
            for side in [engine, hand_written] {
                round(side, op, connections, 0, run.seconds.min(1.0)).await?;
            }
            for number in 1..=run.rounds {
                cell.engine.push(round(engine, op, connections, number, run.seconds).await?);
                cell.hand_written.push(round(hand_written, op, connections, number, run.seconds).await?);
            }
            println!("{}", cell.row());
            cells.push(cell);
        }
    }
    Ok(())
}

async fn round(side: &Side, op: Op, connections: usize, number: usize, seconds: f64) -> Result<client::Measured, Fault> {
    let source = |connection: usize| {
        let mut source = data::Source::new((number * 1000 + connection) as u64 + 7);
        // Made ahead, so that the generator takes no time of the servers' while it is measured.
        let calls: Vec<Call> = (0..prepared(op, connections, seconds)).map(|_| side.call(op, &mut source)).collect();
        let mut calls = calls.into_iter().cycle();
        Box::new(move || calls.next().unwrap_or_else(|| Call::get("/healthz"))) as Box<dyn FnMut() -> Call + Send>
    };
    let sources = (0..connections).map(source).collect();
    drive(&side.server, Duration::from_secs_f64(seconds), sources).await
}

/// More than can be asked in a round where each request must be a new one; else enough for variety.
fn prepared(op: Op, connections: usize, seconds: f64) -> usize {
    match op {
        Op::Create | Op::CreateOrder => (seconds * 16_000.0) as usize / connections,
        _ => 2_000,
    }
}

/// Two new databases: the engine's and the hand-written server's.
async fn make_databases(url: &str) -> Result<(String, String), Fault> {
    Ok((make_database(url, "cardstock_bench_engine").await?, make_database(url, "cardstock_bench_hand").await?))
}

/// A new database in place of the one there was.
pub(crate) async fn make_database(url: &str, name: &str) -> Result<String, Fault> {
    let (head, query) = url.split_once('?').map_or((url, String::new()), |(head, query)| (head, format!("?{query}")));
    let (server, _) = head.rsplit_once('/').ok_or("a PostgreSQL address ends in /DATABASE")?;
    statement(url, &format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await?;
    statement(url, &format!("CREATE DATABASE {name}")).await?;
    Ok(format!("{server}/{name}{query}"))
}

pub(crate) async fn statement(url: &str, sql: &str) -> Result<(), Fault> {
    use sqlx::{Connection, Executor};
    let mut connection = sqlx::PgConnection::connect(url).await?;
    connection.execute(sqlx::AssertSqlSafe(sql.to_owned())).await?;
    connection.close().await?;
    Ok(())
}
