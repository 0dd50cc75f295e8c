package broker

import (
	"bufio"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"netmon/internal/freeport"
	"netmon/internal/need"
	"netmon/wire"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// TestMain is the test itself or, in a process that a test starts, a broker
// to be killed.
func TestMain(m *testing.M) {
	if dir := os.Getenv("NETMON_TEST_STORE"); dir != "" {
		b, err := Start(context.Background(), Options{Listen: "127.0.0.1:0", Store: dir})
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Println(b.URL())
		select {}
	}
	os.Exit(m.Run())
}

// inAnotherProcess starts a broker in a process of its own.
func inAnotherProcess(t *testing.T, store string) (url string, proc *os.Process) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "NETMON_TEST_STORE="+store)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || !strings.HasPrefix(line, "nats://") {
		t.Fatalf("the broker's process said %q: %v", line, err)
	}
	return strings.TrimSpace(line), cmd.Process
}

func mustStart(t *testing.T, o Options) *Broker {
	t.Helper()
	b, err := Start(t.Context(), o)
	if err != nil {
		t.Fatalf("Start: %v", err)
	}
	t.Cleanup(b.Close)
	return b
}

// wantStartError checks that Start fails, and says all of the parts.
func wantStartError(t *testing.T, o Options, parts ...string) {
	t.Helper()
	b, err := Start(t.Context(), o)
	if err == nil {
		b.Close()
		t.Fatalf("Start of %+v worked, want an error with %q", o, parts)
	}
	t.Log(err)
	for _, p := range parts {
		if !strings.Contains(err.Error(), p) {
			t.Errorf("error %q lacks %q", err, p)
		}
	}
}

func connect(t *testing.T, url string) jetstream.JetStream {
	t.Helper()
	nc, err := nats.Connect(url, nats.Timeout(time.Minute), nats.MaxReconnects(-1), nats.ReconnectWait(20*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	js, err := jetstream.New(nc, jetstream.WithDefaultTimeout(time.Minute)) // a busy machine takes its time
	if err != nil {
		t.Fatal(err)
	}
	return js
}

// mustAdjustLimit has the broker look after its disk, until it could.
func mustAdjustLimit(t *testing.T, b *Broker, l Limits, measure bool) {
	t.Helper()
	for begun := time.Now(); ; {
		err := b.adjustLimit(t.Context(), b.Connect, l, measure)
		if err == nil {
			return
		}
		if time.Since(begun) > time.Minute {
			t.Fatal(err)
		}
	}
}

func mustProvision(t *testing.T, js jetstream.JetStream, l Limits) {
	t.Helper()
	if err := Provision(t.Context(), js, l); err != nil {
		t.Fatalf("Provision: %v", err)
	}
}

func stored(t *testing.T, js jetstream.JetStream) uint64 {
	t.Helper()
	s, err := js.Stream(t.Context(), wire.ResultsStream)
	if err != nil {
		t.Fatal(err)
	}
	return s.CachedInfo().State.Msgs
}

func TestStart_Repeatedly(t *testing.T) {
	store := t.TempDir()
	for i := range 8 {
		b, err := Start(t.Context(), Options{Listen: "127.0.0.1:0", Store: store})
		if err != nil {
			t.Fatalf("start %d: %v", i, err)
		}
		js := connect(t, b.URL())
		mustProvision(t, js, DefaultLimits())
		if _, err := js.Publish(t.Context(), "results.paris.web", nil); err != nil {
			t.Fatal(err)
		}
		if n := stored(t, js); n != uint64(i+1) {
			t.Fatalf("start %d: %d results, want %d: the store of the run before was not recovered", i, n, i+1)
		}
		b.Close()
		b.Close()
	}
}

func TestStart_InProcessOnly(t *testing.T) {
	b := mustStart(t, Options{Store: t.TempDir()})
	if b.URL() != "" {
		t.Errorf("URL %q, want none", b.URL())
	}
	nc, err := b.Connect(nats.Name("here"))
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	js, _ := jetstream.New(nc)
	mustProvision(t, js, DefaultLimits())
	b.Close()
	if _, err := b.Connect(); err == nil {
		t.Error("Connect to a closed broker worked")
	}
}

func TestStart_Monitoring(t *testing.T) {
	l, err := net.Listen("tcp", freeport.Addr(t))
	if err != nil {
		t.Fatal(err)
	}
	wantStartError(t, Options{Store: t.TempDir(), HTTP: l.Addr().String()}, l.Addr().String(), "in use", "set the monitoring port (http)")
	l.Close()
	mustStart(t, Options{Store: t.TempDir(), HTTP: l.Addr().String()})
	resp, err := http.Get("http://" + l.Addr().String() + "/healthz")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Errorf("/healthz: %s", resp.Status)
	}
}

func TestStart_BadOptions(t *testing.T) {
	wantStartError(t, Options{Listen: "4222", HTTP: "x:y"}, `listen: want host:port such as 127.0.0.1:4222, got "4222"`, `http: want host:port`, "give the folder that results are kept in")
	wantStartError(t, Options{Listen: "127.0.0.1:66666", Store: t.TempDir()}, `"127.0.0.1:66666"`)
	wantStartError(t, Options{Insecure: true, Listen: "192.0.2.1:0", Store: t.TempDir()}, "192.0.2.1", "set listen to")
}

func TestStart_PortInUse(t *testing.T) {
	b := mustStart(t, Options{Listen: "127.0.0.1:0", Store: t.TempDir()})
	store := t.TempDir()
	listen := strings.TrimPrefix(b.URL(), "nats://")
	wantStartError(t, Options{Listen: listen, Store: store}, listen, "in use", "listen to 127.0.0.1:0", b.URL())
	mustStart(t, Options{Listen: "127.0.0.1:0", Store: store}) // the failed start left no lock
}

func TestStart_Cancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	store := t.TempDir()
	if _, err := Start(ctx, Options{Store: store}); !errors.Is(err, context.Canceled) {
		t.Errorf("Start with an ended context: %v", err)
	}
	mustStart(t, Options{Store: store})
}

