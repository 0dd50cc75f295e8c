package tcp

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"netmon/internal/probetest"
	"netmon/internal/targets"
	"netmon/probes"
	"netmon/wire"
)

// TestTCP_Report: the figures read like the tools that people use.
func TestTCP_Report(t *testing.T) {
	data, err := os.ReadFile("testdata/tcp.golden.json")
	if err != nil {
		t.Fatal(err)
	}
	var r wire.Result
	if err := json.Unmarshal(data, &r); err != nil {
		t.Fatal(err)
	}
	k, _ := Kinds().Find("tcp")
	var b bytes.Buffer
	if err := k.Report(r.Details, &b); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`banner      "220 mx ESMTP\r\n"`, "host        mx", "TLS 1.3, x\n", " 0 s:CN=localhost\n", "verified\n",
		"connect          0.000 ms (tcp_info clock; user clock 0.000 ms)\n", "hello            0.000 ms, 9 bytes sent, 23 received\n",
		"step 2               - ms, 6 bytes sent, 10 received\n", "0 retransmits, MSS 1, path MTU 1\n",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("the report lacks %q:\n%s", want, b.String())
		}
	}
	b.Reset()
	if err := k.Report([]byte(`{}`), &b); err != nil || b.Len() > 0 {
		t.Errorf("a run that learned nothing reports %q, %v", b.String(), err)
	}
}

func TestTCP_CancelledRunIsCutShort(t *testing.T) {
	t.Parallel()
	s := probetest.ServeTCP(t, probetest.Turns{{Hold: true}}...)
	c, err := Kinds().New(&probes.Env{}, "tcp", s.Addr, json.RawMessage(`{"steps":[{"send":"hello","expect":"never"}],"quit":"bye"}`))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	begin := time.Now()
	r := c.Run(ctx, time.Minute, func(s probes.Step) {
		if strings.HasPrefix(s.Text, "> hello") {
			cancel()
		}
	})
	if took := time.Since(begin); took > 30*time.Second || r.Outcome == wire.OK {
		t.Errorf("a cancelled run took %v and is %s", took, r.Outcome)
	}
	if strings.Contains(s.Heard(), "bye") {
		t.Error("it took leave")
	}
}

// TestTCP_Bounds: what a target can make us do.
func TestTCP_Bounds(t *testing.T) {
	t.Parallel()
	reasonOf := func(err error) wire.Failure {
		var e *probes.Error
		errors.As(err, &e)
		if e == nil {
			return ""
		}
		return e.Failure
	}
	talk := talkWith(t, bytes.Repeat([]byte("x"), 7*(maxPieces+1)))
	talk.most = maxRead
	if _, err := talk.answer(&expectation{want: "y", literal: []byte("y")}, 0); reasonOf(err) != wire.FailLimit {
		t.Errorf("an answer in very many pieces: %v, want %s", err, wire.FailLimit)
	}

	ours, theirs := net.Pipe() // which nobody reads
	defer theirs.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	talk = newTCPTalk(ctx, &probes.Run{}, ours, 100, nil)
	defer talk.close()
	if err := talk.send([]byte("hello")); reasonOf(err) != wire.FailTimeout {
		t.Errorf("a target that takes nothing: %v, want %s", err, wire.FailTimeout)
	}

	s := probetest.ServeTCP(t, probetest.Turns{{Say: strings.Repeat("x", 40000) + "\n"}, {Hold: true}}...)
	r := measure(t, "tcp", s.Addr, `{"steps":[{"expect":"(?P<x>x+)$"},{"send":"${capture:x}${capture:x}"}]}`)
	probetest.WantFailure(t, r, wire.Failed, wire.FailLimit)

	// One that talks on after the leave-taking holds us a second at most.
	s = probetest.ServeTCP(t, targets.TCPTurn{Hear: "QUIT", Say: strings.Repeat("bye", 2000), Drip: 5 * time.Millisecond})
	begin := time.Now()
	probetest.WantFailure(t, measureWithin(t, time.Minute, "tcp", s.Addr, `{"steps":[{"send":"hello"}],"quit":"QUIT"}`), wire.OK, "")
	if took := time.Since(begin); took > 15*time.Second { // all of it takes 30
		t.Errorf("leave-taking took %v", took)
	}
}

func TestAddressLiteral(t *testing.T) {
	for addr, want := range map[string]string{"192.0.2.1:25": "[192.0.2.1]", "[2001:db8::1]:25": "[IPv6:2001:db8::1]", "[fe80::1%eth0]:25": "[IPv6:fe80::1]"} {
		a, err := net.ResolveTCPAddr("tcp", strings.Replace(addr, "%eth0", "%lo", 1))
		if err != nil {
			t.Fatal(err)
		}
		if got := addressLiteral(a); got != want {
			t.Errorf("%s is %s, want %s", addr, got, want)
		}
	}
}
