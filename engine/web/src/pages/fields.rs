//! Fields as inputs.

use model::{DecimalFlavour, Field, FieldKind, Ident, Part, Source, Table, Value};

use super::{cells::{self, Known}, words};
use crate::view::{FieldView, LookupView, OptionView, PartView, Right};

/// Where a field stands.
pub struct Place<'a> {
    /// The card.
    pub card: &'a str,
    /// Of which table.
    pub table: &'a Table,
    /// `f.` or `c.TABLE.N.`
    pub prefix: String,
    /// The reader may change it.
    pub editable: bool,
    /// Must be filled in now.
    pub required: bool,
    /// Not shown now.
    pub hidden: bool,
    /// Columns it takes.
    pub span: Option<u8>,
    /// Columns of its section.
    pub columns: u8,
}

/// Whether a value comes from others, and nobody enters it.
fn is_derived(field: &Field) -> bool {
    !matches!(field.source, Source::Entered) && !field.is_editable()
}

/// Whether a column shows what its own records say of themselves, and where that comes from.
pub fn explains(path: &model::Path, field: &Field) -> bool {
    path.hops.is_empty() && path.end.child.is_none() && is_derived(field)
}

/// A field with everything its input needs.
pub fn view(known: &Known<'_>, field: &Field, value: &Value, place: &Place<'_>) -> FieldView {
    let lang = &known.locale.lang;
    let name = format!("{}{}", place.prefix, field.key);
    let id = name.replace('.', "-");
    let kind = &field.kind;
    let cell = known.cell(field, kind, value);
    let derived = is_derived(field);
    let mut view = FieldView {
        key: field.key.to_string(),
        label: field.labels.or_key(lang, field.key.as_str()),
        widget: cells::widget(field),
        right: if place.editable { Right::Edit } else { Right::Read },
        raw: if field.secret { String::new() } else { form::format::input(kind, value, known.locale) },
        cell,
        required: place.required && place.editable,
        hidden: place.hidden,
        help: field.help.get(lang).map(str::to_owned),
        placeholder: field.placeholder.get(lang).map(str::to_owned),
        note: None,
        span: place.span.unwrap_or_else(|| if is_wide(kind) { 0 } else { 1 }).min(place.columns),
        derived,
        recompute: place.editable,
        name,
        id,
        ..FieldView::default()
    };
    settings(known, field, value, place, &mut view);
    view
}

fn is_wide(kind: &FieldKind) -> bool {
    matches!(kind, FieldKind::RichText | FieldKind::Json { .. } | FieldKind::Address) || matches!(kind, FieldKind::Text(text) if text.flavour == model::TextFlavour::LongText) || matches!(kind, FieldKind::File(file) if file.multiple)
}

fn settings(known: &Known<'_>, field: &Field, value: &Value, place: &Place<'_>, view: &mut FieldView) {
    let lang = &known.locale.lang;
    match &field.kind {
        FieldKind::Text(text) => view.max_length = Some(text.max),
        FieldKind::Integer { min, max } => {
            view.min = min.map(|min| min.to_string());
            view.max = max.map(|max| max.to_string());
        }
        FieldKind::Rating { max } => view.max = Some(max.to_string()),
        FieldKind::Decimal(settings) => {
            view.min = settings.min.map(|min| min.to_string());
            view.max = settings.max.map(|max| max.to_string());
            match settings.flavour {
                DecimalFlavour::Percent => view.after = Some("%".into()),
                DecimalFlavour::Money if !known.locale.currency.is_empty() => view.before = Some(known.locale.currency.clone()),
                _ => {}
            }
        }
        FieldKind::Choice { options, .. } => {
            let chosen = |option: &str| match value {
                Value::Text(text) => text == option,
                Value::Texts(texts) => texts.iter().any(|text| text == option),
                _ => false,
            };
            let offered = options.iter().filter(|option| !option.retired || chosen(&option.value));
            view.options = offered.map(|option| OptionView { value: option.value.clone(), text: option.labels.or_key(lang, &option.value), tone: cells::tone(option.colour), selected: chosen(&option.value) }).collect();
        }
        FieldKind::Link(link) => {
            let child = place.table.child.as_ref().map(Ident::as_str).unwrap_or_default();
            view.lookup = Some(LookupView { url: lookup_url(link.target.as_str(), place.card, child, field.key.as_str()), needs: needs(link.condition.as_ref(), &place.prefix), multiple: link.multiple });
        }
        FieldKind::AnyLink { targets, .. } => {
            let target = targets.first().map(Ident::as_str).unwrap_or_default();
            view.lookup = Some(LookupView { url: lookup_url(target, place.card, "", field.key.as_str()), needs: Vec::new(), multiple: false });
        }
        FieldKind::Address => view.parts = parts(&written(lang), value, view, lang),
        FieldKind::Geo => view.parts = parts(&Part::ALL[5..], value, view, lang),
        FieldKind::File(file) => {
            let types = if file.image && file.types.is_empty() { "image/png,image/jpeg,image/gif,image/webp".to_owned() } else { file.types.join(",") };
            view.accept = (!types.is_empty()).then_some(types);
            view.max_bytes = file.max_size.or(Some(app::files::MAX_UPLOAD as u64));
        }
        _ => {}
    }
}

