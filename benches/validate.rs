//! `cargo bench --bench validate`: 50,000 Kubernetes documents, side by side with kubeconform, and one manifest.
//!
//! Each program is run several times, in turn, as a whole process with as many workers as there are cores;
//! the shortest time of each counts. kubeconform is built with Go, from the module in `benches/kubeconform`, and
//! reads the same schemas as `daphnia`, from files.

mod measure;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use measure::{go_tool, is_asked_for, shortest};

const FILES: usize = 500;
const DOCUMENTS: usize = 100;

fn main() {
    if !is_asked_for() {
        return;
    }
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("bench-validate");
    let _ = fs::remove_dir_all(&folder);
    let bytes = write_documents(&folder.join("documents"));
    write_schemas(&folder.join("schemas"));
    println!("{} documents in {FILES} files, {:.1} MB", FILES * DOCUMENTS, bytes as f64 / 1e6);

    let daphnia = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_daphnia"));
        command.arg("validate").arg(folder.join("documents"));
        command
    };
    let one = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_daphnia"));
        command.args(["validate", concat!(env!("CARGO_MANIFEST_DIR"), "/examples/kubernetes-job.yaml")]);
        command
    };
    let ours = shortest(&daphnia);
    println!("daphnia      {:>8.3} s", ours.as_secs_f64());
    match go_tool("kubeconform", "github.com/yannh/kubeconform/cmd/kubeconform", &folder) {
        Ok(program) => {
            let workers = std::thread::available_parallelism().map_or(1, std::num::NonZero::get).to_string();
            let theirs = shortest(&|| {
                let mut command = Command::new(&program);
                let schemas = folder.join("schemas/{{ .ResourceKind }}.json");
                command.args(["-strict", "-summary", "-n", &workers, "-schema-location"]).arg(schemas);
                command.arg(folder.join("documents"));
                command
            });
            println!("kubeconform  {:>8.3} s", theirs.as_secs_f64());
            println!("ratio        {:>8.1}", theirs.as_secs_f64() / ours.as_secs_f64());
        }
        Err(why) => println!("kubeconform: {why}"),
    }
    println!("one manifest {:>8.1} ms", shortest(&one).as_secs_f64() * 1e3);
    let _ = fs::remove_dir_all(&folder);
}

/// Jobs and ConfigMaps as teams write them, none like another.
fn write_documents(folder: &Path) -> usize {
    fs::create_dir_all(folder).expect("the target folder is writable");
    let mut bytes = 0;
    for file in 0..FILES {
        let text: String =
            (0..DOCUMENTS).map(|document| document_text(file * DOCUMENTS + document)).collect();
        bytes += text.len();
        fs::write(folder.join(format!("{file:03}.yaml")), text).expect("the target folder is writable");
    }
    bytes
}

fn document_text(n: usize) -> String {
    if n.is_multiple_of(5) {
        return format!(
            "---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: settings-{n}\n  namespace: batch\ndata:\n  level: info\n  batch.size: \"{n}\"\n  settings.toml: |\n    [job]\n    number = {n}\n    retries = 3\n"
        );
    }
    format!(
        "---\napiVersion: batch/v1\nkind: Job\nmetadata:\n  name: report-{n}\n  namespace: batch\n  labels:\n    app: report\n    number: \"{n}\"\nspec:\n  backoffLimit: 3\n  activeDeadlineSeconds: 3600\n  ttlSecondsAfterFinished: 86400\n  template:\n    spec:\n      restartPolicy: Never\n      containers:\n      - name: report\n        image: registry.example.com/report:v{n}\n        command: [python, /app/report.py]\n        resources:\n          limits: {{cpu: \"1\", memory: 1Gi}}\n          requests: {{cpu: 100m, memory: 256Mi}}\n"
    )
}

fn write_schemas(folder: &Path) {
    fs::create_dir_all(folder).expect("the target folder is writable");
    for (api_version, kind) in [("batch/v1", "Job"), ("v1", "ConfigMap")] {
        let schema = daphnia::kubernetes::schema(api_version, kind).expect("Kubernetes has the kind");
        let mut json = schema.json().clone();
        drop_formats(&mut json);
        fs::write(folder.join(format!("{}.json", kind.to_lowercase())), json.to_string()).expect("writable");
    }
}

/// kubeconform knows no formats of ours, and no empty `required`.
fn drop_formats(json: &mut serde_json::Value) {
    match json {
        serde_json::Value::Object(members) => {
            let is_empty = |value: &serde_json::Value| value.as_array().is_some_and(Vec::is_empty);
            members.retain(|name, value| {
                !(name == "format" && value.is_string() || name == "required" && is_empty(value))
            });
            members.values_mut().for_each(drop_formats);
        }
        serde_json::Value::Array(items) => items.iter_mut().for_each(drop_formats),
        _ => {}
    }
}
