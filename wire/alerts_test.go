package wire

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestAlertSubjects checks the builders of subjects of incidents and notices.
func TestAlertSubjects(t *testing.T) {
	for name, c := range map[string]struct {
		build         func(a, b string) (string, error)
		a, b          string
		want, wantErr string
	}{
		"incident":                      {func(a, _ string) (string, error) { return IncidentSubject(a) }, "web-1", "", "incidents.web-1", ""},
		"an id with a dot":              {func(a, _ string) (string, error) { return IncidentSubject(a) }, "web.1", "", "", `incident id "web.1"`},
		"trouble":                       {TroubleSubject, "disk", "srv", "troubles.disk.srv", ""},
		"a wildcard is no name":         {TroubleSubject, "disk", "*", "", `name "*"`},
		"placement":                     {func(a, _ string) (string, error) { return PlacementSubject(a) }, "web", "", "verdicts.placement.web", ""},
		"group":                         {func(a, _ string) (string, error) { return GroupVerdictSubject(a) }, "shop", "", "verdicts.group.shop", ""},
		"notice":                        {NoticeSubject, "hook", "web-1", "notices.hook.web-1", ""},
		"a notice of no channel":        {NoticeSubject, "", "web-1", "", "channel name is empty"},
		"delivery":                      {DeliverySubject, "hook", "web-1", "deliveries.hook.web-1", ""},
		"a delivery of a wildcard":      {DeliverySubject, "hook", ">", "", `incident id ">"`},
		"channel":                       {func(a, _ string) (string, error) { return ChannelSubject(a) }, "hook", "", "channels.hook", ""},
		"request":                       {func(a, _ string) (string, error) { return NotifySubject(a) }, "hook", "", "notify.hook.cmd", ""},
		"setting":                       {func(a, b string) (string, error) { return SettingKey(Sort(a), b) }, "rule", "shop", "rule.shop", ""},
		"a setting of another sort":     {func(a, b string) (string, error) { return SettingKey(Sort(a), b) }, "rules", "shop", "", `sort: want one of [channel rule window group silence ack], got "rules"`},
		"a setting whose name has dots": {func(a, b string) (string, error) { return SettingKey(Sort(a), b) }, "rule", "a.b", "", `rule name "a.b"`},
	} {
		got, err := c.build(c.a, c.b)
		if c.wantErr == "" && (err != nil || got != c.want) || c.wantErr != "" && (err == nil || !strings.Contains(err.Error(), c.wantErr)) {
			t.Errorf("%s: %q, %v; want %q, %q", name, got, err, c.want, c.wantErr)
		}
	}
	if !IsGroupVerdict("verdicts.group.shop") || IsGroupVerdict("verdicts.group") || IsMonitorVerdict("verdicts.group.shop") {
		t.Error("a monitor called group is mixed up with the verdicts on groups")
	}
	if n := (&Notice{Channel: "hook", Incident: "web-1", N: 3}); n.Key() != "web-1-hook-3" {
		t.Errorf("key %q", n.Key())
	}
}

