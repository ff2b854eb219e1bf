//! Lists: a question past the gate, a page of records with the titles of what they point to.

use std::collections::HashMap;

use access::{Actor, GatedQuery, gate_query};
use form::Locale;
use indexmap::IndexMap;
use model::{ActionName, Aggregate, Card, Catalog, FieldKind, Ident, Path, Storage, TableRef, Value, types};
use query::{Binder, CheckedQuery, Count, ListRequest, Selected};
use serde_json::{Map, Value as Json, json};
use sql::select;
use uuid::Uuid;

use crate::{App, AppError, Source, files::FileInfo, snapshot::Snapshot, titles::{self, Titles, Wanted}};

/// Beyond this many an estimated count says "at least".
const ESTIMATE_CAP: u32 = 10_000;
/// Most groups of one answer.
const MAX_GROUPS: u32 = 1_000;

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
    /// Totals in the order asked for.
    pub totals: Vec<Value>,
}

/// Binds a request to an actor.
struct ActorBinder<'a>(&'a Actor, &'a Catalog);

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
    let mut source = Source::Store(&app.store);
    page_from(&mut source, snapshot, actor, gated, locale).await
}

pub(crate) async fn page_from(source: &mut Source<'_>, snapshot: &Snapshot, actor: &Actor, gated: &GatedQuery, locale: &Locale) -> Result<Page, AppError> {
    let catalog = &snapshot.catalog;
    let query = gated.query();
    let lowered = select::list(catalog, source.dialect(), gated);
    let rows = source.fetch(&lowered.statement).await?;
    let more = rows.len() > query.limit as usize;
    let width = query.select.len();
    let mut items = Vec::with_capacity(rows.len());
    let mut last_keys = Vec::new();
    for row in rows.into_iter().take(query.limit as usize) {
        let mut values = lowered.decode(row);
        let keys = values.split_off(width);
        let id = keys.iter().rev().find_map(|key| match key { Value::Id(id) => Some(*id), _ => None });
        items.push(Item { id: id.unwrap_or_default(), values, children: IndexMap::new() });
        last_keys = keys;
    }
    let mut page = Page { columns: query.select.clone(), child_columns: IndexMap::new(), items, titles: Titles::new(), files: HashMap::new(), next: None };
    page.next = more.then(|| query::cursor::encode(&query.sort, &last_keys));
    fill_sides(source, catalog, gated, &query.card.clone(), None, &page.columns.clone(), &mut page.items).await?;
    for child in &query.children {
        add_children(source, catalog, gated, &query.card.clone(), child, &mut page).await?;
    }
    add_titles_and_files(source, catalog, actor, locale, &mut page).await?;
    Ok(page)
}

/// Several values of own fields live in tables of their own: one statement for each such field.
async fn fill_sides(source: &mut Source<'_>, catalog: &Catalog, gated: &GatedQuery, card: &Card, child: Option<&Ident>, columns: &[Selected], items: &mut [Item]) -> Result<(), AppError> {
    let owners: Vec<Uuid> = items.iter().map(|item| item.id).collect();
    if owners.is_empty() {
        return Ok(());
    }
    for (index, column) in columns.iter().enumerate() {
        let Some(field) = column.path.field(catalog).filter(|field| matches!(field.storage, Storage::Side { .. }) && column.path.hops.is_empty()) else { continue };
        if gated.tables().readable(&card.key, child, &field.key) != access::Readable::Always {
            continue;
        }
        let mut found: HashMap<Uuid, Vec<sql::Datum>> = HashMap::new();
        for chunk in owners.chunks(500) {
            let Some(lowered) = select::side(catalog, source.dialect(), card, child, &field.key, chunk) else { continue };
            for row in source.fetch(&lowered.statement).await? {
                if let [sql::Datum::Uuid(owner), value] = row.as_slice() {
                    found.entry(*owner).or_default().push(value.clone());
                }
            }
        }
        for item in items.iter_mut() {
            item.values[index] = sql::encode::side_value(&field.kind, found.remove(&item.id).unwrap_or_default());
        }
    }
    Ok(())
}

