//! Lists as files: the records that a list shows, in its columns and order, as a workbook or as CSV.
//!
//! **Invariants**
//! - The same gate as every list, and the right to export beside it: of records and fields that either withholds,
//!   nothing is written.
//! - One consistent state of the database, one page in memory at a time.
//! - Every export leaves a line in the audit.
//!
//! **Not here:** how files are written (`exchange`), which columns a page shows (`web`).

mod cells;
mod columns;
mod groups;

use std::{fs::File, sync::Arc};

use access::{Actor, GatedQuery, Readable};
use chrono::Utc;
use exchange::{book::{Book, WriteError}, text::Text};
use form::Locale;
use model::{ActionName, Card, Condition};
use query::{CheckedQuery, ListRequest};
use sql::system_imports;
use store::Tx;
use tokio::sync::mpsc;

use crate::{App, AppError, Snapshot, Source, UnitError, lists};
use columns::Columns;
pub use columns::locale_of;
use groups::Grouping;

/// Records read at a time.
const PAGE: u32 = 2_000;

/// What kind of file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// An Excel workbook.
    Xlsx,
    /// Separated values.
    Csv {
        /// With the mark by which Excel knows UTF-8.
        mark: bool,
    },
}

impl Format {
    /// The format of that name.
    pub fn read(name: &str) -> Result<Self, AppError> {
        match name {
            "xlsx" => Ok(Self::Xlsx),
            "csv" => Ok(Self::Csv { mark: true }),
            other => Err(AppError::malformed("bad_format", format!("`{other}` is no format of an export; xlsx and csv are"))),
        }
    }
    /// The ending of its files.
    pub fn ending(self) -> &'static str {
        match self {
            Self::Xlsx => "xlsx",
            Self::Csv { .. } => "csv",
        }
    }
    /// Its media type.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            Self::Csv { .. } => "text/csv; charset=utf-8",
        }
    }
}

/// An export asked for.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The list; without fields, everything that may be read.
    pub list: ListRequest,
    /// What kind of file.
    pub format: Format,
    /// Widths of columns in pixels, where the list has its own.
    pub widths: Vec<(String, u16)>,
}

/// A page of rows on its way to the file.
enum Piece {
    Open,
    Row(Vec<exchange::Cell>),
    Close(String),
}

/// Writes a list to a file; how many records.
pub async fn export(app: &App, snapshot: &Arc<Snapshot>, actor: &Actor, card: &str, asked: &Asked, locale: &Locale, into: File) -> Result<u64, AppError> {
    let card = snapshot.card(card)?.clone();
    let (gated, columns, grouping) = ask(snapshot, actor, &card, asked)?;
    let written = columns.written(snapshot, asked, locale);
    let (send, mut receive) = mpsc::channel::<Vec<Piece>>(4);
    let (title, format, lang, point) = (card.plurals.or_key(&locale.lang, card.key.as_str()), asked.format, locale.lang.clone(), locale.point);
    let writer = tokio::task::spawn_blocking(move || match format {
        Format::Xlsx => {
            let mut book = Book::new(&title, written)?;
            while let Some(pieces) = receive.blocking_recv() {
                for piece in pieces {
                    match piece {
                        Piece::Open => book.open(),
                        Piece::Row(cells) => book.row(&cells)?,
                        Piece::Close(label) => book.close(&label)?,
                    }
                }
            }
            book.finish(std::io::BufWriter::new(into))
        }
        Format::Csv { mark } => {
            let words = [true, false].map(|flag| form::format::yes_no(flag, &lang).to_owned());
            let mut text = Text::new(std::io::BufWriter::new(into), written, mark, words, point)?;
            while let Some(pieces) = receive.blocking_recv() {
                for piece in pieces {
                    if let Piece::Row(cells) = piece {
                        text.row(&cells)?;
                    }
                }
            }
            text.finish()
        }
    });
    let work = Arc::new(Reading { snapshot: snapshot.clone(), actor: actor.clone(), locale: locale.clone(), gated, columns, grouping: if format == Format::Xlsx { grouping } else { Grouping::default() } });
    let read = app.store.look(move |tx: &mut Tx| {
        let (work, send) = (work.clone(), send.clone());
        Box::pin(async move { work.run(tx, &send).await })
    });
    let read = read.await.map_err(|error: UnitError| error.error);
    // The writer ends when nobody sends any more; its own error says more than that it stopped listening.
    let wrote = writer.await.map_err(|error| AppError::Internal(error.to_string()))?;
    wrote.map_err(unwritten)?;
    let count = read?;
    let about = serde_json::json!({"records": count, "format": asked.format.ending(), "filter": asked.list.filter, "q": asked.list.q}).to_string();
    crate::run(&app.store, vec![system_imports::exported(app.store.dialect(), actor.user, card.key.as_str(), &about, Utc::now())]).await?;
    Ok(count)
}

