//! Values of the hall: dashboards, and annotations.

mod annotation;
mod board;
mod compare;
mod diff;
mod field_config;
mod keep;
mod layout;
mod library;
mod read;
mod report;
mod restyle;
mod share;
mod tag;
mod variable;

pub use annotation::{Annotation, Change, Wanted};
pub use board::{
    AnnotationQuery, BOARD_BYTES_MAX, Board, Input, Link, Object, Panel, PanelKind, Place, SharedCursor, Source, Target, TargetFormat,
    Transformation, VARIABLES_MAX,
};
pub use compare::{DIFFERENCES_MAX, Difference, How, Part, Thing, compare};
pub use diff::{Diff, diff, patch};
#[cfg(test)]
pub use field_config::FieldConfig;
pub use field_config::{ColourMode, FieldMatcher, Fits, Look, Mapping, Override};
pub use keep::{Keep, Keeping};
pub use layout::Placed;
pub use library::{
    About, File, Folder, FolderSaving, Library, MESSAGE_BYTES_MAX, NotSaved, Saving, Search, Stored, TITLE_BYTES_MAX, UID_BYTES_MAX,
    Version, is_uid, slug,
};
#[cfg(test)]
pub use read::TRANSFORMATIONS;
pub use read::{LOGS_UID, METRICS_UID, classic, look, modern, options, with_inputs};
pub use report::{Finding, Level, Report};
pub use restyle::restyle;
pub use share::{
    ANYWHERE, FIXED_BYTES_MAX, RANGE_DAYS_MAX, SHARE_TITLE_BYTES_MAX, SHARES_MAX, SHARES_OF_BOARD_MAX, SNAPSHOT_BYTES_MAX,
    SNAPSHOTS_BYTES_MAX, Share, origins,
};
pub use tag::{Tag, tags};
pub use variable::{Refresh, Shown, Sort, Variable, VariableKind};
