//! The search index: what is written into it, and questions to it, for FTS5 and for `tsvector`.
//!
//! Both keep the same words: those in order, and extras, each behind the code of its field. In FTS5 they are two
//! columns; in a `tsvector` words have positions and extras have none.
//!
//! **Invariants**
//! - What people typed is a bind. It holds only letters, digits and emoji, so it is no expression of either language.
//! - Rows are found under the access predicate, by words of fields that the reader may read, and by no others.

use access::{GatedQuery, Walk};
use model::{Catalog, Condition, Op, Operand, Test};
use query::{Search, Slot};
use uuid::Uuid;

use crate::{
    Datum, Dialect, Physical, Statement,
    builder::{Builder, Rows},
    predicate,
    select::{self, Lowered, Selection},
    system::statement,
};

/// Most of one record's `tsvector`, in bytes: PostgreSQL refuses more than a megabyte.
const MAX_BYTES: usize = 900_000;

/// Which records are looked for, from all to few.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tier {
    /// Words anywhere.
    Any,
    /// Words in titles only.
    Title,
    /// A part of the title begins with what was typed.
    Begins,
    /// A part of the title is what was typed.
    Exact,
}

/// What the index keeps of one record.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Document {
    /// Words in order, each behind its code.
    pub words: Vec<String>,
    /// Extras, each behind its code.
    pub extra: Vec<String>,
}

impl Document {
    /// Adds what one field holds.
    pub fn add(&mut self, slot: &Slot, entries: &search::Entries) {
        // A code alone parts fields and values: no phrase goes over it.
        self.words.extend(entries.words.iter().map(|word| format!("{}{word}", slot.code)));
        self.words.push(slot.code.clone());
        self.extra.extend(entries.extra.iter().map(|extra| format!("{}{extra}", slot.code)));
        self.extra.extend(entries.whole.iter().map(|whole| format!("{}{whole}", slot.whole)));
    }

    /// As a `tsvector` is written.
    fn vector(&self) -> String {
        let mut text = String::new();
        let words = self.words.iter().enumerate().map(|(at, word)| (word, format!(":{}", at + 1)));
        for (word, place) in words.chain(self.extra.iter().map(|word| (word, String::new()))) {
            if text.len() + word.len() > MAX_BYTES {
                break;
            }
            text.push_str(&format!("'{}'{place} ", word.replace('\\', "\\\\").replace('\'', "''")));
        }
        text
    }
}

/// Words of one record on their way into FTS5, whose place is made.
#[derive(Debug, Clone, PartialEq)]
pub struct Words {
    /// The record.
    pub record: Uuid,
    /// Words in order.
    pub words: String,
    /// Extras.
    pub extra: String,
}

/// Keeps documents of one card's records, in place of what was kept of them: on SQLite these statements make places, for
/// words that are to be [written](write_words) there.
pub fn keep(dialect: Dialect, card: &str, documents: &[(Uuid, Document)]) -> (Vec<Statement>, Vec<Words>) {
    let text = |text: &str| Datum::Text(text.to_owned());
    let statements = documents.chunks(100).map(|some| {
        let rows: Vec<&str> = some.iter().map(|_| if dialect == Dialect::Sqlite { "({}, {})" } else { "({}, {}, {}::tsvector)" }).collect();
        let binds = some.iter().flat_map(|(id, document)| {
            let own = [text(card), Datum::Uuid(*id)];
            own.into_iter().chain((dialect == Dialect::Postgres).then(|| Datum::Text(document.vector())))
        });
        let (columns, set) = match dialect {
            Dialect::Sqlite => ("card, record", "card = excluded.card"),
            Dialect::Postgres => ("card, record, tokens", "card = excluded.card, tokens = excluded.tokens"),
        };
        let sql = format!("INSERT INTO sys_search ({columns}) VALUES {} ON CONFLICT (record) DO UPDATE SET {set}", rows.join(", "));
        statement(dialect, &sql, binds.collect(), Vec::new())
    });
    let words = |(id, document): &(Uuid, Document)| Words { record: *id, words: document.words.join(" "), extra: document.extra.join(" ") };
    (statements.collect(), if dialect == Dialect::Sqlite { documents.iter().map(words).collect() } else { Vec::new() })
}

/// Writes words into FTS5; of a record that is there twice the later ones. As one statement, and the same for any number:
/// FTS5 writes out what it has before each.
pub fn write_words(words: &[Words]) -> Statement {
    let mut seen = std::collections::HashSet::new();
    let mut rows: Vec<(String, &str, &str)> = words.iter().rev().filter(|words| seen.insert(words.record)).map(|one| (one.record.simple().to_string(), &*one.words, &*one.extra)).collect();
    rows.reverse();
    let sql = "INSERT OR REPLACE INTO sys_search_index (rowid, words, extra) \
               SELECT s.n, kept.value ->> 1, kept.value ->> 2 FROM json_each({}) kept CROSS JOIN sys_search s ON s.record = unhex(kept.value ->> 0)";
    statement(Dialect::Sqlite, sql, vec![Datum::Json(serde_json::json!(rows))], Vec::new())
}

