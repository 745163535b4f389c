//! Metrics and logs of OpenTelemetry, in protobuf and JSON, and StatsD. See `pharos::metrics::fuzzing::otlp`.

#![no_main]

use pharos::logs::ingest::otlp::{Options, decode};
use pharos::series::otlp::logs::ExportLogsRequest;
use pharos::series::otlp::{Encoding, read};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Some((choice, body)) = data.split_first() else { return };
    match choice % 3 {
        0 => pharos::metrics::fuzzing::otlp(body),
        1 => pharos::metrics::fuzzing::statsd(body),
        _ => logs(body),
    }
});

/// Each line has well-formed fields, or there is none.
fn logs(data: &[u8]) {
    let Some((choice, body)) = data.split_first() else { return };
    let encoding = if choice & 1 == 0 { Encoding::Protobuf } else { Encoding::Json };
    let Ok(request) = read::<ExportLogsRequest>(encoding, body, 64 << 20) else { return };
    let options = Options { next_ns: &|| 1, memory_max: 64 << 20, level_of: Some(|_| "unknown") };
    let Ok(decoded) = decode(&request, &options) else { return };
    for stream in &decoded.batch.streams {
        for line in decoded.batch.lines_of(stream) {
            pharos::series::labels::check_packed(decoded.batch.fields_of(line)).expect("packed fields are well formed");
        }
    }
}
