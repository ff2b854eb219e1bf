//! A demo company served for the examples.

use std::{
    io::{BufRead, BufReader, Read},
    process::{Child, ChildStdout, Command, Stdio},
};

use tempfile::TempDir;

/// The program itself.
pub const BINARY: &str = env!("CARGO_BIN_EXE_cardstock");

/// A server that ends with the value.
pub struct Demo {
    child: Child,
    /// Kept open: what it goes on to say must have a reader.
    _output: BufReader<ChildStdout>,
    /// Where it listens.
    pub address: String,
    /// Where its data are.
    pub data: TempDir,
    /// A token of the administrator.
    pub token: String,
}

impl Demo {
    /// Starts one with few records.
    pub fn start() -> Self {
        let data = tempfile::tempdir().expect("a folder");
        let mut command = Command::new(BINARY);
        command.args(["demo", "--listen", "127.0.0.1:0", "--records", "200", "--data"]).arg(data.path());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("the server starts");
        let mut output = BufReader::new(child.stdout.take().expect("its output"));
        let lines = output.by_ref().lines().map_while(Result::ok);
        let address = lines.filter_map(|line| line.split_once("http://").map(|(_, address)| format!("http://{address}"))).next().expect("it says where it listens");
        let token = Command::new(BINARY).args(["token", "new", "--user", "admin", "--data"]).arg(data.path()).output().expect("a token");
        let token = String::from_utf8(token.stdout).expect("text").trim().to_owned();
        assert!(!token.is_empty(), "the administrator has a token");
        Self { child, _output: output, address, data, token }
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
