//! Views above a list: which there are, whether the list still is the one that was opened, and keeping them.
//!
//! **Not here:** what a view is (`app::views`), the list itself (`pages::list`).

mod keep;

pub use keep::{arrange, change, counts, create, delete, edit_form, first, move_one, new_form, new_form_of, pin, restore, save, summary};

use app::{AppError, views::Listed};

use super::{
    Reader,
    list::Asked,
    url, words,
};
use crate::{
    Site,
    view::{ListPage, ListState, ViewBar, ViewChanged, ViewFolder, ViewMenu, ViewTab},
};

/// Most tabs; the others stand in the menu.
const MOST_TABS: usize = 5;

/// Everything about views that stands above a list.
pub fn bar(site: &Site, reader: &Reader, asked: &Asked<'_>) -> ViewBar {
    let (actor, lang) = (&reader.asker.actor, &reader.asker.actor.lang);
    let base = asked.base();
    let open = asked.base.as_ref().map(|listed| listed.view.id.as_str());
    let tab = |listed: &Listed| ViewTab {
        id: listed.view.id.clone(),
        label: listed.name(lang),
        url: url(&base, &[("view", &listed.view.id)]),
        current: open == Some(listed.view.id.as_str()),
        counted: listed.view.filter.is_some() && listed.view.parameters.is_empty(),
        shared: listed.kept.as_ref().is_some_and(|kept| !kept.roles.is_empty()),
    };
    let mut all: Vec<ViewTab> = asked.views.iter().map(tab).collect();
    if all.is_empty() {
        all.push(ViewTab { label: words::word("all", lang), url: base.clone(), current: true, ..ViewTab::default() });
    }
    let tabs = first_tabs(&all, &asked.views, lang);
    let counted = tabs.iter().filter(|tab| tab.counted).map(|tab| tab.id.as_str()).collect::<Vec<_>>().join(",");
    ViewBar {
        more: all.len() - tabs.len(),
        folders: folders(all, &asked.views, lang),
        counts_url: (!counted.is_empty()).then(|| url(&format!("{base}/views/counts"), &[("ids", &counted)])),
        new_url: asked.address.url(&format!("{base}/views/new")),
        ask_url: (!asked.address.params.is_empty()).then(|| crate::pages::list::Address { params: Vec::new(), ..asked.address.clone() }.url(&base)),
        menu: asked.base.as_ref().map(|listed| menu(site, reader, asked, listed)),
        changed: asked.base.as_ref().filter(|_| asked.changed).map(|listed| ViewChanged {
            save_url: listed.is_editable(actor).then(|| asked.address.url(&format!("{base}/views/{}/save", listed.view.id))),
            new_url: asked.address.url(&format!("{base}/views/new")),
            reset_url: asked.address.reset().url(&base),
        }),
        tabs,
    }
}

/// The first few that stand in no folder, and whichever is open.
fn first_tabs(all: &[ViewTab], listed: &[Listed], lang: &str) -> Vec<ViewTab> {
    let in_folder = |index: usize| listed.get(index).is_some_and(|listed| !listed.folder(lang).is_empty());
    let mut taken = 0;
    let kept = all.iter().enumerate().filter(|(index, tab)| {
        let free = !in_folder(*index) && taken < MOST_TABS;
        taken += usize::from(free);
        free || tab.current
    });
    kept.map(|(_, tab)| tab.clone()).collect()
}

fn folders(all: Vec<ViewTab>, listed: &[Listed], lang: &str) -> Vec<ViewFolder> {
    let mut folders = vec![ViewFolder::default()];
    for (index, tab) in all.into_iter().enumerate() {
        let label = listed.get(index).map(|listed| listed.folder(lang)).unwrap_or_default();
        match folders.iter_mut().find(|folder| folder.label == label) {
            Some(folder) => folder.views.push(tab),
            None => folders.push(ViewFolder { label, views: vec![tab] }),
        }
    }
    folders.retain(|folder| !folder.views.is_empty());
    folders.sort_by(|left, right| left.label.cmp(&right.label));
    folders
}

fn menu(site: &Site, reader: &Reader, asked: &Asked<'_>, listed: &Listed) -> ViewMenu {
    let (actor, lang) = (&reader.asker.actor, &reader.asker.actor.lang);
    let id = &listed.view.id;
    let at = format!("{}/views/{id}", asked.base());
    let place = asked.views.iter().position(|known| known.view.id == *id);
    let first = app::views::first(actor, asked.card, &asked.views).is_some_and(|first| first.view.id == *id);
    let editable = listed.is_editable(actor);
    ViewMenu {
        label: listed.name(lang),
        origin: origin(site, reader, listed),
        edit_url: editable.then(|| format!("{at}/edit")),
        copy_url: url(&format!("{}/views/new", asked.base()), &[("view", id)]),
        first_url: (!first).then(|| format!("{at}/first")),
        pin_url: format!("{at}/pin"),
        pinned: app::views::is_pinned(actor, asked.card, id),
        move_url: format!("{at}/move"),
        left: place.is_some_and(|place| place > 0),
        right: place.is_some_and(|place| place + 1 < asked.views.len()),
        delete_url: editable.then(|| format!("{at}/delete")),
    }
}

/// Whose it is, and who else sees it.
pub fn origin(site: &Site, reader: &Reader, listed: &Listed) -> String {
    let (actor, catalog) = (&reader.asker.actor, &reader.asker.snapshot.catalog);
    let Some(kept) = &listed.kept else { return reader.t(site, "views.of_pack", &[]) };
    let names: Vec<String> = kept.roles.iter().map(|role| catalog.roles.get(role).map_or_else(|| model::humanize(role.as_str()), |known| known.labels.or_key(&actor.lang, role.as_str()))).collect();
    match (actor.user == Some(kept.owner), names.is_empty()) {
        (true, true) => reader.t(site, "views.mine", &[]),
        (true, false) => reader.t(site, "views.shared_with", &[("who", &names.join(", "))]),
        (false, _) => reader.t(site, "views.shared_by", &[("who", &kept.owner_name)]),
    }
}

/// A list that cannot be opened: the page says why in its place.
pub fn instead(reader: &Reader, page: ListPage, error: &AppError) -> Result<ListPage, AppError> {
    let state = match error {
        AppError::NotFound { .. } => ListState::NoView,
        other => ListState::Failed { message: said(reader, other) },
    };
    let mut bar = page.bar;
    (bar.menu, bar.changed) = (None, None);
    bar.tabs.iter_mut().chain(bar.folders.iter_mut().flat_map(|folder| &mut folder.views)).for_each(|tab| tab.current = false);
    Ok(ListPage { state, bar, chips: Vec::new(), totals_url: None, count_url: String::new(), ..page })
}

/// A list that asks for what this reader may not see, or for what makes no sense.
pub fn refused(reader: &Reader, page: ListPage, error: AppError) -> Result<ListPage, AppError> {
    let message = said(reader, &error);
    match error {
        AppError::Forbidden { .. } => Ok(ListPage { state: ListState::Refused { message }, totals_url: None, count_url: String::new(), ..page }),
        AppError::Malformed { .. } => Ok(ListPage { state: ListState::Failed { message }, totals_url: None, count_url: String::new(), ..page }),
        other => Err(other),
    }
}

fn said(reader: &Reader, error: &AppError) -> String {
    crate::problem::document(error, &reader.asker.actor.lang)["detail"].as_str().unwrap_or_default().to_owned()
}
