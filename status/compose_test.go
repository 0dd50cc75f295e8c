package status

import (
	"slices"
	"strings"
	"testing"
	"time"

	"netmon/judge"
	"netmon/wire"
)

func TestCompose_Headline(t *testing.T) {
	for _, c := range []struct {
		name   string
		states []judge.State
		change func(*world)
		want   string
		is     State
	}{
		{"nothing is public", nil, nil, "No service is listed here", Unknown},
		{"one runs", []judge.State{judge.Up}, nil, "A is running", Running},
		{"all run", []judge.State{judge.Up, judge.Up}, nil, "All services are running", Running},
		{"one is down", []judge.State{judge.Down, judge.Up}, nil, "A is down", Down},
		{"the only one is down", []judge.State{judge.Down}, nil, "A is down", Down},
		{"two are down", []judge.State{judge.Down, judge.Down, judge.Up}, nil, "A and B are down", Down},
		{"all are down", []judge.State{judge.Down, judge.Down}, nil, "All services are down", Down},
		{"many are down", []judge.State{judge.Down, judge.Down, judge.Down, judge.Down, judge.Up}, nil, "4 of 5 services are down", Down},
		{"down and disturbed", []judge.State{judge.Down, judge.Degraded, judge.Up}, nil, "A is down, B is slow or partly reachable", Down},
		{"disturbed", []judge.State{judge.Up, judge.Degraded}, nil, "B is partly reachable", Partly},
		{"slow", []judge.State{judge.Up, judge.Degraded}, func(w *world) {
			w.Rows["b"].Verdict.Quorum.Slow, w.Rows["b"].Verdict.Quorum.Down = w.Rows["b"].Verdict.Quorum.Down, nil
		}, "B is slow", Slow},
		{"not known is not running", []judge.State{judge.Up, judge.Unknown}, nil, "We cannot see how B is", Unknown},
		{"paused is not running", []judge.State{judge.Up, judge.Paused}, nil, "We cannot see how B is", Unknown},
		{"none is known", []judge.State{judge.Unknown, judge.Unknown}, nil, "We cannot see how the services are", Unknown},
		{"down is worse than not known", []judge.State{judge.Down, judge.Unknown}, nil, "A is down", Down},
		{"the broker is away", []judge.State{judge.Up, judge.Up}, func(w *world) { w.Blind = true }, "We cannot see how the services are", Unknown},
		{"the broker is away, and one was down", []judge.State{judge.Up, judge.Down}, func(w *world) { w.Blind = true }, "We cannot see how the services are", Unknown},
		{"maintenance", []judge.State{judge.Down, judge.Up}, func(w *world) {
			w.Settings = []wire.Setting{&wire.Window{Name: "w", Match: wire.Match{Monitors: []string{"a"}}, From: now.Add(-time.Hour), To: now.Add(time.Hour)}}
		}, "A is under maintenance, all others are running", Maintenance},
		{"maintenance of all", []judge.State{judge.Down, judge.Up}, func(w *world) {
			w.Settings = []wire.Setting{&wire.Window{Name: "w", From: now.Add(-time.Hour), To: now.Add(time.Hour)}}
		}, "Planned maintenance is under way", Maintenance},
		{"a window for some failures is no maintenance", []judge.State{judge.Down, judge.Up}, func(w *world) {
			w.Settings = []wire.Setting{&wire.Window{Name: "w", Match: wire.Match{Severity: []wire.Severity{wire.SeverityDown}}, From: now.Add(-time.Hour), To: now.Add(time.Hour)}}
		}, "A is down", Down},
		{"maintenance does not make known what is not", []judge.State{judge.Unknown, judge.Up}, func(w *world) {
			w.Settings = []wire.Setting{&wire.Window{Name: "w", From: now.Add(-time.Hour), To: now.Add(time.Hour)}}
		}, "We cannot see how A is", Unknown},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld()
			for i, s := range c.states {
				w.monitor(string(rune('a'+i)), "yes", string(rune('A'+i)), s)
			}
			if c.change != nil {
				c.change(w)
			}
			p := Compose(w.Facts, Options{})
			if p.Headline != c.want || p.State != c.is {
				t.Errorf("%q, %v: want %q, %v", p.Headline, p.State.Said(), c.want, c.is.Said())
			}
			if p.State == Running != strings.Contains(p.Headline, "running") && p.State != Maintenance {
				t.Errorf("it is %v, and says %q", p.State.Said(), p.Headline)
			}
		})
	}
}

// TestCompose_Blind: while nothing is known of now, no service is shown as it was, and the
// page says since when.
func TestCompose_Blind(t *testing.T) {
	w := shop()
	w.Blind, w.Since = true, now.Add(-20*time.Minute)
	p := Compose(w.Facts, Options{})
	for _, sec := range p.Sections {
		for _, s := range sec.Services {
			if s.State != Unknown || !s.Since.IsZero() || s.Reason != "" {
				t.Errorf("%s: %+v", s.Name, s)
			}
		}
	}
	site := made(t, p)
	inOrder(t, string(site["index.html"].Plain), "We cannot see how the services are", "Nothing is known since", "10:11 UTC", "Last known: Incoming mail is down", "whether it is over is not known", "Not known")
	if strings.Contains(string(site["index.html"].Plain), "not over yet") {
		t.Error("it says of now what it does not know")
	}
	if strings.Contains(string(site["index.html"].Plain), "Running</p>") {
		t.Error("something is running")
	}
	inOrder(t, string(site["api/v2/status.json"].Plain), `"indicator":"unknown"`)
	inOrder(t, string(site["badge/online-shop.svg"].Plain), "Online shop: not known")
}

