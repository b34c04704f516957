//! The folder in `tests/kinds/platform`, as a repository of a team.

use std::fs;
use std::path::Path;

use crate::folder::Folder;

pub const SCHEMA: &str = "platform/schemas/database-backup.json";
pub const TEMPLATE: &str = "platform/templates/database-backup.yaml";
pub const PARTS: &str = "platform/templates/parts.yaml";
pub const EXAMPLE: &str = "platform/examples/database-backup.yaml";

/// Copies the folder, and settles that its kinds are known.
pub fn team() -> Folder {
    let mut folder = Folder::new().with("daphnia.toml", "kinds = [\"platform\"]\n");
    for part in ["schemas", "templates", "examples"] {
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/kinds/platform").join(part);
        for entry in fs::read_dir(from).unwrap().flatten() {
            let name = entry.file_name().into_string().unwrap();
            folder =
                folder.with(&format!("platform/{part}/{name}"), &fs::read_to_string(entry.path()).unwrap());
        }
    }
    folder
}

/// Copies the folder with a text in one of its files replaced by another, all of it that is there.
pub fn team_with(file: &str, old: &str, new: &str) -> Folder {
    let team = team();
    let text = team.read(file);
    assert!(text.contains(old), "{file} has no {old}");
    let changed = text.replace(old, new);
    team.with(file, &changed)
}