async fn add_children(source: &mut Source<'_>, catalog: &Catalog, gated: &GatedQuery, card: &Card, child: &Ident, page: &mut Page) -> Result<(), AppError> {
    let Some(table) = card.children.get(child) else { return Ok(()) };
    let reference = TableRef::child(&card.key, child);
    let readable = |field: &&model::Field| !field.secret && field.live_source().is_none() && field.key != "id" && gated.tables().readable(&card.key, Some(child), &field.key) != access::Readable::Never;
    let columns: Vec<Selected> = table.fields.values().filter(readable).map(|field| Selected { name: field.key.to_string(), path: Path::own(reference.clone(), field.key.clone()) }).collect();
    let paths: Vec<Path> = columns.iter().map(|column| column.path.clone()).collect();
    let owners: Vec<Uuid> = page.items.iter().map(|item| item.id).collect();
    let mut rows: HashMap<Uuid, Vec<Item>> = HashMap::new();
    for chunk in owners.chunks(500) {
        let lowered = select::children(catalog, source.dialect(), gated.tables(), &reference, chunk, &paths);
        for row in source.fetch(&lowered.statement).await? {
            let mut values = lowered.decode(row).into_iter();
            if let (Some(Value::Id(owner)), Some(Value::Id(id))) = (values.next(), values.next()) {
                rows.entry(owner).or_default().push(Item { id, values: values.collect(), children: IndexMap::new() });
            }
        }
    }
    for item in &mut page.items {
        let mut own = rows.remove(&item.id).unwrap_or_default();
        fill_sides(source, catalog, gated, card, Some(child), &columns, &mut own).await?;
        item.children.insert(child.clone(), own);
    }
    page.child_columns.insert(child.clone(), columns);
    Ok(())
}

async fn add_titles_and_files(source: &mut Source<'_>, catalog: &Catalog, actor: &Actor, locale: &Locale, page: &mut Page) -> Result<(), AppError> {
    let mut wanted = Wanted::new();
    let mut files: Vec<Uuid> = Vec::new();
    for item in &page.items {
        collect(catalog, &page.columns, &item.values, &mut wanted, &mut files);
        for (child, rows) in &item.children {
            let Some(columns) = page.child_columns.get(child) else { continue };
            rows.iter().for_each(|row| collect(catalog, columns, &row.values, &mut wanted, &mut files));
        }
    }
    page.titles = titles::fetch(source, catalog, actor, &wanted, locale).await?;
    page.files = crate::files::infos(source, &files).await?;
    Ok(())
}

fn collect(catalog: &Catalog, columns: &[Selected], values: &[Value], wanted: &mut Wanted, files: &mut Vec<Uuid>) {
    for (column, value) in columns.iter().zip(values) {
        let Some(field) = column.path.field(catalog).filter(|field| field.key != "id") else { continue };
        let mut ids: Vec<Uuid> = match value {
            Value::Id(id) => vec![*id],
            Value::Ids(ids) => ids.clone(),
            Value::AnyId { card, id } => {
                wanted.entry(card.clone()).or_default().insert(*id);
                continue;
            }
            _ => continue,
        };
        match &field.kind {
            FieldKind::Link(link) => wanted.entry(link.target.clone()).or_default().extend(ids),
            FieldKind::File(_) => files.append(&mut ids),
            _ => {}
        }
    }
}

/// How many match.
pub async fn count(app: &App, snapshot: &Snapshot, gated: &GatedQuery) -> Result<Option<Counted>, AppError> {
    let cap = match gated.query().count {
        Count::None => return Ok(None),
        Count::Estimate => Some(ESTIMATE_CAP + 1),
        Count::Exact => None,
    };
    let lowered = select::count(&snapshot.catalog, app.store.dialect(), gated, cap);
    let row = app.store.fetch(&lowered.statement).await?.into_iter().next().unwrap_or_default();
    let value = match lowered.decode(row).first() {
        Some(Value::Int(value)) => *value,
        _ => 0,
    };
    let capped = cap.is_some() && value > i64::from(ESTIMATE_CAP);
    Ok(Some(Counted { value: if capped { i64::from(ESTIMATE_CAP) } else { value }, exact: !capped }))
}

