//! Just enough HTTP to read from Docker's socket: GET, and answers that end with the connection, a length or chunks.

use std::path::Path;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;
use tokio::time::timeout;

/// How long an answer may take to begin.
const BEGIN: Duration = Duration::from_secs(10);
/// Most bytes of a head, and of a line of it.
const HEAD_BYTES_MAX: u64 = 64 << 10;
/// Bytes of one piece.
const PIECE_BYTES: usize = 64 << 10;

/// An answer whose head was read.
pub(super) struct Answer {
    stream: BufReader<UnixStream>,
    body: Body,
    /// The beginning of a line that gives a size.
    line: Vec<u8>,
}

enum Body {
    UntilClosed,
    Length(u64),
    /// Bytes left of the chunk.
    Chunked(u64),
    Ended,
}

/// Asks for a path.
pub(super) async fn get(socket: &Path, path: &str) -> Result<Answer, String> {
    let said = |error: std::io::Error| format!("{}: {error}", socket.display());
    let asked = async {
        let mut stream = UnixStream::connect(socket).await.map_err(said)?;
        let request = format!("GET {path} HTTP/1.1\r\nHost: docker\r\nConnection: close\r\nAccept: application/json\r\n\r\n");
        stream.write_all(request.as_bytes()).await.map_err(said)?;
        let mut stream = BufReader::new(stream);
        let head = head(&mut stream).await?;
        Ok::<_, String>((stream, head))
    };
    let (stream, head) = timeout(BEGIN, asked).await.map_err(|_| format!("{} does not answer", socket.display()))??;
    let answer = Answer { stream, body: head.body, line: Vec::new() };
    if head.status == 200 || head.status == 101 {
        return Ok(answer);
    }
    let status = head.status;
    let text = answer.whole(1_000).await.unwrap_or_default();
    Err(format!("Docker answers {}: {}", status, String::from_utf8_lossy(&text).trim()))
}

struct Head {
    status: u16,
    body: Body,
}

async fn head(stream: &mut BufReader<UnixStream>) -> Result<Head, String> {
    let mut head = Head { status: 0, body: Body::UntilClosed };
    let mut left = HEAD_BYTES_MAX;
    loop {
        let mut line = String::new();
        let read = (&mut *stream).take(left).read_line(&mut line).await.map_err(|error| error.to_string())?;
        left = left.saturating_sub(read as u64);
        if read == 0 {
            return Err("the answer has no whole head".to_owned());
        }
        let line = line.trim_end();
        if head.status == 0 {
            let status = line.split(' ').nth(1).and_then(|number| number.parse().ok());
            head.status = status.ok_or_else(|| "the answer is no HTTP".to_owned())?;
        } else if line.is_empty() {
            return Ok(head);
        } else if let Some((name, value)) = line.split_once(':') {
            let value = value.trim();
            if name.eq_ignore_ascii_case("content-length") && matches!(head.body, Body::UntilClosed) {
                head.body = Body::Length(value.parse().map_err(|_| "the answer's length is no number".to_owned())?);
            } else if name.eq_ignore_ascii_case("transfer-encoding") && value.eq_ignore_ascii_case("chunked") {
                head.body = Body::Chunked(0);
            }
        }
    }
}

impl Answer {
    /// The size of the next chunk; `None` where the connection ends. What was read stays when this is given up.
    async fn chunk_size(&mut self) -> Result<Option<u64>, String> {
        loop {
            let buffered = self.stream.fill_buf().await.map_err(|error| error.to_string())?;
            if buffered.is_empty() {
                return Ok(None);
            }
            let end = memchr::memchr(b'\n', buffered);
            let taken = end.map_or(buffered.len(), |end| end + 1);
            self.line.extend_from_slice(&buffered[..taken]);
            self.stream.consume(taken);
            if self.line.len() > 1_000 {
                return Err("the size of a chunk is no number".to_owned());
            }
            if end.is_none() {
                continue;
            }
            let line = std::mem::take(&mut self.line);
            let line = String::from_utf8_lossy(&line);
            let digits = line.trim().split(';').next().unwrap_or_default();
            // Before the size stands the end of the chunk before.
            if !digits.is_empty() {
                return u64::from_str_radix(digits, 16).map(Some).map_err(|_| format!("{digits:?} is no size of a chunk"));
            }
        }
    }

