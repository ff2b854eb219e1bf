//! The search index, from the command line.

use std::process::ExitCode;

use app::{AppError, search};
use indicatif::{ProgressBar, ProgressStyle};

use crate::{cli::SearchCommand, packs};

/// `cardstock search …`
pub async fn run(command: SearchCommand) -> Result<ExitCode, AppError> {
    let SearchCommand::Rebuild { cards, site } = command;
    let app = packs::open(&site).await?;
    let bar = ProgressBar::new(0);
    if let Ok(style) = ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len} {per_sec}") {
        bar.set_style(style);
    }
    let mut tell = |card: &model::Card, done: i64, total: i64| {
        bar.set_message(card.key.to_string());
        bar.set_length(total.max(done).unsigned_abs());
        bar.set_position(done.unsigned_abs());
    };
    let mut records = 0;
    if cards.is_empty() {
        records = search::rebuild(&app, None, &mut tell).await?;
    }
    for card in &cards {
        records += search::rebuild(&app, Some(card), &mut tell).await?;
    }
    bar.finish_and_clear();
    println!("{records} records can be found again");
    app.store.close().await;
    Ok(ExitCode::SUCCESS)
}
