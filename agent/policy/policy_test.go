package policy

import (
	"encoding/json"
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"netmon/probes"
	"netmon/probes/kinds"
	"netmon/wire"
)

func read(t *testing.T, text string) *Policy {
	t.Helper()
	f := Default()
	if err := wire.DecodeStrict([]byte(text), &f); err != nil {
		t.Fatal(err)
	}
	p, err := New(f, kinds.All(), "file")
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestAllow_ByDefault: no way of writing an address gets around the policy,
// which looks at what is dialled.
func TestAllow_ByDefault(t *testing.T) {
	p := read(t, `{}`)
	for _, to := range []string{
		"169.254.169.254", "169.254.0.1", "168.63.129.16", "100.100.100.200", "192.0.0.192", "100.96.0.96",
		"fe80::1", "fe80::1%eth0", "fd00:ec2::254", "fd00:ec2::23", "fd20:ce::254", "fd00:c1::a9fe:a9fe", "fd00:42::42", "fd00:100::100:200",
		"::ffff:169.254.169.254", "::169.254.169.254", "::ffff:0:a9fe:a9fe", "64:ff9b::a9fe:a9fe", "64:ff9b:1::a9fe:a9fe",
		"2002:a9fe:a9fe::1", "2001:0:a9fe:a9fe::1", "2001:0:c000:201::5601:5601",
		"64:ff9b:1::1", "64:ff9b:1:a9fe:a9:fe00::", "64:ff9b:1:ffff:ffff:ffff:ffff:ffff", // RFC 8215, all of it
		"2001:db8::5efe:169.254.169.254", "2001:db8::200:5efe:169.254.169.254", "2002:c000:201::5efe:a9fe:a9fe", "fd00::5efe:100.100.100.200", // ISATAP
	} {
		if err := p.Allow("tcp", netip.AddrPortFrom(netip.MustParseAddr(to), 80)); err == nil {
			t.Errorf("%s is allowed", to)
		}
	}
	for _, to := range []string{"127.0.0.1", "::1", "10.0.0.1", "192.0.2.1", "2001:db8::1", "64:ff9b::c000:201", "2002:c000:201::1", "fd00:ec2::123", "0.0.0.0", "224.0.0.1",
		"2001:db8::5efe:c000:201", "2001:db8::100:5efe:a9fe:a9fe", "64:ff9b:2::1"} {
		if err := p.Allow("icmp", netip.AddrPortFrom(netip.MustParseAddr(to), 0)); err != nil {
			t.Errorf("%s: %v", to, err)
		}
	}
}

func TestAllow_ByRules(t *testing.T) {
	p := read(t, `{"targets":{"allow":["10.0.0.0/8","any ports 443","loopback ports 80-90,99","metadata"],"deny":["10.0.0.0/24 ports 22","10.9.0.0/16","2001:db8::/32"],"reopen":["169.254.169.123 port 123"]}}`)
	for to, want := range map[string]string{
		"10.0.0.1:80": "", "10.0.1.1:22": "", "10.1.1.1:0": "", "192.0.2.1:443": "", "127.0.0.1:85": "", "[::1]:99": "",
		"10.0.0.1:22": "targets.deny[0]", "10.9.1.1:443": "targets.deny[1]", "[2001:db8::5]:443": "targets.deny[2]",
		"192.0.2.1:80": "targets.allow", "192.0.2.1:0": "targets.allow", "127.0.0.1:91": "targets.allow",
		"0.0.0.0:85":              "targets.allow", // what is let in goes by the address itself
		"[64:ff9b::a09:101]:443":  "targets.deny[1]",
		"[64:ff9b::a00:101]:80":   "targets.allow",
		"169.254.169.254:443":     "metadata",
		"169.254.169.123:123":     "targets.allow", // opened again, and not in allow
		"169.254.169.123:443":     "link-local",
		"[::ffff:10.9.0.1]:443":   "targets.deny[1]",
		"[2001:db8::1%eth0]:443":  "targets.deny[2]",
		"[2002:a09:101::1]:443":   "targets.deny[1]",
		"[fe80::1%25eth0]:443":    "link-local",
		"255.255.255.255:443":     "",
		"[ff02::1]:80":            "targets.allow",
		"[::]:443":                "",
		"[::10.9.0.1]:443":        "targets.deny[1]",
		"[64:ff9b:1::a09:1]:443":  "targets.deny[1]",
		"[2001:0:a09:1::1:1]:443": "targets.deny[1]",
	} {
		err := p.Allow("tcp", netip.MustParseAddrPort(to))
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("Allow(%s) = %v, want %q", to, err, want)
		}
		var refusal *Refusal
		if err != nil && (!errors.As(err, &refusal) || refusal.Code() != wire.CodePolicy) {
			t.Errorf("Allow(%s) = %T", to, err)
		}
		if err != nil && strings.Contains(err.Error(), "10.") {
			t.Errorf("Allow(%s) tells of the network: %v", to, err)
		}
	}
	// What is opened again lets in that alone, and not what is inside of it.
	for to, want := range map[string]string{
		"[64:ff9b:1::c000:201]:443":       "",
		"[64:ff9b:1::a9fe:a9fe]:443":      "metadata", // its prefix has 96 bits,
		"[64:ff9b:1::a9:fea9:fe00:0]:443": "metadata", // 64,
		"[64:ff9b:1:a9:fe:a9fe::]:443":    "metadata", // 56
		"[64:ff9b:1:a9fe:a9:fe00::]:443":  "metadata", // or 48
		"[64:ff9b:1:a09:1:100::]:443":     "targets.deny[0]",
		"[64:ff9b::a9fe:a97b]:443":        "link-local",
		"[64:ff9b::a9fe:a97c]:443":        "",
		"[2001:db8::5efe:a09:1]:443":      "targets.deny[0]",
	} {
		p := read(t, `{"targets":{"reopen":["nat64-local","169.254.169.123","169.254.169.124","64:ff9b::a9fe:a97c"],"deny":["10.9.0.0/16"]}}`)
		if err := p.Allow("tcp", netip.MustParseAddrPort(to)); (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("opened again: Allow(%s) = %v, want %q", to, err, want)
		}
	}
	if err := read(t, `{}`).Allow("resolver", netip.MustParseAddrPort("169.254.169.254:53")); err != nil {
		t.Errorf("the cloud's resolver: %v", err)
	}
	if err := p.Allow("resolver", netip.MustParseAddrPort("10.9.0.1:53")); err == nil {
		t.Error("a resolver that is denied by name")
	}
	if err := read(t, `{"targets":{"reopen":["169.254.169.123 port 123"]}}`).Allow("udp", netip.MustParseAddrPort("169.254.169.123:123")); err != nil {
		t.Errorf("opened again: %v", err)
	}
	if err := read(t, `{"targets":{"reopen":["any"],"deny":["loopback"]}}`).Allow("tcp", netip.MustParseAddrPort("0.0.0.0:80")); err == nil {
		t.Error("0.0.0.0, which is this host, is allowed where loopback is denied")
	}
}

