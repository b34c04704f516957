package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// users are the people that tests can be; the administrator is "admin".
// Those without groups have no right until a test binds a role to them.
var users = map[string]string{
	"admin":     "system:masters",
	"developer": "",
	"nobody":    "",
}

// components are parts of Kubernetes; the audit log leaves out what they do.
var components = []string{"system:kube-controller-manager", "system:kube-scheduler", "system:node:" + nodeName, "supervisor"}

// controlPlane is an API server that runs, and what it takes to talk to it.
type controlPlane struct {
	host    *host
	pki     *authority
	address string
	token   string // of the supervisor
	client  *http.Client
}

// startControlPlane starts etcd and the API server.
func startControlPlane(host *host) (*controlPlane, error) {
	pki, err := newAuthority(host.path("pki"))
	if err != nil {
		return nil, err
	}
	if err := pki.serviceAccountKey(); err != nil {
		return nil, err
	}
	serving, err := pki.issue("loopback", "loopback", "", true)
	if err != nil {
		return nil, err
	}
	toKubelet, err := pki.issue("to-kubelet", "kube-apiserver", "system:masters", false)
	if err != nil {
		return nil, err
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pki.pem)
	plane := &controlPlane{
		host:    host,
		pki:     pki,
		address: "https://" + net.JoinHostPort("127.0.0.1", strconv.Itoa(port)),
		token:   newToken(),
		client:  &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}},
	}
	if err := plane.introduceUsers(); err != nil {
		return nil, err
	}
	if err := write(host.path("audit-policy.yaml"), auditPolicy()); err != nil {
		return nil, err
	}

	etcd := "unix://" + host.data("etcd.sock")
	err = host.start("etcd", filepath.Join(host.binaries, "server"),
		"--data-dir", host.data("etcd"),
		"--listen-client-urls", etcd, "--advertise-client-urls=http://127.0.0.1:2379", // unused
		"--listen-peer-urls", "unix://"+host.data("etcd-peer.sock"),
		"--unsafe-no-fsync", "--log-level=warn")
	if err != nil {
		return nil, err
	}
	return plane, host.start("kube-apiserver", filepath.Join(host.binaries, "kube-apiserver"),
		"--etcd-servers", etcd,
		"--bind-address=127.0.0.1", "--advertise-address=127.0.0.1", "--secure-port", strconv.Itoa(port),
		"--tls-cert-file", serving.cert, "--tls-private-key-file", serving.key,
		"--cert-dir", host.data("kube-apiserver"),
		"--kubelet-client-certificate", toKubelet.cert, "--kubelet-client-key", toKubelet.key,
		"--kubelet-certificate-authority", pki.file,
		"--token-auth-file", host.path("tokens.csv"), "--authorization-mode=RBAC,Node",
		"--service-account-issuer=https://kubernetes.default.svc",
		"--service-account-key-file", pki.serviceAccounts, "--service-account-signing-key-file", pki.serviceAccounts,
		"--service-cluster-ip-range=10.0.0.0/24", "--endpoint-reconciler-type=none", "--allow-privileged",
		"--audit-policy-file", host.path("audit-policy.yaml"), "--audit-log-path", host.path("audit.log"),
		"--audit-log-mode=blocking")
}

func (p *controlPlane) startControllers(host *host) error {
	// Without a limit on requests a namespace is gone at once, not after many seconds.
	fast := []string{"--kube-api-qps=1000", "--kube-api-burst=2000", "--leader-elect=false", "--secure-port=0"}
	err := host.start("kube-controller-manager", filepath.Join(host.binaries, "kube-controller-manager"),
		append(fast, "--kubeconfig", p.kubeconfigOf("system:kube-controller-manager"),
			"--root-ca-file", p.pki.file,
			"--service-account-private-key-file", p.pki.serviceAccounts)...)
	if err != nil {
		return err
	}
	return host.start("kube-scheduler", filepath.Join(host.binaries, "kube-scheduler"),
		append(fast, "--kubeconfig", p.kubeconfigOf("system:kube-scheduler"))...)
}

