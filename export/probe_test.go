package export

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"netmon/console"
	"netmon/judge"
	"netmon/wire"
)

const asShop = "/probe?target=https://shop.example/&module=http_2xx"

// TestProbe_LastResult: of a saved monitor that measures the target by the kind, its last result
// is given, of an agent that agrees with the verdict.
func TestProbe_LastResult(t *testing.T) {
	for name, tc := range map[string]struct {
		state       judge.State
		quorum      wire.VerdictQuorum
		oslo, paris wire.Outcome
		query       string
		want, agent string
	}{
		"up":                              {judge.Up, wire.VerdictQuorum{Up: []string{"oslo", "paris"}}, wire.OK, wire.OK, "", "probe_success 1", "oslo"},
		"up, and the first one fails":     {judge.Up, wire.VerdictQuorum{Up: []string{"paris"}, Down: []string{"oslo"}}, wire.Failed, wire.OK, "", "probe_success 1", "paris"},
		"degraded":                        {judge.Degraded, wire.VerdictQuorum{Up: []string{"paris"}, Down: []string{"oslo"}}, wire.Failed, wire.OK, "", "probe_success 1", "paris"},
		"down":                            {judge.Down, wire.VerdictQuorum{Down: []string{"oslo", "paris"}}, wire.OK, wire.Failed, "", "probe_success 0", "paris"},
		"the first one is set aside":      {judge.Up, wire.VerdictQuorum{Up: []string{"paris"}, Aside: []string{"oslo"}}, wire.OK, wire.OK, "", "probe_success 1", "paris"},
		"nobody agrees: the first":        {judge.Up, wire.VerdictQuorum{Up: []string{"oslo", "paris"}}, wire.Failed, wire.Failed, "", "probe_success 0", "oslo"},
		"an agent that is asked for":      {judge.Up, wire.VerdictQuorum{Up: []string{"oslo", "paris"}}, wire.OK, wire.Failed, "&agent=paris", "probe_success 0", "paris"},
		"the one set aside, by its name":  {judge.Up, wire.VerdictQuorum{Up: []string{"paris"}, Aside: []string{"oslo"}}, wire.Failed, wire.OK, "&agent=oslo", "probe_success 0", "oslo"},
		"the first one could not measure": {judge.Up, wire.VerdictQuorum{Up: []string{"paris"}, Blind: []string{"oslo"}}, wire.Broken, wire.OK, "", "probe_success 1", "paris"},
		"nobody judged it":                {judge.Unknown, wire.VerdictQuorum{}, wire.OK, wire.OK, "", "probe_success 1", "oslo"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld()
			w.judged("shop", tc.state, tc.quorum)
			w.asked = func(context.Context, string, wire.Monitor) console.Asked {
				t.Error("it is measured again")
				return console.Asked{Err: errors.New("no")}
			}
			s := w.serve(t, here)
			s.result("oslo", w.saved[0], tc.oslo, time.Second)
			s.result("paris", w.saved[0], tc.paris, time.Second)
			for _, q := range []string{asShop, "/probe?module=shop", "/probe?module=shop&target=https://shop.example/"} {
				s.want(http.StatusOK, q+tc.query, tc.want, fmt.Sprintf(`netmon_probe_info{agent="%s",monitor="shop"} 1`, tc.agent))
			}
		})
	}
}

