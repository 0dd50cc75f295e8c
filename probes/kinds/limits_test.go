package kinds

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"netmon/probes"
)

// TestLimits_Options asks each kind for more than it may do: the error names
// the field and the limit.
func TestLimits_Options(t *testing.T) {
	list := func(n int, item string) string {
		return "[" + strings.TrimSuffix(strings.Repeat(item+",", n), ",") + "]"
	}
	headers := map[string]string{}
	for i := range 200 + 1 {
		headers[fmt.Sprintf("x-%d", i)] = "."
	}
	many, err := json.Marshal(headers)
	if err != nil {
		t.Fatal(err)
	}
	long := strings.Repeat("a", 1000+1)
	for _, c := range []struct{ kind, target, options, want string }{
		{"http", "http://127.0.0.1/", `{"expect":{"body_contains":` + list(200+1, `"a"`) + `}}`, "options.expect.body_contains: has 201 entries: want at most 200"},
		{"http", "http://127.0.0.1/", `{"expect":{"headers":` + string(many) + `}}`, "options.expect.headers: has 201 entries: want at most 200"},
		{"http", "http://127.0.0.1/", `{"expect":{"json":` + list(200+1, `{"path":"$"}`) + `}}`, "options.expect.json: has 201 entries: want at most 200"},
		{"http", "http://127.0.0.1/", `{"expect":{"body_regex":"` + long + `"}}`, "it is 1001 bytes long: want at most 1000"},
		{"http", "http://127.0.0.1/", `{"expect":{"body_regex":"(?:abcdefghijkl){1000}"}}`, "steps: want at most 10000"},
		{"http", "http://127.0.0.1/", `{"expect":{"json":[{"path":"$` + strings.Repeat(".a", 64+1) + `"}]}}`, "it is too long"},
		{"dns", "127.0.0.1", `{"name":"a.example","expect":{"answer":"` + long + `"}}`, "options.expect.answer: want an RE2 expression"},
		{"udp", "127.0.0.1:9", `{"payload":"x","expect":{"regex":"` + long + `"}}`, "options.expect.regex: want a regular expression"},
		{"tcp", "127.0.0.1:9", `{"steps":[{"expect":"/` + long + `/"}]}`, "bytes long: want at most 1000"},
	} {
		_, err := All().New(nil, c.kind, c.target, json.RawMessage(c.options))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s %.60s: %.300v\nwant %q", c.kind, c.options, err, c.want)
		} else if len(err.Error()) > 2000 {
			t.Errorf("%s: the error is %d bytes long", c.kind, len(err.Error()))
		}
	}
	for _, ok := range []string{"^ok$", "(?i)error|fail", `\d{1,3}(\.\d{1,3}){3}`, `[\pL\d]{500}`} {
		if _, err := probes.CompileRegex(ok); err != nil {
			t.Errorf("%s: %v", ok, err)
		}
	}
}

func FuzzRegex(f *testing.F) {
	for _, s := range []string{"a", "(?:a{100}){10}", "((a*)*)*", "[^a]{999}", `\pL{3,}`, "(?i:Kk){2}", "x{0}", "(((((a{10}){10}){10})))"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if re, err := probes.CompileRegex(s); err == nil {
			re.MatchString("the quick brown fox")
		}
	})
}
