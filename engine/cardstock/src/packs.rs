//! Packs on disk and in the binary.

use std::{path::Path, process::ExitCode, sync::Arc, time::Duration};

use app::{App, AppError, jobs, packs};
use chrono::Utc;
use model::{Diagnostic, build, load::{Files, has_errors, read_pack}};

use crate::cli::{PackCommand, SiteArgs};

#[derive(rust_embed::Embed)]
#[folder = "$CARGO_MANIFEST_DIR/../../builtin-modules"]
struct Builtin;

/// The built-in packs, by key.
pub fn builtin() -> Packs {
    let mut packs = Packs::new();
    for path in Builtin::iter() {
        let Some((pack, rest)) = path.split_once('/') else { continue };
        if let Some(file) = Builtin::get(&path) {
            packs.entry(pack.to_owned()).or_default().insert(rest.to_owned(), file.data.into_owned());
        }
    }
    packs
}

/// Pack → its files.
pub type Packs = std::collections::BTreeMap<String, Files>;

/// Opens a site; a new one gets its modules and an administrator.
pub async fn open(site: &SiteArgs) -> Result<Arc<App>, AppError> {
    let app = App::open(site.data.clone(), site.database.clone()).await?;
    if app.snapshot().catalog.packs.is_empty() {
        install_builtin(&app, site.modules.as_deref()).await?;
    } else {
        packs::keep_up(&app).await?;
    }
    Ok(app)
}

async fn install_builtin(app: &Arc<App>, modules: Option<&str>) -> Result<(), AppError> {
    let all = builtin();
    let wanted: Vec<&str> = match modules {
        None => all.keys().map(String::as_str).collect(),
        Some("none") => return Ok(()),
        Some(list) => list.split(',').map(str::trim).collect(),
    };
    if let Some(unknown) = wanted.iter().find(|name| !all.contains_key(**name)) {
        let near = model::nearest(unknown, all.keys().map(String::as_str)).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
        return Err(AppError::malformed("unknown_module", format!("there is no built-in module `{unknown}`{near}")));
    }
    let files: Vec<Files> = wanted.iter().filter_map(|name| all.get(*name).cloned()).collect();
    install(app, files).await.map(|_| ())
}

/// Installs packs and loads their data.
pub async fn install(app: &Arc<App>, packs: Vec<Files>) -> Result<Vec<Diagnostic>, AppError> {
    let done = packs::install(app, packs.clone()).await?;
    if has_errors(&done.findings) {
        print(&done.findings, &packs);
        return Err(AppError::malformed("bad_pack", "nothing was installed"));
    }
    let mut lost = done.lost;
    if let Some(job) = done.job {
        lost.extend(converted(app, job).await?);
        app.refresh().await?;
    }
    for lost in lost {
        eprintln!("{}: {} did not convert and stayed where they were: {}", lost.field, lost.count, lost.examples.join(", "));
    }
    let order: Vec<String> = app.snapshot().catalog.packs.keys().map(ToString::to_string).collect();
    let mut sorted = packs;
    sorted.sort_by_key(|files| order.iter().position(|id| *id == read_pack(files.clone()).0.id()));
    for files in &sorted {
        packs::load_data(app, files, Utc::now()).await?;
    }
    Ok(done.findings)
}

/// Prints findings the way a good compiler does.
fn print(findings: &[Diagnostic], packs: &[Files]) {
    for finding in findings {
        let source = packs.iter().filter(|files| read_pack((*files).clone()).0.id() == finding.pack).find_map(|files| files.get(&finding.file));
        eprint!("{}", finding.render(source.and_then(|bytes| std::str::from_utf8(bytes).ok())));
    }
}

/// A folder as files by path.
pub fn read_folder(folder: &Path) -> Result<Files, AppError> {
    let mut files = Files::new();
    let mut open = vec![folder.to_path_buf()];
    let fail = |path: &Path, error: std::io::Error| AppError::malformed("bad_path", format!("{}: {error}", path.display()));
    while let Some(current) = open.pop() {
        for entry in std::fs::read_dir(&current).map_err(|error| fail(&current, error))? {
            let entry = entry.map_err(|error| fail(&current, error))?;
            let (path, kind) = (entry.path(), entry.file_type().map_err(|error| fail(&current, error))?);
            if path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.')) {
                continue;
            }
            // A pack comes from elsewhere: what it links to is not its own, and may be anything this program can read.
            if kind.is_symlink() {
                return Err(AppError::malformed("bad_path", format!("{} is a link; a pack holds its files itself", path.display())));
            }
            if kind.is_dir() {
                open.push(path);
            } else if let Ok(relative) = path.strip_prefix(folder) {
                files.insert(relative.to_string_lossy().replace('\\', "/"), std::fs::read(&path).map_err(|error| fail(&path, error))?);
            }
        }
    }
    Ok(files)
}

