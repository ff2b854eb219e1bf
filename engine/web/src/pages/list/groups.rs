//! Groups: the bar that says what a list is grouped by, and the heads of groups with their totals.
//!
//! **Invariants**
//! - Heads of one level are one `GROUP BY`; what is in a group is fetched when it is opened.

use app::{AppError, lists};
use axum::{
    extract::{Path as UrlPath, Query, State},
    response::Response,
};
use model::{Card, DatePart, FieldKind, GroupDef, Path, Value, View, path};
use query::{GroupRequest, ListRequest};
use serde_json::{Value as Json, json};

use super::{
    Address, Asked, Reader,
    address::{NONE, group_text},
    ask,
    columns::{columns, label},
};
use crate::{
    Site,
    pages::cells,
    view::{Avatar, GroupBar, GroupHead, GroupLevel, GroupsWindow, Tag, Way},
};

/// Most levels, as the API has it.
const MAX_LEVELS: usize = 5;
/// Levels of a tree that the menu offers.
const TREE_LEVELS: u8 = 4;

/// The levels a list asks for. What a view brings along and this reader may not name is left out.
pub(super) fn asked(reader: &Reader, card: &Card, list: &View, address: &Address) -> Vec<GroupDef> {
    let (catalog, actor) = (&reader.asker.snapshot.catalog, &reader.asker.actor);
    let named = |group: &&GroupDef| !address.group.is_empty() || path::resolve(catalog, &card.table.reference(), &group.field).is_ok_and(|path| access::may_name(catalog, actor, &path));
    list.group_by.iter().filter(named).cloned().collect()
}

/// How a field is grouped by first: dates by month, others by their values. None: it cannot be.
pub(super) fn proposed(path: &Path, kind: &FieldKind) -> Option<String> {
    let plain = !matches!(kind, FieldKind::Json { .. } | FieldKind::Geo | FieldKind::RichText | FieldKind::File(_) | FieldKind::Address);
    let several = matches!(kind, FieldKind::Choice { multiple: true, .. }) || matches!(kind, FieldKind::Link(link) if link.multiple);
    let part = if matches!(kind, FieldKind::Date | FieldKind::Datetime) { ":month" } else { "" };
    (plain && !path.is_many() && (path.hops.is_empty() || !several)).then(|| format!("{path}{part}"))
}

fn address_of(asked: &Asked<'_>, groups: &[GroupDef]) -> String {
    let text: Vec<String> = groups.iter().map(group_text).collect();
    let group = if text.is_empty() { NONE.to_owned() } else { text.join(",") };
    Address { group, ..asked.address.clone() }.url(&asked.base())
}

/// The bar above the table.
pub(super) fn bar(reader: &Reader, asked: &Asked<'_>) -> GroupBar {
    let text: Vec<String> = asked.groups.iter().map(group_text).collect();
    let levels = (0..asked.groups.len()).filter_map(|index| level(reader, asked, index)).collect();
    GroupBar { levels, text: text.join(","), fields: fields(reader, asked), full: asked.groups.len() >= MAX_LEVELS, clear_url: (!asked.groups.is_empty()).then(|| address_of(asked, &[])) }
}

/// The order of a level: its own, or that of the list where it is sorted by the same field.
fn order_of(asked: &Asked<'_>, group: &GroupDef) -> String {
    let falls = asked.sort.split(',').next().and_then(|key| key.trim().strip_prefix('-')) == Some(group.field.as_str());
    group.order.clone().unwrap_or_else(|| if falls { "-value".into() } else { "value".into() })
}

