//! What a diff asks of the server: one list of each kind and namespace, and a dry-run of each object that changes.

use super::daphnia::{DEPLOYMENT, Desk, config_map, job};
use super::faults::Breaker;
use super::harness::{Request, eventually};

/// `list configmaps`
fn asked(request: &Request) -> String {
    let path = request.uri.split('?').next().unwrap_or_default();
    let after = path.split("/namespaces/").nth(1).unwrap_or(path);
    format!("{} {}", request.verb, after.split_once('/').unwrap_or_default().1)
}

/// A namespace's worth of kinds, none of which starts a pod. Their values are written in the ways in which people
/// write them, and a server in another.
const KINDS: &str = "\
apiVersion: v1
kind: Secret
metadata: {name: token, namespace: NAMESPACE}
stringData: {token: abc}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: worker, namespace: NAMESPACE, labels: {app: web}}
---
apiVersion: v1
kind: Service
metadata: {name: front, namespace: NAMESPACE}
spec: {selector: {app: web}, ports: [{name: http, port: 80, targetPort: 8080}, {name: more, port: 81}]}
---
apiVersion: v1
kind: ResourceQuota
metadata: {name: quota, namespace: NAMESPACE}
spec: {hard: {requests.cpu: '2000m', pods: 100}}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: disk, namespace: NAMESPACE}
spec: {accessModes: [ReadWriteOnce], storageClassName: none, resources: {requests: {storage: 1024Mi}}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: reader, namespace: NAMESPACE}
rules: [{apiGroups: [''], resources: [configmaps], verbs: [get]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: reader, namespace: NAMESPACE}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader}
subjects: [{kind: ServiceAccount, name: worker}]
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: closed, namespace: NAMESPACE}
spec: {podSelector: {}, ingress: [{from: [{podSelector: {matchLabels: {app: web}}}], ports: [{port: 80}]}]}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: front, namespace: NAMESPACE}
spec:
  rules: [{host: a.example.com, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: front, port: {number: 80}}}}]}}]
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: web, namespace: NAMESPACE}
spec: {minAvailable: 50%, selector: {matchLabels: {app: web}}}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web, namespace: NAMESPACE}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: none}
  maxReplicas: 3
  metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 80}}}]
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: web, namespace: NAMESPACE}
spec:
  replicas: 0
  serviceName: front
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
        - name: web
          image: busybox:1.36
          ports: [{containerPort: 80}]
          env: [{name: NODE, valueFrom: {fieldRef: {fieldPath: spec.nodeName}}}]
          resources: {limits: {cpu: '0.5', memory: 1024Mi}, requests: {cpu: 100m}}
          volumeMounts: [{name: tmp, mountPath: /tmp}]
          livenessProbe: {httpGet: {path: /, port: 80}}
      volumes: [{name: tmp, emptyDir: {sizeLimit: 1024Mi}}]
---
apiVersion: batch/v1
kind: CronJob
metadata: {name: nightly, namespace: NAMESPACE}
spec:
  schedule: '0 3 * * *'
  suspend: true
  jobTemplate:
    spec: {template: {spec: {restartPolicy: Never, containers: [{name: main, image: 'busybox:1.36', args: ['1', 'on']}]}}}
";

/// The resources of those, and of what the test adds.
const RESOURCES: &[&str] = &[
    "configmaps",
    "cronjobs",
    "deployments",
    "horizontalpodautoscalers",
    "ingresses",
    "jobs",
    "networkpolicies",
    "persistentvolumeclaims",
    "poddisruptionbudgets",
    "resourcequotas",
    "rolebindings",
    "roles",
    "secrets",
    "serviceaccounts",
    "services",
    "statefulsets",
];

fn suspended(name: &str) -> String {
    job(name, "true").replace("  backoffLimit", "  suspend: true\n  backoffLimit")
}

