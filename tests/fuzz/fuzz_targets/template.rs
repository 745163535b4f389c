//! See `pharos::logs::fuzzing::template`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| pharos::logs::fuzzing::template(data));
