//! What a slot of a record may hold, whatever the database or the wire calls it.

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use rust_decimal::Decimal;
use uuid::Uuid;

use crate::Ident;

/// The content of one field. Which variant a field holds follows from its [`FieldKind`](crate::FieldKind);
/// an empty field is always [`Value::Empty`], never an empty text or list.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Value {
    /// Nothing was filled in.
    #[default]
    Empty,
    /// Text of every kind; the value of a single choice; a colour; a formula.
    Text(String),
    /// Integer, rating, or a duration in seconds.
    Int(i64),
    /// Decimal, money or percent, already at the field's scale.
    Decimal(Decimal),
    /// Yes or no.
    Bool(bool),
    /// A day, without a zone.
    Date(NaiveDate),
    /// A time of day, without a zone.
    Time(NaiveTime),
    /// An instant, in UTC, to the microsecond.
    Instant(DateTime<Utc>),
    /// A link, user, category, file or image: the id of what it points to.
    Id(Uuid),
    /// A link to one of several cards.
    AnyId { card: Ident, id: Uuid },
    /// Several choices, in the order of their options.
    Texts(Vec<String>),
    /// Several links or files, in their own order.
    Ids(Vec<Uuid>),
    /// Address, geo, rich text, json: a document.
    Json(serde_json::Value),
}

impl Value {
    /// Whether nothing was filled in.
    pub fn is_empty(&self) -> bool {
        matches!(self, Self::Empty)
    }

    /// The text, if this is one.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The moment, if this is one.
    pub fn as_instant(&self) -> Option<DateTime<Utc>> {
        match self {
            Self::Instant(at) => Some(*at),
            _ => None,
        }
    }

    /// The id this points to, if it points to exactly one thing.
    pub fn as_id(&self) -> Option<Uuid> {
        match self {
            Self::Id(id) | Self::AnyId { id, .. } => Some(*id),
            _ => None,
        }
    }
}
