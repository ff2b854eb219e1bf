//! Statements over the engine's own tables. Written once, for both databases.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{
    Datum, Dialect, Physical, Statement,
    builder::{physical_of, postgres_type},
};

/// A statement with `{}` for each bind.
pub fn statement(dialect: Dialect, text: &str, binds: Vec<Datum>, columns: Vec<Physical>) -> Statement {
    let mut sql = String::with_capacity(text.len() + 40);
    let mut parts = text.split("{}");
    sql.push_str(parts.next().unwrap_or_default());
    for (index, part) in parts.enumerate() {
        let physical = binds.get(index).map_or(Physical::Text, physical_of);
        match dialect {
            Dialect::Sqlite => sql.push_str(&format!("?{}", index + 1)),
            Dialect::Postgres => sql.push_str(&format!("${}::{}", index + 1, postgres_type(physical))),
        }
        sql.push_str(part);
    }
    Statement { sql, binds, columns }
}

fn text(text: impl Into<String>) -> Datum {
    Datum::Text(text.into())
}

fn optional(value: Option<Uuid>) -> Datum {
    value.map_or(Datum::Null(Physical::Uuid), Datum::Uuid)
}

/// Begins a unit of work on PostgreSQL, in one round trip: a lock that keeps publishes out, and then, after it, the
/// version of the definitions that holds until the end. The connection was told [`BEGINNING`] once.
pub const BEGIN: &str = "BEGIN; EXECUTE cardstock_turn; EXECUTE cardstock_counts";
/// What [`BEGIN`] asks for, so that it is planned once for each connection and not for each unit of work.
pub const BEGINNING: &str = "PREPARE cardstock_turn AS SELECT pg_advisory_xact_lock_shared(6011200720001); PREPARE cardstock_counts AS SELECT version, rights FROM sys_catalog";
/// Begins a publish on PostgreSQL: it waits for the units under way, and those that come wait for it. Readers are not
/// kept waiting behind it: a table that is not free soon is tried again. Building indexes may take its time.
pub const BEGIN_ALONE: &str = "BEGIN; SELECT pg_advisory_xact_lock(6011200720001); SET LOCAL lock_timeout = '2s'; SET LOCAL statement_timeout = 0; SELECT version, rights FROM sys_catalog";

/// Whether an SQLite file is sound: `ok`, or the first fault.
pub fn quick_check() -> Statement {
    statement(Dialect::Sqlite, "PRAGMA quick_check(1)", Vec::new(), vec![Physical::Text])
}

/// Whether the database answers.
pub fn ping(dialect: Dialect) -> Statement {
    statement(dialect, "SELECT version FROM sys_catalog", Vec::new(), vec![Physical::Integer])
}

/// Tables, columns and types of cards.
pub fn columns(dialect: Dialect) -> Statement {
    let sql = match dialect {
        Dialect::Sqlite => "SELECT m.name, p.name, p.type FROM sqlite_master m JOIN pragma_table_info(m.name) p WHERE m.type = 'table' AND (m.name LIKE 'c\\_%' ESCAPE '\\' OR m.name LIKE 'm\\_%' ESCAPE '\\')",
        Dialect::Postgres => {
            "SELECT c.relname::text, a.attname::text, format_type(a.atttypid, a.atttypmod) FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid \
             WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped AND (c.relname LIKE 'c\\_%' OR c.relname LIKE 'm\\_%')"
        }
    };
    statement(dialect, sql, Vec::new(), vec![Physical::Text; 3])
}

/// Names of indexes.
pub fn indexes(dialect: Dialect) -> Statement {
    let sql = match dialect {
        Dialect::Sqlite => "SELECT name FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL",
        Dialect::Postgres => "SELECT indexname::text FROM pg_indexes WHERE schemaname = current_schema()",
    };
    statement(dialect, sql, Vec::new(), vec![Physical::Text])
}

/// Names of foreign keys (PostgreSQL).
pub fn foreign_keys() -> Statement {
    let sql = "SELECT conname::text FROM pg_constraint WHERE contype = 'f' AND connamespace = current_schema()::regnamespace";
    statement(Dialect::Postgres, sql, Vec::new(), vec![Physical::Text])
}

