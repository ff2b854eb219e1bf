//! Saved lists against the catalog: what a pack ships, and what somebody keeps.
//!
//! **Invariants**
//! - Names that lead nowhere are faults, and fall away: a list that somebody kept outlives a field that went.
//! - [`View::written`] is the definition a view was resolved from.
//!
//! **Not here:** who sees it (`app::views`), which records it shows (`access`).

use serde_json::Value as Json;

use crate::{
    Catalog, FieldKind, Filter, Ident, Path, Scopes, TableRef, View, ViewDef, check_filter,
    def::{ColumnDef, EmphasisDef, ViewKind, WideColumnDef},
    path,
};

/// What is wrong with a list, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ViewFault {
    /// JSON pointer from the definition's root.
    pub pointer: String,
    /// What is wrong and what would be right.
    pub message: String,
}

/// Resolves a list. What leads nowhere is left out, and told.
pub fn resolve_view(catalog: &Catalog, table: &TableRef, def: &ViewDef) -> (View, Vec<ViewFault>) {
    let mut faults = Vec::new();
    let mut find = |name: &str, pointer: String| match path::resolve(catalog, table, name) {
        Ok(path) => Some(path),
        Err(error) => {
            faults.push(ViewFault { pointer, message: error.message });
            None
        }
    };
    let width = |column: &ColumnDef| match column {
        ColumnDef::Path(_) => None,
        ColumnDef::Wide(wide) => Some(wide.width),
    };
    let columns = def.columns.iter().enumerate().filter_map(|(index, column)| Some((find(column.path(), format!("/columns/{index}"))?, width(column)))).collect();
    let keys = def.sort.iter().flat_map(|sort| sort.split(',')).map(str::trim).filter(|key| !key.trim_start_matches('-').is_empty());
    let sort: Vec<&str> = keys.filter(|key| find(key.trim_start_matches('-'), "/sort".into()).is_some()).collect();
    let group_by = def.group_by.iter().enumerate().filter(|(index, group)| find(&group.field, format!("/group_by/{index}/field")).is_some()).map(|(_, group)| group.clone()).collect();
    let totals = def.totals.iter().filter_map(|(name, function)| Some((find(name, format!("/totals/{name}"))?, *function))).collect();
    let emphasis: Vec<(Path, Vec<EmphasisDef>)> = def.emphasis.iter().filter_map(|(name, all)| Some((find(name, format!("/emphasis/{name}"))?, all.clone()))).collect();
    let (by, until) = (def.by.as_ref().and_then(|name| find(name, "/by".into())), def.until.as_ref().and_then(|name| find(name, "/until".into())));
    let (by, until) = (drawn_by(by, "/by", def, catalog, &mut faults), drawn_by(until, "/until", def, catalog, &mut faults));
    for (path, all) in &emphasis {
        for (index, one) in all.iter().enumerate() {
            if let Err(error) = check_filter(catalog, &Scopes::of(table.clone()), &one.when) {
                faults.push(ViewFault { pointer: format!("/emphasis/{path}/{index}/when{}", error.pointer), message: error.message });
            }
        }
    }
    if let Some(filter) = &def.filter
        && let Err(error) = check_filter(catalog, &Scopes::of(table.clone()), filter)
    {
        faults.push(ViewFault { pointer: format!("/filter{}", error.pointer), message: error.message });
    }
    let view = View {
        id: def.id.to_string(),
        labels: def.labels.clone(),
        kind: def.kind,
        columns,
        filter: def.filter.clone(),
        sort: (!sort.is_empty()).then(|| sort.join(",")),
        group_by,
        totals,
        emphasis,
        by,
        until,
        parameters: def.parameters.clone(),
        roles: def.roles.clone(),
        folder: def.folder.clone(),
        default: def.default,
    };
    (view, faults)
}

/// The field a board or a calendar is drawn by: one of the card itself, and of a fitting type.
fn drawn_by(path: Option<Path>, at: &str, def: &ViewDef, catalog: &Catalog, faults: &mut Vec<ViewFault>) -> Option<Path> {
    let path = path?;
    let kind = path.field(catalog).map(|field| &field.kind);
    let (fits, wanted) = match def.kind {
        ViewKind::Board => (matches!(kind, Some(FieldKind::Choice { multiple: false, .. })), "a board is drawn by a choice"),
        ViewKind::Calendar => (matches!(kind, Some(FieldKind::Date | FieldKind::Datetime)), "a calendar is drawn by a date or a datetime"),
        ViewKind::Table | ViewKind::Cards | ViewKind::Chart => (true, ""),
    };
    if fits && path.hops.is_empty() {
        return Some(path);
    }
    faults.push(ViewFault { pointer: at.into(), message: format!("{wanted} of the card itself; `{path}` is none") });
    None
}

impl View {
    /// The definition it was resolved from, without what is not about the list itself: card, roles, folder, default.
    pub fn written(&self, id: Ident) -> ViewDef {
        let column = |(path, width): &(Path, Option<u16>)| match width {
            None => ColumnDef::Path(path.to_string()),
            Some(width) => ColumnDef::Wide(WideColumnDef { field: path.to_string(), width: *width }),
        };
        ViewDef {
            id,
            card: None,
            labels: self.labels.clone(),
            kind: self.kind,
            columns: self.columns.iter().map(column).collect(),
            filter: self.filter.clone(),
            sort: self.sort.clone(),
            group_by: self.group_by.clone(),
            totals: self.totals.iter().map(|(path, function)| (path.to_string(), *function)).collect(),
            emphasis: self.emphasis.iter().map(|(path, all)| (path.to_string(), all.clone())).collect(),
            by: self.by.as_ref().map(ToString::to_string),
            until: self.until.as_ref().map(ToString::to_string),
            parameters: self.parameters.clone(),
            roles: Vec::new(),
            folder: crate::Labels::default(),
            default: false,
        }
    }
}

