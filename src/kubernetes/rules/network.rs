//! Services, Ingresses and NetworkPolicies.

use super::{Findings, bounded, field, fields, formatted, items, number, selector, text, unique};
use crate::yaml::Node;

pub(super) fn service(object: &Node, findings: &mut Findings<'_>) {
    let Some(spec) = field(object, "spec") else { return };
    let kind = match text(spec, "type") {
        "" => "ClusterIP",
        kind => kind,
    };
    let ports = items(spec, "ports");
    let is_headless = text(spec, "clusterIP") == "None";
    if ports.is_empty() && kind != "ExternalName" && !is_headless {
        findings.missing(spec, "ports", "a Service has one or more", "add `ports: [{port: 80}]`");
    }
    if kind == "ExternalName" {
        external(spec, findings);
    }
    if let Some(node) =
        field(spec, "clusterIP").filter(|_| is_headless && matches!(kind, "NodePort" | "LoadBalancer"))
    {
        findings.broken(node, format!("cannot be None with `type: {kind}`"), "remove it");
    }
    unique(ports, "name", findings);
    for (index, port) in ports.iter().enumerate() {
        service_port(port, ports, index, kind, findings);
    }
    let is_outside = matches!(kind, "NodePort" | "LoadBalancer") || !items(spec, "externalIPs").is_empty();
    if let Some(node) = field(spec, "externalTrafficPolicy").filter(|n| !is_outside && n.as_str() != Some(""))
    {
        findings.broken(
            node,
            "can only be given where traffic comes from outside",
            "remove it, or set `type: NodePort` or `type: LoadBalancer`",
        );
    }
    let timeout = fields(spec, &["sessionAffinityConfig", "clientIP", "timeoutSeconds"]);
    if text(spec, "sessionAffinity") == "ClientIP" {
        bounded(timeout, 1, 86_400, findings);
    }
    for family in items(spec, "ipFamilies") {
        if !matches!(family.as_str(), Some("IPv4" | "IPv6")) {
            findings.broken(family, "must be `IPv4` or `IPv6`", "write one of the two");
        }
    }
    if kind != "LoadBalancer" {
        for name in ["loadBalancerClass", "loadBalancerSourceRanges"] {
            if let Some(node) =
                field(spec, name).filter(|node| node.as_list().is_none_or(|list| !list.is_empty()))
            {
                findings.broken(node, "needs `type: LoadBalancer`", "set that type, or remove it");
            }
        }
    }
    for (key, value) in super::entries(field(spec, "selector")) {
        formatted(Some(value), "label-value", findings);
        if let Some(Err(why)) = crate::schema::format::check("label-key", &key.text) {
            findings.broken(value, "has a key that no label can have", why);
        }
    }
}

fn external(spec: &Node, findings: &mut Findings<'_>) {
    if let Some(node) = field(spec, "clusterIP").filter(|node| node.as_str() != Some("")) {
        findings.broken(node, "cannot be given with `type: ExternalName`", "remove it");
    }
    match text(spec, "externalName") {
        "" => findings.missing(
            spec,
            "externalName",
            "`type` is ExternalName",
            "add the host's name, for example `db.example.com`",
        ),
        name => {
            let bare = name.strip_suffix('.').unwrap_or(name);
            if let (Some(node), Some(Err(why))) =
                (field(spec, "externalName"), crate::schema::format::check("dns-subdomain", bare))
            {
                findings.broken(node, "must be a host's name", why);
            }
        }
    }
}

fn service_port(port: &Node, ports: &[Node], index: usize, kind: &str, findings: &mut Findings<'_>) {
    if ports.len() > 1 && text(port, "name").is_empty() {
        findings.missing(
            port,
            "name",
            "a Service of several ports names each",
            "add `name`, for example `name: http`",
        );
    }
    if !text(port, "name").is_empty() {
        formatted(field(port, "name"), "dns-label", findings);
    }
    formatted(field(port, "appProtocol"), "label-key", findings);
    let node_port = field(port, "nodePort").filter(|node| node.as_i64() != Some(0));
    if let Some(node) = node_port.filter(|_| !matches!(kind, "NodePort" | "LoadBalancer")) {
        findings.broken(
            node,
            format!("cannot be given with `type: {kind}`"),
            "remove it, or set `type: NodePort`",
        );
    }
    for name in ["port", "nodePort"] {
        let Some(own) = number(port, name).filter(|own| *own != 0) else { continue };
        let same = |other: &&Node| number(other, name) == Some(own) && protocol(other) == protocol(port);
        if let (Some(first), Some(node)) = (ports[..index].iter().find(same), field(port, name)) {
            findings.duplicate(node, field(first, name).unwrap_or(first));
        }
    }
    // Ports are numbers or names; a number of 0 means the same as `port`.
    bounded(field(port, "nodePort"), 0, 65535, findings);
}

fn protocol(port: &Node) -> &str {
    Some(text(port, "protocol")).filter(|protocol| !protocol.is_empty()).unwrap_or("TCP")
}

