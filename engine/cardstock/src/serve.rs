//! Serving a site until told to stop.

use std::{process::ExitCode, sync::Arc};

use access::ADMINISTRATOR;
use app::{App, AppError, accounts};
use chrono::Utc;
use tokio::net::TcpListener;

use crate::{cli::SiteArgs, packs};

/// `cardstock serve`
pub async fn run(site: &SiteArgs, listen: &str) -> Result<ExitCode, AppError> {
    let app = packs::open(site).await?;
    let link = first_administrator(&app).await?;
    let listener = bind(listen).await?;
    let address = listener.local_addr().map_err(|error| AppError::Unavailable { detail: error.to_string() })?;
    println!("Cardstock serves {} at http://{address}", site.data.display());
    if let Some(token) = link {
        println!("Set the password of `admin` within a day: http://{address}/login/link/{token}");
    }
    serve(app, listener, "Cardstock", Vec::new()).await
}

/// A site without users gets `admin`, and a link with which its password is set.
pub async fn first_administrator(app: &App) -> Result<Option<String>, AppError> {
    if !accounts::is_empty(app).await? {
        return Ok(None);
    }
    let now = Utc::now();
    let id = accounts::create_user(app, "admin", "Administrator", None, &[ADMINISTRATOR.to_owned()], None, now).await?;
    accounts::login_link(app, id, now).await.map(Some)
}

/// Takes the address, or says who has it.
pub async fn bind(listen: &str) -> Result<TcpListener, AppError> {
    TcpListener::bind(listen).await.map_err(|error| AppError::Unavailable { detail: format!("cannot listen on {listen}: {error}") })
}

/// Serves until SIGTERM or Ctrl-C; requests under way are finished first.
pub async fn serve(app: Arc<App>, listener: TcpListener, name: &str, demo: Vec<web::view::DemoSignIn>) -> Result<ExitCode, AppError> {
    let site = web::Site { demo: demo.into(), ..web::Site::new(app.clone(), name)? };
    web::serve(site, listener, stopped()).await.map_err(|error| AppError::Unavailable { detail: error.to_string() })?;
    app.store.close().await;
    Ok(ExitCode::SUCCESS)
}

async fn stopped() {
    let interrupt = tokio::signal::ctrl_c();
    let Ok(mut terminate) = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) else {
        let _ = interrupt.await;
        return;
    };
    tokio::select! {
        _ = interrupt => {}
        _ = terminate.recv() => {}
    }
}
