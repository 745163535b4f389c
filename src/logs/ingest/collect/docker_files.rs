//! What Docker's own files say about a container, beside the file of its log.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use serde::Deserialize;

use crate::series::labels::LabelsBuilder;

/// Most bytes of such a file that are read.
const BYTES_MAX: u64 = 4 << 20;

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Container {
    name: String,
    config: Inner,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Inner {
    image: String,
    labels: Option<BTreeMap<String, String>>,
}

/// Sets the labels of the container whose log is at `log`: container, image, compose_project, compose_service.
pub(super) fn label(log: &Path, labels: &mut LabelsBuilder) {
    let Some(folder) = log.parent() else { return };
    let mut text = Vec::new();
    let read = std::fs::File::open(folder.join("config.v2.json")).and_then(|file| file.take(BYTES_MAX).read_to_end(&mut text));
    let container: Container = match read {
        Ok(_) => serde_json::from_slice(&text).unwrap_or_default(),
        Err(_) => Container::default(),
    };
    let id = folder.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let name = container.name.trim_start_matches('/');
    // Without its file a container is known by the beginning of its id, as Docker shows it.
    labels.set("container", if name.is_empty() { id.get(..12).unwrap_or(id) } else { name });
    labels.set("image", &container.config.image);
    let own = container.config.labels.unwrap_or_default();
    compose(&own, labels);
}

/// Labels that Compose gives its containers.
pub(super) fn compose(own: &BTreeMap<String, String>, labels: &mut LabelsBuilder) {
    for (label, key) in [("compose_project", "com.docker.compose.project"), ("compose_service", "com.docker.compose.service")] {
        labels.set(label, own.get(key).map_or("", String::as_str));
    }
}

#[cfg(test)]
mod tests {
    use super::{label as label_of, *};

    #[test]
    fn containers_are_named() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("0123456789abcdef");
        std::fs::create_dir(&folder).unwrap();
        let label = || {
            let mut labels = LabelsBuilder::new();
            label_of(&folder.join("0123456789abcdef-json.log"), &mut labels);
            labels.build().to_string()
        };
        assert_eq!(label(), "{container=\"0123456789ab\"}");
        let json = r#"{"Name":"/web_1","Config":{"Image":"nginx:1","Labels":{"com.docker.compose.project":"shop","com.docker.compose.service":"web"}}}"#;
        std::fs::write(folder.join("config.v2.json"), json).unwrap();
        assert_eq!(label(), "{compose_project=\"shop\", compose_service=\"web\", container=\"web_1\", image=\"nginx:1\"}");
        std::fs::write(folder.join("config.v2.json"), "{}").unwrap();
        assert_eq!(label(), "{container=\"0123456789ab\"}");
    }
}
