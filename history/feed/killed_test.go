package feed

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"netmon/internal/need"
	"netmon/internal/tail"
)

const (
	envFolder = "NETMON_TEST_HISTORY"
	envBroker = "NETMON_TEST_BROKER"
)

// TestMain is the tests or, in a process that a test starts, a feeder to be killed.
func TestMain(m *testing.M) {
	folder := os.Getenv(envFolder)
	if folder == "" {
		os.Exit(m.Run())
	}
	f := New(Options{Folder: folder, Connect: func(o ...nats.Option) (*nats.Conn, error) { return nats.Connect(os.Getenv(envBroker), o...) }})
	f.addedMost, f.commitEvery, f.publishEvery = 500, time.Millisecond, 0
	go f.Lead(context.Background())
	go func() { // as the judge's reader does
		nc, err := nats.Connect(os.Getenv(envBroker))
		if err == nil {
			var js jetstream.JetStream
			if js, err = jetstream.New(nc); err == nil {
				err = readAndOffer(context.Background(), js, tail.From{}, f.Offer)
			}
		}
		fmt.Fprintln(os.Stderr, err)
	}()
	fmt.Println("begun")
	f.Run(context.Background())
}

// TestFeeder_KilledWhileFeeding: kill -9 at any moment, and the sums are what RESULTS holds.
func TestFeeder_KilledWhileFeeding(t *testing.T) {
	need.Time(t)
	m := newMesh(t)
	from := morning()
	folder := t.TempDir()
	const rounds, each = 12, 700
	for i := range rounds {
		m.sends(each, "paris", "web", from.Add(time.Duration(i%3)*time.Hour))
		m.sends(each, "rome", "db", from.Add(time.Duration(i%4)*time.Hour))
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), envFolder+"="+folder, envBroker+"="+m.b.URL())
		out, err := cmd.StdoutPipe()
		if err == nil {
			err = cmd.Start()
		}
		if err != nil {
			t.Fatal(err)
		}
		if line, err := bufio.NewReader(out).ReadString('\n'); line != "begun\n" {
			t.Fatal(line, err)
		}
		rest(t.Context(), time.Duration(rand.IntN(400))*time.Millisecond) // anywhere
		cmd.Process.Kill()
		cmd.Wait()
	}
	m.feeder(folder, nil)
	want := map[string]uint64{}
	for _, s := range []string{"web on paris", "db on rome"} {
		want[s+" ok"], want[s+" failed"] = rounds*each*9/10, rounds*each/10
	}
	m.wantSums(from, from.Add(5*time.Hour), want)
	newest := map[string]uint64{}
	for _, h := range m.hours() { // what was published is no more than there was
		newest[h.Monitor+h.Hour.String()] = h.Rollup.Runs
	}
	total := uint64(0)
	for _, runs := range newest {
		total += runs
	}
	if total > 2*rounds*each {
		t.Errorf("%d runs are published, and there were %d", total, 2*rounds*each)
	}
}

// TestFeeder_FullDisk: it waits, and goes on by itself once there is room.
func TestFeeder_FullDisk(t *testing.T) {
	need.Time(t)
	need.Root(t)
	dir := t.TempDir()
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", dir).CombinedOutput(); err != nil {
		need.Missing(t, "the right to mount a tmpfs: %s", out)
	}
	t.Cleanup(func() { exec.Command("umount", dir).Run() })
	m := newMesh(t)
	from := morning()
	f, _ := m.feeder(dir, nil)
	m.sends(100, "paris", "web", from)
	m.wantSums(from, from.Add(time.Hour), map[string]uint64{"web on paris ok": 90, "web on paris failed": 10})
	fill := filepath.Join(dir, "fill")
	exec.Command("dd", "if=/dev/zero", "of="+fill, "bs=4k").Run() // until it is full
	for i := range 60 {
		m.sends(10, "paris", fmt.Sprint("web", i), from)
	}
	m.eventually(func() error {
		if f.status.why() == "" {
			return fmt.Errorf("it does not say that the disk is full")
		}
		return nil
	})
	if err := os.Remove(fill); err != nil {
		t.Fatal(err)
	}
	m.eventually(func() error {
		got, err := m.sums(from, from.Add(time.Hour))
		if err == nil && (got["web on paris ok"] != 90 || got["web59 on paris ok"] != 9) {
			err = fmt.Errorf("got %v", got)
		}
		if err == nil && f.status.why() != "" {
			err = fmt.Errorf("it says %s", f.status.why())
		}
		return err
	})
}