/// Holds the entries of records until the end of the transaction: whoever makes them again reads what they are made of
/// after everybody before has written. On SQLite there is one writer.
pub fn hold(dialect: Dialect, ids: &[Uuid]) -> Option<Statement> {
    let marks = vec!["{}"; ids.len()].join(", ");
    let sql = format!("SELECT n FROM sys_search WHERE record IN ({marks}) ORDER BY record FOR UPDATE");
    (dialect == Dialect::Postgres && !ids.is_empty()).then(|| statement(dialect, &sql, ids.iter().map(|id| Datum::Uuid(*id)).collect(), vec![Physical::Integer]))
}

/// Places for entries of records that have none, so that they can be held.
pub fn make_room(dialect: Dialect, card: &str, ids: &[Uuid]) -> Option<Statement> {
    let rows = vec!["({}, {}, '')"; ids.len()].join(", ");
    let sql = format!("INSERT INTO sys_search (card, record, tokens) VALUES {rows} ON CONFLICT (record) DO NOTHING");
    let binds = ids.iter().flat_map(|id| [Datum::Text(card.to_owned()), Datum::Uuid(*id)]).collect();
    (dialect == Dialect::Postgres && !ids.is_empty()).then(|| statement(dialect, &sql, binds, Vec::new()))
}

/// Which entries a question looks for in these slots, in the database's query language; `None` for nowhere to look.
fn expression(dialect: Dialect, parts: &[search::Part], slots: &[&Slot]) -> Option<String> {
    if parts.is_empty() || slots.is_empty() {
        return None;
    }
    let (and, or, then) = match dialect {
        Dialect::Sqlite => (" AND ", " OR ", " "),
        Dialect::Postgres => (" & ", " | ", " <-> "),
    };
    let parts = parts.iter().map(|part| {
        let ways = part.ways.iter().flat_map(|way| slots.iter().map(move |slot| (way, slot))).map(|(way, slot)| {
            let (ordered, terms) = way.terms(slot.title);
            let terms: Vec<(String, bool)> = terms.map(|(text, goes_on)| (format!("{}{text}", slot.code), goes_on)).collect();
            match (dialect, ordered) {
                (Dialect::Sqlite, true) => {
                    let words: Vec<&str> = terms.iter().map(|(word, _)| word.as_str()).collect();
                    term(dialect, &words.join(then), terms.last().is_some_and(|(_, goes_on)| *goes_on))
                }
                (_, ordered) => {
                    let words: Vec<String> = terms.iter().map(|(word, goes_on)| term(dialect, word, *goes_on)).collect();
                    format!("({})", words.join(if ordered { then } else { and }))
                }
            }
        });
        format!("({})", ways.collect::<Vec<_>>().join(or))
    });
    Some(parts.collect::<Vec<_>>().join(and))
}

fn term(dialect: Dialect, words: &str, goes_on: bool) -> String {
    match dialect {
        Dialect::Sqlite => format!("\"{}\"{}", words.replace('"', "\"\""), if goes_on { " *" } else { "" }),
        Dialect::Postgres => format!("'{}'{}", words.replace('\\', "\\\\").replace('\'', "''"), if goes_on { ":*" } else { "" }),
    }
}

/// The titles that begin with what was typed, or are it.
fn beginning(dialect: Dialect, search: &Search, slots: &[&Slot], goes_on: bool) -> Option<String> {
    let words: Vec<String> = slots.iter().filter(|slot| slot.title).map(|slot| term(dialect, &format!("{}{}", slot.whole, search.question.whole), goes_on)).collect();
    let or = if dialect == Dialect::Sqlite { " OR " } else { " | " };
    (!words.is_empty()).then(|| words.join(or))
}

fn nothing(dialect: Dialect) -> String {
    if dialect == Dialect::Sqlite { "0".into() } else { "FALSE".into() }
}

fn at<'s>(search: &'s Search, places: &[usize]) -> Vec<&'s Slot> {
    places.iter().filter_map(|place| search.slots.get(*place)).collect()
}

