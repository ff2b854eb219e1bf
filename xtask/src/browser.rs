//! Pages in real Chromium.

use crate::shell::{self, Outcome, run};

/// Builds the server, installs what the browser tests need, and runs them.
pub fn test(env: &[(&str, &str)]) -> Outcome {
    run("build", "cargo", &["build", "--quiet", "-p", "cardstock"], env)?;
    let ui = shell::root().join("ui");
    if !ui.join("node_modules/playwright-core").exists() {
        run("npm", "npm", &["ci", "--prefix", &ui.display().to_string(), "--ignore-scripts", "--no-audit", "--no-fund"], &[])?;
    }
    let mut files: Vec<String> = std::fs::read_dir(shell::root().join("tests/browser"))
        .map_err(|error| error.to_string())?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.to_string_lossy().ends_with(".test.mjs"))
        .map(|path| path.display().to_string())
        .collect();
    files.sort();
    let binary = format!("{}/debug/cardstock", shell::target());
    let env = [env, &[("CARDSTOCK_BIN", binary.as_str())]].concat();
    let args: Vec<&str> = ["--test", "--test-concurrency=1"].into_iter().chain(files.iter().map(String::as_str)).collect();
    run("browser", "node", &args, &env)
}
