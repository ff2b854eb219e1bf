//! In which order records are listed.
//!
//! **Invariants**
//! - Every order ends in `id`, in the direction of its first key, so that pages never overlap and one index serves both.

use model::{Card, Catalog, Field, FieldKind, Ident, Path, path};

use crate::{QueryError, Sort, check::unknown_field};

/// Most keys of an order.
const MAX_SORT: usize = 6;

/// Resolves `-date,no`. Newest first where nothing is said, and it may be read which are newest.
pub(crate) fn check(catalog: &Catalog, card: &Card, text: Option<&str>, readable: &dyn Fn(&Field) -> bool) -> Result<Vec<Sort>, QueryError> {
    let table = card.table.reference();
    let mut keys: Vec<Sort> = Vec::new();
    for name in text.unwrap_or_default().split(',').map(str::trim).filter(|name| !name.is_empty()) {
        let (name, descending) = name.strip_prefix('-').map_or((name, false), |name| (name, true));
        let path = path::resolve(catalog, &table, name).map_err(unknown_field)?;
        let path = sortable(catalog, path, name)?;
        if !keys.iter().any(|key| key.path == path) {
            keys.push(Sort { path, descending });
        }
        if keys.len() > MAX_SORT {
            return Err(QueryError::new("too_many", format!("a list is sorted by at most {MAX_SORT} fields")));
        }
    }
    let own = |name: &str| Ident::new(name).ok().filter(|key| card.table.fields.contains_key(key)).map(|key| Path::own(table.clone(), key));
    if keys.is_empty() && card.field("created_at").is_some_and(readable) {
        keys.extend(own("created_at").map(|path| Sort { path, descending: true }));
    }
    let is_id = |key: &Sort| key.path.hops.is_empty() && key.path.leaf == "id";
    let descending = keys.first().is_some_and(|key| key.descending);
    match keys.iter().position(is_id) {
        // Nothing is left to order behind the id.
        Some(place) => keys.truncate(place + 1),
        None => keys.extend(own("id").map(|path| Sort { path, descending })),
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
        _ if path.leaf == "id" || path.part.is_some() => Ok(path),
        FieldKind::Link(link) if !link.multiple => {
            let title = catalog.card(&link.target).and_then(|target| target.title.paths().next().map(ToString::to_string));
            let text = format!("{path}.{}", title.unwrap_or_else(|| "id".into()));
            let through = path::resolve(catalog, &path.start, &text).map_err(unknown_field)?;
            let plain = through.field(catalog).is_some_and(|field| !field.secret && field.column().is_some());
            if plain { Ok(through) } else { Ok(Path { part: None, ..path }) }
        }
        FieldKind::Address => Err(wrong(&format!("an address; name a part of it, such as `{name}.city`"))),
        FieldKind::Choice { multiple: true, .. } | FieldKind::Link(_) | FieldKind::AnyLink { .. } | FieldKind::File(_) | FieldKind::Json { .. } | FieldKind::Geo | FieldKind::RichText => {
            Err(wrong(&format!("a {}", field.kind_name())))
        }
        _ => Ok(path),
    }
}
