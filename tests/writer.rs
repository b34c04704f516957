//! What the writer writes, other readers read back: our own, and serde_yaml as one that knows nothing of ours.
//! `tests/cluster/writer.rs` asks Kubernetes' own.

#[path = "support/hostile.rs"]
mod hostile;

use daphnia::source::{Place, Source, SourceKind, Sources};
use daphnia::yaml::{self, Node};
use proptest::prelude::*;
use serde_json::{Value as Json, json};

fn node(json: &Json) -> Node {
    let id = Sources::default().add(Source::new(SourceKind::Manifest, "t", ""));
    Node::from_json(json, Place::new(id, 0..0))
}

fn read_back(text: &str) -> Json {
    let id = Sources::default().add(Source::new(SourceKind::Manifest, "t", text));
    let (mut documents, findings) = yaml::read(id, text);
    assert!(findings.is_empty(), "{findings:?}\n{text}");
    assert_eq!(documents.len(), 1, "{text}");
    documents.remove(0).root.to_json()
}

#[test]
fn hostile_strings_come_back_as_they_were() {
    let strings = hostile::strings();
    assert!(strings.len() >= 200, "{}", strings.len());
    for text in &strings {
        let positions = [
            json!({"value": text}),
            json!([text, {"deep": [text]}]),
            json!({text.as_str(): "key"}),
            json!([{text.as_str(): text}]),
        ];
        for json in positions {
            let written = yaml::write(&node(&json));
            assert_eq!(read_back(&written), json, "{text:?} as\n{written}");
        }
    }
}

#[test]
fn another_reader_reads_hostile_strings_the_same() {
    for text in hostile::strings() {
        let json = json!({"value": text, "list": [text]});
        let written = yaml::write(&node(&json));
        let read: Json =
            serde_yaml::from_str(&written).unwrap_or_else(|error| panic!("{error}: {text:?}\n{written}"));
        assert_eq!(read, json, "{text:?} as\n{written}");
    }
}

fn tree() -> impl Strategy<Value = Json> {
    let text = prop_oneof![any::<String>(), "[ -~\\n\\t]{0,40}", "[#:,&*!|>%@`'\"\\[\\]{}?-] ?[a-z]{0,3}"];
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        text.clone().prop_map(Json::from),
    ];
    leaf.prop_recursive(4, 40, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Json::from),
            prop::collection::vec((text.clone(), inner), 0..5)
                .prop_map(|members| Json::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_tree_comes_back_as_it_was(json in tree()) {
        let written = yaml::write(&node(&json));
        prop_assert_eq!(read_back(&written), json.clone(), "{}", written);
        prop_assert_eq!(&written, &yaml::write(&node(&json)));
    }
}
