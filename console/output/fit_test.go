package output

import (
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"netmon/console"
	"netmon/wire"
)

const long = "checkout-payments-gateway-frankfurt-blue-production"

func longName(n int) string { return fmt.Sprintf("%s-%02d", long, n) }

// TestLists_FitTheScreen has names, addresses and sentences as long as they get.
func TestLists_FitTheScreen(t *testing.T) {
	at := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	sentence := strings.Repeat("connect to 203.0.113.77:8443: connection refused; ", 4)
	saving := wire.Saving{Revision: 123456, Author: "annabelle.long-name@workstation-17", Change: sentence}
	match := wire.Match{Monitors: []string{longName(1), longName(2)}, Tags: map[string]string{"team": "checkout"}}
	verdict := console.VerdictChange{}
	verdict.Name, verdict.State, verdict.Since, verdict.Why = longName(1), "degraded", at, sentence
	other := verdict
	other.Name = longName(2)
	lists := map[string]func(w *strings.Builder, width int, form string) error{
		"incidents": func(w *strings.Builder, width int, form string) error {
			l := Incidents([]wire.Incident{{ID: longName(1), Severity: "degraded", State: wire.IncidentOpen, Opened: at}, {ID: longName(2), Severity: wire.SeverityDown, State: wire.IncidentResolved, Opened: at, Resolved: at.Add(time.Hour)}}, map[string]string{longName(1): "3417", longName(2): "77ab"}, "")
			l.Width = width
			return l.Table(w, form)
		},
		"verdicts": func(w *strings.Builder, width int, form string) error {
			l := Verdicts([]console.VerdictChange{verdict, other}, "")
			l.Width = width
			return l.Table(w, form)
		},
		"audit": func(w *strings.Builder, width int, form string) error {
			l := Audit([]wire.Audit{{At: at, By: saving.Author, Did: "start", What: []string{longName(1), longName(2)}, Where: "controller", Detail: sentence}, {At: at, Did: "stop", Where: "access", Error: sentence}})
			l.Width = width
			return l.Table(w, form)
		},
		"channels": func(w *strings.Builder, width int, form string) error {
			l := Channels([]console.ChannelHealth{{Channel: longName(1), Kind: "alertmanager", By: longName(3), LastSent: at, LastFail: at}, {Channel: longName(2), Kind: "mail"}}, "")
			l.Width = width
			return l.Table(w, form)
		},
		"rules": func(w *strings.Builder, width int, form string) error {
			l := Rules([]*wire.NoticeRule{{Name: longName(1), Match: match, To: []string{longName(3), longName(4)}, Escalate: []wire.Escalation{{After: 3600e9, To: []string{longName(5)}}}, Saving: saving}}, "")
			l.Width = width
			return l.Table(w, form)
		},
		"windows": func(w *strings.Builder, width int, form string) error {
			l := Windows([]*wire.Window{{Name: longName(1), Match: match, Weekly: "Sun 02:00-04:00", Zone: "America/Argentina/Buenos_Aires", Saving: saving}}, at, "")
			l.Width = width
			return l.Table(w, form)
		},
		"groups": func(w *strings.Builder, width int, form string) error {
			l := Groups([]*wire.Group{{Name: longName(1), Of: []string{longName(2), longName(3)}, Saving: saving}}, nil, "")
			l.Width = width
			return l.Table(w, form)
		},
		"silences": func(w *strings.Builder, width int, form string) error {
			l := Silences([]*wire.Silence{{ID: "bbsqsbvp", Match: match, From: at, Until: at.Add(time.Hour), Text: sentence, Saving: saving}}, at, "")
			l.Width = width
			return l.Table(w, form)
		},
		"identities": func(w *strings.Builder, width int, form string) error {
			l := Identities([]wire.Identity{{Name: longName(1), Role: wire.RoleOperator, State: "joined", Labels: map[string]string{"region": longName(2)}, Joined: at, Expires: at, Made: at}})
			l.Width = width
			return l.Table(w, form)
		},
		"kept": func(w *strings.Builder, width int, form string) error {
			l := Kept([]console.Kept{{Name: "stream RESULTS", Messages: 123456789, Bytes: 5e9, MaxBytes: 6e9, Disk: 1e9, MaxDisk: 9e9, First: at, Holds: sentence}, {Name: "stream NOTICES", Problem: sentence}})
			l.Width = width
			return l.Table(w, form)
		},
	}
	lists["uptime"] = func(w *strings.Builder, width int, form string) error {
		up := 0.99912
		l := Uptime([]console.UptimeRow{{Monitor: longName(1), From: at, To: at.Add(time.Hour), Uptime: &up, UpNS: 3e15, DownNS: 4e12, UnknownNS: 5e12}, {Monitor: longName(2), From: at, To: at}}, true, false, "")
		l.Width = width
		return l.Table(w, form)
	}
	lists["stats"] = func(w *strings.Builder, width int, form string) error {
		ns, part := int64(123456789), 0.99912
		figures := console.Figures{Runs: 123456, Reached: &part, Loss: &part, P50NS: &ns, P90NS: &ns, P95NS: &ns, P99NS: &ns, MaxNS: &ns, JitterNS: &ns}
		l := Stats([]console.Stats{{Monitor: longName(1), Agent: longName(3), From: at, To: at, Figures: figures, Before: &figures}, {Monitor: longName(2), From: at, To: at}}, "")
		l.Width = width
		return l.Table(w, form)
	}
	for name, write := range lists {
		var fits, whole, wide strings.Builder
		for _, x := range []struct {
			to    *strings.Builder
			width int
			form  string
		}{{&fits, 80, "table"}, {&whole, 0, "table"}, {&wide, 80, "wide"}} {
			if err := write(x.to, x.width, x.form); err != nil {
				t.Fatal(err)
			}
		}
		for line := range strings.Lines(fits.String()) {
			if n := utf8.RuneCountInString(strings.TrimRight(line, "\n")); n > 80 {
				t.Errorf("%s: a line of %d columns: %s", name, n, line)
			}
		}
		if strings.Contains(whole.String(), "y-p…") || strings.Contains(whole.String(), "check…") || strings.Contains(wide.String(), "checkout…") {
			t.Errorf("%s: cut without a screen, or although wide:\n%s%s", name, whole.String(), wide.String())
		}
	}
}

