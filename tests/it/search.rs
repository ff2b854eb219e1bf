//! Search: what is found by what, by whom, and that the index says nothing but what the database does.

use app::{jobs, packs, search};
use serde_json::{Value, json};
use sql::{Datum, Physical, Statement};
use store::{StoreError, Tx};

use crate::{both, site::{Database, Files, Person, Site, encoded}};

both!(
    names_are_found_as_people_write_them, signs_are_only_signs, the_best_come_first, rights_hide_what_they_hide, words_of_linked_records_follow_them, very_many_are_followed_by_a_job,
    the_trash_is_left_out, entries_made_again_are_the_same, other_fields_are_searched_after_a_publish, people_are_found, lists_keep_their_filter_and_order, every_way_to_walk_a_list_finds_the_same,
    words_share_the_fate_of_their_unit,
);

/// Firms, deals with one, and lines that name others.
fn pack(firm_search: &Value) -> Files {
    let text = |name: &str| json!({"type": "text", "labels": {"en": name}, "max_length": 2000});
    let all = json!({"role": "boss", "actions": ["*"], "scope": "all"});
    let firm = json!({
        "key": "firm", "labels": {"en": "Firm"}, "plurals": {"en": "Firms"}, "title": "{name}", "search": firm_search,
        "fields": {"name": text("Name"), "code": text("Code"), "city": text("City"), "phone": {"type": "phone", "labels": {"en": "Phone"}}, "pin": {"type": "text", "labels": {"en": "PIN"}, "class": "secret"},
            "kind": {"type": "choice", "labels": {"en": "Kind"}, "options": [{"value": "shop", "labels": {"en": "Corner store", "zh-Hans": "便利店"}}]}},
        "permissions": [all, {"role": "clerk", "actions": ["read", "create", "update"], "scope": "own"}, {"role": "clerk", "actions": ["read"], "scope": "all", "fields": {"code": "none"}},
            {"role": "guest", "actions": ["read"], "scope": "own"}]
    });
    let deal = json!({
        "key": "deal", "labels": {"en": "Deal"}, "plurals": {"en": "Deals"}, "title": "{no}", "search": ["no", "firm.name", "lines.maker.name", "lines.what"],
        "fields": {"no": text("Number"), "firm": {"type": "link", "labels": {"en": "Firm"}, "target": "firm", "on_delete": "set_null"}, "sum": {"type": "decimal", "labels": {"en": "Sum"}, "scale": 2}},
        "child_tables": {"lines": {"labels": {"en": "Lines"}, "fields": {"what": text("What"), "maker": {"type": "link", "labels": {"en": "Maker"}, "target": "firm", "on_delete": "set_null"}}}},
        "permissions": [all, {"role": "clerk", "actions": ["read"], "scope": "all"}, {"role": "guest", "actions": ["read"], "scope": "all"}]
    });
    let role = |key: &str| json!({"key": key, "labels": {"en": key}});
    let files = [
        ("pack.json", json!({"id": "find", "version": "1.0.0", "labels": {"en": "Find"}, "engine": ">=0.1", "menu": [{"id": "find", "labels": {"en": "Find"}, "items": ["firm", "deal"]}]})),
        ("cards/firm.json", firm), ("cards/deal.json", deal), ("roles/boss.json", role("boss")), ("roles/clerk.json", role("clerk")), ("roles/guest.json", role("guest")),
    ];
    files.into_iter().map(|(path, json)| (path.to_owned(), json.to_string().into_bytes())).collect()
}

async fn site(database: Database) -> (Site, Person) {
    let site = Site::of(database, vec![pack(&json!(["name", "code", "phone", "kind"]))]).await;
    let boss = site.person("boss", &["boss"]).await;
    (site, boss)
}

/// The titles that search finds of one card, best first.
async fn found(person: &Person, card: &str, q: &str) -> Vec<String> {
    let answer = person.get(&format!("/search?card={card}&q={}&limit=50", encoded(q))).await.ok(200);
    let hits = answer["data"][0]["hits"].as_array().expect("hits").iter().map(|hit| hit["title"].as_str().expect("a title").to_owned());
    let hits: Vec<String> = hits.collect();
    // A list with the same words finds the same records.
    let listed = person.get(&format!("/records/{card}?q={}&limit=500&count=exact", encoded(q))).await.ok(200);
    assert_eq!(listed["data"].as_array().map(Vec::len), Some(hits.len()), "{q}: {listed}");
    assert_eq!(listed["count"]["value"], hits.len(), "{q}");
    hits
}