/// `cardstock pack …`
pub async fn run(command: PackCommand) -> Result<ExitCode, AppError> {
    match command {
        PackCommand::Check { path } => {
            let files = read_folder(&path)?;
            let (source, mut findings) = read_pack(files.clone());
            let mut packs: Vec<_> = builtin().into_iter().filter(|(id, _)| *id != source.id()).map(|(_, files)| read_pack(files).0).collect();
            packs.push(source.clone());
            let (catalog, mut found) = build::build(&packs, 0);
            found.extend(catalog.iter().flat_map(|catalog| app::formulas::check(catalog, &packs)));
            findings.extend(found.into_iter().filter(|finding| finding.pack == source.id()));
            print(&findings, &[files]);
            let errors = findings.iter().filter(|finding| finding.level == model::Level::Error).count();
            if errors > 0 {
                eprintln!("{errors} error{} in `{}`", if errors == 1 { "" } else { "s" }, source.id());
                return Ok(ExitCode::FAILURE);
            }
            println!("`{}` is fine: {} cards, {} extensions", source.id(), source.cards.len(), source.extensions.len());
            Ok(ExitCode::SUCCESS)
        }
        PackCommand::Install { path, plan: true, site } => {
            let files = read_folder(&path)?;
            let app = open(&site).await?;
            let (findings, plan) = packs::plan(&app, vec![files.clone()]).await?;
            print(&findings, &[files]);
            app.store.close().await;
            if has_errors(&findings) {
                return Ok(ExitCode::FAILURE);
            }
            show(&plan);
            Ok(if plan.refusal().is_some() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
        }
        PackCommand::Install { path, plan: false, site } => {
            let files = read_folder(&path)?;
            let app = open(&site).await?;
            install(&app, vec![files]).await?;
            println!("installed; the catalog is at version {}", app.snapshot().catalog.version);
            app.store.close().await;
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn show(plan: &packs::Plan) {
    if plan.steps.is_empty() && plan.statements.is_empty() {
        println!("nothing that matters to stored records changes");
    }
    plan.steps.iter().enumerate().for_each(|(index, step)| println!("{:>3}. {step}", index + 1));
    if plan.by_job {
        println!("values of large tables are converted while people go on working; the new definitions hold after that");
    }
    if !plan.statements.is_empty() {
        println!("statements:");
        plan.statements.iter().for_each(|sql| println!("  {sql};"));
    }
}

/// Waits for the values of large tables, and runs the job here if nobody else does.
async fn converted(app: &Arc<App>, job: uuid::Uuid) -> Result<Vec<packs::Lost>, AppError> {
    let role = model::Ident::new(access::ADMINISTRATOR).map_err(|error| AppError::Internal(error.to_string()))?;
    let actor = access::Actor::user(uuid::Uuid::nil(), "administrator", vec![role], Utc::now());
    let runner = jobs::start(app, &jobs::builtin(), jobs::Pace::default());
    let bar = indicatif::ProgressBar::new(0).with_message("converting values");
    let ended = loop {
        let now = jobs::read(app, &actor, job).await?;
        bar.set_length(now.total.unwrap_or(0).unsigned_abs());
        bar.set_position(now.done.unsigned_abs());
        if now.state.is_ended() {
            break now;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    };
    bar.finish_and_clear();
    runner.stop(Duration::from_secs(5)).await;
    match (ended.state, ended.result) {
        (jobs::State::Done, Some(result)) => Ok(packs::lost_of(&result)),
        _ => Err(AppError::malformed("publish_refused", ended.error.unwrap_or_else(|| "the publish was given up".into()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn a_link_out_of_a_pack_is_refused() {
        let (outside, pack) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
        std::fs::write(outside.path().join("secret"), "not yours").expect("a file");
        std::fs::create_dir(pack.path().join("cards")).expect("a folder");
        std::fs::write(pack.path().join("cards/thing.json"), "{}").expect("a file");
        assert_eq!(read_folder(pack.path()).expect("files").into_keys().collect::<Vec<_>>(), ["cards/thing.json"]);
        for (target, name) in [(outside.path().join("secret"), "cards/other.json"), (outside.path().to_path_buf(), "data"), (pack.path().to_path_buf(), "again"), (outside.path().join("nothing"), "nowhere.json")] {
            let link = pack.path().join(name);
            std::os::unix::fs::symlink(target, &link).expect("a link");
            let refused = read_folder(pack.path());
            assert!(matches!(&refused, Err(AppError::Malformed { code, .. }) if *code == "bad_path"), "{name}: {refused:?}");
            std::fs::remove_file(link).expect("removed");
        }
    }
}
