//! A kubeconfig, or the pod we run in → a connection.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::header::{HeaderValue, USER_AGENT};
use kube::config::{KubeConfigOptions, Kubeconfig, KubeconfigError};

use super::ahead::UnderWay;
use super::client::client;
use super::{Cluster, Listener, Memory};
use crate::diagnostic::{Class, Diagnostic, Diagnostics, did_you_mean};
use crate::source::{Place, Source, SourceKind, Sources};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

#[derive(Debug, Clone)]
pub struct ConnectOptions {
    /// In place of `$KUBECONFIG` and `~/.kube/config`.
    pub kubeconfig: Option<PathBuf>,
    pub context: Option<String>,
    pub namespace: Option<String>,
    /// How long the server may take to answer one request.
    pub request_timeout: Duration,
}

impl Default for ConnectOptions {
    fn default() -> Self {
        Self { kubeconfig: None, context: None, namespace: None, request_timeout: Duration::from_secs(30) }
    }
}

/// A way to a cluster, and who it is for those who wrote the kubeconfig.
pub struct Connection {
    pub(super) client: kube::Client,
    pub(super) context: Option<String>,
    /// All contexts of the kubeconfig, each with what it calls its cluster.
    pub(super) contexts: Vec<(String, String)>,
    pub(super) namespace: String,
    pub(super) server: String,
    pub(super) request_timeout: Duration,
    pub(super) under_way: UnderWay,
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("server", &self.server).finish_non_exhaustive()
    }
}

impl Connection {
    /// Finds out how to reach the cluster. No request is sent yet.
    pub async fn open(options: &ConnectOptions) -> Result<Connection, Diagnostics> {
        Connection::to(configure(options).await?, options)
    }

    /// The same, unless a program has to be run for it: one that asks for a password should know what for.
    pub async fn open_quietly(options: &ConnectOptions) -> Option<Result<Connection, Diagnostics>> {
        match configure(options).await {
            Ok(chosen) if chosen.runs_a_program() => None,
            Ok(chosen) => Some(Connection::to(chosen, options)),
            Err(errors) => Some(Err(errors)),
        }
    }

    fn to(chosen: Chosen, options: &ConnectOptions) -> Result<Connection, Diagnostics> {
        let Chosen { mut config, context, contexts } = chosen;
        config.connect_timeout = Some(CONNECT_TIMEOUT);
        // Its retries are silent and take minutes; ours are in `request`.
        config.default_retry = false;
        let agent = HeaderValue::from_static(concat!("daphnia/", env!("CARGO_PKG_VERSION")));
        config.headers.push((USER_AGENT, agent));
        let server = host_and_port(&config.cluster_url);
        let namespace = options.namespace.clone().unwrap_or_else(|| config.default_namespace.clone());
        let client = client(config).map_err(|error| broken_client(&error, &server))?;
        let request_timeout = options.request_timeout;
        let under_way = UnderWay::default();
        Ok(Connection { client, context, contexts, namespace, server, request_timeout, under_way })
    }
}

impl Cluster {
    /// Is to be told of all that happens from now on.
    pub fn new(connection: Arc<Connection>, sources: &Sources, listener: Listener) -> Cluster {
        let name = connection.context.clone().unwrap_or_else(|| connection.server.clone());
        let source = sources.add(Source::new(SourceKind::Cluster, name, ""));
        let place = Place::new(source, 0..0);
        Cluster { connection, place, listener, memory: Mutex::new(Memory::default()) }
    }
}

/// How to connect, and what the kubeconfig says of where to.
struct Chosen {
    config: kube::Config,
    context: Option<String>,
    contexts: Vec<(String, String)>,
}

impl Chosen {
    fn runs_a_program(&self) -> bool {
        let credentials = &self.config.auth_info;
        credentials.exec.is_some() || credentials.auth_provider.is_some()
    }
}