func TestStart_StoreInUse(t *testing.T) {
	store := t.TempDir()
	_, proc := inAnotherProcess(t, store)
	pid := fmt.Sprintf("(process %d)", proc.Pid)
	wantStartError(t, Options{Listen: "127.0.0.1:0", Store: store}, store, pid, "give another store folder")

	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(store, link); err != nil {
		t.Fatal(err)
	}
	wantStartError(t, Options{Store: link}, pid)

	conf := filepath.Join(t.TempDir(), "nats.conf")
	writeFile(t, conf, fmt.Sprintf("listen: 127.0.0.1:-1\njetstream { store_dir: %q }\n", store))
	wantStartError(t, Options{Config: conf}, pid)
}

func TestStart_StoreCannotBeWritten(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	writeFile(t, file, "")
	wantStartError(t, Options{Store: filepath.Join(file, "store")}, "store "+file, "give a store folder")
	wantStartError(t, Options{Store: "/proc/netmon"}, "store /proc/netmon", "give a store folder")
}

func TestKill_KeepsWhatWasAcknowledged(t *testing.T) {
	store := t.TempDir()
	url, proc := inAnotherProcess(t, store)
	js := connect(t, url)
	mustProvision(t, js, DefaultLimits())
	const n = 500
	for i := range n {
		if _, err := js.Publish(t.Context(), "results.paris.web", fmt.Append(nil, i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := proc.Kill(); err != nil {
		t.Fatal(err)
	}
	proc.Wait()
	b := mustStart(t, Options{Listen: "127.0.0.1:0", Store: store})
	if got := stored(t, connect(t, b.URL())); got != n {
		t.Errorf("%d results after kill -9, want %d", got, n)
	}
}

func TestDefaultLimits_FitTheStore(t *testing.T) {
	b := mustStart(t, Options{Store: t.TempDir(), MaxStore: 64 << 20})
	if got := b.DefaultLimits().ResultsBytes; got > 32<<20 {
		t.Errorf("results may take %d bytes of a store of 64 MiB", got)
	}
	nc, err := b.Connect()
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	js, _ := jetstream.New(nc)
	mustProvision(t, js, b.DefaultLimits())
}

func TestConnect_SurvivesRestart(t *testing.T) {
	b := mustStart(t, Options{Listen: "127.0.0.1:0", Store: t.TempDir()})
	url := b.URL()
	back := make(chan struct{}, 1)
	nc, err := b.Connect(nats.ReconnectHandler(func(*nats.Conn) { back <- struct{}{} }))
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	if err := b.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	select {
	case <-back:
	case <-t.Context().Done():
		t.Fatal("the connection in this process did not come back")
	}
	if b.URL() != url {
		t.Errorf("URL %s after the restart, want %s", b.URL(), url)
	}
}

func TestRun_EndsSoon(t *testing.T) {
	b := mustStart(t, Options{Listen: "127.0.0.1:0", Store: t.TempDir()})
	connect(t, b.URL())
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- b.Run(ctx) }()
	cancel()
	begun := time.Now()
	if err := <-ended; err != nil {
		t.Errorf("Run: %v", err)
	}
	if d := time.Since(begun); d > 3*time.Second {
		t.Errorf("Run took %v to end", d)
	}
	b.Close()
}

func TestRun_ComesBackAfterFullDisk(t *testing.T) {
	need.Root(t)
	dir := t.TempDir()
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size=48m", "tmpfs", dir).CombinedOutput(); err != nil {
		need.Missing(t, "the right to mount a tmpfs: %s", out)
	}
	t.Cleanup(func() { exec.Command("umount", dir).Run() })
	ballast := filepath.Join(dir, "ballast")
	if err := os.WriteFile(ballast, make([]byte, 24<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	b := mustStart(t, Options{Listen: "127.0.0.1:0", Store: filepath.Join(dir, "store")})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- b.Run(ctx) }()
	defer func() { cancel(); <-ended }()
	js := connect(t, b.URL())
	mustProvision(t, js, DefaultLimits())

	payload := make([]byte, 50<<10)
	publish := func(i int) error {
		rand.Read(payload) // results are compressed
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		_, err := js.Publish(ctx, "results.paris.web", payload, jetstream.WithMsgID(fmt.Sprint(i)))
		return err
	}
	acked := 0
	for ; acked < 1000; acked++ {
		if err := publish(acked); err != nil {
			t.Logf("disk full after %d results: %v", acked, err)
			break
		}
	}
	if acked == 0 || acked == 1000 {
		t.Fatalf("%d results were acknowledged: the disk never was full", acked)
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	freed := time.Now()
	for publish(acked) != nil { // an agent, too, tries until it is acknowledged
		if time.Since(freed) > time.Minute {
			t.Fatal("the broker did not come back")
		}
	}
	if got := stored(t, js); got != uint64(acked+1) {
		t.Errorf("%d results are stored, want %d", got, acked+1)
	}
}

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
