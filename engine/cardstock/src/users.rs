//! Accounts, tokens, and the OpenAPI document, from the command line.

use std::{
    io::{ErrorKind, Write},
    process::ExitCode,
};

use access::{ADMINISTRATOR, Actor};
use app::{AppError, accounts};
use chrono::Utc;

use crate::{
    cli::{SiteArgs, TokenCommand, UserCommand},
    packs, serve,
};

/// `cardstock user …`
pub async fn user(command: UserCommand) -> Result<ExitCode, AppError> {
    let now = Utc::now();
    match command {
        UserCommand::Add { name, roles, display, password, site } => {
            let app = packs::open(&site).await?;
            serve::first_administrator(&app).await?;
            let id = accounts::create_user(&app, &name, display.as_deref().unwrap_or(&name), password.as_deref(), &roles, None, now).await?;
            if password.is_none() {
                println!("/login/link/{}", accounts::login_link(&app, id, now).await?);
            }
            app.store.close().await;
        }
        UserCommand::Passwd { name, password, site } => {
            let app = packs::open(&site).await?;
            let user = accounts::find(&app, &name).await?.ok_or_else(|| AppError::not_found("user"))?;
            accounts::set_password(&app, user.id, &password).await?;
            app.store.close().await;
        }
        UserCommand::Disable { name, site } => {
            let app = packs::open(&site).await?;
            let user = accounts::find(&app, &name).await?.ok_or_else(|| AppError::not_found("user"))?;
            accounts::set_active(&app, user.id, false).await?;
            app.store.close().await;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// `cardstock token …`
pub async fn token(command: TokenCommand) -> Result<ExitCode, AppError> {
    let TokenCommand::New { user, site } = command;
    let app = packs::open(&site).await?;
    serve::first_administrator(&app).await?;
    let user = accounts::find(&app, &user).await?.ok_or_else(|| AppError::not_found("user"))?;
    println!("{}", accounts::create_token(&app, user.id, "command line", Utc::now()).await?);
    app.store.close().await;
    Ok(ExitCode::SUCCESS)
}

/// `cardstock openapi`
pub async fn openapi(site: &SiteArgs) -> Result<ExitCode, AppError> {
    let app = packs::open(site).await?;
    let role = model::Ident::new(ADMINISTRATOR).map_err(|error| AppError::Internal(error.to_string()))?;
    let actor = Actor::user(Default::default(), "administrator", vec![role], Utc::now());
    let document = web::openapi::write(&app.snapshot(), &actor);
    let text = serde_json::to_string_pretty(&document).unwrap_or_default();
    // Whoever reads only the beginning, such as `head`, is no error.
    if let Err(error) = writeln!(std::io::stdout(), "{text}")
        && error.kind() != ErrorKind::BrokenPipe
    {
        return Err(AppError::Unavailable { detail: error.to_string() });
    }
    app.store.close().await;
    Ok(ExitCode::SUCCESS)
}
