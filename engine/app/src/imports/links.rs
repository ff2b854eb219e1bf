//! What cells of links mean: records known by a unique field, by their title, or by their id. Asked for many rows at once.
//!
//! **Invariants**
//! - Only records that the actor may see are found.
//! - A title that several records have is no answer, and said to be none.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use access::Actor;
use model::{Card, Code, Field, FieldKind, Ident, TitlePart, Violation, types};
use query::ListRequest;
use serde_json::json;
use store::Tx;
use uuid::Uuid;

use super::{settings::Column, values::{Notation, several}};
use crate::{Snapshot, Source, UnitError, lists, titles::{self, Wanted}};

/// Values asked for in one statement.
const CHUNK: usize = 400;

/// What is known of a text that a cell of a link holds.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Found {
    /// This record.
    One(Ident, Uuid),
    /// Several records could be meant.
    Several(usize),
    /// None.
    Nothing,
}

/// The texts of a column, and what they were found to mean.
#[derive(Debug, Default)]
pub(super) struct Meanings(HashMap<(Ident, Option<String>, String), Found>);

/// One who asks.
pub(super) struct Asking<'a> {
    pub snapshot: &'a Snapshot,
    pub actor: &'a Actor,
    pub locale: &'a form::Locale,
    pub notation: &'a Notation,
}

/// The cards a link points to.
pub(super) fn targets(field: &Field) -> Vec<&Ident> {
    match &field.kind {
        FieldKind::Link(link) => vec![&link.target],
        FieldKind::AnyLink { targets, .. } => targets.iter().collect(),
        _ => Vec::new(),
    }
}

/// The texts of a cell: one, or several where the field holds several.
pub(super) fn texts(field: &Field, text: &str) -> Vec<String> {
    match &field.kind {
        FieldKind::Link(link) if link.multiple => several(text, |_| false),
        _ => vec![text.trim().to_owned()],
    }
}

impl Meanings {
    /// What a text means; a link to one of several cards may name the card: `room: Cellar`.
    pub(super) fn of(&self, column: &Column, text: &str) -> Found {
        let targets = targets(&column.field);
        let (targets, text) = match text.split_once(':').and_then(|(card, rest)| Some((targets.iter().find(|target| **target == card.trim())?, rest.trim()))) {
            Some((target, rest)) if targets.len() > 1 => (vec![*target], rest),
            _ => (targets, text),
        };
        let found: Vec<&Found> = targets.iter().filter_map(|target| self.0.get(&((*target).clone(), column.by.clone(), text.to_owned()))).filter(|found| **found != Found::Nothing).collect();
        match found.as_slice() {
            [] => Found::Nothing,
            [one] => (*one).clone(),
            many => Found::Several(many.len()),
        }
    }

    /// A record that was made meanwhile.
    pub(super) fn learn(&mut self, target: &Ident, by: Option<&String>, text: &str, id: Uuid) {
        self.0.insert((target.clone(), by.cloned(), text.to_owned()), Found::One(target.clone(), id));
    }

    /// Forgets what was not found: it may be there by now.
    pub(super) fn forget_missing(&mut self) {
        self.0.retain(|_, found| *found != Found::Nothing);
    }

    /// Asks for all texts of all columns that are not known yet.
    pub(super) async fn ask(&mut self, tx: &mut Tx, asking: &Asking<'_>, wanted: &[(&Column, Vec<String>)]) -> Result<(), UnitError> {
        let mut open: BTreeMap<(Ident, Option<String>), BTreeSet<String>> = BTreeMap::new();
        for (column, texts) in wanted {
            for target in targets(&column.field) {
                let key = (target.clone(), column.by.clone());
                for text in texts {
                    let bare = text.split_once(':').filter(|(card, _)| *target == card.trim()).map_or(text.as_str(), |(_, rest)| rest.trim());
                    if !self.0.contains_key(&(key.0.clone(), key.1.clone(), bare.to_owned())) {
                        open.entry(key.clone()).or_default().insert(bare.to_owned());
                    }
                }
            }
        }
        for ((target, by), texts) in open {
            let Some(card) = asking.snapshot.catalog.card(&target).cloned() else { continue };
            let texts: Vec<String> = texts.into_iter().collect();
            for chunk in texts.chunks(CHUNK) {
                let found = search(tx, asking, &card, by.as_deref(), chunk).await?;
                for text in chunk {
                    let meaning = match found.get(text).map(BTreeSet::len) {
                        None | Some(0) => Found::Nothing,
                        Some(1) => found[text].first().map_or(Found::Nothing, |id| Found::One(target.clone(), *id)),
                        Some(count) => Found::Several(count),
                    };
                    self.0.insert((target.clone(), by.clone(), text.clone()), meaning);
                }
            }
        }
        Ok(())
    }
}

type Matches = HashMap<String, BTreeSet<Uuid>>;

/// By id, then by each unique field, then by title: the first that finds a text decides what it means.
async fn search(tx: &mut Tx, asking: &Asking<'_>, card: &Card, by: Option<&str>, texts: &[String]) -> Result<Matches, UnitError> {
    let mut found = Matches::new();
    let open = |found: &Matches| texts.iter().filter(|text| !found.contains_key(*text)).cloned().collect::<Vec<_>>();
    if matches!(by, None | Some("id")) {
        let ids: Vec<String> = texts.iter().filter(|text| Uuid::try_parse(text).is_ok()).cloned().collect();
        by_field(tx, asking, card, "id", &ids, &mut found).await?;
    }
    let unique: Vec<&Field> = card.table.own_fields().filter(|field| field.unique && !field.secret && field.column().is_some() && by.is_none_or(|by| field.key == by)).collect();
    for field in unique {
        by_field(tx, asking, card, field.key.as_str(), &open(&found), &mut found).await?;
    }
    if matches!(by, None | Some("title")) {
        by_title(tx, asking, card, &open(&found), &mut found).await?;
    }
    Ok(found)
}

