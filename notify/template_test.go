package notify

import (
	"encoding/json"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"netmon/wire"
)

// storm is a message about as much as an incident lists.
func storm() *Message {
	m := testMessage(wire.ReasonOpened)
	m.Incident.Members = nil
	for n := range wire.MaxMembers {
		m.Incident.Members = append(m.Incident.Members, wire.IncidentMember{About: wire.AboutMonitor, Name: fmt.Sprintf("web-%d", n), Severity: wire.SeverityDown, Since: m.At, Why: strings.Repeat("timeout ", 25)})
	}
	return m
}

func stormData() *Data {
	d := dataOf(storm(), time.UTC, time.Time{})
	return &d
}

// TestTemplate_Room: what a template passes the samples with takes no more room in a
// large outage than there is.
func TestTemplate_Room(t *testing.T) {
	all := func(function string) string {
		return "{{if gt .Total 100}}{{" + function + strings.Repeat(" .", 300) + "}}{{end}}"
	}
	const plain = "want texts, numbers and yes/no, got"
	for text, want := range map[string]string{
		all("print"): plain, all("println"): plain, all("html"): plain, all("js"): plain, all("urlquery"): plain,
		"{{if gt .Total 100}}{{printf `" + strings.Repeat("%v", 90) + "`" + strings.Repeat(" .", 90) + "}}{{end}}": plain,
		`{{if gt .Total 100}}{{printf "%v" .Members}}{{end}}`:                                                      plain,
		`{{if gt .Total 100}}{{.Members | printf "%d"}}{{end}}`:                                                    plain,
		`{{if gt .Total 100}}{{printf "%[1]s%[1]s" .Title}}{{end}}`:                                                "calling printf: want",
		`{{if gt .Total 100}}{{printf "%.1000000f" 1.5}}{{end}}`:                                                   "calling printf: want",
		`{{if gt .Total 100}}{{printf "%1000000d" 1}}{{end}}`:                                                      "calling printf: want",
		`{{if gt .Total 100}}{{printf "%-+01000.2000d" 1}}{{end}}`:                                                 "calling printf: want",
		`{{if gt .Total 100}}{{printf "%*d" 1000000 1}}{{end}}`:                                                    "calling printf: want",
		"{{if gt .Total 100}}" + kept("json .Members", 400) + "{{end}}":                                            "in all",
		"{{if gt .Total 100}}{{$x := json .Members}}" + kept("print $x", 400) + "{{end}}":                          "in all",
	} {
		tt, err := parseTemplate(text, false)
		if err != nil {
			t.Errorf("%.80s: %v", text, err)
			continue
		}
		d := stormData()
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		begin := time.Now()
		_, err = tt.execute(d)
		runtime.ReadMemStats(&after)
		if late := want == "in all" && outOfTime(err, begin); !late && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%.80s: %v, want %q", text, err, want)
		}
		if took := after.TotalAlloc - before.TotalAlloc; took > 200<<20 {
			t.Errorf("%.80s: it took %d MiB", text, took>>20)
		}
	}
}

func kept(call string, times int) string {
	var b strings.Builder
	for n := range times {
		fmt.Fprintf(&b, "{{$v%d := %s}}", n, call)
	}
	return b.String()
}

// TestTemplate_LargeOutage: the members of a large outage are sent in JSON, as the
// documentation shows it.
func TestTemplate_LargeOutage(t *testing.T) {
	tt, err := parseTemplate(`{"text": "{{.Status}}: {{.Summary}}", "members": {{json .Members}}}`, true)
	if err != nil {
		t.Fatal(err)
	}
	text, err := tt.execute(stormData())
	var got struct{ Members []Member }
	if err != nil || json.Unmarshal([]byte(text), &got) != nil || len(got.Members) != wire.MaxMembers {
		t.Errorf("%d members of %d bytes: %v", len(got.Members), len(text), err)
	}
	plain, err := parseTemplate(`{{printf "%s %5d %v %-8q %.1f" .Status .Total .Acked .ID 1.5}}{{print .Wrong " of " .Total}}`, false)
	if err != nil {
		t.Fatal(err)
	}
	if text, err := plain.execute(stormData()); err != nil || !strings.HasPrefix(text, "DOWN  1000 false ") || !strings.HasSuffix(text, " 1.51000 of 1000") {
		t.Errorf("%q %v", text, err)
	}
	d := stormData()
	for i := range d.Members {
		d.Members[i].Why = strings.Repeat("x", 2000)
	}
	if _, err := tt.execute(d); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("json: produces over %d bytes", maxRendered)) {
		t.Errorf("an outage beyond the bound: %v", err)
	}
}
