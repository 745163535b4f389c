//! What people say about their business: KPIs ([`kpi`]), letters about them ([`digest`]), and files of both ([`file`]).

pub mod digest;
pub mod file;
pub mod kpi;
