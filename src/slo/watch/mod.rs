//! Objectives at work: the desk where they are kept and their rules put in force, what their recorded series say, and the
//! history of their budgets.

pub mod desk;
pub mod past;
pub mod standing;
