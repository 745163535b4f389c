//! See `pharos::logs::fuzzing::syslog`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| pharos::logs::fuzzing::syslog(data));
