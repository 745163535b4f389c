//! See `pharos::logs::fuzzing::logs_push`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| pharos::logs::fuzzing::logs_push(data));
