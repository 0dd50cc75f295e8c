package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"
)

// insideVar tells a process of bench that it is in the namespace.
const insideVar = "NETMON_BENCH_INSIDE"

// ownNetwork starts this program again in a network namespace of its own, where
// this process may make one. inside says that the caller is the one that
// measures; else the other one has measured.
func ownNetwork(ctx context.Context) (inside bool, err error) {
	if os.Getenv(insideVar) != "" {
		return true, openNamespace()
	}
	if os.Geteuid() != 0 {
		note("not root: measuring in the host's own network; what other programs send is counted, too")
		return true, nil
	}
	cmd := exec.CommandContext(ctx, "/proc/self/exe", os.Args[1:]...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.Env = append(os.Environ(), insideVar+"=1")
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
	err = cmd.Run()
	var code *exec.ExitError
	if errors.As(err, &code) {
		os.Exit(1) // it has said why
	}
	return false, err
}

// openNamespace brings loopback up and opens what a host would have.
func openNamespace() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	lo, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	lo.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	if err := unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, lo); err != nil {
		return fmt.Errorf("bring loopback up: %w", err)
	}
	return os.WriteFile("/proc/sys/net/ipv4/ping_group_range", []byte("0 2147483647"), 0o644)
}
