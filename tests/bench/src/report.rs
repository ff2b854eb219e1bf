//! The result as a table, on the screen and in `docs/benchmarks.md`.

use std::fmt::Write;

use crate::{client::{Measured, median}, sides::Op, start::Start};

/// One cell: an operation on a database at so many connections, several rounds of each server.
pub struct Cell {
    /// SQLite or PostgreSQL.
    pub database: &'static str,
    /// What.
    pub op: Op,
    /// How many at once.
    pub connections: usize,
    /// The engine.
    pub engine: Vec<Measured>,
    /// The hand-written server.
    pub hand_written: Vec<Measured>,
}

fn rate(of: &[Measured]) -> f64 {
    median(of.iter().map(|measured| measured.rate).collect())
}

fn p95(of: &[Measured]) -> f64 {
    median(of.iter().map(|measured| measured.p95).collect())
}

impl Cell {
    /// The engine's rate ÷ that of the hand-written server: the median of the rounds' ratios, for both are disturbed alike.
    pub fn ratio(&self) -> f64 {
        median(self.engine.iter().zip(&self.hand_written).map(|(engine, hand)| engine.rate / hand.rate).collect())
    }

    /// A row of the table.
    pub fn row(&self) -> String {
        let wanted = self.op.target(self.connections);
        let verdict = if self.ratio() >= wanted { "yes" } else { "**no**" };
        format!(
            "| {} | {} | {} | {:.0} ({:.1}) | {:.0} ({:.1}) | {:.2} | {wanted:.1} | {verdict} |",
            self.database,
            self.op.name(),
            self.connections,
            rate(&self.engine),
            p95(&self.engine),
            rate(&self.hand_written),
            p95(&self.hand_written),
            self.ratio()
        )
    }
}

/// Head of the table.
pub const HEAD: &str = "| database | operation | connections | engine: requests/s (p95, ms) | hand-written: requests/s (p95, ms) | ratio | wanted | reached |\n|---|---|---|---|---|---|---|---|";

/// The whole document.
pub fn document(command: &str, sizes: (usize, usize), cells: &[Cell], start: Option<&Start>, memory: &[(String, f64)]) -> String {
    let mut text = String::new();
    let _ = writeln!(text, "# Benchmarks\n");
    let _ = writeln!(
        text,
        "The engine, with rights, validation, computed fields, audit and change log, beside a server written by hand for one schema with axum and sqlx: \
         hard-coded tables, validation and JSON, an audit row for each change, no rights. Same machine, same data, same load generator, in one run; what counts is the ratio. \
         Both sync every commit (`synchronous=FULL` on SQLite). How it works: [tests/bench](../tests/bench/README.md).\n"
    );
    let _ = writeln!(text, "Machine: {}. Data: {} customers, {} orders with 4 lines each. Command:\n\n```\n{command}\n```\n", machine(), sizes.0, sizes.1);
    let _ = writeln!(text, "{HEAD}");
    for cell in cells {
        let _ = writeln!(text, "{}", cell.row());
    }
    if let Some(start) = start {
        let _ = writeln!(text, "\n| with all built-in packs, on SQLite | found | wanted |\n|---|---|---|");
        let _ = writeln!(text, "| start to first answer | {:.0} ms | ≤ 150 ms |", start.first_answer);
        let _ = writeln!(text, "| memory when idle | {:.0} MiB | ≤ 60 MiB |", start.memory);
        let _ = writeln!(text, "| size of the binary | {:.0} MiB | ≤ 60 MiB |", start.binary);
        for (name, found) in memory {
            let _ = writeln!(text, "| {name} | {found:.0} MiB | |");
        }
    }
    text
}

fn machine() -> String {
    let cpus = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpus.lines().find_map(|line| line.strip_prefix("model name")).map(|line| line.trim_start_matches([' ', '\t', ':']).to_owned()).unwrap_or_else(|| std::env::consts::ARCH.to_owned());
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let memory = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let memory = memory.lines().find_map(|line| line.strip_prefix("MemTotal:")).and_then(|line| line.trim().trim_end_matches(" kB").parse::<f64>().ok()).unwrap_or(0.0) / 1_048_576.0;
    format!("{model}, {cores} cores, {memory:.0} GiB, {}", std::env::consts::OS)
}