async fn finds(person: &Person, card: &str, q: &str, expected: &[&str]) {
    let mut titles = found(person, card, q).await;
    titles.sort();
    let mut expected: Vec<String> = expected.iter().map(ToString::to_string).collect();
    expected.sort();
    assert_eq!(titles, expected, "`{q}`");
}

async fn names_are_found_as_people_write_them(database: Database) {
    let (_site, boss) = site(database).await;
    let firms = ["张三", "張三豐武館", "北京华联科技有限公司", "张3号仓库", "Łódź Müller GmbH", "🚀 Rocket שלום", "重庆银行", "O'Brien & Sons"];
    for name in firms {
        boss.make("firm", json!({"name": name})).await;
    }
    boss.make("firm", json!({"name": "Numbers", "code": "SO-202611-0042", "phone": "+86 138-1234-5678", "kind": "shop"})).await;
    let cases: [(&str, &[&str]); 30] = [
        ("张三", &["张三", "張三豐武館"]), ("張三", &["张三", "張三豐武館"]), ("三丰", &["張三豐武館"]), ("丰三", &[]), ("张", &["张三", "張三豐武館", "张3号仓库"]), ("张3", &["张3号仓库"]), ("3号仓", &["张3号仓库"]),
        ("华联", &["北京华联科技有限公司"]), ("華聯 北京", &["北京华联科技有限公司"]), ("北联", &[]), ("bjhl", &["北京华联科技有限公司"]), ("hlk", &["北京华联科技有限公司"]), ("beijing", &["北京华联科技有限公司"]),
        ("beijinghualiankeji", &["北京华联科技有限公司"]), ("beij", &["北京华联科技有限公司"]), ("zhangs", &["张三", "張三豐武館"]), ("zs", &["张三", "張三豐武館"]), ("chongqing", &["重庆银行"]), ("yinhang", &["重庆银行"]),
        ("lodz", &["Łódź Müller GmbH"]), ("MÜLL", &["Łódź Müller GmbH"]), ("ller", &[]), ("🚀", &["🚀 Rocket שלום"]), ("שלום", &["🚀 Rocket שלום"]), ("obrien", &["O'Brien & Sons"]),
        ("0042", &["Numbers"]), ("so-2026", &["Numbers"]), ("so2026110042", &["Numbers"]), ("5678", &["Numbers"]), ("13812345678", &["Numbers"]),
    ];
    for (q, expected) in cases {
        finds(&boss, "firm", q, expected).await;
    }
    // A choice is found by what it is called, in every language.
    for q in ["shop", "corner", "便利", "bld"] {
        finds(&boss, "firm", q, &["Numbers"]).await;
    }
    let long = "x".repeat(1_500);
    boss.make("firm", json!({"name": long})).await;
    assert_eq!(found(&boss, "firm", &long[..1_000]).await.len(), 1);
}

async fn signs_are_only_signs(database: Database) {
    let (_site, boss) = site(database).await;
    boss.make("firm", json!({"name": "Near OR not AND (this)"})).await;
    for q in ["\"", "*", "near:", "a OR b", "NEAR(a b)", "(", ")", "(()", "a*", "-a", "+a ^b", "words:near", "{words}:near", "'", "\\", "a & b | !c", "<->", "a <-> b", ":*", "'a':*", "%", "_", "$1", "?1", ";--", "\u{0}", "\u{202e}\u{200d}", "🚀", "a\u{0}b", "…"] {
        let listed = boss.get(&format!("/records/firm?q={}", encoded(q))).await;
        assert_eq!(listed.status, 200, "{q:?}: {}", listed.text);
        let searched = boss.get(&format!("/search?q={}", encoded(q))).await;
        assert!(searched.status == 200 || q.trim().is_empty(), "{q:?}: {}", searched.text);
    }
    for q in ["near", "\"near\"", "near*", "(near", "or", "and this", "NOT", "near:or", "+near -or"] {
        finds(&boss, "firm", q, &["Near OR not AND (this)"]).await;
    }
    for q in ["*", "\"", "()", "near OR nothing", "-- %"] {
        finds(&boss, "firm", q, &[]).await;
    }
    boss.get("/search").await.refused(400, "bad_parameter");
    boss.get("/search?q=a&card=nothing").await.refused(404, "not_found");
    boss.get("/search?q=a&limit=0").await.refused(400, "bad_limit");
    boss.get("/search?q=a&cards=firm").await.refused(400, "unknown_parameter");
}

