//! Receivers and their channels: what each did lately, and a button that sends a test. Nothing secret is shown.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::alerts::config::Receiver;
use crate::alerts::dispatch::{ChannelState, InForce};
use crate::ui::format::{self, Moment};
use crate::ui::page;
use crate::ui::shell::Shell;

/// Receivers on one page.
const PAGE_RECEIVERS: usize = 100;

/// How a test went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tested {
    /// Whose channel.
    pub receiver: String,
    /// Which, as `slack[0]`.
    pub channel: String,
    /// What the other side said, or why it was not taken.
    pub answer: Result<String, String>,
}

/// What the page is made of.
#[derive(Debug, Clone)]
pub struct ChannelsInput {
    /// The configuration in force.
    pub in_force: Arc<InForce>,
    /// How channels do, by receiver and channel.
    pub states: BTreeMap<(Arc<str>, String), ChannelState>,
    /// The test that was just sent.
    pub tested: Option<Tested>,
    /// What went wrong before it could be sent.
    pub problem: String,
    /// Whether whoever looks may send one.
    pub may_test: bool,
}

struct Channel {
    name: String,
    kind: &'static str,
    resolved: bool,
    dot: &'static str,
    words: &'static str,
    last: Option<Moment>,
    error: String,
    taken: String,
    failed: u64,
    said: Option<Result<String, String>>,
}

struct ReceiverView {
    name: String,
    labels: String,
    routes: String,
    is_used: bool,
    channels: Vec<Channel>,
}

#[derive(askama::Template)]
#[template(path = "alerts/channels.html")]
struct ChannelsPage<'a> {
    shell: &'a Shell,
    input: &'a ChannelsInput,
    text: &'a str,
    receivers: Vec<ReceiverView>,
    total: usize,
    page: usize,
    pages: usize,
    found_words: String,
}

/// Renders the page: `text` of the URL chooses. The shell refreshes by itself.
pub fn render(input: &ChannelsInput, shell: &Shell) -> String {
    let text = shell.param("text").unwrap_or("");
    let all = &input.in_force.config.receivers;
    let found: Vec<&Receiver> = all.iter().filter(|receiver| fits(receiver, text)).collect();
    let pages = found.len().div_ceil(PAGE_RECEIVERS).max(1);
    let page = shell.param("page").and_then(|page| page.parse().ok()).unwrap_or(0).min(pages - 1);
    let here = found.iter().skip(page * PAGE_RECEIVERS).take(PAGE_RECEIVERS);
    page::html(&ChannelsPage {
        receivers: here.map(|receiver| view(receiver, input, shell)).collect(),
        total: all.len(),
        found_words: shell.lang().n(found.len() as u64, "{} receiver", "{} receivers"),
        shell,
        input,
        text,
        page,
        pages,
    })
}

fn fits(receiver: &Receiver, text: &str) -> bool {
    let kinds: Vec<&str> = receiver.integrations().iter().map(|channel| channel.kind).collect();
    let whole = format!("{} {}", receiver.name, kinds.join(" ")).to_lowercase();
    text.to_lowercase().split_whitespace().all(|word| whole.contains(word))
}

fn view(receiver: &Receiver, input: &ChannelsInput, shell: &Shell) -> ReceiverView {
    let routes = input.in_force.tree.routes().iter().filter(|route| *route.receiver == *receiver.name).count();
    let labels: Vec<String> =
        receiver.labels.iter().filter(|(name, _)| *name != "name").map(|(name, value)| format!("{name}={value}")).collect();
    ReceiverView {
        name: receiver.name.clone(),
        labels: labels.join(shell.lang().comma()),
        routes: shell.lang().n(routes as u64, "{} route", "{} routes"),
        is_used: routes > 0,
        channels: receiver.integrations().into_iter().map(|one| {
            let name = format!("{}[{}]", one.kind, one.index);
            let state = input.states.get(&(Arc::from(receiver.name.as_str()), name.clone())).cloned().unwrap_or_default();
            let tested = input.tested.as_ref().filter(|tested| tested.receiver == receiver.name && tested.channel == name);
            channel(name, one.kind, one.send_resolved, state, tested, shell)
        }).collect(),
    }
}

fn channel(
    name: String,
    kind: &'static str,
    resolved: bool,
    state: ChannelState,
    tested: Option<&Tested>,
    shell: &Shell,
) -> Channel {
    use crate::ui::lang::key;
    let (dot, words) = match (&state.last_error, state.last_at) {
        (Some(_), _) => ("crit", key("failing")),
        (None, Some(_)) => ("ok", key("works")),
        (None, None) => ("", key("not used yet")),
    };
    Channel {
        name,
        kind,
        resolved,
        dot,
        words,
        last: state.last_at.map(|at| shell.moment(at)),
        error: state.last_error.unwrap_or_default(),
        taken: format::count(state.counts.0),
        failed: state.counts.1,
        said: tested.map(|tested| tested.answer.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alerts::pages::sample::{self, HOSTILE};
    use crate::ui::links;
    use crate::ui::nav::Page;
    use crate::ui::shell::tests::shell;

    fn input() -> ChannelsInput {
        let key = (Arc::from("pager"), "webhook[0]".to_owned());
        let state = ChannelState { last_at: Some(1_763_713_000_000), last_error: Some("HTTP 503".into()), counts: (3, 2) };
        ChannelsInput {
            in_force: sample::in_force(),
            states: [(key, state)].into(),
            tested: None,
            problem: String::new(),
            may_test: true,
        }
    }

    fn html(input: &ChannelsInput, query: &str) -> String {
        render(input, &shell(Page::Alerts, "Channels", links::ALERTS_CHANNELS, query).with_refresh("30s"))
    }

    #[test]
    fn channels_say_how_they_do_and_nothing_secret() {
        let text = html(&input(), "");
        sample::check(&text);
        for part in ["pager", "webhook[0]", "HTTP 503", "failing", "not used yet", links::ALERTS_CHANNEL_TEST] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(!text.contains("s3cret"), "addresses of webhooks are secrets");
        assert!(!html(&ChannelsInput { may_test: false, ..input() }, "").contains(links::ALERTS_CHANNEL_TEST));
        assert!(html(&input(), "text=nowhere").contains("No receiver matches"));
    }

    #[test]
    fn the_answer_of_a_test_stands_at_its_channel() {
        let tested = |answer| Some(Tested { receiver: "pager".into(), channel: "webhook[0]".into(), answer });
        assert!(html(&ChannelsInput { tested: tested(Ok("200 ok".into())), ..input() }, "").contains("200 ok"));
        let failed = html(&ChannelsInput { tested: tested(Err(HOSTILE.into())), problem: HOSTILE.into(), ..input() }, "");
        sample::check(&failed);
        assert!(failed.contains("was not taken"), "{failed}");
    }
}
