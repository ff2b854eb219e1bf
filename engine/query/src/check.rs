//! Requests against the catalog.

use std::{collections::HashSet, sync::Arc};

use model::{Card, Catalog, Condition, Field, FieldKind, Filter, Hop, Ident, Path, Scopes, Storage, TableRef, check_filter, path, resolve};

use crate::{Binder, CheckedQuery, DEFAULT_LIMIT, ListRequest, MAX_LIMIT, QueryError, Selected, Search, aggregates, bind, cursor, order, search as quick, zone};

/// Most columns of an answer.
const MAX_COLUMNS: usize = 200;
/// Most other tables one question may reach over links: databases join a limited number.
const MAX_JOINS: usize = 40;

/// Resolves every name of a request. `readable` says which fields an answer has by itself.
pub fn check(catalog: &Catalog, card: &Arc<Card>, request: &ListRequest, binder: &dyn Binder, readable: &dyn Fn(&Field) -> bool) -> Result<CheckedQuery, QueryError> {
    let table = card.table.reference();
    let mut children = Vec::new();
    let select = match &request.fields {
        None => everything(catalog, card, readable),
        Some(names) => named(catalog, card, names, &mut children)?,
    };
    let limit = request.limit.unwrap_or(DEFAULT_LIMIT);
    if limit == 0 || limit > MAX_LIMIT {
        return Err(QueryError::new("bad_limit", format!("a page has 1 to {MAX_LIMIT} rows")));
    }
    let filter = match &request.filter {
        None => Condition::always(),
        Some(json) => {
            let filter = Filter::from_json(json).map_err(bad_filter)?;
            bind(&check_filter(catalog, &Scopes::of(table.clone()), &filter).map_err(bad_filter)?, binder)
        }
    };
    let words = request.q.as_deref().map(str::trim).filter(|words| !words.is_empty());
    let sort = order::check(catalog, card, request.sort.as_deref(), readable)?;
    let groups = aggregates::groups(catalog, &table, request)?;
    let after = request.cursor.as_deref().map(|text| cursor::decode(catalog, card, &sort, text)).transpose()?;
    let by_moment = |group: &crate::Group| group.by.is_some() && matches!(group.path.field(catalog).map(|field| resolve::kind_of(&group.path, field)), Some(FieldKind::Datetime));
    let checked = CheckedQuery {
        card: card.clone(),
        whole: request.fields.is_none(),
        select,
        children,
        expand: request.expand.iter().map(|name| expanded(catalog, &table, name)).collect::<Result<_, _>>()?,
        filter,
        search: words.map(|words| Search { question: search::ask(words), slots: quick::slots(catalog, card) }),
        default_order: request.sort.as_deref().is_none_or(|sort| sort.trim().is_empty()),
        sort,
        after,
        limit,
        trash: request.trash,
        count: request.count,
        totals: aggregates::totals(catalog, &table, request)?,
        zone: if groups.iter().any(by_moment) { zone::offsets(binder) } else { Vec::new() },
        groups,
    };
    check_joins(&checked)?;
    Ok(checked)
}

fn bad_filter(error: model::FilterError) -> QueryError {
    let place = if error.pointer.is_empty() { String::new() } else { format!(" (at {})", error.pointer) };
    QueryError::new("bad_filter", format!("{}{place}", error.message))
}

pub(crate) fn unknown_field(error: model::PathError) -> QueryError {
    QueryError::new("unknown_field", error.message)
}

/// Every field of the record itself, live fetches included.
fn everything(catalog: &Catalog, card: &Card, readable: &dyn Fn(&Field) -> bool) -> Vec<Selected> {
    let table = card.table.reference();
    let fields = card.table.fields.values().filter(|field| !field.secret && field.key != "trashed_at" && readable(field));
    let column = |field: &Field| {
        let path = path::resolve(catalog, &table, field.key.as_str()).ok()?;
        let end = path.field(catalog)?;
        // What a live fetch reads may be secret, or stored where a join does not reach.
        let reached = path.hops.is_empty() || !end.secret && !path.is_many() && !matches!(end.storage, Storage::Side { .. });
        reached.then(|| Selected { name: field.key.to_string(), path })
    };
    fields.filter_map(column).collect()
}

fn named(catalog: &Catalog, card: &Card, names: &[String], children: &mut Vec<Ident>) -> Result<Vec<Selected>, QueryError> {
    if names.len() > MAX_COLUMNS {
        return Err(QueryError::new("too_many", format!("at most {MAX_COLUMNS} fields can be asked for")));
    }
    let mut select = Vec::new();
    for name in names {
        if let Some(child) = card.children.get(name.as_str()).and_then(|table| table.child.clone()) {
            if !children.contains(&child) {
                children.push(child);
            }
            continue;
        }
        let path = path::resolve(catalog, &card.table.reference(), name).map_err(unknown_field)?;
        let first = name.split('.').next().unwrap_or(name);
        if path.is_many() {
            return Err(QueryError::new("bad_field", format!("`{name}` leads to many rows; ask for `{first}` as a whole")));
        }
        let field = path.field(catalog);
        if field.is_some_and(|field| field.secret) {
            return Err(QueryError::new("bad_field", format!("`{name}` is secret and cannot be read")));
        }
        if !path.hops.is_empty() && field.is_some_and(|field| matches!(field.storage, Storage::Side { .. })) {
            return Err(QueryError::new("bad_field", format!("`{name}` holds several values; use \"expand\": [\"{first}\"] to see them")));
        }
        if !select.iter().any(|known: &Selected| known.name == *name) {
            select.push(Selected { name: name.clone(), path });
        }
    }
    Ok(select)
}

fn expanded(catalog: &Catalog, table: &TableRef, name: &str) -> Result<Path, QueryError> {
    let path = path::resolve(catalog, table, name).map_err(unknown_field)?;
    match path.field(catalog).map(|field| resolve::kind_of(&path, field)) {
        Some(FieldKind::Link(_) | FieldKind::AnyLink { .. }) if path.leaf != "id" => Ok(path),
        _ => Err(QueryError::new("bad_expand", format!("`{name}` is no link"))),
    }
}

/// How many tables are reached over links, by all that one statement may hold.
fn check_joins(query: &CheckedQuery) -> Result<(), QueryError> {
    let mut reached: HashSet<Vec<Hop>> = HashSet::new();
    let mut add = |path: &Path| reached.extend((1..=path.hops.len()).map(|length| path.hops[..length].to_vec()));
    query.select.iter().for_each(|selected| add(&selected.path));
    query.sort.iter().for_each(|sort| add(&sort.path));
    query.groups.iter().flat_map(|group| [Some(&group.path), group.title.as_ref()]).flatten().for_each(&mut add);
    query.totals.iter().filter_map(|total| total.path.as_ref()).for_each(&mut add);
    query.filter.each_path(&mut add);
    if reached.len() <= MAX_JOINS {
        return Ok(());
    }
    Err(QueryError::new("too_many", format!("this question reaches {} other tables over links; at most {MAX_JOINS} are possible", reached.len())))
}
