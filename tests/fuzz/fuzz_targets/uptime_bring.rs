//! See `pharos::uptime::fuzzing::bring`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| pharos::uptime::fuzzing::bring(data));
