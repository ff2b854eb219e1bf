//! People from outside, such as those of a customer: what of the site they reach, and the one page they see.
//!
//! **Invariants**
//! - What is not in [`OPEN`] is for them as if it were not there, whatever their grants say: a route that is new is shut.
//! - The page shows what their own grants let them read, and no name of anybody in the house.
//!
//! **Not here:** what they may read (`access`), that groups from outside and of the house do not mix (`accounts`).

use access::Actor;
use app::{AppError, Snapshot};
use axum::{extract::MatchedPath, http::{StatusCode, request::Parts}, response::Response};
use model::ActionName;

use super::{Reader, draw, palette, shell};
use crate::{Site, view::{PortalCard, PortalPage, Shell}};

/// What of all that asks for an account they reach. Signing in and out, language and theme ask for none.
const OPEN: [(&str, &str); 4] = [("GET", "/"), ("GET", "/api/v1/records/{card}"), ("GET", "/api/v1/records/{card}/{id}"), ("POST", "/api/v1/records/{card}/query")];
/// Most records shown of a card.
const SHOWN: u32 = 50;

/// Whether a request is for what people from outside reach.
pub fn is_open(parts: &Parts) -> bool {
    let path = parts.extensions.get::<MatchedPath>().map_or("", MatchedPath::as_str);
    OPEN.iter().any(|(method, open)| *method == parts.method.as_str() && *open == path)
}

/// Nothing more is there for people from outside.
pub fn admit(snapshot: &Snapshot, actor: &Actor, is_open: bool) -> Result<(), AppError> {
    if is_open || !access::is_outsider(&snapshot.catalog, actor) { Ok(()) } else { Err(AppError::not_found("page")) }
}

/// The frame around it: whose site this is, how it speaks and looks, the way out.
fn frame(site: &Site, reader: &Reader) -> Shell {
    let whole = shell::of(site, reader, None);
    Shell { lang: whole.lang, languages: whole.languages, theme: whole.theme, density: whole.density, point: whole.point, csrf: whole.csrf, company: whole.company, notice: whole.notice, viewing: whole.viewing, here: "/".into(), home_url: "/".into(), ..Shell::default() }
}

/// Their page: who they are, and the records they may read.
pub async fn page(site: &Site, reader: &Reader) -> Response {
    let answer = async {
        let (snapshot, actor) = (&reader.asker.snapshot, &reader.asker.actor);
        let mut cards = Vec::new();
        for card in snapshot.catalog.cards.values().filter(|card| !card.builtin && shell::may(snapshot, actor, card, ActionName::Read)) {
            let (records, more) = palette::newest(site, reader, card, None, SHOWN).await?;
            let label = card.plurals.or_key(&actor.lang, card.key.as_str());
            cards.push(PortalCard { key: card.key.to_string(), label, records: records.into_iter().map(|(_, title)| title).collect(), more });
        }
        Ok::<_, AppError>(PortalPage { name: actor.name.clone(), cards })
    };
    let shell = frame(site, reader);
    match answer.await {
        Ok(page) => draw(site, StatusCode::OK, "portal/home.html", &shell, &page),
        Err(error) => super::failed(site, &shell, &error, reader.fragment),
    }
}
