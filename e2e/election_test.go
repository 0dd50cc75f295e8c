package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"netmon/wire"
)

// electionPatience is what each command may take while there is an election: 4 to
// 9 s, and as long again where the first round has no winner.
const electionPatience = 25 * time.Second

// electionCommands are what people and programs ask for while a leader is missing. @
// is another word in each round.
var electionCommands = []string{
	"get monitors -o json",
	"get monitor m00001",
	"get results m00001 --from 1m",
	"get agents",
	"get broker",
	"show m00001",
	"check m00001 --timeout 25s", // its own, which is shorter otherwise
	"history m00001",
	"add tcp 127.0.0.1:1 --name new@ --every 10s",
	"start m00002",
	"stop m00003",
	"apply -f FILE",
	"delete m0001@",
	"config save all@",
}

// TestFaults_Elections kills the leader of each stream that commands need, and of
// JetStream itself, and has 14 commands run at once. All of them are carried out.
func TestFaults_Elections(t *testing.T) {
	if !*runFaults {
		t.Skip("kills servers of a cluster: go test ./e2e -run Faults_Elections -faults -v")
	}
	for name, c := range map[string]struct {
		make    func(*testing.T) *faultMesh
		leaders []string
	}{
		"open": {newElectionMesh, []string{"META", wire.ResultsStream, "KV_" + wire.MonitorsBucket}},
		// Here the broker's own service sits before what is saved and read.
		"with access": {newSecureElectionMesh, []string{"KV_" + wire.MonitorsBucket}},
	} {
		t.Run(name, func(t *testing.T) {
			m := c.make(t)
			for i, of := range c.leaders {
				leader := m.leader(of)
				m.kill(m.brokers[leader])
				killed := time.Now()
				var all sync.WaitGroup
				for _, c := range electionCommands {
					all.Go(func() { m.command(of, killed, strings.ReplaceAll(c, "@", fmt.Sprint(i))) })
				}
				all.Wait()
				if t.Failed() {
					return
				}
				if i+1 < len(c.leaders) {
					m.startBroker(leader)
					m.awaitHealthy()
				}
			}
			if m.creds != nil {
				return
			}
			for _, name := range undisturbed {
				if err := m.upThroughout(m.verdicts(m.connect())[name]); err != nil {
					t.Errorf("no verdict should change for an election: %v", err)
				}
			}
		})
	}
}

// undisturbed are monitors that no command changes.
var undisturbed = []string{"m00004", "m00005", "m00006"}

// newElectionMesh is a cluster of three with a controller, an agent and some
// monitors that it runs.
func newElectionMesh(t *testing.T) *faultMesh {
	m := newCluster(t, setup{servers: 3})
	m.startController()
	m.runsMonitors("--broker", m.urls(), "--id", "paris")
	return m
}

// newSecureElectionMesh is the same of servers that know who is who, with the
// controller beside them.
func newSecureElectionMesh(t *testing.T) *faultMesh {
	store := t.TempDir()
	m := newCluster(t, setup{servers: 3, scheme: "tls", config: func(m *faultMesh, i int) string {
		dir := filepath.Join(m.dir, fmt.Sprint("conf", i))
		_, port, err := net.SplitHostPort(m.addrs[i])
		if err != nil {
			m.Fatal(err)
		}
		netmonDo(m, 0, "access", "export", "--store", store, "--out", dir, "--advertise", "127.0.0.1", "--port", port)
		data, err := os.ReadFile(filepath.Join(dir, "nats-server.conf"))
		if err != nil {
			m.Fatal(err)
		}
		return strings.NewReplacer(`"./`, `"`+dir+`/`, "port: "+port, fmt.Sprintf("listen: %q", m.addrs[i])).Replace(string(data))
	}})
	m.creds = []string{"--creds", filepath.Join(store, "access", "admin")}
	m.controller = spawn(t, "controller", "--access", filepath.Join(store, "access"), "--broker", m.urls(), "--replicas", "3")
	m.controller.line("controller ready")
	var join string
	m.eventually("a line for the agent", func() (err error) {
		join, _, err = m.run("token", "new", "agent", "--id", "paris")
		return err
	})
	// A line has room for one address; the server names the others to the agent.
	_, join, _ = strings.Cut(strings.TrimSpace(join), "--join ")
	m.runsMonitors("--join", strings.Replace(join, m.urls(), "tls://"+m.addrs[0], 1))
	return m
}

