//! Filters against the catalog: names to paths, operators to types, values to the field's kind.

use serde_json::Value as Json;

use crate::{
    Catalog, Condition, Field, FieldKind, Filter, FilterError, Ident, Op, Operand, Part, Path, Period, Related, RowSource, SpanUnit, TableRef, Term,
    Test, TextFlavour, TextKind, Value, Variable, nearest, path, types,
};

/// What the names of a filter mean: fields of `table`, `@record` and `@row` of the tables said.
#[derive(Debug, Clone)]
pub struct Scopes {
    /// Whose fields are tested.
    pub table: TableRef,
    /// What `@record.…` is.
    pub record: Option<TableRef>,
    /// What `@row.…` is.
    pub row: Option<TableRef>,
}

impl Scopes {
    /// A filter over the records of a table, without a record at hand.
    pub fn of(table: TableRef) -> Self {
        Self { table, record: None, row: None }
    }
}

/// Resolves a filter.
pub fn check_filter(catalog: &Catalog, at: &Scopes, filter: &Filter) -> Result<Condition, FilterError> {
    check(catalog, at, filter, "")
}

fn wrong<T>(pointer: impl Into<String>, message: impl Into<String>) -> Result<T, FilterError> {
    Err(FilterError { pointer: pointer.into(), message: message.into() })
}

fn check(catalog: &Catalog, at: &Scopes, filter: &Filter, here: &str) -> Result<Condition, FilterError> {
    let list = |parts: &[Filter], key: &str| -> Result<Vec<Condition>, FilterError> {
        parts.iter().enumerate().map(|(index, part)| check(catalog, at, part, &format!("{here}/{key}/{index}"))).collect()
    };
    match filter {
        Filter::All(parts) => Ok(Condition::All(list(parts, "all")?)),
        Filter::Any(parts) => Ok(Condition::Any(list(parts, "any")?)),
        Filter::Not(part) => Ok(Condition::Not(Box::new(check(catalog, at, part, &format!("{here}/not"))?))),
        Filter::Test { field, op, value } => test(catalog, at, field, *op, value, here),
        Filter::Related { related, by, wanted, filter } => {
            let rows = row_source(catalog, &at.table, related, by.as_deref()).map_err(|message| FilterError { pointer: format!("{here}/related"), message })?;
            let inner = Scopes { table: rows.table().clone(), record: at.record.clone().or_else(|| Some(at.table.clone())), row: at.row.clone() };
            let condition = check(catalog, &inner, filter, &format!("{here}/{}", if *wanted { "has" } else { "has_not" }))?;
            Ok(Condition::Related(Related { rows, wanted: *wanted, condition: Box::new(condition) }))
        }
    }
}

/// Where rows come from: `lines`, `receipt.order`, or `order.lines` with `by`.
pub fn row_source(catalog: &Catalog, table: &TableRef, from: &str, by: Option<&str>) -> Result<RowSource, String> {
    let card = catalog.card(&table.card).ok_or_else(|| format!("there is no card `{}`", table.card))?;
    if let (Some(child), None) = (card.children.get(from), by) {
        return Ok(RowSource::Child { table: child.reference() });
    }
    let (name, rest) = match from.split_once('.') {
        Some((name, rest)) => (name, Some(rest)),
        None => (from, None),
    };
    let Some(other) = catalog.card(name) else {
        let known = card.children.keys().map(Ident::as_str).chain(catalog.cards.keys().map(Ident::as_str));
        let near = nearest(name, known).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
        return Err(format!("`{from}` is neither a child table of `{}` nor `card.link`{near}", card.key));
    };
    let child = rest.and_then(|rest| other.children.get(rest));
    let (start, link) = match (child, rest, by) {
        (Some(child), _, Some(by)) => (child.reference(), by),
        (Some(_), Some(rest), None) => return Err(format!("`{from}` are child rows of other records; say how they lead here: \"by\": \"{name}.LINK\" (rows of `{rest}`)")),
        (None, None, Some(by)) | (None, Some(by), None) => (other.table.reference(), by),
        (None, None, None) => return Err(format!("say which link of `{name}` points here: `{name}.LINK`")),
        (None, Some(rest), Some(_)) => return Err(format!("`{name}` has no child table `{rest}`")),
        (Some(_), None, None) => return Err(format!("`{from}` leads nowhere")),
    };
    let by = path::resolve(catalog, &start, link).map_err(|error| error.message)?;
    let points_here = by.leaf == "id" && by.end.card == card.key || by.field(catalog).is_some_and(|field| points_to(field, &card.key));
    if points_here { Ok(RowSource::Pointing { table: start, by }) } else { Err(format!("`{by}` of `{name}` does not point to `{}`", card.key)) }
}

fn points_to(field: &Field, card: &Ident) -> bool {
    match &field.kind {
        FieldKind::Link(link) => link.target == *card,
        FieldKind::AnyLink { targets } => targets.contains(card),
        _ => false,
    }
}

