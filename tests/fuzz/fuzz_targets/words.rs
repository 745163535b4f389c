//! See `pharos::logs::fuzzing::words`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| pharos::logs::fuzzing::words(data));
