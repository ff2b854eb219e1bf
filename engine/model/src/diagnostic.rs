//! What is wrong with a definition: where, what, and what would be right.

use std::fmt::Write;

use crate::nearest;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// The pack cannot be installed.
    Error,
    /// Worth a look.
    Warning,
}

/// One finding about a pack's files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// How bad it is.
    pub level: Level,
    /// The pack it is about.
    pub pack: String,
    /// The file within the pack's folder.
    pub file: String,
    /// JSON pointer of the value.
    pub pointer: String,
    /// Line and column, where the file could be read.
    pub place: Option<(usize, usize)>,
    /// What is wrong.
    pub message: String,
    /// What would be right.
    pub help: Option<String>,
}

impl Diagnostic {
    /// An error at a place of a file.
    pub fn error(pack: &str, file: &str, pointer: impl Into<String>, message: impl Into<String>) -> Self {
        Self { level: Level::Error, pack: pack.into(), file: file.into(), pointer: pointer.into(), place: None, message: message.into(), help: None }
    }
    /// The same as a warning.
    #[must_use]
    pub fn as_warning(mut self) -> Self {
        self.level = Level::Warning;
        self
    }
    /// With what would be right.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
    /// With the nearest of the known names, or all of them where they are few.
    #[must_use]
    pub fn near<'a>(self, word: &str, known: impl IntoIterator<Item = &'a str>) -> Self {
        let known: Vec<&str> = known.into_iter().collect();
        match nearest(word, known.iter().copied()) {
            Some(near) => self.help(format!("did you mean `{near}`?")),
            None if !known.is_empty() && known.len() <= 12 => self.help(format!("known are {}", known.join(", "))),
            None => self,
        }
    }

    /// The finding as a good compiler prints it. `source` is the file's text.
    pub fn render(&self, source: Option<&str>) -> String {
        let word = match self.level {
            Level::Error => "error",
            Level::Warning => "warning",
        };
        let mut text = format!("{word}: {}\n", self.message);
        let (line, column) = self.place.unwrap_or((0, 0));
        let file = if self.pack.is_empty() { self.file.clone() } else { format!("{}/{}", self.pack, self.file) };
        let _ = match self.place {
            Some(_) => writeln!(text, "  --> {file}:{line}:{column} ({})", if self.pointer.is_empty() { "/" } else { &self.pointer }),
            None => writeln!(text, "  --> {file} ({})", if self.pointer.is_empty() { "/" } else { &self.pointer }),
        };
        if let Some(code) = source.filter(|_| line > 0).and_then(|source| source.lines().nth(line - 1)) {
            let margin = " ".repeat(line.to_string().len());
            let _ = writeln!(text, "{margin} |\n{line} | {code}\n{margin} | {}^", " ".repeat(column.saturating_sub(1)));
        }
        if let Some(help) = &self.help {
            let _ = writeln!(text, "  = help: {help}");
        }
        text
    }
}
