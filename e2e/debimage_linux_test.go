package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"

	"netmon/internal/need"
)

// debianImage is what is made for a container, beside what the test does meanwhile.
type debianImage struct {
	name string
	made chan error // gets one value
}

// startDebianImage begins to make it, of the packages that this host's own sources have.
func startDebianImage(t *testing.T) *debianImage {
	i := &debianImage{"netmon-deb-test", make(chan error, 1)}
	i.remove()
	root := filepath.Join(t.TempDir(), "root.tar")
	done := make(chan struct{})
	go func() {
		defer close(done)
		i.made <- i.make(t.Context(), root)
	}()
	t.Cleanup(func() { <-done; i.remove() })
	return i
}

func (i *debianImage) make(ctx context.Context, root string) error {
	sources, err := debianSources(ctx)
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "mmdebstrap", "--quiet", "--mode=root", "--variant=minbase", "--include=systemd-sysv,sysvinit-utils",
		"--dpkgopt=path-exclude=/usr/share/locale/*", "--dpkgopt=force-unsafe-io", "", root, "-")
	cmd.Stdin = bytes.NewReader(sources)
	out, err := cmd.CombinedOutput()
	if err == nil {
		out, err = exec.CommandContext(ctx, "docker", "import", root, i.name).CombinedOutput()
	}
	if err != nil { // servers are nobody's business
		return fmt.Errorf("%w\n%s", err, regexp.MustCompile(`://[^/\s]+`).ReplaceAll(out, []byte("://…")))
	}
	return nil
}

// debianSources are the sources of this host that are Debian's own.
func debianSources(ctx context.Context) (list []byte, err error) {
	for range 2 {
		list, err = exec.CommandContext(ctx, "apt-get", "indextargets", "--format", "deb $(REPO_URI) $(RELEASE) $(COMPONENT)", "Created-By: Packages", "Origin: Debian").Output()
		if err != nil || len(list) > 0 {
			return list, err
		}
		if err := exec.CommandContext(ctx, "apt-get", "update", "-qq").Run(); err != nil {
			return nil, err
		}
	}
	return nil, errors.New("this host's apt has no sources of Debian")
}

// use is the image's name, once it is there; or the test is skipped for lack of what makes it.
func (i *debianImage) use(t *testing.T) string {
	t.Helper()
	need.Root(t)
	need.Tool(t, "mmdebstrap", "mmdebstrap")
	need.Tool(t, "docker", "docker.io")
	if out, err := exec.Command("docker", "info").CombinedOutput(); err != nil {
		need.Missing(t, "a container engine: docker info: %v: %s", err, out)
	}
	if err := <-i.made; err != nil {
		t.Fatalf("an image of Debian: %v", err)
	}
	return i.name
}

func (i *debianImage) remove() {
	exec.Command("docker", "rm", "-f", i.name).Run()
	exec.Command("docker", "rmi", "-f", i.name).Run()
}
