//! Lists: a question past the gate, a page of records with the titles of what they point to.

use std::{borrow::Cow, collections::{HashMap, HashSet}};

use access::{Actor, GatedQuery, gate_query};
use form::Locale;
use indexmap::IndexMap;
use model::{ActionName, Aggregate, Card, Catalog, FieldKind, Ident, Path, Storage, TableRef, Value, types};
use query::{Binder, CheckedQuery, Count, ListRequest, Selected};
use serde_json::{Map, Value as Json, json};
use sql::select;
use uuid::Uuid;

use crate::{App, AppError, Source, files::FileInfo, snapshot::Snapshot, titles::{self, Titles, Wanted}};

mod answer;
pub(crate) mod plan;
mod lanes;
mod related;
mod summary;

use plan::Plan;

pub use answer::{answer, expand, recomputing, record_json};
pub use lanes::lanes;
pub use related::{RelatedRequest, RelatedRows, related, related_count};
pub use summary::{count, group_filter, group_label, group_titles, groups, totals};

/// Beyond this many an estimated count says "at least".
const ESTIMATE_CAP: u32 = 10_000;
/// From so many matches on, a list is walked in its order; from so many on, without collecting them first.
const MANY: u32 = 8_000;
const MOST: u32 = 100_000;
/// Most groups of one answer.
pub const MAX_GROUPS: u32 = 1_000;

/// One record of a page.
#[derive(Debug, Clone)]
pub struct Item {
    /// Its id.
    pub id: Uuid,
    /// Its values, one for each column.
    pub values: Vec<Value>,
    /// Child rows, where asked for.
    pub children: IndexMap<Ident, Vec<Item>>,
}

/// A page of records.
pub struct Page {
    /// What the values are of.
    pub columns: Vec<Selected>,
    /// Columns of child rows.
    pub child_columns: IndexMap<Ident, Vec<Selected>>,
    /// The records.
    pub items: Vec<Item>,
    /// Titles of what they point to.
    pub titles: Titles,
    /// Files they hold.
    pub files: HashMap<Uuid, FileInfo>,
    /// Where the next page begins.
    pub next: Option<String>,
}

/// How many match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counted {
    /// How many.
    pub value: i64,
    /// Exactly, or at least.
    pub exact: bool,
}

/// A group with its totals.
#[derive(Debug, Clone)]
pub struct GroupRow {
    /// Its keys, outermost level first.
    pub key: Vec<Value>,
    /// How many records.
    pub count: i64,
    /// For levels of trees: how deep the group lies.
    pub depths: Vec<Option<i64>>,
    /// Totals in the order asked for.
    pub totals: Vec<Value>,
}

/// Binds a request to an actor.
pub(crate) struct ActorBinder<'a>(pub &'a Actor, pub &'a Catalog);

impl Binder for ActorBinder<'_> {
    fn variable(&self, variable: &model::Variable) -> Option<Value> {
        self.0.variable(variable)
    }
    fn days(&self, period: model::Period) -> (chrono::NaiveDate, chrono::NaiveDate) {
        self.0.days(period)
    }
    fn day_start(&self, day: chrono::NaiveDate) -> chrono::DateTime<chrono::Utc> {
        self.0.day_start(day)
    }
    fn kind(&self, path: &Path) -> Option<FieldKind> {
        path.field(self.1).map(|field| model::resolve::kind_of(path, field))
    }
}

/// A condition with its variables replaced, for the actor at hand.
pub fn bind_for(actor: &Actor, catalog: &Catalog, condition: &model::Condition) -> model::Condition {
    query::bind(condition, &ActorBinder(actor, catalog))
}

/// Checks a request and puts the gate before it.
pub fn ask(snapshot: &Snapshot, actor: &Actor, card: &str, request: &ListRequest) -> Result<GatedQuery, AppError> {
    let card = snapshot.card(card)?;
    let catalog = &snapshot.catalog;
    // The gate first: who may not see the card learns nothing from its error messages.
    let gate = access::gate(catalog, actor, card, ActionName::Read)?;
    let readable = |field: &model::Field| gate.readable(None, &field.key) != access::Readable::Never;
    let checked: CheckedQuery = query::check(catalog, card, request, &ActorBinder(actor, catalog), &readable)?;
    Ok(gate_query(catalog, actor, checked)?)
}

