//! Whether a draft may be stored: every rule of its card, all violations at once.
//!
//! **Not here:** what needs the database (unique values, whether links exist): `app` asks and adds its violations.

use crate::{
    Card, Code, Condition, Field, FieldKind, Record, Related, RowSource, Rule, Severity, Table, ValidRecord, Value, Violation,
    eval::{Facts, Place, Truth, evaluate, holds},
    record::{Values, value_of},
    types,
};

/// What validation found.
pub struct Verdict {
    /// The record, if no violation is an error.
    pub valid: Option<ValidRecord>,
    /// Errors and warnings.
    pub violations: Vec<Violation>,
}

/// Validates `new` against its card. Bounds are checked of what differs from `old`; what must be filled in, and the
/// card's rules, of the whole record. `found` are violations seen before, while reading and while asking the database.
pub fn validate(card: &Card, new: Record, old: Option<&Record>, facts: &dyn Facts, found: Vec<Violation>) -> Verdict {
    let mut violations = found;
    check_values(&card.table, &new.values, old.map(|old| &old.values), &Place::Record, "", facts, &mut violations);
    for (key, table) in &card.children {
        let Some(rows) = new.children.get(key) else { continue };
        check_row_count(table, rows.len(), key.as_str(), &mut violations);
        for (index, row) in rows.iter().enumerate() {
            let before = old.and_then(|old| old.rows(key.as_str()).iter().find(|known| known.id == row.id)).map(|row| &row.values);
            let place = Place::Row { table: key.clone(), index };
            check_values(table, &row.values, before, &place, &format!("{key}/{index}"), facts, &mut violations);
        }
    }
    for rule in &card.rules {
        check_rule(rule, &new, facts, &mut violations);
    }
    drop_doubles(&mut violations);
    let refused = violations.iter().any(|violation| !violation.warning);
    Verdict { valid: (!refused).then_some(ValidRecord(new)), violations }
}

/// One word per place is enough: what could not be read is not also missing.
fn drop_doubles(violations: &mut Vec<Violation>) {
    let read: Vec<String> = violations.iter().filter(|violation| violation.code != Code::Required).map(|violation| violation.path.clone()).collect();
    violations.retain(|violation| violation.code != Code::Required || !read.contains(&violation.path));
}

fn check_row_count(table: &Table, count: usize, path: &str, violations: &mut Vec<Violation>) {
    let (min, max) = table.rows;
    if count < min as usize {
        violations.push(Violation::new(path, Code::MinRows).with("min", min));
    }
    if let Some(max) = max.filter(|max| count > *max as usize) {
        violations.push(Violation::new(path, Code::MaxRows).with("max", max));
    }
}

fn check_values(table: &Table, new: &Values, old: Option<&Values>, at: &Place, prefix: &str, facts: &dyn Facts, violations: &mut Vec<Violation>) {
    for field in table.own_fields() {
        let value = value_of(new, field.key.as_str());
        let path = if prefix.is_empty() { field.key.to_string() } else { format!("{prefix}/{}", field.key) };
        if value.is_empty() {
            if is_required(field, at, facts) {
                violations.push(Violation::new(path, Code::Required));
            }
        } else if old.is_none_or(|old| value_of(old, field.key.as_str()) != value) {
            violations.extend(types::check(&field.kind, value).into_iter().map(|violation| violation.under(&path)));
            violations.extend(retired_option(field, value).map(|violation| violation.under(&path)));
        }
    }
}

fn is_required(field: &Field, at: &Place, facts: &dyn Facts) -> bool {
    let shown = field.visible_when.as_ref().is_none_or(|condition| evaluate(condition, at, facts) != Truth::False);
    let wanted = field.required || field.required_when.as_ref().is_some_and(|condition| holds(condition, at, facts));
    // Numbers, workflow states and fetched values are the engine's to fill in.
    wanted && shown && field.live_source().is_none() && !field.workflow
}

fn retired_option(field: &Field, value: &Value) -> Option<Violation> {
    let FieldKind::Choice { options, .. } = &field.kind else { return None };
    let chosen: &[String] = match value {
        Value::Text(text) => std::slice::from_ref(text),
        Value::Texts(texts) => texts,
        _ => return None,
    };
    let retired = options.iter().find(|option| option.retired && chosen.contains(&option.value))?;
    Some(types::choice::none_of(options, &retired.value))
}

fn check_rule(rule: &Rule, record: &Record, facts: &dyn Facts, violations: &mut Vec<Violation>) {
    if !holds(&rule.when, &Place::Record, facts) {
        return;
    }
    for path in rule_places(rule, record, facts) {
        violations.push(Violation {
            path,
            code: Code::Rule,
            args: vec![("rule", rule.id.to_string()), ("message", rule.message.or_key("en", rule.id.as_str()))],
            words: Some(rule.message.clone()),
            warning: rule.severity == Severity::Warning,
        });
    }
}

/// Where a rule's message stands: at the very rows it speaks of, if it says which column.
fn rule_places(rule: &Rule, record: &Record, facts: &dyn Facts) -> Vec<String> {
    let (table, key) = match &rule.field {
        None => return vec![String::new()],
        Some((None, key)) => return vec![key.to_string()],
        Some((Some(table), key)) => (table, key),
    };
    let guilty = |condition: &Condition, index: usize| holds(condition, &Place::Row { table: table.clone(), index }, facts);
    let rows: Vec<String> = match &rule.when {
        Condition::Related(Related { rows: RowSource::Child { table: of }, wanted: true, condition }) if of.child.as_ref() == Some(table) => {
            (0..record.rows(table.as_str()).len()).filter(|index| guilty(condition, *index)).map(|index| format!("{table}/{index}/{key}")).collect()
        }
        _ => Vec::new(),
    };
    if rows.is_empty() { vec![format!("{table}/{key}")] } else { rows }
}
