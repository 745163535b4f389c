//! Own time-series storage.
