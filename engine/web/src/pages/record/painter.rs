//! Fields, sections and panels of one record, for one reader.

use access::Readable;
use app::records::facts::DraftFacts;
use model::{Card, Field, Ident, Panel, PanelContent, Section, SectionContent, eval::{Place, holds}, path};

use super::{Reader, drawn::{Drawn, Rights}};
use crate::{
    Site,
    pages::{cells::Known, fields, words},
    view::{self, FieldView},
};

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

    pub(super) fn visible(&self, condition: Option<&model::Condition>) -> bool {
        condition.is_none() || self.holds(condition, &Place::Record)
    }

    /// Whether a field can be seen and changed here. `None`: it is not there for this reader.
    pub(super) fn right(&self, child: Option<&Ident>, field: &Field, place: &Place) -> Option<bool> {
        let editable = field.is_editable() && !field.fixed && !self.is_shut(child.unwrap_or(&field.key)) && self.rights.write.as_ref().is_some_and(|write| write.editable(child, &field.key) != Readable::Never) && !self.holds(field.read_only_when.as_ref(), place);
        let readable = self.rights.read.readable(child, &field.key) != Readable::Never && self.reaches(child, field);
        match (readable || (field.secret && editable), editable) {
            (false, _) => None,
            (true, editable) => Some(editable),
        }
    }

    /// Whether its state, or an application, keeps a field or a table of the record as it is.
    fn is_shut(&self, name: &Ident) -> bool {
        let record = &self.drawn.record;
        let open = || self.card.workflows.keys().filter_map(|key| self.card.state(key.as_str(), record)).any(|(_, state)| self.card.opens(state, name.as_str()));
        !self.new && (self.card.is_locked(record, name.as_str()) || self.rights.applied && !open())
    }

    /// What is fetched live from another card is there only for those who may read it there.
    fn reaches(&self, child: Option<&Ident>, field: &Field) -> bool {
        if field.live_source().is_none() {
            return true;
        }
        let Some(table) = self.card.table_of(child) else { return false };
        path::resolve(&self.reader.asker.snapshot.catalog, &table.reference(), field.key.as_str()).is_ok_and(|path| self.reader.may_show(&path))
    }

    pub(super) fn field(&self, field: &Field, span: Option<u8>, columns: u8) -> Option<FieldView> {
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
        if view.derived && !self.new {
            view.explain_url = Some(format!("/c/{}/{}/explain/{}", self.card.key, self.drawn.record.id, field.key));
            view.recomputing = self.drawn.recomputing.contains(field.key.as_str());
        }
        if field.track == model::Track::Series && !self.new && self.rights.read.readable(None, &field.key) == Readable::Always {
            view.series_url = Some(format!("/c/{}/{}/series/{}", self.card.key, self.drawn.record.id, field.key));
        }
        view.error = self.error(field.key.as_str());
        if let Some(typed) = self.drawn.typed.get(&view.name).filter(|_| view.error.is_some()) {
            view.raw.clone_from(typed);
        }
        if self.card.numbering.as_ref().is_some_and(|numbering| numbering.field == field.key) {
            view.note = Some(words::word("numbered", self.lang()));
        }
        Some(view)
    }

    pub(super) fn error(&self, path: &str) -> Option<String> {
        let found: Vec<String> = self.drawn.violations.iter().filter(|violation| violation.path == path).map(|violation| violation.message(self.lang())).collect();
        (!found.is_empty()).then(|| found.join(" "))
    }

    pub(super) fn section(&self, section: &Section) -> view::Section {
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
            SectionContent::Panel(panel) => drawn.panel = self.panel(panel, &drawn.id, &drawn.label),
        }
        drawn
    }

    fn figure(&self, field: &Field) -> Option<view::Kpi> {
        self.right(None, field, &Place::Record)?;
        let text = self.known().cell(field, &field.kind, self.drawn.record.get(field.key.as_str())).text;
        Some(view::Kpi { label: field.labels.or_key(self.lang(), field.key.as_str()), value: if text.is_empty() { "—".into() } else { text }, ..view::Kpi::default() })
    }

    /// A panel that is part of the form is drawn at once; others are fetched when they come into view.
    pub(super) fn panel(&self, panel: &Panel, id: &str, heading: &str) -> Option<view::Panel> {
        match &panel.content {
            PanelContent::Child { table, columns, totals } => Some(view::Panel::Child(self.child_table(table, columns, totals, heading)?)),
            PanelContent::Files { field } => {
                let field = self.field(self.card.field(field.as_str())?, None, 1)?;
                let pictures = field.cell.files.iter().any(|file| file.thumb.is_some());
                Some(view::Panel::Files(view::FilesPanel { field, pictures, others: Vec::new() }))
            }
            _ if self.new => None,
            PanelContent::Figures { fields } => {
                let kpis: Vec<view::Kpi> = fields.iter().filter_map(|key| self.figure(self.card.field(key.as_str())?)).collect();
                (!kpis.is_empty()).then_some(view::Panel::Kpis { kpis })
            }
            _ => Some(view::Panel::Later { url: format!("/c/{}/{}/panel/{id}", self.card.key, self.drawn.record.id) }),
        }
    }
}
