package icmp

import (
	"bytes"
	"context"
	"fmt"
	"net/netip"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	probing "github.com/prometheus-community/pro-bing"

	"netmon/internal/need"
	"netmon/internal/probetest"
	"netmon/internal/targets"
	"netmon/wire"
)

// far is an address that is not this host's.
var far = netip.MustParseAddr(far4)

// behindRouter runs f in a network namespace from which everything goes through
// another one: a real kernel that forwards to nowhere but 10.9.2.0/24 and fd09:2::/64.
func behindRouter(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	probetest.NeedIPv6(t)
	unshare, nsenter := need.Tool(t, "unshare", "util-linux"), need.Tool(t, "nsenter", "util-linux")
	for _, sockets := range []string{"raw", "datagram"} {
		t.Run(sockets, func(t *testing.T) {
			probetest.InOwnNetwork(t, func() {
				if sockets == "datagram" && !allowDatagramICMP(t) {
					return
				}
				holder := exec.Command(unshare, "-n", "sh", "-c", "echo ready; exec cat")
				in, _ := holder.StdinPipe()
				out, _ := holder.StdoutPipe()
				if err := holder.Start(); err != nil {
					t.Error(err)
					return
				}
				defer holder.Wait()
				defer in.Close()
				out.Read(make([]byte, 6)) // until it is in its own
				pid := strconv.Itoa(holder.Process.Pid)
				shell := func(command string) error {
					if out, err := exec.Command("sh", "-ec", command).CombinedOutput(); err != nil {
						return fmt.Errorf("%s: %w: %s", command, err, out)
					}
					return nil
				}
				router := func(command string) error {
					out, err := exec.Command(nsenter, "-t", pid, "-n", "sh", "-ec", command).CombinedOutput()
					if err != nil {
						return fmt.Errorf("%s: %w: %s", command, err, out)
					}
					return nil
				}
				if err := shell("ip link add up0 type veth peer name down0 netns " + pid); err != nil {
					t.Error(err)
					return
				}
				if err := router(`echo 1 > /proc/sys/net/ipv4/ip_forward
					echo 1 > /proc/sys/net/ipv6/conf/all/forwarding
					ip link set lo up
					ip addr add 10.9.1.1/24 dev down0
					ip addr add fd09:1::1/64 dev down0 nodad
					ip addr add fe80::1/64 dev down0 nodad
					ip link set down0 up
					ip link add lower0 type veth peer name lower1
					ip addr add 10.9.2.1/24 dev lower0
					ip addr add fd09:2::1/64 dev lower0 nodad
					ip link set lower0 mtu 1400 up
					ip link set lower1 up
					ip route add unreachable 10.9.3.0/24
					ip route add prohibit 10.9.4.0/24
					ip route add unreachable fd09:3::/64
					ip route add prohibit fd09:4::/64`); err != nil {
					t.Error(err)
					return
				}
				if err := shell(`echo 10 > /proc/sys/net/ipv4/neigh/up0/retrans_time_ms
					echo 10 > /proc/sys/net/ipv6/neigh/up0/retrans_time_ms
					ip addr add 10.9.1.2/24 dev up0
					ip addr add fd09:1::2/64 dev up0 nodad
					ip addr add fe80::2/64 dev up0 nodad
					ip link set up0 up
					ip route add default via 10.9.1.1
					ip route add default via fd09:1::1`); err != nil {
					t.Error(err)
					return
				}
				probetest.AwaitIPv6(t, "fd09:1::2")
				probetest.AwaitIPv6(t, "fe80::2")
				f(t)
			})
		})
	}
}

