//! The rows a record owns, and what their editor needs.

use model::{Field, FieldKind, Ident, Row, Source, Value, eval::Place, record::value_of};
use uuid::Uuid;

use super::painter::Painter;
use crate::{
    pages::{cells, fields},
    view::{self, ChildTableView},
};

impl Painter<'_> {

    /// The rows a record owns, and what the editor needs for new ones.
    pub fn child_table(&self, key: &Ident, columns: &[Ident], totals: &[Ident], heading: &str) -> Option<ChildTableView> {
        let table = self.card.children.get(key)?;
        let shown: Vec<&Field> = columns.iter().filter_map(|column| table.field(column)).filter(|field| !field.secret && self.right(Some(key), field, &Place::Record).is_some()).collect();
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
                let is_saved = !self.new && !self.saved_row(key, row.id).is_empty();
                let explain_url = (is_saved && !matches!(field.source, Source::Entered) && !field.is_editable()).then(|| format!("/c/{}/{}/explain/{key}.{}.{}", self.card.key, self.drawn.record.id, row.id, field.key));
                view::ChildCell { key: field.key.to_string(), cell, values: if sent { values } else { Vec::new() }, sent, error, explain_url }
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
            align: if cells::is_figure(&field.kind) { view::Align::End } else { view::Align::Start },
            width: match &field.kind {
                FieldKind::Link(_) | FieldKind::AnyLink { .. } => 220,
                FieldKind::Text(_) => 100,
                FieldKind::Date => 150,
                _ => 130,
            },
            required: field.required,
            total: totals.contains(&field.key).then(|| self.total(key, field)),
            recomputing: self.drawn.recomputing.contains(&format!("{key}.{}", field.key)),
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

    pub(super) fn total(&self, key: &Ident, field: &Field) -> String {
        let sum = self.drawn.record.rows(key.as_str()).iter().filter_map(|row| match value_of(&row.values, field.key.as_str()) {
            Value::Decimal(number) => Some(*number),
            Value::Int(number) => Some((*number).into()),
            _ => None,
        });
        let total: rust_decimal::Decimal = sum.sum();
        form::format::text(&field.kind, &Value::Decimal(total), self.known().locale)
    }
}