#[test]
fn where_nothing_changes_one_list_of_each_kind_is_all_that_is_asked() {
    let Some(desk) = Desk::new() else { return };
    let mut all = vec![KINDS.to_owned(), DEPLOYMENT.replace("replicas: 1", "replicas: 0")];
    all.extend(["one", "two", "three"].map(|name| config_map(name, "x")));
    all.extend(["a", "b"].map(suspended));
    desk.write("all.yaml", &all.join("---\n"));
    desk.daphnia(&["apply", "all.yaml", "--no-wait"]).exits(0);
    for arguments in [
        &["diff", "all.yaml"][..],
        &["diff", "all.yaml", "--all"],
        &["diff", "all.yaml", "--read-only"],
        &["apply", "all.yaml", "--no-wait"],
    ] {
        desk.mark();
        let said = desk.daphnia(arguments).exits(0);
        if arguments[0] == "diff" {
            assert_eq!(said.tells("19 unchanged").stdout, "");
        } else {
            assert_eq!(said.stdout.lines().filter(|line| line.starts_with("unchanged ")).count(), 19);
        }
        let mut requests: Vec<String> = desk.requests().iter().map(asked).collect();
        requests.sort();
        assert_eq!(requests, RESOURCES.iter().map(|plural| format!("list {plural}")).collect::<Vec<_>>());
    }
}

const CHANGED: usize = 500;
const AT_ONCE: usize = 16;

#[test]
fn of_five_hundred_changes_sixteen_are_asked_about_at_once_and_each_once() {
    let Some(desk) = Desk::new() else { return };
    let maps = |count: usize, value: &str| -> Vec<String> {
        (0..count).map(|number| config_map(&format!("map-{number:03}"), value)).collect()
    };
    let unchanged = (0..10).map(|number| config_map(&format!("same-{number}"), "one"));
    let all = |value: &str| [maps(CHANGED, value), unchanged.clone().collect()].concat().join("---\n");
    desk.write("all.yaml", &all("one"));
    desk.daphnia(&["apply", "all.yaml", "--no-wait"]).exits(0);
    desk.write("all.yaml", &all("two"));
    // Through a proxy that lets no dry-run pass until so many are under way.
    let breaker = Breaker::start(&desk);
    let name = desk.namespace.name();
    let kubeconfig = breaker.kubeconfig(&desk, name, "together", AT_ONCE);
    let said = desk
        .daphnia(&["diff", "all.yaml", "--kubeconfig", &kubeconfig])
        .exits(1)
        .tells("500 configured, 10 unchanged (server)");
    let shown: Vec<&str> = said.stdout.lines().filter(|line| line.ends_with(": configured")).collect();
    assert!(shown.len() == CHANGED && shown.is_sorted(), "in the order of the manifests: {shown:?}");
    let is_tried = |path: &str| path.contains("dryRun=All");
    eventually("the proxy has told of all requests", || {
        let lines = breaker.lines(name);
        (lines.iter().filter(|line| is_tried(&line.path)).count() >= CHANGED).then_some(())
    });
    let (tried, read): (Vec<_>, Vec<_>) =
        breaker.lines(name).into_iter().partition(|line| is_tried(&line.path));
    assert_eq!((tried.len(), read.len()), (CHANGED, 1), "{read:?}");
}

#[test]
fn objects_of_a_wave_are_applied_sixteen_at_once_and_each_once() {
    let Some(desk) = Desk::new() else { return };
    let maps: Vec<String> = (0..40).map(|number| config_map(&format!("map-{number}"), "one")).collect();
    desk.write("all.yaml", &maps.join("---\n"));
    let breaker = Breaker::start(&desk);
    let name = desk.namespace.name();
    let kubeconfig = breaker.kubeconfig(&desk, name, "applied-together", AT_ONCE);
    let said = desk.daphnia(&["apply", "all.yaml", "--kubeconfig", &kubeconfig]).exits(0);
    assert_eq!(said.stdout.lines().filter(|line| line.starts_with("created ")).count(), 40);
    let is_applied = |path: &str| path.contains("fieldManager=daphnia") && !path.contains("dryRun=All");
    let applied = || breaker.lines(name).iter().filter(|line| is_applied(&line.path)).count();
    eventually("the proxy has told of all requests", || (applied() >= 40).then_some(()));
    assert_eq!(applied(), 40);
}
