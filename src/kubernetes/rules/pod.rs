//! Pods, wherever they are described.

use super::{
    Findings, affinity, bounded, container, earlier, entries, field, formatted, host, items, spread, text,
    volume,
};
use crate::yaml::{Node, Value};

const MAX_NAMESERVERS: usize = 3;
const MAX_SEARCHES: usize = 32;

/// A pod's spec, with what its containers may mount beside its own volumes.
#[derive(Clone, Copy)]
pub(super) struct Pod<'n> {
    pub spec: &'n Node,
    pub claims: &'n [Node],
}

impl<'n> Pod<'n> {
    /// Finds a volume, or a claim that becomes one, by name.
    pub fn volume(self, name: &str) -> Option<&'n Node> {
        let is_claim = |claim: &&Node| field(claim, "metadata").is_some_and(|m| text(m, "name") == name);
        let volumes = items(self.spec, "volumes").iter().find(|volume| text(volume, "name") == name);
        volumes.or_else(|| self.claims.iter().find(is_claim))
    }
}

pub(super) fn pod(object: &Node, findings: &mut Findings<'_>) {
    if let Some(spec) = field(object, "spec") {
        check(Pod { spec, claims: &[] }, findings);
        host::images(spec, findings);
    }
}

pub(super) fn template(template: &Node, findings: &mut Findings<'_>) {
    template_with(template, &[], findings);
}

pub(super) fn template_with(template: &Node, claims: &[Node], findings: &mut Findings<'_>) {
    if let Some(spec) = field(template, "spec") {
        check(Pod { spec, claims }, findings);
    }
    if let Some(given) = field(template, "spec").and_then(|spec| field(spec, "ephemeralContainers"))
        && given.as_list().is_some_and(|list| !list.is_empty())
    {
        findings.broken(
            given,
            "cannot be given in a pod template",
            "remove it: they are added to running pods",
        );
    }
}

fn check(pod: Pod<'_>, findings: &mut Findings<'_>) {
    let spec = pod.spec;
    let (containers, inits) = (items(spec, "containers"), items(spec, "initContainers"));
    for (index, item) in containers.iter().chain(inits).enumerate() {
        let Some(name) = field(item, "name") else { continue };
        if let Some(first) = earlier(containers.iter().chain(inits).take(index), "name", name) {
            findings.duplicate(name, first);
        }
    }
    host::check(spec, findings);
    volume::volumes(spec, findings);
    containers.iter().for_each(|item| container::check(item, pod, false, findings));
    inits.iter().for_each(|item| container::check(item, pod, true, findings));
    container::host_ports(containers, findings);
    inits.iter().for_each(|item| container::host_ports(std::slice::from_ref(item), findings));
    if super::is_true(spec, "hostNetwork") {
        host_network(containers, findings);
    }
    bounded(field(spec, "activeDeadlineSeconds"), 1, i64::from(i32::MAX), findings);
    names(spec, findings);
    items(spec, "tolerations").iter().for_each(|item| toleration(item, findings));
    spread::constraints(items(spec, "topologySpreadConstraints"), findings);
    if let Some(given) = field(spec, "affinity") {
        affinity::check(given, findings);
    }
    dns(spec, findings);
    for alias in items(spec, "hostAliases") {
        address(field(alias, "ip"), findings);
        items(alias, "hostnames").iter().for_each(|name| formatted(Some(name), "dns-subdomain", findings));
    }
    if let Some(context) = field(spec, "securityContext") {
        security(context, findings);
    }
}

fn names(spec: &Node, findings: &mut Findings<'_>) {
    for (name, format) in [
        ("hostname", "dns-label"),
        ("subdomain", "dns-label"),
        ("serviceAccountName", "dns-subdomain"),
        ("nodeName", "dns-subdomain"),
        ("priorityClassName", "dns-subdomain"),
        ("runtimeClassName", "dns-subdomain"),
    ] {
        if !text(spec, name).is_empty() {
            formatted(field(spec, name), format, findings);
        }
    }
    for (key, value) in entries(field(spec, "nodeSelector")) {
        formatted(Some(value), "label-value", findings);
        if let Some(Err(why)) = crate::schema::format::check("label-key", &key.text) {
            findings.broken(value, "has a key that no label can have", why);
        }
    }
    items(spec, "readinessGates")
        .iter()
        .for_each(|gate| formatted(field(gate, "conditionType"), "label-key", findings));
    super::unique(items(spec, "schedulingGates"), "name", findings);
}

