//! Why a file cannot be read, in a word for programs and a sentence for people.

use serde::{Deserialize, Serialize};

/// Declares the reasons with their words and sentences.
macro_rules! faults {
    ($($(#[$doc:meta])* $name:ident $word:literal: $sentence:literal;)*) => {
        /// Why a file cannot be read.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
        pub enum FaultCode { $($(#[$doc])* $name,)* }

        impl FaultCode {
            /// Every reason.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];
            /// The stable word.
            pub fn name(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }
            fn sentence(self) -> &'static str {
                match self { $(Self::$name => $sentence,)* }
            }
        }
    };
}

faults! {
    /// Nothing in it.
    Empty "empty": "the file is empty";
    /// Encrypted.
    Password "password": "the workbook is protected by a password; save it without one and send it again";
    /// Excel before 2007.
    OldExcel "old_excel": "this is an old Excel file (.xls); save it as .xlsx or CSV and send it again";
    /// A spreadsheet of another program.
    OtherKind "other_kind": "this is neither an Excel workbook (.xlsx) nor a text file (CSV)";
    /// A zip or XML that does not hold together.
    Broken "broken": "the file is damaged and cannot be read: {detail}";
    /// A zip that unpacks to far more than a table.
    Bomb "bomb": "the workbook unpacks to more than is read ({detail})";
    /// Beyond the memory or time one file may take.
    TooHeavy "too_heavy": "reading the file takes more memory or time than one file may have; send it as CSV, or in parts";
    /// A sheet that is not there.
    NoSheet "no_sheet": "there is no sheet `{detail}` in the workbook";
    /// Columns beyond what is read.
    Columns "columns": "there is something in column {detail}; at most 500 columns are read";
    /// Rows beyond what is read.
    Rows "rows": "there are more than {detail} rows; send the file in parts";
    /// A cell or a line too long to be meant.
    Long "long": "{detail} is too long to be a cell; a quotation mark may be missing before it";
    /// Bytes that are no text.
    Encoding "encoding": "the text is not {detail}; choose another encoding, or save the file as UTF-8";
    /// A name that is no encoding.
    UnknownEncoding "unknown_encoding": "there is no encoding `{detail}`; UTF-8, UTF-16, GB18030 and Big5 are usual ones";
    /// The file is gone, or the reading process could not be started.
    Io "io": "the file could not be read: {detail}";
}

/// Why this file cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// Which reason.
    pub code: FaultCode,
    /// What the sentence names.
    pub detail: String,
}

impl Fault {
    /// A reason without a detail.
    pub fn new(code: FaultCode) -> Self {
        Self { code, detail: String::new() }
    }
    /// A reason with its detail.
    pub fn with(code: FaultCode, detail: impl std::fmt::Display) -> Self {
        // What a file says of itself may be long and odd.
        Self { code, detail: detail.to_string().chars().filter(|c| !c.is_control()).take(200).collect() }
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.code.sentence().replace("{detail}", &self.detail))
    }
}
impl std::error::Error for Fault {}

impl From<std::io::Error> for Fault {
    fn from(error: std::io::Error) -> Self {
        // Readers below others hand their own faults up inside of an input error.
        match error.get_ref().and_then(|inner| inner.downcast_ref::<Self>()) {
            Some(fault) => fault.clone(),
            None => Self::with(FaultCode::Io, error),
        }
    }
}
impl From<Fault> for std::io::Error {
    fn from(fault: Fault) -> Self {
        Self::other(fault)
    }
}