async fn the_best_come_first(database: Database) {
    let (_site, boss) = site(database).await;
    for name in ["Big Red", "Red", "Redwood", "Hundred Reds", "Blue"] {
        boss.make("firm", json!({"name": name, "code": if name == "Blue" { "red" } else { "" }})).await;
    }
    assert_eq!(found(&boss, "firm", "red").await, ["Red", "Redwood", "Hundred Reds", "Big Red", "Blue"]);
    let answer = boss.get("/search?q=red").await.ok(200);
    let hits = &answer["data"][0]["hits"];
    assert_eq!((&hits[3]["title"], &hits[3]["marks"]), (&json!("Big Red"), &json!([[4, 7]])));
    assert_eq!(hits[4]["detail"], json!({"label": "Code", "text": "red", "marks": [[0, 3]]}));
    // Of very many, those whose title fits are there however old they are.
    let many: Vec<Value> = (0..250).map(|number| json!({"op": "create", "record": {"name": format!("Newer Red {number}")}})).collect();
    boss.post("/records/firm/batch", json!({"items": many})).await.ok(200);
    let answer = boss.get("/search?q=red&card=firm&limit=4").await.ok(200);
    assert_eq!(answer["data"][0]["count"], json!({"value": 200, "exact": false}));
    let first: Vec<&Value> = answer["data"][0]["hits"].as_array().expect("hits").iter().map(|hit| &hit["title"]).collect();
    assert_eq!(first, [&json!("Red"), &json!("Redwood"), &json!("Newer Red 249"), &json!("Newer Red 248")]);
}

async fn rights_hide_what_they_hide(database: Database) {
    let (site, boss) = site(database).await;
    let (clerk, guest) = (site.person("clerk", &["clerk"]).await, site.person("guest", &["guest"]).await);
    let theirs = boss.make("firm", json!({"name": "Boss firm", "code": "hush", "pin": "s3cr3t"})).await;
    let own = clerk.make("firm", json!({"name": "Clerk firm", "code": "hush"})).await;
    boss.make("deal", json!({"no": "D1", "firm": theirs, "lines": [{"what": "bolt", "maker": theirs}]})).await;
    boss.make("deal", json!({"no": "D2", "firm": own, "lines": [{"what": "nut", "maker": own}]})).await;
    finds(&boss, "firm", "hush", &["Boss firm", "Clerk firm"]).await;
    // The code may be read in the clerk's own firms only.
    finds(&clerk, "firm", "hush", &["Clerk firm"]).await;
    finds(&clerk, "firm", "hush boss", &[]).await;
    finds(&clerk, "firm", "hush clerk", &["Clerk firm"]).await;
    finds(&clerk, "firm", "firm", &["Boss firm", "Clerk firm"]).await;
    // Records that may not be seen are not found, nor what points to them by their words.
    finds(&guest, "firm", "firm", &[]).await;
    finds(&guest, "deal", "boss", &[]).await;
    finds(&guest, "deal", "bolt", &["D1"]).await;
    finds(&clerk, "deal", "boss", &["D1"]).await;
    let own_of_guest = guest.get("/search?q=firm").await.ok(200);
    assert_eq!(own_of_guest["data"], json!([]));
    for person in [&boss, &clerk, &guest] {
        finds(person, "firm", "s3cr3t", &[]).await;
    }
    let nobody = site.person("nobody", &[]).await;
    assert_eq!(nobody.get("/search?q=firm").await.ok(200)["data"], json!([]));
    nobody.get("/search?q=firm&card=firm").await.refused(404, "not_found");
    site.nobody().get("/search?q=firm").await.refused(401, "unauthenticated");
}

