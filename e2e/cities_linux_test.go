package e2e

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/nats-io/nats.go"
	"golang.org/x/sys/unix"

	"netmon/internal/need"
)

// cities is a mesh over network namespaces: a hub with the broker, the controller and
// the targets, and an agent in each of three more. Each agent has two lines: by
// ctl it reaches the broker, by out what it measures.
type cities struct {
	*testing.T
	prefix string // of the namespaces' names
	url    string
	broker *proc
	agents map[string]*proc
	states map[string]string
	store  string

	status  atomic.Int32 // of the web server
	expired atomic.Bool  // its certificate is
	names   atomic.Int32 // rcode of the name server

	verdicts *verdicts
}

// agentsOfCities and their regions, in the order of their addresses.
var agentsOfCities = []struct{ id, region string }{{"oregon", "us"}, {"paris", "eu"}, {"rome", "eu"}}

const (
	hubAddress = "10.77.0.1"
	targetHost = "10.77.1.1" // and 11 to 14
)

// newCities starts the mesh. rome, where it is given, is the program that runs there.
func newCities(t *testing.T, monitors string, rome ...string) *cities {
	t.Helper()
	need.Root(t)
	need.Tool(t, "ip", "iproute2")
	need.Tool(t, "nft", "nftables")
	c := &cities{T: t, prefix: fmt.Sprintf("nm%d%s", os.Getpid(), t.Name()[len("TestBlame"):]), agents: map[string]*proc{}, states: map[string]string{}, store: t.TempDir()}
	c.status.Store(http.StatusOK)
	c.wire()
	folder := t.TempDir()
	trust := "SSL_CERT_FILE=" + c.serve(folder)
	c.url = "nats://" + hubAddress + ":4222"
	c.startBroker()
	for _, a := range agentsOfCities {
		c.states[a.id] = filepath.Join(folder, a.id)
		bin := ""
		if a.id == "rome" && len(rome) > 0 {
			bin = rome[0]
		}
		c.agents[a.id] = c.spawnIn(a.id, trust, bin, "agent", "--broker", c.url, "--id", a.id, "--label", "region="+a.region, "--state", c.states[a.id])
	}
	file := filepath.Join(folder, "monitors.yaml")
	if err := os.WriteFile(file, []byte(monitors), 0o600); err != nil {
		t.Fatal(err)
	}
	c.verdicts = followVerdicts(t, c.connect())
	c.apply(file)
	return c
}

// apply saves a file. It does not matter here whether agents confirm it within the few
// seconds that the command waits: the controller keeps trying.
func (c *cities) apply(file string) {
	c.Helper()
	bin, err := netmon()
	if err != nil {
		c.Fatal(err)
	}
	out, err := exec.Command("ip", "netns", "exec", c.prefix+"hub", bin, "apply", "-f", file, "--broker", c.url).CombinedOutput()
	if err != nil && !strings.Contains(string(out), "not confirmed: ") {
		c.Fatalf("apply: %v\n%s", err, out)
	}
}

func (c *cities) startBroker() {
	c.Helper()
	c.broker = c.spawnIn("hub", "TZ=UTC", "", "broker", "--insecure", "--listen", hubAddress+":4222", "--store", c.store)
	c.broker.line("broker ready on")
}

