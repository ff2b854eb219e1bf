//! Who acts.

use std::{collections::BTreeMap, sync::{Arc, atomic::{AtomicBool, Ordering}}};

use crate::gate::Compiled;
use chrono::{DateTime, Datelike, Days, Months, NaiveDate, TimeZone, Utc};
use chrono_tz::Tz;
use indexmap::IndexMap;
use model::{Ident, Period, SpanUnit, Value, Variable};
use uuid::Uuid;

/// The key of the engine's own group of administrators, who may do everything.
pub const ADMINISTRATOR: &str = "administrator";

/// Why the system itself acts. A closed list: every use is a place to look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// Rules, unique values, trees: what must hold over all records, seen or not.
    Integrity,
    /// Stored derived values are computed over all rows.
    Derivation,
    /// Records that come with a pack.
    PackData,
    /// What `@me.NAME` stands for.
    Binding,
    /// Records go back to their pool when nobody worked on them for too long.
    Pool,
    /// What others agreed to happens, whoever of them was last.
    Approval,
    /// A script runs at its time.
    Schedule,
    /// Links to merged records move to the one they were merged into, whoever's they are.
    Merge,
    /// What has lain in the trash for long enough is deleted for good.
    Trash,
}

/// Who acts, with everything rights depend on.
#[derive(Debug, Clone)]
pub struct Actor {
    /// The user; `None` for the system.
    pub user: Option<Uuid>,
    /// The name people know.
    pub name: String,
    /// The user's groups.
    pub roles: Vec<Ident>,
    /// What `@me.NAME` stands for.
    pub bound: IndexMap<Ident, Value>,
    /// The org unit the user belongs to.
    pub org_unit: Option<Uuid>,
    /// The org units that the user leads.
    pub led: Vec<Uuid>,
    /// As of when records are shared with the user; `None` where none is.
    pub shared_at: Option<DateTime<Utc>>,
    /// When the first of what is shared with them ends.
    pub shares_end: Option<DateTime<Utc>>,
    /// `en`, `zh-Hans`, `zh-Hant`.
    pub lang: String,
    /// The zone in which days begin.
    pub zone: Tz,
    /// How the user likes things shown, by name; rights never depend on it.
    pub preferences: BTreeMap<String, String>,
    /// When the request began.
    pub now: DateTime<Utc>,
    /// For somebody who is only presumed to be as remembered: the state of definitions and rights, as a number, that
    /// whoever answers must find unchanged. `None` for somebody as read now.
    pub known_at: Option<i64>,
    /// The state of definitions and rights at which they were read: what was made of it for them holds as long as it does.
    pub known_since: Option<i64>,
    /// The administrator who looks at the site as this user would, and changes nothing.
    pub viewed_by: Option<Uuid>,
    asked_time: Arc<AtomicBool>,
    pub(crate) compiled: Arc<Compiled>,
    system: Option<Reason>,
}

impl Actor {
    /// A user with groups. What packs bind is filled in by whoever knows the database.
    pub fn user(id: Uuid, name: impl Into<String>, roles: Vec<Ident>, now: DateTime<Utc>) -> Self {
        Self {
            user: Some(id),
            name: name.into(),
            roles,
            bound: IndexMap::new(),
            org_unit: None,
            lang: "en".into(),
            zone: Tz::UTC,
            preferences: BTreeMap::new(),
            now,
            known_at: None,
            asked_time: Arc::default(),
            system: None,
            led: Vec::new(),
            shared_at: None,
            shares_end: None,
            known_since: None,
            viewed_by: None,
            compiled: Arc::default(),
        }
    }

