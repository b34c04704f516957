//! Manifests that no lint has anything to say about, and what makes each lint speak.

/// A manifest of a kind of ours that no lint has anything to say about.
pub const OURS: &str = "\
apiVersion: kubernetes.project-planton.org/v1
kind: KubernetesJob
metadata:
  name: report
spec:
  namespace: reports
  image:
    repo: busybox
    tag: '1.36'
  resources:
    limits: {cpu: 500m, memory: 64Mi}
  env:
    variables:
      MODE: fast
    secrets:
      API_TOKEN: {secretRef: {name: api, key: token}}
  completions: 3
  parallelism: 3
  completionMode: Indexed
  volumeMounts:
    - {name: tmp, mountPath: /tmp, readOnly: true, configMap: {name: a}}
  backoffLimit: 2
  activeDeadlineSeconds: 600
  ttlSecondsAfterFinished: 3600
  restartPolicy: Never
";

/// A function whose tasks no lint has anything to say about.
pub const FUNCTION: &str = "\
apiVersion: daphnia.dev/v1
kind: ContainerFunction
metadata:
  name: report
spec:
  namespace: reports
  image: busybox:1.36
  lang: sh
  code: echo
  command: sh main.sh
  tasks:
    - {action: job, volumes: [{volumeType: empty_dir, name: v, mountPath: /v}], resources: {cpu: 1, mem: 1Gi}, envs: [{name: MODE, value: fast}]}
    - {action: deploy, resources: {limits: {cpu: 1, memory: 1Gi}}}
    - {action: build, baseImage: busybox:1.36, image: 'r.example.com/report:v1', resources: {cpu: 1, mem: 1Gi}}
";

pub const OUR_CRON_JOB: &str = "\
apiVersion: kubernetes.project-planton.org/v1
kind: KubernetesCronJob
metadata:
  name: report
spec:
  namespace: reports
  schedule: 0 3 * * *
  timeZone: Etc/UTC
  startingDeadlineSeconds: 600
  failedJobsHistoryLimit: 1
  image: {repo: busybox, tag: '1.36'}
  resources:
    limits: {cpu: 500m, memory: 64Mi}
  sidecars:
    - {name: proxy, image: 'envoy:1.30', env: [{name: MODE, value: fast}]}
  backoffLimit: 2
  activeDeadlineSeconds: 600
  restartPolicy: Never
";

pub const DEPLOYMENT: &str = "\
apiVersion: kubernetes.project-planton.org/v1
kind: KubernetesDeployment
metadata:
  name: report
spec:
  namespace: reports
  container:
    app:
      image: {repo: busybox, tag: '1.36'}
      resources:
        limits: {cpu: 500m, memory: 64Mi}
      env:
        variables: {MODE: fast}
";

pub const NAMESPACE: &str = "\
apiVersion: kubernetes.project-planton.org/v1
kind: KubernetesNamespace
metadata:
  name: report
spec:
  name: report
  networkConfig: {restrictEgress: true, allowedEgressCidrs: [10.0.0.0/8]}
";

pub const JOB: &str = "\
apiVersion: batch/v1
kind: Job
metadata:
  name: report
spec:
  completions: 3
  parallelism: 3
  completionMode: Indexed
  backoffLimit: 2
  activeDeadlineSeconds: 600
  ttlSecondsAfterFinished: 3600
  template:
    spec:
      restartPolicy: Never
      serviceAccountName: report
      containers:
        - name: main
          image: busybox:1.36
          env:
            - {name: MODE, value: fast}
          resources:
            limits: {cpu: 500m, memory: 64Mi}
          volumeMounts:
            - {name: tmp, mountPath: /tmp}
      volumes:
        - {name: tmp, emptyDir: {}}
";

pub const CRON_JOB: &str = "\
apiVersion: batch/v1
kind: CronJob
metadata:
  name: report
spec:
  schedule: 0 3 * * *
  timeZone: Etc/UTC
  startingDeadlineSeconds: 600
  concurrencyPolicy: Forbid
  failedJobsHistoryLimit: 1
  jobTemplate:
    spec:
      backoffLimit: 2
      activeDeadlineSeconds: 600
      template:
        spec:
          restartPolicy: Never
          containers:
            - name: main
              image: busybox:1.36
              resources:
                limits: {cpu: 500m, memory: 64Mi}
