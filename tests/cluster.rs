//! What the binary does on a real Kubernetes; `tests/cluster/harness.rs` says which.

mod cluster {
    mod apply;
    mod diff;
    pub mod daphnia;
    pub mod harness;
    mod run;
    mod schemas;
    mod smoke;
    mod strict;
    mod writer;
}
