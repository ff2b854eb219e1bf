//! Configuration from a TOML file: what flags and `CARDSTOCK_*` variables do not say.
//!
//! **Invariants**
//! - A flag goes before a variable, a variable before the file.
//! - An unknown key is an error: a typo must not pass for a setting.

use std::{ffi::OsString, path::PathBuf};

use clap::{Command, CommandFactory, FromArgMatches, error::ErrorKind};

use crate::cli::Cli;

/// What a file may say: the long names of the flags it stands in for.
const KEYS: [&str; 16] = ["data", "database", "listen", "modules", "base_url", "proxies", "provider", "provider_name", "provider_client", "provider_secret", "inner_hosts", "mail_server", "mail_from", "mail_user", "mail_password", "mail_authority"];

/// Reads the command line, with the file it or `CARDSTOCK_CONFIG` names.
pub fn parse() -> Cli {
    let args: Vec<OsString> = std::env::args_os().collect();
    let file = named(&args).or_else(|| std::env::var_os("CARDSTOCK_CONFIG").map(PathBuf::from));
    let mut command = Cli::command();
    if let Some(file) = file {
        let read = std::fs::read_to_string(&file).map_err(|error| error.to_string()).and_then(|text| settings(&text));
        match read {
            Ok(settings) => command = with_defaults(command, &settings),
            Err(problem) => command.error(ErrorKind::ValueValidation, format!("{}: {problem}", file.display())).exit(),
        }
    }
    let matches = command.get_matches_from(args);
    Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit())
}

/// The file after `--config`. It is looked for before flags are read, for it says what they default to.
fn named(args: &[OsString]) -> Option<PathBuf> {
    let mut args = args.iter().skip(1).take_while(|arg| *arg != "--");
    while let Some(arg) = args.next() {
        if arg == "--config" {
            return args.next().map(PathBuf::from);
        }
        if let Some(path) = arg.to_str().and_then(|arg| arg.strip_prefix("--config=")) {
            return Some(path.into());
        }
    }
    None
}

fn settings(text: &str) -> Result<Vec<(String, String)>, String> {
    let table: toml::Table = text.parse().map_err(|error: toml::de::Error| error.to_string())?;
    let one = |(key, value): (String, toml::Value)| {
        if !KEYS.contains(&key.as_str()) {
            let near = model::nearest(&key, KEYS).map_or_else(|| format!("; known are {}", KEYS.join(", ")), |near| format!("; did you mean `{near}`?"));
            return Err(format!("`{key}` is no setting{near}"));
        }
        match value {
            toml::Value::String(value) => Ok((key, value)),
            other => Err(format!("`{key}` is a text in quotes, not {}", other.type_str())),
        }
    };
    table.into_iter().map(one).collect()
}

fn with_defaults(command: Command, settings: &[(String, String)]) -> Command {
    let command = command.mut_args(|arg| match settings.iter().find(|(key, _)| arg.get_id() == key.as_str()) {
        Some((_, value)) => arg.default_value(value.clone()).required(false),
        None => arg,
    });
    command.mut_subcommands(|inner| with_defaults(inner, settings))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(file: &str, args: &[&str]) -> Result<Cli, String> {
        let command = with_defaults(Cli::command(), &settings(file)?);
        let matches = command.try_get_matches_from(args).map_err(|error| error.to_string())?;
        Cli::from_arg_matches(&matches).map_err(|error| error.to_string())
    }

    #[test]
    fn a_file_says_what_flags_do_not() {
        let file = "data = \"/srv/site\"\nlisten = \"0.0.0.0:80\"";
        let cli = read(file, &["cardstock", "serve", "--listen", "127.0.0.1:1"]).expect("a command");
        let crate::cli::Command::Serve { site, listen, .. } = cli.command else { panic!("serve") };
        assert_eq!((site.data, listen.as_str()), (PathBuf::from("/srv/site"), "127.0.0.1:1"));
    }

    #[test]
    fn what_a_file_should_not_say_is_refused() {
        assert!(read("dta = \"x\"", &["cardstock", "serve"]).is_err_and(|said| said.contains("did you mean `data`?")));
        assert!(read("data = 1", &["cardstock", "serve"]).is_err_and(|said| said.contains("a text in quotes")));
    }

    #[test]
    fn the_file_is_named_in_either_way() {
        let named = |args: &[&str]| named(&args.iter().map(OsString::from).collect::<Vec<_>>());
        assert_eq!(named(&["cardstock", "serve", "--config", "a.toml"]), Some("a.toml".into()));
        assert_eq!(named(&["cardstock", "--config=b.toml", "serve"]), Some("b.toml".into()));
        assert_eq!(named(&["cardstock", "serve", "--", "--config=b.toml"]), None);
    }
}
