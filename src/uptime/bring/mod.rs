//! Checks of other programs, read into ours: Uptime Kuma, Uptime Robot, Gatus.
