package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"
)

const folderPrefix = "daphnia-cluster-"

// errSaid is an error that the process inside has told already.
var errSaid = errors.New("")

func serve(untilSignal bool) error {
	// A child that is to die with its parent dies with the thread that started it.
	runtime.LockOSThread()

	end := make(chan string, 2)
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	go func() { end <- (<-signals).String() }()
	if !untilSignal {
		go func() {
			io.Copy(io.Discard, os.Stdin)
			end <- "end of input"
		}()
	}

	binaries, err := buildUnless(end)
	if err != nil || binaries == "" {
		return err
	}

	sweepDead()
	folder, err := os.MkdirTemp("", folderPrefix)
	if err != nil {
		return err
	}
	lock, err := os.Create(filepath.Join(folder, "lock"))
	if err != nil {
		return err
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return err
	}

	self, err := os.Executable()
	if err != nil {
		return err
	}
	sweeper := exec.Command(self, "sweep", folder)
	sweeper.Stderr = os.Stderr
	sweeper.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	alive, err := sweeper.StdinPipe()
	if err != nil {
		return err
	}
	if err := sweeper.Start(); err != nil {
		return err
	}
	swept := func() error {
		alive.Close()
		return sweeper.Wait()
	}

	noNode := nodeImpossible()
	command, err := startInside(self, folder, binaries, noNode)
	if err != nil && noNode == "" {
		noNode = fmt.Sprintf("this process may not make namespaces (%v)", err)
		command, err = startInside(self, folder, binaries, noNode)
	}
	if err != nil {
		swept()
		return err
	}
	fmt.Fprintln(alive, command.Process.Pid)

	died := make(chan error, 1)
	go func() { died <- command.Wait() }()
	select {
	case <-died:
		err = errSaid
	case <-end:
		syscall.Kill(-command.Process.Pid, syscall.SIGKILL)
		<-died
	}
	if failed := swept(); err == nil {
		err = failed
	}
	runtime.KeepAlive(lock)
	return err
}

// buildUnless builds, or returns "" if the cluster is to end before that is done.
func buildUnless(end chan string) (string, error) {
	type result struct {
		folder string
		err    error
	}
	built := make(chan result, 1)
	go func() {
		runtime.LockOSThread()
		folder, err := build()
		built <- result{folder, err}
		select {}
	}()
	select {
	case done := <-built:
		return done.folder, done.err
	case <-end:
		return "", nil
	}
}

func startInside(self, folder, binaries, noNode string) (*exec.Cmd, error) {
	command := exec.Command(self, "inside", folder, binaries, noNode)
	command.Env = append(os.Environ(), fmt.Sprint("DAPHNIA_CLUSTER_PID=", os.Getpid()))
	command.Stdout, command.Stderr = os.Stdout, os.Stderr
	command.SysProcAttr = diesWithParent()
	command.SysProcAttr.Setpgid = true
	if noNode == "" {
		isolate(command)
	}
	return command, command.Start()
}

// sweep waits until `serve` has gone, in whatever way, and then removes what the
// cluster leaves: processes that are not in a namespace of their own, control
// groups, and the folder.
func sweep(folder string) error {
	signal.Ignore(syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	input, err := io.ReadAll(os.Stdin)
	if err != nil {
		return err
	}
	var pid int
	if _, err := fmt.Sscan(string(input), &pid); err == nil {
		for range 500 {
			if syscall.Kill(-pid, syscall.SIGKILL) == syscall.ESRCH || isZombie(pid) {
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
	}
	return remove(folder)
}

func remove(folder string) error {
	if err := removeControlGroups(filepath.Base(folder)); err != nil {
		say("control groups of %s stay behind: %v", folder, err)
	}
	return os.RemoveAll(folder)
}

// sweepDead removes what is left of clusters whose sweeper was killed too.
func sweepDead() {
	folders, _ := filepath.Glob(filepath.Join(os.TempDir(), folderPrefix+"*"))
	for _, folder := range folders {
		if info, err := os.Stat(folder); err != nil || time.Since(info.ModTime()) < time.Minute {
			continue // perhaps one that is just starting
		}
		if !lives(folder) {
			remove(folder)
		}
	}
}

// lives says whether the cluster's processes still hold its lock.
func lives(folder string) bool {
	lock, err := os.Open(filepath.Join(folder, "lock"))
	if err != nil {
		return false
	}
	defer lock.Close()
	return syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) != nil
}

// running returns the cluster that `up` started, if it still lives.
func running() *Cluster {
	text, err := os.ReadFile(stateFile())
	if err != nil {
		return nil
	}
	var cluster Cluster
	if json.Unmarshal(text, &cluster) != nil || !lives(cluster.Folder) {
		return nil
	}
	return &cluster
}

// stateFile tells of the cluster that `up` started. DAPHNIA_CLUSTER is a name for one
// more, beside the usual one.
func stateFile() string {
	return filepath.Join(cache(), cmp.Or(os.Getenv("DAPHNIA_CLUSTER"), "up")+".json")
}

func up() error {
	if err := os.MkdirAll(cache(), 0o755); err != nil {
		return err
	}
	lock, err := os.Create(filepath.Join(cache(), "up.lock"))
	if err != nil {
		return err
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return err
	}
	defer lock.Close()
	if cluster := running(); cluster != nil {
		say("already running")
		return announce(cluster)
	}
	if _, err := build(); err != nil {
		return err
	}
	began := time.Now()
	say("starting")
	self, err := os.Executable()
	if err != nil {
		return err
	}
	logFile := strings.TrimSuffix(stateFile(), "json") + "log"
	log, err := os.Create(logFile)
	if err != nil {
		return err
	}
	state, err := os.Create(stateFile())
	if err != nil {
		return err
	}
	command := exec.Command(self, "serve", "--until-signal")
	command.Stdout, command.Stderr = state, log
	command.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := command.Start(); err != nil {
		return err
	}
	died := make(chan error, 1)
	go func() { died <- command.Wait() }()
	for {
		select {
		case <-died:
			text, _ := os.ReadFile(logFile)
			return fmt.Errorf("did not start:\n%s", text)
		case <-time.After(50 * time.Millisecond):
		}
		if cluster := running(); cluster != nil {
			say("ready after %s; end it with tests/cluster/down", time.Since(began).Round(100*time.Millisecond))
			return announce(cluster)
		}
	}
}

func announce(cluster *Cluster) error {
	if !cluster.Node {
		say("a control plane without a node, so no container runs: %s", cluster.NoNode)
	}
	fmt.Println(cluster.Kubeconfig)
	return nil
}

func down() error {
	cluster := running()
	if cluster == nil {
		say("none is running")
		return nil
	}
	if err := syscall.Kill(cluster.Pid, syscall.SIGTERM); err != nil {
		return fmt.Errorf("process %d: %w", cluster.Pid, err)
	}
	for range 1000 {
		if _, err := os.Stat(cluster.Folder); os.IsNotExist(err) {
			os.Remove(stateFile())
			say("ended")
			return nil
		}
		time.Sleep(10 * time.Millisecond)
	}
	return fmt.Errorf("%s is still there 10 seconds after SIGTERM to process %d", cluster.Folder, cluster.Pid)
}

func kubectl(args []string) error {
	cluster := running()
	if cluster == nil {
		return fmt.Errorf("none is running: start one with tests/cluster/up")
	}
	env := append(os.Environ(), "KUBECONFIG="+cluster.Kubeconfig)
	return syscall.Exec(cluster.Kubectl, append([]string{"kubectl"}, args...), env)
}

func lastLines(text string, count int) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-count):], "\n")
}
