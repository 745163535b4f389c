//! A client that is answered before it has sent its whole body can read that answer.
//!
//! A refusal often comes early: the body is announced as too large, or nobody may write here. To close the connection
//! at once would reset it under a client that still sends, and most clients then tell of a broken pipe instead of what
//! was wrong. So what is left of a body is read and thrown away for a while, as RFC 9112, 9.6 advises; the connection
//! can be used again when that reaches the end.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http::{HeaderMap, Request, Version, header};
use http_body_util::BodyExt;
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use tokio::runtime::Handle;
use tokio::time::timeout;

use crate::base::limits::BODY_REST_WITHIN_S;

/// A body whose rest is taken from the client when nobody wants it any more.
struct Lingering {
    /// Empty only while it is dropped.
    inner: Option<Body>,
    /// Whether the client sends without being asked to, or was asked to already.
    is_sent: bool,
}

/// Gives a request's body an end that its client can live with.
pub(super) async fn linger(request: Request<Body>) -> Request<Body> {
    // Later versions can end the one request and leave the connection as it is.
    if request.version() > Version::HTTP_11 || request.body().is_end_stream() {
        return request;
    }
    let is_sent = !waits_to_be_asked(request.headers());
    request.map(|body| Body::new(Lingering { inner: Some(body), is_sent }))
}

/// Such a client sends its body only once the server begins to read it.
fn waits_to_be_asked(headers: &HeaderMap) -> bool {
    headers.get(header::EXPECT).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"100-continue"))
}

impl HttpBody for Lingering {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        self.is_sent = true;
        self.inner.as_mut().map_or(Poll::Ready(None), |body| Pin::new(body).poll_frame(context))
    }

    fn is_end_stream(&self) -> bool {
        self.inner.as_ref().is_none_or(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.as_ref().map_or_else(|| SizeHint::with_exact(0), HttpBody::size_hint)
    }
}

impl Drop for Lingering {
    fn drop(&mut self) {
        let Some(mut body) = self.inner.take() else { return };
        if !self.is_sent || body.is_end_stream() {
            return;
        }
        let Ok(runtime) = Handle::try_current() else { return };
        runtime.spawn(timeout(Duration::from_secs(BODY_REST_WITHIN_S), async move { while let Some(Ok(_)) = body.frame().await {} }));
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures_util::StreamExt;
    use tokio::time::{advance, sleep};

    use super::*;

    /// A body of `pieces`, one each second, and how many of them were taken.
    fn slow(pieces: usize) -> (Body, Arc<AtomicUsize>) {
        let taken = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&taken);
        let stream = futures_util::stream::iter(0..pieces).then(move |_| {
            let count = Arc::clone(&count);
            async move {
                sleep(Duration::from_secs(1)).await;
                count.fetch_add(1, Ordering::Relaxed);
                Ok::<_, Infallible>(Bytes::from_static(b"piece"))
            }
        });
        (Body::from_stream(stream), taken)
    }

    fn request(body: Body, version: Version, expect: &str) -> Request<Body> {
        Request::builder().version(version).header(header::EXPECT, expect).body(body).unwrap()
    }

    /// Lets `seconds` pass, one by one, as they do.
    async fn pass(seconds: u64) {
        for _ in 0..seconds * 4 {
            tokio::task::yield_now().await;
            advance(Duration::from_millis(250)).await;
        }
        tokio::task::yield_now().await;
    }

    #[tokio::test(start_paused = true)]
    async fn the_rest_of_a_body_is_taken_for_a_while() {
        let (body, taken) = slow(5);
        drop(linger(request(body, Version::HTTP_11, "")).await);
        pass(10).await;
        assert_eq!(taken.load(Ordering::Relaxed), 5);

        let (body, taken) = slow(1000);
        drop(linger(request(body, Version::HTTP_11, "")).await);
        pass(BODY_REST_WITHIN_S * 2).await;
        let taken = taken.load(Ordering::Relaxed) as u64;
        assert!((BODY_REST_WITHIN_S - 1..=BODY_REST_WITHIN_S).contains(&taken), "{taken}");
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_to_be_asked_is_not_asked_for_what_nobody_wants() {
        let (body, taken) = slow(5);
        drop(linger(request(body, Version::HTTP_11, "100-Continue")).await);
        pass(10).await;
        assert_eq!(taken.load(Ordering::Relaxed), 0);
        // Once it was asked, it sends.
        let (body, taken) = slow(5);
        let mut asked = linger(request(body, Version::HTTP_11, "100-continue")).await;
        asked.body_mut().frame().await.unwrap().unwrap();
        drop(asked);
        pass(10).await;
        assert_eq!(taken.load(Ordering::Relaxed), 5);
    }

    #[tokio::test(start_paused = true)]
    async fn streams_of_later_versions_end_by_themselves() {
        let (body, taken) = slow(5);
        drop(linger(request(body, Version::HTTP_2, "")).await);
        pass(10).await;
        assert_eq!(taken.load(Ordering::Relaxed), 0);
    }

    #[tokio::test]
    async fn a_body_is_what_it_was() {
        let whole = linger(request(Body::from("whole"), Version::HTTP_11, "")).await.into_body();
        assert_eq!(whole.size_hint().exact(), Some(5));
        assert_eq!(whole.collect().await.unwrap().to_bytes(), "whole");
        assert!(linger(request(Body::empty(), Version::HTTP_11, "")).await.body().is_end_stream());
    }
}
