//! Daphnia: a manifest goes in, Kubernetes comes out, and everything between is in plain sight before it happens.
//!
//! ```text
//! Source      a named text: a file, standard input, an argument
//!   ↓ yaml, document
//! Document    a tree that knows its lines and columns; well-formed, not yet trusted
//!   ↓ manifest   (spelling, profile defaults, schema, rules, references, defaults)
//! Manifest    its kind's schema and rules accept it; only `manifest` makes one
//!   ↓ render     (template, profile patches, then Kubernetes' own schema)
//! Plan        Kubernetes objects in apply order; every field knows its origin
//!   ↓ cluster::observe
//! Observed    desired, live, predicted
//!   ↓ diff       (pure)
//! ChangeSet   per object: created, configured, replaced, unchanged, field by field
//!   ↓ cluster::apply, cluster::wait
//! Outcome     per object: what was done, is it ready, why not
//!   ↓ history
//! Record      who ran what, when, with which parameters, how it ended, its logs
//! ```
//!
//! Commands are prefixes of this list of calls. A module uses only modules that stand above it here.

pub mod workers;
pub mod source;
pub mod diagnostic;
pub mod fix;
pub mod yaml;
pub mod schema;
pub mod kubernetes;
pub mod document;
pub mod config;
pub mod catalog;
pub mod template;
pub mod profile;
pub mod explain;
pub mod lint;
pub mod manifest;
pub mod object;
pub mod render;
pub mod check;
pub mod diff;
pub mod cluster;
pub mod history;
pub mod report;
pub mod cli;
