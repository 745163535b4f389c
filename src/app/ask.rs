//! `pharos query …`: asks a running server and prints what it says, as promtool does.
//!
//! There is no way to take any certificate whatever: a token would go to whoever answers. `--ca-file` names the one to
//! trust, which may be that of the server itself.

use std::io::Write;
use std::time::Duration;

use anyhow::{Context, bail};
use http::HeaderMap;
use serde_json::Value as Json;
use url::Url;

use crate::base::secret::Secret;
use crate::base::time::parse_timestamp;
use crate::platform::http::client::{Authorization, ClientError, ClientSettings, HttpClient, Request, SecretSource, TlsSettings};

/// The variable that holds a token of the server; on the command line every other user of the machine could read it.
const TOKEN: &str = "PHAROS_TOKEN";
/// Longest answer that is read.
const ANSWER_BYTES_MAX: usize = 1024 * 1024 * 1024;
/// How long to wait for it.
const TIMEOUT: Duration = Duration::from_secs(150);

/// How to print.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub(super) enum Format {
    /// Lines for people.
    #[default]
    Promql,
    /// The server's JSON.
    Json,
}

/// Which server.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct ServerArgs {
    /// Address of the server. Where people sign in, PHAROS_TOKEN is to hold a token that may read.
    #[arg(long, default_value = "http://localhost:9090", env = "PHAROS_URL", value_parser = server_url)]
    pub(super) url: Url,
    #[command(flatten)]
    pub(super) trust: TrustArgs,
}

/// Whose certificate to believe.
#[derive(Debug, Clone, Default, clap::Args)]
pub(super) struct TrustArgs {
    /// Certificates to trust instead of the system's, PEM: those of the authority, or a self-signed server's own, which
    /// lies in its data folder as tls/self-signed.crt.
    #[arg(long, env = "PHAROS_CA_FILE", value_name = "FILE", value_parser = text)]
    ca_file: Option<String>,
}

/// As it is: an empty variable is no mistake but none.
fn text(text: &str) -> Result<String, std::convert::Infallible> {
    Ok(text.to_owned())
}

impl TrustArgs {
    /// Whether certificates are named.
    pub(super) fn is_set(&self) -> bool {
        self.ca_file.as_ref().is_some_and(|file| !file.is_empty())
    }

    /// How connections are encrypted.
    pub(super) fn tls(&self) -> TlsSettings {
        let ca = self.ca_file.clone().filter(|file| !file.is_empty()).map_or(SecretSource::None, SecretSource::File);
        TlsSettings { ca, ..TlsSettings::default() }
    }

    /// What to say about a server that does not answer.
    pub(super) fn unreachable(&self, url: &Url, error: ClientError) -> anyhow::Error {
        let is_about_trust = error.to_string().contains("certificate");
        let said = match (is_about_trust, self.is_set()) {
            (true, false) => format!("cannot reach {url}; name its certificate, or its authority's, with --ca-file to trust it"),
            (true, true) => format!("cannot reach {url} with the certificates of --ca-file"),
            (false, _) => format!("cannot reach {url}"),
        };
        anyhow::Error::from(error).context(said)
    }
}

/// `localhost:9090` is taken as `http://localhost:9090`.
pub(super) fn server_url(text: &str) -> Result<Url, String> {
    let full = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
    let url = Url::parse(&full).map_err(|error| error.to_string())?;
    if matches!(url.scheme(), "http" | "https") { Ok(url) } else { Err("expected an address such as http://localhost:9090".to_owned()) }
}

/// `pharos query instant`.
#[derive(Debug, clap::Args)]
pub(super) struct InstantArgs {
    #[command(flatten)]
    server: ServerArgs,
    /// When to evaluate: Unix seconds or RFC 3339; now if absent.
    #[arg(long)]
    time: Option<String>,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// The PromQL expression, such as 'sum by (mode) (rate(node_cpu_seconds_total[5m]))'.
    expr: String,
}

/// `pharos query range`.
#[derive(Debug, clap::Args)]
pub(super) struct RangeArgs {
    #[command(flatten)]
    server: ServerArgs,
    /// Start: Unix seconds or RFC 3339; five minutes before the end if absent.
    #[arg(long)]
    start: Option<String>,
    /// End: Unix seconds or RFC 3339; now if absent.
    #[arg(long)]
    end: Option<String>,
    /// Distance of points, such as 15s or 1m; chosen by the length of the range if absent.
    #[arg(long)]
    step: Option<String>,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// The PromQL expression.
    expr: String,
}