async fn configure(options: &ConnectOptions) -> Result<Chosen, Diagnostics> {
    let files = kubeconfig_files(options);
    if let Some(folder) = files.iter().find(|path| path.is_dir()) {
        let message = format!("the kubeconfig `{}` is a folder", folder.display());
        return Err(Diagnostic::unable("kubeconfig-broken", message)
            .help("name a file in it with `--kubeconfig FILE` or `KUBECONFIG`")
            .into());
    }
    let found: Vec<&PathBuf> = files.iter().filter(|path| path.is_file()).collect();
    if found.is_empty() {
        let is_left_open = options.kubeconfig.is_none() && options.context.is_none();
        return match kube::Config::incluster() {
            Ok(config) if is_left_open => Ok(Chosen { config, context: None, contexts: Vec::new() }),
            _ => Err(no_kubeconfig(&files).into()),
        };
    }
    let mut merged = Kubeconfig::default();
    for path in &found {
        let read = Kubeconfig::read_from(path).and_then(|next| merged.clone().merge(next));
        merged = read.map_err(|error| unreadable(path, &error))?;
    }
    let context = options.context.clone().or_else(|| merged.current_context.clone());
    let context = context.filter(|context| !context.is_empty());
    let names: Vec<String> = found.iter().map(|path| format!("`{}`", path.display())).collect();
    ensure_context(&merged, context.as_deref(), &names.join(", "))?;
    let contexts = merged.contexts.iter().map(|named| {
        let cluster = named.context.as_ref().map(|context| context.cluster.clone());
        (named.name.clone(), cluster.unwrap_or_default())
    });
    let contexts = contexts.collect();
    let chosen = KubeConfigOptions { context: context.clone(), ..KubeConfigOptions::default() };
    let config =
        kube::Config::from_custom_kubeconfig(merged, &chosen).await.map_err(|error| broken(&error))?;
    Ok(Chosen { config, context, contexts })
}

fn unreadable(path: &Path, error: &KubeconfigError) -> Diagnostic {
    let detail = error.to_string();
    // A parser's picture of the line does not fit into a sentence.
    let detail = detail.lines().next().unwrap_or_default();
    let detail = detail.strip_prefix("failed to parse kubeconfig YAML: error: ").unwrap_or(detail);
    Diagnostic::unable("kubeconfig-broken", format!("`{}` is no kubeconfig: {detail}", path.display()))
        .help("name another file with `--kubeconfig FILE` or `KUBECONFIG`")
}

fn kubeconfig_files(options: &ConnectOptions) -> Vec<PathBuf> {
    if let Some(path) = &options.kubeconfig {
        return vec![path.clone()];
    }
    match std::env::var_os("KUBECONFIG").filter(|paths| !paths.is_empty()) {
        Some(paths) => std::env::split_paths(&paths).filter(|path| !path.as_os_str().is_empty()).collect(),
        None => std::env::home_dir().map(|home| home.join(".kube/config")).into_iter().collect(),
    }
}

fn no_kubeconfig(files: &[PathBuf]) -> Diagnostic {
    let mut looked: Vec<String> = files.iter().map(|path| format!("`{}`", path.display())).collect();
    looked.push("the service account of a pod".to_owned());
    Diagnostic::unable("no-kubeconfig", "no cluster is configured")
        .help(format!("looked for {}", looked.join(", ")))
        .help("name a file with `--kubeconfig FILE` or `KUBECONFIG`")
}

fn ensure_context(config: &Kubeconfig, context: Option<&str>, files: &str) -> Result<(), Diagnostics> {
    let names: Vec<&str> = config.contexts.iter().map(|context| context.name.as_str()).collect();
    let listed = names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    let Some(context) = context else {
        let message = format!("the kubeconfig {files} names no current context");
        let error = Diagnostic::unable("no-context", message);
        return Err(match names.as_slice() {
            [] => error.help("it has no contexts at all: log in to a cluster first"),
            _ => error.help(format!("choose one with `--context NAME`; there are {listed}")),
        }
        .into());
    };
    if names.contains(&context) {
        return Ok(());
    }
    let error =
        Diagnostic::unable("unknown-context", format!("the kubeconfig {files} has no context `{context}`"));
    let error = match did_you_mean(context, names.iter().copied()) {
        Some(name) => error.help(format!("did you mean `{name}`?")),
        None if names.is_empty() => error.help("it has no contexts at all: log in to a cluster first"),
        None => error.help(format!("it has {listed}")),
    };
    Err(error.into())
}

fn broken(error: &KubeconfigError) -> Diagnostic {
    let error = match error {
        KubeconfigError::LoadClusterOfContext(name) => {
            format!("the context names the cluster `{name}`, which the kubeconfig does not have")
        }
        KubeconfigError::MissingClusterUrl => "the cluster of this context has no `server`".to_owned(),
        other => other.to_string(),
    };
    Diagnostic::unable("kubeconfig-broken", error)
}

fn broken_client(error: &kube::Error, server: &str) -> Diagnostic {
    let detail = super::request::chain(error);
    if matches!(error, kube::Error::Auth(_)) {
        return Diagnostic::error("unauthorized", format!("cannot get credentials for `{server}`: {detail}"))
            .class(Class::Unreachable)
            .help("run the login command of your cluster's provider, then try again");
    }
    Diagnostic::unable("kubeconfig-broken", format!("cannot set up a connection to `{server}`: {detail}"))
}

fn host_and_port(url: &http::Uri) -> String {
    let host = url.host().unwrap_or_default();
    let port = url.port_u16().unwrap_or(if url.scheme_str() == Some("http") { 80 } else { 443 });
    format!("{host}:{port}")
}
