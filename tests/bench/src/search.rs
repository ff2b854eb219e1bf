//! Search over many records: how long each kind of question takes, at the desk's end of the wire.

use std::{path::{Path, PathBuf}, time::{Duration, Instant}};

use clap::Args;
use rand::{RngExt, SeedableRng, rngs::StdRng};
use sqlx::{Connection as _, Executor};

use crate::{client::{Call, Connection, Fault, Server}, sides::{Engine, free_address, ready}};

/// Measures search.
#[derive(Args, Clone)]
pub struct Search {
    /// How many records.
    #[arg(long, default_value_t = 1_000_000)]
    records: usize,
    /// Questions of each kind.
    #[arg(long, default_value_t = 200)]
    questions: usize,
    /// The engine's binary; beside this one if not given.
    #[arg(long)]
    cardstock: Option<PathBuf>,
    /// Leave SQLite out.
    #[arg(long)]
    no_sqlite: bool,
}

/// The answer that 95 of 100 questions must have come by, in milliseconds.
const TARGET: f64 = 50.0;

const SURNAMES: [&str; 20] = ["王", "李", "张", "刘", "陈", "杨", "黄", "赵", "吴", "周", "徐", "孙", "马", "朱", "胡", "郭", "何", "高", "林", "罗"];
const GIVEN: [&str; 40] = [
    "伟", "芳", "娜", "敏", "静", "丽", "强", "磊", "军", "洋", "勇", "艳", "杰", "娟", "涛", "明", "超", "秀", "霞", "平", "刚", "桂", "英", "华", "玉", "兰", "建", "国", "志", "文", "晓", "梅", "红", "春", "海", "波", "宁", "欣", "雨", "晨",
];
const PLACES: [&str; 24] = ["北京", "上海", "广州", "深圳", "杭州", "南京", "成都", "重庆", "武汉", "西安", "苏州", "天津", "青岛", "大连", "厦门", "宁波", "长沙", "郑州", "济南", "合肥", "佛山", "东莞", "汕头", "温州"];
const MIDDLES: [&str; 40] = [
    "华联", "天成", "宏达", "瑞丰", "金桥", "东方", "海纳", "中信", "恒通", "百川", "新元", "嘉禾", "远景", "鼎盛", "凯越", "三江", "安泰", "永和", "兴业", "国泰", "四海", "明珠", "长青", "大地", "光华", "锦绣", "龙腾", "银河", "万象", "正大", "启明", "星辰", "晨光", "荣昌",
    "汇通", "福源", "德邦", "亿达", "同创", "信和",
];
const TRADES: [&str; 16] = ["科技", "贸易", "玩具", "纺织", "电子", "物流", "食品", "医药", "建材", "机械", "化工", "家具", "服饰", "五金", "印刷", "能源"];
const LATIN: [&str; 24] = ["Red", "Blue", "Harbour", "Silk", "Lantern", "Panda", "River", "Jade", "Kite", "Drum", "Gull", "North", "Star", "Circuit", "Banyan", "Moon", "Weave", "Cloud", "Hem", "Anchor", "Maple", "Stone", "Falcon", "Orchid"];
const KINDS: [&str; 6] = ["Toys", "Textiles", "Trading", "Imports", "Lighting", "Appliances"];

