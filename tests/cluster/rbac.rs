//! The Role that `daphnia rbac` prints suffices, and nothing of it can be left out.

use std::process::Stdio;
use std::sync::Mutex;
use std::thread;

use serde_json::{Value, json};

use super::daphnia::{DEPLOYMENT, Desk, Said, config_map, job};
use super::harness::{cluster_or_skip, eventually, node_or_skip, success};

/// What a command is put through: whatever of it goes wrong is returned.
type Scenario = fn(&Desk) -> Result<(), String>;

/// The first complaint in what was said, or that it ended otherwise.
fn ensure(said: &Said, status: i32, words: &str) -> Result<(), String> {
    // The pod of a cancelled run may be gone before its log was read: no matter of rights.
    let lines = said
        .stderr
        .lines()
        .filter(|line| !(line.contains("the log of container") && line.ends_with("is gone")));
    let told = lines.flat_map(str::split_whitespace).collect::<Vec<_>>().join(" ");
    for complaint in ["warning", "may not", "only reading"] {
        if told.contains(complaint) {
            return Err(format!("it tells `{complaint}`: {told}"));
        }
    }
    if said.status != Some(status) {
        return Err(format!("it ends with {:?}: {told}", said.status));
    }
    if told.contains(words) || said.stdout.contains(words) {
        Ok(())
    } else {
        Err(format!("no `{words}`: {told}"))
    }
}

/// A command of someone who may do everything.
fn as_admin(desk: &Desk, args: &[&str]) {
    let args: Vec<String> = args.iter().map(|arg| arg.replace("NAMESPACE", desk.namespace.name())).collect();
    let mut command = desk.command(&args);
    command.env("KUBECONFIG", desk.cluster.kubeconfig()).stdin(Stdio::null());
    success(command.output().expect("daphnia can be run"));
}

/// The records of the job `work`, oldest first.
fn records(desk: &Desk) -> Vec<Value> {
    desk.objects("secrets")
        .into_iter()
        .filter(|one| one["metadata"]["labels"]["daphnia.dev/job"] == "work")
        .collect()
}

/// Leaves so many old records that the next run has to delete some.
fn fill_history(desk: &Desk) {
    let last = records(desk).pop().expect("there is a record");
    let copies = (0..25).map(|number| {
        let mut copy = last.clone();
        let id = format!("work-old{number}");
        copy["metadata"] = json!({
            "name": format!("daphnia-run-{id}"), "namespace": desk.namespace.name(),
            "labels": last["metadata"]["labels"], "annotations": last["metadata"]["annotations"],
        });
        copy["metadata"]["labels"]["daphnia.dev/run"] = id.into();
        copy["metadata"]["labels"]["daphnia.dev/digest"] = "0".into();
        copy
    });
    let list = json!({"apiVersion": "v1", "kind": "List", "items": copies.collect::<Vec<_>>()});
    success(desk.cluster.kubectl_with(&["create", "-f", "-"], &list.to_string()));
}

/// Runs a command whose Job is cancelled by another while it waits.
fn cancelled(desk: &Desk, args: &[&str]) -> Result<(), String> {
    let mut running = desk.start(args);
    let run = loop {
        if running.child.try_wait().expect("it can be asked").is_some() {
            return Err(running.wait().stderr);
        }
        let is_running = |job: &Value| job["status"]["active"] == 1;
        let has_job = desk.objects("jobs").iter().any(is_running);
        let open = records(desk).into_iter().find(|record| {
            let summary =
                record["metadata"]["annotations"]["daphnia.dev/record"].as_str().unwrap_or_default();
            summary.contains("\"state\":\"running\"") && !summary.contains("\"uid\":\"\"")
        });
        if let Some(record) = open.filter(|_| has_job) {
            break record["metadata"]["labels"]["daphnia.dev/run"].as_str().unwrap_or_default().to_owned();
        }
        thread::sleep(std::time::Duration::from_millis(100));
    };
    as_admin(desk, &["cancel", &run, "-n", "NAMESPACE"]);
    ensure(&running.wait(), 1, "")?;
    let record =
        records(desk).into_iter().find(|record| record["metadata"]["labels"]["daphnia.dev/run"] == *run);
    let told = record.map(|record| record["metadata"]["annotations"]["daphnia.dev/record"].to_string());
    told.filter(|told| told.contains("cancelled by admin"))
        .map(|_| ())
        .ok_or("the record forgets who cancelled".to_owned())
}

