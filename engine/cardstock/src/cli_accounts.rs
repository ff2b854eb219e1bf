//! The commands about accounts, tokens and the log, and their flags.

use std::path::PathBuf;

use clap::Subcommand;

use crate::cli::SiteArgs;

/// What can be done with accounts.
#[derive(Debug, Subcommand)]
pub enum UserCommand {
    /// Make an account; prints a link to set its password, unless one is given.
    #[command(after_help = "Example: cardstock user add mei --role sales --data ./site")]
    Add {
        /// The sign-in name.
        name: String,
        /// Its groups.
        #[arg(long = "role")]
        roles: Vec<String>,
        /// The name people know.
        #[arg(long)]
        display: Option<String>,
        /// A password.
        #[arg(long)]
        password: Option<String>,
        /// The site.
        #[command(flatten)]
        site: SiteArgs,
    },
    /// Set a password.
    #[command(after_help = "Example: cardstock user passwd mei --password '…' --data ./site")]
    Passwd {
        /// The sign-in name.
        name: String,
        /// The new password.
        #[arg(long)]
        password: String,
        /// The site.
        #[command(flatten)]
        site: SiteArgs,
    },
    /// Print a link to set a password.
    #[command(after_help = "Example: cardstock user link mei --data ./site")]
    Link {
        /// The sign-in name.
        name: String,
        /// The site.
        #[command(flatten)]
        site: SiteArgs,
    },
    /// Turn the second factor of an account off.
    #[command(after_help = "Example: cardstock user second-off mei --data ./site")]
    SecondOff {
        /// The sign-in name.
        name: String,
        /// The site.
        #[command(flatten)]
        site: SiteArgs,
    },
    /// Let an account sign in again.
    #[command(after_help = "Example: cardstock user enable mei --data ./site")]
    Enable {
        /// The sign-in name.
        name: String,
        /// The site.
        #[command(flatten)]
        site: SiteArgs,
    },
    /// Let an account sign in no more.
    #[command(after_help = "Example: cardstock user disable mei --data ./site")]
    Disable {
        /// The sign-in name.
        name: String,
        /// The site.
        #[command(flatten)]
        site: SiteArgs,
    },
}

/// What can be done with tokens.
#[derive(Debug, Subcommand)]
pub enum TokenCommand {
    /// Print a new API token, and nothing else.
    #[command(after_help = "Example: cardstock token new --user admin --data ./site")]
    New {
        /// The sign-in name.
        #[arg(long)]
        user: String,
        /// It may change accounts and rights, where a person is asked for the password again.
        #[arg(long)]
        administers: bool,
        /// After how many days it ends; never if not said.
        #[arg(long)]
        days: Option<i64>,
        /// The site.
        #[command(flatten)]
        site: SiteArgs,
    },
}

/// What can be done with the log.
#[derive(Debug, Subcommand)]
pub enum LogCommand {
    /// Look whether every line is there, and as it was written; prints the last one, and fails if anything is wrong.
    #[command(after_help = "Example: cardstock log verify --since 120:5f0c… --data ./site")]
    Verify {
        /// A last line that was printed before: it must still be there.
        #[arg(long)]
        since: Option<String>,
        /// Files of keys that the site had before.
        #[arg(long = "key")]
        keys: Vec<PathBuf>,
        /// The site.
        #[command(flatten)]
        site: SiteArgs,
    },
}
