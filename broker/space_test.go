package broker

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"netmon/internal/freeport"
	"netmon/internal/need"
)

// TestProvision_NoRoomInACluster: what there is no room for is reported with what is
// wanted and the flags, and not taken for servers that are not there yet.
func TestProvision_NoRoomInACluster(t *testing.T) {
	need.Time(t)
	servers := startCluster(t, 3, "max_file_store: 1GB")
	l := DefaultLimits()
	l.Replicas = 3
	err := Provision(t.Context(), connect(t, servers[0].URL()), l)
	var room *SpaceError
	if !errors.As(err, &room) {
		t.Fatalf("error %v", err)
	}
	for _, b := range servers {
		room.Servers = append(room.Servers, b.Space(t.Context())...)
	}
	for _, want := range []string{"the stream RESULTS (4.0 GiB on each of 3 servers)", "; s0 has ", "; s2 has ", "results-size", "replicas", "max_file_store", "insufficient storage"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not say %q", err, want)
		}
	}
	l.ResultsBytes = 64 << 20
	if err := Provision(t.Context(), connect(t, servers[1].URL()), l); err != nil {
		t.Errorf("after the flag was changed: %v", err)
	}
}

// startCluster starts servers that know each other.
func startCluster(t *testing.T, n int, jetStream string) []*Broker {
	t.Helper()
	routes := make([]string, n)
	for i := range n {
		routes[i] = freeport.Addr(t)
	}
	servers, errs := make([]*Broker, n), make([]error, n)
	var all sync.WaitGroup
	for i := range n {
		o := Options{Config: config(t, fmt.Sprintf("server_name: s%d\nlisten: \"127.0.0.1:-1\"\njetstream { store_dir: %q, %s }\ncluster { name: c, listen: %q, routes: [\"nats://%s\"] }",
			i, t.TempDir(), jetStream, routes[i], strings.Join(routes, `", "nats://`)))}
		all.Go(func() { servers[i], errs[i] = Start(t.Context(), o) }) // none is ready alone
	}
	all.Wait()
	for _, b := range servers {
		if b != nil {
			t.Cleanup(b.Close)
		}
	}
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	return servers
}
