//! What `--fix` does to a file, as a unified diff.

use super::unified;
use crate::check::Mended;
use crate::source::Place;

pub(super) fn text(mended: &Mended) -> String {
    let name = mended.file.name();
    let [before, after] = &mended.secrets;
    let mut text = String::new();
    unified::head(&mut text, &name, &name);
    let (before, after) = (hidden(&mended.before, before), hidden(&mended.after, after));
    unified::hunks(&mut text, &before, &after, &|_| String::new());
    text
}

/// Returns a text with its secrets hidden. Quotes stay, since an edit may be about them.
fn hidden(text: &str, secrets: &[Place]) -> String {
    let mut bytes = text.as_bytes().to_vec();
    for secret in secrets {
        let shown = bytes.get_mut(secret.range()).into_iter().flatten();
        shown.filter(|byte| !b"\n\r\"'".contains(byte)).for_each(|byte| *byte = b'*');
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
