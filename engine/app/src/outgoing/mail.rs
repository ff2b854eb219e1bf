//! E-mails to a server that takes them: SMTP, as whoever runs the program configured it.
//!
//! **Invariants**
//! - Nothing is sent in the open but to this machine and to hosts that were named as inner ones.
//! - Whom a message goes to stands in it as it was kept; a header cannot be made of a text.
//!
//! **Not here:** when and how often (`send`), what letters say (`letters`).

use std::{path::Path, time::Duration};

use lettre::{
    Address, AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor,
    address::Envelope,
    message::{Mailbox, MessageBuilder, MultiPart, SinglePart, header::{HeaderName, HeaderValue}},
    transport::smtp::{authentication::Credentials, client::{Certificate, Tls, TlsParameters}, extension::ClientId},
};
use serde::Deserialize;
use serde_json::Value as Json;
use uuid::Uuid;

use super::send::Fault;
use crate::{AppError, outbound::Url};

/// Longest wait for a connection; the whole message has `send::PATIENCE`.
const PATIENCE: Duration = Duration::from_secs(30);

/// How the server is reached.
#[derive(Debug, Clone, Default)]
pub struct MailSettings {
    /// `smtps://host` speaks TLS from the first byte, `smtp://host` turns to it; a port may follow.
    pub server: String,
    /// Who signs in there.
    pub user: Option<String>,
    /// With what.
    pub password: Option<String>,
    /// Whom messages come from, such as `Cardstock <cards@example.com>`.
    pub from: String,
    /// A file with the certificate (PEM) of whoever vouches for the server, beside those this machine trusts.
    pub authority: Option<std::path::PathBuf>,
}

/// A server that takes e-mails.
pub struct Mailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
}

impl std::fmt::Debug for Mailer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mailer").field("from", &self.from).finish_non_exhaustive()
    }
}

/// An e-mail as it is kept.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Written {
    pub to: Vec<String>,
    pub cc: Vec<String>,
    pub bcc: Vec<String>,
    pub reply_to: Vec<String>,
    pub subject: String,
    pub text: Option<String>,
    pub html: Option<String>,
}

fn refused(detail: String) -> AppError {
    AppError::malformed("bad_mail_server", detail)
}

/// How a connection is kept from being read on the way.
fn tls(url: &Url, host: &str, settings: &MailSettings, inner: &[String]) -> Result<Tls, AppError> {
    let is_here = host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
    if url.scheme() == "smtp" && is_here && settings.authority.is_none() {
        return Ok(Tls::None);
    }
    let mut parameters = TlsParameters::builder(host.to_owned());
    if let Some(file) = &settings.authority {
        parameters = parameters.add_root_certificate(authority(file)?);
    }
    let parameters = parameters.build().map_err(|error| refused(error.to_string()))?;
    Ok(match url.scheme() {
        "smtps" => Tls::Wrapper(parameters),
        _ if inner.iter().any(|known| known == host) => Tls::Opportunistic(parameters),
        _ => Tls::Required(parameters),
    })
}

fn authority(file: &Path) -> Result<Certificate, AppError> {
    let bytes = std::fs::read(file).map_err(|error| refused(format!("{}: {error}", file.display())))?;
    Certificate::from_pem(&bytes).map_err(|error| refused(format!("{}: {error}", file.display())))
}

