package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"netmon/internal/ledger"
	"netmon/internal/need"
	"netmon/wire"
)

// labProject is the docker-compose project of the tests: beside a lab that
// somebody runs by make lab, and what a run that was cut short left of it goes
// at the beginning of the next one.
const labProject = "netmon-lab-test"

var labCities = []string{"oregon", "paris", "tokyo"}

// labMesh is the lab, started by make lab, seen by a console outside of it.
type labMesh struct {
	*testing.T
	project  string // of docker-compose
	url      string
	console  *proc
	verdicts *verdicts
}

func newLabMesh(t *testing.T, variables ...string) *labMesh {
	t.Helper()
	for name, pkg := range map[string]string{"docker": "docker.io", "make": "make"} {
		need.Tool(t, name, pkg)
	}
	if out, err := exec.Command("docker", "info").CombinedOutput(); err != nil {
		need.Missing(t, "a container engine: docker info: %v: %s", err, out)
	}
	if _, err := exec.LookPath("docker-compose"); err != nil {
		if err := exec.Command("docker", "compose", "version").Run(); err != nil {
			need.Missing(t, "docker-compose (Debian package docker-compose)")
		}
	}
	_, port, _ := net.SplitHostPort(freeAddr(t))
	t.Setenv("COMPOSE_PROJECT_NAME", labProject)
	t.Setenv("NETMON_LAB_PORT", port)
	t.Setenv("COMPOSE_INTERACTIVE_NO_CLI", "1")
	m := &labMesh{T: t, project: labProject, url: "nats://127.0.0.1:" + port}
	m.down()
	t.Cleanup(func() {
		if t.Failed() {
			out, _ := exec.Command("docker", "ps", "-a", "--filter", "label=com.docker.compose.project="+labProject).CombinedOutput()
			t.Logf("at the end:\n%s", out)
		}
		m.down()
		m.nothingLeft()
	})
	m.command(4*time.Minute, "make", append([]string{"lab"}, variables...)...)
	nc, err := nats.Connect(m.url, nats.MaxReconnects(-1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	m.verdicts = followVerdicts(t, nc)
	m.console = spawn(t, "watch", "--broker", m.url, "-o", "ndjson", "--last")
	return m
}

// command runs a program in the top folder, also at the test's end.
func (m *labMesh) command(limit time.Duration, name string, args ...string) string {
	m.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	var out bytes.Buffer
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = "..", &out, &out
	cmd.WaitDelay = time.Second
	if err := cmd.Run(); err != nil {
		m.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out.String())
	}
	return out.String()
}

func (m *labMesh) docker(args ...string) string {
	m.Helper()
	return strings.TrimSpace(m.command(time.Minute, "docker", args...))
}

// fault runs one subcommand of lab/fault.
func (m *labMesh) fault(args ...string) string {
	m.Helper()
	return m.command(time.Minute, filepath.Join("dist", "lab", "fault"), args...)
}

func (m *labMesh) down() {
	m.Helper()
	m.command(time.Minute, "make", "lab-down")
}

// nothingLeft looks for what should be gone.
func (m *labMesh) nothingLeft() {
	m.Helper()
	label := "label=com.docker.compose.project=" + m.project
	for what, args := range map[string][]string{
		"containers": {"ps", "-aq", "--filter", label},
		"networks":   {"network", "ls", "-q", "--filter", label},
		"volumes":    {"volume", "ls", "-q", "--filter", label},
		"images":     {"images", "-q", "--filter", "reference=" + m.project + "/*"},
	} {
		if out := m.docker(args...); out != "" {
			m.Errorf("%s are left: %s", what, out)
		}
	}
}

func (m *labMesh) container(service string) string {
	m.Helper()
	id := m.docker("ps", "-aq", "--filter", "label=com.docker.compose.project="+labProject,
		"--filter", "label=com.docker.compose.service="+service, "--filter", "label=com.docker.compose.oneoff=False")
	if id == "" {
		m.Fatalf("no container of %s", service)
	}
	return id
}

// result waits for a result that began after from and of which ok says yes.
func (m *labMesh) result(what string, from time.Time, ok func(wire.Result) bool) wire.Result {
	m.Helper()
	return resultOf(m.console, what, from, ok)
}

func resultOf(p *proc, what string, from time.Time, ok func(wire.Result) bool) wire.Result {
	p.t.Helper()
	limit := time.Now().Add(2 * patience)
	for n := 0; time.Now().Before(limit); <-time.After(50 * time.Millisecond) {
		for lines := p.all(); n < len(lines); n++ {
			var r wire.Result
			if json.Unmarshal([]byte(lines[n]), &r) == nil && r.Started.After(from) && ok(r) {
				return r
			}
		}
	}
	p.t.Fatalf("no result: %s", what)
	return wire.Result{}
}

// since are the results that began after from and are here by now.
func (m *labMesh) since(from time.Time) (list []wire.Result) {
	for _, line := range m.console.all() {
		var r wire.Result
		if json.Unmarshal([]byte(line), &r) == nil && r.Started.After(from) {
			list = append(list, r)
		}
	}
	return list
}

// flow waits for new results of every city.
func (m *labMesh) flow() {
	m.Helper()
	from := time.Now()
	for _, city := range labCities {
		m.result("new ones of "+city, from, func(r wire.Result) bool { return r.Agent == city && r.LateNS == 0 })
	}
}

// awaitStates waits until get agents says so of each city.
func (m *labMesh) awaitStates(want map[string]string) {
	m.Helper()
	limit := time.Now().Add(2 * patience)
	for {
		var list struct {
			Items []struct{ Agent, State string }
		}
		out := netmonDo(m, 0, "get", "agents", "-o", "json", "--broker", m.url)
		if err := json.Unmarshal([]byte(out), &list); err != nil {
			m.Fatal(err)
		}
		have := map[string]string{}
		for _, a := range list.Items {
			have[a.Agent] = a.State
		}
		if fmt.Sprint(have) == fmt.Sprint(want) {
			return
		}
		if time.Now().After(limit) {
			m.Fatalf("agents are %v, want %v", have, want)
		}
		<-time.After(500 * time.Millisecond)
	}
}

// finish stops the agents and compares what they numbered with what is stored.
func (m *labMesh) finish() *ledger.Ledger {
	m.Helper()
	for _, city := range labCities {
		m.docker("stop", "-t", "20", m.container(city))
	}
	nc, err := nats.Connect(m.url)
	if err != nil {
		m.Fatal(err)
	}
	defer nc.Close()
	ctx, cancel := context.WithTimeout(m.Context(), patience)
	defer cancel()
	l, err := ledger.Read(ctx, nc, false)
	if err != nil {
		m.Fatal(err)
	}
	for _, city := range labCities {
		path := filepath.Join(m.TempDir(), "numbers.json")
		m.docker("cp", m.container(city)+":/state/agent/spool/numbers.json", path)
		data, err := os.ReadFile(path)
		if err != nil {
			m.Fatal(err)
		}
		var n numbers
		if err := json.Unmarshal(data, &n); err != nil {
			m.Fatal(err)
		}
		l.Sent(city, n.Epoch, n.Seq, n.unstated())
	}
	for _, f := range l.Faults {
		m.Error(f)
	}
	if l.Dropped > 0 {
		m.Errorf("%d results are stated as dropped", l.Dropped)
	}
	return l
}

// cpu is what all containers together take of one core, over d, as the engine
// accounts for it.
func (m *labMesh) cpu(d time.Duration) float64 {
	m.Helper()
	total := func() (sum float64) {
		ids := strings.Fields(m.docker("ps", "-q", "--filter", "label=com.docker.compose.project="+labProject))
		client := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", "/var/run/docker.sock")
		}}}
		defer client.CloseIdleConnections()
		for _, id := range ids {
			resp, err := client.Get("http://docker/v1.41/containers/" + id + "/stats?stream=false&one-shot=true")
			if err != nil {
				m.Skipf("no socket of the engine to ask for CPU: %v", err)
			}
			var s struct {
				CPU struct {
					Usage struct {
						Total float64 `json:"total_usage"`
					} `json:"cpu_usage"`
				} `json:"cpu_stats"`
			}
			err = json.NewDecoder(resp.Body).Decode(&s)
			resp.Body.Close()
			if err != nil {
				m.Fatal(err)
			}
			sum += s.CPU.Usage.Total
		}
		return sum
	}
	before := total()
	begin := time.Now()
	<-time.After(d)
	after := total()
	return (after - before) / float64(time.Since(begin))
}