/// That a list's record is found: by the index first, unless so many are that it is quicker to walk the list.
pub(crate) fn within(builder: &mut Builder<'_>, rows: &mut Rows, gated: &GatedQuery) -> Option<String> {
    let search = gated.query().search.as_ref()?;
    builder.once();
    let looked = gated.looked();
    let (always, some) = (at(search, &looked.always), at(search, &looked.some));
    let Some(widest) = expression(builder.dialect, &search.question.parts, &[always.as_slice(), some.as_slice()].concat()) else { return Some(nothing(builder.dialect)) };
    let id = format!("{}.id", rows.alias);
    let found = match (builder.dialect, looked.walk) {
        (Dialect::Sqlite, Walk::Index) => {
            let bound = builder.bind(Datum::Text(widest));
            format!("{id} IN (SELECT s.record FROM {LEAD_ALONE} WHERE s.n = f.rowid AND f.sys_search_index MATCH {bound})")
        }
        (Dialect::Sqlite, Walk::Collected) => {
            let bound = builder.bind(Datum::Text(widest));
            // The plus keeps the planner from beginning with the set.
            format!("EXISTS (SELECT 1 FROM sys_search s WHERE s.record = {id} AND +s.n IN (SELECT f.rowid FROM sys_search_index f WHERE f.sys_search_index MATCH {bound}))")
        }
        (Dialect::Sqlite, Walk::OneByOne) => one_by_one(builder, &id, widest),
        (Dialect::Postgres, _) => {
            let bound = builder.bind(Datum::Text(widest));
            format!("{id} IN (SELECT s.record FROM sys_search s WHERE s.tokens @@ {bound}::tsquery)")
        }
    };
    let exactly = exactly(builder, rows, search, gated, &id);
    Some(std::iter::once(found).chain(exactly).collect::<Vec<_>>().join(" AND "))
}

/// The tables of the index on SQLite, in front of others: a cross join is carried out in the order it is written.
pub(crate) const LEAD: &str = "sys_search_index f CROSS JOIN sys_search s CROSS JOIN ";
const LEAD_ALONE: &str = "sys_search_index f CROSS JOIN sys_search s";

/// On SQLite, that a row is found, with the tables of [`LEAD`] before it.
pub(crate) fn leading(builder: &mut Builder<'_>, rows: &mut Rows, gated: &GatedQuery) -> Vec<String> {
    let Some(search) = &gated.query().search else { return Vec::new() };
    let slots = [at(search, &gated.looked().always), at(search, &gated.looked().some)].concat();
    let Some(words) = expression(builder.dialect, &search.question.parts, &slots) else { return vec![nothing(builder.dialect)] };
    let id = format!("{}.id", rows.alias);
    let mut all = exactly(builder, rows, search, gated, &id);
    all.push(led(builder, gated, rows, words));
    all
}

fn led(builder: &mut Builder<'_>, gated: &GatedQuery, rows: &Rows, words: String) -> String {
    let bound = builder.bind(Datum::Text(words));
    let card = builder.bind(Datum::Text(gated.query().card.id.to_string()));
    format!("f.sys_search_index MATCH {bound} AND s.n = f.rowid AND s.card = {card} AND {}.id = s.record", rows.alias)
}

/// Where some fields may be read in some rows only: each word in a field that may be read in this row.
fn exactly(builder: &mut Builder<'_>, rows: &mut Rows, search: &Search, gated: &GatedQuery, id: &str) -> Vec<String> {
    let looked = gated.looked();
    if looked.some.is_empty() {
        return Vec::new();
    }
    let (always, some) = (at(search, &looked.always), at(search, &looked.some));
    let parts = search.question.parts.iter().map(|part| {
        let part = std::slice::from_ref(part);
        let mut ways: Vec<String> = expression(builder.dialect, part, &always).map(|words| one_by_one(builder, id, words)).into_iter().collect();
        for slot in &some {
            // Past the gate, a path that may not be read here reaches nothing.
            let reached = Condition::Test(Test { path: slot.path.clone(), op: Op::NotEmpty, operand: Operand::None });
            let reached = predicate::lower(builder, rows, &reached, false);
            if let Some(words) = expression(builder.dialect, part, &[slot]) {
                ways.push(format!("({reached} AND {})", one_by_one(builder, id, words)));
            }
        }
        format!("({})", ways.join(" OR "))
    });
    parts.collect()
}

fn one_by_one(builder: &mut Builder<'_>, id: &str, words: String) -> String {
    let bound = builder.bind(Datum::Text(words));
    match builder.dialect {
        Dialect::Sqlite => format!("EXISTS (SELECT 1 FROM sys_search s CROSS JOIN sys_search_index f WHERE s.record = {id} AND f.rowid = s.n AND f.sys_search_index MATCH {bound})"),
        Dialect::Postgres => format!("EXISTS (SELECT 1 FROM sys_search s WHERE s.record = {id} AND s.tokens @@ {bound}::tsquery)"),
    }
}

