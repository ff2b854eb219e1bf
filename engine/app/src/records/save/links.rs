//! Links and files: what they point to is there, may be seen, and is allowed.

use super::*;

/// What links were set to: which records are there, and which of them the actor may see.
#[derive(Default)]
pub(super) struct Targets {
    there: HashMap<Ident, HashSet<Uuid>>,
    seen: HashMap<Ident, HashSet<Uuid>>,
}

impl Work {
    /// Looks up and holds, card by card, those that are added up into others first, what links were set to, and what will be derived anew
    /// from this record: all saves lock in this order, so none waits for another for ever.
    pub(super) async fn hold_targets(&self, tx: &mut Tx, stored: Option<&Record>, record: &Record, known: Targets) -> Result<Targets, UnitError> {
        let height = |card: &Ident| self.snapshot.graph().height(card);
        let mut wanted: BTreeMap<(u32, Ident), (BTreeSet<Uuid>, Hold)> = BTreeMap::new();
        let set = links_set(&self.card, stored, record);
        let mut targets = known;
        for (card, id) in set.iter().flat_map(|place| self.pointed(record, place)) {
            // Whoever acts is there, and knows themselves; accounts are closed, never taken away.
            if card == model::USER_CARD && Some(id) == self.actor.user {
                targets.there.entry(card.clone()).or_default().insert(id);
                targets.seen.entry(card).or_default().insert(id);
                continue;
            }
            wanted.entry((height(&card), card)).or_insert((BTreeSet::new(), Hold::Share)).0.insert(id);
        }
        let derived = if self.options.dry_run { BTreeSet::new() } else { derived::targets(&self.snapshot, &self.card, stored, Some(record)) };
        for (card, id) in derived {
            let entry = wanted.entry((height(&card), card)).or_insert((BTreeSet::new(), Hold::Change));
            entry.0.insert(id);
            entry.1 = Hold::Change;
        }
        for ((_, key), (ids, why)) in wanted {
            let Some(card) = self.catalog().card(&key) else { continue };
            let there = targets.there.entry(key.clone()).or_default();
            let mut new: Vec<Uuid> = ids.into_iter().filter(|id| !there.contains(id)).collect();
            let known = self.known().filter(|_| why == Hold::Share && key != self.card.key);
            if let Some(shared) = known.and_then(|shared| shared.targets.lock().ok()) {
                let (held, seen) = (shared.there.get(&key), shared.seen.get(&key));
                new.retain(|id| !held.is_some_and(|held| held.contains(id)) || !there.insert(*id));
                targets.seen.entry(key.clone()).or_default().extend(there.iter().filter(|id| seen.is_some_and(|seen| seen.contains(*id))));
            }
            let there = targets.there.entry(key.clone()).or_default();
            if new.is_empty() {
                continue;
            }
            let found = tx.fetch(&write::hold(self.catalog(), tx.dialect(), &card.table.reference(), &new, why)).await?;
            let found: Vec<Uuid> = found.iter().filter_map(|row| row.first().and_then(sql::encode::id)).collect();
            there.extend(&found);
            let seen = match access::gate(self.catalog(), &self.actor, card, ActionName::Read) {
                Ok(gate) => self.matching(tx, card, &found, &gate.rows()).await?,
                Err(_) => HashSet::new(),
            };
            if let Some(mut shared) = known.and_then(|shared| shared.targets.lock().ok()) {
                shared.there.entry(key.clone()).or_default().extend(&found);
                shared.seen.entry(key.clone()).or_default().extend(&seen);
            }
            targets.seen.entry(key).or_default().extend(seen);
        }
        Ok(targets)
    }

    /// The records that a place of a record points to.
    fn pointed(&self, record: &Record, (owner, key): &Touched) -> Vec<(Ident, Uuid)> {
        let child = owner.as_ref().map(|(table, _)| table);
        let Some(field) = self.card.table_of(child).and_then(|table| table.field(key)) else { return Vec::new() };
        let value = match owner {
            None => record.get(key.as_str()),
            Some((table, row)) => match record.rows(table.as_str()).iter().find(|known| known.id == *row) {
                Some(row) => value_of(&row.values, key.as_str()),
                None => return Vec::new(),
            },
        };
        match (&field.kind, value) {
            (FieldKind::Link(link), value) => ids(value).into_iter().map(|id| (link.target.clone(), id)).collect(),
            (FieldKind::AnyLink { .. }, Value::AnyId { card, id }) => vec![(card.clone(), *id)],
            _ => Vec::new(),
        }
    }

    /// Links that were set now point to records that exist, that the actor may see, and that the link's condition allows.
    pub(super) async fn check_links(&self, tx: &mut Tx, stored: Option<&Record>, facts: &DraftFacts<'_>, targets: Targets, violations: &mut Vec<Violation>) -> Result<(), UnitError> {
        let record = facts.record;
        // What was calculated may have set links of its own.
        let targets = self.hold_targets(tx, stored, record, targets).await?;
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
            // What the engine itself puts on a new record: its maker, and its maker's unit, whether or not they may read that.
            if field.system && value.as_id().is_some_and(|id| Some(id) == self.actor.user || Some(id) == self.actor.org_unit) {
                continue;
            }
            // What is taken over through a link was seen by whoever set that.
            if !field.is_editable() && !field.system && !matches!(field.source, model::Source::Entered) {
                continue;
            }
            let found = match &field.kind {
                FieldKind::Link(link) => self.check_target(tx, &targets, &link.target, &ids(&value), link.condition.as_ref(), facts, owner.as_ref()).await?,
                FieldKind::AnyLink { .. } => match &value {
                    Value::AnyId { card, id } => self.check_target(tx, &targets, card, &[*id], None, facts, owner.as_ref()).await?,
                    _ => None,
                },
                FieldKind::File(_) => self.check_files(tx, field, &ids(&value), record.id).await?,
                _ => None,
            };
            violations.extend(found.map(|violation| violation.under(&path)));
        }
        Ok(())
    }

    #[allow(clippy::too_many_arguments)] // One link, what is known of its targets, and where it stands.
    async fn check_target(&self, tx: &mut Tx, targets: &Targets, target: &Ident, ids: &[Uuid], condition: Option<&Condition>, facts: &DraftFacts<'_>, owner: Option<&(Ident, Uuid)>) -> Result<Option<Violation>, UnitError> {
        let Some(card) = self.catalog().card(target) else { return Ok(Some(Violation::new("", Code::NotFound))) };
        let seen = targets.seen.get(target);
        if !ids.iter().all(|id| seen.is_some_and(|seen| seen.contains(id))) {
            return Ok(Some(Violation::new("", Code::NotFound)));
        }
        let Some(condition) = condition else { return Ok(None) };
        let bound = with_facts(condition, facts, &place_of(facts.record, owner));
        let bound = bind_for(&self.actor, self.catalog(), &bound);
        if query::bind::has_unknown(&bound) || self.matching(tx, card, ids, &bound).await?.len() >= ids.len() { Ok(None) } else { Ok(Some(Violation::new("", Code::NotAllowed))) }
    }

    /// Which of these records a condition admits.
    async fn matching(&self, tx: &mut Tx, card: &Card, ids: &[Uuid], rows: &Condition) -> Result<HashSet<Uuid>, UnitError> {
        if rows.is_always() || ids.is_empty() {
            return Ok(ids.iter().copied().collect());
        }
        let lowered = select::matching(self.catalog(), tx.dialect(), &card.table.reference(), ids, rows);
        Ok(tx.fetch(&lowered.statement).await?.iter().filter_map(|row| row.first().and_then(sql::encode::id)).collect())
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