/// Counts of publishes and of changes of rights: [`Counts`].
pub fn counts(dialect: Dialect) -> Statement {
    statement(dialect, "SELECT version, rights FROM sys_catalog", Vec::new(), vec![Physical::Integer; 2])
}

/// Counts one more change of rights, or of what is remembered of people beside them.
pub fn next_rights(dialect: Dialect) -> Statement {
    statement(dialect, "UPDATE sys_catalog SET rights = rights + 1", Vec::new(), Vec::new())
}

/// Counts one more publish.
pub fn next_catalog_version(dialect: Dialect) -> Statement {
    statement(dialect, "UPDATE sys_catalog SET version = version + 1 RETURNING version", Vec::new(), vec![Physical::Integer])
}

/// Every file of every installed pack: pack, path, content.
pub fn definitions(dialect: Dialect) -> Statement {
    statement(dialect, "SELECT pack, path, content FROM sys_definition ORDER BY pack, path", Vec::new(), vec![Physical::Text, Physical::Text, Physical::Bytes])
}

/// Forgets a pack's files, to write them anew.
pub fn clear_definitions(dialect: Dialect, pack: &str) -> Statement {
    statement(dialect, "DELETE FROM sys_definition WHERE pack = {}", vec![text(pack)], Vec::new())
}

/// Keeps one file of a pack.
pub fn put_definition(dialect: Dialect, pack: &str, path: &str, content: Vec<u8>) -> Statement {
    statement(dialect, "INSERT INTO sys_definition (pack, path, content) VALUES ({}, {}, {})", vec![text(pack), text(path), Datum::Bytes(content)], Vec::new())
}

/// A setting of the site.
pub fn site(dialect: Dialect, key: &str) -> Statement {
    statement(dialect, "SELECT value FROM sys_site WHERE key = {}", vec![text(key)], vec![Physical::Text])
}

/// Keeps a setting of the site.
pub fn put_site(dialect: Dialect, key: &str, value: &str) -> Statement {
    let sql = "INSERT INTO sys_site (key, value) VALUES ({}, {}) ON CONFLICT (key) DO UPDATE SET value = excluded.value";
    statement(dialect, sql, vec![text(key), text(value)], Vec::new())
}

/// The columns of [`user_by_id`] and its kin: id, login, name, email, password, language, active.
pub const USER_COLUMNS: [Physical; 7] = [Physical::Uuid, Physical::Text, Physical::Text, Physical::Text, Physical::Text, Physical::Text, Physical::Boolean];
const USER: &str = "u.id, u.login, u.display_name, u.email, u.password, u.language, u.active";

/// A user by id.
pub fn user_by_id(dialect: Dialect, id: Uuid) -> Statement {
    statement(dialect, &format!("SELECT {USER} FROM sys_user u WHERE u.id = {{}}"), vec![Datum::Uuid(id)], USER_COLUMNS.to_vec())
}

/// A user by sign-in name, in lower case.
pub fn user_by_login(dialect: Dialect, login: &str) -> Statement {
    statement(dialect, &format!("SELECT {USER} FROM sys_user u WHERE u.login = {{}}"), vec![text(login)], USER_COLUMNS.to_vec())
}

/// Users with a sign-in name, in lower case, or with a mail address, whatever the case of its letters; a few of them.
pub fn known_as(dialect: Dialect, login: &str, email: &str) -> Statement {
    let sql = format!("SELECT {USER} FROM sys_user u WHERE u.login = {{}} OR u.email = {{}} OR lower(u.email) = {{}} ORDER BY u.login LIMIT 5");
    statement(dialect, &sql, vec![text(login), text(email), text(email.to_lowercase())], USER_COLUMNS.to_vec())
}

/// Every user.
pub fn users(dialect: Dialect) -> Statement {
    statement(dialect, &format!("SELECT {USER} FROM sys_user u ORDER BY u.login"), Vec::new(), USER_COLUMNS.to_vec())
}

