//! What readers of YAML 1.1 and 1.2 understand differently, found in any document.

use crate::diagnostic::Diagnostic;
use crate::document::Document;
use crate::source::{Place, Sources};
use crate::yaml::{Node, Value};

pub(super) const AMBIGUOUS_SCALAR: &str = "ambiguous-scalar";

/// Looks for unquoted values that other readers of the same file would take for something else.
pub fn check(document: &Document, sources: &Sources) -> Vec<Diagnostic> {
    let mut findings = Vec::new();
    if !document.ambiguous.is_empty() {
        visit(&document.root, &document.ambiguous, sources, &mut findings);
    }
    findings
}

fn visit(node: &Node, ambiguous: &[Place], sources: &Sources, findings: &mut Vec<Diagnostic>) {
    match &node.value {
        Value::Map(map) => map.iter().for_each(|(_, child)| visit(child, ambiguous, sources, findings)),
        Value::List(items) => items.iter().for_each(|item| visit(item, ambiguous, sources, findings)),
        // An alias shows the same scalar again.
        _ if ambiguous.contains(&node.place) && !findings.iter().any(|f| f.place == Some(node.place)) => {
            findings.push(finding(node, sources));
        }
        _ => {}
    }
}

fn finding(node: &Node, sources: &Sources) -> Diagnostic {
    let written = sources.text(node.place);
    let (read, words, text) = match &node.value {
        Value::Bool(flag) => (format!("the boolean `{flag}`"), format!("write `{flag}`"), flag.to_string()),
        Value::Number(number) => {
            (format!("the number {number}"), format!("write {number}"), number.to_string())
        }
        _ => ("a string".to_owned(), "quote the value".to_owned(), format!("\"{written}\"")),
    };
    let message = format!("`{written}` is {read} to Kubernetes, and something else to other readers of YAML");
    Diagnostic::warning(AMBIGUOUS_SCALAR, message)
        .at(node.place)
        .label("readers disagree")
        .fix(words, node.place, text)
}
