//! Pages that say what went wrong.

use serde::Serialize;

/// A page instead of the one asked for.
#[derive(Debug, Clone, Default, Serialize)]
pub struct ErrorPage {
    /// Which.
    pub kind: ErrorKind,
    /// The HTTP status, shown small.
    pub status: u16,
    /// What happened, more exactly; none for the usual words.
    pub detail: Option<String>,
    /// Identifies the request in the logs.
    pub request_id: Option<String>,
    /// Where to go back to.
    pub back_url: String,
    /// Where to try again; none where it would not help.
    pub retry_url: Option<String>,
}

/// What went wrong; each has words of its own.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorKind {
    /// 400, 415, 422 on a whole page: the address or what was sent makes no sense.
    Bad,
    /// 401: no session.
    SignIn,
    /// 403.
    Forbidden,
    /// 404: not there, or not yours to see.
    #[default]
    Missing,
    /// 409: others point to it, or the state has changed.
    Conflict,
    /// 413.
    TooLarge,
    /// 429.
    TooMany,
    /// 500.
    Broken,
    /// 503: overloaded, or the database is away.
    Busy,
    /// No network (the page the browser shows by itself).
    Offline,
}
