//! `pharos check healthy` and `ready`: asks a server how it is. Container images run it as their health check, so it
//! finds the server of its own machine by itself, whether that speaks HTTP or TLS.

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use url::{Host, Url};

use super::ask::{TrustArgs, server_url};
use super::configuration::environment;
use crate::base::clock::SystemClock;
use crate::platform::config::settings::Settings;
use crate::platform::http::client::{ClientSettings, HttpClient, Request, TlsSettings};

/// Where the server is told to listen.
const LISTEN: &str = "PHAROS_SERVER_LISTEN";
/// How long to wait for an answer.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Longest answer that is read: a sentence.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// Which server.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct HealthArgs {
    /// Address of the server. Without it the server of this machine is asked, by HTTP or TLS, at the port that
    /// PHAROS_SERVER_LISTEN names.
    #[arg(long, env = "PHAROS_URL", value_parser = server_url)]
    url: Option<Url>,
    #[command(flatten)]
    trust: TrustArgs,
}

/// What a server said.
struct Said {
    status: u16,
    words: String,
}

/// Asks; `path` is `-/healthy` or `-/ready`.
pub(super) async fn check(args: HealthArgs, path: &str, out: &mut impl Write) -> anyhow::Result<()> {
    let said = match args.url {
        Some(url) => ask(&url, path, &args.trust).await?,
        None => ask_own(&own_address(environment(LISTEN).as_deref()), path, &args.trust).await?,
    };
    if said.status != 200 {
        bail!("the server answered {}: {}", said.status, said.words);
    }
    writeln!(out, "{}", said.words)?;
    Ok(())
}

/// Asks the server of this machine: first by HTTP; where that is refused, by TLS.
async fn ask_own(address: &str, path: &str, trust: &TrustArgs) -> anyhow::Result<Said> {
    let url = |scheme: &str| Url::parse(&format!("{scheme}://{address}")).with_context(|| format!("{address:?} is no address"));
    let plain = ask(&url("http")?, path, trust).await;
    if matches!(&plain, Ok(said) if said.status == 200) {
        return plain;
    }
    // Also where it listens on an address that is no loopback: it is its own machine's all the same.
    match ask_with(&url("https")?, path, trust, !trust.is_set()).await {
        Ok(said) => Ok(said),
        Err(_) => plain,
    }
}

/// Whose certificate it is does not matter on loopback, as the question does not leave the machine and carries no
/// token; unless somebody says which one it has to be.
async fn ask(url: &Url, path: &str, trust: &TrustArgs) -> anyhow::Result<Said> {
    ask_with(url, path, trust, !trust.is_set() && is_loopback(url)).await
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// Where this machine reaches a server that listens on `listen`; every address of the machine includes loopback.
fn own_address(listen: Option<&str>) -> String {
    let default = Settings::default().server.listen;
    let listen = listen.filter(|text| !text.is_empty()).unwrap_or(&default);
    match listen.rsplit_once(':') {
        Some(("" | "0.0.0.0" | "*", port)) => format!("127.0.0.1:{port}"),
        Some(("[::]", port)) => format!("[::1]:{port}"),
        _ => listen.to_owned(),
    }
}

async fn ask_with(url: &Url, path: &str, trust: &TrustArgs, any_certificate: bool) -> anyhow::Result<Said> {
    let mut full = url.clone();
    full.path_segments_mut().map_err(|()| anyhow::anyhow!("{url} is not an HTTP address"))?.pop_if_empty().extend(path.split('/'));
    let tls = TlsSettings { insecure_skip_verify: any_certificate, ..trust.tls() };
    // A redirect to TLS is no answer about health.
    let settings = ClientSettings { tls, follow_redirects: false, ..ClientSettings::default() };
    let client = HttpClient::new(settings, Arc::new(SystemClock::new()))?;
    let response = client.send(Request::get(full, TIMEOUT)).await.map_err(|error| trust.unreachable(url, error))?;
    let status = response.status().as_u16();
    let mut body = Vec::new();
    response.read_body(ANSWER_BYTES_MAX, &mut body).await?;
    Ok(Said { status, words: String::from_utf8_lossy(&body).trim().to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_certificate_is_taken_from_this_machine_only() {
        for (url, is_here) in [
            ("https://localhost:9090", true),
            ("https://127.0.0.7", true),
            ("https://[::1]:9090", true),
            ("https://localhost.example", false),
            ("https://127.0.0.1.example", false),
            ("https://10.0.0.5:9090", false),
        ] {
            assert_eq!(is_loopback(&url.parse().unwrap()), is_here, "{url}");
        }
    }

    #[test]
    fn the_own_server_is_found_where_it_listens() {
        for (listen, address) in [
            (None, "127.0.0.1:9090"),
            (Some(""), "127.0.0.1:9090"),
            (Some(":8080"), "127.0.0.1:8080"),
            (Some("0.0.0.0:9091"), "127.0.0.1:9091"),
            (Some("[::]:9090"), "[::1]:9090"),
            (Some("10.0.0.5:9090"), "10.0.0.5:9090"),
            (Some("localhost:9090"), "localhost:9090"),
        ] {
            assert_eq!(own_address(listen), address, "{listen:?}");
        }
    }
}
