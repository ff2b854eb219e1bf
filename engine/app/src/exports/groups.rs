//! Groups of an export: rows that follow each other and share a value, one inside the other.

use chrono::{Datelike, Days, NaiveDate};
use form::{Locale, format};
use model::{Catalog, DatePart, FieldKind, Path, Storage, TableRef, Value, path, resolve};
use query::ListRequest;

use super::Piece;
use crate::{AppError, Snapshot, lists::{Item, Page}};

/// The levels of grouping, outermost first.
#[derive(Default)]
pub(super) struct Grouping {
    levels: Vec<(Path, Option<DatePart>)>,
}

impl Grouping {
    /// The levels that rows can be ordered by; by others a file has no groups.
    pub(super) fn of(catalog: &Catalog, table: &TableRef, request: &ListRequest) -> Result<Self, AppError> {
        let mut levels = Vec::new();
        for group in &request.group_by {
            let path = path::resolve(catalog, table, &group.field).map_err(|error| AppError::malformed("unknown_field", error.message))?;
            let orderly = path.field(catalog).is_some_and(|field| !field.secret && !matches!(field.storage, Storage::Side { .. } | Storage::Nowhere) && !matches!(field.kind, FieldKind::AnyLink { .. } | FieldKind::File(_) | FieldKind::Json { .. } | FieldKind::Geo | FieldKind::RichText));
            if orderly && !path.is_many() {
                levels.push((path, group.by));
            }
        }
        Ok(Self { levels })
    }

    /// The fields that groups are made of.
    pub(super) fn names(&self) -> impl Iterator<Item = String> {
        self.levels.iter().map(|(path, _)| path.to_string())
    }

    /// An order in which every group stands together.
    pub(super) fn order(&self, sort: Option<String>) -> Option<String> {
        let names: Vec<String> = self.names().chain(sort).collect();
        (!names.is_empty()).then(|| names.join(","))
    }

    /// The names of the groups that a record is in.
    pub(super) fn labels(&self, snapshot: &Snapshot, page: &Page, item: &Item, locale: &Locale) -> Vec<String> {
        self.levels.iter().map(|(path, part)| self.label(snapshot, page, item, path, *part, locale)).collect()
    }

    fn label(&self, snapshot: &Snapshot, page: &Page, item: &Item, path: &Path, part: Option<DatePart>, locale: &Locale) -> String {
        let place = page.columns.iter().position(|column| column.path == *path);
        let Some(value) = place.and_then(|place| item.values.get(place)) else { return "—".into() };
        let day = match value {
            Value::Date(day) => Some(*day),
            Value::Instant(at) => Some(at.with_timezone(&locale.zone).date_naive()),
            _ => None,
        };
        let text = match (value, part.zip(day), path.field(&snapshot.catalog)) {
            (_, Some((part, day)), _) => format::span(first_day(day, part), part, locale),
            (Value::Id(id), _, _) => page.titles.get(id).cloned().unwrap_or_default(),
            (value, _, Some(field)) => format::text(&resolve::kind_of(path, field), value, locale),
            _ => String::new(),
        };
        if text.is_empty() { "—".into() } else { text }
    }

    /// Ends the groups that the next record is not in, and begins those it is in.
    pub(super) fn step(&self, open: &mut Vec<String>, next: Vec<String>, pieces: &mut Vec<Piece>) {
        let same = open.iter().zip(&next).take_while(|(open, next)| open == next).count();
        while open.len() > same {
            pieces.extend(open.pop().map(|label| Piece::Close(format!("Σ {label}"))));
        }
        for label in next.into_iter().skip(same) {
            open.push(label);
            pieces.push(Piece::Open);
        }
    }
}

/// The first day of the span that a day lies in.
fn first_day(day: NaiveDate, part: DatePart) -> NaiveDate {
    let first = |month: u32| NaiveDate::from_ymd_opt(day.year(), month, 1).unwrap_or(day);
    match part {
        DatePart::Day => day,
        DatePart::Week => day.checked_sub_days(Days::new(u64::from(day.weekday().num_days_from_monday()))).unwrap_or(day),
        DatePart::Month => first(day.month()),
        DatePart::Quarter => first(day.month0() / 3 * 3 + 1),
        DatePart::Year => first(1),
    }
}
