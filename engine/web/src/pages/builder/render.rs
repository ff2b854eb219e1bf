//! A draft as the form that is drawn.

use model::{Card, Filter, Op, Scopes, TableRef, check_filter, path, resolve};
use serde_json::{Value as Json, json};

use super::{
    draft::{Draft, Group, Mode, Node, Part, depth, is_finished},
    value::{self, Names},
};
use crate::{
    Site,
    pages::{Reader, list::Asked, url},
    view::{FilterWord, QueryNode},
};

/// Everything that a draft is drawn with.
pub struct Drawing<'a> {
    pub site: &'a Site,
    pub reader: &'a Reader,
    pub card: &'a Card,
    /// The list it narrows; without one nothing can be asked when it is opened.
    pub asked: Option<&'a Asked<'a>>,
    pub names: &'a Names,
    /// Whether what is unfinished is a mistake already.
    pub strict: bool,
    /// The part that was just added.
    pub fresh: Option<u32>,
}

/// Where a part stands.
#[derive(Clone, Copy)]
struct Place<'t> {
    table: &'t TableRef,
    /// Levels of the filter around it.
    level: usize,
    /// Its place among its siblings, and whether a group stands before it.
    index: usize,
    count: usize,
    after_group: bool,
    outward: bool,
}

impl Drawing<'_> {
    /// The outermost group.
    pub fn root(&self, draft: &Draft) -> QueryNode {
        let table = self.card.table.reference();
        QueryNode { kind: "group", ..self.group(&draft.0, 0, &table, 0) }
    }

    /// Whether something is wrong anywhere.
    pub fn has_errors(node: &QueryNode) -> bool {
        node.error.is_some() || node.parts.iter().any(Self::has_errors)
    }

    fn t(&self, key: &str) -> String {
        self.reader.t(self.site, key, &[])
    }

    fn fields_url(&self, table: &TableRef, what: &str) -> String {
        url(&format!("/c/{}/query/fields", self.card.key), &[("in", &table.to_string()), ("for", what)])
    }

    fn group(&self, group: &Group, n: u32, table: &TableRef, level: usize) -> QueryNode {
        let word = |mode: Mode| {
            let name = match mode { Mode::All => "all", Mode::Any => "any", Mode::None => "none", Mode::NotAll => "not_all" };
            FilterWord { value: name.into(), text: self.t(&format!("query.{name}")), selected: mode == group.mode }
        };
        let modes: Vec<FilterWord> = Mode::ALL.into_iter().map(word).collect();
        let mode = modes.iter().find(|word| word.selected).map(|word| word.value.clone()).unwrap_or_default();
        let level = level + if matches!(group.mode, Mode::All | Mode::Any) { 1 } else { 2 };
        let part = |(index, node): (usize, &Node)| {
            let before = index.checked_sub(1).and_then(|before| group.parts.get(before));
            let after_group = before.is_some_and(|before| matches!(before.part, Part::Group(_)));
            self.node(node, Place { table, level, index, count: group.parts.len(), after_group, outward: n != 0 })
        };
        QueryNode {
            n,
            modes,
            mode,
            parts: group.parts.iter().enumerate().map(part).collect(),
            fields_url: self.fields_url(table, &format!("add:{n}")),
            can_group: level + depth(&Group::default()) <= model::filter::MAX_DEPTH,
            ..QueryNode::default()
        }
    }

    fn node(&self, node: &Node, place: Place<'_>) -> QueryNode {
        let drawn = match &node.part {
            Part::Group(group) => QueryNode { kind: "group", ..self.group(group, node.n, place.table, place.level) },
            Part::Test { field, op, value } => self.test(node.n, field, op, value, place.table),
            Part::Related { related, by, has, group } => self.related(node.n, related, by.as_deref(), *has, group, place),
        };
        QueryNode {
            up: place.index > 0,
            down: place.index + 1 < place.count,
            inward: place.after_group,
            outward: place.outward,
            fresh: self.fresh == Some(node.n),
            ..drawn
        }
    }

    fn related(&self, n: u32, from: &str, by: Option<&str>, has: bool, group: &Group, place: Place<'_>) -> QueryNode {
        let (catalog, lang) = (&self.reader.asker.snapshot.catalog, &self.reader.asker.actor.lang);
        let label = form::sentence::related_label(catalog, place.table, from, by, lang);
        let word = |value: &str, key: &str, selected: bool| FilterWord { value: value.into(), text: self.t(key), selected };
        let ops = vec![word("has", "query.has", has), word("has_not", "query.has_not", !has)];
        match resolve::row_source(catalog, place.table, from, by) {
            Ok(rows) => {
                let icon = catalog.card(&rows.table().card).filter(|_| rows.table().child.is_none()).map_or_else(|| "list".to_owned(), |card| card.icon.clone());
                QueryNode { kind: "related", label, icon, ops, ..self.group(group, n, &rows.table().clone(), place.level + 1) }
            }
            Err(message) => QueryNode { kind: "related", n, label: from.to_owned(), icon: "circle-alert".into(), ops, error: Some(message), ..QueryNode::default() },
        }
    }

    fn test(&self, n: u32, name: &str, op: &str, value: &Json, table: &TableRef) -> QueryNode {
        let (catalog, lang) = (&self.reader.asker.snapshot.catalog, &self.reader.asker.actor.lang);
        let bare = QueryNode { kind: "test", n, label: name.to_owned(), icon: "circle-alert".into(), pick_url: self.fields_url(table, &format!("field:{n}")), ..QueryNode::default() };
        let path = match path::resolve(catalog, table, name) {
            Ok(path) => path,
            Err(error) => return QueryNode { error: Some(error.message), ..bare },
        };
        let Some(field) = path.field(catalog) else { return bare };
        let present = Op::parse(op).unwrap_or_else(|| value::first_op(catalog, &path, field));
        let ops = value::offered(catalog, &path, field, Some(present)).into_iter().map(|word| FilterWord { value: word.name().into(), text: form::sentence::op_words(word, path.is_many(), lang), selected: word == present }).collect();
        let written = value.as_array().filter(|items| items.len() == 1).map_or(value, |items| &items[0]).as_str().filter(|text| text.starts_with('@') && !text.starts_with("@@"));
        let label = form::sentence::path_label(catalog, table, name, lang);
        let asks = written.and_then(|text| text.strip_prefix("@param.")).map(|name| (name.to_owned(), self.asked.and_then(|asked| asked.parameter_label(name, lang)).unwrap_or_else(|| label.clone())));
        let variable = written.map(|text| if asks.is_some() { self.t("query.asked") } else { self.variable(text) });
        let shown = if variable.is_some() { &Json::Null } else { value };
        let mut value_box = value::value_box(self.reader, self.names, &path, field, present, shown);
        (value_box.name, value_box.id, value_box.label) = (format!("v.{n}"), format!("qv-{n}"), label.clone());
        QueryNode {
            label,
            icon: value::icon(&path, field).to_owned(),
            ops,
            sources: self.sources(&path, field, present, written),
            variable,
            asks,
            error: self.fault(name, op, value, table, &path),
            value: value_box,
            ..bare
        }
    }

    /// What is wrong with a test: in what it says, or in that this reader may not ask it.
    fn fault(&self, name: &str, op: &str, value: &Json, table: &TableRef, path: &model::Path) -> Option<String> {
        let (catalog, actor) = (&self.reader.asker.snapshot.catalog, &self.reader.asker.actor);
        if !access::may_name(catalog, actor, path) {
            return Some(self.t("query.not_yours"));
        }
        if !is_finished(op, value) {
            return self.strict.then(|| self.t("query.unfinished"));
        }
        let filter = Filter::from_json(&json!({"field": name, "op": op, "value": value}));
        let found = filter.and_then(|filter| check_filter(catalog, &Scopes { table: table.clone(), record: Some(self.card.table.reference()), row: None }, &filter));
        found.err().map(|error| error.message)
    }

    fn variable(&self, text: &str) -> String {
        let (reader, nothing) = (self.reader, |_: &str| None);
        let sentences = form::sentence::Sentences { catalog: &reader.asker.snapshot.catalog, locale: &reader.asker.locale, titles: &nothing, parameters: &nothing };
        sentences.value(None, Op::Is, &Json::from(text))
    }

    /// What a field may be compared with instead of a value.
    fn sources(&self, path: &model::Path, field: &model::Field, op: Op, present: Option<&str>) -> Vec<FilterWord> {
        if op.is_unary() {
            return Vec::new();
        }
        let catalog = &self.reader.asker.snapshot.catalog;
        let targets = value::targets(path, field);
        let mut offered: Vec<String> = Vec::new();
        if op != Op::InFolder && targets.iter().any(|target| target == model::USER_CARD) {
            offered.push("@me".into());
        }
        let fits = |binding: &&model::Binding| targets.contains(binding.target.as_ref().unwrap_or(&binding.card));
        if op != Op::InFolder {
            offered.extend(catalog.bindings.iter().filter(|(_, binding)| fits(binding)).map(|(name, _)| format!("@me.{name}")));
        }
        if matches!(resolve::kind_of(path, field), model::FieldKind::Date | model::FieldKind::Datetime) && !matches!(op, Op::In | Op::AnniversaryIn | Op::Between) {
            offered.push("@today".into());
        }
        let mut words: Vec<FilterWord> = offered.into_iter().map(|text| FilterWord { text: self.variable(&text), selected: present == Some(text.as_str()), value: text }).collect();
        if self.asked.is_some() {
            words.push(FilterWord { value: "@param".into(), text: self.t("query.ask"), selected: present.is_some_and(|text| text.starts_with("@param.")) });
        }
        words.insert(0, FilterWord { value: String::new(), text: self.t("query.a_value"), selected: present.is_none() });
        words
    }
}
