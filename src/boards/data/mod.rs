//! Frames and what is done with them before they are drawn: transformations, names, looks, reduced values. Pure.

mod apply;
mod cell;
mod frame;
mod mapping;
mod options;
mod pattern;
mod reduce;
mod title;
mod transform;

pub use apply::{fill_options, prepare};
pub use cell::Cell;
pub use frame::{Column, Field, Frame, FrameKind};
pub use mapping::mapped;
pub use options::Options;
pub use pattern::pattern;
pub use reduce::{keeps_unit, reduce, reducer_name};
pub use transform::joined;
