package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

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
	"check m00001",
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
	m := newElectionMesh(t)
	for i, of := range []string{"META", wire.ResultsStream, "KV_" + wire.MonitorsBucket} {
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
		m.startBroker(leader)
		m.awaitHealthy()
	}
}

// newElectionMesh is a cluster of three with a controller, an agent and some
// monitors that it runs.
func newElectionMesh(t *testing.T) *faultMesh {
	m := newCluster(t, setup{servers: 3})
	m.startController()
	m.states["paris"] = filepath.Join(m.dir, "paris")
	m.agents["paris"] = spawn(t, "agent", "--broker", m.urls(), "--id", "paris", "--state", m.states["paris"])
	apply(t, m.urls(), m.dir, "tcp", listener(t), "10s", "{}", 20)
	m.eventually("the monitors are up", func() error {
		out, _, err := m.run("check", "m00001")
		if err != nil {
			return fmt.Errorf("%w: %s", err, out)
		}
		return nil
	})
	return m
}

// command carries out a command that has to succeed, and tells how long after the
// kill it was done.
func (m *faultMesh) command(of string, killed time.Time, line string) {
	args := strings.Fields(strings.ReplaceAll(line, "FILE", filepath.Join(m.dir, "load.yaml")))
	out, said, err := m.run(args[0], append(args[1:], "--timeout", electionPatience.String())...)
	took := time.Since(killed).Round(10 * time.Millisecond)
	notice := strings.Count(said, "waiting for the cluster to elect a leader")
	m.Logf("%-14s %-55s %6.2f s, said so %d times", of, line, took.Seconds(), notice)
	if err != nil {
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
	cmd := exec.CommandContext(ctx, bin, append(append([]string{name}, args...), "--broker", m.urls())...)
	cmd.Env = append(os.Environ(), "XDG_CONFIG_HOME="+m.dir, "XDG_STATE_HOME="+m.dir, "NO_COLOR=1")
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
	if of == "META" {
		return m.metaLeader()
	}
	js, err := jetstream.New(m.connect())
	if err != nil {
		return "", err
	}
	s, err := js.Stream(m.Context(), of)
	if err != nil {
		return "", err
	}
	if c := s.CachedInfo().Cluster; c != nil && c.Leader != "" {
		return c.Leader, nil
	}
	return "", errors.New("there is none")
}

func (m *faultMesh) metaLeader() (string, error) {
	resp, err := http.Get("http://" + m.health[0] + "/jsz")
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		return "", err
	}
	var r struct {
		Meta struct{ Leader string } `json:"meta_cluster"`
	}
	if err := json.Unmarshal(data, &r); err != nil {
		return "", err
	}
	if r.Meta.Leader == "" {
		return "", errors.New("there is none")
	}
	return r.Meta.Leader, nil
}
