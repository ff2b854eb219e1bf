//! A cell as a file says it, before anybody knows which field it is for.

use chrono::NaiveDateTime;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

use crate::numbers::number_text;

/// The content of a cell.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Cell {
    /// Nothing.
    #[default]
    Empty,
    /// Text; every cell of a text file.
    Text(String),
    /// A number.
    Number(f64),
    /// A number that is shown as a percentage: 0.15 is 15 %.
    Percent(f64),
    /// Yes or no.
    Bool(bool),
    /// A day, or a moment of it, without a zone.
    Moment(NaiveDateTime),
    /// A time of day or a duration, in seconds.
    Span(i64),
    /// An error of a formula, such as `#N/A`.
    Fault(String),
}

/// A row that is not empty.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// Its number as people see it, from 1.
    pub row: u32,
    /// Its cells; those beyond the last one are empty.
    pub cells: Vec<Cell>,
}

impl Line {
    /// A cell by its column, from 0.
    pub fn cell(&self, column: usize) -> &Cell {
        self.cells.get(column).unwrap_or(&Cell::Empty)
    }
}

const MOMENT: &str = "%Y-%m-%dT%H:%M:%S%.f";

impl Cell {
    /// Whether nothing stands in it.
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Empty => true,
            Self::Text(text) => text.trim().is_empty(),
            _ => false,
        }
    }

    /// The cell as text, as plainly as its kind allows.
    pub fn text(&self) -> String {
        match self {
            Self::Empty => String::new(),
            Self::Text(text) | Self::Fault(text) => text.clone(),
            Self::Number(number) => number_text(*number),
            Self::Percent(number) => format!("{}%", number_text(*number * 100.0)),
            Self::Bool(flag) => flag.to_string(),
            Self::Moment(at) if at.time() == chrono::NaiveTime::MIN => at.date().to_string(),
            Self::Moment(at) => at.format("%Y-%m-%d %H:%M:%S").to_string(),
            Self::Span(seconds) => span_text(*seconds),
        }
    }
}

fn span_text(seconds: i64) -> String {
    let (sign, seconds) = if seconds < 0 { ("-", -seconds) } else { ("", seconds) };
    let (hours, minutes, rest) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if rest == 0 { format!("{sign}{hours}:{minutes:02}") } else { format!("{sign}{hours}:{minutes:02}:{rest:02}") }
}

/// On the pipe a cell is `null`, or a text whose first letter says its kind.
impl Serialize for Cell {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Empty => to.serialize_none(),
            Self::Text(text) => to.collect_str(&format_args!("t{text}")),
            Self::Number(number) => to.collect_str(&format_args!("n{number}")),
            Self::Percent(number) => to.collect_str(&format_args!("p{number}")),
            Self::Bool(flag) => to.serialize_str(if *flag { "b1" } else { "b0" }),
            Self::Moment(at) => to.collect_str(&format_args!("m{}", at.format(MOMENT))),
            Self::Span(seconds) => to.collect_str(&format_args!("s{seconds}")),
            Self::Fault(text) => to.collect_str(&format_args!("e{text}")),
        }
    }
}

impl<'de> Deserialize<'de> for Cell {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let Some(mut text) = Option::<String>::deserialize(from)? else { return Ok(Self::Empty) };
        let Some(kind) = text.chars().next() else { return Ok(Self::Empty) };
        let rest = &text[kind.len_utf8()..];
        let number = || rest.parse::<f64>().map_err(D::Error::custom);
        Ok(match kind {
            't' => {
                text.remove(0);
                Self::Text(text)
            }
            'n' => Self::Number(number()?),
            'p' => Self::Percent(number()?),
            'b' => Self::Bool(rest == "1"),
            'm' => Self::Moment(NaiveDateTime::parse_from_str(rest, MOMENT).map_err(D::Error::custom)?),
            's' => Self::Span(rest.parse().map_err(D::Error::custom)?),
            'e' => Self::Fault(rest.to_owned()),
            other => return Err(D::Error::custom(format!("`{other}` is no kind of cell"))),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_cross_the_pipe_unchanged() {
        let at = chrono::NaiveDate::from_ymd_opt(2026, 11, 24).and_then(|day| day.and_hms_milli_opt(9, 30, 0, 250)).expect("a moment");
        let cells = vec![Cell::Empty, Cell::Text("=1 \"x\"\n公司".into()), Cell::Number(-0.1), Cell::Percent(0.15), Cell::Bool(true), Cell::Moment(at), Cell::Span(5400), Cell::Fault("#N/A".into())];
        let line = Line { row: 7, cells };
        let text = serde_json::to_string(&line).expect("a line");
        assert_eq!(serde_json::from_str::<Line>(&text).expect("a line"), line);
    }
}