/// A new user.
pub fn create_user(dialect: Dialect, id: Uuid, login: &str, name: &str, password: Option<&str>, language: Option<&str>, now: DateTime<Utc>) -> Statement {
    let nothing = Datum::Null(Physical::Text);
    let binds = vec![
        Datum::Uuid(id),
        text(login),
        text(name),
        password.map_or(nothing.clone(), text),
        language.map_or(nothing, text),
        Datum::Boolean(true),
        Datum::Instant(now),
    ];
    let sql = "INSERT INTO sys_user (id, login, display_name, password, language, active, created_at) VALUES ({}, {}, {}, {}, {}, {}, {})";
    statement(dialect, sql, binds, Vec::new())
}

/// The groups of a user.
pub fn roles_of(dialect: Dialect, user: Uuid) -> Statement {
    statement(dialect, "SELECT role FROM sys_user_role WHERE user_id = {} ORDER BY role", vec![Datum::Uuid(user)], vec![Physical::Text])
}

/// Puts a user into a group.
pub fn add_role(dialect: Dialect, user: Uuid, role: &str) -> Statement {
    statement(dialect, "INSERT INTO sys_user_role (user_id, role) VALUES ({}, {}) ON CONFLICT DO NOTHING", vec![Datum::Uuid(user), text(role)], Vec::new())
}

/// A preference of a user.
pub fn preference(dialect: Dialect, user: Uuid, key: &str) -> Statement {
    statement(dialect, "SELECT value FROM sys_preference WHERE user_id = {} AND key = {}", vec![Datum::Uuid(user), text(key)], vec![Physical::Text])
}

/// Every preference of a user: key, value.
pub fn preferences(dialect: Dialect, user: Uuid) -> Statement {
    statement(dialect, "SELECT key, value FROM sys_preference WHERE user_id = {}", vec![Datum::Uuid(user)], vec![Physical::Text, Physical::Text])
}

/// Keeps a preference.
pub fn put_preference(dialect: Dialect, user: Uuid, key: &str, value: &str) -> Statement {
    let sql = "INSERT INTO sys_preference (user_id, key, value) VALUES ({}, {}, {}) ON CONFLICT (user_id, key) DO UPDATE SET value = excluded.value";
    statement(dialect, sql, vec![Datum::Uuid(user), text(key), text(value)], Vec::new())
}

/// Counts on: the next number of a counter.
pub fn next_number(dialect: Dialect, name: &str) -> Statement {
    let sql = "INSERT INTO sys_counter (name, value) VALUES ({}, 1) ON CONFLICT (name) DO UPDATE SET value = sys_counter.value + 1 RETURNING value";
    statement(dialect, sql, vec![text(name)], vec![Physical::Integer])
}

/// Held while a request with an idempotency key is carried out: the same request at the same moment waits, and then finds
/// the answer. SQLite has one writer.
pub fn hold_key(principal: Uuid, key: &str) -> Statement {
    statement(Dialect::Postgres, "SELECT 1::bigint FROM pg_advisory_xact_lock(hashtextextended({}, 0))", vec![text(format!("{principal} {key}"))], vec![Physical::Integer])
}

/// What was answered to an idempotency key before: fingerprint, status, response.
pub fn idempotent(dialect: Dialect, principal: Uuid, key: &str) -> Statement {
    let sql = "SELECT fingerprint, status, response FROM sys_idempotency WHERE principal = {} AND key = {}";
    statement(dialect, sql, vec![Datum::Uuid(principal), text(key)], vec![Physical::Bytes, Physical::Integer, Physical::Text])
}

/// Keeps an answer under an idempotency key. The column `status` holds the record's version: with the id it is all that
/// the answer is made of.
pub fn put_idempotent(dialect: Dialect, principal: Uuid, key: &str, fingerprint: Vec<u8>, version: i64, response: &str, now: DateTime<Utc>) -> Statement {
    let binds = vec![Datum::Uuid(principal), text(key), Datum::Bytes(fingerprint), Datum::Integer(version), text(response), Datum::Instant(now)];
    statement(dialect, "INSERT INTO sys_idempotency (principal, key, fingerprint, status, response, created_at) VALUES ({}, {}, {}, {}, {}, {})", binds, Vec::new())
}

