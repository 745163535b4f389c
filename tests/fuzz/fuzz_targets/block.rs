//! See `pharos::metrics::fuzzing::block`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| pharos::metrics::fuzzing::block(data));
