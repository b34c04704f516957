//! What the server refuses about single fields though its schemas do not say so. Each was seen on a server.

use serde_json::{Map, Value, json};

const FROM_0: &str = r#"{"minimum": 0}"#;
const FROM_1: &str = r#"{"minimum": 1}"#;
const PERCENT: &str = r#"{"minimum": 0, "format": "int-or-percent"}"#;
const WEIGHT: &str = r#"{"minimum": 1, "maximum": 100}"#;
const PORT: &str = r#"{"minimum": 1, "maximum": 65535}"#;
const NAMED_PORT: &str = r#"{"minimum": 1, "maximum": 65535, "format": "port-name"}"#;
const PORT_NAME: &str = r#"{"if": {"minLength": 1}, "then": {"format": "port-name"}}"#;
const MODE: &str = r#"{"minimum": 0, "maximum": 511}"#;
const ID: &str = r#"{"minimum": 0, "maximum": 2147483647}"#;
const TEXT: &str = r#"{"minLength": 1}"#;
const ITEMS: &str = r#"{"minItems": 1}"#;
const LABEL: &str = r#"{"format": "dns-label"}"#;
const SUBDOMAIN: &str = r#"{"format": "dns-subdomain"}"#;
const AMOUNTS: &str = r#"{"additionalProperties": {"minimum": 0, "format": "positive-quantity"}}"#;

type Rows = &'static [(&'static [&'static str], &'static [&'static str], &'static str)];

