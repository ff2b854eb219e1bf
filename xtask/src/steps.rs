//! `cargo xtask test`: everything that must hold before a change is taken.
//!
//! **Invariants**
//! - Every step is run, whatever became of those before; one that fails fails the whole.
//! - A step that hangs is ended.
//! - What was started here is stopped here, and nothing else.

use std::{path::Path, time::Instant};

use crate::{
    browser, pg,
    shell::{self, Need, Outcome, run},
    tidy,
};

/// A part of `test`.
struct Step {
    name: &'static str,
    about: &'static str,
    run: fn(&Context) -> Outcome,
}

/// The steps, quick ones first.
const STEPS: [Step; 6] = [
    Step { name: "tidy", about: "invariants of the architecture, in the source", run: |_| tidy::check() },
    Step { name: "clippy", about: "warnings of the compiler and of clippy", run: clippy },
    Step { name: "deny", about: "licences, advisories and duplicates of dependencies, where cargo-deny is present", run: deny },
    Step { name: "rust", about: "unit and integration tests, on SQLite and PostgreSQL; documents", run: rust },
    Step { name: "scripts", about: "types of the browser scripts", run: browser::types },
    Step { name: "browser", about: "pages in Chromium", run: browser::test },
];

/// What the steps share.
pub struct Context {
    postgres: String,
    target: String,
}

impl Context {
    /// What programs are told.
    pub fn env(&self) -> Vec<(&str, &str)> {
        vec![("CARDSTOCK_TEST_POSTGRES", self.postgres.as_str()), ("CARGO_TARGET_DIR", self.target.as_str())]
    }
}

fn clippy(context: &Context) -> Outcome {
    run("clippy", "cargo", &["clippy", "--workspace", "--all-targets", "--quiet", "--", "-D", "warnings"], &context.env())
}

fn rust(context: &Context) -> Outcome {
    run("rust tests", "cargo", &["test", "--workspace", "--no-fail-fast"], &context.env())
}

/// Licences, duplicates and sources need only the lock file; advisories need a database that may be out of reach.
fn deny(_: &Context) -> Outcome {
    if !shell::exists("cargo-deny") {
        println!("cargo-deny is not here (cargo install cargo-deny); licences and advisories are not looked at");
        return Ok(());
    }
    run("deny", "cargo", &["deny", "check", "licenses", "bans", "sources"], &[])?;
    match shell::output("cargo", &["deny", "check", "advisories"]) {
        Ok(said) => {
            print!("{said}");
            Ok(())
        }
        Err(said) if said.contains("failed to fetch advisory database") => {
            println!("the database of advisories is out of reach; advisories are not looked at");
            Ok(())
        }
        Err(said) => Err(said),
    }
}

/// A PostgreSQL that somebody else looks after.
fn given_postgres() -> Option<String> {
    std::env::var("CARDSTOCK_TEST_POSTGRES").ok().filter(|url| !url.is_empty())
}

/// What the steps need, and which of them needs it.
fn needs(wanted: &dyn Fn(&str) -> bool) -> Vec<Need> {
    let all = [
        ("rust", Need { package: "postgresql", is_there: shell::postgres_bin().is_some() || given_postgres().is_some() }),
        ("rust", Need { package: "curl", is_there: shell::exists("curl") }),
        ("rust", Need { package: "sqlite3", is_there: shell::exists("sqlite3") }),
        ("browser", Need { package: "sqlite3", is_there: shell::exists("sqlite3") }),
        ("browser", Need { package: "chromium", is_there: shell::exists("chromium") || std::env::var_os("CHROMIUM").is_some() }),
        ("browser", Need { package: "fonts-noto-cjk", is_there: Path::new("/usr/share/fonts/opentype/noto").exists() }),
    ];
    all.into_iter().filter(|(step, _)| wanted(step)).map(|(_, need)| need).collect()
}

/// Runs the steps, all or those named.
pub fn test(args: &[&str]) -> Outcome {
    let only: Option<Vec<&str>> = match args {
        [] => None,
        ["--list"] => {
            STEPS.iter().for_each(|step| println!("{:<8} {}", step.name, step.about));
            return Ok(());
        }
        ["--only", names] => Some(names.split(',').collect()),
        other => return Err(format!("`{}` means nothing here; see cargo xtask", other.join(" "))),
    };
    if let Some(unknown) = only.iter().flatten().find(|name| !STEPS.iter().any(|step| step.name == **name)) {
        return Err(format!("there is no step `{unknown}`; see cargo xtask test --list"));
    }
    let wanted = |name: &str| only.as_ref().is_none_or(|only| only.contains(&name));
    shell::check_node()?;
    shell::install(&needs(&wanted))?;
    let cluster = if wanted("rust") && given_postgres().is_none() { Some(pg::start()?) } else { None };
    let postgres = given_postgres().or_else(|| cluster.as_ref().map(|cluster| cluster.url.clone()));
    let context = Context { postgres: postgres.unwrap_or_default(), target: shell::target() };
    let results: Vec<(&str, Outcome, u64)> = STEPS.iter().filter(|step| wanted(step.name)).map(|step| one(step, &context)).collect();
    if cluster.is_some_and(|cluster| cluster.is_ours) {
        pg::stop()?;
    }
    summary(&results)
}

fn one(step: &Step, context: &Context) -> (&'static str, Outcome, u64) {
    let began = Instant::now();
    println!("\n== {}: {}", step.name, step.about);
    let outcome = (step.run)(context);
    if let Err(message) = &outcome {
        eprintln!("{message}");
    }
    (step.name, outcome, began.elapsed().as_secs())
}

fn summary(results: &[(&str, Outcome, u64)]) -> Outcome {
    println!("\n== summary");
    for (name, outcome, seconds) in results {
        let word = if outcome.is_ok() { "ok" } else { "FAILED" };
        println!("{name:<8} {word:<7} {:>3} min {:>2} s", seconds / 60, seconds % 60);
    }
    let failed: Vec<&str> = results.iter().filter(|(_, outcome, _)| outcome.is_err()).map(|(name, ..)| *name).collect();
    if failed.is_empty() {
        println!("everything passed");
        return Ok(());
    }
    Err(format!("FAILED: {}; one step alone: cargo xtask test --only {}", failed.join(", "), failed[0]))
}

#[cfg(test)]
mod tests {
    use super::{STEPS, summary, test};

    #[test]
    fn unknown_words_are_refused() {
        assert!(test(&["--only", "nothing"]).is_err_and(|said| said.contains("there is no step `nothing`")));
        assert!(test(&["--olny", "tidy"]).is_err_and(|said| said.contains("means nothing")));
    }

    #[test]
    fn one_failure_fails_the_whole() {
        assert_eq!(summary(&[("tidy", Ok(()), 1)]), Ok(()));
        assert!(summary(&[("tidy", Ok(()), 1), ("rust", Err("x".into()), 1)]).is_err_and(|said| said.contains("rust")));
    }

    #[test]
    fn steps_have_names_of_their_own() {
        let names: std::collections::BTreeSet<&str> = STEPS.iter().map(|step| step.name).collect();
        assert_eq!(names.len(), STEPS.len());
    }
}
