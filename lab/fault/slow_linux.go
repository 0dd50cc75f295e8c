package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// What slow does to each packet that a city sends.
const (
	slowDelay = 100 * time.Millisecond
	slowLoss  = 0.20
)

// slow delays and loses what a city sends until ctx ends: by netem in the
// city's network namespace, or, where this kernel has no netem, by holding the
// packets of an iptables queue here.
func (l *lab) slow(ctx context.Context, city string) error {
	id, err := l.container(ctx, city)
	if err != nil {
		return err
	}
	pid, err := docker(ctx, "inspect", "-f", "{{.State.Pid}}", id)
	if err != nil {
		return err
	}
	if os.Geteuid() != 0 {
		return errors.New("slow works in the city's network namespace: it needs root on this host")
	}
	ns, err := os.Open("/proc/" + pid + "/ns/net")
	if err != nil {
		return fmt.Errorf("%s does not run, or not on this host: %w", city, err)
	}
	defer ns.Close()
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // for good: the thread ends with the goroutine
		if err := unix.Setns(int(ns.Fd()), unix.CLONE_NEWNET); err != nil {
			done <- fmt.Errorf("enter the network of %s: %w", city, err)
			return
		}
		done <- l.slowHere(ctx)
	}()
	return <-done
}

// slowHere slows the network namespace of the calling thread, which its
// children inherit.
func (l *lab) slowHere(ctx context.Context) error {
	links, err := output("ip", "-o", "link", "show", "up", "type", "veth")
	if err != nil {
		return err
	}
	var devices []string
	for line := range strings.Lines(links) {
		name, _, _ := strings.Cut(strings.TrimSpace(strings.SplitN(line, ":", 3)[1]), "@")
		devices = append(devices, name)
	}
	undo := func() {
		for _, d := range devices {
			output("tc", "qdisc", "del", "dev", d, "root")
		}
	}
	netem := len(devices) > 0
	for _, d := range devices {
		if _, err := output("tc", "qdisc", "add", "dev", d, "root", "netem", "delay", slowDelay.String(), "loss", fmt.Sprintf("%.0f%%", 100*slowLoss)); err != nil {
			netem = false
			break
		}
	}
	if netem {
		defer undo()
		fmt.Fprintln(l.out, "slow by netem, until Ctrl-C")
		<-ctx.Done()
		return nil
	}
	undo()
	q, err := openQueue(slowQueue)
	if err != nil {
		return fmt.Errorf("this kernel has neither netem nor NFQUEUE: %w", err)
	}
	defer q.close()
	rule := []string{"OUTPUT", "!", "-o", "lo", "-j", "NFQUEUE", "--queue-num", fmt.Sprint(slowQueue), "--queue-bypass"}
	if _, err := output("iptables", append([]string{"-I"}, rule...)...); err != nil {
		return err
	}
	defer output("iptables", append([]string{"-D"}, rule...)...)
	fmt.Fprintln(l.out, "slow by a queue of packets (this kernel has no netem), until Ctrl-C")
	return q.hold(ctx, slowDelay, slowLoss)
}

func output(name string, args ...string) (string, error) {
	var errs bytes.Buffer
	cmd := exec.Command(name, args...)
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w: %s", strings.Join(cmd.Args, " "), err, bytes.TrimSpace(errs.Bytes()))
	}
	return string(out), nil
}
