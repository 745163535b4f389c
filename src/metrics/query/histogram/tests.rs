//! Tests of histogram arithmetic.
