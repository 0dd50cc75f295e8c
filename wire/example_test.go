package wire_test

import (
	"fmt"

	"netmon/wire"
)

// A reader of results subscribes to subjects of this package, and decodes what
// comes. A result that does not belong to its subject is refused.
func Example() {
	subject, err := wire.ResultsOf("", "web") // from any agent
	fmt.Println(subject, err)

	r, err := wire.DecodeResult("results.paris.web", []byte(`{
		"agent": "paris", "monitor": "web", "kind": "https", "target": "https://example.com/",
		"started": "2026-11-30T10:00:00Z", "elapsed_ns": 41000000, "latency_ns": 40000000, "outcome": "ok", "summary": "200 OK"}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	latency, measured := r.Latency()
	fmt.Println(r.Agent, r.Monitor, r.Outcome, latency, measured, r.Summary)

	_, err = wire.ResultSubject("oslo.1", "web") // a dot would shift the levels of the subject
	fmt.Println(err != nil)
	// Output:
	// results.*.web <nil>
	// paris web ok 40ms true 200 OK
	// true
}
