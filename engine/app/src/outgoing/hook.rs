//! Webhooks: a request to an address, signed so that whoever gets it knows who sent it, and which it is.
//!
//! Headers and signature are those of the Standard Webhooks specification, 1.0.0 (standardwebhooks.com): `webhook-id`
//! stays the same however often it is sent, `webhook-timestamp` is in seconds, `webhook-signature` is `v1,` and the
//! HMAC-SHA256 of `id.timestamp.body` in base64. Each host has a key of its own.
//!
//! **Not here:** where requests may go (`outbound`), when and how often (`send`).

use base64::{Engine, engine::general_purpose::STANDARD};
use chrono::{DateTime, Utc};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value as Json;
use sha2::Sha256;
use uuid::Uuid;

use super::send::Fault;
use crate::{
    AppError,
    outbound::{Method, Outbound, OutboundError, Request, StatusCode, Url, header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER, USER_AGENT}},
    secrets::Secrets,
};

/// Longest wait that a receiver may ask for, in seconds.
const LONGEST_WAIT: i64 = 24 * 3_600;

fn key(secrets: &Secrets, url: &Url) -> Vec<u8> {
    secrets.mac("webhook", url.host_str().unwrap_or_default().as_bytes())
}

/// The key that messages to a host are signed with, as libraries of the specification take it.
pub fn key_of(secrets: &Secrets, url: &str) -> Result<String, AppError> {
    let url = Url::parse(url).ok().filter(|url| matches!(url.scheme(), "https" | "http") && url.host_str().is_some());
    let url = url.ok_or_else(|| AppError::malformed("bad_url", "say the address of the webhook, such as https://example.com/hook"))?;
    Ok(format!("whsec_{}", STANDARD.encode(key(secrets, &url))))
}

fn signature(key: &[u8], id: &str, at: i64, body: &str) -> Result<String, Fault> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).map_err(|error| Fault::Never(error.to_string()))?;
    mac.update(format!("{id}.{at}.{body}").as_bytes());
    Ok(format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
}

/// Sends a webhook.
pub(super) async fn send(out: &Outbound, secrets: &Secrets, id: Uuid, target: &str, content: &Json, now: DateTime<Utc>) -> Result<(), Fault> {
    let url = Url::parse(target).map_err(|error| Fault::Never(error.to_string()))?;
    let (body, at) = (content.to_string(), now.timestamp());
    let (id, key) = (id.to_string(), key(secrets, &url));
    let signature = signature(&key, &id, at, &body)?;
    let mut request = Request::new(Method::POST, url);
    let headers = request.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(USER_AGENT, HeaderValue::from_static(concat!("Cardstock/", env!("CARGO_PKG_VERSION"))));
    for (name, value) in [("webhook-id", id), ("webhook-timestamp", at.to_string()), ("webhook-signature", signature)] {
        headers.insert(name, HeaderValue::from_str(&value).map_err(|error| Fault::Never(error.to_string()))?);
    }
    *request.body_mut() = Some(body.into());
    match out.status(request).await {
        Ok((status, headers)) => judged(status, headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.trim().parse().ok())),
        Err(error @ (OutboundError::Inner(_) | OutboundError::Address(_))) => Err(Fault::Never(error.to_string())),
        Err(error @ (OutboundError::Client(_) | OutboundError::TooLong)) => Err(Fault::Later(refusal(&error))),
    }
}

/// What the guard of addresses said stands within what the client says.
fn refusal(error: &OutboundError) -> String {
    let causes = std::iter::successors(Some(error as &dyn std::error::Error), |error| error.source());
    causes.last().map_or_else(|| error.to_string(), ToString::to_string)
}

/// What an answer means for the next try.
fn judged(status: StatusCode, wait: Option<i64>) -> Result<(), Fault> {
    let told = format!("the other side answered {status}");
    match status.as_u16() {
        200..=299 => Ok(()),
        // Gone, and said so.
        410 => Err(Fault::Never(told)),
        429 | 503 if wait.is_some() => Err(Fault::At(told, wait.unwrap_or_default().clamp(1, LONGEST_WAIT))),
        408 | 425 | 429 | 500..=599 => Err(Fault::Later(told)),
        // Whoever gets it may be mending: a few times more.
        _ => Err(Fault::Soon(told)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification.
    #[test]
    fn signatures_are_those_of_the_specification() {
        let key = STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").expect("a key");
        let signed = signature(&key, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, "{\"test\": 2432232314}").expect("a signature");
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn answers_say_whether_to_try_again() {
        let of = |status: u16, wait| judged(StatusCode::from_u16(status).expect("a status"), wait);
        assert!(of(200, None).is_ok() && of(204, None).is_ok());
        assert!(matches!(of(410, None), Err(Fault::Never(_))));
        for status in [404, 400, 302] {
            assert!(matches!(of(status, None), Err(Fault::Soon(_))), "{status}");
        }
        for status in [500, 502, 408, 429] {
            assert!(matches!(of(status, None), Err(Fault::Later(_))), "{status}");
        }
        assert!(matches!(of(429, Some(7)), Err(Fault::At(_, 7))));
        assert!(matches!(of(503, Some(1_000_000)), Err(Fault::At(_, LONGEST_WAIT))));
    }
}
