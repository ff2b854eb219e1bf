//! Files in and out from the command line: the same use cases as the pages, as one of the site's people.

use std::{fs::File, path::Path, process::ExitCode, sync::Arc, time::Duration};

use access::Actor;
use app::{App, AppError, accounts, exports::{self, Asked, Format}, imports::{self, Settings, State}, jobs::{self, Pace}};
use chrono::Utc;

use crate::{cli::{ExportArgs, ImportArgs}, packs, serve};

fn away(path: &Path, error: &std::io::Error) -> AppError {
    AppError::malformed("bad_path", format!("{}: {error}", path.display()))
}

pub async fn actor(app: &App, login: &str) -> Result<Actor, AppError> {
    serve::first_administrator(app).await?;
    let user = accounts::find(app, login).await?.ok_or_else(|| AppError::not_found("user"))?;
    accounts::actor_of(app, &app.snapshot(), user.id, Utc::now()).await
}

/// `cardstock export`
pub async fn export(args: ExportArgs) -> Result<ExitCode, AppError> {
    let app = packs::open(&args.site).await?;
    let actor = actor(&app, &args.user).await?;
    let ending = args.file.extension().and_then(|ending| ending.to_str()).unwrap_or("xlsx").to_lowercase();
    let mut pairs = Vec::new();
    for (name, value) in [("filter", args.filter), ("fields", args.fields), ("sort", args.sort)] {
        pairs.extend(value.map(|value| (name.to_owned(), value)));
    }
    let asked = Asked { list: exports::list_of(&pairs)?, format: Format::read(&ending)?, widths: Vec::new() };
    let file = File::create(&args.file).map_err(|error| away(&args.file, &error))?;
    let count = exports::export(&app, &app.snapshot(), &actor, &args.card, &asked, &exports::locale_of(&actor), file).await?;
    println!("{count} records are in {}", args.file.display());
    app.store.close().await;
    Ok(ExitCode::SUCCESS)
}

/// `cardstock import`
pub async fn import(args: ImportArgs) -> Result<ExitCode, AppError> {
    let app = packs::open(&args.site).await?;
    let actor = actor(&app, &args.user).await?;
    let done = run(&app, &actor, &args).await?;
    app.store.close().await;
    Ok(if done { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn settings(args: &ImportArgs) -> Result<Settings, AppError> {
    let mut settings: Settings = match &args.settings {
        Some(path) => {
            let text = std::fs::read_to_string(path).map_err(|error| away(path, &error))?;
            serde_json::from_str(&text).map_err(|error| AppError::malformed("bad_mapping", format!("{}: {error}", path.display())))?
        }
        None => Settings::default(),
    };
    if let Some(key) = &args.key {
        (settings.key, settings.mode) = (Some(key.clone()), imports::Mode::Both);
    }
    settings.skip |= args.skip;
    Ok(settings)
}

async fn run(app: &Arc<App>, actor: &Actor, args: &ImportArgs) -> Result<bool, AppError> {
    let settings = settings(args)?;
    imports::may(&app.snapshot(), actor, &args.card)?;
    let (id, place) = imports::place(app).await?;
    let size = tokio::fs::copy(&args.file, &place).await.map_err(|error| away(&args.file, &error))?;
    let name = args.file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let import = imports::create(app, actor, &args.card, id, &name, size, &settings).await?;
    imports::start(app, actor, &exports::locale_of(actor), &import, &settings).await?;
    loop {
        // A server of the same site may take the job before this process does.
        jobs::run_due(app, &jobs::builtin(), Pace::default()).await?;
        let import = imports::read(app, actor, id).await?;
        if import.state == State::Running {
            if jobs::read(app, actor, import.job.unwrap_or_default()).await?.state.is_ended() {
                return Err(AppError::Internal("the job ended without a result; it stands in the log why".into()));
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
            continue;
        }
        println!("{}: {} created, {} changed, {} as they were, {} with mistakes", import.state.name(), import.created, import.updated, import.unchanged, import.failed);
        if let Some(fault) = &import.fault {
            eprintln!("{fault}");
        }
        for error in imports::errors(app, &import, 0, 50).await?.into_iter().flat_map(|(_, errors)| errors) {
            eprintln!("row {}: {}", error.row, error.message);
        }
        if let Some(path) = args.errors.as_ref().filter(|_| import.failed > 0) {
            let file = File::create(path).map_err(|error| away(path, &error))?;
            imports::mistakes(app, &import, "Mistakes", file).await?;
            eprintln!("the rows with mistakes are in {}", path.display());
        }
        return Ok(import.state == State::Done);
    }
}
