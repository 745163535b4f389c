//! What is asked for: `{"from","to","vars","marks","zone","refresh","draft","panels":[{"key","w","h","have"}]}`.

use serde::Deserialize;
use serde_json::Value;

use crate::boards::model::{BOARD_BYTES_MAX, Share};

/// Largest body: a draft with everything around.
pub const BODY_BYTES_MAX: usize = BOARD_BYTES_MAX + 256 * 1024;
/// Most panels of a batch.
const PANELS_MAX: usize = 300;
/// Longest of the texts, in bytes.
const TEXT_BYTES_MAX: usize = 64 * 1024;
/// Longest key of a panel, in bytes.
const KEY_BYTES_MAX: usize = 100;

/// A batch of panels.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Batch {
    /// The start of the range, as in URLs (`now-6h`).
    #[serde(default)]
    pub from: String,
    /// Its end.
    #[serde(default)]
    pub to: String,
    /// What is chosen of variables, as in URLs (`var-job=a&var-job=b`).
    #[serde(default)]
    pub vars: String,
    /// Annotations that are turned on or off, as in URLs (`mark-Deploys=off`).
    #[serde(default)]
    pub marks: String,
    /// The zone in which the reader sees times.
    #[serde(default)]
    pub zone: String,
    /// Whether what is kept does not do.
    #[serde(default)]
    pub refresh: bool,
    /// A dashboard that is not saved, instead of the saved one.
    #[serde(default)]
    pub draft: Option<Value>,
    /// The panels, in the order in which they are wanted.
    pub panels: Vec<Wanted>,
    /// Variables of which only what is offered may be chosen; no body says so itself.
    #[serde(skip)]
    pub bounded: Vec<String>,
}

/// A panel of a batch.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Wanted {
    /// Its key in the layout.
    pub key: String,
    /// Width of its body, in CSS pixels.
    #[serde(default)]
    pub w: f32,
    /// Height of its body, in CSS pixels.
    #[serde(default)]
    pub h: f32,
    /// The etag of what is shown.
    #[serde(default)]
    pub have: String,
}

impl Batch {
    /// Reads a body.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn read(body: &[u8]) -> Result<Self, String> {
        let batch: Self = serde_json::from_slice(body).map_err(|error| format!("the body is no batch of panels: {error}"))?;
        if batch.panels.len() > PANELS_MAX {
            return Err(format!("{} panels are asked for at once, at most {PANELS_MAX} are allowed", batch.panels.len()));
        }
        for (name, text) in
            [("from", &batch.from), ("to", &batch.to), ("vars", &batch.vars), ("marks", &batch.marks), ("zone", &batch.zone)]
        {
            if text.len() > TEXT_BYTES_MAX {
                return Err(format!("\"{name}\" has {} bytes, at most {TEXT_BYTES_MAX} are allowed", text.len()));
            }
        }
        if batch.panels.iter().any(|panel| panel.key.len() > KEY_BYTES_MAX || panel.have.len() > KEY_BYTES_MAX) {
            return Err(format!("the key and the etag of a panel have at most {KEY_BYTES_MAX} bytes"));
        }
        Ok(batch)
    }
}

impl Batch {
    /// The same for readers of a share: no draft, nothing past what is kept, its variables and its range.
    ///
    /// # Errors
    /// What they ask for that they may not, in words.
    pub fn of_share(self, share: &Share, now: i64) -> Result<Self, String> {
        if self.draft.is_some() {
            return Err("a shared dashboard is shown as it is kept".to_owned());
        }
        let (range, _) = share.range((&self.from, &self.to), now)?;
        Ok(Self {
            from: range.from,
            to: range.to,
            vars: share.variables(&self.vars),
            // It goes into queries as a text: only the one that everybody knows comes through.
            zone: if self.zone == "utc" { self.zone } else { String::new() },
            // Annotations are as the dashboard has them.
            marks: String::new(),
            refresh: false,
            draft: None,
            panels: self.panels,
            bounded: share.open.clone(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_are_read_and_bounded() {
        let batch =
            Batch::read(br#"{"from":"now-1h","to":"now","panels":[{"key":"4","w":640.5,"h":260,"have":"x"},{"key":"5"}],"more":1}"#)
                .unwrap();
        assert_eq!((batch.from.as_str(), batch.panels.len(), batch.panels[0].have.as_str(), batch.draft), ("now-1h", 2, "x", None));
        let many = format!("{{\"panels\":[{}]}}", vec!["{\"key\":\"1\"}"; 301].join(","));
        for (body, words) in [
            ("{}", "missing field `panels`"),
            ("[", "no batch of panels"),
            (many.as_str(), "301 panels"),
            (&format!("{{\"panels\":[{{\"key\":\"{}\"}}]}}", "k".repeat(101)), "at most 100 bytes"),
            (&format!("{{\"panels\":[],\"vars\":\"{}\"}}", "k".repeat(70_000)), "\"vars\" has 70000 bytes"),
        ] {
            let error = Batch::read(body.as_bytes()).unwrap_err();
            assert!(error.contains(words), "{error}");
        }
    }

    #[test]
    fn readers_of_a_share_get_what_it_says_whatever_they_send() {
        let share = Share {
            open: vec!["job".to_owned()],
            fixed: "var-env=prod".to_owned(),
            range: ("now-6h".to_owned(), "now".to_owned()),
            ..Share::default()
        };
        let read = |body: &str| Batch::read(body.as_bytes()).unwrap().of_share(&share, 1_763_714_000_000);
        let body = r#"{"from":"now-1y","to":"now-1d","vars":"var-env=x&var-job=a","zone":"up or up","refresh":true,"bounded":[],"panels":[{"key":"4"}]}"#;
        let found = read(body).unwrap();
        assert_eq!(
            (found.from.as_str(), found.to.as_str(), found.vars.as_str(), found.zone.as_str()),
            ("now-6h", "now", "var-env=prod&var-job=a", "")
        );
        assert_eq!((found.refresh, found.bounded, found.panels.len()), (false, vec!["job".to_owned()], 1));
        assert!(read(r#"{"draft":{"title":"x"},"panels":[]}"#).is_err());
    }
}
