//! Who may do what: sharing one record, why somebody may or may not, and the rights of a card as a table.

use serde::Serialize;

use super::{Avatar, Choice, QueryNode};

/// With whom a record is shared. `rights/share.html`, in a dialog or on a page.
#[derive(Debug, Clone, Default, Serialize)]
#[allow(missing_docs)]
pub struct SharePage {
    pub url: String,
    pub record_title: String,
    pub record_url: String,
    pub why_url: String,
    pub may: bool,
    pub may_edit: bool,
    pub shares: Vec<ShareLine>,
    pub who_url: String,
    pub first_day: String,
}

/// One share.
#[derive(Debug, Clone, Default, Serialize)]
#[allow(missing_docs)]
pub struct ShareLine {
    pub who: String,
    pub name: String,
    pub avatar: Option<Avatar>,
    pub level: String,
    pub until: String,
    pub works: bool,
}

/// Why somebody may, or may not. `rights/why.html`.
#[derive(Debug, Clone, Default, Serialize)]
#[allow(missing_docs)]
pub struct WhyPage {
    pub url: String,
    pub record_title: String,
    pub record_url: String,
    pub list_url: String,
    pub plural: String,
    pub lookup: Option<String>,
    pub name: String,
    pub groups: String,
    pub said: String,
    pub may: bool,
    pub lines: Vec<WhyLine>,
    pub fields: Vec<WhyField>,
    pub rights_url: Option<String>,
    pub view_as: Option<String>,
}

/// One action.
#[derive(Debug, Clone, Default, Serialize)]
#[allow(missing_docs)]
pub struct WhyLine {
    pub label: String,
    pub may: bool,
    pub reasons: Vec<WhyReason>,
}

/// One reason.
#[derive(Debug, Clone, Default, Serialize)]
#[allow(missing_docs)]
pub struct WhyReason {
    pub text: String,
    pub good: bool,
}

/// One field.
#[derive(Debug, Clone, Default, Serialize)]
#[allow(missing_docs)]
pub struct WhyField {
    pub label: String,
    pub read: String,
    pub tone: &'static str,
    pub edit: bool,
    pub why: String,
}

/// The rights of a card. `rights/card.html`.
#[derive(Debug, Clone, Default, Serialize)]
#[allow(missing_docs)]
pub struct RightsPage {
    pub cards: Vec<Choice>,
    pub card: String,
    pub label: String,
    pub icon: String,
    pub url: String,
    pub groups: Vec<String>,
    pub rows: Vec<RightsRow>,
    pub fields: Vec<RightsRow>,
    pub guards: Vec<GrantLine>,
    pub lines: Vec<GrantLine>,
    pub new_url: String,
    pub guard_url: String,
    pub admin: bool,
}

/// An action, or a field, across the table.
#[derive(Debug, Clone, Default, Serialize)]
#[allow(missing_docs)]
pub struct RightsRow {
    pub label: String,
    pub note: String,
    pub cells: Vec<RightsCell>,
}

/// What a group may do with an action, or with a field.
#[derive(Debug, Clone, Default, Serialize)]
#[allow(missing_docs)]
pub struct RightsCell {
    pub words: Vec<String>,
    pub tone: &'static str,
}

/// A grant or guard, as a sentence with what can be done about it.
#[derive(Debug, Clone, Default, Serialize)]
#[allow(missing_docs)]
pub struct GrantLine {
    pub group: String,
    pub actions: String,
    pub scope: String,
    pub fields: String,
    pub origin: String,
    pub local: bool,
    pub fault: Option<String>,
    pub edit_url: Option<String>,
    pub off_url: Option<String>,
    pub back_url: Option<String>,
    pub off: bool,
}

/// The org units as a tree. `rights/org.html`.
#[derive(Debug, Clone, Default, Serialize)]
#[allow(missing_docs)]
pub struct OrgPage { pub label: String, pub list_url: String, pub units: Vec<OrgUnitLine>, pub hint: String, pub circle: bool }

/// One unit, in its place.
#[derive(Debug, Clone, Default, Serialize)]
#[allow(missing_docs)]
pub struct OrgUnitLine { pub title: String, pub url: String, pub depth: usize, pub lead: Option<String>, pub lead_url: Option<String> }

/// A grant or guard being changed. `rights/grant.html`.
#[derive(Debug, Clone, Default, Serialize)]
#[allow(missing_docs)]
pub struct GrantForm {
    pub url: String,
    pub title: String,
    pub back_url: String,
    pub guard: bool,
    pub groups: Vec<Choice>,
    pub fixed_group: Option<String>,
    pub actions: Vec<Choice>,
    pub scopes: Vec<Choice>,
    pub condition: ConditionForm,
    pub fields: Vec<(String, String, Vec<Choice>)>,
    pub except: Vec<Choice>,
    pub notice: Option<String>,
}

/// Of which records, by the query builder or as text.
#[derive(Debug, Clone, Default, Serialize)]
#[allow(missing_docs)]
pub struct ConditionForm {
    pub url: String,
    pub count_url: Option<String>,
    pub draft: String,
    pub root: QueryNode,
    pub text: Option<String>,
    pub sentence: String,
}