async fn words_of_linked_records_follow_them(database: Database) {
    let (site, boss) = site(database).await;
    let (firm, maker) = (boss.make("firm", json!({"name": "Old name"})).await, boss.make("firm", json!({"name": "Maker"})).await);
    let deal = boss.make("deal", json!({"no": "D1", "firm": firm, "lines": [{"what": "bolt", "maker": maker}, {"what": "nut", "maker": firm}]})).await;
    finds(&boss, "deal", "old", &["D1"]).await;
    boss.patch(&format!("/records/firm/{firm}"), json!({"name": "新名字"})).await.ok(200);
    finds(&boss, "deal", "old", &[]).await;
    finds(&boss, "deal", "新名", &["D1"]).await;
    finds(&boss, "deal", "xmz maker bolt", &["D1"]).await;
    boss.patch(&format!("/records/firm/{maker}"), json!({"name": "Builder"})).await.ok(200);
    finds(&boss, "deal", "builder", &["D1"]).await;
    // What goes into the trash reads as empty where it was linked.
    boss.delete(&format!("/records/firm/{maker}")).await;
    finds(&boss, "deal", "builder", &[]).await;
    boss.post(&format!("/records/firm/{maker}/restore"), json!({})).await;
    finds(&boss, "deal", "builder", &["D1"]).await;
    let lines = boss.read("deal", &deal).await["lines"].clone();
    boss.patch(&format!("/records/deal/{deal}"), json!({"lines": [{"id": lines[0]["id"], "what": "screw"}]})).await.ok(200);
    finds(&boss, "deal", "bolt", &[]).await;
    finds(&boss, "deal", "screw", &["D1"]).await;
    same_again(&site).await;
}

async fn very_many_are_followed_by_a_job(database: Database) {
    let (site, boss) = site(database).await;
    let firm = boss.make("firm", json!({"name": "Before"})).await;
    let many: Vec<Value> = (0..150).map(|number| json!({"op": "create", "record": {"no": format!("D{number}"), "firm": firm}})).collect();
    boss.post("/records/deal/batch", json!({"items": many})).await.ok(200);
    boss.patch(&format!("/records/firm/{firm}"), json!({"name": "After"})).await.ok(200);
    let before = boss.get("/records/deal?q=before&count=exact").await.ok(200);
    assert_eq!(before["count"]["value"], 150);
    jobs::run_due(&site.app, &jobs::builtin(), jobs::Pace::default()).await.expect("jobs");
    let listed = boss.get("/records/deal?q=after&count=exact").await.ok(200);
    assert_eq!(listed["count"]["value"], 150);
    finds(&boss, "deal", "before", &[]).await;
    same_again(&site).await;
}

async fn the_trash_is_left_out(database: Database) {
    let (_site, boss) = site(database).await;
    let id = boss.make("firm", json!({"name": "Gone soon"})).await;
    boss.delete(&format!("/records/firm/{id}")).await;
    finds(&boss, "firm", "gone", &[]).await;
    let trash = boss.get("/records/firm?trash=only&q=gone").await.ok(200);
    assert_eq!(trash["data"].as_array().map(Vec::len), Some(1));
    boss.post(&format!("/records/firm/{id}/restore"), json!({})).await;
    finds(&boss, "firm", "gone", &["Gone soon"]).await;
}

/// Everything the index holds, as text.
async fn dump(site: &Site) -> Vec<Vec<Datum>> {
    let ask = |sql: &str, columns: Vec<Physical>| Statement { sql: sql.to_owned(), binds: Vec::new(), columns };
    match site.app.store.dialect() {
        sql::Dialect::Sqlite => {
            site.app.store.apply(vec!["CREATE VIRTUAL TABLE IF NOT EXISTS test_words USING fts5vocab(sys_search_index, instance)".into()]).await.expect("a table");
            let sql = "SELECT s.card, s.record, v.term, v.col, v.offset FROM test_words v JOIN sys_search s ON s.n = v.doc ORDER BY s.record, v.term, v.col, v.offset";
            site.app.store.fetch(&ask(sql, vec![Physical::Text, Physical::Uuid, Physical::Text, Physical::Text, Physical::Integer])).await
        }
        sql::Dialect::Postgres => site.app.store.fetch(&ask("SELECT card, record, tokens::text FROM sys_search ORDER BY record", vec![Physical::Text, Physical::Uuid, Physical::Text])).await,
    }
    .expect("entries")
}

/// Entries made again from nothing are those that were kept change by change.
async fn same_again(site: &Site) {
    let kept = dump(site).await;
    assert!(!kept.is_empty());
    let empty = match site.app.store.dialect() {
        sql::Dialect::Sqlite => vec!["DELETE FROM sys_search_index".to_owned()],
        sql::Dialect::Postgres => vec!["UPDATE sys_search SET tokens = ''".to_owned()],
    };
    site.app.store.apply(empty).await.expect("emptied");
    assert_ne!(dump(site).await, kept);
    search::rebuild(&site.app, None, &mut |_, _, _| ()).await.expect("made again");
    assert_eq!(dump(site).await, kept);
}

