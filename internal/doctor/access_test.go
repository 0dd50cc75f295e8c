package doctor

import (
	"crypto/x509"
	"strings"
	"testing"
	"time"

	"netmon/internal/endpoint"
)

func TestExamineCertificates(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	ends := func(days ...int) (chain []*x509.Certificate) {
		for _, d := range days {
			chain = append(chain, &x509.Certificate{NotAfter: now.AddDate(0, 0, d)})
		}
		return chain
	}
	for _, tt := range []struct {
		name  string
		chain []*x509.Certificate
		want  []Finding // Cure: its beginning
	}{
		{"both last", ends(397, 7300), []Finding{{"certificate", OK, "ends on 2027-04-02", ""}, {"authority", OK, "ends on 2046-02-24", ""}}},
		{"the broker's ends soon", ends(59, 7300), []Finding{{"certificate", Warning, "ends on 2026-04-29, in 59 days", "restart the broker"}, {"authority", OK, "ends on 2046-02-24", ""}}},
		{"the authority's ends soon", ends(61, 12), []Finding{{"certificate", OK, "ends on 2026-05-01", ""}, {"authority", Warning, "ends on 2026-03-13, in 12 days", "nobody trusts the broker after that day"}}},
		{"an authority that is not shown", ends(100), []Finding{{"certificate", OK, "ends on 2026-06-09", ""}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := examineCertificates(tt.chain, now)
			if len(got) != len(tt.want) {
				t.Fatalf("got %v, want %v", got, tt.want)
			}
			for i, w := range tt.want {
				g := got[i]
				if g.Check != w.Check || g.State != w.State || g.Found != w.Found || !strings.HasPrefix(g.Cure, w.Cure) || (w.Cure == "") != (g.Cure == "") {
					t.Errorf("got %v, want %v", g, w)
				}
			}
		})
	}
}

func TestExamineIdentity_WithoutIdentities(t *testing.T) {
	for _, tt := range []struct {
		name, url, addr string
		creds           []string
		state, found    string
	}{
		{name: "on loopback", url: "nats://localhost:4222", addr: "[::1]:4222", state: OK, found: "this broker has no identities"},
		{name: "beyond this host", url: "nats://broker:4222", addr: "192.0.2.1:4222", state: Warning, found: "others can reach 192.0.2.1:4222"},
		{name: "by a file", url: "nats://broker:4222", addr: "192.0.2.1:4222", creds: []string{"a.creds"}, state: OK, found: "connected by a.creds"},
		{name: "by a password", url: "nats://me:secret@broker:4222", addr: "192.0.2.1:4222", state: OK, found: "connected by what the broker's URL says"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := examineIdentity(endpoint.Endpoint{URL: tt.url, Creds: tt.creds}, tt.addr)
			if f.State != tt.state || !strings.Contains(f.Found, tt.found) {
				t.Errorf("got %v, want %s with %q", f, tt.state, tt.found)
			}
			if tt.state == Warning && !strings.Contains(f.Cure, "without --insecure") {
				t.Errorf("cure %q", f.Cure)
			}
		})
	}
}
