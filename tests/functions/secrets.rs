//! Where the values of `secrets` come from: a key of one Secret, or each a Secret of its own.

use serde_json::{Value, json};

use super::desk::{Desk, only, rendered};

fn function(fields: &str, task: &str) -> String {
    format!(
        "apiVersion: daphnia.dev/v1\nkind: ContainerFunction\nmetadata: {{name: etl}}\nspec:\n  image: python:3.12\n  \
         base_image: python:3.12\n{fields}  tasks: [{task}]\n"
    )
}

fn container(fields: &str, task: &str) -> Value {
    only(&rendered(&function(fields, task)), "Job")["spec"]["template"]["spec"]["containers"][0].clone()
}

fn reference(store: &str, key: &str) -> Value {
    json!({"name": key, "valueFrom": {"secretKeyRef": {"name": store, "key": key}}})
}

#[test]
fn a_secret_is_a_key_of_the_store_else_of_the_project_s() {
    for (fields, store) in [
        ("  project: churn\n", "proj-secrets-churn"),
        ("  secret_store: store\n", "store"),
        ("  project: churn\n  secret_store: store\n", "store"),
    ] {
        let found = container(fields, "{action: job, envs: {A: a}, secrets: [token, DB_USER]}");
        let expected =
            json!([{"name": "A", "value": "a"}, reference(store, "token"), reference(store, "DB_USER")]);
        assert_eq!((&found["env"], &found["envFrom"]), (&expected, &Value::Null), "{fields}");
    }
}

#[test]
fn without_a_store_each_is_a_secret_of_its_own() {
    let found = container("", "{action: job, secrets: [token, db]}");
    let expected = json!([{"secretRef": {"name": "token"}}, {"secretRef": {"name": "db"}}]);
    assert_eq!((&found["envFrom"], &found["env"]), (&expected, &Value::Null));
    // What fetches the source code has the same.
    let text = function("  code_src: git+https://example.com/a\n", "{action: job, secrets: [token]}");
    let pod = &only(&rendered(&text), "Job")["spec"]["template"]["spec"];
    assert_eq!(pod["initContainers"][0]["envFrom"], pod["containers"][0]["envFrom"]);
}

/// BuildKit is told each secret's variable, which is known of a key alone.
#[test]
fn a_build_needs_a_store() {
    let build = "{action: build, image: 'r.example.com/a:v1', secrets: [token]}";
    let found = container("  project: churn\n", build);
    assert_eq!(found["env"][2], reference("proj-secrets-churn", "token"));
    let told = found["args"].as_array().unwrap().contains(&json!("--secret=id=token,env=token"));
    assert!(told, "{}", found["args"]);
    let said = Desk::new().with("f.yaml", function("", build)).daphnia(&["validate", "f.yaml"]);
    assert_eq!(said.status, 1);
    assert!(said.stdout.contains("f.yaml:7:56"), "{}", said.stdout);
    assert!(
        said.stdout.contains("add `secretStore`, the name of the Secret, or `project`"),
        "{}",
        said.stdout
    );
}

/// A key may have any name; a Secret may not, and nor may a variable be given twice.
#[test]
fn what_cannot_be_is_told_at_its_place() {
    for (fields, task, words, place) in [
        ("", "{action: job, secrets: [token, DB_USER]}", "none can be called `DB_USER`", "f.yaml:7:25"),
        ("", "{action: job, secrets: [a/b]}", "`a/b`", "f.yaml:7:35"),
        (
            "  project: churn\n",
            "{action: job, envs: {token: x}, secrets: [token]}",
            "the variable `token` is given under `envs` and under `secrets`",
            "f.yaml:8:53",
        ),
    ] {
        let said = Desk::new().with("f.yaml", function(fields, task)).daphnia(&["validate", "f.yaml"]);
        assert_eq!(said.status, 1, "{task}: {}", said.stdout);
        assert!(said.stdout.contains(words) && said.stdout.contains(place), "{task}: {}", said.stdout);
    }
}
