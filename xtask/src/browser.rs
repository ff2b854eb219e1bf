//! The browser's side: scripts checked, pages in real Chromium.

use crate::{
    shell::{self, Outcome, run},
    steps::Context,
};

/// What the scripts and the browser tests need, as the lock file says.
fn packages() -> Outcome {
    let ui = shell::root().join("ui");
    if ui.join("node_modules/playwright-core").exists() && ui.join("node_modules/typescript").exists() {
        return Ok(());
    }
    run("npm", "npm", &["ci", "--prefix", &ui.display().to_string(), "--ignore-scripts", "--no-audit", "--no-fund"], &[])
}

/// The types of the scripts fit.
pub fn types(_: &Context) -> Outcome {
    packages()?;
    run("types", "npm", &["run", "--silent", "--prefix", &shell::root().join("ui").display().to_string(), "check"], &[])
}

/// Builds the server and runs the browser tests against it.
pub fn test(context: &Context) -> Outcome {
    let env = context.env();
    run("build", "cargo", &["build", "--quiet", "-p", "cardstock"], &env)?;
    packages()?;
    let mut files: Vec<String> = std::fs::read_dir(shell::root().join("tests/browser"))
        .map_err(|error| error.to_string())?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.to_string_lossy().ends_with(".test.mjs"))
        .map(|path| path.display().to_string())
        .collect();
    files.sort();
    let binary = format!("{}/debug/cardstock", shell::target());
    let env = [&env[..], &[("CARDSTOCK_BIN", binary.as_str())]].concat();
    let args: Vec<&str> = ["--test", "--test-concurrency=1"].into_iter().chain(files.iter().map(String::as_str)).collect();
    run("browser", "node", &args, &env)
}
