package broker

import (
	"errors"
	"net"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"netmon/broker/access"
)

// TestConnect_ARefusalIsReadAtOnce: whom the server does not let in is told so,
// inside this process too.
func TestConnect_ARefusalIsReadAtOnce(t *testing.T) {
	store := t.TempDir()
	a, err := access.Open(access.FolderOf(store), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	other, err := access.Open(access.FolderOf(t.TempDir()), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	credential, err := other.Built(access.Controller, "controller")
	if err != nil {
		t.Fatal(err)
	}
	b := mustStart(t, Options{Listen: "127.0.0.1:0", Store: store, Access: a})
	begin := time.Now()
	_, err = b.Connect(append(credential, nats.Timeout(20*time.Second))...)
	if !errors.Is(err, nats.ErrAuthorization) || time.Since(begin) > 10*time.Second {
		t.Errorf("after %v: %v", time.Since(begin), err)
	}
}

// TestPipe_FirstWritesDoNotWait: what follows them does, and get their error.
func TestPipe_FirstWritesDoNotWait(t *testing.T) {
	client, server := net.Pipe()
	p := newPipe(client)
	for _, text := range []string{"one", "two"} {
		if n, err := p.Write([]byte(text)); n != 3 || err != nil {
			t.Fatalf("write %q: %d, %v", text, n, err)
		}
	}
	read := make([]byte, 8)
	for _, want := range []string{"one", "two"} {
		if n, err := server.Read(read); string(read[:n]) != want || err != nil {
			t.Fatalf("read %q, %v; want %q", read[:n], err, want)
		}
	}
	go server.Read(read)
	if n, err := p.Write([]byte("three")); n != 5 || err != nil {
		t.Errorf("write: %d, %v", n, err)
	}

	client, server = net.Pipe()
	p = newPipe(client)
	p.Write([]byte("one"))
	p.Write([]byte("two"))
	server.Close()
	if _, err := p.Write([]byte("three")); err == nil {
		t.Error("the other end is closed, and nobody is told")
	}
}
