//! The same question gets the same answer from SQLite, from PostgreSQL, and from the evaluator in memory: random
//! conditions over every type, paths, rows and relations, orders, pages, groups and totals.

use std::collections::HashSet;

use access::Actor;
use model::{Field, FieldKind, Op, path, resolve};
use proptest::{
    prelude::*,
    sample::select,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use serde_json::{Value as Json, json};
use uuid::Uuid;

use crate::{
    site::{Database, Person, Site, encoded},
    world::{World, resolved},
};

const LAB: &str = "tests/packs/lab";

/// What is asked about, as paths of a device.
const PATHS: [&str; 58] = [
    "no", "name", "notes", "email", "phone", "web", "manual", "amount", "weight", "price", "share", "stars", "leased", "bought", "opens", "checked", "lasts", "grade", "tags", "room", "kin", "about", "keeper", "address", "address.city", "place",
    "place.lat", "papers", "extra", "tint", "cost", "room_budget", "parts_total", "loans", "worth", "owner", "version", "room.name", "room.parent", "room.parent.name", "room.budget", "parts.label", "parts.quantity", "parts.price", "parts.amount",
    "parts.due", "parts.kinds", "parts.of", "parts.of.name", "kin.name", "kin.amount", "kin.room.name", "about(room).name", "about(device).amount", "about(device).tags", "keeper.name", "kin.parts.quantity", "site",
];
const ROWS: [&str; 8] = ["label", "quantity", "price", "due", "kinds", "of", "of.grade", "device.bought"];
const LOANS: [&str; 4] = ["since", "fee", "device.grade", "device.parts.label"];

/// An id that is the same on every site.
pub(crate) fn id(number: u32) -> Uuid {
    Uuid::from_u128(0x0193_0000_0000_7000_8000_0000_0000_0000 + u128::from(number))
}

/// Numbers that look random and are the same every time.
pub(crate) struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(sides).expect("few")).expect("few")
    }
    pub fn pick<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.roll(of.len())].clone()
    }
}

const WORDS: [&str; 14] = ["Alpha", "alpha", "Beta", "50% off", "a_b", "O'Brien", "比色皿", "Ä", "ä", "\\", "zz", "Zz", "a", "x\"y"];
const DAYS: [&str; 7] = ["2026-01-15", "2026-02-28", "2024-02-29", "2026-11-24", "1999-12-31", "0001-01-01", "9999-12-31"];
const MOMENTS: [&str; 5] = ["2026-01-15T00:00:00Z", "2026-01-15T23:59:59.999999Z", "2026-02-28T12:00:00Z", "1970-01-01T00:00:00Z", "2026-11-24T08:15:00Z"];
const NUMBERS: [&str; 8] = ["0", "1", "-1", "2.5", "2.50", "-0.01", "99.95", "1000000"];

