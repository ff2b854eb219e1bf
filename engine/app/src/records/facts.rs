//! What rules and formulas may ask of a draft: its own values, its rows, and what was fetched of linked records.
//!
//! **Invariants**
//! - `needs` names everything that evaluation will ask, so that it is fetched with one statement per target card.
//!
//! **Not here:** running those statements (`fetch`).

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Datelike, Days, Months, NaiveDate, Utc};
use chrono_tz::Tz;
use indexmap::{IndexMap, IndexSet};
use model::{
    Card, Catalog, Condition, FieldKind, Hop, Ident, Operand, Path, Period, Record, Related, Source, SpanUnit, TableRef, Term, Value, Values, Variable,
    eval::{Facts, Place},
    record::value_of,
};
use uuid::Uuid;

/// Who asks, when and where: what `@me`, `@today` and the like stand for.
#[derive(Debug, Clone)]
pub struct Moment {
    /// The user.
    pub me: Option<Uuid>,
    /// `@me.NAME`.
    pub bound: IndexMap<Ident, Value>,
    /// Now.
    pub now: DateTime<Utc>,
    /// The actor's zone.
    pub zone: Tz,
}

impl Moment {
    /// Today, in the actor's zone.
    pub fn today(&self) -> NaiveDate {
        self.now.with_timezone(&self.zone).date_naive()
    }

    /// What a variable stands for, if it is one of who, when and where.
    pub fn variable(&self, variable: &Variable) -> Option<Value> {
        match variable {
            Variable::Me => self.me.map(Value::Id),
            Variable::Bound(name) => self.bound.get(name).filter(|value| !value.is_empty()).cloned(),
            Variable::Today => Some(Value::Date(self.today())),
            Variable::Now => Some(Value::Instant(self.now)),
            Variable::Record(_) | Variable::Row(_) | Variable::Param(_) => None,
        }
    }

    /// First and last day of a period.
    pub fn days(&self, period: Period) -> (NaiveDate, NaiveDate) {
        let today = self.today();
        match period {
            Period::Today => (today, today),
            Period::Yesterday => (today - Days::new(1), today - Days::new(1)),
            Period::Tomorrow => (today + Days::new(1), today + Days::new(1)),
            Period::Span { unit, offset } => {
                let from = shift(start_of(today, unit), unit, offset);
                (from, shift(from, unit, 1) - Days::new(1))
            }
            Period::Rolling { unit, count, forward: true } => (today, shift(today, unit, count as i32) - Days::new(1)),
            Period::Rolling { unit, count, forward: false } => (shift(today, unit, -(count as i32)) + Days::new(1), today),
        }
    }
}

fn start_of(day: NaiveDate, unit: SpanUnit) -> NaiveDate {
    let month = |month: u32| NaiveDate::from_ymd_opt(day.year(), month, 1).unwrap_or(day);
    match unit {
        SpanUnit::Day => day,
        SpanUnit::Week => day - Days::new(u64::from(day.weekday().num_days_from_monday())),
        SpanUnit::Month => month(day.month()),
        SpanUnit::Quarter => month((day.month() - 1) / 3 * 3 + 1),
        SpanUnit::Year => month(1),
    }
}

fn shift(day: NaiveDate, unit: SpanUnit, count: i32) -> NaiveDate {
    let months = |each: u32| {
        let span = Months::new(count.unsigned_abs().saturating_mul(each));
        if count < 0 { day.checked_sub_months(span) } else { day.checked_add_months(span) }
    };
    let days = |each: u64| {
        let span = Days::new(u64::from(count.unsigned_abs()) * each);
        if count < 0 { day.checked_sub_days(span) } else { day.checked_add_days(span) }
    };
    let moved = match unit {
        SpanUnit::Day => days(1),
        SpanUnit::Week => days(7),
        SpanUnit::Month => months(1),
        SpanUnit::Quarter => months(3),
        SpanUnit::Year => months(12),
    };
    moved.unwrap_or(day)
}

/// Something of a linked record that evaluation will ask for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Need {
    /// The child table whose link it is; `None` for the record's own.
    pub child: Option<Ident>,
    /// The link.
    pub field: Ident,
    /// The card it leads to.
    pub target: Ident,
    /// What is wanted of the linked record, seen from there.
    pub rest: Path,
}

