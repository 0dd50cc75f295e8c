package endpoint

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"netmon/broker/access"
	"netmon/internal/need"
)

// localStore is a store with the identity that a broker left there.
func localStore(t *testing.T, url string) string {
	t.Helper()
	store := filepath.Join(t.TempDir(), "store")
	a, err := access.Open(access.FolderOf(store), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	if err := a.WriteAdmin(a.Admin(), url); err != nil {
		t.Fatal(err)
	}
	return store
}

// noted leaves a broker's note, in a state folder of the test's own.
func noted(t *testing.T, store, url string) {
	t.Helper()
	if _, err := noteBroker(Local{URL: url, Store: store, Admin: access.AdminFolder(access.FolderOf(store))}); err != nil {
		t.Fatal(err)
	}
}

func notes(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(NotesFolder(), "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestLocalBrokers_NewestFirstAndWithoutThoseGone(t *testing.T) {
	t.Setenv("XDG_STATE_HOME", t.TempDir())
	older, newer := localStore(t, "tls://127.0.0.1:1"), localStore(t, "tls://127.0.0.1:2")
	noted(t, older, "tls://127.0.0.1:1")
	noted(t, newer, "tls://127.0.0.1:2")
	noted(t, older, "tls://127.0.0.1:1") // started again: one note, and the newest
	gone := localStore(t, "tls://127.0.0.1:3")
	noted(t, gone, "tls://127.0.0.1:3")
	if err := os.RemoveAll(gone); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(NotesFolder(), "broken.json"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, b := range Locals() {
		if b.Store != systemStore {
			got = append(got, b.Store+" "+b.URL)
		}
	}
	want := older + " tls://127.0.0.1:1, " + newer + " tls://127.0.0.1:2"
	if all := strings.Join(got, ", "); all != want {
		t.Errorf("%s, want %s", all, want)
	}
	if n := len(notes(t)); n != 3 {
		t.Errorf("%d notes, want those of two stores and the broken one", n)
	}
}

func TestNoteBroker_ForgetsItsOwnAlone(t *testing.T) {
	t.Setenv("XDG_STATE_HOME", t.TempDir())
	store := localStore(t, "tls://127.0.0.1:1")
	b := Local{URL: "tls://127.0.0.1:1", Store: store, Admin: access.AdminFolder(access.FolderOf(store))}
	first, err := noteBroker(b)
	if err != nil {
		t.Fatal(err)
	}
	second, err := noteBroker(b) // of the next start
	if err != nil {
		t.Fatal(err)
	}
	first()
	if n := len(notes(t)); n != 1 {
		t.Fatalf("%d notes, want that of the second start", n)
	}
	second()
	if n := len(notes(t)); n != 0 {
		t.Errorf("%d notes are left", n)
	}
}

// TestFromStore_ForRoot: the unit's broker has a user of its own.
func TestFromStore_ForRoot(t *testing.T) {
	need.Root(t)
	store := localStore(t, "tls://127.0.0.1:1")
	err := filepath.WalkDir(store, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(path, 54321, 54321)
	})
	if err != nil {
		t.Fatal(err)
	}
	if b, ok := fromStore(store); !ok || b.err != nil || b.URL != "tls://127.0.0.1:1" {
		t.Errorf("%+v, %v", b, ok)
	}
}

func TestOfThisHost(t *testing.T) {
	name, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	for url, want := range map[string]bool{
		"tls://127.0.0.1:4222": true, "nats://[::1]:4222": true, "localhost:4222": true, "127.0.0.1": true, "tls://" + name + ":4222": true,
		"tls://192.0.2.1:4222": false, "tls://broker.example:4222": false, "ws://127.0.0.1:80": false,
		"nats://ana:secret@127.0.0.1:4222": false, "nats://127.0.0.1:4222,127.0.0.1:4223": false,
	} {
		if got := ofThisHost(url); got != want {
			t.Errorf("ofThisHost(%q) = %v, want %v", url, got, want)
		}
	}
	if portOf("localhost") != "4222" || portOf("tls://h:5") != "5" {
		t.Error("ports")
	}
}

// TestLocalEndpoint_ThatDoesNotAnswer: a note that was left behind leads nowhere.
func TestLocalEndpoint_ThatDoesNotAnswer(t *testing.T) {
	t.Setenv("XDG_STATE_HOME", t.TempDir())
	noted(t, localStore(t, "tls://127.0.0.1:1"), "tls://127.0.0.1:1")
	began := time.Now()
	e, err := localEndpoint(nil)
	if err != nil || e.Identity != "" || e.From != "the default" || time.Since(began) > localPatience {
		t.Errorf("%+v, %v after %v", e, err, time.Since(began))
	}
}
