//! Questions that were asked before: past the gate, and as SQL, already.
//!
//! **Invariants**
//! - A kept plan is one person's, at one state of definitions and rights, and of a question for which nobody asked what
//!   time it is: whatever went into it is the same now. Where the person is only presumed to be as remembered, so is that
//!   state, and the statement that answers confirms it.
//! - What the system asks for a person, without their rights, is never kept as theirs.
//!
//! **Not here:** what is remembered of people (`remembered`).

use std::sync::{Arc, Mutex};

use super::*;

/// Stands for the record in the plan of a question about one record.
const MARKER: Uuid = Uuid::from_u128(0x3f0c_9d5e_71a2_4b68_8e14_c0a7_52d9_6b33);
/// Most plans that are kept, and the longest question that is.
const MOST_KEPT: usize = 1_000;
const LONGEST: usize = 2_000;

/// A question past the gate, with its statements.
pub(crate) struct Plan<'g> {
    pub gated: Cow<'g, GatedQuery>,
    own: select::Lowered,
    children: Vec<Child>,
    about: Option<Uuid>,
}

/// A child table that is read with its records.
struct Child {
    key: Ident,
    columns: Vec<Selected>,
    paths: Vec<Path>,
    /// Of the one record that is asked about.
    lowered: Option<select::Lowered>,
}

impl<'g> Plan<'g> {
    /// Writes the statements. `about` is the one record that is asked about, or what stands for it.
    pub fn of(catalog: &Catalog, dialect: sql::Dialect, gated: Cow<'g, GatedQuery>, about: Option<Uuid>) -> Self {
        let child = |key: &Ident| {
            let columns = gated.child_columns(catalog, key);
            let paths: Vec<Path> = columns.iter().map(|column| column.path.clone()).collect();
            let lowered = about.map(|id| lower_children(catalog, dialect, &gated, key, &[id], &paths));
            Child { key: key.clone(), columns, paths, lowered }
        };
        Self { own: sql::page::list(catalog, dialect, &gated), children: gated.query().children.iter().map(child).collect(), gated, about }
    }

    fn statement<'s>(&self, lowered: &'s select::Lowered, id: Option<Uuid>) -> Cow<'s, sql::Statement> {
        match (self.about, id) {
            (Some(about), Some(id)) if about != id => Cow::Owned(lowered.about(about, id)),
            _ => Cow::Borrowed(&lowered.statement),
        }
    }

    /// The records and what stands in the same statement.
    pub async fn rows(&self, source: &mut Source<'_>, catalog: &Catalog, actor: &Actor, id: Option<Uuid>, locale: &Locale) -> Result<Page, AppError> {
        let mut rows = source.fetch(&self.statement(&self.own, id)).await?;
        confirm(source, actor, rows.first()).await?;
        if let Some(rest) = sql::page::rest(catalog, source.dialect(), &self.gated, rows.len()).filter(|_| id.is_none()) {
            rows.extend(source.fetch(&rest.statement).await?);
        }
        Ok(bare(catalog, &self.gated, &self.own, rows, locale))
    }

    /// The rows of child tables, in their places.
    pub async fn add_children(&self, source: &mut Source<'_>, catalog: &Catalog, id: Option<Uuid>, locale: &Locale, page: &mut Page) -> Result<(), AppError> {
        if page.items.is_empty() {
            return Ok(());
        }
        for child in &self.children {
            let owners: Vec<Uuid> = page.items.iter().map(|item| item.id).collect();
            let mut found = Rows::default();
            match &child.lowered {
                Some(lowered) => {
                    let rows = source.fetch(&self.statement(lowered, id)).await?;
                    self.read(catalog, child, lowered, rows, locale, (&mut found, &mut page.titles));
                }
                None => {
                    for chunk in owners.chunks(500) {
                        let lowered = lower_children(catalog, source.dialect(), &self.gated, &child.key, chunk, &child.paths);
                        let rows = source.fetch(&lowered.statement).await?;
                        self.read(catalog, child, &lowered, rows, locale, (&mut found, &mut page.titles));
                    }
                }
            }
            let Rows { owners, mut rows } = found;
            fill_sides(source, catalog, &self.gated, &self.gated.query().card, Some(&child.key), &child.columns, (&owners, &mut rows)).await?;
            let mut by_owner: HashMap<Uuid, Vec<Item>> = HashMap::new();
            for (owner, row) in owners.into_iter().zip(rows) {
                by_owner.entry(owner).or_default().push(row);
            }
            for item in &mut page.items {
                item.children.insert(child.key.clone(), by_owner.remove(&item.id).unwrap_or_default());
            }
            page.child_columns.insert(child.key.clone(), child.columns.clone());
        }
        Ok(())
    }

    fn read(&self, catalog: &Catalog, child: &Child, lowered: &select::Lowered, rows: Vec<Vec<sql::Datum>>, locale: &Locale, (found, titles): (&mut Rows, &mut Titles)) {
        for row in rows {
            let mut values = lowered.decode(row).into_iter();
            if let (Some(Value::Id(owner)), Some(Value::Id(id))) = (values.next(), values.next()) {
                let own: Vec<Value> = values.by_ref().take(child.paths.len()).collect();
                titles::read_along(catalog, self.gated.titles(Some(&child.key)), &own, values, locale, titles);
                found.rows.push(Item { id, values: own, children: IndexMap::new() });
                found.owners.push(owner);
            }
        }
    }
}