/// The parameters a filter asks for, in order, each with the field it is first compared with. Fields of related rows
/// stand behind the name of where they come from.
pub fn parameters(filter: &Filter) -> Vec<(String, ParameterPlace<'_>)> {
    let mut found: Vec<(String, ParameterPlace<'_>)> = Vec::new();
    collect(filter, &mut Vec::new(), &mut found);
    found
}

/// Where a filter compares with a parameter.
#[derive(Debug, Clone, PartialEq)]
pub struct ParameterPlace<'f> {
    /// The `related` around it, outermost first: from where, and by which link.
    pub related: Vec<(&'f str, Option<&'f str>)>,
    /// The field.
    pub field: &'f str,
    /// How it is compared.
    pub op: crate::Op,
}

fn collect<'f>(filter: &'f Filter, around: &mut Vec<(&'f str, Option<&'f str>)>, found: &mut Vec<(String, ParameterPlace<'f>)>) {
    match filter {
        Filter::All(parts) | Filter::Any(parts) => parts.iter().for_each(|part| collect(part, around, found)),
        Filter::Not(part) => collect(part, around, found),
        Filter::Related { related, by, filter, .. } => {
            around.push((related, by.as_deref()));
            collect(filter, around, found);
            around.pop();
        }
        Filter::Test { field, op, value } => {
            for name in names(value) {
                if !found.iter().any(|(known, _)| known == name) {
                    found.push((name.to_owned(), ParameterPlace { related: around.clone(), field, op: *op }));
                }
            }
        }
    }
}

fn names(value: &Json) -> Vec<&str> {
    let items = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
    items.iter().filter_map(|item| item.as_str()?.strip_prefix("@param.")).collect()
}

/// A filter with what was answered in the place of its parameters. Conditions whose parameter was left empty where it
/// may be (`optional`) are taken out; others keep it, and are true of nothing.
pub fn answered(filter: &Filter, answer: &dyn Fn(&str) -> Option<Json>, optional: &dyn Fn(&str) -> bool) -> Option<Filter> {
    let list = |parts: &[Filter]| -> Vec<Filter> { parts.iter().filter_map(|part| answered(part, answer, optional)).collect() };
    Some(match filter {
        Filter::All(parts) => Filter::All(list(parts)),
        // Alternatives that all fell away ask for nothing any more.
        Filter::Any(parts) => match list(parts) {
            left if left.is_empty() && !parts.is_empty() => return None,
            left => Filter::Any(left),
        },
        Filter::Not(part) => Filter::Not(Box::new(answered(part, answer, optional)?)),
        Filter::Related { related, by, wanted, filter } => Filter::Related { related: related.clone(), by: by.clone(), wanted: *wanted, filter: Box::new(answered(filter, answer, optional).unwrap_or_else(Filter::always)) },
        Filter::Test { field, op, value } => {
            if names(value).iter().any(|name| answer(name).is_none() && optional(name)) {
                return None;
            }
            Filter::Test { field: field.clone(), op: *op, value: filled(value, answer) }
        }
    })
}

fn filled(value: &Json, answer: &dyn Fn(&str) -> Option<Json>) -> Json {
    let one = |item: &Json| item.as_str().and_then(|text| text.strip_prefix("@param.")).and_then(answer);
    match value {
        // An answer of several values takes the place of one among others.
        Json::Array(items) => items.iter().flat_map(|item| match one(item) { Some(Json::Array(several)) => several, Some(single) => vec![single], None => vec![item.clone()] }).collect(),
        single => one(single).unwrap_or_else(|| single.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(json: Json) -> Filter {
        Filter::from_json(&json).expect("a filter")
    }

    #[test]
    fn parameters_are_found_once_with_their_first_field() {
        let filter = read(json!({"all": [
            {"field": "date", "op": "after", "value": "@param.since"},
            {"related": "order.customer", "has": {"field": "total", "op": "between", "value": ["@param.low", "@param.high"]}},
            {"field": "due", "op": "after", "value": "@param.since"}
        ]}));
        let found = parameters(&filter);
        let shown: Vec<String> = found.iter().map(|(name, place)| format!("{name} {} {}", place.related.len(), place.field)).collect();
        assert_eq!(shown, ["since 0 date", "low 1 total", "high 1 total"]);
    }

    #[test]
    fn answers_take_the_place_of_parameters() {
        let filter = read(json!({"any": [{"field": "a", "op": "any_of", "value": ["x", "@param.more"]}, {"field": "b", "op": "is", "value": "@param.none"}]}));
        let answer = |name: &str| (name == "more").then(|| json!(["y", "z"]));
        let left = answered(&filter, &answer, &|_| false).expect("something left");
        assert_eq!(left.to_json(), json!({"any": [{"field": "a", "op": "any_of", "value": ["x", "y", "z"]}, {"field": "b", "op": "is", "value": "@param.none"}]}));
    }

    #[test]
    fn what_may_be_left_empty_then_does_not_count() {
        let test = json!({"field": "b", "op": "is", "value": "@param.p"});
        let gone = |json: Json| answered(&read(json), &|_| None, &|_| true).map(|filter| filter.to_json());
        assert_eq!(gone(json!({"all": [test, {"field": "c", "op": "empty"}]})), Some(json!({"all": [{"field": "c", "op": "empty"}]})));
        assert_eq!(gone(json!({"all": [{"any": [test]}, {"not": test}]})), Some(json!({"all": []})), "alternatives and opposites of nothing fall away with it");
    }
}
