package notify

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"netmon/wire"
)

// TestServices_Golden checks each request for an incident's life against testdata.
func TestServices_Golden(t *testing.T) {
	for name, s := range services() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := receive(t, s.answer)
			sender := s.sender(t, r.URL)
			if got := sender.To(); len(got) != 1 || !strings.HasPrefix(string(got[0]), r.URL) {
				t.Errorf("To() = %q, want what begins with %s", got, r.URL)
			}
			thread := ""
			for _, reason := range []wire.Reason{wire.ReasonOpened, wire.ReasonChanged, wire.ReasonAcknowledged, wire.ReasonResolved} {
				m := story(reason)
				m.Thread = thread
				receipt, err := sender.Send(t.Context(), testEnv(t, s.secrets), m)
				if err != nil {
					t.Fatalf("%s: %v", reason, err)
				}
				if receipt.Thread != "" {
					thread = receipt.Thread
				}
				var out []string
				for _, req := range r.requests() {
					out = append(out, req.dump())
				}
				golden(t, fmt.Sprintf("%s/%s.txt", name, reason), fmt.Sprintf("%s\n# receipt: answer %q, thread %q\n", strings.Join(out, "\n"), receipt.Answer, receipt.Thread))
			}
		})
	}
}

// hostile is what a name, a banner or somebody's word may hold, but for control
// characters, which no message has.
const hostile = `<b>x</b> <!channel> <@U1> @everyone @here [a](http://evil.example) **b** ~~c~~ _d_ ` + "`e` ```" + ` # f > g | h <https://evil.example|i> &lt;j&gt; {{.Env}} ${env:HOOK} $(reboot) "k" 'l' \n \u003c </b></a> <script>alert(1)</script> %s %2F - m`

func TestServices_HostileTextIsShownAsItIs(t *testing.T) {
	for name, s := range services() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := receive(t, s.answer)
			m := story(wire.ReasonOpened)
			m.Title = "DOWN: " + hostile
			m.Head[0] = hostile
			m.Members[0] = "- " + hostile
			m.Incident.Blame.Why, m.Incident.Members[0].Why, m.Mesh = hostile, hostile, "netmon"
			want := strings.Join(append(append([]string{}, m.Head...), m.Members...), "\n")
			if _, err := s.sender(t, r.URL).Send(t.Context(), testEnv(t, s.secrets), m); err != nil {
				t.Fatal(err)
			}
			got := r.requests()
			if len(got) != 1 {
				t.Fatalf("%d requests, want 1", len(got))
			}
			if text := s.text(t, &got[0]); text != want && name != "pushover" {
				t.Errorf("people see\n%s\nwant\n%s", text, want)
			}
			golden(t, name+"/hostile.txt", got[0].dump())
		})
	}
}

// TestServices_LargeIncidentFits sends one of 2,000 members with long texts, and one
// whose head alone is too large.
func TestServices_LargeIncidentFits(t *testing.T) {
	for name, s := range services() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, wide := range []string{"a", "<", "*", "😀", "\""} {
				r := receive(t, s.answer)
				m := story(wire.ReasonOpened)
				m.Title = "DOWN: " + strings.Repeat(wide, 280/len(wide))
				m.Members = nil
				for i := range 2000 {
					m.Members = append(m.Members, fmt.Sprintf("m-%04d: down: %s", i, strings.Repeat(wide, 60)))
				}
				m.Incident.More = 17
				m.Members = append(m.Members, moreLine(17))
				if _, err := s.sender(t, r.URL).Send(t.Context(), testEnv(t, s.secrets), m); err != nil {
					t.Fatal(err)
				}
				got := r.requests()
				s.most(t, &got[0])
				text := s.text(t, &got[0])
				for _, line := range m.Head {
					if !strings.Contains(text, line) {
						t.Errorf("%s: the line %q is left out", wide, line)
					}
				}
				lines := strings.Split(text, "\n")
				shown, more := 0, 0
				for _, line := range lines {
					if strings.HasPrefix(line, "m-") {
						shown++
					}
				}
				fmt.Sscanf(lines[len(lines)-1], "and %d more", &more)
				if shown == 0 && name != "pushover" || shown+more != 2017 {
					t.Errorf("%s: %d shown and %d more: want 2017 together", wide, shown, more)
				}

				m.Head = []string{"web is down", strings.Repeat(wide, 50_000), "Fault: target"}
				if _, err := s.sender(t, r.URL).Send(t.Context(), testEnv(t, s.secrets), m); err != nil {
					t.Fatal(err)
				}
				got = r.requests()
				s.most(t, &got[0])
				if text := s.text(t, &got[0]); !strings.HasPrefix(text, "web is down\n") || !strings.Contains(text, "\nFault: target") {
					t.Errorf("%s: what or whose fault is left out: %.200q", wide, text)
				}
			}
		})
	}
}

