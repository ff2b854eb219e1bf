//! Panels that are fetched when they come into view: related records, trees, history, series.

use app::{AppError, lists, records::{history, read}};
use axum::{
    extract::{Path as UrlPath, Query, State},
    response::Response,
};
use model::{ActionName, Card, FieldKind, Panel, PanelContent, Path, SectionContent, TabContent};
use query::ListRequest;
use serde_json::json;
use uuid::Uuid;

use super::{
    Reader,
    cells::{self, Known},
    list::{head, label},
    record,
    shell::may,
    url, words,
};
use crate::{
    Site,
    view::{self, Align, Avatar, Change, Column, HistoryDay, HistoryEntry, HistoryPage, HistoryPanel, RelatedPanel, RelatedRow, TabCount, TabCounts, TreeNode, TreePanel},
};

/// Whether a panel has anything for this reader.
pub fn may_see(reader: &Reader, content: &PanelContent) -> bool {
    let card = match content {
        PanelContent::Related { table, .. } => &table.card,
        PanelContent::Tree { card, .. } => card,
        _ => return true,
    };
    reader.asker.snapshot.catalog.card(card).is_some_and(|card| may(&reader.asker.snapshot, &reader.asker.actor, card, ActionName::Read))
}

fn find<'c>(card: &'c Card, id: &str, lang: &str) -> Option<(&'c Panel, String)> {
    for tab in &card.tabs {
        match &tab.content {
            TabContent::Panel(panel) if tab.id == id => return Some((panel, panel.labels.get(lang).map_or_else(|| tab.labels.or_key(lang, id), str::to_owned))),
            TabContent::Sections(sections) => {
                for section in sections {
                    if let (SectionContent::Panel(panel), true) = (&section.content, section.id == id) {
                        return Some((panel, section.labels.or_key(lang, id)));
                    }
                }
            }
            TabContent::Panel(_) => {}
        }
    }
    None
}

/// `GET /c/{card}/{id}/panel/{panel}`
pub async fn panel(State(site): State<Site>, UrlPath((key, id, name)): UrlPath<(String, String, String)>, Query(pairs): Query<Vec<(String, String)>>, reader: Reader) -> Response {
    let answer = async {
        let id = Uuid::try_parse(&id).map_err(|_| AppError::not_found("record"))?;
        let card = reader.asker.snapshot.card(&key)?.clone();
        // The record itself first: who may not see it sees nothing around it.
        read::read(&site.app, &reader.asker.snapshot, &reader.asker.actor, &key, id, &reader.asker.locale).await?;
        let (panel, heading) = find(&card, &name, &reader.asker.actor.lang).ok_or_else(|| AppError::not_found("panel"))?;
        let after = pairs.iter().find(|(key, _)| key == "after").map(|(_, value)| value.clone());
        match &panel.content {
            PanelContent::Related { .. } => related(&site, &reader, &card, id, &name, &heading, panel, after).await.map(view::Panel::Related),
            PanelContent::Tree { card: of, by } => tree(&site, &reader, id, &name, &heading, of.as_str(), by).await.map(view::Panel::Tree),
            PanelContent::Series { field } => record::series::drawn(&site, &reader, &key, id, &heading, field.as_str()).await.map(view::Panel::Series),
            PanelContent::History | PanelContent::Activity => changes(&site, &reader, &card, id).await.map(view::Panel::History),
            PanelContent::Child { .. } | PanelContent::Files { .. } | PanelContent::Figures { .. } => Err(AppError::not_found("panel")),
        }
    };
    match answer.await {
        Ok(panel) => reader.draw(&site, "panels/panel.html", Some(&key), &panel),
        Err(error) => reader.failed(&site, &error),
    }
}

