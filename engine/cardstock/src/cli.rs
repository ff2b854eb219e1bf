//! The commands and their flags.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

pub use crate::cli_outgoing::{MailCommand, PostArgs, WebhookCommand};
pub use crate::cli_accounts::{LogCommand, TokenCommand, UserCommand};

/// A metadata-driven low-code record engine.
#[derive(Debug, Parser)]
#[command(name = "cardstock", version, about, propagate_version = true)]
pub struct Cli {
    /// A TOML file with `data`, `database`, `listen`, `modules` and more, for what flags and variables do not say.
    #[arg(long, global = true, env = "CARDSTOCK_CONFIG")]
    pub config: Option<PathBuf>,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Where a site is.
#[derive(Debug, Clone, Args)]
pub struct SiteArgs {
    /// The site's folder: its database, unless it is elsewhere, and its files.
    #[arg(long, env = "CARDSTOCK_DATA")]
    pub data: PathBuf,
    /// A postgres:// address; SQLite in the folder when not given.
    #[arg(long, env = "CARDSTOCK_DATABASE")]
    pub database: Option<String>,
    /// The built-in modules of a new site, such as `base,sales`, or `none`; all when not given.
    #[arg(long)]
    pub modules: Option<String>,
}

/// How people reach a site.
#[derive(Debug, Clone, Default, Args)]
pub struct WebArgs {
    /// The address in people's browsers, such as https://cards.example.com; links and cookies go by it.
    #[arg(long, env = "CARDSTOCK_BASE_URL")]
    pub base_url: Option<String>,
    /// Proxies whose word on addresses counts, such as `127.0.0.1,10.0.0.0/8`.
    #[arg(long, env = "CARDSTOCK_PROXIES")]
    pub proxies: Option<String>,
    /// Take passwords over plain HTTP from other machines: everybody on the way reads them.
    #[arg(long)]
    pub insecure_http: bool,
    /// Another provider (OpenID Connect) with which people may sign in: its address.
    #[arg(long, env = "CARDSTOCK_PROVIDER")]
    pub provider: Option<String>,
    /// What it is called on the button.
    #[arg(long, env = "CARDSTOCK_PROVIDER_NAME", default_value = "OpenID")]
    pub provider_name: String,
    /// By which it knows this site.
    #[arg(long, env = "CARDSTOCK_PROVIDER_CLIENT", default_value = "cardstock")]
    pub provider_client: String,
    /// The secret between both; better as a variable than as a flag.
    #[arg(long, env = "CARDSTOCK_PROVIDER_SECRET", hide_env_values = true)]
    pub provider_secret: Option<String>,
    /// How messages leave.
    #[command(flatten)]
    pub post: PostArgs,
}

/// A file whose rows become records.
#[derive(Debug, Clone, Args)]
pub struct ImportArgs {
    /// The card.
    pub card: String,
    /// The file, .xlsx or text.
    pub file: PathBuf,
    /// The field by which records there are already are known: they are changed, others are made.
    #[arg(long)]
    pub key: Option<String>,
    /// Leave rows with mistakes out, and take the rest.
    #[arg(long)]
    pub skip: bool,
    /// A file that says how columns become fields, as JSON.
    #[arg(long)]
    pub settings: Option<PathBuf>,
    /// Where to write the rows with mistakes, as .xlsx.
    #[arg(long)]
    pub errors: Option<PathBuf>,
    /// As whom.
    #[arg(long, default_value = "admin")]
    pub user: String,
    /// The site.
    #[command(flatten)]
    pub site: SiteArgs,
}

/// Records written to a file.
#[derive(Debug, Clone, Args)]
pub struct ExportArgs {
    /// The card.
    pub card: String,
    /// The file; its ending, .xlsx or .csv, says what kind.
    pub file: PathBuf,
    /// A filter, as JSON.
    #[arg(long)]
    pub filter: Option<String>,
    /// The fields, such as `name,owner.name,lines`; everything when not given.
    #[arg(long)]
    pub fields: Option<String>,
    /// The order, such as `-created_at`.
    #[arg(long)]
    pub sort: Option<String>,
    /// As whom.
    #[arg(long, default_value = "admin")]
    pub user: String,
    /// The site.
    #[command(flatten)]
    pub site: SiteArgs,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve a demo company with invented data.
    #[command(after_help = "Example: cardstock demo --records 100000")]
    Demo {
        /// Where to listen; port 0 takes a free one.
        #[arg(long, default_value = "127.0.0.1:8080", env = "CARDSTOCK_LISTEN")]
        listen: String,
        /// Keep the site in this folder.
        #[arg(long)]
        data: Option<PathBuf>,
        /// About how many records to invent.
        #[arg(long)]
        records: Option<u64>,
        /// How people reach it.
        #[command(flatten)]
        web: WebArgs,
    },
    /// Serve a site.
    #[command(after_help = "Example: cardstock serve --data /var/lib/cardstock")]
    Serve {
        /// The site.
        #[command(flatten)]
        site: SiteArgs,
        /// Where to listen.
        #[arg(long, default_value = "127.0.0.1:8080", env = "CARDSTOCK_LISTEN")]
        listen: String,
        /// How people reach it.
        #[command(flatten)]
        web: WebArgs,
    },
    /// Check, install and upgrade module packs.
    Pack {
        /// What to do with a pack.
        #[command(subcommand)]
        command: PackCommand,
    },
    /// Accounts.
    User {
        /// What to do with an account.
        #[command(subcommand)]
        command: UserCommand,
    },
    /// API tokens.
    Token {
        /// What to do with tokens.
        #[command(subcommand)]
        command: TokenCommand,
    },
    /// The log of sign-ins and operations.
    Log {
        /// What to do with the log.
        #[command(subcommand)]
        command: LogCommand,
    },
    /// Settings of a site.
    Site {
        /// What to do with a setting.
        #[command(subcommand)]
        command: SiteCommand,
    },
    /// Calculate derived values anew, or look for those that are not right.
    #[command(after_help = "Example: cardstock recompute --data ./site --verify")]
    Recompute {
        /// Only these cards, with what follows from them.
        #[arg(long = "card")]
        cards: Vec<String>,
        /// Change nothing; print every value that is not what it would be, and fail if there is one.
        #[arg(long)]
        verify: bool,
        /// The site.
        #[command(flatten)]
        site: SiteArgs,
    },
    /// Scripts.
    Script {
        /// What to do with a script.
        #[command(subcommand)]
        command: ScriptCommand,
    },
    /// The search index.
    Search {
        /// What to do with the index.
        #[command(subcommand)]
        command: SearchCommand,
    },
    /// E-mails.
    Mail {
        /// What to do.
        #[command(subcommand)]
        command: MailCommand,
    },
    /// Messages to other servers.
    Webhook {
        /// What to do.
        #[command(subcommand)]
        command: WebhookCommand,
    },
    /// Make records of an Excel or CSV file.
    #[command(after_help = "Example: cardstock import CARD table.xlsx --key code --data ./site")]
    Import(ImportArgs),
    /// Write records to an Excel or CSV file.
    #[command(after_help = "Example: cardstock export CARD table.xlsx --data ./site")]
    Export(ExportArgs),
    /// Print the OpenAPI document, as an administrator sees it.
    #[command(after_help = "Example: cardstock openapi --data ./site > openapi.json")]
    Openapi {
        /// The site.
        #[command(flatten)]
        site: SiteArgs,
    },
    /// Write the JSON Schemas of the definition language.
    #[command(after_help = "Example: cardstock schemas schemas")]
    Schemas {
        /// The folder they are written to.
        folder: PathBuf,
    },
}

/// What can be done with packs.
#[derive(Debug, Subcommand)]
pub enum PackCommand {
    /// Say everything that is wrong with a pack.
    #[command(after_help = "Example: cardstock pack check ./my-pack")]
    Check {
        /// The pack's folder.
        path: PathBuf,
    },
    /// Install a pack, or upgrade it.
    #[command(alias = "upgrade", after_help = "Example: cardstock pack install ./my-pack --plan --data ./site")]
    Install {
        /// The pack's folder.
        path: PathBuf,
        /// Only say what would be done, what existing records break, and what would not convert.
        #[arg(long)]
        plan: bool,
        /// The site.
        #[command(flatten)]
        site: SiteArgs,
    },
}

/// What can be done with scripts.
#[derive(Debug, Subcommand)]
pub enum ScriptCommand {
    /// Run a file on a record, and say what it gives, sets and writes. Nothing is kept without `--keep`.
    #[command(after_help = "Example: cardstock script run --card CARD --id ID try.rhai --data ./site")]
    Run {
        /// The script.
        file: PathBuf,
        /// The card.
        #[arg(long)]
        card: String,
        /// The record; none when not given.
        #[arg(long)]
        id: Option<String>,
        /// Keep what it did.
        #[arg(long)]
        keep: bool,
        /// As whom.
        #[arg(long, default_value = "admin")]
        user: String,
        /// The site.
        #[command(flatten)]
        site: SiteArgs,
    },
}

/// What can be done with the search index.
#[derive(Debug, Subcommand)]
pub enum SearchCommand {
    /// Make the entries of all cards, or of some, again. Interrupted, it goes on where it was.
    #[command(after_help = "Example: cardstock search rebuild --data ./site")]
    Rebuild {
        /// Only these cards.
        #[arg(long = "card")]
        cards: Vec<String>,
        /// The site.
        #[command(flatten)]
        site: SiteArgs,
    },
}

/// What can be done with settings.
#[derive(Debug, Subcommand)]
pub enum SiteCommand {
    /// Print every setting.
    #[command(after_help = "Example: cardstock site show --data ./site")]
    Show {
        /// The site.
        #[command(flatten)]
        site: SiteArgs,
    },
    /// Change a setting: `name`, the company's name; `currency`, the sign before amounts of money; `zone`, the time zone.
    #[command(after_help = "Example: cardstock site set currency € --data ./site")]
    Set {
        /// The setting.
        key: String,
        /// Its value.
        value: String,
        /// The site.
        #[command(flatten)]
        site: SiteArgs,
    },
}
