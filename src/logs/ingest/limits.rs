//! What lines may be. Names and defaults are near those of Loki's `limits_config`.

/// Longest request after unpacking, as Loki takes it.
pub const REQUEST_BYTES_MAX: usize = 100 << 20;
/// Memory for what one request says, beside its bytes: what a few bytes say can take hundreds.
pub const REQUEST_MEMORY_MAX: usize = 128 << 20;
/// Bytes of label sets that are remembered in each of two generations.
pub const REMEMBERED_BYTES_MAX: usize = 16 << 20;

/// Limits of lines, labels and fields. Zero means no limit, but for those of requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineLimits {
    /// Labels of one stream; `service_name` that was added by the server does not count.
    pub label_names_max: usize,
    /// Bytes of a label's name.
    pub label_name_bytes_max: usize,
    /// Bytes of a label's value.
    pub label_value_bytes_max: usize,
    /// Bytes of a line's text.
    pub line_bytes_max: usize,
    /// Whether longer lines are cut instead of refused.
    pub truncates: bool,
    /// Whether lines may have fields of their own.
    pub takes_fields: bool,
    /// Fields of one line.
    pub fields_max: usize,
    /// Bytes of all fields of one line, names and values.
    pub field_bytes_max: usize,
    /// Labels that name the service, the best first; none means that `service_name` is not added.
    pub service_labels: Vec<String>,
    /// Whether the level of each line is found and kept as the field `detected_level`.
    pub finds_levels: bool,
    /// Bytes of one request after unpacking.
    pub request_bytes_max: usize,
    /// Bytes of memory that what one request says may take.
    pub request_memory_max: usize,
    /// Bytes of label sets that are remembered in each of two generations.
    pub remembered_bytes_max: usize,
    /// Bytes of text a second, all doors together.
    pub bytes_per_s: u64,
    /// Bytes of text that may come at once on top of that rate.
    pub burst_bytes: u64,
}

/// Labels that name a service, as Loki looks for them.
pub const SERVICE_LABELS: &str = "service,app,application,app_name,name,app_kubernetes_io_name,container,container_name,k8s_container_name,\
                                  component,workload,job,k8s_job_name";

impl Default for LineLimits {
    fn default() -> Self {
        Self {
            label_names_max: 30,
            label_name_bytes_max: 1024,
            label_value_bytes_max: 2048,
            line_bytes_max: 256 * 1024,
            truncates: false,
            takes_fields: true,
            fields_max: 128,
            field_bytes_max: 64 * 1024,
            service_labels: SERVICE_LABELS.split(',').map(str::to_owned).collect(),
            finds_levels: true,
            request_bytes_max: REQUEST_BYTES_MAX,
            request_memory_max: REQUEST_MEMORY_MAX,
            remembered_bytes_max: REMEMBERED_BYTES_MAX,
            bytes_per_s: 0,
            burst_bytes: 0,
        }
    }
}

/// `value`, or the largest number where zero stands for no limit.
pub(super) const fn or_none(value: usize) -> usize {
    if value == 0 { usize::MAX } else { value }
}