fn lookup_url(target: &str, card: &str, child: &str, field: &str) -> String {
    let ctx = if child.is_empty() { format!("{card}.{field}") } else { format!("{card}.{child}.{field}") };
    super::url(&format!("/lookup/{target}"), &[("ctx", &ctx)])
}

/// Inputs whose values narrow what a link may point to: the record's own fields that its condition names.
fn needs(condition: Option<&model::Condition>, prefix: &str) -> Vec<String> {
    let mut found = Vec::new();
    if let Some(condition) = condition {
        collect(condition, prefix, &mut found);
    }
    found
}

fn collect(condition: &model::Condition, prefix: &str, found: &mut Vec<String>) {
    use model::{Condition, Operand, Term, Variable};
    let mut term = |term: &Term| match term {
        Term::Variable(Variable::Record(path)) if path.hops.is_empty() => found.push(format!("f.{}", path.leaf)),
        Term::Variable(Variable::Row(path)) if path.hops.is_empty() => found.push(format!("{prefix}{}", path.leaf)),
        _ => {}
    };
    match condition {
        Condition::All(all) | Condition::Any(all) => all.iter().for_each(|part| collect(part, prefix, found)),
        Condition::Not(part) => collect(part, prefix, found),
        Condition::Related(related) => collect(&related.condition, prefix, found),
        Condition::Test(test) => match &test.operand {
            Operand::One(one) => term(one),
            Operand::Many(many) => many.iter().for_each(term),
            Operand::Range(from, to) => {
                term(from);
                term(to);
            }
            Operand::None | Operand::Period(_) | Operand::Folders { .. } | Operand::Shared { .. } => {}
        },
        Condition::Unknown => {}
    }
}

/// The parts of an address in the order in which a language writes them.
fn written(lang: &str) -> [Part; 5] {
    if lang.starts_with("zh") { [Part::Country, Part::Region, Part::City, Part::Postcode, Part::Street] } else { [Part::Street, Part::Postcode, Part::City, Part::Region, Part::Country] }
}

fn parts(parts: &[Part], value: &Value, view: &FieldView, lang: &str) -> Vec<PartView> {
    let of = |part: &Part| match value {
        Value::Json(json) => json.get(part.name()).map(|found| found.as_str().map_or_else(|| found.to_string(), str::to_owned)).unwrap_or_default(),
        _ => String::new(),
    };
    let complete = |part: &Part| match part {
        Part::Country => Some("country"),
        Part::Region => Some("address-level1"),
        Part::City => Some("address-level2"),
        Part::Street => Some("street-address"),
        Part::Postcode => Some("postal-code"),
        Part::Lat | Part::Lon => None,
    };
    let one = |part: &Part| PartView {
        name: format!("{}.{}", view.name, part.name()),
        id: format!("{}-{}", view.id, part.name()),
        label: words::word(part.name(), lang),
        raw: of(part),
        wide: *part == Part::Street,
        autocomplete: complete(part).map(str::to_owned),
    };
    parts.iter().map(one).collect()
}
