//! Reading requests: bodies with a cap before and after decompression, and parameters from URL and form.

use std::io::Read;
use std::time::Duration;

use axum::body::{Body, HttpBody};
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Method, Request, StatusCode, header};
use http_body_util::{BodyExt, LengthLimitError};
use tokio::time::Instant;

use super::envelope::ApiError;
use super::problem::Problem;
use crate::base::limits::{BODY_BYTES_MAX, BODY_BYTES_PER_S_MIN, BODY_PATIENCE_S, BODY_WITHIN_S};

/// Most memory taken for a body before it is there.
const RESERVED_BYTES_MAX: usize = 1024 * 1024;

/// Reads a whole body, at most `max` bytes of it, from a client that sends at least a little all the time.
pub async fn read_body(body: Body, max: usize) -> Result<Bytes, Problem> {
    let within = Duration::from_secs(BODY_WITHIN_S);
    let Ok(read) = tokio::time::timeout(within, collect(body, max)).await else {
        return Err(Problem::new(StatusCode::REQUEST_TIMEOUT, format!("the body did not arrive within {BODY_WITHIN_S} s")));
    };
    read
}

/// The text of a whole body, unpacked as its headers say, at most `max` bytes of it before and after.
pub async fn read_text(headers: &HeaderMap, body: Body, max: usize) -> Result<String, ApiError> {
    let body = decompress(headers, read_body(body, max).await?, max)?;
    String::from_utf8(body.to_vec()).map_err(|_| ApiError::bad("the body is not UTF-8"))
}

/// The first value of a field of a form; empty if it is not there.
pub fn field(form: &[u8], name: &str) -> String {
    form_urlencoded::parse(form).find(|(known, _)| known == name).map(|(_, value)| value.into_owned()).unwrap_or_default()
}

async fn collect(mut body: Body, max: usize) -> Result<Bytes, Problem> {
    if body.size_hint().lower() > max as u64 {
        return Err(body_too_large(max));
    }
    // What a client announces is believed up to here, so that an announcement alone takes no memory.
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX).min(RESERVED_BYTES_MAX);
    let mut whole = BytesMut::new();
    let mut only = None;
    let patience = Duration::from_secs(BODY_PATIENCE_S);
    let mut waited = Duration::ZERO;
    loop {
        let asked = Instant::now();
        let Ok(frame) = tokio::time::timeout(patience.saturating_sub(waited), body.frame()).await else {
            return Err(Problem::new(
                StatusCode::REQUEST_TIMEOUT,
                format!("the body arrives too slowly; at least {BODY_BYTES_PER_S_MIN} bytes a second are expected"),
            ));
        };
        let Some(frame) = frame else { break };
        let frame = frame.map_err(|error| if is_too_large(&error) { over_the_cap() } else { unreadable(&error) })?;
        let Ok(piece) = frame.into_data() else { continue };
        // What arrives pays for the time it took, so a slow line is served and a trickle is not.
        let paid = Duration::from_millis(piece.len() as u64 * 1000 / BODY_BYTES_PER_S_MIN);
        waited = (waited + asked.elapsed()).saturating_sub(paid);
        if whole.len() + only.as_ref().map_or(0, Bytes::len) + piece.len() > max {
            return Err(body_too_large(max));
        }
        // Most bodies come in one piece, which needs no copy.
        match only.take() {
            None if whole.is_empty() => only = Some(piece),
            None => whole.extend_from_slice(&piece),
            Some(first) => {
                whole.reserve(announced.max(first.len() + piece.len()));
                whole.extend_from_slice(&first);
                whole.extend_from_slice(&piece);
            }
        }
    }
    Ok(only.unwrap_or_else(|| whole.freeze()))
}

fn body_too_large(max: usize) -> Problem {
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, format!("the body is larger than the {max} bytes allowed here"))
}

/// A cap around every body was reached, which knows no more than that.
fn over_the_cap() -> Problem {
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "the body is larger than limits.body_size_max allows")
}

fn unreadable(error: &axum::Error) -> Problem {
    Problem::bad_request(format!("reading the body failed: {error}"))
}

