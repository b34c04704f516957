//! What the binary does on a real Kubernetes; `tests/cluster/harness.rs` says which.

mod cluster {
    mod again;
    mod apply;
    mod asks;
    mod causes;
    mod context;
    mod delete;
    mod diff;
    mod errors;
    mod events;
    mod functions;
    pub mod custom;
    pub mod daphnia;
    mod faults;
    pub mod harness;
    mod kinds;
    mod limits;
    mod order;
    mod owners;
    mod plan;
    mod profiles;
    mod prune;
    mod rbac;
    mod refusals;
    mod replace;
    mod rules;
    mod run;
    mod schemas;
    mod smoke;
    mod strict;
    mod terminal;
    mod waits;
    mod writer;
}
