package export

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"netmon/console"
	"netmon/wire"
)

// TestProbe_SameOptions: a saved monitor stands for a module by the same options, defaults
// included; one that expects something else is not asked.
func TestProbe_SameOptions(t *testing.T) {
	for name, c := range map[string]struct {
		kind, target, options, module string
		saved                         bool
	}{
		"what the module sets":            {"https", "https://a.example/", `{"expect":{"status":"200-299"}}`, "http_2xx", true},
		"and what is the default":         {"https", "https://a.example/", `{"method":"GET","expect":{"status":"200-299"}}`, "http_2xx", true},
		"another status":                  {"https", "https://a.example/", `{"expect":{"status":"503"}}`, "http_2xx", false},
		"the kind's own":                  {"https", "https://a.example/", "", "http_2xx", false},
		"more expectations":               {"https", "https://a.example/", `{"expect":{"status":"200-299","body_contains":["x"]}}`, "http_2xx", false},
		"the kind as it is":               {"https", "https://a.example/", "", "https", true},
		"the kind, with more":             {"https", "https://a.example/", `{"expect":{"status":"503"}}`, "https", false},
		"one packet, as is the default":   {"icmp", "192.0.2.1", "", "icmp", true},
		"more packets":                    {"icmp", "192.0.2.1", `{"count":9}`, "icmp", false},
		"a port":                          {"tcp", "a.example:1", "", "tcp_connect", true},
		"a port that should not be there": {"tcp", "a.example:1", `{"invert":true}`, "tcp_connect", false},
	} {
		w := newWorld()
		m := *w.save("it", c.kind, c.target, c.options)
		s := w.serve(t, here)
		s.result("oslo", m, wire.OK, 0)
		s.result("paris", m, wire.OK, 0)
		text := s.want(http.StatusOK, "/probe?module="+c.module+"&target="+c.target)
		if got := strings.Contains(text, `monitor="it"`); got != c.saved {
			t.Errorf("%s: the saved monitor answers: %v, want %v", name, got, c.saved)
		}
	}
}

// TestProbe_OldRevision: a result of before the monitor's last change is no answer.
func TestProbe_OldRevision(t *testing.T) {
	w := newWorld()
	s := w.serve(t, here)
	s.result("oslo", w.saved[0], wire.OK, 0)
	w.saved = slices.Clone(w.saved)
	w.saved[0].Options, w.saved[0].Revision = []byte(`{"expect":{"status":"404"}}`), 9
	s.want(http.StatusServiceUnavailable, "/probe?module=shop", "oslo has no result of it since its last change")
	s.result("oslo", w.saved[0], wire.OK, 0)
	s.want(http.StatusOK, "/probe?module=shop", "probe_success 1")
}

// TestProbe_Confidential: what may be a secret goes to its own target, and is not shown.
func TestProbe_Confidential(t *testing.T) {
	w := newWorld()
	for name, options := range map[string]string{
		"headers": `{"headers":{"X-Mine":"hunter2"}}`, "body": `{"method":"POST","body":"hunter2"}`, "plain": `{"method":"HEAD"}`,
	} {
		w.save(name, "https", "https://own.example/", options)
	}
	w.save("dialogue", "tcp", "own.example:1", `{"steps":[{"send":"AUTH hunter2\n"}]}`)
	s := w.serve(t, here)
	for _, m := range w.saved {
		s.result("oslo", m, wire.OK, 0)
		other := "https://evil.example/"
		if m.Kind == "tcp" {
			other = "evil.example:1"
		}
		want := http.StatusForbidden
		if m.Name == "plain" || m.Name == "shop" {
			want = http.StatusOK
		}
		for path, code := range map[string]int{
			"/probe?debug=true&agent=oslo&module=" + m.Name: http.StatusOK, "/probe?debug=true&module=" + m.Name + "&target=" + other: want, "/probe?debug=true&hostname=x.example&module=" + m.Name + "&target=" + m.Target: http.StatusOK,
		} {
			if got, text, _ := s.get(path); got != code || strings.Contains(text, "hunter2") {
				t.Errorf("%s: %d, want %d\n%s", path, got, code, text)
			}
		}
	}
	s.want(http.StatusOK, "/probe?debug=true&agent=oslo&module=headers", `"headers": "(hidden)"`)
	s.want(http.StatusOK, "/probe?debug=true&agent=oslo&module=plain", `"method": "HEAD"`)
}

