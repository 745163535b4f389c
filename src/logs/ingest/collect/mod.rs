//! Own collectors of lines: files, containers, journals, as a file of Promtail's shape asks for.

pub(crate) mod files;