fn test(catalog: &Catalog, at: &Scopes, name: &str, op: Op, value: &Json, here: &str) -> Result<Condition, FilterError> {
    let path = path::resolve(catalog, &at.table, name).map_err(|error| FilterError { pointer: format!("{here}/field"), message: error.message })?;
    let Some(field) = path.field(catalog) else { return wrong(format!("{here}/field"), format!("`{name}` is no field")) };
    if field.secret {
        return wrong(format!("{here}/field"), format!("`{name}` is secret and cannot be asked for"));
    }
    let kind = kind_of(&path, field);
    let fitting = operators(&kind);
    if !fitting.contains(&op) {
        let names: Vec<&str> = fitting.iter().map(|op| op.name()).collect();
        return wrong(format!("{here}/op"), format!("`{}` does not fit `{name}`, a {}; fitting are {}", op.name(), field.kind_name(), names.join(", ")));
    }
    let reader = Reader { catalog, at, kind: &kind, op, here: format!("{here}/value") };
    let Some(operand) = reader.operand(value)? else { return Ok(Condition::Unknown) };
    Ok(Condition::Test(Test { path, op, operand }))
}

/// The kind a test sees at the end of a path: a part of an address is a text.
pub fn kind_of(path: &Path, field: &Field) -> FieldKind {
    match path.part {
        None => field.kind.clone(),
        Some(Part::Lat | Part::Lon) => FieldKind::Decimal(crate::DecimalKind { flavour: crate::DecimalFlavour::Decimal, scale: 7, rounding: crate::Rounding::HalfUp, min: None, max: None }),
        Some(_) => FieldKind::Text(TextKind { flavour: TextFlavour::Text, min: 0, max: 255, pattern: None }),
    }
}

/// The operators that fit a kind of field, in the order a person is offered them.
pub fn operators(kind: &FieldKind) -> &'static [Op] {
    use Op::{After, AnniversaryIn, AnyOf, Before, Between, Contains, Empty, EndsWith, Gt, Gte, In, Is, IsNot, Lt, Lte, NoneOf, NotContains, NotEmpty, StartsWith, Under};
    match kind {
        FieldKind::Text(_) | FieldKind::Formula { .. } | FieldKind::Colour => {
            &[Contains, NotContains, Is, IsNot, StartsWith, EndsWith, AnyOf, NoneOf, Gt, Gte, Lt, Lte, Between, Empty, NotEmpty]
        }
        FieldKind::Integer { .. } | FieldKind::Decimal(_) | FieldKind::Rating { .. } | FieldKind::Duration | FieldKind::Time => {
            &[Is, IsNot, Gt, Gte, Lt, Lte, Between, AnyOf, NoneOf, Empty, NotEmpty]
        }
        FieldKind::Boolean => &[Is, IsNot, Empty, NotEmpty],
        FieldKind::Date | FieldKind::Datetime => &[In, Is, IsNot, Before, After, Gt, Gte, Lt, Lte, Between, AnniversaryIn, AnyOf, NoneOf, Empty, NotEmpty],
        FieldKind::Choice { .. } => &[Is, IsNot, AnyOf, NoneOf, Empty, NotEmpty, Contains, NotContains],
        FieldKind::Link(_) | FieldKind::AnyLink { .. } => &[Is, IsNot, AnyOf, NoneOf, Under, Empty, NotEmpty],
        FieldKind::Address | FieldKind::RichText | FieldKind::Json { .. } => &[Contains, NotContains, Empty, NotEmpty],
        FieldKind::Geo | FieldKind::File(_) => &[Empty, NotEmpty],
    }
}

struct Reader<'a> {
    catalog: &'a Catalog,
    at: &'a Scopes,
    kind: &'a FieldKind,
    op: Op,
    here: String,
}

