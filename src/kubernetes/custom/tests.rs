use super::*;
use crate::source::Source;

const DEFINITION: &str = "\
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {plural: widgets, kind: Widget}
  versions:
  - name: v1
    served: true
    storage: true
    subresources: {status: {}}
    schema:
      openAPIV3Schema:
        type: object
        required: [spec]
        properties:
          spec:
            type: object
            required: [size, note]
            properties:
              size: {type: string, enum: [small, big]}
              note: {type: string, nullable: true}
              mode: {type: string, default: slow}
              low: {type: integer, minimum: 0, maximum: 10, exclusiveMaximum: true}
              count: {type: integer, format: int32}
              port: {x-kubernetes-int-or-string: true}
              free: {type: object, x-kubernetes-preserve-unknown-fields: true, properties: {known: {type: object}}}
              closed: {type: object}
              labels: {type: object, additionalProperties: {type: string}}
              pod: {type: object, x-kubernetes-embedded-resource: true, x-kubernetes-preserve-unknown-fields: true}
              names: {type: array, x-kubernetes-list-type: set, items: {type: string}}
              parts:
                type: array
                x-kubernetes-list-type: map
                x-kubernetes-list-map-keys: [name]
                items: {type: object, properties: {name: {type: string}, value: {type: string}}}
              either:
                type: object
                properties: {a: {type: string}, b: {type: string}}
                oneOf: [{required: [a]}, {required: [b]}]
          status: {type: object, properties: {phase: {type: string}}}
  - name: v1alpha1
    served: false
    storage: false
    schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
";

fn found(text: &str) -> Vec<String> {
    let sources = Sources::default();
    let read = |text: &str| {
        let id = sources.add(Source::new(SourceKind::Manifest, "t.yaml", text));
        let (mut documents, findings) = crate::yaml::read(id, text);
        assert!(findings.is_empty(), "{findings:?}");
        documents.remove(0).root
    };
    let mut definitions = Definitions::default();
    definitions.add(Arc::new(Definition::read(&read(DEFINITION)).unwrap()));
    let object = read(text);
    let definition = definitions.of(&object).unwrap();
    let (findings, completed) = definition.check(&object, &sources);
    assert_eq!(completed.is_some(), findings.is_empty());
    let show = |d: &Diagnostic| {
        let place = d.place.unwrap();
        let (line, column) = sources.get(place.source).line_column(place.start);
        format!("{}@{line}:{column} {}", d.code, d.message)
    };
    findings.iter().map(show).collect()
}

fn widget(spec: &str) -> String {
    format!(
        "apiVersion: example.com/v1\nkind: Widget\nmetadata: {{name: a}}\nspec:\n  size: small\n  note: null\n{spec}"
    )
}

#[test]
fn what_the_definition_allows_passes() {
    for spec in [
        "",
        "  low: null\n  mode: null\n",
        "  port: 80\n  labels: {a: b, c: null}\n",
        "  port: http\n  free: {x: 1, z: null, known: {}}\n",
        "  pod: {apiVersion: v1, kind: Pod, spec: {}}\n",
        "  names: [a, b]\n  parts: [{name: a}, {name: b}, {value: c}]\n",
        "  either: {a: x}\nstatus: {phase: 1}\n",
    ] {
        assert_eq!(found(&widget(spec)), Vec::<String>::new(), "{spec}");
    }
}

#[test]
fn what_it_does_not_allow_is_told_at_its_line() {
    for (spec, expected) in [
        ("  sizes: 1\n", "unknown-field@7:3 unknown field `sizes` in `spec`"),
        ("  low: 10\n", "out-of-range@7:8 `spec.low` must be less than 10"),
        ("  count: 3000000000\n", "out-of-range@7:10 `spec.count` must fit into 32 bits"),
        ("  port: 1.5\n", "wrong-type@7:9 `spec.port` must be an integer or a string, not 1.5"),
        ("  free: {known: {x: 1}}\n", "unknown-field@7:18 unknown field `x` in `spec.free.known`"),
        ("  closed: {a: null}\n", "unknown-field@7:12 unknown field `a` in `spec.closed`"),
        ("  labels: {a: 1}\n", "wrong-type@7:15 `spec.labels.a` must be a string, not a number"),
        ("  pod: {kind: Pod}\n", "missing-field@7:3 missing field `apiVersion` in `spec.pod`"),
        ("  names: [a, a]\n", "duplicate-item@7:14 `spec.names` has the same item twice"),
        ("  parts: [{name: a}, {name: a}]\n", "duplicate-item@7:29 `spec.parts` has the same item twice"),
        ("  either: {a: x, b: z}\n", "too-many-of@7:18 only one of `a`, `b` may be given in `spec.either`"),
        ("status: {other: 1}\n", "unknown-field@7:10 unknown field `other` in `status`"),
    ] {
        assert_eq!(found(&widget(spec)), [expected], "{spec}");
    }
}

#[test]
fn heads_are_checked_as_of_any_object() {
    let spec = "spec: {size: small, note: x}\n";
    for (head, expected) in [
        (
            "apiVersion: example.com/v2\nkind: Widget\n",
            "unknown-kind@1:13 the definition of Widget has no version `v2`",
        ),
        (
            "apiVersion: example.com/v1alpha1\nkind: Widget\n",
            "unknown-kind@1:13 `example.com/v1alpha1` of Widget is defined, and not served",
        ),
        ("apiVersion: example.com/v1\nkind: Widget\n", "missing-field@1:1 missing field `metadata`"),
        (
            "apiVersion: example.com/v1\nkind: Widget\nmetadata: {name: A_b}\n",
            "wrong-format@3:18 `metadata.name`: `A_b` has upper-case letters; write `a-b`",
        ),
    ] {
        assert_eq!(found(&format!("{head}{spec}")), [expected], "{head}");
    }
    let lacking = "apiVersion: example.com/v1\nkind: Widget\nmetadata: {name: a}\nspec: {size: small}\n";
    assert_eq!(found(lacking), ["missing-field@4:1 missing field `note` in `spec`"]);
}