fn fields(reader: &Reader, asked: &Asked<'_>) -> Vec<Way> {
    let (catalog, actor) = (&reader.asker.snapshot.catalog, &reader.asker.actor);
    let table = asked.card.table.reference();
    let system = asked.card.table.fields.values().filter(|field| matches!(field.key.as_str(), "owner" | "created_at" | "created_by" | "updated_at"));
    let own = asked.card.table.own_fields().chain(system).filter(|field| !field.secret).filter_map(|field| path::resolve(catalog, &table, field.key.as_str()).ok());
    let mut found: Vec<Way> = Vec::new();
    for path in asked.columns.iter().cloned().chain(own) {
        let Some(field) = path.field(catalog) else { continue };
        let kind = model::resolve::kind_of(&path, field);
        let Some(text) = proposed(&path, &kind).filter(|_| access::may_name(catalog, actor, &path)) else { continue };
        if found.iter().any(|known| known.key == text) || asked.groups.iter().any(|group| group.field == path.to_string()) {
            continue;
        }
        let mut groups = asked.groups.clone();
        groups.push(super::address::group(&text));
        found.push(Way { key: text, label: label(catalog, &path, &actor.lang), icon: cells::icon(&kind).into(), url: address_of(asked, &groups), current: false });
    }
    found
}

fn level(reader: &Reader, asked: &Asked<'_>, index: usize) -> Option<GroupLevel> {
    let catalog = &reader.asker.snapshot.catalog;
    let group = &asked.groups[index];
    let path = path::resolve(catalog, &asked.card.table.reference(), &group.field).ok()?;
    let kind = model::resolve::kind_of(&path, path.field(catalog)?);
    let changed = |changed: GroupDef| {
        let mut groups = asked.groups.clone();
        groups[index] = changed;
        address_of(asked, &groups)
    };
    let swapped = |other: usize| {
        let mut groups = asked.groups.clone();
        groups.swap(index, other);
        address_of(asked, &groups)
    };
    let way = |key: String, current: bool, to: GroupDef| Way { key, url: changed(to), current, ..Way::default() };
    let dated = matches!(kind, FieldKind::Date | FieldKind::Datetime);
    let parts = if dated { DatePart::ALL.map(|part| way(part.name().into(), group.by == Some(part), GroupDef { by: Some(part), ..group.clone() })).into() } else { Vec::new() };
    let tree = matches!(&kind, FieldKind::Link(link) if catalog.card(&link.target).is_some_and(|card| card.tree.is_some()));
    let levels = if tree {
        let numbers = (1..=TREE_LEVELS).map(Some).chain([None]);
        numbers.map(|level| way(level.map_or_else(|| "own".to_owned(), |level| level.to_string()), group.level == level, GroupDef { level, ..group.clone() })).collect()
    } else {
        Vec::new()
    };
    let order = order_of(asked, group);
    let words = ["value", "-value", "-count", "count"].map(str::to_owned).into_iter().map(|word| (word, String::new()));
    let of_totals = asked.totals.iter().flat_map(|(path, function)| {
        let name = format!("{path}.{}", function.name());
        let label = label(catalog, path, &reader.asker.actor.lang);
        [(format!("-{name}"), label.clone()), (name, label)]
    });
    let orders = words.chain(of_totals).map(|(word, label)| Way { label, ..way(word.clone(), word == order, GroupDef { order: Some(word.clone()), ..group.clone() }) }).collect();
    let mut without = asked.groups.clone();
    without.remove(index);
    Some(GroupLevel {
        text: group_text(group),
        label: label(catalog, &path, &reader.asker.actor.lang),
        icon: cells::icon(&kind).into(),
        part: group.by.map(|by| by.name().to_owned()),
        parts,
        levels,
        orders,
        left_url: index.checked_sub(1).map(swapped),
        right_url: (index + 1 < asked.groups.len()).then(|| swapped(index + 1)),
        remove_url: address_of(asked, &without),
    })
}