/// Whether a cap around the body was reached, however deep in the error that stands.
fn is_too_large(error: &axum::Error) -> bool {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(now) = cause {
        if now.is::<LengthLimitError>() {
            return true;
        }
        cause = now.source();
    }
    false
}

/// Undoes `Content-Encoding` (gzip, deflate, zstd, snappy; none), giving at most `max` bytes.
pub fn decompress(headers: &HeaderMap, body: Bytes, max: usize) -> Result<Bytes, Problem> {
    let encoding = headers.get(header::CONTENT_ENCODING).map_or("", |value| value.to_str().unwrap_or("?"));
    let unpacked = match encoding.trim().to_ascii_lowercase().as_str() {
        "" | "identity" => return if body.len() > max { Err(too_large(max)) } else { Ok(body) },
        "gzip" | "x-gzip" => read_capped(flate2::read::MultiGzDecoder::new(&*body), max),
        "deflate" => read_capped(flate2::read::ZlibDecoder::new(&*body), max),
        "zstd" => zstd::stream::read::Decoder::new(&*body).and_then(|mut decoder| {
            decoder.window_log_max(27)?;
            read_capped(decoder, max)
        }),
        "snappy" => match snap::raw::decompress_len(&body) {
            Ok(len) if len > max => Ok(None),
            Ok(_) => snap::raw::Decoder::new().decompress_vec(&body).map(Some).map_err(std::io::Error::other),
            Err(error) => Err(std::io::Error::other(error)),
        },
        other => {
            return Err(Problem::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                format!("unsupported Content-Encoding {other:?}; gzip, deflate, zstd, snappy and identity are taken"),
            ));
        }
    };
    match unpacked {
        Ok(Some(bytes)) => Ok(Bytes::from(bytes)),
        Ok(None) => Err(too_large(max)),
        Err(error) => Err(Problem::bad_request(format!("the body is not valid {encoding}: {error}"))),
    }
}

fn too_large(max: usize) -> Problem {
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, format!("the body unpacks to more than the {max} bytes allowed here"))
}

/// `None` when there is more than `max`.
fn read_capped(from: impl Read, max: usize) -> std::io::Result<Option<Vec<u8>>> {
    let mut out = Vec::new();
    let mut capped = from.take(max as u64 + 1);
    capped.read_to_end(&mut out)?;
    Ok((out.len() <= max).then_some(out))
}

/// Parameters of a request: those of a form body first, then those of the URL, as Go's `Request.Form`.
#[derive(Debug, Clone, Default)]
pub struct Params(Vec<(String, String)>);