pub(super) fn ingress(object: &Node, findings: &mut Findings<'_>) {
    let Some(spec) = field(object, "spec") else {
        return findings.missing(object, "spec", "an Ingress needs rules", "add `spec.rules`");
    };
    if items(spec, "rules").is_empty() && field(spec, "defaultBackend").is_none() {
        findings.broken(spec, "must have `rules` or a `defaultBackend`", "add one of them");
    }
    if let Some(given) = field(spec, "defaultBackend") {
        backend(given, findings);
    }
    for rule in items(spec, "rules") {
        let host = text(rule, "host");
        if let Some(node) = field(rule, "host").filter(|_| !host.is_empty()) {
            let bare = host.strip_prefix("*.").unwrap_or(host);
            if host.parse::<std::net::IpAddr>().is_ok() {
                findings.broken(
                    node,
                    "must be a name, not an address",
                    "write the host's name, or remove it",
                );
            } else if let Some(Err(why)) = crate::schema::format::check("dns-subdomain", bare) {
                findings.broken(node, "must be a host's name", why);
            }
        }
        let Some(http) = field(rule, "http") else { continue };
        if items(http, "paths").is_empty() {
            findings.broken(http, "needs a path", "add one to `paths`");
        }
        for path in items(http, "paths") {
            let is_rooted = text(path, "path").starts_with('/');
            let kind = text(path, "pathType");
            if matches!(kind, "Exact" | "Prefix") && !is_rooted {
                let node = field(path, "path").unwrap_or(path);
                findings.broken(
                    node,
                    format!("must begin with `/` with `pathType: {kind}`"),
                    "write for example `/`",
                );
            } else if !text(path, "path").is_empty() && !is_rooted {
                let node = field(path, "path").unwrap_or(path);
                findings.broken(node, "must begin with `/`", "write it with a `/` in front");
            }
            let bad = ["//", "/./", "/../", "%2f", "%2F"];
            if let Some(node) = field(path, "path")
                && matches!(kind, "Exact" | "Prefix")
                && (bad.iter().any(|bad| text(path, "path").contains(bad))
                    || text(path, "path").ends_with("/..")
                    || text(path, "path").ends_with("/."))
            {
                findings.broken(node, "must not have `//`, `/./`, `/../` or `%2f`", "write the plain path");
            }
            if let Some(given) = field(path, "backend") {
                backend(given, findings);
            }
        }
    }
}

fn backend(backend: &Node, findings: &mut Findings<'_>) {
    match (field(backend, "service"), field(backend, "resource")) {
        (None, None) => {
            findings.broken(
                backend,
                "must have `service` or `resource`",
                "add `service` with `name` and `port`",
            );
        }
        (Some(_), Some(second)) => {
            findings.broken(second, "cannot be given beside `service`", "keep one of the two");
        }
        (Some(service), None) => {
            let port = field(service, "port");
            let (name, number) = port.map_or((false, false), |p| {
                (!text(p, "name").is_empty(), number(p, "number").unwrap_or(0) != 0)
            });
            if name == number {
                findings.broken(
                    port.unwrap_or(service),
                    "must say its port by `name` or by `number`",
                    "write `port: {number: 80}`",
                );
            }
            bounded(port.and_then(|port| field(port, "number")), 0, 65535, findings);
            formatted(field(service, "name"), "dns-label", findings);
        }
        _ => {}
    }
}

pub(super) fn policy(object: &Node, findings: &mut Findings<'_>) {
    let Some(spec) = field(object, "spec") else { return };
    if let Some(given) = field(spec, "podSelector") {
        selector::check(given, findings);
    }
    for rule in items(spec, "ingress").iter().chain(items(spec, "egress")) {
        for port in items(rule, "ports") {
            if let Some(end) = field(port, "endPort") {
                let first = number(port, "port");
                if first.is_none() || end.as_i64() < first {
                    findings.broken(
                        end,
                        "needs a `port` that is a number and not above it",
                        "give the range's first port as `port`",
                    );
                }
            }
            let number = field(port, "port").filter(|node| node.as_i64().is_some());
            bounded(number, 1, 65535, findings);
            formatted(field(port, "port"), "port-name", findings);
        }
        items(rule, "from").iter().chain(items(rule, "to")).for_each(|peer| self::peer(peer, findings));
    }
}

fn peer(peer: &Node, findings: &mut Findings<'_>) {
    let selectors = ["podSelector", "namespaceSelector"].map(|name| field(peer, name));
    let block = field(peer, "ipBlock");
    let count = selectors.iter().flatten().count();
    selectors.into_iter().flatten().for_each(|given| selector::check(given, findings));
    match block {
        None if count == 0 => {
            findings.broken(
                peer,
                "must say who is meant",
                "add `podSelector`, `namespaceSelector` or `ipBlock`",
            );
        }
        Some(block) if count > 0 => {
            findings.broken(block, "cannot be given beside selectors", "write an item for each");
        }
        Some(block) => {
            let cidrs = field(block, "cidr").into_iter().chain(items(block, "except"));
            for cidr in cidrs {
                let Some(text) = cidr.as_str() else { continue };
                let is_range = text.split_once('/').is_some_and(|(address, bits)| {
                    let max = if address.contains(':') { 128 } else { 32 };
                    address.parse::<std::net::IpAddr>().is_ok() && bits.parse::<u8>().is_ok_and(|b| b <= max)
                });
                if !is_range {
                    findings.broken(cidr, "must be a range of addresses", "write for example `10.0.0.0/8`");
                }
            }
        }
        None => {}
    }
}
