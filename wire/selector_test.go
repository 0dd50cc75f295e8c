package wire

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

func TestSelectors_Match(t *testing.T) {
	labels := map[string]string{"region": "eu", "tier": "edge"}
	for _, c := range []struct {
		text string
		want bool
	}{
		{"all", true},
		{"paris", true},
		{"tokyo,paris", true},
		{"tokyo", false},
		{"region=eu", true},
		{"region=us", false},
		{"region=eu,tier=edge", true},
		{"region=eu,tier=core", false},
		{"region=us;region=eu", true},
		{"region=us;tier=core", false},
		{"zone=a", false},
		{"tokyo,region=eu", true},
	} {
		s, err := ParseSelectors(c.text)
		if err != nil {
			t.Errorf("ParseSelectors(%q): %v", c.text, err)
		}
		if got := s.Match("paris", labels); got != c.want {
			t.Errorf("%q chooses paris: %v, want %v", c.text, got, c.want)
		}
	}
	if (Selectors{}).Match("paris", labels) {
		t.Error("an empty list chooses an agent")
	}
}

func TestParseSelectors_Refuses(t *testing.T) {
	for text, want := range map[string]string{
		"":                    "agent 1: is empty",
		"paris,":              "agent 2: is empty",
		"oslo.1":              `"oslo.1"`,
		"region=":             "label region",
		"=eu":                 "label is empty",
		"region=a b":          `got "a b"`,
		"region=eu,region=us": "twice",
	} {
		if _, err := ParseSelectors(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("ParseSelectors(%q) = %v, want an error with %q", text, err, want)
		}
	}
}

func TestSelectors_JSON(t *testing.T) {
	for in, want := range map[string]string{
		`"all"`:             `"all"`,
		`["paris","tokyo"]`: `["paris","tokyo"]`,
		`"paris"`:           `["paris"]`,
		`{"match":{"tier":"edge","region":"eu"}}`: `["region=eu,tier=edge"]`,
		`[]`:                        `[]`,
		`null`:                      `null`,
		`["region=eu","region=us"]`: `["region=eu","region=us"]`,
		`{"match":{}}`:              "",
		`{"match":{"region":"eu"},"except":["a"]}`: "",
		`{"mach":{"region":"eu"}}`:                 "",
		`7`:                                        "",
		`[7]`:                                      "",
	} {
		var s Selectors
		err := json.Unmarshal([]byte(in), &s)
		if want == "" {
			if err == nil {
				t.Errorf("%s is taken as %q", in, s)
			}
			continue
		}
		if got, _ := json.Marshal(s); err != nil || string(got) != want {
			t.Errorf("%s became %s (%v), want %s", in, got, err, want)
		}
	}
	if ids := (Selectors{"paris", "all", "region=eu", "tokyo"}).IDs(); !slices.Equal(ids, []string{"paris", "tokyo"}) {
		t.Errorf("IDs() = %q", ids)
	}
}

func FuzzSelectors(f *testing.F) {
	for _, s := range []string{"all", "paris,tokyo", "region=eu,tier=edge;region=us,a", ";", "=,", " a = b "} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := ParseSelectors(text)
		if err != nil {
			return
		}
		again, err := ParseSelectors(s.String())
		if err != nil || !slices.Equal(s, again) {
			t.Errorf("%q parses as %q, prints as %q, parses as %q (%v)", text, []string(s), s, []string(again), err)
		}
		data, err := json.Marshal(s)
		var back Selectors
		if err != nil || json.Unmarshal(data, &back) != nil || !slices.Equal(s, back) {
			t.Errorf("%q became %q by way of %s", []string(s), []string(back), data)
		}
		s.Match("paris", map[string]string{"region": "eu"})
	})
}

func FuzzSelectorsJSON(f *testing.F) {
	f.Add([]byte(`{"match":{"region":"eu"}}`))
	f.Add([]byte(`["a","b=c"]`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var s, back Selectors
		if json.Unmarshal(data, &s) != nil || s.Validate() != nil {
			return
		}
		out, err := json.Marshal(s)
		if err != nil || json.Unmarshal(out, &back) != nil || !slices.Equal(s, back) {
			t.Errorf("%s -> %q -> %s -> %q (%v)", data, []string(s), out, []string(back), err)
		}
	})
}