// run runs a program of this machine to its end.
func (c *cities) run(args ...string) {
	c.Helper()
	if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
		c.Fatalf("%s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// in runs one in a namespace.
func (c *cities) in(ns string, args ...string) {
	c.Helper()
	c.run(append([]string{"ip", "netns", "exec", c.prefix + ns}, args...)...)
}

// spawnIn starts netmon, or another build of it, in a namespace, with a variable set.
func (c *cities) spawnIn(ns, variable, bin string, args ...string) *proc {
	c.Helper()
	if bin == "" {
		var err error
		if bin, err = netmon(); err != nil {
			c.Fatal(err)
		}
	}
	return spawnProgram(c.T, "ip", append([]string{"netns", "exec", c.prefix + ns, "env", variable, bin}, args...)...)
}

// wire makes the namespaces and the lines between them.
func (c *cities) wire() {
	c.Helper()
	all := []string{"hub"}
	for _, a := range agentsOfCities {
		all = append(all, a.id)
	}
	c.Cleanup(func() {
		for _, ns := range all {
			exec.Command("ip", "netns", "del", c.prefix+ns).Run()
		}
	})
	for _, ns := range all {
		c.run("ip", "netns", "add", c.prefix+ns)
		c.in(ns, "ip", "link", "set", "lo", "up")
	}
	for net, address := range map[string]string{"ctl": hubAddress, "out": targetHost} {
		c.in("hub", "ip", "link", "add", net, "type", "bridge")
		c.in("hub", "ip", "address", "add", address+"/24", "dev", net)
		c.in("hub", "ip", "link", "set", net, "up")
	}
	for i := 11; i <= 14; i++ {
		c.in("hub", "ip", "address", "add", fmt.Sprintf("10.77.1.%d/24", i), "dev", "out")
	}
	for i, a := range agentsOfCities {
		for net, address := range map[string]string{"ctl": "10.77.0.%d/24", "out": "10.77.1.%d/24"} {
			far := fmt.Sprintf("%s-%s", net, a.id)
			c.in("hub", "ip", "link", "add", far, "type", "veth", "peer", "name", net, "netns", c.prefix+a.id)
			c.in("hub", "ip", "link", "set", far, "master", net, "up")
			c.in(a.id, "ip", "address", "add", fmt.Sprintf(address, i+2), "dev", net)
			c.in(a.id, "ip", "link", "set", net, "up")
		}
	}
	c.in("hub", "nft", "add table inet faults")
	c.in("hub", "nft", "add chain inet faults input { type filter hook input priority 0; }")
}

// address is the one by which an agent measures.
func (c *cities) address(agent string) string {
	for i, a := range agentsOfCities {
		if a.id == agent {
			return fmt.Sprintf("10.77.1.%d", i+2)
		}
	}
	c.Fatalf("no agent %s", agent)
	return ""
}

// drop has what an agent sends to a target vanish, as on a path that is broken.
func (c *cities) drop(agent, target string) {
	c.Helper()
	c.in("hub", "nft", fmt.Sprintf("add rule inet faults input ip saddr %s ip daddr %s drop", c.address(agent), target))
}

// dropAll has all of it vanish: the agent's uplink is cut.
func (c *cities) dropAll(agent string) {
	c.Helper()
	c.in("hub", "nft", fmt.Sprintf("add rule inet faults input ip saddr %s drop", c.address(agent)))
}

// cut has the agent's line to the broker vanish.
func (c *cities) cut(agent string) {
	c.Helper()
	c.in("hub", "nft", fmt.Sprintf("add rule inet faults input ip saddr %s drop", strings.Replace(c.address(agent), "10.77.1.", "10.77.0.", 1)))
}

// mend ends all that was dropped and cut.
func (c *cities) mend() {
	c.Helper()
	c.in("hub", "nft", "flush chain inet faults input")
}

// inside runs f, and the sockets that it opens are in the namespace.
func (c *cities) inside(ns string, f func() error) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	own, err := os.Open("/proc/thread-self/ns/net")
	if err != nil {
		return err
	}
	defer own.Close()
	there, err := os.Open("/var/run/netns/" + c.prefix + ns)
	if err != nil {
		return err
	}
	defer there.Close()
	if err := unix.Setns(int(there.Fd()), unix.CLONE_NEWNET); err != nil {
		return err
	}
	defer unix.Setns(int(own.Fd()), unix.CLONE_NEWNET)
	return f()
}

// connect connects to the broker from outside of the namespaces.
func (c *cities) connect() *nats.Conn {
	c.Helper()
	nc, err := nats.Connect(c.url, nats.SetCustomDialer(dialer(func(network, address string) (conn net.Conn, err error) {
		err = c.inside("hub", func() error {
			conn, err = net.DialTimeout(network, address, patience)
			return err
		})
		return conn, err
	})), nats.Timeout(patience), nats.MaxReconnects(-1))
	if err != nil {
		c.Fatal(err)
	}
	c.Cleanup(nc.Close)
	return nc
}

type dialer func(network, address string) (net.Conn, error)

func (d dialer) Dial(network, address string) (net.Conn, error) { return d(network, address) }
