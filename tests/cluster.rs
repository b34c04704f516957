//! What the binary does on a real Kubernetes; `tests/cluster/harness.rs` says which.

mod cluster {
    pub mod harness;
    mod limits;
    mod schemas;
    mod smoke;
    mod strict;
}
