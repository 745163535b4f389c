//! The administrator of an unattended start: named by variables, so that containers need nobody to type a code.

use std::io::Read;

use anyhow::{Context, bail};

use crate::access::{Access, Origin};
use crate::base::secret::Secret;
use crate::platform::config::diagnostic::Diagnostic;

const NAME: &str = "PHAROS_ADMIN_NAME";
const PASSWORD: &str = "PHAROS_ADMIN_PASSWORD";
const PASSWORD_FILE: &str = "PHAROS_ADMIN_PASSWORD_FILE";
/// The name where none is given.
const DEFAULT_NAME: &str = "admin";
/// A larger file is no password.
const FILE_BYTES_MAX: u64 = 4096;

/// Makes the administrator that the variables name, unless there is one already; without a password there is nothing to
/// do. Changing the password later is done by people, not by variables.
pub(super) async fn ensure(access: &Access, env: &dyn Fn(&str) -> Option<String>) -> anyhow::Result<()> {
    let Some(password) = password(env).context(PASSWORD_FILE)? else { return Ok(()) };
    let name = env(NAME).filter(|name| !name.is_empty()).unwrap_or_else(|| DEFAULT_NAME.to_owned());
    let made = access.ensure_admin("the environment", &name, password, &Origin::this_machine("start")).await;
    if made.with_context(|| format!("the administrator that {NAME} and {PASSWORD} ask for cannot be made"))? {
        tracing::info!(name, "the administrator was made as the environment asks");
    }
    Ok(())
}

/// Why the variables cannot be followed, before a server is started with them.
pub(super) fn check(env: &dyn Fn(&str) -> Option<String>) -> Option<Diagnostic> {
    let error = password(env).err()?;
    Some(Diagnostic { file: PASSWORD_FILE.into(), line: 0, column: 0, message: format!("{error:#}") })
}

fn password(env: &dyn Fn(&str) -> Option<String>) -> anyhow::Result<Option<Secret>> {
    let set = |name: &str| env(name).filter(|value| !value.is_empty());
    match (set(PASSWORD), set(PASSWORD_FILE)) {
        (Some(_), Some(_)) => bail!("set {PASSWORD} or {PASSWORD_FILE}, not both"),
        (Some(password), None) => Ok(Some(Secret::new(password))),
        (None, Some(path)) => {
            let mut text = String::new();
            let read = std::fs::File::open(&path).and_then(|file| file.take(FILE_BYTES_MAX).read_to_string(&mut text));
            read.with_context(|| format!("cannot read {path}"))?;
            // Editors end files with a line feed, which is no part of the password.
            Ok(Some(Secret::new(text.trim_end_matches(['\r', '\n']))))
        }
        (None, None) => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_password_comes_from_a_variable_or_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("password");
        std::fs::write(&file, "correct horse battery\r\n").unwrap();
        let path = file.to_str().unwrap().to_owned();
        let missing = folder.path().join("missing").to_str().unwrap().to_owned();
        let read = |variables: &[(&str, &str)]| {
            let all: Vec<(String, String)> = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            password(&move |name| all.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone()))
        };
        let plain = |variables: &[(&str, &str)]| read(variables).unwrap().map(|secret| secret.expose().to_owned());
        assert_eq!(plain(&[]), None);
        assert_eq!(plain(&[(PASSWORD, ""), (PASSWORD_FILE, "")]), None, "compose files set empty ones");
        assert_eq!(plain(&[(PASSWORD, " with blanks ")]).as_deref(), Some(" with blanks "));
        assert_eq!(plain(&[(PASSWORD_FILE, &path)]).as_deref(), Some("correct horse battery"));
        assert!(read(&[(PASSWORD_FILE, &missing)]).unwrap_err().to_string().contains("missing"));
        assert!(read(&[(PASSWORD, "x"), (PASSWORD_FILE, &path)]).unwrap_err().to_string().contains("not both"));
    }
}
