//! A workbook looked over before it is read: everything in it unpacked once, past a counter, and thrown away.

use std::{fs::File, io::{BufReader, Read}};

use crate::{Fault, FaultCode, limits};

/// What was seen.
#[derive(Debug, Default)]
pub struct Seen {
    /// Cells are merged somewhere.
    pub merging: bool,
}

const MERGE: &[u8] = b"mergeCell ";

/// Counts what every part unpacks to.
pub fn scan(file: File) -> Result<Seen, Fault> {
    let mut zip = zip::ZipArchive::new(BufReader::new(file)).map_err(|error| Fault::with(FaultCode::Broken, error))?;
    if zip.len() > limits::ENTRIES {
        return Err(Fault::with(FaultCode::Bomb, format!("{} parts", zip.len())));
    }
    let (mut total, mut seen) = (0_u64, Seen::default());
    let mut buffer = vec![0_u8; 64 * 1024];
    for index in 0..zip.len() {
        let mut part = zip.by_index(index).map_err(|error| Fault::with(FaultCode::Broken, error))?;
        let name = part.name().map_err(|error| Fault::with(FaultCode::Broken, error))?.into_owned();
        let packed = part.compressed_size().max(1);
        let is_sheet = name.starts_with("xl/worksheets/");
        let (mut size, mut tail) = (0_u64, 0_usize);
        loop {
            // The end of the last piece stays in front, so that a word across two pieces is found too.
            let read = part.read(&mut buffer[tail..]).map_err(|error| Fault::with(FaultCode::Broken, error))?;
            if read == 0 {
                break;
            }
            size += read as u64;
            total += read as u64;
            if total > limits::UNPACKED || size > limits::FREE && size / packed > limits::RATIO {
                return Err(Fault::with(FaultCode::Bomb, format!("{name}, over {} MB", size >> 20)));
            }
            let filled = tail + read;
            seen.merging = seen.merging || is_sheet && memchr::memmem::find(&buffer[..filled], MERGE).is_some();
            tail = filled.min(MERGE.len() - 1);
            buffer.copy_within(filled - tail..filled, 0);
        }
    }
    Ok(seen)
}
