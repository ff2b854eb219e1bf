//! The commands about messages to the outside, and their flags.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::cli::SiteArgs;

/// How messages leave.
#[derive(Debug, Clone, Default, Args)]
pub struct PostArgs {
    /// The server that takes e-mails: smtps://mail.example.com, or smtp://mail.example.com, which turns to TLS. Without it e-mails wait.
    #[arg(long, env = "CARDSTOCK_MAIL_SERVER")]
    pub mail_server: Option<String>,
    /// Whom e-mails come from, such as `Cardstock <cards@example.com>`.
    #[arg(long, env = "CARDSTOCK_MAIL_FROM")]
    pub mail_from: Option<String>,
    /// Who signs in at the mail server, if it asks.
    #[arg(long, env = "CARDSTOCK_MAIL_USER")]
    pub mail_user: Option<String>,
    /// With what; better as a variable than as a flag.
    #[arg(long, env = "CARDSTOCK_MAIL_PASSWORD", hide_env_values = true)]
    pub mail_password: Option<String>,
    /// A file with the certificate (PEM) of whoever vouches for the mail server, if this machine does not know them.
    #[arg(long, env = "CARDSTOCK_MAIL_AUTHORITY")]
    pub mail_authority: Option<PathBuf>,
    /// Hosts of the inner network that may be asked, such as `id.corp.example,10.0.0.5`.
    #[arg(long, env = "CARDSTOCK_INNER_HOSTS")]
    pub inner_hosts: Option<String>,
}

/// What can be done with e-mails.
#[derive(Debug, Subcommand)]
pub enum MailCommand {
    /// Send an e-mail at once, to see whether the server takes it.
    #[command(after_help = "Example: cardstock mail test kim@example.com --mail-server smtps://mail.example.com --mail-from cards@example.com")]
    Test {
        /// Where to.
        to: String,
        /// How.
        #[command(flatten)]
        post: PostArgs,
    },
}

/// What can be done with messages to other servers.
#[derive(Debug, Subcommand)]
pub enum WebhookCommand {
    /// Print the key by which whoever takes webhooks at an address knows that they come from this site.
    #[command(after_help = "Example: cardstock webhook key https://example.com/hook --data ./site")]
    Key {
        /// The address.
        url: String,
        /// The site.
        #[command(flatten)]
        site: SiteArgs,
    },
}
