//! See `pharos::uptime::fuzzing::check`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| pharos::uptime::fuzzing::check(data));
