//! The page of one record: reading, changing, making.

use std::collections::HashMap;

use access::{GatedWrite, Readable, gate_write};
use app::{
    AppError, Source, Stale, files, lists,
    records::{facts::DraftFacts, preview, read, save::{self, Options, Saved}},
    titles::{self, Titles, Wanted},
};
use axum::{
    Form,
    extract::{Path as UrlPath, Query, State},
    http::{HeaderValue, StatusCode},
    response::{IntoResponse, Redirect, Response},
};
use model::{ActionName, Card, Field, FieldKind, Ident, Panel, PanelContent, Record, Row, Section, SectionContent, TabContent, Value, Values, Violation, eval::{Place, holds}, record::value_of};
use uuid::Uuid;

use super::{Reader, cells::Known, fields, list, panels, shell::may, url, words};
use crate::{
    Site, problem,
    view::{self, Avatar, ChildTableView, Conflict, ConflictField, Crumb, ErrorItem, Fact, FieldView, HistoryPanel, Position, RecordPage, Recomputed, Right, Tag},
};

/// A record ready to be drawn: its values, what they point to, and what is wrong with them.
pub struct Drawn {
    pub record: Record,
    pub titles: Titles,
    pub files: HashMap<Uuid, files::FileInfo>,
    pub violations: Vec<Violation>,
    /// What was typed, by name of input.
    pub typed: HashMap<String, String>,
}

/// What the reader may do with the record at hand.
pub struct Rights {
    pub read: access::Gate,
    pub write: Option<GatedWrite>,
    pub delete: bool,
}

/// A record from the page that the gate let through.
fn from_page(page: lists::Page) -> Option<Drawn> {
    let item = page.items.into_iter().next()?;
    let values = |columns: &[query::Selected], values: Vec<Value>| -> Values { columns.iter().zip(values).filter_map(|(column, value)| Some((Ident::new(&column.name).ok()?, value))).collect() };
    let mut record = Record { id: item.id, values: values(&page.columns, item.values), children: indexmap::IndexMap::new() };
    for (child, rows) in item.children {
        let Some(columns) = page.child_columns.get(&child) else { continue };
        let rows = rows.into_iter().map(|row| Row { id: row.id, values: values(columns, row.values) }).collect();
        record.children.insert(child, rows);
    }
    Some(Drawn { record, titles: page.titles, files: page.files, violations: Vec::new(), typed: HashMap::new() })
}

/// A record that is being written, with the titles of what it points to.
async fn from_draft(site: &Site, reader: &Reader, card: &Card, record: Record, violations: Vec<Violation>, typed: HashMap<String, String>) -> Result<Drawn, AppError> {
    let mut wanted = Wanted::new();
    let mut pictures = Vec::new();
    let mut look = |table: &model::Table, values: &Values| {
        for field in table.fields.values() {
            let value = value_of(values, field.key.as_str());
            let ids = match value {
                Value::Id(id) => vec![*id],
                Value::Ids(ids) => ids.clone(),
                Value::AnyId { card, id } => {
                    wanted.entry(card.clone()).or_default().insert(*id);
                    continue;
                }
                _ => continue,
            };
            match &field.kind {
                FieldKind::Link(link) => wanted.entry(link.target.clone()).or_default().extend(ids),
                FieldKind::File(_) => pictures.extend(ids),
                _ => {}
            }
        }
    };
    look(&card.table, &record.values);
    for (key, table) in &card.children {
        record.rows(key.as_str()).iter().for_each(|row| look(table, &row.values));
    }
    let mut source = Source::Store(&site.app.store);
    let titles = titles::fetch(&mut source, &reader.asker.snapshot.catalog, &reader.asker.actor, &wanted, &reader.asker.locale).await?;
    let files = files::infos(&mut source, &pictures).await?;
    Ok(Drawn { record, titles, files, violations, typed })
}

async fn rights(site: &Site, reader: &Reader, card: &std::sync::Arc<Card>, id: Option<Uuid>) -> Result<Rights, AppError> {
    let (snapshot, actor) = (&reader.asker.snapshot, &reader.asker.actor);
    let read = access::gate(&snapshot.catalog, actor, card, ActionName::Read)?;
    let action = if id.is_some() { ActionName::Update } else { ActionName::Create };
    let mut write = gate_write(&snapshot.catalog, actor, card, action).ok();
    let mut delete = gate_write(&snapshot.catalog, actor, card, ActionName::Delete).ok();
    if let Some(id) = id {
        for gate in [&mut write, &mut delete] {
            let admitted = match gate {
                Some(found) => read::matches(&site.app, snapshot, card, id, &found.rows()).await?,
                None => false,
            };
            if !admitted {
                *gate = None;
            }
        }
    }
    Ok(Rights { read, write, delete: delete.is_some() })
}

/// Draws fields and tables of one record for one reader.
pub struct Painter<'a> {
    pub site: &'a Site,
    pub reader: &'a Reader,
    pub card: &'a Card,
    pub drawn: &'a Drawn,
    pub rights: &'a Rights,
    pub new: bool,
}

