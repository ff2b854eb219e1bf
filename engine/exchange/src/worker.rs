//! The process that opens what somebody sent. It may use little memory and little time, and says what it reads line by line.

use std::{fs::File, io::{BufWriter, Read, Seek, SeekFrom, Write}};

use rlimit::Resource;

use crate::{Fault, FaultCode, Line, comma, limits, reader::{Head, Job, Message}, workbook};

/// What the program is called with to become this process.
pub const COMMAND: &str = "read-table";

/// Reads the job from standard input, writes rows to standard output.
pub fn run() -> std::process::ExitCode {
    let mut text = String::new();
    let job = std::io::stdin().take(1 << 20).read_to_string(&mut text).ok().and_then(|_| serde_json::from_str::<Job>(&text).ok());
    let Some(job) = job else {
        eprintln!("this command is for the program itself");
        return std::process::ExitCode::FAILURE;
    };
    let mut out = BufWriter::with_capacity(64 * 1024, std::io::stdout().lock());
    let done = confine(job.seconds).and_then(|()| read(&job, &mut out));
    let last = match done {
        Ok(()) => Message::End,
        Err(fault) => Message::Fault(fault),
    };
    // Who no longer listens need not be told.
    let _ = say(&mut out, &last).and_then(|()| Ok(out.flush()?));
    std::process::ExitCode::SUCCESS
}

/// Takes away what reading a file does not need; a limit that is lower already stays. On Linux nothing is read without
/// these limits; other systems do not know all of them, and there those of the reader itself are left.
fn confine(seconds: u64) -> Result<(), Fault> {
    let memory = limits::MEMORY.max(reserved() + limits::MORE);
    for (resource, most) in [(Resource::AS, memory), (Resource::CPU, seconds), (Resource::FSIZE, 0), (Resource::CORE, 0)] {
        let confined = resource.get().and_then(|(_, hard)| resource.set(most.min(hard), most.min(hard)));
        match confined {
            Err(error) if cfg!(target_os = "linux") => return Err(Fault::with(FaultCode::Io, format!("no limit of {resource:?}: {error}"))),
            Ok(()) | Err(_) => {}
        }
    }
    Ok(())
}

/// Address space of this process, in bytes; nothing where the system does not say.
fn reserved() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmSize:"));
    line.and_then(|line| line.trim().trim_end_matches("kB").trim().parse::<u64>().ok()).unwrap_or_default() * 1024
}

fn say(out: &mut impl Write, message: &Message) -> Result<(), Fault> {
    serde_json::to_writer(&mut *out, message).map_err(|error| Fault::with(FaultCode::Io, error))?;
    Ok(out.write_all(b"\n")?)
}

fn read(job: &Job, out: &mut impl Write) -> Result<(), Fault> {
    let mut file = File::open(&job.path)?;
    let kind = kind(&mut file)?;
    let out = std::cell::RefCell::new(out);
    let mut rows = 0_u64;
    let mut head = |head: Head| {
        let mut out = out.borrow_mut();
        say(&mut *out, &Message::Head(head))?;
        Ok(out.flush()?)
    };
    let mut emit = |line: Line| {
        rows += 1;
        say(&mut *out.borrow_mut(), &Message::Row(line))?;
        Ok(job.rows.is_none_or(|most| rows < most))
    };
    match kind {
        Kind::Workbook => workbook::read(file, job, &mut head, &mut emit),
        Kind::Text => comma::read(file, job, &mut head, &mut emit),
    }
}

enum Kind {
    Workbook,
    Text,
}

/// What a file is, by its first bytes; its name says nothing.
fn kind(file: &mut File) -> Result<Kind, Fault> {
    let mut first = [0_u8; 8];
    let length = file.read(&mut first)?;
    file.seek(SeekFrom::Start(0))?;
    let first = &first[..length];
    match first {
        [] => Err(Fault::new(FaultCode::Empty)),
        [b'P', b'K', 3, 4, ..] => Ok(Kind::Workbook),
        [b'P', b'K', ..] => Err(Fault::with(FaultCode::Broken, "an empty zip")),
        // A compound file: a workbook before 2007, or any workbook under a password.
        [0xd0, 0xcf, 0x11, 0xe0, ..] => Err(Fault::new(if is_encrypted(file)? { FaultCode::Password } else { FaultCode::OldExcel })),
        [b'%', b'P', b'D', b'F', ..] | [0x89, b'P', b'N', b'G', ..] | [0xff, 0xd8, 0xff, ..] | [b'G', b'I', b'F', b'8', ..] | [0x1f, 0x8b, ..] | [b'{', b'\\', b'r', b't', ..] => Err(Fault::new(FaultCode::OtherKind)),
        _ => Ok(Kind::Text),
    }
}

/// Whether a compound file holds an encrypted package: its name stands in the directory, in UTF-16.
fn is_encrypted(file: &mut File) -> Result<bool, Fault> {
    let name: Vec<u8> = "EncryptedPackage".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let mut bytes = Vec::new();
    file.take(64 * 1024 * 1024).read_to_end(&mut bytes)?;
    Ok(memchr::memmem::find(&bytes, &name).is_some())
}
