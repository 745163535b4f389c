//! The `pharos` command.

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[expect(unsafe_code, reason = "the allocator has no safe name for this")]
unsafe extern "C" {
    fn mi_collect(force: bool);
}

/// Gives memory that was freed back to the system.
#[expect(unsafe_code, reason = "the allocator has no safe name for this")]
fn release() {
    // SAFETY: the allocator's own function; it may be called from any thread at any time.
    unsafe { mi_collect(true) }
}

fn main() -> std::process::ExitCode {
    pharos::app::run(release)
}
