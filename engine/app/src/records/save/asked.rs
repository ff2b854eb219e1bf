//! What formulas and rules ask of other records: linked ones, those above in a tree, those pointing here.

use model::eval::Place;

use super::*;

impl Work {
    pub(super) fn check_tree(&self, record: &Record, ancestors: &HashMap<Uuid, HashSet<Uuid>>, violations: &mut Vec<Violation>) {
        let Some(parent) = &self.card.tree else { return };
        let above = record.get(parent.as_str()).as_id().and_then(|id| ancestors.get(&id));
        if above.is_some_and(|above| above.contains(&record.id)) {
            violations.push(Violation::new(parent.as_str(), Code::Cycle));
        }
    }

    /// Questions of rules and fields about rows of other cards, answered by the database.
    pub(super) async fn pointing(&self, tx: &mut Tx, facts: &DraftFacts<'_>) -> Result<HashMap<String, bool>, UnitError> {
        let mut asked = Vec::new();
        self.card.rules.iter().for_each(|rule| pointing_in(&rule.when, &mut asked));
        for field in std::iter::once(&self.card.table).chain(self.card.children.values()).flat_map(|table| table.own_fields()) {
            [&field.required_when, &field.visible_when, &field.read_only_when].into_iter().flatten().for_each(|when| pointing_in(when, &mut asked));
        }
        let record = facts.record;
        let mut answers = HashMap::new();
        for related in asked {
            let positive = Condition::Related(model::Related { wanted: true, ..related.clone() });
            let bound = bind_for(&self.actor, self.catalog(), &with_facts(&positive, facts, &Place::Record));
            let lowered = select::matching(self.catalog(), tx.dialect(), &self.card.table.reference(), &[record.id], &bound);
            answers.insert(format!("{related:?}"), !tx.fetch(&lowered.statement).await?.is_empty());
        }
        Ok(answers)
    }
}

/// What rules and formulas ask of linked records: one statement for each card linked to.
pub(crate) async fn linked(tx: &mut Tx, snapshot: &Snapshot, card: &Card, record: &Record, now: DateTime<Utc>) -> Result<Linked, UnitError> {
    let mut wanted: BTreeMap<Ident, (HashSet<Uuid>, Vec<Path>)> = BTreeMap::new();
    for need in snapshot.needs(&card.key) {
        let ids = ids_of(record, need.child.as_ref(), &need.field, &need.target);
        if ids.is_empty() || need.rest.leaf == "id" && need.rest.hops.is_empty() {
            continue;
        }
        let entry = wanted.entry(need.target.clone()).or_default();
        entry.0.extend(ids);
        if !entry.1.contains(&need.rest) {
            entry.1.push(need.rest.clone());
        }
    }
    let mut linked = Linked::new();
    let system = Actor::system(Reason::Derivation, now);
    let catalog = &snapshot.catalog;
    for (target, (ids, paths)) in wanted {
        let (single, _many): (Vec<Path>, Vec<Path>) = paths.into_iter().partition(|path| !path.is_many());
        let tables = access::tables(catalog, &system, std::slice::from_ref(&target), &single).map_err(AppError::from)?;
        let ids: Vec<Uuid> = ids.into_iter().collect();
        let lowered = select::by_ids(catalog, tx.dialect(), &tables, &TableRef::card(&target), &ids, &single, true);
        for row in tx.fetch(&lowered.statement).await? {
            let mut values = lowered.decode(row).into_iter();
            let Some(Value::Id(id)) = values.next() else { continue };
            for (path, value) in single.iter().zip(values) {
                linked.insert((id, path.clone()), vec![value]);
            }
        }
    }
    Ok(linked)
}

/// What lies above everything the record points to in trees, directly, from a row, or behind a link that is asked about.
pub(crate) async fn ancestors(tx: &mut Tx, snapshot: &Snapshot, card: &Card, record: &Record, linked: &Linked, now: DateTime<Utc>) -> Result<HashMap<Uuid, HashSet<Uuid>>, UnitError> {
    let catalog = &snapshot.catalog;
    let mut asked: Vec<(Ident, Uuid)> = Vec::new();
    let mut add = |field: &Field, value: &Value| {
        if let FieldKind::Link(link) = &field.kind {
            asked.extend(ids(value).into_iter().map(|id| (link.target.clone(), id)));
        }
    };
    for field in card.table.fields.values() {
        add(field, record.get(field.key.as_str()));
    }
    for (key, table) in &card.children {
        for row in record.rows(key.as_str()) {
            table.fields.values().for_each(|field| add(field, value_of(&row.values, field.key.as_str())));
        }
    }
    for ((_, path), values) in linked {
        if let Some(field) = path.field(catalog) {
            values.iter().for_each(|value| add(field, value));
        }
    }
    let mut found: HashMap<Uuid, HashSet<Uuid>> = HashMap::new();
    for (target, id) in asked {
        let Some(tree) = catalog.card(&target).filter(|card| card.tree.is_some()) else { continue };
        if found.contains_key(&id) {
            continue;
        }
        let mut above = HashSet::new();
        let mut at = Some(id);
        // A tree is shallow; a circle in old data must not catch us.
        while let Some(current) = at.filter(|current| above.len() < 100 && above.insert(*current)) {
            at = parent_of(tx, snapshot, tree, current, now).await?;
        }
        found.insert(id, above);
    }
    Ok(found)
}

async fn parent_of(tx: &mut Tx, snapshot: &Snapshot, tree: &Card, id: Uuid, now: DateTime<Utc>) -> Result<Option<Uuid>, UnitError> {
    let Some(parent) = &tree.tree else { return Ok(None) };
    let system = Actor::system(Reason::Integrity, now);
    let tables = access::tables(&snapshot.catalog, &system, std::slice::from_ref(&tree.key), &[]).map_err(AppError::from)?;
    let path = Path::own(tree.table.reference(), parent.clone());
    let lowered = select::by_ids(&snapshot.catalog, tx.dialect(), &tables, &tree.table.reference(), &[id], std::slice::from_ref(&path), true);
    let row = tx.fetch(&lowered.statement).await?.into_iter().next();
    Ok(row.and_then(|row| lowered.decode(row).get(1).and_then(Value::as_id)))
}

pub(super) fn ids_of(record: &Record, child: Option<&Ident>, field: &Ident, target: &Ident) -> Vec<Uuid> {
    let of = |values: &model::Values| match value_of(values, field.as_str()) {
        Value::AnyId { card, id } => if card == target { vec![*id] } else { Vec::new() },
        value => ids(value),
    };
    match child {
        None => of(&record.values),
        Some(child) => record.rows(child.as_str()).iter().flat_map(|row| of(&row.values)).collect(),
    }
}

pub(super) fn pointing_in<'c>(condition: &'c Condition, found: &mut Vec<&'c model::Related>) {
    match condition {
        Condition::All(parts) | Condition::Any(parts) => parts.iter().for_each(|part| pointing_in(part, found)),
        Condition::Not(part) => pointing_in(part, found),
        Condition::Related(related) if matches!(related.rows, model::RowSource::Pointing { .. }) => found.push(related),
        Condition::Related(related) => pointing_in(&related.condition, found),
        Condition::Test(_) | Condition::Unknown => {}
    }
}
