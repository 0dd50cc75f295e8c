package access

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"

	"netmon/wire"
)

// FuzzAllowedConsumer tries to have a consumer made that sends what it reads
// elsewhere than to the console's own inbox, or that stays.
func FuzzAllowedConsumer(f *testing.F) {
	for _, seed := range []string{
		`{"stream_name":"RESULTS","config":{"deliver_policy":"all","ack_policy":"none"}}`,
		`{"stream_name":"RESULTS","config":{"deliver_subject":"_INBOX.vic.x","ack_policy":"none"},"action":"create"}`,
		`{"stream_name":"RESULTS","config":{"deliver_subject":"_INBOX.vic.>"}}`,
		`{"stream_name":"RESULTS","config":{"deliver_subject":"$KV.monitors.web"}}`,
		`{"stream_name":"RESULTS","config":{"Deliver_Subject":"agent.paris.cmd","deliver_subject":"_INBOX.vic.x"}}`,
		`{"stream_name":"RESULTS","config":{"durable_name":"mine"}}`,
		`{"stream_name":"RESULTS","config":{"inactive_threshold":90000000000000}}`,
		`{"stream_name":"RESULTS","config":{"metadata":{"netmon.owner":"olga"},"num_replicas":3,"max_waiting":100000,"ack_policy":"explicit","max_ack_pending":-1}}`,
		`{"stream_name":"RESULTS","config":{"name":"a b"}}`,
		`{"stream_name":"KV_control"}`, `{"stream_name":"NONE"}`, `{}`, `[`,
	} {
		f.Add("RESULTS.x", []byte(seed))
	}
	f.Add("KV_control", []byte(`{"stream_name":"KV_control"}`))
	f.Add("", []byte(`{}`))
	f.Fuzz(func(t *testing.T, rest string, data []byte) {
		allowed, err := allowedConsumer(wire.Asker{Name: "vic"}, rest, data)
		if err != nil {
			return
		}
		out, err := json.Marshal(allowed)
		if err != nil {
			t.Fatal(err)
		}
		// What JetStream is given, read without the types that were checked.
		var q struct {
			Stream string         `json:"stream_name"`
			Config map[string]any `json:"config"`
		}
		if err := json.Unmarshal(out, &q); err != nil {
			t.Fatalf("%s: %v", out, err)
		}
		if q.Stream == "" || rest != q.Stream && !strings.HasPrefix(rest, q.Stream+".") {
			t.Errorf("on %q of stream %q", rest, q.Stream)
		}
		if to, found := q.Config["deliver_subject"].(string); found && (!strings.HasPrefix(to, "_INBOX.vic.") || strings.ContainsAny(to, "*> ")) {
			t.Errorf("delivers to %q", to)
		}
		if name, found := q.Config["durable_name"]; found {
			t.Errorf("stays, as %q", name)
		}
		if d, found := q.Config["inactive_threshold"].(float64); found && d > float64(consumerLife) {
			t.Errorf("stays for %v ns", d)
		}
		if q.Config["mem_storage"] != true || q.Config["num_replicas"] != 1.0 {
			t.Errorf("kept on disk, or by several servers: %s", out)
		}
		if owner := q.Config["metadata"].(map[string]any)[ownerKey]; owner != "vic" {
			t.Errorf("made for %v", owner)
		}
	})
}

// FuzzCheckSetting tries to have a setting saved that is not what its key says, or is
// somebody else's, as whoever reads it back sees it.
func FuzzCheckSetting(f *testing.F) {
	for key, seed := range map[string]string{
		"channel.hook": `{"name":"hook","kind":"webhook","url":"https://h/","author":"olga","change":"new"}`,
		"rule.all":     `{"name":"all","to":["hook"],"match":{"tags":{"a":"*"}},"author":"olga"}`,
		"window.night": `{"name":"night","weekly":"Sun 02:00-04:00","author":"olga"}`,
		"group.shop":   `{"name":"shop","of":["web"],"rule":1,"author":"olga"}`,
		"silence.s1":   `{"id":"s1","from":"2026-11-30T00:00:00Z","until":"2026-11-30T02:00:00Z","author":"olga","text":"deploy"}`,
		"ack.i1":       `{"incident":"i1","at":"2026-11-30T00:00:00Z","author":"olga","Author":"anna"}`,
		"ack.":         `{"incident":"","author":"olga"}`,
		"ack.i1.x":     `null`,
		"":             `[`,
	} {
		f.Add(key, []byte(seed))
	}
	f.Fuzz(func(t *testing.T, key string, data []byte) {
		did, name := settingLine(key, false)
		if _, err := checkSetting(data, key, "olga"); err != nil {
			return
		}
		setting, err := wire.DecodeSetting(key, data, 1)
		if err != nil {
			t.Fatalf("saved, and cannot be read: %v", err)
		}
		if about := setting.About(); about.Author != "olga" || string(setting.Sort())+"."+setting.SettingName() != key {
			t.Errorf("%s is %s %s, by %q", key, setting.Sort(), setting.SettingName(), about.Author)
		}
		if name != setting.SettingName() || did == "" {
			t.Errorf("the audit says %q %q of %s", did, name, key)
		}
		if savedSettings().key(key, false) != nil {
			t.Errorf("%q is no key", key)
		}
	})
}

// FuzzCheckLease: a lease that is let through is one, and small.
func FuzzCheckLease(f *testing.F) {
	for _, seed := range []string{`{"id":"L","host":"h","since":"2026-11-30T00:00:00Z"}`, `{"id":"L","since":"x"}`, `{}`, `null`, `[`, ``} {
		f.Add([]byte(seed), "")
		f.Add([]byte(seed), "DEL")
	}
	f.Fuzz(func(t *testing.T, data []byte, operation string) {
		m := nats.NewMsg(gateLease + ".x")
		m.Data = data
		m.Header.Set(headerOperation, operation)
		if checkLease(m) != nil {
			return
		}
		var l wire.Lease
		if operation != operationDelete && (json.Unmarshal(data, &l) != nil || l.ID == "" || len(data) > maxLease) || operation == operationDelete && len(data) > 0 {
			t.Errorf("%q %q is taken for a lease", operation, data)
		}
	})
}
