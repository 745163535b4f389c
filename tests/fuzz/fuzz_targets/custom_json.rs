//! See `pharos::metrics::fuzzing::custom_json`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| pharos::metrics::fuzzing::custom_json(data));