impl Params {
    /// Reads URL and, for POST and PUT with a form body, the body.
    pub async fn from_request(request: Request<Body>) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let mut pairs = Vec::new();
        let is_form =
            parts.headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"application/x-www-form-urlencoded"));
        if is_form && (parts.method == Method::POST || parts.method == Method::PUT) {
            let bytes = read_body(body, BODY_BYTES_MAX).await?;
            let bytes = decompress(&parts.headers, bytes, BODY_BYTES_MAX)?;
            pairs.extend(form_urlencoded::parse(&bytes).into_owned());
        }
        pairs.extend(form_urlencoded::parse(parts.uri.query().unwrap_or("").as_bytes()).into_owned());
        Ok(Self(pairs))
    }

    /// From pairs, for tests and inner calls.
    pub fn from_pairs(pairs: Vec<(String, String)>) -> Self {
        Self(pairs)
    }

    /// The first value of a parameter, if it is there and not empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    /// All values of a parameter.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(found, _)| found == name).map(|(_, value)| value.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(encoding: &'static str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_ENCODING, encoding.parse().unwrap());
        headers
    }

    #[test]
    fn a_bomb_is_refused_in_every_encoding() {
        let zeros = vec![0u8; 1_000_000];
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        std::io::Write::write_all(&mut gzip, &zeros).unwrap();
        let mut deflate = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
        std::io::Write::write_all(&mut deflate, &zeros).unwrap();
        // A member of gzip may be followed by another one; together they count.
        let half = |zeros: &[u8]| {
            let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
            std::io::Write::write_all(&mut gzip, zeros).unwrap();
            gzip.finish().unwrap()
        };
        let (first, second) = zeros.split_at(500_000);
        let bombs = [
            ("gzip", gzip.finish().unwrap()),
            ("x-gzip", [half(first), half(second)].concat()),
            ("deflate", deflate.finish().unwrap()),
            ("zstd", zstd::encode_all(&zeros[..], 3).unwrap()),
            ("snappy", snap::raw::Encoder::new().compress_vec(&zeros).unwrap()),
        ];
        for (encoding, bomb) in bombs {
            let fits = decompress(&encoded(encoding), bomb.clone().into(), 1_000_000).unwrap();
            assert_eq!(fits.len(), 1_000_000, "{encoding}");
            let refused = decompress(&encoded(encoding), bomb.into(), 999_999).unwrap_err();
            assert_eq!(refused.status(), StatusCode::PAYLOAD_TOO_LARGE, "{encoding}");
        }
    }

    #[test]
    fn nonsense_is_refused_in_words() {
        for encoding in ["gzip", "deflate", "zstd", "snappy"] {
            let refused = decompress(&encoded(encoding), Bytes::from_static(b"\x05nonsense"), 1000).unwrap_err();
            assert_eq!(refused.status(), StatusCode::BAD_REQUEST, "{encoding}");
        }
        assert_eq!(decompress(&encoded("lzw"), Bytes::new(), 1).unwrap_err().status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
    }

    /// A body of so many pieces, one each second.
    fn slowly(piece: &'static [u8], pieces: usize) -> Body {
        Body::from_stream(futures_util::stream::unfold(pieces, move |left| async move {
            tokio::time::sleep(Duration::from_secs(1)).await;
            (left > 0).then_some((Ok::<_, std::io::Error>(Bytes::from_static(piece)), left.saturating_sub(1)))
        }))
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_body_is_taken_and_a_trickle_is_given_up() {
        let began = Instant::now();
        let refused = read_body(slowly(b"x", usize::MAX), 1000).await.unwrap_err();
        assert_eq!(refused.status(), StatusCode::REQUEST_TIMEOUT);
        assert!(began.elapsed() < Duration::from_secs(BODY_PATIENCE_S + 5), "{:?}", began.elapsed());
        let modem = read_body(slowly(&[0; 600], 200), 1_000_000).await.unwrap();
        assert_eq!(modem.len(), 120_000);
        let began = Instant::now();
        let endless = read_body(slowly(&[0; 600], usize::MAX), usize::MAX).await.unwrap_err();
        assert_eq!((endless.status(), began.elapsed().as_secs()), (StatusCode::REQUEST_TIMEOUT, BODY_WITHIN_S));
    }

    #[tokio::test]
    async fn a_large_body_is_refused_before_it_is_read() {
        for body in
            [Body::from(vec![0; 11]), Body::from_stream(futures_util::stream::iter([Ok::<_, std::io::Error>(vec![0; 6]), Ok(vec![0; 5])]))]
        {
            assert_eq!(read_body(body, 10).await.unwrap_err().status(), StatusCode::PAYLOAD_TOO_LARGE);
        }
        let capped = Body::new(http_body_util::Limited::new(Body::from(vec![0; 11]), 5));
        assert_eq!(read_body(capped, 100).await.unwrap_err().status(), StatusCode::PAYLOAD_TOO_LARGE, "a cap around it counts too");
        let pieces = Body::from_stream(futures_util::stream::iter(["a", "b", "c"].map(Ok::<_, std::io::Error>)));
        assert_eq!(read_body(pieces, 3).await.unwrap(), "abc");
    }

    #[tokio::test]
    async fn form_comes_before_url() {
        let request = Request::post("/x?query=url&only=1")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from("query=form&match%5B%5D=a&match[]=b"))
            .unwrap();
        let params = Params::from_request(request).await.unwrap();
        assert_eq!((params.get("query"), params.get("only"), params.get("none")), (Some("form"), Some("1"), None));
        assert_eq!(params.all("match[]").collect::<Vec<_>>(), ["a", "b"]);
    }
}
