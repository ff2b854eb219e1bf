//! Excel workbooks, cell by cell in the order of the file.

use std::{fs::File, io::BufReader};

use calamine::{DataRef, ExcelDateTime, Reader as _, SheetType, SheetVisible, Xlsx, XlsxError};

use crate::{Cell, Fault, FaultCode, Line, limits, numbers::{from_serial, number_text}, reader::{Head, Job, SheetName}, scan};

type Book = Xlsx<BufReader<File>>;

/// Reads a workbook; `emit` says whether it wants more.
pub fn read(file: File, job: &Job, head: &mut dyn FnMut(Head) -> Result<(), Fault>, emit: &mut dyn FnMut(Line) -> Result<bool, Fault>) -> Result<(), Fault> {
    let seen = scan::scan(file.try_clone()?)?;
    let mut book: Book = calamine::open_workbook_from_rs(BufReader::new(file)).map_err(fault)?;
    let sheets: Vec<SheetName> = book.sheets_metadata().iter().filter(|sheet| sheet.typ == SheetType::WorkSheet).map(|sheet| SheetName { name: sheet.name.clone(), hidden: sheet.visible != SheetVisible::Visible }).collect();
    let name = match job.sheet.as_deref().filter(|name| !name.is_empty()) {
        Some(name) if sheets.iter().any(|sheet| sheet.name == name) => name.to_owned(),
        Some(name) => return Err(Fault::with(FaultCode::NoSheet, name)),
        None => sheets.iter().find(|sheet| !sheet.hidden).or(sheets.first()).map(|sheet| sheet.name.clone()).ok_or(Fault::new(FaultCode::Empty))?,
    };
    head(Head { kind: "xlsx".into(), sheets, sheet: Some(name.clone()), ..Head::default() })?;
    let merges = if seen.merging { merges(&mut book, &name)? } else { Vec::new() };
    cells(&mut book, &name, Rows { merges, next: 0, open: Vec::new(), percent: Vec::new() }, emit)
}

/// The ranges whose cells are one, in order of their first row.
fn merges(book: &mut Book, name: &str) -> Result<Vec<calamine::Dimensions>, Fault> {
    let mut found = book.merge_cells_by_sheet_name(name).map_err(fault)?;
    found.truncate(limits::MERGES);
    found.retain(|range| range.start.1 < limits::COLUMNS);
    found.sort_by_key(|range| range.start);
    Ok(found)
}

/// Rows under way.
struct Rows {
    merges: Vec<calamine::Dimensions>,
    /// The first range whose rows are still to come.
    next: usize,
    /// Ranges that reach into the row at hand, with what stands in them.
    open: Vec<(calamine::Dimensions, Cell)>,
    /// Styles that show a percentage.
    percent: Vec<bool>,
}

fn cells(book: &mut Book, name: &str, mut rows: Rows, emit: &mut dyn FnMut(Line) -> Result<bool, Fault>) -> Result<(), Fault> {
    let mut reader = book.worksheet_cells_reader(name).map_err(fault)?;
    rows.percent = reader.styles().iter().map(|style| style.number_format.as_ref().is_some_and(|format| format.format_code.contains('%') || matches!(format.format_id, Some(9 | 10)))).collect();
    let mut line = Line { row: 0, cells: Vec::new() };
    while let Some((cell, style)) = reader.next_cell_with_style_id().map_err(fault)? {
        let (row, column) = cell.get_position();
        let number = row.saturating_add(1);
        let value = value(cell.get_value(), rows.percent.get(style).copied().unwrap_or(false), (row, column))?;
        if value.is_empty() {
            continue;
        }
        if column >= limits::COLUMNS {
            return Err(Fault::with(FaultCode::Columns, column_name(column)));
        }
        if number > limits::ROWS {
            return Err(Fault::with(FaultCode::Rows, limits::ROWS));
        }
        if number != line.row {
            if line.row > 0 && !emit(rows.filled(std::mem::replace(&mut line, Line { row: number, cells: Vec::new() })))? {
                return Ok(());
            }
            line.row = number;
        }
        let column = column as usize;
        if line.cells.len() <= column {
            line.cells.resize(column + 1, Cell::Empty);
        }
        line.cells[column] = value;
    }
    if line.row > 0 {
        emit(rows.filled(line))?;
    }
    Ok(())
}

