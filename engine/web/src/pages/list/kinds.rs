//! In which ways a list can be drawn, and by what.

use model::{Card, Field, FieldKind, Path, View, ViewKind};

use super::{Address, Asked, Reader};
use crate::{pages::cells, view::Way};

/// Own fields of a card that a board or a calendar can be drawn by, for this reader.
pub(super) fn candidates<'a>(reader: &'a Reader, card: &'a Card, kind: ViewKind) -> impl Iterator<Item = (&'a Field, Path)> {
    let fits = move |field: &&Field| match kind {
        ViewKind::Board => matches!(field.kind, FieldKind::Choice { multiple: false, .. }),
        ViewKind::Calendar => matches!(field.kind, FieldKind::Date | FieldKind::Datetime),
        ViewKind::Table | ViewKind::Cards | ViewKind::Chart => false,
    };
    let system = card.table.fields.values().filter(|field| field.system && field.key == "created_at");
    let fields = card.table.own_fields().chain(system).filter(|field| !field.secret && field.column().is_some()).filter(fits);
    let named = |field: &'a Field| Some((field, Path::own(card.table.reference(), field.key.clone())));
    fields.filter_map(named).filter(|(_, path)| access::may_name(&reader.asker.snapshot.catalog, &reader.asker.actor, path))
}

/// How a list is drawn, by what, and until what. A kind that this card has nothing for is a table.
pub(super) fn drawn(reader: &Reader, card: &Card, list: &View, columns: &[Path]) -> (ViewKind, Option<Path>, Option<Path>) {
    let all: Vec<(&Field, Path)> = candidates(reader, card, list.kind).collect();
    let named = |wanted: &Path| all.iter().any(|(_, path)| path == wanted).then(|| wanted.clone());
    // What people see in the list and change themselves goes first: a board of computed values cannot be moved on.
    let best = || {
        let rank = |(field, path): &&(&Field, Path)| (!field.is_editable(), columns.iter().position(|column| column == path).unwrap_or(usize::MAX));
        all.iter().min_by_key(rank).map(|(_, path)| path.clone())
    };
    let by = match &list.by {
        Some(path) => named(path).or_else(best),
        None => best(),
    };
    let until = list.until.clone().filter(|path| by == list.by && access::may_name(&reader.asker.snapshot.catalog, &reader.asker.actor, path));
    match (list.kind, by) {
        // Charts belong to reports; until a list is drawn as one it is a table.
        (ViewKind::Table | ViewKind::Chart, _) | (ViewKind::Board | ViewKind::Calendar, None) => (ViewKind::Table, None, None),
        (ViewKind::Cards, _) => (ViewKind::Cards, None, None),
        (kind, by) => (kind, by, until),
    }
}

/// The switch above the list: what there is nothing for is not offered.
pub(super) fn ways(reader: &Reader, asked: &Asked<'_>) -> Vec<Way> {
    let kinds = [(ViewKind::Table, "table", "table-2"), (ViewKind::Cards, "cards", "layout-grid"), (ViewKind::Board, "board", "kanban"), (ViewKind::Calendar, "calendar", "calendar")];
    let possible = |kind: ViewKind| matches!(kind, ViewKind::Table | ViewKind::Cards) || candidates(reader, asked.card, kind).next().is_some();
    let way = |(kind, key, icon): (ViewKind, &str, &str)| Way {
        key: key.into(),
        icon: icon.into(),
        url: Address { kind: key.into(), at: String::new(), span: String::new(), ..asked.address.clone() }.url(&asked.base()),
        current: kind == asked.kind,
        ..Way::default()
    };
    kinds.into_iter().filter(|(kind, ..)| possible(*kind)).map(way).collect()
}

/// The fields this kind could be drawn by.
pub(super) fn choices(reader: &Reader, asked: &Asked<'_>, key: &str) -> Vec<Way> {
    let lang = &reader.asker.actor.lang;
    let way = |(field, path): (&Field, Path)| Way {
        key: field.key.to_string(),
        label: field.labels.or_key(lang, field.key.as_str()),
        icon: cells::icon(&field.kind).into(),
        url: Address { kind: format!("{key}:{}", field.key), ..asked.address.clone() }.url(&asked.base()),
        current: Some(&path) == asked.by.as_ref(),
    };
    candidates(reader, asked.card, asked.kind).map(way).collect()
}

/// Why records cannot be moved by changing a field; none when they can, at least some of them.
pub(super) fn locked(reader: &Reader, card: &std::sync::Arc<Card>, field: &Field) -> Option<&'static str> {
    if crate::pages::record::flow::moves(reader, card, field) {
        return None;
    }
    if !field.is_editable() {
        return Some("list.move_derived");
    }
    let gate = access::gate_write(&reader.asker.snapshot.catalog, &reader.asker.actor, card, model::ActionName::Update).ok();
    match gate {
        Some(gate) if !gate.editable(None, &field.key).is_never() => None,
        _ => Some("list.move_forbidden"),
    }
}
