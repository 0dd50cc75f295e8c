package access_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"netmon/internal/need"
)

// programs is a folder for what all tests of this process use.
var programs string

func TestMain(m *testing.M) {
	var err error
	if programs, err = os.MkdirTemp("", "netmon-access"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	os.RemoveAll(programs)
	os.Exit(code)
}

var builtServer = sync.OnceValues(func() (program string, err error) {
	program = filepath.Join(programs, "nats-server")
	build := exec.Command("go", "build", "-o", program, "github.com/nats-io/nats-server/v2")
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-trimpath") // under the race detector, too: what is compiled for other tests is used again
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w\n%s", err, out)
	}
	return program, nil
})

// natsServer is the nats-server of the module that we embed, as a program.
func natsServer(t *testing.T) string {
	t.Helper()
	program, err := builtServer()
	if err != nil {
		need.Missing(t, "a nats-server that can be built: %v", err)
	}
	return program
}
