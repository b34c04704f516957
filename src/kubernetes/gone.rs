//! APIs that Kubernetes once served: since when they are gone, and what replaces them.

/// What to use instead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Instead {
    /// The same kind under another apiVersion.
    Version(&'static str),
    /// Something else, in words.
    Other(&'static str),
}

/// apiVersion, its kinds, since, instead. A new version of a group is a new line here.
const TABLE: &[(&str, &[&str], u32, Instead)] = &[
    ("extensions/v1beta1", &["DaemonSet", "Deployment", "ReplicaSet"], 16, Instead::Version("apps/v1")),
    ("extensions/v1beta1", &["NetworkPolicy"], 16, Instead::Version("networking.k8s.io/v1")),
    ("extensions/v1beta1", &["PodSecurityPolicy"], 16, POD_SECURITY),
    ("extensions/v1beta1", &["Ingress"], 22, Instead::Version("networking.k8s.io/v1")),
    ("apps/v1beta1", &["ControllerRevision", "Deployment", "StatefulSet"], 16, Instead::Version("apps/v1")),
    (
        "apps/v1beta2",
        &["ControllerRevision", "DaemonSet", "Deployment", "ReplicaSet", "StatefulSet"],
        16,
        Instead::Version("apps/v1"),
    ),
    ("batch/v2alpha1", &["CronJob"], 21, Instead::Version("batch/v1")),
    (
        "admissionregistration.k8s.io/v1beta1",
        &["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"],
        22,
        Instead::Version("admissionregistration.k8s.io/v1"),
    ),
    (
        "apiextensions.k8s.io/v1beta1",
        &["CustomResourceDefinition"],
        22,
        Instead::Version("apiextensions.k8s.io/v1"),
    ),
    ("apiregistration.k8s.io/v1beta1", &["APIService"], 22, Instead::Version("apiregistration.k8s.io/v1")),
    ("authentication.k8s.io/v1beta1", &["TokenReview"], 22, Instead::Version("authentication.k8s.io/v1")),
    (
        "authorization.k8s.io/v1beta1",
        &[
            "LocalSubjectAccessReview",
            "SelfSubjectAccessReview",
            "SelfSubjectRulesReview",
            "SubjectAccessReview",
        ],
        22,
        Instead::Version("authorization.k8s.io/v1"),
    ),
    (
        "certificates.k8s.io/v1beta1",
        &["CertificateSigningRequest"],
        22,
        Instead::Version("certificates.k8s.io/v1"),
    ),
    ("coordination.k8s.io/v1beta1", &["Lease"], 22, Instead::Version("coordination.k8s.io/v1")),
    ("networking.k8s.io/v1beta1", &["Ingress", "IngressClass"], 22, Instead::Version("networking.k8s.io/v1")),
    ("rbac.authorization.k8s.io/v1alpha1", RBAC, 22, Instead::Version("rbac.authorization.k8s.io/v1")),
    ("rbac.authorization.k8s.io/v1beta1", RBAC, 22, Instead::Version("rbac.authorization.k8s.io/v1")),
    ("scheduling.k8s.io/v1alpha1", &["PriorityClass"], 22, Instead::Version("scheduling.k8s.io/v1")),
    ("scheduling.k8s.io/v1beta1", &["PriorityClass"], 22, Instead::Version("scheduling.k8s.io/v1")),
    (
        "storage.k8s.io/v1beta1",
        &["CSIDriver", "CSINode", "StorageClass", "VolumeAttachment"],
        22,
        Instead::Version("storage.k8s.io/v1"),
    ),
    ("batch/v1beta1", &["CronJob"], 25, Instead::Version("batch/v1")),
    ("discovery.k8s.io/v1beta1", &["EndpointSlice"], 25, Instead::Version("discovery.k8s.io/v1")),
    ("events.k8s.io/v1beta1", &["Event"], 25, Instead::Version("events.k8s.io/v1")),
    ("autoscaling/v2beta1", &["HorizontalPodAutoscaler"], 25, Instead::Version("autoscaling/v2")),
    ("policy/v1beta1", &["PodDisruptionBudget"], 25, Instead::Version("policy/v1")),
    ("policy/v1beta1", &["PodSecurityPolicy"], 25, POD_SECURITY),
    ("node.k8s.io/v1beta1", &["RuntimeClass"], 25, Instead::Version("node.k8s.io/v1")),
    ("autoscaling/v2beta2", &["HorizontalPodAutoscaler"], 26, Instead::Version("autoscaling/v2")),
    ("flowcontrol.apiserver.k8s.io/v1beta1", FLOW, 26, Instead::Version("flowcontrol.apiserver.k8s.io/v1")),
    ("storage.k8s.io/v1beta1", &["CSIStorageCapacity"], 27, Instead::Version("storage.k8s.io/v1")),
    ("flowcontrol.apiserver.k8s.io/v1beta2", FLOW, 29, Instead::Version("flowcontrol.apiserver.k8s.io/v1")),
    ("flowcontrol.apiserver.k8s.io/v1beta3", FLOW, 32, Instead::Version("flowcontrol.apiserver.k8s.io/v1")),
];

const POD_SECURITY: Instead = Instead::Other(
    "use Pod Security Admission: label the namespace with `pod-security.kubernetes.io/enforce: restricted`",
);
const RBAC: &[&str] = &["ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"];
const FLOW: &[&str] = &["FlowSchema", "PriorityLevelConfiguration"];

/// Returns what became of a kind: the first minor version of Kubernetes 1 that lacks it, and what to use instead.
pub(super) fn find(api_version: &str, kind: &str) -> Option<(u32, Instead)> {
    let row = TABLE.iter().find(|(version, kinds, ..)| *version == api_version && kinds.contains(&kind))?;
    Some((row.2, row.3))
}
