//! Attachments: content-addressed files beside the database, and what is known of them in it.
//!
//! **Invariants**
//! - A file is on disk, synced, under its hash before any row names it.
//! - An upload that is not attached yet is its uploader's alone; an attached one belongs to who may read its record and field.

use std::{collections::HashMap, io::Write, path::PathBuf, sync::Arc};

use access::Actor;
use model::{ActionName, FieldKind, Ident};
use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};
use sql::{Datum, system};
use uuid::Uuid;

use crate::{App, AppError, Source, run};

/// Largest upload, in bytes.
pub const MAX_UPLOAD: usize = 50 * 1024 * 1024;

/// What is known of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct FileInfo {
    pub id: Uuid,
    pub sha256: String,
    pub name: String,
    pub size: i64,
    pub media_type: String,
    pub uploaded_by: Option<Uuid>,
    pub owner: Option<(String, Uuid, String)>,
}

impl FileInfo {
    /// `{"id", "name", "size", "type"}`
    pub fn to_json(&self) -> Json {
        json!({"id": self.id.to_string(), "name": self.name, "size": self.size, "type": self.media_type})
    }

    fn from_row(row: Vec<Datum>) -> Option<Self> {
        let [Datum::Uuid(id), Datum::Text(sha256), Datum::Text(name), Datum::Integer(size), Datum::Text(media_type), by, card, record, field] = <[Datum; 9]>::try_from(row).ok()? else {
            return None;
        };
        let owner = match (card, record, field) {
            (Datum::Text(card), Datum::Uuid(record), Datum::Text(field)) => Some((card, record, field)),
            _ => None,
        };
        let uploaded_by = sql::encode::id(&by);
        Some(Self { id, sha256, name, size, media_type, uploaded_by, owner })
    }
}

/// What is known of several files.
pub async fn infos(source: &mut Source<'_>, ids: &[Uuid]) -> Result<HashMap<Uuid, FileInfo>, AppError> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = source.fetch(&system::files(source.dialect(), ids)).await?;
    Ok(rows.into_iter().filter_map(FileInfo::from_row).map(|info| (info.id, info)).collect())
}

/// Keeps an uploaded file.
pub async fn upload(app: &Arc<App>, actor: &Actor, name: &str, media_type: &str, content: Vec<u8>) -> Result<FileInfo, AppError> {
    if content.len() > MAX_UPLOAD {
        return Err(AppError::TooLarge { detail: format!("a file has at most {MAX_UPLOAD} bytes") });
    }
    let sha256: String = Sha256::digest(&content).iter().map(|byte| format!("{byte:02x}")).collect();
    let media_type = type_of(&content, media_type);
    let size = i64::try_from(content.len()).unwrap_or(i64::MAX);
    let content = Arc::new(content);
    write(path_of(app, &sha256), content.clone()).await?;
    let name = clean_name(name);
    let info = FileInfo { id: Uuid::now_v7(), sha256, name, size, media_type, uploaded_by: actor.user, owner: None };
    let file = system::NewFile { id: info.id, sha256: &info.sha256, name: &info.name, size, media_type: &info.media_type };
    run(&app.store, vec![system::create_file(app.store.dialect(), &file, actor.user, actor.now)]).await?;
    // Somebody may have cleared the same content away before the row named it.
    write(path_of(app, &info.sha256), content).await?;
    Ok(info)
}

async fn write(path: PathBuf, content: Arc<Vec<u8>>) -> Result<(), AppError> {
    let written = tokio::task::spawn_blocking(move || keep(&path, &content)).await;
    written.map_err(|error| AppError::Internal(error.to_string()))?.map_err(|error| AppError::Unavailable { detail: error.to_string() })
}

fn path_of(app: &App, sha256: &str) -> PathBuf {
    app.folder.join("files").join(&sha256[..2]).join(sha256)
}

/// Temporary file → synced → renamed → folder synced: a name never stands for half a content.
fn keep(path: &std::path::Path, content: &[u8]) -> std::io::Result<()> {
    if path.exists() {
        return Ok(());
    }
    let folder = path.parent().unwrap_or(path);
    std::fs::create_dir_all(folder)?;
    let temporary = folder.join(format!(".{}", Uuid::now_v7()));
    let mut file = std::fs::File::create(&temporary)?;
    file.write_all(content)?;
    file.sync_all()?;
    std::fs::rename(&temporary, path)?;
    std::fs::File::open(folder)?.sync_all()
}

