//! E-mail to a server that takes every letter and keeps what it heard.

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};

use super::*;

/// Takes one letter; gives the lines it heard.
async fn take_one() -> (u16, tokio::task::JoinHandle<Vec<String>>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let task = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let mut stream = BufReader::new(stream);
        stream.write_all(b"220 hi\r\n").await.unwrap();
        let (mut heard, mut in_data) = (Vec::new(), false);
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).await.unwrap_or(0) == 0 {
                return heard;
            }
            let line = line.trim_end_matches(['\r', '\n']).to_owned();
            let answer = match line.split(' ').next().unwrap_or_default() {
                "." if in_data => {
                    in_data = false;
                    "250 queued, s3cret-pass\r\n"
                }
                _ if in_data => "",
                "EHLO" => "250-x\r\n250 AUTH PLAIN LOGIN\r\n",
                "AUTH" => "235 ok\r\n",
                "DATA" => {
                    in_data = true;
                    "354 go\r\n"
                }
                _ => "250 ok\r\n",
            };
            heard.push(line);
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    (port, task)
}

fn after<'l>(lines: &'l [String], start: &str) -> &'l str {
    lines.iter().find_map(|line| line.strip_prefix(start)).unwrap_or_else(|| panic!("{start} in {lines:#?}"))
}

#[tokio::test]
async fn letters_have_what_mail_programs_need() {
    let (port, heard) = take_one().await;
    let folder = tempfile::tempdir().unwrap();
    let password = folder.path().join("password");
    std::fs::write(&password, "s3cret-pass\n").unwrap();
    let text = format!(
        "global: {{smtp_smarthost: '127.0.0.1:{port}', smtp_from: 'Pharos <p@mon.example>', smtp_require_tls: false, smtp_auth_username: u, smtp_auth_password_file: {}, smtp_hello: mon.example}}\n\
         route: {{receiver: team}}\nreceivers: [{{name: team, email_configs: [{{to: 'a@x, \"B\" <b@x>', text: '{{{{ .CommonAnnotations.summary }}}} é', headers: {{X-team: t, Reply-To: r@x}}, threading: {{enabled: true, thread_by_date: none}}}}]}}]",
        password.display()
    );
    let channel = open(&read(&text), &around()).unwrap().remove("team").unwrap().remove(0);
    assert_eq!(channel.tell(&sample(false)).await.unwrap().answer, "250 queued, <secret>");
    let lines = heard.await.unwrap();
    assert_eq!(
        lines[..6],
        ["EHLO mon.example", "AUTH PLAIN AHUAczNjcmV0LXBhc3M=", "MAIL FROM:<p@mon.example>", "RCPT TO:<a@x>", "RCPT TO:<b@x>", "DATA"]
    );
    for (header, expected) in [
        ("Subject: ", "[FIRING:1] HighCPU node "),
        ("To: ", "a@x, \"B\" <b@x>"),
        ("From: ", "Pharos <p@mon.example>"),
        ("X-Team: ", "t"),
        ("Reply-To: ", "r@x"),
        ("Date: ", "Fri, 02 Jan 2026 03:05:05 +0000"),
        ("MIME-Version: ", "1.0"),
    ] {
        assert_eq!(after(&lines, header), expected);
    }
    let hash = key_hash(&sample(false));
    assert_eq!(after(&lines, "References: "), format!("<alert-{}-@alertmanager>", &hash[..16]));
    assert!(after(&lines, "Message-Id: <").ends_with('>'));
    let boundary = after(&lines, "Content-Type: multipart/alternative;  boundary=");
    let parts: Vec<usize> = (0..lines.len()).filter(|at| lines[*at] == format!("--{boundary}")).collect();
    let [plain, html] = parts[..] else { panic!("{lines:#?}") };
    assert_eq!(
        lines[plain..html],
        [
            &format!("--{boundary}"),
            "Content-Transfer-Encoding: quoted-printable",
            "Content-Type: text/plain; charset=UTF-8",
            "",
            "CPU <high> =C3=A9"
        ]
    );
    assert_eq!(lines[html + 2], "Content-Type: text/html; charset=UTF-8");
    let body = lines[html + 4..].join("\n").replace("=\n", "");
    assert!(
        body.starts_with("<!DOCTYPE html>") && body.contains("summary =3D CPU &lt;high&gt;<br>") && body.contains("[1] Firing"),
        "{body}"
    );
    assert!(body.contains("href=3D\"http://am.example:9093/x/#/alerts?receiver=3Dteam\""), "{body}");
}

#[test]
fn what_no_server_would_take_is_refused_when_read() {
    let problems = |smarthost: &str, headers: &str| {
        let text = format!(
            "global: {{smtp_smarthost: '{smarthost}', smtp_from: a@x}}\nroute: {{receiver: team}}\nreceivers: [{{name: team, email_configs: [{{to: b@x, headers: {{{headers}}}}}]}}]"
        );
        open(&read(&text), &around()).err().map(|problems| problems.iter().map(ToString::to_string).collect::<Vec<_>>())
    };
    assert_eq!(problems("h:submission", ""), None);
    let place = "alertmanager.yml: receiver \"team\": email_configs[0]";
    assert_eq!(problems("h:fish", ""), Some(vec![format!("{place}.smarthost: \"fish\" is no port")]));
    assert_eq!(problems("h:25", "'A b': c"), Some(vec![format!("{place}.headers: \"A b\" is no name of a header")]));
}

#[tokio::test]
async fn addresses_may_be_templates_and_must_be_addresses() {
    let channel =
        |from: &str, to: &str| channel_of(&format!("  email_configs: [{{smarthost: '127.0.0.1:1', from: '{from}', to: '{to}'}}]"));
    for (from, to, reason) in [
        ("a@x, b@x", "c@x", "must be exactly one 'from' address (got: 2)"),
        ("a@x", "{{ .Status }}", "parse 'to' addresses: \"firing\" is no address"),
        (
            "a@x",
            "{{ .Nope }}",
            "execute 'to' template: template: email_configs[0].to:1:3: executing \"email_configs[0].to\" at <.Nope>: can't evaluate field Nope in type *template.Data",
        ),
    ] {
        assert_eq!(channel(from, to).tell(&sample(false)).await.unwrap_err(), Refusal::for_good(reason));
    }
    let refusal = channel("a@x", "{{ .Status }}@x").tell(&sample(false)).await.unwrap_err();
    assert!(refusal.may_retry && refusal.reason.starts_with("establish connection to server: "), "{refusal}");
}
