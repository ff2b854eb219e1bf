//! Who changed what, when. Values pass the same field rights as the record.

use access::{Actor, Readable};
use chrono::{DateTime, Utc};
use model::{ActionName, Ident};
use serde_json::{Map, Value as Json, json};
use sql::{Datum, system};
use uuid::Uuid;

use super::told;
use crate::{App, AppError, snapshot::Snapshot};

/// One change of a record.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// When.
    pub at: DateTime<Utc>,
    /// Who; `None` for the system.
    pub by: Option<(Uuid, String)>,
    /// The version from then on.
    pub version: i64,
    /// created, updated, deleted, restored.
    pub action: String,
    /// Changed places that the reader may see.
    pub fields: Vec<String>,
    /// Old and new values of tracked fields that the reader may see.
    pub tracked: Vec<(String, Json, Json)>,
}

/// The changes of a record, latest first. The record must be readable.
pub async fn history(app: &App, snapshot: &Snapshot, actor: &Actor, card: &str, id: Uuid) -> Result<Vec<Change>, AppError> {
    let locale = form::Locale::of(&actor.lang, actor.zone).with_currency(&app.settings().currency);
    super::read::read(app, snapshot, actor, card, id, &locale).await?;
    let card = snapshot.card(card)?;
    let gate = access::gate(&snapshot.catalog, actor, card, ActionName::Read)?;
    // A field that only some rows show is shown here only where it is always: its row then is not its row now.
    let visible = |path: &str| {
        let steps: Vec<&str> = path.split('/').collect();
        let (child, key) = match steps.as_slice() {
            [key] => (None, *key),
            [table, _] => return card.children.contains_key(*table),
            [table, _, key] => (Ident::new(table).ok(), *key),
            _ => return false,
        };
        Ident::new(key).is_ok_and(|key| gate.readable(child.as_ref(), &key) == Readable::Always)
    };
    let rows = app.store.fetch(&system::history(app.store.dialect(), id, 500)).await?;
    let changes = rows.into_iter().filter_map(|row| {
        let [Datum::Instant(at), by, name, Datum::Integer(version), Datum::Text(action), Datum::Text(fields), tracked] = <[Datum; 7]>::try_from(row).ok()? else { return None };
        let fields = serde_json::from_str::<Vec<String>>(&fields).unwrap_or_default().into_iter().map(|path| told::by_keys(card, &path));
        let tracked: Map<String, Json> = match tracked {
            Datum::Text(text) => serde_json::from_str(&text).unwrap_or_default(),
            _ => Map::new(),
        };
        let by = match (by, name) {
            (Datum::Uuid(id), Datum::Text(name)) => Some((id, name)),
            _ => None,
        };
        let tracked = tracked.into_iter().map(|(id, both)| (told::by_keys(card, &id), both)).filter(|(key, _)| visible(key)).map(|(key, both)| (key, both[0].clone(), both[1].clone()));
        Some(Change { at, by, version, action, fields: fields.filter(|path| visible(path)).collect(), tracked: tracked.collect() })
    });
    Ok(changes.collect())
}

impl Change {
    /// As the API shows it.
    pub fn to_json(&self) -> Json {
        let tracked: Vec<Json> = self.tracked.iter().map(|(field, old, new)| json!({"field": field, "old": old, "new": new})).collect();
        let by = self.by.as_ref().map(|(id, name)| json!({"id": id.to_string(), "title": name}));
        json!({"at": self.at.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true), "by": by, "version": self.version, "action": self.action, "fields": self.fields, "values": tracked})
    }
}