// TestICMP_RealRouter: what a kernel that forwards says. Each of its errors but
// those about size takes from what it allows itself to send us at once.
func TestICMP_RealRouter(t *testing.T) {
	behindRouter(t, func(t *testing.T) {
		for _, c := range []struct {
			target, options string
			failure         wire.Failure
			want            Error
		}{
			{"10.9.1.1", `{"ttl":1}`, "", Error{}},
			{"fd09:1::1", `{"ttl":1,"df":true}`, "", Error{}},
			{"fe80::1%up0", ``, "", Error{}},
			{"fe80::1%up0", `{"source":"up0"}`, "", Error{}},
			// Nobody answers to ARP or neighbour solicitations: this host says so itself.
			{"10.9.1.77", ``, wire.FailUnreachable, Error{3, 1, "host unreachable", "10.9.1.2", 0, 1}},
			{"fd09:1::77", ``, wire.FailUnreachable, Error{1, 3, "address unreachable", "fd09:1::2", 0, 1}},
			{"10.9.2.2", `{"ttl":1}`, wire.FailTTLExceeded, Error{11, 0, "time to live exceeded in transit", "10.9.1.1", 0, 1}},
			{"fd09:2::2", `{"ttl":1}`, wire.FailTTLExceeded, Error{3, 0, "hop limit exceeded in transit", "fd09:1::1", 0, 1}},
			{"10.9.3.1", ``, wire.FailUnreachable, Error{3, 1, "host unreachable", "10.9.1.1", 0, 1}},
			{"10.9.4.1", ``, wire.FailUnreachable, Error{3, 13, "communication administratively prohibited", "10.9.1.1", 0, 1}},
			{"fd09:3::1", ``, wire.FailUnreachable, Error{1, 0, "no route to destination", "fd09:1::1", 0, 1}},
			{"fd09:4::1", ``, wire.FailUnreachable, Error{1, 1, "communication administratively prohibited", "fd09:1::1", 0, 1}},
			// Each packet goes out and meets the link that is too small: what
			// was learned from the first is not believed for the second.
			{"10.9.2.2", `{"size":1420,"df":true,"count":2,"interval":"1ms"}`, wire.FailUnreachable, Error{3, 4, "fragmentation needed", "10.9.1.1", 1400, 2}},
			{"fd09:2::2", `{"size":1420,"df":true,"count":2,"interval":"1ms"}`, wire.FailUnreachable, Error{2, 0, "packet too big", "fd09:1::1", 1400, 2}},
		} {
			r := measureWithin(t, 2*time.Second, "icmp", c.target, c.options)
			d := probetest.DetailsOf[Details](t, r)
			if c.failure == "" {
				probetest.WantFailure(t, r, wire.OK, "")
				continue
			}
			probetest.WantFailure(t, r, wire.Failed, c.failure)
			if len(d.Errors) != 1 || d.Errors[0] != c.want {
				t.Errorf("%s %s: got %+v, want %+v", c.target, c.options, d.Errors, c.want)
			}
		}
	})
}

// TestICMP_AgreesWithOthers: fping, ping and pro-bing on the same target at the
// same time find the same, within 10 % or 100 µs. On a host that is short of CPU
// it may take a few tries.
func TestICMP_AgreesWithOthers(t *testing.T) {
	fping, ping := need.Tool(t, "fping", "fping"), need.Tool(t, "ping", "iputils-ping")
	inNetworkOf(t, func(n int, q []byte) []targets.NetworkReply {
		return []targets.NetworkReply{{Packet: targets.EchoReply(q), After: 20 * time.Millisecond}}
	}, func(t *testing.T) {
		for _, target := range []string{"127.0.0.1", far4} { // by the kernel at once, and after 20 ms
			for try := 1; ; try++ {
				ours, theirs := measureWithOthers(t, fping, ping, target)
				t.Logf("shortest round trip %v, by others %v", ours, theirs)
				apart := ""
				for who, v := range theirs {
					most := max(100*time.Microsecond, v/10)
					if who == "pro-bing" { // whose clock is read late
						most += 400 * time.Microsecond
					}
					if v == 0 || (ours-v).Abs() > most {
						apart += " " + who
					}
				}
				if apart == "" {
					break
				}
				if try == 5 {
					t.Errorf("%s: shortest round trip %v, other than by%s", target, ours, apart)
					break
				}
			}
		}
	})
}