func TestOptions_Choose(t *testing.T) {
	w := newWorld()
	for _, c := range [][3]string{{"a", "Shop", "Web"}, {"b", "Shop", "Web"}, {"c", "Mail", "Web"}, {"d", "yes", "Äpfel"}, {"e", "no", ""}, {"f", "Private", ""}, {"g", "", ""}, {"h", "public", "../../etc/passwd"}, {"i", " off ", ""}} {
		w.monitor(c[0], c[1], c[2], judge.Up)
	}
	list, more := (&Options{Tag: DefaultTag}).choose(w.Monitors)
	var got []string
	ids := map[string]bool{}
	for _, c := range list {
		got = append(got, c.heading+"|"+c.name+"|"+c.slug)
		ids[c.id] = true
	}
	want := []string{"|../../etc/passwd|etc-passwd", "|Äpfel|pfel", "Mail|Web|web", "Shop|Web|web-2", "Shop|Web (2)|web-2-2"}
	if !slices.Equal(got, want) || more != 0 || len(ids) != len(list) {
		t.Errorf("%q, %d more, %d ids: want %q", got, more, len(ids), want)
	}
	list, _ = (&Options{Tag: "team"}).choose(w.Monitors)
	if len(list) != 9 || list[0].heading != "tag-secret" {
		t.Errorf("by another tag: %d", len(list))
	}
}

// TestCompose_Bounded: a page has so many services, and says how many more there are.
func TestCompose_Bounded(t *testing.T) {
	w := newWorld()
	for i := range MaxServices + 3 {
		w.monitor("m"+strings.Repeat("x", i%7)+string(rune('a'+i%26))+time.Duration(i).String(), "yes", "", judge.Up)
	}
	p := Compose(w.Facts, Options{})
	if p.Services != MaxServices || p.More != 3 {
		t.Errorf("%d services, %d more", p.Services, p.More)
	}
}

func TestCompose_Incidents(t *testing.T) {
	p := Compose(shop().Facts, Options{})
	var titles []string
	for _, x := range p.Incidents {
		titles = append(titles, x.Title)
	}
	if want := []string{"Incoming mail is down", "Checkout is slow or partly reachable", "Online shop and Checkout were down", "Online shop was down"}; !slices.Equal(titles, want) {
		t.Errorf("%q: want %q", titles, want)
	}
	w := newWorld()
	w.monitor("a", "yes", "A", judge.Up)
	w.monitor("b", "yes", "B", judge.Down)
	w.monitor("secret", "", "", judge.Down)
	partly := member("a", wire.SeverityDegraded, 3*time.Hour, time.Hour)
	partly.Blame.Class = wire.BlamePath
	w.wrong("1", partly, member("b", wire.SeverityDown, 2*time.Hour, 0), member("secret", wire.SeverityDown, 4*time.Hour, 0))
	certificate := member("a", wire.SeverityCertificate, time.Hour, 0)
	certificate.About = wire.AboutCertificate
	w.wrong("2", certificate, member("a", wire.SeverityUnknown, time.Hour, 0))
	w.wrong("3", member("a", wire.SeverityDown, 100*24*time.Hour, 99*24*time.Hour))
	w.wrong("4", member("a", wire.SeverityDown, time.Hour, time.Minute))
	w.Incidents[3].State = wire.IncidentMerged
	p = Compose(w.Facts, Options{})
	if len(p.Incidents) != 1 {
		t.Fatalf("%+v", p.Incidents)
	}
	x := p.Incidents[0]
	if x.Title != "B is down" || !x.Open() || !x.Began.Equal(now.Add(-3*time.Hour)) || len(x.Services) != 2 || x.State != Down {
		t.Errorf("%+v", x)
	}
	var lines []string
	for _, u := range x.Updates {
		lines = append(lines, u.Text)
	}
	if want := []string{"A is partly reachable: it cannot be reached from some places.", "B is down.", "A is running again."}; !slices.Equal(lines, want) {
		t.Errorf("%q: want %q", lines, want)
	}
}

// TestCompose_PrivateEnd: an incident whose public members are all well is over for
// visitors, though something private is still wrong.
func TestCompose_PrivateEnd(t *testing.T) {
	w := newWorld()
	w.monitor("a", "yes", "A", judge.Up)
	w.wrong("1", member("a", wire.SeverityDown, 3*time.Hour, time.Hour), member("secret", wire.SeverityDown, 4*time.Hour, 0))
	p := Compose(w.Facts, Options{})
	if len(p.Incidents) != 1 || p.Incidents[0].Open() || p.Incidents[0].Title != "A was down" {
		t.Errorf("%+v", p.Incidents)
	}
}

