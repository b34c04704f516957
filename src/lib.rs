pub mod source;
pub mod diagnostic;
pub mod yaml;
pub mod object;
pub mod diff;
pub mod cluster;
pub mod history;
