package draft

import (
	"encoding/json"
	"strings"
	"testing"

	"netmon/console/flow"
	"netmon/probes"
	"netmon/wire"
)

func TestOptions_FromTexts(t *testing.T) {
	k, ok := probes.Find("http")
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
	m := wire.Saved{Monitor: wire.Monitor{Name: "web", Kind: "http", Target: "http://h/a?b=1&c=2", Every: wire.Duration(10e9), Options: json.RawMessage(`{"headers":{"A":"it's"}}`)}}
	got, ok := AddLine(m)
	if want := `netmon add http 'http://h/a?b=1&c=2' --name web --every 10s --headers='A=it'\''s'`; !ok || got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if _, ok := AddLine(wire.Saved{Monitor: wire.Monitor{Kind: "nothing"}}); ok {
		t.Error("a line for a kind that is not there")
	}
}

// TestCheck_NamesTheOption: mistakes are told by the names of options, not of flags.
func TestCheck_NamesTheOption(t *testing.T) {
	err := Check(flow.Draft{Kind: "http", Target: "http://h", Options: []flow.Set{{Name: "redirects", Values: []string{"many"}}}})
	fields := wire.FieldErrors(err)
	if len(fields) != 1 || fields[0].Path != "options.redirects" {
		t.Errorf("%v", err)
	}
}
