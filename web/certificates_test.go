package web

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"netmon/wire"
)

// chainResult is the newest result of an agent, with certificates.
func chainResult(agent, sha, subject string, ends time.Time, names ...string) wire.Result {
	h := map[string]any{"tls": map[string]any{"version": "TLS 1.3", "cipher": "TLS_AES_128_GCM_SHA256", "chain": []chainCert{
		{Subject: subject, Issuer: "CN=R11,O=Let's Encrypt,C=US", SANs: names, NotBefore: time.Now().Add(-60 * 24 * time.Hour).UTC().Truncate(time.Second), NotAfter: ends, SHA256: sha, Key: "ECDSA", KeyBits: 256, Signature: "SHA256-RSA"},
		{Subject: "CN=R11,O=Let's Encrypt,C=US", Issuer: "CN=ISRG Root X1,O=Internet Security Research Group,C=US", NotBefore: time.Now().Add(-900 * 24 * time.Hour).UTC(), NotAfter: time.Now().Add(500*24*time.Hour + time.Hour).UTC(), SHA256: "ff", Key: "RSA", KeyBits: 2048, Signature: "SHA256-RSA"},
	}}}
	details, _ := json.Marshal(h)
	return wire.Result{Agent: agent, Monitor: "web", Kind: "https", Details: details}
}

// withChains has agents see certificates of the monitor web.
func (w *world) withChains(list ...wire.Result) {
	w.stored.last = list
	now := time.Now()
	ends := now.Add(20 * 24 * time.Hour)
	for i, r := range list {
		w.agent(r.Agent)
		w.ResultAt(wire.Result{Agent: r.Agent, Monitor: "web", Kind: "https", Epoch: "E", Run: uint64(i), Revision: 1, Started: now, Outcome: wire.OK, CertExpires: &ends}, now, now)
	}
}

// TestCertificates: agents that got the same chain are named together, one that got another
// one apart; what ends soon, or has ended, says so in words.
func TestCertificates(t *testing.T) {
	w := newWorld()
	w.save("web", "https", "example.org")
	now := time.Now()
	w.withChains(chainResult("oslo", "aa", "CN=example.org", now.Add(74*24*time.Hour+time.Hour), "example.org", "www.example.org"), chainResult("paris", "aa", "CN=example.org", now.Add(74*24*time.Hour+time.Hour), "example.org", "www.example.org"),
		chainResult("tokyo", "bb", "CN=old.example.org", now.Add(-49*time.Hour)), chainResult("quito", "cc", "CN=soon.example.org", now.Add(3*24*time.Hour+time.Hour)), wire.Result{Agent: "lima", Details: json.RawMessage(`{"tls":{}}`)}, wire.Result{Agent: "rome", Details: json.RawMessage(`[]`)})
	_, h := w.serve(t)
	_, page, _ := get(t, h.URL+"/monitors/web")
	inOrder(t, page, "as oslo, paris got them", "TLS 1.3", "CN=example.org", "the server&#39;s own", "example.org, www.example.org", "● 74 days left", "ECDSA, 256 bits", "issuer 1", "● 500 days left",
		"as quito got them", "▲ 3 days left", "as tokyo got them", "✕ expired 3 days ago")
	if strings.Contains(page, "lima got") || strings.Contains(page, "rome got") {
		t.Error("who got no certificate is said to have got one")
	}
}

// TestCertificates_NothingBecomesMarkup: whoever makes a certificate writes what is in it.
func TestCertificates_NothingBecomesMarkup(t *testing.T) {
	w := newWorld()
	w.save("web", "https", "example.org")
	bad := chainResult("oslo", hostile, "CN="+hostile, time.Now().Add(time.Hour), hostile, hostile)
	var h map[string]map[string]any
	if err := json.Unmarshal(bad.Details, &h); err != nil {
		t.Fatal(err)
	}
	for _, k := range []string{"version", "cipher", "expires_of", "expires_role", "verify_error", "ocsp"} {
		h["tls"][k] = hostile
	}
	h["tls"]["notes"] = []string{hostile, "\n\n" + hostile}
	bad.Details, _ = json.Marshal(h)
	w.withChains(bad)
	_, srv := w.serve(t)
	code, page, _ := get(t, srv.URL+"/monitors/web")
	if code != http.StatusOK || !strings.Contains(page, "&lt;script&gt;") || !strings.Contains(page, "It does not verify") {
		t.Errorf("%d\n%s", code, page)
	}
	harmless(t, "/monitors/web", page)
}

// FuzzChains: of whatever an agent says of certificates a page can be made.
func FuzzChains(f *testing.F) {
	f.Add([]byte(chainResult("oslo", "aa", "CN=a", time.Unix(2e9, 0), "a").Details))
	f.Add([]byte(`{"tls":{"chain":[{"not_after":"9999-12-31T23:59:59Z","key_bits":-1},{}],"notes":["",""]}}`))
	f.Add([]byte(`{"tls":{"chain":[null]}}`))
	f.Fuzz(func(t *testing.T, details []byte) {
		for _, x := range chainsOf([]wire.Result{{Agent: "oslo", Details: details}}, time.Unix(1e9, 0)) {
			if len(x.Certs) == 0 || len(x.Certs) > certsMost {
				t.Errorf("%d certificates", len(x.Certs))
			}
		}
	})
}

// TestTags: a monitor's tags lead to the monitors that have them, and the answer to a filter
// is that of the page.
func TestTags(t *testing.T) {
	w := newWorld()
	w.agent("paris")
	for name, tags := range map[string]map[string]string{"cart": {"team": "shop", "note": "two words"}, "web": {"team": "shopping"}} {
		w.Saved(name, &wire.Saved{Monitor: wire.Monitor{Name: name, Kind: "tcp", Target: "h:1", Every: wire.Duration(time.Second), Revision: 1}.WithDefaults(), Tags: tags}, nil, time.Now())
	}
	_, h := w.serve(t)
	_, page, _ := get(t, h.URL+"/monitors/cart")
	inOrder(t, page, `<a href="/?q=tag%3Anote">note=two words</a>`, `<a href="/?q=tag%3Ateam%3Dshop">team=shop</a>`, "/silences/new?monitor=cart")
	for filter, want := range map[string][]string{"tag:team=shop": {"cart"}, "team=shopping": {"web"}, "tag:team": {"cart", "web"}, "PARIS": {"cart", "web"}, "unknown tcp": {"cart", "web"}, "pari": {}, "": {"cart", "web"}} {
		var ids []string
		for _, n := range want {
			ids = append(ids, "m-"+n)
		}
		code, text, header := get(t, h.URL+"/match?q="+url.QueryEscape(filter))
		var got []string
		if err := json.Unmarshal([]byte(text), &got); err != nil || code != http.StatusOK || header.Get("Content-Type") != "application/json" || strings.Join(got, " ") != strings.Join(ids, " ") {
			t.Errorf("%q leaves %s, want %v: %d %v", filter, text, ids, code, err)
		}
		_, page, _ := get(t, h.URL+"/?q="+url.QueryEscape(filter))
		for _, name := range []string{"cart", "web"} {
			if in := strings.Contains(page, `id="m-`+name+`"`); in != strings.Contains(text, `"m-`+name+`"`) {
				t.Errorf("%q: the page has %s: %v, the answer is %s", filter, name, in, text)
			}
		}
	}
}
