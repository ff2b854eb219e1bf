//! Text files: separated values, whatever separates them.

use std::{cell::Cell as Shared, fs::File, io::{BufRead, BufReader, Read, Seek, SeekFrom}, rc::Rc};

use crate::{Cell, Fault, FaultCode, Line, encoding::{self, Utf8Text}, limits, reader::{Head, Job}};

/// What separates values, in order of preference.
const SEPARATORS: [u8; 4] = [b',', b';', b'\t', b'|'];
/// Bytes and lines looked at to guess it.
const SAMPLE: u64 = 64 * 1024;
const LINES: usize = 50;

/// Reads a text file; `emit` says whether it wants more.
pub fn read(mut file: File, job: &Job, head: &mut dyn FnMut(Head) -> Result<(), Fault>, emit: &mut dyn FnMut(Line) -> Result<bool, Fault>) -> Result<(), Fault> {
    let encoding = match job.encoding.as_deref().filter(|name| !name.is_empty()) {
        Some(name) => encoding::named(name)?,
        None => encoding::guess(&mut file)?,
    };
    let mut sample = String::new();
    // A cut in the middle of a letter is no fault of the file.
    let cut = Utf8Text::new(BufReader::new(&file).take(SAMPLE), encoding).read_to_string(&mut sample);
    if let Err(error) = cut
        && sample.is_empty() {
            sample = prefix(&file, encoding).ok_or(error)?;
        }
    file.seek(SeekFrom::Start(0))?;
    let (directive, separator) = separator(&sample, job.separator.as_deref());
    head(Head { kind: "csv".into(), encoding: Some(encoding.name().to_owned()), separator: Some((separator as char).to_string()), ..Head::default() })?;
    let since = Rc::new(Shared::new(0));
    let mut text = BufReader::new(Counting { from: Utf8Text::new(BufReader::with_capacity(256 * 1024, file), encoding), since: since.clone() });
    if directive {
        text.read_line(&mut String::new())?;
    }
    let mut records = csv::ReaderBuilder::new().has_headers(false).flexible(true).delimiter(separator).buffer_capacity(64 * 1024).from_reader(text);
    let (mut record, mut number) = (csv::StringRecord::new(), u32::from(directive));
    while records.read_record(&mut record).map_err(fault)? {
        since.set(0);
        number += 1;
        if number > limits::ROWS {
            return Err(Fault::with(FaultCode::Rows, limits::ROWS));
        }
        let cells = cells(&record, number)?;
        if cells.iter().any(|cell| !cell.is_empty()) && !emit(Line { row: number, cells })? {
            break;
        }
    }
    Ok(())
}

/// The beginning of a file, as far as it is text.
fn prefix(file: &File, encoding: &'static encoding_rs::Encoding) -> Option<String> {
    let mut file = file;
    file.seek(SeekFrom::Start(0)).ok()?;
    let mut raw = Vec::new();
    file.take(SAMPLE).read_to_end(&mut raw).ok()?;
    let (text, _, _) = encoding.decode(&raw);
    Some(text.into_owned())
}

fn cells(record: &csv::StringRecord, number: u32) -> Result<Vec<Cell>, Fault> {
    if record.len() > limits::COLUMNS as usize && record.iter().skip(limits::COLUMNS as usize).any(|text| !text.trim().is_empty()) {
        return Err(Fault::with(FaultCode::Columns, record.len()));
    }
    record.iter().take(limits::COLUMNS as usize).map(|text| match text {
        "" => Ok(Cell::Empty),
        text if text.len() > limits::CELL => Err(Fault::with(FaultCode::Long, format!("line {number}"))),
        text => Ok(Cell::Text(unguarded(text).to_owned())),
    }).collect()
}

/// A quotation mark that was put before a text so that no program takes it for a formula.
fn unguarded(text: &str) -> &str {
    text.strip_prefix('\'').filter(|rest| rest.starts_with(crate::text::GUARDED)).unwrap_or(text)
}

fn fault(error: csv::Error) -> Fault {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error.into(),
        other => Fault::with(FaultCode::Broken, format!("{other:?}")),
    }
}

/// The separator: what the file says in a line of its own (`sep=;`), what was chosen, or what divides its first lines best.
fn separator(sample: &str, chosen: Option<&str>) -> (bool, u8) {
    let told = sample.lines().next().and_then(|line| line.strip_prefix("sep=")).and_then(|rest| rest.bytes().next());
    if let Some(separator) = chosen.and_then(|text| text.bytes().next()).filter(u8::is_ascii) {
        return (told.is_some(), separator);
    }
    if let Some(separator) = told.filter(u8::is_ascii) {
        return (true, separator);
    }
    let best = SEPARATORS.into_iter().map(|separator| (score(sample, separator), separator)).reduce(|best, other| if other.0 > best.0 { other } else { best });
    (false, best.map_or(b',', |(_, separator)| separator))
}

/// How well a separator divides the lines: into many columns, the same number in each.
fn score(sample: &str, separator: u8) -> u64 {
    let mut records = csv::ReaderBuilder::new().has_headers(false).flexible(true).delimiter(separator).from_reader(sample.as_bytes());
    let counts: Vec<usize> = records.records().take(LINES).map_while(Result::ok).map(|record| record.len()).collect();
    let Some(first) = counts.first().copied().filter(|count| *count > 1) else { return 0 };
    // The last line of a sample may be cut.
    let whole = &counts[..counts.len().max(2) - 1];
    let same = whole.iter().filter(|count| **count == first).count();
    (same * 1000 / whole.len().max(1)) as u64 * 1000 + first.min(900) as u64
}

/// Bytes since the last line ended: a quotation mark that is never closed must not take the file into memory.
struct Counting<R> {
    from: R,
    since: Rc<Shared<usize>>,
}

impl<R: Read> Read for Counting<R> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let read = self.from.read(into)?;
        self.since.set(self.since.get() + read);
        if self.since.get() > limits::LINE {
            return Err(Fault::with(FaultCode::Long, "a line").into());
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn separators_are_guessed() {
        for (sample, expected) in [
            ("a,b,c\n1,2,3\n", (false, b',')),
            ("a;b;c\n1,5;2,5;3\n", (false, b';')),
            ("a\tb\n1\t2\n", (false, b'\t')),
            ("name\nMei\n", (false, b',')),
            ("sep=|\na|b\n", (true, b'|')),
            ("\"a;b\",c\n\"1;2\",3\n", (false, b',')),
        ] {
            assert_eq!(separator(sample, None), expected, "{sample}");
        }
    }
}
