package console

import (
	"fmt"
	"testing"
	"time"

	"netmon/internal/natstest"
	"netmon/wire"
)

// TestSearchAudit reads backwards over blocks, page by page, and looks at so many lines at
// most for words that are seldom.
func TestSearchAudit(t *testing.T) {
	b := natstest.Start(t)
	nc := natstest.Connect(t, b)
	cl, err := Connect(b.Connect)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cl.Close)
	if p, err := cl.SearchAudit(t.Context(), AuditSearch{Most: 3}); err != nil || len(p.Lines) != 0 || p.Older != 0 {
		t.Fatalf("of nothing: %+v %v", p, err)
	}
	js := natstest.JetStream(t, nc)
	const lines = auditLook + auditBlock + 7
	for i := range lines {
		e := wire.Audit{At: time.Now().UTC(), By: "anna", Where: "monitors", Did: "save", What: []string{fmt.Sprintf("m%d", i+1)}, OK: true}
		if i == 2 || i == lines-3 {
			e.Did, e.Detail = "delete", "Rare words"
		}
		data, err := e.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := js.PublishAsync("audit.monitors", data); err != nil {
			t.Fatal(err)
		}
	}
	<-js.PublishAsyncComplete()
	if _, err := js.Publish(t.Context(), "audit.garbage", []byte("{")); err != nil {
		t.Fatal(err)
	}

	first, err := cl.SearchAudit(t.Context(), AuditSearch{Most: 3})
	if err != nil || len(first.Lines) != 3 || first.Lines[0].Where != "unknown" || first.Lines[1].What[0] != fmt.Sprintf("m%d", lines) {
		t.Fatalf("%+v %v", first, err)
	}
	next, err := cl.SearchAudit(t.Context(), AuditSearch{Most: auditBlock + 10, Before: first.Older})
	if err != nil || len(next.Lines) != auditBlock+10 || next.Lines[0].Seq != first.Lines[2].Seq-1 {
		t.Fatalf("%d lines, the first is %+v, after %+v: %v", len(next.Lines), next.Lines[0], first.Lines[2], err)
	}
	rare, err := cl.SearchAudit(t.Context(), AuditSearch{Most: 3, Text: "RARE anna"})
	if err != nil || len(rare.Lines) != 1 || rare.Looked != auditLook || rare.Older == 0 {
		t.Fatalf("%d lines of %d looked at, then before %d: %v", len(rare.Lines), rare.Looked, rare.Older, err)
	}
	rest, err := cl.SearchAudit(t.Context(), AuditSearch{Most: 3, Text: "rare", Before: rare.Older})
	if err != nil || len(rest.Lines) != 1 || rest.Lines[0].What[0] != "m3" || rest.Older != 0 {
		t.Fatalf("%+v %v", rest, err)
	}
	if p, err := cl.SearchAudit(t.Context(), AuditSearch{Most: 3, Before: 1}); err != nil || len(p.Lines) != 0 || p.Older != 0 {
		t.Fatalf("before the first: %+v %v", p, err)
	}
}