/// What happened to a record, for audit and change log.
#[derive(Debug, Clone)]
pub struct Event<'a> {
    /// When.
    pub at: DateTime<Utc>,
    /// Who; `None` for the system.
    pub actor: Option<Uuid>,
    /// The card.
    pub card: &'a str,
    /// The record.
    pub record: Uuid,
    /// Its version from then on.
    pub version: i64,
    /// created, updated, deleted, restored.
    pub action: &'static str,
    /// Changed places, as a JSON array of texts.
    pub fields: String,
    /// Old and new values of tracked fields, as JSON.
    pub tracked: Option<String>,
    /// The site it happened on.
    pub site: &'a str,
    /// The transaction it happened in.
    pub tx: Uuid,
    /// A new id each for audit and change.
    pub ids: [Uuid; 2],
}

/// The rows that an event leaves behind, each by a statement that asks for no answer. On SQLite the change gets its number
/// at once, since there is one writer.
pub fn event(dialect: Dialect, told: &Event<'_>) -> [Statement; 2] {
    let common = || vec![text(told.card), Datum::Uuid(told.record), Datum::Integer(told.version)];
    let audit = [vec![Datum::Uuid(told.ids[0]), Datum::Instant(told.at), optional(told.actor)], common(), vec![text(told.action), text(told.fields.clone()), told.tracked.clone().map_or(Datum::Null(Physical::Text), Datum::Text)]].concat();
    let change = [vec![Datum::Uuid(told.ids[1]), text(told.site), Datum::Uuid(told.tx)], common(), vec![text(told.action), text(told.fields.clone())]].concat();
    let numbered = match dialect {
        Dialect::Sqlite => "INSERT INTO sys_change (id, site, tx, seq, card, record, version, op, fields) VALUES ({}, {}, {}, COALESCE((SELECT max(seq) FROM sys_change), 0) + 1, {}, {}, {}, {}, {})",
        Dialect::Postgres => "INSERT INTO sys_change (id, site, tx, card, record, version, op, fields) VALUES ({}, {}, {}, {}, {}, {}, {}, {})",
    };
    [
        statement(dialect, "INSERT INTO sys_audit (id, at, actor, card, record, version, action, fields, tracked) VALUES ({}, {}, {}, {}, {}, {}, {}, {}, {})", audit, Vec::new()),
        statement(dialect, numbered, change, Vec::new()),
    ]
}

/// A line of the history alone: calculated values whose change is kept. No version, nothing for the change log.
pub fn renewed(dialect: Dialect, at: DateTime<Utc>, card: &str, record: Uuid, version: i64, fields: &str, tracked: &str) -> Statement {
    let binds =
        vec![Datum::Uuid(Uuid::now_v7()), Datum::Instant(at), Datum::Null(Physical::Uuid), text(card), Datum::Uuid(record), Datum::Integer(version), text("renewed"), text(fields), text(tracked)];
    statement(dialect, "INSERT INTO sys_audit (id, at, actor, card, record, version, action, fields, tracked) VALUES ({}, {}, {}, {}, {}, {}, {}, {}, {})", binds, Vec::new())
}

/// Gives numbers to changes that have none, in the order they became visible. Run by one sequencer at a time.
pub fn number_changes() -> Statement {
    let sql = "WITH open AS (SELECT id, row_number() OVER (ORDER BY id) AS n FROM sys_change WHERE seq IS NULL), \
               top AS (SELECT COALESCE(max(seq), 0) AS seq FROM sys_change WHERE seq IS NOT NULL) \
               UPDATE sys_change SET seq = top.seq + open.n FROM open, top WHERE sys_change.seq IS NULL AND sys_change.id = open.id";
    statement(Dialect::Postgres, sql, Vec::new(), Vec::new())
}

/// Held by the one sequencer at work.
pub fn hold_sequencer() -> Statement {
    statement(Dialect::Postgres, "SELECT version FROM sys_catalog FOR UPDATE", Vec::new(), vec![Physical::Integer])
}

/// What happened to a record, latest first: at, actor's id, actor's name, version, action, fields, tracked.
pub fn history(dialect: Dialect, record: Uuid, limit: u32) -> Statement {
    let sql = format!(
        "SELECT a.at, a.actor, u.display_name, a.version, a.action, a.fields, a.tracked FROM sys_audit a LEFT JOIN sys_user u ON u.id = a.actor \
         WHERE a.record = {{}} ORDER BY a.version DESC, a.id DESC LIMIT {limit}"
    );
    let columns = vec![Physical::Instant, Physical::Uuid, Physical::Text, Physical::Integer, Physical::Text, Physical::Text, Physical::Text];
    statement(dialect, &sql, vec![Datum::Uuid(record)], columns)
}

