//! Targets written in the configuration itself.

use super::TargetGroup;
use super::group::address_only;
use crate::metrics::model::config::StaticConfig;
use crate::series::labels::Labels;

/// The groups of `static_configs`; each is its own source.
pub fn groups(configs: &[StaticConfig]) -> Vec<TargetGroup> {
    let group = |(index, config): (usize, &StaticConfig)| TargetGroup {
        source: index.to_string(),
        targets: config.targets.iter().map(|address| address_only(address)).collect(),
        labels: Labels::from_pairs(&config.labels),
    };
    configs.iter().enumerate().map(group).collect()
}
