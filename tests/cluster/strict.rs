//! A published OpenAPI schema → a strict JSON Schema: what the server would refuse is refused.

use serde_json::{Map, Value, json};

use super::limits::{limit, require};

const META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";

/// Fields that the server fills in where they are empty, though its schema does not list the empty text.
const DEFAULTED: &[(&str, &[&str])] = &[
    ("Container", &["imagePullPolicy", "terminationMessagePolicy"]),
    ("ContainerPort", &["protocol"]),
    ("CronJobSpec", &["concurrencyPolicy"]),
    ("DaemonSetUpdateStrategy", &["type"]),
    ("DeploymentStrategy", &["type"]),
    ("EphemeralContainer", &["imagePullPolicy", "terminationMessagePolicy"]),
    ("HTTPGetAction", &["scheme"]),
    ("PersistentVolumeSpec", &["persistentVolumeReclaimPolicy"]),
    ("PodSpec", &["dnsPolicy", "restartPolicy"]),
    ("ServicePort", &["protocol"]),
    ("ServiceSpec", &["externalTrafficPolicy", "sessionAffinity", "type"]),
    ("StatefulSetSpec", &["podManagementPolicy"]),
    ("StatefulSetUpdateStrategy", &["type"]),
    ("StorageClass", &["reclaimPolicy"]),
    ("Toleration", &["effect", "operator"]),
];

/// Fields that the server's schema requires and the server does not.
const OPTIONAL: &[(&str, &[&str])] = &[
    ("CustomResourceDefinitionVersion", &["served"]),
    ("HTTPHeader", &["value"]),
    ("LimitRangeSpec", &["limits"]),
    ("PodFailurePolicy", &["rules"]),
    ("PreferredSchedulingTerm", &["preference"]),
    ("Sysctl", &["value"]),
];

fn listed(table: &'static [(&str, &[&str])], type_name: &str) -> &'static [&'static str] {
    table.iter().find(|(name, _)| *name == type_name).map_or(&[], |(_, fields)| fields)
}

/// Makes one definition strict.
pub(super) fn definition(name: &str, schema: &Value) -> Value {
    match name {
        "io.k8s.apimachinery.pkg.api.resource.Quantity" => {
            return json!({"type": ["string", "number"], "format": "quantity"});
        }
        "io.k8s.apimachinery.pkg.util.intstr.IntOrString" => {
            return json!({"type": ["integer", "string"], "minimum": i32::MIN, "maximum": i32::MAX});
        }
        _ => {}
    }
    let mut strict = tighten(schema);
    let type_name = name.rsplit('.').next().unwrap_or(name);
    for field in listed(DEFAULTED, type_name) {
        let values = strict["properties"][field]["enum"].as_array_mut();
        values.unwrap_or_else(|| panic!("{name}.{field} has no values")).push(json!(""));
    }
    for field in listed(OPTIONAL, type_name) {
        strict["required"].as_array_mut().expect("fields are required").retain(|name| name != field);
    }
    limit(type_name, &mut strict);
    if name == META {
        strict["properties"]["labels"]["propertyNames"] = json!({"format": "label-key"});
        strict["properties"]["labels"]["additionalProperties"]["format"] = json!("label-value");
        strict["properties"]["annotations"]["propertyNames"] = json!({"format": "annotation-key"});
    }
    strict
}

/// Ties a definition to its one kind, and says that it has a name, and of what form.
pub(super) fn identify(definition: &mut Value, group_version: &str, kind: &str) {
    definition["properties"]["apiVersion"] = json!({"const": group_version});
    definition["properties"]["kind"] = json!({"const": kind});
    require(definition, &["apiVersion", "kind"]);
    let group = group_version.split_once('/').map_or("", |(group, _)| group);
    // The server names a LimitRange itself.
    if ["Binding", "LimitRange"].contains(&kind)
        || ["authentication.k8s.io", "authorization.k8s.io"].contains(&group)
    {
        return;
    }
    require(definition, &["metadata"]);
    let metadata = &mut definition["properties"]["metadata"];
    metadata["anyOf"] = json!([{"required": ["name"]}, {"required": ["generateName"]}]);
    if let Some(format) = name_format(group, kind) {
        metadata["properties"] = json!({"name": {"format": format}});
    }
}

/// What the server asks of names, where that is one of the usual rules.
fn name_format(group: &str, kind: &str) -> Option<&'static str> {
    match (group, kind) {
        // A Service's name may begin with a digit on newer servers.
        ("", "Namespace" | "Service") => Some("dns-label"),
        ("", "Event") | ("networking.k8s.io", "IPAddress" | "ServiceCIDR") => None,
        ("" | "apps" | "batch" | "autoscaling" | "policy" | "networking.k8s.io", _) => Some("dns-subdomain"),
        ("scheduling.k8s.io" | "storage.k8s.io" | "apiextensions.k8s.io", _) => Some("dns-subdomain"),
        _ => None,
    }
}

fn tighten(schema: &Value) -> Value {
    let Some(members) = schema.as_object() else { return schema.clone() };
    let mut strict: Map<String, Value> = Map::new();
    for (keyword, value) in members {
        match keyword.as_str() {
            // Descriptions are kept elsewhere; the rest says nothing about what is valid.
            "description" | "x-kubernetes-group-version-kind" | "x-kubernetes-unions" | "nullable" => {}
            "default" if is_nothing(value) => {}
            "$ref" => insert(&mut strict, keyword, json!(local(value))),
            "format" => strict.append(&mut format(value)),
            "properties" => {
                let fields = value.as_object().into_iter().flatten();
                let fields: Map<String, Value> =
                    fields.map(|(name, field)| (name.clone(), tighten(field))).collect();
                insert(&mut strict, keyword, Value::Object(fields));
            }
            "items" | "additionalProperties" | "not" => insert(&mut strict, keyword, tighten(value)),
            "allOf" if value.as_array().is_some_and(|parts| parts.len() == 1) => {
                strict.append(tighten(&value[0]).as_object_mut().expect("a part is an object"));
            }
            "allOf" | "anyOf" | "oneOf" => {
                let parts = value.as_array().into_iter().flatten().map(tighten).collect();
                insert(&mut strict, keyword, Value::Array(parts));
            }
            _ => insert(&mut strict, keyword, value.clone()),
        }
    }
    let is_open = strict.contains_key("additionalProperties")
        || strict.get("x-kubernetes-preserve-unknown-fields") == Some(&json!(true));
    if strict.contains_key("properties") && !is_open {
        strict.insert("additionalProperties".into(), json!(false));
    }
    Value::Object(strict)
}

fn insert(members: &mut Map<String, Value>, keyword: &str, value: Value) {
    members.insert(keyword.to_owned(), value);
}

/// The server writes out what a field is without a default, too.
fn is_nothing(default: &Value) -> bool {
    default == &json!({}) || default == &json!("") || default == &json!(0) || default == &json!(false)
}

fn local(reference: &Value) -> String {
    let name = reference.as_str().and_then(|r| r.rsplit('/').next()).expect("a reference names a definition");
    format!("#/$defs/{name}")
}

/// Formats of numbers become bounds; those of strings stay if they are ever checked.
fn format(name: &Value) -> Map<String, Value> {
    let members = match name.as_str() {
        Some("int32") => json!({"minimum": i32::MIN, "maximum": i32::MAX}),
        Some("int64") => json!({"minimum": i64::MIN, "maximum": i64::MAX}),
        Some("byte") => json!({"format": "base64"}),
        Some("date-time") => json!({"format": "date-time"}),
        _ => json!({}),
    };
    members.as_object().cloned().unwrap_or_default()
}