/// Totals over all matches, in the order asked for.
pub async fn totals(app: &App, snapshot: &Snapshot, gated: &GatedQuery) -> Result<Vec<Value>, AppError> {
    if gated.query().totals.is_empty() {
        return Ok(Vec::new());
    }
    let lowered = select::totals(&snapshot.catalog, app.store.dialect(), gated);
    let row = app.store.fetch(&lowered.statement).await?.into_iter().next().unwrap_or_default();
    Ok(lowered.decode(row))
}

/// Groups over all matches: of every level, outer ones first, so that subtotals stand before what they are of.
pub async fn groups(app: &App, snapshot: &Snapshot, gated: &GatedQuery) -> Result<Vec<GroupRow>, AppError> {
    let mut all = Vec::new();
    for levels in 1..=gated.query().groups.len() {
        let lowered = select::groups(&snapshot.catalog, app.store.dialect(), gated, levels, MAX_GROUPS);
        for row in app.store.fetch(&lowered.statement).await? {
            let mut values = lowered.decode(row).into_iter();
            let key = values.by_ref().take(levels).collect();
            let count = match values.next() {
                Some(Value::Int(count)) => count,
                _ => 0,
            };
            all.push(GroupRow { key, count, totals: values.collect() });
        }
    }
    Ok(all)
}

/// The answer of the API to a list.
pub async fn answer(app: &App, snapshot: &Snapshot, actor: &Actor, card: &str, request: &ListRequest, locale: &Locale) -> Result<Json, AppError> {
    let gated = ask(snapshot, actor, card, request)?;
    let page = page(app, snapshot, actor, &gated, locale).await?;
    let mut answer = Map::new();
    answer.insert("data".into(), page.items.iter().map(|item| record_json(&snapshot.catalog, &page, item)).collect());
    answer.insert("next".into(), page.next.clone().map_or(Json::Null, Json::String));
    if let Some(counted) = count(app, snapshot, &gated).await? {
        answer.insert("count".into(), json!({"value": counted.value, "exact": counted.exact}));
    }
    let names: Vec<String> = gated.query().totals.iter().map(|total| format!("{}.{}", total.name, total.function.name())).collect();
    if !names.is_empty() {
        let values = totals(app, snapshot, &gated).await?;
        answer.insert("totals".into(), totals_json(snapshot, &gated, &names, &values));
    }
    if !gated.query().groups.is_empty() {
        let rows = groups(app, snapshot, &gated).await?;
        let labels = group_titles(app, snapshot, actor, &gated, &rows, locale).await?;
        let one = |row: &GroupRow| {
            let key: Vec<Json> = row.key.iter().zip(&gated.query().groups).map(|(value, group)| key_json(snapshot, group, value)).collect();
            let label: Vec<String> = row.key.iter().zip(&gated.query().groups).map(|(value, group)| group_label(snapshot, group, value, &labels, locale)).collect();
            json!({"key": key, "label": label, "count": row.count, "totals": totals_json(snapshot, &gated, &names, &row.totals)})
        };
        answer.insert("groups".into(), rows.iter().map(one).collect());
    }
    Ok(Json::Object(answer))
}

fn totals_json(snapshot: &Snapshot, gated: &GatedQuery, names: &[String], values: &[Value]) -> Json {
    let kind = |index: usize| -> FieldKind {
        let total = &gated.query().totals[index];
        let own = total.path.as_ref().and_then(|path| path.field(&snapshot.catalog)).map(|field| field.kind.clone());
        match total.function {
            Aggregate::Count | Aggregate::CountDistinct => FieldKind::Integer { min: None, max: None },
            // An average has digits of its own.
            Aggregate::Avg => FieldKind::Boolean,
            _ => own.unwrap_or(FieldKind::Boolean),
        }
    };
    names.iter().zip(values).enumerate().map(|(index, (name, value))| (name.clone(), types::to_json(&kind(index), value))).collect::<Map<_, _>>().into()
}

