//! What a client says of a list it keeps.

use model::{Ident, View, ViewDef};
use serde_json::{Map, Value as Json};

use super::{AppError, Listed};

/// The word in the place of an identity: what people keep has an id of its own.
const ID: &str = "kept";
/// What is said about a list rather than by it.
const ABOUT: [&str; 6] = ["id", "card", "labels", "roles", "folder", "default"];
/// What an answer says besides, and a client may send back.
const SHOWN: [&str; 6] = ["id", "card", "origin", "owner", "editable", "default"];

/// A list as somebody wants it kept.
#[derive(Debug, Clone, PartialEq)]
pub struct Wanted {
    /// Its name.
    pub name: String,
    /// The folder it stands in; empty for none.
    pub folder: String,
    /// The groups it is shared with; none for a list of one's own.
    pub roles: Vec<Ident>,
    /// What it shows.
    pub definition: ViewDef,
}

impl Wanted {
    /// What a list shows, under a name.
    pub fn of(name: &str, folder: &str, roles: Vec<Ident>, view: &View) -> Result<Self, AppError> {
        let id = Ident::new(ID).map_err(|error| AppError::Internal(error.to_string()))?;
        Ok(Self { name: name.trim().to_owned(), folder: folder.trim().to_owned(), roles, definition: ViewDef { labels: model::Labels::default(), ..view.written(id) } })
    }

    /// Reads a body; what it does not say stays as it is in `before`.
    pub fn from_json(body: Json, before: Option<&Listed>) -> Result<Self, AppError> {
        let wrong = |detail: String| AppError::malformed("bad_view", detail);
        let Json::Object(mut body) = body else { return Err(wrong("a list is a JSON object such as {\"name\": \"Mine\", \"columns\": [\"name\"]}".into())) };
        SHOWN.iter().for_each(|key| drop(body.remove(*key)));
        let mut text = |key: &str, old: Option<&str>| match body.remove(key) {
            None | Some(Json::Null) => Ok(old.unwrap_or_default().to_owned()),
            Some(Json::String(text)) => Ok(text.trim().to_owned()),
            Some(_) => Err(wrong(format!("`{key}` is a text"))),
        };
        let kept = before.and_then(|before| before.kept.as_ref());
        let (name, folder) = (text("name", kept.map(|kept| kept.name.as_str()))?, text("folder", kept.map(|kept| kept.folder.as_str()))?);
        let roles = match body.remove("roles") {
            None => kept.map(|kept| kept.roles.clone()).unwrap_or_default(),
            Some(roles) => serde_json::from_value(roles).map_err(|error| wrong(format!("`roles` is a list of groups' keys: {error}")))?,
        };
        if let Some(stray) = ABOUT.iter().find(|key| body.contains_key(**key)) {
            return Err(wrong(format!("`{stray}` means nothing here; the list is called by its `name`")));
        }
        let mut all = match before.map(|before| definition(&before.view)) {
            Some(Json::Object(before)) => before,
            _ => Map::new(),
        };
        // `null` takes a part away.
        all.extend(body);
        all.retain(|_, value| !value.is_null());
        all.insert("id".into(), ID.into());
        let definition = serde_json::from_value(Json::Object(all)).map_err(|error| wrong(error.to_string()))?;
        Ok(Self { name, folder, roles, definition })
    }

    /// As it is stored.
    pub(super) fn text(&self) -> String {
        serde_json::to_string(&self.definition).unwrap_or_default()
    }

    pub(super) fn role_names(&self) -> Vec<String> {
        let mut names: Vec<String> = self.roles.iter().map(ToString::to_string).collect();
        names.sort();
        names.dedup();
        names
    }
}

/// What a list shows, as JSON, without what is said about it.
pub(super) fn definition(view: &View) -> Json {
    let Ok(id) = Ident::new(ID) else { return Json::Null };
    let mut json = serde_json::to_value(view.written(id)).unwrap_or_default();
    if let Json::Object(map) = &mut json {
        ABOUT.iter().for_each(|key| drop(map.remove(*key)));
    }
    json
}
