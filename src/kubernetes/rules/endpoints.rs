//! Addresses behind a Service.

use std::net::IpAddr;

use super::{Findings, bounded, field, formatted, items, text, unique};
use crate::yaml::Node;

pub(super) fn endpoints(object: &Node, findings: &mut Findings<'_>) {
    for subset in items(object, "subsets") {
        let lists = ["addresses", "notReadyAddresses"].map(|name| items(subset, name));
        if lists.iter().all(|list| list.is_empty()) {
            findings.missing(subset, "addresses", "a subset has some", "add `addresses: [{ip: 10.0.0.1}]`");
        }
        for item in lists.into_iter().flatten() {
            address(field(item, "ip"), &|_| true, findings);
        }
        let ports = items(subset, "ports");
        unique(ports, "name", findings);
        for port in ports {
            if ports.len() > 1 && text(port, "name").is_empty() {
                findings.missing(port, "name", "there are several ports", "give each a name");
            }
            bounded(field(port, "port"), 1, 65535, findings);
            if !text(port, "name").is_empty() {
                formatted(field(port, "name"), "dns-label", findings);
            }
        }
    }
}

pub(super) fn slice(object: &Node, findings: &mut Findings<'_>) {
    let kind = text(object, "addressType");
    for item in items(object, "endpoints").iter().flat_map(|endpoint| items(endpoint, "addresses")) {
        match kind {
            "IPv4" => address(Some(item), &|ip| ip.is_ipv4(), findings),
            "IPv6" => address(Some(item), &|ip| ip.is_ipv6(), findings),
            _ => formatted(Some(item), "dns-subdomain", findings),
        }
    }
    for endpoint in
        items(object, "endpoints").iter().filter(|endpoint| items(endpoint, "addresses").is_empty())
    {
        findings.missing(endpoint, "addresses", "an endpoint has some", "add `addresses: [10.0.0.1]`");
    }
    let ports = items(object, "ports");
    for (index, port) in ports.iter().enumerate() {
        let name = text(port, "name");
        if let Some(first) = ports[..index].iter().find(|other| text(other, "name") == name) {
            let place = findings.place(first);
            let words = format!("has the name `{name}` of another port");
            let finding = findings.broken(port, words, "give each port its own `name`; one may have none");
            finding.related.push((place, "the other is here".into()));
        }
    }
}

fn address(node: Option<&Node>, is_due: &dyn Fn(IpAddr) -> bool, findings: &mut Findings<'_>) {
    let Some((node, text)) = node.and_then(|node| Some((node, node.as_str()?))) else { return };
    match text.parse::<IpAddr>() {
        Ok(ip) if is_due(ip) => {
            if let Some(range) = own_range(ip) {
                findings.broken(
                    node,
                    format!("must not be {range}"),
                    "write an address that all nodes reach",
                );
            }
        }
        _ => _ = findings.broken(node, "must be an address of its type", "write for example `10.0.0.1`"),
    }
}

/// Names the range of addresses that mean something else on each node.
fn own_range(ip: IpAddr) -> Option<&'static str> {
    let is_link_local = match ip {
        IpAddr::V4(ip) => ip.is_link_local() || (ip.octets()[..3] == [224, 0, 0]),
        IpAddr::V6(ip) => ip.is_unicast_link_local() || ip.segments()[0] & 0xff0f == 0xff02,
    };
    match () {
        () if ip.is_unspecified() => Some("the address of nothing"),
        () if ip.is_loopback() => Some("a loopback address"),
        () if is_link_local => Some("a link-local address"),
        () => None,
    }
}