// TestDecodeAlerts_BelongToTheirSubjects: what says that it belongs elsewhere is refused.
func TestDecodeAlerts_BelongToTheirSubjects(t *testing.T) {
	for name, err := range map[string]error{
		"incident": second(DecodeIncident("incidents.a", []byte(`{"id":"b"}`))),
		"trouble":  second(DecodeTrouble("troubles.disk.a", []byte(`{"about":"audit","name":"a"}`))),
		"group":    second(DecodeGroupVerdict("verdicts.group.a", []byte(`{"group":"b"}`))),
		"notice":   second(DecodeNotice("notices.a.b", []byte(`{"channel":"b","incident":"a"}`))),
		"delivery": second(DecodeDelivery("deliveries.a.b", []byte(`{"channel":"a","incident":"a"}`))),
		"status":   second(DecodeChannelStatus("channels.a", []byte(`{"channel":"b"}`))),
		"no token": second(DecodeNotice("notices.a.b", []byte(`{"channel":"*","incident":"b"}`))),
		"no JSON":  second(DecodeIncident("incidents.a", []byte(`{`))),
		"setting":  second(DecodeSetting("rule.a", []byte(`{"name":"b","to":[]}`), 1)),
	} {
		if err == nil || !strings.Contains(err.Error(), "decode ") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestSettings_RoundTrip: what is written is read as the same, whatever the sort.
func TestSettings_RoundTrip(t *testing.T) {
	for _, sort := range Sorts {
		if s, err := NewSetting(sort); err != nil || s.Sort() != sort || s.Validate() == nil {
			t.Errorf("%s: %v, %v; an empty one is valid", sort, s, err)
		}
	}
	if _, err := NewSetting("x"); err == nil {
		t.Error("there is a sort x")
	}
	seen := 0
	for name, v := range alertSamples() {
		data, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		sort, ok := map[string]Sort{"channel": SortChannel, "rule": SortRule, "window-weekly": SortWindow, "window-cron": SortWindow, "window-once": SortWindow, "silence": SortSilence, "ack": SortAck, "group": SortGroup}[name]
		if !ok {
			continue
		}
		seen++
		s, _ := NewSetting(sort)
		if err := json.Unmarshal(data, s); err != nil {
			t.Fatal(err)
		}
		key, err := SettingKey(sort, s.SettingName())
		if err != nil {
			t.Fatal(err)
		}
		back, err := DecodeSetting(key, data, s.About().Revision)
		again, _ := json.Marshal(back)
		if err != nil || string(again) != string(data) {
			t.Errorf("%s: %v\n%s\n%s", name, err, data, again)
		}
		if got, gotName, err := ParseSettingKey(key); err != nil || got != sort || gotName != s.SettingName() {
			t.Errorf("%s is %s %s (%v)", key, got, gotName, err)
		}
	}
	if seen != 8 {
		t.Errorf("%d settings", seen)
	}
}

// TestSettings_Mistakes: every mistake is reported, with its field and the value.
func TestSettings_Mistakes(t *testing.T) {
	for name, c := range map[string]struct {
		s    Setting
		want string
	}{
		"channel":          {&Channel{Name: "a b", Kind: "x!", Fallback: "c.d"}, "name: \"a b\" has a character that is not one of A-Z a-z 0-9 _ -\nkind: \"x!\" has a character that is not one of A-Z a-z 0-9 _ -\nfallback: \"c.d\" has a character that is not one of A-Z a-z 0-9 _ -"},
		"its own fallback": {&Channel{Name: "a", Kind: "mail", Fallback: "a"}, `fallback: "a" cannot be its own`},
		"rule": {&NoticeRule{Name: "a", To: []string{"x", "x", "*"}, Wait: 1, Update: -1, Escalate: []Escalation{{After: 0}}, Match: Match{Monitors: []string{"["}, Agents: []string{""}, Tags: map[string]string{"team": "[", "a b": "x"}, Blame: []BlameClass{"me"}, Severity: []Severity{"bad"}}},
			"match.monitors[0]: want a name, in which * and ? stand for any part, got \"[\"\nmatch.agents[0]: want a name, in which * and ? stand for any part, got \"\"\nmatch.tags.a b: \"a b\" has a character that is not one of A-Z a-z 0-9 _ -\nmatch.tags.team: want a value in which * and ? stand for any part, got \"[\"\nmatch.blame[0]: want one of broker, uplink, clock, parent, dns, tls, region, path, target, unclear, got \"me\"\nmatch.severity[0]: want one of down, broker, disk, slo-fast, degraded, agent, unknown, dropped, certificate, slo-slow, audit, got \"bad\"\nto[1]: \"x\" is listed twice\nto[2]: \"*\" has a character that is not one of A-Z a-z 0-9 _ -\nwait: want 1s to 30d, got \"1ns\"\nupdate: want 1s to 30d, got \"-1ns\"\nescalate[0].after: want 1s to 30d, got \"0s\"\nescalate[0].to: is empty: want channels"},
		"silence":         {&Silence{ID: "x", Until: time.Unix(0, 0).UTC()}, "from: is missing"},
		"a silence ended": {&Silence{ID: "x", From: time.Unix(9, 0).UTC(), Until: time.Unix(0, 0).UTC()}, `until: want a time after from, got "1970-01-01T00:00:00Z"`},
		"ack":             {&Acknowledgement{Incident: "a.b"}, `incident: "a.b" has a character`},
		"group":           {&Group{Name: "", Of: []string{"web", "web", ""}, Rule: "most"}, "name: is empty: want 1 to 64 of A-Z a-z 0-9 _ -\nof[1]: \"web\" is listed twice\nof[2]: is empty: want 1 to 64 of A-Z a-z 0-9 _ -\nrule: want any, all or a number such as 2, got \"most\""},
		"too many":        {&Group{Name: "a", Of: []string{"web"}, Rule: "2"}, "rule: 2 can never be down: the group has 1"},
		"none":            {&Group{Name: "a"}, "of: want 1 to 1000 monitors, got 0"},
	} {
		if err := c.s.Validate(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v\nwant %s", name, err, c.want)
		}
	}
}

func TestGroupRule(t *testing.T) {
	for _, c := range []struct {
		json     string
		of, need int
	}{{`"any"`, 5, 1}, {`"all"`, 5, 5}, {`"all"`, 0, 1}, {`""`, 3, 1}, {`2`, 5, 2}, {`"3"`, 5, 3}} {
		var r GroupRule
		err := json.Unmarshal([]byte(c.json), &r)
		if need, err2 := r.Need(c.of); err != nil || err2 != nil || need != c.need {
			t.Errorf("%s of %d: %d (%v, %v), want %d", c.json, c.of, need, err, err2, c.need)
		}
	}
	for _, text := range []string{`"most"`, `0`, `-1`, `"02"`, `"2x"`, `{}`, `1.5`} {
		var r GroupRule
		err := json.Unmarshal([]byte(text), &r)
		if _, err2 := r.Need(5); err == nil && err2 == nil {
			t.Errorf("%s is taken as %q", text, r)
		}
	}
}

// fuzzOn fuzzes a decoder of what comes on a subject that the message itself says.
func fuzzOn[T any](f *testing.F, files string, decode func(subject string, data []byte) (T, error), subject func(v T) (string, error)) {
	fuzzDecoder(f, files, func(b []byte) (T, error) {
		var v T
		_ = json.Unmarshal(b, &v)
		on, err := subject(v)
		if err != nil {
			return v, err
		}
		return decode(on, b)
	})
}

func FuzzDecodeIncident(f *testing.F) {
	fuzzOn(f, "incident*.json", DecodeIncident, func(v Incident) (string, error) { return IncidentSubject(v.ID) })
}

func FuzzDecodeNotice(f *testing.F) {
	fuzzOn(f, "notice.json", DecodeNotice, func(v Notice) (string, error) { return NoticeSubject(v.Channel, v.Incident) })
}

func FuzzDecodeDelivery(f *testing.F) {
	fuzzOn(f, "delivery*.json", DecodeDelivery, func(v Delivery) (string, error) { return DeliverySubject(v.Channel, v.Incident) })
}

func FuzzDecodeChannelStatus(f *testing.F) {
	fuzzOn(f, "channel-status.json", DecodeChannelStatus, func(v ChannelStatus) (string, error) { return ChannelSubject(v.Channel) })
}

func FuzzDecodeTrouble(f *testing.F) {
	fuzzOn(f, "trouble.json", DecodeTrouble, func(v Trouble) (string, error) { return TroubleSubject(v.About, v.Name) })
}

func FuzzDecodeGroupVerdict(f *testing.F) {
	fuzzOn(f, "verdict-group.json", DecodeGroupVerdict, func(v GroupVerdict) (string, error) { return GroupVerdictSubject(v.Group) })
}

// FuzzDecodeSetting reads whatever is stored under a key: no panic, and what is read is
// written so that it is read as the same.
func FuzzDecodeSetting(f *testing.F) {
	for name, key := range map[string]string{"channel": "channel.hook", "rule": "rule.shop", "window-*": "window.patch-night", "silence": "silence.K3D7NQZJ5M2TQW6Z", "ack": "ack.gateway-9b1c52f0a7e3d418", "group": "group.store"} {
		files, _ := filepath.Glob("testdata/" + name + ".json")
		for _, file := range files {
			f.Add(key, readFileForFuzz(f, file))
		}
	}
	f.Fuzz(func(t *testing.T, key string, data []byte) {
		s, err := DecodeSetting(key, data, 7)
		if err != nil {
			return
		}
		out, err := json.Marshal(s)
		if err != nil {
			t.Fatalf("%s: %v", data, err)
		}
		if len(out) > MaxSaved {
			return // escapes are longer than what they stand for
		}
		back, err := DecodeSetting(key, out, 7)
		if err != nil {
			t.Fatalf("%s was read, and not %s: %v", data, out, err)
		}
		if again, _ := json.Marshal(back); string(again) != string(out) {
			t.Errorf("%s is then %s", out, again)
		}
		if w, ok := s.(*Window); ok {
			w.Next(time.Unix(1_800_000_000, 0))
		}
	})
}

func readFileForFuzz(f *testing.F, path string) []byte {
	data, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	return data
}