/// The last part of whatever a browser sent, without anything that a file system or a header could misread.
fn clean_name(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or(name);
    let kept: String = last.chars().filter(|c| !c.is_control() && !matches!(c, '"' | '<' | '>')).take(200).collect();
    if kept.trim().is_empty() { "file".to_owned() } else { kept.trim().to_owned() }
}

/// What the bytes tell goes before what the sender says; a picture is one only if its bytes say so.
fn type_of(content: &[u8], said: &str) -> String {
    let said = clean_type(said);
    match infer::get(content) {
        Some(found) => found.mime_type().to_owned(),
        None if said.starts_with("image/") && said != "image/svg+xml" => "application/octet-stream".to_owned(),
        None => said,
    }
}

fn clean_type(media_type: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '+' | '-');
    let kept = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if kept.contains('/') && kept.len() <= 100 && kept.chars().all(plain) { kept } else { "application/octet-stream".to_owned() }
}

/// A file's content, if the actor may read it.
pub async fn read(app: &App, actor: &Actor, id: Uuid) -> Result<(FileInfo, Vec<u8>), AppError> {
    let info = infos(&mut Source::App(app), &[id]).await?.remove(&id).ok_or_else(|| AppError::not_found("file"))?;
    if !may_read(app, actor, &info).await? {
        return Err(AppError::not_found("file"));
    }
    let content = tokio::fs::read(path_of(app, &info.sha256)).await.map_err(|error| AppError::Unavailable { detail: error.to_string() })?;
    Ok((info, content))
}

async fn may_read(app: &App, actor: &Actor, info: &FileInfo) -> Result<bool, AppError> {
    let Some((card, record, field)) = &info.owner else { return Ok(info.uploaded_by.is_some() && info.uploaded_by == actor.user) };
    let snapshot = app.snapshot();
    let (table, key) = field.split_once('.').map_or((None, field.as_str()), |(table, key)| (Some(table), key));
    let Ok(card) = snapshot.card(card) else { return Ok(false) };
    let Ok(gate) = access::gate(&snapshot.catalog, actor, card, ActionName::Read) else { return Ok(false) };
    let child = table.and_then(|table| Ident::new(table).ok());
    let Ok(key) = Ident::new(key) else { return Ok(false) };
    let condition = match gate.readable(child.as_ref(), &key) {
        access::Readable::Never => return Ok(false),
        access::Readable::Always => gate.rows(),
        access::Readable::When(condition) => condition,
    };
    if !crate::records::read::matches(app, &snapshot, card, *record, &condition).await? {
        return Ok(false);
    }
    // What lies in the trash is seen by who may bring it back.
    let trash = app.store.fetch(&sql::write::trash_of(&snapshot.catalog, app.store.dialect(), card, *record)).await?.into_iter().flatten().next();
    match trash {
        None => Ok(false),
        Some(sql::Datum::Uuid(_)) => match access::gate(&snapshot.catalog, actor, card, ActionName::Restore) {
            Ok(gate) => crate::records::read::matches(app, &snapshot, card, *record, &gate.rows()).await,
            Err(_) => Ok(false),
        },
        Some(_) => Ok(true),
    }
}

/// Whether a file fits its field.
pub fn check(kind: &FieldKind, info: &FileInfo) -> Option<model::Violation> {
    let FieldKind::File(settings) = kind else { return None };
    let image = |media_type: &str| matches!(media_type, "image/png" | "image/jpeg" | "image/gif" | "image/webp");
    let listed = |wanted: &String| wanted == &info.media_type || wanted.strip_suffix("/*").is_some_and(|family| info.media_type.starts_with(&format!("{family}/")));
    if settings.image && !image(&info.media_type) || !settings.types.is_empty() && !settings.types.iter().any(listed) {
        return Some(model::Violation::new("", model::Code::FileType).with("found", &info.media_type));
    }
    let max = settings.max_size?;
    (u64::try_from(info.size).unwrap_or(0) > max).then(|| model::Violation::new("", model::Code::FileSize).with("max", max))
}
