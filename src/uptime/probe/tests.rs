//! Probes against small servers on this machine.

mod ground;
mod real;
mod secured;
mod services;
mod ways;
