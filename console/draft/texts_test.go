package draft

import (
	"encoding/json"
	"maps"
	"slices"
	"testing"

	"netmon/probes"
	"netmon/probes/kinds"
)

// TestOptionTexts: the texts of options are what makes them again, and what no texts give is
// named.
func TestOptionTexts(t *testing.T) {
	for name, c := range map[string]struct {
		kind, options string
		rest          []string
		made          string // of the texts; "": the options themselves
	}{
		"nothing":         {"http", ``, nil, `null`},
		"of each type":    {"http", `{"cookies":false,"expect":{"json":[{"equals":"<a>","path":"$.a"}],"max_bytes":10,"no_headers":["A","B"],"status":"200"},"headers":{"A":"b=c"},"method":"HEAD","within":"1s"}`, nil, ""},
		"numbers as text": {"http", `{"expect":{"status":[200,"300-399"]},"http_version":1.1}`, nil, `{"expect":{"status":"200,300-399"},"http_version":"1.1"}`},
		"what no text is": {"http", `{"expect":{"no_headers":[],"status":[[1]]},"headers":{"a=b":"c"},"method":null,"nosuch":1,"body":""}`, []string{"body", "expect.no_headers", "expect.status", "headers", "method", "nosuch"}, `null`},
		"a dialogue":      {"tcp", `{"steps":[{"expect":"220","send":"EHLO\r\n"}]}`, nil, ""},
		"no object":       {"tcp", `[1]`, []string{"options"}, `null`},
	} {
		k, _ := kinds.All().Find(c.kind)
		texts, rest := OptionTexts(k, json.RawMessage(c.options))
		if !slices.Equal(rest, c.rest) {
			t.Errorf("%s: the rest is %q, want %q", name, rest, c.rest)
		}
		made, err := Options(k, func(f probes.Field) []string { return texts[f.Path] })
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if made == nil {
			made = json.RawMessage(`null`)
		}
		want := c.made
		if want == "" {
			want = c.options
		}
		var a, b any
		_ = json.Unmarshal(made, &a)
		_ = json.Unmarshal([]byte(want), &b)
		x, _ := json.Marshal(a)
		y, _ := json.Marshal(b)
		if string(x) != string(y) {
			t.Errorf("%s: %v make %s, want %s", name, texts, x, y)
		}
	}
}

// TestWithOptions changes what was changed, and nothing else.
func TestWithOptions(t *testing.T) {
	k, _ := kinds.All().Find("http")
	was := `{"expect":{"min_bytes":12345678901234567,"status":[200]},"method":"HEAD","nosuch":[1.50]}`
	for name, c := range map[string]struct {
		changed map[string][]string
		want    string
		wrong   string
	}{
		"nothing":      {nil, was, ""},
		"one":          {map[string][]string{"method": {"PUT"}}, `{"expect":{"min_bytes":12345678901234567,"status":[200]},"method":"PUT","nosuch":[1.50]}`, ""},
		"one goes":     {map[string][]string{"expect.status": nil, "method": nil}, `{"expect":{"min_bytes":12345678901234567},"nosuch":[1.50]}`, ""},
		"an object":    {map[string][]string{"expect.status": nil, "expect.min_bytes": nil}, `{"method":"HEAD","nosuch":[1.50]}`, ""},
		"a new object": {map[string][]string{"auth.user": {"anna"}, "method": nil, "expect.status": nil, "expect.min_bytes": nil}, `{"auth":{"user":"anna"},"nosuch":[1.50]}`, ""},
		"a mistake":    {map[string][]string{"redirects": {"many"}}, "", `options.redirects: want a whole number, got "many"`},
	} {
		got, err := WithOptions(k, json.RawMessage(was), maps.Clone(c.changed))
		if wrong := ""; err != nil || c.wrong != "" {
			if err != nil {
				wrong = err.Error()
			}
			if wrong != c.wrong {
				t.Errorf("%s: %q, want %q", name, wrong, c.wrong)
			}
			continue
		}
		if string(got) != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
	if _, err := WithOptions(k, json.RawMessage(`{"auth":1}`), map[string][]string{"auth.user": {"a"}}); err == nil || err.Error() != "options.auth.user: auth is no object as it is saved: change it in a file" {
		t.Error(err)
	}
}
