//! What a publish would do, and what it means for the records there are.

use std::{fmt, sync::Arc};

use access::{Actor, Reason};
use chrono::Utc;
use model::{Aggregate, Card, Catalog, Field, Ident, Table, Value, convert as model_convert, places::Places, types};
use pack::{At, Change};
use sql::{Datum, publish, schema, select};

use super::{convert::{self, Tally}, state::State};
use crate::{App, AppError, Source, lists::bind_for};

/// Tables with more rows than this are converted by a job, not inside the publish.
pub(super) const LARGE: u32 = 20_000;
/// Rows read at a time.
const PART: u32 = 2_000;
/// Most values named that are there twice.
const REPEATED: u32 = 10;

/// How closely records are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Depth {
    /// Every value that changes.
    Values,
    /// Only what a publish must know before it begins.
    Sizes,
}

/// What a step means for records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing is lost, nothing is broken.
    Fine,
    /// Records break it, and are asked to mend it when they are changed next.
    Breaks,
    /// It cannot be published.
    Refused,
}

/// One change, with what it means for records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What changes.
    pub change: Change,
    /// What it means.
    pub verdict: Verdict,
    /// In numbers and examples.
    pub note: Option<String>,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = match self.verdict {
            Verdict::Fine => "",
            Verdict::Breaks => "BREAKS ",
            Verdict::Refused => "REFUSED ",
        };
        let note = self.note.as_ref().map(|note| format!(": {note}")).unwrap_or_default();
        write!(f, "{word}{}{note}", self.change)
    }
}

/// Everything a publish would do, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// Changes of definitions.
    pub steps: Vec<Step>,
    /// Statements that change tables.
    pub statements: Vec<String>,
    /// Values of large tables are converted by a job.
    pub by_job: bool,
}

impl Plan {
    /// Why it cannot be published.
    pub fn refusal(&self) -> Option<String> {
        let refused: Vec<String> = self.steps.iter().filter(|step| step.verdict == Verdict::Refused).map(|step| format!("{}: {}", step.change, step.note.as_deref().unwrap_or_default())).collect();
        (!refused.is_empty()).then(|| refused.join("; "))
    }
}

struct Planner<'a> {
    app: &'a App,
    old: Arc<crate::Snapshot>,
    coming: &'a Catalog,
    places: &'a Places,
    existing: schema::Existing,
    depth: Depth,
}

/// Plans a publish. Nothing is changed.
pub(super) async fn make(app: &App, state: &State, coming: &Catalog, depth: Depth) -> Result<Plan, AppError> {
    let places = &known_places(state)?;
    let existing = app.store.existing().await?;
    let mut settled = coming.clone();
    with_new_places(places, coming)?.settle(&mut settled);
    let steps = schema::plan(&existing, &schema::desired(&settled), app.store.dialect());
    let fillings = convert::fillings(places, coming)?;
    let old = Arc::new(crate::Snapshot::new(state.catalog()?));
    let planner = Planner { app, old, coming: &settled, places, existing, depth };
    let mut plan = Plan { steps: Vec::new(), statements: steps.grow.into_iter().chain(steps.finish).collect(), by_job: false };
    for change in pack::diff(&planner.old.catalog, coming, places) {
        let (verdict, note) = planner.judge(&change).await?;
        plan.steps.push(Step { change, verdict, note });
    }
    for filling in &fillings {
        plan.by_job |= planner.rows(&filling.table).await? > i64::from(LARGE);
    }
    Ok(plan)
}

/// Places written down, and those that fields of today's definitions have without ever having been.
pub(super) fn known_places(state: &State) -> Result<Places, AppError> {
    let mut places = state.places.clone();
    let today = state.catalog()?;
    for (key, place) in first_places(&places, &today) {
        places.0.entry(key).or_default().push(place);
    }
    Ok(places)
}

/// The first places of fields that have none yet.
pub(super) fn first_places(places: &Places, catalog: &Catalog) -> Vec<((String, String), model::places::Place)> {
    let first = |(table, field): (&Table, &Field)| {
        let name = model::places::first_name(field)?;
        let shape = model_convert::shape(catalog, &field.kind);
        Some(((table.physical.clone(), field.id.to_string()), model::places::Place { n: 1, shape, name, state: model::places::PlaceState::Live }))
    };
    places.missing(catalog).filter_map(first).collect()
}

