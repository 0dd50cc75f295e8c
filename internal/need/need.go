// Package need tells tests what they may use on this machine. A test that needs
// something optional skips with a clear line when it is missing; where
// NETMON_NEED_ALL=1 is set, as in .ci/run, it fails instead.
package need

import (
	"os"
	"os/exec"
	"testing"
)

// Tool returns the path of a program that is not part of netmon, such as nginx
// from the Debian package pkg.
func Tool(t testing.TB, name, pkg string) string {
	t.Helper()
	for _, path := range []string{name, "/usr/sbin/" + name, "/sbin/" + name} {
		if p, err := exec.LookPath(path); err == nil {
			return p
		}
	}
	Missing(t, "%s (Debian package %s)", name, pkg)
	return ""
}

// Root says that the test makes network namespaces or uses raw sockets.
func Root(t testing.TB) {
	t.Helper()
	if os.Geteuid() != 0 {
		Missing(t, "root")
	}
}

// Missing skips the test for lack of something, or fails it where all is required.
func Missing(t testing.TB, format string, args ...any) {
	t.Helper()
	if os.Getenv("NETMON_NEED_ALL") == "1" {
		t.Fatalf("this machine must have: "+format, args...)
	}
	t.Skipf("skipped, this machine lacks: "+format, args...)
}

// Time says that the test takes seconds, even where nothing else runs: go test
// -short, and so make check, skip it.
func Time(t testing.TB) {
	t.Helper()
	if testing.Short() {
		t.Skip("skipped by -short: it takes seconds")
	}
}
