//! Accounts, tokens, the log, and the OpenAPI document, from the command line.

use std::{
    io::{ErrorKind, Write},
    process::ExitCode,
    sync::Arc,
};

use access::{ADMINISTRATOR, Actor};
use app::{
    App, AppError,
    accounts::{self, Confirmed, signing::{self, TokenAsked}},
    log::{Event, verify::{self, Verdict}},
    secrets::Secrets,
};
use chrono::Utc;

use crate::{
    cli::{LogCommand, SiteArgs, TokenCommand, UserCommand},
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
            let (app, user) = found(&site, &name).await?;
            accounts::set_active(&app, user, false).await?;
            app.store.close().await;
        }
        UserCommand::Enable { name, site } => {
            let (app, user) = found(&site, &name).await?;
            accounts::set_active(&app, user, true).await?;
            app.store.close().await;
        }
        UserCommand::Link { name, site } => {
            let (app, user) = found(&site, &name).await?;
            println!("/login/link/{}", accounts::login_link(&app, user, now).await?);
            app.store.close().await;
        }
        UserCommand::SecondOff { name, site } => {
            let (app, user) = found(&site, &name).await?;
            accounts::people::second_off(&app, &Confirmed::command_line(), user).await?;
            app.store.close().await;
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn found(site: &SiteArgs, name: &str) -> Result<(Arc<App>, uuid::Uuid), AppError> {
    let app = packs::open(site).await?;
    let user = accounts::find(&app, name).await?.ok_or_else(|| AppError::not_found("user"))?;
    Ok((app, user.id))
}

/// `cardstock log …`
pub async fn log(command: LogCommand) -> Result<ExitCode, AppError> {
    let LogCommand::Verify { since, keys, site } = command;
    let since = since.as_deref().map(|text| text.split_once(':').and_then(|(seq, mac)| Some((seq.parse::<i64>().ok()?, mac))).ok_or_else(|| AppError::malformed("bad_since", "`--since` is a last line as this command prints it, such as 120:5f0c…")));
    let since = since.transpose()?;
    let keys = keys.iter().map(|path| Secrets::from_file(path)).collect::<Result<Vec<_>, _>>()?;
    let app = packs::open(&site).await?;
    let verdict = verify::verify(&app, &keys, since).await?;
    app.store.close().await;
    match verdict {
        Verdict::Sound { seq, mac } => {
            println!("{seq} lines are as they were written; the last is");
            println!("{seq}:{mac}");
            Ok(ExitCode::SUCCESS)
        }
        Verdict::Broken { seq, why } => {
            println!("line {seq}: {why}");
            Ok(ExitCode::FAILURE)
        }
    }
}

/// `cardstock token …`
pub async fn token(command: TokenCommand) -> Result<ExitCode, AppError> {
    let TokenCommand::New { user, administers, days, site } = command;
    let app = packs::open(&site).await?;
    serve::first_administrator(&app).await?;
    let user = accounts::find(&app, &user).await?.ok_or_else(|| AppError::not_found("user"))?;
    let asked = TokenAsked { name: "command line".into(), days, administers };
    let entry = Confirmed::command_line().entry(Event::TokenMade);
    println!("{}", signing::make_token(&app, user.id, &asked, entry, Utc::now()).await?);
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