/// A page of records.
pub async fn page(app: &App, snapshot: &Snapshot, actor: &Actor, gated: &GatedQuery, locale: &Locale) -> Result<Page, AppError> {
    let began = std::time::Instant::now();
    let mut source = Source::App(app);
    let page = page_from(&mut source, snapshot, actor, gated, locale).await?;
    crate::advice::notice(app, gated, began.elapsed());
    Ok(page)
}

pub(crate) async fn page_from(source: &mut Source<'_>, snapshot: &Snapshot, actor: &Actor, gated: &GatedQuery, locale: &Locale) -> Result<Page, AppError> {
    let gated = weighed(source, gated).await?;
    let plan = Plan::of(&snapshot.catalog, source.dialect(), gated, None);
    planned(source, snapshot, actor, &plan, None, locale).await
}

/// A page of a list that was asked for before. One that looks for words is weighed anew each time: how common they are
/// changes.
async fn plan_page(app: &App, snapshot: &Snapshot, actor: &Actor, plan: &Plan<'static>, locale: &Locale) -> Result<Page, AppError> {
    if plan.gated.query().search.is_some() {
        return page(app, snapshot, actor, &plan.gated, locale).await;
    }
    let began = std::time::Instant::now();
    let page = planned(&mut Source::App(app), snapshot, actor, plan, None, locale).await?;
    crate::advice::notice(app, &plan.gated, began.elapsed());
    Ok(page)
}

/// A page by a plan; where that is about one record, by its id.
async fn planned(source: &mut Source<'_>, snapshot: &Snapshot, actor: &Actor, plan: &Plan<'_>, id: Option<Uuid>, locale: &Locale) -> Result<Page, AppError> {
    let catalog = &snapshot.catalog;
    let mut page = plan.rows(source, catalog, actor, id, locale).await?;
    fill_own_sides(source, catalog, &plan.gated, &mut page).await?;
    plan.add_children(source, catalog, id, locale, &mut page).await?;
    add_titles_and_files(source, catalog, actor, locale, &mut page).await?;
    Ok(page)
}

/// Records without what stands elsewhere.
fn bare(catalog: &Catalog, gated: &GatedQuery, lowered: &select::Lowered, rows: Vec<Vec<sql::Datum>>, locale: &Locale) -> Page {
    let query = gated.query();
    let more = rows.len() > query.limit as usize;
    let width = query.select.len();
    let mut items = Vec::with_capacity(rows.len());
    let (mut last_keys, mut titles) = (Vec::new(), Titles::new());
    for row in rows.into_iter().take(query.limit as usize) {
        let mut values = lowered.decode(row);
        let mut keys = values.split_off(width);
        titles::read_along(catalog, gated.titles(None), &values, keys.drain(query.sort.len()..), locale, &mut titles);
        let id = keys.iter().rev().find_map(|key| match key { Value::Id(id) => Some(*id), _ => None });
        items.push(Item { id: id.unwrap_or_default(), values, children: IndexMap::new() });
        last_keys = keys;
    }
    let mut page = Page { columns: query.select.clone(), child_columns: IndexMap::new(), items, titles, files: HashMap::new(), next: None };
    page.next = more.then(|| query::cursor::encode(&query.sort, &last_keys));
    page
}

/// Several values of the records' own fields.
async fn fill_own_sides(source: &mut Source<'_>, catalog: &Catalog, gated: &GatedQuery, page: &mut Page) -> Result<(), AppError> {
    let records: Vec<Uuid> = page.items.iter().map(|item| item.id).collect();
    fill_sides(source, catalog, gated, &gated.query().card, None, &page.columns, (&records, &mut page.items)).await
}

