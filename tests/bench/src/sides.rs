//! The two servers: starting them, filling them with the same data, and how each is asked for the same thing.

use std::{
    path::Path,
    process::Stdio,
    sync::{Arc, atomic::{AtomicUsize, Ordering}},
    time::Duration,
};

use serde_json::{Value as Json, json};
use tokio::process::{Child, Command};

use crate::{
    client::{Call, Connection, Fault, Server},
    data::{INDUSTRIES, OWNERS, STATUSES, Source},
};

/// Which server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The engine, its schema a pack.
    Engine,
    /// Hard-coded.
    HandWritten,
}

/// A running server, full of data.
pub struct Side {
    /// Which.
    pub kind: Kind,
    /// Where.
    pub server: Server,
    /// The process; it ends when this is dropped.
    pub process: Child,
    owners: Vec<Json>,
    customers: Vec<Json>,
    orders: Vec<Json>,
    deep: String,
    number: Arc<AtomicUsize>,
}

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Op {
    /// One customer, with its owner's name.
    Read,
    /// One order, with its lines and its customer's name.
    ReadOrder,
    /// 50 customers of an industry and a status, newest first.
    List,
    /// 50 customers, newest first, after the 50,000th.
    Deep,
    /// A customer.
    Create,
    /// An order with its lines.
    CreateOrder,
    /// Two fields of a customer.
    Change,
}

impl Op {
    /// All of them, reads first.
    pub const ALL: [Self; 7] = [Self::Read, Self::ReadOrder, Self::List, Self::Deep, Self::Change, Self::Create, Self::CreateOrder];

    /// As the table calls it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Read => "read one, with its owner's name",
            Self::ReadOrder => "read an order with 4 lines",
            Self::List => "list of 50, two filters and sort",
            Self::Deep => "page of 50 after the 50,000th",
            Self::Create => "create",
            Self::CreateOrder => "create an order with 4 lines",
            Self::Change => "change two fields",
        }
    }

    /// The short name for the command line.
    pub fn key(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::ReadOrder => "read-order",
            Self::List => "list",
            Self::Deep => "deep",
            Self::Create => "create",
            Self::CreateOrder => "create-order",
            Self::Change => "change",
        }
    }

    /// The ratio wanted, at one connection or at many.
    pub fn target(self, connections: usize) -> f64 {
        match self {
            Self::Read | Self::ReadOrder | Self::List | Self::Deep => 0.8,
            Self::Create | Self::CreateOrder | Self::Change if connections == 1 => 0.6,
            Self::Create | Self::CreateOrder | Self::Change => 1.0,
        }
    }
}

/// What both lists ask for, so that answers are of one size.
const FIELDS: &str = "id,version,code,name,phone,email,street,city,province,postal_code,industry,credit_level,annual_revenue,employee_count,created_on,last_contact_at,is_active,website,\
remarks,status,score,revenue_per_head,owner,updated_at";

fn encoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

impl Side {
    /// A request of a kind; the same seed asks both servers for the same.
    pub fn call(&self, op: Op, source: &mut Source) -> Call {
        let engine = self.kind == Kind::Engine;
        let (customers, orders) = if engine { ("/api/v1/records/trade_customer", "/api/v1/records/trade_order") } else { ("/customers", "/orders") };
        let one = |ids: &[Json], source: &mut Source| ids[source.below(ids.len())].to_string().trim_matches('"').to_owned();
        match op {
            Op::Read => Call::get(format!("{customers}/{}", one(&self.customers, source))),
            Op::ReadOrder => Call::get(format!("{orders}/{}", one(&self.orders, source))),
            Op::List => {
                let (industry, status) = (source.pick(&INDUSTRIES), source.pick(&STATUSES));
                if engine {
                    let filter = json!({"all": [{"field": "industry", "op": "is", "value": industry}, {"field": "status", "op": "is", "value": status}]});
                    return Call::get(format!("{customers}?filter={}&sort=-created_on&limit=50&fields={FIELDS}", encoded(&filter.to_string())));
                }
                Call::get(format!("{customers}?industry={industry}&status={status}&limit=50"))
            }
            Op::Deep if engine => Call::get(format!("{customers}?sort=-created_on&limit=50&fields={FIELDS}&cursor={}", encoded(&self.deep))),
            Op::Deep => Call::get(format!("{customers}?limit=50&after={}", encoded(&self.deep))),
            Op::Change => Call::send("PATCH", format!("{customers}/{}", one(&self.customers, source)), &source.change()),
            Op::Create => {
                let owner = self.owners[source.below(self.owners.len())].clone();
                Call::send("POST", customers, &source.customer(self.number.fetch_add(1, Ordering::Relaxed), &owner))
            }
            Op::CreateOrder => {
                let customer = self.customers[source.below(self.customers.len())].clone();
                Call::send("POST", orders, &source.order(self.number.fetch_add(1, Ordering::Relaxed), &customer))
            }
        }
    }

