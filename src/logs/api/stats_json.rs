//! What a query read and how long it took, in the shape that Grafana and logcli show.

use std::time::Duration;

use super::json_text::{put_float, put_int};

/// What is known of a query.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct QueryStats {
    /// Time at work.
    pub(super) took: Duration,
    /// Time waited for a place.
    pub(super) queued: Duration,
    /// Lines read.
    pub(super) lines: u64,
    /// Bytes of their text.
    pub(super) bytes: u64,
    /// Chunks that could hold wanted lines.
    pub(super) chunks: u64,
    /// Lines that passed all filters.
    pub(super) lines_matched: u64,
    /// Lines of the answer.
    pub(super) lines_returned: u64,
}

const CACHES: [&str; 8] =
    ["chunk", "index", "result", "statsResult", "volumeResult", "seriesResult", "labelResult", "instantMetricResult"];

/// Statistics of what was answered from the index alone.
pub(super) fn put_empty_stats(out: &mut Vec<u8>) {
    put_stats(out, &QueryStats::default());
}

/// Writes all of them; upstream's parts that do not exist here are zero.
pub(super) fn put_stats(out: &mut Vec<u8>, stats: &QueryStats) {
    let secs = stats.took.as_secs_f64();
    let per_s = |count: u64| if secs > 0.0 { (count as f64 / secs) as u64 } else { 0 };
    let mut summary = Object::open(out, "{\"summary\":{");
    summary.int("bytesProcessedPerSecond", per_s(stats.bytes));
    summary.int("linesProcessedPerSecond", per_s(stats.lines));
    summary.int("totalBytesProcessed", stats.bytes);
    summary.int("totalLinesProcessed", stats.lines);
    summary.float("execTime", secs);
    summary.float("queueTime", stats.queued.as_secs_f64());
    summary.int("subqueries", 0);
    summary.int("totalEntriesReturned", stats.lines_returned);
    summary.int("splits", 0);
    summary.int("shards", 0);
    summary.int("totalPostFilterLines", stats.lines_matched);
    summary.int("totalStructuredMetadataBytesProcessed", 0);
    out.extend_from_slice(b"},\"querier\":{\"store\":");
    put_store(out, stats.chunks, stats.bytes, stats.lines, stats.lines_matched);
    out.extend_from_slice(
        b"},\"ingester\":{\"totalReached\":0,\"totalChunksMatched\":0,\"totalBatches\":0,\"totalLinesSent\":0,\"store\":",
    );
    put_store(out, 0, 0, 0, 0);
    out.extend_from_slice(b"},\"cache\":{");
    for (at, cache) in CACHES.iter().enumerate() {
        out.extend_from_slice(if at > 0 { b",\"" } else { b"\"" });
        out.extend_from_slice(cache.as_bytes());
        out.extend_from_slice(
            b"\":{\"entriesFound\":0,\"entriesRequested\":0,\"entriesStored\":0,\"bytesReceived\":0,\"bytesSent\":0,\"requests\":0,\
              \"downloadTime\":0,\"queryLengthServed\":0}",
        );
    }
    out.extend_from_slice(b"},\"index\":{\"totalChunks\":");
    put_int(out, stats.chunks);
    out.extend_from_slice(b",\"postFilterChunks\":");
    put_int(out, stats.chunks);
    out.extend_from_slice(b",\"shardsDuration\":0,\"usedBloomFilters\":false}}");
}

fn put_store(out: &mut Vec<u8>, chunks: u64, bytes: u64, lines: u64, matched: u64) {
    let mut store = Object::open(out, "{");
    store.int("totalChunksRef", chunks);
    store.int("totalChunksDownloaded", chunks);
    store.int("chunksDownloadTime", 0);
    store.raw("queryReferencedStructuredMetadata", "false");
    out.extend_from_slice(b",\"chunk\":");
    let mut chunk = Object::open(out, "{");
    chunk.int("headChunkBytes", 0);
    chunk.int("headChunkLines", 0);
    chunk.int("decompressedBytes", bytes);
    chunk.int("decompressedLines", lines);
    chunk.int("compressedBytes", 0);
    chunk.int("totalDuplicates", 0);
    chunk.int("postFilterLines", matched);
    chunk.int("headChunkStructuredMetadataBytes", 0);
    chunk.int("decompressedStructuredMetadataBytes", 0);
    out.extend_from_slice(b"},\"chunkRefsFetchTime\":0,\"congestionControlLatency\":0,\"pipelineWrapperFilteredLines\":0}");
}

/// An object being written; whoever opened it closes it.
struct Object<'o> {
    out: &'o mut Vec<u8>,
    is_first: bool,
}

impl<'o> Object<'o> {
    fn open(out: &'o mut Vec<u8>, text: &str) -> Self {
        out.extend_from_slice(text.as_bytes());
        Self { out, is_first: true }
    }

    fn name(&mut self, name: &str) {
        if !self.is_first {
            self.out.push(b',');
        }
        self.is_first = false;
        self.out.push(b'"');
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b"\":");
    }

    fn int(&mut self, name: &str, value: u64) {
        self.name(name);
        put_int(self.out, value);
    }

    fn float(&mut self, name: &str, value: f64) {
        self.name(name);
        put_float(self.out, value);
    }

    fn raw(&mut self, name: &str, value: &str) {
        self.name(name);
        self.out.extend_from_slice(value.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statistics_are_json_with_what_clients_look_for() {
        let mut out = Vec::new();
        let stats = QueryStats { took: Duration::from_millis(500), lines: 100, bytes: 1000, lines_returned: 7, ..QueryStats::default() };
        put_stats(&mut out, &stats);
        let json: serde_json::Value = serde_json::from_slice(&out).unwrap();
        assert_eq!(json["summary"]["bytesProcessedPerSecond"], 2000);
        assert_eq!(json["summary"]["execTime"], 0.5);
        assert_eq!(json["summary"]["totalEntriesReturned"], 7);
        assert_eq!(json["querier"]["store"]["chunk"]["decompressedLines"], 100);
        assert_eq!(json["ingester"]["store"]["chunk"]["compressedBytes"], 0);
        assert_eq!(json["cache"]["instantMetricResult"]["requests"], 0);
        assert_eq!(json["index"]["usedBloomFilters"], false);
    }
}
