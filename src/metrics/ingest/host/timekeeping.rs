//! Collectors `time` (the clock) and `timex` (how it is kept right).

use super::files::{entries, word};
use super::{CollectError, Collected, Host, Outcome};
use crate::platform::telemetry::metrics::Page;

pub(super) fn time(host: &Host, page: &mut Page) -> Collected {
    page.gauge("node_time_seconds", "The machine's clock, in seconds since 1970.", host.clock.now_ms() as f64 / 1e3);
    let (zone, offset_s) = local_zone(host.clock.now_ms() / 1000)?;
    page.family("node_time_zone_offset_seconds", "gauge", "Distance of the local time zone from UTC.");
    page.sample("node_time_zone_offset_seconds", &[("time_zone", &zone)], offset_s as f64);
    let sources: Vec<(String, Vec<String>, String)> = entries(&host.settings.roots.sys.join("devices/system/clocksource"))
        .into_iter()
        .filter_map(|(name, path)| {
            let device = name.strip_prefix("clocksource")?.to_owned();
            let available = word(&path.join("available_clocksource"))?.split_ascii_whitespace().map(str::to_owned).collect();
            Some((device, available, word(&path.join("current_clocksource"))?))
        })
        .collect();
    page.family("node_time_clocksource_available_info", "gauge", "Clock sources at hand.");
    for (device, available, _) in &sources {
        for source in available {
            page.sample("node_time_clocksource_available_info", &[("clocksource", source), ("device", device)], 1.0);
        }
    }
    page.family("node_time_clocksource_current_info", "gauge", "The clock source in use.");
    for (device, _, current) in &sources {
        page.sample("node_time_clocksource_current_info", &[("clocksource", current), ("device", device)], 1.0);
    }
    Ok(Outcome::Written)
}

/// Name and offset (s east of UTC) of the local time zone.
fn local_zone(now_s: i64) -> Result<(String, i64), CollectError> {
    #[expect(unsafe_code, reason = "the C library is the only one that knows the local time zone; both pointers are to live locals")]
    // SAFETY: `localtime_r` writes into `broken_down`, whose `tm_zone` then points to static memory of the C library.
    unsafe {
        let mut broken_down: libc::tm = std::mem::zeroed();
        if libc::localtime_r(&now_s, &mut broken_down).is_null() || broken_down.tm_zone.is_null() {
            return Err(CollectError::Call { call: "localtime_r", source: std::io::Error::last_os_error() });
        }
        let zone = std::ffi::CStr::from_ptr(broken_down.tm_zone).to_string_lossy().into_owned();
        Ok((zone, broken_down.tm_gmtoff))
    }
}

pub(super) fn timex(_host: &Host, page: &mut Page) -> Collected {
    /// The clock is not synchronised.
    const TIME_ERROR: i32 = 5;
    /// Bit of `status`: fractions count nanoseconds instead of microseconds.
    const STA_NANO: i32 = 0x2000;
    #[expect(unsafe_code, reason = "adjtimex has no safe wrapper; with no mode bits set it only reads into the live local")]
    // SAFETY: all fields of `timex` are plain integers, and `modes` 0 asks for reading only.
    let (state, kept) = unsafe {
        let mut kept: libc::timex = std::mem::zeroed();
        (libc::adjtimex(&mut kept), kept)
    };
    if state < 0 {
        return Err(CollectError::Call { call: "adjtimex", source: std::io::Error::last_os_error() });
    }
    let divisor = if kept.status & STA_NANO != 0 { 1e9 } else { 1e6 };
    // Parts per million with a 16-bit fraction.
    let ppm16 = 1e6 * 65536.0;
    let rows: [(&str, &str, f64, &str); 17] = [
        ("sync_status", "gauge", f64::from(u8::from(state != TIME_ERROR)), "Whether the clock is synchronised to a reliable server."),
        ("offset_seconds", "gauge", kept.offset as f64 / divisor, "Distance to the reference clock."),
        ("frequency_adjustment_ratio", "gauge", 1.0 + kept.freq as f64 / ppm16, "Factor by which the clock is made to run."),
        ("maxerror_seconds", "gauge", kept.maxerror as f64 / 1e6, "Largest error."),
        ("estimated_error_seconds", "gauge", kept.esterror as f64 / 1e6, "Estimated error."),
        ("status", "gauge", f64::from(kept.status), "Status bits."),
        ("loop_time_constant", "gauge", kept.constant as f64, "Time constant of the control loop."),
        ("tick_seconds", "gauge", kept.tick as f64 / 1e6, "Time between ticks."),
        ("pps_frequency_hertz", "gauge", kept.ppsfreq as f64 / ppm16, "Pulse per second: frequency."),
        ("pps_jitter_seconds", "gauge", kept.jitter as f64 / divisor, "Pulse per second: jitter."),
        ("pps_shift_seconds", "gauge", f64::from(kept.shift), "Pulse per second: interval."),
        ("pps_stability_hertz", "gauge", kept.stabil as f64 / ppm16, "Pulse per second: stability."),
        ("pps_jitter_total", "counter", kept.jitcnt as f64, "Pulse per second: times over the jitter limit."),
        ("pps_calibration_total", "counter", kept.calcnt as f64, "Pulse per second: calibrations."),
        ("pps_error_total", "counter", kept.errcnt as f64, "Pulse per second: calibration errors."),
        ("pps_stability_exceeded_total", "counter", kept.stbcnt as f64, "Pulse per second: times over the stability limit."),
        ("tai_offset_seconds", "gauge", f64::from(kept.tai), "Distance of atomic time from UTC."),
    ];
    for (name, kind, value, help) in rows {
        let metric = format!("node_timex_{name}");
        page.family(&metric, kind, help);
        page.sample(&metric, &[], value);
    }
    Ok(Outcome::Written)
}
