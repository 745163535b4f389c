//! Modules as upstream judges them.
