package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// target is a system that netmon is built for.
type target struct{ os, arch string }

// allTargets are those that are published.
func allTargets() []target {
	return []target{
		{"linux", "amd64"}, {"linux", "arm64"}, {"linux", "arm"},
		{"darwin", "amd64"}, {"darwin", "arm64"},
		{"windows", "amd64"}, {"windows", "arm64"},
	}
}

// parseTargets reads OS/ARCH by blanks; nothing means all.
func parseTargets(text string) (list []target, err error) {
	if strings.TrimSpace(text) == "" {
		return allTargets(), nil
	}
	var wrong, known []string
	for _, t := range allTargets() {
		known = append(known, t.String())
	}
	for word := range strings.FieldsSeq(text) {
		system, arch, _ := strings.Cut(word, "/")
		if t := (target{system, arch}); !slices.Contains(known, word) {
			wrong = append(wrong, fmt.Sprintf("%q", word))
		} else if !slices.Contains(list, t) {
			list = append(list, t)
		}
	}
	if len(wrong) > 0 {
		return nil, fmt.Errorf("targets: want some of %s, got %s", strings.Join(known, ", "), strings.Join(wrong, ", "))
	}
	return list, nil
}

func (t target) String() string { return t.os + "/" + t.arch }

// name is the target in names of files.
func (t target) name() string {
	if t.arch == "arm" {
		return t.os + "_armv6"
	}
	return t.os + "_" + t.arch
}

func (t target) windows() bool { return t.os == "windows" }

// debian is the architecture of the target's package, "" for none.
func (t target) debian() string {
	if t.os != "linux" {
		return ""
	}
	return map[string]string{"amd64": "amd64", "arm64": "arm64", "arm": "armhf"}[t.arch]
}

// program is the name of the program.
func (t target) program() string {
	if t.windows() {
		return "netmon.exe"
	}
	return "netmon"
}

// build compiles the program for a target, and returns its path.
func build(work string, t target, version string, c commit) (string, error) {
	path := filepath.Join(work, t.name(), t.program())
	// In a clone the program records its commit.
	cmd := exec.Command("go", "build", "-trimpath", fmt.Sprintf("-buildvcs=%t", c.hash != ""),
		"-ldflags", "-s -w -X main.version="+version, "-o", path, "./cmd/netmon")
	// The code of ARMv6 runs on every Raspberry Pi.
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+t.os, "GOARCH="+t.arch, "GOARM=6")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return path, nil
}
