//! What a view asks when it is opened.

use app::AppError;
use model::{FieldKind, Op, path, resolve, view::ParameterPlace};
use serde_json::Value as Json;

use super::value::{self, Names};
use crate::{
    Site,
    pages::{Reader, list::Asked},
    view::{AskForm, ValueBox, ValueEditor},
};

/// The questions of a list, with what was answered so far.
pub async fn ask_form(site: &Site, reader: &Reader, asked: &Asked<'_>) -> Result<AskForm, AppError> {
    let Some(filter) = &asked.list.filter else { return Ok(AskForm::default()) };
    let answers = asked.address.answers();
    let with_answers = answers.fill(filter, &asked.list.parameters).unwrap_or_else(model::Filter::always);
    let names = Names::load(site, reader, &asked.card.table.reference(), &with_answers).await?;
    let fields = model::view::parameters(filter).into_iter().filter_map(|(name, place)| {
        let definition = asked.list.parameters.get(name.as_str());
        let answer = answers.0.get(&name).or_else(|| definition?.default.as_ref()).cloned().unwrap_or(Json::Null);
        let shown = question(reader, asked, &names, &place, &answer)?;
        let label = asked.parameter_label(&name, &reader.asker.actor.lang).unwrap_or(shown.label);
        Some(ValueBox { name: format!("param.{name}"), id: format!("ask-{name}"), label, required: definition.is_none_or(|definition| !definition.optional), plain: true, ..shown })
    });
    let fields: Vec<ValueBox> = fields.collect();
    let is_asked = |name: &str| fields.iter().any(|field| field.name == name);
    let keep = asked.address.pairs().into_iter().filter(|(name, _)| !is_asked(name)).map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    Ok(AskForm { action: asked.base(), keep, fields })
}

fn question(reader: &Reader, asked: &Asked<'_>, names: &Names, place: &ParameterPlace<'_>, answer: &Json) -> Option<ValueBox> {
    let catalog = &reader.asker.snapshot.catalog;
    let table = value::table_of(catalog, &asked.card.table.reference(), &place.related)?;
    let path = path::resolve(catalog, &table, place.field).ok()?;
    let field = path.field(catalog)?;
    // Between two values each is asked by itself.
    let op = if place.op == Op::Between { Op::Is } else { place.op };
    let mut shown = value::value_box(reader, names, &path, field, op, answer);
    if matches!(resolve::kind_of(&path, field), FieldKind::Duration) {
        shown.editor = ValueEditor::Number;
    }
    shown.label = form::sentence::path_label(catalog, &table, place.field, &reader.asker.actor.lang);
    Some(shown)
}
