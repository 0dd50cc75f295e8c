package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"netmon/wire"
)

// notice is one that a receiver got.
type notice struct {
	Key      string        `json:"key"`
	Reason   wire.Reason   `json:"reason"`
	N        uint64        `json:"n"`
	Channel  string        `json:"channel"`
	Title    string        `json:"title"`
	Text     string        `json:"text"`
	Incident wire.Incident `json:"incident"`

	at   time.Time
	took bool // it was answered with 200
}

// receiver is the other side of a webhook. It answers as it is told to.
type receiver struct {
	t   testing.TB
	url string

	mu    sync.Mutex // guards what follows
	got   []notice
	more  chan struct{} // closed and recreated when one came
	takes func() int    // the status that it answers with; 0 breaks off in the middle of the answer
}

func newReceiver(t testing.TB) *receiver {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &receiver{t: t, url: "http://" + l.Addr().String() + "/hook", more: make(chan struct{}), takes: func() int { return http.StatusOK }}
	s := &http.Server{Handler: r}
	go s.Serve(l)
	t.Cleanup(func() { s.Close() })
	return r
}

// ServeHTTP notes a notice, and answers.
func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	var n notice
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return // whoever sent it was killed
	}
	if err := json.Unmarshal(body, &n); err != nil {
		r.t.Errorf("a notice that cannot be read: %v: %s", err, body)
	}
	if key := req.Header.Get("Idempotency-Key"); key != n.Key || key == "" {
		r.t.Errorf("Idempotency-Key %q, and the key is %q", key, n.Key)
	}
	r.mu.Lock()
	status := r.takes()
	n.at, n.took = time.Now(), status == http.StatusOK
	r.got = append(r.got, n)
	close(r.more)
	r.more = make(chan struct{})
	r.mu.Unlock()
	if status == 0 {
		panic(http.ErrAbortHandler)
	}
	w.WriteHeader(status)
}

// answer changes what it answers with.
func (r *receiver) answer(status func() int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.takes = status
}

// all are those that it got so far.
func (r *receiver) all() []notice {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]notice(nil), r.got...)
}

// await waits until ok, which is asked after each notice.
func (r *receiver) await(what string, within time.Duration, ok func([]notice) bool) []notice {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), within)
	defer cancel()
	for {
		r.mu.Lock()
		more := r.more
		r.mu.Unlock()
		got := r.all()
		if ok(got) {
			return got
		}
		select {
		case <-more:
		case <-ctx.Done():
			r.t.Fatalf("%s: not within %v: %s", what, within, notices(got))
		}
	}
}

// of waits for a notice of a reason about a monitor.
func (r *receiver) of(reason wire.Reason, monitor string) notice {
	r.t.Helper()
	var found notice
	r.await(fmt.Sprintf("a notice %s about %s", reason, monitor), 2*patience, func(all []notice) bool {
		for _, n := range all {
			if n.Reason == reason && n.about(monitor) != nil {
				found = n
				return true
			}
		}
		return false
	})
	return found
}

// about is what a notice says of a monitor; nil is nothing.
func (n *notice) about(monitor string) *wire.IncidentMember {
	for i, m := range n.Incident.Members {
		if m.About == wire.AboutMonitor && m.Name == monitor {
			return &n.Incident.Members[i]
		}
	}
	return nil
}

func notices(list []notice) string {
	var b strings.Builder
	for _, n := range list {
		fmt.Fprintf(&b, "\n%s %-8s took %-5v %s: %s", n.at.Format("15:04:05.000"), n.Reason, n.took, n.Key, n.Title)
	}
	return b.String()
}

// mailbox is an SMTP server that takes all mail, without TLS, for as long as the test runs.
type mailbox struct {
	addr string

	mu   sync.Mutex // guards what follows
	mail []string
	more chan struct{}
}

func newMailbox(t testing.TB) *mailbox {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	b := &mailbox{addr: l.Addr().String(), more: make(chan struct{})}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go b.serve(c)
		}
	}()
	return b
}

// serve speaks as much of SMTP (RFC 5321) as a client needs.
func (b *mailbox) serve(c net.Conn) {
	defer c.Close()
	in := bufio.NewScanner(c)
	say := func(line string) { fmt.Fprintf(c, "%s\r\n", line) }
	say("220 mailbox.test ESMTP")
	for in.Scan() {
		switch word, _, _ := strings.Cut(strings.ToUpper(in.Text()), " "); word {
		case "DATA":
			say("354 go on")
			var text strings.Builder
			for in.Scan() && in.Text() != "." {
				text.WriteString(in.Text() + "\n")
			}
			b.mu.Lock()
			b.mail = append(b.mail, text.String())
			close(b.more)
			b.more = make(chan struct{})
			b.mu.Unlock()
			say("250 taken")
		case "QUIT":
			say("221 bye")
			return
		default:
			say("250 mailbox.test")
		}
	}
}

// with waits for a mail that has all of the words.
func (b *mailbox) with(t testing.TB, words ...string) string {
	t.Helper()
	limit := time.After(2 * patience)
	for {
		b.mu.Lock()
		list, more := b.mail, b.more
		b.mu.Unlock()
		for _, m := range list {
			if hasAll(m, words) {
				return m
			}
		}
		select {
		case <-more:
		case <-limit:
			t.Fatalf("no mail with %q: %q", words, list)
		}
	}
}
