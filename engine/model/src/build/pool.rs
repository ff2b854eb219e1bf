//! A card's pool, and the list of it that comes along.

use indexmap::IndexMap;

use super::{Merged, condition};
use crate::{Card, Catalog, FieldKind, Filter, Ident, Labels, Path, Pool, Scopes, View, diagnostic::Diagnostic, def::ViewKind};

/// The view of a pool, unless the card has one of its name.
const VIEW: &str = "pool";

pub(crate) fn resolve(card: &Card, part: &Merged, catalog: &Catalog, findings: &mut Vec<Diagnostic>) -> Option<Pool> {
    let def = part.def.pool.as_ref()?;
    let scopes = Scopes { table: card.table.reference(), record: None, row: None };
    let when = def.when.as_ref().and_then(|filter| Some((condition(catalog, &scopes, filter, &part.origin, "/pool/when", findings)?, filter.clone())));
    for (key, days) in [("hold", def.hold), ("per_day", def.per_day), ("return_after", def.return_after), ("cooldown", def.cooldown)] {
        if days == Some(0) {
            findings.push(part.error(&format!("/pool/{key}"), format!("`{key}` is 1 or more; leave it out for no limit")));
        }
    }
    let activity = def.activity.clone().or_else(|| Ident::new("updated_at").ok())?;
    match card.table.fields.get(activity.as_str()).map(|field| &field.kind) {
        Some(FieldKind::Date | FieldKind::Datetime) => {}
        Some(_) => findings.push(part.error("/pool/activity", format!("`{activity}` is no date"))),
        None => findings.push(part.error("/pool/activity", format!("`{}` has no field `{activity}`", card.key)).near(activity.as_str(), card.table.fields.keys().map(Ident::as_str))),
    }
    Some(Pool { when, hold: def.hold, per_day: def.per_day, return_after: def.return_after, activity, cooldown: def.cooldown })
}

/// The condition of records that lie in the pool.
pub fn filter(pool: &Pool) -> Option<Filter> {
    let unowned = serde_json::json!({"field": "owner", "op": "empty"});
    let json = match &pool.when {
        None => unowned,
        Some((_, when)) => serde_json::json!({"all": [unowned, when.to_json()]}),
    };
    serde_json::from_value(json).ok()
}

/// The list of the pool: records without an owner, in the columns of the card's first view.
pub(crate) fn view(card: &Card) -> Option<View> {
    let pool = card.pool.as_ref()?;
    if card.views.iter().any(|view| view.id == VIEW) {
        return None;
    }
    let words = [("en", "Pool"), ("zh-Hans", "公海"), ("zh-Hant", "公海")].map(|(lang, text)| (lang.into(), text.into()));
    let like = card.views.iter().find(|view| view.default).or_else(|| card.views.first());
    let columns: Vec<(Path, Option<u16>)> = match like {
        Some(like) => like.columns.iter().filter(|(path, _)| !(path.hops.is_empty() && path.leaf == "owner")).cloned().collect(),
        None => Vec::new(),
    };
    Some(View {
        id: VIEW.into(),
        labels: Labels(IndexMap::from(words)),
        kind: ViewKind::Table,
        columns,
        filter: filter(pool),
        sort: Some("-created_at".into()),
        group_by: Vec::new(),
        emphasis: Vec::new(),
        totals: Vec::new(),
        by: None,
        until: None,
        roles: Vec::new(),
        folder: Labels::default(),
        parameters: IndexMap::new(),
        default: false,
    })
}
