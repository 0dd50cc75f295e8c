package kinds

import (
	"encoding/json"
	"errors"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"netmon/probes"
	"netmon/wire"
)

// runsNothingForbidden: a kind whose runs start a program asks for it.
func runsNothingForbidden(t *testing.T, k probes.Kind, program probes.Program) {
	t.Helper()
	var asked []string
	env := &probes.Env{Program: func(p probes.Program) (string, error) {
		asked = append(asked, p.Path)
		return "", errors.New("no")
	}}
	defer env.Close()
	check, err := k.New(env, k.Example, nil)
	if err != nil {
		t.Fatal(err)
	}
	r := check.Run(t.Context(), 5*time.Second, nil)
	if r.Outcome != wire.Broken || r.Failure != wire.BrokenPolicy || r.LatencyNS != nil || len(asked) != 1 || asked[0] != program.Path {
		t.Errorf("%s = %s %s %q, asked about %q, want broken by the policy", k.Name, r.Outcome, r.Failure, r.Error, asked)
	}
}

// TestEveryKind_AsksWhatIsAllowed: no kind reaches an address that the owner of
// the process forbids, however it is written, and the error gives no address away.
func TestEveryKind_AsksWhatIsAllowed(t *testing.T) {
	for _, k := range All() {
		example, err := k.New(nil, k.Example, nil)
		if err != nil {
			t.Fatal(err)
		}
		if program := example.Footprint().Program; program.Path != "" {
			runsNothingForbidden(t, k, program)
			continue
		}
		place := example.Footprint().Places[0]
		at := func(host string) string { // the example's target, there
			i := strings.LastIndex(k.Example, place.Host)
			return k.Example[:i] + host + k.Example[i+len(place.Host):]
		}
		mapped := at("[::ffff:127.0.0.1]")
		if _, err := k.New(nil, mapped, nil); err != nil {
			mapped = at("::ffff:127.0.0.1")
		}
		for _, target := range []string{at("127.0.0.1"), at("localhost"), mapped} {
			var mu sync.Mutex
			var asked []string
			env := &probes.Env{Allow: func(network string, to netip.AddrPort) error {
				mu.Lock()
				defer mu.Unlock()
				asked = append(asked, network+" "+to.String())
				return errors.New("no")
			}}
			check, err := k.New(env, target, json.RawMessage(`{"family":"4"}`))
			if err != nil {
				t.Errorf("%s %s: %v", k.Name, target, err)
				continue
			}
			r := check.Run(t.Context(), 5*time.Second, nil)
			if r.Outcome != wire.Broken || r.Failure != wire.BrokenPolicy || r.Address != "" || r.LatencyNS != nil {
				t.Errorf("%s %s = %s %s %q address %q, want broken by the policy", k.Name, target, r.Outcome, r.Failure, r.Error, r.Address)
			}
			if want := place.Network + " 127.0.0.1:" + strconv.Itoa(int(place.Port)); len(asked) != 1 || asked[0] != want {
				t.Errorf("%s %s asked about %q, want %q", k.Name, target, asked, want)
			}
			if target == at("localhost") && strings.Contains(r.Error, "127.0.0.1") {
				t.Errorf("%s %s: the error gives the address away: %s", k.Name, target, r.Error)
			}
			env.Close()
		}
	}
}
