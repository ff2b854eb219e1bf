//! A brake on guessing passwords and codes.
//!
//! Failures are counted for a name and for an address. A browser from which somebody signed in before is counted for
//! itself alone: whoever guesses at a name from elsewhere shuts nobody out of it.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::Mutex,
    time::{Duration, Instant},
};

use app::AppError;

/// How long failures are remembered after the last.
const WINDOW: Duration = Duration::from_secs(300);
/// Most that are remembered; beyond it the oldest go first.
const MOST: usize = 100_000;

/// What failures are counted for, and how many are too many.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Key {
    /// A browser that is known.
    Browser(String),
    /// A name, from browsers that are not known.
    Name(String),
    /// Codes of a second factor, of somebody.
    Code(String),
    /// A name or address for which letters are asked from somewhere.
    Letter(String),
    /// Somebody who is asked to show again who they are.
    Confirm(String),
    /// An address.
    Address(String),
}

impl Key {
    fn most(&self) -> u32 {
        match self {
            Self::Address(_) => 50,
            _ => 10,
        }
    }

    /// The key of an address; of the sixth version one house has as many as it likes.
    pub fn address(text: Option<&str>) -> Option<Self> {
        let text = match text?.parse().ok()? {
            IpAddr::V4(address) => address.to_string(),
            IpAddr::V6(address) => address.segments()[..4].iter().map(|part| format!("{part:x}")).collect::<Vec<_>>().join(":"),
        };
        Some(Self::Address(text))
    }
}

/// Failures, by what they are counted for.
#[derive(Default)]
pub struct Throttle {
    failures: Mutex<HashMap<Key, (u32, Instant)>>,
}

impl Throttle {
    /// How long to wait, if there were too many failures for any of the keys.
    pub fn check(&self, keys: &[Key]) -> Result<(), AppError> {
        let Ok(failures) = self.failures.lock() else { return Ok(()) };
        let waiting = keys.iter().filter_map(|key| failures.get(key).map(|found| (key, found))).filter(|(key, (count, last))| *count >= key.most() && last.elapsed() < WINDOW);
        match waiting.map(|(_, (_, last))| WINDOW.saturating_sub(last.elapsed()).as_secs() + 1).max() {
            Some(seconds) => Err(AppError::TooMany { seconds }),
            None => Ok(()),
        }
    }

    /// Counts a failure: whether it was the last one allowed.
    pub fn failed(&self, keys: &[Key]) -> bool {
        let Ok(mut failures) = self.failures.lock() else { return false };
        if failures.len() >= MOST {
            failures.retain(|_, (_, last)| last.elapsed() < WINDOW);
        }
        let mut full = false;
        for key in keys {
            let entry = failures.entry(key.clone()).or_insert((0, Instant::now()));
            let count = if entry.1.elapsed() < WINDOW { entry.0 + 1 } else { 1 };
            *entry = (count, Instant::now());
            full |= count == key.most();
        }
        full
    }

    /// Forgets failures after a success; those of an address stay: somebody there may have an account of their own.
    pub fn succeeded(&self, keys: &[Key]) {
        let Ok(mut failures) = self.failures.lock() else { return };
        for key in keys.iter().filter(|key| !matches!(key, Key::Address(_))) {
            failures.remove(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_failures_have_to_wait_and_a_known_browser_does_not() {
        let throttle = Throttle::default();
        let (attacker, owner) = ([Key::Name("mei".into()), Key::Address("10.0.0.9".into())], [Key::Browser("known".into())]);
        let full: Vec<bool> = (0..10).map(|_| throttle.failed(&attacker)).collect();
        assert_eq!(full.iter().filter(|full| **full).count(), 1);
        assert!(matches!(throttle.check(&attacker), Err(AppError::TooMany { .. })));
        assert!(throttle.check(&owner).is_ok());
        // From one address, whatever the names are.
        let other = |number: u32| [Key::Name(format!("name{number}")), Key::Address("10.0.0.8".into())];
        (0..50).for_each(|number| { throttle.failed(&other(number)); });
        assert!(throttle.check(&other(99)).is_err());
        throttle.succeeded(&other(1));
        assert!(throttle.check(&other(99)).is_err());
    }

    #[test]
    fn one_house_of_the_sixth_version_is_one_address() {
        let key = |text| Key::address(Some(text));
        assert_eq!(key("2001:db8:1:2::7"), key("2001:db8:1:2:ffff::1"));
        assert_ne!(key("2001:db8:1:2::7"), key("2001:db8:1:3::7"));
        assert_eq!(key("nonsense"), None);
    }
}
