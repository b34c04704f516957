//! Profiles: how they are chosen, in which order they have their say, how they merge, and what is wrong with one.

#[path = "support/folder.rs"]
mod folder;
#[path = "support/page.rs"]
mod page;

mod profiles {
    mod broken;
    mod built_in;
    mod chosen;
    mod command;
    pub mod desk;
    mod merge;
    mod page;
    mod precedence;
}
