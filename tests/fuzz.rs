//! No input makes the reader, the validator or the renderer panic, hang, or take memory without bound.
//!
//! `cargo test` tries a bounded number of mutations of real manifests; `cargo bolero test any_text` and
//! `cargo bolero test any_mutation` (from `cargo-bolero`) go on for as long as you let them.

use std::time::{Duration, Instant};

use bolero::{TypeGenerator, check};
use daphnia::catalog::Catalog;
use daphnia::config::Config;
use daphnia::source::{Source, SourceKind, Sources};
use daphnia::workers::Workers;
use daphnia::{document, manifest, render};

/// One manifest takes milliseconds; what takes this long hangs.
const LONGEST: Duration = Duration::from_secs(10);

/// What manifests are made of, to be put where it does not belong.
const PIECES: &[&str] = &[
    "&a",
    "*a",
    "<<: *a",
    "<<: {}",
    "{}",
    "[]",
    "{",
    "[",
    "]",
    "}",
    "- ",
    "? ",
    ": ",
    "\n",
    "\n\n",
    "  ",
    "\t",
    "---\n",
    "...\n",
    "!!binary ",
    "!x ",
    "|",
    ">-\n",
    "\"",
    "'",
    "#",
    "null",
    "~",
    "yes",
    "1e999",
    "-0",
    "0x",
    "99999999999999999999",
    "9223372036854775808",
    "${X}",
    "{{ x }}",
    "<x>",
    "\u{0}",
    "\u{feff}",
    "\u{85}",
    "\u{2028}",
    "é",
    "__daphnia_value_0__",
    "__daphnia_value_99__",
    "spec:",
    "metadata:",
    "kind: Job",
    "kind: List\nitems:",
    "apiVersion: v1",
    "valueFrom: {name: x}",
    "resources: {limits: {cpu: 1e400}}",
    "completions: -1",
    "completionMode: Indexed",
    "env: {variables: {A: {}}}",
];

fn seeds() -> Vec<String> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/examples");
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let mut seeds: Vec<String> = paths.iter().map(|path| std::fs::read_to_string(path).unwrap()).collect();
    seeds.push(
        "apiVersion: batch/v1\nkind: Job\nmetadata: {name: j}\nspec:\n  template:\n    spec:\n      restartPolicy: Never\n      containers: [{name: a, image: b}]\n"
            .to_owned(),
    );
    seeds
}

fn read_check_render(text: &str) {
    let start = Instant::now();
    let sources = Sources::default();
    let catalog = Catalog::default();
    let id = sources.add(Source::new(SourceKind::Manifest, "fuzz.yaml", text));
    let (documents, mut findings) = document::parse(id, &sources, daphnia::workers::Workers::One);
    let config = Config::default();
    let library = manifest::Folders::new(&config, &sources);
    let (manifests, more) =
        manifest::manifests(documents, &manifest::Choice::default(), &library, &catalog, &sources);
    findings.extend(more);
    if let Err(refusals) = render::render(manifests, &sources, Workers::One) {
        findings.extend(refusals.0);
    }
    for place in findings.iter().filter_map(|finding| finding.place) {
        let source = sources.get(place.source);
        assert!(source.text.get(place.range()).is_some(), "a finding lies outside of its text");
    }
    assert!(start.elapsed() < LONGEST, "took {:?}", start.elapsed());
}

#[derive(Debug, TypeGenerator)]
enum Mutation {
    Insert { at: u16, piece: u8 },
    Delete { at: u16, length: u8 },
    Copy { from: u16, to: u16, length: u8 },
}

fn position(at: u16, text: &str) -> usize {
    let wanted = at as usize % (text.len() + 1);
    (0..=wanted).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

fn mutate(text: &mut String, mutation: &Mutation) {
    match mutation {
        Mutation::Insert { at, piece } => {
            text.insert_str(position(*at, text), PIECES[*piece as usize % PIECES.len()]);
        }
        Mutation::Delete { at, length } => {
            let start = position(*at, text);
            let end = position((start + *length as usize).min(text.len()) as u16, text).max(start);
            text.replace_range(start..end, "");
        }
        Mutation::Copy { from, to, length } => {
            let start = position(*from, text);
            let end = position((start + *length as usize).min(text.len()) as u16, text).max(start);
            let piece = text[start..end].to_owned();
            text.insert_str(position(*to, text), &piece);
        }
    }
}

#[test]
fn any_text() {
    check!()
        .with_iterations(3000)
        .for_each(|bytes: &[u8]| read_check_render(&String::from_utf8_lossy(bytes)));
}

#[test]
fn any_mutation() {
    let seeds = seeds();
    check!().with_type::<(u8, Vec<Mutation>)>().with_iterations(1500).for_each(|(seed, mutations)| {
        let mut text = seeds[*seed as usize % seeds.len()].clone();
        mutations.iter().take(8).for_each(|mutation| mutate(&mut text, mutation));
        read_check_render(&text);
    });
}
