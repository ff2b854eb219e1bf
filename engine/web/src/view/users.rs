//! Accounts, groups, sessions and the log, for administrators.

use serde::Serialize;

use super::{Choice, SessionRow, TokenRow, Tone, Way};

/// A person in a list.
#[derive(Debug, Clone, Default, Serialize)]
pub struct PersonRow {
    /// The id.
    pub id: String,
    /// The name people know.
    pub name: String,
    /// The name they sign in with.
    pub login: String,
    /// The mail address.
    pub email: String,
    /// One or two letters, and their tone.
    pub initials: String,
    /// See `initials`.
    pub tone: Tone,
    /// Their groups, in words.
    pub groups: String,
    /// The last sign-in, in words.
    pub seen: String,
    /// Open, invited or closed: the word of the state, and its colour.
    pub state: String,
    /// See `state`.
    pub state_tone: String,
    /// There is a second factor.
    pub second: bool,
    /// Their page.
    pub url: String,
}

/// `GET /studio/users`
#[derive(Debug, Clone, Default, Serialize)]
pub struct UsersPage {
    /// What was looked for.
    pub text: String,
    /// All, open, closed.
    pub ways: Vec<Way>,
    /// The groups to narrow by.
    pub groups: Vec<Choice>,
    /// The people.
    pub people: Vec<PersonRow>,
    /// What follows.
    pub next_url: Option<String>,
}

/// A group to be in.
#[derive(Debug, Clone, Default, Serialize)]
pub struct GroupChoice {
    /// Its key.
    pub key: String,
    /// Its name.
    pub label: String,
    /// What it is for, or where it comes from.
    pub hint: String,
    /// The person is in it.
    pub chosen: bool,
}

/// A record that is tied to an account.
#[derive(Debug, Clone, Default, Serialize)]
pub struct TieRow {
    /// The card.
    pub card: String,
    /// What such a record is called.
    pub label: String,
    /// The record, if there is one.
    pub value: String,
    /// Its title.
    pub title: String,
    /// Its page.
    pub url: Option<String>,
}

/// `GET /studio/users/new` and `/studio/users/{id}`
#[derive(Debug, Clone, Default, Serialize)]
pub struct UserPage {
    /// Where the form is sent.
    pub action: String,
    /// There is no such account yet.
    pub new: bool,
    /// Who it is.
    pub person: PersonRow,
    /// The languages.
    pub languages: Vec<Choice>,
    /// The groups.
    pub groups: Vec<GroupChoice>,
    /// Records tied to it.
    pub ties: Vec<TieRow>,
    /// It may sign in.
    pub open: bool,
    /// There is a password.
    pub password: bool,
    /// A link that was just made: its path, to hand over.
    pub link: Option<String>,
    /// The whole address of the link, where the site knows its own.
    pub link_url: Option<String>,
    /// Until when a link is good, in words.
    pub link_until: Option<String>,
    /// Where a letter with the link goes, in words.
    pub mailed: Option<String>,
    /// Where they are known elsewhere.
    pub identities: Vec<String>,
    /// Their sessions.
    pub sessions: Vec<SessionRow>,
    /// Their API tokens.
    pub tokens: Vec<TokenRow>,
    /// What was refused.
    pub error: Option<String>,
    /// Something was saved.
    pub saved: bool,
    /// This is the reader's own account.
    pub own: bool,
    /// What the log tells of them.
    pub log_url: String,
}

/// `GET /studio/groups`
#[derive(Debug, Clone, Default, Serialize)]
pub struct GroupsPage {
    /// The groups.
    pub groups: Vec<GroupRow>,
}

/// A group.
#[derive(Debug, Clone, Default, Serialize)]
pub struct GroupRow {
    /// Its key.
    pub key: String,
    /// Its name.
    pub label: String,
    /// Where it comes from, in words.
    pub source: String,
    /// For people from outside.
    pub portal: bool,
    /// Where it is taken away, if an administrator made it.
    pub remove_url: Option<String>,
    /// How many members it has that may sign in.
    pub members: i64,
    /// The same, in words.
    pub count: String,
    /// Its page.
    pub url: String,
}

/// `GET /` of somebody from outside.
#[derive(Debug, Clone, Default, Serialize)]
pub struct PortalPage {
    /// Who they are.
    pub name: String,
    /// What they may read.
    pub cards: Vec<PortalCard>,
}

/// Records of one card.
#[derive(Debug, Clone, Default, Serialize)]
pub struct PortalCard {
    /// Its key.
    pub key: String,
    /// Its name, of several.
    pub label: String,
    /// Their titles, the newest first.
    pub records: Vec<String>,
    /// More than are shown.
    pub more: bool,
}

/// `GET /studio/groups/{role}`
#[derive(Debug, Clone, Default, Serialize)]
pub struct GroupPage {
    /// The group.
    pub group: GroupRow,
    /// Everybody, members first.
    pub people: Vec<GroupChoice>,
    /// What was looked for.
    pub text: String,
    /// What was refused.
    pub error: Option<String>,
    /// Something was saved.
    pub saved: bool,
    /// More people than are shown.
    pub more: bool,
}

/// `GET /studio/sessions`
#[derive(Debug, Clone, Default, Serialize)]
pub struct AccessPage {
    /// Everybody's sessions.
    pub sessions: Vec<SessionRow>,
    /// Everybody's API tokens.
    pub tokens: Vec<TokenRow>,
    /// Something was ended.
    pub saved: bool,
}

/// `GET /studio/log`
#[derive(Debug, Clone, Default, Serialize)]
pub struct LogPage {
    /// The two logs.
    pub ways: Vec<Way>,
    /// The log that is shown.
    pub log: String,
    /// What may have happened.
    pub events: Vec<Choice>,
    /// Whom it is about: nobody in particular where the value is empty.
    pub person: Choice,
    /// Where people are found.
    pub lookup: String,
    /// From this day on.
    pub from: String,
    /// Up to this day.
    pub to: String,
    /// Where from.
    pub address: String,
    /// The lines.
    pub lines: Vec<LogRow>,
    /// What follows.
    pub next_url: Option<String>,
    /// Where the file is.
    pub export_url: String,
    /// Something narrows the list.
    pub narrowed: bool,
}

/// A line of the log.
#[derive(Debug, Clone, Default, Serialize)]
pub struct LogRow {
    /// Its place.
    pub seq: i64,
    /// When, in words.
    pub when: String,
    /// When, for machines.
    pub at: String,
    /// What happened, in words.
    pub what: String,
    /// The colour of what happened.
    pub tone: String,
    /// Who did it.
    pub who: String,
    /// Their page.
    pub who_url: Option<String>,
    /// To whom, where it is somebody else.
    pub whom: String,
    /// Their page.
    pub whom_url: Option<String>,
    /// Where from, and with what.
    pub place: String,
    /// What else, in words.
    pub more: String,
}
