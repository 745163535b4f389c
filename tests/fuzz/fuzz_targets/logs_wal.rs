//! See `pharos::logs::fuzzing::logs_wal`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| pharos::logs::fuzzing::logs_wal(data));