/// Types, their fields, what is added to the schema of each.
const LIMITS: Rows = &[
    (
        &["JobSpec"],
        &[
            "activeDeadlineSeconds",
            "backoffLimit",
            "backoffLimitPerIndex",
            "completions",
            "maxFailedIndexes",
            "parallelism",
            "ttlSecondsAfterFinished",
        ],
        FROM_0,
    ),
    (&["PodFailurePolicyOnExitCodesRequirement"], &["values"], ITEMS),
    (&["CronJobSpec"], &["schedule"], r#"{"format": "cron"}"#),
    (&["CronJobSpec"], &["timeZone"], TEXT),
    (
        &["CronJobSpec"],
        &["failedJobsHistoryLimit", "startingDeadlineSeconds", "successfulJobsHistoryLimit"],
        FROM_0,
    ),
    (
        &["DeploymentSpec"],
        &["minReadySeconds", "progressDeadlineSeconds", "replicas", "revisionHistoryLimit"],
        FROM_0,
    ),
    (&["StatefulSetSpec"], &["minReadySeconds", "replicas", "revisionHistoryLimit"], FROM_0),
    (&["DaemonSetSpec"], &["minReadySeconds", "revisionHistoryLimit"], FROM_0),
    (&["ReplicaSetSpec"], &["minReadySeconds", "replicas"], FROM_0),
    (&["RollingUpdateDeployment", "RollingUpdateDaemonSet"], &["maxSurge", "maxUnavailable"], PERCENT),
    (&["PodDisruptionBudgetSpec"], &["maxUnavailable", "minAvailable"], PERCENT),
    (&["HorizontalPodAutoscalerSpec"], &["maxReplicas"], FROM_1),
    (&["PodSpec"], &["containers"], ITEMS),
    (&["Container"], &["name"], LABEL),
    (&["Container"], &["image"], TEXT),
    (&["Container"], &["restartPolicy"], r#"{"enum": ["Always", "Never", "OnFailure"]}"#),
    (&["ContainerPort"], &["containerPort"], PORT),
    (&["ContainerPort"], &["name"], PORT_NAME),
    (&["EnvVar"], &["name"], r#"{"format": "relaxed-env-name"}"#),
    (&["SecretKeySelector", "ConfigMapKeySelector"], &["key"], r#"{"format": "config-key"}"#),
    (&["SecretKeySelector", "ConfigMapKeySelector"], &["name"], SUBDOMAIN),
    (&["SecretEnvSource", "ConfigMapEnvSource"], &["name"], SUBDOMAIN),
    (&["ObjectFieldSelector"], &["fieldPath"], TEXT),
    (&["ResourceFieldSelector"], &["resource"], TEXT),
    (&["ResourceRequirements"], &["limits", "requests"], AMOUNTS),
    (
        &["Probe"],
        &["failureThreshold", "initialDelaySeconds", "periodSeconds", "successThreshold", "timeoutSeconds"],
        FROM_0,
    ),
    (&["HTTPGetAction", "TCPSocketAction"], &["port"], NAMED_PORT),
    (&["GRPCAction"], &["port"], PORT),
    (&["ExecAction"], &["command"], ITEMS),
    (&["PodSecurityContext"], &["fsGroup", "runAsGroup", "runAsUser"], ID),
    (&["SecurityContext"], &["runAsGroup", "runAsUser"], ID),
    (&["VolumeMount"], &["mountPath", "name"], TEXT),
    (&["Volume"], &["name"], LABEL),
    (&["HostPathVolumeSource"], &["path"], TEXT),
    (&["PersistentVolumeClaimVolumeSource"], &["claimName"], TEXT),
    (&["ConfigMapVolumeSource"], &["name"], TEXT),
    (&["SecretVolumeSource"], &["secretName"], TEXT),
    (
        &["ConfigMapVolumeSource", "DownwardAPIVolumeSource", "ProjectedVolumeSource", "SecretVolumeSource"],
        &["defaultMode"],
        MODE,
    ),
    (&["DownwardAPIVolumeFile", "KeyToPath"], &["mode"], MODE),
    (&["DownwardAPIVolumeFile"], &["path"], TEXT),
    (&["KeyToPath"], &["key", "path"], TEXT),
    (&["NFSVolumeSource"], &["server"], TEXT),
    (&["NFSVolumeSource"], &["path"], r#"{"format": "absolute-path"}"#),
    (&["CSIVolumeSource"], &["driver"], TEXT),
    (&["PreferredSchedulingTerm", "WeightedPodAffinityTerm"], &["weight"], WEIGHT),
    (&["PodAffinityTerm", "TopologySpreadConstraint"], &["topologyKey"], r#"{"format": "label-key"}"#),
    (&["TopologySpreadConstraint"], &["maxSkew"], FROM_1),
    (&["LabelSelectorRequirement"], &["operator"], r#"{"enum": ["In", "NotIn", "Exists", "DoesNotExist"]}"#),
    (&["LabelSelectorRequirement", "NodeSelectorRequirement"], &["key"], r#"{"format": "label-key"}"#),
    (&["ServicePort"], &["port"], PORT),
    (
        &["ServicePort"],
        &["targetPort"],
        r#"{"minimum": 0, "maximum": 65535, "if": {"minLength": 1}, "then": {"format": "port-name"}}"#,
    ),
];

/// Fields without which the server refuses an object though its schema does not require them.
const REQUIRED: &[(&str, &[&str])] = &[
    ("ConfigMapKeySelector", &["name"]),
    ("Container", &["image"]),
    ("CronJob", &["spec"]),
    ("DaemonSet", &["spec"]),
    ("Deployment", &["spec"]),
    ("ExecAction", &["command"]),
    ("Job", &["spec"]),
    ("JobTemplateSpec", &["spec"]),
    ("Pod", &["spec"]),
    ("PodTemplateSpec", &["spec"]),
    ("ReplicaSet", &["spec"]),
    ("SecretKeySelector", &["name"]),
    ("Service", &["spec"]),
    ("StatefulSet", &["spec"]),
    ("ConfigMapEnvSource", &["name"]),
    ("ConfigMapVolumeSource", &["name"]),
    ("SecretEnvSource", &["name"]),
    ("SecretVolumeSource", &["secretName"]),
];

/// Types that say one thing in one of several ways.
const ONE_OF: &[(&str, &[&str])] = &[
    ("EnvFromSource", &["configMapRef", "secretRef"]),
    ("EnvVarSource", &["configMapKeyRef", "fieldRef", "fileKeyRef", "resourceFieldRef", "secretKeyRef"]),
    ("LifecycleHandler", &["exec", "httpGet", "sleep", "tcpSocket"]),
    ("Probe", &["exec", "grpc", "httpGet", "tcpSocket"]),
];

/// Adds them to the definition of a type.
pub(super) fn limit(type_name: &str, definition: &mut Value) {
    for (_, ways) in ONE_OF.iter().filter(|(name, _)| *name == type_name) {
        definition["oneOf"] = ways.iter().map(|way| json!({"required": [way]})).collect();
    }
    if type_name == "Volume" {
        // Its name and its source; without a source it is an emptyDir.
        definition["maxProperties"] = json!(2);
        definition["x-message"] = json!("has more than one source; give each a volume of its own");
    }
    if type_name == "EnvVar" {
        let empty = json!({"maxLength": 0, "x-message": "cannot be given beside `valueFrom`"});
        definition["if"] = json!({"required": ["valueFrom"]});
        definition["then"] = json!({"properties": {"value": empty}});
    }
    let rows = LIMITS.iter().filter(|(types, ..)| types.contains(&type_name));
    for (field, limits) in
        rows.flat_map(|(_, fields, limits)| fields.iter().map(move |field| (field, limits)))
    {
        let limits: Map<String, Value> = serde_json::from_str(limits).expect("a limit is JSON");
        let property = definition["properties"].get_mut(*field);
        merge(property.unwrap_or_else(|| panic!("{type_name} has no {field}")), limits);
    }
    for (_, fields) in REQUIRED.iter().filter(|(name, _)| *name == type_name) {
        require(definition, fields);
    }
}

pub(super) fn require(definition: &mut Value, fields: &[&str]) {
    let mut required = definition["required"].as_array().cloned().unwrap_or_default();
    for field in fields {
        if !required.contains(&json!(field)) {
            required.push(json!(field));
        }
    }
    definition["required"] = Value::Array(required);
}

fn merge(property: &mut Value, limits: Map<String, Value>) {
    for (keyword, value) in limits {
        match value {
            Value::Object(inner) if property.get(&keyword).is_some_and(Value::is_object) => {
                merge(&mut property[&keyword], inner);
            }
            value => property[&keyword] = value,
        }
    }
}
