//! Lists that somebody keeps in sight, in the bar beside every page.
//!
//! **Invariants**
//! - A list that is gone, or no longer its reader's to see, is passed over; it comes back with the right.

use std::sync::Arc;

use access::Actor;
use model::Card;

use super::{Listed, all, find};
use crate::{App, AppError, Snapshot, accounts};

/// Most lists that are kept in sight.
const MOST: usize = 20;
/// The preference they stand in: `card:list`, in order.
const KEY: &str = "view.pins";

fn pins(actor: &Actor) -> Vec<(&str, &str)> {
    let kept = actor.preferences.get(KEY).map(String::as_str).unwrap_or_default();
    kept.split(' ').filter_map(|pin| pin.split_once(':')).collect()
}

/// Whether the actor keeps a list in sight.
pub fn is_pinned(actor: &Actor, card: &Card, id: &str) -> bool {
    pins(actor).contains(&(card.key.as_str(), id))
}

/// The lists that the actor keeps in sight, in their order.
pub async fn pinned(app: &App, snapshot: &Snapshot, actor: &Actor) -> Result<Vec<(Arc<Card>, Listed)>, AppError> {
    let wanted = pins(actor);
    let mut known: Vec<(Arc<Card>, Vec<Listed>)> = Vec::new();
    for (card, _) in &wanted {
        let Ok(card) = snapshot.card(card) else { continue };
        if !known.iter().any(|(known, _)| known.key == card.key) && crate::lists::may_see(snapshot, actor, card.key.as_str()).is_ok() {
            known.push((card.clone(), all(app, snapshot, actor, card).await?));
        }
    }
    let one = |(key, id): &(&str, &str)| {
        let (card, lists) = known.iter().find(|(card, _)| card.key.as_str() == *key)?;
        Some((card.clone(), lists.iter().find(|listed| listed.view.id == *id)?.clone()))
    };
    Ok(wanted.iter().filter_map(one).collect())
}

/// Keeps a list in sight, or no longer.
pub async fn pin(app: &App, snapshot: &Snapshot, actor: &Actor, card: &str, id: &str, on: bool) -> Result<(), AppError> {
    crate::lists::may_see(snapshot, actor, card)?;
    let user = actor.user.ok_or(AppError::Unauthenticated)?;
    let listed = find(app, snapshot, actor, &snapshot.card(card)?.clone(), id).await?;
    let own = (card, listed.view.id.as_str());
    let mut kept: Vec<(&str, &str)> = pins(actor).into_iter().filter(|pin| *pin != own).collect();
    if on {
        if kept.len() >= MOST {
            return Err(AppError::Conflict { code: "too_many_pins", detail: format!("at most {MOST} lists are kept in sight; take one out first"), blockers: Vec::new() });
        }
        kept.push(own);
    }
    let text: Vec<String> = kept.iter().map(|(card, id)| format!("{card}:{id}")).collect();
    accounts::put_preference(app, user, KEY, &text.join(" ")).await
}
