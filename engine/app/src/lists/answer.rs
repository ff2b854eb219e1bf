//! Lists and records as the API shows them.

use super::*;

/// The answer of the API to a list.
pub async fn answer(app: &App, snapshot: &Snapshot, actor: &Actor, card: &str, request: &ListRequest, locale: &Locale) -> Result<Json, AppError> {
    let plan = plan::of_list(app, snapshot, actor, card, request)?;
    let page = plan_page(app, snapshot, actor, &plan, locale).await?;
    let gated: &GatedQuery = &plan.gated;
    let mut answer = Map::new();
    answer.insert("data".into(), records_json(&snapshot.catalog, &page));
    if let Some(fields) = recomputing(app, snapshot, gated.query().card.key.as_str()).await? {
        answer.insert("recomputing".into(), fields);
    }
    answer.insert("next".into(), page.next.clone().map_or(Json::Null, Json::String));
    if let Some(counted) = count(app, snapshot, gated).await? {
        answer.insert("count".into(), json!({"value": counted.value, "exact": counted.exact}));
    }
    let names: Vec<String> = gated.query().totals.iter().map(|total| format!("{}.{}", total.name, total.function.name())).collect();
    if !names.is_empty() {
        let values = totals(app, snapshot, gated).await?;
        answer.insert("totals".into(), totals_json(snapshot, gated, &names, &values));
    }
    if !gated.query().groups.is_empty() {
        let rows = groups(app, snapshot, gated).await?;
        let labels = group_titles(app, snapshot, actor, gated, &rows, locale).await?;
        let one = |row: &GroupRow| {
            let key: Vec<Json> = row.key.iter().zip(&gated.query().groups).map(|(value, group)| key_json(snapshot, group, value)).collect();
            let label: Vec<String> = row.key.iter().zip(&gated.query().groups).map(|(value, group)| group_label(snapshot, group, value, &labels, locale)).collect();
            let depth = |index: usize| row.depths.get(index).copied().flatten();
            let within: Vec<Json> = row.key.iter().zip(&gated.query().groups).enumerate().map(|(index, (value, group))| group_filter(snapshot, group, value, depth(index))).collect();
            json!({"key": key, "label": label, "count": row.count, "totals": totals_json(snapshot, gated, &names, &row.totals), "filter": {"all": within}})
        };
        answer.insert("groups".into(), rows.iter().map(one).collect());
    }
    Ok(Json::Object(answer))
}

/// The fields of a card that are being calculated anew, if there are any.
pub async fn recomputing(app: &App, snapshot: &Snapshot, card: &str) -> Result<Option<Json>, AppError> {
    let marked = crate::derived::marked(app).await?;
    let Some(fields) = snapshot.catalog.card(card).and_then(|card| marked.get(&card.key)) else { return Ok(None) };
    Ok(Some(fields.iter().cloned().collect()))
}

fn totals_json(snapshot: &Snapshot, gated: &GatedQuery, names: &[String], values: &[Value]) -> Json {
    let kind = |index: usize| -> FieldKind {
        let total = &gated.query().totals[index];
        let own = total.path.as_ref().and_then(|path| path.field(&snapshot.catalog)).map(|field| field.kind.clone());
        match total.function {
            Aggregate::Count | Aggregate::CountDistinct | Aggregate::CountEmpty => FieldKind::Integer { min: None, max: None },
            // An average has digits of its own.
            Aggregate::Avg => FieldKind::Boolean,
            _ => own.unwrap_or(FieldKind::Boolean),
        }
    };
    names.iter().zip(values).enumerate().map(|(index, (name, value))| (name.clone(), types::to_json(&kind(index), value))).collect::<Map<_, _>>().into()
}

fn key_json(snapshot: &Snapshot, group: &query::Group, value: &Value) -> Json {
    let kind = group.path.field(&snapshot.catalog).map(|field| field.kind.clone());
    types::to_json(&kind.filter(|_| group.by.is_none()).unwrap_or(FieldKind::Colour), value)
}

/// A record as the API shows it.
pub fn record_json(catalog: &Catalog, page: &Page, item: &Item) -> Json {
    Shape::of(catalog, page).record(page, item)
}

/// The records of a page as the API shows them.
fn records_json(catalog: &Catalog, page: &Page) -> Json {
    let shape = Shape::of(catalog, page);
    page.items.iter().map(|item| shape.record(page, item)).collect()
}

/// What the values of a page are, found out once for all its records.
struct Shape<'p> {
    own: Vec<Option<Place<'p>>>,
    children: HashMap<&'p Ident, Vec<Option<Place<'p>>>>,
}

struct Place<'p> {
    name: &'p str,
    /// `None` for the record's own id.
    kind: Option<FieldKind>,
}