/// `pharos query series`.
#[derive(Debug, clap::Args)]
pub(super) struct SeriesArgs {
    #[command(flatten)]
    server: ServerArgs,
    /// A selector, such as 'up{job="node"}'; repeat it for more.
    #[arg(long = "match", required = true)]
    matches: Vec<String>,
    /// Start: Unix seconds or RFC 3339; everything if absent.
    #[arg(long)]
    start: Option<String>,
    /// End: Unix seconds or RFC 3339; now if absent.
    #[arg(long)]
    end: Option<String>,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// `pharos query labels`.
#[derive(Debug, clap::Args)]
pub(super) struct LabelsArgs {
    #[command(flatten)]
    server: ServerArgs,
    /// Only series that match; repeat it for more.
    #[arg(long = "match")]
    matches: Vec<String>,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// The label whose values are wanted; the names of all labels if absent.
    name: Option<String>,
}

/// Runs `query instant`.
pub(super) async fn instant(args: InstantArgs, out: &mut impl Write) -> anyhow::Result<()> {
    let mut params = vec![("query", args.expr)];
    params.extend(args.time.map(|time| ("time", time)));
    let answer = ask(&args.server, "api/v1/query", &params).await?;
    print(out, args.format, &answer, |out, data| print_result(out, data))
}

/// Runs `query range`.
pub(super) async fn range(args: RangeArgs, now_ms: i64, out: &mut impl Write) -> anyhow::Result<()> {
    let time = |text: Option<&String>, default: i64| match text {
        Some(text) => parse_timestamp(text).with_context(|| format!("cannot read {text:?} as a time: use Unix seconds or RFC 3339")),
        None => Ok(default),
    };
    let end = time(args.end.as_ref(), now_ms)?;
    let start = time(args.start.as_ref(), end - 5 * 60_000)?;
    // As promtool: about 250 points.
    let step = args.step.unwrap_or_else(|| ((end - start) / 250_000).max(1).to_string());
    let seconds = |ms: i64| format!("{}", ms as f64 / 1e3);
    let params = [("query", args.expr), ("start", seconds(start)), ("end", seconds(end)), ("step", step)];
    let answer = ask(&args.server, "api/v1/query_range", &params).await?;
    print(out, args.format, &answer, |out, data| print_result(out, data))
}

/// Runs `query series`.
pub(super) async fn series(args: SeriesArgs, out: &mut impl Write) -> anyhow::Result<()> {
    let mut params: Vec<(&str, String)> = args.matches.into_iter().map(|text| ("match[]", text)).collect();
    params.extend(args.start.map(|time| ("start", time)));
    params.extend(args.end.map(|time| ("end", time)));
    let answer = ask(&args.server, "api/v1/series", &params).await?;
    print(out, args.format, &answer, |out, data| {
        for labels in data.as_array().into_iter().flatten() {
            writeln!(out, "{}", series_text(labels))?;
        }
        Ok(())
    })
}

/// Runs `query labels`.
pub(super) async fn labels(args: LabelsArgs, out: &mut impl Write) -> anyhow::Result<()> {
    let params: Vec<(&str, String)> = args.matches.into_iter().map(|text| ("match[]", text)).collect();
    let path = match &args.name {
        Some(name) => format!("api/v1/label/{}/values", percent_encoding::utf8_percent_encode(name, percent_encoding::NON_ALPHANUMERIC)),
        None => "api/v1/labels".to_owned(),
    };
    let answer = ask(&args.server, &path, &params).await?;
    print(out, args.format, &answer, |out, data| {
        for value in data.as_array().into_iter().flatten() {
            writeln!(out, "{}", value.as_str().unwrap_or_default())?;
        }
        Ok(())
    })
}

/// Calls the API and gives `data`, or the server's error.
pub(super) async fn ask(server: &ServerArgs, path: &str, params: &[(&str, String)]) -> anyhow::Result<Json> {
    let (status, body) = get(server, path, params).await?;
    let answer: Json = serde_json::from_slice(&body).with_context(|| {
        format!("{} answered {status} with something that is not JSON; is it a Prometheus-compatible server?", server.url)
    })?;
    if status == 401 {
        let why = answer["error"].as_str().unwrap_or("unauthorized");
        bail!("{why}; make a token that may read on the server's page Settings, Tokens, and set {TOKEN} to it");
    }
    if answer["status"] != "success" {
        bail!(refusal(&answer));
    }
    Ok(answer)
}

/// The kind of an error and its reason; some reasons begin with the kind already.
fn refusal(answer: &Json) -> String {
    let kind = answer["errorType"].as_str().unwrap_or("error");
    let reason = answer["error"].as_str().unwrap_or("no reason given");
    let is_named = reason.strip_prefix(kind).is_some_and(|rest| rest.starts_with(':'));
    if is_named { reason.to_owned() } else { format!("{kind}: {reason}") }
}

async fn get(server: &ServerArgs, path: &str, params: &[(&str, String)]) -> anyhow::Result<(u16, Vec<u8>)> {
    get_with(server, path, params, HeaderMap::new()).await
}

/// Calls the server with some headers; status and body.
pub(super) async fn get_with(
    server: &ServerArgs,
    path: &str,
    params: &[(&str, String)],
    headers: HeaderMap,
) -> anyhow::Result<(u16, Vec<u8>)> {
    let url = &server.url;
    let mut full = url.clone();
    full.path_segments_mut().map_err(|()| anyhow::anyhow!("{url} is not an HTTP address"))?.pop_if_empty().extend(path.split('/'));
    full.query_pairs_mut().extend_pairs(params);
    let clock = std::sync::Arc::new(crate::base::clock::SystemClock::new());
    let authorization = super::configuration::environment(TOKEN)
        .filter(|token| !token.is_empty())
        .map(|token| Authorization { scheme: "Bearer".to_owned(), credentials: SecretSource::Inline(Secret::new(token)) });
    let client = HttpClient::new(ClientSettings { authorization, tls: server.trust.tls(), ..ClientSettings::default() }, clock)?;
    let response = client.send(Request { headers, ..Request::get(full, TIMEOUT) }).await;
    let response = response.map_err(|error| server.trust.unreachable(url, error))?;
    let status = response.status().as_u16();
    let mut body = Vec::new();
    response.read_body(ANSWER_BYTES_MAX, &mut body).await?;
    Ok((status, body))
}

fn print<W: Write>(out: &mut W, format: Format, answer: &Json, lines: impl Fn(&mut W, &Json) -> std::io::Result<()>) -> anyhow::Result<()> {
    match format {
        Format::Json => {
            serde_json::to_writer(&mut *out, &answer["data"])?;
            writeln!(out)?;
        }
        Format::Promql => lines(out, &answer["data"])?,
    }
    for kind in ["warnings", "infos"] {
        for note in answer[kind].as_array().into_iter().flatten() {
            writeln!(out, "# {kind}: {}", note.as_str().unwrap_or_default())?;
        }
    }
    Ok(())
}

fn print_result(out: &mut impl Write, data: &Json) -> std::io::Result<()> {
    let result = &data["result"];
    match data["resultType"].as_str() {
        Some("vector") => {
            for sample in result.as_array().into_iter().flatten() {
                let point = if sample["value"].is_null() { &sample["histogram"] } else { &sample["value"] };
                writeln!(out, "{} => {}", series_text(&sample["metric"]), point_text(point))?;
            }
        }
        Some("matrix") => {
            for series in result.as_array().into_iter().flatten() {
                writeln!(out, "{} =>", series_text(&series["metric"]))?;
                for point in series["values"].as_array().into_iter().chain(series["histograms"].as_array()).flatten() {
                    writeln!(out, "{}", point_text(point))?;
                }
            }
        }
        Some("scalar") => writeln!(out, "scalar: {}", point_text(result))?,
        _ => writeln!(out, "{}", result[1].as_str().unwrap_or_default())?,
    }
    Ok(())
}

/// `up{job="node"}`.
fn series_text(labels: &Json) -> String {
    let name = labels["__name__"].as_str().unwrap_or("");
    let pairs: Vec<String> = labels
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(label, _)| *label != "__name__")
        .map(|(label, value)| format!("{label}={}", crate::series::labels::quote(value.as_str().unwrap_or_default())))
        .collect();
    if pairs.is_empty() && !name.is_empty() { name.to_owned() } else { format!("{name}{{{}}}", pairs.join(", ")) }
}

