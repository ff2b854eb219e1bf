//! Filters against the catalog: names to paths, operators to types, values to the field's kind.

use serde_json::Value as Json;

use crate::{
    Catalog, Condition, Field, FieldKind, Filter, FilterError, Ident, Op, Part, Path, Related, RowSource, TableRef, Test, TextFlavour, TextKind, nearest,
    operand::Reader, path,
};

pub use crate::operand::period;

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

/// [`Scopes`], and the record around, whose related rows are asked for.
#[derive(Debug, Clone)]
pub(crate) struct Within<'a> {
    pub scopes: &'a Scopes,
    /// Whose fields are tested here.
    pub table: TableRef,
    /// What `@record` is where no record is at hand.
    pub outer: Option<TableRef>,
}

impl Scopes {
    /// A filter over the records of a table, without a record at hand.
    pub fn of(table: TableRef) -> Self {
        Self { table, record: None, row: None }
    }
}

/// Resolves a filter.
pub fn check_filter(catalog: &Catalog, at: &Scopes, filter: &Filter) -> Result<Condition, FilterError> {
    check(catalog, &Within { scopes: at, table: at.table.clone(), outer: None }, filter, "")
}

fn wrong<T>(pointer: impl Into<String>, message: impl Into<String>) -> Result<T, FilterError> {
    Err(FilterError { pointer: pointer.into(), message: message.into() })
}

fn check(catalog: &Catalog, at: &Within<'_>, filter: &Filter, here: &str) -> Result<Condition, FilterError> {
    let list = |parts: &[Filter], key: &str| -> Result<Vec<Condition>, FilterError> {
        parts.iter().enumerate().map(|(index, part)| check(catalog, at, part, &format!("{here}/{key}/{index}"))).collect()
    };
    match filter {
        Filter::All(parts) => Ok(Condition::All(list(parts, "all")?)),
        Filter::Any(parts) => Ok(Condition::Any(list(parts, "any")?)),
        Filter::Not(part) => Ok(Condition::Not(Box::new(check(catalog, at, part, &format!("{here}/not"))?))),
        Filter::Test { field, op, value } => test(catalog, at, field, *op, value, here),
        Filter::Related { related, by, wanted, filter } => {
            // Seen from a child row, these are the rows of its record: nothing points to child rows.
            let rows = row_source(catalog, &at.table, related, by.as_deref()).map_err(|message| FilterError { pointer: format!("{here}/related"), message })?;
            let inner = Within { scopes: at.scopes, table: rows.table().clone(), outer: at.outer.clone().or_else(|| Some(at.table.clone())) };
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
        FieldKind::AnyLink { targets, .. } => targets.contains(card),
        _ => false,
    }
}

fn test(catalog: &Catalog, at: &Within<'_>, name: &str, op: Op, value: &Json, here: &str) -> Result<Condition, FilterError> {
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
    // A choice contains a value by having it; parts of its words mean nothing.
    let op = match (op, &kind) {
        (Op::Contains, FieldKind::Choice { .. }) => Op::Is,
        (Op::NotContains, FieldKind::Choice { .. }) => Op::IsNot,
        (op, _) => op,
    };
    if op == Op::Under && tree_of(catalog, &path, field).is_none() {
        return wrong(format!("{here}/op"), format!("`under` asks for a place in a tree, and what `{name}` points to is none"));
    }
    let reader = Reader { catalog, at, path: &path, field, name, op, here: format!("{here}/value") };
    let Some(operand) = reader.operand(value)? else { return Ok(Condition::Unknown) };
    Ok(Condition::Test(Test { path, op, operand }))
}

/// The tree card in which the end of a path has its place: what a link points to, or the record itself.
pub fn tree_of<'c>(catalog: &'c Catalog, path: &Path, field: &Field) -> Option<&'c crate::Card> {
    let card = match &field.kind {
        _ if path.leaf == "id" && path.end.child.is_none() => catalog.card(&path.end.card),
        FieldKind::Link(link) => catalog.card(&link.target),
        _ => None,
    };
    card.map(AsRef::as_ref).filter(|card| card.tree.is_some())
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
    use Op::{After, AnniversaryIn, AnyOf, Before, Between, Contains, Empty, EndsWith, Gt, Gte, In, InFolder, Is, IsNot, Lt, Lte, NoneOf, NotContains, NotEmpty, StartsWith, Under};
    match kind {
        FieldKind::Text(_) | FieldKind::Formula { .. } | FieldKind::Colour => {
            &[Contains, NotContains, Is, IsNot, StartsWith, EndsWith, AnyOf, NoneOf, Gt, Gte, Lt, Lte, Between, Empty, NotEmpty]
        }
        FieldKind::Integer { .. } | FieldKind::Decimal(_) | FieldKind::Rating { .. } | FieldKind::Duration | FieldKind::Time => {
            &[Is, IsNot, Gt, Gte, Lt, Lte, Between, AnyOf, NoneOf, Empty, NotEmpty]
        }
        FieldKind::Boolean => &[Is, IsNot, Empty, NotEmpty],
        FieldKind::Date => &[In, Is, IsNot, Before, After, Gt, Gte, Lt, Lte, Between, AnniversaryIn, AnyOf, NoneOf, Empty, NotEmpty],
        FieldKind::Datetime => &[In, Is, IsNot, Before, After, Gt, Gte, Lt, Lte, Between, AnyOf, NoneOf, Empty, NotEmpty],
        FieldKind::Choice { .. } => &[Is, IsNot, AnyOf, NoneOf, Empty, NotEmpty, Contains, NotContains],
        FieldKind::Link(_) | FieldKind::AnyLink { .. } => &[Is, IsNot, AnyOf, NoneOf, Under, InFolder, Empty, NotEmpty],
        FieldKind::Address | FieldKind::RichText | FieldKind::Json { .. } => &[Contains, NotContains, Empty, NotEmpty],
        FieldKind::Geo | FieldKind::File(_) => &[Empty, NotEmpty],
    }
}

#[cfg(test)]
mod tests;
