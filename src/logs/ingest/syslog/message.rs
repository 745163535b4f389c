//! One syslog message: its parts, and the labels and fields they become.

use std::collections::BTreeMap;

use chrono::{DateTime, Datelike, FixedOffset, Local, NaiveDate, Utc};
use chrono_tz::Tz;
use syslog_loose::{IncompleteDate, Message, ProcId, SyslogSeverity, Variant, parse_message_with_year_tz};

use crate::logs::ingest::stage::Entry;
use crate::series::labels::{Labels, LabelsBuilder};
use crate::series::relabel::{RelabelConfig, process};

/// Most parameters of structured data that are kept.
const PARAMETERS_MAX: usize = 64;

/// Where clocks show what a message without a zone says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Zone {
    /// Where this server is.
    #[default]
    Local,
    /// There.
    Named(Tz),
}

/// What becomes of messages.
#[derive(Debug, Clone, Default)]
pub struct Naming {
    /// Labels of every message.
    pub labels: Labels,
    /// Rules that make labels of `__syslog_message_*`; with none there are host, app and level.
    pub relabel: Vec<RelabelConfig>,
    /// Whether a message's own time counts, rather than that of its coming.
    pub keeps_time: bool,
    /// Whether the whole message is the line, rather than its text.
    pub keeps_whole: bool,
    /// For times without a zone.
    pub zone: Zone,
}

impl Naming {
    /// The entry of a message; `None` if its rules drop it. `is_known` is false for what is no syslog message at all.
    pub fn entry(&self, bytes: &[u8], peer: &str, now_ms: i64) -> (Option<Entry>, bool) {
        let whole = String::from_utf8_lossy(bytes);
        let whole = whole.trim_end_matches(['\n', '\r', '\0']);
        let message = parse(whole, self.zone, now_ms);
        let is_known = message.severity.is_some();
        let mut entry = Entry::default();
        if self.keeps_time {
            entry.ts = message.timestamp.and_then(|time| time.timestamp_nanos_opt());
        }
        let text = text_of(whole, message.msg);
        entry.text = if self.keeps_whole || text.is_empty() { whole.to_owned() } else { text.to_owned() };
        let parts = parts(&message, peer);
        entry.labels = self.labels.to_builder().into();
        if self.relabel.is_empty() {
            for (label, part) in [("host", "hostname"), ("app", "app_name")] {
                if let Some(value) = parts.get(part) {
                    entry.labels.set(label, value);
                }
            }
            if let Some(severity) = message.severity {
                entry.labels.set("level", level(severity));
            }
            for (part, value) in &parts {
                if !matches!(part.as_str(), "hostname" | "app_name") {
                    entry.fields.set(part, value);
                }
            }
        } else {
            let mut labels: LabelsBuilder = (*entry.labels).clone();
            for (part, value) in &parts {
                let prefix = if part.starts_with("connection_") { "__syslog_" } else { "__syslog_message_" };
                labels.set(&format!("{prefix}{part}"), value);
            }
            if !process(&mut labels, &self.relabel) {
                return (None, is_known);
            }
            labels.retain(|name, _| !name.starts_with("__"));
            entry.labels = labels.into();
        }
        (Some(entry), is_known)
    }
}

/// The text of a message with the blanks that the program wrote around it: one before it belongs to the head.
fn text_of<'text>(whole: &'text str, text: &'text str) -> &'text str {
    // The text is a part of the whole; where it stands tells what was cut off around it.
    let at = text.as_ptr().addr().checked_sub(whole.as_ptr().addr()).filter(|at| !text.is_empty() && *at < whole.len());
    let text = at.map_or(text, |at| {
        let blanks = whole[..at].bytes().rev().take_while(|byte| *byte == b' ').count();
        &whole[at - blanks.saturating_sub(1)..]
    });
    text.strip_prefix('\u{feff}').unwrap_or(text)
}

