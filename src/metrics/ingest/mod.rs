//! Every way in which samples come in.