// TestProbe_NoNumberWithoutAMeasurement: what says nothing about now is an error, with what it is.
func TestProbe_NoNumberWithoutAMeasurement(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(w *world, s *site)
		query  string
		code   int
		want   string
	}{
		"stale":             {func(w *world, s *site) { s.result("oslo", w.saved[0], wire.OK, 31*time.Second) }, "", 503, "the last result of oslo is 31s old"},
		"none":              {func(*world, *site) {}, "", 503, "oslo has no result of it yet"},
		"could not measure": {func(w *world, s *site) { s.result("oslo", w.saved[0], wire.Broken, 0) }, "&agent=oslo", 503, "oslo could not measure it: timeout: no answer"},
		"paused": {func(w *world, s *site) {
			s.result("oslo", w.saved[0], wire.OK, 0)
			w.saved = slices.Clone(w.saved)
			w.saved[0].Paused = true
		}, "", 503, "shop is paused"},
		"offline": {func(w *world, s *site) { s.result("oslo", w.saved[0], wire.OK, 0); w.agents[0].Online = false }, "&agent=oslo", 503, "oslo is offline"},
		"of before the last change": {func(w *world, s *site) {
			s.result("oslo", w.saved[0], wire.OK, 0)
			w.saved = slices.Clone(w.saved)
			w.saved[0].Target = "https://new.example/"
		}, "", 503, "no result of it since its last change"},
		"set aside, all of them": {func(w *world, s *site) {
			s.result("oslo", w.saved[0], wire.OK, 0)
			w.agents = w.agents[:1]
			w.judged("shop", judge.Unknown, wire.VerdictQuorum{Aside: []string{"oslo"}})
		}, "", 503, "oslo is set aside"},
		"placed on nobody":         {func(w *world, s *site) { s.result("oslo", w.saved[0], wire.OK, 0); w.agents = nil }, "", 503, "no agent runs shop"},
		"an agent that has it not": {func(w *world, s *site) {}, "&agent=rome", 400, `agent: "rome" is not known, or shop does not run there`},
		"the broker is away": {func(w *world, s *site) {
			s.result("oslo", w.saved[0], wire.OK, 0)
			w.link.Lost = time.Now().Add(-time.Minute)
		}, "", 503, "the broker is unreachable"},
		"results cannot be read": {func(w *world, s *site) {
			s.result("oslo", w.saved[0], wire.OK, 0)
			w.troubles = []console.Trouble{{Part: console.PartResults, Err: errors.New("no right")}}
		}, "", 503, "results cannot be read: no right"},
		"monitors cannot be read": {func(w *world, s *site) {
			w.troubles = []console.Trouble{{Part: console.PartMonitors, Err: errors.New("no right")}}
		}, "", 503, "the saved monitors cannot be read: no right"},
		"what a newer agent decides": {func(w *world, s *site) { s.result("oslo", w.saved[0], "brilliant", 0) }, "&agent=oslo", 503, "oslo could not measure it"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld()
			s := w.serve(t, here)
			tc.change(w, s)
			text := s.want(tc.code, "/probe?module=shop"+tc.query, tc.want)
			if strings.Contains(text, "probe_success") {
				t.Errorf("there is a number: %s", text)
			}
			if debug := s.want(tc.code, "/probe?debug=true&module=shop"+tc.query, tc.want, "Logs for the probe:"); strings.Contains(debug, "probe_success") {
				t.Errorf("there is a number: %s", debug)
			}
		})
	}
}