fn toleration(item: &Node, findings: &mut Findings<'_>) {
    let (key, operator, effect) = (text(item, "key"), text(item, "operator"), text(item, "effect"));
    if key.is_empty() && operator != "Exists" {
        findings.broken(
            item,
            "has no `key`, which needs `operator: Exists`",
            "add a `key`, or `operator: Exists` to tolerate every taint",
        );
    } else if !key.is_empty() {
        formatted(field(item, "key"), "label-key", findings);
    }
    if let Some(seconds) = field(item, "tolerationSeconds").filter(|_| effect != "NoExecute") {
        findings.broken(
            seconds,
            "needs `effect: NoExecute` beside it",
            "set that effect, or remove the seconds",
        );
    }
    let Some(value) = field(item, "value") else { return };
    if operator == "Exists" && value.as_str() != Some("") {
        findings.broken(
            value,
            "cannot be given with `operator: Exists`",
            "remove it, or write `operator: Equal`",
        );
    } else if matches!(operator, "" | "Equal") {
        formatted(Some(value), "label-value", findings);
    }
}

fn dns(spec: &Node, findings: &mut Findings<'_>) {
    let config = field(spec, "dnsConfig");
    let servers = config.map_or(&[][..], |config| items(config, "nameservers"));
    if text(spec, "dnsPolicy") == "None" && servers.is_empty() {
        findings.missing(
            config.unwrap_or(spec),
            if config.is_some() { "nameservers" } else { "dnsConfig" },
            "`dnsPolicy` is None",
            "add `dnsConfig.nameservers`, or another `dnsPolicy`",
        );
    }
    let Some(config) = config else { return };
    for (name, max) in [("nameservers", MAX_NAMESERVERS), ("searches", MAX_SEARCHES)] {
        if let Some(node) = field(config, name).filter(|_| items(config, name).len() > max) {
            findings.broken(node, format!("may have at most {max} items"), "remove some");
        }
    }
    servers.iter().for_each(|server| address(Some(server), findings));
    let is_ok = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_' | b'.');
    for search in items(config, "searches") {
        if !search.as_str().is_some_and(|name| !name.is_empty() && name.bytes().all(is_ok)) {
            findings.broken(search, "must be a domain in lower case", "write for example `example.com`");
        }
    }
    for option in items(config, "options") {
        if text(option, "name").is_empty() {
            findings.missing(option, "name", "an option has a name", "add `name`, for example `ndots`");
        }
    }
}

/// Reports what is no IP address.
pub(super) fn address(node: Option<&Node>, findings: &mut Findings<'_>) {
    let Some((node, text)) = node.and_then(|node| Some((node, node.as_str()?))) else { return };
    if text.parse::<std::net::IpAddr>().is_err() {
        findings.broken(node, format!("must be an IP address, not `{text}`"), "write for example `10.9.8.7`");
    }
}

fn host_network(containers: &[Node], findings: &mut Findings<'_>) {
    for port in containers.iter().flat_map(|container| items(container, "ports")) {
        let Some(host) = field(port, "hostPort").filter(|host| host.as_i64() != Some(0)) else { continue };
        if Some(&host.value) != field(port, "containerPort").map(|node| &node.value) {
            findings.broken(
                host,
                "must be the same as `containerPort`: the pod is on the host's network",
                "remove `hostPort`, or make both the same",
            );
        }
    }
}

fn security(context: &Node, findings: &mut Findings<'_>) {
    let group =
        |node: &Node, findings: &mut Findings<'_>| bounded(Some(node), 0, i64::from(i32::MAX), findings);
    items(context, "supplementalGroups").iter().for_each(|node| group(node, findings));
    let sysctls = items(context, "sysctls");
    super::unique(sysctls, "name", findings);
    for sysctl in sysctls {
        let name = text(sysctl, "name");
        let is_ok =
            |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_' | b'.' | b'/');
        if name.is_empty() || !name.bytes().all(is_ok) {
            let node = field(sysctl, "name").unwrap_or(sysctl);
            findings.broken(
                node,
                "is no name of a kernel parameter",
                "write for example `net.core.somaxconn`",
            );
        }
    }
    profiles(context, findings);
}

/// A seccomp or AppArmor profile: a file is named exactly if the profile is one.
pub(super) fn profiles(context: &Node, findings: &mut Findings<'_>) {
    for name in ["seccompProfile", "appArmorProfile"] {
        let Some(profile) = field(context, name) else { continue };
        let file = field(profile, "localhostProfile");
        match (text(profile, "type") == "Localhost", file) {
            (true, None) => findings.missing(
                profile,
                "localhostProfile",
                "`type` is Localhost",
                "add the profile's name on the node",
            ),
            (false, Some(file)) => {
                findings.broken(file, "needs `type: Localhost` beside it", "remove it, or set that type");
            }
            (true, Some(file)) if matches!(&file.value, Value::String(text) if text.trim().is_empty()) => {
                findings.broken(file, "must not be empty", "write the profile's name on the node");
            }
            (true, Some(file)) if name == "seccompProfile" => volume::descending(Some(file), findings),
            _ => {}
        }
    }
}
