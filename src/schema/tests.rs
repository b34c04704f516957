use super::*;
use crate::source::{Source, SourceKind};
use serde_json::json;

/// Checks a text and writes each finding as `code@line:column message | help … | fix text`.
fn check(schema: Json, text: &str) -> Vec<String> {
    let sources = Sources::default();
    let id = sources.add(Source::new(SourceKind::Manifest, "t.yaml", text));
    let (documents, findings) = crate::yaml::read(id, text);
    assert!(findings.is_empty(), "{findings:?}");
    let schema = Schema::compile(schema).unwrap();
    let diagnostics = schema.check(&documents[0].root, &sources);
    assert_eq!(schema.is_valid(&documents[0].root), diagnostics.is_empty());
    diagnostics.iter().map(|d| show(d, &sources)).collect()
}

fn show(d: &Diagnostic, sources: &Sources) -> String {
    let place = d.place.unwrap();
    let (line, column) = sources.get(place.source).line_column(place.start);
    let mut shown = format!("{}@{line}:{column} {}", d.code, d.message);
    for help in &d.help {
        shown.push_str(&format!(" | {help}"));
    }
    for edit in d.fix.iter().flat_map(|fix| &fix.edits) {
        shown.push_str(&format!(" | {} → {}", sources.text(edit.place), edit.text));
    }
    for (place, words) in &d.related {
        let (line, column) = sources.get(place.source).line_column(place.start);
        shown.push_str(&format!(" | {words} {line}:{column}"));
    }
    shown
}

fn object(properties: Json) -> Json {
    json!({"type": "object", "additionalProperties": false, "properties": properties})
}

#[test]
fn an_unknown_field_is_shown_at_its_key() {
    let schema = object(json!({"spec": object(json!({"command": {}, "image": {}, "a": {}}))}));
    assert_eq!(
        check(schema.clone(), "spec:\n  comand: 1\n  image: 2\n"),
        ["unknown-field@2:3 unknown field `comand` in `spec` | comand → command"]
    );
    assert_eq!(
        check(schema.clone(), "image: 1\n"),
        [
            "unknown-field@1:1 unknown field `image` | there is such a field elsewhere: `spec.image` | possible here: `spec`"
        ]
    );
    assert_eq!(
        check(schema, "spec: {}\nother: 1\n"),
        ["unknown-field@2:1 unknown field `other` | all fields that are possible here are given already"]
    );
    let many =
        json!({"f1": {}, "f2": {}, "f3": {}, "f4": {}, "f5": {}, "f6": {}, "f7": {}, "f8": {}, "f9": {}});
    let shown = check(object(many), "zzzzzz: 1");
    assert!(shown[0].ends_with("`f7`, `f8`, …"), "{shown:?}");
}

#[test]
fn a_missing_field_is_shown_at_its_parent_with_the_line_to_add() {
    let mut image = object(json!({"repo": {
        "type": "string", "description": "Repository of the image. More.", "examples": ["ghcr.io/a/b"],
    }}));
    image["required"] = json!(["repo"]);
    let schema =
        object(json!({"spec": object(json!({"image": image, "list": {"type": "array", "items": image}}))}));
    let add = "add `repo: ghcr.io/a/b`: Repository of the image";
    assert_eq!(
        check(schema.clone(), "spec:\n  image: {}\n"),
        [format!("missing-field@2:3 missing field `repo` in `spec.image` | {add}")]
    );
    assert_eq!(
        check(schema.clone(), "spec:\n  image:\n    repo:\n"),
        [format!("missing-field@3:5 `spec.image.repo` needs a value | {add}")]
    );
    assert_eq!(
        check(schema.clone(), "spec:\n  list:\n  - {}\n"),
        [format!("missing-field@3:5 missing field `repo` in `spec.list[0]` | {add}")]
    );
    assert!(check(schema, "spec:\n  image:\n  list: null\n").is_empty());
}

