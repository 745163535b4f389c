//! See `pharos::metrics::fuzzing::promql`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| pharos::metrics::fuzzing::promql(data));
