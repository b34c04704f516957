//! Container functions: what each task becomes, and what is said of those that cannot be.

mod functions {
    mod desk;
    mod parameters;
    mod platform;
    mod secrets;
    mod sources;
    mod tasks;
}
