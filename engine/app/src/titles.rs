//! How records are called: one statement for each card pointed to, never one for each record.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use access::{Actor, LinkTitle, tables};
use form::{Locale, format};
use model::{Catalog, Ident, TableRef, TitlePart, Value};
use sql::select;
use uuid::Uuid;

use crate::{AppError, Source};

/// Titles by record. A record that the actor may not see has none.
pub type Titles = HashMap<Uuid, String>;

/// Ids wanted, by card.
pub type Wanted = BTreeMap<Ident, BTreeSet<Uuid>>;

/// Most ids asked for in one statement.
const CHUNK: usize = 500;

/// The titles of records that the actor may see. Names of people come from memory where they were read before.
pub async fn fetch(source: &mut Source<'_>, catalog: &Catalog, actor: &Actor, wanted: &Wanted, locale: &Locale) -> Result<Titles, AppError> {
    let mut titles = Titles::new();
    for (key, ids) in wanted {
        let Some(card) = catalog.card(key) else { continue };
        let paths: Vec<_> = card.title.paths().cloned().collect();
        // A title names fields that the reader may not see: then those parts are left out.
        let Ok(tables) = tables(catalog, actor, std::slice::from_ref(key), &[]).map(|tables| paths.iter().fold(tables, |tables, path| with_path(tables, catalog, actor, path))) else { continue };
        let mut ids: Vec<Uuid> = ids.iter().copied().collect();
        let people = *key == model::USER_CARD && tables.rows(key).is_always();
        let remembered = match source {
            Source::App(app) if people => app.remembered.names(actor, &ids).map(|(counts, names)| (*app, counts, names)),
            Source::App(_) | Source::Tx(_) => None,
        };
        let keep = remembered.map(|(app, counts, names)| {
            titles.extend(names);
            ids.retain(|id| !titles.contains_key(id));
            (app, counts)
        });
        for chunk in ids.chunks(CHUNK) {
            let lowered = select::by_ids(catalog, source.dialect(), &tables, &TableRef::card(key), chunk, &paths, true);
            for row in source.fetch(&lowered.statement).await? {
                let mut values = lowered.decode(row).into_iter();
                let Some(Value::Id(id)) = values.next() else { continue };
                let title = text(catalog, card, &values.collect::<Vec<_>>(), locale);
                if let Some((app, counts)) = keep {
                    app.remembered.put_name(counts, id, title.clone());
                }
                titles.insert(id, title);
            }
        }
    }
    Ok(titles)
}

/// Titles that came along with a row: of each link the id, then what its title is made of.
pub(crate) fn read_along(catalog: &Catalog, links: &[LinkTitle], row: &[Value], values: impl Iterator<Item = Value>, locale: &Locale, titles: &mut Titles) {
    let mut values = values;
    for link in links {
        let (id, parts) = (values.next(), values.by_ref().take(link.parts.len()).collect::<Vec<_>>());
        let (Some(Value::Id(id)), Some(card)) = (id, catalog.card(&link.id.end.card)) else { continue };
        if row.get(link.column).and_then(Value::as_id) == Some(id) {
            titles.insert(id, text(catalog, card, &parts, locale));
        }
    }
}

fn with_path(tables: access::Tables, catalog: &Catalog, actor: &Actor, path: &model::Path) -> access::Tables {
    match access::tables(catalog, actor, &[], std::slice::from_ref(path)) {
        Ok(more) => tables.and(more),
        Err(_) => tables,
    }
}

/// A record's title from the values of its title's paths.
pub fn text(catalog: &Catalog, card: &model::Card, values: &[Value], locale: &Locale) -> String {
    let mut values = values.iter();
    let mut text = String::new();
    for part in &card.title.0 {
        match part {
            TitlePart::Words(words) => text.push_str(words),
            TitlePart::Path(path) => {
                let (Some(value), Some(field)) = (values.next(), path.field(catalog)) else { continue };
                text.push_str(&format::text(&model::resolve::kind_of(path, field), value, locale));
            }
        }
    }
    let text = text.trim();
    if text.is_empty() { card.labels.or_key(&locale.lang, card.key.as_str()) } else { text.to_owned() }
}
