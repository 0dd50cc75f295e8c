package web

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"netmon/console"
	"netmon/console/view"
	"netmon/internal/plural"
	"netmon/wire"
)

const (
	chainsFrom  = 200                 // agents at most whose newest results are looked at
	certsMost   = 10                  // of a chain
	namesMost   = 12                  // of a certificate that are listed at once
	certSoon    = 14 * 24 * time.Hour // a certificate that ends within is one to look at
	chainsShown = 5                   // chains that differ
)

// chainView is what a server shows of itself, to some agents.
type chainView struct {
	Agents   string // that got it
	Certs    []certView
	Warnings []string
	Facts    string // TLS version and cipher suite
}

// certView is one certificate.
type certView struct {
	Place                  string // the server's, or which issuer
	Subject, Issuer        string
	Names                  []string
	MoreNames              []string
	From, Until            string
	Left                   string
	State                  stateView // of the time left
	Key, Signature, SHA256 string
	Unused                 bool
}

// handshake is the part of a result's details that is about certificates: every kind that
// speaks TLS has it under the same name (probes/README.md).
type handshake struct {
	TLS struct {
		Version     string      `json:"version"`
		Cipher      string      `json:"cipher"`
		Chain       []chainCert `json:"chain"`
		Expires     time.Time   `json:"expires"`
		ExpiresOf   string      `json:"expires_of"`
		ExpiresRole string      `json:"expires_role"`
		VerifyError string      `json:"verify_error"`
		Notes       []string    `json:"notes"`
		OCSP        string      `json:"ocsp"`
	} `json:"tls"`
}

type chainCert struct {
	Subject   string    `json:"subject"`
	Issuer    string    `json:"issuer"`
	SANs      []string  `json:"sans"`
	NotBefore time.Time `json:"not_before"`
	NotAfter  time.Time `json:"not_after"`
	SHA256    string    `json:"sha256"`
	Key       string    `json:"key"`
	KeyBits   int       `json:"key_bits"`
	Signature string    `json:"signature"`
	Unused    bool      `json:"unused"`
}

// chains are the certificates in the newest results of a monitor; none where it has none.
func (s *Server) chains(ctx context.Context, name string, d *view.Detail) ([]chainView, error) {
	if d == nil || !slices.ContainsFunc(d.Agents, func(a view.OnAgent) bool { return a.CertDays.OK }) {
		return nil, nil
	}
	got, err := s.past.ask(ctx, "last "+name, 20*time.Second, func(ctx context.Context) (any, error) {
		var list []wire.Result
		err := s.o.Archive.Last(ctx, name, func(r wire.Result) {
			if len(list) < chainsFrom && len(r.Details) > 0 {
				list = append(list, wire.Result{Agent: r.Agent, Details: r.Details})
			}
		})
		return chainsOf(list, time.Now()), err // details are long: they are not kept
	})
	if err != nil {
		return nil, err
	}
	return got.([]chainView), nil
}

// chainsOf are the chains of these results, those that are alike once.
func chainsOf(results []wire.Result, now time.Time) (list []chainView) {
	slices.SortFunc(results, func(a, b wire.Result) int { return strings.Compare(a.Agent, b.Agent) })
	var keys []string
	var agents [][]string
	for i := range results {
		var h handshake
		if json.Unmarshal(results[i].Details, &h) != nil || len(h.TLS.Chain) == 0 {
			continue // it spoke no TLS
		}
		key := h.TLS.VerifyError
		for _, c := range h.TLS.Chain {
			key += " " + c.SHA256 + c.Subject
		}
		at := slices.Index(keys, key)
		if at < 0 {
			if len(keys) == chainsShown {
				continue
			}
			at = len(keys)
			keys, agents, list = append(keys, key), append(agents, nil), append(list, chainOf(&h, now))
		}
		agents[at] = append(agents[at], results[i].Agent)
	}
	for i := range list {
		list[i].Agents = console.Printable(console.ShortList(agents[i], 8))
	}
	return list
}

func chainOf(h *handshake, now time.Time) chainView {
	t := &h.TLS
	v := chainView{Facts: console.Printable(strings.Trim(t.Version+" · "+t.Cipher, " ·"))}
	if t.OCSP != "" {
		v.Facts += " · OCSP staple " + console.Printable(t.OCSP)
	}
	if t.VerifyError != "" {
		v.Warnings = append(v.Warnings, "It does not verify: "+oneLine(t.VerifyError))
	}
	if t.ExpiresRole != "" {
		v.Warnings = append(v.Warnings, fmt.Sprintf("The first to end is the %s %s, at %s.", oneLine(t.ExpiresRole), oneLine(t.ExpiresOf), stamp(t.Expires)))
	}
	for _, n := range t.Notes[:min(len(t.Notes), certsMost)] {
		v.Warnings = append(v.Warnings, oneLine(n))
	}
	for i, c := range t.Chain[:min(len(t.Chain), certsMost)] {
		v.Certs = append(v.Certs, certOf(&c, i, now))
	}
	return v
}

func certOf(c *chainCert, i int, now time.Time) certView {
	v := certView{Place: "the server's own", Subject: orNone(oneLine(c.Subject)), Issuer: orNone(oneLine(c.Issuer)), From: stamp(c.NotBefore), Until: stamp(c.NotAfter),
		Key: oneLine(c.Key), Signature: oneLine(c.Signature), SHA256: oneLine(c.SHA256), Unused: c.Unused, State: stateView{"●", "valid", "up"}}
	switch {
	case c.Subject == c.Issuer && i > 0:
		v.Place = "a root"
	case i > 0:
		v.Place = fmt.Sprintf("issuer %d", i)
	}
	if c.KeyBits > 0 {
		v.Key += fmt.Sprintf(", %d bits", c.KeyBits)
	}
	for n, name := range c.SANs {
		if n < namesMost {
			v.Names = append(v.Names, oneLine(name))
		} else {
			v.MoreNames = append(v.MoreNames, oneLine(name))
		}
	}
	left := c.NotAfter.Sub(now)
	days := int(math.Floor(left.Hours() / 24))
	v.Left = plural.Count(days, "day", "days") + " left"
	switch {
	case left < 0:
		v.State, v.Left = stateView{"✕", "expired", "down"}, "expired "+plural.Count(-days, "day", "days")+" ago"
	case c.NotBefore.After(now):
		v.State, v.Left = stateView{"✕", "not valid yet", "down"}, "not valid yet"
	case left < certSoon:
		v.State = stateView{"▲", "ends soon", "deg"}
	}
	return v
}
