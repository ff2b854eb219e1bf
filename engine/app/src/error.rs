//! Everything that can keep a use case from doing what it was asked. The room `web` maps each to a status, once.

use model::{Ident, Rejected, Violation};
use serde_json::Value as Json;

/// Why a use case did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// The request itself makes no sense: 400.
    #[error("{detail}")]
    Malformed { code: &'static str, detail: String },
    /// Nobody is signed in: 401.
    #[error("sign in first")]
    Unauthenticated,
    /// A dangerous act, and the password was not given lately: 403.
    #[error("show again who you are: give your password first")]
    ConfirmFirst,
    /// Signed in, but may not do it: 403.
    #[error("{detail}")]
    Forbidden { detail: String },
    /// Not there, or not yours to see: 404.
    #[error("there is no such {what}")]
    NotFound { what: String },
    /// The state of things does not allow it: 409.
    #[error("{detail}")]
    Conflict { code: &'static str, detail: String, blockers: Vec<Blocker> },
    /// Somebody else was quicker: 412.
    #[error("the record was changed by somebody else meanwhile")]
    Stale(Box<Stale>),
    /// More than is taken: 413.
    #[error("{detail}")]
    TooLarge { detail: String },
    /// A kind of body that is not taken: 415.
    #[error("{detail}")]
    UnsupportedType { detail: String },
    /// Rules are broken: 422.
    #[error(transparent)]
    Rejected(#[from] Rejected),
    /// Too many tries: 429.
    #[error("too many requests; try again in {seconds} seconds")]
    TooMany { seconds: u64 },
    /// The database cannot do it now: 503.
    #[error("the database is not available at the moment: {detail}")]
    Unavailable { detail: String },
    /// Definitions were published while this was under way: it is to be done again by the new ones. 503 for whoever
    /// sees it after all.
    #[error("definitions were published meanwhile")]
    Outdated,
    /// A fault of ours: 500, logged with its cause.
    #[error("{0}")]
    Internal(String),
}

/// Records that stand in the way of a deletion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blocker {
    /// Their card.
    pub card: Ident,
    /// The link that points here.
    pub field: Ident,
    /// How many (counted up to 1,000).
    pub count: u64,
}

/// Both sides of a lost race.
#[derive(Debug, Clone, PartialEq)]
pub struct Stale {
    /// The version that is stored now.
    pub version: i64,
    /// Who changed it last, and when.
    pub changed_by: Option<String>,
    /// When it was changed last.
    pub changed_at: Option<chrono::DateTime<chrono::Utc>>,
    /// The fields both changed: path, theirs, yours.
    pub fields: Vec<StaleField>,
}

/// A field that both sides changed.
#[derive(Debug, Clone, PartialEq)]
pub struct StaleField {
    /// `credit_limit`, or `lines/ROW-ID/price`.
    pub path: String,
    /// What is stored now.
    pub theirs: Json,
    /// What was submitted.
    pub yours: Json,
}

impl AppError {
    /// A request that makes no sense.
    pub fn malformed(code: &'static str, detail: impl Into<String>) -> Self {
        Self::Malformed { code, detail: detail.into() }
    }
    /// Something that is not there, or not the actor's to see.
    pub fn not_found(what: impl Into<String>) -> Self {
        Self::NotFound { what: what.into() }
    }
    /// Something the actor may not do.
    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::Forbidden { detail: detail.into() }
    }
    /// One broken rule.
    pub fn rejected(violation: Violation) -> Self {
        Self::Rejected(Rejected(vec![violation]))
    }
    /// The same error once more, for an answer of another kind. What only the log should see is left out.
    pub fn again(&self) -> Self {
        match self {
            Self::Malformed { code, detail } => Self::Malformed { code, detail: detail.clone() },
            Self::Unauthenticated => Self::Unauthenticated,
            Self::ConfirmFirst => Self::ConfirmFirst,
            Self::Forbidden { detail } => Self::Forbidden { detail: detail.clone() },
            Self::NotFound { what } => Self::NotFound { what: what.clone() },
            Self::Conflict { code, detail, blockers } => Self::Conflict { code, detail: detail.clone(), blockers: blockers.clone() },
            Self::Stale(stale) => Self::Stale(stale.clone()),
            Self::TooLarge { detail } => Self::TooLarge { detail: detail.clone() },
            Self::UnsupportedType { detail } => Self::UnsupportedType { detail: detail.clone() },
            Self::Rejected(rejected) => Self::Rejected(rejected.clone()),
            Self::TooMany { seconds } => Self::TooMany { seconds: *seconds },
            Self::Unavailable { detail } => Self::Unavailable { detail: detail.clone() },
            Self::Outdated => Self::Outdated,
            Self::Internal(cause) => Self::Internal(cause.clone()),
        }
    }
    /// The stable word of the problem, as clients see it.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Malformed { code, .. } | Self::Conflict { code, .. } => code,
            Self::Unauthenticated => "unauthenticated",
            Self::ConfirmFirst => "confirm_first",
            Self::Forbidden { .. } => "forbidden",
            Self::NotFound { .. } => "not_found",
            Self::Stale(_) => "stale_version",
            Self::TooLarge { .. } => "too_large",
            Self::UnsupportedType { .. } => "unsupported_type",
            Self::Rejected(_) => "invalid",
            Self::TooMany { .. } => "too_many",
            Self::Unavailable { .. } | Self::Outdated => "unavailable",
            Self::Internal(_) => "internal",
        }
    }
}