impl Painter<'_> {
    pub fn lang(&self) -> &str {
        &self.reader.asker.actor.lang
    }

    pub fn known(&self) -> Known<'_> {
        Known { catalog: &self.reader.asker.snapshot.catalog, locale: &self.reader.asker.locale, titles: &self.drawn.titles, files: &self.drawn.files }
    }

    fn holds(&self, condition: Option<&model::Condition>, place: &Place) -> bool {
        let (linked, ancestors, pointing) = Default::default();
        let facts = DraftFacts { record: &self.drawn.record, actor: &self.reader.asker.actor, linked: &linked, ancestors: &ancestors, pointing: &pointing };
        condition.is_some_and(|condition| holds(condition, place, &facts))
    }

    fn visible(&self, condition: Option<&model::Condition>) -> bool {
        condition.is_none() || self.holds(condition, &Place::Record)
    }

    /// Whether a field can be seen and changed here. `None`: it is not there for this reader.
    fn right(&self, child: Option<&Ident>, field: &Field, place: &Place) -> Option<bool> {
        let editable = field.is_editable() && self.rights.write.as_ref().is_some_and(|write| write.editable(child, &field.key) != Readable::Never) && !self.holds(field.read_only_when.as_ref(), place);
        let readable = self.rights.read.readable(child, &field.key) != Readable::Never;
        match (readable || (field.secret && editable), editable) {
            (false, _) => None,
            (true, editable) => Some(editable),
        }
    }

    fn field(&self, field: &Field, span: Option<u8>, columns: u8) -> Option<FieldView> {
        let editable = self.right(None, field, &Place::Record)?;
        let place = fields::Place {
            card: self.card.key.as_str(),
            table: &self.card.table,
            prefix: "f.".into(),
            editable,
            required: field.required || self.holds(field.required_when.as_ref(), &Place::Record),
            hidden: !self.visible(field.visible_when.as_ref()),
            span,
            columns,
        };
        let mut view = fields::view(&self.known(), field, self.drawn.record.get(field.key.as_str()), &place);
        view.error = self.error(field.key.as_str());
        if let Some(typed) = self.drawn.typed.get(&view.name).filter(|_| view.error.is_some()) {
            view.raw.clone_from(typed);
        }
        if self.card.numbering.as_ref().is_some_and(|numbering| numbering.field == field.key) {
            view.note = Some(words::word("numbered", self.lang()));
        }
        Some(view)
    }

    fn error(&self, path: &str) -> Option<String> {
        let found: Vec<String> = self.drawn.violations.iter().filter(|violation| violation.path == path).map(|violation| violation.message(self.lang())).collect();
        (!found.is_empty()).then(|| found.join(" "))
    }

    fn section(&self, section: &Section, panels: &mut Vec<(String, Panel)>) -> view::Section {
        let mut drawn = view::Section {
            id: section.id.to_string(),
            label: section.labels.get(self.lang()).unwrap_or_default().to_owned(),
            help: section.help.get(self.lang()).map(str::to_owned),
            columns: section.columns,
            collapsed: section.collapsed,
            hidden: !self.visible(section.visible_when.as_ref()),
            ..view::Section::default()
        };
        match &section.content {
            SectionContent::Fields(placed) => drawn.fields = placed.iter().filter_map(|placed| self.field(self.card.field(placed.field.as_str())?, placed.span, section.columns)).collect(),
            SectionContent::Panel(panel) => drawn.panel = self.panel(panel, &drawn.id, &drawn.label, panels),
        }
        drawn
    }

    /// A panel that is part of the form is drawn at once; others are fetched when they come into view.
    fn panel(&self, panel: &Panel, id: &str, heading: &str, _: &mut Vec<(String, Panel)>) -> Option<view::Panel> {
        match &panel.content {
            PanelContent::Child { table, columns, totals } => Some(view::Panel::Child(self.child_table(table, columns, totals, heading)?)),
            PanelContent::Files { field } => {
                let field = self.field(self.card.field(field.as_str())?, None, 1)?;
                let pictures = field.cell.files.iter().any(|file| file.thumb.is_some());
                Some(view::Panel::Files(view::FilesPanel { field, pictures, others: Vec::new() }))
            }
            _ if self.new => None,
            _ => Some(view::Panel::Later { url: format!("/c/{}/{}/panel/{id}", self.card.key, self.drawn.record.id) }),
        }
    }

    /// The rows a record owns, and what the editor needs for new ones.
    pub fn child_table(&self, key: &Ident, columns: &[Ident], totals: &[Ident], heading: &str) -> Option<ChildTableView> {
        let table = self.card.children.get(key)?;
        let shown: Vec<&Field> = columns.iter().filter_map(|column| table.field(column)).filter(|field| self.rights.read.readable(Some(key), &field.key) != Readable::Never && !field.secret).collect();
        let editable = self.rights.write.is_some() && shown.iter().any(|field| self.right(Some(key), field, &Place::Record) == Some(true));
        let known = self.known();
        let rows = self.drawn.record.rows(key.as_str());
        let row = |(n, row): (usize, &Row)| {
            let place = Place::Row { table: key.clone(), index: n };
            let cell = |field: &&Field| {
                let value = value_of(&row.values, field.key.as_str());
                let sent = editable && self.right(Some(key), field, &place) == Some(true);
                let cell = known.cell(field, &field.kind, value);
                let name = format!("c.{key}.{n}.{}", field.key);
                let error = self.error(&format!("{key}/{n}/{}", field.key));
                let raw = self.drawn.typed.get(&name).filter(|_| error.is_some()).cloned().unwrap_or_else(|| form::format::input(&field.kind, value, known.locale));
                let values = match value {
                    Value::Texts(texts) => texts.clone(),
                    Value::Ids(ids) => ids.iter().map(Uuid::to_string).collect(),
                    _ => vec![raw],
                };
                view::ChildCell { key: field.key.to_string(), cell, values: if sent { values } else { Vec::new() }, sent, error }
            };
            let prefix = format!("{key}/{n}");
            let errors = self.drawn.violations.iter().filter(|violation| violation.path == prefix || violation.path.starts_with(&format!("{prefix}/"))).map(|violation| violation.message(self.lang())).collect();
            view::ChildRow { n, id: self.saved_row(key, row.id), cells: shown.iter().map(cell).collect(), errors }
        };
        let blank = |field: &&Field| {
            let place = fields::Place { card: self.card.key.as_str(), table, prefix: format!("c.{key}.N."), editable: self.right(Some(key), field, &Place::Record) == Some(true), required: field.required, hidden: false, span: Some(1), columns: 1 };
            let default = field.default.as_ref().and_then(|default| match default.as_str() {
                Some("@today") => Some(Value::Date(self.reader.asker.actor.today())),
                Some(text) if text.starts_with('@') => None,
                _ => model::types::read_json(&field.kind, default).ok(),
            });
            fields::view(&known, field, &default.unwrap_or_default(), &place)
        };
        let column = |field: &&Field| view::ChildColumn {
            key: field.key.to_string(),
            label: field.labels.or_key(self.lang(), field.key.as_str()),
            align: if super::cells::is_figure(&field.kind) { view::Align::End } else { view::Align::Start },
            width: match &field.kind {
                FieldKind::Link(_) | FieldKind::AnyLink { .. } => 220,
                FieldKind::Text(_) => 100,
                FieldKind::Date => 150,
                _ => 130,
            },
            required: field.required,
            total: totals.contains(&field.key).then(|| self.total(key, field)),
        };
        let label = if table.labels.is_empty() { model::humanize(key.as_str()) } else { table.labels.or_key(self.lang(), key.as_str()) };
        Some(ChildTableView {
            key: key.to_string(),
            label: if heading == label { String::new() } else { label },
            columns: shown.iter().map(column).collect(),
            rows: rows.iter().enumerate().map(row).collect(),
            blank: if editable { shown.iter().map(blank).collect() } else { Vec::new() },
            editable,
            totals: !totals.is_empty(),
            error: self.error(key.as_str()),
        })
    }

    /// A row that was saved before has an id to send back; a new one has none.
    fn saved_row(&self, table: &Ident, id: Uuid) -> String {
        let typed = self.drawn.typed.iter().any(|(name, value)| name.starts_with(&format!("c.{table}.")) && name.ends_with(".id") && *value == id.to_string());
        if self.drawn.typed.is_empty() || typed { id.to_string() } else { String::new() }
    }

    fn total(&self, key: &Ident, field: &Field) -> String {
        let sum = self.drawn.record.rows(key.as_str()).iter().filter_map(|row| match value_of(&row.values, field.key.as_str()) {
            Value::Decimal(number) => Some(*number),
            Value::Int(number) => Some((*number).into()),
            _ => None,
        });
        let total: rust_decimal::Decimal = sum.sum();
        form::format::text(&field.kind, &Value::Decimal(total), self.known().locale)
    }

    fn page(&self, tab: Option<&str>, from: &str) -> RecordPage {
        let (card, record) = (self.card, &self.drawn.record);
        let lang = self.lang().to_owned();
        let base = format!("/c/{}", card.key);
        let own = if self.new { format!("{base}/new") } else { format!("{base}/{}", record.id) };
        let mut later = Vec::new();
        let mut tabs: Vec<view::Tab> = Vec::new();
        let visible = card.tabs.iter().filter(|tab| self.visible(tab.visible_when.as_ref()));
        for tab in visible {
            let id = tab.id.to_string();
            let label = tab.labels.or_key(&lang, tab.id.as_str());
            let mut drawn = view::Tab { url: url(&own, &[("tab", &id), ("from", from)]), label: label.clone(), ..view::Tab::default() };
            match &tab.content {
                TabContent::Sections(sections) => {
                    drawn.sections = sections.iter().map(|section| self.section(section, &mut later)).collect();
                    if drawn.sections.iter().all(|section| section.fields.is_empty() && section.panel.is_none()) {
                        continue;
                    }
                    drawn.errors = drawn.sections.iter().flat_map(|section| &section.fields).filter(|field| field.error.is_some()).count();
                }
                TabContent::Panel(panel) => match &panel.content {
                    PanelContent::Child { .. } | PanelContent::Files { .. } => {
                        let panel = self.panel(panel, &id, &label, &mut later);
                        drawn.sections = vec![view::Section { id: format!("{id}-panel"), columns: 1, panel, ..view::Section::default() }];
                    }
                    // The side shows it already.
                    PanelContent::History | PanelContent::Activity => continue,
                    _ if self.new => continue,
                    content if !panels::may_see(self.reader, content) => continue,
                    _ => drawn.later_url = Some(format!("{base}/{}/panel/{id}", record.id)),
                },
            }
            drawn.id = id;
            tabs.push(drawn);
        }
        let wanted = tab.filter(|wanted| tabs.iter().any(|tab| tab.id == *wanted)).map(str::to_owned).or_else(|| tabs.iter().find(|tab| tab.errors > 0).or_else(|| tabs.first()).map(|tab| tab.id.clone()));
        tabs.iter_mut().for_each(|tab| tab.current = Some(&tab.id) == wanted.as_ref());
        let trashed = !record.get("trashed_at").is_empty();
        let may_save = self.rights.write.is_some() && !trashed;
        let title = if self.new { self.reader.t(self.site, "list.new", &[("what", &card.labels.or_key(&lang, card.key.as_str()))]) } else { self.title() };
        let list_url = url(&base, &form_urlencoded::parse(from.as_bytes()).collect::<Vec<_>>().iter().map(|(key, value)| (key.as_ref(), value.as_ref())).collect::<Vec<_>>());
        RecordPage {
            card: list::head(card, &lang),
            id: if self.new { String::new() } else { record.id.to_string() },
            version: record.version(),
            new: self.new,
            avatar: (!self.new).then(|| self.avatar(&title)),
            badges: if self.new { Vec::new() } else { self.badges() },
            facts: if self.new { Vec::new() } else { self.facts() },
            crumbs: vec![Crumb { label: card.plurals.or_key(&lang, card.key.as_str()), url: list_url.clone() }],
            position: Some(Position { text: String::new(), prev_url: None, next_url: None, list_url }),
            steps: self.steps(),
            actions: Vec::new(),
            tabs,
            save_url: if may_save { if self.new { base.clone() } else { format!("{base}/{}", record.id) } } else { String::new() },
            recompute_url: if self.new { format!("{base}/recompute") } else { format!("{base}/{}/recompute", record.id) },
            delete_url: (self.rights.delete && !self.new && !trashed).then(|| format!("{base}/delete")),
            copy_url: (!self.new && may(&self.reader.asker.snapshot, &self.reader.asker.actor, card, ActionName::Create)).then(|| url(&format!("{base}/new"), &[("copy", &record.id.to_string())])),
            errors: self.errors(),
            notice: None,
            conflict: None,
            history: (!self.new).then(|| HistoryPanel { url: Some(format!("{base}/{}/history", record.id)), ..HistoryPanel::default() }),
            trashed,
            locked: None,
            prefilled: false,
            title,
        }
    }

    fn title(&self) -> String {
        let record = &self.drawn.record;
        let catalog = &self.reader.asker.snapshot.catalog;
        // Titles that reach through links were fetched with the record's own id.
        if let Some(title) = self.drawn.titles.get(&record.id) {
            return title.clone();
        }
        let values: Vec<Value> = self.card.title.paths().map(|path| if path.hops.is_empty() { record.get(path.leaf.as_str()).clone() } else { Value::Empty }).collect();
        titles::text(catalog, self.card, &values, &self.reader.asker.locale)
    }

    fn avatar(&self, title: &str) -> Avatar {
        let mut avatar = Avatar::of(title);
        let picture = self.card.table.own_fields().find(|field| matches!(&field.kind, FieldKind::File(file) if file.image && !file.multiple));
        avatar.image = picture.and_then(|field| self.drawn.record.get(field.key.as_str()).as_id()).map(|id| format!("/files/{id}"));
        avatar
    }

    /// Choices that stand for where a record is: at most two, those with colours.
    fn badges(&self) -> Vec<Tag> {
        let coloured = self.card.table.own_fields().filter(|field| matches!(&field.kind, FieldKind::Choice { options, multiple: false } if options.iter().any(|option| option.colour.is_some())));
        let shown = coloured.filter(|field| self.rights.read.readable(None, &field.key) != Readable::Never);
        shown.flat_map(|field| self.known().cell(field, &field.kind, self.drawn.record.get(field.key.as_str())).tags).take(2).collect()
    }

    fn facts(&self) -> Vec<Fact> {
        let mut facts = Vec::new();
        let record = &self.drawn.record;
        if let Some(number) = self.card.numbering.as_ref().and_then(|numbering| record.get(numbering.field.as_str()).as_text()) {
            facts.push(Fact { icon: "hash".into(), text: number.to_owned(), ..Fact::default() });
        }
        if let Some(owner) = record.get("owner").as_id().and_then(|id| self.drawn.titles.get(&id)) {
            facts.push(Fact { text: owner.clone(), avatar: Some(Avatar::person(owner)), ..Fact::default() });
        }
        if let Value::Instant(at) = record.get("updated_at") {
            facts.push(Fact { icon: "history".into(), text: words::ago(*at, self.reader.asker.actor.now, self.lang()), ..Fact::default() });
        }
        facts
    }

    fn steps(&self) -> Vec<view::Step> {
        let Some((key, workflow)) = self.card.workflows.iter().next() else { return Vec::new() };
        let current = self.drawn.record.get(key.as_str()).as_text().and_then(|state| workflow.states.get_index_of(state)).unwrap_or(0);
        workflow.states.iter().enumerate().map(|(index, (state, def))| view::Step { label: def.labels.or_key(self.lang(), state.as_str()), done: index < current, current: index == current }).collect()
    }

    fn errors(&self) -> Vec<ErrorItem> {
        let one = |violation: &Violation| {
            let steps: Vec<&str> = violation.path.split('/').collect();
            let label = |table: &model::Table, key: &str| table.fields.get(key).map_or_else(|| key.to_owned(), |field| field.labels.or_key(self.lang(), key));
            let (field_id, label) = match steps.as_slice() {
                [""] => (String::new(), String::new()),
                [key] => (format!("f-{key}"), label(&self.card.table, key)),
                [table, row, rest @ ..] => {
                    let name = self.card.children.get(*table).map_or_else(|| (*table).to_owned(), |known| known.labels.or_key(self.lang(), table));
                    let number = row.parse::<usize>().map(|row| (row + 1).to_string()).unwrap_or_default();
                    let field = rest.first().map(|key| self.card.children.get(*table).map_or_else(String::new, |known| label(known, key))).unwrap_or_default();
                    (format!("c-{}", steps.join("-")), format!("{name} {number} · {field}"))
                }
                [] => (String::new(), String::new()),
            };
            ErrorItem { field_id, label, message: violation.message(self.lang()) }
        };
        self.drawn.violations.iter().filter(|violation| !violation.warning).map(one).collect()
    }
}