fn parse(text: &str, zone: Zone, now_ms: i64) -> Message<&str> {
    let year = |date: IncompleteDate| nearest_year(date, now_ms);
    match zone {
        Zone::Local => parse_message_with_year_tz(text, year, Some(Local), Variant::Either),
        Zone::Named(zone) => {
            let offset = chrono::Offset::fix(&chrono::TimeZone::offset_from_utc_datetime(&zone, &now(now_ms).naive_utc()));
            parse_message_with_year_tz::<_, FixedOffset>(text, year, Some(offset), Variant::Either)
        }
    }
}

fn now(now_ms: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(now_ms).unwrap_or_default()
}

/// The year that brings a date nearest to now: December's messages come in January too.
fn nearest_year((month, day, ..): IncompleteDate, now_ms: i64) -> i32 {
    let today = now(now_ms).date_naive();
    let years = [today.year(), today.year() - 1, today.year() + 1];
    let far = |year: &i32| NaiveDate::from_ymd_opt(*year, month, day).map_or(i64::MAX, |date| (date - today).num_days().abs());
    years.into_iter().min_by_key(far).unwrap_or(today.year())
}

/// Parts of a message by name.
fn parts(message: &Message<&str>, peer: &str) -> BTreeMap<String, String> {
    let mut parts = BTreeMap::new();
    let mut put = |name: &str, value: &str| {
        if !value.is_empty() && value != "-" {
            parts.insert(name.to_owned(), value.to_owned());
        }
    };
    put("hostname", message.hostname.unwrap_or_default());
    put("app_name", message.appname.unwrap_or_default());
    put("msg_id", message.msgid.unwrap_or_default());
    put("connection_ip_address", peer);
    match message.procid {
        Some(ProcId::PID(pid)) => put("proc_id", &pid.to_string()),
        Some(ProcId::Name(name)) => put("proc_id", name),
        None => {}
    }
    if let Some(severity) = message.severity {
        put("severity", long_name(severity));
    }
    if let Some(facility) = message.facility {
        put("facility", facility.as_str());
    }
    let parameters =
        message.structured_data.iter().flat_map(|element| element.params().map(move |(name, value)| (element.id, name, value)));
    for (id, name, value) in parameters.take(PARAMETERS_MAX) {
        let name: String = format!("sd_{id}_{name}").chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
        put(&name, &value);
    }
    parts
}

/// As Promtail writes it.
const fn long_name(severity: SyslogSeverity) -> &'static str {
    match severity {
        SyslogSeverity::SEV_EMERG => "emergency",
        SyslogSeverity::SEV_ALERT => "alert",
        SyslogSeverity::SEV_CRIT => "critical",
        SyslogSeverity::SEV_ERR => "error",
        SyslogSeverity::SEV_WARNING => "warning",
        SyslogSeverity::SEV_NOTICE => "notice",
        SyslogSeverity::SEV_INFO => "informational",
        SyslogSeverity::SEV_DEBUG => "debug",
    }
}

