//! Links with which somebody sets a password, once: an invitation, or after a password was forgotten.
//!
//! A link is shown to whoever made it, to hand over, and written to somebody's mail address in a letter. Whoever forgot a
//! password asks for the letter alone, and is not told whether there is an account. A new link takes the place of those
//! before it.

use chrono::{DateTime, TimeDelta, Utc};
use sql::{Datum, system_accounts as rows};
use store::Tx;
use uuid::Uuid;

use super::{Confirmed, Origin, User, by_id, clean_login, hash_of, new_token, passwords};
use crate::{App, AppError, UnitError, log::{self, Entry, Event}, outgoing::letters::{self, Letter}};

/// Why a link was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Somebody is new.
    Invite,
    /// A password was forgotten.
    Reset,
}

impl Kind {
    /// As it is stored.
    pub fn word(self) -> &'static str {
        match self {
            Self::Invite => "invite",
            Self::Reset => "reset",
        }
    }
    /// How long it is good.
    pub fn lasts(self) -> TimeDelta {
        match self {
            Self::Invite => TimeDelta::days(7),
            Self::Reset => TimeDelta::hours(24),
        }
    }
    fn read(word: &str) -> Self {
        if word == "invite" { Self::Invite } else { Self::Reset }
    }
}

/// A link's token with which a user sets a password, as the command line makes it.
pub async fn login_link(app: &App, user: Uuid, now: DateTime<Utc>) -> Result<String, AppError> {
    make(app, Confirmed::command_line().entry(Event::LinkMade), user, Kind::Reset, None, now).await
}

/// Who asked for a letter gets no other for so long: nobody fills somebody's letter box.
const BETWEEN: TimeDelta = TimeDelta::minutes(10);

/// Writes to whoever has this name or mail address, if they have a password to forget; how many letters that are.
/// Those who chose no language are written to in `lang`.
pub async fn forgotten(app: &App, said: &str, lang: &str, origin: &Origin, now: DateTime<Utc>) -> Result<usize, AppError> {
    let address = model::types::clean(said);
    let found = app.store.fetch(&sql::system::known_as(app.store.dialect(), &clean_login(said), &address)).await?;
    let mut count = 0;
    for user in found.into_iter().filter_map(super::user).filter(|user| user.active && user.email.is_some() && user.password.is_some()) {
        let entry = Entry::new(Event::LinkMade, origin).to(user.id).about("kind", Kind::Reset.word()).about("asked", "forgotten");
        let work = std::sync::Arc::new((user.id, prepared(app, user, Kind::Reset, Some(lang), now)?.1, entry, app.secrets.clone()));
        let done = app.store.write(move |tx: &mut Tx| {
            let work = work.clone();
            Box::pin(async move {
                let (user, statements, entry, secrets) = &*work;
                // Whoever asks twice at the same moment waits for the first, and finds its link.
                super::memberships::hold(tx).await?;
                let links = tx.fetch(&rows::link_of(tx.dialect(), *user, now)).await?;
                if links.iter().any(|link| matches!(link.as_slice(), [_, Datum::Instant(end)] if *end - Kind::Reset.lasts() + BETWEEN > now)) {
                    return Ok(0);
                }
                // Beside those there are: whoever knows a name ends nobody's link.
                for statement in statements.iter().skip(1) {
                    tx.execute(statement).await?;
                }
                log::append(tx, secrets, entry).await?;
                Ok::<usize, UnitError>(1)
            })
        });
        count += done.await.map_err(|error| error.error)?;
    }
    Ok(count)
}

/// A new link. Who chose no language is written to in that of whoever makes it.
pub(crate) async fn make(app: &App, entry: Entry, user: Uuid, kind: Kind, lang: Option<&str>, now: DateTime<Utc>) -> Result<String, AppError> {
    let known = by_id(app, user).await?.ok_or_else(|| AppError::not_found("user"))?;
    let (token, statements) = prepared(app, known, kind, lang, now)?;
    super::run_logged(app, statements, entry.to(user).about("kind", kind.word())).await?;
    Ok(token)
}

/// A new token, and what keeps its link and the letter about it.
fn prepared(app: &App, known: User, kind: Kind, lang: Option<&str>, now: DateTime<Utc>) -> Result<(String, Vec<sql::Statement>), AppError> {
    let (token, dialect, user) = (new_token(), app.store.dialect(), known.id);
    let mut statements = rows::create_login_link(dialect, hash_of(&token), user, kind.word(), now, now + kind.lasts());
    if let Some(address) = known.email {
        let letter = Letter { to: address, name: known.name, login: known.login, language: known.language.or(lang.map(str::to_owned)), path: format!("/login/link/{token}"), until: now + kind.lasts() };
        statements.push(letters::put(dialect, &app.secrets, kind, &letter, now)?);
    }
    Ok((token, statements))
}

/// Whose a link is, if it is still good.
pub async fn look(app: &App, token: &str, now: DateTime<Utc>) -> Result<Option<(User, Kind)>, AppError> {
    let found = app.store.fetch(&rows::login_link(app.store.dialect(), hash_of(token), now)).await?.into_iter().next();
    let Some([Datum::Uuid(user), Datum::Text(kind)]) = found.as_deref() else { return Ok(None) };
    let user = by_id(app, *user).await?.filter(|user| user.active);
    Ok(user.map(|user| (user, Kind::read(kind))))
}

fn used() -> AppError {
    AppError::malformed("bad_link", "this link was used already or is too old; ask for another")
}

/// Sets a password by a link; the link is used up, and every other way in ends.
pub async fn use_link(app: &App, token: &str, password: &str, origin: &Origin, now: DateTime<Utc>) -> Result<(), AppError> {
    let (user, kind) = look(app, token, now).await?.ok_or_else(used)?;
    let hash = passwords::hash(passwords::checked(password, &[&user.login, &user.name])?).await?;
    let (secrets, token, dialect) = (app.secrets.clone(), hash_of(token), app.store.dialect());
    let mut statements = vec![rows::set_password(dialect, user.id, &hash)];
    statements.extend(rows::end_sessions(dialect, user.id).into_iter().chain(rows::end_ways(dialect, user.id)));
    let entry = Entry::new(Event::PasswordSet, origin).by(Some(user.id)).to(user.id).about("link", kind.word());
    let done = app.store.write(move |tx: &mut Tx| {
        let (statements, secrets, entry, token) = (statements.clone(), secrets.clone(), entry.clone(), token.clone());
        tx.change_rights();
        Box::pin(async move {
            if tx.fetch(&rows::use_login_link(tx.dialect(), token, now)).await?.is_empty() {
                return Err(used().into());
            }
            for statement in &statements {
                tx.execute(statement).await?;
            }
            log::append(tx, &secrets, &entry).await?;
            Ok::<(), UnitError>(())
        })
    });
    done.await.map_err(|error| error.error)
}