/// When a tracked field of a record changed, latest first: at, actor's id, actor's name, old and new value by field.
pub fn series(dialect: Dialect, record: Uuid, field: &str, limit: u32) -> Statement {
    let sql = format!(
        "SELECT a.at, a.actor, u.display_name, a.tracked FROM sys_audit a LEFT JOIN sys_user u ON u.id = a.actor \
         WHERE a.record = {{}} AND a.tracked LIKE {{}} ORDER BY a.version DESC, a.id DESC LIMIT {limit}"
    );
    // A field's id has no signs that a pattern knows but `_`, which fits itself; what is too much is left out by who reads it.
    let columns = vec![Physical::Instant, Physical::Uuid, Physical::Text, Physical::Text];
    statement(dialect, &sql, vec![Datum::Uuid(record), text(format!("%\"{field}\":%"))], columns)
}

/// The places of a record that changed after a version.
pub fn changed_since(dialect: Dialect, record: Uuid, version: i64) -> Statement {
    statement(dialect, "SELECT fields FROM sys_audit WHERE record = {} AND version > {}", vec![Datum::Uuid(record), Datum::Integer(version)], vec![Physical::Text])
}

/// The columns of [`file`]: id, sha256, name, size, media type, uploaded by, card, record, field.
pub const FILE_COLUMNS: [Physical; 9] =
    [Physical::Uuid, Physical::Text, Physical::Text, Physical::Integer, Physical::Text, Physical::Uuid, Physical::Text, Physical::Uuid, Physical::Text];

/// What is known of files.
pub fn files(dialect: Dialect, ids: &[Uuid]) -> Statement {
    let marks = vec!["{}"; ids.len().max(1)].join(", ");
    let binds = if ids.is_empty() { vec![Datum::Null(Physical::Uuid)] } else { ids.iter().map(|id| Datum::Uuid(*id)).collect() };
    let sql = format!("SELECT id, sha256, name, size, media_type, uploaded_by, card, record, field FROM sys_file WHERE id IN ({marks})");
    statement(dialect, &sql, binds, FILE_COLUMNS.to_vec())
}

/// What is known of an upload.
#[derive(Debug, Clone, Copy)]
pub struct NewFile<'a> {
    /// Its id.
    pub id: Uuid,
    /// Digest of its bytes, in hex.
    pub sha256: &'a str,
    /// As its owner calls it.
    pub name: &'a str,
    /// In bytes.
    pub size: i64,
    /// As its bytes tell.
    pub media_type: &'a str,
}

/// A file that was uploaded.
pub fn create_file(dialect: Dialect, file: &NewFile<'_>, by: Option<Uuid>, now: DateTime<Utc>) -> Statement {
    let binds = vec![Datum::Uuid(file.id), text(file.sha256), text(file.name), Datum::Integer(file.size), text(file.media_type), optional(by), Datum::Instant(now)];
    statement(dialect, "INSERT INTO sys_file (id, sha256, name, size, media_type, uploaded_by, created_at) VALUES ({}, {}, {}, {}, {}, {}, {})", binds, Vec::new())
}

/// Attaches files to a record's field: only their uploader's, and only such as belong to nothing yet.
pub fn attach_files(dialect: Dialect, ids: &[Uuid], by: Option<Uuid>, card: &str, record: Uuid, field: &str) -> Statement {
    let marks = vec!["{}"; ids.len()].join(", ");
    let mut binds = vec![text(card), Datum::Uuid(record), text(field)];
    binds.extend(ids.iter().map(|id| Datum::Uuid(*id)));
    binds.push(optional(by));
    let sql = format!("UPDATE sys_file SET card = {{}}, record = {{}}, field = {{}} WHERE id IN ({marks}) AND record IS NULL AND (uploaded_by = {{}})");
    statement(dialect, &sql, binds, Vec::new())
}