#[test]
fn types_are_exact_and_mended() {
    let schema = object(json!({
        "text": {"type": "string"}, "count": {"type": "integer"}, "flag": {"type": "boolean"},
        "share": {"type": "number"}, "either": {"type": ["string", "number"]},
        "list": {"type": "array", "items": {"type": "string"}},
        "path": {"type": "object", "required": ["path"], "properties": {"path": {"type": "string"}}},
    }));
    let cases = [
        ("text: 1.10", "`text` must be a string, not a number | 1.10 → \"1.10\""),
        ("text: yes", "`text` must be a string, not a boolean | yes → \"yes\""),
        ("count: '3'", "`count` must be an integer, not a string | '3' → 3"),
        ("count: three", "`count` must be an integer, not a string"),
        ("count: 1.5", "`count` must be an integer, not 1.5"),
        ("flag: \"True\"", "`flag` must be a boolean, not a string | \"True\" → true"),
        ("share: '0.5'", "`share` must be a number, not a string | '0.5' → 0.5"),
        ("either: true", "`either` must be a string or a number, not a boolean | true → \"true\""),
        ("list: sh", "`list` must be a list, not a string | sh → [sh]"),
        ("list: {a: 1}", "`list` must be a list, not a map"),
        ("path: /x", "`path` must be a map, not a string | /x → {path: /x}"),
        ("list: [a, 1]", "`list[1]` must be a string, not a number | 1 → \"1\""),
        ("list: [~]", "`list[0]` must be a string, not null"),
        ("[]", "the document must be a map, not a list"),
    ];
    for (text, expected) in cases {
        let shown = check(schema.clone(), text);
        assert_eq!(shown.len(), 1, "{text}: {shown:?}");
        assert_eq!(shown[0].split_once(' ').unwrap().1, expected, "{text}");
        assert!(shown[0].starts_with("wrong-type@"), "{shown:?}");
    }
}

#[test]
fn values_and_limits() {
    let schema = object(json!({
        "policy": {"enum": ["Never", "OnFailure"]},
        "kind": {"const": "Job"},
        "mode": {"type": "integer", "minimum": 0, "maximum": 511},
        "low": {"type": "integer", "minimum": 1},
        "name": {"type": "string", "minLength": 1, "maxLength": 3, "format": "dns-label"},
        "id": {"type": "string", "pattern": "^[a-z]+$", "x-pattern-message": "use lower-case letters"},
        "list": {"type": "array", "minItems": 1, "maxItems": 2, "uniqueItems": true},
        "map": {"type": "object", "minProperties": 1},
        "cron": {"type": "string", "format": "cron"},
        "port": {"type": ["integer", "string"], "format": "port-name", "minimum": 0, "maximum": i32::MAX},
    }));
    let cases = [
        (
            "policy: never",
            "unknown-value@1:9 `policy` cannot be `never` | possible values: `Never`, `OnFailure` | never → Never",
        ),
        (
            "policy: 'Onfailure'",
            "unknown-value@1:9 `policy` cannot be `Onfailure` | possible values: `Never`, `OnFailure` | 'Onfailure' → \"OnFailure\"",
        ),
        ("policy: 1", "wrong-type@1:9 `policy` must be a string, not a number | 1 → \"1\""),
        ("kind: job", "unknown-value@1:7 `kind` must be `Job`, not `job` | job → Job"),
        ("mode: 512", "out-of-range@1:7 `mode` must be between 0 and 511"),
        ("low: 0", "out-of-range@1:6 `low` must be at least 1"),
        ("name: ''", "wrong-length@1:7 `name` must not be empty"),
        ("name: abcd", "wrong-length@1:7 `name` must have at most 3 characters"),
        ("name: A", "wrong-format@1:7 `name`: `A` has upper-case letters; write `a`"),
        (
            "name: <x>",
            "placeholder@1:7 `name` looks like a placeholder that was not filled: `<x>` | replace it by the value that is meant",
        ),
        (
            "mode: ${MODE}",
            "placeholder@1:7 `mode` looks like a placeholder that was not filled: `${MODE}` | replace it by the value that is meant",
        ),
        ("id: A", "wrong-format@1:5 `id`: use lower-case letters"),
        ("list: []", "wrong-length@1:7 `list` must have at least 1 item"),
        ("list: [1, 2, 3]", "wrong-length@1:7 `list` must have at most 2 items"),
        (
            "list: [1, 1]",
            "duplicate-item@1:11 `list` has the same item twice | keep one of them | first given here 1:8",
        ),
        (
            "port: '80'",
            "wrong-format@1:7 `port`: `80` needs at least one letter; a port's name such as `http` is no number | '80' → 80",
        ),
        ("port: -1", "out-of-range@1:7 `port` must be at least 0"),
        ("port: 3000000000", "out-of-range@1:7 `port` must fit into 32 bits"),
        ("map: {}", "wrong-length@1:6 `map` must have at least 1 field"),
        ("cron: 0 25 * * *", "wrong-format@1:7 `cron`: the hour `25` is not between 0 and 23"),
    ];
    for (text, expected) in cases {
        assert_eq!(check(schema.clone(), text), [expected], "{text}");
    }
}