/// Devices, rooms and loans with something, or nothing, in every field.
pub(crate) async fn fill(kim: &Person) {
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    for number in 0..6_u32 {
        let parent = (number > 1).then(|| id(dice.roll(number as usize) as u32).to_string());
        let budget = [json!(null), json!("0"), json!("100.5")][dice.roll(3)].clone();
        kim.make("room", json!({"id": id(number), "name": format!("{} {number}", dice.pick(&WORDS)), "parent": parent, "budget": budget})).await;
    }
    for number in 0..40_u32 {
        let mut record = serde_json::Map::from_iter([("id".to_owned(), json!(id(100 + number))), ("name".to_owned(), json!(dice.pick(&WORDS)))]);
        let mut put = |dice: &mut Dice, key: &str, value: Json| {
            record.insert(key.to_owned(), if dice.roll(4) == 0 { Json::Null } else { value });
        };
        let rooms: Vec<Uuid> = (0..6).map(id).collect();
        let devices: Vec<Uuid> = (0..number).map(|number| id(100 + number)).collect();
        let word = |dice: &mut Dice| json!(dice.pick(&WORDS));
        let value = word(&mut dice); put(&mut dice, "notes", value);
        let value = json!(format!("{}@example.com", dice.pick(&["a", "b", "Ab"]))); put(&mut dice, "email", value);
        let value = json!(dice.pick(&["+49 30 1", "+1 555"])); put(&mut dice, "phone", value);
        let value = json!(dice.pick(&["https://a.example", "http://b.example/x?y=z"])); put(&mut dice, "web", value);
        let value = json!(dice.pick(&["Alpha beta", "gamma", "A_B 50%"])); put(&mut dice, "manual", value);
        let value = json!(dice.pick(&[0, 1, 2, 10, 20, 1_000_000])); put(&mut dice, "amount", value);
        let value = json!(dice.pick(&["0", "1.5", "-2.25", "1.500", "999999.999"])); put(&mut dice, "weight", value);
        let value = json!(dice.pick(&["0", "2.5", "99.95", "1000000000000.01"])); put(&mut dice, "price", value);
        let value = json!(dice.pick(&["0", "2.5", "-1", "100"])); put(&mut dice, "share", value);
        let value = json!(dice.pick(&[0, 1, 3, 5])); put(&mut dice, "stars", value);
        let value = json!(dice.roll(2) == 0); put(&mut dice, "leased", value);
        let value = json!(dice.pick(&DAYS)); put(&mut dice, "bought", value);
        let value = json!(dice.pick(&["08:00", "17:30", "00:00", "23:59"])); put(&mut dice, "opens", value);
        let value = json!(dice.pick(&MOMENTS)); put(&mut dice, "checked", value);
        let value = json!(dice.pick(&[0, 60, 3600])); put(&mut dice, "lasts", value);
        let value = json!(dice.pick(&["a", "b", "c"])); put(&mut dice, "grade", value);
        let value = json!(dice.pick(&[vec!["new"], vec!["new", "hot"], vec!["loud"]])); put(&mut dice, "tags", value);
        let value = json!(dice.pick(&rooms)); put(&mut dice, "room", value);
        let value = if devices.is_empty() { Json::Null } else { json!([dice.pick(&devices)]) }; put(&mut dice, "kin", value);
        let about = if devices.is_empty() || dice.roll(2) == 0 { json!({"card": "room", "id": dice.pick(&rooms)}) } else { json!({"card": "device", "id": dice.pick(&devices)}) };
        put(&mut dice, "about", about);
        let value = json!({"city": dice.pick(&["Berlin", "Lyon", "上海"]), "country": dice.pick(&["DE", "FR"])}); put(&mut dice, "address", value);
        let value = json!({"lat": dice.pick(&[52.5, -1.25, 0.0]), "lon": 13.4}); put(&mut dice, "place", value);
        let value = json!({"note": dice.pick(&WORDS), "list": [1, "Alpha"]}); put(&mut dice, "extra", value);
        let value = json!(dice.pick(&["red", "#1a2b3c"])); put(&mut dice, "tint", value);
        let value = json!(dice.pick(&NUMBERS)); put(&mut dice, "cost", value);
        let keeper = if dice.roll(2) == 0 { Json::Null } else { json!(kim.id) };
        record.insert("keeper".into(), keeper);
        let bought = record["bought"].as_str().unwrap_or("0001-01-01").to_owned();
        let rows: Vec<Json> = (0..dice.roll(4)).map(|row| {
            let of = if devices.is_empty() || dice.roll(2) == 0 { Json::Null } else { json!(dice.pick(&devices)) };
            let due = [json!(null), json!("9999-12-31"), json!(bought)][dice.roll(3)].clone();
            json!({"label": format!("{} {row}", dice.pick(&["Nut", "Bolt", "a"])), "quantity": dice.pick(&["0", "1", "2.5", "3"]), "price": dice.pick(&["0", "1", "2.5", "10"]), "of": of, "due": due, "kinds": dice.pick(&[vec![], vec!["x"], vec!["x", "y"]])})
        }).collect();
        record.insert("parts".into(), json!(rows));
        kim.make("device", Json::Object(record)).await;
    }
    for number in 0..15_u32 {
        let fee = if dice.roll(3) == 0 { Json::Null } else { json!(dice.pick(&NUMBERS)) };
        let body = json!({"id": id(200 + number), "device": id(100 + dice.roll(40) as u32), "since": format!("2026-03-{:02}", number + 1), "fee": fee});
        kim.make("loan", body).await;
    }
}