    /// Brings the data in; says how many rows a second.
    async fn fill(&mut self, customers: usize, orders: usize) -> Result<(), Fault> {
        const EACH: usize = 500;
        let mut connection = Connection::open(&self.server).await?;
        let mut source = Source::new(1);
        let mut number = 0;
        while self.customers.len() < customers {
            let count = EACH.min(customers - self.customers.len());
            let rows: Vec<Json> = (0..count).map(|_| {
                number += 1;
                let owner = self.owners[source.below(self.owners.len())].clone();
                source.customer(number, &owner)
            }).collect();
            let ids = self.bring(&mut connection, rows, Vec::new()).await?;
            self.customers.extend(ids);
        }
        while self.orders.len() < orders {
            let count = EACH.min(orders - self.orders.len());
            let rows: Vec<Json> = (0..count).map(|_| {
                number += 1;
                let customer = self.customers[source.below(self.customers.len())].clone();
                source.order(number, &customer)
            }).collect();
            let ids = self.bring(&mut connection, Vec::new(), rows).await?;
            self.orders.extend(ids);
        }
        self.number.store(1_000_000, Ordering::Relaxed);
        Ok(())
    }

    async fn bring(&self, connection: &mut Connection, customers: Vec<Json>, orders: Vec<Json>) -> Result<Vec<Json>, Fault> {
        if self.kind == Kind::HandWritten {
            let answer = connection.json(&Call::send("POST", "/fill", &json!({"customers": customers, "orders": orders}))).await?;
            return Ok(answer.as_array().cloned().unwrap_or_default());
        }
        let card = if orders.is_empty() { "trade_customer" } else { "trade_order" };
        let items: Vec<Json> = customers.into_iter().chain(orders).map(|record| json!({"op": "create", "record": record})).collect();
        let call = Call::send("POST", format!("/api/v1/records/{card}/batch"), &json!({"atomic": true, "items": items}));
        let answer = connection.json(&call).await?;
        Ok(answer["data"].as_array().into_iter().flatten().map(|saved| saved["id"].clone()).collect())
    }

    /// Walks to the 50,000th customer and keeps the place.
    async fn walk(&mut self, steps: usize) -> Result<(), Fault> {
        let mut connection = Connection::open(&self.server).await?;
        for _ in 0..steps {
            let path = match (self.kind, self.deep.is_empty()) {
                (Kind::Engine, true) => "/api/v1/records/trade_customer?sort=-created_on&limit=500&fields=id".to_owned(),
                (Kind::Engine, false) => format!("/api/v1/records/trade_customer?sort=-created_on&limit=500&fields=id&cursor={}", encoded(&self.deep)),
                (Kind::HandWritten, true) => "/customers?limit=500".to_owned(),
                (Kind::HandWritten, false) => format!("/customers?limit=500&after={}", encoded(&self.deep)),
            };
            let answer = connection.json(&Call::get(path)).await?;
            match answer["next"].as_str() {
                Some(next) => self.deep = next.to_owned(),
                None => break,
            }
        }
        Ok(())
    }
}

/// What a server is made of.
pub struct Plan<'a> {
    /// The engine's binary.
    pub cardstock: &'a Path,
    /// Where files go.
    pub folder: &'a Path,
    /// PostgreSQL, unless SQLite is meant.
    pub postgres: Option<&'a str>,
    /// How many customers.
    pub customers: usize,
    /// How many orders.
    pub orders: usize,
}

/// A free port, as an address.
pub fn free_address() -> Result<String, Fault> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string())
}

