//! Probes against small servers on this machine.