/// Everything that saving a record of `card` may ask of linked records.
pub fn needs(catalog: &Catalog, card: &Card, formula_paths: &[Path]) -> IndexSet<Need> {
    let mut paths: Vec<Path> = formula_paths.to_vec();
    for rule in &card.rules {
        collect(&rule.when, &mut paths);
    }
    for table in std::iter::once(&card.table).chain(card.children.values()) {
        for field in table.own_fields() {
            for condition in [&field.required_when, &field.visible_when, &field.read_only_when].into_iter().flatten() {
                collect(condition, &mut paths);
            }
            if let Source::Snapshot { path, .. } = &field.source {
                paths.push(path.clone());
            }
            if let FieldKind::Link(link) = &field.kind {
                // A link's condition is seen from its target; what it asks of this record are its variables.
                link.condition.iter().for_each(|condition| variables(condition, &mut paths));
            }
        }
    }
    paths.iter().filter_map(|path| need(catalog, path)).collect()
}

fn collect(condition: &Condition, paths: &mut Vec<Path>) {
    condition.each_path(&mut |path| paths.push(path.clone()));
    variables(condition, paths);
}

fn variables(condition: &Condition, paths: &mut Vec<Path>) {
    let mut term = |term: &Term| {
        if let Term::Variable(Variable::Record(path) | Variable::Row(path)) = term {
            paths.push(path.clone());
        }
    };
    match condition {
        Condition::All(parts) | Condition::Any(parts) => parts.iter().for_each(|part| variables(part, paths)),
        Condition::Not(part) => variables(part, paths),
        Condition::Test(test) => match &test.operand {
            Operand::One(one) => term(one),
            Operand::Many(many) => many.iter().for_each(term),
            Operand::Range(from, to) => {
                term(from);
                term(to);
            }
            Operand::None | Operand::Period(_) => {}
        },
        Condition::Related(related) => variables(&related.condition, paths),
        Condition::Unknown => {}
    }
}

/// The first link on the way of a path, and what lies behind it.
fn need(catalog: &Catalog, path: &Path) -> Option<Need> {
    let mut child = path.start.child.clone();
    for (index, hop) in path.hops.iter().enumerate() {
        match hop {
            Hop::Child { table } => child = Some(table.clone()),
            Hop::Parent => child = None,
            Hop::Link { field, target } | Hop::Links { field, target } | Hop::AnyLink { field, target } => {
                let start = TableRef::card(target);
                catalog.table(&start)?;
                let rest = Path { start, hops: path.hops[index + 1..].to_vec(), leaf: path.leaf.clone(), part: path.part, end: path.end.clone() };
                return Some(Need { child, field: field.clone(), target: target.clone(), rest });
            }
        }
    }
    None
}

/// What was fetched of linked records: (record, path from there) → values.
pub type Linked = HashMap<(Uuid, Path), Vec<Value>>;

/// A draft with everything around it that rules may ask for.
pub struct DraftFacts<'a> {
    /// The record as it will be.
    pub record: &'a Record,
    /// Who, when and where.
    pub moment: &'a Moment,
    /// What was fetched of linked records.
    pub linked: &'a Linked,
    /// Records of trees with everything above them.
    pub ancestors: &'a HashMap<Uuid, HashSet<Uuid>>,
    /// Answers to questions about rows of other cards, by the question as text.
    pub pointing: &'a HashMap<String, bool>,
}