    /// Whether the answer came to its end, rather than its connection alone.
    pub(super) const fn is_whole(&self) -> bool {
        matches!(self.body, Body::Ended | Body::UntilClosed | Body::Length(0))
    }

    /// The next bytes; `None` at the end. What was read stays when this is given up.
    pub(super) async fn piece(&mut self) -> Result<Option<Vec<u8>>, String> {
        let said = |error: std::io::Error| error.to_string();
        if let Body::Chunked(0) = self.body {
            let Some(len) = self.chunk_size().await? else { return Ok(None) };
            if len == 0 {
                self.body = Body::Ended;
            } else {
                self.body = Body::Chunked(len);
            }
        }
        let left = match self.body {
            Body::Ended | Body::Length(0) => return Ok(None),
            Body::UntilClosed => PIECE_BYTES as u64,
            Body::Length(left) | Body::Chunked(left) => left,
        };
        let mut piece = vec![0; usize::try_from(left).unwrap_or(usize::MAX).min(PIECE_BYTES)];
        let read = self.stream.read(&mut piece).await.map_err(said)?;
        piece.truncate(read);
        match &mut self.body {
            Body::Length(left) | Body::Chunked(left) => *left -= read as u64,
            Body::UntilClosed | Body::Ended => {}
        }
        Ok((read > 0).then_some(piece))
    }

    /// All of it.
    pub(super) async fn whole(mut self, max: usize) -> Result<Vec<u8>, String> {
        let mut all = Vec::new();
        let read = async {
            while let Some(piece) = self.piece().await? {
                all.extend_from_slice(&piece);
                if all.len() > max {
                    return Err(format!("the answer is longer than {max} bytes"));
                }
            }
            Ok(())
        };
        timeout(BEGIN, read).await.map_err(|_| "the answer does not come to an end".to_owned())??;
        Ok(all)
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::UnixListener;

    use super::*;

    async fn answered(answer: &'static [u8]) -> Result<Vec<u8>, String> {
        let dir = tempfile::tempdir().unwrap();
        let socket = dir.path().join("docker.sock");
        let listener = UnixListener::bind(&socket).unwrap();
        let serving = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = [0; 256];
            let read = stream.read(&mut request).await.unwrap();
            assert!(request[..read].starts_with(b"GET /x HTTP/1.1\r\n"));
            // In pieces, as they come from a network.
            for piece in answer.chunks(7) {
                stream.write_all(piece).await.unwrap();
                stream.flush().await.unwrap();
            }
        });
        let found = match get(&socket, "/x").await {
            Ok(answer) => answer.whole(100).await,
            Err(error) => Err(error),
        };
        serving.await.unwrap();
        found
    }

    #[tokio::test]
    async fn answers_of_every_form_are_read() {
        for (answer, expected) in [
            (&b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"[..], Ok("hello")),
            (b"HTTP/1.1 200 OK\r\n\r\nhello until the end", Ok("hello until the end")),
            (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n7;x=y\r\n world!\r\n0\r\n\r\n", Ok("hello world!")),
            (b"HTTP/1.1 404 Not Found\r\nContent-Length: 7\r\n\r\nno such", Err("Docker answers 404: no such")),
            (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", Err("no size of a chunk")),
            (b"nonsense\r\n", Err("no HTTP")),
            (b"HTTP/1.1 200 OK\r\n", Err("no whole head")),
        ] {
            match (answered(answer).await, expected) {
                (Ok(found), Ok(expected)) => assert_eq!(String::from_utf8_lossy(&found), expected),
                (Err(why), Err(part)) => assert!(why.contains(part), "{why}"),
                (other, _) => panic!("{other:?}"),
            }
        }
        assert!(get(Path::new("/nowhere/docker.sock"), "/x").await.is_err());
    }
}