    /// The system, for one of a closed list of reasons.
    pub fn system(reason: Reason, now: DateTime<Utc>) -> Self {
        Self {
            user: None,
            name: "system".into(),
            roles: Vec::new(),
            bound: IndexMap::new(),
            org_unit: None,
            lang: "en".into(),
            zone: Tz::UTC,
            preferences: BTreeMap::new(),
            now,
            known_at: None,
            asked_time: Arc::default(),
            system: Some(reason),
            led: Vec::new(),
            shared_at: None,
            shares_end: None,
            known_since: None,
            viewed_by: None,
            compiled: Arc::default(),
        }
    }

    /// The same person, for whom the system does this for a reason: rights are not asked for, and audit names the person.
    #[must_use]
    pub fn for_reason(&self, reason: Reason) -> Self {
        Self { system: Some(reason), ..self.clone() }
    }

    /// The person for whom the system acts by a reason, with their own rights.
    pub fn behind(&self, reason: Reason) -> Option<Self> {
        (self.system == Some(reason) && self.user.is_some()).then(|| Self { system: None, compiled: Arc::default(), ..self.clone() })
    }

    /// The same person in another request: now, and presumed to be as they were known at some state of rights, or not.
    #[must_use]
    pub fn again(&self, now: DateTime<Utc>, known_at: Option<i64>) -> Self {
        Self { now, known_at, asked_time: Arc::default(), ..self.clone() }
    }

    /// Nothing compiled yet: for whoever changed what rights go by.
    #[must_use]
    pub fn anew(self) -> Self {
        Self { compiled: Arc::default(), ..self }
    }

    /// With whom records are shared to be seen by this actor: `u:ID`, `g:KEY`.
    pub fn who(&self) -> Vec<String> {
        let user = self.user.map(|user| format!("u:{user}"));
        user.into_iter().chain(self.roles.iter().map(|role| format!("g:{role}"))).collect()
    }

    /// Whether anything asked this actor what time it is: what was made for somebody who was not asked is the same at any
    /// other time.
    pub fn asked_time(&self) -> bool {
        self.asked_time.load(Ordering::Relaxed)
    }

    pub(crate) fn note_time(&self) {
        self.asked_time.store(true, Ordering::Relaxed);
    }

    fn tell_time(&self) -> DateTime<Utc> {
        self.asked_time.store(true, Ordering::Relaxed);
        self.now
    }

    /// Whether rights are not asked for: the system, and administrators.
    pub fn is_unbounded(&self) -> bool {
        self.system.is_some() || self.is_administrator()
    }

    /// Whether the actor belongs to the engine's own group of administrators.
    pub fn is_administrator(&self) -> bool {
        self.roles.iter().any(|role| *role == ADMINISTRATOR)
    }

    /// Whether this is the system itself, which may set what people may not.
    pub fn is_unbounded_system(&self) -> bool {
        self.system.is_some()
    }

    /// Today in the actor's zone.
    pub fn today(&self) -> NaiveDate {
        self.tell_time().with_timezone(&self.zone).date_naive()
    }

    /// What a variable about who, when and where stands for.
    pub fn variable(&self, variable: &Variable) -> Option<Value> {
        match variable {
            Variable::Me => self.user.map(Value::Id),
            Variable::Bound(name) => self.bound.get(name).filter(|value| !value.is_empty()).cloned(),
            Variable::Today => Some(Value::Date(self.today())),
            Variable::Now => Some(Value::Instant(self.tell_time())),
            Variable::Record(_) | Variable::Outer(_) | Variable::Row(_) | Variable::Same(_) | Variable::Param(_) => None,
        }
    }

    /// The instant at which a day begins in the actor's zone. Where clocks skip midnight, the first instant after.
    pub fn day_start(&self, day: NaiveDate) -> DateTime<Utc> {
        let midnight = day.and_time(chrono::NaiveTime::MIN);
        let found = (0..=3).find_map(|hour| self.zone.from_local_datetime(&(midnight + chrono::TimeDelta::hours(hour))).earliest());
        found.map_or_else(|| midnight.and_utc(), |at| at.with_timezone(&Utc))
    }

