package broker

import (
	"bufio"
	"fmt"
	"io"
	"log/slog"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"netmon/broker/access"
	"netmon/internal/testlog"
)

func newLogged() (*testlog.Buffer, *slog.Logger) {
	l := &testlog.Buffer{}
	drop := func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}
	return l, slog.New(slog.NewTextHandler(l, &slog.HandlerOptions{ReplaceAttr: drop}))
}

func TestRepeats_FirstAtOnceThenCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		got, log := newLogged()
		r := newRepeats(log)
		want := func(lines ...string) {
			t.Helper()
			synctest.Wait()
			if have := strings.Join(got.Take(), "\n"); have != strings.Join(lines, "\n") {
				t.Errorf("after %v:\n%s\nwant\n%s", time.Now(), have, strings.Join(lines, "\n"))
			}
		}
		abort := func(n int) string {
			return fmt.Sprintf(`192.0.2.%d:%d - cid:%d - "v1:%d" - TLS handshake error: EOF`, n%250, 1024+n, n, n)
		}
		for n := range 1000 {
			r.add(slog.LevelError, abort(n))
		}
		r.add(slog.LevelError, "JetStream cannot write")
		want(`level=ERROR msg="nats: 192.0.2.0:1024 - cid:0 - \"v1:0\" - TLS handshake error: EOF"`, `level=ERROR msg="nats: JetStream cannot write"`)
		time.Sleep(repeatsEvery)
		want(`level=ERROR msg="nats: 999 more like this one within 1m0s: 192.0.2.249:2023 - cid:999 - \"v1:999\" - TLS handshake error: EOF"`)
		r.add(slog.LevelError, "JetStream cannot write") // the first of another minute
		r.add(slog.LevelError, abort(7))
		want(`level=ERROR msg="nats: JetStream cannot write"`)
		time.Sleep(repeatsEvery)
		want("") // what connections cause is logged less and less often
		time.Sleep(repeatsEvery)
		want(`level=ERROR msg="nats: 1 more like this one within 2m0s: 192.0.2.7:1031 - cid:7 - \"v1:7\" - TLS handshake error: EOF"`)
		time.Sleep(time.Hour) // nothing is left that waits: the bubble could not end
		want("")
		if len(r.kinds) > 0 || r.timer != nil {
			t.Errorf("%d kinds are kept", len(r.kinds))
		}
	})
}

// TestRepeats_OneThatIsShutOut: an agent that is shut out tries again every five
// minutes for as long as it runs.
func TestRepeats_OneThatIsShutOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		got, log := newLogged()
		r := newRepeats(log)
		for range 12 * 24 { // a day
			r.add(slog.LevelError, "pipe - cid:7 - authentication error")
			time.Sleep(5 * time.Minute)
		}
		r.close()
		lines := got.Take()
		if len(lines) > 24+8 {
			t.Errorf("%d lines in a day:\n%s", len(lines), strings.Join(lines, "\n"))
		}
		if last := lines[len(lines)-2]; !strings.Contains(last, "12 more like this one within 1h0m0s") {
			t.Errorf("%s", last)
		}
	})
}

// TestRepeats_Bounded: whoever makes every line differ gains neither lines nor
// memory, and hides nothing that the server itself says.
func TestRepeats_Bounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		got, log := newLogged()
		r := newRepeats(log)
		for n := range 5000 {
			word := strings.Map(func(d rune) rune { return d - '0' + 'a' }, strconv.Itoa(n))
			r.add(slog.LevelError, "192.0.2.1:1 - cid:1 - bad word "+word+strings.Repeat("x", 5000))
		}
		lines := got.Take()
		if n := len(lines); n != repeatsKinds+1 || len(r.kinds) != n {
			t.Errorf("%d lines, %d kinds, want %d", n, len(r.kinds), repeatsKinds+1)
		}
		if n := len(lines[0]); n > repeatsLine+100 {
			t.Errorf("a line of %d bytes", n)
		}
		r.add(slog.LevelError, "the disk is full")
		if lines := got.Take(); len(lines) != 1 || !strings.Contains(lines[0], "the disk is full") {
			t.Errorf("%q", lines)
		}
		r.close()
		want := fmt.Sprintf("%d more of many kinds, such as this one", 5000-repeatsKinds-1)
		if lines := got.Take(); len(lines) != 1 || !strings.Contains(lines[0], want) {
			t.Errorf("%q, want %q", lines, want)
		}
	})
}

// TestServerLog_AbortedHandshakes: who reaches the port and holds nothing does
// not fill the disk with the log.
func TestServerLog_AbortedHandshakes(t *testing.T) {
	got, log := newLogged()
	store := t.TempDir()
	a, err := access.Open(access.FolderOf(store), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	b := mustStart(t, Options{Listen: "127.0.0.1:0", Store: store, Access: a, Log: log})
	got.Take()
	const tries = 300
	for range tries {
		c := dial(t, b)
		if _, err := bufio.NewReader(c).ReadString('\n'); err != nil { // INFO
			t.Fatal(err)
		}
		io.WriteString(c, "\x16\x03\x01\x00\x04none")
		io.Copy(io.Discard, c) // until it is logged, and closed
		c.Close()
	}
	b.Close()
	lines := got.Take()
	if len(lines) > 3 {
		t.Errorf("%d lines, such as\n%s", len(lines), strings.Join(lines[:3], "\n"))
	}
	told := 1
	for _, m := range regexp.MustCompile(`nats: (\d+) more like this one`).FindAllStringSubmatch(strings.Join(lines, "\n"), -1) {
		n, _ := strconv.Atoi(m[1])
		told += n
	}
	if told != tries {
		t.Errorf("%d are told of, want %d:\n%s", told, tries, strings.Join(lines, "\n"))
	}
}

// TestRepeats_EachViolatedSubject: who is refused on one subject, and then on
// another, is logged twice.
func TestRepeats_EachViolatedSubject(t *testing.T) {
	got, log := newLogged()
	r := newRepeats(log)
	for _, subject := range []string{"agent.paris.cmd", "agent.paris.cmd", "$KV.monitors.web"} {
		r.add(slog.LevelError, `127.0.0.1:1 - cid:7 - Publish Violation - Subject "`+subject+`"`)
	}
	if lines := got.Take(); len(lines) != 2 {
		t.Errorf("%q", lines)
	}
	r.close()
}
