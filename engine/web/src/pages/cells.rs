//! Values as cells.

use app::{files::FileInfo, titles::Titles};
use form::{Locale, format};
use model::{Catalog, Field, FieldKind, Value};
use std::collections::HashMap;
use uuid::Uuid;

use crate::view::{Avatar, Cell, FileChip, LinkChip, Tag, Tone, Widget};

/// What cells are drawn with.
pub struct Known<'a> {
    /// Names of cards.
    pub catalog: &'a Catalog,
    /// How values are shown.
    pub locale: &'a Locale,
    /// Titles of what links point to.
    pub titles: &'a Titles,
    /// Files.
    pub files: &'a HashMap<Uuid, FileInfo>,
}

/// The widget of a field.
pub fn widget(field: &Field) -> Widget {
    if field.secret {
        return Widget::Secret;
    }
    Widget::named(field.type_name.name()).unwrap_or_default()
}

/// A tone of definitions as one of pages.
pub fn tone(tone: Option<model::Tone>) -> Tone {
    match tone {
        None | Some(model::Tone::Gray) => Tone::Gray,
        Some(model::Tone::Blue) => Tone::Blue,
        Some(model::Tone::Teal) => Tone::Teal,
        Some(model::Tone::Green) => Tone::Green,
        Some(model::Tone::Amber) => Tone::Amber,
        Some(model::Tone::Red) => Tone::Red,
        Some(model::Tone::Violet) => Tone::Violet,
        Some(model::Tone::Pink) => Tone::Pink,
    }
}

impl Known<'_> {
    /// A value to read.
    pub fn cell(&self, field: &Field, kind: &FieldKind, value: &Value) -> Cell {
        let mut cell = Cell { widget: widget(field), text: format::text(kind, value, self.locale), raw: format::input(kind, value, self.locale), ..Cell::default() };
        match (kind, value) {
            (FieldKind::Choice { options, .. }, Value::Text(text)) => cell.tags = vec![self.tag(options, text)],
            (FieldKind::Choice { options, .. }, Value::Texts(texts)) => cell.tags = texts.iter().map(|text| self.tag(options, text)).collect(),
            (FieldKind::Link(link), value @ (Value::Id(_) | Value::Ids(_))) => {
                cell.links = ids(value).into_iter().map(|id| self.link(link.target.as_str(), id, false)).collect();
                cell.text = cell.links.iter().filter_map(|link| link.title.clone()).collect::<Vec<_>>().join(", ");
            }
            (FieldKind::AnyLink { .. }, Value::AnyId { card, id }) => {
                cell.links = vec![self.link(card.as_str(), *id, true)];
                cell.text = cell.links.iter().filter_map(|link| link.title.clone()).collect();
            }
            (FieldKind::File(_), value @ (Value::Id(_) | Value::Ids(_))) => {
                cell.files = ids(value).into_iter().filter_map(|id| self.files.get(&id)).map(file).collect();
                cell.text = cell.files.iter().map(|file| file.name.clone()).collect::<Vec<_>>().join(", ");
            }
            (FieldKind::Rating { max }, _) => cell.steps = u8::try_from(*max).unwrap_or(5),
            (FieldKind::Decimal(settings), Value::Decimal(number)) => cell.attention = settings.flavour == model::DecimalFlavour::Money && number.is_sign_negative() && !number.is_zero(),
            _ => {}
        }
        cell
    }

    fn tag(&self, options: &[model::OptionDef], value: &str) -> Tag {
        let option = options.iter().find(|option| option.value == value);
        Tag { value: value.to_owned(), text: format::label(options, value, &self.locale.lang), tone: tone(option.and_then(|option| option.colour)) }
    }

    fn link(&self, card: &str, id: Uuid, any: bool) -> LinkChip {
        let title = self.titles.get(&id).cloned();
        let person = card == model::USER_CARD;
        let url = title.as_ref().filter(|_| !person).map(|_| format!("/c/{card}/{id}"));
        let avatar = title.as_ref().filter(|_| person).map(|title| Avatar::person(title));
        let kind = any.then(|| self.catalog.card(card).map(|card| card.labels.or_key(&self.locale.lang, card.key.as_str()))).flatten();
        LinkChip { value: if any { format!("{card}:{id}") } else { id.to_string() }, title, url, kind, avatar }
    }
}

fn ids(value: &Value) -> Vec<Uuid> {
    match value {
        Value::Id(id) => vec![*id],
        Value::Ids(ids) => ids.clone(),
        _ => Vec::new(),
    }
}

/// A file as a chip.
pub fn file(info: &FileInfo) -> FileChip {
    let picture = matches!(info.media_type.as_str(), "image/png" | "image/jpeg" | "image/gif" | "image/webp");
    let url = format!("/files/{}", info.id);
    FileChip { id: info.id.to_string(), name: info.name.clone(), size: size(info.size), icon: if picture { "image".into() } else { "file".into() }, thumb: picture.then(|| url.clone()), url, note: None }
}

fn size(bytes: i64) -> String {
    match bytes {
        0..1_024 => format!("{bytes} B"),
        1_024..1_048_576 => format!("{} KB", bytes / 1_024),
        _ => format!("{}.{} MB", bytes / 1_048_576, bytes % 1_048_576 * 10 / 1_048_576),
    }
}

/// A Lucide icon for a kind of field.
pub fn icon(kind: &FieldKind) -> &'static str {
    match kind {
        FieldKind::Text(_) | FieldKind::RichText => "text",
        FieldKind::Integer { .. } => "hash",
        FieldKind::Decimal(settings) if settings.flavour == model::DecimalFlavour::Money => "banknote",
        FieldKind::Decimal(_) => "hash",
        FieldKind::Rating { .. } => "star",
        FieldKind::Boolean => "square-check",
        FieldKind::Date | FieldKind::Datetime => "calendar",
        FieldKind::Time | FieldKind::Duration => "clock",
        FieldKind::Choice { .. } => "tag",
        FieldKind::Link(link) if link.target == model::USER_CARD => "user",
        FieldKind::Link(_) | FieldKind::AnyLink { .. } => "link",
        FieldKind::Address | FieldKind::Geo => "map-pin",
        FieldKind::File(settings) if settings.image => "image",
        FieldKind::File(_) => "paperclip",
        FieldKind::Formula { .. } => "sigma",
        FieldKind::Json { .. } => "braces",
        FieldKind::Colour => "palette",
    }
}

/// Whether values stand at the end of their column.
pub fn is_figure(kind: &FieldKind) -> bool {
    matches!(kind, FieldKind::Integer { .. } | FieldKind::Decimal(_) | FieldKind::Duration)
}
