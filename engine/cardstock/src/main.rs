//! The binary: commands, configuration, wiring. Everything it does is done elsewhere.

mod cli;
mod cli_accounts;
mod cli_outgoing;
mod config;
mod demo;
mod packs;
mod post;
mod recompute;
mod scripts;
mod search;
mod serve;
mod site;
mod tables;
mod users;

use std::process::ExitCode;

/// Requests make and drop many small values on all threads, which is what this one is good at.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // Called by itself to open what somebody sent: nothing else is set up in that process.
    if std::env::args_os().nth(1).is_some_and(|name| name == exchange::worker::COMMAND) {
        return exchange::worker::run();
    }
    let cli = config::parse();
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "warn,sqlx=error".into()))
        .with_writer(std::io::stderr)
        .init();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("cardstock: the runtime could not be started: {error}");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(run(cli)) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("cardstock: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(cli: cli::Cli) -> Result<ExitCode, app::AppError> {
    match cli.command {
        cli::Command::Demo { listen, data, records, web } => demo::run(&listen, data, records, &web).await,
        cli::Command::Serve { site, listen, web } => serve::run(&site, &listen, &web).await,
        cli::Command::Pack { command } => packs::run(command).await,
        cli::Command::User { command } => users::user(command).await,
        cli::Command::Log { command } => users::log(command).await,
        cli::Command::Token { command } => users::token(command).await,
        cli::Command::Recompute { cards, verify, site } => recompute::run(&site, &cards, verify).await,
        cli::Command::Script { command } => scripts::run(command).await,
        cli::Command::Search { command } => search::run(command).await,
        cli::Command::Site { command } => site::run(command).await,
        cli::Command::Mail { command } => post::mail(command).await,
        cli::Command::Webhook { command } => post::webhook(command).await,
        cli::Command::Import(args) => tables::import(args).await,
        cli::Command::Export(args) => tables::export(args).await,
        cli::Command::Openapi { site } => users::openapi(&site).await,
        cli::Command::Schemas { folder } => {
            for (name, text) in model::schema::all() {
                std::fs::write(folder.join(name), text).map_err(|error| app::AppError::Unavailable { detail: format!("{}: {error}", folder.display()) })?;
            }
            Ok(ExitCode::SUCCESS)
        }
    }
}
