//! See `pharos::logs::fuzzing::promtail`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| pharos::logs::fuzzing::promtail(data));
