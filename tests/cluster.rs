//! What the binary does on a real Kubernetes; `tests/cluster/harness.rs` says which.

mod cluster {
    pub mod harness;
    mod schemas;
    mod smoke;
    mod strict;
}
