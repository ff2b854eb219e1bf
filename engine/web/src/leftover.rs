//! What of a body nobody read is taken before the answer goes out: whoever is answered while still sending hears of
//! nothing but a connection that broke, and the next request on that connection goes nowhere.
//!
//! **Invariants**
//! - Taken are at most [`MOST`] bytes, and only as long as they keep coming; nothing of them is kept.
//! - Where something is left all the same, the answer says that the connection ends with it.

use std::{
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    body::{Body, BodyDataStream, Bytes, HttpBody},
    extract::Request,
    http::{HeaderValue, header},
    middleware::Next,
    response::Response,
};
use futures::{Stream, StreamExt};

/// Most of a body that is taken only to be dropped.
const MOST: usize = 64 * 1024 * 1024;

/// How long the next piece is waited for.
const PATIENCE: Duration = Duration::from_secs(2);

/// A body that its handler and this room read in turn.
#[derive(Clone)]
struct Shared(Arc<Mutex<Option<BodyDataStream>>>);

impl Stream for Shared {
    type Item = Result<Bytes, axum::Error>;
    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Ok(mut inner) = self.0.lock() else { return Poll::Ready(None) };
        let Some(stream) = inner.as_mut() else { return Poll::Ready(None) };
        let polled = stream.poll_next_unpin(context);
        if matches!(polled, Poll::Ready(None | Some(Err(_)))) {
            *inner = None;
        }
        polled
    }
}

/// Hands the request on, and takes what is left of its body afterwards.
pub async fn take(request: Request, next: Next) -> Response {
    if request.body().is_end_stream() {
        return next.run(request).await;
    }
    let length = request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    let (parts, body) = request.into_parts();
    let shared = Shared(Arc::new(Mutex::new(Some(body.into_data_stream()))));
    let mut response = next.run(Request::from_parts(parts, Body::from_stream(shared.clone()))).await;
    // What says that it is larger than anything taken here is not waited for.
    let whole = length.is_none_or(|length| length <= MOST) && drain(shared).await;
    if !whole {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// Reads to the end; whether it came.
async fn drain(mut rest: Shared) -> bool {
    let mut taken = 0;
    while taken <= MOST {
        match tokio::time::timeout(PATIENCE, rest.next()).await {
            Ok(Some(Ok(piece))) => taken += piece.len(),
            Ok(None) => return true,
            Ok(Some(Err(_))) | Err(_) => return false,
        }
    }
    false
}