fn key_json(snapshot: &Snapshot, group: &query::Group, value: &Value) -> Json {
    let kind = group.path.field(&snapshot.catalog).map(|field| field.kind.clone());
    types::to_json(&kind.filter(|_| group.by.is_none()).unwrap_or(FieldKind::Colour), value)
}

/// Titles of the links that groups are made by.
pub async fn group_titles(app: &App, snapshot: &Snapshot, actor: &Actor, gated: &GatedQuery, rows: &[GroupRow], locale: &Locale) -> Result<Titles, AppError> {
    let mut wanted = Wanted::new();
    for (index, group) in gated.query().groups.iter().enumerate() {
        let Some(FieldKind::Link(link)) = group.path.field(&snapshot.catalog).map(|field| &field.kind) else { continue };
        wanted.entry(link.target.clone()).or_default().extend(rows.iter().filter_map(|row| row.key.get(index)?.as_id()));
    }
    titles::fetch(&mut Source::Store(&app.store), &snapshot.catalog, actor, &wanted, locale).await
}

/// The words on a group.
pub fn group_label(snapshot: &Snapshot, group: &query::Group, value: &Value, titles: &Titles, locale: &Locale) -> String {
    let kind = group.path.field(&snapshot.catalog).map(|field| field.kind.clone());
    match (value, group.by, kind) {
        (Value::Id(id), _, _) => titles.get(id).cloned().unwrap_or_default(),
        (Value::Text(text), Some(_), _) => text.clone(),
        (value, None, Some(kind)) => form::format::text(&kind, value, locale),
        _ => String::new(),
    }
}

/// A record as the API shows it.
pub fn record_json(catalog: &Catalog, page: &Page, item: &Item) -> Json {
    let mut record = Map::new();
    record.insert("id".into(), item.id.to_string().into());
    put_values(catalog, page, &page.columns, &item.values, &mut record);
    for (child, rows) in &item.children {
        let Some(columns) = page.child_columns.get(child) else { continue };
        let one = |row: &Item| {
            let mut map = Map::new();
            map.insert("id".into(), row.id.to_string().into());
            put_values(catalog, page, columns, &row.values, &mut map);
            Json::Object(map)
        };
        record.insert(child.to_string(), rows.iter().map(one).collect());
    }
    Json::Object(record)
}

fn put_values(catalog: &Catalog, page: &Page, columns: &[Selected], values: &[Value], into: &mut Map<String, Json>) {
    for (column, value) in columns.iter().zip(values) {
        let Some(field) = column.path.field(catalog) else { continue };
        if column.path.leaf == "id" {
            into.insert(column.name.clone(), value.as_id().map_or(Json::Null, |id| id.to_string().into()));
        } else {
            into.insert(column.name.clone(), value_json(page, &model::resolve::kind_of(&column.path, field), value));
        }
    }
}

fn value_json(page: &Page, kind: &FieldKind, value: &Value) -> Json {
    let link = |id: &Uuid| json!({"id": id.to_string(), "title": page.titles.get(id)});
    let file = |id: &Uuid| page.files.get(id).map_or(Json::Null, FileInfo::to_json);
    match (kind, value) {
        (FieldKind::Link(_), Value::Id(id)) => link(id),
        (FieldKind::Link(_), Value::Ids(ids)) => ids.iter().map(link).collect(),
        (FieldKind::AnyLink { .. }, Value::AnyId { card, id }) => json!({"card": card, "id": id.to_string(), "title": page.titles.get(id)}),
        (FieldKind::File(_), Value::Id(id)) => file(id),
        (FieldKind::File(_), Value::Ids(ids)) => ids.iter().map(file).collect(),
        (kind, value) => types::to_json(kind, value),
    }
}

