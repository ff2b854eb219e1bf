//! A field on a form, with everything its input needs.

use serde::Serialize;

use super::{Cell, Tone, Widget};

/// What the reader may do with a field. Fields with no right at all are left out of the page.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Right {
    /// Reading only: drawn as text.
    #[default]
    Read,
    /// Editing: drawn as an input.
    Edit,
}

/// A field of a record or of a child row.
#[derive(Debug, Clone, Default, Serialize)]
pub struct FieldView {
    /// The field's key.
    pub key: String,
    /// The name in the form: `f.KEY`, or `c.TABLE.N.KEY` in child rows.
    pub name: String,
    /// The id in the document: the name with dashes for dots. The wrapper's id is this with `w-` before it.
    pub id: String,
    /// The field's label.
    pub label: String,
    /// Which templates draw it.
    pub widget: Widget,
    /// Text or input.
    pub right: Right,
    /// The value to read; also what an input of links, choices and files starts from.
    pub cell: Cell,
    /// What stands in the input (`form::format::input`), or what was typed if it was refused.
    pub raw: String,
    /// Must be filled in (now: rules that depend on other fields are already applied).
    pub required: bool,
    /// Not shown at the moment (`visible_when` does not hold). Its input stays in the form.
    pub hidden: bool,
    /// A sentence beneath.
    pub help: Option<String>,
    /// An example in the empty input.
    pub placeholder: Option<String>,
    /// What is wrong with it, in words.
    pub error: Option<String>,
    /// A word at the right of the label: "numbered automatically", "limit − receivable".
    pub note: Option<String>,
    /// A Lucide icon before the label.
    pub icon: Option<String>,
    /// Columns of the section it takes, 1–4. 0 means the whole width.
    pub span: u8,
    /// Comes from a formula, a rollup or a link; drawn with a dashed border.
    pub derived: bool,
    /// Where it is explained, for a value that comes from others.
    pub explain_url: Option<String>,
    /// Where its values over time are shown, if they are kept.
    pub series_url: Option<String>,
    /// A job is calculating it anew: it may be of before.
    pub recomputing: bool,
    /// Other fields, totals or visibilities depend on it: a change asks `recompute`.
    pub recompute: bool,
    /// A sign before the number, such as `¥`.
    pub before: Option<String>,
    /// A sign after the number, such as `%`.
    pub after: Option<String>,
    /// The smallest value, for `min`.
    pub min: Option<String>,
    /// The largest value, for `max`; for ratings the number of steps.
    pub max: Option<String>,
    /// The longest text, in characters.
    pub max_length: Option<u32>,
    /// The options of a choice, in order.
    pub options: Vec<OptionView>,
    /// How a link finds its records.
    pub lookup: Option<LookupView>,
    /// The parts of an address or a place, in order.
    pub parts: Vec<PartView>,
    /// The media types a file input takes, as its `accept`.
    pub accept: Option<String>,
    /// The largest file, in bytes.
    pub max_bytes: Option<u64>,
}

/// An option of a choice.
#[derive(Debug, Clone, Default, Serialize)]
pub struct OptionView {
    /// What is stored.
    pub value: String,
    /// What is shown.
    pub text: String,
    /// Its tone.
    pub tone: Tone,
    /// It is chosen. (Retired options are offered only while chosen.)
    pub selected: bool,
}

/// How the records of a link are found.
#[derive(Debug, Clone, Default, Serialize)]
pub struct LookupView {
    /// `/lookup/CARD?ctx=…`; the browser adds `q` and the fields of `needs`.
    pub url: String,
    /// Names of other inputs (`f.customer`) whose values narrow the choice; sent along.
    pub needs: Vec<String>,
    /// Several records may be chosen.
    pub multiple: bool,
}

/// A part of an address or a place.
#[derive(Debug, Clone, Default, Serialize)]
pub struct PartView {
    /// `f.KEY.PART`.
    pub name: String,
    /// The name with dashes.
    pub id: String,
    /// The part's label.
    pub label: String,
    /// What stands in its input.
    pub raw: String,
    /// Takes the whole width.
    pub wide: bool,
    /// The browser's autofill word, such as `postal-code`.
    pub autocomplete: Option<String>,
}
