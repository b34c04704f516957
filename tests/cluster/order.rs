//! In which order an apply changes things, and how large a set and an object may be.

use super::daphnia::{Desk, config_map, job};
use super::harness::{Request, success};

const MEBIBYTE: usize = 1 << 20;

/// Where among the requests the last one for this resource is, and the first one.
fn span(requests: &[Request], resource: &str) -> (usize, usize) {
    let is_its = |request: &Request| {
        let path = request.uri.split('?').next().unwrap_or_default();
        path.split('/').any(|part| part == resource)
    };
    let places: Vec<usize> =
        requests.iter().enumerate().filter(|(_, request)| is_its(request)).map(|(place, _)| place).collect();
    let (first, last) = (places.first(), places.last());
    (*first.expect("there is one"), *last.expect("there is one"))
}

#[test]
fn everything_is_tried_before_anything_is_changed_and_what_others_need_comes_first() {
    let Some(desk) = Desk::new() else { return };
    let suspended =
        |name: &str| job(name, "true").replace("  backoffLimit", "  suspend: true\n  backoffLimit");
    let service = "apiVersion: v1\nkind: Service\nmetadata: {name: front, namespace: NAMESPACE}\nspec: {ports: [{port: 80}]}\n";
    let account = "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: worker, namespace: NAMESPACE}\n";
    let all = [
        suspended("a"),
        service.to_owned(),
        config_map("one", "x"),
        suspended("b"),
        config_map("two", "z"),
        account.to_owned(),
    ];
    desk.write("all.yaml", &all.join("---\n"));
    desk.mark();
    desk.daphnia(&["apply", "all.yaml"]).exits(0);
    let requests = desk.requests();
    let is_tried = |request: &&Request| request.uri.contains("dryRun=All");
    let last_try = requests.iter().rposition(|request| is_tried(&request)).expect("all are tried");
    assert_eq!(requests.iter().filter(is_tried).count(), 6, "each is tried once");
    let writes = desk.writes();
    let first_write = requests.iter().position(|request| *request == writes[0]).expect("it is one of them");
    assert!(last_try < first_write, "{requests:#?}");
    let needed = span(&writes, "configmaps").1.max(span(&writes, "serviceaccounts").1);
    assert!(needed < span(&writes, "jobs").0.min(span(&writes, "services").0), "{writes:#?}");
}

#[test]
fn what_goes_is_deleted_in_the_reverse_order() {
    let Some(desk) = Desk::new() else { return };
    let suspended = job("a", "true").replace("  backoffLimit", "  suspend: true\n  backoffLimit");
    desk.write("all.yaml", &[config_map("one", "x"), suspended].join("---\n"));
    desk.daphnia(&["apply", "all.yaml"]).exits(0);
    desk.mark();
    desk.daphnia(&["delete", "all.yaml"]).exits(0);
    let writes = desk.writes();
    assert!(span(&writes, "jobs").1 < span(&writes, "configmaps").0, "{writes:#?}");
}

#[test]
fn objects_are_applied_in_the_name_of_daphnia() {
    let Some(desk) = Desk::new() else { return };
    desk.write("settings.yaml", &config_map("settings", "one"));
    desk.daphnia(&["apply", "settings.yaml"]).exits(0);
    let shown = success(desk.namespace.kubectl(&[
        "get",
        "configmap",
        "settings",
        "--show-managed-fields",
        "-o",
        "json",
    ]));
    let settings: serde_json::Value = serde_json::from_str(&shown).expect("kubectl prints JSON");
    let managers = settings["metadata"]["managedFields"].as_array().expect("it has managers");
    let named: Vec<_> = managers.iter().map(|one| (&one["manager"], &one["operation"])).collect();
    assert_eq!(named, [(&"daphnia".into(), &"Apply".into())]);
}

#[test]
fn a_config_map_of_a_mebibyte_is_applied_compared_and_changed() {
    let Some(desk) = Desk::new() else { return };
    let large = |text: &str| config_map("large", &text.repeat(MEBIBYTE));
    desk.write("large.yaml", &large("x"));
    desk.daphnia(&["apply", "large.yaml"]).exits(0);
    desk.daphnia(&["apply", "large.yaml"]).exits(0).prints_a_line_with("unchanged");
    desk.write("large.yaml", &large("y"));
    desk.daphnia(&["diff", "large.yaml"]).exits(1);
    desk.daphnia(&["apply", "large.yaml"]).exits(0).prints_a_line_with("configured");
    let held = desk.object("configmaps", "large").expect("it is there");
    assert_eq!(
        held["data"]["key"].as_str().map(|text| (text.len(), text.starts_with('y'))),
        Some((MEBIBYTE, true))
    );
}

#[test]
fn a_config_map_of_more_than_a_mebibyte_is_refused_with_its_set() {
    let Some(desk) = Desk::new() else { return };
    let large = config_map("large", &"x".repeat(MEBIBYTE + 1));
    desk.write("all.yaml", &[config_map("settings", "one"), large].join("---\n"));
    desk.mark();
    desk.daphnia(&["apply", "all.yaml"]).exits(1).tells("--> all.yaml:");
    assert_eq!(desk.writes(), []);
}

#[test]
fn two_thousand_objects_are_applied_in_order_and_pruned() {
    let Some(desk) = Desk::new() else { return };
    let maps = |count: usize, value: &str| {
        let all: Vec<String> =
            (0..count).map(|number| config_map(&format!("map-{number:04}"), value)).collect();
        all.join("---\n")
    };
    let set = ["apply", "all.yaml", "--set-name", "many", "--prune", "-n", "NAMESPACE"];
    desk.write("all.yaml", &maps(2000, "one"));
    let said = desk.daphnia(&set).exits(0);
    let created: Vec<&str> =
        said.stdout.lines().filter(|line| line.starts_with("created    ConfigMap")).collect();
    assert_eq!(created.len(), 2000, "a line for each object");
    desk.mark();
    let said = desk.daphnia(&set).exits(0);
    assert_eq!(said.stdout.lines().filter(|line| line.starts_with("unchanged  ConfigMap")).count(), 2000);
    assert_eq!(desk.writes(), [], "nothing is written where nothing changes");
    desk.write("all.yaml", &maps(1990, "one"));
    let said = desk.daphnia(&set).exits(0);
    assert_eq!(said.stdout.lines().filter(|line| line.starts_with("pruned")).count(), 10);
    assert_eq!(desk.objects("configmaps").len(), 1990 + 1, "and the one of the namespace itself");
}
