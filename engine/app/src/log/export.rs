//! The log as a text file. That it was taken is a line of it, too.

use std::{fs::File, io::BufWriter};

use access::Actor;
use exchange::{Cell, book::{Column, Shape}, text::Text};

use super::{Asked, Event, MAX_EXPORTED, Shown, list};
use crate::{App, AppError, accounts::Confirmed, log};

/// Writes lines to a file: how many. The first row names the columns.
pub async fn export(app: &App, by: &Confirmed, actor: &Actor, asked: &Asked, into: File) -> Result<usize, AppError> {
    by.administering()?;
    let lines = list(app, actor, asked, MAX_EXPORTED).await?;
    let count = lines.len();
    log::note(app, by.entry(Event::LogExported).about("log", asked.log.word()).about("lines", count)).await?;
    let written = tokio::task::spawn_blocking(move || {
        let column = |label: &str| Column { label: label.into(), shape: Shape::Text, width: 20.0, total: None };
        let columns = ["seq", "at", "event", "actor", "subject", "address", "agent", "about"].map(column).into();
        let mut text = Text::new(BufWriter::new(into), columns, true, [String::new(), String::new()], '.')?;
        lines.iter().try_for_each(|line| text.row(&cells(line)))?;
        text.finish()
    });
    written.await.map_err(|error| AppError::Internal(error.to_string()))?.map_err(|error: exchange::book::WriteError| AppError::Unavailable { detail: error.to_string() })?;
    Ok(count)
}

fn cells(line: &Shown) -> [Cell; 8] {
    let text = |text: &str| Cell::Text(text.to_owned());
    let name = |who: &Option<(uuid::Uuid, String)>| who.as_ref().map_or(Cell::Empty, |(id, name)| if name.is_empty() { text(&id.to_string()) } else { text(name) });
    let maybe = |value: &Option<String>| value.as_deref().map_or(Cell::Empty, text);
    let about = if line.about.is_empty() { Cell::Empty } else { text(&serde_json::Value::Object(line.about.clone()).to_string()) };
    [text(&line.seq.to_string()), text(&line.at.to_rfc3339()), text(&line.word), name(&line.actor), name(&line.subject), maybe(&line.address), maybe(&line.agent), about]
}
