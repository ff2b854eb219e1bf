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
    let dialect = app.store.dialect();
    let (lowered, rows) = Source::App(app).fetch_sums(|sums| select::totals(&snapshot.catalog, dialect, gated, sums)).await?;
    Ok(lowered.decode(rows.into_iter().next().unwrap_or_default()))
}

/// Groups over all matches: of every level, outer ones first, so that subtotals stand before what they are of.
pub async fn groups(app: &App, snapshot: &Snapshot, gated: &GatedQuery) -> Result<Vec<GroupRow>, AppError> {
    let mut all = Vec::new();
    let by = &gated.query().groups;
    for levels in 1..=by.len() {
        let dialect = app.store.dialect();
        let (lowered, rows) = Source::App(app).fetch_sums(|sums| sql::groups::groups(&snapshot.catalog, dialect, gated, levels, MAX_GROUPS, sums)).await?;
        for row in rows {
            let mut values = lowered.decode(row).into_iter();
            let key = values.by_ref().take(levels).collect();
            let mut number = || match values.next() {
                Some(Value::Int(count)) => count,
                _ => 0,
            };
            let count = number();
            let depths = by[..levels].iter().map(|group| group.level.map(|_| number())).collect();
            all.push(GroupRow { key, count, depths, totals: values.collect() });
        }
    }
    Ok(all)
}

/// Titles of the links that groups are made by.
pub async fn group_titles(app: &App, snapshot: &Snapshot, actor: &Actor, gated: &GatedQuery, rows: &[GroupRow], locale: &Locale) -> Result<Titles, AppError> {
    let mut wanted = Wanted::new();
    for (index, group) in gated.query().groups.iter().enumerate() {
        let keys = rows.iter().filter_map(|row| row.key.get(index));
        match group.path.field(&snapshot.catalog).map(|field| &field.kind) {
            Some(FieldKind::Link(link)) => wanted.entry(link.target.clone()).or_default().extend(keys.filter_map(Value::as_id)),
            Some(FieldKind::AnyLink { .. }) => keys.for_each(|key| {
                if let Value::AnyId { card, id } = key {
                    wanted.entry(card.clone()).or_default().insert(*id);
                }
            }),
            _ => {}
        }
    }
    titles::fetch(&mut Source::App(app), &snapshot.catalog, actor, &wanted, locale).await
}

/// The words on a group; empty for records without a value, and for links whose target may not be seen.
pub fn group_label(snapshot: &Snapshot, group: &query::Group, value: &Value, titles: &Titles, locale: &Locale) -> String {
    let kind = group.path.field(&snapshot.catalog).map(|field| model::resolve::kind_of(&group.path, field));
    match (value, group.by, kind) {
        (Value::Id(id) | Value::AnyId { id, .. }, _, _) => titles.get(id).cloned().unwrap_or_default(),
        (value, Some(part), _) => first_day(value).map(|day| form::format::span(day, part, locale)).unwrap_or_default(),
        (value, None, Some(kind)) => form::format::text(&kind, value, locale),
        _ => String::new(),
    }
}

fn first_day(value: &Value) -> Option<chrono::NaiveDate> {
    match value {
        Value::Text(text) => text.parse().ok(),
        _ => None,
    }
}

/// The filter whose matches are a group's records. `depth` is how deep a group of a tree's level lies.
pub fn group_filter(snapshot: &Snapshot, group: &query::Group, value: &Value, depth: Option<i64>) -> Json {
    let test = |op: &str, value: Json| json!({"field": group.name, "op": op, "value": value});
    let kind = group.path.field(&snapshot.catalog).map(|field| model::resolve::kind_of(&group.path, field));
    match (value, group.by, kind) {
        (Value::Empty, _, _) | (_, _, None) => json!({"field": group.name, "op": "empty"}),
        (value, Some(part), _) => match first_day(value) {
            Some(first) => test("between", json!([first.to_string(), model::last_day(first, part).to_string()])),
            None => json!({"field": group.name, "op": "empty"}),
        },
        // What lies above the level is a group of its own, without what lies below it.
        (Value::Id(id), None, Some(_)) if group.level.zip(depth).is_some_and(|(level, depth)| depth >= i64::from(level)) => test("under", json!(id)),
        (Value::Id(id), None, Some(FieldKind::Link(link))) if link.multiple => test("any_of", json!([id])),
        (Value::Text(text), None, Some(FieldKind::Choice { .. })) => test("is", json!(text)),
        (value, None, Some(kind)) => test("is", types::to_json(&kind, value)),
    }
}
