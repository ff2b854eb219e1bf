//! Requests against the catalog.

use std::sync::Arc;

use model::{
    Aggregate, Card, Catalog, Condition, Field, FieldKind, Filter, Ident, Op, Operand, Path, Scopes, TableRef, Term, Test, Value, check_filter, nearest, path, resolve,
};

use crate::{Binder, CheckedQuery, DEFAULT_LIMIT, Group, ListRequest, MAX_LIMIT, QueryError, Selected, Sort, Total, bind, cursor};

/// Most keys of an order, columns of an answer, totals, and levels of grouping.
const MAX_SORT: usize = 6;
const MAX_COLUMNS: usize = 200;
const MAX_TOTALS: usize = 50;
const MAX_GROUPS: usize = 5;
const MAX_WORDS: usize = 8;

/// Resolves every name of a request. `readable` says which fields an answer has by itself.
pub fn check(catalog: &Catalog, card: &Arc<Card>, request: &ListRequest, binder: &dyn Binder, readable: &dyn Fn(&Field) -> bool) -> Result<CheckedQuery, QueryError> {
    let table = card.table.reference();
    let mut children = Vec::new();
    let select = match &request.fields {
        None => everything(card, readable),
        Some(names) => named(catalog, card, names, &mut children)?,
    };
    let limit = request.limit.unwrap_or(DEFAULT_LIMIT);
    if limit == 0 || limit > MAX_LIMIT {
        return Err(QueryError::new("bad_limit", format!("a page has 1 to {MAX_LIMIT} rows")));
    }
    let mut filter = match &request.filter {
        None => Condition::always(),
        Some(json) => {
            let filter = Filter::from_json(json).map_err(bad_filter)?;
            bind(&check_filter(catalog, &Scopes::of(table.clone()), &filter).map_err(bad_filter)?, binder)
        }
    };
    if let Some(words) = request.q.as_deref().map(str::trim).filter(|words| !words.is_empty()) {
        filter = filter.and(search(card, words));
    }
    let sort = sort(catalog, card, request.sort.as_deref())?;
    let after = request.cursor.as_deref().map(|text| cursor::decode(&sort, text)).transpose()?;
    Ok(CheckedQuery {
        card: card.clone(),
        select,
        children,
        expand: request.expand.iter().map(|name| expanded(catalog, &table, name)).collect::<Result<_, _>>()?,
        filter,
        sort,
        after,
        limit,
        trash: request.trash,
        count: request.count,
        totals: totals(catalog, &table, request)?,
        groups: groups(catalog, &table, request)?,
    })
}

fn bad_filter(error: model::FilterError) -> QueryError {
    let place = if error.pointer.is_empty() { String::new() } else { format!(" (at {})", error.pointer) };
    QueryError::new("bad_filter", format!("{}{place}", error.message))
}

fn unknown_field(error: model::PathError) -> QueryError {
    QueryError::new("unknown_field", error.message)
}

fn everything(card: &Card, readable: &dyn Fn(&Field) -> bool) -> Vec<Selected> {
    let table = card.table.reference();
    let fields = card.table.fields.values().filter(|field| !field.secret && field.live_source().is_none() && field.key != "trashed_at" && readable(field));
    fields.map(|field| Selected { name: field.key.to_string(), path: Path::own(table.clone(), field.key.clone()) }).collect()
}

fn named(catalog: &Catalog, card: &Card, names: &[String], children: &mut Vec<Ident>) -> Result<Vec<Selected>, QueryError> {
    if names.len() > MAX_COLUMNS {
        return Err(QueryError::new("too_many", format!("at most {MAX_COLUMNS} fields can be asked for")));
    }
    let mut select = Vec::new();
    for name in names {
        if let Some(child) = card.children.get(name.as_str()).and_then(|table| table.child.clone()) {
            children.push(child);
            continue;
        }
        let path = path::resolve(catalog, &card.table.reference(), name).map_err(unknown_field)?;
        if path.is_many() {
            return Err(QueryError::new("bad_field", format!("`{name}` leads to many rows; ask for `{}` as a whole", name.split('.').next().unwrap_or(name))));
        }
        if path.field(catalog).is_some_and(|field| field.secret) {
            return Err(QueryError::new("bad_field", format!("`{name}` is secret and cannot be read")));
        }
        if !select.iter().any(|known: &Selected| known.name == *name) {
            select.push(Selected { name: name.clone(), path });
        }
    }
    Ok(select)
}

fn expanded(catalog: &Catalog, table: &TableRef, name: &str) -> Result<Path, QueryError> {
    let path = path::resolve(catalog, table, name).map_err(unknown_field)?;
    match path.field(catalog).map(|field| &field.kind) {
        Some(FieldKind::Link(_) | FieldKind::AnyLink { .. }) => Ok(path),
        _ => Err(QueryError::new("bad_expand", format!("`{name}` is no link"))),
    }
}

/// Every word must be found in one of the card's search fields.
fn search(card: &Card, words: &str) -> Condition {
    let table = card.table.reference();
    let own = || card.table.own_fields().filter(|field| matches!(field.kind, FieldKind::Text(_)) && !field.secret && field.column().is_some());
    let paths: Vec<Path> = if card.search.is_empty() { own().take(6).map(|field| Path::own(table.clone(), field.key.clone())).collect() } else { card.search.clone() };
    let one = |word: &str| {
        let test = |path: &Path| Condition::Test(Test { path: path.clone(), op: Op::Contains, operand: Operand::One(Term::Value(Value::Text(word.to_owned()))) });
        Condition::Any(paths.iter().map(test).collect())
    };
    Condition::All(words.split_whitespace().take(MAX_WORDS).map(one).collect())
}

