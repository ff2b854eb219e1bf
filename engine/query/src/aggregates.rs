//! Totals and groups over all matches.

use model::{Aggregate, Catalog, FieldKind, Ident, Path, Storage, TableRef, path, resolve};

use crate::{Group, GroupKey, GroupOrder, GroupRequest, ListRequest, QueryError, Total, TotalRequest, check::unknown_field};

/// Most totals of an answer, and most levels of grouping.
const MAX_TOTALS: usize = 50;
const MAX_GROUPS: usize = 5;
/// Deepest level of a tree that groups are made at.
const MAX_LEVEL: u8 = 20;

/// Resolves totals.
pub(crate) fn totals(catalog: &Catalog, table: &TableRef, request: &ListRequest) -> Result<Vec<Total>, QueryError> {
    if request.totals.len() > MAX_TOTALS {
        return Err(QueryError::new("too_many", format!("at most {MAX_TOTALS} totals")));
    }
    request.totals.iter().map(|total| one_total(catalog, table, total)).collect()
}

fn one_total(catalog: &Catalog, table: &TableRef, total: &TotalRequest) -> Result<Total, QueryError> {
    let path = path::resolve(catalog, table, &total.field).map_err(unknown_field)?;
    let field = path.field(catalog).ok_or_else(|| QueryError::new("unknown_field", format!("`{}` is no field", total.field)))?;
    let kind = resolve::kind_of(&path, field);
    let wrong = |why: &str| Err(QueryError::new("bad_total", format!("`{}` cannot be taken of `{}`, {why}", total.function.name(), total.field)));
    if field.secret {
        return wrong("which is secret");
    }
    if path.is_many() || field.column().is_none() {
        return wrong("which holds several values");
    }
    if !functions(&kind).contains(&total.function) {
        return wrong(&format!("a {}", field.kind_name()));
    }
    Ok(Total { name: total.field.clone(), path: Some(path), function: total.function })
}

/// The totals that can be taken of values of a kind.
fn functions(kind: &FieldKind) -> &'static [Aggregate] {
    const ALL: [Aggregate; 7] = [Aggregate::Sum, Aggregate::Avg, Aggregate::Min, Aggregate::Max, Aggregate::Count, Aggregate::CountEmpty, Aggregate::CountDistinct];
    match kind {
        FieldKind::Decimal(_) | FieldKind::Integer { .. } | FieldKind::Rating { .. } | FieldKind::Duration => &ALL,
        FieldKind::Date | FieldKind::Datetime | FieldKind::Time | FieldKind::Text(_) => &ALL[2..],
        _ => &ALL[4..],
    }
}

/// The totals that can be taken of what a path leads to.
pub fn fitting(catalog: &Catalog, path: &Path) -> Vec<Aggregate> {
    match path.field(catalog) {
        Some(field) if !field.secret && !path.is_many() && field.column().is_some() => functions(&resolve::kind_of(path, field)).to_vec(),
        _ => Vec::new(),
    }
}

/// Resolves levels of grouping. A field with several values puts a record into several groups.
pub(crate) fn groups(catalog: &Catalog, table: &TableRef, request: &ListRequest) -> Result<Vec<Group>, QueryError> {
    if request.group_by.len() > MAX_GROUPS {
        return Err(QueryError::new("too_many", format!("at most {MAX_GROUPS} levels of groups")));
    }
    let groups: Vec<Group> = request.group_by.iter().map(|group| one_group(catalog, table, request, group)).collect::<Result<_, _>>()?;
    if let Some(twice) = groups.iter().enumerate().find(|(index, group)| groups[..*index].iter().any(|known| known.path == group.path && known.by == group.by && known.level == group.level)) {
        return Err(QueryError::new("bad_group", format!("`{}` is named twice", twice.1.name)));
    }
    Ok(groups)
}

fn one_group(catalog: &Catalog, table: &TableRef, request: &ListRequest, group: &GroupRequest) -> Result<Group, QueryError> {
    let path = path::resolve(catalog, table, &group.field).map_err(unknown_field)?;
    let field = path.field(catalog).ok_or_else(|| QueryError::new("unknown_field", format!("`{}` is no field", group.field)))?;
    let kind = resolve::kind_of(&path, field);
    let wrong = |why: &str| Err(QueryError::new("bad_group", format!("records cannot be grouped by `{}`, {why}", group.field)));
    if field.secret {
        return wrong("which is secret");
    }
    if path.is_many() || !path.hops.is_empty() && matches!(field.storage, Storage::Side { .. }) {
        return wrong("which leads to many rows");
    }
    if matches!(kind, FieldKind::Json { .. } | FieldKind::Geo | FieldKind::RichText | FieldKind::File(_)) {
        return wrong(&format!("a {}", field.kind_name()));
    }
    if matches!(kind, FieldKind::Address) && path.part.is_none() {
        return wrong(&format!("an address; name a part of it, such as `{}.city`", group.field));
    }
    if group.by.is_some() && !matches!(kind, FieldKind::Date | FieldKind::Datetime) {
        return Err(QueryError::new("bad_group", format!("only dates are grouped `by` a span; `{}` is a {}", group.field, field.kind_name())));
    }
    if let Some(level) = group.level {
        let tree = matches!(&kind, FieldKind::Link(link) if !link.multiple && catalog.card(&link.target).is_some_and(|card| card.tree.is_some()));
        if !tree {
            return Err(QueryError::new("bad_group", format!("only links into a tree have a `level`; `{}` is a {}", group.field, field.kind_name())));
        }
        if !(1..=MAX_LEVEL).contains(&level) {
            return Err(QueryError::new("bad_group", format!("a `level` is 1 (the top) to {MAX_LEVEL}")));
        }
    }
    let title = match &kind {
        FieldKind::Link(link) if !link.multiple => titled(catalog, &path, &link.target),
        _ => None,
    };
    Ok(Group { name: group.field.clone(), by: group.by, level: group.level, title, order: order(request, group)?, path })
}

/// The first field of what a link points to, if it is a plain one.
fn titled(catalog: &Catalog, path: &Path, target: &Ident) -> Option<Path> {
    let first = catalog.card(target)?.title.paths().next()?;
    let through = path::resolve(catalog, &path.start, &format!("{path}.{first}")).ok()?;
    through.field(catalog).is_some_and(|field| !field.secret && field.column().is_some()).then_some(through)
}

fn order(request: &ListRequest, group: &GroupRequest) -> Result<GroupOrder, QueryError> {
    let Some(text) = group.order.as_deref() else { return Ok(GroupOrder::default()) };
    let (word, descending) = text.strip_prefix('-').map_or((text, false), |word| (word, true));
    let total = |word: &str| request.totals.iter().position(|total| format!("{}.{}", total.field, total.function.name()) == word);
    let by = match word {
        "value" => GroupKey::Value,
        "count" => GroupKey::Count,
        word => GroupKey::Total(total(word).ok_or_else(|| QueryError::new("bad_group", format!("groups are ordered by `value`, `count`, or one of the question's totals such as `total.sum`; `{word}` is none of them")))?),
    };
    Ok(GroupOrder { by, descending })
}
