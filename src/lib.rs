pub mod source;
pub mod diagnostic;
pub mod yaml;
pub mod schema;
pub mod kubernetes;
pub mod object;
pub mod diff;