impl DraftFacts<'_> {
    /// The values behind a link, several for several links.
    fn behind(&self, values: &Values, field: &Ident, target: &Ident, rest: &[Hop], path: &Path) -> Vec<Value> {
        let rest = Path { start: TableRef::card(target), hops: rest.to_vec(), leaf: path.leaf.clone(), part: path.part, end: path.end.clone() };
        let ids: Vec<Uuid> = match value_of(values, field.as_str()) {
            Value::Id(id) => vec![*id],
            Value::AnyId { card, id } if card == target => vec![*id],
            Value::Ids(ids) => ids.clone(),
            _ => Vec::new(),
        };
        if rest.hops.is_empty() && rest.leaf == "id" {
            return ids.into_iter().map(Value::Id).collect();
        }
        ids.into_iter().filter_map(|id| self.linked.get(&(id, rest.clone()))).flatten().cloned().collect()
    }

    fn walk(&self, at: &Place, hops: &[Hop], path: &Path) -> Vec<Value> {
        let empty = Values::default();
        let values = match at {
            Place::Record => &self.record.values,
            Place::Row { table, index } => self.record.rows(table.as_str()).get(*index).map_or(&empty, |row| &row.values),
        };
        match hops.split_first() {
            None if path.leaf == "id" && *at == Place::Record => vec![Value::Id(self.record.id)],
            None => vec![part_of(value_of(values, path.leaf.as_str()), path)],
            Some((Hop::Link { field, target } | Hop::Links { field, target } | Hop::AnyLink { field, target }, rest)) => {
                self.behind(values, field, target, rest, path)
            }
            Some((Hop::Child { table }, rest)) => {
                let rows = (0..self.row_count(table)).map(|index| Place::Row { table: table.clone(), index });
                rows.flat_map(|row| self.walk(&row, rest, path)).collect()
            }
            Some((Hop::Parent, rest)) => self.walk(&Place::Record, rest, path),
        }
    }
}

fn part_of(value: &Value, path: &Path) -> Value {
    match (path.part, value) {
        (None, value) => value.clone(),
        (Some(part), Value::Json(json)) => match json.get(part.name()) {
            Some(serde_json::Value::String(text)) => Value::Text(text.clone()),
            _ => Value::Empty,
        },
        (Some(_), _) => Value::Empty,
    }
}

impl Facts for DraftFacts<'_> {
    fn values(&self, at: &Place, path: &Path) -> Vec<Value> {
        // A path that starts at the record may be asked from a row (`@record.date`), and the other way round it goes by Parent.
        let at = if path.start.child.is_none() { &Place::Record } else { at };
        self.walk(at, &path.hops, path)
    }
    fn variable(&self, variable: &Variable) -> Option<Value> {
        self.moment.variable(variable)
    }
    fn days(&self, period: Period) -> (NaiveDate, NaiveDate) {
        self.moment.days(period)
    }
    fn day_of(&self, at: DateTime<Utc>) -> NaiveDate {
        at.with_timezone(&self.moment.zone).date_naive()
    }
    fn is_under(&self, id: Uuid, ancestor: Uuid) -> bool {
        self.ancestors.get(&id).is_some_and(|above| above.contains(&ancestor))
    }
    fn row_count(&self, table: &Ident) -> usize {
        self.record.rows(table.as_str()).len()
    }
    fn pointing(&self, _: &Place, related: &Related) -> Option<bool> {
        self.pointing.get(&format!("{related:?}")).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(text: &str) -> Moment {
        let now = DateTime::parse_from_rfc3339(text).expect("a moment").with_timezone(&Utc);
        Moment { me: None, bound: IndexMap::new(), now, zone: chrono_tz::Asia::Shanghai }
    }

    #[track_caller]
    fn check(now: &str, period: Period, expected: (&str, &str)) {
        let (from, to) = moment(now).days(period);
        assert_eq!((from.to_string().as_str(), to.to_string().as_str()), expected);
    }

    #[test]
    fn days_are_those_of_the_actors_zone() {
        check("2026-11-24T17:00:00Z", Period::Today, ("2026-11-25", "2026-11-25"));
    }

    #[test]
    fn weeks_begin_on_monday_and_months_end_when_they_end() {
        let now = "2026-11-24T01:00:00Z"; // a Tuesday
        check(now, Period::Span { unit: SpanUnit::Week, offset: 0 }, ("2026-11-23", "2026-11-29"));
        check(now, Period::Span { unit: SpanUnit::Month, offset: -9 }, ("2026-02-01", "2026-02-28"));
        check(now, Period::Span { unit: SpanUnit::Quarter, offset: 1 }, ("2027-01-01", "2027-03-31"));
        check(now, Period::Rolling { unit: SpanUnit::Day, count: 7, forward: false }, ("2026-11-18", "2026-11-24"));
    }
}
