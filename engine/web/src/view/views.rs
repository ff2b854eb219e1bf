//! The views of a list: tabs, the menu of all, what was changed, and the dialog that keeps one.

use serde::Serialize;

use super::{CardHead, Choice};

/// What stands above a list about its views.
#[derive(Debug, Clone, Default, Serialize)]
pub struct ViewBar {
    /// The tabs: the first few, and the one that is open.
    pub tabs: Vec<ViewTab>,
    /// Every view, by folder; those without one first.
    pub folders: Vec<ViewFolder>,
    /// How many stand in the menu only.
    pub more: usize,
    /// The fragment that counts what is in the tabs.
    pub counts_url: Option<String>,
    /// The dialog that keeps the list as it is.
    pub new_url: String,
    /// What can be done with the view that is open; none where there is none.
    pub menu: Option<ViewMenu>,
    /// Where what the view asks is answered anew; none where it asks nothing, or nothing was answered yet.
    pub ask_url: Option<String>,
    /// The list is not the view any more.
    pub changed: Option<ViewChanged>,
}

/// A view above the list.
#[derive(Debug, Clone, Default, Serialize)]
pub struct ViewTab {
    /// Its id.
    pub id: String,
    /// Its name.
    pub label: String,
    /// Its list.
    pub url: String,
    /// The one being shown.
    pub current: bool,
    /// How many records it has is told later.
    pub counted: bool,
    /// Others see it too, or it came from others.
    pub shared: bool,
}

/// Views of one folder.
#[derive(Debug, Clone, Default, Serialize)]
pub struct ViewFolder {
    /// The folder; empty for those that stand in none.
    pub label: String,
    /// Its views.
    pub views: Vec<ViewTab>,
}

/// What can be done with the view that is open.
#[derive(Debug, Clone, Default, Serialize)]
pub struct ViewMenu {
    /// Its name.
    pub label: String,
    /// Where it comes from, in words.
    pub origin: String,
    /// The dialog for name, folder and groups; none without the right.
    pub edit_url: Option<String>,
    /// The dialog that keeps a copy.
    pub copy_url: String,
    /// Where it is made the one that opens first: POST. None where it is already.
    pub first_url: Option<String>,
    /// Where it is pinned to the sidebar, and taken off: POST with `on`.
    pub pin_url: String,
    /// It is pinned.
    pub pinned: bool,
    /// Where it is moved: POST with `by`.
    pub move_url: String,
    /// It can be moved to the left.
    pub left: bool,
    /// It can be moved to the right.
    pub right: bool,
    /// Where it is deleted: POST.
    pub delete_url: Option<String>,
}

/// What can be done about a list that is not its view any more.
#[derive(Debug, Clone, Default, Serialize)]
pub struct ViewChanged {
    /// Where the view becomes what is shown: POST. None without the right.
    pub save_url: Option<String>,
    /// The dialog that keeps it as a new view.
    pub new_url: String,
    /// The view as it is kept.
    pub reset_url: String,
}

/// The dialog that keeps a view: GET `/c/CARD/views/new`, `/c/CARD/views/ID/edit`.
#[derive(Debug, Clone, Default, Serialize)]
pub struct ViewForm {
    /// The card.
    pub card: CardHead,
    /// A view that exists is changed.
    pub exists: bool,
    /// Its name so far.
    pub name: String,
    /// Its folder so far.
    pub folder: String,
    /// Folders there are.
    pub folders: Vec<String>,
    /// The groups it may be shared with.
    pub roles: Vec<Choice>,
    /// What it will show, in words.
    pub summary: String,
    /// Where it is sent: POST.
    pub action: String,
    /// What is wrong with the name.
    pub error: Option<String>,
}

/// The answer of `/c/CARD/views/counts`.
#[derive(Debug, Clone, Default, Serialize)]
pub struct ViewCounts {
    /// Each view's id, and its number in words.
    pub counts: Vec<(String, String)>,
}
