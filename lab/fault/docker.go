package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
)

// docker runs a command of docker and returns what it prints.
func docker(ctx context.Context, args ...string) (string, error) {
	var out, errs bytes.Buffer
	cmd := exec.CommandContext(ctx, "docker", args...)
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("docker %s: %w: %s", strings.Join(args, " "), err, bytes.TrimSpace(errs.Bytes()))
	}
	return strings.TrimSpace(out.String()), nil
}

// container is the id of a service's container, running or not.
func (l *lab) container(ctx context.Context, service string) (string, error) {
	out, err := docker(ctx, "ps", "-aq", "--filter", "label=com.docker.compose.project="+l.project,
		"--filter", "label=com.docker.compose.service="+service, "--filter", "label=com.docker.compose.oneoff=False")
	if err != nil {
		return "", err
	}
	ids := strings.Fields(out)
	if len(ids) == 0 {
		return "", fmt.Errorf("the lab %s has no service %q: has make lab been run?", l.project, service)
	}
	return ids[0], nil
}

// on runs a command of docker whose last argument is a service's container.
func (l *lab) on(ctx context.Context, service string, args ...string) error {
	id, err := l.container(ctx, service)
	if err != nil {
		return err
	}
	_, err = docker(ctx, append(args, id)...)
	return err
}

func (l *lab) kill(ctx context.Context, service string) error   { return l.on(ctx, service, "kill") }
func (l *lab) start(ctx context.Context, service string) error  { return l.on(ctx, service, "start") }
func (l *lab) freeze(ctx context.Context, service string) error { return l.on(ctx, service, "pause") }
func (l *lab) thaw(ctx context.Context, service string) error   { return l.on(ctx, service, "unpause") }

// line is the network by which a city reaches the broker.
func (l *lab) line(city string) string { return l.project + "_" + city }

func (l *lab) cut(ctx context.Context, city string) error {
	return l.on(ctx, city, "network", "disconnect", l.line(city))
}

func (l *lab) heal(ctx context.Context, city string) error {
	err := l.on(ctx, city, "network", "connect", "--alias", city, l.line(city))
	if err != nil && strings.Contains(err.Error(), "already exists in network") {
		return errors.New("the line is not cut")
	}
	return err
}

func (l *lab) breakTarget(ctx context.Context, name string) error {
	return l.target(ctx, "break", name)
}
func (l *lab) mendTarget(ctx context.Context, name string) error { return l.target(ctx, "mend", name) }

func (l *lab) target(ctx context.Context, args ...string) error {
	id, err := l.container(ctx, "targets")
	if err != nil {
		return err
	}
	out, err := docker(ctx, append([]string{"exec", id, "netmon-targets"}, args...)...)
	if err == nil {
		fmt.Fprintln(l.out, out)
	}
	return err
}
