package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"
)

// inside starts everything, prints the cluster, and ends when a part of the
// control plane does; else `serve` ends it.
func inside(folder, binaries, noNode string) error {
	runtime.LockOSThread()
	if err := os.Mkdir(dataFolder(folder), 0o700); err != nil {
		return err
	}
	if noNode == "" {
		if err := makeHome(folder); err != nil {
			noNode = err.Error()
		}
	}
	began := time.Now()
	host := &host{folder: folder, binaries: binaries, names: map[int]string{}, ends: make(chan end, 16)}

	registry, err := startRegistry(noNode == "")
	if err != nil {
		return err
	}
	plane, err := startControlPlane(host)
	if err != nil {
		return err
	}
	webhook, err := startWebhook(plane.pki)
	if err != nil {
		return err
	}
	cluster := Cluster{
		Registry:   registry,
		Webhook:    webhook,
		Folder:     folder,
		Kubeconfig: filepath.Join(folder, "kubeconfig"),
		Users:      filepath.Join(folder, "users"),
		Kubectl:    filepath.Join(binaries, "kubectl"),
		AuditLog:   filepath.Join(folder, "audit.log"),
	}
	if err := host.until("the API server is ready", plane.ready); err != nil {
		return err
	}
	if err := plane.startControllers(host); err != nil {
		return err
	}
	if noNode == "" {
		err := startNode(host, plane, registry)
		if err == nil {
			err = host.until("the node is ready", plane.nodeReady)
		}
		var ended *ended
		if errors.As(err, &ended) && ended.vital() {
			return err
		} else if err != nil {
			noNode = err.Error()
		}
	}
	if err := host.until("namespaces get their service account", plane.hasServiceAccount); err != nil {
		return err
	}

	cluster.Node, cluster.NoNode = noNode == "", noNode
	// From a namespace of its own this process cannot see its parent's number.
	fmt.Sscan(os.Getenv("DAPHNIA_CLUSTER_PID"), &cluster.Pid)
	line, err := json.Marshal(cluster)
	if err != nil {
		return err
	}
	fmt.Println(string(line))
	fmt.Fprintf(host.log("supervisor"), "ready after %s\n", time.Since(began).Round(time.Millisecond))

	for {
		ended := host.blame(<-host.ends)
		if ended.vital() {
			return ended
		}
		say("%v", ended)
	}
}

// host starts the cluster's processes and hears of their ends.
type host struct {
	folder, binaries string
	mutex            sync.Mutex
	names            map[int]string
	ends             chan end
}

type end struct{ name, how string }

func dataFolder(folder string) string { return filepath.Join(folder, "data") }

func (h *host) path(parts ...string) string {
	return filepath.Join(append([]string{h.folder}, parts...)...)
}

func (h *host) data(parts ...string) string {
	return filepath.Join(append([]string{dataFolder(h.folder)}, parts...)...)
}

func (h *host) logFile(name string) string { return h.path("log", name+".log") }

func (h *host) log(name string) *os.File {
	os.MkdirAll(h.path("log"), 0o700)
	file, err := os.OpenFile(h.logFile(name), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return os.Stderr
	}
	return file
}

func (h *host) start(name, program string, args ...string) error {
	log := h.log(name)
	defer log.Close()
	h.mutex.Lock()
	defer h.mutex.Unlock()
	process, err := os.StartProcess(program, append([]string{program}, args...), &os.ProcAttr{
		Dir:   h.folder,
		Files: []*os.File{nil, log, log},
		Sys:   diesWithParent(),
	})
	if err != nil {
		return err
	}
	h.names[process.Pid] = name
	if len(h.names) == 1 {
		go reap(func(pid int, how string) {
			h.mutex.Lock()
			name := h.names[pid]
			h.mutex.Unlock()
			if name != "" {
				h.ends <- end{name, how}
			}
		})
	}
	return nil
}

// run runs a program to its end.
func (h *host) run(name, program string, args ...string) error {
	if err := h.start(name, program, args...); err != nil {
		return err
	}
	if end := <-h.ends; end.name != name || end.how != "exit status 0" {
		return h.blame(end)
	}
	return nil
}

// until waits for something, and no longer than it can still happen.
func (h *host) until(what string, happened func() bool) error {
	deadline := time.After(60 * time.Second)
	for !happened() {
		select {
		case end := <-h.ends:
			return h.blame(end)
		case <-deadline:
			return fmt.Errorf("waited 60 seconds until %s", what)
		case <-time.After(30 * time.Millisecond):
		}
	}
	return nil
}

func (h *host) blame(end end) *ended {
	log, _ := os.ReadFile(h.logFile(end.name))
	return &ended{end, lastLines(string(log), 8)}
}

// ended says that a process ended by itself, which none should.
type ended struct {
	end
	lines string
}

func (e *ended) Error() string {
	return fmt.Sprintf("%s ended (%s); its last lines:\n%s", e.name, e.how, e.lines)
}

// vital says whether there is no cluster without the process.
func (e *ended) vital() bool { return e.name == "etcd" || strings.HasPrefix(e.name, "kube-") }

// reap waits for every child, the orphans that process 1 is given included, and
// tells the ends of those that were started here.
func reap(ended func(pid int, how string)) {
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, 0, nil)
		switch {
		case err == syscall.EINTR:
		case err != nil:
			return
		case status.Signaled():
			ended(pid, status.Signal().String())
		default:
			ended(pid, fmt.Sprintf("exit status %d", status.ExitStatus()))
		}
	}
}
