package prometheus

import (
	"maps"
	"testing"

	"netmon/console/migrate"
)

// TestRelabel follows the rules of Prometheus' documentation (relabel_config).
func TestRelabel(t *testing.T) {
	labels := map[string]string{"__address__": "a:80", "team": "shop", "__meta_dc": "Paris", "__meta_tag_env": "prod"}
	for name, c := range map[string]struct {
		rule    map[string]any
		want    map[string]string // what changes; "" is gone
		dropped bool
	}{
		"a label is copied":             {rule: map[string]any{"source_labels": []any{"__address__"}, "target_label": "x"}, want: map[string]string{"x": "a:80"}},
		"labels are joined":             {rule: map[string]any{"source_labels": []any{"team", "__meta_dc"}, "separator": "-", "target_label": "x"}, want: map[string]string{"x": "shop-Paris"}},
		"a part is taken":               {rule: map[string]any{"source_labels": []any{"__address__"}, "regex": "(.*):80", "replacement": "http://${1}/", "target_label": "x"}, want: map[string]string{"x": "http://a/"}},
		"what does not fit stays":       {rule: map[string]any{"source_labels": []any{"__address__"}, "regex": "b", "target_label": "team"}},
		"the expression has to fit all": {rule: map[string]any{"source_labels": []any{"__address__"}, "regex": "a", "target_label": "team"}},
		"nothing takes a label away":    {rule: map[string]any{"replacement": "", "target_label": "team"}, want: map[string]string{"team": ""}},
		"a name from a value":           {rule: map[string]any{"source_labels": []any{"team"}, "target_label": "for_$1", "replacement": "yes"}, want: map[string]string{"for_shop": "yes"}},
		"lower case":                    {rule: map[string]any{"action": "lowercase", "source_labels": []any{"__meta_dc"}, "target_label": "dc"}, want: map[string]string{"dc": "paris"}},
		"upper case":                    {rule: map[string]any{"action": "Uppercase", "source_labels": []any{"__meta_dc"}, "target_label": "dc"}, want: map[string]string{"dc": "PARIS"}},
		"names are mapped":              {rule: map[string]any{"action": "labelmap", "regex": "__meta_tag_(.+)"}, want: map[string]string{"env": "prod"}},
		"names are dropped":             {rule: map[string]any{"action": "labeldrop", "regex": "te.*"}, want: map[string]string{"team": ""}},
		"names are kept":                {rule: map[string]any{"action": "labelkeep", "regex": "__.*"}, want: map[string]string{"team": ""}},
		"kept":                          {rule: map[string]any{"action": "keep", "source_labels": []any{"team"}, "regex": "shop|blog"}},
		"not kept":                      {rule: map[string]any{"action": "keep", "source_labels": []any{"team"}, "regex": "blog"}, dropped: true},
		"dropped":                       {rule: map[string]any{"action": "drop", "source_labels": []any{"team"}, "regex": "shop"}, dropped: true},
		"equal":                         {rule: map[string]any{"action": "dropequal", "source_labels": []any{"team"}, "target_label": "team"}, dropped: true},
		"not equal":                     {rule: map[string]any{"action": "keepequal", "source_labels": []any{"team"}, "target_label": "__meta_dc"}, dropped: true},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := newRule(migrate.NewFields(c.rule))
			if err != nil {
				t.Fatal(err)
			}
			got, kept := relabel([]rule{r}, maps.Clone(labels))
			if kept == c.dropped {
				t.Fatalf("kept: %v", kept)
			}
			want := maps.Clone(labels)
			for name, value := range c.want {
				if want[name] = value; value == "" {
					delete(want, name)
				}
			}
			if !maps.Equal(got, want) {
				t.Errorf("got %v, want %v", got, want)
			}
		})
	}
	for _, bad := range []map[string]any{{"action": "hashmod"}, {"regex": "("}} {
		if _, err := newRule(migrate.NewFields(bad)); err == nil {
			t.Errorf("%v is taken", bad)
		}
	}
}

// TestEvents: what a target said is sent back by netmon's names, and nothing else becomes
// a reference of netmon's.
func TestEvents(t *testing.T) {
	for _, c := range []struct{ expect, send, wantExpect, wantSend string }{
		{"PING :([^ ]+)", "PONG ${1}", `PING :(?P<c1_1>[^\n\r ]+)`, "PONG ${capture:c1_1}\n"},
		{"^220 (.*)$", "HELO", "^220 (.*)$", "HELO\n"},
		{"a (b) (c)", "$2 ${1}x $3 $$", "a (?P<c1_1>b) (?P<c1_2>c)", "${capture:c1_2} ${capture:c1_1}x  $\n"},
		{"a", "$${env:HOME}", "a", "$${env:HOME}\n"}, // as netmon escapes ${
		{`a\s[^b]`, "", `a[\t\f ][^\n\rb]`, ""},
	} {
		k := &check{}
		got, err := k.events([]*migrate.Fields{migrate.NewFields(map[string]any{"expect": c.expect, "send": c.send})})
		if err != nil {
			t.Fatal(err)
		}
		send := ""
		if len(got) > 1 {
			send = got[1].send
		}
		if got[0].expect != c.wantExpect || send != c.wantSend {
			t.Errorf("%q, %q: got %q, %q, want %q, %q", c.expect, c.send, got[0].expect, send, c.wantExpect, c.wantSend)
		}
	}
}
