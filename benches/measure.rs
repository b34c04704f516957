//! What the benches share: the shortest time of a program, and a Go tool to run beside ours.

#![allow(dead_code, reason = "each bench uses a part")]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const ROUNDS: usize = 5;

/// Says whether measurements are asked for: `cargo test --benches` asks for none.
pub fn is_asked_for() -> bool {
    std::env::args().any(|argument| argument == "--bench")
}

/// Returns the shortest time that a program takes from its start to its end.
pub fn shortest(command: &dyn Fn() -> Command) -> Duration {
    let run = |_| {
        let mut command = command();
        let start = Instant::now();
        let status =
            command.stdout(Stdio::null()).stderr(Stdio::null()).status().expect("the program starts");
        assert!(status.success(), "{command:?} ended with {status}");
        start.elapsed()
    };
    (0..ROUNDS).map(run).min().expect("there are rounds")
}

/// Builds a tool of the Go module in `benches/NAME`.
pub fn go_tool(name: &str, package: &str, folder: &Path) -> Result<PathBuf, String> {
    let program = folder.join(name);
    let module = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches").join(name);
    let built =
        Command::new("go").arg("build").arg("-C").arg(module).arg("-o").arg(&program).arg(package).status();
    match built {
        Ok(status) if status.success() => Ok(program),
        Ok(status) => Err(format!("not measured: `go build` ended with {status}")),
        Err(error) => Err(format!("not measured: Go is needed to build it ({error})")),
    }
}
