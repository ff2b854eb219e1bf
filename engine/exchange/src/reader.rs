//! Rows of a file, read by another process.

use std::{
    io::{BufRead, BufReader, Read, Write},
    os::unix::process::ExitStatusExt,
    path::PathBuf,
    process::{Child, ChildStdout, Command, Stdio},
    sync::OnceLock,
};

use serde::{Deserialize, Serialize};

use crate::{Fault, FaultCode, Line, limits, worker};

/// What is to be read.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Job {
    /// The file.
    pub path: PathBuf,
    /// The sheet of a workbook; the first that is shown when not given.
    pub sheet: Option<String>,
    /// The encoding of a text file; guessed when not given.
    pub encoding: Option<String>,
    /// What separates its values; guessed when not given.
    pub separator: Option<String>,
    /// Most rows wanted.
    pub rows: Option<u64>,
    /// Most seconds of computing.
    pub seconds: u64,
}

/// What was found out before the first row.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Head {
    /// `xlsx` or `csv`.
    pub kind: String,
    /// The sheets of a workbook.
    #[serde(default)]
    pub sheets: Vec<SheetName>,
    /// The sheet that is read.
    #[serde(default)]
    pub sheet: Option<String>,
    /// The encoding that a text file is in.
    #[serde(default)]
    pub encoding: Option<String>,
    /// What separates its values.
    #[serde(default)]
    pub separator: Option<String>,
}

/// A sheet.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct SheetName {
    /// Its name.
    pub name: String,
    /// It is not shown.
    pub hidden: bool,
}

/// A line on the pipe.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Message {
    Head(Head),
    Row(Line),
    Fault(Fault),
    End,
}

/// Seconds of computing for a look at the beginning, and for a whole file.
const PEEK: u64 = 60;
const WHOLE: u64 = 1_200;

static PROGRAM: OnceLock<PathBuf> = OnceLock::new();

/// Names the program that reads files when called with [`worker::COMMAND`]; the running program itself when never called.
pub fn use_program(path: PathBuf) {
    let _ = PROGRAM.set(path);
}

/// A file being read. Rows come in the order of the file; nothing of those to come is held in memory.
pub struct Reader {
    child: Child,
    lines: BufReader<ChildStdout>,
    head: Head,
    line: Vec<u8>,
    done: bool,
}

impl Reader {
    /// Opens a file. Blocks, as reading does: call it where that is allowed.
    pub fn open(mut job: Job) -> Result<Self, Fault> {
        if std::fs::metadata(&job.path)?.len() > limits::FILE {
            return Err(Fault::new(FaultCode::TooHeavy));
        }
        if job.seconds == 0 {
            job.seconds = if job.rows.is_some() { PEEK } else { WHOLE };
        }
        let program = match PROGRAM.get() {
            Some(path) => path.clone(),
            None => std::env::current_exe()?,
        };
        // Nothing of our own surroundings is the reader's business: no variables, no files but the one.
        let mut child = Command::new(program).arg(worker::COMMAND).env_clear().stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
        let text = serde_json::to_string(&job).map_err(|error| Fault::with(FaultCode::Io, error))?;
        if let Some(mut stdin) = child.stdin.take() {
            stdin.write_all(text.as_bytes())?;
        }
        let Some(stdout) = child.stdout.take() else { return Err(Fault::with(FaultCode::Io, "no pipe")) };
        let mut reader = Self { child, lines: BufReader::with_capacity(256 * 1024, stdout), head: Head::default(), line: Vec::new(), done: false };
        match reader.message()? {
            Some(Message::Head(head)) => reader.head = head,
            Some(Message::Fault(fault)) => return Err(fault),
            _ => return Err(Fault::with(FaultCode::Io, "the reader said nothing")),
        }
        Ok(reader)
    }

    /// What was found out before the first row.
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// The next row; `None` at the end.
    pub fn next_line(&mut self) -> Result<Option<Line>, Fault> {
        if self.done {
            return Ok(None);
        }
        match self.message()? {
            Some(Message::Row(line)) => Ok(Some(line)),
            Some(Message::End) => {
                self.done = true;
                Ok(None)
            }
            Some(Message::Fault(fault)) => Err(fault),
            Some(Message::Head(_)) | None => Err(Fault::with(FaultCode::Io, "the reader said nothing more")),
        }
    }

    fn message(&mut self) -> Result<Option<Message>, Fault> {
        self.line.clear();
        // A line is a row; longer than a row may be, it is none of ours.
        let most = (limits::LINE * 4) as u64;
        let read = (&mut self.lines).take(most).read_until(b'\n', &mut self.line)?;
        if self.line.last() != Some(&b'\n') {
            if read as u64 == most {
                return Err(Fault::with(FaultCode::Long, "a row"));
            }
            return Err(self.fell());
        }
        serde_json::from_slice(&self.line).map(Some).map_err(|error| Fault::with(FaultCode::Io, error))
    }

    /// Why the reading process ended without a word.
    fn fell(&mut self) -> Fault {
        match self.child.wait() {
            // Out of memory it aborts; out of time it is told to end.
            Ok(status) if status.signal().is_some() || status.code() == Some(101) => Fault::new(FaultCode::TooHeavy),
            Ok(status) => Fault::with(FaultCode::Io, status),
            Err(error) => error.into(),
        }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
