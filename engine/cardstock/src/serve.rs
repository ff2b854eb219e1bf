//! Serving a site until told to stop.

use std::{process::ExitCode, sync::Arc, time::Duration};

use access::ADMINISTRATOR;
use app::{App, AppError, accounts::{self, provider::Provider}, jobs, outgoing::{self, Post}};
use chrono::Utc;
use tokio::{net::TcpListener, sync::watch};

use crate::{cli::{SiteArgs, WebArgs}, packs, post};

/// `cardstock serve`
pub async fn run(site: &SiteArgs, listen: &str, web: &WebArgs) -> Result<ExitCode, AppError> {
    let reached = Reached::read(listen, web)?;
    let app = packs::open(site).await?;
    let link = first_administrator(&app).await?;
    let listener = bind(listen).await?;
    let address = listener.local_addr().map_err(|error| AppError::Unavailable { detail: error.to_string() })?;
    println!("Cardstock serves {} at http://{address}", site.data.display());
    if let Some(token) = link {
        let base = web.base_url.as_deref().map_or_else(|| format!("http://{address}"), |base| base.trim_end_matches('/').to_owned());
        println!("Set the password of `admin` within a day: {base}/login/link/{token}");
    }
    serve(app, listener, Vec::new(), reached).await
}

/// How people reach the site, checked.
pub struct Reached {
    secure: bool,
    base_url: Option<Arc<str>>,
    proxies: Arc<[ipnet::IpNet]>,
    provider: Option<Arc<Provider>>,
    post: Arc<Post>,
}

impl Reached {
    /// What the flags say. Passwords and sessions travel over TLS, or stay on this machine, unless somebody insists.
    pub fn read(listen: &str, web: &WebArgs) -> Result<Self, AppError> {
        let refused = |detail: String| Err(AppError::malformed("bad_address", detail));
        let base_url = web.base_url.as_deref().map(|base| base.trim_end_matches('/'));
        if let Some(base) = base_url {
            let rest = base.strip_prefix("https://").or_else(|| base.strip_prefix("http://"));
            if rest.is_none_or(|rest| rest.is_empty() || rest.contains(['/', '?', '#', '@'])) {
                return refused(format!("`{base}` is no address such as https://cards.example.com"));
            }
        }
        let is_tls = base_url.is_some_and(|base| base.starts_with("https://"));
        let host = listen.rsplit_once(':').map_or(listen, |(host, _)| host).trim_matches(['[', ']']);
        let is_here = |host: &str| host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
        let named_here = base_url.and_then(|base| base.split_once("://")).is_none_or(|(_, name)| is_here(name.rsplit_once(':').map_or(name, |(name, _)| name).trim_matches(['[', ']'])));
        let is_safe = is_tls || web.insecure_http || is_here(host) && named_here;
        if !is_safe {
            return refused(format!("{listen} is reached from other machines over plain HTTP, where everybody on the way reads passwords: put a proxy with TLS before it and give --base-url https://…, or insist with --insecure-http"));
        }
        if web.insecure_http {
            eprintln!("cardstock: WARNING: --insecure-http: passwords and sessions travel readable for everybody on the way");
        }
        let net = |text: &str| text.parse::<ipnet::IpNet>().or_else(|_| text.parse::<std::net::IpAddr>().map(ipnet::IpNet::from)).map_err(|_| AppError::malformed("bad_address", format!("`{text}` is no address of a proxy such as 127.0.0.1 or 10.0.0.0/8")));
        let proxies = web.proxies.iter().flat_map(|list| list.split(',')).map(str::trim).filter(|text| !text.is_empty()).map(net).collect::<Result<Vec<_>, _>>()?;
        let hosts = post::inner_hosts(&web.post);
        let provider = match (&web.provider, base_url) {
            (None, _) => None,
            (Some(_), None) => return refused("people come back from another provider to --base-url: say it".into()),
            (Some(issuer), Some(base)) => Some(Arc::new(Provider::new(&web.provider_name, issuer, &web.provider_client, web.provider_secret.clone(), base, &hosts)?)),
        };
        Ok(Self { secure: is_tls || !web.insecure_http, base_url: base_url.map(Arc::from), proxies: proxies.into(), provider, post: Arc::new(post::read(&web.post, base_url)?) })
    }
}

