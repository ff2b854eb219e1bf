//! How long the engine takes to its first answer, and what it needs of memory while nobody asks anything.

use std::{path::Path, process::Stdio, time::{Duration, Instant}};

use tokio::process::Command;

use crate::{client::{Fault, Server, median}, sides::{free_address, ready}};

/// What was found, and what is wanted.
pub struct Start {
    /// From the start of the process to the first answer, in milliseconds.
    pub first_answer: f64,
    /// Resident memory a second after that, in MiB.
    pub memory: f64,
    /// The binary, in MiB.
    pub binary: f64,
}

/// Starts the engine several times on a site with all built-in packs.
pub async fn measure(cardstock: &Path, folder: &Path) -> Result<Start, Fault> {
    let site = folder.join("start");
    let mut times = Vec::new();
    let mut memory = Vec::new();
    for round in 0..8 {
        let server = Server { address: free_address()?, token: None };
        let began = Instant::now();
        let mut process = Command::new(cardstock).arg("serve").arg("--data").arg(&site).args(["--listen", &server.address]).stdout(Stdio::null()).kill_on_drop(true).spawn()?;
        ready(&server).await?;
        let took = began.elapsed();
        tokio::time::sleep(Duration::from_secs(1)).await;
        // The first start makes the site.
        if round > 0 {
            times.push(took.as_secs_f64() * 1000.0);
            memory.extend(resident(process.id()));
        }
        process.kill().await?;
    }
    Ok(Start { first_answer: median(times), memory: median(memory), binary: std::fs::metadata(cardstock)?.len() as f64 / 1_048_576.0 })
}

/// Resident memory of a process in MiB.
pub fn resident(process: Option<u32>) -> Option<f64> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", process?)).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().trim_end_matches(" kB").trim().parse::<f64>().ok().map(|kib| kib / 1024.0)
}