async fn with_title(site: &Site, reader: &Reader, card: &Card, drawn: &mut Drawn) -> Result<(), AppError> {
    if card.title.paths().any(|path| !path.hops.is_empty()) {
        let wanted = [(card.key.clone(), std::iter::once(drawn.record.id).collect())].into_iter().collect();
        let own = titles::fetch(&mut Source::Store(&site.app.store), &reader.asker.snapshot.catalog, &reader.asker.actor, &wanted, &reader.asker.locale).await?;
        drawn.titles.extend(own);
    }
    Ok(())
}

fn get<'p>(pairs: &'p [(String, String)], name: &str) -> Option<&'p str> {
    pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}

async fn show(site: &Site, reader: &Reader, key: &str, id: Uuid, tab: Option<&str>, from: &str) -> Result<RecordPage, AppError> {
    let snapshot = &reader.asker.snapshot;
    let card = snapshot.card(key)?.clone();
    let page = read::read(&site.app, snapshot, &reader.asker.actor, key, id, &reader.asker.locale).await?;
    let mut drawn = from_page(page).ok_or_else(|| AppError::not_found("record"))?;
    with_title(site, reader, &card, &mut drawn).await?;
    let rights = rights(site, reader, &card, Some(id)).await?;
    let mut shown = Painter { site, reader, card: &card, drawn: &drawn, rights: &rights, new: false }.page(tab, from);
    if let Ok((prev, next, text)) = list::neighbours(site, reader, &card, from, id).await
        && let Some(position) = &mut shown.position {
            position.prev_url = prev;
            position.next_url = next;
            position.text = text.unwrap_or_default();
        }
    Ok(shown)
}

