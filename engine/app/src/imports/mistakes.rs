//! Rows that did not become records, as a workbook to correct and send again: the columns of the file, and why.

use std::{collections::BTreeMap, fs::File};

use exchange::{Cell, book::{Book, Column, Shape}};

use super::{CellError, Import, State, errors, gather::lines, job_of, look, settings::Settings, unreadable};
use crate::{App, AppError};

/// Rows of mistakes read at a time.
const EACH: u32 = 1_000;

/// Writes the rows with mistakes to a file. `heading` is that of the column that says what is wrong.
pub async fn mistakes(app: &App, import: &Import, heading: &str, into: File) -> Result<(), AppError> {
    if import.state == State::Done && import.failed == 0 {
        // Nothing was wrong, and nothing of the file is kept.
        return Err(AppError::not_found("file"));
    }
    let settings = import.settings.clone().unwrap_or_default();
    let looked = look(app, import.id, &settings, 1).await?;
    let found = all(app, import).await?;
    // A record is corrected whole: all of its rows go along with the one that is wrong.
    let heads: Vec<u32> = found.keys().copied().collect();
    let mut receive = lines(job_of(app, import.id, &settings, None), looked.header);
    let column = |label: &str, width| Column { label: label.to_owned(), shape: Shape::Text, width, total: None };
    let columns: Vec<Column> = looked.headings.iter().map(|label| column(label, 20.0)).chain([column(heading, 60.0)]).collect();
    let width = looked.headings.len();
    let mut book = Book::new(heading, columns).map_err(|error| AppError::Internal(error.to_string()))?;
    let mut wrong: BTreeMap<u32, Vec<String>> = BTreeMap::new();
    for error in found.into_values().flatten() {
        let name = error.column.and_then(|column| looked.headings.get(column)).filter(|name| !name.is_empty());
        wrong.entry(error.row).or_default().push(name.map_or(error.message.clone(), |name| format!("{name}: {}", error.message)));
    }
    let rows_of = rows_of(&settings, &looked.headings);
    let mut going_on = false;
    while let Some(batch) = receive.recv().await {
        for line in batch.map_err(|fault| unreadable(&fault))? {
            let begins = heads.binary_search(&line.row).is_ok();
            going_on = begins || wrong.contains_key(&line.row) || going_on && rows_of.iter().all(|index| line.cell(*index).is_empty());
            if !going_on {
                continue;
            }
            let mut cells: Vec<Cell> = (0..width).map(|index| plain(line.cell(index))).collect();
            cells.push(wrong.get(&line.row).map_or(Cell::Empty, |messages| Cell::Text(messages.join("\n"))));
            book.row(&cells).map_err(|error| AppError::Internal(error.to_string()))?;
        }
    }
    tokio::task::spawn_blocking(move || book.finish(std::io::BufWriter::new(into))).await.map_err(|error| AppError::Internal(error.to_string()))?.map_err(|error| AppError::Internal(error.to_string()))
}

/// A cell as text where a bare number would not say what it is.
fn plain(cell: &Cell) -> Cell {
    match cell {
        Cell::Moment(_) | Cell::Percent(_) | Cell::Span(_) => Cell::Text(cell.text()),
        other => other.clone(),
    }
}

/// The columns of a record itself, where its children have columns too: where they are empty, a line goes on with it.
fn rows_of(settings: &Settings, headings: &[String]) -> Vec<usize> {
    let place = |mapped: &super::Mapped| match &mapped.column {
        super::ColumnName::Number(number) => number.checked_sub(1),
        super::ColumnName::Heading(heading) => headings.iter().position(|known| known == heading),
    };
    let own: Vec<usize> = settings.columns.iter().filter(|mapped| !mapped.field.contains('.')).filter_map(place).collect();
    if own.is_empty() { (0..headings.len()).collect() } else { own }
}

/// What is wrong, under the first row of each record.
async fn all(app: &App, import: &Import) -> Result<BTreeMap<u32, Vec<CellError>>, AppError> {
    let mut found = BTreeMap::new();
    let mut beyond = 0;
    loop {
        let rows = errors(app, import, beyond, EACH).await?;
        let Some((last, _)) = rows.last() else { return Ok(found) };
        beyond = *last;
        found.extend(rows.into_iter().filter_map(|(row, errors)| Some((u32::try_from(row).ok()?, errors))));
    }
}
