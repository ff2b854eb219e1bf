//! Quick search: every word must be found in one of the fields a card is searched by.
//!
//! **Not here:** the search index, which has words of its own.

use model::{Card, Catalog, Condition, FieldKind, Op, Operand, Path, Term, Test, Value, path, resolve, types};
use serde_json::Value as Json;

/// Most words looked for; more add nothing that a person would notice.
const MAX_WORDS: usize = 8;
/// Own texts looked into where a card names no search fields.
const MAX_OWN: usize = 6;

/// What a question's words ask for.
pub(crate) fn condition(catalog: &Catalog, card: &Card, words: &str) -> Condition {
    let paths = paths(catalog, card);
    let one = |word: &str| Condition::Any(paths.iter().filter_map(|path| test(catalog, path, word)).collect());
    Condition::All(words.split_whitespace().take(MAX_WORDS).map(one).collect())
}

fn paths(catalog: &Catalog, card: &Card) -> Vec<Path> {
    let table = card.table.reference();
    let mut paths: Vec<Path> = card.search.clone();
    if paths.is_empty() {
        let texts = card.table.own_fields().filter(|field| matches!(field.kind, FieldKind::Text(_)) && !field.secret && field.column().is_some());
        paths.extend(card.title.paths().cloned());
        paths.extend(texts.take(MAX_OWN).map(|field| Path::own(table.clone(), field.key.clone())));
    }
    let mut found: Vec<Path> = Vec::new();
    for path in paths.into_iter().flat_map(|path| through_link(catalog, path)) {
        let secret = path.field(catalog).is_none_or(|field| field.secret);
        if !secret && !found.contains(&path) {
            found.push(path);
        }
    }
    found
}

/// A link is found by its target's title.
fn through_link(catalog: &Catalog, found: Path) -> Vec<Path> {
    let target = match found.field(catalog).map(|field| &field.kind) {
        Some(FieldKind::Link(link)) if found.leaf != "id" => catalog.card(&link.target),
        _ => return vec![found],
    };
    let parts = target.into_iter().flat_map(|target| target.title.paths());
    parts.filter_map(|part| path::resolve(catalog, &found.start, &format!("{found}.{part}")).ok()).collect()
}

/// Texts contain the word; numbers and days are what it says. Other fields are not found by words.
fn test(catalog: &Catalog, path: &Path, word: &str) -> Option<Condition> {
    let kind = resolve::kind_of(path, path.field(catalog)?);
    let (op, value) = match &kind {
        FieldKind::Text(_) | FieldKind::Formula { .. } | FieldKind::Choice { multiple: false, .. } | FieldKind::Address | FieldKind::RichText => {
            (Op::Contains, Value::Text(types::clean(word).chars().filter(|c| !c.is_control()).collect()))
        }
        FieldKind::Choice { multiple: true, .. } => (Op::Is, Value::Text(word.to_owned())),
        FieldKind::Integer { .. } | FieldKind::Decimal(_) | FieldKind::Date => (Op::Is, types::read_json(&kind, &Json::from(word)).ok()?),
        _ => return None,
    };
    let filled = match &value {
        Value::Text(text) => !text.is_empty() && !text.contains('\0'),
        value => !value.is_empty(),
    };
    filled.then(|| Condition::Test(Test { path: path.clone(), op, operand: Operand::One(Term::Value(value)) }))
}