/// `GET /c/{card}/{id}`
pub async fn page(State(site): State<Site>, UrlPath((key, id)): UrlPath<(String, String)>, Query(pairs): Query<Vec<(String, String)>>, reader: Reader) -> Response {
    let answer = async {
        let id = Uuid::try_parse(&id).map_err(|_| AppError::not_found("record"))?;
        show(&site, &reader, &key, id, get(&pairs, "tab"), get(&pairs, "from").unwrap_or_default()).await
    };
    match answer.await {
        Ok(page) => reader.draw(&site, "records/show.html", Some(&key), &page),
        Err(error) => reader.failed(&site, &error),
    }
}

/// `GET /c/{card}/new`: with defaults, what the address says (`f.KEY=…`), or as a copy.
pub async fn new(State(site): State<Site>, UrlPath(key): UrlPath<String>, Query(pairs): Query<Vec<(String, String)>>, reader: Reader) -> Response {
    let answer = async {
        let snapshot = &reader.asker.snapshot;
        let card = snapshot.card(&key)?.clone();
        let mut body = form::submit::body(&card, &pairs, &reader.asker.locale);
        body.shift_remove("version");
        if let Some(id) = get(&pairs, "copy").and_then(|id| Uuid::try_parse(id).ok()) {
            body = copy_of(&site, &reader, &card, id).await?;
        }
        let preview = preview::preview(&site.app, &reader.asker.actor, &key, None, body, Vec::new()).await?;
        // Nothing was typed yet, so nothing is wrong yet.
        let drawn = from_draft(&site, &reader, &card, preview.record, Vec::new(), HashMap::from([(String::new(), String::new())])).await?;
        let rights = rights(&site, &reader, &card, None).await?;
        let mut page = Painter { site: &site, reader: &reader, card: &card, drawn: &drawn, rights: &rights, new: true }.page(None, "");
        page.prefilled = pairs.iter().any(|(name, _)| name.starts_with("f.") || name == "copy");
        Ok::<_, AppError>(page)
    };
    match answer.await {
        Ok(page) => reader.draw(&site, "records/show.html", Some(&key), &page),
        Err(error) => reader.failed(&site, &error),
    }
}

