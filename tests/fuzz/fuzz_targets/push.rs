//! See `pharos::metrics::fuzzing::push`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| pharos::metrics::fuzzing::push(data));