async fn entries_made_again_are_the_same(database: Database) {
    let (site, boss) = site(database).await;
    let mut firms = Vec::new();
    // A walk through everything that can happen, the same every time.
    let mut dice = 7_u32;
    let mut roll = |sides: usize| {
        dice = dice.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (dice >> 16) as usize % sides
    };
    let names = ["Alpha 甲", "北京华联", "Straße 12", "張三豐", "SO-2026-0007", "🚀", "", "a b c d", "重庆 长城"];
    for step in 0..60 {
        let name = format!("{} {step}", names[roll(names.len())]);
        match roll(6) {
            0 | 1 => firms.push(boss.make("firm", json!({"name": name, "code": names[roll(names.len())]})).await),
            2 if !firms.is_empty() => drop(boss.patch(&format!("/records/firm/{}", firms[roll(firms.len())]), json!({"name": name})).await),
            3 if !firms.is_empty() => {
                let (firm, maker) = (&firms[roll(firms.len())], &firms[roll(firms.len())]);
                boss.post("/records/deal", json!({"no": name, "firm": firm, "lines": [{"what": names[roll(names.len())], "maker": maker}, {"what": "x", "maker": firm}]})).await;
            }
            4 if !firms.is_empty() => drop(boss.delete(&format!("/records/firm/{}", firms[roll(firms.len())])).await),
            5 if !firms.is_empty() => drop(boss.post(&format!("/records/firm/{}/restore", firms[roll(firms.len())]), json!({})).await),
            _ => {}
        }
    }
    same_again(&site).await;
}

async fn other_fields_are_searched_after_a_publish(database: Database) {
    let (site, boss) = site(database).await;
    boss.make("firm", json!({"name": "Somewhere", "city": "Lisbon", "code": "zzz"})).await;
    finds(&boss, "firm", "lisbon", &[]).await;
    packs::install(&site.app, vec![pack(&json!(["name", "city"]))]).await.expect("installed");
    finds(&boss, "firm", "lisbon", &["Somewhere"]).await;
    finds(&boss, "firm", "zzz", &[]).await;
    assert_eq!(boss.get("/search?q=lisbon").await.ok(200)["rebuilding"], json!([]));
    // Entries of an older tokenizer: said, then made again by a job.
    site.app.store.write(|tx: &mut Tx| Box::pin(async move { tx.execute(&sql::search::put_state(tx.dialect(), "firm", "0.old", None, 0)).await })).await.expect("old");
    assert_eq!(boss.get("/search?q=lisbon").await.ok(200)["rebuilding"], json!(["firm"]));
    jobs::enqueue(&site.app, jobs::NewJob::new(search::KIND, Value::Null)).await.expect("a job");
    jobs::run_due(&site.app, &jobs::builtin(), jobs::Pace::default()).await.expect("jobs");
    assert_eq!(boss.get("/search?q=lisbon").await.ok(200)["rebuilding"], json!([]));
    same_again(&site).await;
}

async fn people_are_found(database: Database) {
    let (site, boss) = site(database).await;
    site.person("王小明", &["clerk"]).await;
    finds(&boss, "user", "wxm", &["王小明"]).await;
    finds(&boss, "user", "小明", &["王小明"]).await;
}

async fn lists_keep_their_filter_and_order(database: Database) {
    let (_site, boss) = site(database).await;
    for number in 1..=9 {
        boss.make("deal", json!({"no": format!("Deal {number}"), "sum": (number % 3).to_string()})).await;
    }
    let filter = encoded(&json!({"field": "sum", "op": "gte", "value": "1"}).to_string());
    let mut seen = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = boss.get(&format!("/records/deal?q=deal&filter={filter}&sort=-sum,no&limit=2{cursor}")).await.ok(200);
        seen.extend(page["data"].as_array().expect("rows").iter().map(|row| row["no"].as_str().expect("a number").to_owned()));
        let Some(next) = page["next"].as_str() else { break };
        cursor = format!("&cursor={}", encoded(next));
    }
    assert_eq!(seen, ["Deal 2", "Deal 5", "Deal 8", "Deal 1", "Deal 4", "Deal 7"]);
}