/// A site without users gets `admin`, and a link with which its password is set.
pub async fn first_administrator(app: &App) -> Result<Option<String>, AppError> {
    if !accounts::is_empty(app).await? {
        return Ok(None);
    }
    let now = Utc::now();
    let id = accounts::create_user(app, "admin", "Administrator", None, &[ADMINISTRATOR.to_owned()], None, now).await?;
    accounts::login_link(app, id, now).await.map(Some)
}

/// Takes the address, or says who has it.
pub async fn bind(listen: &str) -> Result<TcpListener, AppError> {
    TcpListener::bind(listen).await.map_err(|error| AppError::Unavailable { detail: format!("cannot listen on {listen}: {error}") })
}

/// How long requests under way may take once we were told to stop, and how long jobs may after them.
const DRAIN: Duration = Duration::from_secs(20);
const DRAIN_JOBS: Duration = Duration::from_secs(5);

/// Serves until SIGTERM or Ctrl-C: no more requests are taken, those under way are finished, jobs stop at their next
/// checkpoint, the database is closed.
pub async fn serve(app: Arc<App>, listener: TcpListener, demo: Vec<web::view::DemoSignIn>, reached: Reached) -> Result<ExitCode, AppError> {
    let Reached { secure, base_url, proxies, provider, post } = reached;
    let site = web::Site { demo: demo.into(), secure, base_url, proxies, provider, has_mail: post.has_mail(), ..web::Site::new(app.clone())? };
    // A new version may cut texts differently: what is found by them is made again, little at once, much by a job.
    app::search::settle(&app).await?;
    let runner = jobs::start(&app, &outgoing::handlers(jobs::builtin(), post), jobs::Pace::default());
    let (stop, told) = watch::channel(false);
    let wait = |mut told: watch::Receiver<bool>| async move {
        let _ = told.wait_for(|stop| *stop).await;
    };
    let serving = web::serve(site, listener, wait(told.clone()));
    let telling = async {
        stopped().await;
        runner.drain();
        stop.send_replace(true);
        tokio::time::sleep(DRAIN).await;
    };
    tokio::select! {
        served = serving => served.map_err(|error| AppError::Unavailable { detail: error.to_string() })?,
        () = telling => tracing::warn!("requests that took longer than {} seconds were cut off", DRAIN.as_secs()),
    }
    runner.stop(DRAIN_JOBS).await;
    app.store.close().await;
    Ok(ExitCode::SUCCESS)
}

async fn stopped() {
    let interrupt = tokio::signal::ctrl_c();
    let Ok(mut terminate) = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) else {
        let _ = interrupt.await;
        return;
    };
    tokio::select! {
        _ = interrupt => {}
        _ = terminate.recv() => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(listen: &str, base_url: Option<&str>, insecure_http: bool) -> Result<bool, String> {
        let web = WebArgs { base_url: base_url.map(str::to_owned), insecure_http, ..WebArgs::default() };
        Reached::read(listen, &web).map(|reached| reached.secure).map_err(|error| error.to_string())
    }

    #[test]
    fn passwords_do_not_travel_in_the_open_unless_somebody_insists() {
        assert_eq!(read("127.0.0.1:8080", None, false), Ok(true));
        assert_eq!(read("[::1]:8080", None, false), Ok(true));
        assert_eq!(read("0.0.0.0:8080", Some("https://cards.example.com/"), false), Ok(true));
        assert_eq!(read("127.0.0.1:8080", Some("https://cards.example.com"), true), Ok(true));
        assert_eq!(read("0.0.0.0:8080", None, true), Ok(false));
        for (listen, base) in [("0.0.0.0:8080", None), ("192.168.1.5:80", None), ("127.0.0.1:8080", Some("http://cards.example.com"))] {
            assert!(read(listen, base, false).is_err_and(|said| said.contains("--insecure-http")), "{listen} {base:?}");
        }
        assert!(read("127.0.0.1:8080", Some("cards.example.com"), false).is_err());
        assert!(read("127.0.0.1:8080", Some("https://cards.example.com/path"), false).is_err());
    }
}
