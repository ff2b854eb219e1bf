//! Random organisations: units in a tree, with who leads them, even in a circle; people in several groups; grants of
//! every scope, guards, shares that end. Which records each person reaches by each action, which fields are seen, and
//! what questions answer, is what an interpreter in memory says that knows nothing of SQL.
//!
//! **Invariants**
//! - 20,000 cases in all, half on each database: a case is one person's action over all records, or one question.
//! - One site is reorganised again and again: the layer that administrators make is what changes.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use access::Actor;
use app::lists;
use model::{ActionName, Condition, FieldRight, def::ScopeDef};
use query::{Count, ListRequest};
use serde_json::{Value as Json, json};
use sql::{Datum, Statement, select, system, system_rights as rights, system_shares as shares};
use uuid::Uuid;

use crate::{
    alike::{Dice, id},
    both,
    site::{Database, Files, Site},
};

both!(everybody_reaches_what_their_grants_say);

const ROUNDS: usize = 24;
const PEOPLE: usize = 7;
const QUESTIONS: usize = 47;
const DEALS: u32 = 48;
const UNITS: u32 = 7;
const GROUPS: usize = 6;
const ACTIONS: [ActionName; 12] = [
    ActionName::Read,
    ActionName::Create,
    ActionName::Update,
    ActionName::Delete,
    ActionName::Restore,
    ActionName::Export,
    ActionName::Print,
    ActionName::Share,
    ActionName::Assign,
    ActionName::Claim,
    ActionName::Bulk,
    ActionName::Transition,
];
const FIELDS: [&str; 5] = ["name", "grade", "amount", "cost", "client"];

fn firm() -> Files {
    let deal = json!({"key": "deal", "title": "{name}", "pool": {"hold": 100}, "search": ["name", "cost"], "fields": {
        "name": {"type": "text"}, "grade": {"type": "text"}, "amount": {"type": "integer"}, "cost": {"type": "text"}, "pin": {"type": "text", "class": "secret"}, "client": {"type": "link", "target": "client"}}});
    let files = [
        (
            "pack.json",
            json!({"id": "firm", "version": "1.0.0", "actor": {"person": {"card": "person", "by": "login"}, "team": "person.team"}, "org": {"unit": {"card": "team", "parent": "parent", "manager": "lead"}}}),
        ),
        (
            "cards/team.json",
            json!({"key": "team", "title": "{name}", "tree": {"parent": "parent"}, "fields": {"name": {"type": "text"}, "parent": {"type": "link", "target": "team"}, "lead": {"type": "link", "target": "person"}}}),
        ),
        ("cards/person.json", json!({"key": "person", "title": "{name}", "fields": {"name": {"type": "text"}, "login": {"type": "user"}, "team": {"type": "link", "target": "team"}}})),
        (
            "cards/client.json",
            json!({"key": "client", "title": "{name}", "fields": {"name": {"type": "text"}, "region": {"type": "text"}}, "permissions": [{"role": "east", "actions": ["read"], "scope": {"field": "region", "op": "is", "value": "east"}}, {"role": "anywhere", "actions": ["read"]}]}),
        ),
        ("cards/deal.json", deal),
        ("roles/east.json", json!({"key": "east"})),
        ("roles/anywhere.json", json!({"key": "anywhere"})),
    ];
    files.into_iter().map(|(path, json)| (path.to_owned(), json.to_string().into_bytes())).collect()
}

/// The scopes that grants and guards are made with.
const SCOPES: [&str; 14] = ["all", "own", "org_unit", "org_tree", "subordinates", "shared", "pool", "grade", "amount", "not_grade", "region", "empty_list", "unbound", "gone"];

fn written(scope: &str) -> ScopeDef {
    let filter = match scope {
        "grade" => json!({"field": "grade", "op": "is", "value": "a"}),
        "amount" => json!({"field": "amount", "op": "gt", "value": 5}),
        "not_grade" => json!({"not": {"field": "grade", "op": "is", "value": "b"}}),
        "region" => json!({"field": "client.region", "op": "is", "value": "east"}),
        "empty_list" => json!({"any": [{"field": "grade", "op": "is", "value": "a"}, {"field": "name", "op": "any_of", "value": []}]}),
        "unbound" => json!({"not": {"field": "name", "op": "is", "value": "@me.nobody"}}),
        "gone" => json!({"not": {"field": "retired", "op": "is", "value": "x"}}),
        named => json!(named),
    };
    serde_json::from_value(filter).expect("a scope")
}

