package main

import (
	"debug/elf"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

const nodeName = "node"

// nodePrograms are the programs that run containers, from the cache where
// `install` puts them, or from the system.
type nodePrograms struct{ path, containerd, ctr, runc, plugins, busybox string }

func findNodePrograms() nodePrograms {
	own := filepath.Join(cache(), "node")
	folders := []string{
		filepath.Join(own, "usr/bin"), filepath.Join(own, "usr/sbin"), filepath.Join(own, "bin"),
		os.Getenv("PATH"), "/usr/sbin", "/sbin",
	}
	p := nodePrograms{path: strings.Join(folders, ":")}
	find := func(name string, fits func(string) bool) string {
		for _, folder := range filepath.SplitList(p.path) {
			file := filepath.Join(folder, name)
			if _, err := exec.LookPath(file); err == nil && fits(file) {
				return file
			}
		}
		return ""
	}
	any := func(string) bool { return true }
	p.containerd, p.ctr, p.runc, p.busybox = find("containerd", any), find("ctr", any), find("runc", any), find("busybox", static)
	for _, folder := range []string{filepath.Join(own, "usr/lib/cni"), "/usr/lib/cni", "/opt/cni/bin"} {
		if _, err := os.Stat(filepath.Join(folder, "ptp")); err == nil {
			p.plugins = folder
			break
		}
	}
	return p
}

func (p nodePrograms) missing() string {
	var missing []string
	for name, file := range map[string]string{
		"containerd": p.containerd, "ctr": p.ctr, "runc": p.runc,
		"the CNI plugins": p.plugins, "a static busybox": p.busybox,
	} {
		if file == "" {
			missing = append(missing, name)
		}
	}
	return strings.Join(missing, ", ")
}

// static says whether a program needs no libraries, so that it alone is an image.
func static(program string) bool {
	file, err := elf.Open(program)
	if err != nil {
		return false
	}
	defer file.Close()
	for _, part := range file.Progs {
		if part.Type == elf.PT_INTERP {
			return false
		}
	}
	return true
}

// startNode starts containerd and kubelet.
func startNode(host *host, plane *controlPlane, registry string) error {
	programs := findNodePrograms()
	port, err := freePort()
	if err != nil {
		return err
	}
	snapshotter := "native"
	if overlayWorks(host.data()) {
		snapshotter = "overlayfs"
	}
	// /run is this cluster's own.
	const socket = "/run/daphnia/containerd.sock"
	for file, text := range map[string]string{
		host.data("containerd.toml"):                fmt.Sprintf(containerdConfig, host.data(), socket, pauseImage, programs.plugins, snapshotter),
		host.data("registries/_default/hosts.toml"): fmt.Sprintf(registriesConfig, registry),
		host.data("cni/daphnia.conflist"):           fmt.Sprintf(networkConfig, podNetwork(port), host.data()),
		host.data("kubelet.yaml"):                   fmt.Sprintf(kubeletConfig, port, plane.pki.folder, socket, host.data()),
		host.data("resolv.conf"):                    "nameserver 127.0.0.1\n",
	} {
		if err := write(file, text); err != nil {
			return err
		}
	}
	// containerd finds runc by it.
	if err := os.Setenv("PATH", programs.path); err != nil {
		return err
	}
	if err := host.start("containerd", programs.containerd, "--config", host.data("containerd.toml")); err != nil {
		return err
	}
	if err := host.until("containerd answers", func() bool {
		connection, err := net.Dial("unix", socket)
		if err == nil {
			connection.Close()
		}
		return err == nil
	}); err != nil {
		return err
	}
	// The images are there before the first pod asks, so that even a policy of
	// Never finds them; and before kubelet starts, which fails if one is just being
	// unpacked while it looks for its filesystem.
	for _, image := range []string{pauseImage, busyboxImage} {
		name := "pull-" + image[strings.LastIndex(image, "/")+1:]
		err := host.run(name, programs.ctr, "--address", socket, "--namespace=k8s.io",
			"images", "pull", "--hosts-dir", host.data("registries"), "--snapshotter", snapshotter, image)
		if err != nil {
			return err
		}
	}
	err = host.start("kubelet", filepath.Join(host.binaries, "kubelet"),
		"--config", host.data("kubelet.yaml"), "--kubeconfig", plane.kubeconfigOf("system:node:"+nodeName),
		"--root-dir", host.data("kubelet"), "--hostname-override", nodeName, "--cloud-provider=external")
	if err != nil {
		return err
	}
	return host.until("the node is registered", func() bool { return plane.adoptNode() == nil })
}

// adoptNode does what a cloud's controller would: it says that the node may be
// used and where it is. Logs and exec then go over loopback.
func (p *controlPlane) adoptNode() error {
	_, err := p.request("PATCH", "/api/v1/nodes/"+nodeName, "application/merge-patch+json", `{"spec":{"taints":null}}`)
	if err != nil {
		return err
	}
	_, err = p.request("PATCH", "/api/v1/nodes/"+nodeName+"/status", "application/merge-patch+json",
		`{"status":{"addresses":[{"type":"InternalIP","address":"127.0.0.1"}]}}`)
	return err
}

// podNetwork picks a network by a port that is this cluster's alone, so that
// two clusters on one machine get two.
func podNetwork(port int) string { return fmt.Sprintf("100.%d.%d.0/24", 64+port>>8%64, port%256) }

const containerdConfig = `version = 2
root = "%[1]s/containerd"
state = "/run/daphnia/containerd"
oom_score = 0
[grpc]
address = "%[2]s"
[plugins."io.containerd.internal.v1.opt"]
path = "%[1]s/opt"
[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "%[3]s"
restrict_oom_score_adj = true
disable_apparmor = true
netns_mounts_under_state_dir = true
[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "%[4]s"
conf_dir = "%[1]s/cni"
[plugins."io.containerd.grpc.v1.cri".containerd]
snapshotter = "%[5]s"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"
[plugins."io.containerd.grpc.v1.cri".registry]
config_path = "%[1]s/registries"
`

// Whatever registry an image names, this one is asked.
const registriesConfig = `server = "http://%[1]s"
[host."http://%[1]s"]
capabilities = ["pull", "resolve"]
`

// ptp needs no bridge: what it makes goes away with each pod's own network.
const networkConfig = `{
  "cniVersion": "0.4.0",
  "name": "daphnia",
  "plugins": [{
    "type": "ptp",
    "ipam": {"type": "host-local", "dataDir": "%[2]s/addresses", "ranges": [[{"subnet": "%[1]s"}]]}
  }]
}
`

const kubeletConfig = `apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
address: 127.0.0.1
port: %[1]d
healthzPort: 0
authentication:
  anonymous: {enabled: false}
  webhook: {enabled: false}
  x509: {clientCAFile: %[2]s/ca.crt}
authorization: {mode: AlwaysAllow}
tlsCertFile: %[2]s/loopback.crt
tlsPrivateKeyFile: %[2]s/loopback.key
containerRuntimeEndpoint: unix://%[3]s
cgroupDriver: cgroupfs
cgroupsPerQOS: false
enforceNodeAllocatable: []
failCgroupV1: false
failSwapOn: false
makeIPTablesUtilChains: false
serializeImagePulls: false
imageGCHighThresholdPercent: 100
evictionHard:
  imagefs.available: 0%%
  imagefs.inodesFree: 0%%
  memory.available: 0%%
  nodefs.available: 0%%
  nodefs.inodesFree: 0%%
maxPods: 200
kubeAPIQPS: 1000
kubeAPIBurst: 2000
# No container's question for a name leaves the machine.
clusterDNS: [127.0.0.1]
resolvConf: %[4]s/resolv.conf
podLogsDir: %[4]s/pods
volumePluginDir: %[4]s/volume-plugins
`
