//! Derived values, from the command line: calculated anew, or looked at.

use std::process::ExitCode;

use app::{AppError, derived};
use indicatif::{ProgressBar, ProgressStyle};

use crate::{cli::SiteArgs, packs};

/// So many stale values are printed; all are counted.
const SHOWN: usize = 100;

/// `cardstock recompute`
pub async fn run(site: &SiteArgs, cards: &[String], verify: bool) -> Result<ExitCode, AppError> {
    let app = packs::open(site).await?;
    let done = if verify { look(&app, cards).await } else { calculate(&app, cards).await };
    app.store.close().await;
    done
}

async fn calculate(app: &app::App, cards: &[String]) -> Result<ExitCode, AppError> {
    let bar = ProgressBar::new(0);
    if let Ok(style) = ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len} {per_sec}") {
        bar.set_style(style);
    }
    let mut tell = |card: &model::Card, done: i64, total: i64| {
        bar.set_message(card.key.to_string());
        bar.set_length(total.max(done).unsigned_abs());
        bar.set_position(done.unsigned_abs());
    };
    let records = derived::recompute(app, cards, &mut tell).await?;
    bar.finish_and_clear();
    println!("{records} records were calculated anew");
    Ok(ExitCode::SUCCESS)
}

async fn look(app: &app::App, cards: &[String]) -> Result<ExitCode, AppError> {
    let mut count = 0;
    let mut found = |stale: derived::Stale| {
        count += 1;
        if count <= SHOWN {
            println!("{} {} {}: stored {}, should be {}", stale.card, stale.record, stale.field, stale.stored, stale.right);
        }
    };
    let records = derived::verify(app, cards, &mut found).await?;
    if count == 0 {
        println!("{records} records are as they should be");
        return Ok(ExitCode::SUCCESS);
    }
    println!("{count} stale values in {records} records; `cardstock recompute` sets them right");
    Ok(ExitCode::FAILURE)
}
