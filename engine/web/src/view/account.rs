//! Signing in, passwords, and a person's own preferences.

use serde::Serialize;

/// The sign-in page. POST `/login` with `name`, `password`, `next`, `_csrf`.
#[derive(Debug, Clone, Default, Serialize)]
pub struct LoginPage {
    /// The name typed before.
    pub name: String,
    /// Where to go afterwards.
    pub next: String,
    /// Why it did not work.
    pub error: Option<String>,
    /// A word before signing in: "Your password was changed".
    pub notice: Option<String>,
    /// Sign-ins that a demo offers.
    pub demo: Vec<DemoSignIn>,
}

/// A sign-in that a demo offers: a click fills it in.
#[derive(Debug, Clone, Default, Serialize)]
pub struct DemoSignIn {
    /// Who that is, in words.
    pub label: String,
    /// The name to sign in with.
    pub name: String,
    /// The password.
    pub password: String,
}

/// Setting a password by a one-time link. POST to `action` with `password`, `again`, `_csrf`.
#[derive(Debug, Clone, Default, Serialize)]
pub struct PasswordPage {
    /// Whose password.
    pub name: String,
    /// Where it is sent.
    pub action: String,
    /// Why it was refused.
    pub error: Option<String>,
    /// The shortest password.
    pub min_length: u32,
    /// The link is used up or too old: nothing can be set.
    pub expired: bool,
}

/// A person's preferences. POST `/me` with the names of the choices; `/me/password`, `/me/sessions/ID/end`,
/// `/me/tokens`, `/me/tokens/ID/revoke` for the rest.
#[derive(Debug, Clone, Default, Serialize)]
pub struct MePage {
    /// The name shown to others.
    pub name: String,
    /// The name typed when signing in.
    pub login: String,
    /// The languages.
    pub languages: Vec<Choice>,
    /// The themes.
    pub themes: Vec<Choice>,
    /// Row heights.
    pub densities: Vec<Choice>,
    /// Time zones.
    pub zones: Vec<Choice>,
    /// Ways to write dates, each shown as an example.
    pub dates: Vec<Choice>,
    /// Ways to write numbers, each shown as an example.
    pub numbers: Vec<Choice>,
    /// Single-key shortcuts are on.
    pub shortcuts: bool,
    /// What this person is told of: the preference, its words, whether it is on.
    pub notices: Vec<Choice>,
    /// Where this person is signed in.
    pub sessions: Vec<SessionRow>,
    /// Their API tokens.
    pub tokens: Vec<TokenRow>,
    /// A token just made, shown once.
    pub new_token: Option<String>,
    /// What was wrong with a token asked for.
    pub token_error: Option<String>,
    /// What was wrong with a password change.
    pub password_error: Option<String>,
    /// Something was saved.
    pub saved: bool,
}

/// A value to choose.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Choice {
    /// What is sent.
    pub value: String,
    /// What is shown.
    pub text: String,
    /// It is chosen.
    pub selected: bool,
}

/// A session.
#[derive(Debug, Clone, Default, Serialize)]
pub struct SessionRow {
    /// Its id (not the secret).
    pub id: String,
    /// Browser and system, in words.
    pub device: String,
    /// When it was last used, in words.
    pub seen: String,
    /// The one this page is read with.
    pub current: bool,
}

/// An API token.
#[derive(Debug, Clone, Default, Serialize)]
pub struct TokenRow {
    /// Its id (not the secret).
    pub id: String,
    /// What it is for.
    pub label: String,
    /// When it was made, in words.
    pub made: String,
    /// When it ends, in words; none if never.
    pub ends: Option<String>,
}
