package draft

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"netmon/console/flow"
	"netmon/probes"
	"netmon/probes/kinds"
	"netmon/wire"
)

func TestOptions_FromTexts(t *testing.T) {
	k, ok := kinds.All().Find("http")
	if !ok {
		t.Fatal("no http")
	}
	given := func(texts map[string][]string) func(probes.Field) []string {
		return func(f probes.Field) []string { return texts[f.Path] }
	}
	got, err := Options(k, given(map[string][]string{"method": {"HEAD"}, "expect.status": {"200"}, "headers": {"A=b c"}, "redirects": {"3"}}))
	want := `{"expect":{"status":"200"},"headers":{"A":"b c"},"method":"HEAD","redirects":3}`
	if err != nil || string(got) != want {
		t.Errorf("%s %v, want %s", got, err, want)
	}
	if got, err := Options(k, given(nil)); got != nil || err != nil {
		t.Errorf("of nothing: %s %v", got, err)
	}
	_, err = Options(k, given(map[string][]string{"redirects": {"many"}, "headers": {"A"}}))
	if err == nil || !strings.Contains(err.Error(), `--redirects: want a whole number, got "many"`) || !strings.Contains(err.Error(), `--headers: want NAME=VALUE, got "A"`) {
		t.Errorf("%v", err)
	}
}

func TestDefaultName(t *testing.T) {
	for _, c := range []struct{ kind, target, want string }{
		{"https", "https://example.com/a", "https-example-com-a"}, {"tcp", "db:5432", "tcp-db-5432"},
	} {
		if got := DefaultName(c.kind, c.target); got != c.want {
			t.Errorf("DefaultName(%q, %q) = %q, want %q", c.kind, c.target, got, c.want)
		}
	}
}

func TestAddLine_QuotesForAShell(t *testing.T) {
	m := wire.Saved{Monitor: wire.Monitor{Name: "web", Kind: "http", Target: "http://h/a?b=1&c=2", Every: wire.Duration(10e9), Options: json.RawMessage(`{"headers":{"A":"it's"}}`)}, Tags: map[string]string{"team": "shop", "env": "a b"}}
	got, ok := AddLine(kinds.All(), m)
	if want := `netmon add http 'http://h/a?b=1&c=2' --name web --every 10s --tag 'env=a b' --tag team=shop --headers='A=it'\''s'`; !ok || got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if _, ok := AddLine(kinds.All(), wire.Saved{Monitor: wire.Monitor{Kind: "nothing"}}); ok {
		t.Error("a line for a kind that is not there")
	}
}

// TestCheck_NamesTheOption: mistakes are told by the names of options, not of flags.
func TestCheck_NamesTheOption(t *testing.T) {
	err := Check(kinds.All(), flow.Draft{Kind: "http", Target: "http://h", Options: []flow.Set{{Name: "redirects", Values: []string{"many"}}}})
	fields := wire.FieldErrors(err)
	if len(fields) != 1 || fields[0].Path != "options.redirects" {
		t.Errorf("%v", err)
	}
}

// TestRule_FromFlags: what AddLine writes is what Rule reads.
func TestRule_FromFlags(t *testing.T) {
	given := func(texts map[string]string) func(string) (string, bool) {
		return func(flag string) (string, bool) { text, ok := texts[flag]; return text, ok }
	}
	if r, err := Rule(given(nil)); r != nil || err != nil {
		t.Errorf("of nothing: %+v %v", r, err)
	}
	for _, c := range []struct {
		texts map[string]string
		line  string
	}{
		{map[string]string{"quorum": "region:2", "down": "3/5", "up": "1", "crosscheck": "off"}, "--quorum region:2 --down 3/5 --up 1 --crosscheck off"},
		{map[string]string{"quorum": "60%"}, "--quorum 60%"},
		{map[string]string{"crosscheck": "2"}, "--crosscheck 2"},
	} {
		r, err := Rule(given(c.texts))
		if err != nil {
			t.Errorf("%v: %v", c.texts, err)
			continue
		}
		m := wire.Saved{Monitor: wire.Monitor{Name: "web", Kind: "tcp", Target: "h:1", Every: wire.Duration(10e9)}, Verdict: r, DependsOn: []string{"gateway", "isp"}}
		got, ok := AddLine(kinds.All(), m)
		if want := "netmon add tcp h:1 --name web --every 10s " + c.line + " --depends-on gateway,isp"; !ok || got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	_, err := Rule(given(map[string]string{"quorum": "0", "down": "0/3", "up": "21", "crosscheck": "0"}))
	want := `--quorum: want at least 1 agent, got 0
--down: want BAD/RUNS such as 2/3, of at most 20 runs, got "0/3"
--up: want 1 to 20 good runs in a row, got "21"
--crosscheck: want off or 1 to 20 agents, got "0"`
	if err == nil || err.Error() != want {
		t.Errorf("%v\nwant %s", err, want)
	}
}

// TestAddLine_NumbersInFiles: what a file writes as numbers, flags give as text.
func TestAddLine_NumbersInFiles(t *testing.T) {
	m := wire.Saved{Monitor: wire.Monitor{Name: "web", Kind: "http", Target: "h", Every: wire.Duration(time.Minute),
		Options: json.RawMessage(`{"http_version":1.1,"family":6,"expect":{"status":[200,"300-399"]}}`)}}
	line, ok := AddLine(kinds.All(), m)
	if want := "--expect-status=200,300-399 --family=6 --http-version=1.1"; !ok || !strings.HasSuffix(line, want) {
		t.Errorf("%q, want %q at its end", line, want)
	}
}