/// `1.5 @[1700000000]`.
fn point_text(point: &Json) -> String {
    let value = point[1].as_str().map_or_else(|| point[1].to_string(), str::to_owned);
    format!("{value} @[{}]", point[0])
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_server_may_be_named_without_its_scheme() {
        for (text, url) in [
            ("localhost:9490", "http://localhost:9490/"),
            ("https://metrics.example/p", "https://metrics.example/p"),
            ("[::1]:9090", "http://[::1]:9090/"),
        ] {
            assert_eq!(server_url(text).unwrap().as_str(), url);
        }
        assert!(server_url("ftp://x").is_err() && server_url("").is_err() && server_url("http://").is_err());
    }

    #[test]
    fn the_kind_of_a_refusal_is_said_once() {
        for (kind, reason, said) in [
            ("forbidden", "forbidden: this needs the scope read", "forbidden: this needs the scope read"),
            ("bad_data", "invalid parameter \"query\"", "bad_data: invalid parameter \"query\""),
            ("execution", "executions are over", "execution: executions are over"),
        ] {
            assert_eq!(refusal(&json!({ "status": "error", "errorType": kind, "error": reason })), said);
        }
        assert_eq!(refusal(&json!({})), "error: no reason given");
    }

    #[test]
    fn an_empty_variable_names_no_certificates() {
        let named = |file: Option<&str>| TrustArgs { ca_file: file.map(str::to_owned) };
        assert!(!named(None).is_set() && !named(Some("")).is_set() && named(Some("ca.pem")).is_set());
        assert_eq!(
            (named(Some("")).tls(), named(Some("ca.pem")).tls().ca),
            (TlsSettings::default(), SecretSource::File("ca.pem".to_owned()))
        );
    }

    #[test]
    fn prints_as_promtool() {
        let mut out = Vec::new();
        let data = json!({"resultType": "vector", "result": [
            {"metric": {"__name__": "up", "job": "a\"b"}, "value": [1.5, "1"]},
            {"metric": {}, "value": [1, "2"]},
        ]});
        print_result(&mut out, &data).unwrap();
        let data = json!({"resultType": "matrix", "result": [{"metric": {"__name__": "up"}, "values": [[1, "1"], [2, "0"]]}]});
        print_result(&mut out, &data).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert_eq!(text, "up{job=\"a\\\"b\"} => 1 @[1.5]\n{} => 2 @[1]\nup =>\n1 @[1]\n0 @[2]\n");
    }
}