impl Mailer {
    /// The server of some settings. Nothing is asked of it yet.
    pub fn new(settings: &MailSettings, inner: &[String]) -> Result<Self, AppError> {
        // Another part of the program may have said so before.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let server = settings.server.as_str();
        let url = Url::parse(server).ok().filter(|url| matches!(url.scheme(), "smtp" | "smtps") && matches!(url.path(), "" | "/") && url.query().is_none());
        let Some((url, host)) = url.as_ref().and_then(|url| Some((url, url.host_str().filter(|host| !host.is_empty())?))) else {
            return Err(refused(format!("`{server}` is no mail server: smtps://mail.example.com, or smtp://mail.example.com:587")));
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(refused("the name and the password at the mail server stand for themselves: --mail-user, and CARDSTOCK_MAIL_PASSWORD".into()));
        }
        let from: Mailbox = settings.from.parse().map_err(|error| refused(format!("`{}` is nobody messages can come from ({error}); such as `Cardstock <cards@example.com>`", settings.from)))?;
        let tls = tls(url, host.trim_matches(['[', ']']), settings, inner)?;
        let port = url.port().unwrap_or(if url.scheme() == "smtps" { 465 } else { 587 });
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host.trim_matches(['[', ']'])).port(port).tls(tls).timeout(Some(PATIENCE));
        builder = builder.hello_name(ClientId::Domain(from.email.domain().to_owned()));
        builder = match (&settings.user, &settings.password) {
            (Some(user), Some(password)) => builder.credentials(Credentials::new(user.clone(), password.clone())),
            (None, None) => builder,
            _ => return Err(refused("the mail server is told a name and a password, or neither: --mail-user, and CARDSTOCK_MAIL_PASSWORD".into())),
        };
        Ok(Self { transport: builder.build(), from })
    }

    /// Sends an e-mail to whoever did not get it yet, and adds them to `taken`. Its id is part of what mail programs know
    /// it by: sent twice, it is one message to them. Each receiver is a message of its own to the server, which takes
    /// a message to several of them from nobody or for all.
    pub(super) async fn send(&self, id: Uuid, mail: &Written, taken: &mut Vec<String>) -> Result<(), Fault> {
        let message = self.message(id, mail).map_err(|error| Fault::Never(error.to_string()))?;
        let (envelope, body) = (message.envelope(), message.formatted());
        let mut worst: Option<Fault> = None;
        for to in envelope.to().iter().filter(|to| !taken.contains(&to.to_string())).cloned().collect::<Vec<_>>() {
            let one = Envelope::new(envelope.from().cloned(), vec![to.clone()]).map_err(|error| Fault::Never(error.to_string()))?;
            match self.transport.send_raw(&one, &body).await.map_err(|error| judged(&error)) {
                Ok(_) => taken.push(to.to_string()),
                Err(fault @ Fault::Down(_)) => return Err(fault),
                Err(fault) => worst = Some(if let Some(Fault::Later(told)) = worst { Fault::Later(told) } else { fault }),
            }
        }
        worst.map_or(Ok(()), Err)
    }

    fn message(&self, id: Uuid, mail: &Written) -> Result<Message, Box<dyn std::error::Error>> {
        let everybody = |builder: MessageBuilder, list: &[String], add: fn(MessageBuilder, Mailbox) -> MessageBuilder| {
            list.iter().try_fold(builder, |builder, one| Ok::<_, lettre::address::AddressError>(add(builder, Mailbox::new(None, one.parse::<Address>()?))))
        };
        let mut builder = Message::builder().from(self.from.clone()).message_id(Some(format!("<{id}@{}>", self.from.email.domain()))).subject(mail.subject.clone());
        builder = everybody(builder, &mail.to, MessageBuilder::to)?;
        builder = everybody(builder, &mail.cc, MessageBuilder::cc)?;
        builder = everybody(builder, &mail.bcc, MessageBuilder::bcc)?;
        builder = everybody(builder, &mail.reply_to, MessageBuilder::reply_to)?;
        // RFC 3834: absence notes and the like are not answered to us.
        builder = builder.raw_header(HeaderValue::new(HeaderName::new_from_ascii_str("Auto-Submitted"), "auto-generated".to_owned()));
        Ok(match (&mail.text, &mail.html) {
            (Some(text), Some(html)) => builder.multipart(MultiPart::alternative_plain_html(text.clone(), html.clone()))?,
            (None, Some(html)) => builder.singlepart(SinglePart::html(html.clone()))?,
            (text, None) => builder.singlepart(SinglePart::plain(text.clone().unwrap_or_default()))?,
        })
    }
}