/// What people typed of a record, without what the engine gave it.
async fn copy_of(site: &Site, reader: &Reader, card: &Card, id: Uuid) -> Result<serde_json::Map<String, serde_json::Value>, AppError> {
    let page = read::read(&site.app, &reader.asker.snapshot, &reader.asker.actor, card.key.as_str(), id, &reader.asker.locale).await?;
    let drawn = from_page(page).ok_or_else(|| AppError::not_found("record"))?;
    let values = |table: &model::Table, values: &Values| {
        let kept = table.own_fields().filter(|field| field.is_editable() && !field.unique && !matches!(field.kind, FieldKind::File(_)));
        kept.filter(|field| !value_of(values, field.key.as_str()).is_empty()).map(|field| (field.key.to_string(), model::types::to_json(&field.kind, value_of(values, field.key.as_str())))).collect::<serde_json::Map<_, _>>()
    };
    let mut body = values(&card.table, &drawn.record.values);
    for (key, table) in &card.children {
        body.insert(key.to_string(), drawn.record.rows(key.as_str()).iter().map(|row| serde_json::Value::Object(values(table, &row.values))).collect());
    }
    Ok(body)
}

/// `POST /c/{card}`
pub async fn create(State(site): State<Site>, UrlPath(key): UrlPath<String>, reader: Reader, Form(fields): Form<Vec<(String, String)>>) -> Response {
    match submit(&site, &reader, &key, None, &fields).await {
        Ok(saved) => {
            let to = format!("/c/{key}/{}", saved.id);
            if !reader.fragment {
                return Redirect::to(&to).into_response();
            }
            let mut response = match show(&site, &reader, &key, saved.id, None, "").await {
                Ok(page) => reader.draw(&site, "records/_record.html", Some(&key), &page),
                Err(error) => reader.failed(&site, &error),
            };
            response.headers_mut().insert("hx-push-url", HeaderValue::from_str(&to).unwrap_or(HeaderValue::from_static("/")));
            response
        }
        Err(error) => refused(&site, &reader, &key, None, &fields, error).await,
    }
}

