//! The frame around every page: sidebar, user menu, language and theme.

use serde::Serialize;

use super::{FolderItem, Tone};

/// Everything that is the same on every page of one reader. Fragments get it too (for the language and the CSRF token).
#[derive(Debug, Clone, Default, Serialize)]
pub struct Shell {
    /// The interface's language: `en`, `zh-Hans`, `zh-Hant`.
    pub lang: String,
    /// The languages offered, the current one marked.
    pub languages: Vec<Language>,
    /// The colour theme that the reader chose.
    pub theme: Theme,
    /// Row height in lists: `compact`, `normal`, `roomy`.
    pub density: String,
    /// What the reader writes before decimals.
    pub point: char,
    /// The CSRF token of the session; empty on pages without one.
    pub csrf: String,
    /// The site's name, shown above the menu and in the title.
    pub company: String,
    /// Who is signed in; none on the sign-in pages.
    pub user: Option<UserChip>,
    /// The sidebar, in order.
    pub nav: Vec<NavModule>,
    /// Folders of records that this reader keeps or was given.
    pub favourites: Vec<FolderItem>,
    /// Lists that this reader keeps in sight.
    pub pins: Vec<NavItem>,
    /// How many notices are new; 100 stands for more.
    pub unread: i64,
    /// Address of the page a phone's first tab leads to; usually the first list.
    pub home_url: String,
    /// Where the phone's plus button and the key N lead; none where nothing may be created here.
    pub create_url: Option<String>,
    /// What is created there, such as "New order".
    pub create_label: Option<String>,
    /// The card whose records the palette looks through first.
    pub palette_card: Option<String>,
    /// What those are called.
    pub palette_label: String,
    /// Identifies drafts kept on the device: one site and one user.
    pub draft_scope: String,
    /// Whether drafts may be kept on this device (an administrator may forbid it for shared computers).
    pub drafts: bool,
    /// The reader turned single-key shortcuts off.
    pub shortcuts_off: bool,
    /// The path and query of this page, for coming back after a change of language or theme.
    pub here: String,
    /// A word to every reader from the administrator, above the page.
    pub notice: Option<String>,
    /// An administrator looks at somebody else's pages, which the notice says.
    pub viewing: bool,
    /// A toast to show once after arriving here, such as "Deleted".
    pub flash: Option<String>,
}

/// The colour theme.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Theme {
    /// As the reader's system says.
    #[default]
    System,
    /// Always light.
    Light,
    /// Always dark.
    Dark,
}

/// A language on offer.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Language {
    /// `en`, `zh-Hans`, `zh-Hant`.
    pub code: String,
    /// The language's name in itself.
    pub name: String,
    /// The one in use.
    pub current: bool,
}

/// Who is signed in.
#[derive(Debug, Clone, Default, Serialize)]
pub struct UserChip {
    /// The name shown.
    pub name: String,
    /// One or two letters for the avatar.
    pub initials: String,
    /// The avatar's tone.
    pub tone: Tone,
    /// What stands beneath the name: a mail address or a job.
    pub detail: String,
    /// May see the administrators' pages.
    pub admin: bool,
}

/// A group of the sidebar: a module with its cards.
#[derive(Debug, Clone, Default, Serialize)]
pub struct NavModule {
    /// Stable key; the browser remembers by it which groups are folded.
    pub key: String,
    /// The heading. Empty for items that stand without one, at the top.
    pub label: String,
    /// A Lucide icon.
    pub icon: String,
    /// Folded unless the reader opened it.
    pub folded: bool,
    /// The cards, in order.
    pub items: Vec<NavItem>,
}

/// One line of the sidebar.
#[derive(Debug, Clone, Default, Serialize)]
pub struct NavItem {
    /// The words.
    pub label: String,
    /// A Lucide icon.
    pub icon: String,
    /// Where it leads.
    pub url: String,
    /// The page being shown belongs to it.
    pub current: bool,
    /// A number at the right, already formatted.
    pub count: Option<String>,
}
