//! What the hand-written server takes and gives.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize, Serializer};

/// Hundredths as a text with two digits.
fn cents<S: Serializer>(value: &Option<i64>, to: S) -> Result<S::Ok, S::Error> {
    match value {
        Some(value) => to.collect_str(&format_args!("{}.{:02}", value / 100, value % 100)),
        None => to.serialize_none(),
    }
}

fn some_cents<S: Serializer>(value: &i64, to: S) -> Result<S::Ok, S::Error> {
    cents(&Some(*value), to)
}

fn tenths<S: Serializer>(value: &Option<i64>, to: S) -> Result<S::Ok, S::Error> {
    match value {
        Some(value) => to.collect_str(&format_args!("{}.{}", value / 10, value % 10)),
        None => to.serialize_none(),
    }
}

/// A decimal text as a whole number of its smallest unit.
pub fn scaled(text: &str, digits: usize) -> Option<i64> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    if part.len() > digits {
        return None;
    }
    format!("{whole}{part:0<digits$}").parse().ok()
}

/// A customer as stored and shown.
#[derive(Debug, Serialize, sqlx::FromRow)]
pub struct Customer {
    pub id: i64,
    pub version: i64,
    pub code: String,
    pub name: String,
    pub phone: Option<String>,
    pub email: Option<String>,
    pub street: Option<String>,
    pub city: Option<String>,
    pub province: Option<String>,
    pub postal_code: Option<String>,
    pub industry: String,
    pub credit_level: Option<String>,
    #[serde(serialize_with = "cents")]
    pub annual_revenue: Option<i64>,
    pub employee_count: Option<i64>,
    pub created_on: NaiveDate,
    pub last_contact_at: Option<DateTime<Utc>>,
    pub is_active: Option<bool>,
    pub website: Option<String>,
    pub remarks: Option<String>,
    pub status: String,
    #[serde(serialize_with = "tenths")]
    pub score: Option<i64>,
    #[serde(serialize_with = "cents")]
    pub revenue_per_head: Option<i64>,
    pub owner: i64,
    pub owner_name: Option<String>,
    pub changed_at: DateTime<Utc>,
}

/// A customer as submitted.
#[derive(Debug, Deserialize)]
pub struct NewCustomer {
    pub code: String,
    pub name: String,
    pub phone: Option<String>,
    pub email: Option<String>,
    pub street: Option<String>,
    pub city: Option<String>,
    pub province: Option<String>,
    pub postal_code: Option<String>,
    pub industry: String,
    pub credit_level: Option<String>,
    pub annual_revenue: Option<String>,
    pub employee_count: Option<i64>,
    pub created_on: NaiveDate,
    pub last_contact_at: Option<DateTime<Utc>>,
    pub is_active: Option<bool>,
    pub website: Option<String>,
    pub remarks: Option<String>,
    pub status: String,
    pub score: Option<String>,
    pub owner: i64,
}

impl NewCustomer {
    /// What is wrong with it.
    pub fn check(&self) -> Result<(), String> {
        let known = |value: &str, of: &[&str]| of.contains(&value);
        if self.code.is_empty() || self.name.is_empty() || self.name.chars().count() > 200 {
            return Err("code and name are required; a name has at most 200 characters".into());
        }
        if !known(&self.industry, &crate::data::INDUSTRIES) || !known(&self.status, &crate::data::STATUSES) {
            return Err("unknown industry or status".into());
        }
        if self.credit_level.as_deref().is_some_and(|level| !known(level, &["A", "B", "C", "D", "E"])) {
            return Err("unknown credit level".into());
        }
        if self.email.as_deref().is_some_and(|email| !email.contains('@')) || self.website.as_deref().is_some_and(|url| !url.starts_with("http")) {
            return Err("bad mail or web address".into());
        }
        let revenue = self.annual_revenue.as_deref().map(|text| scaled(text, 2));
        let score = self.score.as_deref().map(|text| scaled(text, 1));
        if revenue.is_some_and(|value| value.is_none_or(|value| value < 0)) || score.is_some_and(|value| value.is_none_or(|value| !(0..=1000).contains(&value))) {
            return Err("bad revenue or score".into());
        }
        if self.employee_count.is_some_and(|count| count < 0) || self.status == "active" && self.employee_count == Some(0) {
            return Err("an active customer has somebody working there".into());
        }
        Ok(())
    }
}

/// What may be changed of a customer here.
#[derive(Debug, Deserialize)]
pub struct Change {
    pub remarks: Option<String>,
    pub score: Option<String>,
}

/// An order as stored.
#[derive(Debug, Serialize, sqlx::FromRow)]
pub struct Order {
    pub id: i64,
    pub version: i64,
    pub no: String,
    pub customer: i64,
    pub customer_name: Option<String>,
    pub date: NaiveDate,
    pub status: String,
    #[serde(serialize_with = "some_cents")]
    pub total: i64,
    pub remarks: Option<String>,
    pub changed_at: DateTime<Utc>,
}

/// A line of an order as stored and shown.
#[derive(Debug, Serialize, sqlx::FromRow)]
pub struct Line {
    pub id: i64,
    pub product: String,
    pub quantity: i64,
    #[serde(serialize_with = "some_cents")]
    pub price: i64,
    #[serde(serialize_with = "some_cents")]
    pub amount: i64,
}

/// An order as shown.
#[derive(Debug, Serialize)]
pub struct WholeOrder {
    #[serde(flatten)]
    pub order: Order,
    pub lines: Vec<Line>,
}

/// An order as submitted.
#[derive(Debug, Deserialize)]
pub struct NewOrder {
    pub no: String,
    pub customer: i64,
    pub date: NaiveDate,
    pub status: String,
    pub remarks: Option<String>,
    pub lines: Vec<NewLine>,
}

/// A line as submitted.
#[derive(Debug, Deserialize)]
pub struct NewLine {
    pub product: String,
    pub quantity: i64,
    pub price: String,
}

impl NewOrder {
    /// The lines as numbers, or what is wrong.
    pub fn check(&self) -> Result<Vec<(i64, i64)>, String> {
        if self.no.is_empty() || !crate::data::ORDER_STATUSES.contains(&self.status.as_str()) {
            return Err("bad number or status".into());
        }
        let line = |line: &NewLine| match scaled(&line.price, 2) {
            Some(price) if price >= 0 && line.quantity >= 1 && !line.product.is_empty() => Ok((price, price * line.quantity)),
            _ => Err("a line has a product, a quantity above zero and a price".to_owned()),
        };
        self.lines.iter().map(line).collect()
    }
}
