//! Which fields are being calculated anew by a job, as every page and answer wants to know.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex, atomic::{AtomicU64, Ordering}},
    time::{Duration, Instant},
};

use model::Ident;
use sql::{Datum, system_derived};

use crate::{App, AppError};

/// What other processes marked is known after so long.
const FRESH: Duration = Duration::from_secs(1);

/// Counts marks that this process made.
static MADE: AtomicU64 = AtomicU64::new(0);

/// Cards with the fields that are being calculated anew: `total`, `lines.amount`.
pub type Marked = HashMap<Ident, BTreeSet<String>>;

struct Known {
    at: Instant,
    made: u64,
    marked: Arc<Marked>,
}

/// The marks as they were a moment ago.
#[derive(Default)]
pub(crate) struct Marks(Mutex<Option<Known>>);

/// Marks were made, or taken away.
pub(super) fn changed() {
    MADE.fetch_add(1, Ordering::Relaxed);
}

/// The fields that are being calculated anew.
pub async fn marked(app: &App) -> Result<Arc<Marked>, AppError> {
    let made = MADE.load(Ordering::Relaxed);
    let known = app.marks.0.lock().ok().and_then(|known| known.as_ref().filter(|known| known.made == made && known.at.elapsed() < FRESH).map(|known| known.marked.clone()));
    if let Some(marked) = known {
        return Ok(marked);
    }
    let mut marked = Marked::new();
    for row in app.store.fetch(&system_derived::marks(app.store.dialect())).await? {
        let [Datum::Text(card), Datum::Text(field)] = row.as_slice() else { continue };
        if let Ok(card) = Ident::new(card) {
            marked.entry(card).or_default().insert(field.clone());
        }
    }
    let marked = Arc::new(marked);
    if let Ok(mut known) = app.marks.0.lock() {
        *known = Some(Known { at: Instant::now(), made, marked: marked.clone() });
    }
    Ok(marked)
}