/// `GET /c/{card}/{id}/counts`: how many rows stand behind each tab.
pub async fn counts(State(site): State<Site>, UrlPath((key, id)): UrlPath<(String, String)>, reader: Reader) -> Response {
    let answer = async {
        let id = Uuid::try_parse(&id).map_err(|_| AppError::not_found("record"))?;
        let (snapshot, actor) = (&reader.asker.snapshot, &reader.asker.actor);
        let card = snapshot.card(&key)?.clone();
        read::read(&site.app, snapshot, actor, &key, id, &reader.asker.locale).await?;
        let mut counts = Vec::new();
        for tab in &card.tabs {
            let TabContent::Panel(panel) = &tab.content else { continue };
            if !may_see(&reader, &panel.content) {
                continue;
            }
            let of_card;
            let asked = match &panel.content {
                PanelContent::Related { table, by, condition, .. } => lists::RelatedRequest { table, by, columns: &[], totals: &[], sort: None, condition: condition.as_ref(), record: id, of: &card, after: None },
                PanelContent::Tree { card: target, by } => {
                    of_card = model::TableRef::card(target);
                    lists::RelatedRequest { table: &of_card, by, columns: &[], totals: &[], sort: None, condition: None, record: id, of: &card, after: None }
                }
                _ => continue,
            };
            let counted = lists::related_count(&site.app, snapshot, actor, &asked).await?;
            let text = form::format::number_text(counted.value.into(), 0, &reader.asker.locale);
            counts.push(TabCount { id: tab.id.to_string(), text: if counted.exact { text } else { format!("{text}+") } });
        }
        Ok(TabCounts { counts })
    };
    match answer.await {
        Ok(counts) => reader.draw(&site, "records/counts.html", Some(&key), &counts),
        Err(error) => reader.failed(&site, &error),
    }
}

#[allow(clippy::too_many_arguments)] // One panel: of which record, where on the page, from where on.
async fn related(site: &Site, reader: &Reader, own: &Card, id: Uuid, name: &str, heading: &str, panel: &Panel, after: Option<String>) -> Result<RelatedPanel, AppError> {
    let PanelContent::Related { table, by, columns, totals, sort, condition, create } = &panel.content else { return Err(AppError::not_found("panel")) };
    let snapshot = &reader.asker.snapshot;
    let lang = &reader.asker.actor.lang;
    let columns: Vec<Path> = columns.iter().filter(|path| reader.may_show(path)).cloned().collect();
    let totals: Vec<Path> = totals.iter().filter(|path| reader.may_show(path)).cloned().collect();
    let (columns, totals) = (columns.as_slice(), totals.as_slice());
    let target = snapshot.card(table.card.as_str())?.clone();
    let rows = lists::related(&site.app, snapshot, &reader.asker.actor, &lists::RelatedRequest { table, by, columns, totals, sort: sort.as_deref(), condition: condition.as_ref(), record: id, of: own, after: after.as_deref() }, &reader.asker.locale).await?;
    let known = Known { catalog: &snapshot.catalog, locale: &reader.asker.locale, titles: &rows.page.titles, files: &rows.page.files };
    let drawn: Vec<Column> = columns.iter().enumerate().filter_map(|(index, path)| {
        let field = path.field(&snapshot.catalog)?;
        let kind = model::resolve::kind_of(path, field);
        Some(Column { explains: super::fields::explains(path, field), path: path.to_string(), label: label(&snapshot.catalog, path, lang), icon: cells::icon(&kind).into(), align: if cells::is_figure(&kind) { Align::End } else { Align::Start }, width: if index == 0 { 0 } else { 150 }, ..Column::default() })
    }).collect();
    let row = |item: &lists::Item| RelatedRow {
        url: rows.owner(item).map(|owner| format!("/c/{}/{owner}", target.key)),
        cells: columns.iter().zip(&item.values).filter_map(|(path, value)| Some(known.cell(path.field(&snapshot.catalog)?, &model::resolve::kind_of(path, path.field(&snapshot.catalog)?), value))).collect(),
    };
    let totals_text = columns.iter().map(|path| {
        let index = totals.iter().position(|total| total == path)?;
        let field = path.field(&snapshot.catalog)?;
        Some(form::format::text(&field.kind, rows.totals.get(index)?, &reader.asker.locale))
    });
    let may_create = *create && may(snapshot, &reader.asker.actor, &target, ActionName::Create);
    let is_any = matches!(by.field(&snapshot.catalog).map(|field| &field.kind), Some(FieldKind::AnyLink { .. }));
    let own_id = if is_any { format!("{}:{id}", own.key) } else { id.to_string() };
    let prefill = url(&format!("/c/{}/new", target.key), &[(&format!("f.{}", by.leaf), &own_id)]);
    let filter = json!({"all": [{"field": by.leaf, "op": "is", "value": id.to_string()}]}).to_string();
    Ok(RelatedPanel {
        id: name.to_owned(),
        label: heading.to_owned(),
        count: rows.count.map(|count| form::format::number_text(count.into(), 0, &reader.asker.locale)),
        columns: drawn,
        rows: rows.page.items.iter().map(row).collect(),
        totals: if totals.is_empty() { Vec::new() } else { totals_text.collect() },
        create_url: may_create.then_some(prefill),
        create_label: reader.t(site, "list.new", &[("what", &target.labels.or_key(lang, target.key.as_str()))]),
        list_url: (table.child.is_none() && by.hops.is_empty()).then(|| url(&format!("/c/{}", target.key), &[("filter", &filter)])),
        next_url: rows.page.next.as_ref().map(|next| url(&format!("/c/{}/{id}/panel/{name}", own.key), &[("after", next)])),
    })
}

