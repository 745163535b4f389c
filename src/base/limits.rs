//! Every cap of the appliance, named, with the reason. Settable ones are the defaults of their setting.

/// Longest PromQL text taken, in bytes. Upstream has none; generated dashboards stay far below.
pub const QUERY_BYTES_MAX: usize = 256 * 1024;
/// Deepest nesting of a PromQL expression; keeps recursion far from the stack's end.
pub const QUERY_DEPTH_MAX: usize = 256;
/// Operators between two sides in one PromQL expression; chains of them are no nesting, but each takes time and memory.
pub const QUERY_OPERATORS_MAX: usize = 5_000;
/// Samples one query may hold in memory at once (`--query.max-samples` upstream).
pub const QUERY_SAMPLES_MAX: usize = 50_000_000;
/// Points one series of a range query may have, as upstream.
pub const QUERY_POINTS_MAX: i64 = 11_000;
/// How long a query may take (`--query.timeout` upstream), in milliseconds.
pub const QUERY_TIMEOUT_MS: u64 = 120_000;
/// Queries evaluated at once; more wait in line (`--query.max-concurrency` upstream).
pub const QUERY_CONCURRENCY_MAX: usize = 20;
/// Compressed body of one write request.
pub const WRITE_BODY_BYTES_MAX: usize = 32 * 1024 * 1024;
/// The same after decompression; a bomb stops here.
pub const WRITE_DECODED_BYTES_MAX: usize = 256 * 1024 * 1024;
/// Memory for what one write request says, beside its bytes; what two bytes name can take hundreds.
pub const WRITE_MEMORY_BYTES_MAX: usize = 512 * 1024 * 1024;
/// Body of one remote read request, compressed or not; matchers are short, and what is decoded of them takes tens of times as much.
pub const READ_BODY_BYTES_MAX: usize = 2 * 1024 * 1024;
/// Queries in one remote read request; Prometheus sends one.
pub const READ_QUERIES_MAX: usize = 1000;
/// An answer to a remote read that is not streamed, before compression; it is put together in memory.
pub const READ_RESPONSE_BYTES_MAX: usize = 256 * 1024 * 1024;
/// Body of any other request.
pub const BODY_BYTES_MAX: usize = 10 * 1024 * 1024;
/// Labels of one series; upstream has no limit, the WAL and index need one.
pub const LABELS_PER_SERIES_MAX: usize = 512;
/// Bytes of one label name.
pub const LABEL_NAME_BYTES_MAX: usize = 4 * 1024;
/// Bytes of one label value.
pub const LABEL_VALUE_BYTES_MAX: usize = 64 * 1024;
/// Bytes of the whole label set of one series.
pub const LABEL_SET_BYTES_MAX: usize = 256 * 1024;
/// Size of one compiled label regular expression.
pub const REGEX_BYTES_MAX: usize = 10 * 1024 * 1024;
/// Samples in one JSON batch of custom metrics (requirement M6).
pub const CUSTOM_BATCH_MAX: usize = 25_000;
/// Body of one scrape unless `body_size_limit` says less.
pub const SCRAPE_BODY_BYTES_MAX: usize = 512 * 1024 * 1024;
/// Buckets of one native histogram, positive and negative together.
pub const HISTOGRAM_BUCKETS_MAX: usize = 100_000;
/// Exemplars kept in memory over all series, as upstream's default when the feature is on.
pub const EXEMPLARS_MAX: usize = 100_000;
/// Connections at once, where the system allows plenty of open files (`limits.connections_max`).
pub const CONNECTIONS_MAX: usize = 4096;
/// What a client must take of its answers each second, on average, before our patience ends.
pub const ANSWER_BYTES_PER_S_MIN: u64 = 1024;
/// What a client must send of a body each second, on average, before our patience ends.
pub const BODY_BYTES_PER_S_MIN: u64 = 512;
/// How long a body may fall behind that rate, in seconds.
pub const BODY_PATIENCE_S: u64 = 30;
/// How long a body may take to arrive at all, in seconds, as upstream gives requests.
pub const BODY_WITHIN_S: u64 = 300;
/// How long what is left of a body is taken from a client that was answered already, in seconds.
pub const BODY_REST_WITHIN_S: u64 = 30;
/// Headers of one request, as the HTTP library has it; a browser behind three proxies sends a third of that.
pub const HEADERS_MAX: usize = 100;
/// Addresses whose rate of requests is remembered one by one; beyond that, strangers share what is left.
pub const RATE_KEYS_MAX: usize = 50_000;
/// Streams of one HTTP/2 connection at once.
pub const STREAMS_MAX: u32 = 250;
/// Longest LogQL text taken, in bytes, as upstream.
pub const LOGQL_BYTES_MAX: usize = 128 * 1024;
/// Deepest nesting of a LogQL expression, and the longest chain of operators; keeps recursion far from the stack's end.
pub const LOGQL_DEPTH_MAX: usize = 100;
/// Stages of one LogQL pipeline; each line goes through all of them.
pub const LOGQL_STAGES_MAX: usize = 1_000;
