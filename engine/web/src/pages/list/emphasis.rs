//! Values that stand out: which of the records shown their conditions hold for.

use std::collections::{BTreeMap, HashMap};

use app::lists;
use model::EmphasisDef;
use uuid::Uuid;

use super::{Asked, Reader};
use crate::Site;

/// The tone of a column's value, by record and path.
pub(super) type Emphasis = HashMap<(Uuid, String), &'static str>;

/// What stands out. A condition over what this reader may not see emphasizes nothing, and neither does a database that
/// has no time for it: the list itself is shown.
pub(super) async fn find(site: &Site, reader: &Reader, asked: &Asked<'_>, ids: &[Uuid]) -> Emphasis {
    let (snapshot, actor) = (&reader.asker.snapshot, &reader.asker.actor);
    let mut found = Emphasis::new();
    // The same condition of several columns is asked once.
    let mut wanted: BTreeMap<String, Vec<(&EmphasisDef, String, usize)>> = BTreeMap::new();
    for path in &asked.columns {
        let own = || path.field(&snapshot.catalog).filter(|_| path.hops.is_empty()).map(|field| field.emphasis.as_slice());
        let rules = asked.list.emphasis.iter().find(|(known, _)| known == path).map(|(_, rules)| rules.as_slice()).or_else(own).unwrap_or_default();
        for (index, rule) in rules.iter().enumerate() {
            wanted.entry(rule.when.to_json().to_string()).or_default().push((rule, path.to_string(), index));
        }
    }
    let mut ranks: HashMap<(Uuid, String), usize> = HashMap::new();
    for rules in wanted.values() {
        let Some((first, ..)) = rules.first() else { continue };
        let Ok(holding) = lists::among(&site.app, snapshot, actor, asked.card.key.as_str(), &first.when.to_json(), ids).await else { continue };
        for (rule, path, rank) in rules {
            for id in &holding {
                let key = (*id, path.clone());
                // The first condition that holds counts.
                if ranks.get(&key).is_none_or(|known| rank < known) {
                    ranks.insert(key.clone(), *rank);
                    found.insert(key, tone(rule.tone));
                }
            }
        }
    }
    found
}

fn tone(tone: model::EmphasisTone) -> &'static str {
    match tone {
        model::EmphasisTone::Danger => "danger",
        model::EmphasisTone::Warning => "warning",
        model::EmphasisTone::Success => "success",
        model::EmphasisTone::Info => "info",
        model::EmphasisTone::Muted => "muted",
    }
}
