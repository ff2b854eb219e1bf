//! Cells as the JSON that clients send, so that the save path reads both alike.

use chrono::{NaiveDateTime, NaiveTime, TimeZone, Utc};
use exchange::{Cell, number_text};
use form::Locale;
use model::{Code, DecimalFlavour, FieldKind, OptionDef, Violation};
use serde_json::{Value as Json, json};

use super::{notation::{self, Habits}, settings::Settings};

/// How cells of a file are read.
#[derive(Debug, Clone)]
pub(super) struct Notation {
    habits: Habits,
    locale: Locale,
}

impl Notation {
    pub(super) fn of(settings: &Settings, locale: &Locale) -> Self {
        let month_first = settings.dates.as_deref().map_or(locale.date.starts_with("%m"), |order| order == "mdy");
        Self { habits: Habits { month_first, point: settings.point.unwrap_or(locale.point) }, locale: locale.clone() }
    }

    /// What a cell says of a field that is no link.
    pub(super) fn read(&self, kind: &FieldKind, cell: &Cell) -> Result<Json, Violation> {
        if let Cell::Fault(fault) = cell {
            return Err(Violation::new("", Code::Formula).with("detail", fault));
        }
        let plain = || Ok(Json::from(cell.text().trim()));
        match kind {
            FieldKind::Integer { .. } | FieldKind::Rating { .. } => Ok(self.number(cell, None)),
            FieldKind::Decimal(settings) => Ok(self.number(cell, Some(settings.flavour))),
            FieldKind::Boolean => flag(cell),
            FieldKind::Date => Ok(self.day(cell)),
            FieldKind::Time => Ok(time(cell)),
            FieldKind::Datetime => Ok(self.moment(cell)),
            FieldKind::Duration => Ok(self.span(cell)),
            FieldKind::Choice { options, multiple: false } => Ok(option(options, cell.text().trim()).map_or_else(|| Json::from(cell.text().trim()), Json::from)),
            FieldKind::Choice { options, multiple: true } => Ok(several(&cell.text(), |text| option(options, text).is_some()).into_iter().map(|text| option(options, &text).map_or_else(|| Json::from(text), Json::from)).collect()),
            FieldKind::Json { .. } => Ok(serde_json::from_str(&cell.text()).unwrap_or_else(|_| Json::from(cell.text()))),
            FieldKind::Address => Ok(object(&cell.text()).unwrap_or_else(|| json!({"street": cell.text().trim()}))),
            FieldKind::Geo => Ok(object(&cell.text()).unwrap_or_else(|| place(&cell.text()))),
            FieldKind::Colour => Ok(Json::from(cell.text().trim())),
            FieldKind::Text(_) | FieldKind::RichText | FieldKind::Formula { .. } => Ok(Json::from(cell.text())),
            FieldKind::Link(_) | FieldKind::AnyLink { .. } | FieldKind::File(_) => plain(),
        }
    }

    /// A plain number, or the text as it is, which the save path then names.
    fn number(&self, cell: &Cell, flavour: Option<DecimalFlavour>) -> Json {
        let percent = flavour == Some(DecimalFlavour::Percent);
        match cell {
            Cell::Percent(number) => Json::from(number_text(if percent { number * 100.0 } else { *number })),
            Cell::Number(number) => Json::from(number_text(*number)),
            Cell::Bool(flag) => Json::from(i64::from(*flag)),
            other => {
                let text = other.text();
                let bare = if percent { text.trim().trim_end_matches(['%', '％']) } else { text.trim() };
                notation::number(bare, self.habits).map_or_else(|| Json::from(text.clone()), Json::from)
            }
        }
    }

    fn day(&self, cell: &Cell) -> Json {
        let found = match cell {
            Cell::Moment(at) => Some(at.date()),
            Cell::Number(number) => exchange::from_serial(*number).map(|at| at.date()).or_else(|| notation::day(&number_text(*number), self.habits)),
            other => notation::moment(&other.text(), self.habits).map(|at| at.date()),
        };
        found.map_or_else(|| Json::from(cell.text()), |day| Json::from(day.to_string()))
    }

