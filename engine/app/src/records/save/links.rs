//! Links and files: what they point to is there, may be seen, and is allowed.

use super::*;

impl Work {
    /// Links that were set now point to records that exist, that the actor may see, and that the link's condition allows.
    pub(super) async fn check_links(&self, tx: &mut Tx, stored: Option<&Record>, record: &Record, violations: &mut Vec<Violation>) -> Result<(), UnitError> {
        for (owner, key) in links_set(&self.card, stored, record) {
            let child = owner.as_ref().map(|(table, _)| table);
            let Some(field) = self.card.table_of(child).and_then(|table| table.field(&key)) else { continue };
            let (values, path) = match &owner {
                None => (&record.values, key.to_string()),
                Some((table, row)) => {
                    let Some(index) = record.rows(table.as_str()).iter().position(|known| known.id == *row) else { continue };
                    (&record.rows(table.as_str())[index].values, format!("{table}/{index}/{key}"))
                }
            };
            let value = value_of(values, key.as_str()).clone();
            let found = match &field.kind {
                FieldKind::Link(link) => self.check_target(tx, &link.target, &ids(&value), link.condition.as_ref(), record, owner.as_ref()).await?,
                FieldKind::AnyLink { .. } => match &value {
                    Value::AnyId { card, id } => self.check_target(tx, card, &[*id], None, record, owner.as_ref()).await?,
                    _ => None,
                },
                FieldKind::File(_) => self.check_files(tx, field, &ids(&value), record.id).await?,
                _ => None,
            };
            violations.extend(found.map(|violation| violation.under(&path)));
        }
        Ok(())
    }

    pub(super) async fn check_target(&self, tx: &mut Tx, target: &Ident, ids: &[Uuid], condition: Option<&Condition>, record: &Record, owner: Option<&(Ident, Uuid)>) -> Result<Option<Violation>, UnitError> {
        let Some(card) = self.catalog().card(target) else { return Ok(Some(Violation::new("", Code::NotFound))) };
        let rows = match access::gate(self.catalog(), &self.actor, card, ActionName::Read) {
            Ok(gate) => gate.rows(),
            Err(_) => return Ok(Some(Violation::new("", Code::NotFound))),
        };
        let held = tx.fetch(&write::hold(self.catalog(), tx.dialect(), &card.table.reference(), ids)).await?;
        if held.len() < ids.len() || !self.all_match(tx, card, ids, &rows).await? {
            return Ok(Some(Violation::new("", Code::NotFound)));
        }
        let Some(condition) = condition else { return Ok(None) };
        let bound = with_record(condition, record, owner);
        let bound = bind_for(&self.actor, self.catalog(), &bound);
        if query::bind::has_unknown(&bound) || self.all_match(tx, card, ids, &bound).await? { Ok(None) } else { Ok(Some(Violation::new("", Code::NotAllowed))) }
    }

    pub(super) async fn all_match(&self, tx: &mut Tx, card: &Card, ids: &[Uuid], rows: &Condition) -> Result<bool, UnitError> {
        if rows.is_always() {
            return Ok(true);
        }
        let lowered = select::matching(self.catalog(), tx.dialect(), &card.table.reference(), ids, rows);
        Ok(tx.fetch(&lowered.statement).await?.len() >= ids.len())
    }

    /// Files must be there, be the actor's own upload or this record's already, and fit the field.
    pub(super) async fn check_files(&self, tx: &mut Tx, field: &Field, ids: &[Uuid], record: Uuid) -> Result<Option<Violation>, UnitError> {
        let infos = crate::files::infos(&mut Source::Tx(tx), ids).await?;
        for id in ids {
            let Some(info) = infos.get(id) else { return Ok(Some(Violation::new("", Code::NotFound))) };
            let own = match &info.owner {
                None => info.uploaded_by == self.actor.user,
                Some((_, owner, _)) => *owner == record,
            };
            if !own {
                return Ok(Some(Violation::new("", Code::NotFound)));
            }
            if let Some(violation) = crate::files::check(&field.kind, info) {
                return Ok(Some(violation));
            }
        }
        Ok(None)
    }

    pub(super) async fn attach(&self, tx: &mut Tx, record: &Record, stored: Option<&Record>) -> Result<(), UnitError> {
        for (owner, key) in links_set(&self.card, stored, record) {
            let child = owner.as_ref().map(|(table, _)| table);
            let Some(field) = self.card.table_of(child).and_then(|table| table.field(&key)).filter(|field| matches!(field.kind, FieldKind::File(_))) else { continue };
            let value = match &owner {
                None => record.get(key.as_str()).clone(),
                Some((table, row)) => record.rows(table.as_str()).iter().find(|known| known.id == *row).map(|row| value_of(&row.values, key.as_str()).clone()).unwrap_or_default(),
            };
            let place = child.map_or_else(|| field.key.to_string(), |child| format!("{child}.{}", field.key));
            let ids = ids(&value);
            if !ids.is_empty() {
                tx.execute(&system::attach_files(tx.dialect(), &ids, self.actor.user, self.card.key.as_str(), record.id, &place)).await?;
            }
        }
        Ok(())
    }
}

/// The ids of a link or file value.
pub(crate) fn ids(value: &Value) -> Vec<Uuid> {
    match value {
        Value::Id(id) | Value::AnyId { id, .. } => vec![*id],
        Value::Ids(ids) => ids.clone(),
        _ => Vec::new(),
    }
}

/// Links and files whose value is not what is stored.
pub(crate) fn links_set(card: &Card, stored: Option<&Record>, record: &Record) -> Vec<Touched> {
    let is_pointer = |field: &&Field| matches!(field.kind, FieldKind::Link(_) | FieldKind::AnyLink { .. } | FieldKind::File(_)) && (!field.system || matches!(field.key.as_str(), "owner" | "org_unit"));
    let mut set = Vec::new();
    for field in card.table.fields.values().filter(is_pointer) {
        let value = record.get(field.key.as_str());
        if !value.is_empty() && stored.is_none_or(|stored| stored.get(field.key.as_str()) != value) {
            set.push((None, field.key.clone()));
        }
    }
    for (key, table) in &card.children {
        for row in record.rows(key.as_str()) {
            let before = stored.and_then(|stored| stored.rows(key.as_str()).iter().find(|known| known.id == row.id));
            for field in table.fields.values().filter(is_pointer) {
                let value = value_of(&row.values, field.key.as_str());
                if !value.is_empty() && before.is_none_or(|before| value_of(&before.values, field.key.as_str()) != value) {
                    set.push((Some((key.clone(), row.id)), field.key.clone()));
                }
            }
        }
    }
    set
}
