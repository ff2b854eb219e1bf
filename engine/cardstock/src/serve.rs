//! Serving a site until told to stop.

use std::{process::ExitCode, sync::Arc, time::Duration};

use access::ADMINISTRATOR;
use app::{App, AppError, accounts, jobs};
use chrono::Utc;
use tokio::{net::TcpListener, sync::watch};

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
    serve(app, listener, Vec::new()).await
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

/// How long requests under way may take once we were told to stop, and how long jobs may after them.
const DRAIN: Duration = Duration::from_secs(20);
const DRAIN_JOBS: Duration = Duration::from_secs(5);

/// Serves until SIGTERM or Ctrl-C: no more requests are taken, those under way are finished, jobs stop at their next
/// checkpoint, the database is closed.
pub async fn serve(app: Arc<App>, listener: TcpListener, demo: Vec<web::view::DemoSignIn>) -> Result<ExitCode, AppError> {
    let site = web::Site { demo: demo.into(), ..web::Site::new(app.clone())? };
    // A new version may cut texts differently: what is found by them is made again, little at once, much by a job.
    app::search::settle(&app).await?;
    let runner = jobs::start(&app, &jobs::builtin(), jobs::Pace::default());
    let (stop, told) = watch::channel(false);
    let wait = |mut told: watch::Receiver<bool>| async move {
        let _ = told.wait_for(|stop| *stop).await;
    };
    let serving = web::serve(site, listener, wait(told.clone()));
    let telling = async {
        stopped().await;
        runner.drain();
        stop.send_replace(true);
        tokio::time::sleep(DRAIN).await;
    };
    tokio::select! {
        served = serving => served.map_err(|error| AppError::Unavailable { detail: error.to_string() })?,
        () = telling => tracing::warn!("requests that took longer than {} seconds were cut off", DRAIN.as_secs()),
    }
    runner.stop(DRAIN_JOBS).await;
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