/// Who was presumed to be as remembered, is: the rows were read at that state of rights. Where there are none, nothing
/// says so yet.
async fn confirm(source: &mut Source<'_>, actor: &Actor, row: Option<&Vec<sql::Datum>>) -> Result<(), AppError> {
    let Some(known_at) = actor.known_at else { return Ok(()) };
    let found = match row.and_then(|row| row.last()) {
        Some(sql::Datum::Integer(found)) => *found,
        _ => source.counts().await?.number(),
    };
    if found == known_at { Ok(()) } else { Err(AppError::Outdated) }
}

/// On SQLite, whose planner does not know how common words are: a list in its usual order, narrowed by nothing else, is
/// walked in that order where very many rows hold what is looked for.
async fn weighed<'g>(source: &mut Source<'_>, gated: &'g GatedQuery) -> Result<Cow<'g, GatedQuery>, AppError> {
    let query = gated.query();
    let usual = query.default_order && query.filter.is_always() && gated.narrow().is_empty() && gated.tables().rows(&query.card.key).is_always();
    if source.dialect() == sql::Dialect::Postgres || !usual {
        return Ok(Cow::Borrowed(gated));
    }
    let Some(probe) = sql::search::probe(source.dialect(), gated, MOST) else { return Ok(Cow::Borrowed(gated)) };
    let walk = match source.fetch(&probe).await?.into_iter().flatten().next() {
        Some(sql::Datum::Integer(found)) if found >= i64::from(MOST) => access::Walk::OneByOne,
        Some(sql::Datum::Integer(found)) if found >= i64::from(MANY) => access::Walk::Collected,
        _ => return Ok(Cow::Borrowed(gated)),
    };
    Ok(Cow::Owned(gated.clone().walked(walk)))
}

/// Several values of own fields live in tables of their own: one statement for each such field.
async fn fill_sides(source: &mut Source<'_>, catalog: &Catalog, gated: &GatedQuery, card: &Card, child: Option<&Ident>, columns: &[Selected], (records, items): (&[Uuid], &mut [Item])) -> Result<(), AppError> {
    let owners: Vec<Uuid> = items.iter().map(|item| item.id).collect();
    if owners.is_empty() {
        return Ok(());
    }
    for (index, column) in columns.iter().enumerate() {
        let Some(field) = column.path.field(catalog).filter(|field| matches!(field.storage, Storage::Side { .. }) && column.path.hops.is_empty()) else { continue };
        // Which records show it: all, none, or those of some grants.
        let shown: Option<HashSet<Uuid>> = match gated.tables().readable(&card.key, child, &field.key) {
            access::Readable::Always => None,
            access::Readable::Never => continue,
            access::Readable::When(rows) => Some(matching(source, catalog, card, records, &rows).await?),
        };
        let mut found: HashMap<Uuid, Vec<sql::Datum>> = HashMap::new();
        for chunk in owners.chunks(500) {
            let Some(lowered) = select::side(catalog, source.dialect(), card, child, &field.key, chunk) else { continue };
            for row in source.fetch(&lowered.statement).await? {
                if let [sql::Datum::Uuid(owner), value] = row.as_slice() {
                    found.entry(*owner).or_default().push(value.clone());
                }
            }
        }
        for (item, record) in items.iter_mut().zip(records) {
            if shown.as_ref().is_none_or(|shown| shown.contains(record)) {
                item.values[index] = sql::encode::side_value(&field.kind, found.remove(&item.id).unwrap_or_default());
            }
        }
    }
    Ok(())
}

/// Which of some records a condition admits.
async fn matching(source: &mut Source<'_>, catalog: &Catalog, card: &Card, records: &[Uuid], rows: &model::Condition) -> Result<HashSet<Uuid>, AppError> {
    let mut found = HashSet::new();
    for chunk in records.chunks(500) {
        let lowered = select::matching(catalog, source.dialect(), &card.table.reference(), chunk, rows);
        found.extend(source.fetch(&lowered.statement).await?.iter().filter_map(|row| row.first().and_then(sql::encode::id)));
    }
    Ok(found)
}

