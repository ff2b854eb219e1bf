//! HTTP: the REST API and the pages. Knows requests and answers; decides nothing about records.
//!
//! **Invariants**
//! - Every route stands in [`router`], on one screen.
//! - The status of every error is chosen in one match, in [`problem`].
//! - Pages run under a strict Content-Security-Policy with Trusted Types; nothing inline.
//!
//! **Not here:** use cases (`app`), formats (`form`).

mod api;
pub mod assets;
mod extract;
mod headers;
mod leftover;
pub mod letters;
pub use headers::POLICY as CONTENT_SECURITY_POLICY;
pub mod openapi;
mod pages;
mod phrases;
pub mod problem;
mod sure;
pub mod templates;
mod throttle;
pub mod view;
mod visit;

use std::sync::Arc;

use axum::{
    Router,
    extract::DefaultBodyLimit,
    middleware,
    routing::{delete, get, patch, post, put},
};
use tower_http::compression::predicate::{DefaultPredicate, NotForContentType, Predicate};

/// What every handler can reach.
#[derive(Clone)]
pub struct Site {
    /// The running site.
    pub app: Arc<app::App>,
    /// Sign-ins that a demo offers on its first page.
    pub demo: Arc<[view::DemoSignIn]>,
    /// Whether cookies belong to this host and to TLS or loopback alone.
    pub secure: bool,
    /// The address people reach this site by, such as `https://cards.example.com`.
    pub base_url: Option<Arc<str>>,
    /// Proxies whose word on addresses counts.
    pub proxies: Arc<[ipnet::IpNet]>,
    /// Another provider with which people may sign in.
    pub provider: Option<Arc<app::accounts::provider::Provider>>,
    /// Whether e-mails leave this site.
    pub has_mail: bool,
    /// Failed sign-ins, by address and by name.
    pub throttle: Arc<throttle::Throttle>,
    /// Pages and texts.
    pub templates: Arc<templates::Templates>,
    /// Places for pages that listen for news.
    pub listeners: Arc<tokio::sync::Semaphore>,
    /// Says that the site stops: whoever listens hangs up.
    pub closing: Arc<tokio::sync::watch::Sender<bool>>,
}

/// Most pages that listen at a time; more ask now and then.
const MAX_LISTENERS: usize = 2_000;

/// Largest JSON body, in bytes.
const MAX_BODY: usize = 2 * 1024 * 1024;

