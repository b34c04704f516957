//go:build !linux

package main

import (
	"errors"
	"os/exec"
	"syscall"
)

// Elsewhere than on Linux there is a control plane only, and `sweep` alone ends
// the processes of a killed supervisor.

func diesWithParent() *syscall.SysProcAttr { return &syscall.SysProcAttr{} }

func isZombie(int) bool { return false }

func isolate(*exec.Cmd) {}

func nodeImpossible() string { return "containers need Linux" }

func makeHome(string) error { return errors.ErrUnsupported }

func overlayWorks(string) bool { return false }

func removeControlGroups(string) error { return nil }
