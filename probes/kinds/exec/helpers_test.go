//go:build unix

package exec

import (
	"cmp"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"netmon/internal/probetest"
	"netmon/probes"
	"netmon/wire"
)

// script writes a program for sh.
func script(t *testing.T, body string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "check_it")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+body+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o700); err != nil { // #nosec G302 -- a program
		t.Fatal(err)
	}
	return path
}

// newEnv is one for a test.
func newEnv(t *testing.T) *probes.Env {
	t.Helper()
	return newEnvWith(t, &probes.Env{})
}

// newEnvWith has the launcher that this process is to test.
func newEnvWith(t *testing.T, env *probes.Env) *probes.Env {
	t.Helper()
	t.Cleanup(func() { env.Close() })
	if l := launcherToTest(); l != nil {
		if _, err := env.Shared("exec", func() (io.Closer, error) { return newPool(cmp.Or(env.Programs, probes.DefaultPrograms), l), nil }); err != nil {
			t.Fatal(err)
		}
	}
	return env
}

// measureIn runs a program once.
func measureIn(t *testing.T, env *probes.Env, timeout time.Duration, path, options string) wire.Result {
	t.Helper()
	return probetest.CheckOf(t, Kinds(), env, "exec", path, options).Run(t.Context(), timeout, nil)
}

func measure(t *testing.T, path, options string) wire.Result {
	t.Helper()
	return measureIn(t, newEnv(t), 10*time.Second, path, options)
}

func detailsOf(t *testing.T, r wire.Result) (d Details) {
	t.Helper()
	if err := json.Unmarshal(r.Details, &d); err != nil {
		t.Fatalf("%s: %v", r.Details, err)
	}
	return d
}
