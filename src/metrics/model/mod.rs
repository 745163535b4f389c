//! Words that the rooms of the metrics wing share: the wing's configuration sections ([`config`]), what storage and server are
//! asked ([`storage`], [`server`]), the catalogue of metrics ([`catalogue`]): what each is about ([`category`]), what is odd
//! about its name ([`naming`]) and who asks for it ([`users`]), web vitals ([`vital`]).

pub mod catalogue;
pub mod category;
pub mod config;
pub mod naming;

pub mod server;
pub mod storage;
pub mod users;
pub mod vital;
