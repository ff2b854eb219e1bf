//! A save that found look-alikes: which they are, and the way on.

use app::{AppError, duplicates};
use model::{ActionName, Violation};
use uuid::Uuid;

use super::Reader;
use crate::{
    Site,
    pages::{bulk::titles_of, shell::may, url},
    view::{Alike, AlikeRecord},
};

/// What the banner says; nothing if no look-alike stood in the way.
pub async fn told(site: &Site, reader: &Reader, key: &str, id: Option<Uuid>, violations: &[Violation]) -> Result<Option<Alike>, AppError> {
    let (snapshot, actor) = (&reader.asker.snapshot, &reader.asker.actor);
    let card = snapshot.card(key)?.clone();
    let found: Vec<(Vec<Uuid>, usize)> = violations.iter().filter_map(duplicates::candidates).collect();
    if found.is_empty() {
        return Ok(None);
    }
    let mut ids: Vec<Uuid> = Vec::new();
    found.iter().flat_map(|(ids, _)| ids).for_each(|id| if !ids.contains(id) { ids.push(*id) });
    let count = found.iter().map(|(_, count)| *count).max().unwrap_or(0).max(ids.len());
    let titles = titles_of(site, reader, ids.iter().map(|id| (card.key.clone(), *id))).await?;
    let may_merge = may(snapshot, actor, &card, ActionName::Update) && may(snapshot, actor, &card, ActionName::Delete);
    let merge_url = |other: &Uuid| id.filter(|_| may_merge).map(|id| url(&format!("/c/{key}/merge"), &[("ids", &format!("{other},{id}"))]));
    let record = |id: &Uuid| AlikeRecord { id: id.to_string(), title: titles.get(id).cloned().unwrap_or_default(), url: format!("/c/{key}/{id}"), merge_url: merge_url(id) };
    let hidden = count.saturating_sub(ids.len());
    let refused = violations.iter().any(|violation| duplicates::refuses(&card, violation));
    // Those that may not be seen are accepted by the empty id.
    let accepted = ids.iter().copied().chain((hidden > 0).then(Uuid::nil)).map(|id| id.to_string()).collect::<Vec<_>>().join(",");
    Ok(Some(Alike {
        text: reader.t(site, if refused { "alike.refused" } else { "alike.found" }, &[("count", &count.to_string())]),
        records: ids.iter().map(record).collect(),
        hidden: if hidden > 0 { reader.t(site, "alike.hidden", &[("count", &hidden.to_string())]) } else { String::new() },
        accept: if refused { String::new() } else { accepted },
    }))
}