";

/// Lint, the sound manifest, what to write in it instead of what.
pub const FIRES: &[(&str, &str, &str, &str)] = &[
    ("latest-tag", FUNCTION, "image: busybox:1.36", "image: busybox"),
    ("shell-syntax", FUNCTION, "command: sh main.sh", "command: sh main.sh && echo done"),
    ("missing-limits", FUNCTION, "resources: {cpu: 1, mem: 1Gi}", "resources: {cpu: 1}"),
    ("secret-literal", FUNCTION, "{name: MODE, value: fast}", "{name: API_TOKEN, value: abc}"),
    ("env-name", FUNCTION, "{name: MODE, value: fast}", "{name: a.b, value: fast}"),
    ("no-effect", FUNCTION, "  code: echo", "  embedded: true\n  code: echo"),
    ("no-effect", FUNCTION, "  code: echo", "  handler: main\n  code: echo"),
    ("no-effect", FUNCTION, "  code: echo", "  codeSrc: main.sh\n  code: echo"),
    ("no-effect", FUNCTION, "action: job, ", "action: job, replicas: 2, "),
    ("no-effect", FUNCTION, "action: job, ", "action: job, servicePorts: [80], "),
    ("no-effect", FUNCTION, "action: job, ", "action: job, serviceType: ClusterIP, "),
    ("no-effect", FUNCTION, "action: job, ", "action: job, serviceName: a, "),
    ("no-effect", FUNCTION, "action: job, ", "action: job, instructions: [ls], "),
    ("no-effect", FUNCTION, "action: job, ", "action: job, baseImage: busybox:1.36, "),
    ("no-effect", FUNCTION, "action: job, ", "action: job, image: busybox:1.36, "),
    ("no-effect", FUNCTION, "action: job, ", "action: job, builderImage: moby/buildkit:v0.23.2-rootless, "),
    ("no-effect", FUNCTION, "action: deploy, ", "action: deploy, backoffLimit: 1, "),
    ("no-effect", FUNCTION, "action: deploy, ", "action: deploy, schedule: '@daily', "),
    ("no-effect", FUNCTION, "action: build, ", "action: build, args: [a], "),
    ("no-effect", FUNCTION, "action: build, ", "action: build, fsGroup: 1, "),
    ("no-effect", FUNCTION, "action: build, ", "action: build, runAsUser: 1, "),
    ("no-effect", FUNCTION, "action: build, ", "action: build, runAsGroup: 1, "),
    (
        "no-effect",
        FUNCTION,
        "volumes: [{volumeType: empty_dir, name: v, mountPath: /v}]",
        "volumes: [{volumeType: empty_dir, name: v, mountPath: /v, spec: {size: 1Gi}}]",
    ),
    (
        "no-effect",
        FUNCTION,
        "volumes: [{volumeType: empty_dir, name: v, mountPath: /v}]",
        "volumes: [{volumeType: persistent_volume_claim, name: v, mountPath: /v, spec: {size: 1Gi, claimName: a}}]",
    ),
    (
        "no-effect",
        FUNCTION,
        "volumes: [{volumeType: empty_dir, name: v, mountPath: /v}], resources: {",
        "volumes: [{volumeType: empty_dir, name: v, mountPath: /shared}], resources: {disk: 1Gi, ",
    ),
    ("missing-limits", OURS, "limits: {cpu: 500m, memory: 64Mi}", "limits: {cpu: 500m}"),
    ("default-namespace", OURS, "namespace: reports", "namespace: default"),
    ("default-service-account", OURS, "", ""),
    ("missing-deadline", OURS, "  activeDeadlineSeconds: 600\n", ""),
    ("missing-ttl", OURS, "  ttlSecondsAfterFinished: 3600\n", ""),
    ("default-backoff", OURS, "  backoffLimit: 2\n", ""),
    ("endless-backoff", OURS, "backoffLimit: 2", "backoffLimit: 1000"),
    ("unindexed-completions", OURS, "  completionMode: Indexed\n", ""),
    ("parallelism-exceeds-completions", OURS, "parallelism: 3", "parallelism: 4"),
    ("restart-policy-unset", OURS, "  restartPolicy: Never\n", ""),
    ("on-failure-loses-logs", OURS, "restartPolicy: Never", "restartPolicy: OnFailure"),
    ("latest-tag", OURS, "tag: '1.36'", "tag: latest"),
    ("secret-literal", OURS, "MODE: fast", "DB_PASSWORD: hunter2"),
    ("secret-literal", OURS, "API_TOKEN: {secretRef: {name: api, key: token}}", "API_TOKEN: abc"),
    ("secret-in-env", OURS, "", ""),
    ("env-name", OURS, "MODE: fast", "my.mode: fast"),
    ("no-effect", OURS, "readOnly: true", "readOnly: false"),
    ("ambiguous-scalar", OURS, "readOnly: true", "readOnly: yes"),
    ("missing-limits", OUR_CRON_JOB, "cpu: 500m, ", ""),
    ("missing-time-zone", OUR_CRON_JOB, "  timeZone: Etc/UTC\n", ""),
    ("missing-starting-deadline", OUR_CRON_JOB, "  startingDeadlineSeconds: 600\n", ""),
    ("concurrent-runs", OUR_CRON_JOB, "  backoff", "  concurrencyPolicy: Allow\n  backoff"),
    ("no-failed-history", OUR_CRON_JOB, "failedJobsHistoryLimit: 1", "failedJobsHistoryLimit: 0"),
    ("missing-deadline", OUR_CRON_JOB, "  activeDeadlineSeconds: 600\n", ""),
    ("latest-tag", OUR_CRON_JOB, "envoy:1.30", "envoy"),
    ("secret-literal", OUR_CRON_JOB, "name: MODE, value: fast", "name: TOKEN, value: abc"),
    ("missing-limits", DEPLOYMENT, "limits: {cpu: 500m, memory: 64Mi}", "requests: {cpu: 50m}"),
    ("secret-literal", DEPLOYMENT, "MODE: fast", "URL: 'amqp://a:b@c'"),
    ("default-namespace", DEPLOYMENT, "namespace: reports", "namespace: default"),
    ("no-effect", NAMESPACE, "10.0.0.0/8]", "10.0.0.0/8], allowedEgressDomains: [example.com]"),
    ("missing-limits", JOB, "limits: {cpu: 500m, memory: 64Mi}", "limits: {memory: 64Mi}"),
    ("missing-deadline", JOB, "  activeDeadlineSeconds: 600\n", ""),
    ("missing-ttl", JOB, "  ttlSecondsAfterFinished: 3600\n", ""),
    ("default-backoff", JOB, "  backoffLimit: 2\n", ""),
    ("endless-backoff", JOB, "backoffLimit: 2", "backoffLimit: 101"),
    ("unindexed-completions", JOB, "  completionMode: Indexed\n", ""),
    ("parallelism-exceeds-completions", JOB, "parallelism: 3", "parallelism: 4"),
    ("on-failure-loses-logs", JOB, "restartPolicy: Never", "restartPolicy: OnFailure"),
    ("default-service-account", JOB, "      serviceAccountName: report\n", ""),
    ("latest-tag", JOB, "busybox:1.36", "localhost:5000/busybox"),
    ("secret-literal", JOB, "name: MODE, value: fast", "name: TOKEN, value: abc"),
    ("secret-in-env", JOB, "value: fast", "valueFrom: {secretKeyRef: {name: a, key: b}}"),
    ("milli-memory", JOB, "memory: 64Mi", "memory: 64m"),
    ("relative-mount-path", JOB, "mountPath: /tmp", "mountPath: tmp"),
    ("ambiguous-scalar", JOB, "backoffLimit: 2", "backoffLimit: 02"),
    ("missing-time-zone", CRON_JOB, "  timeZone: Etc/UTC\n", ""),
    ("missing-starting-deadline", CRON_JOB, "  startingDeadlineSeconds: 600\n", ""),
    ("concurrent-runs", CRON_JOB, "concurrencyPolicy: Forbid", "concurrencyPolicy: Allow"),
    ("no-failed-history", CRON_JOB, "failedJobsHistoryLimit: 1", "failedJobsHistoryLimit: 0"),
    ("unused-allow", JOB, "kind: Job", "kind: Job # daphnia: allow(latest-tag)"),
    ("unrendered-template", JOB, "name: report", "name: {{ .Values.name }}"),
];

/// Which lints are silent unless they are asked for.
pub const QUIET: &[&str] = &["default-service-account", "secret-in-env"];