/// Waits until a server answers.
pub async fn ready(server: &Server) -> Result<(), Fault> {
    for _ in 0..30_000 {
        if let Ok(mut connection) = Connection::open(server).await
            && let Ok((200, _)) = connection.call(&Call::get("/healthz")).await {
                return Ok(());
            }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    Err(format!("nothing answers at {}", server.address).into())
}

/// The engine's binary, at work on one site.
#[derive(Clone, Copy)]
pub struct Engine<'a> {
    /// The binary.
    pub cardstock: &'a Path,
    /// The site's folder.
    pub site: &'a Path,
    /// PostgreSQL, unless SQLite is meant.
    pub postgres: Option<&'a str>,
}

impl Engine<'_> {
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(self.cardstock);
        command.args(arguments).arg("--data").arg(self.site).args(self.postgres.iter().flat_map(|url| ["--database", url]));
        command
    }

    /// Runs a command and gives what it printed.
    pub async fn run(&self, arguments: &[&str]) -> Result<String, Fault> {
        let output = self.command(arguments).output().await?;
        if !output.status.success() {
            return Err(format!("cardstock {}: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr)).into());
        }
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    /// Serves the site; the process ends when it is dropped.
    pub fn serve(&self, address: &str) -> Result<Child, Fault> {
        Ok(self.command(&["serve", "--listen", address]).stdout(Stdio::null()).kill_on_drop(true).spawn()?)
    }
}

/// Starts the engine with all built-in packs and the benchmark's own, and fills it.
pub async fn start_engine(plan: &Plan<'_>) -> Result<Side, Fault> {
    let site = plan.folder.join("engine");
    let engine = Engine { cardstock: plan.cardstock, site: &site, postgres: plan.postgres };
    let pack = Path::new(env!("CARGO_MANIFEST_DIR")).join("pack");
    engine.run(&["pack", "install", &pack.display().to_string()]).await?;
    for number in 1..=OWNERS {
        engine.run(&["user", "add", &format!("owner{number:02}"), "--display", &format!("Owner {number:02}"), "--role", "trade_clerk"]).await?;
    }
    let token = engine.run(&["token", "new", "--user", "owner01"]).await?;
    let address = free_address()?;
    let process = engine.serve(&address)?;
    let server = Server { address, token: Some(token) };
    ready(&server).await?;
    let mut connection = Connection::open(&server).await?;
    let users = connection.json(&Call::get("/api/v1/records/user?fields=id,name&limit=500&sort=name")).await?;
    let owners = users["data"].as_array().into_iter().flatten().filter(|user| user["name"].as_str().is_some_and(|name| name.starts_with("Owner"))).map(|user| user["id"].clone()).collect();
    full(Side { kind: Kind::Engine, server, process, owners, customers: Vec::new(), orders: Vec::new(), deep: String::new(), number: Arc::default() }, plan).await
}

/// Starts the hand-written server, and fills it.
pub async fn start_hand_written(plan: &Plan<'_>) -> Result<Side, Fault> {
    let url = plan.postgres.map_or_else(|| format!("sqlite://{}", plan.folder.join("hand-written.db").display()), str::to_owned);
    let address = free_address()?;
    let process = Command::new(std::env::current_exe()?).args(["hand-written", "--database", &url, "--listen", &address]).kill_on_drop(true).spawn()?;
    let server = Server { address, token: None };
    ready(&server).await?;
    let owners = (1..=OWNERS).map(Json::from).collect();
    full(Side { kind: Kind::HandWritten, server, process, owners, customers: Vec::new(), orders: Vec::new(), deep: String::new(), number: Arc::default() }, plan).await
}

async fn full(mut side: Side, plan: &Plan<'_>) -> Result<Side, Fault> {
    let began = std::time::Instant::now();
    side.fill(plan.customers, plan.orders).await?;
    let rows = (plan.customers + plan.orders) as f64;
    eprintln!("  {:?}: {} customers and {} orders in {:.0} s, {:.0} records/s", side.kind, plan.customers, plan.orders, began.elapsed().as_secs_f64(), rows / began.elapsed().as_secs_f64());
    side.walk((plan.customers / 2).min(50_000) / 500).await?;
    Ok(side)
}
