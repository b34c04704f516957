//! Findings → the text with their edits made, and not a byte changed elsewhere.

use crate::diagnostic::{Diagnostic, Edit};
use crate::source::SourceId;

/// A text that edits have been made in.
#[derive(Debug, PartialEq, Eq)]
pub struct Fixed {
    pub text: String,
    /// How many findings are mended.
    pub count: usize,
}

/// Makes the edits that findings offer for one source. Of two that touch, the first is made; the other may be made
/// once the text has been looked at again. `None` if there is nothing to do.
pub fn fix(text: &str, id: SourceId, findings: &[Diagnostic]) -> Option<Fixed> {
    let fixes = findings.iter().filter_map(|finding| finding.fix.as_ref());
    let mut offered: Vec<&Vec<Edit>> = fixes
        .map(|fix| &fix.edits)
        .filter(|edits| !edits.is_empty() && edits.iter().all(|edit| is_possible(edit, id, text)))
        .collect();
    offered.sort_by_key(|edits| edits.iter().map(|edit| edit.place).min());
    let mut taken: Vec<&Edit> = Vec::new();
    let mut count = 0;
    for edits in offered {
        if edits.iter().all(|edit| !taken.iter().any(|other| touches(edit, other))) {
            taken.extend(edits);
            count += 1;
        }
    }
    taken.sort_by_key(|edit| std::cmp::Reverse(edit.place));
    let mut fixed = text.to_owned();
    for edit in taken {
        fixed.replace_range(edit.place.range(), &edit.text);
    }
    (count > 0 && fixed != text).then_some(Fixed { text: fixed, count })
}

fn is_possible(edit: &Edit, id: SourceId, text: &str) -> bool {
    edit.place.source == id && text.get(edit.place.range()).is_some()
}

fn touches(a: &Edit, b: &Edit) -> bool {
    a.place.start <= b.place.end && b.place.start <= a.place.end
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{Place, Source, SourceKind, Sources};

    #[test]
    fn of_two_edits_that_touch_the_first_is_made() {
        let text = "a: yes # é\nb: 0644\n";
        let sources = Sources::default();
        let id = sources.add(Source::new(SourceKind::Manifest, "t", text));
        let finding = |start: usize, end: usize, new: &str| {
            Diagnostic::warning("w", "w").fix("f", Place::new(id, start..end), new)
        };
        let findings = [finding(15, 19, "420"), finding(3, 6, "true"), finding(4, 6, "x")];
        let fixed = fix(text, id, &findings).unwrap();
        assert_eq!((fixed.text.as_str(), fixed.count), ("a: true # é\nb: 420\n", 2));
        assert_eq!(fix(text, id, &[]), None);
    }
}
