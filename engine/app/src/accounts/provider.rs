//! Signing in at another provider, by OpenID Connect: code flow with PKCE, state and nonce.
//!
//! **Invariants**
//! - Somebody of another provider is known here only after a person of this site tied them: by an invitation, or from
//!   their own preferences. Mail addresses tie nobody.
//! - What was kept at the begin is used up at the end, and only by the browser that began.
//! - The address to come back to is the configured one, whatever a request says.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use futures::future::BoxFuture;
use openidconnect::{
    AsyncHttpClient, AuthorizationCode, ClientId, ClientSecret, CsrfToken, HttpRequest, HttpResponse, IssuerUrl, Nonce, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, Scope, TokenResponse,
    core::{CoreAuthPrompt, CoreAuthenticationFlow, CoreClient, CoreProviderMetadata},
};
use serde::{Deserialize, Serialize};
use sql::{Datum, encode, system_accounts as accounts, system_factors as rows};
use store::Tx;
use uuid::Uuid;

use super::{Confirmed, Origin, by_id, hash_of, links, new_token, run_logged, signing::{self, Opened}};
use crate::{App, AppError, UnitError, log::{self, Entry, Event}, outbound::{Outbound, OutboundError}};

/// How long somebody may be away at the other provider.
const AWAY: TimeDelta = TimeDelta::minutes(10);
/// Longest answer that is read of it.
const MAX_ANSWER: usize = 1024 * 1024;

/// Another provider, as it was configured.
#[derive(Clone)]
pub struct Provider {
    /// What people call it, on the button.
    pub name: String,
    /// Its address.
    pub issuer: String,
    /// By which it knows this site.
    pub client_id: String,
    /// The secret between both, if there is one.
    pub client_secret: Option<String>,
    /// The address of this site, without a path.
    pub base_url: String,
    out: Outbound,
}

impl std::fmt::Debug for Provider {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Provider").field("name", &self.name).field("issuer", &self.issuer).finish_non_exhaustive()
    }
}

/// Where people come back to.
pub const BACK: &str = "/login/provider/back";

/// What somebody wants of the other provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Purpose {
    /// To sign in, and go there.
    SignIn(String),
    /// To tie it to the account of an invitation, by the token of its link.
    Accept(String),
    /// To tie it to one's own account.
    Tie(Uuid),
    /// To show again who they are, in this session (its hash), and go there.
    Confirm(Uuid, String, String),
}

#[derive(Serialize, Deserialize)]
struct Kept {
    issuer: String,
    nonce: String,
    verifier: String,
    purpose: Purpose,
}

/// How somebody came back.
#[derive(Debug)]
pub enum Back {
    /// A session is open; where to go.
    Open(Opened, String),
    /// Nobody here is tied to them.
    Unknown,
    /// It is tied to one's account now.
    Tied,
    /// They have shown who they are; where to go.
    Confirmed(String),
    /// They came back too late, with another browser, or were refused there.
    Failed,
}

/// What can go wrong on the way to a provider.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)]
pub enum HttpError {
    #[error(transparent)]
    Client(#[from] reqwest::Error),
    #[error(transparent)]
    Outbound(#[from] OutboundError),
}

fn away(error: impl std::fmt::Display) -> AppError {
    tracing::warn!(%error, "the other provider does not answer as it should");
    AppError::Conflict { code: "provider_failed", detail: "the other provider does not answer as it should; try again, or sign in otherwise".into(), blockers: Vec::new() }
}

impl Provider {
    /// A provider. Its own host may be an inner one; those it names may be if they are among `hosts`.
    pub fn new(name: &str, issuer: &str, client_id: &str, client_secret: Option<String>, base_url: &str, hosts: &[String]) -> Result<Self, AppError> {
        let refused = |detail: String| Err(AppError::malformed("bad_provider", detail));
        let Ok(address) = reqwest::Url::parse(issuer) else { return refused(format!("`{issuer}` is no address of a provider")) };
        let local = matches!(address.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
        if address.scheme() != "https" && !local {
            return refused(format!("`{issuer}` is not reached by https"));
        }
        let hosts: Vec<String> = hosts.iter().cloned().chain(address.host_str().map(str::to_owned)).collect();
        let (out, issuer) = (Outbound::new(&hosts)?, issuer.to_owned());
        Ok(Self { name: name.to_owned(), issuer, client_id: client_id.to_owned(), client_secret, base_url: base_url.trim_end_matches('/').to_owned(), out })
    }

    async fn metadata(&self) -> Result<CoreProviderMetadata, AppError> {
        let issuer = IssuerUrl::new(self.issuer.clone()).map_err(away)?;
        CoreProviderMetadata::discover_async(issuer, self).await.map_err(away)
    }
}

impl<'c> AsyncHttpClient<'c> for Provider {
    type Error = HttpError;
    type Future = BoxFuture<'c, Result<HttpResponse, HttpError>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(async move {
            let answer = self.out.send(request.try_into()?, MAX_ANSWER).await?;
            let mut response = HttpResponse::new(answer.body);
            *response.status_mut() = answer.status;
            *response.headers_mut() = answer.headers;
            Ok(response)
        })
    }
}

