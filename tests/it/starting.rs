//! Whether a site may be opened at all.

use app::App;

use crate::{
    both,
    site::{Database, Site},
};

both!(a_newer_database_is_refused, the_same_request_at_the_same_moment_is_carried_out_once);

async fn a_newer_database_is_refused(database: Database) {
    let site = Site::of(database, Vec::new()).await;
    let columns = "INSERT INTO _sqlx_migrations (version, description, installed_on, success, checksum, execution_time)";
    let row = match database {
        Database::Sqlite => "VALUES (9999, 'later', CURRENT_TIMESTAMP, 1, x'00', 1)",
        Database::Postgres => "VALUES (9999, 'later', now(), true, '\\x00', 1)",
    };
    site.app.store.apply(vec![format!("{columns} {row}")]).await.expect("a migration of the future");
    let refused = App::open(site.app.folder.clone(), site.url.clone()).await.err().expect("refused").to_string();
    assert!(refused.contains("newer Cardstock") && refused.contains("9999"), "{refused}");
}

async fn the_same_request_at_the_same_moment_is_carried_out_once(database: Database) {
    let site = Site::with(database, "tests/packs/lab").await;
    let root = site.person("root", &["administrator"]).await;
    let mut asked = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let root = root.clone();
        asked.spawn(async move { root.post_with("/records/room", &[("idempotency-key", "k")], serde_json::json!({"name": "A"})).await });
    }
    while let Some(answer) = asked.join_next().await {
        let answer = answer.expect("an answer");
        assert!(answer.status.is_success(), "{}", answer.text);
    }
    assert_eq!(site.number("SELECT count(*) FROM c_room").await, 1);
}

#[test]
fn a_damaged_file_that_was_left_open_is_refused() {
    crate::site::run(Database::Sqlite, |database| async move {
        let site = Site::with(database, "tests/packs/lab").await;
        let root = site.person("root", &["administrator"]).await;
        root.make("room", serde_json::json!({"name": "A"})).await;
        site.app.store.close().await;
        let copy = tempfile::tempdir().expect("a folder");
        let file = copy.path().join("site.db");
        let mut bytes = std::fs::read(site.app.folder.join("site.db")).expect("the database");
        let middle = bytes.len() / 2 / 4096 * 4096;
        bytes[middle..middle + 8 * 4096].fill(0xA5);
        std::fs::write(&file, bytes).expect("written");
        std::fs::write(copy.path().join("site.db-wal"), "left by a process that died").expect("written");
        let refused = App::open(copy.path().to_path_buf(), None).await.err().expect("refused").to_string();
        assert!(refused.contains("damaged") && refused.contains("restore a backup"), "{refused}");
    });
}
