//! What developers and continuous integration run: `cargo xtask test`, `tidy`, `schemas`, `pg`.
//!
//! **Not here:** anything the product itself does.

mod browser;
mod pg;
mod shell;
mod steps;
mod tidy;

use std::process::ExitCode;

use shell::run;

const HELP: &str = "cargo xtask COMMAND

  test [--only STEP,STEP] [--list]   install or start what is needed, then run everything
  tidy                               the invariants of docs/architecture.md
  schemas                            write schemas/*.schema.json from the types
  pg start|stop                      a PostgreSQL for tests; prints its address";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let outcome = match words.as_slice() {
        ["test", rest @ ..] => steps::test(rest),
        ["tidy"] => tidy::check(),
        ["schemas"] => run("schemas", "cargo", &["test", "-p", "model", "--quiet", "committed_schemas"], &[("UPDATE_SCHEMAS", "1")]),
        ["pg", "start"] => pg::start().map(|cluster| println!("{}", cluster.url)),
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
