//! Columns as somebody likes them: which, how wide, how many stay in sight. Kept for each person and view, under the
//! preference `list.CARD.VIEW`; an address that names columns goes before it.

use app::{AppError, accounts};
use axum::{
    extract::{Path as UrlPath, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use model::{Catalog, Path, TableRef, View, path};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

use super::Reader;
use crate::{Site, extract::Form};

/// Narrowest and widest column, in CSS pixels.
const WIDTHS: std::ops::RangeInclusive<u16> = 48..=900;
/// Most that is kept of one list.
const MAX_KEPT: usize = 8_000;

/// What somebody keeps of one list.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Kept {
    /// The columns; the view's own when empty.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cols: Vec<String>,
    /// Widths by column.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub widths: BTreeMap<String, u16>,
    /// How many columns from the left stay in sight; the first always does.
    #[serde(skip_serializing_if = "is_one")]
    pub pinned: usize,
}

fn is_one(count: &usize) -> bool {
    *count <= 1
}

fn key(card: &str, view: &str) -> String {
    format!("list.{card}.{view}")
}

impl Kept {
    /// What a reader keeps of a list; nothing, if what is kept cannot be read any more.
    pub fn of(reader: &Reader, card: &str, view: &str) -> Self {
        let text = reader.asker.actor.preferences.get(&key(card, view));
        text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
    }

    /// A list with the columns and widths somebody likes.
    pub fn over(&self, catalog: &Catalog, table: &TableRef, list: View) -> View {
        let width = |path: &Path, own: Option<u16>| self.widths.get(&path.to_string()).copied().or(own);
        let own = |path: &Path| list.columns.iter().find(|(known, _)| known == path).and_then(|(_, width)| *width);
        let named: Vec<(Path, Option<u16>)> = self.cols.iter().filter_map(|name| path::resolve(catalog, table, name).ok()).map(|path| { let own = own(&path); (path, own) }).collect();
        let named = match (named.is_empty(), list.columns.is_empty()) {
            (false, _) => named,
            (true, false) => list.columns.clone(),
            (true, true) if self.widths.is_empty() => Vec::new(),
            (true, true) => model::build::default_columns(catalog, table, None).into_iter().map(|path| (path, None)).collect(),
        };
        View { columns: named.into_iter().map(|(path, own)| { let wide = width(&path, own); (path, wide) }).collect(), ..list }
    }
}

/// `POST /c/{card}/layout` with `view` and what changes: `cols` (names with commas), `widths` (JSON), `pinned`; or
/// `kept`, all of it as it was before.
pub async fn keep(State(site): State<Site>, UrlPath(card): UrlPath<String>, reader: Reader, Form(fields): Form<Vec<(String, String)>>) -> Response {
    let answer = async {
        app::lists::may_see(&reader.asker.snapshot, &reader.asker.actor, &card)?;
        let user = reader.asker.actor.user.ok_or(AppError::Unauthenticated)?;
        let view = fields.iter().find(|(name, _)| name == "view").map(|(_, view)| view.as_str()).unwrap_or_default();
        let before = Kept::of(&reader, &card, view);
        let mut kept = before.clone();
        for (name, value) in &fields {
            match name.as_str() {
                "cols" => kept.cols = value.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect(),
                "widths" => kept.widths.extend(serde_json::from_str::<BTreeMap<String, u16>>(value).map_err(|error| AppError::malformed("bad_body", error.to_string()))?),
                "pinned" => kept.pinned = value.parse().unwrap_or(1),
                "kept" => kept = serde_json::from_str(value).map_err(|error| AppError::malformed("bad_body", error.to_string()))?,
                _ => {}
            }
        }
        kept.widths.values_mut().for_each(|width| *width = (*width).clamp(*WIDTHS.start(), *WIDTHS.end()));
        let text = serde_json::to_string(&kept).map_err(|error| AppError::Internal(error.to_string()))?;
        if text.len() > MAX_KEPT {
            return Err(AppError::malformed("bad_body", "that is too much to keep for one list"));
        }
        accounts::put_preference(&site.app, user, &key(&card, view), &text).await?;
        Ok(before)
    };
    match answer.await {
        Ok(before) => (StatusCode::OK, axum::Json(before)).into_response(),
        Err(error) => crate::problem::Problem { error, lang: reader.asker.actor.lang.clone() }.into_response(),
    }
}
