//! See `pharos::metrics::fuzzing::wal`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| pharos::metrics::fuzzing::wal(data));
