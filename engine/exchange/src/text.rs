//! Writing CSV.

use std::{borrow::Cow, io::Write};

use crate::{Cell, book::{Column, Shape, WriteError}, numbers::number_text};

/// A text that begins with one of these is taken for a formula by some programs.
pub const GUARDED: &[char] = &['=', '+', '-', '@', '\t', '\r'];

/// A text that no program takes for a formula.
pub fn guarded(text: &str) -> Cow<'_, str> {
    if text.starts_with(GUARDED) { Cow::Owned(format!("'{text}")) } else { Cow::Borrowed(text) }
}

/// A text file under way.
pub struct Text<W: Write> {
    out: csv::Writer<W>,
    columns: Vec<Column>,
    words: [String; 2],
    point: char,
}

impl<W: Write> Text<W> {
    /// Begins with the labels. `mark` puts the mark in front by which Excel knows UTF-8; `words` are those for yes
    /// and no, `point` stands before decimals.
    pub fn new(mut to: W, columns: Vec<Column>, mark: bool, words: [String; 2], point: char) -> Result<Self, WriteError> {
        if mark {
            to.write_all("\u{feff}".as_bytes())?;
        }
        let mut out = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(to);
        out.write_record(columns.iter().map(|column| guarded(&column.label).into_owned()))?;
        Ok(Self { out, columns, words, point })
    }

    /// A row.
    pub fn row(&mut self, cells: &[Cell]) -> Result<(), WriteError> {
        for (column, cell) in self.columns.iter().zip(cells) {
            let text = match cell {
                Cell::Text(text) => guarded(text),
                Cell::Bool(flag) => Cow::Borrowed(self.words[usize::from(!*flag)].as_str()),
                Cell::Number(number) => Cow::Owned(self.pointed(match column.shape {
                    Shape::Number { scale } | Shape::Money { scale, .. } => format!("{number:.*}", usize::from(scale)),
                    _ => number_text(*number),
                })),
                Cell::Percent(number) => Cow::Owned(self.pointed(match column.shape {
                    Shape::Percent { scale } => format!("{:.*}%", usize::from(scale), number * 100.0),
                    _ => cell.text(),
                })),
                Cell::Moment(at) if column.shape == Shape::Moment => Cow::Owned(at.format("%Y-%m-%d %H:%M:%S%.f").to_string()),
                other => Cow::Owned(other.text()),
            };
            self.out.write_field(text.as_bytes())?;
        }
        Ok(self.out.write_record(None::<&[u8]>)?)
    }

    fn pointed(&self, text: String) -> String {
        if self.point == '.' { text } else { text.replace('.', &self.point.to_string()) }
    }

    /// Ends the file.
    pub fn finish(mut self) -> Result<(), WriteError> {
        Ok(self.out.flush()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_a_formula_and_everything_comes_back() {
        let column = |label: &str, shape| Column { label: label.into(), shape, width: 10.0, total: None };
        let mut out = Vec::new();
        let mut text = Text::new(&mut out, vec![column("=A", Shape::Text), column("b", Shape::Number { scale: 2 }), column("c", Shape::Flag)], true, ["Yes".into(), "No".into()], '.').expect("a file");
        text.row(&[Cell::Text("=cmd|' /C calc'!A0".into()), Cell::Number(-1.5), Cell::Bool(false)]).expect("a row");
        text.row(&[Cell::Text("a \"b\", c\nd".into()), Cell::Empty, Cell::Empty]).expect("a row");
        text.finish().expect("an end");
        assert_eq!(String::from_utf8(out).expect("text"), "\u{feff}'=A,b,c\r\n'=cmd|' /C calc'!A0,-1.50,No\r\n\"a \"\"b\"\", c\nd\",,\r\n");
    }
}
