package main

import (
	"bufio"
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// TestOutside builds this program in a module of its own, as somebody would who
// embeds an agent, and reads a result of its kind.
func TestOutside(t *testing.T) {
	dir, root := t.TempDir(), filepath.Join("..", "..")
	root, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	mod, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	text := regexp.MustCompile(`(?m)^module .*$`).ReplaceAllString(string(mod), "module example.com/own")
	text += "\nrequire netmon v0.0.0\n\nreplace netmon => " + root + "\n"
	write(t, filepath.Join(dir, "go.mod"), text)
	for from, to := range map[string]string{filepath.Join(root, "go.sum"): "go.sum", "main.go": "main.go", "ssh.go": "ssh.go"} {
		data, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, to), string(data))
	}
	program := filepath.Join(dir, "own")
	build := exec.CommandContext(t.Context(), "go", "build", "-mod=mod", "-o", program, ".")
	build.Dir = dir
	build.Env = append(os.Environ(), "GOWORK=off", "CGO_ENABLED=0", "GOFLAGS=-trimpath") // as the other tests build netmon: what is compiled for them is used again
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}

	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	own := exec.CommandContext(ctx, program, sshServer(t))
	own.Stderr = os.Stderr
	out, err := own.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := own.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		own.Process.Signal(os.Interrupt)
		if err := own.Wait(); err != nil {
			t.Errorf("it ended with %v", err)
		}
	}()
	for lines := bufio.NewScanner(out); ; {
		if !lines.Scan() {
			t.Fatal("no result of the kind ssh came")
		}
		t.Log(lines.Text())
		if strings.HasPrefix(lines.Text(), "ok ") && strings.Contains(lines.Text(), `"software":"OpenSSH_9.6"`) {
			return
		}
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// sshServer identifies itself as OpenSSH, and says no more.
func sshServer(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			c.Write([]byte("SSH-2.0-OpenSSH_9.6\r\n"))
			c.Close()
		}
	}()
	return l.Addr().String()
}

// TestReport_OfNothing: what was not learned is not reported.
func TestReport_OfNothing(t *testing.T) {
	var w strings.Builder
	details{ConnectNS: 1}.Report(&w)
	if w.String() != "" {
		t.Errorf("%q", w.String())
	}
}