/// Heads of the groups of one level, inside the groups that `within` describes.
pub(super) async fn heads(site: &Site, reader: &Reader, asked: &Asked<'_>, level: usize, within: Option<Json>) -> Result<GroupsWindow, AppError> {
    let snapshot = &reader.asker.snapshot;
    let Some(group) = asked.groups.get(level) else { return Ok(GroupsWindow::default()) };
    let by = GroupRequest { field: group.field.clone(), by: group.by, level: group.level, order: Some(order_of(asked, group)) };
    // An order by a total that is no longer shown is none.
    let known = |order: &String| order.trim_start_matches('-') == "value" || order.trim_start_matches('-') == "count" || asked.totals.iter().any(|(path, function)| format!("{path}.{}", function.name()) == order.trim_start_matches('-'));
    let by = GroupRequest { order: by.order.filter(known), ..by };
    let request = ListRequest { group_by: vec![by], totals: asked.total_requests(), limit: Some(1), cursor: None, sort: None, filter: asked.narrowed(within.clone()), ..asked.request(&[]) };
    let gated = lists::ask(snapshot, &reader.asker.actor, asked.card.key.as_str(), &request)?;
    let rows = lists::groups(&site.app, snapshot, &gated).await?;
    let titles = lists::group_titles(&site.app, snapshot, &reader.asker.actor, &gated, &rows, &reader.asker.locale).await?;
    let Some(resolved) = gated.query().groups.first() else { return Ok(GroupsWindow::default()) };
    let last = level + 1 == asked.groups.len();
    let base = asked.base();
    let kind = resolved.path.field(&snapshot.catalog).map(|field| model::resolve::kind_of(&resolved.path, field));
    let mut groups = Vec::with_capacity(rows.len());
    for row in &rows {
        let value = row.key.first().unwrap_or(&Value::Empty);
        let own = lists::group_filter(snapshot, resolved, value, row.depths.first().copied().flatten());
        let inner = match &within {
            Some(within) => json!({"all": [within, own]}),
            None => own,
        };
        let words = lists::group_label(snapshot, resolved, value, &titles, &reader.asker.locale);
        let inner = inner.to_string();
        let to = if last { format!("{base}/rows") } else { format!("{base}/groups") };
        groups.push(GroupHead {
            id: id_of(&inner),
            level: level + 1,
            hidden: words.is_empty() && !value.is_empty(),
            tag: tag(kind.as_ref(), value, &words),
            avatar: match kind.as_ref() {
                Some(FieldKind::Link(link)) if !words.is_empty() => Some(if link.target == model::USER_CARD { Avatar::person(&words) } else { Avatar::of(&words) }),
                _ => None,
            },
            label: words,
            count: form::format::number_text(row.count.into(), 0, &reader.asker.locale),
            records: row.count,
            totals: asked.total_texts(reader, &row.totals, false),
            url: asked.address.url_with(&to, &[("within", &inner), ("level", &(level + 1).to_string())]),
        });
    }
    let columns = columns(reader, asked);
    let span = asked.columns.iter().position(|path| asked.totals.iter().any(|(known, _)| known == path)).unwrap_or(columns.len()).max(1);
    Ok(GroupsWindow { capped: groups.len() >= lists::MAX_GROUPS as usize, groups, columns, span })
}

/// The same for the same group, so that what was open is found again.
fn id_of(within: &str) -> String {
    let sum = within.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |sum, byte| (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    format!("g-{sum:016x}")
}

fn tag(kind: Option<&FieldKind>, value: &Value, words: &str) -> Option<Tag> {
    let (Some(FieldKind::Choice { options, .. }), Value::Text(text)) = (kind, value) else { return None };
    let colour = options.iter().find(|option| option.value == *text).and_then(|option| option.colour);
    Some(Tag { value: text.clone(), text: words.to_owned(), tone: cells::tone(colour) })
}

/// `GET /c/{card}/groups`: heads of the next level inside a group.
pub async fn groups(State(site): State<Site>, UrlPath(key): UrlPath<String>, Query(pairs): Query<Vec<(String, String)>>, reader: Reader) -> Response {
    let answer = async {
        let card = reader.card(&key)?;
        let asked = ask(&site, &reader, &card, Address::read(&pairs)).await?;
        let within = asked.address.within()?;
        heads(&site, &reader, &asked, asked.address.level, within).await
    };
    match answer.await {
        Ok(window) => reader.draw(&site, "list/groups.html", Some(&key), &window),
        Err(error) => reader.failed(&site, &error),
    }
}