// introduceUsers writes a token for each user and a kubeconfig with it.
func (p *controlPlane) introduceUsers() error {
	var tokens strings.Builder
	introduce := func(user, groups, token string) error {
		fmt.Fprintf(&tokens, "%s,%s,%s,%q\n", token, user, user, groups)
		return write(p.kubeconfigOf(user), p.kubeconfig(user, token))
	}
	for user, groups := range users {
		token := newToken()
		if err := introduce(user, groups, token); err != nil {
			return err
		}
		if user == "admin" {
			if err := write(p.host.path("kubeconfig"), p.kubeconfig(user, token)); err != nil {
				return err
			}
		}
	}
	for _, component := range components {
		token := newToken()
		if component == "supervisor" {
			token = p.token
		}
		if err := introduce(component, "system:masters", token); err != nil {
			return err
		}
	}
	// A token that was never given out stands for one that has expired.
	if err := write(p.kubeconfigOf("expired"), p.kubeconfig("expired", newToken())); err != nil {
		return err
	}
	return write(p.host.path("tokens.csv"), tokens.String())
}

func (p *controlPlane) kubeconfigOf(user string) string {
	return p.host.path("users", strings.ReplaceAll(user, ":", "-"))
}

func (p *controlPlane) kubeconfig(user, token string) string {
	return fmt.Sprintf(`apiVersion: v1
kind: Config
current-context: daphnia-test
contexts:
- name: daphnia-test
  context: {cluster: daphnia-test, user: %[1]q}
clusters:
- name: daphnia-test
  cluster:
    server: %[2]s
    certificate-authority-data: %[3]s
users:
- name: %[1]q
  user: {token: %[4]s}
`, user, p.address, p.pki.base64(), token)
}

// auditPolicy notes a request when it comes, so that it is on file before its
// answer is, and when it is answered.
func auditPolicy() string {
	return fmt.Sprintf(`apiVersion: audit.k8s.io/v1
kind: Policy
omitManagedFields: true
rules:
- level: None
  users: ["%s", "system:apiserver", "system:anonymous"]
- level: Metadata
`, strings.Join(components, `", "`))
}

func (p *controlPlane) ready() bool {
	_, err := p.request("GET", "/readyz", "", "")
	return err == nil
}

func (p *controlPlane) hasServiceAccount() bool {
	_, err := p.request("GET", "/api/v1/namespaces/default/serviceaccounts/default", "", "")
	return err == nil
}

func (p *controlPlane) request(method, path, kind, body string) ([]byte, error) {
	request, err := http.NewRequest(method, p.address+path, bytes.NewReader([]byte(body)))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+p.token)
	request.Header.Set("Content-Type", kind)
	response, err := p.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode >= 300 {
		err = fmt.Errorf("%s %s: %s: %s", method, path, response.Status, answer)
	}
	return answer, err
}

// freePort finds a port that nothing listens on, below those that the kernel
// gives to outgoing connections.
func freePort() (int, error) {
	for range 100 {
		port := 20000 + rand.IntN(12000)
		if listener, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port))); err == nil {
			return port, listener.Close()
		}
	}
	return 0, errors.New("no free port found between 20000 and 32000")
}

// conditions is the part of a Node that is read here.
type conditions struct {
	Status struct {
		Conditions []struct{ Type, Status string }
	}
}

func (p *controlPlane) nodeReady() bool {
	text, err := p.request("GET", "/api/v1/nodes/"+nodeName, "", "")
	var node conditions
	if err != nil || json.Unmarshal(text, &node) != nil {
		return false
	}
	for _, condition := range node.Status.Conditions {
		if condition.Type == "Ready" && condition.Status == "True" {
			return true
		}
	}
	return false
}
