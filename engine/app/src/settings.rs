//! Settings of a site as a whole, kept in its database.
//!
//! **Not here:** what one person prefers (`accounts`), what definitions say (`model`).

use chrono_tz::Tz;
use sql::{Datum, system};
use store::{Store, Tx};

use crate::{App, AppError, UnitError, accounts::Origin, log::{self, Entry, Event}};

/// Most characters of a setting.
const MAX: usize = 100;
/// Most days that what was deleted waits in the trash, if it is to be deleted for good at all.
const MOST_DAYS: u32 = 3_650;

/// Settings of a site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The company's name, shown on every page.
    pub name: String,
    /// The sign before amounts of money; empty for none.
    pub currency: String,
    /// The time zone of the company: of schedules and daily work that say none, and of people who chose none.
    pub zone: Tz,
    /// After how many days what lies in the trash is deleted for good; never without it.
    pub trash_days: Option<u32>,
}

impl Default for Settings {
    fn default() -> Self {
        Self { name: "Cardstock".into(), currency: String::new(), zone: Tz::UTC, trash_days: None }
    }
}

/// Every setting's key.
pub const KEYS: [&str; 4] = ["name", "currency", "zone", "trash_days"];

impl Settings {
    /// A setting's value; nothing for an unknown key.
    pub fn get(&self, key: &str) -> Option<String> {
        match key {
            "name" => Some(self.name.clone()),
            "currency" => Some(self.currency.clone()),
            "zone" => Some(self.zone.name().to_owned()),
            "trash_days" => Some(self.trash_days.map(|days| days.to_string()).unwrap_or_default()),
            _ => None,
        }
    }
}

/// The settings as they are kept.
pub(crate) async fn read(store: &Store) -> Result<Settings, AppError> {
    let mut settings = Settings::default();
    for key in KEYS {
        let Some(Datum::Text(value)) = store.fetch(&system::site(store.dialect(), key)).await?.into_iter().flatten().next() else { continue };
        match key {
            "name" => settings.name = value,
            "currency" => settings.currency = value,
            "trash_days" => settings.trash_days = value.parse().ok(),
            _ => settings.zone = value.parse().unwrap_or(Tz::UTC),
        }
    }
    Ok(settings)
}

/// Changes a setting. Other nodes follow as they follow a publish.
pub async fn set(app: &App, key: &str, value: &str) -> Result<(), AppError> {
    if !KEYS.contains(&key) {
        let near = model::nearest(key, KEYS).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
        return Err(AppError::malformed("unknown_setting", format!("`{key}` is no setting{near} There are {}.", KEYS.join(", "))));
    }
    let value = model::types::clean(value);
    if value.chars().count() > MAX || value.chars().any(char::is_control) || (key == "name" && value.is_empty()) {
        return Err(AppError::malformed("bad_setting", format!("`{key}` is one line of at most {MAX} characters")));
    }
    if key == "zone" && value.parse::<Tz>().is_err() {
        return Err(AppError::malformed("bad_setting", format!("`{value}` is no time zone; it is a name such as Asia/Shanghai or UTC")));
    }
    if key == "trash_days" && !value.is_empty() && !value.parse::<u32>().is_ok_and(|days| (1..=MOST_DAYS).contains(&days)) {
        return Err(AppError::malformed("bad_setting", format!("`{value}` is no number of days from 1 to {MOST_DAYS}; empty stands for never")));
    }
    let key = key.to_owned();
    let (secrets, entry) = (app.secrets.clone(), Entry::new(Event::SettingChanged, &Origin::command_line()).about("setting", key.as_str()));
    app.store
        .write(move |tx: &mut Tx| {
            let (key, value, secrets, entry) = (key.clone(), value.clone(), secrets.clone(), entry.clone());
            Box::pin(async move {
                let known = tx.fetch(&system::site(tx.dialect(), &key)).await?.into_iter().flatten().next();
                let before = if let Some(Datum::Text(known)) = known { known } else { Settings::default().get(&key).unwrap_or_default() };
                tx.execute(&system::put_site(tx.dialect(), &key, &value)).await?;
                // No setting is a secret; one that is goes into the log by its key alone.
                log::append(tx, &secrets, &entry.about("before", before).about("after", value)).await?;
                tx.fetch(&system::next_catalog_version(tx.dialect())).await?;
                Ok::<(), UnitError>(())
            })
        })
        .await
        .map_err(|error| error.error)?;
    app.reload().await
}
