//! The rows a record owns, and their editor.

use serde::Serialize;

use super::{Align, Cell, FieldView};

/// A child table on a record's page.
#[derive(Debug, Clone, Default, Serialize)]
pub struct ChildTableView {
    /// The table's key; the form's names begin `c.KEY.`.
    pub key: String,
    /// Its label.
    pub label: String,
    /// Its columns, in order.
    pub columns: Vec<ChildColumn>,
    /// Its rows, in order.
    pub rows: Vec<ChildRow>,
    /// A row with defaults and inputs, numbered `N`, which the editor copies for new rows and borrows inputs from.
    /// Empty where the reader may only read.
    pub blank: Vec<FieldView>,
    /// Rows may be changed, added and removed.
    pub editable: bool,
    /// Some column has a total.
    pub totals: bool,
    /// What is wrong with the table as a whole.
    pub error: Option<String>,
}

/// A column of a child table.
#[derive(Debug, Clone, Default, Serialize)]
pub struct ChildColumn {
    /// The field's key.
    pub key: String,
    /// Its label.
    pub label: String,
    /// Numbers stand at the end.
    pub align: Align,
    /// Width in CSS pixels; 0 shares what is left.
    pub width: u16,
    /// Must be filled in.
    pub required: bool,
    /// The column's total, formatted; none if it has none.
    pub total: Option<String>,
    /// A job is calculating it anew.
    pub recomputing: bool,
}

/// A row of a child table.
#[derive(Debug, Clone, Default, Serialize)]
pub struct ChildRow {
    /// Its number in the form, from 0.
    pub n: usize,
    /// Its id; empty for a row not saved yet.
    pub id: String,
    /// Its values, one for each column, in the same order.
    pub cells: Vec<ChildCell>,
    /// What is wrong with it, in words, all at once.
    pub errors: Vec<String>,
}

/// A value of a child row.
#[derive(Debug, Clone, Default, Serialize)]
pub struct ChildCell {
    /// The field's key.
    pub key: String,
    /// What is shown.
    pub cell: Cell,
    /// What the form sends, once for each value; empty for fields that are not sent (derived, read only).
    pub values: Vec<String>,
    /// The form sends it.
    pub sent: bool,
    /// What is wrong with it.
    pub error: Option<String>,
    /// Where it says where its value comes from; none for what is entered.
    pub explain_url: Option<String>,
}
