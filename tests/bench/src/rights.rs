//! What rights cost: lists of many records as a member of a unit sees them, by the units below theirs and by what is
//! shared with them, beside the same lists as an administrator sees them, on the same server, in turns.

use std::{path::{Path, PathBuf}, time::Instant};

use clap::Args;
use serde_json::{Value as Json, json};

use crate::{client::{Call, Connection, Fault, Server}, lists::{Hand, TABLE, at_share, filter, page}, sides::{Engine, free_address, ready}};

/// Measures rights.
#[derive(Args, Clone)]
pub struct Rights {
    /// How many records.
    #[arg(long, default_value_t = 1_000_000)]
    records: usize,
    /// Seconds for each kind of question.
    #[arg(long, default_value_t = 3.0)]
    seconds: f64,
    /// The engine's binary; beside this one if not given.
    #[arg(long)]
    cardstock: Option<PathBuf>,
    /// Leave SQLite out.
    #[arg(long)]
    no_sqlite: bool,
}

/// Regions under the company, and teams under each.
const REGIONS: usize = 10;
const TEAMS: usize = 10;
/// Records shared with each member, spread over the whole table.
const SHARED: usize = 200;
/// Who asks, the unit they belong to, what they see of the whole.
const MEMBERS: [(&str, &str, &str); 2] = [("head", "R3", "a tenth"), ("hand", "R5T7", "a hundredth")];

/// The whole run: for each database a site, filled, asked.
pub async fn run(asked: &Rights, postgres: Option<&str>) -> Result<(), Fault> {
    let cardstock = asked.cardstock.clone().map_or_else(|| std::env::current_exe().map(|path| path.with_file_name("cardstock")), Ok)?;
    let folder = tempfile::tempdir()?;
    println!("| database | list of {} records | who sees | member p50 ms | member p95 ms | administrator p50 ms | ratio |\n|---|---|---|---|---|---|---|", asked.records);
    for url in (!asked.no_sqlite).then_some(None).into_iter().chain(postgres.map(Some)) {
        let own = match url {
            Some(url) => Some(crate::make_database(url, "cardstock_bench_rights").await?),
            None => None,
        };
        let name = if own.is_some() { "PostgreSQL" } else { "SQLite" };
        measure(asked, name, &cardstock, &folder.path().join(name), own.as_deref()).await?;
    }
    Ok(())
}

async fn measure(asked: &Rights, name: &str, cardstock: &Path, site: &Path, url: Option<&str>) -> Result<(), Fault> {
    let engine = Engine { cardstock, site, postgres: url };
    let pack = Path::new(env!("CARGO_MANIFEST_DIR")).join("pack");
    engine.run(&["pack", "install", &pack.display().to_string()]).await?;
    let mut tokens = Vec::new();
    for (user, role) in [("chief", "administrator")].into_iter().chain(MEMBERS.map(|(user, ..)| (user, "trade_member"))) {
        engine.run(&["user", "add", user, "--role", role]).await?;
        tokens.push(engine.run(&["token", "new", "--user", user]).await?);
    }
    let began = Instant::now();
    let mut hand = Hand::open(&site.join("site.db"), url).await?;
    hand.fill(asked.records).await?;
    let address = free_address()?;
    let _server = engine.serve(&address)?;
    let servers: Vec<Server> = tokens.into_iter().map(|token| Server { address: address.clone(), token: Some(token) }).collect();
    let [chief, members @ ..] = servers.as_slice() else { return Err("nobody asks".into()) };
    ready(chief).await?;
    let mut connection = Connection::open(chief).await?;
    organise(&mut connection, &mut hand, asked.records).await?;
    eprintln!("  {name}: {} records of {} units written in {:.0} s", asked.records, REGIONS * TEAMS, began.elapsed().as_secs_f64());
    for (member, (_, _, sees)) in members.iter().zip(MEMBERS) {
        let mut theirs = Connection::open(member).await?;
        for (what, call) in cases() {
            let (mut narrowed, mut whole) = (Vec::new(), Vec::new());
            let began = Instant::now();
            while began.elapsed().as_secs_f64() < asked.seconds || narrowed.len() < 9 {
                let sent = Instant::now();
                theirs.json(&call).await?;
                narrowed.push(sent.elapsed());
                let sent = Instant::now();
                connection.json(&call).await?;
                whole.push(sent.elapsed());
            }
            let (p50, p95, all) = (at_share(&mut narrowed, 50), at_share(&mut narrowed, 95), at_share(&mut whole, 50));
            println!("| {name} | {what} | {sees} | {p50:.1} | {p95:.1} | {all:.1} | {:.2} |", p50 / all);
        }
    }
    Ok(())
}