// TestProbe_Measures: what nobody saved is measured by the first agent that can, as the module
// says, as long as the scraper waits.
func TestProbe_Measures(t *testing.T) {
	w := newWorld()
	w.save("inverted", "tcp", "shop.example:1", `{"invert":true}`)
	w.save("paused", "tcp", "shop.example:2", "").Paused = true
	w.save("posted", "https", "https://post.example/", `{"expect":{"status":"200-299"},"method":"POST"}`)
	w.save("got", "https", "https://get.example/", "")
	w.agents[0].Verdict = &wire.AgentVerdict{Agent: "oslo", Status: wire.AgentAside}
	var last atomic.Pointer[wire.Monitor]
	w.asked = func(_ context.Context, agent string, m wire.Monitor) console.Asked {
		last.Store(&m)
		return console.Asked{Agent: agent, Result: &wire.Result{Kind: m.Kind, Target: m.Target, Started: time.Now(), ElapsedNS: 5e6, Outcome: wire.Failed, Failure: wire.FailTimeout, Error: "no answer"}}
	}
	s := w.serve(t, here)
	for _, x := range w.saved {
		s.result("paris", x, wire.OK, 0)
	}
	for _, tc := range []struct{ query, timeout, agent, kind, options, takes string }{
		{"target=other.example", "", "paris", "http", `{"expect":{"status":"200-299"}}`, "1m59.5s"},
		{"target=https://other.example&module=http_2xx", "10", "paris", "https", `{"expect":{"status":"200-299"}}`, "9.5s"},
		{"target=https://192.0.2.7/&module=http_2xx&hostname=shop.example", "1.5", "paris", "https", `{"expect":{"status":"200-299"},"host":"shop.example","tls":{"server_name":"shop.example"}}`, "1s"},
		{"target=https://shop.example/&hostname=shop.example", "3600", "paris", "https", `{"expect":{"status":"200-299"},"host":"shop.example","tls":{"server_name":"shop.example"}}`, "1m59.5s"},
		{"target=192.0.2.7&module=icmp&agent=oslo", "0.1", "oslo", "icmp", `{"count":1}`, "100ms"},
		{"target=shop.example:1&module=tcp_connect", "", "paris", "tcp", "", "1m59.5s"}, // its outcome is the other way round
		{"target=shop.example:2&module=tcp_connect", "", "paris", "tcp", "", "1m59.5s"}, // nothing measures it
		{"target=https://get.example/&module=http_post_2xx", "", "paris", "https", `{"expect":{"status":"200-299"},"method":"POST"}`, "1m59.5s"},
		{"target=https://post2.example/&module=posted", "", "paris", "https", `{"expect":{"status":"200-299"},"method":"POST"}`, "5s"},
		{"target=https://post2.example/&module=posted&hostname=a.example", "", "paris", "https", `{"expect":{"status":"200-299"},"host":"a.example","method":"POST","tls":{"server_name":"a.example"}}`, "5s"},
	} {
		last.Store(nil)
		code, text, _ := s.get("/probe?"+tc.query, scrapeHeader, tc.timeout)
		m := last.Load()
		if code != http.StatusOK || m == nil || !strings.Contains(text, "probe_success 0") || !strings.Contains(text, fmt.Sprintf(`netmon_probe_info{agent="%s",monitor=""} 1`, tc.agent)) {
			t.Errorf("%s: %d %+v\n%s", tc.query, code, m, text)
			continue
		}
		takes, err := time.ParseDuration(tc.takes)
		if err != nil {
			t.Fatal(err)
		}
		if late := takes - m.Timeout.Std(); m.Kind != tc.kind || string(m.Options) != tc.options || late < 0 || late > patience || m.Timeout.Std() < probeLeast || m.Revision != 0 {
			t.Errorf("%s: %+v with %s", tc.query, m, m.Options)
		}
	}
	last.Store(nil)
	s.want(http.StatusOK, "/probe?target=https://post.example/&module=http_post_2xx", "probe_success 1", `monitor="posted"`)
	if last.Load() != nil {
		t.Error("what is saved as the module says is measured again")
	}
	s.want(http.StatusOK, "/probe?target=other.example&module=http_2xx&debug=true", "Logs for the probe:", "measured by paris at", "failed after 5.00 ms: timeout: no answer", `netmon_run_failure_info{failure="timeout"} 1`,
		"Metrics that would have been returned:", "probe_success 0", "Module configuration:", `"kind": "http"`, `"status": "200-299"`)
}

// TestProbe_Text is what Prometheus reads, with what is said of each family.
func TestProbe_Text(t *testing.T) {
	w := newWorld()
	s := w.serve(t, here)
	text := s.want(http.StatusOK, "/probe?target=x.example:1&module=tcp_connect")
	for name, f := range parseText(t, []byte(text)) {
		if f.GetHelp() == "" {
			t.Errorf("nothing is said of %s", name)
		}
	}
	for _, accept := range []Format{OpenMetrics, Protobuf} {
		code, text, header := s.get("/probe?target=x.example:1&module=tcp_connect", "Accept", accept.ContentType())
		if code != http.StatusOK || header.Get("Content-Type") != accept.ContentType() || len(text) == 0 {
			t.Errorf("%v: %d %v", accept, code, header)
		}
	}
}