/// `POST /c/{card}/{id}`
pub async fn save(State(site): State<Site>, UrlPath((key, id)): UrlPath<(String, String)>, reader: Reader, Form(fields): Form<Vec<(String, String)>>) -> Response {
    let Ok(id) = Uuid::try_parse(&id) else { return reader.failed(&site, &AppError::not_found("record")) };
    match submit(&site, &reader, &key, Some(id), &fields).await {
        Ok(_) if !reader.fragment => Redirect::to(&format!("/c/{key}/{id}")).into_response(),
        Ok(saved) => match show(&site, &reader, &key, id, get(&fields, "tab"), get(&fields, "from").unwrap_or_default()).await {
            Ok(mut page) => {
                let warnings: Vec<String> = saved.warnings.iter().map(|warning| warning.message(&reader.asker.actor.lang)).collect();
                page.notice = match (saved.merged, warnings.is_empty()) {
                    (_, false) => Some(warnings.join(" ")),
                    (true, true) => Some(words::word("merged", &reader.asker.actor.lang)),
                    (false, true) => None,
                };
                reader.draw(&site, "records/_record.html", Some(&key), &page)
            }
            Err(error) => reader.failed(&site, &error),
        },
        Err(error) => refused(&site, &reader, &key, Some(id), &fields, error).await,
    }
}

