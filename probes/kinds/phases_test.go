package kinds

import (
	"encoding/json"
	"testing"
)

// phasesOf are the phases as people read them.
func phasesOf(kind, details string) (text string) {
	for name, took := range All().Phases(kind, json.RawMessage(details)) {
		text += name + " " + took.String() + " "
	}
	return text
}

func TestList_Phases(t *testing.T) {
	for _, c := range []struct{ kind, details, want string }{
		{"http", `{"resolve_ns":1000,"connect_ns":2000,"total_ns":9000,"min_ns":5,"status":200,"tls_ns":0,"hops":[{"connect_ns":7}],"transfer_ns":3000,"x":`, "resolve 1µs connect 2µs transfer 3µs "},
		{"tcp", `{"connect_ns":2000,"tls_ns":5000,"banner_ns":3000}`, "connect 2µs tls 5µs banner 3µs "},
		{"tcp", `{"connect_ns":2000,"banner_ns":3000,"starttls_ns":4000,"tls_ns":5000}`, "connect 2µs starttls 4µs tls 5µs "},
		{"icmp", `{"resolve_ns":1000,"min_ns":5000,"avg_ns":6000}`, "resolve 1µs "},
		{"foreign", `{"connect_ns":2000}`, ""},
		{"http", `{"connect_ns":9223372036854775807}`, ""},
	} {
		if got := phasesOf(c.kind, c.details); got != c.want {
			t.Errorf("%s %s: %q, want %q", c.kind, c.details, got, c.want)
		}
	}
	for _, bad := range []string{``, `null`, `[]`, `{`, `{"connect_ns":"x"}`, `{"connect_ns":-1}`} {
		if got := phasesOf("http", bad); got != "" {
			t.Errorf("%q: %v", bad, got)
		}
	}
	for range All().Phases("http", json.RawMessage(`{"resolve_ns":1,"connect_ns":2}`)) {
		break // who has seen enough may stop
	}
}
