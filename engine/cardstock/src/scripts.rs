//! Scripts, tried from the command line.

use std::process::ExitCode;

use app::{AppError, scripts};
use uuid::Uuid;

use crate::{cli::ScriptCommand, packs, tables};

/// `cardstock script …`
pub async fn run(command: ScriptCommand) -> Result<ExitCode, AppError> {
    let ScriptCommand::Run { file, card, id, keep, user, site } = command;
    let source = std::fs::read_to_string(&file).map_err(|error| AppError::Unavailable { detail: format!("{}: {error}", file.display()) })?;
    let id = id.map(|id| Uuid::try_parse(&id).map_err(|_| AppError::not_found("record"))).transpose()?;
    let app = packs::open(&site).await?;
    let actor = tables::actor(&app, &user).await?;
    let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let tried = scripts::try_out(&app, &actor, &name, &source, &card, id, keep).await;
    app.store.close().await;
    let tried = tried?;
    tried.lines.iter().for_each(|line| println!("log: {line}"));
    tried.changes.iter().for_each(|(field, value)| println!("set: {field} = {value}"));
    println!("{}", tried.result);
    Ok(ExitCode::SUCCESS)
}
