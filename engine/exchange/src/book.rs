//! Writing Excel workbooks: typed cells, outline levels, totals as formulas. Rows go to a temporary file as they come.

use std::io::{Seek, Write};

use rust_xlsxwriter::{Color, Format, FormatAlign, FormatBorder, Formula, Workbook, Worksheet, XlsxError};

use crate::{Cell, numbers::{number_text, serial}, workbook::column_name};

/// Most rows of a sheet; what is beyond goes on another.
const ROWS: u32 = 1_048_576;
/// Most characters of a cell.
const CHARACTERS: usize = 32_767;

/// Why a file could not be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The disk.
    #[error("the file could not be written: {0}")]
    Io(#[from] std::io::Error),
    /// A workbook that cannot be made.
    #[error("the workbook could not be made: {0}")]
    Book(#[from] XlsxError),
    /// A text file that cannot be made.
    #[error("the file could not be written: {0}")]
    Text(#[from] csv::Error),
}

/// How the cells of a column are written.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub enum Shape { Text, Whole, Number { scale: u8 }, Money { scale: u8, sign: String }, Percent { scale: u8 }, Day, Moment, Time, Span, Flag }

/// What stands beneath a column. The numbers are those that SUBTOTAL knows them by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Total { Average = 1, Count = 3, Max = 4, Min = 5, Sum = 9 }

/// A column.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// Its heading.
    pub label: String,
    /// How its cells are written.
    pub shape: Shape,
    /// Its width in characters.
    pub width: f64,
    /// What stands beneath it.
    pub total: Option<Total>,
}

/// The number format of a column.
fn pattern(shape: &Shape) -> String {
    let digits = |scale: u8| if scale == 0 { String::new() } else { format!(".{}", "0".repeat(usize::from(scale))) };
    match shape {
        Shape::Text | Shape::Flag => "General".into(),
        Shape::Whole => "#,##0".into(),
        Shape::Number { scale } => format!("#,##0{}", digits(*scale)),
        Shape::Money { scale, sign } if sign.is_empty() => format!("#,##0{}", digits(*scale)),
        Shape::Money { scale, sign } => format!("\"{}\"#,##0{}", sign.replace('"', ""), digits(*scale)),
        Shape::Percent { scale } => format!("0{}%", digits(*scale)),
        Shape::Day => "yyyy-mm-dd".into(),
        Shape::Moment => "yyyy-mm-dd hh:mm:ss".into(),
        Shape::Time => "hh:mm:ss".into(),
        Shape::Span => "[h]:mm:ss".into(),
    }
}

/// What was seen of the rows of a group.
#[derive(Debug, Clone)]
struct Group {
    first: u32,
    figures: Vec<Figure>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Figure {
    sum: f64,
    count: u32,
    min: Option<f64>,
    max: Option<f64>,
}

impl Figure {
    fn add(&mut self, cell: &Cell) {
        if !cell.is_empty() {
            self.count += 1;
        }
        let number = match cell {
            Cell::Number(number) | Cell::Percent(number) => *number,
            Cell::Moment(at) => serial(*at),
            Cell::Span(seconds) => *seconds as f64 / 86_400.0,
            _ => return,
        };
        self.sum += number;
        self.min = Some(self.min.map_or(number, |min| min.min(number)));
        self.max = Some(self.max.map_or(number, |max| max.max(number)));
    }

    fn result(&self, total: Total) -> f64 {
        match total {
            Total::Sum => self.sum,
            Total::Count => f64::from(self.count),
            Total::Average => if self.count == 0 { 0.0 } else { self.sum / f64::from(self.count) },
            Total::Min => self.min.unwrap_or_default(),
            Total::Max => self.max.unwrap_or_default(),
        }
    }
}

/// A workbook under way.
pub struct Book {
    book: Workbook,
    sheet: usize,
    title: String,
    columns: Vec<Column>,
    formats: Vec<Format>,
    bold: Vec<Format>,
    head: Format,
    row: u32,
    all: Group,
    open: Vec<Group>,
}

impl Book {
    /// Begins with the labels in a row that stays in sight.
    pub fn new(title: &str, columns: Vec<Column>) -> Result<Self, WriteError> {
        let format = |column: &Column| Format::new().set_num_format(pattern(&column.shape)).set_align(FormatAlign::Top);
        let formats: Vec<Format> = columns.iter().map(format).collect();
        let bold = columns.iter().map(|column| format(column).set_bold().set_border_top(FormatBorder::Thin)).collect();
        let head = Format::new().set_bold().set_background_color(Color::RGB(0xEE_F1_F6)).set_border_bottom(FormatBorder::Thin).set_align(FormatAlign::Top);
        let group = Group { first: 1, figures: vec![Figure::default(); columns.len()] };
        let mut made = Self { book: Workbook::new(), sheet: 0, title: name_of_sheet(title), columns, formats, bold, head, row: 0, all: group, open: Vec::new() };
        made.add_sheet()?;
        Ok(made)
    }

    fn add_sheet(&mut self) -> Result<(), WriteError> {
        let name = if self.sheet == 0 { self.title.clone() } else { format!("{} {}", self.title.chars().take(27).collect::<String>(), self.sheet + 1) };
        let sheet = self.book.add_worksheet_with_constant_memory();
        let sheet = sheet?;
        sheet.set_name(&name)?;
        sheet.set_freeze_panes(1, 0)?;
        for (index, (column, format)) in (0_u16..).zip(self.columns.iter().zip(&self.formats)) {
            sheet.set_column_width(index, column.width)?;
            // Cells take what their column has: a format of their own would be looked up for each.
            sheet.set_column_format(index, format)?;
        }
        for (index, column) in (0_u16..).zip(&self.columns) {
            sheet.write_string_with_format(0, index, &column.label, &self.head)?;
        }
        self.row = 1;
        Ok(())
    }

    fn level(&mut self, level: usize) -> Result<(), WriteError> {
        let row = self.row;
        let sheet = self.book.worksheet_from_index(self.sheet)?;
        for _ in 0..level {
            sheet.group_rows(row, row)?;
        }
        Ok(())
    }

    /// A row.
    pub fn row(&mut self, cells: &[Cell]) -> Result<(), WriteError> {
        if self.row >= ROWS - 2 {
            self.end_sheet()?;
            self.sheet += 1;
            self.add_sheet()?;
        }
        if !self.open.is_empty() {
            self.level(self.open.len())?;
        }
        let sheet = self.book.worksheet_from_index(self.sheet)?;
        for (index, cell) in (0_u16..).zip(cells) {
            write(sheet, self.row, index, cell)?;
        }
        for (index, column) in self.columns.iter().enumerate().filter(|(_, column)| column.total.is_some()) {
            let _ = column;
            let cell = cells.get(index).unwrap_or(&Cell::Empty);
            self.all.figures[index].add(cell);
            self.open.iter_mut().for_each(|group| group.figures[index].add(cell));
        }
        self.row += 1;
        Ok(())
    }

    /// Begins a group inside of those that are open.
    pub fn open(&mut self) {
        self.open.push(Group { first: self.row, figures: vec![Figure::default(); self.columns.len()] });
    }

    /// Ends the innermost group: its name, and its totals as formulas over its rows.
    pub fn close(&mut self, label: &str) -> Result<(), WriteError> {
        let Some(group) = self.open.pop() else { return Ok(()) };
        self.level(self.open.len())?;
        self.totals(label, &group)
    }

    fn totals(&mut self, label: &str, group: &Group) -> Result<(), WriteError> {
        let (row, last) = (self.row, self.row);
        let sheet = self.book.worksheet_from_index(self.sheet)?;
        sheet.write_string_with_format(row, 0, clipped(label), &self.bold[0])?;
        for (index, column) in self.columns.iter().enumerate().skip(1) {
            let Some(total) = column.total else {
                sheet.write_blank(row, index as u16, &self.bold[index])?;
                continue;
            };
            let name = column_name(index as u32);
            let formula = Formula::new(format!("=SUBTOTAL({},{name}{}:{name}{last})", total as u8, group.first + 1)).set_result(number_text(group.figures[index].result(total)));
            sheet.write_formula_with_format(row, index as u16, formula, &self.bold[index])?;
        }
        self.row += 1;
        Ok(())
    }

    /// Ends the sheet: what can be filtered, and totals over all of it.
    fn end_sheet(&mut self) -> Result<(), WriteError> {
        let last = self.row.saturating_sub(1);
        if !self.columns.is_empty() {
            let width = (self.columns.len() - 1) as u16;
            self.book.worksheet_from_index(self.sheet)?.autofilter(0, 0, last, width)?;
        }
        if self.columns.iter().skip(1).any(|column| column.total.is_some()) && last > 0 {
            let fresh = Group { first: 1, figures: vec![Figure::default(); self.columns.len()] };
            let all = std::mem::replace(&mut self.all, fresh);
            self.totals("Σ", &all)?;
        }
        Ok(())
    }

    /// Ends the workbook.
    pub fn finish(mut self, to: impl Write + Seek + Send) -> Result<(), WriteError> {
        self.end_sheet()?;
        Ok(self.book.save_to_writer(to)?)
    }
}

fn write(sheet: &mut Worksheet, row: u32, column: u16, cell: &Cell) -> Result<(), WriteError> {
    match cell {
        Cell::Empty => {}
        Cell::Text(text) | Cell::Fault(text) => {
            sheet.write_string(row, column, clipped(text))?;
        }
        Cell::Number(number) | Cell::Percent(number) => {
            sheet.write_number(row, column, *number)?;
        }
        Cell::Bool(flag) => {
            sheet.write_boolean(row, column, *flag)?;
        }
        Cell::Moment(at) => {
            sheet.write_number(row, column, serial(*at))?;
        }
        Cell::Span(seconds) => {
            sheet.write_number(row, column, *seconds as f64 / 86_400.0)?;
        }
    }
    Ok(())
}

/// As much of a text as Excel keeps in a cell.
fn clipped(text: &str) -> &str {
    // Excel counts in UTF-16, of which no text has more than bytes.
    if text.len() <= CHARACTERS {
        return text;
    }
    let mut units = 0;
    let end = text.char_indices().find(|(_, c)| {
        units += c.len_utf16();
        units > CHARACTERS
    });
    end.map_or(text, |(index, _)| &text[..index])
}

/// A name that Excel takes for a sheet.
fn name_of_sheet(title: &str) -> String {
    let name: String = title.chars().filter(|c| !"[]:*?/\\'".contains(*c) && !c.is_control()).take(31).collect();
    if name.trim().is_empty() { "Sheet1".into() } else { name.trim().to_owned() }
}