/// Records whose field has one of these values; texts that the field cannot hold find nothing.
async fn by_field(tx: &mut Tx, asking: &Asking<'_>, card: &Card, key: &str, texts: &[String], found: &mut Matches) -> Result<(), UnitError> {
    let Some(field) = card.field(key) else { return Ok(()) };
    let value = |text: &String| {
        let json = if key == "id" { json!(text.to_lowercase()) } else { asking.notation.read(&field.kind, &exchange::Cell::Text(text.clone())).ok()? };
        let value = types::read_json(&field.kind, &json).ok().filter(|value| !value.is_empty())?;
        types::check(&field.kind, &value).is_empty().then(|| (types::to_json(&field.kind, &value), text.clone()))
    };
    let values: Vec<(serde_json::Value, String)> = texts.iter().filter_map(value).collect();
    if values.is_empty() {
        return Ok(());
    }
    let filter = json!({"field": key, "op": "any_of", "value": values.iter().map(|(value, _)| value).collect::<Vec<_>>()});
    for (id, values_found) in list(tx, asking, card, filter, &[key.to_owned()]).await? {
        let Some(json) = values_found.first().map(|value| types::to_json(&field.kind, value)) else { continue };
        for (_, text) in values.iter().filter(|(value, _)| *value == json || key == "id" && *value == json!(id.to_string())) {
            found.entry(text.clone()).or_default().insert(id);
        }
    }
    Ok(())
}

/// Records called so. A title of several parts is looked for by what its first field could be.
async fn by_title(tx: &mut Tx, asking: &Asking<'_>, card: &Card, texts: &[String], found: &mut Matches) -> Result<(), UnitError> {
    let mut parts = card.title.0.iter();
    let mut before = String::new();
    let path = loop {
        match parts.next() {
            Some(TitlePart::Words(words)) => before.push_str(words),
            Some(TitlePart::Path(path)) => break path,
            None => return Ok(()),
        }
    };
    let separator = match parts.next() {
        Some(TitlePart::Words(words)) => Some(words.as_str()),
        Some(TitlePart::Path(_)) => Some(""),
        None => None,
    };
    let firsts = |text: &String| {
        let rest = text.strip_prefix(before.trim_start()).unwrap_or(text).to_owned();
        match separator {
            None => vec![rest],
            // Wherever the words between stand, the first field may end; what is empty may leave them out at the end.
            Some(words) => rest.match_indices(words).map(|(at, _)| rest[..at].to_owned()).chain([rest.trim_end_matches(words.trim_end()).to_owned(), rest.clone()]).filter(|first| !first.is_empty()).take(8).collect(),
        }
    };
    let candidates: BTreeSet<String> = texts.iter().flat_map(firsts).collect();
    if candidates.is_empty() || !access::may_name(&asking.snapshot.catalog, asking.actor, path) {
        return Ok(());
    }
    let filter = json!({"field": path.to_string(), "op": "any_of", "value": candidates.into_iter().collect::<Vec<_>>()});
    let ids: Vec<Uuid> = list(tx, asking, card, filter, &["id".to_owned()]).await?.into_iter().map(|(id, _)| id).collect();
    let wanted = Wanted::from([(card.key.clone(), ids.into_iter().collect())]);
    let called = titles::fetch(&mut Source::Tx(tx), &asking.snapshot.catalog, asking.actor, &wanted, asking.locale).await?;
    for (id, title) in called {
        if let Some(text) = texts.iter().find(|text| **text == title) {
            found.entry(text.clone()).or_default().insert(id);
        }
    }
    Ok(())
}

type Listed = Vec<(Uuid, Vec<model::Value>)>;

/// Records of a card through the gate; a question that makes no sense there finds nothing.
async fn list(tx: &mut Tx, asking: &Asking<'_>, card: &Card, filter: serde_json::Value, fields: &[String]) -> Result<Listed, UnitError> {
    let request = ListRequest { filter: Some(filter), fields: Some(fields.to_vec()), sort: Some("id".into()), ..ListRequest::default() };
    let Ok(gated) = lists::ask(asking.snapshot, asking.actor, card.key.as_str(), &request) else { return Ok(Vec::new()) };
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let page = lists::page_from(&mut Source::Tx(tx), asking.snapshot, asking.actor, &gated.clone().page(after.take(), query::MAX_LIMIT * 4), asking.locale).await?;
        after = page.items.last().map(|item| vec![model::Value::Id(item.id)]);
        all.extend(page.items.into_iter().map(|item| (item.id, item.values)));
        // A title that ten thousand records share is not looked at to the end: it is ambiguous by then.
        if page.next.is_none() || all.len() > 20_000 {
            return Ok(all);
        }
    }
}

/// What is wrong with a text that means no single record.
pub(super) fn fault(found: &Found, text: &str) -> Option<Violation> {
    match found {
        Found::One(..) => None,
        Found::Several(count) => Some(Violation::new("", Code::Ambiguous).with("found", text).with("count", count)),
        Found::Nothing => Some(Violation::new("", Code::NoMatch).with("found", text)),
    }
}
