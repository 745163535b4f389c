//! Which folders of dashboards are followed: one by its path, and those that Grafana's provisioning files name.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::platform::config::text_file;

/// Largest provisioning file.
const FILE_BYTES_MAX: usize = 1024 * 1024;
/// Most providers of all files.
const PROVIDERS_MAX: usize = 100;

/// A folder of dashboards that is followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provider {
    /// Where it is.
    pub path: PathBuf,
    /// The title of the folder in which its dashboards lie; empty for none.
    pub folder: String,
    /// The uid of that folder, if it is to have one of its own; empty for one that is made up.
    pub folder_uid: String,
    /// Whether folders below it become folders of dashboards.
    pub has_folders: bool,
    /// Whether dashboards stay when their file goes.
    pub keeps_gone: bool,
}

/// A provisioning file of Grafana. What pharos does not need of it is not looked at.
#[derive(Debug, Deserialize)]
struct File {
    #[serde(rename = "apiVersion")]
    api_version: u32,
    #[serde(default)]
    providers: Vec<Given>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Given {
    #[serde(default)]
    name: String,
    #[serde(default)]
    folder: String,
    #[serde(default)]
    folder_uid: String,
    #[serde(default, rename = "type")]
    kind: String,
    #[serde(default)]
    disable_deletion: bool,
    #[serde(default)]
    options: Options,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Options {
    path: String,
    folder: String,
    folders_from_files_structure: bool,
}

/// The folders that are followed: `folder`, and those of the provisioning file or of every `*.yaml` and `*.yml` in the
/// folder `provisioning`. Empty ones count for nothing. Blocking.
///
/// # Errors
/// In words, where a file cannot be read or understood.
pub fn read(folder: &str, provisioning: &str) -> Result<Vec<Provider>, String> {
    let mut found = Vec::new();
    if !folder.is_empty() {
        let path = PathBuf::from(folder);
        if !path.is_dir() {
            return Err(format!("boards.folder: {folder} is no folder"));
        }
        found.push(Provider { path, folder: String::new(), folder_uid: String::new(), has_folders: true, keeps_gone: false });
    }
    if !provisioning.is_empty() {
        for file in yaml_files(Path::new(provisioning))? {
            found.extend(of_file(&file)?);
        }
    }
    if found.len() > PROVIDERS_MAX {
        return Err(format!("boards.provisioning: {} folders are named, at most {PROVIDERS_MAX} are allowed", found.len()));
    }
    Ok(found)
}

fn yaml_files(path: &Path) -> Result<Vec<PathBuf>, String> {
    if path.is_file() {
        return Ok(vec![path.to_owned()]);
    }
    let entries = std::fs::read_dir(path).map_err(|error| format!("boards.provisioning: {} cannot be read: {error}", path.display()))?;
    let is_yaml = |path: &PathBuf| path.extension().is_some_and(|end| end == "yaml" || end == "yml");
    let mut files: Vec<PathBuf> = entries.filter_map(Result::ok).map(|entry| entry.path()).filter(is_yaml).collect();
    files.sort();
    Ok(files)
}

fn of_file(path: &Path) -> Result<Vec<Provider>, String> {
    let wrong = |why: String| format!("boards.provisioning: {}: {why}", path.display());
    let text = text_file::read(path, FILE_BYTES_MAX).map_err(wrong)?;
    let file: File = serde_saphyr::from_str(&text).map_err(|error| wrong(error.to_string()))?;
    if file.api_version != 1 {
        return Err(wrong(format!("apiVersion is {}, only 1 is known", file.api_version)));
    }
    file.providers.into_iter().map(|given| provider(given, path).map_err(wrong)).collect()
}

fn provider(given: Given, file: &Path) -> Result<Provider, String> {
    let Given { name, folder, folder_uid, kind, disable_deletion, options } = given;
    if !matches!(kind.as_str(), "" | "file") {
        return Err(format!("provider {name:?}: the type \"{kind}\" is not known, only \"file\" is"));
    }
    let named = if options.path.is_empty() { options.folder } else { options.path };
    if named.is_empty() {
        return Err(format!("provider {name:?}: options.path is missing, the folder of its dashboards"));
    }
    // A relative path is one beside the file.
    let path = file.parent().unwrap_or(Path::new("")).join(named);
    Ok(Provider { path, folder, folder_uid, has_folders: options.folders_from_files_structure, keeps_gone: disable_deletion })
}