/// A tree is drawn whole: those that belong to one record are small.
async fn tree(site: &Site, reader: &Reader, id: Uuid, name: &str, heading: &str, of: &str, by: &Path) -> Result<TreePanel, AppError> {
    let snapshot = &reader.asker.snapshot;
    let card = snapshot.card(of)?.clone();
    let parent = card.tree.clone().ok_or_else(|| AppError::not_found("panel"))?;
    let title: Vec<&Path> = card.title.paths().filter(|path| reader.may_show(path)).collect();
    let mut fields: Vec<String> = title.iter().map(ToString::to_string).collect();
    fields.push(parent.to_string());
    let request = ListRequest { filter: Some(json!({"field": by.to_string(), "op": "is", "value": id.to_string()})), fields: Some(fields), limit: Some(query::MAX_LIMIT), sort: Some("created_at".into()), ..ListRequest::default() };
    let gated = lists::ask(snapshot, &reader.asker.actor, of, &request)?;
    let page = lists::page(&site.app, snapshot, &reader.asker.actor, &gated, &reader.asker.locale).await?;
    let at = page.columns.iter().position(|column| column.name == parent.as_str()).unwrap_or(0);
    let may_create = may(snapshot, &reader.asker.actor, &card, ActionName::Create);
    let nodes: Vec<(Uuid, Option<Uuid>, TreeNode)> = page.items.iter().map(|item| {
        let title = words::title(reader, &card, &page.columns, &item.values);
        let create = url(&format!("/c/{of}/new"), &[(&format!("f.{}", by.leaf), &id.to_string()), (&format!("f.{parent}"), &item.id.to_string())]);
        (item.id, item.values[at].as_id(), TreeNode { title, url: format!("/c/{of}/{}", item.id), open: true, create_url: may_create.then_some(create), ..TreeNode::default() })
    }).collect();
    let create = url(&format!("/c/{of}/new"), &[(&format!("f.{}", by.leaf), &id.to_string())]);
    Ok(TreePanel {
        id: name.to_owned(),
        label: heading.to_owned(),
        nodes: under(&nodes, None, 0),
        create_url: may_create.then_some(create),
        create_label: reader.t(site, "list.new", &[("what", &card.labels.or_key(&reader.asker.actor.lang, of))]),
    })
}

/// Nodes under a parent; those whose parent is not among them are roots.
fn under(all: &[(Uuid, Option<Uuid>, TreeNode)], parent: Option<Uuid>, depth: usize) -> Vec<TreeNode> {
    if depth > 20 {
        return Vec::new();
    }
    let is_child = |of: &Option<Uuid>| match parent {
        Some(_) => *of == parent,
        None => of.is_none_or(|of| !all.iter().any(|(id, _, _)| *id == of)),
    };
    all.iter().filter(|(_, of, _)| is_child(of)).map(|(id, _, node)| TreeNode { children: under(all, Some(*id), depth + 1), ..node.clone() }).collect()
}

/// `GET /c/{card}/{id}/history`
pub async fn history_of(State(site): State<Site>, UrlPath((key, id)): UrlPath<(String, String)>, reader: Reader) -> Response {
    let answer = async {
        let id = Uuid::try_parse(&id).map_err(|_| AppError::not_found("record"))?;
        let card = reader.asker.snapshot.card(&key)?.clone();
        Ok((changes(&site, &reader, &card, id).await?, title_of(&site, &reader, &card, id).await?, head(&card, &reader.asker.actor.lang)))
    };
    match answer.await {
        Ok((history, ..)) if reader.fragment => reader.draw(&site, "records/history.html", Some(&key), &history),
        Ok((history, title, card)) => reader.draw(&site, "records/history_page.html", Some(&key), &HistoryPage { record_url: format!("{}/{id}", card.url), card, title, history }),
        Err(error) => reader.failed(&site, &error),
    }
}

/// The title of a record for whoever may open it as a page; nothing where a part of a page is asked for.
async fn title_of(site: &Site, reader: &Reader, card: &Card, id: Uuid) -> Result<String, AppError> {
    if reader.fragment {
        return Ok(String::new());
    }
    let wanted = [(card.key.clone(), std::iter::once(id).collect())].into_iter().collect();
    let titles = app::titles::fetch(&mut app::Source::App(&site.app), &reader.asker.snapshot.catalog, &reader.asker.actor, &wanted, &reader.asker.locale).await?;
    Ok(titles.get(&id).cloned().unwrap_or_else(|| card.labels.or_key(&reader.asker.actor.lang, card.key.as_str())))
}