/// Begins: the address to send the browser to, and what the browser keeps until it comes back.
pub async fn begin(app: &App, provider: &Provider, purpose: Purpose, now: DateTime<Utc>) -> Result<(String, String), AppError> {
    let client = CoreClient::from_provider_metadata(provider.metadata().await?, ClientId::new(provider.client_id.clone()), provider.client_secret.clone().map(ClientSecret::new))
        .set_redirect_uri(RedirectUrl::new(format!("{}{BACK}", provider.base_url)).map_err(away)?);
    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
    let (state, nonce) = (new_token(), new_token());
    let (said, once) = (state.clone(), nonce.clone());
    let mut request = client.authorize_url(CoreAuthenticationFlow::AuthorizationCode, move || CsrfToken::new(said), move || Nonce::new(once));
    for scope in ["profile", "email"] {
        request = request.add_scope(Scope::new(scope.into()));
    }
    if matches!(purpose, Purpose::Confirm(..)) {
        request = request.add_prompt(CoreAuthPrompt::Login).set_max_age(Duration::from_secs(0));
    }
    let (address, _, _) = request.set_pkce_challenge(challenge).url();
    let kept = Kept { issuer: provider.issuer.clone(), nonce, verifier: verifier.secret().clone(), purpose };
    let kept = serde_json::to_string(&kept).map_err(|error| AppError::Internal(error.to_string()))?;
    let key = hash_of(&state);
    let closed = app.secrets.seal("provider", &key, &kept)?;
    crate::run(&app.store, vec![rows::begin_provider(app.store.dialect(), key, &closed, now + AWAY)]).await?;
    Ok((address.to_string(), state))
}

/// What was kept, once.
async fn take(app: &App, state: &str, now: DateTime<Utc>) -> Result<Option<Kept>, AppError> {
    let key = hash_of(state);
    let statement = rows::end_provider(app.store.dialect(), key.clone(), now);
    let found = app.store.write(move |tx: &mut Tx| {
        let statement = statement.clone();
        Box::pin(async move { Ok::<_, UnitError>(tx.fetch(&statement).await?) })
    });
    let found = found.await.map_err(|error| error.error)?.into_iter().flatten().next();
    Ok(match found {
        Some(Datum::Text(closed)) => app.secrets.open_sealed("provider", &key, &closed).and_then(|kept| serde_json::from_str(&kept).ok()),
        _ => None,
    })
}

/// Who came back: their lasting id there, and a name for people.
struct Somebody {
    subject: String,
    name: String,
}

async fn ask(provider: &Provider, kept: &Kept, code: &str, now: DateTime<Utc>) -> Result<Option<Somebody>, AppError> {
    let client = CoreClient::from_provider_metadata(provider.metadata().await?, ClientId::new(provider.client_id.clone()), provider.client_secret.clone().map(ClientSecret::new))
        .set_redirect_uri(RedirectUrl::new(format!("{}{BACK}", provider.base_url)).map_err(away)?);
    let request = client.exchange_code(AuthorizationCode::new(code.to_owned())).map_err(away)?;
    let answer = request.set_pkce_verifier(PkceCodeVerifier::new(kept.verifier.clone())).request_async(provider).await;
    let answer = match answer {
        Ok(answer) => answer,
        Err(error) => {
            tracing::warn!(%error, "the other provider took no code");
            return Ok(None);
        }
    };
    let Some(token) = answer.id_token() else { return Ok(None) };
    let verifier = client.id_token_verifier();
    let claims = match token.claims(&verifier, &Nonce::new(kept.nonce.clone())) {
        Ok(claims) => claims,
        Err(error) => {
            tracing::warn!(%error, "the other provider's token is not good");
            return Ok(None);
        }
    };
    if matches!(kept.purpose, Purpose::Confirm(..)) && claims.auth_time().is_none_or(|at| now - at > super::confirm::WINDOW) {
        return Ok(None);
    }
    let name = claims.preferred_username().map(|name| name.to_string()).or_else(|| claims.email().map(|email| email.to_string())).unwrap_or_else(|| claims.subject().to_string());
    Ok(Some(Somebody { subject: claims.subject().to_string(), name: name.chars().filter(|c| !c.is_control()).take(200).collect() }))
}