fn sort(catalog: &Catalog, card: &Card, text: Option<&str>) -> Result<Vec<Sort>, QueryError> {
    let table = card.table.reference();
    let mut keys = Vec::new();
    for name in text.unwrap_or_default().split(',').map(str::trim).filter(|name| !name.is_empty()) {
        let (name, descending) = name.strip_prefix('-').map_or((name, false), |name| (name, true));
        let path = path::resolve(catalog, &table, name).map_err(unknown_field)?;
        let path = sortable(catalog, path, name)?;
        if !keys.iter().any(|key: &Sort| key.path == path) {
            keys.push(Sort { path, descending });
        }
    }
    if keys.len() > MAX_SORT {
        return Err(QueryError::new("too_many", format!("a list is sorted by at most {MAX_SORT} fields")));
    }
    let own = |name: &str| Ident::new(name).ok().filter(|key| card.table.fields.contains_key(key)).map(|key| Path::own(table.clone(), key));
    if keys.is_empty() {
        keys.extend(own("created_at").map(|path| Sort { path, descending: true }));
    }
    // The tie is broken in the direction of the first key, so that one index serves both.
    let descending = keys.first().is_some_and(|key| key.descending);
    if !keys.iter().any(|key| key.path.hops.is_empty() && key.path.leaf == "id") {
        keys.extend(own("id").map(|path| Sort { path, descending }));
    }
    Ok(keys)
}

/// A link is sorted by the first field of its target's title.
fn sortable(catalog: &Catalog, path: Path, name: &str) -> Result<Path, QueryError> {
    let wrong = |what: &str| QueryError::new("bad_sort", format!("a list cannot be sorted by `{name}`, {what}"));
    if path.is_many() {
        return Err(wrong("which leads to many rows"));
    }
    let field = path.field(catalog).ok_or_else(|| wrong("which is no field"))?;
    match &field.kind {
        _ if field.secret => Err(wrong("which is secret")),
        _ if path.leaf == "id" => Ok(path),
        FieldKind::Link(link) if !link.multiple => {
            let title = catalog.card(&link.target).and_then(|target| target.title.paths().next().map(ToString::to_string));
            let text = format!("{path}.{}", title.unwrap_or_else(|| "id".into()));
            path::resolve(catalog, &path.start, &text).map_err(unknown_field)
        }
        FieldKind::Choice { multiple: true, .. } | FieldKind::Link(_) | FieldKind::AnyLink { .. } | FieldKind::File(_) | FieldKind::Json { .. } | FieldKind::Geo | FieldKind::RichText
            if path.part.is_none() =>
        {
            Err(wrong(&format!("a {}", field.kind_name())))
        }
        _ => Ok(path),
    }
}

fn totals(catalog: &Catalog, table: &TableRef, request: &ListRequest) -> Result<Vec<Total>, QueryError> {
    if request.totals.len() > MAX_TOTALS {
        return Err(QueryError::new("too_many", format!("at most {MAX_TOTALS} totals")));
    }
    let one = |total: &crate::TotalRequest| {
        let path = path::resolve(catalog, table, &total.field).map_err(unknown_field)?;
        let field = path.field(catalog).ok_or_else(|| QueryError::new("unknown_field", format!("`{}` is no field", total.field)))?;
        let number = matches!(field.kind, FieldKind::Decimal(_) | FieldKind::Integer { .. } | FieldKind::Rating { .. } | FieldKind::Duration);
        let ordered = number || matches!(field.kind, FieldKind::Date | FieldKind::Datetime | FieldKind::Time | FieldKind::Text(_));
        let fits = match total.function {
            Aggregate::Sum | Aggregate::Avg => number,
            Aggregate::Min | Aggregate::Max => ordered,
            Aggregate::Count | Aggregate::CountDistinct => true,
            Aggregate::First | Aggregate::Last => false,
        };
        if path.is_many() || !fits || field.secret || field.column().is_none() {
            return Err(QueryError::new("bad_total", format!("`{}` of `{}`, a {}, makes no sense", total.function.name(), total.field, field.kind_name())));
        }
        Ok(Total { name: total.field.clone(), path: Some(path), function: total.function })
    };
    request.totals.iter().map(one).collect()
}

fn groups(catalog: &Catalog, table: &TableRef, request: &ListRequest) -> Result<Vec<Group>, QueryError> {
    if request.group_by.len() > MAX_GROUPS {
        return Err(QueryError::new("too_many", format!("at most {MAX_GROUPS} levels of groups")));
    }
    let one = |group: &crate::GroupRequest| {
        let path = path::resolve(catalog, table, &group.field).map_err(unknown_field)?;
        let field = path.field(catalog).ok_or_else(|| QueryError::new("unknown_field", format!("`{}` is no field", group.field)))?;
        let moment = matches!(resolve::kind_of(&path, field), FieldKind::Date | FieldKind::Datetime);
        if group.by.is_some() && !moment {
            return Err(QueryError::new("bad_group", format!("only dates are grouped `by` a span; `{}` is a {}", group.field, field.kind_name())));
        }
        if path.is_many() || field.secret || field.column().is_none() || matches!(field.kind, FieldKind::AnyLink { .. }) {
            let near = nearest(&group.field, ["owner"]).map(|near| format!(" (`{near}`?)")).unwrap_or_default();
            return Err(QueryError::new("bad_group", format!("records cannot be grouped by `{}`{near}", group.field)));
        }
        Ok(Group { name: group.field.clone(), path, by: group.by })
    };
    request.group_by.iter().map(one).collect()
}
