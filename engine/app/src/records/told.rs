//! Places of a record as the audit keeps them: by permanent ids, so that a rename takes nothing from the history.

use access::Actor;
use model::{Card, Table};
use sql::system::{self, Event};
use store::Tx;
use uuid::Uuid;

use crate::{UnitError, snapshot::Snapshot};

/// Tells of a change, in its transaction. Where users are bound to records of the card, what is remembered of people
/// holds no more.
pub(crate) async fn tell(tx: &mut Tx, snapshot: &Snapshot, card: &Card, event: &Event<'_>) -> Result<(), UnitError> {
    note_people(tx, snapshot, card);
    for statement in system::event(tx.dialect(), event) {
        tx.put(statement).await?;
    }
    Ok(())
}

/// What became of a record as a whole, among others under one trash id.
pub(crate) fn whole<'e>(actor: &Actor, site: &'e str, trash_id: Uuid, card: &'e Card, (record, version): (Uuid, i64), action: &'static str) -> Event<'e> {
    Event { at: actor.now, actor: actor.user, card: card.key.as_str(), record, version, action, fields: "[]".into(), tracked: None, site, tx: trash_id, ids: [Uuid::now_v7(), Uuid::now_v7()] }
}

/// Where users are bound to records of the card, what is remembered of people holds no more.
pub(crate) fn note_people(tx: &mut Tx, snapshot: &Snapshot, card: &Card) {
    if snapshot.binds_users(&card.key) {
        tx.change_rights();
    }
}

/// `customer`, `lines/ROW/price` by ids.
pub(crate) fn by_ids(card: &Card, path: &str) -> String {
    translate(card, path, |table, key| table.fields.get(key).map(|field| field.id.to_string()), |card, key| card.children.get(key).map(|table| table.id.to_string()))
}

/// The same by today's keys; what is gone keeps its id.
pub(crate) fn by_keys(card: &Card, path: &str) -> String {
    let key_of = |table: &Table, id: &str| table.fields.values().find(|field| field.id == id).map(|field| field.key.to_string());
    translate(card, path, key_of, |card, id| card.children.iter().find(|(_, table)| table.id == id).map(|(key, _)| key.to_string()))
}

fn translate(card: &Card, path: &str, field: impl Fn(&Table, &str) -> Option<String>, child: impl Fn(&Card, &str) -> Option<String>) -> String {
    let steps: Vec<&str> = path.split('/').collect();
    let or = |found: Option<String>, step: &str| found.unwrap_or_else(|| step.to_owned());
    let rows = |step: &str| card.children.iter().find(|(key, table)| *key == step || table.id == step).map(|(_, table)| table);
    match steps.as_slice() {
        [own] => or(field(&card.table, own), own),
        [table, row] => format!("{}/{row}", or(child(card, table), table)),
        [table, row, own] => format!("{}/{row}/{}", or(child(card, table), table), or(rows(table).and_then(|rows| field(rows, own)), own)),
        _ => path.to_owned(),
    }
}
