package e2e

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"netmon/internal/tail"
	"netmon/wire"
)

var alertKills = flag.Int("alertkills", 24, "how many processes TestFaults_Alerts kills")

// alertPolicy lets notices go to loopback, where the receiver is.
const alertPolicy = "targets: {allow: [loopback], reopen: [loopback]}\n"

// alertMesh is a broker, a controller, a notifier and an agent, each a process, and
// targets on hosts of their own.
type alertMesh struct {
	*faultMesh
	hook     *receiver
	policy   string
	notifier *proc
	targets  map[string]*flaky // by monitor
}

// newAlertMesh watches so many targets, each on an address of its own: what happens to
// one has nothing to do with the others.
func newAlertMesh(t *testing.T, targets int) *alertMesh {
	m := &alertMesh{faultMesh: newCluster(t, setup{}), hook: newReceiver(t), targets: map[string]*flaky{}}
	m.policy = filepath.Join(m.dir, "notifier.yaml")
	if err := os.WriteFile(m.policy, []byte(alertPolicy), 0o600); err != nil {
		t.Fatal(err)
	}
	m.startController()
	m.startNotifier()
	spawn(t, "agent", "--broker", m.urls(), "--id", "paris", "--state", filepath.Join(m.dir, "paris")).line("connected")
	var file strings.Builder
	fmt.Fprintf(&file, "channels:\n  - {name: hook, kind: webhook, url: %q}\nrules:\n  - {name: all, to: [hook], wait: 1s, update: 2s, match: {monitors: [\"*\"]}}\nmonitors:\n", m.hook.url)
	for i := range targets {
		name := fmt.Sprintf("m%04d", i)
		m.targets[name] = newFlaky(t, fmt.Sprintf("127.0.%d.%d", i/250+1, i%250+2))
		fmt.Fprintf(&file, "  - {name: %s, kind: tcp, target: %q, every: 500ms}\n", name, m.targets[name].addr)
	}
	path := filepath.Join(m.dir, "alerts.yaml")
	if err := os.WriteFile(path, []byte(file.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	netmonDo(t, 0, "apply", "-f", path, "--broker", m.urls())
	for name := range m.targets {
		netmonDo(t, 0, "wait", name, "--broker", m.urls())
	}
	return m
}

func (m *alertMesh) startNotifier() {
	m.Helper()
	m.notifier = spawn(m.T, "notifier", "--broker", m.urls(), "--notify-policy", m.policy)
}

// startController starts one that may notify on loopback, too.
func (m *alertMesh) startController() {
	m.Helper()
	m.controller = spawn(m.T, "controller", "--broker", m.urls(), "--notify-policy", m.policy)
}

// restart kills one process and starts it again.
func (m *alertMesh) restart(which int) {
	m.Helper()
	switch which {
	case 0:
		m.kill(m.notifier)
		m.startNotifier()
	case 1:
		m.kill(m.controller)
		m.startController()
	case 2:
		m.kill(m.brokers[0])
		m.startBroker(0)
	}
}

// incidents are the newest of each.
func (m *alertMesh) incidents(nc *nats.Conn) (list []wire.Incident) {
	m.Helper()
	js, err := jetstream.New(nc)
	if err != nil {
		m.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(m.Context(), 2*patience)
	defer cancel()
	t, err := tail.Open(ctx, js, wire.IncidentsStream, tail.From{Subjects: []string{wire.AllIncidents}, Last: true})
	if err != nil {
		m.Fatal(err)
	}
	defer t.Stop()
	for left := t.Left(); left > 0; left-- {
		msg, _, err := t.Next()
		if err != nil {
			m.Fatal(err)
		}
		i, err := wire.DecodeIncident(msg.Subject, msg.Data)
		if err != nil {
			m.Fatal(err)
		}
		list = append(list, i)
	}
	return list
}

// TestFaults_Alerts kills notifiers, controllers and brokers while targets die and come
// back. Everybody hears of each beginning and of each end, in order; what comes twice
// has the same key, and is no more than was killed.
func TestFaults_Alerts(t *testing.T) {
	if !*runFaults {
		t.Skip("kills processes: go test ./e2e -run Faults_Alerts -faults -v")
	}
	m := newAlertMesh(t, max(8, *alertKills/2))
	r := rand.New(rand.NewPCG(1, uint64(time.Now().UnixNano())))
	var outages sync.WaitGroup
	var over atomic.Int64
	begin := time.Now()
	spread := time.Duration(*alertKills) * 1500 * time.Millisecond // as long as the killing continues
	for _, target := range m.targets {
		at, down := time.Duration(r.Int64N(int64(spread))), 6*time.Second+time.Duration(r.Int64N(int64(8*time.Second)))
		outages.Go(func() {
			<-time.After(at)
			target.die()
			<-time.After(down)
			target.rise(t)
			over.Add(1)
		})
	}
	for range *alertKills {
		m.during(time.Duration(r.Int64N(int64(2 * time.Second))))
		m.restart(r.IntN(3))
	}
	outages.Wait()
	t.Logf("%d kills and %d outages in %v", m.killed, over.Load(), time.Since(begin).Round(time.Second))
	nc := m.connect()
	m.eventually("all incidents are over, and told", func() error {
		for _, i := range m.incidents(nc) {
			if i.State == wire.IncidentOpen {
				return fmt.Errorf("%s is open: %s", i.ID, i.Summary)
			}
			for _, c := range i.Channels {
				if c.Delivered != c.N {
					return fmt.Errorf("%s: %d of %d notices are delivered: %s", i.ID, c.Delivered, c.N, c.Error)
				}
			}
		}
		return nil
	})
	m.checkTold(m.incidents(nc), m.hook.all(), m.killed)
}

// checkTold says whether everybody heard what is true.
func (m *alertMesh) checkTold(list []wire.Incident, got []notice, kills int) {
	m.Helper()
	times, last, heard := map[string]int{}, map[string]notice{}, map[string]bool{}
	repeats := 0
	for _, n := range got {
		if !n.took {
			continue
		}
		if times[n.Key]++; times[n.Key] > 1 {
			repeats++
		}
		if before := last[n.Incident.ID]; n.N < before.N || n.Incident.N < before.Incident.N {
			m.Errorf("%s came behind %s", n.Key, before.Key)
		}
		last[n.Incident.ID] = n
		for _, x := range n.Incident.Members {
			heard[x.Name] = true
		}
	}
	if repeats > kills {
		m.Errorf("%d came twice, and %d were killed: %s", repeats, kills, notices(got))
	}
	told := 0
	for _, i := range list {
		for _, c := range i.Channels {
			if !c.Notified {
				continue
			}
			told++
			if end := last[i.ID]; i.State != wire.IncidentMerged && end.Reason != wire.ReasonResolved {
				m.Errorf("the last word about %s (%s) is %s, of notice %d", i.ID, i.Summary, end.Reason, end.N)
			}
		}
	}
	for name := range m.targets {
		if !heard[name] {
			m.Errorf("nobody heard of %s", name)
		}
	}
	m.Logf("%d incidents, %d told, %d notices, %d of them twice", len(list), told, len(got), repeats)
}

// TestFaults_AlertsOutage: a channel that was away hears then what is true, and once.
func TestFaults_AlertsOutage(t *testing.T) {
	if !*runFaults {
		t.Skip("takes a minute: go test ./e2e -run Faults_AlertsOutage -faults -v")
	}
	m := newAlertMesh(t, 6)
	status := []int{http.StatusServiceUnavailable, http.StatusTooManyRequests, 0}
	tries := 0
	m.hook.answer(func() int { tries++; return status[tries%len(status)] })
	ends := []string{"m0000", "m0001", "m0002"} // over while nobody hears of it
	for _, target := range m.targets {
		target.die()
	}
	m.hook.await("it is tried for each", 2*patience, func(all []notice) bool {
		seen := map[string]bool{}
		for _, n := range all {
			for _, x := range n.Incident.Members {
				seen[x.Name] = true
			}
		}
		return len(seen) == len(m.targets)
	})
	for _, name := range ends {
		m.targets[name].rise(t)
	}
	m.restart(0)
	m.during(10 * time.Second)
	m.hook.answer(func() int { return http.StatusOK })
	for name := range m.targets {
		m.hook.await("what is true of "+name, 3*patience, func(all []notice) bool {
			for _, n := range all {
				if x := n.about(name); n.took && x != nil {
					return true
				}
			}
			return false
		})
	}
	for name, target := range m.targets {
		if ended := name == ends[0] || name == ends[1] || name == ends[2]; !ended {
			target.rise(t)
		}
	}
	nc := m.connect()
	m.eventually("all incidents are over, and told", func() error {
		for _, i := range m.incidents(nc) {
			for _, c := range i.Channels {
				if i.State == wire.IncidentOpen || c.Delivered != c.N {
					return fmt.Errorf("%s is %s, %d of %d delivered: %s", i.ID, i.State, c.Delivered, c.N, c.Error)
				}
			}
		}
		return nil
	})
	m.checkTold(m.incidents(nc), m.hook.all(), m.killed)
}