/// What an error means for the next try.
fn judged(error: &lettre::transport::smtp::Error) -> Fault {
    match error.status().map(|code| code.to_string()) {
        // What is wrong is how we sign in.
        Some(code) if code.starts_with("53") => Fault::Down(told(error)),
        // The address, the sender or we ourselves are refused: the server does not say which.
        Some(_) if error.is_permanent() => Fault::Soon(told(error)),
        Some(_) => Fault::Later(told(error)),
        // The server cannot do what this very message needs, such as signs beyond ASCII in an address.
        None if error.is_client() => Fault::Later(told(error)),
        None => Fault::Down(told(error)),
    }
}

/// An error with what caused it.
fn told(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |error| error.source()).map(|cause| format!(": {cause}"));
    let mut text = error.to_string();
    for cause in causes {
        if !text.ends_with(&cause[2..]) {
            text.push_str(&cause);
        }
    }
    text
}

/// The e-mail that a row holds.
pub(super) fn read(content: &Json) -> Result<Written, Fault> {
    serde_json::from_value(content.clone()).map_err(|error| Fault::Never(format!("it is kept in a way that is not understood: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new(server: &str, settings: MailSettings) -> Result<Mailer, String> {
        Mailer::new(&MailSettings { server: server.into(), from: "Cards <cards@example.com>".into(), ..settings }, &[]).map_err(|error| error.to_string())
    }

    #[test]
    fn a_server_is_said_clearly_or_refused() {
        for good in ["smtp://mail.example.com", "smtps://mail.example.com", "smtp://localhost:2525", "smtp://[::1]:25", "smtp://mail.example.com:587/"] {
            assert!(new(good, MailSettings::default()).is_ok(), "{good}");
        }
        for bad in ["mail.example.com", "http://mail.example.com", "smtp://", "smtp://me:secret@mail.example.com", "smtp://mail.example.com?tls=none", "smtp://mail.example.com/x"] {
            assert!(new(bad, MailSettings::default()).is_err(), "{bad}");
        }
        assert!(new("smtp://localhost", MailSettings { user: Some("me".into()), ..MailSettings::default() }).is_err_and(|said| said.contains("CARDSTOCK_MAIL_PASSWORD")));
        assert!(Mailer::new(&MailSettings { server: "smtp://localhost".into(), from: "nobody".into(), ..MailSettings::default() }, &[]).is_err());
    }

    #[test]
    fn nobody_but_this_machine_is_spoken_to_in_the_open() {
        let of = |server: &str, inner: &[String]| {
            let url = Url::parse(server).expect("an address");
            tls(&url, url.host_str().expect("a host"), &MailSettings::default(), inner).expect("settings")
        };
        let _ = rustls::crypto::ring::default_provider().install_default();
        assert!(matches!(of("smtp://localhost", &[]), Tls::None));
        assert!(matches!(of("smtp://mail.example.com", &[]), Tls::Required(_)));
        assert!(matches!(of("smtp://10.0.0.5", &[]), Tls::Required(_)));
        assert!(matches!(of("smtp://10.0.0.5", &["10.0.0.5".into()]), Tls::Opportunistic(_)));
        assert!(matches!(of("smtps://localhost", &[]), Tls::Wrapper(_)));
    }

    #[test]
    fn texts_make_no_headers() {
        let mailer = new("smtp://localhost", MailSettings::default()).expect("a mailer");
        let mail = Written { to: vec!["kim@example.com".into()], bcc: vec!["boss@example.com".into()], subject: "Olá\r\nBcc: x@example.com".into(), text: Some("a".into()), html: Some("<b>a</b>".into()), ..Written::default() };
        let sent = mailer.message(Uuid::nil(), &mail).expect("a message");
        let text = String::from_utf8(sent.formatted()).expect("text");
        assert!(!text.lines().any(|line| line.starts_with("Bcc")), "{text}");
        assert_eq!(sent.envelope().to().iter().map(ToString::to_string).collect::<Vec<_>>(), ["kim@example.com", "boss@example.com"]);
        assert!(text.contains("Message-ID: <00000000-0000-0000-0000-000000000000@example.com>") && text.contains("multipart/alternative"), "{text}");
        assert!(mailer.message(Uuid::nil(), &Written { to: vec!["a@b\r\nTo: c@d".into()], ..Written::default() }).is_err());
    }
}
