//! The invented company: the same customers and orders for both servers, from a seed.

use chrono::{Days, NaiveDate};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde_json::{Value as Json, json};

/// How many people own customers.
pub const OWNERS: usize = 10;
/// Lines of an order.
pub const LINES: usize = 4;

/// What an industry can be.
pub const INDUSTRIES: [&str; 10] = ["manufacturing", "retail", "finance", "logistics", "healthcare", "education", "energy", "construction", "software", "agriculture"];
/// What the status of a customer can be.
pub const STATUSES: [&str; 5] = ["lead", "prospect", "active", "dormant", "closed"];
/// What the status of an order can be.
pub const ORDER_STATUSES: [&str; 5] = ["draft", "confirmed", "shipped", "done", "cancelled"];

const CITIES: [&str; 12] = ["Shanghai", "Berlin", "Lyon", "Osaka", "Porto", "Austin", "Leeds", "Turin", "Gdansk", "Oslo", "Malmo", "Hanoi"];
const PRODUCTS: [&str; 12] = ["bolt", "valve", "pump", "sensor", "cable", "panel", "motor", "filter", "gasket", "bracket", "relay", "switch"];
const KINDS: [&str; 6] = ["Trading Co., Ltd", "Industries GmbH", "Holdings Plc", "Services SA", "Logistics BV", "Works SpA"];
const WORDS: [&str; 24] = [
    "contact", "prefers", "invoice", "monthly", "delivery", "warehouse", "contract", "renewal", "discount", "pending", "review", "visit", "technical", "budget", "approved", "decision", "meeting",
    "follow", "quarter", "shipment", "complaint", "resolved", "partner", "regional",
];

/// Makes records.
pub struct Source {
    random: StdRng,
}

impl Source {
    /// The same seed makes the same records.
    pub fn new(seed: u64) -> Self {
        Self { random: StdRng::seed_from_u64(seed) }
    }

    /// A whole number below `end`.
    pub fn below(&mut self, end: usize) -> usize {
        self.random.random_range(0..end.max(1))
    }

    /// One of several.
    pub fn pick(&mut self, of: &[&'static str]) -> &'static str {
        of[self.below(of.len())]
    }

    fn words(&mut self, from: usize, to: usize) -> String {
        let count = from + self.below(to - from);
        (0..count).map(|_| self.pick(&WORDS)).collect::<Vec<_>>().join(" ")
    }

    fn syllables(&mut self, count: usize) -> String {
        (0..count).map(|_| format!("{}{}", ["b", "d", "f", "g", "k", "l", "m", "n", "p", "r", "s", "t", "v"][self.below(13)], ["a", "e", "i", "o", "u"][self.below(5)])).collect()
    }

    fn day(&mut self) -> NaiveDate {
        NaiveDate::from_ymd_opt(2022, 1, 1).unwrap_or_default() + Days::new(self.below(1000) as u64)
    }

    /// A customer; `owner` is how the server at hand calls its owner.
    pub fn customer(&mut self, number: usize, owner: &Json) -> Json {
        let name = self.syllables(3);
        let kind = self.pick(&KINDS);
        let since = self.day();
        let contact = since + Days::new(1 + self.below(300) as u64);
        json!({
            "code": format!("C{number:07}"),
            "name": format!("{}{} {kind}", name[..1].to_uppercase(), &name[1..]),
            "phone": format!("+{} {}", 10 + self.below(89), 100_000_000 + self.below(900_000_000)),
            "email": format!("{name}{number}@example.test"),
            "street": format!("{} {} Street", 1 + self.below(998), self.syllables(2)),
            "city": self.pick(&CITIES),
            "province": format!("Region {}", 1 + self.below(30)),
            "postal_code": format!("{}", 10_000 + self.below(89_999)),
            "industry": self.pick(&INDUSTRIES),
            "credit_level": self.pick(&["A", "B", "C", "D", "E"]),
            "annual_revenue": format!("{}.{:02}", 10_000 + self.below(99_990_000), self.below(100)),
            "employee_count": 1 + self.below(4_999),
            "created_on": since.to_string(),
            "last_contact_at": format!("{contact}T{:02}:{:02}:00Z", 8 + self.below(11), self.below(60)),
            "is_active": self.below(10) < 8,
            "website": format!("https://{name}{number}.example.test"),
            "remarks": self.words(10, 50),
            "status": self.pick(&STATUSES),
            "score": format!("{}.{}", self.below(100), self.below(10)),
            "owner": owner,
        })
    }

    /// Two fields of a customer with new values.
    pub fn change(&mut self) -> Json {
        json!({"remarks": self.words(10, 50), "score": format!("{}.{}", self.below(100), self.below(10))})
    }

    /// An order with its lines; `customer` is how the server at hand calls its customer.
    pub fn order(&mut self, number: usize, customer: &Json) -> Json {
        let lines: Vec<Json> = (0..LINES)
            .map(|_| json!({"product": self.pick(&PRODUCTS), "quantity": 1 + self.below(49), "price": format!("{}.{:02}", 1 + self.below(999), self.below(100))}))
            .collect();
        json!({
            "no": format!("SO{number:08}"),
            "customer": customer,
            "date": self.day().to_string(),
            "status": self.pick(&ORDER_STATUSES),
            "remarks": self.words(3, 12),
            "lines": lines,
        })
    }
}