fn cases() -> Vec<(&'static str, Call)> {
    let groups = json!({"limit": 1, "fields": ["code"], "group_by": [{"field": "industry"}], "totals": [{"field": "annual_revenue", "function": "sum"}]});
    vec![
        ("newest first", page("")),
        ("two filters and sort", page(&format!("filter={}&sort=-created_on", filter()))),
        ("by name", page("sort=name")),
        ("groups by a choice, one total", Call::send("POST", "/api/v1/records/trade_customer/query", &groups)),
    ]
}

/// Units as a tree, the members in theirs, each record of one team or another, and some of them shared.
async fn organise(connection: &mut Connection, hand: &mut Hand, records: usize) -> Result<(), Fault> {
    let company = unit(connection, "R", None).await?;
    let mut teams = Vec::new();
    let mut places = Vec::new();
    for region in 0..REGIONS {
        let key = format!("R{region}");
        let above = unit(connection, &key, Some(&company)).await?;
        for team in 0..TEAMS {
            let key = format!("R{region}T{team}");
            let id = unit(connection, &key, Some(&above)).await?;
            teams.push(id.clone());
            places.push((key, id));
        }
        places.push((key, above));
    }
    hand.give_units(&teams).await?;
    let users = connection.json(&Call::get("/api/v1/records/user?fields=id,name&limit=500")).await?;
    for (name, place, _) in MEMBERS {
        let user = users["data"].as_array().into_iter().flatten().find(|user| user["name"] == name).ok_or("a member is missing")?["id"].clone();
        let unit = places.iter().find(|(key, _)| key == place).map(|(_, id)| id).ok_or("a unit is missing")?;
        let body = json!({"code": name, "name": name, "user": user, "department": unit});
        connection.json(&Call::send("POST", "/api/v1/records/employee", &body)).await?;
        let step = (records / SHARED).max(1);
        for number in (0..records).step_by(step) {
            let made = format!("{:012x}", 1_700_000_000_000_u64 + number as u64);
            let id = format!("{}-{}-7000-8000-00000000{:04x}", &made[..8], &made[8..], number % 65_536);
            connection.json(&Call::send("POST", format!("/api/v1/records/trade_customer/{id}/shares"), &json!({"user": user}))).await?;
        }
    }
    hand.settle().await
}

async fn unit(connection: &mut Connection, name: &str, above: Option<&Json>) -> Result<Json, Fault> {
    let made = connection.json(&Call::send("POST", "/api/v1/records/department", &json!({"code": name, "name": name, "parent": above}))).await?;
    Ok(made["id"].clone())
}

impl Hand {
    /// Gives each record to one of the units, in no order that another column has.
    async fn give_units(&mut self, units: &[Json]) -> Result<(), Fault> {
        let ids = units.iter().filter_map(Json::as_str).enumerate();
        let rows: Vec<String> = match self {
            Self::Sqlite(_) => ids.map(|(number, id)| format!("({number}, x'{}')", id.replace('-', ""))).collect(),
            Self::Postgres(_) => ids.map(|(number, id)| format!("({number}, '{id}'::uuid)")).collect(),
        };
        let of = format!("(CAST(substr(f_code, 2) AS INTEGER) % 9973 * 48271 / 7) % {}", units.len());
        for sql in [
            format!("CREATE TEMPORARY TABLE bench_unit AS SELECT * FROM (VALUES {}) AS units", rows.join(", ")),
            format!("UPDATE {TABLE} SET org_unit = (SELECT column2 FROM bench_unit WHERE column1 = {of})"),
        ] {
            self.ask(&sql).await?;
        }
        Ok(())
    }

    async fn settle(&mut self) -> Result<(), Fault> {
        let sql = match self {
            Self::Sqlite(_) => "ANALYZE",
            Self::Postgres(_) => "VACUUM ANALYZE",
        };
        self.ask(sql).await.map(drop)
    }
}