impl Rows {
    /// What stands in the first cell of a merged range stands in all of its cells.
    fn filled(&mut self, mut line: Line) -> Line {
        let row = line.row - 1;
        self.open.retain(|(range, _)| range.end.0 >= row);
        while let Some(range) = self.merges.get(self.next).filter(|range| range.start.0 <= row) {
            if range.start.0 == row {
                let first = line.cell(range.start.1 as usize).clone();
                self.open.push((*range, first));
            }
            self.next += 1;
        }
        for (range, first) in self.open.iter().filter(|(_, first)| !first.is_empty()) {
            let last = range.end.1.min(limits::COLUMNS - 1) as usize;
            if line.cells.len() <= last {
                line.cells.resize(last + 1, Cell::Empty);
            }
            line.cells[range.start.1 as usize..=last].fill(first.clone());
        }
        line
    }
}

fn value(found: &DataRef<'_>, percent: bool, at: (u32, u32)) -> Result<Cell, Fault> {
    let text = |text: &str| if text.len() > limits::CELL { Err(Fault::with(FaultCode::Long, format!("cell {}{}", column_name(at.1), at.0 + 1))) } else { Ok(Cell::Text(text.to_owned())) };
    Ok(match found {
        DataRef::Empty => Cell::Empty,
        DataRef::Int(number) if percent => Cell::Percent(*number as f64),
        // Beyond this, digits would be lost.
        DataRef::Int(number) if number.unsigned_abs() < 1 << 53 => Cell::Number(*number as f64),
        DataRef::Int(number) => Cell::Text(number.to_string()),
        DataRef::Float(number) if percent => Cell::Percent(*number),
        DataRef::Float(number) => Cell::Number(*number),
        DataRef::String(found) => text(found)?,
        DataRef::SharedString(found) => text(found)?,
        DataRef::Bool(flag) => Cell::Bool(*flag),
        DataRef::DateTime(at) => moment(at),
        DataRef::DateTimeIso(found) | DataRef::DurationIso(found) => text(found)?,
        DataRef::Error(error) => Cell::Fault(error.to_string()),
    })
}

fn moment(at: &ExcelDateTime) -> Cell {
    let number = at.as_f64();
    // A time of day is less than a day; beyond Excel's calendar a number is a number.
    if at.is_duration() || (0.0..1.0).contains(&number) {
        return Cell::Span((number * 86_400.0).round() as i64);
    }
    let (year, month, day, hour, minute, second, millis) = at.to_ymd_hms_milli();
    let found = chrono::NaiveDate::from_ymd_opt(i32::from(year), u32::from(month), u32::from(day)).and_then(|date| date.and_hms_milli_opt(u32::from(hour), u32::from(minute), u32::from(second), u32::from(millis)));
    found.or_else(|| from_serial(number)).map_or_else(|| Cell::Text(number_text(number)), Cell::Moment)
}

/// `A`, `XFD`.
pub fn column_name(column: u32) -> String {
    let (mut name, mut rest) = (String::new(), column + 1);
    while rest > 0 {
        let letter = (rest - 1) % 26;
        name.insert(0, char::from(b'A' + u8::try_from(letter).unwrap_or(0)));
        rest = (rest - 1) / 26;
    }
    name
}

fn fault(error: XlsxError) -> Fault {
    match error {
        XlsxError::Password => Fault::new(FaultCode::Password),
        XlsxError::Io(error) => error.into(),
        other => Fault::with(FaultCode::Broken, other),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn columns_have_letters() {
        let names: Vec<String> = [0, 25, 26, 701, 702, 16_383].map(super::column_name).to_vec();
        assert_eq!(names, ["A", "Z", "AA", "ZZ", "AAA", "XFD"]);
    }
}