func TestTable_CutsNamesLastAndNeverToTheSame(t *testing.T) {
	all := table{titles: []string{"NAME", "WHY"}, cuts: []Cut{Naming, Prose}, rows: [][]string{{longName(1), "it is down: refused"}, {longName(2), "ok"}}}
	all.fit(40)
	if a, b := all.rows[0][0], all.rows[1][0]; a == b || !strings.HasSuffix(a, "-01") || !strings.HasPrefix(a, "checkout") || utf8.RuneCountInString(a) > 26 {
		t.Errorf("names are cut to %q and %q", a, b)
	}
	same := table{titles: []string{"NAME"}, cuts: []Cut{Naming}, rows: [][]string{{"aaaaaaaaaaaaXbbbbbbbbbbbb"}, {"aaaaaaaaaaaaYbbbbbbbbbbbb"}}}
	same.fit(12)
	if same.rows[0][0] == same.rows[1][0] {
		t.Errorf("two names are both %q", same.rows[0][0])
	}
	roomy := table{titles: []string{"NAME", "WHY"}, cuts: []Cut{Naming, Prose}, rows: [][]string{{"web", strings.Repeat("x", 200)}}}
	roomy.fit(80)
	if roomy.rows[0][0] != "web" || utf8.RuneCountInString(roomy.rows[0][1]) != 74 {
		t.Errorf("%q", roomy.rows[0])
	}
}
