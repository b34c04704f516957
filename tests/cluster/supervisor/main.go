// The supervisor runs a disposable Kubernetes cluster on this machine's loopback.
//
//	supervisor serve      run one until stdin ends (--until-signal: until a signal)
//	supervisor up, down   run one in the background for a person, end it
//	supervisor kubectl …  kubectl on that cluster
//	supervisor build      only build the Kubernetes binaries
//	supervisor faults …   a proxy that breaks requests, until stdin ends
//
// Three processes make sure that nothing outlives a cluster, however it ends:
//
//	serve       started by the test or by `up`; ends with its stdin
//	├ sweep     ends when serve is gone, then removes what processes leave behind
//	└ inside    starts etcd, Kubernetes and containerd; as root it is process 1 of
//	            namespaces of its own, so that the kernel ends everything with it
package main

import (
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	if len(os.Args) < 2 {
		fail(fmt.Errorf("usage: supervisor serve|up|down|kubectl|build|faults"))
	}
	var err error
	switch command, args := os.Args[1], os.Args[2:]; command {
	case "serve":
		err = serve(len(args) > 0 && args[0] == "--until-signal")
	case "up":
		err = up()
	case "down":
		err = down()
	case "kubectl":
		err = kubectl(args)
	case "build":
		_, err = build()
	case "faults":
		if len(args) != 1 {
			fail(fmt.Errorf("usage: supervisor faults KUBECONFIG"))
		}
		err = faults(args[0])
	case "inside":
		err = inside(args[0], args[1], args[2])
	case "sweep":
		err = sweep(args[0])
	default:
		err = fmt.Errorf("no such command: %s", command)
	}
	if err != nil {
		fail(err)
	}
}

func fail(err error) {
	if err != errSaid {
		fmt.Fprintln(os.Stderr, "test cluster:", err)
	}
	os.Exit(1)
}

func say(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "test cluster: "+format+"\n", args...)
}

// module is the folder with the go.mod that pins Kubernetes; `run` passes it.
func module() string { return os.Getenv("DAPHNIA_CLUSTER_MODULE") }

// cache is the folder for everything that is kept between clusters.
func cache() string { return os.Getenv("DAPHNIA_CLUSTER_CACHE") }

// Cluster is what `serve` prints, on one line, once the cluster is ready.
type Cluster struct {
	// Folder holds the cluster's files, and a lock for as long as it lives.
	Folder string `json:"folder"`
	Pid    int    `json:"pid"`
	// Kubeconfig is for an administrator; the folder Users has one for each user.
	Kubeconfig string `json:"kubeconfig"`
	Users      string `json:"users"`
	Kubectl    string `json:"kubectl"`
	// Node says whether containers run; NoNode says why they do not.
	Node   bool   `json:"node"`
	NoNode string `json:"no_node,omitempty"`
	// AuditLog has a JSON line for each stage of each request by anyone but
	// Kubernetes itself.
	AuditLog string `json:"audit_log"`
	// Registry is the host:port of an image registry that has busybox and nothing else.
	Registry string `json:"registry"`
	// Webhook is the host:port of an admission webhook that answers what its path
	// says; its certificate is signed by the authority in the kubeconfig.
	Webhook string `json:"webhook"`
}

func write(file, text string) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return err
	}
	return os.WriteFile(file, []byte(text), 0o600)
}
