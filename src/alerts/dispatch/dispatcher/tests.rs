//! Played with virtual time: see below.
