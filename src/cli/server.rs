//! What the commands that talk to a cluster share: which cluster, until when, and what an interruption does.

use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, ValueEnum};
use tokio::signal::unix::{SignalKind, signal};

use super::{Session, Status};
use crate::cluster::{Cluster, ConnectOptions, Listener, Readiness, State};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::object::Plan;
use crate::report::{LogPrefix, Narrator, tell_event};

/// Which cluster, as in kubectl.
#[derive(Debug, Clone, Args)]
pub(super) struct ServerArgs {
    /// Kubeconfig to use instead of $KUBECONFIG and ~/.kube/config
    #[arg(long, help_heading = "Cluster", value_name = "FILE")]
    kubeconfig: Option<PathBuf>,

    /// Context of the kubeconfig
    #[arg(long, help_heading = "Cluster", value_name = "NAME")]
    context: Option<String>,

    /// Namespace of objects that name none
    #[arg(short, long, help_heading = "Cluster", value_name = "NAME")]
    pub(super) namespace: Option<String>,

    /// How long the server may take to answer one request, for example 30s
    #[arg(long, help_heading = "Cluster", value_name = "TIME", default_value = "30s", value_parser = duration)]
    request_timeout: Duration,
}

/// How what happens is told, and whether it may be asked about.
#[derive(Debug, Clone, Args)]
pub(super) struct TellArgs {
    /// Do not ask
    #[arg(short, long)]
    pub(super) yes: bool,

    #[command(flatten)]
    pub(super) output: OutputArgs,
}

/// How what happens is told.
#[derive(Debug, Clone, Copy, Args)]
pub(super) struct OutputArgs {
    /// How it is told: as text for people, or as a line of JSON for each event
    #[arg(
        short,
        long,
        value_enum,
        value_name = "text|json",
        hide_possible_values = true,
        default_value = "text"
    )]
    output: Telling,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Telling {
    Text,
    Json,
}

impl ServerArgs {
    pub(super) fn options(&self) -> ConnectOptions {
        ConnectOptions {
            kubeconfig: self.kubeconfig.clone(),
            context: self.context.clone(),
            namespace: self.namespace.clone(),
            request_timeout: self.request_timeout,
        }
    }
}

impl TellArgs {
    /// Whether someone is there to say yes or no.
    pub(super) fn can_ask(&self) -> bool {
        !self.yes && std::io::stdin().is_terminal()
    }
}

/// Reads `90`, `90s`, `15m`, `2h`.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match &text[digits.len()..] {
        "" | "s" => 1,
        "m" => 60,
        "h" => 3600,
        other => return Err(format!("`{other}` is no unit of time; write s, m or h")),
    };
    let number: u64 =
        digits.parse().map_err(|_| format!("`{text}` is no time; write for example 90s or 15m"))?;
    number.checked_mul(unit).map(Duration::from_secs).ok_or_else(|| format!("`{text}` is too long"))
}

/// Waits for the signal that ends the process; returns the status that tells which.
pub(super) async fn interruption() -> Status {
    let terminated = async {
        match signal(SignalKind::terminate()) {
            Ok(mut signals) => signals.recv().await,
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => Status::INTERRUPTED,
        _ = terminated => Status::TERMINATED,
    }
}

/// Tells everything that happens.
pub(super) fn narrator(prefix: Option<LogPrefix>) -> Listener {
    let narrator = Narrator::new(prefix);
    Arc::new(move |progress| narrator.tell(&progress))
}

impl Session {
    /// Does the work of a command that may ask, and tells what happens from its beginning to its end.
    pub(super) fn tell_and_ask(
        args: &TellArgs,
        command: &str,
        work: impl FnOnce(&mut Session) -> Result<Status, Status>,
    ) -> Status {
        Session::default().tell(args.output, command, |session| {
            if session.report.tells_events && args.can_ask() {
                let finding = Diagnostic::unable("usage", "among events there is no place for a question");
                return Err(
                    session.refuse(finding.help("agree beforehand with `--yes`, or leave `-o json` out"))
                );
            }
            work(session)
        })
    }

    /// Does the work of a command, and tells what happens from its beginning to its end.
    pub(super) fn tell(
        mut self,
        args: OutputArgs,
        command: &str,
        work: impl FnOnce(&mut Session) -> Result<Status, Status>,
    ) -> Status {
        self.report.tells_events = args.output == Telling::Json;
        self.report.began(command);
        let (Ok(status) | Err(status)) = work(&mut self);
        self.report.ended(status.0);
        status
    }

    /// Tells everything that happens, as lines or as events. Who follows logs says how their lines are told apart.
    pub(super) fn teller(&self, prefix: Option<LogPrefix>) -> Listener {
        if self.report.tells_events { Arc::new(|progress| tell_event(&progress)) } else { narrator(prefix) }
    }

    /// Runs the part of a command that talks to a cluster, until it ends or is interrupted.
    pub(super) fn block_on<T>(&self, work: impl Future<Output = Result<T, Status>>) -> Result<T, Status> {
        self.link.runtime().block_on(async {
            tokio::select! {
                result = work => result,
                status = interruption() => Err(status),
            }
        })
    }

    pub(super) async fn connect(&self, args: &ServerArgs, listener: Listener) -> Result<Cluster, Status> {
        let is_first = !self.link.is_connected();
        let connection = self.told(self.link.connection(&args.options()).await)?;
        let cluster = Cluster::new(connection, &self.sources, listener);
        if is_first {
            self.report.connected(&cluster);
        }
        self.told(cluster.ensure_meant(&self.targets))?;
        Ok(cluster)
    }

    /// What the server is to name has nothing to be compared with, and would be created anew each time.
    pub(super) fn ensure_named(&self, plan: &Plan) -> Result<(), Status> {
        let nameless = plan.objects.iter().find(|object| object.node.at(["metadata", "name"]).is_none());
        let Some(object) = nameless else { return Ok(()) };
        let message =
            format!("{} has a `generateName` and no `name`: there is nothing to compare it with", object.id);
        let finding =
            Diagnostic::unable("generated-name", message).at(object.origin(["metadata", "generateName"]));
        Err(self.refuse(finding.help("dispatch it with `daphnia run`, or give it a `name`")))
    }

    /// Prints what went wrong and turns it into a status.
    pub(super) fn told<T>(&self, result: Result<T, Diagnostics>) -> Result<T, Status> {
        result.map_err(|Diagnostics(findings)| {
            self.report.findings(&findings, &self.sources);
            Status::of_findings(&findings)
        })
    }

    /// A refusal of the command line, told like everything else.
    pub(super) fn refuse(&self, finding: Diagnostic) -> Status {
        self.refuse_all(&[finding])
    }

    pub(super) fn refuse_all(&self, findings: &[Diagnostic]) -> Status {
        self.report.findings(findings, &self.sources);
        Status::of_findings(findings)
    }
}

/// Returns the status that waiting ended with.
pub(super) fn status_of(readiness: &[Readiness]) -> Status {
    let is_failed =
        readiness.iter().any(|one| matches!(one.state, State::Failed { .. } | State::Undecided { .. }));
    let is_late = readiness.iter().any(|one| matches!(one.state, State::TimedOut { .. }));
    match (is_failed, is_late) {
        (true, _) => Status::FOUND,
        (false, true) => Status::TIMED_OUT,
        (false, false) => Status::DONE,
    }
}