// TestProbe_NextAgent: where an agent may not, or has too much to do, the next one measures; which
// one is asked first depends on the target.
func TestProbe_NextAgent(t *testing.T) {
	w := newWorld()
	var mu sync.Mutex
	var asked []string
	code := wire.CodePolicy
	w.asked = func(_ context.Context, agent string, m wire.Monitor) console.Asked {
		mu.Lock()
		defer mu.Unlock()
		if asked = append(asked, agent); len(asked) == 1 {
			return console.Asked{Agent: agent, Err: fmt.Errorf("refused: %w", &wire.Error{Code: code, Message: "no"})}
		}
		return console.Asked{Agent: agent, Result: &wire.Result{Kind: m.Kind, Target: m.Target, Outcome: wire.OK}}
	}
	s := w.serve(t, here)
	for _, code = range []wire.Code{wire.CodePolicy, wire.CodeLimit} {
		asked = nil
		s.want(http.StatusOK, "/probe?module=tcp_connect&target=x.example:1", "probe_success 1")
		if len(asked) != 2 || asked[0] == asked[1] {
			t.Errorf("%s: %q were asked", code, asked)
		}
	}
	code, asked = wire.CodeInvalid, nil
	if s.want(http.StatusBadRequest, "/probe?module=tcp_connect&target=x.example:1", "no"); len(asked) != 1 {
		t.Errorf("what is wrong everywhere is asked of %q", asked)
	}
	code, asked = wire.CodePolicy, nil
	if s.want(http.StatusForbidden, "/probe?module=tcp_connect&target=x.example:1&agent=paris", "netmon policy"); len(asked) != 1 {
		t.Errorf("who is not asked for is asked: %q", asked)
	}
	first := map[string]bool{}
	for i := range 20 {
		asked = nil
		s.get(fmt.Sprintf("/probe?module=tcp_connect&target=x%d.example:1", i))
		first[asked[0]] = true
	}
	if len(first) != 2 {
		t.Errorf("all targets are measured by %v", first)
	}
}

// TestProbe_TimeThatIsLeft: a run has what waiting for its turn left of the scrape, and a template's own
// timeout at most.
func TestProbe_TimeThatIsLeft(t *testing.T) {
	w := newWorld()
	w.save("quick", "tcp", "own.example:1", "").Timeout = wire.Duration(time.Second)
	got := make(chan time.Duration, 1)
	w.asked = func(_ context.Context, agent string, m wire.Monitor) console.Asked {
		got <- m.Timeout.Std()
		return console.Asked{Agent: agent, Result: &wire.Result{Kind: m.Kind, Target: m.Target, Outcome: wire.OK}}
	}
	s := w.serve(t, here)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if _, err := s.of.measure(ctx, []string{"oslo"}, &wire.Monitor{Kind: "tcp", Target: "x.example:1", Timeout: wire.Duration(probeMost)}); err != nil {
		t.Fatal(err)
	}
	if d := <-got; d > 20*time.Second-probeOffset {
		t.Errorf("a run of %v, with 20 s left", d)
	}
	s.want(http.StatusOK, "/probe?module=quick&target=x.example:1")
	if d := <-got; d > time.Second {
		t.Errorf("a run of %v, by a monitor's timeout of 1s", d)
	}
}

// TestProbe_WhenItBegan: a result says when its run began, whoever asks.
func TestProbe_WhenItBegan(t *testing.T) {
	w := newWorld()
	s := w.serve(t, here)
	ended := time.Now().Truncate(time.Second)
	s.mesh.take(&wire.Result{Agent: "oslo", Monitor: "shop", Kind: "https", Target: w.saved[0].Target, Revision: 1, Outcome: wire.OK, ElapsedNS: 2e9, Started: time.Unix(1, 0)}, ended)
	want := fmt.Sprint("netmon_result_timestamp_seconds ", ended.Unix()-2)
	s.want(http.StatusOK, "/probe?module=shop&agent=oslo", want)
	if text := s.want(http.StatusOK, "/metrics"); !strings.Contains(text, fmt.Sprint("} ", ended.Unix()-2)) {
		t.Errorf("there is no %d in\n%s", ended.Unix()-2, text)
	}
}
