//! `-o json`: what happens, a line for each event, as `docs/events.schema.json` says.

use serde_json::{Value, json};

use super::daphnia::{Desk, Said, config_map, job};
use super::harness::{eventually, success};

/// The schema, with that of the findings in it.
fn schema() -> Value {
    let text = include_str!("../../docs/events.schema.json").replace("findings.schema.json#", "#");
    let mut schema: Value = serde_json::from_str(&text).expect("the schema is JSON");
    let findings: Value =
        serde_json::from_str(include_str!("../../docs/findings.schema.json")).expect("so is this");
    for (name, definition) in findings["$defs"].as_object().expect("it has definitions") {
        schema["$defs"][name] = definition.clone();
    }
    schema
}

/// The events that a command printed: as the schema says, from the first to the last, and nothing beside them.
#[track_caller]
fn events(said: &Said) -> Vec<Value> {
    assert_eq!(said.stderr, "", "all that there is to say is an event");
    let validator =
        jsonschema::options().should_validate_formats(true).build(&schema()).expect("it is a schema");
    let events: Vec<Value> =
        said.stdout.lines().map(|line| serde_json::from_str(line).expect("a line is JSON")).collect();
    for event in &events {
        let errors: Vec<String> = validator.iter_errors(event).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{}\n{event}", errors.join("\n"));
    }
    let (first, last) =
        (events.first().expect("there is an event"), events.last().expect("there is an event"));
    assert_eq!((&first["event"], &first["version"]), (&json!("began"), &json!(1)));
    assert_eq!((&last["event"], &last["status"]), (&json!("ended"), &json!(said.status)));
    events
}

fn names(events: &[Value]) -> Vec<&str> {
    events.iter().filter_map(|event| event["event"].as_str()).collect()
}

/// The events of a name, as `Kind name` and one more member.
fn told(events: &[Value], name: &str, member: &str) -> Vec<(String, Value)> {
    let of_name = events.iter().filter(|event| event["event"] == name);
    let text = |event: &Value, member: &str| event["object"][member].as_str().unwrap_or_default().to_owned();
    of_name
        .map(|event| (format!("{} {}", text(event, "kind"), text(event, "name")), event[member].clone()))
        .collect()
}

fn one(what: &str, value: &str) -> Vec<(String, Value)> {
    vec![(what.to_owned(), json!(value))]
}

#[test]
fn an_apply_tells_what_it_does_event_by_event() {
    let Some(desk) = Desk::with_node() else { return };
    let all = |value: &str, script: &str| [config_map("settings", value), job("work", script)].join("---\n");
    desk.write("all.yaml", &all("one", "sleep 1"));
    let said = desk.daphnia(&["apply", "all.yaml", "-o", "json"]).exits(0);
    let first = events(&said);
    assert_eq!(names(&first)[..4], ["began", "connected", "applied", "applied"]);
    assert_eq!(first[1]["namespace"], "default", "that of the context");
    assert_eq!(
        told(&first, "applied", "action"),
        [("ConfigMap settings".to_owned(), json!("created")), ("Job work".to_owned(), json!("created"))]
    );
    let run = &told(&first, "started", "run")[0].1;
    assert!(desk.history()[0].starts_with(run.as_str().expect("a run has a name")));
    assert!(told(&first, "progress", "counts").iter().any(|(_, counts)| counts["active"] == 1));
    assert_eq!(told(&first, "ready", "note").last(), Some(&("Job work".to_owned(), Value::Null)));

    desk.write("all.yaml", &all("two", "echo the disk is full; exit 3"));
    let said = desk.daphnia(&["apply", "all.yaml", "--output=json"]).exits(1);
    let second = events(&said);
    assert_eq!(told(&second, "deleting", "object").len(), 1);
    let actions = told(&second, "applied", "action");
    assert_eq!(
        actions.iter().map(|(_, action)| action.as_str().unwrap_or_default()).collect::<Vec<_>>(),
        ["configured", "replaced"]
    );
    let because = &told(&second, "applied", "because")[1].1;
    assert_eq!(because[0]["reason"], "immutable");
    assert!(
        because[0]["field"].as_str().is_some_and(|field| field.starts_with("spec.template")),
        "{because}"
    );
    let failed = told(&second, "failed", "cause");
    assert_eq!(failed[0].0, "Job work");
    assert!(
        failed[0].1.as_str().is_some_and(|cause| cause.ends_with("exited with code 3: the disk is full")),
        "{failed:?}"
    );
}