/// Values to compare with, for each kind of field.
fn values(kind: &FieldKind, op: Op) -> Vec<Json> {
    let texts = || WORDS.iter().chain(&["Berlin", "lyon", "%", "_", "example", "Nut 0", "上", "b"]).map(|word| json!(word)).collect::<Vec<_>>();
    let ids = |from: u32, to: u32| (from..to).map(|number| json!(id(number))).chain([json!(Uuid::nil())]).collect::<Vec<_>>();
    match kind {
        _ if matches!(op, Op::In | Op::AnniversaryIn) => ["today", "this_year", "last_year", "last_3_years", "next_2_months", "last_500_weeks", "this_quarter"].map(Json::from).to_vec(),
        _ if matches!(op, Op::Contains | Op::NotContains | Op::StartsWith | Op::EndsWith) && !matches!(kind, FieldKind::Choice { .. }) => texts(),
        FieldKind::Text(_) | FieldKind::Formula { .. } => texts(),
        FieldKind::Colour => vec![json!("red"), json!("#1a2b3c"), json!("blue")],
        FieldKind::Integer { .. } | FieldKind::Rating { .. } | FieldKind::Duration => [0, 1, 2, 3, 5, 10, 60, 1_000_000, -1].map(Json::from).to_vec(),
        FieldKind::Decimal(_) => NUMBERS.iter().chain(&["2.505", "1000000000000.01", "52.5", "-0.001", "7.5"]).map(|number| json!(number)).collect(),
        FieldKind::Boolean => vec![json!(true), json!(false)],
        FieldKind::Date => DAYS.iter().map(|day| json!(day)).chain([json!("@today")]).collect(),
        FieldKind::Datetime => MOMENTS.iter().chain(&DAYS).map(|at| json!(at)).chain([json!("@now"), json!("@today")]).collect(),
        FieldKind::Time => ["08:00", "17:30", "12:00", "00:00"].map(Json::from).to_vec(),
        FieldKind::Choice { options, .. } => options.iter().map(|option| json!(option.value)).collect(),
        FieldKind::Link(link) if link.target == "user" => vec![json!("@me"), json!(Uuid::nil())],
        FieldKind::Link(link) if link.target == "room" => ids(0, 6),
        FieldKind::Link(_) => ids(100, 140),
        FieldKind::AnyLink { .. } => (0..6).map(|number| json!({"card": "room", "id": id(number)})).chain((100..110).map(|number| json!({"card": "device", "id": id(number)}))).collect(),
        FieldKind::Address | FieldKind::RichText | FieldKind::Json { .. } | FieldKind::Geo | FieldKind::File(_) => texts(),
    }
}

/// A test of one field: any operator that fits it, with values that may be there.
fn test(catalog: &model::Catalog, start: &model::TableRef, name: &'static str) -> BoxedStrategy<Json> {
    let path = path::resolve(catalog, start, name).unwrap_or_else(|error| panic!("{name}: {error}"));
    let field: &Field = path.field(catalog).expect("a field");
    let kind = resolve::kind_of(&path, field);
    let is_tree = resolve::tree_of(catalog, &path, field).is_some();
    let ops: Vec<Op> = resolve::operators(&kind).iter().copied().filter(|op| *op != Op::InFolder && (*op != Op::Under || is_tree)).collect();
    select(ops).prop_flat_map(move |op| {
        let pool = values(&kind, op);
        let one = select(pool.clone());
        let value: BoxedStrategy<Json> = match op {
            Op::Empty | Op::NotEmpty => Just(Json::Null).boxed(),
            Op::AnyOf | Op::NoneOf | Op::Under => proptest::collection::vec(one, 0..3).prop_map(Json::from).boxed(),
            Op::Between => (one.clone(), one).prop_map(|(from, to)| json!([from, to])).boxed(),
            _ => one.boxed(),
        };
        value.prop_map(move |value| json!({"field": name, "op": op.name(), "value": value}))
    }).boxed()
}

/// Rows compared with their record, and with themselves.
fn compared() -> BoxedStrategy<Json> {
    let ops = select(vec!["is", "is_not", "gt", "gte", "lt", "lte"]);
    let pairs = select(vec![("due", "@record.bought"), ("price", "@record.price"), ("quantity", "@record.weight"), ("label", "@record.name"), ("quantity", "@row.price"), ("price", "@row.amount"), ("of", "@record.id"), ("price", "@record.room.budget"), ("of.grade", "@record.grade")]);
    (ops, pairs).prop_map(|(op, (field, value))| {
        let op = if field.starts_with("of") && op != "is_not" { "is" } else { op };
        json!({"field": field, "op": op, "value": value})
    }).boxed()
}