fn diff(desk: &Desk) -> Result<(), String> {
    let text = |value: &str| {
        [config_map("there", value), config_map("new", "one"), job("work", "true")].join("---\n")
    };
    desk.write("first.yaml", &config_map("there", "one"));
    as_admin(desk, &["apply", "first.yaml"]);
    desk.write("all.yaml", &text("two"));
    ensure(&desk.daphnia(&["diff", "all.yaml"]), 1, "2 created, 1 configured")
}

fn all(script: &str) -> String {
    [config_map("settings", "one"), DEPLOYMENT.to_owned(), job("work", script)].join("---\n")
}

fn apply(desk: &Desk) -> Result<(), String> {
    desk.write("all.yaml", &all("echo one"));
    ensure(&desk.daphnia(&["apply", "all.yaml"]), 0, "created    Job")?;
    ensure(&desk.daphnia(&["apply", "all.yaml"]), 0, "unchanged  Job")?;
    fill_history(desk);
    desk.write("all.yaml", &all("echo two; exit 3"));
    ensure(&desk.daphnia(&["apply", "all.yaml"]), 1, "exited with code 3: two")?;
    if records(desk).len() > 20 {
        return Err("old records are left".to_owned());
    }
    desk.write("all.yaml", &all("sleep 60"));
    cancelled(desk, &["apply", "all.yaml"])
}

fn run(desk: &Desk) -> Result<(), String> {
    desk.write("all.yaml", &all("echo one"));
    let said = desk.daphnia(&["run", "all.yaml"]);
    ensure(&said, 0, "succeeded")?;
    if said.stdout != "one\n" {
        return Err(format!("the log is not there: {}", said.stdout));
    }
    fill_history(desk);
    ensure(&desk.daphnia(&["run", "all.yaml"]), 0, "succeeded")?;
    if records(desk).len() > 20 {
        return Err("old records are left".to_owned());
    }
    desk.write("all.yaml", &all("sleep 60"));
    cancelled(desk, &["run", "all.yaml"])
}

/// The rules that a command prints of what a scenario works with.
fn rules(command: &str, text: &str, desk: &Desk) -> Vec<Value> {
    desk.write("rbac.yaml", text);
    let said = desk.daphnia(&["rbac", "rbac.yaml", "--for", command]).exits(0);
    let read =
        desk.cluster.kubectl_with(&["create", "--dry-run=client", "-o", "json", "-f", "-"], &said.stdout);
    let role: Value = serde_json::from_str(&success(read)).expect("kubectl reads the role");
    assert_eq!(
        (&role["kind"], role["metadata"]["namespace"].as_str()),
        (&json!("Role"), Some(desk.namespace.name()))
    );
    assert!(said.stdout.contains(&format!("kubectl create rolebinding daphnia-{command} -n")));
    role["rules"].as_array().expect("a role has rules").clone()
}

/// Binds rules to `developer`, in the desk's namespace alone.
fn bind(desk: &Desk, rules: &[Value]) {
    let name = desk.namespace.name();
    let group = "rbac.authorization.k8s.io";
    let both = json!({"apiVersion": "v1", "kind": "List", "items": [
        {"apiVersion": format!("{group}/v1"), "kind": "Role",
         "metadata": {"name": "least", "namespace": name}, "rules": rules},
        {"apiVersion": format!("{group}/v1"), "kind": "RoleBinding",
         "metadata": {"name": "least", "namespace": name},
         "roleRef": {"apiGroup": group, "kind": "Role", "name": "least"},
         "subjects": [{"apiGroup": group, "kind": "User", "name": "developer"}]},
    ]});
    desk.namespace.apply(&both.to_string());
    eventually("the server knows of the role", || {
        let asked = ["auth", "can-i", "--list", "--no-headers", "--as", "developer"];
        let known = success(desk.namespace.kubectl(&asked));
        (rules.is_empty()
            || rules.iter().all(|rule| {
                let resource = rule["resources"][0].as_str().unwrap_or_default();
                known.contains(resource)
            }))
        .then_some(())
    });
}

/// The rules without one verb of one resource.
fn without(rules: &[Value], resource: &str, verb: &str) -> Vec<Value> {
    let mut left = Vec::new();
    for rule in rules {
        for one in rule["resources"].as_array().into_iter().flatten() {
            let verbs = rule["verbs"].as_array().into_iter().flatten();
            let verbs: Vec<&Value> = verbs.filter(|other| !(one == resource && *other == verb)).collect();
            if !verbs.is_empty() {
                left.push(json!({"apiGroups": rule["apiGroups"], "resources": [one], "verbs": verbs}));
            }
        }
    }
    left
}