func TestNew_ReportsEveryMistake(t *testing.T) {
	f := Default()
	err := wire.DecodeStrict([]byte(`{"targets":{"allow":[],"deny":["10.0.0.1/8","metadat","10.0.0.0/8 ports 9-1","any port","::ffff:10.0.0.0/104","fe80::1%eth0","1.1.1.1 ports 0"],"reopen":["any ports 80,"]},
		"kinds":["http","pong"],"min_every":"25h","max_monitors":-1,"max_rate":-1,"max_target_rate":-0.5,"secrets":{"env":["[","OK"],"files":["rel","/a/../b"],"targets":["x"]}}`), &f)
	if err != nil {
		t.Fatal(err)
	}
	_, err = New(f, kinds.All(), "file")
	var got []string
	for _, e := range wire.FieldErrors(err) {
		got = append(got, e.Error())
	}
	all := strings.Join(got, "\n")
	for _, want := range []string{
		"targets.allow: is empty", `targets.deny[0]: want the network 10.0.0.0/8 or the address 10.0.0.1, got "10.0.0.1/8"`, `targets.deny[1]: want a network such as`, `got "metadat"`,
		`targets.deny[2]: want ports of 1 to 65535`, `targets.deny[3]: want NETWORK or NETWORK ports LIST`, "targets.deny[4]: want an IPv4 network in its own form",
		"targets.deny[5]: ", "targets.deny[6]: want ports", "targets.reopen[0]: want ports", `kinds[1]: unknown kind "pong"`, "min_every: want up to 1d, got \"1d1h\"", "max_monitors: ",
		"max_rate: want a number of probes per second, got -1", "max_target_rate: ", "secrets.env[0]: ", `secrets.files[0]: want a folder as an absolute path, got "rel"`, "secrets.files[1]: ", "secrets.targets[0]: ",
	} {
		if !strings.Contains(all, want) {
			t.Errorf("no %q in\n%s", want, all)
		}
	}
	if len(got) != 18 {
		t.Errorf("%d mistakes, want 18:\n%s", len(got), all)
	}
}

// monitor is a monitor of this kind, with its footprint.
func monitor(t *testing.T, kind, target, every, options string) (wire.Monitor, probes.Footprint) {
	t.Helper()
	d, err := time.ParseDuration(every)
	if err != nil {
		t.Fatal(err)
	}
	m := wire.Monitor{Name: "m", Kind: kind, Target: target, Every: wire.Duration(d), Options: json.RawMessage(options)}
	c, err := kinds.All().New(nil, m.Kind, m.Target, m.Options)
	if err != nil {
		t.Fatal(err)
	}
	return m, c.Footprint()
}

