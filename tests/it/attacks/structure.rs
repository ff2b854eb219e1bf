//! What the source does not have cannot be misused: a second way out, a shell, a template made of somebody's text.

use std::path::Path;

use crate::site::folder;

/// Sources of the product, without tests: path from the repository's folder, and text.
fn sources() -> Vec<(String, String)> {
    fn walk(at: &Path, root: &Path, found: &mut Vec<(String, String)>) {
        for entry in std::fs::read_dir(at).expect("a folder") {
            let path = entry.expect("an entry").path();
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            if path.is_dir() && !["tests", "fixtures", "examples", "benches", "node_modules", "target"].contains(&name.as_str()) {
                walk(&path, root, found);
            } else if name.ends_with(".rs") && name != "tests.rs" && name != "build.rs" {
                let text = std::fs::read_to_string(&path).expect("a source");
                let code = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default().lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
                found.push((path.strip_prefix(root).expect("inside").to_string_lossy().into_owned(), code));
            }
        }
    }
    let root = folder("");
    let mut found = Vec::new();
    walk(&root.join("engine"), &root, &mut found);
    assert!(found.len() > 200, "{}", found.len());
    found
}

fn files_with(words: &[&str]) -> Vec<String> {
    let mut found: Vec<String> = sources().into_iter().filter(|(_, text)| words.iter().any(|word| text.contains(word))).map(|(path, _)| path).collect();
    found.sort();
    found
}

/// 28 · a caller that goes past the one client
#[test]
fn one_place_speaks_to_other_servers() {
    let mut manifests = Vec::new();
    for entry in std::fs::read_dir(folder("engine")).expect("rooms") {
        let path = entry.expect("a room").path();
        let text = std::fs::read_to_string(path.join("Cargo.toml")).unwrap_or_default();
        let used = text.split("[dev-dependencies]").next().unwrap_or_default();
        if ["reqwest", "hyper", "ureq", "isahc", "curl", "surf", "attohttpc", "lettre"].iter().any(|client| used.lines().any(|line| line.starts_with(&format!("{client} ")) || line.starts_with(&format!("{client}.")))) {
            manifests.push(path.file_name().expect("a name").to_string_lossy().into_owned());
        }
    }
    assert_eq!(manifests, ["app"]);
    assert_eq!(files_with(&["reqwest::", "use reqwest"]), ["engine/app/src/accounts/provider.rs", "engine/app/src/outbound.rs"]);
    assert_eq!(files_with(&["lettre::", "use lettre"]), ["engine/app/src/outgoing/mail.rs"]);
    // Only there is a client made, and the provider has none of its own.
    assert_eq!(files_with(&["reqwest::Client", "Client::builder", "reqwest::get"]), ["engine/app/src/outbound.rs"]);
    assert_eq!(files_with(&["TcpStream", "UdpSocket", "UnixStream"]), Vec::<String>::new());
}

/// 29 · a template made of what somebody typed
#[test]
fn templates_are_ours_and_call_three_functions() {
    assert_eq!(files_with(&["Environment::new", "minijinja::render", "render_str", "template_from_str", "render_named_str", "add_template"]), ["engine/web/src/templates.rs"]);
    let text = std::fs::read_to_string(folder("engine/web/src/templates.rs")).expect("the source");
    let named: Vec<&str> = ["add_function(\"", "add_global(\"", "add_filter(\"", "add_test(\""].iter().flat_map(|call| text.split(call).skip(1)).filter_map(|rest| rest.split('"').next()).collect();
    assert_eq!(named, ["icon", "asset", "t", "script_texts"]);
    // What is added once more must be seen here.
    assert_eq!(text.matches(".add_").count(), named.len() + 1, "a function, filter or global that is not in the list");
    assert!(!text.contains("set_loader") && !text.contains("AutoEscape::None"));
}

/// 56, 57 · a command made of what somebody sent
#[test]
fn no_command_is_ever_started() {
    let starting = files_with(&["Command::new", "process::Command", "libc::", "posix_spawn"]);
    assert_eq!(starting, ["engine/exchange/src/reader.rs"]);
    // The one process there is: this program itself, without surroundings, with one fixed word.
    let text = std::fs::read_to_string(folder("engine/exchange/src/reader.rs")).expect("the source");
    assert_eq!(text.matches("Command::new(").count(), 1);
    assert!(text.contains("Command::new(program).arg(worker::COMMAND).env_clear()"));
    assert_eq!(files_with(&["unsafe {", "unsafe fn"]), Vec::<String>::new());
}

/// 31 · a filter that is run as a program
#[test]
fn filters_are_read_never_run() {
    // Only the sandbox evaluates texts, and only it knows the language of formulas.
    let running: Vec<String> = files_with(&["rhai::", ".eval_ast", ".eval::<", "Engine::new_raw"]).into_iter().filter(|path| !path.starts_with("engine/script/")).collect();
    assert_eq!(running, Vec::<String>::new());
    let asking: Vec<String> = files_with(&["script::"]).into_iter().filter(|path| path.starts_with("engine/query/") || path.starts_with("engine/sql/") || path.starts_with("engine/access/")).collect();
    assert_eq!(asking, Vec::<String>::new());
}
