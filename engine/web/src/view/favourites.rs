//! Folders of records: the sidebar's, a folder's page, and the menus that fill one.

use serde::Serialize;

use super::{Avatar, CardHead, Cell, Choice, Tone};

/// A folder in the sidebar.
#[derive(Debug, Clone, Default, Serialize)]
pub struct FolderItem {
    /// Its id.
    pub id: String,
    /// Its name.
    pub label: String,
    /// Its colour.
    pub tone: Tone,
    /// Its page.
    pub url: String,
    /// Its page is being shown.
    pub current: bool,
    /// Others look into it too.
    pub shared: bool,
    /// This reader may put records in.
    pub may_fill: bool,
}

/// The page `/fav/FOLDER`.
#[derive(Debug, Clone, Default, Serialize)]
pub struct FolderPage {
    /// The folder.
    pub folder: FolderItem,
    /// Whose it is and who else sees it, in words.
    pub origin: String,
    /// The dialog for name, colour and groups; none without the right.
    pub edit_url: Option<String>,
    /// Where it is deleted: POST.
    pub delete_url: Option<String>,
    /// Where records are taken out: POST with `ids`; none without the right.
    pub remove_url: Option<String>,
    /// What can be done with everybody in it.
    pub actions: Vec<FolderAction>,
    /// Its records by card.
    pub cards: Vec<FolderCard>,
}

/// Something that can be done with all records of a folder.
#[derive(Debug, Clone, Default, Serialize)]
pub struct FolderAction {
    /// The words on the button.
    pub label: String,
    /// A Lucide icon.
    pub icon: String,
    /// Where it leads.
    pub url: String,
}

/// The records of one card in a folder.
#[derive(Debug, Clone, Default, Serialize)]
pub struct FolderCard {
    /// The card.
    pub card: CardHead,
    /// How many there are, in words.
    pub count: String,
    /// The list of all of them.
    pub list_url: String,
    /// Headings of the fields shown.
    pub headings: Vec<String>,
    /// The first records.
    pub rows: Vec<FolderRow>,
    /// There are more than are shown.
    pub more: bool,
}

/// A record in a folder.
#[derive(Debug, Clone, Default, Serialize)]
pub struct FolderRow {
    /// Its id.
    pub id: String,
    /// Its page.
    pub url: String,
    /// Its title.
    pub title: String,
    /// Its avatar.
    pub avatar: Option<Avatar>,
    /// Its values.
    pub cells: Vec<Cell>,
}

/// The dialog for a folder: GET `/fav/new`, `/fav/FOLDER/edit`.
#[derive(Debug, Clone, Default, Serialize)]
pub struct FolderForm {
    /// A folder that exists is changed.
    pub exists: bool,
    /// Its name so far.
    pub name: String,
    /// The colours.
    pub tones: Vec<Choice>,
    /// Groups, each with what it may do: nothing, `look`, `fill`.
    pub roles: Vec<(Choice, String)>,
    /// Where it is sent: POST.
    pub action: String,
}

/// The answer of `/fav/menu/CARD/RECORD`, and of `/fav/choose` for several records.
#[derive(Debug, Clone, Default, Serialize)]
pub struct FolderMenu {
    /// The card of the records.
    pub card: String,
    /// The record; empty for those that are selected.
    pub record: String,
    /// The folders there are.
    pub folders: Vec<FolderChoice>,
}

/// A folder in a menu.
#[derive(Debug, Clone, Default, Serialize)]
pub struct FolderChoice {
    /// The folder.
    pub folder: FolderItem,
    /// The record stands in it.
    pub holds: bool,
}

/// The answer of `/fav/counts`.
#[derive(Debug, Clone, Default, Serialize)]
pub struct FolderCounts {
    /// Each folder's id, and its number in words.
    pub counts: Vec<(String, String)>,
}
