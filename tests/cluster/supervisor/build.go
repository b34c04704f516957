package main

import (
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// build returns the folder with the binaries that go.mod names as tools, and
// makes it if this is the first time.
func build() (string, error) {
	pins, err := os.ReadFile(filepath.Join(module(), "go.mod"))
	if err != nil {
		return "", err
	}
	sums, err := os.ReadFile(filepath.Join(module(), "go.sum"))
	if err != nil {
		return "", err
	}
	version := regexp.MustCompile(`k8s\.io/kubernetes v(\d+)\.(\d+)\.\S+`).FindStringSubmatch(string(pins))
	if version == nil {
		return "", fmt.Errorf("%s/go.mod requires no k8s.io/kubernetes", module())
	}
	full := strings.Fields(version[0])[1]

	// Without these the server would say that it is v0.0.0.
	const in = "k8s.io/component-base/version"
	args := []string{"build", "-trimpath", "-gcflags=all=-dwarf=false", "-ldflags",
		fmt.Sprintf("-s -w -X %s.gitVersion=%s -X %s.gitMajor=%s -X %s.gitMinor=%s",
			in, full, in, version[1], in, version[2])}

	key := sha256.Sum256(fmt.Append(nil, string(pins), string(sums), args, runtime.GOOS, runtime.GOARCH))
	folder := filepath.Join(cache(), fmt.Sprintf("kubernetes-%s-%x", full, key[:6]))
	if _, err := os.Stat(folder); err == nil {
		return folder, nil
	}

	if err := os.MkdirAll(cache(), 0o755); err != nil {
		return "", err
	}
	lock, err := os.Create(filepath.Join(cache(), "build.lock"))
	if err != nil {
		return "", err
	}
	defer lock.Close()
	if syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) != nil {
		say("another process builds Kubernetes %s; waiting for it", full)
		if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
			return "", err
		}
		if _, err := os.Stat(folder); err == nil {
			return folder, nil
		}
	}

	say("building Kubernetes %s from source into %s: about 5 minutes on 2 cores, this first time only", full, folder)
	began := time.Now()
	unfinished := folder + ".unfinished"
	if err := os.RemoveAll(unfinished); err != nil {
		return "", err
	}
	command := exec.Command("go", append(args, "-o", unfinished+"/", "tool")...)
	command.Dir = module()
	command.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=")
	command.SysProcAttr = diesWithParent()
	stop := every(time.Minute, func() { say("still building, for %s now", time.Since(began).Round(time.Second)) })
	output, err := command.CombinedOutput() // hundreds of "downloading" lines
	stop()
	if err != nil {
		return "", fmt.Errorf("go build of Kubernetes %s in %s: %w\n%s", full, module(), err, lastLines(string(output), 20))
	}
	// Renamed when it is whole, so that an interrupted build is never taken for one.
	if err := os.Rename(unfinished, folder); err != nil {
		return "", err
	}
	say("built Kubernetes %s in %s", full, time.Since(began).Round(time.Second))
	return folder, nil
}

func every(pause time.Duration, do func()) (stop func()) {
	ticker := time.NewTicker(pause)
	go func() {
		for range ticker.C {
			do()
		}
	}()
	return ticker.Stop
}