/// With the places that changed fields are going to have.
pub(super) fn with_new_places(places: &Places, coming: &Catalog) -> Result<Places, AppError> {
    let mut all = places.clone();
    for (table, field, _) in places.changed(coming) {
        if places.filling(&table.physical, &field.id).is_some() {
            continue;
        }
        let (n, name) = places.next(&table.physical, field);
        let place = model::places::Place { n, shape: model_convert::shape(coming, &field.kind), name, state: model::places::PlaceState::Live };
        all.0.entry((table.physical.clone(), field.id.to_string())).or_default().push(place);
    }
    Ok(all)
}

type Judged = (Verdict, Option<String>);

fn count_of(count: i64, one: &str, many: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{count} {many}") }
}

impl Planner<'_> {
    async fn number(&self, statement: &sql::Statement) -> Result<i64, AppError> {
        match self.app.store.fetch(statement).await?.first().and_then(|row| row.first()) {
            Some(Datum::Integer(number)) => Ok(*number),
            _ => Ok(0),
        }
    }
    async fn rows(&self, table: &str) -> Result<i64, AppError> {
        if !self.existing.tables.contains_key(table) {
            return Ok(0);
        }
        self.number(&publish::count_rows(self.app.store.dialect(), table, LARGE + 1)).await
    }
    fn find(&self, at: &At) -> Option<(&Card, &Table, &Field)> {
        let card = self.coming.card(&at.card)?;
        let table = card.table_of(at.child.as_ref())?;
        Some((card, table, table.field(&at.field)?))
    }
    /// A field as its values lie there now; nothing if there are none.
    fn present(&self, table: &Table, field: &Field) -> Result<Option<Field>, AppError> {
        let Some(columns) = self.existing.tables.get(&table.physical) else { return Ok(None) };
        let Some(place) = self.places.live(&table.physical, &field.id) else { return Ok(None) };
        let found = convert::field_in(self.coming, field, &place.shape, &place.name)?;
        let is_there = match &found.storage {
            model::Storage::Side { table } => self.existing.tables.contains_key(table),
            _ => columns.contains_key(&place.name),
        };
        Ok(is_there.then_some(found))
    }

    async fn judge(&self, change: &Change) -> Result<Judged, AppError> {
        match change {
            Change::Retyped { at, .. } => self.conversion(at).await,
            Change::Settings { at } if self.depth == Depth::Values => self.settings(at).await,
            Change::Required { at } if self.depth == Depth::Values => self.required(at).await,
            Change::Unique { card, child, fields } => self.unique(card, child.as_ref(), fields).await,
            Change::Rule { card, id } if self.depth == Depth::Values => self.rule(card, id).await,
            _ => Ok((Verdict::Fine, None)),
        }
    }

    /// Every value of a field, a part at a time.
    async fn each_value(&self, table: &Table, field: &Field, mut look: impl FnMut(&Value)) -> Result<(), AppError> {
        let mut after = None;
        loop {
            let part = convert::read_part(&mut Source::App(self.app), &table.physical, &[field], after, PART, false).await?;
            part.iter().for_each(|(_, values)| look(&values[0]));
            match part.last() {
                Some((last, _)) if part.len() == PART as usize => after = Some(*last),
                _ => return Ok(()),
            }
        }
    }

    async fn conversion(&self, at: &At) -> Result<Judged, AppError> {
        let Some((_, table, field)) = self.find(at) else { return Ok((Verdict::Fine, None)) };
        let Some(present) = self.present(table, field)? else { return Ok((Verdict::Fine, None)) };
        if self.depth == Depth::Sizes {
            return Ok((Verdict::Fine, None));
        }
        let (mut count, mut tally) = (0, Tally::default());
        self.each_value(table, &present, |value| {
            count += i64::from(!value.is_empty());
            if model_convert::convert(&present.kind, &field.kind, value).is_err() {
                tally.note(&at.to_string(), || convert::shown(&present.kind, value));
            }
        })
        .await?;
        let values = count_of(count, "value", "values");
        Ok(match tally.list().pop() {
            None => (Verdict::Fine, Some(values)),
            Some(lost) => (Verdict::Breaks, Some(format!("{values}; {} not convert and stay in the old place: {}", count_of(lost.count.cast_signed(), "does", "do"), quoted(&lost.examples)))),
        })
    }

    async fn settings(&self, at: &At) -> Result<Judged, AppError> {
        let Some((_, table, field)) = self.find(at) else { return Ok((Verdict::Fine, None)) };
        let Some(present) = self.present(table, field)? else { return Ok((Verdict::Fine, None)) };
        let mut tally = Tally::default();
        self.each_value(table, &present, |value| {
            if !types::check(&field.kind, value).is_empty() {
                tally.note(&at.to_string(), || convert::shown(&present.kind, value));
            }
        })
        .await?;
        Ok(match tally.list().pop() {
            None => (Verdict::Fine, None),
            Some(lost) => (Verdict::Breaks, Some(format!("{} not fit: {}", count_of(lost.count.cast_signed(), "value does", "values do"), quoted(&lost.examples)))),
        })
    }

    async fn required(&self, at: &At) -> Result<Judged, AppError> {
        let Some((_, table, field)) = self.find(at) else { return Ok((Verdict::Fine, None)) };
        if !self.existing.tables.contains_key(&table.physical) {
            return Ok((Verdict::Fine, None));
        }
        let count = match self.present(table, field)?.and_then(|present| publish::count_empty(self.app.store.dialect(), table, &present)) {
            Some(statement) => self.number(&statement).await?,
            None => self.rows(&table.physical).await?,
        };
        Ok(if count == 0 { (Verdict::Fine, None) } else { (Verdict::Breaks, Some(count_of(count, "record has nothing in it", "records have nothing in it"))) })
    }

    async fn unique(&self, card: &Ident, child: Option<&Ident>, keys: &[Ident]) -> Result<Judged, AppError> {
        let Some(table) = self.coming.card(card).and_then(|card| card.table_of(child)) else { return Ok((Verdict::Fine, None)) };
        let mut present = Vec::new();
        for key in keys {
            let Some(field) = table.field(key) else { continue };
            match self.present(table, field)? {
                // Converted values are looked at once they are converted.
                Some(found) if model_convert::shape(self.coming, &found.kind) == model_convert::shape(self.coming, &field.kind) => present.push(found),
                _ => return Ok((Verdict::Fine, None)),
            }
        }
        let Some(statement) = publish::repeated(self.app.store.dialect(), table, &present.iter().collect::<Vec<_>>(), REPEATED) else { return Ok((Verdict::Fine, None)) };
        let rows = self.app.store.fetch(&statement).await?;
        Ok(if rows.is_empty() { (Verdict::Fine, None) } else { (Verdict::Refused, Some(twice(&present.iter().collect::<Vec<_>>(), rows))) })
    }

    /// Only rules over values that are there already; what is new is empty everywhere.
    async fn rule(&self, card: &Ident, id: &Ident) -> Result<Judged, AppError> {
        let Some(card) = self.coming.card(card) else { return Ok((Verdict::Fine, None)) };
        let Some(rule) = card.rules.iter().find(|rule| rule.id == *id) else { return Ok((Verdict::Fine, None)) };
        let mut is_there = self.existing.tables.contains_key(&card.table.physical);
        rule.when.each_path(&mut |path| {
            let column = path.field(self.coming).and_then(Field::column).map(str::to_owned);
            is_there &= column.is_none_or(|column| self.existing.tables.values().any(|columns| columns.contains_key(&column)));
        });
        if !is_there {
            return Ok((Verdict::Fine, None));
        }
        let system = Actor::system(Reason::Integrity, Utc::now());
        let bound = bind_for(&system, self.coming, &rule.when);
        let lowered = select::aggregate_rows(self.coming, self.app.store.dialect(), &card.table.reference(), None, Aggregate::Count, &bound, sql::builder::Sums::Plain);
        let row = self.app.store.fetch(&lowered.statement).await?.into_iter().next().unwrap_or_default();
        Ok(match lowered.decode(row).first() {
            Some(Value::Int(count)) if *count > 0 => (Verdict::Breaks, Some(count_of(*count, "record breaks it", "records break it"))),
            _ => (Verdict::Fine, None),
        })
    }
}

fn quoted(texts: &[String]) -> String {
    texts.iter().map(|text| format!("“{text}”")).collect::<Vec<_>>().join(", ")
}

/// Which values are there more than once.
pub(super) fn twice(fields: &[&Field], rows: Vec<Vec<Datum>>) -> String {
    let one = |mut row: Vec<Datum>| {
        let count = match row.pop() {
            Some(Datum::Integer(count)) => count,
            _ => 2,
        };
        let values: Vec<String> = fields.iter().zip(publish::values(fields, row)).map(|(field, value)| convert::shown(&field.kind, &value)).collect();
        format!("“{}” {count} times", values.join(" · "))
    };
    rows.into_iter().map(one).collect::<Vec<_>>().join(", ")
}
