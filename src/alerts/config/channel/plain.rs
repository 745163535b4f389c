//! Webhooks, and Amazon SNS.

use std::collections::BTreeMap;

use super::{Channel, exactly_one, inherit_http};
use crate::alerts::config::global::Global;
use crate::alerts::config::http::HttpClient;
use crate::base::secret::Secret;
use crate::platform::config::keys::keys;
use crate::platform::config::section::Section;
use crate::platform::config::value::{FilePath, GoDuration, TemplateUrl};
use crate::platform::config::yaml::Node;

keys! {
    /// A POST of JSON.
    Webhook, "webhook_configs", check = check_webhook;
    /// Whether the end of alerts is told.
    send_resolved: bool = true,
    /// How to connect.
    http_config: Option<Box<HttpClient>>,
    /// Where to; may be a template.
    url: TemplateUrl,
    /// A file that holds it.
    url_file: FilePath,
    /// Most alerts of a message; 0 is all.
    max_alerts: u64,
    /// How long the other side may take; 0 is as long as the group's interval.
    timeout: GoDuration,
    /// Template of the body, instead of the usual one.
    payload: Option<Node>,
}

fn check_webhook(webhook: &mut Webhook, section: &mut Section<'_, '_>) {
    exactly_one(section, "url", webhook.url.0.expose(), &webhook.url_file.0);
}

impl Channel for Webhook {
    fn inherit(&mut self, global: &Global) -> Result<(), &'static str> {
        inherit_http(&mut self.http_config, global);
        Ok(())
    }
}

keys! {
    /// A message to an Amazon SNS topic, a phone or an app.
    Sns, "sns_configs", check = check_sns;
    /// Whether the end of alerts is told.
    send_resolved: bool = true,
    /// How to connect.
    http_config: Option<Box<HttpClient>>,
    /// Where to, instead of the region's usual address.
    api_url: String,
    /// Who we are at Amazon.
    sigv4: Option<Box<SigV4>>,
    /// The topic.
    topic_arn: String,
    /// The phone.
    phone_number: String,
    /// The app.
    target_arn: String,
    /// Template of the subject.
    subject: String = "{{ template \"sns.default.subject\" . }}",
    /// Template of the message.
    message: String = "{{ template \"sns.default.message\" . }}",
    /// Templates of attributes by name.
    attributes: BTreeMap<String, String>,
    /// Whether Amazon's own client settings count; read only.
    use_aws_http_client: bool => false,
}

keys! {
    /// Who we are at Amazon.
    SigV4, "sigv4", check = check_sigv4;
    /// The region.
    region: String,
    /// Name of the key.
    access_key: String,
    /// The key.
    secret_key: Secret,
    /// A profile of the machine.
    profile: String,
    /// A role to take.
    role_arn: String,
    /// What the role asks for.
    external_id: String,
    /// Whether the FIPS endpoint of the token service is used.
    use_fips_sts_endpoint: bool => false,
}

fn check_sigv4(sigv4: &mut SigV4, section: &mut Section<'_, '_>) {
    if sigv4.access_key.is_empty() != sigv4.secret_key.is_empty() {
        let message = "must provide a AWS SigV4 Access key and Secret Key if credentials are specified in the SigV4 config";
        section.report.error(section.at, message);
    }
}

fn check_sns(sns: &mut Sns, section: &mut Section<'_, '_>) {
    // Upstream asks for an odd number of them: one, or all three.
    if [&sns.target_arn, &sns.topic_arn, &sns.phone_number].iter().filter(|text| !text.is_empty()).count() % 2 == 0 {
        section.report.error(section.at, "must provide either a Target ARN, Topic ARN, or Phone Number for SNS config");
    }
}

impl Channel for Sns {
    fn inherit(&mut self, global: &Global) -> Result<(), &'static str> {
        inherit_http(&mut self.http_config, global);
        Ok(())
    }
}