impl<'p> Shape<'p> {
    fn of(catalog: &Catalog, page: &'p Page) -> Self {
        let place = |column: &'p Selected| {
            let field = column.path.field(catalog)?;
            Some(Place { name: &column.name, kind: (column.path.leaf != "id").then(|| model::resolve::kind_of(&column.path, field)) })
        };
        let places = |columns: &'p Vec<Selected>| columns.iter().map(place).collect::<Vec<_>>();
        Self { own: places(&page.columns), children: page.child_columns.iter().map(|(child, columns)| (child, places(columns))).collect() }
    }

    fn record(&self, page: &Page, item: &Item) -> Json {
        let mut record = values_json(page, &self.own, item);
        for (child, rows) in &item.children {
            let Some(places) = self.children.get(child) else { continue };
            record.insert(child.to_string(), rows.iter().map(|row| Json::Object(values_json(page, places, row))).collect());
        }
        Json::Object(record)
    }
}

fn values_json(page: &Page, places: &[Option<Place<'_>>], item: &Item) -> Map<String, Json> {
    let mut map = Map::with_capacity(places.len() + 1);
    map.insert("id".into(), item.id.to_string().into());
    for (place, value) in places.iter().zip(&item.values) {
        let Some(place) = place else { continue };
        let json = match &place.kind {
            None => value.as_id().map_or(Json::Null, |id| id.to_string().into()),
            Some(kind) => value_json(page, kind, value),
        };
        map.insert(place.name.to_owned(), json);
    }
    map
}

fn value_json(page: &Page, kind: &FieldKind, value: &Value) -> Json {
    let link = |id: &Uuid| json!({"id": id.to_string(), "title": page.titles.get(id)});
    let file = |id: &Uuid| page.files.get(id).map_or(Json::Null, FileInfo::to_json);
    match (kind, value) {
        (FieldKind::Link(_), Value::Id(id)) => link(id),
        (FieldKind::Link(_), Value::Ids(ids)) => ids.iter().map(link).collect(),
        (FieldKind::AnyLink { .. }, Value::AnyId { card, id }) => json!({"card": card, "id": id.to_string(), "title": page.titles.get(id)}),
        (FieldKind::File(_), Value::Id(id)) => file(id),
        (FieldKind::File(_), Value::Ids(ids)) => ids.iter().map(file).collect(),
        (kind, value) => types::to_json(kind, value),
    }
}

/// Puts whole records in the place of a link: `customer`, or `lines.product` for a link of child rows.
pub async fn expand(app: &App, snapshot: &Snapshot, actor: &Actor, card: &str, name: &str, record: &mut Json, locale: &Locale) -> Result<(), AppError> {
    let card = snapshot.card(card)?;
    let unknown = || AppError::malformed("bad_expand", format!("`{name}` is no link of `{}`", card.key));
    let (child, key) = name.split_once('.').map_or((None, name), |(child, key)| (Some(child), key));
    let table = match child {
        None => &card.table,
        Some(child) => card.children.get(child).ok_or_else(unknown)?,
    };
    let target = match table.fields.get(key).map(|field| &field.kind) {
        Some(FieldKind::Link(link)) => link.target.clone(),
        _ => return Err(unknown()),
    };
    let mut links: Vec<&mut Json> = Vec::new();
    match child {
        None => links.extend(record.get_mut(key)),
        Some(child) => links.extend(record.get_mut(child).and_then(Json::as_array_mut).into_iter().flatten().filter_map(|row| row.get_mut(key))),
    }
    let mut singles: Vec<&mut Json> = Vec::new();
    for link in links {
        match link {
            Json::Array(several) => singles.extend(several.iter_mut()),
            single => singles.push(single),
        }
    }
    let ids: Vec<String> = singles.iter().filter_map(|link| link.get("id")?.as_str().map(str::to_owned)).collect();
    if ids.is_empty() {
        return Ok(());
    }
    let mut whole: HashMap<String, Json> = HashMap::new();
    for chunk in ids.chunks(query::MAX_LIMIT as usize) {
        let request = ListRequest { filter: Some(json!({"field": "id", "op": "any_of", "value": chunk})), limit: Some(query::MAX_LIMIT), ..ListRequest::default() };
        let gated = match ask(snapshot, actor, target.as_str(), &request) {
            Ok(gated) => gated,
            // Of what may not be seen there is nothing to put in.
            Err(AppError::NotFound { .. } | AppError::Forbidden { .. }) => return Ok(()),
            Err(error) => return Err(error),
        };
        let page = page(app, snapshot, actor, &gated, locale).await?;
        whole.extend(page.items.iter().map(|item| (item.id.to_string(), record_json(&snapshot.catalog, &page, item))));
    }
    for link in singles {
        let found = link.get("id").and_then(Json::as_str).and_then(|id| whole.get(id)).cloned();
        if let (Some(Json::Object(mut record)), Some(title)) = (found, link.get("title").cloned()) {
            record.insert("title".into(), title);
            *link = Json::Object(record);
        }
    }
    Ok(())
}