/// Titles of what a page points to, and the files it holds.
pub(crate) async fn add_titles_and_files(source: &mut Source<'_>, catalog: &Catalog, actor: &Actor, locale: &Locale, page: &mut Page) -> Result<(), AppError> {
    let mut wanted = Wanted::new();
    let mut files: Vec<Uuid> = Vec::new();
    let own = pointing(catalog, &page.columns);
    let rows: HashMap<&Ident, Vec<Pointing<'_>>> = page.child_columns.iter().map(|(child, columns)| (child, pointing(catalog, columns))).collect();
    for item in &page.items {
        collect(&own, &item.values, &mut wanted, &mut files);
        for (child, children) in &item.children {
            let Some(places) = rows.get(child) else { continue };
            children.iter().for_each(|row| collect(places, &row.values, &mut wanted, &mut files));
        }
    }
    for ids in wanted.values_mut() {
        ids.retain(|id| !page.titles.contains_key(id));
    }
    wanted.retain(|_, ids| !ids.is_empty());
    page.titles.extend(titles::fetch(source, catalog, actor, &wanted, locale).await?);
    page.files = crate::files::infos(source, &files).await?;
    Ok(())
}

/// A column that points to something: its place, and where it points to; nothing for what is said by the value itself.
struct Pointing<'c> {
    place: usize,
    to: Option<&'c Ident>,
    files: bool,
}

fn pointing<'c>(catalog: &'c Catalog, columns: &[Selected]) -> Vec<Pointing<'c>> {
    let one = |(place, column): (usize, &Selected)| {
        let field = column.path.field(catalog).filter(|field| field.key != "id")?;
        match &field.kind {
            FieldKind::Link(link) => Some(Pointing { place, to: Some(&link.target), files: false }),
            FieldKind::AnyLink { .. } => Some(Pointing { place, to: None, files: false }),
            FieldKind::File(_) => Some(Pointing { place, to: None, files: true }),
            _ => None,
        }
    };
    columns.iter().enumerate().filter_map(one).collect()
}

fn collect(columns: &[Pointing<'_>], values: &[Value], wanted: &mut Wanted, files: &mut Vec<Uuid>) {
    for column in columns {
        let ids: &[Uuid] = match values.get(column.place) {
            Some(Value::Id(id)) => std::slice::from_ref(id),
            Some(Value::Ids(ids)) => ids,
            Some(Value::AnyId { card, id }) => {
                wanted.entry(card.clone()).or_default().insert(*id);
                continue;
            }
            _ => continue,
        };
        match column.to {
            Some(target) => wanted.entry(target.clone()).or_default().extend(ids),
            None if column.files => files.extend(ids),
            None => {}
        }
    }
}

/// For which of some records a condition holds, as far as the actor may see them and what it names.
pub async fn among(app: &App, snapshot: &Snapshot, actor: &Actor, card: &str, when: &Json, ids: &[Uuid]) -> Result<HashSet<Uuid>, AppError> {
    let mut found = HashSet::new();
    for some in ids.chunks(query::MAX_LIMIT as usize) {
        let filter = json!({"all": [{"field": "id", "op": "any_of", "value": some}, when]});
        let request = ListRequest { filter: Some(filter), fields: Some(vec!["id".into()]), sort: Some("id".into()), limit: Some(query::MAX_LIMIT), ..ListRequest::default() };
        let lowered = sql::page::list(&snapshot.catalog, app.store.dialect(), &ask(snapshot, actor, card, &request)?);
        found.extend(app.store.fetch(&lowered.statement).await?.into_iter().filter_map(|row| lowered.decode(row).first().and_then(Value::as_id)));
    }
    Ok(found)
}

/// Whether the actor may see anything of a card, before anything else is said about a request.
pub fn may_see(snapshot: &Snapshot, actor: &Actor, card: &str) -> Result<(), AppError> {
    may_act(snapshot, actor, card, ActionName::Read)
}

/// Whether the actor may do something with records of a card at all.
pub fn may_act(snapshot: &Snapshot, actor: &Actor, card: &str, action: ActionName) -> Result<(), AppError> {
    access::gate(&snapshot.catalog, actor, snapshot.card(card)?, action)?;
    Ok(())
}