#[test]
fn keys_are_shown_where_they_stand() {
    let schema = json!({"type": "object", "propertyNames": {"format": "env-name"}});
    assert_eq!(
        check(schema, "A: 1\n1B: 2\nC D: 3\n"),
        [
            "wrong-format@2:1 key `1B`: `1B` begins with a digit; begin a variable's name with a letter or `_`",
            "wrong-format@3:1 key `C D`: `C D` has a blank; a variable's name has letters, digits, `_`, `-` and `.`",
        ]
    );
    let schema = object(json!({"m": {"propertyNames": {"enum": ["limits", "requests"]}}}));
    assert_eq!(
        check(schema, "m: {limit: 1}"),
        [
            "unknown-field@1:5 unknown key `limit` in `m` | possible keys: `limits`, `requests` | limit → limits"
        ]
    );
}

fn env() -> Json {
    let reference = json!({
        "title": "`value` or a reference", "type": "object", "additionalProperties": false,
        "properties": {
            "value": {"type": "string"},
            "secretRef": {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}},
        },
        "oneOf": [{"required": ["value"]}, {"required": ["secretRef"]}],
    });
    json!({
        "$defs": {"variable": reference},
        "type": "object",
        "additionalProperties": {"anyOf": [{"title": "a string", "type": "string"}, {"$ref": "#/$defs/variable"}]},
    })
}

