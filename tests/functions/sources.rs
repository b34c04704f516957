//! Source code: how each kind of it reaches the container, and what cannot.

use super::desk::{Desk, names, only, rendered};

fn function(source: &str, task: &str) -> String {
    format!(
        "apiVersion: daphnia.dev/v1\nkind: ContainerFunction\nmetadata: {{name: etl}}\nspec:\n  image: python:3.12\n  \
         command: python main.py\n{source}  tasks: [{task}]\n"
    )
}

fn job(source: &str) -> Vec<serde_json::Value> {
    rendered(&function(source, "{action: job}"))
}

#[test]
fn a_file_beside_the_manifest_is_sent_along() {
    let text = function("  code_src: src/main.py\n", "{action: job}");
    let desk = Desk::new().with("team/f.yaml", text).with("team/src/main.py", "print(1)\n");
    let objects = desk.rendered(&["team/f.yaml"]);
    assert_eq!(only(&objects, "ConfigMap")["data"]["source"], "print(1)\n");
    let mounts = &only(&objects, "Job")["spec"]["template"]["spec"]["containers"][0]["volumeMounts"];
    assert_eq!(mounts[1]["mountPath"], "/shared/src/main.py");
    let binary = desk.with("team/src/main.py", [0xff, 0x00, 0x80]);
    assert_eq!(only(&binary.rendered(&["team/f.yaml"]), "ConfigMap")["binaryData"]["source"], "/wCA");
}

#[test]
fn a_file_that_cannot_be_sent_is_told_at_its_name() {
    for (path, words) in [
        ("missing.py", "`missing.py` cannot be read: no such file or directory"),
        ("folder", "it is no file"),
        ("code.zip", "nothing would unpack"),
        ("large.py", "more than 1 MiB"),
        ("../outside.py", "without `..`"),
        ("link.py", "outside of the manifest's folder"),
    ] {
        let text = function(&format!("  source: {{source: {path}}}\n"), "{action: job}");
        let desk = Desk::new()
            .with("outside.py", "secret")
            .with("team/f.yaml", text)
            .with("team/folder/x", "")
            .with("team/code.zip", "")
            .with("team/large.py", " ".repeat((1 << 20) + 1));
        desk.link("../outside.py", "team/link.py");
        let said = desk.daphnia(&["validate", "team/f.yaml"]);
        assert_eq!(said.status, 1, "{path}");
        assert!(
            said.stdout.contains(words) && said.stdout.contains("f.yaml:7:20"),
            "{path}: {}",
            said.stdout
        );
    }
}

#[test]
fn an_address_is_an_argument_and_no_part_of_a_script() {
    for (address, image, argument) in [
        ("git+https://example.com/a'b$(id)#x;y", "alpine/git:v2.45.2", "https://example.com/a'b$(id)"),
        ("https://example.com/main.py?v=1", "alpine/git:v2.45.2", "https://example.com/main.py?v=1"),
        ("zip+http://example.com/code.zip", "alpine/git:v2.45.2", "http://example.com/code.zip"),
        ("s3://bucket/folder/", "rclone/rclone:1.68.2", "bucket/folder/"),
        ("zip+s3://bucket/code.zip", "rclone/rclone:1.68.2", "bucket/code.zip"),
    ] {
        let objects = job(&format!("  code_src: \"{address}\"\n"));
        assert_eq!(names(&objects), ["Job/etl-job"]);
        let pod = &only(&objects, "Job")["spec"]["template"]["spec"];
        let fetch = &pod["initContainers"][0];
        assert_eq!(fetch["image"], image, "{address}");
        assert_eq!(fetch["args"][2], argument, "{address}");
        assert!(!fetch["args"][0].as_str().unwrap().contains("example.com"), "{address}");
        assert_eq!(fetch["volumeMounts"], pod["containers"][0]["volumeMounts"], "{address}");
        assert_eq!(pod["containers"][0]["workingDir"], "/shared", "{address}");
    }
    let git = job("  code_src: git+https://example.com/a#release/1\n");
    assert_eq!(only(&git, "Job")["spec"]["template"]["spec"]["initContainers"][0]["args"][3], "release/1");
}

#[test]
fn the_image_that_fetches_can_be_chosen() {
    let objects = job("  code_src: zip+http://example.com/a.zip\n  source_image: busybox:1.36\n");
    assert_eq!(
        only(&objects, "Job")["spec"]["template"]["spec"]["initContainers"][0]["image"],
        "busybox:1.36"
    );
}

/// Code that changes makes new pods, and a job that ran with the old code runs again.
#[test]
fn changed_code_changes_what_runs_it() {
    for task in ["{action: job}", "{action: deploy}", "{action: serve, servicePorts: [80]}"] {
        let hash = |code: &str| {
            let objects = rendered(&function(&format!("  code: {code}\n"), task));
            let workload = objects.iter().find(|o| !o["spec"]["template"].is_null()).unwrap();
            workload["spec"]["template"]["metadata"]["annotations"]["daphnia.dev/config-hash"].clone()
        };
        assert!(hash("a").is_string());
        assert_ne!(hash("a"), hash("b"), "{task}");
    }
}

/// What a manifest has no source for starts where its image says.
#[test]
fn without_source_code_the_working_directory_is_the_images() {
    let pod = &only(&job(""), "Job")["spec"]["template"]["spec"];
    assert!(pod["containers"][0]["workingDir"].is_null() && pod["volumes"].is_null());
}

#[test]
fn a_volume_at_shared_takes_the_source() {
    let task = "{action: job, volumes: [{volume_type: shared_volume, name: team, mount_path: /shared, spec: {sub_path: etl}}]}";
    let objects = rendered(&function("  code_src: s3://bucket/main.py\n", task));
    let pod = &only(&objects, "Job")["spec"]["template"]["spec"];
    let mounts = serde_json::json!([{"name": "team", "mountPath": "/shared", "subPath": "etl"}]);
    assert_eq!(pod["initContainers"][0]["volumeMounts"], mounts);
    assert_eq!(pod["containers"][0]["volumeMounts"], mounts);
    assert_eq!(pod["volumes"].as_array().unwrap().len(), 1);
}

/// Nothing of a token in an address reaches a message or an object.
#[test]
fn an_address_with_a_token_is_refused_and_not_shown() {
    for address in ["git+https://me:glpat-77@example.com/a", "https://ghp77token@example.com/main.py"] {
        let text = function(&format!("  code_src: {address}\n"), "{action: job, replicas: x}");
        let desk = Desk::new().with("f.yaml", text);
        for command in ["validate", "render"] {
            let said = desk.daphnia(&[command, "f.yaml"]);
            assert_eq!(said.status, 1);
            assert!(
                !said.stdout.contains("77") && !said.stderr.contains("77"),
                "{}{}",
                said.stdout,
                said.stderr
            );
        }
    }
}
