//! What the rooms of logs say to each other: batches of lines on their way in, chunks of lines on their way out, and what
//! every wanted line must contain; and how severe a line is, for whoever asks.
//!
//! A *stream* is a label set; a *line* is a text at a time (nanoseconds since the Unix epoch) of one stream, with fields
//! of its own (*structured metadata*) if it was sent with some. A *part* is an immutable folder of lines of one day.

pub mod batch;
pub mod deletions;
pub mod level;
pub mod needs;
pub mod read;
pub mod write;
