//! See `pharos::metrics::fuzzing::exposition_protobuf`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| pharos::metrics::fuzzing::exposition_protobuf(data));
