package main

import (
	"encoding/json"
	"testing"
	"time"

	"netmon/internal/natstest"
	"netmon/wire"
)

func TestGetIncidents_Watch(t *testing.T) {
	b := natstest.Start(t)
	t.Setenv("NETMON_BROKER", b.URL())
	js := natstest.JetStream(t, natstest.Connect(t, b))
	x := wire.Incident{ID: "web-3f2a91bc00112233", State: wire.IncidentOpen, Severity: wire.SeverityDown, Summary: "web is down", Opened: time.Now().UTC(), N: 1,
		Members: []wire.IncidentMember{{About: wire.AboutMonitor, Name: "web", Severity: wire.SeverityDown, N: 1}}}
	publish := func() {
		t.Helper()
		data, err := json.Marshal(x)
		if err == nil {
			_, err = js.Publish(t.Context(), "incidents."+x.ID, data)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	publish()
	plain, ndjson, all := follow(t, "get", "incidents", "--watch"), follow(t, "get", "incidents", "-w", "-o", "ndjson", "--monitor", "web"), follow(t, "get", "incidents", "--all", "-w", "-o", "csv")
	plain.line("ID", "SEVERITY", "NOTIFIED")
	plain.line("3f2a", "down", "open", "web is down")
	ndjson.line(`"id":"web-3f2a91bc00112233"`, `"state":"open"`)
	all.line("id,severity,state")
	all.line("3f2a,down,open")
	x.N, x.Ack = 2, &wire.Ack{By: "ada", At: time.Now().UTC()}
	publish()
	plain.line("3f2a", "acknowledged by ada")
	ndjson.line(`"ack":{"by":"ada"`)
	all.line("acknowledged by ada")
	x.N, x.State, x.Resolved = 3, wire.IncidentResolved, time.Now().UTC()
	publish()
	plain.line("web-3f2a91bc00112233 is gone")
	ndjson.line(`"deleted":true`)
	all.line("3f2a,down,resolved")
	for _, f := range []*following{plain, ndjson, all} {
		f.stop()
		f.ended(exitInterrupted)
	}
}
