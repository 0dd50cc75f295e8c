package e2e

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"netmon/internal/need"
	"netmon/wire"
)

var runLab = flag.Bool("lab", false, "start the lab with docker-compose and break it")

// labHealthy are the lab's monitors that are ok unless somebody breaks them.
var labHealthy = []string{"ping", "web", "shop", "shop-cert", "name", "clock", "mail", "echo", "report"}

// labTargets are the ways to break a target, and what netmon says then.
var labTargets = []struct {
	lever, monitor string
	failure        wire.Failure
	class          wire.BlameClass
	also           []string // other monitors that may fail, rightly
}{
	{"http", "web", wire.FailMismatch, wire.BlameTarget, []string{"shop"}},
	{"certificate", "shop", wire.FailCertificate, wire.BlameTLS, []string{"shop-cert"}},
	{"dns", "name", wire.FailMismatch, wire.BlameTarget, nil},
	{"ntp", "clock", wire.FailMismatch, wire.BlameTarget, nil},
	{"udp", "echo", wire.FailNoAnswer, wire.BlameTarget, nil},
	{"tcp", "mail", wire.FailRefused, wire.BlameTarget, nil},
}

// labReport is the table at the end: what was done, what netmon said.
type labReport struct {
	*testing.T
	rows []string
}

func (r *labReport) do(name string, f func() string) {
	r.Helper()
	begin, verdict := time.Now(), "FAILED"
	defer func() {
		r.rows = append(r.rows, fmt.Sprintf("%s\t%.1f s\t%s", name, time.Since(begin).Seconds(), verdict))
	}()
	before := r.Failed()
	said := f()
	switch {
	case before:
		verdict = said + " (not judged: something failed before)"
	case !r.Failed():
		verdict = said
	}
}

func (r *labReport) print() {
	var table strings.Builder
	w := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "in the lab\ttook\tnetmon said")
	for _, row := range r.rows {
		fmt.Fprintln(w, row)
	}
	w.Flush()
	r.Log("\n" + table.String())
}

// TestLab starts the lab, looks at it from outside, and breaks it in each way
// that lab/fault knows: go test ./e2e -run Lab -lab -v
func TestLab(t *testing.T) {
	if !*runLab {
		t.Skip("the lab takes minutes and a container engine: go test ./e2e -run Lab -lab -v")
	}
	report := &labReport{T: t}
	defer report.print()
	var m *labMesh
	report.do("make lab", func() string {
		m = newLabMesh(t)
		m.flow()
		return "a result of every monitor on every agent"
	})
	report.do("idle", func() string {
		core := 100 * m.cpu(10*time.Second)
		if core > 20 { // half of it on a quiet machine
			t.Errorf("the idle lab takes %.1f %% of a core", core)
		}
		return fmt.Sprintf("(%.1f %% of one core for all containers)", core)
	})
	report.do("tap with nats", m.tap)
	for _, l := range labTargets {
		report.do("break "+l.lever, func() string { return m.breakTarget(l.lever, l.monitor, l.failure, l.class, l.also) })
	}
	report.do("cut paris", m.cutCity)
	report.do("slow tokyo", m.slowCity)
	report.do("freeze console", m.freezeConsole)
	report.do("kill oregon", func() string {
		m.fault("kill", "oregon")
		<-time.After(2 * time.Second)
		m.fault("start", "oregon")
		m.flow()
		return "measures again, by itself"
	})
	report.do("kill nats", func() string {
		begin := time.Now()
		m.verdicts.recount()
		m.fault("kill", "nats")
		<-time.After(5 * time.Second)
		m.fault("start", "nats")
		for _, city := range labCities {
			m.result("late ones of "+city, begin, func(r wire.Result) bool { return r.Agent == city && r.LateNS > 0 })
		}
		m.flow()
		m.noneChanged("the broker is killed and comes back")
		return "what was measured meanwhile came late; no verdict changed"
	})
	report.do("docs/lab.md", m.asRead)
	report.do("ledger", func() string {
		l := m.finish()
		return fmt.Sprintf("%d stored, %d of them late, none lost, none twice, in order", l.Stored, l.Late)
	})
}

// TestLab_Cluster kills each server of three.
func TestLab_Cluster(t *testing.T) {
	if !*runLab {
		t.Skip("the lab takes minutes and a container engine: go test ./e2e -run Lab -lab -v")
	}
	report := &labReport{T: t}
	defer report.print()
	var m *labMesh
	report.do("make lab CLUSTER=1", func() string {
		m = newLabMesh(t, "CLUSTER=1")
		m.flow()
		return "a result of every monitor on every agent"
	})
	for _, server := range []string{"nats3", "nats2", "nats"} {
		report.do("kill "+server, func() string { return m.killServer(server) })
	}
	report.do("ledger", func() string {
		l := m.finish()
		return fmt.Sprintf("%d stored, %d of them late, none lost, none twice, in order", l.Stored, l.Late)
	})
}

