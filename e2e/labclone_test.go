package e2e

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"netmon/internal/need"
)

// clone is a new folder with what git has of this tree, as it is on disk now. Nothing that
// make leaves behind is in it.
func clone(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	need.Tool(t, "git", "git")
	do(t, 0, "sh", "-c", `cd .. && git ls-files -z | tar --null --files-from=- -c | tar -x -C "$0"`, dir)
	return dir
}

// composer runs docker-compose, or Compose v2, in a folder.
func composer(t *testing.T, dir string) func(within time.Duration, args ...string) {
	t.Helper()
	compose := []string{"docker-compose"}
	if _, err := exec.LookPath(compose[0]); err != nil {
		if compose = []string{"docker", "compose"}; exec.Command("docker", "compose", "version").Run() != nil {
			need.Missing(t, "docker-compose (Debian package docker-compose)")
		}
	}
	return func(within time.Duration, args ...string) {
		t.Helper()
		ctx, cancel := context.WithTimeout(context.Background(), within)
		defer cancel()
		cmd := exec.CommandContext(ctx, compose[0], append(compose[1:], args...)...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("docker-compose %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
}

// TestCompose_Clone: the files are right in a fresh clone, where nothing was made.
func TestCompose_Clone(t *testing.T) {
	t.Parallel()
	compose := composer(t, clone(t))
	compose(patience, "config", "-q")
	compose(patience, "-f", "docker-compose.yml", "-f", "docker-compose.cluster.yml", "config", "-q")
}

// TestLab_Clone: `docker-compose up` in a fresh clone compiles the lab inside the engine and
// starts it, and `make lab-down` removes all of it. Instead of the image golang, which no test
// pulls, it compiles with this machine's own Go.
func TestLab_Clone(t *testing.T) {
	if !*runLab {
		t.Skip("it compiles all of netmon in a container: go test ./e2e -run Lab_Clone -lab -v")
	}
	for name, pkg := range map[string]string{"docker": "docker.io", "make": "make"} {
		need.Tool(t, name, pkg)
	}
	const project, golang = "netmon-lab-clone", "netmon-lab-clone-go"
	t.Setenv("COMPOSE_PROJECT_NAME", project)
	t.Setenv("NETMON_LAB_PORT", freeAddr(t)[len("127.0.0.1:"):])
	t.Setenv("GO_IMAGE", golang)
	dir := clone(t)
	compose := composer(t, dir)
	fault := filepath.Join(t.TempDir(), "fault")
	do(t, 0, "go", "build", "-trimpath", "-o", fault, "netmon/lab/fault")
	importGo(t, golang)
	t.Cleanup(func() {
		if out, err := exec.Command("make", "-C", dir, "lab-down").CombinedOutput(); err != nil {
			t.Errorf("make lab-down: %v\n%s", err, out)
		}
		if out, err := exec.Command("docker", "rmi", golang).CombinedOutput(); err != nil {
			t.Errorf("%v: %s", err, out)
		}
		(&labMesh{T: t, project: project}).nothingLeft()
	})
	begin := time.Now()
	compose(10*time.Minute, "up", "-d")
	do(t, 0, fault, "ready")
	t.Logf("results of all monitors %.0f s after docker-compose up, most of which compiles", time.Since(begin).Seconds())
}

// importGo makes an image of this machine's Go and the modules that it has, which stand for
// the module proxy.
func importGo(t *testing.T, image string) {
	t.Helper()
	env := strings.Fields(do(t, 0, "go", "env", "GOROOT", "GOMODCACHE"))
	if len(env) != 2 {
		t.Fatalf("go env: %q", env)
	}
	goroot, proxy := env[0], filepath.Join(env[1], "cache", "download")
	script := `tar -C / --transform "s,^${GOROOT#/},usr/local/go," --transform "s,^${PROXY#/},modules," -c \
		"${GOROOT#/}/bin" "${GOROOT#/}/src" "${GOROOT#/}/pkg/tool" "${GOROOT#/}/pkg/include" "${GOROOT#/}/go.env" "${GOROOT#/}/VERSION" "${PROXY#/}" |
		docker import -c 'ENV PATH=/usr/local/go/bin HOME=/modules TMPDIR=/modules GOTOOLCHAIN=local GOSUMDB=off GOPROXY=file:///modules' - "$IMAGE"`
	cmd := exec.CommandContext(t.Context(), "bash", "-o", "pipefail", "-c", script)
	cmd.Env = append(os.Environ(), "GOROOT="+goroot, "PROXY="+proxy, "IMAGE="+image)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("an image of this machine's Go: %v\n%s", err, out)
	}
}
