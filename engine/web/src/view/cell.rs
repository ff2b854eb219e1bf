//! A value ready to be read: in a list, in a related panel, or in a field that may not be edited.

use serde::Serialize;

/// How a value is drawn: `fields/<widget>.cell.html` and `fields/<widget>.input.html`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Widget {
    #[default]
    Text,
    LongText, Email, Phone, Url, RichText,
    Integer, Decimal, Money, Percent, Rating, Boolean,
    Date, Time, Datetime, Duration,
    Choice, Choices, Link, Links, LinkAny, User, Category,
    Address, Geo, File, Files, Image, Formula, Json, Colour,
    /// Write-only: shown as dots, typed anew.
    Secret,
}

impl Widget {
    /// Every widget; each has a pair of templates.
    pub const ALL: [Self; 32] = [
        Self::Text, Self::LongText, Self::Email, Self::Phone, Self::Url, Self::RichText,
        Self::Integer, Self::Decimal, Self::Money, Self::Percent, Self::Rating, Self::Boolean,
        Self::Date, Self::Time, Self::Datetime, Self::Duration,
        Self::Choice, Self::Choices, Self::Link, Self::Links, Self::LinkAny, Self::User, Self::Category,
        Self::Address, Self::Geo, Self::File, Self::Files, Self::Image, Self::Formula, Self::Json, Self::Colour, Self::Secret,
    ];

    /// The widget named in a definition, or the type's own name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|widget| widget.name() == name)
    }

    /// The word that stands in template names.
    pub fn name(self) -> &'static str {
        match self {
            Self::Text => "text", Self::LongText => "long_text", Self::Email => "email", Self::Phone => "phone",
            Self::Url => "url", Self::RichText => "rich_text", Self::Integer => "integer", Self::Decimal => "decimal",
            Self::Money => "money", Self::Percent => "percent", Self::Rating => "rating", Self::Boolean => "boolean",
            Self::Date => "date", Self::Time => "time", Self::Datetime => "datetime", Self::Duration => "duration",
            Self::Choice => "choice", Self::Choices => "choices", Self::Link => "link", Self::Links => "links",
            Self::LinkAny => "link_any", Self::User => "user", Self::Category => "category", Self::Address => "address",
            Self::Geo => "geo", Self::File => "file", Self::Files => "files", Self::Image => "image",
            Self::Formula => "formula", Self::Json => "json", Self::Colour => "colour", Self::Secret => "secret",
        }
    }
}

/// The eight tones that badges, avatars and options may have.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Tone {
    #[default]
    Gray,
    Blue, Teal, Green, Amber, Red, Violet, Pink,
}

impl Tone {
    /// Every tone.
    pub const ALL: [Self; 8] = [Self::Gray, Self::Blue, Self::Teal, Self::Green, Self::Amber, Self::Red, Self::Violet, Self::Pink];

    /// A tone that is always the same for the same text, for avatars of records that have no colour of their own.
    pub fn of(text: &str) -> Self {
        let sum = text.bytes().fold(7_usize, |sum, byte| sum.wrapping_mul(31).wrapping_add(usize::from(byte)));
        Self::ALL[1 + sum % (Self::ALL.len() - 1)]
    }
}

/// One or two letters that stand for a name: initials of a Latin name, the last two characters of a Chinese one.
pub(crate) fn initials(name: &str) -> String {
    let words: Vec<&str> = name.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let is_wide = |word: &str| word.chars().all(|c| c as u32 >= 0x2E80);
    match words.as_slice() {
        [] => "?".to_owned(),
        [word, ..] if is_wide(word) => word.chars().take(1).collect(),
        [word] => word.chars().take(2).collect::<String>().to_uppercase(),
        [first, second, ..] => first.chars().take(1).chain(second.chars().take(1)).collect::<String>().to_uppercase(),
    }
}

/// A small picture standing for a record or a person.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Avatar {
    /// One or two letters, shown while there is no picture.
    pub initials: String,
    /// Its tone.
    pub tone: Tone,
    /// The address of a thumbnail.
    pub image: Option<String>,
    /// Round, as for persons.
    pub person: bool,
}

impl Avatar {
    /// The avatar of something that has only a name.
    pub fn of(name: &str) -> Self {
        Self { initials: initials(name), tone: Tone::of(name), image: None, person: false }
    }

    /// The avatar of a person.
    pub fn person(name: &str) -> Self {
        Self { person: true, ..Self::of(name) }
    }
}

/// A value to read.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Cell {
    /// Which template draws it.
    pub widget: Widget,
    /// The value in words, in the reader's habits. Empty for an empty value; then a dash is drawn.
    pub text: String,
    /// The value for machines: ISO date, number without grouping, colour, address to call. What `data-raw` carries.
    pub raw: String,
    /// Options chosen (`choice`, `choices`), in order.
    pub tags: Vec<Tag>,
    /// Records linked (`link`, `links`, `link_any`, `user`, `category`), in order.
    pub links: Vec<LinkChip>,
    /// Files attached (`file`, `files`, `image`), in order.
    pub files: Vec<FileChip>,
    /// The value needs a look (overdue, negative); drawn in red.
    pub attention: bool,
    /// How it stands out, where its field or list says when: `danger`, `warning`, `success`, `info`, `muted`.
    pub emphasis: Option<&'static str>,
    /// The value is being renewed by a job and may be stale.
    pub pending: bool,
    /// How many of `rating`'s steps there are.
    pub steps: u8,
    /// How long ago, for moments of the last days; the exact one is told on asking.
    pub ago: Option<String>,
}

/// An option of a choice, or a badge.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Tag {
    /// What is stored.
    pub value: String,
    /// What is shown.
    pub text: String,
    /// Its tone.
    pub tone: Tone,
}

/// A linked record.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct LinkChip {
    /// What a form sends for it: an id, or `card:id` for `link_any`.
    pub value: String,
    /// Its title; none when the reader may not see the record, then it is drawn as hidden.
    pub title: Option<String>,
    /// Its page; none when the reader may not open it.
    pub url: Option<String>,
    /// The card's name, shown where several cards are possible.
    pub kind: Option<String>,
    /// Its avatar; drawn for users and where the card has pictures.
    pub avatar: Option<Avatar>,
}

/// An attached file.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct FileChip {
    /// What a form sends for it.
    pub id: String,
    /// The file's name.
    pub name: String,
    /// Its size in words, such as "240 KB".
    pub size: String,
    /// A Lucide icon for its type.
    pub icon: String,
    /// Where it is downloaded.
    pub url: String,
    /// Where a small picture of it is, for images.
    pub thumb: Option<String>,
    /// Who attached it and when, in words.
    pub note: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn initials_fit_latin_and_chinese_names() {
        for (name, expected) in [("Red Lantern Toys", "RL"), ("acme", "AC"), ("王小明", "王"), ("O'Brien & Sons", "OB"), ("", "?"), ("中 A", "中")] {
            assert_eq!(initials(name), expected, "{name}");
        }
    }

    #[test]
    fn every_widget_is_found_by_its_name() {
        for widget in Widget::ALL {
            assert_eq!(Widget::named(widget.name()), Some(widget));
            assert_eq!(serde_json::to_value(widget).expect("a widget serialises"), widget.name());
        }
    }
}