/// Whether the actor may see anything of a card, before anything else is said about a request.
pub fn may_see(snapshot: &Snapshot, actor: &Actor, card: &str) -> Result<(), AppError> {
    let card = snapshot.card(card)?;
    access::gate(&snapshot.catalog, actor, card, ActionName::Read)?;
    Ok(())
}

/// Puts whole records in the place of a link: `customer`, or `lines.product` for a link of child rows.
pub async fn expand(app: &App, snapshot: &Snapshot, actor: &Actor, card: &str, name: &str, record: &mut Json, locale: &Locale) -> Result<(), AppError> {
    let card = snapshot.card(card)?;
    let unknown = || AppError::malformed("bad_expand", format!("`{name}` is no link of `{}`", card.key));
    let (child, key) = name.split_once('.').map_or((None, name), |(child, key)| (Some(child), key));
    let table = match child {
        None => &card.table,
        Some(child) => card.children.get(child).ok_or_else(unknown)?,
    };
    let target = match table.fields.get(key).map(|field| &field.kind) {
        Some(FieldKind::Link(link)) => link.target.clone(),
        _ => return Err(unknown()),
    };
    let mut links: Vec<&mut Json> = Vec::new();
    match child {
        None => links.extend(record.get_mut(key)),
        Some(child) => links.extend(record.get_mut(child).and_then(Json::as_array_mut).into_iter().flatten().filter_map(|row| row.get_mut(key))),
    }
    let mut singles: Vec<&mut Json> = Vec::new();
    for link in links {
        match link {
            Json::Array(several) => singles.extend(several.iter_mut()),
            single => singles.push(single),
        }
    }
    let ids: Vec<String> = singles.iter().filter_map(|link| link.get("id")?.as_str().map(str::to_owned)).collect();
    if ids.is_empty() {
        return Ok(());
    }
    let mut whole: HashMap<String, Json> = HashMap::new();
    for chunk in ids.chunks(query::MAX_LIMIT as usize) {
        let request = ListRequest { filter: Some(json!({"field": "id", "op": "any_of", "value": chunk})), limit: Some(query::MAX_LIMIT), ..ListRequest::default() };
        let gated = match ask(snapshot, actor, target.as_str(), &request) {
            Ok(gated) => gated,
            // Of what may not be seen there is nothing to put in.
            Err(AppError::NotFound { .. } | AppError::Forbidden { .. }) => return Ok(()),
            Err(error) => return Err(error),
        };
        let page = page(app, snapshot, actor, &gated, locale).await?;
        whole.extend(page.items.iter().map(|item| (item.id.to_string(), record_json(&snapshot.catalog, &page, item))));
    }
    for link in singles {
        let found = link.get("id").and_then(Json::as_str).and_then(|id| whole.get(id)).cloned();
        if let (Some(Json::Object(mut record)), Some(title)) = (found, link.get("title").cloned()) {
            record.insert("title".into(), title);
            *link = Json::Object(record);
        }
    }
    Ok(())
}

/// Rows that point to a record: records of a card, or child rows of records.
pub struct RelatedRequest<'a> {
    /// Whose rows.
    pub table: &'a TableRef,
    /// How they lead here.
    pub by: &'a Path,
    /// What is wanted of each.
    pub columns: &'a [Path],
    /// What is added up.
    pub totals: &'a [Path],
    /// `-date,no`
    pub sort: Option<&'a str>,
    /// Which of them.
    pub condition: Option<&'a model::Condition>,
    /// The record they point to.
    pub record: Uuid,
    /// Where the page before ended.
    pub after: Option<&'a str>,
}

/// What points to a record.
pub struct RelatedRows {
    /// The rows, with titles and files.
    pub page: Page,
    /// Totals in the order asked for.
    pub totals: Vec<Value>,
    /// How many there are, up to the estimate's cap.
    pub count: Option<i64>,
    owners: HashMap<Uuid, Uuid>,
}