/// Child rows with the record of each.
#[derive(Default)]
struct Rows {
    owners: Vec<Uuid>,
    rows: Vec<Item>,
}

fn lower_children(catalog: &Catalog, dialect: sql::Dialect, gated: &GatedQuery, child: &Ident, owners: &[Uuid], paths: &[Path]) -> select::Lowered {
    select::children(catalog, dialect, gated.tables(), &TableRef::child(&gated.query().card.key, child), owners, paths, gated.titles(Some(child)))
}

/// Plans of people who are remembered.
#[derive(Default)]
pub(crate) struct Plans(Mutex<Kept>);

/// By person and question, with what the person was read as when the plan was made.
type Kept = HashMap<(Uuid, String), (As, Arc<Plan<'static>>)>;

/// The state of definitions and rights at which somebody was read, and the moment as of which records are shared with them.
type As = (i64, Option<chrono::DateTime<chrono::Utc>>);

impl Plans {
    fn get(&self, known: As, key: &(Uuid, String)) -> Option<Arc<Plan<'static>>> {
        let kept = self.0.lock().ok()?;
        kept.get(key).filter(|(at, _)| *at == known).map(|(_, plan)| plan.clone())
    }

    fn put(&self, known: As, key: (Uuid, String), plan: Arc<Plan<'static>>) {
        let Ok(mut kept) = self.0.lock() else { return };
        if kept.len() >= MOST_KEPT {
            kept.clear();
        }
        kept.insert(key, (known, plan));
    }
}

/// The plan of a question, made by `ask` if it was not asked before.
fn kept(app: &App, snapshot: &Snapshot, actor: &Actor, about: Option<Uuid>, key: impl Fn() -> String, ask: impl Fn() -> Result<GatedQuery, AppError>) -> Result<Arc<Plan<'static>>, AppError> {
    let make = || Ok::<_, AppError>(Arc::new(Plan::of(&snapshot.catalog, app.store.dialect(), Cow::Owned(ask()?), about)));
    let (Some(user), Some(since), false) = (actor.user, actor.known_since, actor.is_unbounded_system()) else { return make() };
    let (key, known) = ((user, key()), (since, actor.shared_at));
    if let Some(plan) = app.plans.get(known, &key) {
        return Ok(plan);
    }
    let plan = make()?;
    if !actor.asked_time() && key.1.len() <= LONGEST {
        app.plans.put(known, key, plan.clone());
    }
    Ok(plan)
}

/// The plan of a list.
pub(super) fn of_list(app: &App, snapshot: &Snapshot, actor: &Actor, card: &str, request: &ListRequest) -> Result<Arc<Plan<'static>>, AppError> {
    kept(app, snapshot, actor, None, || format!("{card} {request:?}"), || ask(snapshot, actor, card, request))
}

/// The plan of one record with its child rows.
fn of_record(app: &App, snapshot: &Snapshot, actor: &Actor, card: &str, trash: query::Trash) -> Result<Arc<Plan<'static>>, AppError> {
    let ask = || {
        let request = ListRequest { filter: Some(json!({"field": "id", "op": "is", "value": MARKER.to_string()})), limit: Some(1), trash, ..ListRequest::default() };
        let children: Vec<Ident> = snapshot.card(card)?.children.keys().cloned().collect();
        Ok(ask(snapshot, actor, card, &request)?.with_children(children).with_titles(&snapshot.catalog, actor))
    };
    kept(app, snapshot, actor, Some(MARKER), || format!("{card} {trash:?}"), ask)
}

/// One record with its child rows; a page without any, if there is none.
pub(crate) async fn record(app: &App, snapshot: &Snapshot, actor: &Actor, card: &str, (id, trash): (Uuid, query::Trash), locale: &Locale) -> Result<Page, AppError> {
    let plan = of_record(app, snapshot, actor, card, trash)?;
    planned(&mut Source::App(app), snapshot, actor, &plan, Some(id), locale).await
}