// TestServices_Faults: which answers are refusals, and which are asked again.
func TestServices_Faults(t *testing.T) {
	broken := func(w http.ResponseWriter, _ *http.Request) {
		c, _, err := http.NewResponseController(w).Hijack()
		if err == nil {
			c.Close()
		}
	}
	faults := []struct {
		name    string
		answer  http.HandlerFunc
		refused bool
		after   time.Duration
	}{
		{"400", reply(400, `{"message":"bad"}`), true, 0},
		{"401", reply(401, ""), true, 0},
		{"403", reply(403, "<html>"), true, 0},
		{"404", reply(404, "{}"), true, 0},
		{"413", reply(413, ""), true, 0},
		{"a redirect", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/elsewhere", http.StatusFound) }, true, 0},
		{"500", reply(500, ""), false, 0},
		{"503 with Retry-After", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Retry-After", "120")
			w.WriteHeader(503)
		}, false, 2 * time.Minute},
		{"429 with Retry-After", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Retry-After", "7")
			reply(429, `{}`)(w, r)
		}, false, 7 * time.Second},
		{"429 without", reply(429, `{"ok":false}`), false, 0},
		{"a connection that breaks off", broken, false, 0},
		{"an answer that never comes", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, false, 0},
	}
	for name, s := range services() {
		for _, f := range faults {
			t.Run(name+"/"+f.name, func(t *testing.T) {
				t.Parallel()
				r := receive(t, f.answer)
				t.Cleanup(r.CloseClientConnections)
				ctx := t.Context()
				if f.name == "an answer that never comes" {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, 200*time.Millisecond)
					defer cancel()
				}
				_, err := s.sender(t, r.URL).Send(ctx, testEnv(t, s.secrets), story(wire.ReasonOpened))
				if err == nil {
					t.Fatal("no error")
				}
				var refusal *Refusal
				var later *Later
				if got := errors.As(err, &refusal); got != f.refused {
					t.Errorf("refused %v, want %v: %v", got, f.refused, err)
				}
				if errors.As(err, &later) != (f.after > 0) || later != nil && later.After != f.after {
					t.Errorf("asked again after %v, want %v: %v", later, f.after, err)
				}
				for _, secret := range s.secrets {
					if strings.Contains(err.Error(), secret) {
						t.Errorf("the error tells a secret: %v", err)
					}
				}
				if n := len(r.requests()); n != 1 {
					t.Errorf("%d requests, want 1", n)
				}
			})
		}
	}
}

// TestServices_Garbage: an answer of 200 that is none of the service's is no panic.
func TestServices_Garbage(t *testing.T) {
	for name, s := range services() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, body := range []string{"", "null", "[]", "{", `{"ok":"x","result":[],"status":"1","id":7}`, "<html>", strings.Repeat("x", 2*maxAnswer)} {
				r := receive(t, reply(200, body))
				for _, reason := range []wire.Reason{wire.ReasonOpened, wire.ReasonAcknowledged, wire.ReasonResolved} {
					m := story(reason)
					m.Thread = "x"
					_, err := s.sender(t, r.URL).Send(t.Context(), testEnv(t, s.secrets), m)
					var refusal *Refusal
					if errors.As(err, &refusal) && name != "slack-bot" && name != "pushover" && name != "telegram" {
						t.Errorf("%.40q is a refusal: %v", body, err)
					}
				}
			}
		})
	}
}

// TestServices_MissingSecret sends nothing.
func TestServices_MissingSecret(t *testing.T) {
	for name, s := range services() {
		r := receive(t, s.answer)
		_, err := s.sender(t, r.URL).Send(t.Context(), testEnv(t, nil), story(wire.ReasonOpened))
		if err == nil || !strings.Contains(err.Error(), "nobody set it") {
			t.Errorf("%s: %v, want what is missing", name, err)
		}
		if got := r.requests(); len(got) != 0 {
			t.Errorf("%s: sends without its secret", name)
		}
	}
}

// TestServices_NoText: what has no text, by a template, has the title in its place.
func TestServices_NoText(t *testing.T) {
	for name, s := range services() {
		r := receive(t, s.answer)
		m := story(wire.ReasonOpened)
		m.Text, m.Head, m.Members, m.Link = "", []string{""}, nil, ""
		if _, err := s.sender(t, r.URL).Send(t.Context(), testEnv(t, s.secrets), m); err != nil {
			t.Fatal(err)
		}
		if got := r.requests(); s.text(t, &got[0]) != m.Title {
			t.Errorf("%s: people see %q, want the title", name, s.text(t, &got[0]))
		}
	}
}

// TestServices_Test: what somebody tries is sent by every kind, as something that is not
// over.
func TestServices_Test(t *testing.T) {
	for name, s := range services() {
		r := receive(t, s.answer)
		m := testMessageFor("ops", "anna@desk", "test-1", story(wire.ReasonOpened).At)
		m.Title, m.Head = "TEST: nothing is wrong", []string{"This is a test."}
		receipt, err := s.sender(t, r.URL).Send(t.Context(), testEnv(t, s.secrets), m)
		if err != nil || receipt.Answer == "" {
			t.Errorf("%s: answer %q, %v", name, receipt.Answer, err)
		}
		if got := r.requests(); len(got) != 1 || !strings.Contains(s.text(t, &got[0]), "This is a test.") {
			t.Errorf("%s: %d requests, want one with the text", name, len(got))
		}
	}
}

// TestServices_NothingKnown: a message with nothing in it is sent.
func TestServices_NothingKnown(t *testing.T) {
	for name, s := range services() {
		r := receive(t, s.answer)
		for _, state := range []wire.IncidentState{wire.IncidentOpen, wire.IncidentResolved, wire.IncidentMerged} {
			m := &Message{Incident: wire.Incident{ID: "x", State: state, Severity: "new"}, Notice: wire.Notice{Incident: "x", Channel: "ops", Reason: "new"}, Title: "t"}
			if _, err := s.sender(t, r.URL).Send(t.Context(), testEnv(t, s.secrets), m); err != nil {
				t.Errorf("%s: %s: %v", name, state, err)
			}
		}
	}
}
