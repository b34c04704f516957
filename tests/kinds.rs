//! A kind from a folder of the user's own has all that a built-in one has; and what is wrong with one is told at
//! its line.

#[path = "support/folder.rs"]
mod folder;
#[path = "support/page.rs"]
mod page;

mod kinds {
    mod broken;
    mod page;
    pub mod platform;
    mod whole;
}