#[derive(Debug, Clone)]
struct Deal {
    id: Uuid,
    grade: Option<&'static str>,
    amount: Option<i64>,
    cost: Option<&'static str>,
    client: Option<usize>,
    owner: Option<usize>,
    unit: Option<u32>,
}

#[derive(Debug)]
struct Grant {
    scope: &'static str,
    actions: BTreeSet<ActionName>,
    fields: BTreeMap<&'static str, FieldRight>,
}

/// One organisation, as plain data.
#[derive(Debug, Default)]
struct Firm {
    parents: Vec<Option<u32>>,
    leads: Vec<Option<usize>>,
    team_of: Vec<Option<u32>>,
    groups_of: Vec<BTreeSet<usize>>,
    grants: Vec<Vec<Grant>>,
    guards: Vec<(&'static str, BTreeSet<usize>)>,
    /// Record, person or group, to change, whether it lasts.
    shares: Vec<(Uuid, Result<usize, usize>, bool, bool)>,
    clients: [bool; 3],
}

impl Firm {
    fn under(&self, unit: u32, root: u32) -> bool {
        let (mut at, mut steps) = (Some(unit), 0);
        while let Some(current) = at {
            if current == root {
                return true;
            }
            steps += 1;
            at = self.parents[current as usize].filter(|_| steps <= UNITS);
        }
        false
    }

    fn in_scope(&self, scope: &str, person: usize, action: ActionName, deal: &Deal) -> bool {
        let own = deal.owner == Some(person);
        match scope {
            "all" => true,
            "own" => own,
            "org_unit" => self.team_of[person].is_some() && deal.unit == self.team_of[person],
            "org_tree" => self.team_of[person].zip(deal.unit).is_some_and(|(mine, unit)| self.under(unit, mine)),
            "subordinates" => own || deal.unit.is_some_and(|unit| (0..UNITS).any(|led| self.leads[led as usize] == Some(person) && self.under(unit, led))),
            "shared" => self.shares.iter().any(|(record, who, edit, lasts)| {
                let mine = match who {
                    Ok(user) => *user == person,
                    Err(group) => self.groups_of[person].contains(group),
                };
                let reads = matches!(action, ActionName::Read | ActionName::Export | ActionName::Print | ActionName::Report);
                *record == deal.id && mine && *lasts && (*edit || reads)
            }),
            "pool" => deal.owner.is_none(),
            "grade" => deal.grade == Some("a"),
            "amount" => deal.amount.is_some_and(|amount| amount > 5),
            "not_grade" => deal.grade != Some("b"),
            "region" => deal.client.is_some_and(|client| client != 2 && self.clients[client]),
            // An unknown anywhere matches nothing.
            _ => false,
        }
    }

    fn held(&self, person: usize, action: ActionName) -> impl Iterator<Item = &Grant> {
        self.groups_of[person].iter().flat_map(|group| &self.grants[*group]).filter(move |grant| grant.actions.contains(&action))
    }

    fn let_through(&self, person: usize, action: ActionName, deal: &Deal) -> bool {
        self.guards.iter().filter(|(_, except)| except.is_disjoint(&self.groups_of[person])).all(|(scope, _)| self.in_scope(scope, person, action, deal))
    }

    fn admits(&self, person: usize, action: ActionName, deal: &Deal) -> bool {
        self.let_through(person, action, deal) && self.held(person, action).any(|grant| self.in_scope(grant.scope, person, action, deal))
    }

    fn right(&self, person: usize, deal: &Deal, field: &str) -> FieldRight {
        let of = |grant: &Grant| grant.fields.get(field).copied().unwrap_or(FieldRight::Edit);
        self.held(person, ActionName::Read).filter(|grant| self.in_scope(grant.scope, person, ActionName::Read, deal)).map(of).max().unwrap_or(FieldRight::None)
    }

    /// Whether a field may be named at all.
    fn names(&self, person: usize, field: &str) -> bool {
        self.held(person, ActionName::Read).any(|grant| grant.fields.get(field).copied().unwrap_or(FieldRight::Edit) >= FieldRight::Read)
    }