func TestCompose_Maintenance(t *testing.T) {
	w := shop()
	p := Compose(w.Facts, Options{})
	var got []string
	for _, o := range p.Maintenance {
		got = append(got, o.Phase(p.At)+" "+o.Name+" "+o.From.Format(time.DateTime))
	}
	want := []string{"scheduled Patch night 2026-12-06 02:00:00", "in_progress Move of name servers 2026-12-01 09:31:00"}
	if !slices.Equal(got, []string{want[0], "in_progress Move of name servers 2026-12-01 09:31:20"}) {
		t.Errorf("%q: want %q; what was not planned then is no maintenance", got, want)
	}
	w.wrong("m", member("dns", wire.SeverityDown, 30*time.Minute, 0))
	w.wrong("n", member("imap", wire.SeverityDown, 2*24*time.Hour+8*time.Hour, 2*24*time.Hour+7*time.Hour)) // Sunday 02:31
	if n := len(Compose(w.Facts, Options{}).Incidents); n != len(p.Incidents) {
		t.Errorf("%d incidents, there were %d: those within maintenance are none", n, len(p.Incidents))
	}
	w.Facts.Past = pastOf([]wire.HistorySpan{{Monitor: "imap", State: wire.VerdictDown, Muted: true, Since: time.Date(2026, 11, 29, 2, 0, 0, 0, time.UTC), Until: time.Date(2026, 11, 29, 4, 0, 0, 0, time.UTC)}}, now)
	over := 0
	for _, o := range Compose(w.Facts, Options{}).Maintenance {
		if o.Phase(now) == "completed" {
			over++
			if o.From.Day() != 29 || len(o.Services) != 2 {
				t.Errorf("%+v", o)
			}
		}
	}
	if over != 1 {
		t.Errorf("%d are over: history says so of one", over)
	}
}

// TestTimesOf: windows that are open very often are bounded.
func TestTimesOf(t *testing.T) {
	for name, c := range map[string]struct {
		w         wire.Window
		most, min int
	}{
		"once a week":         {wire.Window{Weekly: "Sun 02:00-04:00"}, 14, 13},
		"each night":          {wire.Window{Weekly: "Sun-Sat 22:00-02:00"}, 92, 90},
		"each five minutes":   {wire.Window{Cron: "*/5 * * * *", For: wire.Duration(time.Minute)}, windowSteps, 150},
		"never":               {wire.Window{Cron: "0 0 31 2 *", For: wire.Duration(time.Hour)}, 0, 0},
		"once, long ago":      {wire.Window{From: now.AddDate(-1, 0, 0), To: now.AddDate(0, -11, 0)}, 0, 0},
		"once, far ahead":     {wire.Window{From: now.AddDate(0, 2, 0), To: now.AddDate(0, 3, 0)}, 0, 0},
		"once, that is soon":  {wire.Window{From: now.Add(time.Hour), To: now.Add(2 * time.Hour)}, 1, 1},
		"all the time":        {wire.Window{Weekly: "Sun-Sat 00:00-24:00"}, 1, 0},
		"not valid":           {wire.Window{Weekly: "nonsense"}, 0, 0},
		"in a zone elsewhere": {wire.Window{Weekly: "Sun 02:00-04:00", Zone: "Europe/Oslo"}, 14, 13},
	} {
		list := timesOf(&c.w, now)
		if len(list) > c.most || len(list) < c.min {
			t.Errorf("%s: %d times, want %d to %d", name, len(list), c.min, c.most)
		}
		for i := range list {
			if !list[i].to.After(list[i].from) || i > 0 && list[i].from.Before(list[i-1].to) {
				t.Errorf("%s: %v after %v", name, list[i], list[max(0, i-1)])
			}
		}
	}
}

func TestParseShow(t *testing.T) {
	if s, err := ParseShow([]string{"targets", " agents"}); err != nil || !s.Targets || !s.Agents || s.Reasons {
		t.Errorf("%+v %v", s, err)
	}
	if _, err := ParseShow([]string{"errors"}); err == nil || err.Error() != `want some of targets, agents and reasons, got "errors"` {
		t.Error(err)
	}
}

func TestOptions_Validate(t *testing.T) {
	for want, o := range map[string]Options{
		"": {Title: "Example", Tag: "public", URL: "https://status.example.org/x/"},
		`url: want the address of the page, such as https://status.example.org/, got "javascript:alert(1)"`: {URL: "javascript:alert(1)"},
		`url: want the address of the page, such as https://status.example.org/, got "https://user:pw@h/"`:  {URL: "https://user:pw@h/"},
		"title: is 201 bytes long: want at most 200":                                                        {Title: strings.Repeat("x", 201)},
		`tag: "a b" has a character that is not one of A-Z a-z 0-9 _ -`:                                     {Tag: "a b"},
	} {
		err := o.Validate()
		if got := ""; err != nil && err.Error() != want || err == nil && got != want {
			t.Errorf("%v: want %s", err, want)
		}
	}
}
