//! Conditions with their names and types resolved against the catalog, variables still open.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{Ident, Op, Path, TableRef, Value};

/// A condition that fits the catalog. Built by [`check_filter`](crate::check_filter) alone.
#[derive(Debug, Clone, PartialEq)]
pub enum Condition {
    /// Every one is true.
    All(Vec<Condition>),
    /// At least one is true.
    Any(Vec<Condition>),
    /// It is false.
    Not(Box<Condition>),
    /// A field compared with an operand.
    Test(Test),
    /// Some or no related row.
    Related(Related),
    /// Neither true nor false: a missing variable, an empty list, a retired field.
    Unknown,
}

/// A field compared with an operand.
#[derive(Debug, Clone, PartialEq)]
pub struct Test {
    /// The field.
    pub path: Path,
    /// How it is compared.
    pub op: Op,
    /// With what.
    pub operand: Operand,
}

/// What a test compares with.
#[derive(Debug, Clone, PartialEq)]
pub enum Operand {
    /// Nothing (`empty`, `not_empty`).
    None,
    /// One value.
    One(Term),
    /// Several values.
    Many(Vec<Term>),
    /// From and to, both included.
    Range(Term, Term),
    /// A span of time relative to now.
    Period(Period),
    /// The records in folders that people keep, as far as `reader` may look into them. Who that is, is known when asked.
    Folders { folders: Vec<Uuid>, reader: Option<Uuid> },
    /// The records that were shared with any of these, for longer than `at`; for changing them, where that is asked.
    /// Made by the gate alone.
    Shared { with: Vec<String>, edit: bool, at: DateTime<Utc> },
}

impl Operand {
    /// Every value and variable of it.
    pub fn terms(&self) -> impl Iterator<Item = &Term> {
        let (one, many): (&[Term], Option<[&Term; 2]>) = match self {
            Self::None | Self::Period(_) | Self::Folders { .. } | Self::Shared { .. } => (&[], None),
            Self::One(one) => (std::slice::from_ref(one), None),
            Self::Many(many) => (many, None),
            Self::Range(from, to) => (&[], Some([from, to])),
        };
        one.iter().chain(many.into_iter().flatten())
    }
}

/// A value, or a variable that stands for one.
#[derive(Debug, Clone, PartialEq)]
pub enum Term {
    /// Known already.
    Value(Value),
    /// Known when asked.
    Variable(Variable),
}

/// What `@…` stands for.
#[derive(Debug, Clone, PartialEq)]
pub enum Variable {
    /// `@me`: the user.
    Me,
    /// `@me.NAME`, bound by a pack.
    Bound(Ident),
    /// `@today`: the day in the actor's zone.
    Today,
    /// `@now`
    Now,
    /// `@record.PATH`: of the record at hand.
    Record(Path),
    /// `@record.PATH` within `related` where no record is at hand: of the record whose related rows are asked for.
    Outer(Path),
    /// `@row.PATH`: of the child row at hand.
    Row(Path),
    /// `@row.PATH` within `related` where no row is at hand: of the related row that is asked about.
    Same(Path),
    /// `@param.NAME`: asked when run.
    Param(Ident),
}

/// A span of time relative to now, in whole days of the actor's zone, weeks beginning on Monday.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Period {
    Today,
    Yesterday,
    Tomorrow,
    /// `this_month` is offset 0, `last_month` −1, `next_month` +1.
    Span { unit: SpanUnit, offset: i32 },
    /// `last_7_days`: the n units up to and including today; `next_7_days`: from today on.
    Rolling { unit: SpanUnit, count: u32, forward: bool },
}

/// Units of periods.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum SpanUnit { Day, Week, Month, Quarter, Year }

/// Some or no related row for which a condition holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Related {
    /// Where the rows come from.
    pub rows: RowSource,
    /// `has` or `has_not`.
    pub wanted: bool,
    /// The condition, seen from such a row.
    pub condition: Box<Condition>,
}

/// Rows that belong to a record: of its child table, or of other cards that point to it.
#[derive(Debug, Clone, PartialEq)]
pub enum RowSource {
    /// The rows of a child table of the record.
    Child { table: TableRef },
    /// Rows of `table` whose path `by` (ending in a link) is the record.
    Pointing { table: TableRef, by: Path },
}

impl RowSource {
    /// The table the rows are of.
    pub fn table(&self) -> &TableRef {
        match self {
            Self::Child { table } | Self::Pointing { table, .. } => table,
        }
    }
}

impl Condition {
    /// The condition that is true of every record.
    pub fn always() -> Self {
        Self::All(Vec::new())
    }
    /// The condition that is false of every record.
    pub fn never() -> Self {
        Self::Any(Vec::new())
    }
    /// Whether it asks for values of the record, or the row, at hand.
    pub fn names_record(&self) -> bool {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().any(Self::names_record),
            Self::Not(part) => part.names_record(),
            Self::Test(test) => test.operand.terms().any(|term| matches!(term, Term::Variable(Variable::Record(_) | Variable::Row(_)))),
            Self::Related(related) => related.condition.names_record(),
            Self::Unknown => false,
        }
    }
    /// Whether it asks what time, or which day, it is.
    pub fn asks_time(&self) -> bool {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().any(Self::asks_time),
            Self::Not(part) => part.asks_time(),
            Self::Test(test) => matches!(test.operand, Operand::Period(_)) || test.operand.terms().any(|term| matches!(term, Term::Variable(Variable::Today | Variable::Now))),
            Self::Related(related) => related.condition.asks_time(),
            Self::Unknown => false,
        }
    }
    /// Whether it is [`Self::always`].
    pub fn is_always(&self) -> bool {
        matches!(self, Self::All(parts) if parts.is_empty())
    }
    /// Both hold.
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (left, right) if left.is_always() => right,
            (left, right) if right.is_always() => left,
            (Self::All(mut parts), right) => {
                parts.push(right);
                Self::All(parts)
            }
            (left, right) => Self::All(vec![left, right]),
        }
    }

    /// Calls `visit` with every path the condition names, related rows included.
    pub fn each_path<'a>(&'a self, visit: &mut impl FnMut(&'a Path)) {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().for_each(|part| part.each_path(visit)),
            Self::Not(part) => part.each_path(visit),
            Self::Test(test) => {
                visit(&test.path);
                test.operand.terms().for_each(|term| {
                    if let Term::Variable(Variable::Outer(path) | Variable::Same(path)) = term {
                        visit(path);
                    }
                });
            }
            Self::Related(related) => {
                if let RowSource::Pointing { by, .. } = &related.rows {
                    visit(by);
                }
                related.condition.each_path(visit);
            }
            Self::Unknown => {}
        }
    }
}
