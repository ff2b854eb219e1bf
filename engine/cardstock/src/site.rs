//! Settings of a site, from the command line.

use std::process::ExitCode;

use app::{AppError, settings};

use crate::{cli::SiteCommand, packs};

/// `cardstock site …`
pub async fn run(command: SiteCommand) -> Result<ExitCode, AppError> {
    let (SiteCommand::Show { site } | SiteCommand::Set { site, .. }) = &command;
    let app = packs::open(site).await?;
    if let SiteCommand::Set { key, value, .. } = &command {
        settings::set(&app, key, value).await?;
    }
    let kept = app.settings();
    for key in settings::KEYS {
        println!("{key:<10} {}", kept.get(key).unwrap_or_default());
    }
    app.store.close().await;
    Ok(ExitCode::SUCCESS)
}
