//! See `pharos::logs::fuzzing::logs_part`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| pharos::logs::fuzzing::logs_part(data));
