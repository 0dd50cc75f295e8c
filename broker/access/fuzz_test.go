package access

import (
	"encoding/json"
	"strings"
	"testing"
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
		allowed, err := allowedConsumer("vic", rest, data)
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
