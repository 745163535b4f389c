//! Jira: one ticket for a group, found again by a label, reopened and closed by transitions. Source: Jira's REST reference.

use std::collections::BTreeMap;
use std::time::Duration;

use ::http::Method;
use ::http::header::{ACCEPT_LANGUAGE, CONTENT_TYPE};
use serde_json::{Value as Json, json};

use super::http::{Answer, Outgoing};
use super::opening::{Base, Opening};
use super::secret::Mask;
use super::tree::{Reading, Tree};
use super::{Receipt, Refusal, channel, key_hash, truncate};
use crate::alerts::config::channel::pager;
use crate::alerts::model::message::Message;
use crate::alerts::template::message::{MessageData, Text};
use crate::base::quote::quote;
use crate::platform::config::value::HttpUrl;

/// Jira's limits, in characters.
const SUMMARY_CHARS_MAX: usize = 255;
const DESCRIPTION_CHARS_MAX: usize = 32_767;

/// Jira.
pub(super) struct Jira {
    base: Base,
    url: String,
    /// Whether tickets are looked for as Jira's cloud wants it.
    is_cloud: bool,
    /// Whether descriptions are documents in JSON.
    is_v3: bool,
    project: Text,
    summary: Text,
    updates_summary: bool,
    description: Text,
    updates_description: bool,
    labels: Vec<Text>,
    priority: Text,
    issue_type: Text,
    reopen_transition: String,
    resolve_transition: String,
    wont_fix_resolution: String,
    reopen_within: Duration,
    fields: Vec<(String, Tree)>,
}

/// A ticket that is there.
struct Found {
    key: String,
    is_done: bool,
    has_status: bool,
}

impl Jira {
    /// Reads its texts.
    pub fn open(config: &pager::Jira, opening: &mut Opening<'_>) -> Option<Self> {
        let base = opening.base(config.http_config.as_deref(), Default::default())?;
        let api_url = config.api_url.as_ref().map(HttpUrl::expose)?;
        let host = url::Url::parse(api_url).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default();
        let url = api_url.trim_end_matches('/').to_owned();
        let fields = config.fields.iter().map(|(name, node)| (name.clone(), opening.tree(&format!("fields.{name}"), node)));
        let fields = fields.collect();
        Some(Self {
            base,
            is_cloud: config.api_type == "cloud" || (config.api_type == "auto" && host.ends_with("atlassian.net")),
            is_v3: url.ends_with("/3"),
            url,
            project: opening.text("project", &config.project),
            summary: opening.text("summary", &config.summary.template),
            updates_summary: config.summary.enable_update.unwrap_or(true),
            description: opening.text("description", &config.description.template),
            updates_description: config.description.enable_update.unwrap_or(true),
            labels: config.labels.iter().map(|label| opening.text("labels", label)).collect(),
            priority: opening.text("priority", &config.priority),
            issue_type: opening.text("issue_type", &config.issue_type),
            reopen_transition: config.reopen_transition.clone(),
            resolve_transition: config.resolve_transition.clone(),
            wont_fix_resolution: config.wont_fix_resolution.clone(),
            reopen_within: Duration::from_millis(u64::try_from(config.reopen_duration.ms()).unwrap_or(0)),
            fields,
        })
    }

    /// The search for the group's ticket.
    fn search(&self, data: &MessageData, label: &str) -> Result<String, String> {
        let mut jql = String::new();
        if !self.wont_fix_resolution.is_empty() {
            jql.push_str(&format!("(resolution is EMPTY or resolution != {}) and ", quote(&self.wont_fix_resolution)));
        }
        let minutes = self.reopen_within.as_secs() / 60;
        if data.fires() && !self.reopen_transition.is_empty() && minutes > 0 {
            jql.push_str(&format!("(resolutiondate is EMPTY OR resolutiondate >= -{minutes}m) and "));
        } else {
            jql.push_str("statusCategory != Done and ");
        }
        let project = self.project.make(data)?;
        jql.push_str(&format!("project={} and labels={} order by status ASC,resolutiondate DESC", quote(&project), quote(label)));
        Ok(jql)
    }

    async fn find(&self, data: &MessageData, label: &str) -> Result<Option<Found>, Refusal> {
        let body = json!({"fields": ["status"], "jql": self.search(data, label)?, "maxResults": 2});
        let url = if self.is_cloud {
            format!("{}/search/jql", self.url).replacen("/rest/api/2/", "/rest/api/3/", 1)
        } else {
            format!("{}/search", self.url)
        };
        let answer = self.ask(Outgoing::json(&url, &body)).await.map_err(|refusal| refusal.during("failed to look up existing issues"))?;
        let json = read(&answer, "search")?;
        let Some(issue) = json.pointer("/issues/0") else { return Ok(None) };
        let Some(key) = issue.get("key").and_then(Json::as_str).filter(|key| is_key(key)) else { return Ok(None) };
        let category = issue.pointer("/fields/status/statusCategory/key").and_then(Json::as_str);
        Ok(Some(Found { key: key.to_owned(), is_done: category == Some("done"), has_status: category.is_some() }))
    }

