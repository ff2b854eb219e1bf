//! The query builder: a tree of conditions as a form.

use serde::Serialize;

use super::{CardHead, FilterValue, FilterWord, OptionView, ValueEditor};

/// The dialog (or page) `/c/CARD/query`.
#[derive(Debug, Clone, Default, Serialize)]
pub struct QueryPage {
    /// The card.
    pub card: CardHead,
    /// The view whose condition it is; the card's plural where it is none's.
    pub title: String,
    /// Who else sees the view.
    pub origin: Option<String>,
    /// Where every change of the form is sent: POST.
    pub action: String,
    /// Where the number of matches is asked: POST, with the form.
    pub count_url: String,
    /// The tree, as the form carries it along.
    pub draft: String,
    /// The outermost group.
    pub root: QueryNode,
    /// The sentence.
    pub sentence: String,
    /// The view can be saved by this reader.
    pub can_save: bool,
    /// Columns and order, in words.
    pub summary: String,
    /// The list without the dialog.
    pub back_url: String,
    /// Something is wrong, or a limit was met; in words.
    pub notice: Option<String>,
}

/// A part of the tree.
#[derive(Debug, Clone, Default, Serialize)]
pub struct QueryNode {
    /// Its number; 0 for the outermost group.
    pub n: u32,
    /// `group`, `test` or `related`.
    pub kind: &'static str,
    /// How the parts hold together, with the present one marked.
    pub modes: Vec<FilterWord>,
    /// The present one.
    pub mode: String,
    /// The parts.
    pub parts: Vec<QueryNode>,
    /// Where a field is chosen for a new condition in this group.
    pub fields_url: String,
    /// A group may stand in it.
    pub can_group: bool,
    /// What it is about: a field with the way to it, or related rows.
    pub label: String,
    /// A Lucide icon.
    pub icon: String,
    /// Where another field is chosen.
    pub pick_url: String,
    /// Operators that fit; of related rows whether there are some.
    pub ops: Vec<FilterWord>,
    /// The value.
    pub value: ValueBox,
    /// What it is compared with instead of a value, in words.
    pub variable: Option<String>,
    /// What is asked when the list is opened: the parameter's name, and its label.
    pub asks: Option<(String, String)>,
    /// What it may be compared with instead.
    pub sources: Vec<FilterWord>,
    /// What is wrong with it.
    pub error: Option<String>,
    /// It can be moved up.
    pub up: bool,
    /// It can be moved down.
    pub down: bool,
    /// It can be moved into the group before it.
    pub inward: bool,
    /// It can be moved out of its group.
    pub outward: bool,
    /// It was just added: the focus goes there.
    pub fresh: bool,
}

/// How a value is asked for.
#[derive(Debug, Clone, Default, Serialize)]
pub struct ValueBox {
    /// The name its inputs are sent with.
    pub name: String,
    /// The id of its first input.
    pub id: String,
    /// What it is called.
    pub label: String,
    /// The editor.
    pub editor: ValueEditor,
    /// The value(s) so far.
    pub values: Vec<FilterValue>,
    /// Options of a choice, folders.
    pub options: Vec<OptionView>,
    /// Where a link finds its records.
    pub lookup: String,
    /// Relative periods.
    pub periods: Vec<FilterWord>,
    /// Most stars of a rating.
    pub stars: i64,
    /// It must be filled in.
    pub required: bool,
    /// Numbers are sent as the browser writes them, not as the reader does.
    pub plain: bool,
}

/// The answer of `/c/CARD/query/fields`.
#[derive(Debug, Clone, Default, Serialize)]
pub struct QueryFields {
    /// The way so far: label, fragment.
    pub crumbs: Vec<(String, String)>,
    /// Fields to choose: what the button sends.
    pub fields: Vec<QueryField>,
    /// Links and child tables to go on through.
    pub steps: Vec<QueryField>,
    /// Related rows there may be, or may not.
    pub related: Vec<QueryField>,
}

/// A field, a step, or related rows on offer.
#[derive(Debug, Clone, Default, Serialize)]
pub struct QueryField {
    /// Its name.
    pub label: String,
    /// A Lucide icon.
    pub icon: String,
    /// What the button sends, or the fragment of the next step.
    pub to: String,
}

/// The answer of `/c/CARD/query/count`.
#[derive(Debug, Clone, Default, Serialize)]
pub struct QueryCount {
    /// "2,906 match · 31 ms".
    pub text: String,
    /// Where the exact number is asked for; none when it is known.
    pub exact_url: Option<String>,
    /// The sentence.
    pub sentence: String,
}

/// What a view asks when it is opened.
#[derive(Debug, Clone, Default, Serialize)]
pub struct AskForm {
    /// The list: GET, with what stands in the address already.
    pub action: String,
    /// What stands in the address already.
    pub keep: Vec<(String, String)>,
    /// The questions.
    pub fields: Vec<ValueBox>,
}
