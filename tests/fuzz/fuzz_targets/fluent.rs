//! See `pharos::logs::fuzzing::fluent`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| pharos::logs::fuzzing::fluent(data));
