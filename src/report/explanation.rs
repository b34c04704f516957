//! What a schema says of a kind or a field, and the list of kinds, as text.

use std::fmt::Write as _;

use super::without_controls;
use crate::explain::{Explanation, FieldLine, KindLine, RuleLine, Topic};
use crate::profile::ProfileLine;

const WIDTH: usize = 100;
/// Lines of a table may be longer: who reads down a column sees their start.
const WIDE: usize = 130;

pub(super) fn explanation(topic: &Topic, explanation: &Explanation) -> String {
    let mut text = format!("{}: {}", explanation.path, explanation.type_name);
    if explanation.is_required {
        text.push_str(", required");
    }
    let _ = writeln!(text, "\n  apiVersion  {}", topic.api_versions.join(", "));
    for (name, words) in &explanation.facts {
        let _ = writeln!(text, "  {name:10}  {words}");
    }
    if !explanation.description.is_empty() {
        let _ = write!(text, "\n{}", wrapped(&explanation.description, ""));
    }
    if !explanation.fields.is_empty() {
        text.push_str("\nFields\n");
        text.push_str(&field_lines(&explanation.fields));
    }
    let (rules, lints): (Vec<_>, Vec<_>) = explanation.rules.iter().partition(|rule| rule.lint.is_none());
    for (title, rules) in [("Rules", rules), ("Lints", lints)] {
        if !rules.is_empty() {
            let _ = write!(text, "\n{title}\n");
            rules.into_iter().for_each(|rule| text.push_str(&rule_line(rule)));
        }
    }
    without_controls(&text)
}

fn rule_line(rule: &RuleLine) -> String {
    let name = rule.lint.as_ref().map(|(name, level)| format!("{name} ({level}): ")).unwrap_or_default();
    let words: Vec<&str> =
        [rule.message.as_str(), &rule.help].into_iter().filter(|w| !w.is_empty()).collect();
    let text = wrapped(&format!("{name}{}", words.join("; ")), "    ");
    format!("  - {}", text.trim_start())
}

fn field_lines(fields: &[FieldLine]) -> String {
    let type_of = |field: &FieldLine| {
        let required = if field.is_required { ", required" } else { "" };
        format!("{}{required}", field.type_name)
    };
    let names = fields.iter().map(|field| field.name.chars().count()).max().unwrap_or_default();
    let types = fields.iter().map(|field| type_of(field).chars().count()).max().unwrap_or_default();
    let types = types.min(32);
    let mut text = String::new();
    for field in fields {
        let line = format!("  {:names$}  {:types$}  ", field.name, type_of(field));
        let room = WIDE.saturating_sub(line.chars().count()).max(40);
        let _ = writeln!(text, "{}", format!("{line}{}", in_brief(&field.description, room)).trim_end());
    }
    text
}

pub(super) fn kinds(kinds: &[KindLine]) -> String {
    let names = kinds.iter().map(|kind| kind.kind.chars().count()).max().unwrap_or_default().max(4);
    let versions = |kind: &KindLine| kind.api_versions.join(", ");
    let widest = kinds.iter().map(|kind| versions(kind).chars().count()).max().unwrap_or_default().max(12);
    let mut text = format!("{:names$}  {:widest$}  DESCRIPTION\n", "KIND", "API VERSIONS");
    for kind in kinds {
        let description = in_brief(&kind.description, WIDTH);
        let _ = writeln!(text, "{:names$}  {:widest$}  {description}", kind.kind, versions(kind));
    }
    without_controls(&text)
}

pub(super) fn profiles(profiles: &[ProfileLine]) -> String {
    let names = profiles.iter().map(|profile| profile.name.chars().count()).max().unwrap_or_default().max(4);
    let mut text = format!("{:names$}  DESCRIPTION\n", "NAME");
    for profile in profiles {
        let _ = writeln!(text, "{:names$}  {}", profile.name, in_brief(&profile.description, WIDTH));
    }
    without_controls(&text)
}

/// The first sentence, cut where the room ends.
fn in_brief(text: &str, room: usize) -> String {
    let line = text.split('\n').next().unwrap_or_default();
    // A sentence ends where another begins; the point of `e.g.` ends none.
    let begins = |at: usize| line[at + 2..].starts_with(char::is_uppercase);
    let end = line.match_indices(". ").map(|(at, _)| at).find(|at| begins(*at)).unwrap_or(line.len());
    let sentence = line[..end].trim_end_matches('.');
    if sentence.chars().count() <= room {
        return sentence.to_owned();
    }
    let cut: String = sentence.chars().take(room.saturating_sub(1)).collect();
    let cut = cut.rsplit_once(' ').map_or(cut.as_str(), |(before, _)| before);
    format!("{}…", cut.trim_end_matches([',', ';', ':']))
}

pub(super) fn wrapped(text: &str, indent: &str) -> String {
    let mut wrapped = String::new();
    for paragraph in text.trim().split('\n') {
        let mut line = indent.to_owned();
        for word in paragraph.split_whitespace() {
            let is_full = line.chars().count() + 1 + word.chars().count() > WIDTH;
            if is_full && line.trim() != "" {
                let _ = writeln!(wrapped, "{line}");
                line = indent.to_owned();
            }
            if line.len() > indent.len() {
                line.push(' ');
            }
            line.push_str(word);
        }
        let _ = writeln!(wrapped, "{}", line.trim_end());
    }
    wrapped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_brief_is_a_sentence_or_a_part_of_one() {
        assert_eq!(in_brief("One thing. Another thing.", 40), "One thing");
        assert_eq!(in_brief("Kept in e.g. etcd, and cut somewhere", 20), "Kept in e.g. etcd…");
    }
}
