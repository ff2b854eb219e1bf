//! Indexes that lists of a card will want, read off its views and off the panels that show its records elsewhere: what
//! they are narrowed to, then how they are sorted.
//! What people ask beyond that has a [`Shape`], by which slow lists are noticed and indexes proposed.

use access::GatedQuery;
use model::{Aggregate, Card, Catalog, Condition, Field, FieldKind, Filter, Ident, Op, Panel, PanelContent, Path, RowSource, SectionContent, Source, TabContent, Table, TableRef};

use crate::{Dialect, schema};

/// Most indexes made for the views of one card: each has to be kept with every change.
const MAX: usize = 6;

/// Columns of one index after the other.
pub(crate) fn of_views(card: &Card) -> Vec<Vec<String>> {
    let mut found: Vec<Vec<String>> = Vec::new();
    for view in &card.views {
        let narrowed: Vec<String> = view.filter.as_ref().map(|filter| equalities(card, filter)).unwrap_or_default();
        let Some(sorted) = sort_columns(card, view.sort.as_deref()) else { continue };
        if narrowed.is_empty() && view.sort.is_none() {
            continue; // Newest first, which every card has an index for.
        }
        let columns = joined(narrowed, sorted);
        if !found.contains(&columns) {
            found.push(columns);
        }
    }
    found.truncate(MAX);
    found
}

/// The same for panels: what points to one record, in the panel's order.
pub(crate) fn of_panels(catalog: &Catalog, card: &Card) -> Vec<Vec<String>> {
    let panels = catalog.cards.values().flat_map(|other| &other.tabs).flat_map(|tab| match &tab.content {
        TabContent::Panel(panel) => vec![panel],
        TabContent::Sections(sections) => sections.iter().filter_map(|section| match &section.content {
            SectionContent::Panel(panel) => Some(panel),
            SectionContent::Fields(_) => None,
        }).collect(),
    });
    let wanted = panels.filter_map(|Panel { content, .. }| match content {
        PanelContent::Related { table, by, sort: Some(sort), .. } if table.card == card.key && table.child.is_none() && by.hops.is_empty() => {
            Some(joined(vec![own_column(card, by.leaf.as_str(), false)?], sort_columns(card, Some(sort))?))
        }
        _ => None,
    });
    wanted.fold(Vec::new(), |mut all, columns| {
        if !all.contains(&columns) && all.len() < MAX {
            all.push(columns);
        }
        all
    })
}

/// And for what is aggregated elsewhere: the smallest and largest, different values, the first and last of what points
/// to one record are found without reading all of it.
pub(crate) fn of_rollups(catalog: &Catalog, table: &Table) -> Vec<Vec<String>> {
    let fields = catalog.cards.values().flat_map(|card| std::iter::once(&card.table).chain(card.children.values())).flat_map(Table::own_fields);
    let rollups = fields.filter_map(|field| match &field.source {
        Source::Rollup(rollup) => Some(rollup),
        _ => None,
    });
    let wanted = rollups.filter_map(|rollup| {
        let RowSource::Pointing { table: rows, by } = &rollup.rows else { return None };
        let link = table.field(&by.leaf).filter(|_| *rows == table.reference() && by.hops.is_empty())?.column()?.to_owned();
        match rollup.function {
            Aggregate::Min | Aggregate::Max | Aggregate::CountDistinct => {
                let of = rollup.field.as_ref().filter(|path| path.hops.is_empty() && path.part.is_none())?;
                Some(vec![link, table.field(&of.leaf)?.column()?.to_owned()])
            }
            Aggregate::First | Aggregate::Last | Aggregate::Concat if table.child.is_none() => Some(vec![link, "created_at".into(), "id".into()]),
            _ => None,
        }
    });
    wanted.fold(Vec::new(), |mut all, columns| {
        if !all.contains(&columns) && all.len() < MAX {
            all.push(columns);
        }
        all
    })
}

/// Narrowing columns, then those of the order, then the id; each once.
fn joined(narrowed: Vec<String>, sorted: Vec<String>) -> Vec<String> {
    narrowed.into_iter().chain(sorted).chain(["id".to_owned()]).fold(Vec::new(), |mut all, column| {
        if !all.contains(&column) {
            all.push(column);
        }
        all
    })
}

/// The columns a list is sorted by, if one walk through an index gives that order.
pub(crate) fn sort_columns(card: &Card, sort: Option<&str>) -> Option<Vec<String>> {
    let keys: Vec<&str> = sort.unwrap_or("-created_at").split(',').map(str::trim).filter(|key| !key.is_empty()).collect();
    let down = keys.first()?.starts_with('-');
    keys.iter().map(|key| (key.starts_with('-') == down).then(|| own_column(card, key.trim_start_matches('-'), true)).flatten()).collect()
}

