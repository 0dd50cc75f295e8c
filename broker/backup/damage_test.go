package backup_test

import (
	"bufio"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"netmon/broker"
	"netmon/broker/backup"
	"netmon/internal/need"
)

func TestRestore_DamagedBackup(t *testing.T) {
	need.Time(t)
	whole, _ := filled(t)
	edit := func(name string, change func([]byte) []byte) func(t *testing.T, dir string) {
		return func(t *testing.T, dir string) {
			path := filepath.Join(dir, name)
			data, err := os.ReadFile(path)
			if err == nil {
				err = os.WriteFile(path, change(data), 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	cut := func(b []byte) []byte { return b[:len(b)/2] }
	flip := func(b []byte) []byte { b[len(b)/2] ^= 1; return b }
	remove := func(name string) func(*testing.T, string) {
		return func(t *testing.T, dir string) {
			if err := os.Remove(filepath.Join(dir, name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	type row struct {
		what   string
		damage func(t *testing.T, dir string)
		want   []string
	}
	rows := []row{
		{"no manifest", remove("manifest.json"), []string{"has no manifest.json", "take another one"}},
		{"no sums", remove("SHA256SUMS"), []string{"SHA256SUMS"}},
		{"a longer file", edit("RESULTS.snapshot", func(b []byte) []byte { return append(b, 0) }), []string{"RESULTS.snapshot is damaged", "bytes, and had"}},
		{"a link", func(t *testing.T, dir string) {
			remove("AUDIT.snapshot")(t, dir)
			if err := os.Symlink(filepath.Join(whole, "AUDIT.snapshot"), filepath.Join(dir, "AUDIT.snapshot")); err != nil {
				t.Skip(err)
			}
		}, []string{"AUDIT.snapshot is damaged", "not a regular file"}},
	}
	for _, name := range []string{"manifest.json", "KV_monitors.snapshot", "KV_alerting.snapshot", "OBJ_configs.snapshot", "AUDIT.snapshot", "AGENTS.snapshot", "INCIDENTS.snapshot", "VERDICTS.snapshot", "HISTORY.snapshot", "RESULTS.snapshot",
		"access/keys.json", "access/ca.pem", "access/ca-key.pem", "access/identities.json", "access/trust.json"} {
		says := []string{filepath.Base(name) + " is damaged", "nothing was restored"}
		rows = append(rows, row{name + " cut", edit(name, cut), says}, row{name + " with another byte", edit(name, flip), says})
		if name != "manifest.json" {
			rows = append(rows, row{name + " missing", remove(name), append(says, "missing")})
		}
	}
	for _, r := range rows {
		t.Run(r.what, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "backup")
			if err := os.CopyFS(dir, os.DirFS(whole)); err != nil {
				t.Fatal(err)
			}
			r.damage(t, dir)
			store := filepath.Join(t.TempDir(), "store")
			m, err := backup.Read(dir)
			if err == nil {
				_, err = backup.Into(t.Context(), dir, m, store, backup.RestoreOptions{})
			}
			for _, want := range r.want {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("%v: want %q in it", err, want)
				}
			}
			wantEmpty(t, store)
		})
	}
}

// TestRead_HostileManifest has the sum of its manifest right, and names what it should not.
func TestRead_HostileManifest(t *testing.T) {
	for what, text := range map[string]string{
		"leads out of the folder":   `{"format":1,"streams":[{"name":"RESULTS","path":"../x"}]}`,
		"is not a stream of netmon": `{"format":1,"streams":[{"name":"X.>","path":"x"}]}`,
		"outside of access":         `{"format":1,"access":{"files":[{"path":"x"}]}}`,
		"of format 2":               `{"format":2}`,
		"unexpected end":            `{`,
	} {
		dir := t.TempDir()
		for name, data := range map[string]string{"manifest.json": text, "SHA256SUMS": fmt.Sprintf("%x  manifest.json\n", sha256.Sum256([]byte(text)))} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(data), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := backup.Read(dir); err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("%s: %v, want %q in it", text, err, what)
		}
	}
}

const (
	envBackup = "NETMON_TEST_BACKUP"
	envStore  = "NETMON_TEST_STORE"
)

// TestMain is the test itself or, in a process that a test starts, a restore to be
// killed: it stops for ever after the first stream.
func TestMain(m *testing.M) {
	dir := os.Getenv(envBackup)
	if dir == "" {
		os.Exit(m.Run())
	}
	b, err := backup.Read(dir)
	if err == nil {
		_, err = backup.Into(context.Background(), dir, b, os.Getenv(envStore), backup.RestoreOptions{Progress: func(p backup.Progress) {
			if p.Done {
				fmt.Println("half")
				select {}
			}
		}})
	}
	fmt.Println(err)
	os.Exit(1)
}

func TestRestore_KilledMidway(t *testing.T) {
	dir, _ := filled(t)
	store := filepath.Join(t.TempDir(), "store")
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), envBackup+"="+dir, envStore+"="+store)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Process.Kill()
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "half\n" {
		t.Fatalf("the restore said %q, %v", line, err)
	}
	m := read(t, dir)
	for _, when := range []string{"it runs", "it was killed"} {
		if _, err := broker.Start(t.Context(), broker.Options{Store: store}); err == nil {
			t.Fatalf("a broker starts on the store while %s", when)
		} else if when == "it was killed" && (!errors.Is(err, broker.ErrNotWhole) || !strings.Contains(err.Error(), "restore again")) {
			t.Errorf("a broker, when %s: %v", when, err)
		}
		if _, err := backup.Into(t.Context(), dir, m, store, backup.RestoreOptions{}); !errors.Is(err, broker.ErrNotWhole) {
			t.Errorf("another restore, when %s: %v", when, err)
		}
		cmd.Process.Kill()
		cmd.Wait()
	}
	// It does as it was told.
	if err := os.RemoveAll(store); err != nil {
		t.Fatal(err)
	}
	if _, err := backup.Into(t.Context(), dir, m, store, backup.RestoreOptions{}); err != nil {
		t.Error(err)
	}
}
