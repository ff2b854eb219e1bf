//! What can go wrong with a database, sorted by what to do about it.

use sqlx::error::{DatabaseError, ErrorKind};

/// What went wrong.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// Another row has these values: an index's name, or `table.column, table.column`.
    #[error("a unique rule is broken: {constraint}")]
    Unique { constraint: String },
    /// Something points to a row that is not there, or the other way round.
    #[error("a link is broken: {constraint}")]
    ForeignKey { constraint: String },
    /// Two units of work stood in each other's way; another try may succeed.
    #[error("another change stood in the way: {detail}")]
    Busy { detail: String },
    /// A sum is beyond what the database counts in.
    #[error("a sum is too large: {detail}")]
    Overflow { detail: String },
    /// A text that the database cannot hold: PostgreSQL takes no NUL.
    #[error("a text cannot be kept: {detail}")]
    Text { detail: String },
    /// Full disk, lost connection, too many waiting: later it may work again.
    #[error("the database cannot be used at the moment: {detail}")]
    Unavailable { detail: String },
    /// The connection was gone: what had not begun may be begun on another.
    #[error("the connection to the database was lost: {detail}")]
    Lost { detail: String },
    /// What came back is not what was asked for.
    #[error("the database holds something unexpected: {detail}")]
    Unexpected { detail: String },
}

/// Errors of units of work: they know whether the database was the cause.
pub trait Failure: From<StoreError> + Send + 'static {
    /// The database's part of the error.
    fn store(&self) -> Option<&StoreError>;
}

impl Failure for StoreError {
    fn store(&self) -> Option<&StoreError> {
        Some(self)
    }
}

impl StoreError {
    /// Whether the same unit of work may succeed when run again at once.
    pub fn can_retry(&self) -> bool {
        matches!(self, Self::Busy { .. })
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::Database(cause) => database(&**cause),
            sqlx::Error::Io(_) => Self::Lost { detail: error.to_string() },
            sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed | sqlx::Error::Tls(_) | sqlx::Error::Protocol(_) => {
                Self::Unavailable { detail: error.to_string() }
            }
            _ => Self::Unexpected { detail: error.to_string() },
        }
    }
}

impl StoreError {
    /// What kept the engine's own tables from being brought up to date.
    pub(crate) fn migrating(error: sqlx::migrate::MigrateError) -> Self {
        use sqlx::migrate::MigrateError;
        match error {
            MigrateError::VersionMissing(version) => Self::Unexpected {
                detail: format!("this database was made by a newer Cardstock (its tables are at number {version}, which this program does not know); install that version, or restore a backup of before"),
            },
            MigrateError::VersionMismatch(version) => Self::Unexpected { detail: format!("the database's own tables, number {version}, were made by another program") },
            MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => error.into(),
            other => Self::Unexpected { detail: other.to_string() },
        }
    }
}

fn database(cause: &dyn DatabaseError) -> StoreError {
    let detail = cause.message().to_owned();
    let code = cause.code().unwrap_or_default().into_owned();
    match cause.kind() {
        ErrorKind::UniqueViolation => StoreError::Unique { constraint: cause.constraint().unwrap_or_else(|| cause.message()).to_owned() },
        ErrorKind::ForeignKeyViolation => StoreError::ForeignKey { constraint: cause.constraint().unwrap_or_else(|| cause.message()).to_owned() },
        _ => match code.as_str() {
            // PostgreSQL: serialization failure, deadlock, lock not available.
            "40001" | "40P01" | "55P03" => StoreError::Busy { detail },
            // PostgreSQL: its process was told to end, or another of its processes crashed.
            "57P01" | "57P02" => StoreError::Lost { detail },
            // PostgreSQL: connection, resources, shutdown, cancelled by timeout, read-only (disk full in progress).
            code if code.starts_with("08") || code.starts_with("53") || code.starts_with("57") || code == "25006" => StoreError::Unavailable { detail },
            "22021" => StoreError::Text { detail },
            // PostgreSQL's codes have five signs, and some of them only digits.
            code if code.len() == 5 => StoreError::Unexpected { detail },
            // SQLite while its tables are brought up to date: the primary code is the lowest byte.
            code => match code.parse::<i32>().map(|code| code & 0xff) {
                Ok(5 | 6) => StoreError::Busy { detail },
                Ok(7 | 8 | 10 | 13 | 14) => StoreError::Unavailable { detail },
                _ => StoreError::Unexpected { detail },
            },
        },
    }
}