// killServer shows that results are stored, in time, while a server is down.
func (m *labMesh) killServer(server string) string {
	m.Helper()
	m.fault("kill", server)
	killed := time.Now()
	if server == "nats" { // its port is the one that the console outside looks through
		<-time.After(15 * time.Second)
	} else {
		m.flow()
	}
	m.fault("start", server)
	started := time.Now()
	for _, city := range labCities {
		m.result(city+" went on", killed, func(r wire.Result) bool {
			return r.Agent == city && r.LateNS == 0 && r.Started.Before(started)
		})
	}
	m.flow()
	return "the other two go on"
}

// tap looks from outside with the nats program.
func (m *labMesh) tap() string {
	m.Helper()
	program := need.Tool(m, "nats", "none: go build -C internal/natscli -o DIR github.com/nats-io/natscli/nats")
	sub := spawnProgram(m, program, "--server", m.url, "sub", "--raw", "results.>")
	for _, city := range labCities {
		var r wire.Result
		if line := sub.line(`"agent":"` + city + `"`); json.Unmarshal([]byte(line), &r) != nil || r.Monitor == "" {
			m.Errorf("tapped %s", line)
		}
	}
	out := do(m, 0, program, "--server", m.url, "req", "--raw", "agent.paris.cmd", `{"op":"list"}`)
	var list wire.Reply
	if err := json.Unmarshal([]byte(out), &list); err != nil || !list.OK || len(list.Monitors) < len(labHealthy) {
		m.Errorf("list of paris: %v: %s", err, out)
	}
	if out = do(m, 0, program, "--server", m.url, "micro", "ls"); !strings.Contains(out, "netmon agent tokyo") {
		m.Errorf("micro ls: %s", out)
	}
	sub.kill()
	return fmt.Sprintf("results of three agents; paris runs %d monitors", len(list.Monitors))
}

// breakTarget breaks one target and mends it: every agent says so, of that
// monitor, for that reason, and of no other.
func (m *labMesh) breakTarget(lever, monitor string, failure wire.Failure, class wire.BlameClass, also []string) string {
	m.Helper()
	m.verdicts.wait(monitor, wire.VerdictUp) // what was broken before may have hurt it, too
	from := time.Now()
	m.fault("break", lever)
	for _, city := range labCities {
		m.result(fmt.Sprintf("%s of %s fails with %s", monitor, city, failure), from, func(r wire.Result) bool {
			return r.Agent == city && r.Monitor == monitor && r.Failure == failure
		})
	}
	v := m.verdicts.wait(monitor, wire.VerdictDown)
	if v.Blame == nil || v.Blame.Class != class {
		m.Errorf("%s is down, and the verdict blames %+v, want %s", monitor, v.Blame, class)
	}
	for _, o := range m.since(from) {
		if o.Outcome != wire.OK && o.Monitor != monitor && slices.Contains(labHealthy, o.Monitor) && !slices.Contains(also, o.Monitor) {
			m.Errorf("%s fails, too, on %s: %s %s", o.Monitor, o.Agent, o.Failure, o.Error)
		}
	}
	m.fault("mend", lever)
	mended := time.Now()
	for _, city := range labCities {
		m.result(monitor+" of "+city+" is ok again", mended, func(r wire.Result) bool {
			return r.Agent == city && r.Monitor == monitor && r.Outcome == wire.OK
		})
	}
	m.verdicts.wait(monitor, wire.VerdictUp)
	return fmt.Sprintf("%s is down after %.1f s: %.60s (%s)", monitor, v.At.Sub(v.Since).Seconds(), v.Why, class)
}

// cutCity cuts a city's line to the broker until it is offline. It measures on.
func (m *labMesh) cutCity() string {
	m.Helper()
	m.verdicts.recount()
	m.fault("cut", "paris")
	cut := time.Now()
	m.awaitStates(map[string]string{"oregon": "online", "paris": "offline", "tokyo": "online"})
	took := time.Since(cut)
	away := m.verdicts.waitAgent("paris", wire.AgentAway)
	m.fault("heal", "paris")
	late := m.result("what paris measured while it was cut off", cut, func(r wire.Result) bool {
		return r.Agent == "paris" && r.Monitor == "ping" && r.Outcome == wire.OK && r.LateNS > int64(5*time.Second)
	})
	m.flow()
	m.awaitStates(map[string]string{"oregon": "online", "paris": "online", "tokyo": "online"})
	m.verdicts.waitAgent("paris", wire.AgentAble)
	m.noneChanged("one line to the broker is cut")
	return fmt.Sprintf("%s; offline after %.0f s; its results came after up to %.0f s, none lost", away.Why, took.Seconds(), time.Duration(late.LateNS).Seconds())
}