func TestCheck_BeforeAnythingRuns(t *testing.T) {
	p := read(t, `{"kinds":["http","icmp","dns","udp","ntp"],"min_every":"1s","max_target_rate":10,"targets":{"deny":["10.0.0.0/8","any ports 25"]}}`)
	for name, c := range map[string]struct {
		kind, target, every, options string
		want                         []string // fields
	}{
		"all right":                {"http", "http://192.0.2.1/", "1s", `{}`, nil},
		"kind":                     {"tcp", "192.0.2.1:80", "1s", `{}`, []string{"kind"}},
		"interval":                 {"icmp", "192.0.2.1", "999ms", `{}`, []string{"every"}},
		"address":                  {"icmp", "10.1.1.1", "1s", `{}`, []string{"target"}},
		"address in a URL":         {"http", "http://[::ffff:10.1.1.1]:8080/x", "1s", `{}`, []string{"target"}},
		"port of a name":           {"http", "http://mail.example:25/", "1s", `{}`, []string{"target"}},
		"proxy":                    {"http", "http://example.org/", "1s", `{"proxy":{"url":"http://10.0.0.1:3128"}}`, []string{"options.proxy.url"}},
		"behind a proxy":           {"http", "http://169.254.169.254/", "1s", `{"proxy":{"url":"socks5h://192.0.2.1"}}`, []string{"target"}},
		"resolver":                 {"http", "http://example.org/", "1s", `{"resolver":"10.0.0.53"}`, []string{"options.resolver"}},
		"server in the target":     {"dns", "example.org@10.0.0.53", "1s", `{}`, []string{"target"}},
		"server":                   {"dns", "example.org", "1s", `{"server":"10.0.0.53","transport":"https"}`, []string{"options.server"}},
		"the system's resolvers":   {"dns", "example.org", "1s", `{}`, nil},
		"many at once":             {"icmp", "192.0.2.1", "1s", `{"count":5,"interval":"10ms"}`, []string{"options.interval"}},
		"many, slowly":             {"icmp", "192.0.2.1", "1s", `{"count":5,"interval":"100ms"}`, nil},
		"everything wrong at once": {"tcp", "10.0.0.1:25", "10ms", `{"resolver":"10.0.0.53"}`, []string{"kind", "every", "target", "options.resolver"}},
	} {
		m, f := monitor(t, c.kind, c.target, c.every, c.options)
		var got []string
		for _, e := range wire.FieldErrors(p.Check(m, f)) {
			got = append(got, e.Path)
		}
		if strings.Join(got, " ") != strings.Join(c.want, " ") {
			t.Errorf("%s: refused %q, want %q", name, got, c.want)
		}
	}
}

func TestFits_CountsWhatRuns(t *testing.T) {
	p := read(t, `{"max_monitors":3,"max_rate":12,"max_target_rate":10}`)
	load := func(target, every, options string) Load {
		m, f := monitor(t, "icmp", target, every, options)
		return LoadOf(m, f)
	}
	var tally Tally
	a := load("192.0.2.1", "1s", `{"count":8,"interval":"100ms"}`)
	tally.Add(a)
	for want, l := range map[string]Load{
		"max_target_rate": load("::ffff:192.0.2.1", "333ms", `{}`),
		"max_rate":        load("192.0.2.2", "200ms", `{}`),
		"":                load("192.0.2.2", "250ms", `{}`),
	} {
		err := p.Fits(&tally, l)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want+" is") {
			t.Errorf("%+v: %v, want %q", l, err, want)
		}
	}
	tally.Add(load("192.0.2.2", "1s", `{}`))
	tally.Add(load("192.0.2.3", "1s", `{}`))
	if err := p.Fits(&tally, load("192.0.2.4", "1h", `{}`)); err == nil || !strings.Contains(err.Error(), "max_monitors is 3") {
		t.Errorf("a fourth: %v", err)
	}
	tally.Remove(a)
	if err := p.Fits(&tally, a); err != nil {
		t.Errorf("in the place of the first: %v", err)
	}
}

// TestDemand_TakesWhatIsLeft: probes on demand share the rates with what runs.
func TestDemand_TakesWhatIsLeft(t *testing.T) {
	p := read(t, `{"max_rate":4,"max_target_rate":2}`)
	var tally Tally
	now := time.Unix(1, 0)
	_, one := monitor(t, "tcp", "192.0.2.1:1", "1s", `{}`)
	_, other := monitor(t, "tcp", "192.0.2.2:1", "1s", `{}`)
	_, many := monitor(t, "icmp", "192.0.2.3", "1s", `{"count":5,"interval":"1s"}`)
	load := func(f probes.Footprint) Load { return LoadOf(wire.Monitor{Every: wire.Duration(time.Second)}, f) }
	ask := func(f probes.Footprint, want string) {
		t.Helper()
		err := p.Demand(&tally, load(f), now)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("at %v: %v, want %q", now.Sub(time.Unix(1, 0)), err, want)
		}
	}
	ask(many, "this run would send 5")
	ask(one, "")
	ask(one, "")
	ask(one, "max_target_rate is 2 a second, and that limit is reached")
	ask(other, "")
	ask(other, "max_rate is 4 a second, and that limit is reached")
	now = now.Add(time.Second)
	ask(one, "")
	tally.Add(Load{Host: "192.0.2.9", Rate: 4}) // all of the rate is taken by what runs
	now = now.Add(time.Millisecond)
	for range 4 {
		p.Demand(&tally, load(other), now)
	}
	now = now.Add(time.Hour)
	ask(other, "that limit is reached")
}