/// Somebody comes back. `kept_state` is what their browser kept; `session` is the one they came with.
#[allow(clippy::too_many_arguments)] // What the provider said, and everything the browser brought along.
pub async fn end(app: &App, provider: &Provider, said: (&str, &str), kept_state: &str, session: Option<&str>, origin: &Origin, browser: Option<&str>, now: DateTime<Utc>) -> Result<Back, AppError> {
    let (state, code) = said;
    if state.is_empty() || state != kept_state {
        return Ok(Back::Failed);
    }
    let Some(kept) = take(app, state, now).await?.filter(|kept| kept.issuer == provider.issuer) else { return Ok(Back::Failed) };
    let Some(somebody) = ask(provider, &kept, code, now).await? else {
        log::note(app, Entry::new(Event::SignInFailed, origin).about("provider", provider.name.clone())).await?;
        return Ok(Back::Failed);
    };
    let known = app.store.fetch(&rows::identity(app.store.dialect(), &provider.issuer, &somebody.subject)).await?.into_iter().flatten().next().and_then(|id| encode::id(&id));
    let active = match known {
        Some(id) => by_id(app, id).await?.filter(|user| user.active).map(|user| user.id),
        None => None,
    };
    match kept.purpose {
        Purpose::SignIn(next) => match active {
            Some(user) => Ok(Back::Open(signing::open(app, user, origin, "provider", browser, now).await?, next)),
            None => {
                let entry = Entry::new(Event::SignInFailed, origin).about("provider", provider.name.clone());
                log::note(app, known.map_or(entry.clone(), |user| entry.to(user))).await?;
                Ok(Back::Unknown)
            }
        },
        Purpose::Accept(link) => match links::look(app, &link, now).await? {
            Some((user, _)) if known.is_none_or(|known| known == user.id) => {
                accept(app, provider, &somebody, user.id, &link, origin, now).await?;
                Ok(Back::Open(signing::open(app, user.id, origin, "provider", browser, now).await?, "/".into()))
            }
            _ => Ok(Back::Failed),
        },
        Purpose::Tie(user) => {
            let same = match session {
                Some(session) => app.store.fetch(&accounts::session_user(app.store.dialect(), hash_of(session), now)).await?.into_iter().flatten().next().and_then(|id| encode::id(&id)) == Some(user),
                None => false,
            };
            if !same || known.is_some_and(|known| known != user) {
                return Ok(Back::Failed);
            }
            if known.is_none() {
                let tied = rows::tie_identity(app.store.dialect(), &provider.issuer, &somebody.subject, user, &somebody.name, now);
                run_logged(app, vec![tied], Entry::new(Event::IdentityTied, origin).by(Some(user)).to(user).about("provider", provider.name.clone())).await?;
            }
            Ok(Back::Tied)
        }
        Purpose::Confirm(user, of, next) => {
            let same = session.is_some_and(|session| signing::session_id(session) == of) && active == Some(user);
            if !same {
                log::note(app, Entry::new(Event::ConfirmFailed, origin).by(Some(user))).await?;
                return Ok(Back::Failed);
            }
            log::note(app, Entry::new(Event::Confirmed, origin).by(Some(user)).about("provider", provider.name.clone())).await?;
            crate::run(&app.store, vec![accounts::confirm_session(app.store.dialect(), hash_of(session.unwrap_or_default()), now)]).await?;
            Ok(Back::Confirmed(next))
        }
    }
}

/// An invitation is taken up with the other provider instead of a password; its link is used up.
async fn accept(app: &App, provider: &Provider, somebody: &Somebody, user: Uuid, link: &str, origin: &Origin, now: DateTime<Utc>) -> Result<(), AppError> {
    let dialect = app.store.dialect();
    let (used, known) = (accounts::use_login_link(dialect, hash_of(link), now), rows::identity(dialect, &provider.issuer, &somebody.subject));
    let tied = rows::tie_identity(dialect, &provider.issuer, &somebody.subject, user, &somebody.name, now);
    let entry = Entry::new(Event::IdentityTied, origin).by(Some(user)).to(user).about("provider", provider.name.clone());
    let secrets = app.secrets.clone();
    let done = app.store.write(move |tx: &mut Tx| {
        let (used, known, tied, entry, secrets) = (used.clone(), known.clone(), tied.clone(), entry.clone(), secrets.clone());
        tx.change_rights();
        Box::pin(async move {
            if tx.fetch(&used).await?.is_empty() {
                return Err(AppError::malformed("bad_link", "this link was used already or is too old; ask for another").into());
            }
            if tx.fetch(&known).await?.is_empty() {
                tx.execute(&tied).await?;
            }
            log::append(tx, &secrets, &entry).await?;
            Ok::<(), UnitError>(())
        })
    });
    done.await.map_err(|error| error.error)
}

/// At which providers a user is known: issuer, name there.
pub async fn identities(app: &App, user: Uuid) -> Result<Vec<(String, String)>, AppError> {
    let pair = |row: Vec<Datum>| match <[Datum; 2]>::try_from(row) {
        Ok([Datum::Text(issuer), Datum::Text(name)]) => Some((issuer, name)),
        _ => None,
    };
    Ok(app.store.fetch(&rows::identities(app.store.dialect(), user)).await?.into_iter().filter_map(pair).collect())
}

/// Forgets who one is elsewhere. Who has no password keeps it: there would be no way in.
pub async fn untie(app: &App, by: &Confirmed) -> Result<(), AppError> {
    let user = by.user().ok_or(AppError::Unauthenticated)?;
    if by_id(app, user).await?.is_none_or(|user| user.password.is_none()) {
        return Err(AppError::Conflict { code: "no_password", detail: "set a password first; there would be no way to sign in".into(), blockers: Vec::new() });
    }
    run_logged(app, vec![rows::untie_identities(app.store.dialect(), user)], by.entry(Event::IdentityUntied).to(user)).await
}
