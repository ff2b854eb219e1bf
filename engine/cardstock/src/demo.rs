//! A demo company, served.

use std::{path::PathBuf, process::ExitCode};

use app::{AppError, demo};
use chrono::Utc;
use indicatif::{ProgressBar, ProgressStyle};

use crate::{cli::{SiteArgs, WebArgs}, packs, serve};

/// `cardstock demo`
pub async fn run(listen: &str, data: Option<PathBuf>, records: Option<u64>, web: &WebArgs) -> Result<ExitCode, AppError> {
    let reached = serve::Reached::read(listen, web)?;
    let listener = serve::bind(listen).await?;
    let temporary = match data {
        Some(_) => None,
        None => Some(tempfile::tempdir().map_err(|error| AppError::Unavailable { detail: error.to_string() })?),
    };
    let folder = data.or_else(|| temporary.as_ref().map(|folder| folder.path().to_path_buf())).unwrap_or_default();
    let app = packs::open(&SiteArgs { data: folder, database: None, modules: None }).await?;
    let files: Vec<_> = packs::builtin().into_values().collect();
    if app::accounts::is_empty(&app).await? {
        let total = demo::total(&files, records)?;
        let bar = ProgressBar::new(total);
        if let Ok(style) = ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len} {per_sec}") {
            bar.set_style(style);
        }
        bar.set_message("Inventing a company");
        demo::fill(&app, &files, records, Utc::now(), &|count| bar.inc(count)).await?;
        bar.finish_and_clear();
    }
    let address = listener.local_addr().map_err(|error| AppError::Unavailable { detail: error.to_string() })?;
    println!("Cardstock demo: http://{address}");
    println!("Sign in as one of these (name / password):");
    let mut offered = Vec::new();
    for (login, password, about) in demo::sign_ins(&files)? {
        println!("  {login:<10} {password:<16} {about}");
        offered.push(web::view::DemoSignIn { label: about, name: login, password });
    }
    let code = serve::serve(app, listener, offered, reached).await?;
    drop(temporary);
    Ok(code)
}
