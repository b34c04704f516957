//! What the binary prints and writes, held against the schemas and the programs that read it.

mod cli {
    mod against;
    mod checkers;
    mod definitions;
    mod desk;
    mod editors;
    mod findings;
    mod folders;
    mod help;
    mod hooks;
    mod kinds;
    mod origins;
    mod overrides;
    mod together;
}