async fn every_way_to_walk_a_list_finds_the_same(database: Database) {
    let (site, boss) = site(database).await;
    let clerk = site.person("clerk", &["clerk"]).await;
    for (number, person) in [&boss, &clerk, &boss, &clerk, &boss].into_iter().enumerate() {
        person.make("firm", json!({"name": format!("Firm {number}"), "code": "common"})).await;
    }
    let snapshot = site.app.snapshot();
    for (person, expected) in [(&boss, 5), (&clerk, 2)] {
        let actor = app::accounts::actor_of(&site.app, &snapshot, person.id.parse().expect("an id"), chrono::Utc::now()).await.expect("an actor");
        let request = query::ListRequest { q: Some("comm".into()), ..query::ListRequest::default() };
        let gated = app::lists::ask(&snapshot, &actor, "firm", &request).expect("a question");
        for walk in [access::Walk::Index, access::Walk::Collected, access::Walk::OneByOne] {
            let lowered = sql::page::list(&snapshot.catalog, site.app.store.dialect(), &gated.clone().walked(walk));
            assert_eq!(site.app.store.fetch(&lowered.statement).await.expect("rows").len(), expected, "{walk:?}");
        }
    }
}

/// How many entries a statement finds that hold a word, from within a unit.
async fn holding(tx: &mut Tx, word: &str) -> i64 {
    let sql = match tx.dialect() {
        sql::Dialect::Sqlite => format!("SELECT count(*) FROM sys_search_index WHERE sys_search_index MATCH '{word}'"),
        sql::Dialect::Postgres => format!("SELECT count(*) FROM sys_search WHERE tokens @@ '{word}'::tsquery"),
    };
    match tx.fetch(&Statement { sql, binds: Vec::new(), columns: vec![Physical::Integer] }).await.expect("a count").first().map(Vec::as_slice) {
        Some([Datum::Integer(count)]) => *count,
        other => panic!("no number: {other:?}"),
    }
}

async fn write_word(tx: &mut Tx, id: u128, word: &str) {
    let document = sql::search::Document { words: vec![word.to_owned()], extra: Vec::new() };
    let (places, words) = sql::search::keep(tx.dialect(), "some", &[(uuid::Uuid::from_u128(id), document)]);
    for place in places {
        tx.put(place).await.expect("kept");
    }
    tx.put_words(words).await.expect("kept");
}

/// Units that wait for each other share a commit, before which words are written: those of what was kept, and no others.
async fn words_share_the_fate_of_their_unit(database: Database) {
    let (site, _) = site(database).await;
    let store = &site.app.store;
    let wait = |milliseconds| std::thread::sleep(std::time::Duration::from_millis(milliseconds));
    let first = store.write(move |tx: &mut Tx| Box::pin(async move {
        write_word(tx, 1, "first").await;
        write_word(tx, 2, "early").await;
        // Others come meanwhile, to the same batch where there is one.
        wait(10);
        Ok::<(), StoreError>(())
    }));
    let undone = store.write(move |tx: &mut Tx| Box::pin(async move {
        write_word(tx, 3, "undone").await;
        let seen = holding(tx, "undone").await;
        assert_eq!(seen, 1, "a unit finds its own");
        write_word(tx, 4, "undone").await;
        Err::<(), _>(StoreError::Unique { constraint: "as if".into() })
    }));
    let later = store.write(move |tx: &mut Tx| Box::pin(async move {
        write_word(tx, 2, "late").await;
        tx.savepoint().await?;
        write_word(tx, 1, "part").await;
        write_word(tx, 5, "part").await;
        let seen = holding(tx, "part").await;
        tx.undo().await?;
        write_word(tx, 6, "last").await;
        Ok::<i64, StoreError>(seen)
    }));
    let (first, undone, later) = tokio::join!(first, undone, later);
    assert!(first.is_ok() && undone.is_err());
    assert_eq!(later.expect("kept"), 2);
    let found = store.look(|tx: &mut Tx| Box::pin(async move {
        let mut found = Vec::new();
        for word in ["first", "early", "late", "undone", "part", "last"] {
            found.push(holding(tx, word).await);
        }
        Ok::<_, StoreError>(found)
    }));
    // The second takes the place of the first, in whichever order PostgreSQL ran them.
    let found = found.await.expect("counts");
    assert_eq!((found[0], found[1] + found[2], &found[3..]), (1, 1, &[0, 0, 1][..]), "{found:?}");
    if database == Database::Sqlite {
        assert_eq!(found[2], 1);
    }
    // Many at once are written before the end.
    let many = store.write(|tx: &mut Tx| Box::pin(async move {
        for id in 100..1_000 {
            write_word(tx, id, "many").await;
        }
        Ok::<_, StoreError>(holding(tx, "many").await)
    }));
    assert_eq!(many.await.expect("kept"), 900);
}
