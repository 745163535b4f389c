//! Months in figures: how available everything was, as rows, as CSV and as PDF.
