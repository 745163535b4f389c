//! See `pharos::metrics::fuzzing::exposition_openmetrics`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| pharos::metrics::fuzzing::exposition_openmetrics(data));
