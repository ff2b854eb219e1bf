//! The page of a record as a whole: its head, tabs and faults.

use app::titles;
use model::{ActionName, FieldKind, PanelContent, TabContent, Value, Violation, eval::Place};

use super::painter::Painter;
use crate::{
    pages::{list, panels, shell::may, url, words},
    view::{self, Avatar, Crumb, ErrorItem, Fact, HistoryPanel, Position, RecordPage, Tag},
};

impl Painter<'_> {

    pub(super) fn page(&self, tab: Option<&str>, from: &str) -> RecordPage {
        let (card, record) = (self.card, &self.drawn.record);
        let lang = self.lang().to_owned();
        let base = format!("/c/{}", card.key);
        let own = if self.new { format!("{base}/new") } else { format!("{base}/{}", record.id) };
        let mut tabs: Vec<view::Tab> = Vec::new();
        let visible = card.tabs.iter().filter(|tab| self.visible(tab.visible_when.as_ref()));
        for tab in visible {
            let id = tab.id.to_string();
            let label = tab.labels.or_key(&lang, tab.id.as_str());
            let mut drawn = view::Tab { url: url(&own, &[("tab", &id), ("from", from)]), label: label.clone(), ..view::Tab::default() };
            match &tab.content {
                TabContent::Sections(sections) => {
                    drawn.sections = sections.iter().map(|section| self.section(section)).collect();
                    if drawn.sections.iter().all(|section| section.fields.is_empty() && section.panel.is_none()) {
                        continue;
                    }
                    drawn.errors = drawn.sections.iter().flat_map(|section| &section.fields).filter(|field| field.error.is_some()).count();
                }
                TabContent::Panel(panel) => match &panel.content {
                    PanelContent::Child { .. } | PanelContent::Files { .. } => {
                        let panel = self.panel(panel, &id, &label);
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
        let counts_url = tabs.iter().any(|tab| tab.later_url.is_some()).then(|| format!("{base}/{}/counts", record.id));
        let may_save = self.rights.write.is_some() && !trashed;
        let title = if self.new { self.reader.t(self.site, "list.new", &[("what", &card.labels.or_key(&lang, card.key.as_str()))]) } else { self.title() };
        let list_url = url(&base, &form_urlencoded::parse(from.as_bytes()).collect::<Vec<_>>().iter().map(|(key, value)| (key.as_ref(), value.as_ref())).collect::<Vec<_>>());
        RecordPage {
            card: list::head(card, &lang),
            id: if self.new { String::new() } else { record.id.to_string() },
            version: record.version(),
            new: self.new,
            avatar: if self.new { None } else { self.avatar(&title) },
            badges: if self.new { Vec::new() } else { self.badges() },
            facts: if self.new { Vec::new() } else { self.facts(&title) },
            crumbs: vec![Crumb { label: card.plurals.or_key(&lang, card.key.as_str()), url: list_url.clone() }],
            position: Some(Position { text: String::new(), prev_url: None, next_url: None, list_url }),
            flows: Vec::new(),
            ways: Vec::new(),
            actions: if self.new || trashed { Vec::new() } else { self.script_actions().into_iter().chain(self.pool_action()).chain(self.merge_action()).chain(self.rights_actions()).collect() },
            tabs,
            save_url: if may_save { if self.new { base.clone() } else { format!("{base}/{}", record.id) } } else { String::new() },
            counts_url,
            recompute_url: if self.new { format!("{base}/recompute") } else { format!("{base}/{}/recompute", record.id) },
            delete_url: (self.rights.delete && !self.new && !trashed && self.locked().is_none()).then(|| format!("{base}/delete")),
            copy_url: (!self.new && may(&self.reader.asker.snapshot, &self.reader.asker.actor, card, ActionName::Create)).then(|| url(&format!("{base}/new"), &[("copy", &record.id.to_string())])),
            errors: self.errors(),
            notice: None,
            conflict: None,
            alike: None,
            history: (!self.new).then(|| HistoryPanel { url: Some(format!("{base}/{}/history", record.id)), ..HistoryPanel::default() }),
            from: from.to_owned(),
            trashed,
            locked: self.locked(),
            as_of: None,
            as_of_url: (card.as_of && !self.new).then(|| format!("{base}/{}/as-of", record.id)),
            prefilled: false,
            entered_from: self.entered_from(),
            title,
        }
    }

    /// What a new record is entered from goes with its form, for nobody to choose.
    fn entered_from(&self) -> Option<(String, String)> {
        let key = self.card.entered_from.as_ref().filter(|_| self.new)?;
        let value = match self.drawn.record.get(key.as_str()) {
            Value::AnyId { card, id } => format!("{card}:{id}"),
            value => value.as_id()?.to_string(),
        };
        Some((format!("f.{key}"), value))
    }

    /// Buttons of the card, as far as their conditions hold.
    fn script_actions(&self) -> Vec<view::Action> {
        let (snapshot, actor, lang) = (&self.reader.asker.snapshot, &self.reader.asker.actor, self.lang());
        let open = app::scripts::offered(snapshot, actor, self.card).into_iter().filter(|action| self.visible(action.when.as_ref()));
        let url = |action: &model::Action| format!("/c/{}/{}/actions/{}", self.card.key, self.drawn.record.id, action.id);
        open.map(|action| view::Action { label: action.labels.or_key(lang, action.id.as_str()), icon: action.icon.clone(), url: url(action), post: true, ..view::Action::default() }).collect()
    }

    /// Several records become one: offered to those who may change and delete them.
    fn merge_action(&self) -> Option<view::Action> {
        let (snapshot, actor) = (&self.reader.asker.snapshot, &self.reader.asker.actor);
        let may_merge = self.rights.delete && self.rights.write.is_some() && may(snapshot, actor, self.card, ActionName::Update);
        let to = url(&format!("/c/{}/merge", self.card.key), &[("ids", &self.drawn.record.id.to_string())]);
        may_merge.then(|| view::Action { label: self.reader.t(self.site, "merge.title", &[]), icon: "merge".into(), url: to, ..view::Action::default() })
    }

    /// With whom it is shared, and why somebody may or may not.
    fn rights_actions(&self) -> Vec<view::Action> {
        let base = format!("/c/{}/{}", self.card.key, self.drawn.record.id);
        let share = may(&self.reader.asker.snapshot, &self.reader.asker.actor, self.card, ActionName::Share);
        let share = share.then(|| view::Action { label: self.reader.t(self.site, "share.title", &[]), icon: "share-2".into(), url: format!("{base}/share"), dialog: true, ..view::Action::default() });
        let why = view::Action { label: self.reader.t(self.site, "why.open", &[]), icon: "shield-check".into(), url: format!("{base}/why"), ..view::Action::default() };
        share.into_iter().chain([why]).collect()
    }

    /// Out of the pool, or back into it: whichever the record and its reader allow.
    fn pool_action(&self) -> Option<view::Action> {
        let (snapshot, actor, card) = (&self.reader.asker.snapshot, &self.reader.asker.actor, self.card);
        card.pool.as_ref().filter(|pool| self.visible(pool.when.as_ref().map(|(when, _)| when)))?;
        let owner = self.drawn.record.get("owner").as_id();
        let word = match owner {
            _ if !may(snapshot, actor, card, ActionName::Claim) => return None,
            None => "claim",
            Some(owner) if Some(owner) == actor.user || may(snapshot, actor, card, ActionName::Assign) => "release",
            Some(_) => return None,
        };
        let icon = if word == "claim" { "hand" } else { "undo-2" };
        Some(view::Action { label: self.reader.t(self.site, &format!("bulk.{word}"), &[]), icon: icon.into(), url: format!("/c/{}/{}/{word}", card.key, self.drawn.record.id), post: true, ..view::Action::default() })
    }

    pub(super) fn title(&self) -> String {
        let record = &self.drawn.record;
        let catalog = &self.reader.asker.snapshot.catalog;
        // Titles that reach through links were fetched with the record's own id.
        if let Some(title) = self.drawn.titles.get(&record.id) {
            return title.clone();
        }
        let values: Vec<Value> = self.card.title.paths().map(|path| if path.hops.is_empty() { record.get(path.leaf.as_str()).clone() } else { Value::Empty }).collect();
        titles::text(catalog, self.card, &values, &self.reader.asker.locale)
    }

    /// Numbers have no initials: the card's icon stands for them.
    fn avatar(&self, title: &str) -> Option<Avatar> {
        let mut avatar = Avatar::of(title);
        let picture = self.card.table.own_fields().find(|field| matches!(&field.kind, FieldKind::File(file) if file.image && !file.multiple));
        avatar.image = picture.and_then(|field| self.drawn.record.get(field.key.as_str()).as_id()).map(|id| format!("/files/{id}"));
        (avatar.image.is_some() || !list::is_numbered(self.card)).then_some(avatar)
    }

    /// Choices that stand for where a record is: at most two, those with colours, those that must be filled in first.
    fn badges(&self) -> Vec<Tag> {
        let mut coloured: Vec<_> = self.card.table.own_fields().filter(|field| matches!(&field.kind, FieldKind::Choice { options, multiple: false } if options.iter().any(|option| option.colour.is_some()))).collect();
        coloured.sort_by_key(|field| (!field.workflow, !field.required, field.live_source().is_some()));
        let shown = coloured.into_iter().filter(|field| self.right(None, field, &Place::Record).is_some());
        shown.flat_map(|field| self.known().cell(field, &field.kind, self.drawn.record.get(field.key.as_str())).tags).take(2).collect()
    }

    fn facts(&self, title: &str) -> Vec<Fact> {
        let mut facts = Vec::new();
        let record = &self.drawn.record;
        if let Some(number) = self.card.numbering.as_ref().and_then(|numbering| record.get(numbering.field.as_str()).as_text()).filter(|number| !title.contains(number)) {
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

    /// Why what the reader might change cannot be changed now.
    fn locked(&self) -> Option<String> {
        let record = &self.drawn.record;
        if self.new || self.rights.write.is_none() || !record.get("trashed_at").is_empty() {
            return None;
        }
        if self.rights.applied {
            return Some(self.reader.t(self.site, "record.applied", &[]));
        }
        let (state, def) = self.card.locks(record).next()?;
        Some(self.reader.t(self.site, "record.locked", &[("state", &def.labels.or_key(self.lang(), state.as_str()))]))
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
