//! See `pharos::metrics::fuzzing::config_yaml`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| pharos::metrics::fuzzing::config_yaml(data));
