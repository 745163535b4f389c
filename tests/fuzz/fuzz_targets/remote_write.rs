//! See `pharos::metrics::fuzzing::remote_write`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| pharos::metrics::fuzzing::remote_write(data));