    /// First and last day of a period.
    pub fn days(&self, period: Period) -> (NaiveDate, NaiveDate) {
        let (from, to) = self.any_days(period);
        // Years of four digits: what both databases write, and compare, alike.
        let (first, last) = (NaiveDate::from_ymd_opt(1, 1, 1).unwrap_or_default(), NaiveDate::from_ymd_opt(9999, 12, 30).unwrap_or_default());
        (from.clamp(first, last), to.clamp(first, last))
    }

    fn any_days(&self, period: Period) -> (NaiveDate, NaiveDate) {
        let today = self.today();
        let count = |count: u32| i32::try_from(count).unwrap_or(i32::MAX);
        match period {
            Period::Today => (today, today),
            Period::Yesterday => (today - Days::new(1), today - Days::new(1)),
            Period::Tomorrow => (today + Days::new(1), today + Days::new(1)),
            Period::Span { unit, offset } => {
                let from = shift(start_of(today, unit), unit, offset);
                (from, shift(from, unit, 1) - Days::new(1))
            }
            Period::Rolling { unit, count: units, forward: true } => (today, shift(today, unit, count(units)) - Days::new(1)),
            Period::Rolling { unit, count: units, forward: false } => (shift(today, unit, -count(units)) + Days::new(1), today),
        }
    }
}

fn start_of(day: NaiveDate, unit: SpanUnit) -> NaiveDate {
    let month = |month: u32| NaiveDate::from_ymd_opt(day.year(), month, 1).unwrap_or(day);
    match unit {
        SpanUnit::Day => day,
        SpanUnit::Week => day - Days::new(u64::from(day.weekday().num_days_from_monday())),
        SpanUnit::Month => month(day.month()),
        SpanUnit::Quarter => month((day.month() - 1) / 3 * 3 + 1),
        SpanUnit::Year => month(1),
    }
}

fn shift(day: NaiveDate, unit: SpanUnit, count: i32) -> NaiveDate {
    let months = |each: u32| {
        let span = Months::new(count.unsigned_abs().saturating_mul(each));
        if count < 0 { day.checked_sub_months(span) } else { day.checked_add_months(span) }
    };
    let days = |each: u64| {
        let span = Days::new(u64::from(count.unsigned_abs()) * each);
        if count < 0 { day.checked_sub_days(span) } else { day.checked_add_days(span) }
    };
    let moved = match unit {
        SpanUnit::Day => days(1),
        SpanUnit::Week => days(7),
        SpanUnit::Month => months(1),
        SpanUnit::Quarter => months(3),
        SpanUnit::Year => months(12),
    };
    moved.unwrap_or(day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(now: &str, period: Period, expected: (&str, &str)) {
        let now = DateTime::parse_from_rfc3339(now).expect("a moment").with_timezone(&Utc);
        let actor = Actor { zone: chrono_tz::Asia::Shanghai, ..Actor::user(Uuid::nil(), "x", Vec::new(), now) };
        let (from, to) = actor.days(period);
        assert_eq!((from.to_string().as_str(), to.to_string().as_str()), expected);
    }

    #[test]
    fn days_are_those_of_the_actors_zone() {
        check("2026-11-24T17:00:00Z", Period::Today, ("2026-11-25", "2026-11-25"));
    }

    #[test]
    fn weeks_begin_on_monday_and_months_end_when_they_end() {
        let now = "2026-11-24T01:00:00Z"; // a Tuesday
        check(now, Period::Span { unit: SpanUnit::Week, offset: 0 }, ("2026-11-23", "2026-11-29"));
        check(now, Period::Span { unit: SpanUnit::Month, offset: -9 }, ("2026-02-01", "2026-02-28"));
        check(now, Period::Span { unit: SpanUnit::Quarter, offset: 1 }, ("2027-01-01", "2027-03-31"));
        check(now, Period::Rolling { unit: SpanUnit::Day, count: 7, forward: false }, ("2026-11-18", "2026-11-24"));
    }
}
