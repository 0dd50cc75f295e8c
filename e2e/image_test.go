package e2e

import (
	"os/exec"
	"strings"
	"testing"

	"netmon/internal/need"
)

// TestImage builds the image and lets it do its work with no rights at all: no
// root, no capability, no way to gain any, nothing writable but its state.
func TestImage(t *testing.T) {
	if !*runLab {
		t.Skip("needs -lab")
	}
	for name, pkg := range map[string]string{"docker": "docker.io", "make": "make"} {
		need.Tool(t, name, pkg)
	}
	if out, err := exec.Command("docker", "info").CombinedOutput(); err != nil {
		need.Missing(t, "a container engine: docker info: %v: %s", err, out)
	}
	const image = "netmon-image-test"
	if out, err := exec.CommandContext(t.Context(), "make", "-C", "..", "image", "IMAGE="+image).CombinedOutput(); err != nil {
		t.Fatalf("make image: %v\n%s", err, out)
	}
	t.Cleanup(func() { exec.Command("docker", "rmi", "-f", image).Run() })
	if user := strings.TrimSpace(do(t, 0, "docker", "inspect", "-f", "{{.Config.User}} {{len .RootFS.Layers}}", image)); user != "65532:65532 3" {
		t.Errorf("user and layers are %q, want 65532:65532 3", user)
	}
	run := func(code int, args ...string) string {
		t.Helper()
		return do(t, code, "docker", append([]string{"run", "--rm", "--read-only", "--security-opt", "no-new-privileges", "--cap-drop", "ALL"}, args...)...)
	}
	const metadata = "169.254.169.254"
	for what, c := range map[string]struct {
		code int
		args []string
		want string
	}{
		"an echo without any capability":       {0, []string{image, "probe", "icmp", "127.0.0.1"}, "1 received"},
		"an echo of root with one, the host's": {0, []string{"--network", "host", "--user", "0", "--cap-add", "NET_RAW", image, "probe", "icmp", "127.0.0.1"}, "1 received"},
		"its policy":                           {1, []string{image, "policy", metadata + ":80"}, "metadata"},
	} {
		if out := run(c.code, c.args...); !strings.Contains(out, c.want) {
			t.Errorf("%s: no %q in\n%s", what, c.want, out)
		}
	}
}