    fn sees_client(&self, person: usize, client: usize) -> bool {
        // Odd people are in the group of those who read clients of the east only.
        person.is_multiple_of(2) || self.clients[client] && client != 2
    }
}

fn random(dice: &mut Dice, deals: &[Deal]) -> Firm {
    let some = |dice: &mut Dice, sides: u32| (dice.roll(4) > 0).then(|| u32::try_from(dice.roll(sides as usize)).expect("few"));
    let person = |dice: &mut Dice| (dice.roll(3) > 0).then(|| dice.roll(PEOPLE));
    let mut firm = Firm { clients: [true, dice.roll(2) == 0, false], ..Firm::default() };
    // Now and then units stand in a circle, and somebody leads the unit they are in.
    firm.parents = (0..UNITS).map(|unit| some(dice, UNITS).filter(|parent| *parent < unit || dice.roll(12) == 0)).collect();
    firm.leads = (0..UNITS).map(|_| person(dice)).collect();
    firm.team_of = (0..PEOPLE).map(|_| some(dice, UNITS)).collect();
    firm.groups_of = (0..PEOPLE).map(|_| (0..dice.roll(4)).map(|_| dice.roll(GROUPS)).collect()).collect();
    firm.grants = (0..GROUPS).map(|_| (0..dice.roll(4)).map(|_| grant(dice)).collect()).collect();
    firm.guards = (0..[0, 0, 1, 2][dice.roll(4)]).map(|_| (dice.pick(&SCOPES[1..]), (0..dice.roll(4)).map(|_| dice.roll(GROUPS)).collect())).collect();
    firm.shares = (0..14).map(|_| (dice.pick(deals).id, if dice.roll(2) == 0 { Ok(dice.roll(PEOPLE)) } else { Err(dice.roll(GROUPS)) }, dice.roll(2) == 0, dice.roll(4) > 0)).collect();
    let mut once = HashSet::new();
    firm.shares.retain(|(record, who, ..)| once.insert((*record, *who)));
    firm
}

fn grant(dice: &mut Dice) -> Grant {
    let mut actions: BTreeSet<ActionName> = (0..dice.roll(8)).map(|_| dice.pick(&ACTIONS)).collect();
    if dice.roll(4) > 0 {
        actions.insert(ActionName::Read);
    }
    let fields = (0..dice.roll(4)).map(|_| (dice.pick(&FIELDS), dice.pick(&[FieldRight::None, FieldRight::Read, FieldRight::Edit]))).collect();
    Grant { scope: dice.pick(&SCOPES), actions, fields }
}

fn key(group: usize) -> String {
    format!("x_group_{group}")
}

/// Puts an organisation into the place of the last one.
async fn reorganise(site: &Site, firm: &Firm, people: &[Uuid]) {
    let dialect = site.app.store.dialect();
    let plain = |text: &str, binds: Vec<Datum>| system::statement(dialect, text, binds, Vec::new());
    let null = || Datum::Null(sql::Physical::Uuid);
    let unit = |unit: Option<u32>| unit.map_or_else(null, |unit| Datum::Uuid(id(500 + unit)));
    let mut all: Vec<Statement> = ["sys_grant", "sys_group", "sys_share", "sys_user_role"]
        .iter()
        .map(|table| plain(&format!("DELETE FROM {table} WHERE {}", if *table == "sys_user_role" { "role <> 'administrator'" } else { "1 = 1" }), Vec::new()))
        .collect();
    for (number, parent) in firm.parents.iter().enumerate() {
        let lead = firm.leads[number].map_or_else(null, |person| Datum::Uuid(id(600 + u32::try_from(person).expect("few"))));
        all.push(plain("UPDATE c_team SET f_parent = {}, f_lead = {} WHERE id = {}", vec![unit(*parent), lead, Datum::Uuid(id(500 + u32::try_from(number).expect("few")))]));
    }
    for (number, region) in firm.clients.iter().enumerate() {
        all.push(plain(
            "UPDATE c_client SET f_region = {} WHERE id = {}",
            vec![Datum::Text(if *region && number != 2 { "east" } else { "west" }.into()), Datum::Uuid(id(700 + u32::try_from(number).expect("few")))],
        ));
    }
    let now = chrono::Utc::now();
    for (group, grants) in firm.grants.iter().enumerate() {
        all.push(rights::put_group(dialect, &key(group), "{\"en\": \"Group\"}", "{}", None, now));
        for grant in grants {
            let says = json!({"actions": grant.actions, "scope": written(grant.scope), "fields": grant.fields}).to_string();
            all.push(rights::put_grant(dialect, &rights::Kept { id: Uuid::now_v7(), card: "deal", role: Some(&key(group)), replaces: None, base: None, says: &says }, None, now));
        }
    }
    for (scope, except) in &firm.guards {
        let says = json!({"scope": written(scope), "except": except.iter().map(|group| key(*group)).collect::<Vec<_>>()}).to_string();
        all.push(rights::put_grant(dialect, &rights::Kept { id: Uuid::now_v7(), card: "deal", role: None, replaces: None, base: None, says: &says }, None, now));
    }
    for (person, user) in people.iter().enumerate() {
        all.push(plain("UPDATE c_person SET f_team = {} WHERE id = {}", vec![unit(firm.team_of[person]), Datum::Uuid(id(600 + u32::try_from(person).expect("few")))]));
        all.push(sql::system::add_role(dialect, *user, if person % 2 == 0 { "anywhere" } else { "east" }));
        all.extend(firm.groups_of[person].iter().map(|group| sql::system::add_role(dialect, *user, &key(*group))));
    }
    for (record, who, edit, lasts) in &firm.shares {
        let who = match who {
            Ok(person) => format!("u:{}", people[*person]),
            Err(group) => format!("g:{}", key(*group)),
        };
        let until = (!lasts).then(|| now - chrono::TimeDelta::hours(1)).or_else(|| edit.then(|| now + chrono::TimeDelta::days(1)));
        all.push(shares::put(dialect, &shares::Share { record: *record, who: &who, card: "deal", edit: *edit, until }, None, now));
    }
    let done = site.app.store.write_alone(move |tx: &mut store::Tx| {
        let all = all.clone();
        Box::pin(async move {
            for statement in &all {
                tx.execute(statement).await?;
            }
            tx.fetch(&system::next_catalog_version(tx.dialect())).await?;
            tx.change_rights();
            Ok::<(), app::UnitError>(())
        })
    });
    done.await.map_err(|error| error.error).expect("another organisation");
    site.app.reload().await.expect("read");
}

/// A question, and whether a deal answers it as a person sees it.
type Question = (Json, Vec<&'static str>, Box<dyn Fn(&Firm, usize, &Deal) -> bool>);

fn question(dice: &mut Dice) -> Question {
    match dice.roll(8) {
        0 => (json!({"field": "grade", "op": "is", "value": "a"}), vec!["grade"], Box::new(|_, _, deal| deal.grade == Some("a"))),
        1 => (json!({"field": "amount", "op": "lte", "value": 7}), vec!["amount"], Box::new(|_, _, deal| deal.amount.is_some_and(|amount| amount <= 7))),
        2 => (json!({"not": {"field": "cost", "op": "is", "value": "high"}}), vec!["cost"], Box::new(|_, _, deal| deal.cost != Some("high"))),
        3 => (json!({"field": "cost", "op": "empty"}), vec!["cost"], Box::new(|_, _, deal| deal.cost.is_none())),
        4 => (
            json!({"field": "client.region", "op": "is", "value": "west"}),
            vec!["client"],
            Box::new(|firm, person, deal| deal.client.is_some_and(|client| firm.sees_client(person, client) && !(firm.clients[client] && client != 2))),
        ),
        5 => (
            json!({"field": "client.region", "op": "is_not", "value": "east"}),
            vec!["client"],
            Box::new(|firm, person, deal| !deal.client.is_some_and(|client| firm.sees_client(person, client) && firm.clients[client] && client != 2)),
        ),
        6 => (
            json!({"any": [{"field": "owner", "op": "is", "value": "@me"}, {"field": "grade", "op": "is", "value": "b"}]}),
            vec!["grade"],
            Box::new(|_, person, deal| deal.owner == Some(person) || deal.grade == Some("b")),
        ),
        _ => (json!({"all": []}), vec![], Box::new(|_, _, _| true)),
    }
}

async fn everybody_reaches_what_their_grants_say(database: Database) {
    let site = Site::of(database, vec![firm()]).await;
    let root = site.person("root", &["administrator"]).await;
    let mut dice = Dice(0x51_7cc1_b727_220a);
    let mut people = Vec::new();
    for person in 0..PEOPLE {
        let somebody = site.person(&format!("p{person}"), &[]).await;
        root.make("person", json!({"id": id(600 + u32::try_from(person).expect("few")), "name": format!("P{person}"), "login": somebody.id})).await;
        people.push(somebody.id.parse::<Uuid>().expect("an id"));
    }
    for unit in 0..UNITS {
        root.make("team", json!({"id": id(500 + unit), "name": format!("T{unit}")})).await;
    }
    for client in 0..3_u32 {
        root.make("client", json!({"id": id(700 + client), "name": format!("C{client}"), "region": "west"})).await;
    }
    let mut deals = Vec::new();
    for number in 0..DEALS {
        let deal = Deal {
            id: id(800 + number),
            grade: dice.pick(&[None, Some("a"), Some("b"), Some("c")]),
            amount: dice.pick(&[None, Some(1), Some(5), Some(6), Some(20)]),
            cost: dice.pick(&[None, Some("high"), Some("low")]),
            client: dice.pick(&[None, Some(0), Some(1), Some(2)]),
            owner: (dice.roll(4) > 0).then(|| dice.roll(PEOPLE)),
            unit: (dice.roll(4) > 0).then(|| u32::try_from(dice.roll(UNITS as usize)).expect("few")),
        };
        root.make("deal", json!({"id": deal.id, "name": format!("Deal {number}"), "grade": deal.grade, "amount": deal.amount, "cost": deal.cost, "pin": "1234", "client": deal.client.map(|client| id(700 + u32::try_from(client).expect("few"))),
            "owner": deal.owner.map(|owner| people[owner]), "org_unit": deal.unit.map(|unit| id(500 + unit))})).await;
        deals.push(deal);
    }
    let locale = form::Locale::of("en", Actor::user(Uuid::nil(), "", Vec::new(), chrono::Utc::now()).zone);
    let mut cases = 0;
    for round in 0..ROUNDS {
        let firm = random(&mut dice, &deals);
        reorganise(&site, &firm, &people).await;
        let snapshot = site.app.snapshot();
        let card = snapshot.catalog.card("deal").expect("deals").clone();
        for (person, id) in people.iter().enumerate().take(PEOPLE) {
            let actor: Actor = app::accounts::actor_of(&site.app, &snapshot, *id, chrono::Utc::now()).await.expect("an actor");
            let told = |what: &str| format!("{database:?}, round {round}, person {person}, {what}: {firm:#?}");
            for action in ACTIONS {
                let expected: BTreeSet<Uuid> = deals.iter().filter(|deal| firm.admits(person, action, deal)).map(|deal| deal.id).collect();
                let rows = access::gate(&snapshot.catalog, &actor, &card, action).map_or(Condition::never(), |gate| gate.rows());
                let ids: Vec<Uuid> = deals.iter().map(|deal| deal.id).collect();
                let lowered = select::matching(&snapshot.catalog, site.app.store.dialect(), &card.table.reference(), &ids, &rows);
                let found: BTreeSet<Uuid> = site.app.store.fetch(&lowered.statement).await.expect("rows").iter().filter_map(|row| row.first().and_then(sql::encode::id)).collect();
                assert_eq!(found, expected, "{}", told(&format!("{action:?}")));
                cases += 1;
            }
            for _ in 0..QUESTIONS {
                let (filter, named, holds) = question(&mut dice);
                let request = ListRequest { filter: Some(filter.clone()), limit: Some(500), count: Count::Exact, ..ListRequest::default() };
                let asked = lists::ask(&snapshot, &actor, "deal", &request);
                cases += 1;
                if firm.held(person, ActionName::Read).next().is_none() || named.iter().any(|field| !firm.names(person, field)) {
                    assert!(asked.is_err(), "{}", told(&filter.to_string()));
                    continue;
                }
                let gated = asked.unwrap_or_else(|error| panic!("{error:?} {}", told(&filter.to_string())));
                let page = lists::page(&site.app, &snapshot, &actor, &gated, &locale).await.expect("a page");
                let expected: BTreeSet<Uuid> = deals
                    .iter()
                    .filter(|deal| firm.admits(person, ActionName::Read, deal) && named.iter().all(|field| firm.right(person, deal, field) >= FieldRight::Read) && holds(&firm, person, deal))
                    .map(|deal| deal.id)
                    .collect();
                let found: BTreeSet<Uuid> = page.items.iter().map(|item| item.id).collect();
                assert_eq!(found, expected, "{}", told(&filter.to_string()));
                let count = lists::count(&site.app, &snapshot, &gated).await.expect("a count").expect("one");
                assert_eq!((count.value, count.exact), (i64::try_from(expected.len()).expect("few"), true), "{}", told(&filter.to_string()));
                for item in &page.items {
                    let deal = deals.iter().find(|deal| deal.id == item.id).expect("a deal");
                    for (column, value) in page.columns.iter().zip(&item.values) {
                        let there = match column.name.as_str() {
                            "name" => true,
                            "grade" => deal.grade.is_some(),
                            "amount" => deal.amount.is_some(),
                            "cost" => deal.cost.is_some(),
                            "client" => deal.client.is_some(),
                            "pin" => panic!("a secret is told"),
                            _ => continue,
                        };
                        assert_eq!(!value.is_empty(), there && firm.right(person, deal, &column.name) >= FieldRight::Read, "{} {}", column.name, told(&filter.to_string()));
                    }
                }
            }
        }
    }
    assert!(cases >= 9_900, "{cases}");
}
