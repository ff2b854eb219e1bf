//! Dated links: as a link changes, the row of where it led is closed and one for where it leads is begun.
//!
//! **Invariants**
//! - Rows that people write themselves stay as they wrote them; only what is still open is closed.
//! - Taking back and merging change rows as they change any: nothing is dated then.
//!
//! **Not here:** the table itself (`model::build::dated`).

use chrono::NaiveDate;
use model::build::dated::{SINCE, UNTIL, table_of};

use super::*;

impl Work {
    /// Keeps the rows of every dated link that this save changes.
    pub(super) fn date_links(&self, stored: Option<&Record>, merged: &mut Merged) {
        if matches!(self.mode, Mode::Back(_) | Mode::Relink(_)) {
            return;
        }
        for field in self.card.table.fields.values().filter(|field| field.is_dated()) {
            let Some(table) = table_of(&field.key).filter(|table| self.card.children.contains_key(table)) else { continue };
            let before = stored.and_then(|stored| stored.get(field.key.as_str()).as_id());
            let now = merged.record.get(field.key.as_str()).as_id();
            if before != now {
                self.date_link(stored, merged, &field.key, &table, [before, now]);
            }
        }
    }

    fn date_link(&self, stored: Option<&Record>, merged: &mut Merged, link: &Ident, table: &Ident, [before, now]: [Option<Uuid>; 2]) {
        let today = self.actor.today();
        let made_today = stored.is_some_and(|stored| matches!(stored.get("created_at"), Value::Instant(at) if at.with_timezone(&self.actor.zone).date_naive() == today));
        let day = |row: &Row, key: &str| match value_of(&row.values, key) {
            Value::Date(day) => Some(*day),
            _ => None,
        };
        let target = |row: &Row| value_of(&row.values, link.as_str()).as_id();
        let is_open = |row: &Row| day(row, UNTIL).is_none();
        let mut rows = merged.record.children.shift_remove(table).unwrap_or_default();
        let was_known = rows.iter().any(|row| target(row) == before && (is_open(row) || day(row, UNTIL) >= Some(today)));
        let mut gone = Vec::new();
        for row in rows.iter_mut().filter(|row| is_open(row) && target(row) != now) {
            let since = day(row, SINCE);
            // What began today and ends today was a mistake.
            if since == Some(today) || since.is_none() && made_today {
                gone.push(row.id);
                continue;
            }
            set(row, UNTIL, since.map_or(today, |since| since.max(today)));
            merged.rows.entry((table.clone(), row.id)).or_insert_with(|| RowChange::Changed(Ident::new(UNTIL).into_iter().collect()));
        }
        rows.retain(|row| !gone.contains(&row.id));
        for id in gone {
            merged.rows.insert((table.clone(), id), RowChange::Removed);
        }
        let row = |target: Uuid, day: Option<(&str, NaiveDate)>| {
            let mut row = Row { id: Uuid::now_v7(), values: model::Values::from_iter([(link.clone(), Value::Id(target))]) };
            day.into_iter().for_each(|(key, day)| set(&mut row, key, day));
            row
        };
        let mut begun = Vec::new();
        // Where it led since before there were rows.
        begun.extend(before.filter(|_| !was_known && !made_today).map(|before| row(before, Some((UNTIL, today)))));
        if let Some(now) = now.filter(|_| !rows.iter().any(|row| is_open(row) && target(row) == now)) {
            // Of a record that is new nobody knows since when it is so.
            begun.push(row(now, (stored.is_some() && !made_today).then_some((SINCE, today))));
        }
        merged.rows.extend(begun.iter().map(|row| ((table.clone(), row.id), RowChange::Added)));
        rows.extend(begun);
        merged.record.children.insert(table.clone(), rows);
    }
}

fn set(row: &mut Row, key: &str, day: NaiveDate) {
    if let Ok(key) = Ident::new(key) {
        row.values.insert(key, Value::Date(day));
    }
}
