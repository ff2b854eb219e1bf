//! What a new record starts with: defaults, links named by another field of their target, numbers.

use super::*;

impl Work {
    /// Links named by a unique field of their target: one statement for each.
    pub(crate) async fn with_lookups(&self, tx: &mut Tx, mut draft: Draft, violations: &mut Vec<Violation>) -> Result<Draft, UnitError> {
        for lookup in std::mem::take(&mut draft.lookups) {
            let found = self.look_up(tx, &lookup).await?;
            let Some(id) = found else {
                violations.push(Violation::new(&lookup.path, Code::NotFound));
                continue;
            };
            put_at(&mut draft, &lookup.path, Value::Id(id));
        }
        Ok(draft)
    }

    pub(super) async fn look_up(&self, tx: &mut Tx, lookup: &draft::Lookup) -> Result<Option<Uuid>, UnitError> {
        let Some(target) = self.catalog().card(&lookup.target) else { return Ok(None) };
        let Some(field) = target.field(lookup.by.as_str()) else { return Ok(None) };
        let filter = serde_json::json!({"field": lookup.by, "op": "is", "value": types::to_json(&field.kind, &lookup.value)});
        let request = query::ListRequest { filter: Some(filter), fields: Some(vec!["id".into()]), limit: Some(1), ..query::ListRequest::default() };
        let Ok(gated) = crate::lists::ask(&self.snapshot, &self.actor, lookup.target.as_str(), &request) else { return Ok(None) };
        let lowered = sql::page::list(self.catalog(), tx.dialect(), &gated);
        let row = tx.fetch(&lowered.statement).await?.into_iter().next();
        Ok(row.and_then(|row| lowered.decode(row).first().and_then(Value::as_id)))
    }

    /// What a new record starts with, where the client said nothing.
    pub(super) fn put_defaults(&self, draft: &mut Draft, violations: &mut Vec<Violation>) {
        for field in self.card.table.own_fields() {
            let filled = self.put_default(field, &mut draft.values, violations, "");
            draft.defaults.extend(filled);
        }
        let own = |name: &str| self.card.table.fields.get(name).map(|field| field.key.clone());
        if let (Some(owner), Some(user)) = (own("owner"), self.actor.user) {
            draft.values.entry(owner).or_insert(Value::Id(user));
        }
        if let (Some(unit), Some(id)) = (own("org_unit"), self.actor.org_unit) {
            draft.values.entry(unit).or_insert(Value::Id(id));
        }
    }

    /// What a new row starts with, be its record new or not.
    pub(super) fn put_row_defaults(&self, draft: &mut Draft, violations: &mut Vec<Violation>) {
        for (key, change) in &mut draft.children {
            let Some(table) = self.card.children.get(key) else { continue };
            let rows = match change {
                draft::ChildDraft::Whole(rows) => rows,
                draft::ChildDraft::Parts { add, .. } => add,
            };
            for row in rows.iter_mut().filter(|row| row.id.is_none()) {
                let path = row.path.clone();
                draft.defaults.extend(table.own_fields().filter_map(|field| self.put_default(field, &mut row.values, violations, &path)));
            }
        }
    }

    pub(super) fn put_default(&self, field: &Field, values: &mut model::Values, violations: &mut Vec<Violation>, prefix: &str) -> Option<String> {
        let default = field.default.as_ref().filter(|_| values.get(&field.key).is_none_or(|given| field.workflow && given.is_empty()))?;
        let place = if prefix.is_empty() { field.key.to_string() } else { format!("{prefix}/{}", field.key) };
        let value = match default.as_str() {
            Some("@today") => Ok(Value::Date(self.actor.today())),
            Some("@now") => Ok(Value::Instant(self.actor.now)),
            Some("@me") => Ok(self.actor.user.map_or(Value::Empty, Value::Id)),
            Some(name) if name.starts_with("@me.") => Ok(Ident::new(&name[4..]).ok().and_then(|name| self.actor.bound.get(&name).cloned()).unwrap_or_default()),
            _ => types::read_json(&field.kind, default),
        };
        match value {
            Ok(value) if !value.is_empty() => {
                values.insert(field.key.clone(), value);
                return Some(place);
            }
            Ok(_) => {}
            Err(violation) => violations.push(violation.under(&place)),
        }
        None
    }

    /// A new record gets its number last, so that refused ones use none up.
    pub(super) async fn number(&self, tx: &mut Tx, stored: Option<&Record>, record: &mut Record, violations: &[Violation]) -> Result<(), UnitError> {
        let Some(numbering) = self.card.numbering.as_ref().filter(|_| stored.is_none() && violations.is_empty()) else { return Ok(()) };
        if !record.get(numbering.field.as_str()).is_empty() {
            return Ok(());
        }
        let today = self.actor.today();
        let period = match numbering.reset {
            Reset::Never => String::new(),
            Reset::Yearly => today.format("%Y").to_string(),
            Reset::Monthly => today.format("%Y%m").to_string(),
            Reset::Daily => today.format("%Y%m%d").to_string(),
        };
        let name = format!("{}.{}.{period}", self.card.id, numbering.field);
        self.shared.iter().for_each(|shared| shared.write());
        let row = tx.fetch(&system::next_number(tx.dialect(), &name)).await?.into_iter().flatten().next();
        let Some(Datum::Integer(number)) = row else { return Ok(()) };
        record.values.insert(numbering.field.clone(), Value::Text(numbered(&numbering.pattern, number, today, &self.site)));
        Ok(())
    }
}

pub(super) fn put_at(draft: &mut Draft, path: &str, value: Value) {
    let steps: Vec<&str> = path.split('/').collect();
    match steps.as_slice() {
        [key] => {
            if let Ok(key) = Ident::new(key) {
                draft.values.insert(key, value);
            }
        }
        [table, .., key] => {
            let Ok(key) = Ident::new(key) else { return };
            let rows = match draft.children.get_mut(*table) {
                Some(draft::ChildDraft::Whole(rows)) => rows.iter_mut().collect::<Vec<_>>(),
                Some(draft::ChildDraft::Parts { add, change, .. }) => add.iter_mut().chain(change).collect(),
                None => return,
            };
            let row_path = path.rsplit_once('/').map_or("", |(row, _)| row);
            if let Some(row) = rows.into_iter().find(|row| row.path == row_path) {
                row.values.insert(key, value);
            }
        }
        [] => {}
    }
}

/// `SO-{yyyy}{mm}-{####}`
pub(super) fn numbered(pattern: &str, number: i64, today: chrono::NaiveDate, site: &str) -> String {
    let mut text = pattern.replace("{yyyy}", &format!("{:04}", today.year())).replace("{yy}", &format!("{:02}", today.year() % 100));
    text = text.replace("{mm}", &format!("{:02}", today.month())).replace("{dd}", &format!("{:02}", today.day())).replace("{site}", &site[..site.len().min(4)]);
    if let (Some(open), Some(close)) = (text.find("{#"), text.find("#}")) {
        let width = close - open;
        text.replace_range(open..close + 2, &format!("{number:0width$}"));
    }
    text
}