    /// The fields of the ticket; those that are not to be changed are left out of one that is there.
    fn fields(&self, data: &MessageData, label: String, is_new: bool) -> Result<BTreeMap<String, Json>, String> {
        let mut fields = BTreeMap::new();
        fields.insert("project".to_owned(), json!({"key": self.project.make(data)?}));
        fields.insert("issuetype".to_owned(), json!({"name": self.issue_type.make(data)?}));
        let mut labels = self.labels.iter().map(|text| text.make(data)).collect::<Result<Vec<_>, _>>()?;
        labels.push(label);
        labels.sort_unstable();
        fields.insert("labels".to_owned(), labels.into());
        let priority = self.priority.make(data)?;
        if !priority.is_empty() {
            fields.insert("priority".to_owned(), json!({"name": priority}));
        }
        if is_new || self.updates_summary {
            fields.insert("summary".to_owned(), truncate::to_chars(self.summary.make(data)?, SUMMARY_CHARS_MAX).into());
        }
        let description = truncate::to_chars(self.description.make(data)?, DESCRIPTION_CHARS_MAX);
        if (is_new || self.updates_description) && !description.trim().is_empty() {
            let description = if self.is_v3 {
                serde_json::from_str(&description).map_err(|_| "description template: invalid JSON for API v3".to_owned())?
            } else {
                Json::String(description)
            };
            fields.insert("description".to_owned(), description);
        }
        for (name, tree) in &self.fields {
            fields.insert(name.clone(), tree.make(data, Reading::Yaml).map_err(|error| format!("fields template: {error}"))?);
        }
        Ok(fields)
    }

    async fn send(&self, message: &Message) -> Result<Receipt, Refusal> {
        let data = self.base.data(message)?;
        let label = format!("ALERT{{{}}}", key_hash(message));
        let found = self.find(&data, &label).await?;
        if found.is_none() && !data.fires() {
            return Ok(Receipt { answer: "there is no open issue to resolve".to_owned() });
        }
        let fields = BTreeMap::from([("fields", self.fields(&data, label, found.is_none())?)]);
        let (method, path) = match &found {
            Some(found) => (Method::PUT, format!("issue/{}", found.key)),
            None => (Method::POST, "issue".to_owned()),
        };
        let url = format!("{}/{path}", self.url);
        let failed = format!("failed to {method} request to {path:?}");
        let answer = self.ask(Outgoing::new(method, &url).with_json(&fields)).await.map_err(|refusal| refusal.during(&failed))?;
        if let Some(found) = found {
            self.move_on(&found, data.fires()).await?;
        }
        Ok(answer.receipt())
    }

    /// Reopens what is done, or closes what is not.
    async fn move_on(&self, found: &Found, fires: bool) -> Result<(), Refusal> {
        let name = if fires { &self.reopen_transition } else { &self.resolve_transition };
        if name.is_empty() || !found.has_status || found.is_done != fires {
            return Ok(());
        }
        let url = format!("{}/issue/{}/transitions", self.url, found.key);
        let outgoing = Outgoing::new(Method::GET, &url).header(CONTENT_TYPE, "application/json");
        let json = read(&self.ask(outgoing).await?, "transitions")?;
        let all = json.get("transitions").and_then(Json::as_array).map_or(&[][..], Vec::as_slice);
        let id = all.iter().find(|one| one.get("name").and_then(Json::as_str) == Some(name)).and_then(|one| one.get("id")?.as_str());
        let id = id.ok_or_else(|| Refusal::for_good(format!("can't find transition {name} for issue {}", found.key)))?;
        self.ask(Outgoing::json(&url, &json!({"transition": {"id": id}}))).await.map(|_| ())
    }

    async fn ask(&self, outgoing: Outgoing<'_>) -> Result<Answer, Refusal> {
        self.base.http.send(outgoing.header(ACCEPT_LANGUAGE, "en"), &Mask::default()).await?.check()
    }
}

/// Keys become parts of addresses.
fn is_key(key: &str) -> bool {
    !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

fn read(answer: &Answer, what: &str) -> Result<Json, Refusal> {
    serde_json::from_str(&answer.body).map_err(|error| Refusal::for_good(format!("the answer about {what} is no JSON: {error}")))
}

channel!(Jira);
