//! Looks through the whole log: is every line as it was written, and are all still there?

use sql::{Datum, system_log as rows};

use super::{bytes, end_bytes};
use crate::{App, AppError, secrets::Secrets};

/// Lines read at a time.
const PART: u32 = 1_000;

/// What the log was found to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Every line is as it was written. The last one, to be kept elsewhere: place and seal.
    Sound {
        /// The place of the last line.
        seq: i64,
        /// Its seal, in hex.
        mac: String,
    },
    /// Something is wrong, first at this place.
    Broken {
        /// The place.
        seq: i64,
        /// What, in words.
        why: String,
    },
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Looks through the log. `others` are keys that lines were sealed with before; `since` is a last line that somebody
/// kept: it must still be there, as it was.
pub async fn verify(app: &App, others: &[Secrets], since: Option<(i64, &str)>) -> Result<Verdict, AppError> {
    let dialect = app.store.dialect();
    let keys: Vec<(String, &Secrets)> = std::iter::once(&app.secrets).chain(others).map(|key| (key.name(), key)).collect();
    let of = |name: &str| keys.iter().find(|(known, _)| known == name).map(|(_, key)| *key);
    let broken = |seq: i64, why: String| Ok(Verdict::Broken { seq, why });
    // The end is read first: lines that come meanwhile are behind it.
    let head = app.store.fetch(&rows::head(dialect, false)).await?.into_iter().next().unwrap_or_default();
    let [Datum::Integer(end), Datum::Bytes(end_mac), Datum::Text(end_key), Datum::Bytes(seal)] = head.as_slice() else {
        return broken(0, "there is no end of the log".into());
    };
    let (mut seq, mut before) = (0_i64, Vec::new());
    'parts: loop {
        let lines = app.store.fetch(&rows::after(dialect, seq, PART)).await?;
        let count = lines.len();
        for row in lines {
            let Some((line, _)) = rows::Line::read(row) else { return broken(seq + 1, "the line cannot be read".into()) };
            if line.seq > *end {
                break 'parts;
            }
            if line.seq != seq + 1 {
                return broken(seq + 1, format!("lines {} to {} are missing", seq + 1, line.seq - 1));
            }
            let Some(key) = of(&line.key) else { return broken(line.seq, format!("the line is sealed with the key {}, which is not here; name its file", line.key)) };
            if key.mac("log", &bytes(&line, &before)) != line.mac {
                return broken(line.seq, "the line is not as it was written, or one before it was taken out".into());
            }
            if let Some((kept, mac)) = since && kept == line.seq && !mac.eq_ignore_ascii_case(&hex(&line.mac)) {
                return broken(line.seq, "the line is not the one that was kept".into());
            }
            (seq, before) = (line.seq, line.mac);
        }
        if count < PART as usize {
            break;
        }
    }
    if seq != *end {
        return broken(seq + 1, format!("the log ended at line {end}; lines were cut off"));
    }
    if *end > 0 {
        let sealed = of(end_key).is_some_and(|key| key.mac("log.end", &end_bytes(*end, end_mac)) == *seal);
        if before != *end_mac || !sealed {
            return broken(*end, "the end of the log is not as it was written: lines were cut off".into());
        }
    }
    match since {
        Some((kept, _)) if kept > seq => broken(seq + 1, format!("the log reached line {kept} once; lines were cut off")),
        _ => Ok(Verdict::Sound { seq, mac: hex(&before) }),
    }
}
