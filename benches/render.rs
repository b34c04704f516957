//! `cargo bench --bench render`: 1,000 KubernetesJobs rendered, beside `kustomize build` of what they become.
//!
//! kustomize is built with Go, from the module in `benches/kustomize`. It gets the plain Jobs that `daphnia` made,
//! a file each, and has no schema to check and no template to expand.

mod measure;

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use measure::{go_tool, is_asked_for, shortest};

const MANIFESTS: usize = 1_000;

fn main() {
    if !is_asked_for() {
        return;
    }
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("bench-render");
    let _ = fs::remove_dir_all(&folder);
    let (manifests, plain) = (folder.join("manifests"), folder.join("plain"));
    write_manifests(&manifests);
    let daphnia = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_daphnia"));
        command.arg("render").arg(&manifests);
        command
    };
    let with_origins = || {
        let mut command = daphnia();
        command.arg("--origins");
        command
    };
    let ours = shortest(&daphnia);
    println!("{MANIFESTS} KubernetesJobs, a file each");
    println!("daphnia            {:>8.3} s", ours.as_secs_f64());
    println!("daphnia --origins  {:>8.3} s", shortest(&with_origins).as_secs_f64());
    write_plain(&daphnia, &plain);
    match go_tool("kustomize", "sigs.k8s.io/kustomize/kustomize/v5", &folder) {
        Ok(program) => {
            let theirs = shortest(&|| {
                let mut command = Command::new(&program);
                command.arg("build").arg(&plain);
                command
            });
            println!("kustomize          {:>8.3} s", theirs.as_secs_f64());
            println!("ratio              {:>8.1}", theirs.as_secs_f64() / ours.as_secs_f64());
        }
        Err(why) => println!("kustomize: {why}"),
    }
    let _ = fs::remove_dir_all(&folder);
}

/// Jobs as teams write them, none like another.
fn write_manifests(folder: &Path) {
    fs::create_dir_all(folder).expect("the target folder is writable");
    for n in 0..MANIFESTS {
        let text = format!(
            "apiVersion: kubernetes.project-planton.org/v1\nkind: KubernetesJob\nmetadata:\n  name: report-{n}\n  labels: {{team: data, number: \"{n}\"}}\nspec:\n  namespace: batch\n  image:\n    repo: registry.example.com/report\n    tag: v{n}\n  resources:\n    limits: {{cpu: \"1\", memory: 1Gi}}\n    requests: {{cpu: 100m, memory: 256Mi}}\n  env:\n    variables:\n      REPORT_NUMBER: \"{n}\"\n      LOG_LEVEL: info\n      POD_NAME:\n        fieldRef: {{fieldPath: metadata.name}}\n    secrets:\n      DATABASE_URL:\n        secretRef: {{name: reports-database, key: url}}\n  command: [python, /app/report.py]\n  args: [--number, \"{n}\"]\n  configMaps:\n    settings-{n}: |\n      [report]\n      number = {n}\n      retries = 3\n  volumeMounts:\n    - name: settings\n      mountPath: /etc/report\n      configMap: {{name: settings-{n}}}\n  backoffLimit: 3\n  activeDeadlineSeconds: 3600\n  ttlSecondsAfterFinished: 86400\n  restartPolicy: Never\n"
        );
        fs::write(folder.join(format!("{n:04}.yaml")), text).expect("the target folder is writable");
    }
}

/// Writes what the manifests become, and the kustomization that names it.
fn write_plain(daphnia: &dyn Fn() -> Command, folder: &Path) {
    let mut command = daphnia();
    command.arg("-o").arg(folder).stderr(Stdio::null());
    assert!(command.status().expect("the program starts").success(), "{command:?}");
    let mut names: Vec<String> = fs::read_dir(folder)
        .expect("the objects are written")
        .map(|entry| entry.expect("the folder is readable").file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    let mut kustomization =
        "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources:\n".to_owned();
    names.iter().for_each(|name| {
        let _ = writeln!(kustomization, "  - {name}");
    });
    fs::write(folder.join("kustomization.yaml"), kustomization).expect("the target folder is writable");
}
