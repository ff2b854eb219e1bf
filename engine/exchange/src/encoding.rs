//! Which encoding a text file is in, and its text as UTF-8.

use std::{fs::File, io::{BufReader, Read, Seek, SeekFrom}};

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{BIG5, Decoder, DecoderResult, Encoding, GB18030, GBK, UTF_8, UTF_16BE, UTF_16LE};

use crate::{Fault, FaultCode};

/// Bytes looked at to guess an encoding that is not UTF-8.
const SAMPLE: usize = 4 * 1024 * 1024;

/// The encoding of that name.
pub fn named(name: &str) -> Result<&'static Encoding, Fault> {
    match name.to_ascii_lowercase().as_str() {
        "utf-16" | "utf16" => Ok(UTF_16LE),
        _ => Encoding::for_label(name.as_bytes()).map(widened).ok_or_else(|| Fault::with(FaultCode::UnknownEncoding, name)),
    }
}

/// GB18030 holds all that GBK and GB2312 do, and more.
fn widened(encoding: &'static Encoding) -> &'static Encoding {
    if encoding == GBK { GB18030 } else { encoding }
}

/// The encoding of a file: what its first bytes say, else UTF-8 if all of it is, else a guess.
pub fn guess(file: &mut File) -> Result<&'static Encoding, Fault> {
    let mut head = vec![0_u8; 4096];
    let length = read_up_to(file, &mut head)?;
    head.truncate(length);
    file.seek(SeekFrom::Start(0))?;
    if let Some((encoding, _)) = Encoding::for_bom(&head) {
        return Ok(encoding);
    }
    if let Some(encoding) = wide(&head) {
        return Ok(encoding);
    }
    let found = if is_utf8(file)? { UTF_8 } else { detect(file)? };
    file.seek(SeekFrom::Start(0))?;
    Ok(found)
}

/// UTF-16 without its mark: every second byte of plain letters is zero.
fn wide(head: &[u8]) -> Option<&'static Encoding> {
    let zeros = |start: usize| head.iter().skip(start).step_by(2).filter(|byte| **byte == 0).count();
    let half = head.len() / 2;
    let (even, odd) = (zeros(0), zeros(1));
    if half >= 4 && odd * 3 > half && even * 10 < half {
        return Some(UTF_16LE);
    }
    (half >= 4 && even * 3 > half && odd * 10 < half).then_some(UTF_16BE)
}

fn read_up_to(file: &mut File, buffer: &mut [u8]) -> Result<usize, Fault> {
    let mut filled = 0;
    loop {
        match file.read(&mut buffer[filled..])? {
            0 => return Ok(filled),
            read => filled += read,
        }
    }
}

fn is_utf8(file: &mut File) -> Result<bool, Fault> {
    file.seek(SeekFrom::Start(0))?;
    let mut reader = Utf8Text::new(BufReader::new(&*file), UTF_8);
    let mut sink = vec![0_u8; 64 * 1024];
    loop {
        match reader.read(&mut sink) {
            Ok(0) => return Ok(true),
            Ok(_) => {}
            Err(error) => {
                let fault = Fault::from(error);
                return if fault.code == FaultCode::Encoding { Ok(false) } else { Err(fault) };
            }
        }
    }
}

fn detect(file: &mut File) -> Result<&'static Encoding, Fault> {
    file.seek(SeekFrom::Start(0))?;
    let mut sample = vec![0_u8; SAMPLE];
    let length = read_up_to(file, &mut sample)?;
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(&sample[..length], length < SAMPLE);
    let guessed = widened(detector.guess(None, Utf8Detection::Deny));
    // A short file gives the detector little to go by; what the bytes cannot be is not guessed.
    let fits = |encoding: &'static Encoding| encoding.decode_without_bom_handling_and_without_replacement(&sample[..length]).is_some();
    let known = [guessed, GB18030, BIG5];
    Ok(known.into_iter().find(|encoding| length == SAMPLE || fits(encoding)).unwrap_or(guessed))
}

/// The text of a reader in another encoding, as UTF-8. Bytes that are no text are an error, never a question mark.
pub struct Utf8Text<R> {
    from: R,
    decoder: Decoder,
    name: &'static str,
    raw: Vec<u8>,
    start: usize,
    end: usize,
    done: bool,
    finished: bool,
}

impl<R: Read> Utf8Text<R> {
    /// Reads `from`, which is in `encoding`; a mark at the beginning is passed over.
    pub fn new(from: R, encoding: &'static Encoding) -> Self {
        Self { from, decoder: encoding.new_decoder_with_bom_removal(), name: encoding.name(), raw: vec![0; 32 * 1024], start: 0, end: 0, done: false, finished: false }
    }
}

impl<R: Read> Read for Utf8Text<R> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        while !self.finished && !into.is_empty() {
            if self.start == self.end && !self.done {
                self.start = 0;
                self.end = self.from.read(&mut self.raw)?;
                self.done = self.end == 0;
            }
            let (result, read, written) = self.decoder.decode_to_utf8_without_replacement(&self.raw[self.start..self.end], into, self.done);
            self.start += read;
            if let DecoderResult::Malformed(..) = result {
                return Err(Fault::with(FaultCode::Encoding, self.name).into());
            }
            // NUL never stands in a table; where it does, the bytes are of another encoding.
            if into[..written].contains(&0) {
                return Err(Fault::with(FaultCode::Encoding, self.name).into());
            }
            self.finished = self.done && result == DecoderResult::InputEmpty;
            // Too little room for a letter would never get better.
            if written > 0 || read == 0 && result == DecoderResult::OutputFull {
                return Ok(written);
            }
        }
        Ok(0)
    }
}
