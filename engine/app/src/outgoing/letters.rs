//! Letters to people about their accounts: kept closed with the site's key, written when they leave.
//!
//! **Invariants**
//! - A link stands nowhere in the open: whoever reads the database, or the page of what is sent, cannot use it.
//! - A letter goes to the address that is kept of its user, whatever was typed.
//!
//! **Not here:** the links (`accounts::links`), the words (whoever builds the [`Post`](super::Post) brings them).

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sql::{Dialect, Statement, system_outgoing as rows};
use uuid::Uuid;

use super::{mail::Written, send::Fault};
use crate::{AppError, accounts::LinkKind, secrets::Secrets};

/// What a letter says, before it is put into words.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Letter {
    /// Where it goes.
    pub to: String,
    /// Whom it is to, as people call them.
    pub name: String,
    /// With which they sign in.
    #[serde(default)]
    pub login: String,
    /// Their language, if they chose one.
    pub language: Option<String>,
    /// The page it leads to, without the address of the site.
    pub path: String,
    /// Until when it leads there.
    pub until: DateTime<Utc>,
}

/// Words for a letter: its subject and its text, given what it is about, the address it leads to, and the site's name.
pub type Words = fn(kind: &str, letter: &Letter, url: &str, site: &str) -> (String, String);

/// Keeps a letter, to be sent as soon as possible.
pub(crate) fn put(dialect: Dialect, secrets: &Secrets, kind: LinkKind, letter: &Letter, now: DateTime<Utc>) -> Result<Statement, AppError> {
    let id = Uuid::now_v7();
    let text = serde_json::to_string(letter).map_err(|error| AppError::Internal(error.to_string()))?;
    let content = json!({"letter": kind.word(), "sealed": secrets.seal("mail", id.as_bytes(), &text)?});
    let new = rows::NewMessage { id, kind: "email", target: &letter.to, subject: kind.word(), content: content.to_string(), script: None, about: None, by: None, at: now };
    Ok(rows::put(dialect, &new))
}

/// A letter as it is kept.
pub(super) struct Closed<'l> {
    pub id: Uuid,
    pub kind: &'l str,
    pub sealed: &'l str,
}

impl Closed<'_> {
    fn open(&self, secrets: &Secrets) -> Result<Letter, Fault> {
        let opened = secrets.open_sealed("mail", self.id.as_bytes(), self.sealed).and_then(|text| serde_json::from_str(&text).ok());
        opened.ok_or_else(|| Fault::Never("it was closed with another key than this site's".into()))
    }

    /// The letter in words.
    pub fn write(&self, secrets: &Secrets, base_url: &str, site: &str, words: Words, now: DateTime<Utc>) -> Result<Written, Fault> {
        let letter = self.open(secrets)?;
        if letter.until <= now {
            return Err(Fault::Never("its link ran out before it could be sent".into()));
        }
        let (subject, text) = words(self.kind, &letter, &format!("{}{}", base_url.trim_end_matches('/'), letter.path), site);
        Ok(Written { to: vec![letter.to], subject, text: Some(text), ..Written::default() })
    }
}