/// The columns that a filter holds to one value each.
pub(crate) fn equalities(card: &Card, filter: &Filter) -> Vec<String> {
    match filter {
        Filter::All(parts) => parts.iter().flat_map(|part| equalities(card, part)).collect(),
        Filter::Test { field, op: Op::Is, .. } => own_column(card, field, false).into_iter().collect(),
        Filter::Test { .. } | Filter::Any(_) | Filter::Not(_) | Filter::Related { .. } => Vec::new(),
    }
}

fn own_column(card: &Card, key: &str, to_sort: bool) -> Option<String> {
    let field: &Field = card.field(key)?;
    let fits = match &field.kind {
        // Links are sorted by the titles of what they point to.
        FieldKind::Link(_) => !to_sort,
        FieldKind::AnyLink { .. } | FieldKind::Address | FieldKind::Geo | FieldKind::Json { .. } | FieldKind::RichText | FieldKind::File(_) | FieldKind::Formula { .. } => false,
        FieldKind::Text(text) => text.flavour != model::TextFlavour::LongText,
        FieldKind::Integer { .. } | FieldKind::Decimal(_) | FieldKind::Rating { .. } | FieldKind::Boolean | FieldKind::Date | FieldKind::Time | FieldKind::Datetime
        | FieldKind::Duration | FieldKind::Choice { .. } | FieldKind::Colour => true,
    };
    fits.then(|| field.column().map(str::to_owned)).flatten()
}

/// Most columns that an index narrows by before it sorts.
const MAX_NARROWED: usize = 2;

/// How a list was narrowed and sorted, without by which values.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Shape {
    /// The card.
    pub card: Ident,
    /// Columns held to one value each, or to a few.
    pub narrowed: Vec<String>,
    /// Columns of the order that one index can give, the id at the end left out; empty where none can.
    pub sorted: Vec<String>,
}

impl Shape {
    /// What an index could help a question with; `None` where none can.
    pub fn of(gated: &GatedQuery) -> Option<Self> {
        let query = gated.query();
        let own = |path: &Path| path.hops.is_empty() && path.part.is_none() && path.start == TableRef::card(&query.card.key);
        let mut narrowed = Vec::new();
        narrowing(&query.filter, &mut |path| {
            let column = own(path).then(|| own_column(&query.card, path.leaf.as_str(), false)).flatten();
            narrowed.extend(column.filter(|column| !narrowed.contains(column)));
        });
        narrowed.truncate(MAX_NARROWED);
        let same_way = query.sort.windows(2).all(|pair| pair[0].descending == pair[1].descending);
        let keys = query.sort.iter().filter(|sort| sort.path.leaf != "id" || !sort.path.hops.is_empty());
        let sorted: Option<Vec<String>> = keys.map(|sort| own(&sort.path).then(|| own_column(&query.card, sort.path.leaf.as_str(), true)).flatten()).collect();
        let sorted = sorted.filter(|_| same_way).unwrap_or_default();
        (!narrowed.is_empty() || !sorted.is_empty()).then(|| Self { card: query.card.key.clone(), narrowed, sorted })
    }

    /// The columns of the index that would help.
    pub fn columns(&self) -> Vec<String> {
        joined(self.narrowed.clone(), self.sorted.clone())
    }

    /// That index's name.
    pub fn name(&self, card: &Card) -> String {
        schema::index_name(&card.table.physical, &self.columns())
    }

    /// The statement that makes it, outside of a transaction on PostgreSQL, where nobody waits for it.
    pub fn statement(&self, card: &Card, dialect: Dialect) -> String {
        let concurrently = if dialect == Dialect::Postgres { "CONCURRENTLY " } else { "" };
        format!("CREATE INDEX {concurrently}IF NOT EXISTS {} ON {} ({})", self.name(card), card.table.physical, self.columns().join(", "))
    }
}

/// The paths that hold in every record found, to one value or a few.
fn narrowing(condition: &Condition, found: &mut dyn FnMut(&Path)) {
    match condition {
        Condition::All(parts) => parts.iter().for_each(|part| narrowing(part, found)),
        Condition::Test(test) if matches!(test.op, Op::Is | Op::AnyOf) => found(&test.path),
        Condition::Test(_) | Condition::Any(_) | Condition::Not(_) | Condition::Related(_) | Condition::Unknown => {}
    }
}