async fn submit(site: &Site, reader: &Reader, key: &str, id: Option<Uuid>, submitted: &[(String, String)]) -> Result<Saved, AppError> {
    let card = reader.asker.snapshot.card(key)?.clone();
    let body = form::submit::body(&card, submitted, &reader.asker.locale);
    match id {
        None => save::create(&site.app, &reader.asker.actor, key, body, &Options::default()).await,
        Some(id) => save::change(&site.app, &reader.asker.actor, key, id, body, &Options::default()).await,
    }
}

/// A save that was refused: the form again with what was typed, or what clashes.
async fn refused(site: &Site, reader: &Reader, key: &str, id: Option<Uuid>, submitted: &[(String, String)], error: AppError) -> Response {
    let lang = &reader.asker.actor.lang;
    match error {
        AppError::Rejected(rejected) => {
            let drawn = redraw(site, reader, key, id, submitted, rejected.0).await;
            match drawn {
                Ok(page) => {
                    let name = if reader.fragment { "records/_record.html" } else { "records/show.html" };
                    let mut response = reader.draw(site, name, Some(key), &page);
                    *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
                    response
                }
                Err(error) => reader.failed(site, &error),
            }
        }
        AppError::Stale(stale) => {
            let conflict = conflict(reader, key, id, &stale, lang);
            let mut response = reader.draw(site, "records/conflict.html", Some(key), &conflict);
            *response.status_mut() = StatusCode::PRECONDITION_FAILED;
            response
        }
        error => {
            let mut response = reader.failed(site, &error);
            *response.status_mut() = problem::status(&error);
            response
        }
    }
}

async fn redraw(site: &Site, reader: &Reader, key: &str, id: Option<Uuid>, submitted: &[(String, String)], violations: Vec<Violation>) -> Result<RecordPage, AppError> {
    let card = reader.asker.snapshot.card(key)?.clone();
    let body = form::submit::body(&card, submitted, &reader.asker.locale);
    let preview = preview::preview(&site.app, &reader.asker.actor, key, id, body, Vec::new()).await?;
    let mut typed: HashMap<String, String> = submitted.iter().cloned().collect();
    typed.insert(String::new(), String::new());
    let mut drawn = from_draft(site, reader, &card, preview.record, violations, typed).await?;
    if id.is_some() {
        with_title(site, reader, &card, &mut drawn).await?;
    }
    let rights = rights(site, reader, &card, id).await?;
    let mut page = Painter { site, reader, card: &card, drawn: &drawn, rights: &rights, new: id.is_none() }.page(get(submitted, "tab"), get(submitted, "from").unwrap_or_default());
    page.version = get(submitted, "version").and_then(|version| version.parse().ok()).unwrap_or(page.version);
    Ok(page)
}

fn conflict(reader: &Reader, key: &str, id: Option<Uuid>, stale: &Stale, lang: &str) -> Conflict {
    let catalog = &reader.asker.snapshot.catalog;
    let nothing = (Titles::new(), HashMap::new());
    let known = Known { catalog, locale: &reader.asker.locale, titles: &nothing.0, files: &nothing.1 };
    let card = catalog.card(key);
    let one = |field: &app::StaleField| {
        let steps: Vec<&str> = field.path.split('/').collect();
        let def = match steps.as_slice() {
            [own] => card.and_then(|card| card.field(own)),
            [table, _, own] => card.and_then(|card| card.children.get(*table)).and_then(|table| table.fields.get(*own)),
            _ => None,
        };
        let cell = |json: &serde_json::Value| def.and_then(|def| model::types::read_json(&def.kind, json).ok().map(|value| known.cell(def, &def.kind, &value))).unwrap_or_default();
        let theirs = cell(&field.theirs);
        ConflictField {
            name: format!("f.{}", field.path),
            label: def.map_or_else(|| field.path.clone(), |def| def.labels.or_key(lang, def.key.as_str())),
            base: view::Cell::default(),
            theirs_raw: theirs.raw.clone(),
            theirs,
            mine: cell(&field.yours),
        }
    };
    Conflict {
        who: stale.changed_by.clone().unwrap_or_else(|| words::word("system", lang)),
        when: stale.changed_at.map(|at| words::ago(at, reader.asker.actor.now, lang)).unwrap_or_default(),
        version: stale.version,
        fields: stale.fields.iter().map(one).collect(),
        others: 0,
        reload_url: format!("/c/{key}/{}", id.map(|id| id.to_string()).unwrap_or_default()),
        deleted: false,
    }
}

/// `POST /c/{card}/recompute`
pub async fn recompute_new(State(site): State<Site>, UrlPath(key): UrlPath<String>, reader: Reader, Form(fields): Form<Vec<(String, String)>>) -> Response {
    recomputed(&site, &reader, &key, None, &fields).await
}