    fn moment(&self, cell: &Cell) -> Json {
        let local = match cell {
            Cell::Moment(at) => Some(*at),
            Cell::Number(number) => exchange::from_serial(*number),
            other => {
                let text = other.text();
                if chrono::DateTime::parse_from_rfc3339(text.trim()).is_ok() {
                    return Json::from(text.trim());
                }
                notation::moment(&text, self.habits)
            }
        };
        local.and_then(|local| self.instant(local)).unwrap_or_else(|| Json::from(cell.text()))
    }

    /// A moment of the actor's zone. An hour that does not exist is the next that does.
    fn instant(&self, local: NaiveDateTime) -> Option<Json> {
        let zone = &self.locale.zone;
        let at = zone.from_local_datetime(&local).earliest().or_else(|| zone.from_local_datetime(&(local + chrono::TimeDelta::hours(1))).earliest())?;
        Some(Json::from(at.with_timezone(&Utc).to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true)))
    }

    fn span(&self, cell: &Cell) -> Json {
        match cell {
            Cell::Span(seconds) => Json::from(*seconds),
            Cell::Moment(at) => Json::from(i64::from(chrono::Timelike::num_seconds_from_midnight(&at.time()))),
            other => form::submit::seconds(&other.text()).map_or_else(|| Json::from(other.text()), Json::from),
        }
    }
}

fn time(cell: &Cell) -> Json {
    let found = match cell {
        Cell::Moment(at) => Some(at.time()),
        Cell::Span(seconds) => u32::try_from(*seconds).ok().and_then(|seconds| NaiveTime::from_num_seconds_from_midnight_opt(seconds, 0)),
        Cell::Number(number) if (0.0..1.0).contains(number) => NaiveTime::from_num_seconds_from_midnight_opt((number * 86_400.0).round() as u32, 0),
        other => notation::time(&other.text()),
    };
    found.map_or_else(|| Json::from(cell.text()), |time| Json::from(time.format("%H:%M:%S").to_string()))
}

fn flag(cell: &Cell) -> Result<Json, Violation> {
    let text = match cell {
        Cell::Bool(flag) => return Ok(Json::from(*flag)),
        other => other.text().trim().to_lowercase(),
    };
    match text.as_str() {
        "true" | "yes" | "y" | "1" | "x" | "✓" | "✔" | "√" | "on" | "是" | "有" | "对" | "對" => Ok(Json::from(true)),
        "false" | "no" | "n" | "0" | "-" | "✗" | "×" | "off" | "否" | "无" | "無" | "错" | "錯" => Ok(Json::from(false)),
        _ => Err(Violation::new("", Code::Type).with("wanted", "Yes or no")),
    }
}

/// An option by its value, or by its label in any language.
pub(super) fn option<'o>(options: &'o [OptionDef], text: &str) -> Option<&'o str> {
    let is = |known: &str| known == text || known.to_lowercase() == text.to_lowercase();
    let by_value = options.iter().find(|option| option.value == text);
    let by_label = || options.iter().find(|option| is(&option.value) || option.labels.0.values().any(|label| is(label)));
    by_value.or_else(by_label).map(|option| option.value.as_str())
}

/// The several values of one cell. A text that is one value is not cut; commas cut only where nothing else does.
pub(super) fn several(text: &str, is_one: impl Fn(&str) -> bool) -> Vec<String> {
    let cut = |signs: &[char]| text.split(signs).map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect::<Vec<_>>();
    let text = text.trim();
    if is_one(text) {
        return vec![text.to_owned()];
    }
    let parts = cut(&[';', '；', '\n', '|']);
    if parts.len() > 1 || parts.iter().all(|part| is_one(part)) {
        return parts;
    }
    cut(&[',', '，', '、'])
}

fn object(text: &str) -> Option<Json> {
    serde_json::from_str::<Json>(text).ok().filter(Json::is_object)
}

/// `52.5, 13.4`
fn place(text: &str) -> Json {
    match text.split([',', ';']).map(str::trim).collect::<Vec<_>>().as_slice() {
        [lat, lon] => json!({"lat": lat, "lon": lon}),
        _ => Json::from(text),
    }
}
