//! The content of a file that was sent: kept in the database, in parts, so that whichever process runs the import reads
//! it; beside it a copy on the disk of each process that does, since files are read by a process of their own.
//!
//! **Invariants**
//! - One part at a time is in memory.
//! - A copy is whole or not there.
//! - In the database it is closed with the site's key: a file may hold what nobody is to read, and databases are copied.
//! - What nobody needs any more is not kept: of a file that was taken without a mistake, nothing; of a copy that nobody
//!   read for an hour, the copy.

use std::{path::{Path, PathBuf}, time::{Duration, SystemTime}};

use sql::{Datum, system_imports as rows};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use uuid::Uuid;

use super::path_of;
use crate::{App, AppError, run};

/// Bytes of a part.
const PART: usize = 1024 * 1024;
/// How a part begins that is closed. One without was kept by an earlier version, and is read as it is.
const SEALED: &[u8] = b"cardstock sealed part\n";
/// How long a copy stays that nobody reads.
const COPY: Duration = Duration::from_secs(3600);

/// Whose part it is, and which.
fn owner(id: Uuid, n: i64) -> Vec<u8> {
    [&id.as_bytes()[..], &n.to_be_bytes()].concat()
}

fn away(error: std::io::Error) -> AppError {
    AppError::Unavailable { detail: error.to_string() }
}

/// Keeps the content of the file at its place.
pub(super) async fn keep(app: &App, id: Uuid) -> Result<(), AppError> {
    let mut file = tokio::fs::File::open(path_of(app, id)).await.map_err(away)?;
    for n in 0.. {
        let mut part = Vec::with_capacity(PART);
        (&mut file).take(PART as u64).read_to_end(&mut part).await.map_err(away)?;
        if part.is_empty() {
            break;
        }
        let closed = app.secrets.seal_bytes("import", &owner(id, n), &part)?;
        run(&app.store, vec![rows::put_part(app.store.dialect(), id, n, [SEALED, &closed].concat())]).await?;
    }
    Ok(())
}

/// The file as it can be read here: fetched if another process took it in.
pub(super) async fn here(app: &App, id: Uuid) -> Result<PathBuf, AppError> {
    let path = path_of(app, id);
    // Being read keeps it from being swept.
    let touched = std::fs::File::options().append(true).open(&path).and_then(|file| file.set_modified(SystemTime::now()));
    if touched.is_ok() {
        return Ok(path);
    }
    let Some(import) = super::find(app, id).await? else { return Err(AppError::not_found("import")) };
    let whole = path.with_extension(Uuid::now_v7().simple().to_string());
    if let Some(folder) = path.parent() {
        tokio::fs::create_dir_all(folder).await.map_err(away)?;
    }
    match fetch(app, id, &whole).await {
        Ok(size) if i64::try_from(size).is_ok_and(|size| size == import.size) => tokio::fs::rename(&whole, &path).await.map_err(away)?,
        other => {
            let _ = tokio::fs::remove_file(&whole).await;
            other?;
            return Err(AppError::malformed("bad_file", "the file is not whole; send it again"));
        }
    }
    Ok(path)
}

async fn fetch(app: &App, id: Uuid, into: &Path) -> Result<u64, AppError> {
    let mut file = tokio::fs::File::create_new(into).await.map_err(away)?;
    let mut size = 0;
    for n in 0.. {
        let part = app.store.fetch(&rows::part(app.store.dialect(), id, n)).await?.into_iter().flatten().next();
        let Some(Datum::Bytes(part)) = part else { break };
        let part = match part.strip_prefix(SEALED) {
            Some(closed) => app.secrets.open_bytes("import", &owner(id, n), closed).ok_or_else(|| AppError::malformed("bad_file", "the file was kept by a site with another key; send it again"))?,
            None => part,
        };
        size += part.len() as u64;
        file.write_all(&part).await.map_err(away)?;
    }
    file.sync_all().await.map_err(away)?;
    Ok(size)
}

/// Lets go of the content: the import is through, and nobody asks what stood in its rows.
pub(super) async fn let_go(app: &App, id: Uuid) -> Result<(), AppError> {
    let _ = tokio::fs::remove_file(path_of(app, id)).await;
    run(&app.store, vec![rows::drop_parts(app.store.dialect(), id)]).await
}

/// Copies that nobody reads any more.
pub(super) async fn sweep(app: &App) -> Result<(), AppError> {
    let folder = app.folder.join("imports");
    let swept = tokio::task::spawn_blocking(move || {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let age = entry.metadata().and_then(|known| known.modified()).ok().and_then(|at| at.elapsed().ok());
            if age.is_some_and(|age| age > COPY) {
                let _ = std::fs::remove_file(entry.path());
            }
        }
    });
    swept.await.map_err(|error| AppError::Internal(error.to_string()))
}