/// `POST /c/{card}/{id}/recompute`
pub async fn recompute(State(site): State<Site>, UrlPath((key, id)): UrlPath<(String, String)>, reader: Reader, Form(fields): Form<Vec<(String, String)>>) -> Response {
    match Uuid::try_parse(&id) {
        Ok(id) => recomputed(&site, &reader, &key, Some(id), &fields).await,
        Err(_) => reader.failed(&site, &AppError::not_found("record")),
    }
}

/// What follows from what is typed: derived values, visibility, totals. Nothing is stored.
async fn recomputed(site: &Site, reader: &Reader, key: &str, id: Option<Uuid>, submitted: &[(String, String)]) -> Response {
    let answer = async {
        let card = reader.asker.snapshot.card(key)?.clone();
        let body = form::submit::body(&card, submitted, &reader.asker.locale);
        let numbers = row_numbers(&card, submitted);
        let fresh = fresh_links(&numbers, get(submitted, "_fresh").unwrap_or_default());
        let preview = preview::preview(&site.app, &reader.asker.actor, key, id, body, fresh).await?;
        let drawn = from_draft(site, reader, &card, preview.record, Vec::new(), HashMap::new()).await?;
        let rights = rights(site, reader, &card, id).await?;
        let painter = Painter { site, reader, card: &card, drawn: &drawn, rights: &rights, new: id.is_none() };
        Ok::<_, AppError>(painter.changed(&numbers))
    };
    match answer.await {
        Ok(changed) => reader.draw(site, "records/recompute.html", Some(key), &changed),
        Err(error) => reader.failed(site, &error),
    }
}

/// The links that were set since the last answer, as the form names them: `f.customer`, `c.lines.3.product`. Given by
/// their places in the record: `customer`, `lines/2/product`.
fn fresh_links(numbers: &HashMap<Ident, Vec<usize>>, names: &str) -> Vec<String> {
    let place = |name: &str| match name.split('.').collect::<Vec<_>>().as_slice() {
        ["f", key] => Some((*key).to_owned()),
        ["c", table, n, key] => {
            let n: usize = n.parse().ok()?;
            let index = numbers.get(*table)?.iter().position(|known| *known == n)?;
            Some(format!("{table}/{index}/{key}"))
        }
        _ => None,
    };
    names.split(' ').filter_map(place).collect()
}

/// The numbers rows have in the form, in order: they need not be 0, 1, 2 after rows were removed.
fn row_numbers(card: &Card, submitted: &[(String, String)]) -> HashMap<Ident, Vec<usize>> {
    let of = |key: &Ident| {
        let prefix = format!("c.{key}.");
        let mut found: Vec<usize> = submitted.iter().filter_map(|(name, _)| name.strip_prefix(&prefix)?.split('.').next()?.parse().ok()).collect();
        found.sort_unstable();
        found.dedup();
        found
    };
    card.children.keys().map(|key| (key.clone(), of(key))).collect()
}

impl Painter<'_> {
    fn changed(&self, numbers: &HashMap<Ident, Vec<usize>>) -> Recomputed {
        let mut changed = Recomputed::default();
        let depends = |field: &&Field| !field.is_editable() || field.visible_when.is_some() || field.required_when.is_some() || field.read_only_when.is_some() || matches!(field.source, model::Source::Snapshot { .. });
        let placed: Vec<(Ident, Option<u8>, u8)> = self.card.tabs.iter().filter_map(|tab| match &tab.content {
            TabContent::Sections(sections) => Some(sections),
            TabContent::Panel(_) => None,
        }).flatten().filter_map(|section| match &section.content {
            SectionContent::Fields(placed) => Some(placed.iter().map(|placed| (placed.field.clone(), placed.span, section.columns)).collect::<Vec<_>>()),
            SectionContent::Panel(_) => None,
        }).flatten().collect();
        for (key, span, columns) in placed {
            let Some(field) = self.card.field(key.as_str()).filter(|field| depends(field)) else { continue };
            changed.fields.extend(self.field(field, span, columns).filter(|view| view.right == Right::Read || view.hidden || field.visible_when.is_some()));
        }
        for (key, table) in &self.card.children {
            let rows = self.drawn.record.rows(key.as_str());
            let numbers = numbers.get(key).cloned().unwrap_or_default();
            for (index, row) in rows.iter().enumerate() {
                let n = numbers.get(index).copied().unwrap_or(index);
                for field in table.own_fields().filter(|field| !matches!(field.source, model::Source::Entered) && self.rights.read.readable(Some(key), &field.key) != Readable::Never) {
                    let value = value_of(&row.values, field.key.as_str());
                    changed.cells.push(view::RecomputedCell { id: format!("c-{key}-{n}-{}", field.key), cell: self.known().cell(field, &field.kind, value), raw: field.is_editable().then(|| form::format::input(&field.kind, value, self.known().locale)) });
                }
            }
            for field in table.own_fields().filter(|field| super::cells::is_figure(&field.kind)) {
                changed.totals.push(view::RecomputedTotal { table: key.to_string(), key: field.key.to_string(), text: self.total(key, field) });
            }
        }
        changed
    }
}

