//! Probes against small servers on this machine.

mod ground;
mod installed;
mod real;
mod secured;
mod services;
mod ways;