// TestProbe_NameOfAModule: a saved monitor that is called as a module is meant where its target is,
// too; otherwise the module is.
func TestProbe_NameOfAModule(t *testing.T) {
	w := newWorld()
	w.save("icmp", "tcp", "port.example:22", "")
	s := w.serve(t, here)
	s.result("oslo", w.saved[1], wire.OK, 0)
	s.want(http.StatusOK, "/probe?module=icmp&target=port.example:22", `netmon_probe_info{agent="oslo",monitor="icmp"} 1`)
	s.want(http.StatusOK, "/probe?module=icmp&target=192.0.2.1&debug=true", `"kind": "icmp"`, `netmon_probe_info{agent="oslo",monitor=""} 1`)
	s.want(http.StatusBadRequest, "/probe?module=icmp", "target: is missing")
}

// TestProbe_Mistakes are all said at once, with what to do.
func TestProbe_Mistakes(t *testing.T) {
	w := newWorld()
	w.save("secret", "https", "https://secret.example/", `{"auth":{"bearer":"${env:TOKEN}"}}`)
	w.save("hidden", "https", "https://secret.example/", `{"headers":{"X":"\u0024{env:TOKEN}"}}`)
	w.asked = func(_ context.Context, _ string, m wire.Monitor) console.Asked {
		t.Errorf("%+v is measured", m)
		return console.Asked{Err: errors.New("no")}
	}
	s := w.serve(t, here)
	for _, tc := range []struct {
		query string
		code  int
		want  []string
	}{
		{"", 400, []string{"target: is missing: want /probe?target=TARGET&module=MODULE"}},
		{"target=x&module=htp_2xx", 400, []string{`unknown module "htp_2xx"`, "http_2xx", "netmon get monitors"}},
		{"target=a+b&module=tcp_connect", 400, []string{"target: ", `"a b"`}},
		{"target=ftp://x&module=http_2xx", 400, []string{"target: want a URL with http://"}},
		{"target=x&hostname=a+b&agent=a.b&debug=true&debug=false", 400, []string{`hostname: want the name of a host, got "a b"`, "agent: ", "debug: is given 2 times"}},
		{"target=x:1&module=tcp_connect&agent=rome", 400, []string{`agent: unknown agent "rome"`, "oslo, paris"}},
		{"target=https://evil.example/&module=secret", 403, []string{"hold a secret", "https://secret.example/"}},
		{"target=https://evil.example/&module=hidden", 403, []string{"hold a secret"}},
		{"target=" + strings.Repeat("x", 3000) + "&module=icmp", 400, []string{"target: "}},
	} {
		text := s.want(tc.code, "/probe?"+tc.query, tc.want...)
		if strings.Contains(text, "probe_") && !strings.Contains(text, "/probe") {
			t.Errorf("%s: %s", tc.query, text)
		}
	}
	for _, text := range []string{"x", "-1", "0", "NaN"} {
		if code, got, _ := s.get("/probe?target=x", scrapeHeader, text); code != 400 || !strings.Contains(got, scrapeHeader+": want seconds, more than 0") {
			t.Errorf("%s: %d %s", text, code, got)
		}
	}
	for _, query := range []string{"target=%00", "target=%0a%1b[31mx&module=%1b[31m", "module=%ff&target=%ff"} { // nothing of it acts on a terminal
		code, text, _ := s.get("/probe?" + query)
		if code != 400 || strings.ContainsAny(text, "\x00\x1b") {
			t.Errorf("%s: %d %q", query, code, text)
		}
	}
}

