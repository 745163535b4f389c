//! The page about the server itself: what is set, where it came from, what follows from it.

use std::fs;
use std::time::Duration;

use reqwest::blocking::Client;

use crate::support::Server;

/// The sentence or attribute is on the page.
fn has(page: &str, words: &str) {
    assert!(page.contains(words), "{words}: {page}");
}

/// The row of a setting, from its link to the end.
fn row<'p>(page: &'p str, name: &str) -> &'p str {
    let at = page.find(&format!("/docs/configuration#{name}\"")).unwrap_or_else(|| panic!("no row for {name}: {page}"));
    page[at..].split("</tr>").next().unwrap()
}

#[test]
fn settings_are_shown_with_where_they_came_from_and_secrets_are_not() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("pharos.yml");
    fs::write(&config, "pharos:\n  limits:\n    page_rate: 321\n  auth:\n    oidc_issuer: https://id.example\n    oidc_client_id: pharos-1\n    oidc_client_secret: hunter2hunter2\n    oidc_admin_groups: [ops, leads]\n").unwrap();
    let data = folder.path().join("data");
    let file = format!("--config.file={}", config.display());
    let server = Server::on(&data, &[&file, "--host-metrics=false", "--limits.query-rate=77"]);
    let (status, page) = server.get("/settings/server");
    assert_eq!(status, 200, "{page}");
    assert!(!page.contains("hunter2"), "{page}");
    for (name, value, source) in [
        ("limits.query_rate", "77 a second", "flag --limits.query-rate"),
        ("limits.page_rate", "321 a second", "file, line 3"),
        ("limits.write_rate", "no limit", "default"),
        ("limits.connections_max", "now ", "default"),
        ("limits.memory_budget", "MiB", "default"),
        ("auth.oidc_issuer", "https://id.example", "file, line 5"),
        ("auth.oidc_client_id", "pharos-1", "file, line 6"),
        ("auth.oidc_client_secret", "set, not shown", "file, line 7"),
        ("auth.oidc_admin_groups", "ops,leads", "file, line 8"),
        ("auth.audit_retention", "1y", "default"),
    ] {
        let row = row(&page, name);
        assert!(row.contains(value) && row.contains(source), "{name}: {row}");
    }
    for words in ["unencrypted", "only this machine comes in", "identity provider single sign-on", "started again"] {
        has(&page, words);
    }
    let (_, docs) = server.get("/docs/configuration");
    let links: Vec<&str> = page.split("/docs/configuration#").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    assert!(links.len() > 30, "{links:?}");
    for anchor in links {
        has(&docs, &format!("id=\"{anchor}\""));
    }
    for (path, heading) in [("/docs/internet", "tls"), ("/docs/access", "when-people-must-sign-in")] {
        has(&page, &format!("{path}#{heading}\""));
        has(&server.get(path).1, &format!("id=\"{heading}\""));
    }
}

#[test]
fn the_certificate_is_explained_and_a_failed_reload_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let (data, web) = (folder.path().join("data"), folder.path().join("web.yml"));
    fs::write(&web, "http_server_config: {http2: true}\n").unwrap();
    let file = format!("--web.config.file={}", web.display());
    let server = Server::on(&data, &["--tls-self-signed", "--host-metrics=false", &file]);
    let pem = fs::read(data.join("tls/self-signed.crt")).unwrap();
    let builder = Client::builder().tls_certs_only([reqwest::Certificate::from_pem(&pem).unwrap()]);
    let client = builder.timeout(Duration::from_secs(120)).build().unwrap();
    let look = || client.get(format!("https://{}/settings/server", server.address)).send().unwrap().text().unwrap();
    let page = look();
    let der = rustls::pki_types::pem::PemObject::from_pem_slice(&pem).map(|der: rustls::pki_types::CertificateDer<'_>| der.to_vec());
    let fingerprint = <sha2::Sha256 as sha2::Digest>::digest(der.unwrap()).iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>();
    has(&page, &fingerprint.join(":"));
    for words in ["made and signed by the server itself", "localhost", "days left", "not told so, as the certificate is self-signed"] {
        has(&page, words);
    }
    assert!(!page.contains("Changed files could not be used"), "{page}");
    fs::write(&web, "tls_server_confg: {}\n").unwrap();
    for _ in 0..1200 {
        if look().contains("Changed files could not be used") {
            break;
        }
        std::thread::park_timeout(Duration::from_millis(100));
    }
    let page = look();
    has(&page, "Changed files could not be used");
    has(&page, "tls_server_confg: unknown key");
}