impl Reader<'_> {
    /// `None` is unknown: an empty list.
    fn operand(&self, value: &Json) -> Result<Option<Operand>, FilterError> {
        match self.op {
            Op::Empty | Op::NotEmpty => Ok(Some(Operand::None)),
            Op::In | Op::AnniversaryIn => match value.as_str().and_then(period) {
                Some(period) => Ok(Some(Operand::Period(period))),
                None => wrong(&self.here, format!("{value} is no period; such as today, this_month, last_quarter, next_week, last_30_days, next_7_days")),
            },
            Op::Between => match value.as_array().map(Vec::as_slice) {
                Some([from, to]) => Ok(Some(Operand::Range(self.term(from)?, self.term(to)?))),
                _ => wrong(&self.here, "`between` takes a list of two: [from, to]"),
            },
            Op::AnyOf | Op::NoneOf => match value {
                Json::Array(items) if items.is_empty() => Ok(None),
                Json::Array(items) => Ok(Some(Operand::Many(items.iter().map(|item| self.term(item)).collect::<Result<_, _>>()?))),
                single => Ok(Some(Operand::Many(vec![self.term(single)?]))),
            },
            Op::Under => match value {
                Json::Array(items) if items.is_empty() => Ok(None),
                Json::Array(items) => Ok(Some(Operand::Many(items.iter().map(|item| self.term(item)).collect::<Result<_, _>>()?))),
                single => Ok(Some(Operand::One(self.term(single)?))),
            },
            _ if value.is_null() => wrong(&self.here, format!("`{}` takes a value; use `empty` to ask for nothing", self.op.name())),
            _ => Ok(Some(Operand::One(self.term(value)?))),
        }
    }

    fn term(&self, value: &Json) -> Result<Term, FilterError> {
        if let Some(variable) = value.as_str().and_then(|text| text.strip_prefix('@')) {
            return self.variable(variable);
        }
        let as_text = FieldKind::Text(TextKind { flavour: TextFlavour::Text, min: 0, max: 1000, pattern: None });
        // Parts of texts need not be whole values; a moment may be asked for by its day.
        let kind = match (self.kind, self.op) {
            (_, Op::Contains | Op::NotContains | Op::StartsWith | Op::EndsWith) if !matches!(self.kind, FieldKind::Choice { .. }) => &as_text,
            (FieldKind::Datetime, _) if value.as_str().is_some_and(|text| text.len() == 10) => &FieldKind::Date,
            (FieldKind::Choice { multiple: true, .. } | FieldKind::Text(_) | FieldKind::Colour, _) => &as_text,
            (kind, _) => kind,
        };
        let read = match kind {
            FieldKind::Link(_) | FieldKind::AnyLink { .. } => types::read_json(&pointer_kind(), value),
            FieldKind::Decimal(settings) => types::read_json(&FieldKind::Decimal(crate::DecimalKind { scale: 9, ..settings.clone() }), value),
            kind => types::read_json(kind, value),
        };
        match read {
            Ok(Value::Empty) => wrong(&self.here, "an empty value cannot be compared; use `empty` to ask for nothing"),
            Ok(value) => {
                if let FieldKind::Choice { options, .. } = self.kind {
                    self.known_option(options, &value)?;
                }
                Ok(Term::Value(value))
            }
            Err(violation) => wrong(&self.here, format!("{} (found {})", violation.message("en"), shown(value))),
        }
    }

    fn known_option(&self, options: &[crate::OptionDef], value: &Value) -> Result<(), FilterError> {
        let Some(text) = value.as_text() else { return Ok(()) };
        if options.iter().any(|option| option.value == text) {
            return Ok(());
        }
        let names: Vec<&str> = options.iter().map(|option| option.value.as_str()).collect();
        let near = nearest(text, names.iter().copied()).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
        wrong(&self.here, format!("`{text}` is not one of the options{near}"))
    }

    fn variable(&self, name: &str) -> Result<Term, FilterError> {
        let (head, rest) = name.split_once('.').map_or((name, None), |(head, rest)| (head, Some(rest)));
        let resolve = |table: &Option<TableRef>, rest: &str| match table {
            Some(table) => path::resolve(self.catalog, table, rest).map_err(|error| FilterError { pointer: self.here.clone(), message: error.message }),
            None => wrong(&self.here, format!("there is no `@{head}` here")),
        };
        let key = |rest: &str| Ident::new(rest).map_err(|error| FilterError { pointer: self.here.clone(), message: error.to_string() });
        let variable = match (head, rest) {
            ("me", None) => Variable::Me,
            ("me", Some(rest)) => Variable::Bound(key(rest)?),
            ("today", None) => Variable::Today,
            ("now", None) => Variable::Now,
            ("record", Some(rest)) => Variable::Record(resolve(&self.at.record, rest)?),
            ("row", Some(rest)) => Variable::Row(resolve(&self.at.row, rest)?),
            ("param", Some(rest)) => Variable::Param(key(rest)?),
            _ => return wrong(&self.here, format!("`@{name}` is no variable; known are @me, @me.NAME, @today, @now, @record.FIELD, @row.FIELD, @param.NAME")),
        };
        Ok(Term::Variable(variable))
    }
}

fn shown(value: &Json) -> String {
    value.to_string().chars().take(60).collect()
}

/// Any single pointer; which card it must be of is a matter of the data.
fn pointer_kind() -> FieldKind {
    FieldKind::File(crate::FileKind { image: false, multiple: false, max_size: None, types: Vec::new() })
}

/// `today`, `last_month`, `next_7_days` …
pub fn period(text: &str) -> Option<Period> {
    let unit = |word: &str| match word.strip_suffix('s').unwrap_or(word) {
        "day" => Some(SpanUnit::Day),
        "week" => Some(SpanUnit::Week),
        "month" => Some(SpanUnit::Month),
        "quarter" => Some(SpanUnit::Quarter),
        "year" => Some(SpanUnit::Year),
        _ => None,
    };
    let parts: Vec<&str> = text.split('_').collect();
    match parts.as_slice() {
        ["today"] => Some(Period::Today),
        ["yesterday"] => Some(Period::Yesterday),
        ["tomorrow"] => Some(Period::Tomorrow),
        [which @ ("this" | "last" | "next"), word] if *word != "day" && !word.ends_with('s') => {
            let offset = match *which { "this" => 0, "last" => -1, _ => 1 };
            Some(Period::Span { unit: unit(word)?, offset })
        }
        [which @ ("last" | "next"), count, word] => {
            let count = count.parse::<u32>().ok().filter(|count| (1..=10_000).contains(count))?;
            Some(Period::Rolling { unit: unit(word)?, count, forward: *which == "next" })
        }
        _ => None,
    }
}

