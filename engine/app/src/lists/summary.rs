//! What is said of all matches: how many, totals, groups.

use super::*;

/// How many match.
pub async fn count(app: &App, snapshot: &Snapshot, gated: &GatedQuery) -> Result<Option<Counted>, AppError> {
    let cap = match gated.query().count {
        Count::None => return Ok(None),
        Count::Estimate => Some(ESTIMATE_CAP + 1),
        Count::Exact => None,
    };
    let lowered = select::count(&snapshot.catalog, app.store.dialect(), gated, cap);
    let row = app.store.fetch(&lowered.statement).await?.into_iter().next().unwrap_or_default();
    let value = match lowered.decode(row).first() {
        Some(Value::Int(value)) => *value,
        _ => 0,
    };
    let capped = cap.is_some() && value > i64::from(ESTIMATE_CAP);
    Ok(Some(Counted { value: if capped { i64::from(ESTIMATE_CAP) } else { value }, exact: !capped }))
}

/// Totals over all matches, in the order asked for.
pub async fn totals(app: &App, snapshot: &Snapshot, gated: &GatedQuery) -> Result<Vec<Value>, AppError> {
    if gated.query().totals.is_empty() {
        return Ok(Vec::new());
    }
    let lowered = select::totals(&snapshot.catalog, app.store.dialect(), gated);
    let row = app.store.fetch(&lowered.statement).await?.into_iter().next().unwrap_or_default();
    Ok(lowered.decode(row))
}

/// Groups over all matches: of every level, outer ones first, so that subtotals stand before what they are of.
pub async fn groups(app: &App, snapshot: &Snapshot, gated: &GatedQuery) -> Result<Vec<GroupRow>, AppError> {
    let mut all = Vec::new();
    for levels in 1..=gated.query().groups.len() {
        let lowered = select::groups(&snapshot.catalog, app.store.dialect(), gated, levels, MAX_GROUPS);
        for row in app.store.fetch(&lowered.statement).await? {
            let mut values = lowered.decode(row).into_iter();
            let key = values.by_ref().take(levels).collect();
            let count = match values.next() {
                Some(Value::Int(count)) => count,
                _ => 0,
            };
            all.push(GroupRow { key, count, totals: values.collect() });
        }
    }
    Ok(all)
}

/// Titles of the links that groups are made by.
pub async fn group_titles(app: &App, snapshot: &Snapshot, actor: &Actor, gated: &GatedQuery, rows: &[GroupRow], locale: &Locale) -> Result<Titles, AppError> {
    let mut wanted = Wanted::new();
    for (index, group) in gated.query().groups.iter().enumerate() {
        let Some(FieldKind::Link(link)) = group.path.field(&snapshot.catalog).map(|field| &field.kind) else { continue };
        wanted.entry(link.target.clone()).or_default().extend(rows.iter().filter_map(|row| row.key.get(index)?.as_id()));
    }
    titles::fetch(&mut Source::Store(&app.store), &snapshot.catalog, actor, &wanted, locale).await
}

/// The words on a group.
pub fn group_label(snapshot: &Snapshot, group: &query::Group, value: &Value, titles: &Titles, locale: &Locale) -> String {
    let kind = group.path.field(&snapshot.catalog).map(|field| field.kind.clone());
    match (value, group.by, kind) {
        (Value::Id(id), _, _) => titles.get(id).cloned().unwrap_or_default(),
        (Value::Text(text), Some(_), _) => text.clone(),
        (value, None, Some(kind)) => form::format::text(&kind, value, locale),
        _ => String::new(),
    }
}