async fn changes(site: &Site, reader: &Reader, card: &Card, id: Uuid) -> Result<HistoryPanel, AppError> {
    let lang = &reader.asker.actor.lang;
    let all = history::history(&site.app, &reader.asker.snapshot, &reader.asker.actor, card.key.as_str(), id).await?;
    let stages = if card.workflows.is_empty() { Vec::new() } else { app::flows::stages(&site.app, &reader.asker.snapshot, &reader.asker.actor, card.key.as_str(), id).await? };
    let today = reader.asker.actor.today();
    let mut days: Vec<HistoryDay> = Vec::new();
    let count = all.len();
    for change in all {
        let local = change.at.with_timezone(&reader.asker.actor.zone);
        let day = local.date_naive();
        let label = if day == today {
            words::word("today", lang)
        } else if Some(day) == today.pred_opt() {
            words::word("yesterday", lang)
        } else {
            form::format::date_text(day, &reader.asker.locale)
        };
        let mut entry = entry(reader, card, &change, local.format("%H:%M").to_string());
        if let Some(stage) = stages.iter().find(|stage| stage.at == change.at && change.fields.contains(&stage.workflow)) {
            let label = stage.transition.as_ref().and_then(|id| card.transition(id)).map(|(_, _, def)| def.labels.or_key(lang, def.id.as_str()));
            entry.what = label.map_or(entry.what, |label| reader.t(site, "flow.step_took", &[("what", &label)]));
            entry.note.clone_from(&stage.comment);
        }
        match days.last_mut().filter(|known| known.label == label) {
            Some(known) => known.entries.push(entry),
            None => days.push(HistoryDay { label, entries: vec![entry] }),
        }
    }
    Ok(HistoryPanel { days, count: Some(count.to_string()), next_url: None, url: None })
}

fn entry(reader: &Reader, card: &Card, change: &history::Change, time: String) -> HistoryEntry {
    let lang = &reader.asker.actor.lang;
    let catalog = &reader.asker.snapshot.catalog;
    let nothing = (app::titles::Titles::new(), std::collections::HashMap::new());
    let known = Known { catalog, locale: &reader.asker.locale, titles: &nothing.0, files: &nothing.1 };
    let name = |path: &str| {
        let steps: Vec<&str> = path.split('/').collect();
        match steps.as_slice() {
            [key] => card.field(key).map_or_else(|| (*key).to_owned(), |field| field.labels.or_key(lang, key)),
            [table, _, key] => {
                let child = card.children.get(*table);
                let field = child.and_then(|child| child.fields.get(*key)).map_or_else(|| (*key).to_owned(), |field| field.labels.or_key(lang, key));
                format!("{} · {field}", child.map_or_else(|| (*table).to_owned(), |child| child.labels.or_key(lang, table)))
            }
            [table, ..] => card.children.get(*table).map_or_else(|| (*table).to_owned(), |child| child.labels.or_key(lang, table)),
            [] => String::new(),
        }
    };
    let text = |key: &str, json: &serde_json::Value| {
        let field = card.field(key);
        field.and_then(|field| model::types::read_json(&field.kind, json).ok().map(|value| known.cell(field, &field.kind, &value).text)).unwrap_or_default()
    };
    let mut changes: Vec<Change> = change.tracked.iter().filter(|(_, old, _)| change.action != "created" || !old.is_null()).map(|(key, old, new)| Change { label: name(key), old: text(key, old), new: text(key, new) }).collect();
    if change.action == "updated" {
        let mut others: Vec<String> = change.fields.iter().filter(|path| !change.tracked.iter().any(|(key, _, _)| key == *path)).map(|path| name(path)).collect();
        others.dedup();
        changes.extend(others.into_iter().take(8).map(|label| Change { label, ..Change::default() }));
    }
    let who = change.by.as_ref().map_or_else(|| words::word("system", lang), |(_, name)| name.clone());
    HistoryEntry {
        avatar: change.by.as_ref().map(|(_, name)| Avatar::person(name)),
        icon: "history".into(),
        what: words::action(&change.action, change.fields.len(), lang),
        time,
        at: form::format::instant(change.at, &reader.asker.locale),
        changes,
        note: None,
        who,
    }
}

