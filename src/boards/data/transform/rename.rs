//! `renameByRegex`: new names for fields by a regular expression.

use super::super::frame::Frame;
use super::super::options::Options;
use super::super::pattern::{pattern, replacement};
use super::{all_names, rename};

/// Renames every field whose name fits.
pub(super) fn by_regex(options: Options<'_>, mut frames: Vec<Frame>) -> Result<Vec<Frame>, String> {
    let wanted = options.word("regex");
    if wanted.is_empty() {
        return Ok(frames);
    }
    let regex = pattern(wanted)?;
    let new = replacement(options.word("renamePattern"));
    let is_global = wanted.starts_with('/') && wanted.rsplit('/').next().is_some_and(|flags| flags.contains('g'));
    let names = all_names(&frames);
    for (frame, names) in frames.iter_mut().zip(&names) {
        for (field, name) in frame.fields.iter_mut().zip(names).filter(|(_, name)| regex.is_match(name)) {
            let renamed = if is_global { regex.replace_all(name, new.as_str()) } else { regex.replace(name, new.as_str()) };
            rename(field, &renamed);
        }
    }
    Ok(frames)
}
