//! See `pharos::logs::fuzzing::logql_eval`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| pharos::logs::fuzzing::logql_eval(data));