// measureWithOthers returns the shortest round trips of an icmp probe, and of
// others that run with it.
func measureWithOthers(t *testing.T, fping, ping, target string) (ours time.Duration, theirs map[string]time.Duration) {
	const count = 15
	var said [2]bytes.Buffer
	others := []*exec.Cmd{
		exec.Command(fping, "-c", fmt.Sprint(count), "-p", "10", "-t", "500", "-q", target),
		exec.Command(ping, "-c", fmt.Sprint(count), "-i", "0.01", "-q", target),
	}
	for i, c := range others {
		c.Stdout, c.Stderr = &said[i], &said[i]
		if err := c.Start(); err != nil {
			t.Error(err)
			return 0, nil
		}
	}
	r := measure(t, "icmp", target, fmt.Sprintf(`{"count":%d,"interval":"10ms"}`, count))
	probetest.WantFailure(t, r, wire.OK, "")
	d := probetest.DetailsOf[Details](t, r)
	for i, c := range others {
		if err := c.Wait(); err != nil {
			t.Errorf("%v: %s", err, said[i].String())
		}
	}
	p := probing.New(target)
	p.SetPrivileged(strings.HasSuffix(t.Name(), "raw"))
	p.SetLogger(probing.NoopLogger{})
	p.Count, p.Interval, p.Timeout = count, 10*time.Millisecond, 5*time.Second
	if err := p.RunWithContext(context.Background()); err != nil {
		t.Error(err)
	}
	s := p.Statistics()
	if d.Sent != s.PacketsSent || d.Received != s.PacketsRecv || len(s.TTLs) > 0 && d.TTL != int(s.TTLs[0]) {
		t.Errorf("%d of %d, TTL %d, by pro-bing %+v", d.Received, d.Sent, d.TTL, s)
	}
	return time.Duration(*d.RTTMinNS), map[string]time.Duration{
		"fping":    leastOf(said[0].String()),
		"ping":     leastOf(said[1].String()),
		"pro-bing": s.MinRtt,
	}
}

// leastOf is the least of min/avg/max in the last line of ping and fping, in ms.
func leastOf(said string) time.Duration {
	m := regexp.MustCompile(`min/avg/max\S* = ([0-9.]+)/`).FindStringSubmatch(said)
	if m == nil {
		return 0
	}
	ms, _ := strconv.ParseFloat(m[1], 64)
	return time.Duration(ms * 1e6)
}

// TestICMP_Netem: where the kernel has netem, the figures show what it did. Each
// packet, there and back, passes lo once, so that delays count twice.
func TestICMP_Netem(t *testing.T) {
	tc := need.Tool(t, "tc", "iproute2")
	for name, c := range map[string]struct {
		netem string
		check func(d Details) bool
	}{
		"20 ms":      {"delay 10ms", func(d Details) bool { return d.Lost == 0 && *d.RTTMinNS >= 20e6 && *d.RTTMinNS < 21e6 }},
		"10 % loss":  {"loss 5.13%", func(d Details) bool { return d.Lost > 1 && d.Lost < 23 }},
		"duplicates": {"duplicate 100% delay 1ms", func(d Details) bool { return d.Received == 100 && d.Duplicates >= 100 }},
		"reordering": {"delay 25ms reorder 30%", func(d Details) bool { return d.Lost == 0 && d.OutOfOrder > 9 }},
	} {
		t.Run(name, func(t *testing.T) {
			lacks := ""
			inBothModes(t, func(t *testing.T) {
				if out, err := probetest.RunProgram(tc, "qdisc add dev lo root netem "+c.netem); err != nil {
					lacks = fmt.Sprintf("%v: %s", err, out)
					return
				}
				r := measure(t, "icmp", "127.0.0.1", `{"count":100,"interval":"5ms","wait":"200ms"}`)
				probetest.WantFailure(t, r, wire.OK, "")
				if d := probetest.DetailsOf[Details](t, r); !c.check(d) {
					t.Errorf("the figures do not show it: %s", r.Details)
				}
			})
			if lacks != "" { // no package can give it; TestICMP_BadNetwork needs none
				t.Skipf("skipped, this kernel has no netem: %s", lacks)
			}
		})
	}
}
