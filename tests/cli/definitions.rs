//! Custom resources, checked by definitions that stand in the same file, in another, in a folder, or nowhere.

use super::desk::Desk;

const DEFINITION: &str = "\
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: backups.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {plural: backups, kind: Backup}
  versions:
  - name: v1
    served: true
    storage: true
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec:
            type: object
            required: [schedule]
            x-kubernetes-validations:
            - rule: self.keep >= self.least
              message: keeps fewer than the least
              fieldPath: .keep
            - rule: isURL(self.schedule) == false
            properties:
              schedule: {type: string}
              keep: {type: integer, default: 3}
              least: {type: integer, default: 1}
";

const BACKUP: &str =
    "apiVersion: example.com/v1\nkind: Backup\nmetadata: {name: nightly}\nspec:\n  scedule: daily\n";

const GOOD: &str =
    "apiVersion: example.com/v1\nkind: Backup\nmetadata: {name: nightly}\nspec:\n  schedule: daily\n";

fn is_refused(said: &super::desk::Said) -> bool {
    said.status == 1
        && said.stdout.contains("unknown field `scedule` in `spec`")
        && said.stdout.contains("backup.yaml:5:3")
        && !said.stdout.contains("is not checked")
}

#[test]
fn a_definition_may_stand_in_the_same_file_or_in_another() {
    let desk = Desk::new().with("backup.yaml", format!("{BACKUP}---\n{DEFINITION}"));
    assert!(is_refused(&desk.daphnia(&["validate", "backup.yaml"])));
    // Later in the order of files, too.
    let desk = Desk::new().with("k8s/backup.yaml", BACKUP).with("k8s/crd.yaml", DEFINITION);
    assert!(is_refused(&desk.daphnia(&["validate", "k8s"])));
    let said = desk.daphnia(&["render", "k8s"]);
    assert!(said.status != 0 && said.stderr.contains("unknown field `scedule`"), "{}", said.stderr);
}

#[test]
fn a_definition_may_stand_in_a_folder_of_the_configuration() {
    let desk = Desk::new()
        .with("backup.yaml", BACKUP)
        .with("platform/crds/backup.yaml", DEFINITION)
        .with("daphnia.toml", "manifests = [\"platform\"]\n");
    assert!(is_refused(&desk.daphnia(&["validate", "backup.yaml"])));
}

#[test]
fn without_a_definition_it_passes_with_one_note() {
    let desk = Desk::new().with("backup.yaml", BACKUP);
    let said = desk.daphnia(&["validate", "backup.yaml"]);
    assert_eq!(said.status, 0, "{}", said.stdout);
    assert_eq!(said.stdout.matches("is not checked").count(), 1, "{}", said.stdout);
    assert_eq!(desk.daphnia(&["render", "backup.yaml"]).status, 0);
}

#[test]
fn rules_see_defaults_and_are_told_at_their_field() {
    let desk = Desk::new().with("crd.yaml", DEFINITION);
    let check = |text: String| {
        std::fs::write(desk.folder.join("backup.yaml"), text).unwrap();
        desk.daphnia(&["validate", "backup.yaml", "crd.yaml"])
    };
    let said = check(GOOD.to_owned());
    assert_eq!(said.status, 0, "{}", said.stdout);
    // What only a server can evaluate is left to it, in so many words.
    assert!(
        said.stdout.contains("a rule is not checked: `isURL(self.schedule) == false`"),
        "{}",
        said.stdout
    );
    let said = check(format!("{GOOD}  keep: 0\n"));
    assert_eq!(said.status, 1);
    assert!(said.stdout.contains("error[broken-rule]: keeps fewer than the least"), "{}", said.stdout);
    assert!(said.stdout.contains("backup.yaml:6:9"), "{}", said.stdout);
}
