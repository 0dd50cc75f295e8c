package access_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"netmon/broker/access"
	"netmon/internal/natstest"
	"netmon/wire"
)

// filesOf are the files below a folder with their contents and times.
func filesOf(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		data, err := os.ReadFile(path)
		out[path] = fmt.Sprintf("%v %s", info.ModTime(), data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestReadOnly_ChangesNothing(t *testing.T) {
	s := natstest.StartSecure(t)
	dir := access.FolderOf(s.Store())
	before := filesOf(t, dir)
	r, err := access.OpenReadOnly(dir)
	if err != nil {
		t.Fatal(err)
	}
	own, err := r.Connect(2 * time.Second)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	nc, err := nats.Connect(s.Address, append(own, nats.NoReconnect(), nats.ClosedHandler(func(*nats.Conn) { close(ended) }))...)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	if _, err := natstest.JetStream(t, nc).Stream(t.Context(), wire.ResultsStream); err != nil {
		t.Error(err)
	}
	if _, err := r.Files(t.Context()); err != nil {
		t.Error(err)
	}
	if after := filesOf(t, dir); !reflect.DeepEqual(after, before) {
		t.Errorf("it changed the folder:\n%v\nwas\n%v", after, before)
	}
	select { // its key is good for two seconds
	case <-ended:
	case <-time.After(time.Minute):
		t.Error("the connection outlives its credential")
	}

	if _, err := access.OpenReadOnly(t.TempDir()); err == nil || !strings.Contains(err.Error(), "no keys of a mesh") {
		t.Errorf("an empty folder: %v", err)
	}
	if err := os.Chmod(filepath.Join(dir, "keys.json"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := access.OpenReadOnly(dir); err == nil || !strings.Contains(err.Error(), "everybody may read it") {
		t.Errorf("keys that everybody may read: %v", err)
	}
}

// TestReadOnly_FilesFitTogether reads while people join and are shut out: a registry
// older than its list would be an authority that does not open.
func TestReadOnly_FilesFitTogether(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "access")
	a, err := access.Open(dir, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	r, err := access.OpenReadOnly(dir)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		var err error
		for ctx.Err() == nil && err == nil {
			err = a.WriteAdmin(a.Admin(), "tls://127.0.0.1:1") // a change of the registry, and a list
			time.Sleep(30 * time.Millisecond)                  // as fast as people are
		}
		ended <- err
	}()
	for range 10 {
		files, err := r.Files(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		copied := filepath.Join(t.TempDir(), "access")
		if err := access.Install(copied, files); err != nil {
			t.Fatal(err)
		}
		other, err := access.Open(copied, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		other.Close()
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if err := access.Install(dir, nil); err == nil {
		t.Error("a folder that has keys gets others")
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.Files(cancelled); !errors.Is(err, context.Canceled) {
		t.Errorf("Files with an ended context: %v", err)
	}
}

func TestCheckFiles_RegistryOlderThanItsList(t *testing.T) {
	files := map[string][]byte{"keys.json": {}, "ca.pem": {}, "ca-key.pem": {},
		"identities.json": []byte(`{"format":2,"number":4,"identities":{}}`), "trust.json": []byte(`{"book":5}`)}
	if err := access.CheckFiles(files); err == nil || !strings.Contains(err.Error(), "older") {
		t.Errorf("a registry that is older: %v", err)
	}
	files["trust.json"] = []byte(`{"book":4}`)
	if err := access.CheckFiles(files); err != nil {
		t.Error(err)
	}
	delete(files, "keys.json")
	if err := access.CheckFiles(files); err == nil || !strings.Contains(err.Error(), "keys.json") {
		t.Errorf("no keys: %v", err)
	}
}