/// The records of a card that are found, those newest in the index first: the id, then what the question selects.
/// `None` where there is nothing to look for, or nowhere.
pub fn found(catalog: &Catalog, dialect: Dialect, gated: &GatedQuery, tier: Tier, limit: u32) -> Option<Lowered> {
    let search = gated.query().search.as_ref().filter(|search| !search.question.is_empty())?;
    let looked = gated.looked();
    let mut slots = at(search, &looked.always);
    let parts = &search.question.parts;
    let words = match tier {
        Tier::Any => {
            slots.extend(at(search, &looked.some));
            expression(dialect, parts, &slots)
        }
        Tier::Title => expression(dialect, parts, &slots.into_iter().filter(|slot| slot.title).collect::<Vec<_>>()),
        Tier::Begins => beginning(dialect, search, &slots, true),
        Tier::Exact => beginning(dialect, search, &slots, false),
    }?;
    let mut builder = Builder::new(catalog, dialect, Some(gated.tables()));
    let mut rows = builder.rows(&gated.query().card.table.reference());
    let mut selection = Selection::with_ids(&rows.alias, &["id"]);
    for selected in &gated.query().select {
        selection.push(&mut builder, &mut rows, &selected.path);
    }
    let mut all = select::conditions_but_search(&mut builder, &mut rows, gated);
    if tier == Tier::Any {
        let id = format!("{}.id", rows.alias);
        all.extend(exactly(&mut builder, &mut rows, search, gated, &id));
    }
    let (from, order) = match dialect {
        Dialect::Sqlite => {
            all.push(led(&mut builder, gated, &rows, words));
            (LEAD, "f.rowid")
        }
        Dialect::Postgres => {
            let bound = builder.bind(Datum::Text(words));
            let card = builder.bind(Datum::Text(gated.query().card.id.to_string()));
            all.push(format!("s.tokens @@ {bound}::tsquery AND s.card = {card} AND {}.id = s.record", rows.alias));
            ("sys_search s CROSS JOIN ", "s.n")
        }
    };
    builder.once();
    let sql = format!("SELECT {} FROM {from}{} WHERE {} ORDER BY {order} DESC LIMIT {limit}", selection.list(), builder.from(&rows), all.join(" AND "));
    Some(selection.finish(builder, &sql))
}

/// How many rows of the index hold a question's words, counted up to `most`: before rights, to choose a way only.
pub fn probe(dialect: Dialect, gated: &GatedQuery, most: u32) -> Option<Statement> {
    let search = gated.query().search.as_ref()?;
    let slots = [at(search, &gated.looked().always), at(search, &gated.looked().some)].concat();
    let words = expression(dialect, &search.question.parts, &slots)?;
    let sql = format!("SELECT count(*) FROM (SELECT 1 FROM sys_search_index f WHERE f.sys_search_index MATCH {{}} LIMIT {most})");
    Some(statement(dialect, &sql, vec![Datum::Text(words)], vec![Physical::Integer]))
}

/// Ids of a card's records after one, in order.
pub fn records_after(catalog: &Catalog, dialect: Dialect, card: &model::Card, after: Option<Uuid>, limit: u32) -> Statement {
    let mut builder = Builder::new(catalog, dialect, None);
    let after = builder.bind(Datum::Uuid(after.unwrap_or_default()));
    let sql = format!("SELECT t.id FROM {} t WHERE t.id > {after} ORDER BY t.id LIMIT {limit}", card.table.physical);
    builder.finish(&sql, vec![Physical::Uuid])
}

/// How many records a card has, those in the trash too, and counted up to `most`.
pub fn size(catalog: &Catalog, dialect: Dialect, card: &model::Card, most: Option<u32>) -> Statement {
    let limit = most.map(|most| format!(" LIMIT {most}")).unwrap_or_default();
    Builder::new(catalog, dialect, None).finish(&format!("SELECT count(*) FROM (SELECT 1 FROM {}{limit}) counted", card.table.physical), vec![Physical::Integer])
}

/// How far the entries of each card are: card, layout, the record up to which they are made again, and how many those are.
pub fn states(dialect: Dialect) -> Statement {
    statement(dialect, "SELECT card, layout, after, done FROM sys_search_card", Vec::new(), vec![Physical::Text, Physical::Text, Physical::Uuid, Physical::Integer])
}

/// Notes how far the entries of a card are: all of this layout, or up to a record.
pub fn put_state(dialect: Dialect, card: &str, layout: &str, after: Option<Uuid>, done: i64) -> Statement {
    let sql = "INSERT INTO sys_search_card (card, layout, after, done) VALUES ({}, {}, {}, {}) \
               ON CONFLICT (card) DO UPDATE SET layout = excluded.layout, after = excluded.after, done = excluded.done";
    let binds = vec![Datum::Text(card.to_owned()), Datum::Text(layout.to_owned()), after.map_or(Datum::Null(Physical::Uuid), Datum::Uuid), Datum::Integer(done)];
    statement(dialect, sql, binds, Vec::new())
}
