//! A kind from a folder of the user's own is applied, compared and run like a built-in one.

use super::daphnia::Desk;

/// The folder of a team and one of its manifests, in the test's own namespace.
fn write_team(desk: &Desk) {
    desk.write("daphnia.toml", "kinds = [\"platform\"]\n");
    for (file, text) in [
        ("schemas/database-backup.json", include_str!("../kinds/platform/schemas/database-backup.json")),
        ("schemas/common.json", include_str!("../kinds/platform/schemas/common.json")),
        ("templates/database-backup.yaml", include_str!("../kinds/platform/templates/database-backup.yaml")),
        ("templates/parts.yaml", include_str!("../kinds/platform/templates/parts.yaml")),
    ] {
        desk.write(&format!("platform/{file}"), text);
    }
    let example = include_str!("../kinds/platform/examples/database-backup.yaml");
    desk.write("backup.yaml", &example.replace("namespace: default", "namespace: NAMESPACE"));
}

#[test]
fn a_kind_of_a_team_is_applied_compared_and_run() {
    let Some(desk) = Desk::with_node() else { return };
    write_team(&desk);
    desk.daphnia(&["diff", "backup.yaml"])
        .exits(1)
        .prints_a_line_with("+  backoffLimit: 2")
        .keeps_quiet_about("correct-horse");
    desk.daphnia(&["apply", "backup.yaml"])
        .exits(0)
        .prints_a_line_with("created    Job")
        .keeps_quiet_about("correct-horse");
    assert_eq!(desk.object("jobs", "orders").expect("the Job is there")["status"]["succeeded"], 1);
    assert!(desk.object("secrets", "orders-login").is_some());
    desk.daphnia(&["diff", "backup.yaml"]).exits(0);

    // What a server refuses is told at the line of the manifest that caused it.
    desk.daphnia(&["run", "backup.yaml", "--env", "A=b", "--image", "busybox:1.36", "--", "--full", "now"])
        .exits(0)
        .prints_a_line_with("backing up orders.example.com:5432 --full now")
        .tells("succeeded")
        .keeps_quiet_about("correct-horse");
    let history = desk.history();
    assert!(history[0].contains("--env A --image busybox:1.36"), "{history:?}");
}
