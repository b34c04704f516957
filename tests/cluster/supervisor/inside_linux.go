package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// diesWithParent makes the kernel kill a process when the thread that starts it ends.
func diesWithParent() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}

// isZombie says whether a process has ended and its new parent has yet to notice.
func isZombie(pid int) bool {
	status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	return strings.Contains(string(status), "\nState:\tZ")
}

func isolate(command *exec.Cmd) {
	command.SysProcAttr.Cloneflags = syscall.CLONE_NEWPID | syscall.CLONE_NEWNS
}

// nodeImpossible says why this machine cannot run containers, "" if it seems to.
func nodeImpossible() string {
	if os.Geteuid() != 0 {
		return "only root can run containers"
	}
	if missing := findNodePrograms().missing(); missing != "" {
		return missing + " missing: run tests/cluster/install"
	}
	probe := fmt.Sprintf("daphnia-probe-%d", os.Getpid())
	defer removeControlGroups(probe)
	if err := makeControlGroups(probe); err != nil {
		return fmt.Sprintf("no control groups can be made: %v", err)
	}
	return ""
}

// makeHome gives this process, the first of its namespaces, control groups and
// mounts of its own. What containerd and Kubernetes write outside the cluster's
// folder, they write into memory that goes away with the namespace.
func makeHome(folder string) error {
	if err := makeControlGroups(filepath.Base(folder)); err != nil {
		return err
	}
	if err := joinControlGroups(filepath.Base(folder)); err != nil {
		return err
	}
	if err := mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE); err != nil {
		return err
	}
	if err := mount("proc", "/proc", "proc", syscall.MS_NOSUID|syscall.MS_NODEV|syscall.MS_NOEXEC); err != nil {
		return err
	}
	for _, place := range []string{dataFolder(folder), "/run", "/var/log", "/var/lib/cni"} {
		if err := os.MkdirAll(place, 0o755); err != nil {
			return err
		}
		if err := mount("tmpfs", place, "tmpfs", syscall.MS_NOSUID|syscall.MS_NODEV); err != nil {
			return err
		}
	}
	return shieldKernelSettings(folder)
}

// shieldKernelSettings lets kubelet and the network plugin find the kernel's
// settings as they want them, so that they leave the machine's own alone.
func shieldKernelSettings(folder string) error {
	for setting, wanted := range map[string]string{
		"kernel/keys/root_maxbytes": "25000000",
		"kernel/keys/root_maxkeys":  "1000000",
		"kernel/panic":              "10",
		"kernel/panic_on_oops":      "1",
		"net/ipv4/ip_forward":       "1",
		"vm/overcommit_memory":      "1",
		"vm/panic_on_oom":           "0",
	} {
		shield := filepath.Join(dataFolder(folder), "sys", setting)
		if err := write(shield, wanted+"\n"); err != nil {
			return err
		}
		err := mount(shield, filepath.Join("/proc/sys", setting), "", syscall.MS_BIND)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

func mount(source, target, kind string, flags uintptr) error {
	if err := syscall.Mount(source, target, kind, flags, ""); err != nil {
		return fmt.Errorf("mount %s: %w", target, err)
	}
	return nil
}

// overlayWorks says whether containers' root filesystems can be overlays.
func overlayWorks(data string) bool {
	at := func(name string) string { return filepath.Join(data, "overlay-probe", name) }
	for _, name := range []string{"lower", "upper", "work", "merged"} {
		if os.MkdirAll(at(name), 0o700) != nil {
			return false
		}
	}
	options := fmt.Sprintf("lowerdir=%s,upperdir=%s,workdir=%s", at("lower"), at("upper"), at("work"))
	if syscall.Mount("overlay", at("merged"), "overlay", 0, options) != nil {
		return false
	}
	return syscall.Unmount(at("merged"), 0) == nil
}

// controlGroups returns the roots of all hierarchies, of version 1 and 2.
func controlGroups() (v1, v2 []string, err error) {
	mounts, err := os.ReadFile("/proc/mounts")
	if err != nil {
		return nil, nil, err
	}
	for line := range strings.Lines(string(mounts)) {
		switch fields := strings.Fields(line); fields[2] {
		case "cgroup":
			v1 = append(v1, fields[1])
		case "cgroup2":
			v2 = append(v2, fields[1])
		}
	}
	if len(v1)+len(v2) == 0 {
		return nil, nil, errors.New("none are mounted")
	}
	return v1, v2, nil
}

func makeControlGroups(name string) error {
	v1, v2, err := controlGroups()
	if err != nil {
		return err
	}
	for _, root := range v1 {
		group := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Join(group, "supervisor"), 0o755); err != nil {
			return err
		}
		if err := inheritCpuset(root, group, filepath.Join(group, "supervisor")); err != nil {
			return err
		}
	}
	for _, root := range v2 {
		group := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Join(group, "supervisor"), 0o755); err != nil {
			return err
		}
		if len(v1) > 0 {
			continue // the hierarchies of version 1 have the controllers
		}
		for _, parent := range []string{root, group} {
			err := os.WriteFile(filepath.Join(parent, "cgroup.subtree_control"), []byte("+cpu +memory +pids"), 0o644)
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// inheritCpuset fills what a new group of version 1 leaves empty and needs
// before a process may join it.
func inheritCpuset(parent string, groups ...string) error {
	for _, file := range []string{"cpuset.cpus", "cpuset.mems"} {
		value, err := os.ReadFile(filepath.Join(parent, file))
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		} else if err != nil {
			return err
		}
		for _, group := range groups {
			if err := os.WriteFile(filepath.Join(group, file), value, 0o644); err != nil {
				return err
			}
		}
	}
	return nil
}

// joinControlGroups moves this process into the cluster's groups. runc makes
// containers' groups beside or below the one that it runs in.
func joinControlGroups(name string) error {
	v1, v2, err := controlGroups()
	if err != nil {
		return err
	}
	for _, root := range append(v1, v2...) {
		if err := os.WriteFile(filepath.Join(root, name, "supervisor", "cgroup.procs"), []byte("0"), 0o644); err != nil {
			return err
		}
	}
	return nil
}

func removeControlGroups(name string) error {
	v1, v2, err := controlGroups()
	if err != nil {
		return nil
	}
	for _, root := range append(v1, v2...) {
		if removeErr := removeControlGroup(filepath.Join(root, name)); removeErr != nil {
			err = removeErr
		}
	}
	return err
}

func removeControlGroup(group string) error {
	entries, err := os.ReadDir(group)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, entry := range entries {
		if entry.IsDir() {
			removeControlGroup(filepath.Join(group, entry.Name()))
		}
	}
	for range 200 {
		err = syscall.Rmdir(group)
		if err == nil || err == syscall.ENOENT {
			return nil
		}
		time.Sleep(10 * time.Millisecond) // its last processes are still dying
	}
	return fmt.Errorf("rmdir %s: %w", group, err)
}