// TestProbe_Refused: who may not measure, and where nothing could be measured, there is no number.
func TestProbe_Refused(t *testing.T) {
	for name, tc := range map[string]struct {
		err  error
		code int
		want string
	}{
		"a viewer's credential":   {fmt.Errorf("%w: your role does not include it", console.ErrDenied), 403, "who runs this exporter may read, and not measure"},
		"a role on the agent":     {fmt.Errorf("refused: %w", &wire.Error{Code: wire.CodeDenied, Message: "viewer"}), 403, "may read, and not measure"},
		"its policy":              {fmt.Errorf("refused: %w", &wire.Error{Code: wire.CodePolicy, Message: "10.0.0.1 is denied"}), 403, "10.0.0.1 is denied"},
		"its kinds":               {fmt.Errorf("refused: %w", &wire.Error{Code: wire.CodeInvalid, Message: "unknown kind"}), 400, "unknown kind"},
		"its limit":               {fmt.Errorf("refused: %w", &wire.Error{Code: wire.CodeLimit, Message: "too many"}), 503, "too many"},
		"it went away":            {errors.New("is offline"), 503, "oslo: is offline"},
		"it could not measure it": {nil, 503, "oslo could not measure it: no_socket: no right"},
	} {
		w := newWorld()
		w.asked = func(_ context.Context, agent string, m wire.Monitor) console.Asked {
			if tc.err != nil {
				return console.Asked{Agent: agent, Err: tc.err}
			}
			return console.Asked{Agent: agent, Result: &wire.Result{Kind: m.Kind, Outcome: wire.Broken, Failure: "no_socket", Error: "no right"}}
		}
		s := w.serve(t, here)
		if text := s.want(tc.code, "/probe?target=x.example:1&module=tcp_connect", tc.want); strings.Contains(text, "probe_success") {
			t.Errorf("%s: %s", name, text)
		}
	}
	w := newWorld()
	w.agents[0].Kinds, w.agents[1].Online = nil, false
	s := w.serve(t, here)
	s.want(503, "/probe?target=x.example:1&module=tcp_connect", "no agent is there that can measure tcp")
	s.want(400, "/probe?target=x.example:1&module=tcp_connect&agent=oslo", "agent: oslo cannot measure tcp")
	s.want(503, "/probe?target=x.example:1&module=tcp_connect&agent=paris", "agent: paris is offline")
}

// TestProbe_Many: however many ask, so many measurements are under way; the others wait, no longer
// than their scraper does.
func TestProbe_Many(t *testing.T) {
	w := newWorld()
	var now, most atomic.Int32
	held, begun := make(chan struct{}), make(chan struct{}, 10*probesMost)
	w.asked = func(ctx context.Context, agent string, m wire.Monitor) console.Asked {
		n := now.Add(1)
		defer now.Add(-1)
		for was := most.Load(); n > was && !most.CompareAndSwap(was, n); was = most.Load() {
		}
		begun <- struct{}{}
		<-held
		return console.Asked{Agent: agent, Result: &wire.Result{Agent: agent, Kind: m.Kind, Target: m.Target, Outcome: wire.OK}}
	}
	s := w.serve(t, here)
	http.DefaultTransport.(*http.Transport).MaxIdleConnsPerHost = 4 * probesMost
	var all sync.WaitGroup
	ask := func(timeout string) int {
		code, _, _ := s.get("/probe?module=tcp_connect&target="+url.QueryEscape("x.example:1"), scrapeHeader, timeout)
		return code
	}
	var fine atomic.Int32
	for range 2 * probesMost {
		all.Go(func() {
			if ask("120") == http.StatusOK {
				fine.Add(1)
			}
		})
	}
	for range probesMost {
		select {
		case <-begun:
		case <-time.After(patience):
			t.Fatal("they do not begin")
		}
	}
	if code := ask("0.6"); code != http.StatusServiceUnavailable {
		t.Errorf("one that finds no place gets %d", code)
	}
	close(held)
	all.Wait()
	if most.Load() != probesMost || fine.Load() != 2*probesMost {
		t.Errorf("%d at a time, %d fine", most.Load(), fine.Load())
	}
}
