//! `organize`: fields are left out, ordered and renamed by their names.

use super::super::frame::Frame;
use super::super::options::Options;
use super::{all_names, rename};

/// Applies `excludeByName`, `includeByName`, `indexByName` and `renameByName` to every frame.
pub(super) fn organize(options: Options<'_>, frames: Vec<Frame>) -> Result<Vec<Frame>, String> {
    let exclude = options.child("excludeByName");
    let include = options.child("includeByName");
    let order = options.child("indexByName");
    let renamed = options.child("renameByName");
    let names = all_names(&frames);
    let organized = frames.into_iter().zip(names).map(|(mut frame, names)| {
        let mut fields: Vec<_> = names
            .into_iter()
            .zip(std::mem::take(&mut frame.fields))
            .filter(|(name, _)| !exclude.flag(name) && (include.is_empty() || include.flag(name)))
            .collect();
        // What has no place comes last, in the order in which it came.
        fields.sort_by_key(|(name, _)| order.number(name).map_or(i64::MAX, |at| at as i64));
        frame.fields = fields
            .into_iter()
            .map(|(name, mut field)| {
                if let Some(new) = renamed.text(&name).filter(|new| !new.is_empty()) {
                    rename(&mut field, new);
                }
                field
            })
            .collect();
        frame
    });
    Ok(organized.collect())
}