/// Puts a command through its scenario with exactly its rules, which must go well, and without each single verb of
/// them, which must not.
fn suffices_and_is_least(command: &str, text: &str, scenario: Scenario) {
    let Some(mut desk) = Desk::new() else { return };
    let all = rules(command, text, &desk);
    bind(&desk, &all);
    desk.be("developer");
    scenario(&desk).unwrap_or_else(|why| panic!("with all of its rights: {why}"));
    let mut variants = Vec::new();
    for rule in &all {
        for resource in rule["resources"].as_array().into_iter().flatten() {
            for verb in rule["verbs"].as_array().into_iter().flatten() {
                let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
                variants.push((text(resource), text(verb)));
            }
        }
    }
    assert!(variants.len() > 5, "{variants:?}");
    let (todo, idle) = (Mutex::new(variants), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                loop {
                    let next = todo.lock().expect("no thread panics with it").pop();
                    let Some((resource, verb)) = next else { return };
                    let mut desk = Desk::new().expect("there is a cluster");
                    bind(&desk, &without(&all, &resource, &verb));
                    desk.be("developer");
                    if scenario(&desk).is_ok() {
                        idle.lock().expect("no thread panics with it").push(format!("{verb} {resource}"));
                    }
                }
            });
        }
    });
    let idle = idle.into_inner().expect("no thread panics with it");
    assert!(idle.is_empty(), "nothing fails without: {}", idle.join(", "));
}

#[test]
fn the_role_for_diff_suffices_and_is_the_least() {
    if cluster_or_skip().is_some() {
        suffices_and_is_least("diff", &[config_map("x", "one"), job("work", "true")].join("---\n"), diff);
    }
}

#[test]
fn the_role_for_apply_suffices_and_is_the_least() {
    if node_or_skip().is_some() {
        suffices_and_is_least("apply", &all("true"), apply);
    }
}

#[test]
fn the_role_for_run_suffices_and_is_the_least() {
    if node_or_skip().is_some() {
        suffices_and_is_least("run", &all("true"), run);
    }
}

#[test]
fn what_is_in_no_namespace_needs_a_cluster_role() {
    let Some(mut desk) = Desk::new() else { return };
    let class =
        "apiVersion: scheduling.k8s.io/v1\nkind: PriorityClass\nmetadata: {name: NAMESPACE-x}\nvalue: 1\n";
    desk.write("all.yaml", &[config_map("settings", "one"), class.to_owned()].join("---\n"));
    desk.use_kubeconfig(None);
    let said = desk.daphnia(&["rbac", "all.yaml", "--for", "apply", "--name", "deployer"]).exits(0);
    assert!(
        said.stdout.starts_with("# The least rights for `daphnia apply` of 2 objects.\n---\n"),
        "{}",
        said.stdout
    );
    let said = said
        .prints(&["kind: ClusterRole", "  name: deployer", "  - priorityclasses"])
        .prints(&["kind: Role", &format!("  namespace: {}", desk.namespace.name()), "  - configmaps"])
        .prints(&["# kubectl create clusterrolebinding deployer --clusterrole=deployer --user=USER"]);
    success(desk.cluster.kubectl_with(&["create", "--dry-run=server", "-f", "-"], &said.stdout));
}

#[test]
fn the_role_for_a_set_suffices_to_prune_it() {
    let Some(mut desk) = Desk::new() else { return };
    let maps = [config_map("a", "one"), config_map("b", "one")].join("---\n");
    desk.write("all.yaml", &maps);
    let set = ["all.yaml", "--set-name", "shop", "--prune", "-n", "NAMESPACE"];
    let said = desk.daphnia(&[&["rbac", "--for", "apply"][..], &set].concat()).exits(0);
    success(desk.cluster.kubectl_with(&["create", "-f", "-"], &said.stdout));
    success(desk.namespace.kubectl(&[
        "create",
        "rolebinding",
        "daphnia-apply",
        "--role=daphnia-apply",
        "--user=developer",
    ]));
    eventually("the server knows of the role", || {
        let asked = ["auth", "can-i", "delete", "configmaps", "--as", "developer"];
        desk.namespace.kubectl(&asked).status.success().then_some(())
    });
    desk.be("developer");
    desk.daphnia(&[&["apply"][..], &set].concat()).exits(0);
    desk.write("all.yaml", &config_map("a", "one"));
    desk.daphnia(&[&["apply"][..], &set].concat()).exits(0).prints_a_line_with("pruned");
}