fn unwritten(error: WriteError) -> AppError {
    match error {
        WriteError::Io(error) => AppError::Unavailable { detail: error.to_string() },
        other => AppError::Internal(other.to_string()),
    }
}

/// The question with both gates before it, and what becomes columns and groups of it.
fn ask(snapshot: &Arc<Snapshot>, actor: &Actor, card: &Arc<Card>, asked: &Asked) -> Result<(GatedQuery, Columns, Grouping), AppError> {
    let catalog = &snapshot.catalog;
    let reading = access::gate(catalog, actor, card, ActionName::Read)?;
    let exporting = access::gate(catalog, actor, card, ActionName::Export)?;
    let mut rows = exporting.rows();
    let mut may = |child: Option<&model::Ident>, field: &model::Ident| match (reading.shown(child, field).is_hidden(), exporting.readable(child, field)) {
        (true, _) | (_, Readable::Never) => false,
        (false, Readable::Always) => true,
        (false, Readable::When(condition)) => {
            rows = rows.clone().and(condition);
            true
        }
    };
    let (request, columns, grouping) = columns::of(catalog, card, asked, &mut may)?;
    let readable = |field: &model::Field| reading.readable(None, &field.key) != Readable::Never;
    let mut checked: CheckedQuery = query::check(catalog, card, &request, &lists::ActorBinder(actor, catalog), &readable)?;
    if rows != Condition::always() {
        checked.filter = checked.filter.and(rows);
    }
    Ok((access::gate_query(catalog, actor, checked)?, columns, grouping))
}

struct Reading {
    snapshot: Arc<Snapshot>,
    actor: Actor,
    locale: Locale,
    gated: GatedQuery,
    columns: Columns,
    grouping: Grouping,
}

impl Reading {
    async fn run(&self, tx: &mut Tx, send: &mpsc::Sender<Vec<Piece>>) -> Result<u64, UnitError> {
        let (mut count, mut after, mut open) = (0_u64, None, Vec::<String>::new());
        loop {
            let gated = self.gated.clone().page(after.take(), PAGE);
            let page = lists::page_from(&mut Source::Tx(tx), &self.snapshot, &self.actor, &gated, &self.locale).await?;
            let mut pieces = Vec::with_capacity(page.items.len());
            let places = self.columns.places(&page);
            for item in &page.items {
                let labels = self.grouping.labels(&self.snapshot, &page, item, &self.locale);
                self.grouping.step(&mut open, labels, &mut pieces);
                pieces.extend(places.rows(&self.snapshot, &page, item, &self.locale).into_iter().map(Piece::Row));
            }
            count += page.items.len() as u64;
            let next = page.next.as_deref();
            after = next.map(|next| query::cursor::decode(&self.snapshot.catalog, &gated.query().card, &gated.query().sort, next)).transpose().map_err(AppError::from)?;
            let more = after.is_some();
            if !more {
                self.grouping.step(&mut open, Vec::new(), &mut pieces);
            }
            if send.send(pieces).await.is_err() || !more {
                return Ok(count);
            }
        }
    }
}

/// A list as parameters of an address say it.
pub fn list_of(pairs: &[(String, String)]) -> Result<ListRequest, AppError> {
    Ok(ListRequest::from_url(pairs)?)
}

/// A name for the file: the card's, and the day.
pub fn file_name(card: &Card, actor: &Actor, lang: &str, format: Format) -> String {
    format!("{} {}.{}", card.plurals.or_key(lang, card.key.as_str()), actor.today(), format.ending())
}

/// A file nobody else knows of, that is gone when it is closed.
pub async fn scratch() -> Result<File, AppError> {
    let made = tokio::task::spawn_blocking(tempfile::tempfile).await.map_err(|error| AppError::Internal(error.to_string()))?;
    made.map_err(|error| AppError::Unavailable { detail: error.to_string() })
}