/// Every route there is.
pub fn router(site: Site) -> Router {
    let api = Router::new()
        .route("/cards", get(api::cards::list))
        .route("/cards/{card}", get(api::cards::read))
        .route("/records/{card}", get(api::records::list).post(api::records::create))
        .route("/records/{card}/query", post(api::records::query))
        .route("/records/{card}/batch", post(api::records::batch))
        .route("/records/{card}/bulk", post(api::bulk::change))
        .route("/records/{card}/merge", post(api::merge::merge))
        .route("/records/{card}/duplicates", get(api::merge::groups))
        .route("/records/{card}/duplicates/dismiss", post(api::merge::dismiss))
        .route("/records/{card}/import", post(api::imports::create).layer(DefaultBodyLimit::max(app::imports::MAX_FILE as usize + api::imports::AROUND)))
        .route("/records/{card}/export", get(api::exports::export))
        .route("/records/{card}/{id}", get(api::records::read).patch(api::records::change).delete(api::records::delete))
        .route("/records/{card}/{id}/restore", post(api::records::restore))
        .route("/records/{card}/{id}/purge", post(api::records::purge))
        .route("/records/{card}/{id}/actions/{action}", post(api::actions::act))
        .route("/records/{card}/{id}/claim", post(api::bulk::claim))
        .route("/records/{card}/{id}/release", post(api::bulk::release))
        .route("/records/{card}/{id}/history", get(api::records::history))
        .route("/records/{card}/{id}/shares", get(api::rights::list).post(api::rights::put))
        .route("/records/{card}/{id}/shares/remove", post(api::rights::remove))
        .route("/records/{card}/{id}/why", get(api::rights::why))
        .route("/records/{card}/{id}/states", get(api::flows::stages))
        .route("/records/{card}/{id}/approvals", get(api::approvals::of_record))
        .route("/records/{card}/{id}/transitions", get(api::flows::offers))
        .route("/records/{card}/{id}/transitions/{transition}", post(api::flows::take))
        .route("/approvals", get(api::approvals::list).post(api::approvals::decide_many))
        .route("/approvals/{task}", post(api::approvals::decide))
        .route("/applications", get(api::approvals::applications))
        .route("/applications/{id}/withdraw", post(api::approvals::withdraw))
        .route("/records/{card}/{id}/series/{field}", get(api::explain::series))
        .route("/records/{card}/{id}/explain/{field}", get(api::explain::explain))
        .route("/batches", get(api::batches::list))
        .route("/batches/{id}", get(api::batches::read))
        .route("/batches/{id}/rows", get(api::batches::rows))
        .route("/batches/{id}/undo", post(api::batches::undo))
        .route("/folders", get(api::folders::list).post(api::folders::create))
        .route("/folders/{id}", get(api::folders::read).patch(api::folders::change).delete(api::folders::delete))
        .route("/folders/{id}/restore", post(api::folders::restore))
        .route("/folders/{id}/records", post(api::folders::add))
        .route("/folders/{id}/records/{record}", delete(api::folders::remove))
        .route("/views/{card}", get(api::views::list).post(api::views::create))
        .route("/views/{card}/{id}", get(api::views::read).patch(api::views::change).delete(api::views::delete))
        .route("/views/{card}/{id}/restore", post(api::views::restore))
        .route("/files", post(api::files::upload).layer(DefaultBodyLimit::max(app::files::MAX_UPLOAD + 64 * 1024)))
        .route("/files/{id}", get(api::files::download))
        .route("/search", get(api::search::find))
        .route("/imports/{id}", get(api::imports::read))
        .route("/imports/{id}/run", post(api::imports::start))
        .route("/imports/{id}/errors", get(api::imports::errors))
        .route("/jobs", get(api::jobs::list))
        .route("/jobs/{id}", get(api::jobs::read))
        .route("/jobs/{id}/cancel", post(api::jobs::cancel))
        .route("/notices", get(api::notices::list))
        .route("/notices/seen", post(api::notices::seen))
        .route("/me", get(api::accounts::me_read))
        .route("/me/confirm", post(api::accounts::confirm))
        .route("/me/password", post(api::accounts::password))
        .route("/me/second-factor", post(api::accounts::second_begin).patch(api::accounts::second_on).delete(api::accounts::second_off))
        .route("/me/second-factor/codes", post(api::accounts::second_codes))
        .route("/sessions", get(api::accounts::sessions))
        .route("/sessions/{id}", delete(api::accounts::end_session))
        .route("/tokens", get(api::accounts::tokens).post(api::accounts::make_token))
        .route("/tokens/{id}", delete(api::accounts::revoke_token))
        .route("/users", get(api::users::list).post(api::users::invite))
        .route("/users/{id}", get(api::users::read).patch(api::users::change))
        .route("/users/{id}/link", post(api::users::link))
        .route("/users/{id}/sessions", delete(api::users::end_sessions))
        .route("/users/{id}/second-factor", delete(api::users::second_off))
        .route("/groups", get(api::users::groups).post(api::grants::make_group))
        .route("/groups/{role}", get(api::grants::read_group).patch(api::grants::change_group).delete(api::grants::remove_group))
        .route("/groups/{role}/members/{id}", put(api::grants::join).delete(api::grants::leave))
        .route("/rights/{card}", get(api::grants::read))
        .route("/rights/{card}/grants", post(api::grants::give))
        .route("/rights/{card}/grants/{id}", patch(api::grants::change).delete(api::grants::take))
        .route("/rights/{card}/guards", post(api::grants::bound))
        .route("/rights/{card}/guards/{id}", delete(api::grants::unbound))
        .route("/log/{log}", get(api::log::list))
        .route("/log/{log}/export", get(api::log::export))
        .route("/openapi.json", get(openapi::document))
        .fallback(api::not_found);
    let pages = Router::new()
        .route("/", get(pages::home))
        .route("/login", get(pages::session::form).post(pages::session::sign_in))
        .route("/login/forgotten", get(pages::session::forgotten_form).post(pages::session::forgotten))
        .route("/login/link/{token}", get(pages::session::link_form).post(pages::session::use_link))
        .route("/login/code", get(pages::session::code_form).post(pages::session::code))
        .route("/login/provider", post(pages::provider::begin))
        .route("/login/provider/back", get(pages::provider::back))
        .route("/logout", post(pages::session::sign_out))
        .route("/lang/{code}", post(pages::session::language))
        .route("/theme/{name}", post(pages::session::theme))
        .route("/me", get(pages::me::page).post(pages::me::save))
        .route("/me/password", post(pages::me::password))
        .route("/me/confirm", get(pages::me::confirm::form).post(pages::me::confirm::confirm))
        .route("/me/provider", post(pages::provider::tie))
        .route("/me/provider/untie", post(pages::provider::untie))
        .route("/me/second", get(pages::me::second::page).post(pages::me::second::turn_on))
        .route("/me/second/off", post(pages::me::second::turn_off))
        .route("/me/second/codes", post(pages::me::second::codes))
        .route("/me/tokens", post(pages::me::token))
        .route("/me/tokens/{id}/revoke", post(pages::me::revoke))
        .route("/me/sessions/{id}/end", post(pages::me::end_session))
        .route("/notices", get(pages::notices::page))
        .route("/notices/seen", post(pages::notices::seen))
        .route("/notices/count", get(pages::notices::count))
        .route("/notices/{id}", get(pages::notices::open))
        .route("/events", get(pages::notices::events))
        .route("/studio/jobs", get(pages::studio::jobs::page))
        .route("/studio/jobs/{id}/again", post(pages::studio::jobs::again))
        .route("/studio/jobs/{id}/now", post(pages::studio::jobs::now))
        .route("/studio/jobs/schedules/{card}/{name}/now", post(pages::studio::jobs::run_schedule))
        .route("/studio/outgoing", get(pages::studio::outgoing::page))
        .route("/studio/outgoing/{id}/cancel", post(pages::studio::outgoing::cancel))
        .route("/studio/outgoing/{id}/again", post(pages::studio::outgoing::again))
        .route("/studio/speed", get(pages::studio::speed).post(pages::studio::make_index))
        .route("/studio/scripts", get(pages::studio::scripts))
        .route("/studio/users", get(pages::studio::users::index).post(pages::studio::users::invite))
        .route("/studio/users/new", get(pages::studio::users::new))
        .route("/studio/users/{id}", get(pages::studio::users::show).post(pages::studio::users::save))
        .route("/studio/users/{id}/groups", post(pages::studio::users::set_groups))
        .route("/studio/users/{id}/tie", post(pages::studio::users::tie))
        .route("/studio/users/{id}/link", post(pages::studio::users::link))
        .route("/studio/users/{id}/close", post(pages::studio::users::close))
        .route("/studio/users/{id}/second/off", post(pages::studio::users::second_off))
        .route("/studio/users/{id}/sessions/end", post(pages::studio::users::end_sessions))
        .route("/studio/groups", get(pages::studio::groups::index).post(pages::studio::rights::group))
        .route("/studio/groups/{role}", get(pages::studio::groups::show))
        .route("/studio/groups/{role}/remove", post(pages::studio::groups::remove))
        .route("/studio/groups/{role}/members", post(pages::studio::groups::members))
        .route("/studio/sessions", get(pages::studio::access::page))
        .route("/studio/sessions/{id}/end", post(pages::studio::access::end_session))
        .route("/studio/tokens/{id}/revoke", post(pages::studio::access::revoke))
        .route("/studio/log", get(pages::studio::log::page))
        .route("/studio/log/export", get(pages::studio::log::export))
        .route("/view-as", post(pages::rights::view_as))
        .route("/view-as/end", post(pages::rights::view_as_end))
        .route("/studio/org", get(pages::studio::org::page))
        .route("/studio/rights", get(pages::studio::rights::page))
        .route("/studio/rights/{card}/grant", get(pages::studio::grant::form).post(pages::studio::grant::save))
        .route("/studio/rights/{card}/condition", post(pages::studio::grant::step))
        .route("/studio/rights/{card}/off", post(pages::studio::rights::off))
        .route("/studio/rights/{card}/remove", post(pages::studio::rights::remove))
        .route("/me/batches", get(pages::batches::index))
        .route("/me/batches/{id}", get(pages::batches::show))
        .route("/me/batches/{id}/undo", post(pages::batches::undo))
        .route("/approvals", get(pages::approvals::index).post(pages::approvals::decide_many))
        .route("/approvals/{task}", get(pages::approvals::dialog).post(pages::approvals::decide))
        .route("/applications", get(pages::approvals::mine))
        .route("/applications/{id}/withdraw", post(pages::approvals::withdraw))
        .route("/palette", get(pages::palette::page))
        .route("/search", get(pages::search::page))
        .route("/lookup/{card}", get(pages::palette::lookup))
        .route("/c/{card}", get(pages::list::page).post(pages::record::create))
        .route("/c/{card}/rows", get(pages::list::rows))
        .route("/c/{card}/count", get(pages::list::count))
        .route("/c/{card}/totals", get(pages::list::totals))
        .route("/c/{card}/groups", get(pages::list::groups))
        .route("/c/{card}/lanes", get(pages::list::lanes))
        .route("/c/{card}/columns", get(pages::list::choose_columns))
        .route("/c/{card}/layout", post(pages::list::keep))
        .route("/c/{card}/filter", get(pages::filter::editor))
        .route("/c/{card}/query", get(pages::builder::open).post(pages::builder::edit))
        .route("/c/{card}/query/fields", get(pages::builder::fields))
        .route("/c/{card}/query/count", post(pages::builder::count))
        .route("/fav", post(pages::favourites::create))
        .route("/fav/new", get(pages::favourites::new_form))
        .route("/fav/order", post(pages::favourites::arrange))
        .route("/fav/restore", post(pages::favourites::restore))
        .route("/fav/counts", get(pages::favourites::counts))
        .route("/fav/choose", get(pages::favourites::choose))
        .route("/fav/menu/{card}/{record}", get(pages::favourites::menu))
        .route("/fav/{folder}", get(pages::favourites::page).post(pages::favourites::change))
        .route("/fav/{folder}/edit", get(pages::favourites::edit_form))
        .route("/fav/{folder}/delete", post(pages::favourites::delete))
        .route("/fav/{folder}/add", post(pages::favourites::add))
        .route("/fav/{folder}/remove", post(pages::favourites::remove))
        .route("/c/{card}/views", post(pages::views::create))
        .route("/c/{card}/views/new", get(pages::views::new_form))
        .route("/c/{card}/views/counts", get(pages::views::counts))
        .route("/c/{card}/views/order", post(pages::views::arrange))
        .route("/c/{card}/views/restore", post(pages::views::restore))
        .route("/c/{card}/views/{id}", post(pages::views::change))
        .route("/c/{card}/views/{id}/edit", get(pages::views::edit_form))
        .route("/c/{card}/views/{id}/save", post(pages::views::save))
        .route("/c/{card}/views/{id}/first", post(pages::views::first))
        .route("/c/{card}/views/{id}/pin", post(pages::views::pin))
        .route("/c/{card}/views/{id}/move", post(pages::views::move_one))
        .route("/c/{card}/views/{id}/delete", post(pages::views::delete))
        .route("/c/{card}/trash", get(pages::trash::page))
        .route("/c/{card}/purge", post(pages::trash::purge))
        .route("/c/{card}/export", get(pages::list::export).post(pages::list::export_selected))
        .route("/c/{card}/import", get(pages::imports::start).post(pages::imports::take).layer(DefaultBodyLimit::max(app::imports::MAX_FILE as usize + api::imports::AROUND)))
        .route("/c/{card}/import/{import}", get(pages::imports::page).post(pages::imports::choose))
        .route("/c/{card}/import/{import}/errors.xlsx", get(pages::imports::errors))
        .route("/c/{card}/import/{import}/undo", post(pages::imports::undo))
        .route("/c/{card}/new", get(pages::record::new))
        .route("/c/{card}/recompute", post(pages::record::recompute_new))
        .route("/c/{card}/bulk", get(pages::bulk::dialog).post(pages::bulk::run))
        .route("/c/{card}/bulk/field", get(pages::bulk::field))
        .route("/c/{card}/merge", get(pages::merge::page).post(pages::merge::run))
        .route("/c/{card}/duplicates", get(pages::duplicates::page).post(pages::duplicates::dismiss))
        .route("/c/{card}/delete", post(pages::list::delete))
        .route("/c/{card}/restore", post(pages::list::restore))
        .route("/c/{card}/{id}", get(pages::record::page).post(pages::record::save))
        .route("/c/{card}/{id}/step/{transition}", get(pages::record::flow::dialog).post(pages::record::flow::take))
        .route("/c/{card}/{id}/move", post(pages::record::flow::move_to))
        .route("/c/{card}/{id}/actions/{action}", post(pages::record::act))
        .route("/c/{card}/actions/{action}", post(pages::list::act))
        .route("/c/{card}/{id}/share", get(pages::share::form).post(pages::share::share))
        .route("/c/{card}/{id}/share/who", get(pages::share::who))
        .route("/c/{card}/{id}/why", get(pages::rights::why_page))
        .route("/c/{card}/{id}/claim", post(pages::record::claim))
        .route("/c/{card}/{id}/release", post(pages::record::release))
        .route("/c/{card}/{id}/recompute", post(pages::record::recompute))
        .route("/c/{card}/{id}/cell", get(pages::record::cell::editor).post(pages::record::cell::save))
        .route("/c/{card}/{id}/explain/{field}", get(pages::record::explain::page))
        .route("/c/{card}/{id}/as-of", get(pages::record::past::page))
        .route("/c/{card}/{id}/series/{field}", get(pages::record::series::page))
        .route("/c/{card}/{id}/history", get(pages::panels::history_of))
        .route("/c/{card}/{id}/counts", get(pages::panels::counts))
        .route("/c/{card}/{id}/panel/{panel}", get(pages::panels::panel))
        .route("/jobs/{id}", get(pages::jobs::page))
        .route("/jobs/{id}/cancel", post(pages::jobs::cancel))
        .route("/api/docs", get(pages::docs::page))
        .route("/files", post(api::files::upload).layer(DefaultBodyLimit::max(app::files::MAX_UPLOAD + 64 * 1024)))
        .route("/files/{id}", get(api::files::download))
        .route("/assets/{*path}", get(assets::serve))
        .fallback(pages::not_found);
    Router::new()
        .nest("/api/v1", api)
        .merge(pages)
        .route("/healthz", get(pages::health::alive))
        .route("/readyz", get(pages::health::ready))
        .route("/metrics", get(pages::health::metrics))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(middleware::from_fn_with_state(site.clone(), headers::guard))
        .layer(middleware::from_fn(leftover::take))
        .layer(tower_http::compression::CompressionLayer::new().compress_when(DefaultPredicate::new().and(NotForContentType::const_new("application/vnd.openxmlformats"))))
        .layer(tower_http::catch_panic::CatchPanicLayer::custom(problem::panicked))
        .with_state(site)
}

impl Site {
    /// A site as pages and API see it.
    pub fn new(app: Arc<app::App>) -> Result<Self, app::AppError> {
        let templates = templates::Templates::embedded().map_err(|error| app::AppError::Internal(error.to_string()))?;
        Ok(Self { app, demo: Arc::new([]), secure: true, base_url: None, proxies: Arc::new([]), provider: None, has_mail: false, throttle: Arc::default(), templates: Arc::new(templates), listeners: Arc::new(tokio::sync::Semaphore::new(MAX_LISTENERS)), closing: Arc::new(tokio::sync::watch::Sender::new(false)) })
    }
}

/// Serves until `stop` is done; requests under way are finished.
pub async fn serve(site: Site, listener: tokio::net::TcpListener, stop: impl Future<Output = ()> + Send + 'static) -> std::io::Result<()> {
    let closing = site.closing.clone();
    let stops = async move {
        stop.await;
        closing.send_replace(true);
    };
    axum::serve(listener, router(site).into_make_service_with_connect_info::<std::net::SocketAddr>()).with_graceful_shutdown(stops).await
}