impl RelatedRows {
    /// The record that a row is, or that owns it.
    pub fn owner(&self, item: &Item) -> Option<Uuid> {
        self.owners.get(&item.id).copied()
    }
}

/// Rows of a page of related ones.
const RELATED: u32 = 50;

/// A page of what points to a record, through the same gate as every list.
pub async fn related(app: &App, snapshot: &Snapshot, actor: &Actor, asked: &RelatedRequest<'_>, locale: &Locale) -> Result<RelatedRows, AppError> {
    let catalog = &snapshot.catalog;
    let card = snapshot.card(asked.table.card.as_str())?;
    let points_here = model::Condition::Test(model::Test { path: asked.by.clone(), op: model::Op::Is, operand: model::Operand::One(model::Term::Value(Value::Id(asked.record))) });
    let filter = match asked.condition {
        Some(condition) => points_here.and(bind_for(actor, catalog, &crate::records::with_record_id(condition, card, asked.record))),
        None => points_here,
    };
    let request = ListRequest { sort: asked.sort.map(str::to_owned), cursor: asked.after.map(str::to_owned), limit: Some(RELATED), count: Count::Estimate, fields: Some(Vec::new()), ..ListRequest::default() };
    let gate = access::gate(catalog, actor, card, ActionName::Read)?;
    let readable = |field: &model::Field| gate.readable(None, &field.key) != access::Readable::Never;
    let mut checked = query::check(catalog, card, &request, &ActorBinder(actor, catalog), &readable)?;
    checked.select = asked.columns.iter().map(|path| Selected { name: path.to_string(), path: path.clone() }).collect();
    checked.filter = filter;
    checked.totals = asked.totals.iter().map(|path| query::Total { name: path.to_string(), path: Some(path.clone()), function: Aggregate::Sum }).collect();
    let gated = gate_query(catalog, actor, checked)?;
    if asked.table.child.is_none() {
        let page = page(app, snapshot, actor, &gated, locale).await?;
        let owners = page.items.iter().map(|item| (item.id, item.id)).collect();
        let (totals, count) = (totals(app, snapshot, &gated).await?, count(app, snapshot, &gated).await?.map(|counted| counted.value));
        return Ok(RelatedRows { page, totals, count, owners });
    }
    related_child_rows(app, snapshot, actor, asked, &gated, locale).await
}

async fn related_child_rows(app: &App, snapshot: &Snapshot, actor: &Actor, asked: &RelatedRequest<'_>, gated: &GatedQuery, locale: &Locale) -> Result<RelatedRows, AppError> {
    let catalog = &snapshot.catalog;
    let dialect = app.store.dialect();
    let lowered = sql::related::rows(catalog, dialect, gated, asked.table, RELATED);
    let mut owners = HashMap::new();
    let mut items = Vec::new();
    for row in app.store.fetch(&lowered.statement).await? {
        let mut values = lowered.decode(row).into_iter();
        if let (Some(Value::Id(owner)), Some(Value::Id(id))) = (values.next(), values.next()) {
            owners.insert(id, owner);
            items.push(Item { id, values: values.collect(), children: IndexMap::new() });
        }
    }
    let lowered = sql::related::totals(catalog, dialect, gated, asked.table);
    let row = app.store.fetch(&lowered.statement).await?.into_iter().next().unwrap_or_default();
    let mut totals = lowered.decode(row);
    let count = match totals.first() {
        Some(Value::Int(count)) => Some(*count),
        _ => None,
    };
    totals.drain(..1.min(totals.len()));
    let mut page = Page { columns: gated.query().select.clone(), child_columns: IndexMap::new(), items, titles: Titles::new(), files: HashMap::new(), next: None };
    add_titles_and_files(&mut Source::Store(&app.store), catalog, actor, locale, &mut page).await?;
    Ok(RelatedRows { page, totals, count, owners })
}
