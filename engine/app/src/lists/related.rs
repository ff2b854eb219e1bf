//! Rows that point to a record: records of a card, or child rows of records.

use super::*;

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
    /// Its card.
    pub of: &'a Card,
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

/// The question of what points to a record, past the gate.
async fn ask(app: &App, snapshot: &Snapshot, actor: &Actor, asked: &RelatedRequest<'_>) -> Result<GatedQuery, AppError> {
    let catalog = &snapshot.catalog;
    let card = snapshot.card(asked.table.card.as_str())?;
    let points_here = model::Condition::Test(model::Test { path: asked.by.clone(), op: model::Op::Is, operand: model::Operand::One(model::Term::Value(Value::Id(asked.record))) });
    let filter = match asked.condition {
        Some(condition) => points_here.and(bind_for(actor, catalog, &crate::records::seen_from(&mut Source::App(app), snapshot, actor, asked.of, asked.record, condition).await?)),
        None => points_here,
    };
    // Child rows have an order of their own.
    let (own, of_rows) = if asked.table.child.is_none() { (asked.sort, None) } else { (None, asked.sort) };
    let request = ListRequest { sort: own.map(str::to_owned), cursor: asked.after.map(str::to_owned), limit: Some(RELATED), count: Count::Estimate, fields: Some(Vec::new()), ..ListRequest::default() };
    let gate = access::gate(catalog, actor, card, ActionName::Read)?;
    let readable = |field: &model::Field| gate.readable(None, &field.key) != access::Readable::Never;
    let mut checked = query::check(catalog, card, &request, &ActorBinder(actor, catalog), &readable)?;
    checked.select = asked.columns.iter().map(|path| Selected { name: path.to_string(), path: path.clone() }).collect();
    checked.filter = filter;
    for name in of_rows.into_iter().flat_map(|sort| sort.split(',')) {
        let name = name.trim();
        let (name, descending) = name.strip_prefix('-').map_or((name, false), |name| (name, true));
        if let Ok(path) = model::path::resolve(catalog, asked.table, name) {
            checked.sort.push(query::Sort { path, descending });
        }
    }
    checked.totals = asked.totals.iter().map(|path| query::Total { name: path.to_string(), path: Some(path.clone()), function: Aggregate::Sum }).collect();
    Ok(gate_query(catalog, actor, checked)?)
}

/// How many rows point to a record.
pub async fn related_count(app: &App, snapshot: &Snapshot, actor: &Actor, asked: &RelatedRequest<'_>) -> Result<Counted, AppError> {
    let gated = ask(app, snapshot, actor, asked).await?;
    if asked.table.child.is_none() {
        return Ok(count(app, snapshot, &gated).await?.unwrap_or(Counted { value: 0, exact: true }));
    }
    let dialect = app.store.dialect();
    let (lowered, rows) = Source::App(app).fetch_sums(|sums| sql::related::totals(&snapshot.catalog, dialect, &gated, asked.table, sums)).await?;
    match lowered.decode(rows.into_iter().next().unwrap_or_default()).first() {
        Some(Value::Int(value)) => Ok(Counted { value: *value, exact: true }),
        _ => Ok(Counted { value: 0, exact: true }),
    }
}

/// A page of what points to a record, through the same gate as every list.
pub async fn related(app: &App, snapshot: &Snapshot, actor: &Actor, asked: &RelatedRequest<'_>, locale: &Locale) -> Result<RelatedRows, AppError> {
    let gated = ask(app, snapshot, actor, asked).await?;
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
    let (lowered, rows) = Source::App(app).fetch_sums(|sums| sql::related::totals(catalog, dialect, gated, asked.table, sums)).await?;
    let mut totals = lowered.decode(rows.into_iter().next().unwrap_or_default());
    let count = match totals.first() {
        Some(Value::Int(count)) => Some(*count),
        _ => None,
    };
    totals.drain(..1.min(totals.len()));
    let mut page = Page { columns: gated.query().select.clone(), child_columns: IndexMap::new(), items, titles: Titles::new(), files: HashMap::new(), next: None };
    add_titles_and_files(&mut Source::App(app), catalog, actor, locale, &mut page).await?;
    Ok(RelatedRows { page, totals, count, owners })
}
