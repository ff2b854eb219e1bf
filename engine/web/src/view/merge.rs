//! Look-alikes, and making one record of several.

use serde::Serialize;

use super::{CardHead, Cell};

/// Records that look like the one being saved. `records/_alike.html` draws it.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Alike {
    /// How many there are, in words.
    pub text: String,
    /// Those the reader may see.
    pub records: Vec<AlikeRecord>,
    /// The others, in words; empty for none.
    pub hidden: String,
    /// What is sent along to save all the same; empty where the rule refuses.
    pub accept: String,
}

/// One of them.
#[derive(Debug, Clone, Default, Serialize)]
pub struct AlikeRecord {
    /// Its id.
    pub id: String,
    /// Its title.
    pub title: String,
    /// Its page.
    pub url: String,
    /// Where it is merged with the record at hand; none for a new record or without the right.
    pub merge_url: Option<String>,
}

/// Groups of look-alikes of a card. `duplicates/index.html` draws it.
#[derive(Debug, Clone, Default, Serialize)]
pub struct DuplicatesPage {
    /// The card.
    pub card: CardHead,
    /// The rules, as tabs: what is compared, where it leads, whether it is shown.
    pub rules: Vec<(String, String, bool)>,
    /// The groups.
    pub groups: Vec<DuplicateGroup>,
    /// The next ones.
    pub next_url: Option<String>,
    /// Where a group is said not to be one.
    pub dismiss_url: String,
    /// Records from before the rule are still being compared.
    pub building: bool,
    /// The reader may merge.
    pub may_merge: bool,
    /// The reader may say that records are not the same.
    pub may_dismiss: bool,
}

/// One group.
#[derive(Debug, Clone, Default, Serialize)]
pub struct DuplicateGroup {
    /// Its records.
    pub records: Vec<DuplicateRecord>,
    /// Their ids, for forms.
    pub ids: String,
    /// Where they are merged.
    pub merge_url: String,
    /// Its name for those who hear it.
    pub title: String,
}

/// One record of a group.
#[derive(Debug, Clone, Default, Serialize)]
pub struct DuplicateRecord {
    /// Its title.
    pub title: String,
    /// Its page.
    pub url: String,
    /// What else tells it from the others.
    pub facts: String,
}

/// Several records side by side. `merge/index.html` draws it.
#[derive(Debug, Clone, Default, Serialize)]
pub struct MergePage {
    /// The card.
    pub card: CardHead,
    /// Where it is sent.
    pub url: String,
    /// The records, the master first.
    pub records: Vec<MergeRecord>,
    /// The fields in which they differ, and those in which only one has something.
    pub fields: Vec<MergeField>,
    /// The fields that are the same, in words.
    pub same: String,
    /// Child tables with rows.
    pub tables: Vec<MergeTable>,
    /// How many other records point to those that go, in words.
    pub links_text: String,
    /// The search for another record to merge with: a lookup's address; none when there are enough.
    pub lookup_url: Option<String>,
    /// What went wrong.
    pub error: Option<String>,
    /// There are at least two.
    pub ready: bool,
}

/// One of the records.
#[derive(Debug, Clone, Default, Serialize)]
pub struct MergeRecord {
    /// Its id.
    pub id: String,
    /// Its title.
    pub title: String,
    /// Its page.
    pub url: String,
    /// When it was made and last changed.
    pub facts: String,
    /// It is the one that is left.
    pub master: bool,
    /// The same page with this record left.
    pub master_url: String,
}

/// A field, with the value of each record.
#[derive(Debug, Clone, Default, Serialize)]
pub struct MergeField {
    /// Its key.
    pub key: String,
    /// Its label.
    pub label: String,
    /// The value of each record, in their order, and whether it is taken.
    pub cells: Vec<MergeCell>,
    /// All values together can be taken.
    pub all: bool,
    /// They are, unless chosen otherwise.
    pub all_chosen: bool,
}

/// One value.
#[derive(Debug, Clone, Default, Serialize)]
pub struct MergeCell {
    /// Whose.
    pub id: String,
    /// The value.
    pub cell: Cell,
    /// There is one.
    pub filled: bool,
    /// It is taken unless chosen otherwise.
    pub chosen: bool,
}

/// A child table.
#[derive(Debug, Clone, Default, Serialize)]
pub struct MergeTable {
    /// Its key.
    pub key: String,
    /// Its label.
    pub label: String,
    /// How many rows each record has, in their order.
    pub counts: Vec<(String, String)>,
}
