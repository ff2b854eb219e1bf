//! What developers and continuous integration run: `cargo xtask test`, `tidy`, `schemas`, `pg`.
//!
//! **Not here:** anything the product itself does.

mod browser;
mod pg;
mod shell;
mod tidy;

use std::{process::ExitCode, time::Instant};

use shell::{Outcome, run};

const HELP: &str = "cargo xtask COMMAND

  test [--only STEP,STEP] [--list]   install or start what is needed, then run everything
  tidy                               the invariants of docs/architecture.md
  schemas                            write schemas/*.schema.json from the types
  pg start|stop                      a PostgreSQL for tests; prints its address";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let outcome = match words.as_slice() {
        ["test", rest @ ..] => test(rest),
        ["tidy"] => tidy::check(),
        ["schemas"] => run("schemas", "cargo", &["test", "-p", "model", "--quiet", "committed_schemas"], &[("UPDATE_SCHEMAS", "1")]),
        ["pg", "start"] => pg::start().map(|url| println!("{url}")),
        ["pg", "stop"] => pg::stop(),
        _ => Err(HELP.to_owned()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

/// A part of `test`: its name, and what it runs.
type Step = (&'static str, fn(&Context) -> Outcome);

/// The steps of `test`, in order.
const STEPS: [Step; 5] = [
    ("tidy", |_| tidy::check()),
    ("clippy", |context| run("clippy", "cargo", &["clippy", "--workspace", "--all-targets", "--quiet", "--", "-D", "warnings"], &context.env())),
    ("deny", |_| {
        if shell::exists("cargo-deny") { run("deny", "cargo", &["deny", "check"], &[]) } else { println!("cargo-deny is not here; licences and advisories are not looked at");
        Ok(()) }
    }),
    ("rust", |context| run("rust tests", "cargo", &["test", "--workspace"], &context.env())),
    ("browser", |context| browser::test(&context.env())),
];

/// What the steps share.
struct Context {
    postgres: String,
    target: String,
}

impl Context {
    fn env(&self) -> Vec<(&str, &str)> {
        vec![("CARDSTOCK_TEST_POSTGRES", self.postgres.as_str()), ("CARGO_TARGET_DIR", self.target.as_str())]
    }
}

fn test(args: &[&str]) -> Outcome {
    if args.contains(&"--list") {
        STEPS.iter().for_each(|(name, _)| println!("{name}"));
        return Ok(());
    }
    let only: Option<Vec<&str>> = args.iter().position(|arg| *arg == "--only").and_then(|at| args.get(at + 1)).map(|names| names.split(',').collect());
    let wanted = |name: &str| only.as_ref().is_none_or(|only| only.contains(&name));
    if let Some(unknown) = only.iter().flatten().find(|name| !STEPS.iter().any(|(step, _)| step == *name)) {
        return Err(format!("there is no step `{unknown}`; see cargo xtask test --list"));
    }
    shell::install(&[("postgresql", &shell::postgres_installed), ("chromium", &|| shell::exists("chromium")), ("fonts-noto-cjk", &|| std::path::Path::new("/usr/share/fonts/opentype/noto").exists())])?;
    let context = Context { postgres: if wanted("rust") { pg::start()? } else { String::new() }, target: shell::target() };
    let mut summary = Vec::new();
    for (name, step) in STEPS.iter().filter(|(name, _)| wanted(name)) {
        let began = Instant::now();
        println!("\n== {name}");
        let outcome = step(&context);
        let failed = outcome.is_err();
        if let Err(message) = &outcome {
            eprintln!("{message}");
        }
        summary.push((*name, failed, began.elapsed().as_secs()));
    }
    if wanted("rust") {
        pg::stop()?;
    }
    println!("\n== summary");
    for (name, failed, seconds) in &summary {
        println!("{:<8} {:<7} {seconds} s", name, if *failed { "FAILED" } else { "ok" });
    }
    let failed = summary.iter().filter(|(_, failed, _)| *failed).count();
    if failed == 0 { Ok(()) } else { Err(format!("{failed} of {} steps failed", summary.len())) }
}