// runsMonitors starts an agent, and has it run some monitors.
func (m *faultMesh) runsMonitors(agent ...string) {
	m.Helper()
	m.states["paris"] = filepath.Join(m.dir, "paris")
	m.agents["paris"] = spawn(m.T, append([]string{"agent", "--state", m.states["paris"]}, agent...)...)
	apply(m.T, m.urls(), m.dir, "tcp", listener(m.T), "10s", "{}", 20, m.creds...)
	for _, name := range append([]string{"m00001"}, undisturbed...) {
		m.eventually(name+" is up", func() error {
			out, _, err := m.run("check", name)
			if err != nil {
				return fmt.Errorf("%w: %s", err, out)
			}
			return nil
		})
	}
}

// command carries out a command that has to succeed, and returns how long after the
// kill it was done.
func (m *faultMesh) command(of string, killed time.Time, line string) {
	args := strings.Fields(strings.ReplaceAll(line, "FILE", filepath.Join(m.dir, "load.yaml")))
	out, said, err := m.run(args[0], args[1:]...)
	took := time.Since(killed).Round(10 * time.Millisecond)
	notice := strings.Count(said, "waiting for the cluster to elect a leader")
	m.Logf("%-14s %-55s %6.2f s, said so %d times", of, line, took.Seconds(), notice)
	// What check answers depends on how long results were not stored.
	answered := err == nil || args[0] == "check" && (strings.Contains(out, " agents up") || strings.Contains(out, " agent up"))
	if !answered {
		m.Errorf("%s killed: netmon %s: %v after %v\n%s%s", of, line, err, took, out, said)
	}
	if notice > 1 {
		m.Errorf("netmon %s: says %d times that it waits:\n%s", line, notice, said)
	}
	if args[len(args)-1] == "json" && !json.Valid([]byte(out)) {
		m.Errorf("netmon %s: not JSON:\n%s", line, out)
	}
}

// run carries out a command, and returns what it wrote.
func (m *faultMesh) run(name string, args ...string) (out, said string, err error) {
	bin, err := netmon()
	if err != nil {
		return "", "", err
	}
	ctx, cancel := context.WithTimeout(m.Context(), 2*patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, bin, slices.Concat([]string{name}, args, []string{"--broker", m.urls()}, m.creds)...)
	cmd.Env = append(os.Environ(), "XDG_CONFIG_HOME="+m.dir, "XDG_STATE_HOME="+m.dir, "NO_COLOR=1", "NETMON_TIMEOUT="+electionPatience.String())
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err = cmd.Run()
	return stdout.String(), stderr.String(), err
}

// leader is the number of the server that leads a stream, or META, once all know it.
func (m *faultMesh) leader(of string) (leader int) {
	m.Helper()
	m.eventually("a leader of "+of, func() error {
		name, err := m.leaderName(of)
		if err == nil {
			_, err = fmt.Sscanf(name, "s%d", &leader)
		}
		return err
	})
	return leader
}

func (m *faultMesh) leaderName(of string) (string, error) {
	var r struct {
		Meta     leadership `json:"meta_cluster"`
		Accounts []struct {
			Streams []struct {
				Name    string     `json:"name"`
				Cluster leadership `json:"cluster"`
			} `json:"stream_detail"`
		} `json:"account_details"`
	}
	resp, err := http.Get("http://" + m.health[0] + "/jsz?streams=true")
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(&r); err != nil {
		return "", err
	}
	found := r.Meta
	if of != "META" {
		found = leadership{}
		for _, a := range r.Accounts {
			for _, s := range a.Streams {
				if s.Name == of {
					found = s.Cluster
				}
			}
		}
	}
	if found.Leader == "" {
		return "", errors.New("there is none")
	}
	return found.Leader, nil
}

type leadership struct {
	Leader string `json:"leader"`
}