// noneChanged fails the test where a healthy monitor changed its state since recount.
func (m *labMesh) noneChanged(what string) {
	m.Helper()
	changed := m.verdicts.changed(nil)
	for _, name := range labHealthy {
		if changed[name] > 0 {
			m.Errorf("%s, and %s changes its state: %+v", what, name, changed)
		}
	}
}

// slowCity shows that one city's figures, and no other's, have its line's delay.
func (m *labMesh) slowCity() string {
	m.Helper()
	need.Root(m)
	from := time.Now()
	p := spawnProgram(m, filepath.Join("..", "dist", "lab", "fault"), "slow", "tokyo")
	p.line("slow by")
	pings := func(city string, ok func(wire.Result) bool) func(wire.Result) bool {
		return func(r wire.Result) bool { return r.Agent == city && r.Monitor == "ping" && ok(r) }
	}
	slow := m.result("a slow ping of tokyo", from, pings("tokyo", func(r wire.Result) bool {
		return r.LatencyNS != nil && *r.LatencyNS >= int64(100*time.Millisecond)
	}))
	m.result("a lost ping of tokyo", from, pings("tokyo", func(r wire.Result) bool { return r.Failure == wire.FailNoAnswer }))
	quick := m.result("a ping of oregon", slow.Started, pings("oregon", func(wire.Result) bool { return true }))
	if quick.LatencyNS == nil || *quick.LatencyNS >= int64(100*time.Millisecond) {
		m.Errorf("oregon is slow, too: %+v", quick)
	}
	p.stop()
	healed := time.Now()
	m.result("a quick ping of tokyo", healed, pings("tokyo", func(r wire.Result) bool {
		return r.LatencyNS != nil && *r.LatencyNS < int64(100*time.Millisecond)
	}))
	return fmt.Sprintf("ping of tokyo %v, of oregon %v; some of tokyo's lost",
		time.Duration(*slow.LatencyNS).Round(time.Millisecond), time.Duration(*quick.LatencyNS).Round(10*time.Microsecond))
}

// freezeConsole freezes a console with the controller beside it: nobody else
// notices, and afterwards it shows what it missed.
func (m *labMesh) freezeConsole() string {
	m.Helper()
	inside := spawnProgram(m, "docker", "exec", m.container("console"), "netmon", "watch", "-o", "ndjson")
	inside.line(`"agent"`)
	m.fault("freeze", "console")
	from := time.Now()
	m.flow()
	<-time.After(5 * time.Second)
	missed := m.since(from)
	m.fault("thaw", "console")
	for _, r := range missed {
		resultOf(inside, "what was missed: "+r.ID(), from, func(o wire.Result) bool { return o.ID() == r.ID() })
	}
	return fmt.Sprintf("all others went on; then it showed the %d results that it had missed", len(missed))
}

// asRead compares the results that docs/lab.md shows with those
// that the lab has given, but for times and figures.
func (m *labMesh) asRead() string {
	m.Helper()
	chapter, err := os.ReadFile("../docs/lab.md")
	if err != nil {
		m.Fatal(err)
	}
	figure := regexp.MustCompile(`(\d{4}-\d\d-\d\d )?\d\d:\d\d:\d\d\.\d+|[0-9.]+ (µs|ms|s)\b`)
	plain := func(line string) string {
		return strings.Join(strings.Fields(figure.ReplaceAllString(line, "#")), " ")
	}
	seen := map[string]bool{}
	for line := range strings.Lines(netmonDo(m, 0, "get", "results", "--from", "1h", "--broker", m.url)) {
		line, _, _ = strings.Cut(line, "  ? 1 tick ") // a wait for an answer may cost the next run
		line, _, _ = strings.Cut(line, "  asked for") // where a fault lasts shorter than the schedule takes
		seen[plain(line)] = true
	}
	n := 0
	for line := range strings.Lines(string(chapter)) {
		if strings.Contains(line, "● ok") || strings.Contains(line, "✕ failed") {
			if n++; !seen[plain(line)] {
				m.Errorf("docs/lab.md shows, and the lab never said: %s", line)
			}
		}
	}
	if n == 0 {
		m.Error("docs/lab.md shows no result")
	}
	return fmt.Sprintf("%d results of docs/lab.md were seen", n)
}
