//! Whoever reads pages and has just shown who they are. Who has not is asked for the password in the middle of what
//! they do, and a form they sent is carried out once it was right.
//!
//! **Invariants**
//! - What was typed waits in the page that asks, nowhere else: in no address, in no log, on no server.
//! - A new password that was typed does not come back in a page; that form is filled in again.
//! - No handler sees the body before the password was right.

use app::{AppError, accounts::Confirmed};
use axum::{
    extract::{FromRequest, FromRequestParts, Request},
    http::{Method, header, request::Parts as Head},
    response::{IntoResponse, Redirect, Response},
};

use crate::{
    Site,
    extract::Form,
    pages::{Reader, me::confirm, url},
    visit::{came_from, confirmed},
};

type Pairs = Vec<(String, String)>;

/// The field of a form that gives the password again, and that of the second factor's code.
pub const PASSWORD: &str = "confirm_password";
/// See [`PASSWORD`].
pub const CODE: &str = "confirm_code";

/// What a password that is to hold from now on is typed into.
const SECRETS: [&str; 2] = ["password", "again"];

/// Somebody reading pages who has just shown who they are.
pub struct Sure {
    /// Who.
    pub reader: Reader,
    /// That they have.
    pub by: Confirmed,
    /// The form they sent.
    pub fields: Pairs,
}

impl FromRequest<Site> for Sure {
    type Rejection = Response;
    async fn from_request(request: Request, site: &Site) -> Result<Self, Response> {
        let (mut parts, body) = request.into_parts();
        let reader = Reader::from_request_parts(&mut parts, site).await?;
        if is_refused(site, &parts, &reader) {
            return Err(reader.failed(site, &AppError::forbidden("only administrators may do this")));
        }
        let sends = parts.method != Method::GET && parts.headers.contains_key(header::CONTENT_TYPE);
        let fields = if sends { Form::<Pairs>::from_request(Request::from_parts(parts.clone(), body), site).await?.0 } else { Pairs::new() };
        match confirmed(site, &parts, &reader.asker).await {
            Ok(by) => Ok(Self { reader, by, fields }),
            Err(AppError::ConfirmFirst) if !reader.fragment => ask(site, &parts, reader, fields).await,
            Err(error) => Err(reader.failed(site, &error)),
        }
    }
}

fn is_refused(site: &Site, parts: &Head, reader: &Reader) -> bool {
    let (path, actor) = (parts.uri.path(), &reader.asker.actor);
    if path.starts_with("/studio/rights") {
        let snapshot = site.app.snapshot();
        return !snapshot.catalog.cards.values().any(|card| app::rights::may_administer(&snapshot, actor, card));
    }
    (path.starts_with("/studio") || path == "/view-as") && !actor.is_administrator()
}

/// Tries the password that came with the form; asks for it where none did, or it was not right.
async fn ask(site: &Site, parts: &Head, reader: Reader, fields: Pairs) -> Result<Sure, Response> {
    if parts.method == Method::GET {
        return Err(Redirect::to(&url("/me/confirm", &[("next", &reader.here)])).into_response());
    }
    let tried = async {
        let right = match confirm::given(site, &reader, &fields).await? {
            true => Some(confirm::again(site, &reader, &parts.headers, &fields).await?),
            false => None,
        };
        if right == Some(true) { Ok(Ok(confirmed(site, parts, &reader.asker).await?)) } else { Ok(Err(right.is_some())) }
    };
    match tried.await {
        Ok(Ok(by)) => Ok(Sure { reader, by, fields }),
        Ok(Err(wrong)) => {
            let secret = fields.iter().any(|(name, value)| SECRETS.contains(&name.as_str()) && !value.is_empty());
            let (action, kept) = if secret { ("/me/confirm".to_owned(), vec![("next".to_owned(), came_from(&parts.headers))]) } else { (reader.here.clone(), kept(fields)) };
            Err(confirm::asked(site, &reader, action, kept, wrong).await)
        }
        Err(error) => Err(reader.failed(site, &error)),
    }
}

/// The form without what each page puts there itself.
fn kept(fields: Pairs) -> Pairs {
    fields.into_iter().filter(|(name, _)| name != "_csrf" && !name.starts_with("confirm_")).collect()
}