fn tree(leaf: BoxedStrategy<Json>) -> BoxedStrategy<Json> {
    leaf.prop_recursive(3, 10, 3, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..3).prop_map(|parts| json!({"all": parts})),
            proptest::collection::vec(inner.clone(), 0..3).prop_map(|parts| json!({"any": parts})),
            inner.prop_map(|part| json!({"not": part})),
        ]
    }).boxed()
}

fn related(from: &'static str, inner: BoxedStrategy<Json>) -> BoxedStrategy<Json> {
    (any::<bool>(), tree(inner)).prop_map(move |(has, inner)| if has { json!({"related": from, "has": inner}) } else { json!({"related": from, "has_not": inner}) }).boxed()
}

pub(crate) fn filters(catalog: &model::Catalog, paths: &[&'static str], with_related: bool) -> BoxedStrategy<Json> {
    let card = |key: &str| catalog.card(key).expect("a card");
    let device = card("device").table.reference();
    let tests = |start: &model::TableRef, names: &[&'static str]| proptest::strategy::Union::new(names.iter().map(|name| test(catalog, start, name))).boxed();
    let own = tests(&device, paths);
    if !with_related {
        return tree(own);
    }
    let rows = prop_oneof![3 => tests(&card("device").children["parts"].reference(), &ROWS), 2 => compared()].boxed();
    let loans = tests(&card("loan").table.reference(), &LOANS);
    let kin = tests(&device, &["name", "grade", "amount"]);
    tree(prop_oneof![6 => own, 2 => related("parts", rows), 1 => related("loan.device", loans), 1 => related("device.kin", kin)].boxed())
}

pub(crate) fn runner(cases: u32) -> TestRunner {
    let seed = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    TestRunner::new_with_rng(Config { cases, max_shrink_iters: 300, failure_persistence: None, ..Config::default() }, seed)
}

pub(crate) fn on_runtime<F: Future<Output = ()>>(case: F) {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime").block_on(case);
}

pub(crate) fn wait<T>(answer: impl Future<Output = T>) -> T {
    tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(answer))
}

/// A list's ids in order; the status where it is refused.
async fn ids(person: &Person, body: &Json) -> Result<Vec<String>, u16> {
    let answer = person.post("/records/device/query", body.clone()).await;
    if !answer.status.is_success() {
        return Err(answer.status.as_u16());
    }
    Ok(answer.body["data"].as_array().expect("rows").iter().map(|row| row["id"].as_str().expect("an id").to_owned()).collect())
}

#[test]
fn conditions_mean_the_same_everywhere() {
    on_runtime(async {
        let (lite, grand) = (Site::with(Database::Sqlite, LAB).await, Site::with(Database::Postgres, LAB).await);
        let (kim, lee) = (lite.person("kim", &["keeper"]).await, grand.person("kim", &["keeper"]).await);
        fill(&kim).await;
        fill(&lee).await;
        let catalog = lite.app.snapshot().catalog.clone();
        let user: Uuid = kim.id.parse().expect("an id");
        let world = World::read(catalog.clone(), &kim, &["device", "room", "loan"]).await.with_users(&[("kim", user)]);
        let actor = Actor::user(user, "kim", Vec::new(), chrono::Utc::now());
        let (asked, telling) = (std::cell::Cell::new(0), std::cell::Cell::new(0));
        let result = runner(450).run(&filters(&catalog, &PATHS, true), |filter| {
            let condition = resolved(&catalog, "device", &filter).map_err(TestCaseError::reject)?;
            let expected: HashSet<String> = world.answer("device", &condition, &actor, &|_, _, _| true).into_iter().map(|id| id.to_string()).collect();
            asked.set(asked.get() + 1);
            telling.set(telling.get() + usize::from(!expected.is_empty() && expected.len() < 40));
            let body = json!({"filter": filter, "fields": ["id"], "limit": 500, "count": "exact"});
            for (name, person) in [("SQLite", &kim), ("PostgreSQL", &lee)] {
                let found = wait(ids(person, &body)).map_err(|status| TestCaseError::fail(format!("{name} answers {status}")))?;
                let found: HashSet<String> = found.into_iter().collect();
                prop_assert_eq!(&found, &expected, "{} and memory", name);
            }
            Ok(())
        });
        result.unwrap_or_else(|error| panic!("{error}"));
        // Questions that everything, or nothing, is an answer to tell little.
        assert!(telling.get() * 3 > asked.get(), "only {} of {} questions tell records apart", telling.get(), asked.get());
    });
}

#[test]
fn orders_pages_groups_and_totals_are_the_same_on_both() {
    const SORTS: [&str; 22] = ["no", "name", "-name", "amount", "-weight", "price", "-share", "stars", "leased", "-bought", "opens", "-checked", "lasts", "grade", "room", "-room.name", "keeper", "address.city", "worth", "-parts_total", "loans", "tint"];
    const GROUPS: [(&str, Option<&str>); 14] =
        [("grade", None), ("room", None), ("leased", None), ("bought", Some("month")), ("bought", Some("quarter")), ("checked", Some("year")), ("checked", Some("week")), ("stars", None), ("room.name", None), ("name", None), ("amount", None), ("address.city", None), ("bought", None), ("price", None)];
    const TOTALS: [(&str, &str); 12] =
        [("price", "sum"), ("price", "avg"), ("price", "min"), ("weight", "max"), ("amount", "sum"), ("amount", "avg"), ("name", "min"), ("bought", "max"), ("grade", "count"), ("grade", "count_distinct"), ("room.budget", "sum"), ("lasts", "avg")];
    on_runtime(async {
        let (lite, grand) = (Site::with(Database::Sqlite, LAB).await, Site::with(Database::Postgres, LAB).await);
        let (kim, lee) = (lite.person("kim", &["keeper"]).await, grand.person("kim", &["keeper"]).await);
        fill(&kim).await;
        fill(&lee).await;
        let catalog = lite.app.snapshot().catalog.clone();
        let some = filters(&catalog, &["name", "amount", "grade", "bought", "room", "parts.quantity"], false);
        let asked = (
            proptest::option::of(some),
            proptest::collection::vec(select(SORTS.to_vec()), 0..4),
            proptest::collection::vec(select(GROUPS.to_vec()), 0..3),
            proptest::collection::vec(select(TOTALS.to_vec()), 0..5),
            1_usize..12,
        );
        let result = runner(120).run(&asked, |(filter, mut sort, mut groups, totals, limit)| {
            sort.dedup_by_key(|name| name.trim_start_matches('-').to_owned());
            groups.dedup_by_key(|(field, _)| *field);
            let sort = if sort.is_empty() { "no".to_owned() } else { sort.join(",") };
            let filter = filter.unwrap_or(json!({"all": []}));
            let whole = json!({
                "filter": filter, "sort": sort, "limit": 500, "count": "exact", "fields": ["no", "name", "weight", "price", "bought", "checked", "room", "tags", "kin", "address", "room.budget", "parts"],
                "group_by": groups.iter().map(|(field, by)| json!({"field": field, "by": by})).collect::<Vec<_>>(),
                "totals": totals.iter().map(|(field, function)| json!({"field": field, "function": function})).collect::<Vec<_>>(),
            });
            let (left, right) = (wait(kim.post("/records/device/query", whole.clone())), wait(lee.post("/records/device/query", whole)));
            prop_assert_eq!(left.status, right.status, "{} {}", &left.text, &right.text);
            if !left.status.is_success() {
                return Ok(());
            }
            let plain = |body: &Json| without_row_ids(body.clone());
            prop_assert_eq!(plain(&left.body), plain(&right.body));
            // Page by page it is the same list.
            let all: Vec<Json> = left.body["data"].as_array().expect("rows").iter().map(|row| row["id"].clone()).collect();
            for person in [&kim, &lee] {
                let (mut walked, mut cursor) = (Vec::new(), String::new());
                loop {
                    let page = wait(person.get(&format!("/records/device?sort={}&limit={limit}&fields=id&filter={}{cursor}", encoded(&sort), encoded(&filter.to_string()))));
                    prop_assert!(page.status.is_success(), "{}", page.text);
                    walked.extend(page.body["data"].as_array().expect("rows").iter().map(|row| row["id"].clone()));
                    match page.body["next"].as_str() {
                        Some(next) => cursor = format!("&cursor={}", encoded(next)),
                        None => break,
                    }
                }
                prop_assert_eq!(&walked, &all);
            }
            Ok(())
        });
        result.unwrap_or_else(|error| panic!("{error}"));
    });
}

/// Rows got ids of their own on each site.
fn without_row_ids(mut body: Json) -> Json {
    for record in body["data"].as_array_mut().into_iter().flatten() {
        for row in record["parts"].as_array_mut().into_iter().flatten() {
            row.as_object_mut().map(|row| row.remove("id"));
        }
    }
    body["next"] = Json::Null;
    body
}
