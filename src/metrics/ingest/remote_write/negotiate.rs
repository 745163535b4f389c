//! Which protocol version a request speaks, from its headers.

/// The two protobuf messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Message {
    /// `prometheus.WriteRequest`.
    V1,
    /// `io.prometheus.write.v2.Request`.
    V2,
}

/// Decides by `Content-Type` and checks `Content-Encoding`. Missing headers mean 1.0 with snappy. The error is for the client.
pub(super) fn negotiate(content_type: &str, content_encoding: &str) -> Result<Message, String> {
    let message = message(content_type.trim())?;
    if !content_encoding.is_empty() && !content_encoding.eq_ignore_ascii_case("snappy") {
        return Err(format!("{content_encoding} encoding (compression) is not accepted by this server; only snappy is acceptable"));
    }
    Ok(message)
}

fn message(content_type: &str) -> Result<Message, String> {
    const PROTOBUF: &str = "application/x-protobuf";
    if content_type.is_empty() {
        return Ok(Message::V1);
    }
    let mut parts = content_type.split(';').map(str::trim);
    if !parts.next().is_some_and(|kind| kind.eq_ignore_ascii_case(PROTOBUF)) {
        return Err(format!("expected {PROTOBUF} as the first (media) part, got {content_type} content-type"));
    }
    for part in parts {
        let (name, value) = part.split_once('=').ok_or_else(|| {
            format!("as per https://www.rfc-editor.org/rfc/rfc9110#parameter expected parameters to be key-values, got {part} in {content_type} content-type")
        })?;
        if name.trim() == "proto" {
            return match value.trim() {
                "prometheus.WriteRequest" => Ok(Message::V1),
                "io.prometheus.write.v2.Request" => Ok(Message::V2),
                other => Err(format!("got {content_type} content type; unknown type for remote write protobuf message {other}")),
            };
        }
    }
    Ok(Message::V1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_decide() {
        for (kind, encoding, message) in [
            ("", "", Some(Message::V1)),
            ("application/x-protobuf", "snappy", Some(Message::V1)),
            ("application/x-protobuf;proto=prometheus.WriteRequest", "Snappy", Some(Message::V1)),
            ("application/x-protobuf;proto=io.prometheus.write.v2.Request", "snappy", Some(Message::V2)),
            ("application/x-protobuf; proto=io.prometheus.write.v2.Request", "", Some(Message::V2)),
            ("application/x-protobuf;proto=other", "snappy", None),
            ("application/x-protobuf;proto", "snappy", None),
            ("application/json", "snappy", None),
            ("application/x-protobuf", "zstd", None),
        ] {
            assert_eq!(negotiate(kind, encoding).ok(), message, "{kind} {encoding}");
        }
    }
}