#[test]
fn what_ends_an_apply_before_its_time_is_an_event() {
    let Some(desk) = Desk::with_node() else { return };
    // A mistake in the manifest.
    desk.write("bad.yaml", &job("work", "true").replace("backoffLimit", "backofLimit"));
    let bad = events(&desk.daphnia(&["apply", "bad.yaml", "-o", "json"]).exits(1));
    assert_eq!(names(&bad), ["began", "finding", "ended"]);
    let finding = &bad[1]["finding"];
    assert_eq!(
        (&finding["level"], &finding["file"], &finding["line"]),
        (&json!("error"), &json!("bad.yaml"), &json!(7))
    );
    // Something that is not there.
    desk.write(
        "refused.yaml",
        &config_map("settings", "one").replace("namespace: NAMESPACE", "namespace: nowhere"),
    );
    let refused = events(&desk.daphnia(&["apply", "refused.yaml", "-o", "json"]).exits(2));
    assert_eq!(names(&refused), ["began", "connected", "finding", "ended"]);
    assert!(refused[2]["finding"]["message"].as_str().is_some_and(|message| message.contains("`nowhere`")));
    // Time.
    let picky = job("picky", "true")
        .replace("      restartPolicy", "      nodeSelector: {disk: golden}\n      restartPolicy");
    desk.write("picky.yaml", &picky);
    let late = events(&desk.daphnia(&["apply", "picky.yaml", "--timeout", "3s", "-o", "json"]).exits(70));
    assert_eq!(told(&late, "unready", "outcome"), one("Job picky", "timed-out"));
    assert!(
        told(&late, "trouble", "cause")[0]
            .1
            .as_str()
            .is_some_and(|cause| cause.contains("cannot be scheduled"))
    );
    // Someone who has seen enough.
    desk.write("slow.yaml", &job("slow", "sleep 60"));
    let running = desk.start(&["apply", "slow.yaml", "-o", "json"]);
    eventually("it runs", || desk.object("jobs", "slow").filter(|job| job["status"]["active"] == 1));
    running.signal("TERM");
    let ended = events(&running.wait().exits(143));
    assert!(names(&ended).contains(&"note"));
}

#[test]
fn a_run_tells_its_log_and_its_end_event_by_event() {
    let Some(desk) = Desk::with_node() else { return };
    desk.write("job.yaml", &job("work", "echo dear $WHO; exit 3"));
    let failed = events(&desk.daphnia(&["run", "job.yaml", "--env", "WHO=you", "-o", "json"]).exits(1));
    assert_eq!(names(&failed)[..2], ["began", "differs"], "what is changed is told first");
    assert_eq!(failed[0]["command"], "run");
    let fields = &failed[1]["changes"]["changes"][0]["fields"];
    assert_eq!(fields[1]["path"], "spec.template.spec.containers[0].env[0].value", "{fields}");
    assert_eq!((&fields[1]["after"], &fields[1]["origin"]), (&json!("you"), &json!("--env WHO")));
    let log: Vec<&Value> = failed.iter().filter(|event| event["event"] == "log").collect();
    assert_eq!(log.len(), 1);
    assert_eq!((&log[0]["container"], &log[0]["line"]), (&json!("main"), &json!("dear you")));
    assert!(log[0]["logged"].is_string());
    let started = told(&failed, "started", "run");
    let concluded = failed.iter().find(|event| event["event"] == "concluded").expect("it says how it ended");
    assert_eq!((&concluded["run"], &concluded["object"]["name"]), (&started[0].1, &started[0].1));
    assert_eq!((&concluded["outcome"], &concluded["exitCode"]), (&json!("failed"), &json!(3)));
    assert!(concluded["cause"].as_str().is_some_and(|cause| cause.ends_with("code 3: dear you")));
    assert_eq!(told(&failed, "pod-started", "pod").len(), 1);

    let run = concluded["run"].as_str().unwrap_or_default();
    let again = events(&desk.daphnia(&["rerun", run, "--detach", "-o", "json"]).exits(0));
    assert_eq!(again[0]["command"], "rerun");
    assert_eq!(names(&again).iter().filter(|name| **name == "connected").count(), 1);
    let detached = again.iter().find(|event| event["event"] == "concluded").expect("it says that it goes on");
    assert_eq!((&detached["outcome"], &detached["cause"]), (&json!("detached"), &Value::Null));
}

#[test]
fn what_goes_is_an_event_too() {
    let Some(desk) = Desk::new() else { return };
    let set = ["--set-name", "shop", "-n", "NAMESPACE", "-o", "json"];
    let both = [config_map("a", "one"), config_map("b", "one")].join("---\n");
    desk.write("all.yaml", &both);
    events(&desk.daphnia(&[&["apply", "all.yaml", "--prune"][..], &set].concat()).exits(0));
    desk.write("all.yaml", &config_map("a", "one"));
    let pruned = events(&desk.daphnia(&[&["apply", "all.yaml", "--prune"][..], &set].concat()).exits(0));
    assert!(told(&pruned, "applied", "action").contains(&one("ConfigMap b", "pruned")[0]));
    let deleted = events(&desk.daphnia(&[&["delete"][..], &set].concat()).exits(0));
    assert_eq!(deleted[0]["command"], "delete");
    assert_eq!(names(&deleted), ["began", "connected", "deleting", "deleted", "ended"]);
    let nothing = events(&desk.daphnia(&[&["delete"][..], &set].concat()).exits(0));
    assert_eq!(names(&nothing), ["began", "connected", "note", "ended"]);
}

#[test]
fn what_the_server_warns_of_is_an_event() {
    let Some(desk) = Desk::new() else { return };
    success(desk.namespace.kubectl(&[
        "label",
        "namespace",
        desk.namespace.name(),
        "pod-security.kubernetes.io/warn=restricted",
    ]));
    desk.write(
        "job.yaml",
        &job("later", "true").replace("  backoffLimit", "  suspend: true\n  backoffLimit"),
    );
    let said = desk.daphnia(&["apply", "job.yaml", "-o", "json"]).exits(0);
    let warning =
        events(&said).into_iter().find(|event| event["event"] == "warning").expect("there is a warning");
    assert!(
        warning["message"].as_str().is_some_and(|message| message.contains("would violate PodSecurity")),
        "{warning}"
    );
}