/// One of the levels that lines of other doors have.
const fn level(severity: SyslogSeverity) -> &'static str {
    match severity {
        SyslogSeverity::SEV_EMERG => "fatal",
        SyslogSeverity::SEV_ALERT | SyslogSeverity::SEV_CRIT => "critical",
        SyslogSeverity::SEV_ERR => "error",
        SyslogSeverity::SEV_WARNING => "warn",
        SyslogSeverity::SEV_NOTICE | SyslogSeverity::SEV_INFO => "info",
        SyslogSeverity::SEV_DEBUG => "debug",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2024-01-02 03:04:05 UTC.
    const NOW_MS: i64 = 1_704_164_645_000;

    fn naming() -> Naming {
        Naming { labels: Labels::from_pairs([("job", "syslog")]), keeps_time: true, zone: Zone::Named(Tz::UTC), ..Naming::default() }
    }

    fn shown(entry: &Entry) -> String {
        let pairs = |builder: &LabelsBuilder| builder.iter().map(|(n, v)| format!("{n}={v}")).collect::<Vec<_>>().join(",");
        let ts = entry.ts.map(|ts| ts.to_string()).unwrap_or_default();
        format!("{}|{}|{}|{ts}", entry.text, pairs(&entry.labels), pairs(&entry.fields))
    }

    #[test]
    fn messages_of_both_kinds_are_read() {
        for (bytes, expected) in [
            (
                &b"<34>1 2024-01-02T03:04:05.123456+01:00 web-1 nginx 77 ID47 [ex@1 a=\"1\" b=\"x \\\"y\\\"\"] \xef\xbb\xbfhello"[..],
                "hello|app=nginx,host=web-1,job=syslog,level=critical|connection_ip_address=10.0.0.9,facility=auth,msg_id=ID47,proc_id=77,\
                 sd_ex_1_a=1,sd_ex_1_b=x \"y\",severity=critical|1704161045123456000",
            ),
            (
                b"<165>1 2024-01-02T03:04:05Z host app - - - text\n",
                "text|app=app,host=host,job=syslog,level=info|connection_ip_address=10.0.0.9,facility=local4,severity=notice|1704164645000000000",
            ),
            (
                b"<13>Jan  2 03:04:05 web-1 sshd[812]: Accepted key",
                "Accepted key|app=sshd,host=web-1,job=syslog,level=info|connection_ip_address=10.0.0.9,facility=user,proc_id=812,severity=notice|\
                 1704164645000000000",
            ),
            (
                b"<11>Dec 31 23:59:59 web-1 cron: late",
                "late|app=cron,host=web-1,job=syslog,level=error|connection_ip_address=10.0.0.9,facility=user,severity=error|1704067199000000000",
            ),
            (
                b"<14>2024-01-02T03:04:05.5Z web-1 app: modern",
                "modern|app=app,host=web-1,job=syslog,level=info|connection_ip_address=10.0.0.9,facility=user,severity=informational|1704164645500000000",
            ),
            (
                b"<14>1 2024-01-02T03:04:05Z h app - - -   two blanks before, two behind  ",
                "  two blanks before, two behind  |app=app,host=h,job=syslog,level=info|connection_ip_address=10.0.0.9,facility=user,\
                 severity=informational|1704164645000000000",
            ),
            (b"no syslog at all", "no syslog at all|job=syslog|connection_ip_address=10.0.0.9|"),
        ] {
            let (entry, is_known) = naming().entry(bytes, "10.0.0.9", NOW_MS);
            assert_eq!(shown(&entry.unwrap()), expected);
            assert_eq!(is_known, bytes[0] == b'<');
        }
    }

    #[test]
    fn rules_name_labels_as_promtails_do() {
        let rule = |source: &str, target: &str| RelabelConfig {
            source_labels: vec![source.to_owned()],
            target_label: target.to_owned(),
            ..RelabelConfig::default()
        };
        let relabel = vec![
            rule("__syslog_message_hostname", "machine"),
            rule("__syslog_connection_ip_address", "from"),
            rule("__syslog_message_severity", "s"),
        ];
        let naming = Naming { relabel, keeps_time: false, keeps_whole: true, ..naming() };
        let (entry, _) = naming.entry(b"<12>1 - web-1 a - - - x", "::1", NOW_MS);
        assert_eq!(shown(&entry.unwrap()), "<12>1 - web-1 a - - - x|from=::1,job=syslog,machine=web-1,s=warning||");
    }

    proptest::proptest! {
        #[test]
        fn never_panics(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200), text in "<[0-9]{1,4}>(1 )?[A-Za-z0-9: \\[\\]=\"\\\\@.+-]{0,120}") {
            let _either = naming().entry(&bytes, "", NOW_MS);
            let _or = naming().entry(text.as_bytes(), "", i64::MAX);
        }
    }
}
