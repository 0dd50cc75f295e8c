package probes

import (
	"encoding/json"
	"errors"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"netmon/wire"
)

// allowTargets is a target of each kind on an address and on a name, and the
// network and port that the kind goes to.
var allowTargets = map[string]struct{ address, name, network, port string }{
	"http":  {"http://127.0.0.1:9/", "http://localhost:9/", "tcp", "9"},
	"https": {"https://127.0.0.1/", "https://localhost/", "tcp", "443"},
	"icmp":  {"127.0.0.1", "localhost", "icmp", "0"},
	"dns":   {"example.com@127.0.0.1", "example.com@localhost", "udp", "53"},
	"ntp":   {"127.0.0.1", "localhost", "udp", "123"},
	"tcp":   {"127.0.0.1:9", "localhost:9", "tcp", "9"},
	"tls":   {"127.0.0.1", "localhost", "tcp", "443"},
	"udp":   {"127.0.0.1:9", "localhost:9", "udp", "9"},
}

// TestEveryKind_AsksWhatIsAllowed: no kind reaches an address that the owner of
// the process forbids, however it is written, and the error gives no address away.
func TestEveryKind_AsksWhatIsAllowed(t *testing.T) {
	for _, k := range Kinds {
		c, ok := allowTargets[k.Name]
		if !ok {
			t.Errorf("kind %s: give it a target in allowTargets", k.Name)
			continue
		}
		for _, target := range []string{c.address, c.name, strings.Replace(c.address, "127.0.0.1", "[::ffff:127.0.0.1]", 1)} {
			if k.Name == "icmp" {
				target = strings.Trim(target, "[]")
			}
			var mu sync.Mutex
			var asked []string
			env := &Env{Allow: func(network string, to netip.AddrPort) error {
				mu.Lock()
				defer mu.Unlock()
				asked = append(asked, network+" "+to.String())
				return errors.New("no")
			}}
			check, err := New(env, k.Name, target, json.RawMessage(`{"family":"4"}`))
			if err != nil {
				t.Errorf("%s %s: %v", k.Name, target, err)
				continue
			}
			r := check.Run(t.Context(), 5*time.Second, nil)
			if r.Outcome != wire.Broken || r.Failure != wire.BrokenPolicy || r.Address != "" || r.LatencyNS != nil {
				t.Errorf("%s %s = %s %s %q address %q, want broken by the policy", k.Name, target, r.Outcome, r.Failure, r.Error, r.Address)
			}
			if want := c.network + " 127.0.0.1:" + c.port; len(asked) != 1 || asked[0] != want {
				t.Errorf("%s %s asked about %q, want %q", k.Name, target, asked, want)
			}
			if target == c.name && strings.Contains(r.Error, "127.0.0.1") {
				t.Errorf("%s %s: the error gives the address away: %s", k.Name, target, r.Error)
			}
			env.Close()
		}
	}
}
