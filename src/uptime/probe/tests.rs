//! Probes against small servers on this machine.

mod ground;
mod secured;
mod services;
mod ways;
