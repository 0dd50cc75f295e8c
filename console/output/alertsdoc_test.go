package output

import (
	"flag"
	"io"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"netmon/console"
	"netmon/wire"
)

var update = flag.Bool("update", false, "rewrite docs/alerts.md")

// TestAlertsDoc checks what docs/alerts.md shows of incidents against what is printed.
func TestAlertsDoc(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // in which it is always the same time
		local := time.Local
		time.Local = time.UTC
		defer func() { time.Local = local }()
		now := time.Now().Add(14*time.Hour + 4*time.Minute)
		time.Sleep(time.Until(now))
		shown := map[string]string{}
		open, muted := webDown(now), agentAway(now)
		short := map[string]string{open.ID: "3f2a", muted.ID: "77ab"}
		var b strings.Builder
		if err := Incidents([]wire.Incident{open, muted}, short, "").Write(&b, io.Discard, "table"); err != nil {
			t.Fatal(err)
		}
		shown["incidents"] = b.String()

		b.Reset()
		story := console.IncidentStory{Incident: open,
			Deliveries: []wire.Delivery{{Channel: "hook", N: 1, Outcome: wire.Sent, Attempts: 1, At: now.Add(-168 * time.Second), By: "broker1", Answer: "200 OK"},
				{Channel: "ops-mail", N: 1, Outcome: wire.Retrying, Attempts: 4, At: now.Add(-60 * time.Second), Next: now.Add(20 * time.Second), By: "broker1", Error: "dial smtp.example.org:587: connection refused"}},
			Verdicts: map[string]*wire.Verdict{"web": {Monitor: "web", Quorum: wire.VerdictQuorum{Need: 2, Down: []string{"oslo", "paris", "rome"}},
				Evidence: []wire.Evidence{{Agent: "oslo", Started: now.Add(-180 * time.Second), Outcome: wire.Failed, Failure: wire.FailRefused, Text: "dial 192.0.2.7:443: connection refused"}}}},
			Next: []console.NextNotice{{At: now.Add(12 * time.Minute), Reason: wire.ReasonEscalated, Channels: []string{"pager"}, Rule: "shop"}, {At: now.Add(237 * time.Minute), Reason: wire.ReasonRepeated, Channels: []string{"hook", "ops-mail"}, Rule: "shop"}}}
		story.Lines(&b, now)
		shown["incident"] = b.String()

		b.Reset()
		if err := Channels([]console.ChannelHealth{
			{Channel: "hook", Kind: "webhook", State: console.ChannelReady, By: "broker1", LastSent: now.Add(-100 * time.Second), Sent: 7},
			{Channel: "ops-mail", Kind: "mail", State: console.ChannelNotReady, By: "broker1", Backlog: 2, LastFail: now.Add(-60 * time.Second), Problem: "dial smtp.example.org:587: connection refused"},
			{Channel: "pager", Kind: "pagerduty", State: console.ChannelNobody}}, "").Write(&b, &b, "table"); err != nil {
			t.Fatal(err)
		}
		shown["channels"] = b.String()

		b.Reset()
		acked, over := webDown(now), webDown(now)
		acked.Ack = &wire.Ack{By: "ada", At: now, Text: "I look at it"}
		over.State, over.Resolved = wire.IncidentResolved, now.Add(6*time.Minute)
		first := webDown(now)
		for _, e := range [][2]*wire.Incident{{nil, &first}, {&first, &acked}, {&acked, &over}} {
			b.WriteString(console.IncidentEvent(e[0], e[1], short) + "\n")
		}
		shown["events"] = b.String()
		alertsDoc(t, shown)
	})
}

func webDown(now time.Time) wire.Incident {
	at := now.Add(-182 * time.Second)
	blame := &wire.Blame{Class: wire.BlameTarget, Sure: true, Why: "what fails, fails wherever it is measured"}
	return wire.Incident{ID: "web-3f2a91bc00112233", State: wire.IncidentOpen, Severity: wire.SeverityDown, Cause: wire.Cause{What: wire.CauseHost, Name: "shop.example.org"}, Summary: "web is down: refused from 3 of 3 agents (target)",
		Opened: at, Decided: at.Add(2 * time.Second), At: at.Add(4 * time.Second), N: 2, Blame: blame,
		Members: []wire.IncidentMember{{About: wire.AboutMonitor, Name: "web", Severity: wire.SeverityDown, Since: at, Why: "refused from 3 of 3 agents", Blame: blame, N: 4},
			{About: wire.AboutMonitor, Name: "api", Severity: wire.SeverityDegraded, Since: at.Add(4 * time.Second), Why: "slow from 3 of 3 agents", N: 2}},
		Channels: []wire.ChannelState{{Channel: "hook", N: 1, Reason: wire.ReasonOpened, Decided: at.Add(12 * time.Second), Of: 2, Notified: true, Outcome: wire.Sent, Delivered: 1, At: at.Add(14 * time.Second), Rule: "shop"},
			{Channel: "ops-mail", N: 1, Reason: wire.ReasonOpened, Decided: at.Add(12 * time.Second), Of: 2, Outcome: wire.Retrying, At: now.Add(-time.Minute), Rule: "shop"}},
		Log: []wire.Entry{{At: at.Add(2 * time.Second), What: wire.EntryOpened, Text: "web is down: refused from 3 of 3 agents"}, {At: at.Add(4 * time.Second), What: wire.EntryChanged, Text: "api is degraded, too"},
			{At: at.Add(14 * time.Second), What: wire.EntryNotified, By: "hook", Text: "opened"}}}
}

func agentAway(now time.Time) wire.Incident {
	at := now.Add(-41 * time.Minute)
	return wire.Incident{ID: "oslo2-77ab000000000000", State: wire.IncidentOpen, Severity: wire.SeverityAgent, Cause: wire.Cause{What: wire.CauseAgent, Name: "oslo2"}, Summary: "agent oslo2 is offline: 3 monitors are judged without it", Opened: at, Decided: at, At: at, N: 1,
		Members: []wire.IncidentMember{{About: wire.AboutAgent, Name: "oslo2", Severity: wire.SeverityAgent, Since: at, N: 1}}, Muted: []string{"patch-night"}}
}

func alertsDoc(t *testing.T, shown map[string]string) {
	const file = "../../docs/alerts.md"
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	want := string(data)
	for name, text := range shown {
		open, end := "<!-- "+name+" -->\n", "<!-- /"+name+" -->"
		before, rest, ok := strings.Cut(want, open)
		_, after, ok2 := strings.Cut(rest, end)
		if !ok || !ok2 {
			t.Fatalf("docs/alerts.md has no part %s", name)
		}
		lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
		for i := range lines {
			lines[i] = strings.TrimRight(lines[i], " ")
		}
		want = before + open + "```text\n" + strings.Join(lines, "\n") + "\n```\n" + end + after
	}
	if want == string(data) {
		return
	}
	if !*update {
		t.Fatal("docs/alerts.md does not show what is printed: go test ./console/output -run AlertsDoc -update")
	}
	if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
		t.Fatal(err)
	}
}