#[test]
fn the_branch_that_was_meant_is_reported() {
    let cases = [
        ("A: 1", "wrong-type@1:4 `A` must be a string, not a number | 1 → \"1\""),
        ("A: [x]", "wrong-type@1:4 `A` must be a string or a map, not a list"),
        (
            "A: {valeu: x, value: z}",
            "unknown-field@1:5 unknown field `valeu` in `A` | a field with a similar name is given already: `value`",
        ),
        ("A: {secretRef: {}}", "missing-field@1:5 missing field `name` in `A.secretRef` | add `name`"),
        ("A: {value: 1}", "wrong-type@1:12 `A.value` must be a string, not a number | 1 → \"1\""),
        (
            "A: {value: x, secretRef: {name: z}}",
            "too-many-of@1:15 only one of `value`, `secretRef` may be given in `A` | keep one and remove the others | given here already 1:5",
        ),
        (
            "A: {secretRfe: {name: z}}",
            "unknown-field@1:5 unknown field `secretRfe` in `A` | secretRfe → secretRef",
        ),
        (
            "A: {}",
            "missing-field@1:1 `A` needs one of `value` or `secretRef` | add `value` | add `secretRef`",
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(check(env(), text), [expected], "{text}");
    }
}

#[test]
fn closed_branches_and_discriminators() {
    let branch = |name: &str| {
        let mut branch = object(json!({name: {"type": "string"}, "note": {}}));
        branch["required"] = json!([name]);
        branch
    };
    let schema = json!({"oneOf": [branch("url"), branch("file")]});
    assert_eq!(
        check(schema.clone(), "url: a\nfile: b\n"),
        [
            "too-many-of@2:1 only one of `url`, `file` may be given | keep one and remove the others | given here already 1:1"
        ]
    );
    assert_eq!(
        check(schema.clone(), "note: a\n"),
        ["missing-field@1:1 the document needs one of `url` or `file` | add `url` | add `file`"]
    );
    assert_eq!(
        check(schema, "url: a\nfil: b\n"),
        ["unknown-field@2:1 unknown field `fil` | possible here: `note`"]
    );

    let task = |kind: &str, field: &str| object(json!({"kind": {"const": kind}, field: {"type": "integer"}}));
    let schema = json!({"oneOf": [task("job", "retries"), task("serve", "port")]});
    assert_eq!(
        check(schema.clone(), "kind: serve\nport: x\n"),
        ["wrong-type@2:7 `port` must be an integer, not a string"]
    );
    assert_eq!(
        check(schema, "kind: jobb\n"),
        ["unknown-value@1:7 `kind` cannot be `jobb` | possible values: `job`, `serve` | jobb → job"]
    );
    let schema = json!({"anyOf": [{"enum": ["a"]}, {"enum": ["b"]}, {"type": "integer"}]});
    assert_eq!(
        check(schema, "far"),
        ["unknown-value@1:1 the document cannot be `far` | possible values: `a`, `b`"]
    );
    let schema = json!({"anyOf": [{"title": "a day", "type": "string", "pattern": "^d"}, {"title": "an hour", "type": "string", "pattern": "^h"}]});
    assert_eq!(check(schema, "c"), ["wrong-form@1:1 the document must be a day or an hour"]);
}

#[test]
fn conditions_and_exclusions() {
    let schema = json!({
        "properties": {"mode": {"enum": ["Indexed", "Plain"]}, "size": {"type": "integer"}, "a": {}, "b": {}, "c": {}},
        "if": {"properties": {"mode": {"const": "Indexed"}}, "required": ["mode"]},
        "then": {"required": ["size"], "x-message": "an Indexed job needs its size"},
        "dependentRequired": {"a": ["b"]},
        "not": {"required": ["b", "c"]},
        "unevaluatedProperties": false,
    });
    let cases = [
        (
            "mode: Indexed",
            "missing-field@1:1 missing field `size` | an Indexed job needs its size | add `size`",
        ),
        ("size: 1\na: 1", "missing-field@2:1 missing field `b`, which `a` needs | add `b`"),
        (
            "c: 1\nb: 1",
            "too-many-of@2:1 `b` and `c` cannot be given together | remove one of them | with this 1:1",
        ),
        (
            "other: 1",
            "unknown-field@1:1 unknown field `other` | possible here: `mode`, `size`, `a`, `b`, `c`",
        ),
        ("size: x", "wrong-type@1:7 `size` must be an integer, not a string"),
    ];
    for (text, expected) in cases {
        assert_eq!(check(schema.clone(), text), [expected], "{text}");
    }
    let schema = json!({"properties": {"a": false, "b": {"not": {"const": "x"}}, "c": {"not": {}, "x-message": "was removed"}}});
    assert_eq!(check(schema.clone(), "a: 1"), ["not-allowed@1:1 `a` is not allowed here | remove it"]);
    assert_eq!(check(schema.clone(), "b: x"), ["not-allowed@1:4 `b` cannot be `x`"]);
    assert_eq!(check(schema, "c: x"), ["not-allowed@1:4 `c`: was removed"]);
}

#[test]
fn fields_beside_a_wrong_one_are_not_blamed() {
    let schema = json!({
        "$defs": {"base": {"required": ["a"], "properties": {"a": {"type": "integer"}, "b": {}}}},
        "$ref": "#/$defs/base",
        "properties": {"c": {}},
        "unevaluatedProperties": false,
    });
    let wrong = "wrong-type@1:4 `a` must be an integer, not a string";
    let unknown = "unknown-field@3:1 unknown field `other` | possible here: `c`";
    let cases = [
        ("a: x\nb: 1", vec![wrong]),
        ("b: 1", vec!["missing-field@1:1 missing field `a` | add `a`"]),
        ("a: x\nb: 1\nother: 1", vec![wrong, unknown]),
        ("a: 1\nb: 1\nother: 1", vec![unknown]),
    ];
    for (text, expected) in cases {
        assert_eq!(check(schema.clone(), text), expected, "{text}");
    }
}

#[test]
fn findings_come_in_the_order_of_the_text_and_keep_its_spelling() {
    let schema = object(
        json!({"spec": object(json!({"backoffLimit": {"type": "integer"}, "z": {"type": "string"}}))}),
    );
    let sources = Sources::default();
    let text = "spec:\n  z: 1\n  backoff_limit: x\n";
    let id = sources.add(Source::new(SourceKind::Manifest, "t.yaml", text));
    let mut root = crate::yaml::read(id, text).0.remove(0).root;
    let spec = root.as_map_mut().unwrap().get_mut("spec").unwrap().as_map_mut().unwrap();
    spec.entries[1].0.text = "backoffLimit".into();
    let shown: Vec<String> =
        Schema::compile(schema).unwrap().check(&root, &sources).iter().map(|d| show(d, &sources)).collect();
    assert_eq!(
        shown,
        [
            "wrong-type@2:6 `spec.z` must be a string, not a number | 1 → \"1\"",
            "wrong-type@3:18 `spec.backoff_limit` must be an integer, not a string",
        ]
    );
}

#[test]
fn a_value_that_no_manifest_wrote_gets_no_edit() {
    let sources = Sources::default();
    let id = sources.add(Source::new(SourceKind::Default, "spec.tag", "1"));
    let place = crate::source::Place::new(id, 0..1);
    let root = Node::from_json(&json!({"tag": 1}), place);
    let schema = Schema::compile(object(json!({"tag": {"type": "string"}}))).unwrap();
    let found = schema.check(&root, &sources);
    assert_eq!((found.len(), &found[0].fix), (1, &None));
}

#[test]
fn a_schema_that_refers_elsewhere_is_refused() {
    assert!(Schema::compile(json!({"$ref": "other.json#/x"})).is_err());
    assert!(Schema::compile(json!({"type": 1})).unwrap_err().pointer == "/type");
}
