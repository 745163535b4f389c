//! How metrics of OpenTelemetry become series: `otlp` of the configuration, and what else decides.

use hashbrown::HashSet;

use crate::metrics::model::config::{OtlpConfig, OtlpTranslation};
use crate::series::otlp::names::LabelRules;

/// Settings of the translation.
#[derive(Debug, Clone)]
pub struct Settings {
    pub(super) strategy: OtlpTranslation,
    pub(super) label_rules: LabelRules,
    /// Resource attributes that are promoted; or, if all are, those that are not.
    named: HashSet<String>,
    promotes_all: bool,
    pub(super) keeps_identifying: bool,
    pub(super) to_nhcb: bool,
    pub(super) promotes_scope: bool,
    /// Whether labels say type and unit (`type-and-unit-labels`).
    pub(super) labels_type_and_unit: bool,
    /// How far queries look back (ms): `target_info` comes twice as often.
    pub(super) lookback_ms: i64,
}

impl Settings {
    /// As configured.
    pub fn new(config: &OtlpConfig, labels_type_and_unit: bool, lookback_ms: i64) -> Self {
        let named =
            if config.promote_all_resource_attributes { &config.ignore_resource_attributes } else { &config.promote_resource_attributes };
        Self {
            strategy: config.translation_strategy,
            label_rules: LabelRules {
                guards_underscore: config.label_name_underscore_sanitization,
                keeps_runs: config.label_name_preserve_multiple_underscores,
            },
            named: named.iter().cloned().collect(),
            promotes_all: config.promote_all_resource_attributes,
            keeps_identifying: config.keep_identifying_resource_attributes,
            to_nhcb: config.convert_histograms_to_nhcb,
            promotes_scope: config.promote_scope_metadata,
            labels_type_and_unit,
            lookback_ms,
        }
    }

    /// Whether a resource attribute becomes a label of every series.
    pub(super) fn promotes(&self, attribute: &str) -> bool {
        self.named.contains(attribute) != self.promotes_all
    }

    /// Whether names are made of letters, digits and underscores.
    pub(super) const fn escapes(&self) -> bool {
        matches!(self.strategy, OtlpTranslation::UnderscoreEscapingWithSuffixes | OtlpTranslation::UnderscoreEscapingWithoutSuffixes)
    }
}
