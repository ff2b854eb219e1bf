//! Messages to the outside, from the command line.

use std::process::ExitCode;

use app::{
    AppError,
    outbound::Outbound,
    outgoing::{self, MailSettings, Mailer, Post},
};

use crate::{
    cli::{MailCommand, PostArgs, WebhookCommand},
    packs,
};

/// `--inner-hosts`, one by one.
pub fn inner_hosts(args: &PostArgs) -> Vec<String> {
    args.inner_hosts.iter().flat_map(|list| list.split(',')).map(str::trim).filter(|host| !host.is_empty()).map(str::to_owned).collect()
}

/// The ways out that the flags name.
pub fn read(args: &PostArgs, base_url: Option<&str>) -> Result<Post, AppError> {
    let hosts = inner_hosts(args);
    let mailer = match &args.mail_server {
        None => None,
        Some(server) => {
            let settings = MailSettings {
                server: server.clone(),
                user: args.mail_user.clone(),
                password: args.mail_password.clone(),
                from: args.mail_from.clone().unwrap_or_default(),
                authority: args.mail_authority.clone(),
            };
            Some(Mailer::new(&settings, &hosts)?)
        }
    };
    Post::new(mailer, Outbound::new(&hosts)?, base_url.map(str::to_owned), web::letters::words)
}

/// `cardstock mail …`
pub async fn mail(command: MailCommand) -> Result<ExitCode, AppError> {
    let MailCommand::Test { to, post } = command;
    // Nothing in this message leads to a site.
    read(&post, Some("http://localhost"))?.try_out(&to, "Cardstock: mail works", "This message was sent to see whether the mail server takes it. It does.\n").await?;
    println!("The mail server took a message to {to}.");
    Ok(ExitCode::SUCCESS)
}

/// `cardstock webhook …`
pub async fn webhook(command: WebhookCommand) -> Result<ExitCode, AppError> {
    let WebhookCommand::Key { url, site } = command;
    let app = packs::open(&site).await?;
    println!("{}", outgoing::key_of(&app.secrets, &url)?);
    app.store.close().await;
    Ok(ExitCode::SUCCESS)
}
