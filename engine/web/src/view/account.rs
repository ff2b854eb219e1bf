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
    /// Another provider one may sign in with. POST `/login/provider` with `next`.
    pub provider: Option<String>,
    /// A page where whoever forgot the password asks for a link; none where no mail leaves.
    pub forgotten_url: Option<&'static str>,
}

/// For whoever forgot the password. POST `/login/forgotten` with `name`.
#[derive(Debug, Clone, Default, Serialize)]
pub struct ForgottenPage {
    /// What was asked for; nobody is told whether there is such an account.
    pub asked: Option<String>,
    /// Why it did not work.
    pub error: Option<String>,
}

/// The second factor after the password. POST `/login/code` with `code`, `next`.
#[derive(Debug, Clone, Default, Serialize)]
pub struct CodePage {
    /// Where to go afterwards.
    pub next: String,
    /// Why it did not work.
    pub error: Option<String>,
}

/// On the way to another provider.
#[derive(Debug, Clone, Default, Serialize)]
pub struct AwayPage {
    /// What it is called.
    pub name: String,
    /// Its address.
    pub address: String,
}

/// The password is asked for again. POST `action` with `confirm_password`, `confirm_code` and `fields`.
#[derive(Debug, Clone, Default, Serialize)]
pub struct ConfirmPage {
    /// The name one signs in with, for password managers.
    pub login: String,
    /// Where the answer goes: `/me/confirm`, or to what the form was for that was sent.
    pub action: String,
    /// What goes with it: where to go afterwards, or all that was typed.
    pub fields: Vec<(String, String)>,
    /// Those are what was typed.
    pub kept: bool,
    /// Where to go afterwards.
    pub next: String,
    /// Why it did not work.
    pub error: Option<String>,
    /// A password is asked for; without one, the other provider.
    pub password: bool,
    /// A code is asked for, too.
    pub code: bool,
    /// The other provider, for who has no password.
    pub provider: Option<String>,
    /// Somebody has signed in again beside the page that waits.
    pub done: bool,
}

/// The second factor of one's own: set up, or looked after.
#[derive(Debug, Clone, Default, Serialize)]
pub struct SecondPage {
    /// It is on.
    pub on: bool,
    /// The secret to type in, in groups of four.
    pub secret: String,
    /// The picture to read, as the address of an image.
    pub picture: String,
    /// Recovery codes, shown once.
    pub codes: Vec<String>,
    /// How many are left.
    pub left: i64,
    /// Why a code was refused.
    pub error: Option<String>,
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
    /// The name they sign in with.
    pub login: String,
    /// The token of the link.
    pub token: String,
    /// Another provider to take an invitation up with instead. POST `/login/provider` with `link`.
    pub provider: Option<String>,
    /// Where it is sent.
    pub action: String,
    /// Why it was refused.
    pub error: Option<String>,
    /// The shortest password.
    pub min_length: u32,
    /// The link is used up or too old: nothing can be set.
    pub expired: bool,
    /// Where another is asked for, if letters leave.
    pub forgotten_url: Option<&'static str>,
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
    /// The second factor is on.
    pub second: bool,
    /// Recovery codes that are left.
    pub codes: i64,
    /// Another provider one may sign in with.
    pub provider: Option<String>,
    /// The name one has there.
    pub tied: Option<String>,
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
    /// When it was last used, in words, and where it began.
    pub seen: String,
    /// Whose; empty on one's own page.
    pub who: String,
    /// Their page.
    pub who_url: String,
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
    /// When it was last used, in words; none if never.
    pub used: Option<String>,
    /// It may do what else asks for the password again.
    pub administers: bool,
    /// Whose; empty on one's own page.
    pub who: String,
    /// Their page.
    pub who_url: String,
}