/// An invented firm: name, code, phone, person.
fn firm(random: &mut StdRng, number: usize) -> [String; 4] {
    let mut one = |of: &[&'static str]| of[random.random_range(0..of.len())];
    let person = format!("{}{}{}", one(&SURNAMES), one(&GIVEN), one(&GIVEN));
    let name = match number % 4 {
        0 => format!("{} {} {} {}", one(&LATIN), one(&LATIN), one(&KINDS), number % 997),
        1 => person.clone(),
        _ => format!("{}{}{}{}有限公司", one(&PLACES), one(&MIDDLES), one(&MIDDLES), one(&TRADES)),
    };
    let digits = random.random_range(10_000_000..100_000_000_u64);
    [name, format!("SO-{}-{:06}", 202_401 + number % 12, number), format!("+86 13{}-{:04}-{:04}", number % 10, digits / 10_000, digits % 10_000), person]
}

/// Kinds of questions, and one of each by chance.
const ASKED: [&str; 11] = [
    "a person's whole name", "two characters", "part of a firm's name", "one character", "Pinyin, whole", "Pinyin, half typed", "initials", "a Latin word", "a Latin word half typed", "last digits of a code", "last digits of a phone",
];

fn question(random: &mut StdRng, kind: usize) -> String {
    let mut one = |of: &[&'static str]| of[random.random_range(0..of.len())];
    match kind {
        0 => format!("{}{}{}", one(&SURNAMES), one(&GIVEN), one(&GIVEN)),
        1 => format!("{}{}", one(&SURNAMES), one(&GIVEN)),
        2 => format!("{}{}", one(&PLACES), one(&MIDDLES)),
        3 => one(&GIVEN).to_owned(),
        4 => ["beijinghualian", "shanghaihongda", "zhangwei", "liuyang", "chongqingjinqiao", "wangxiaomei", "guangzhouruifeng"][random.random_range(0..7)].to_owned(),
        5 => ["beijingh", "shangh", "zhangw", "liuy", "hongd", "wangx", "guangz", "tianch"][random.random_range(0..8)].to_owned(),
        6 => ["bjhl", "shhd", "zw", "gzrf", "cqjq", "wxm", "hlhd", "szyh"][random.random_range(0..8)].to_owned(),
        7 => format!("{} {}", one(&LATIN), one(&KINDS)),
        8 => one(&LATIN)[..3].to_lowercase(),
        9 => format!("{:06}", random.random_range(0..1_000_000)),
        _ => format!("{:05}", random.random_range(0..100_000)),
    }
}

/// The whole run: for each database a site, filled, made searchable, asked.
pub async fn run(asked: &Search, postgres: Option<&str>) -> Result<(), Fault> {
    let cardstock = asked.cardstock.clone().map_or_else(|| std::env::current_exe().map(|path| path.with_file_name("cardstock")), Ok)?;
    let folder = tempfile::tempdir()?;
    println!("| database | question | p50 ms | p95 ms | most ms | p95 ≤ {TARGET} ms |\n|---|---|---|---|---|---|");
    let databases = (!asked.no_sqlite).then_some(None).into_iter().chain(postgres.map(Some));
    for url in databases {
        let name = if url.is_some() { "PostgreSQL" } else { "SQLite" };
        let own = match url {
            Some(url) => Some(crate::make_database(url, "cardstock_bench_search").await?),
            None => None,
        };
        let site = folder.path().join(name);
        measure(asked, name, &cardstock, &site, own.as_deref()).await?;
    }
    Ok(())
}

async fn measure(asked: &Search, name: &str, cardstock: &Path, site: &Path, url: Option<&str>) -> Result<(), Fault> {
    let engine = Engine { cardstock, site, postgres: url };
    let pack = Path::new(env!("CARGO_MANIFEST_DIR")).join("pack-search");
    engine.run(&["pack", "install", &pack.display().to_string()]).await?;
    engine.run(&["user", "add", "clerk", "--role", "finder_clerk"]).await?;
    let token = engine.run(&["token", "new", "--user", "clerk"]).await?;
    let began = Instant::now();
    fill(asked.records, &site.join("site.db"), url).await?;
    eprintln!("  {name}: {} records written in {:.0} s", asked.records, began.elapsed().as_secs_f64());
    let began = Instant::now();
    engine.run(&["search", "rebuild", "--card", "finder_firm"]).await?;
    let seconds = began.elapsed().as_secs_f64();
    eprintln!("  {name}: made searchable in {seconds:.0} s, {:.0} records/s", asked.records as f64 / seconds);
    if let Some(url) = url {
        crate::statement(url, "VACUUM ANALYZE").await?;
        eprintln!("  {name}: {}", size(url).await?);
    } else {
        eprintln!("  {name}: the database has {} MiB", std::fs::metadata(site.join("site.db"))?.len() / 1_048_576);
    }
    let address = free_address()?;
    let _server = engine.serve(&address)?;
    let server = Server { address, token: Some(token) };
    ready(&server).await?;
    let mut connection = Connection::open(&server).await?;
    let mut all = Vec::new();
    for (kind, asks) in ASKED.iter().enumerate() {
        for (what, path) in [((*asks).to_owned(), "/api/v1/search?limit=5&q="), (format!("{asks}, in a list"), "/api/v1/records/finder_firm?fields=name,code&limit=50&q=")] {
            let mut random = StdRng::seed_from_u64(kind as u64 + 100);
            let mut took = Vec::new();
            for number in 0..asked.questions + 20 {
                let q = question(&mut random, kind);
                let call = Call::get(format!("{path}{}", form_urlencoded::byte_serialize(q.as_bytes()).collect::<String>()));
                let sent = Instant::now();
                connection.json(&call).await?;
                // The first are warm-up.
                if number >= 20 {
                    took.push(sent.elapsed());
                }
            }
            if path.contains("/search") {
                all.extend_from_slice(&took);
            }
            println!("{}", row(name, &what, took));
        }
    }
    println!("{}", row(name, "**all, through search**", all));
    Ok(())
}

fn row(name: &str, what: &str, mut took: Vec<Duration>) -> String {
    took.sort_unstable();
    let at = |share: usize| took.get((took.len() * share / 100).min(took.len().saturating_sub(1))).map_or(0.0, |took| took.as_secs_f64() * 1000.0);
    format!("| {name} | {what} | {:.1} | {:.1} | {:.1} | {} |", at(50), at(95), at(100), if at(95) <= TARGET { "yes" } else { "**no**" })
}

/// Rows straight into the card's table: how long saving takes is measured elsewhere.
async fn fill(records: usize, file: &Path, url: Option<&str>) -> Result<(), Fault> {
    const EACH: usize = 2_000;
    let mut random = StdRng::seed_from_u64(1);
    let mut sqlite = match url {
        None => Some(sqlx::SqliteConnection::connect(&format!("sqlite://{}", file.display())).await?),
        Some(_) => None,
    };
    let mut postgres = match url {
        Some(url) => Some(sqlx::PgConnection::connect(url).await?),
        None => None,
    };
    let table = "c_finder_firm";
    for from in (0..records).step_by(EACH) {
        let mut values = Vec::with_capacity(EACH);
        for number in from..(from + EACH).min(records) {
            let [name, code, phone, person] = firm(&mut random, number);
            let id = format!("{:012x}7000800000000000{:04x}", 1_700_000_000_000_u64 + number as u64, number % 65_536);
            let at = 1_700_000_000_000_000_i64 + number as i64;
            values.push(match url {
                None => format!("(x'{id}', 1, {at}, {at}, '{name}', '{code}', '{phone}', '{person}')"),
                Some(_) => format!("('{id}', 1, to_timestamp({at} / 1000000.0), to_timestamp({at} / 1000000.0), '{name}', '{code}', '{phone}', '{person}')"),
            });
        }
        let sql = sqlx::AssertSqlSafe(format!("INSERT INTO {table} (id, version, created_at, updated_at, f_name, f_code, f_phone, f_person) VALUES {}", values.join(", ")));
        if let Some(connection) = &mut sqlite {
            connection.execute(sqlx::raw_sql(sql)).await?;
        } else if let Some(connection) = &mut postgres {
            connection.execute(sqlx::raw_sql(sql)).await?;
        }
    }
    Ok(())
}

async fn size(url: &str) -> Result<String, Fault> {
    let mut connection = sqlx::PgConnection::connect(url).await?;
    let sql = "SELECT format('the table of entries has %s, its index of words %s', pg_size_pretty(pg_table_size('sys_search')), pg_size_pretty(pg_relation_size('sys_search_tokens')))";
    Ok(sqlx::query_scalar(sql).fetch_one(&mut connection).await?)
}
