//! The `pharos` command.

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[expect(unsafe_code, reason = "the allocator has no safe name for this")]
unsafe extern "C" {
    fn mi_collect(force: bool);
    fn mi_option_get(option: std::ffi::c_int) -> std::ffi::c_long;
    fn mi_option_set(option: std::ffi::c_int, value: std::ffi::c_long);
}

/// The allocator's option that says for how long memory that was freed is kept, in milliseconds, and its default.
const PURGE_DELAY: (std::ffi::c_int, std::ffi::c_long) = (15, 1000);
/// It is given back at once: a server that takes 80 MiB a second frees as much, and would keep all that, which a budget of
/// memory counts as used. Backfills take a third less memory by it, and some hundredths more processor time; ten milliseconds
/// cost as much, and keep more.
const PURGE_DELAY_MS: std::ffi::c_long = 1;

/// Has the allocator give memory back soon, unless it was told something else in its environment.
#[expect(unsafe_code, reason = "the allocator has no safe name for this")]
fn free_soon() {
    // SAFETY: the allocator's own functions, with an option that it has; they may be called from any thread at any time.
    unsafe {
        if mi_option_get(PURGE_DELAY.0) == PURGE_DELAY.1 {
            mi_option_set(PURGE_DELAY.0, PURGE_DELAY_MS);
        }
    }
}

/// Gives memory that was freed back to the system.
#[expect(unsafe_code, reason = "the allocator has no safe name for this")]
fn release() {
    // SAFETY: the allocator's own function; it may be called from any thread at any time.
    unsafe { mi_collect(true) }
}

fn main() -> std::process::ExitCode {
    free_soon();
    pharos::app::run(release)
}
