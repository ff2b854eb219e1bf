//! Totals and groups over all matches.

use model::{Aggregate, Catalog, FieldKind, TableRef, path, resolve};

use crate::{Group, GroupRequest, ListRequest, QueryError, Total, TotalRequest, check::unknown_field};

/// Most totals of an answer, and most levels of grouping.
const MAX_TOTALS: usize = 50;
const MAX_GROUPS: usize = 5;

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
    let number = matches!(kind, FieldKind::Decimal(_) | FieldKind::Integer { .. } | FieldKind::Rating { .. } | FieldKind::Duration);
    let ordered = number || matches!(kind, FieldKind::Date | FieldKind::Datetime | FieldKind::Time | FieldKind::Text(_));
    let wrong = |why: &str| Err(QueryError::new("bad_total", format!("`{}` cannot be taken of `{}`, {why}", total.function.name(), total.field)));
    if field.secret {
        return wrong("which is secret");
    }
    if path.is_many() || field.column().is_none() {
        return wrong("which holds several values");
    }
    let fits = match total.function {
        Aggregate::Sum | Aggregate::Avg => number,
        Aggregate::Min | Aggregate::Max => ordered,
        Aggregate::Count | Aggregate::CountDistinct => true,
        Aggregate::First | Aggregate::Last => false,
    };
    if !fits {
        return wrong(&format!("a {}", field.kind_name()));
    }
    Ok(Total { name: total.field.clone(), path: Some(path), function: total.function })
}

/// Resolves levels of grouping. A field with several values puts a record into several groups.
pub(crate) fn groups(catalog: &Catalog, table: &TableRef, request: &ListRequest) -> Result<Vec<Group>, QueryError> {
    if request.group_by.len() > MAX_GROUPS {
        return Err(QueryError::new("too_many", format!("at most {MAX_GROUPS} levels of groups")));
    }
    let groups: Vec<Group> = request.group_by.iter().map(|group| one_group(catalog, table, group)).collect::<Result<_, _>>()?;
    if let Some(twice) = groups.iter().enumerate().find(|(index, group)| groups[..*index].iter().any(|known| known.path == group.path && known.by == group.by)) {
        return Err(QueryError::new("bad_group", format!("`{}` is named twice", twice.1.name)));
    }
    Ok(groups)
}

fn one_group(catalog: &Catalog, table: &TableRef, group: &GroupRequest) -> Result<Group, QueryError> {
    let path = path::resolve(catalog, table, &group.field).map_err(unknown_field)?;
    let field = path.field(catalog).ok_or_else(|| QueryError::new("unknown_field", format!("`{}` is no field", group.field)))?;
    let wrong = |why: &str| Err(QueryError::new("bad_group", format!("records cannot be grouped by `{}`, {why}", group.field)));
    if field.secret {
        return wrong("which is secret");
    }
    if path.is_many() {
        return wrong("which leads to many rows");
    }
    let moment = matches!(resolve::kind_of(&path, field), FieldKind::Date | FieldKind::Datetime);
    if group.by.is_some() && !moment {
        return Err(QueryError::new("bad_group", format!("only dates are grouped `by` a span; `{}` is a {}", group.field, field.kind_name())));
    }
    Ok(Group { name: group.field.clone(), path, by: group.by })
}
