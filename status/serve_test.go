package status

import (
	"compress/gzip"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"netmon/console"
)

func ask(t *testing.T, method, url string, header ...string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	resp, err := (&http.Transport{DisableCompression: true, DisableKeepAlives: true}).RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(b)
}

func TestKeeper_ServeHTTP(t *testing.T) {
	_, h := serveFacts(t, shop(), Options{Title: "Example"})
	resp, page := ask(t, http.MethodGet, h.URL+"/", "Host", "anything.example")
	if resp.StatusCode != 200 || !strings.Contains(page, "Incoming mail is down") || !strings.Contains(resp.Header.Get("Content-Security-Policy"), "default-src 'none'") || strings.Contains(resp.Header.Get("Content-Security-Policy"), "unsafe") ||
		resp.Header.Get("X-Content-Type-Options") != "nosniff" || resp.Header.Get("Server") != "" || resp.Header.Get("Set-Cookie") != "" {
		t.Errorf("%v", resp)
	}
	tag := resp.Header.Get("Etag")
	if resp, body := ask(t, http.MethodGet, h.URL+"/", "If-None-Match", `"x", `+tag); resp.StatusCode != http.StatusNotModified || body != "" {
		t.Errorf("%d %q", resp.StatusCode, body)
	}
	resp, packed := ask(t, http.MethodGet, h.URL+"/", "Accept-Encoding", "br, gzip")
	z, err := gzip.NewReader(strings.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(z); err != nil || string(text) != page || resp.Header.Get("Vary") != "Accept-Encoding" {
		t.Errorf("by gzip it is another page: %v", err)
	}
	if resp, body := ask(t, http.MethodHead, h.URL+"/"); resp.StatusCode != 200 || body != "" || resp.ContentLength != int64(len(page)) {
		t.Errorf("HEAD: %v", resp)
	}
	for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodOptions, "PROPFIND"} {
		if resp, _ := ask(t, method, h.URL+"/"); resp.StatusCode != http.StatusMethodNotAllowed || resp.Header.Get("Allow") != "GET, HEAD" {
			t.Errorf("%s: %v", method, resp)
		}
	}
	for _, path := range []string{"/x", "/../status.go", "/..%2f..%2fetc%2fpasswd", "/badge/../index.html", "/badge/..%2f", "/badge/private-db.svg", "/badge/mx1.svg", "/services/mx1.html", "/services/", "/assets/", "/assets/status.css", "/events", "/matrix", "/monitors/mx1", "//etc/passwd", "/index.html/", "/%00", "/debug/pprof/"} {
		if resp, body := ask(t, http.MethodGet, h.URL+path); resp.StatusCode != http.StatusNotFound || strings.TrimSpace(body) != "there is no such page here" {
			t.Errorf("%s: %d %q", path, resp.StatusCode, body)
		}
	}
	for path, kind := range map[string]string{"/index.html": kindHTML, "/history.html": kindHTML, "/services/incoming-mail.html": kindHTML, "/feed.atom": kindAtom, "/badge.svg": kindSVG, "/badge/incoming-mail.svg?cache=no": kindSVG, "/api/v2/summary.json": kindJSON, "/api/v2/incidents/unresolved.json": kindJSON} {
		resp, _ := ask(t, http.MethodGet, h.URL+path)
		if resp.StatusCode != 200 || resp.Header.Get("Content-Type") != kind || (kind != kindHTML) != (resp.Header.Get("Access-Control-Allow-Origin") == "*") {
			t.Errorf("%s: %v", path, resp)
		}
	}
	at := page[strings.Index(page, "assets/status."):]
	if resp, _ := ask(t, http.MethodGet, h.URL+"/"+at[:strings.Index(at, `"`)]); resp.StatusCode != 200 || !strings.Contains(resp.Header.Get("Cache-Control"), "immutable") {
		t.Errorf("an asset: %v", resp)
	}
}

// TestSite_Statuspage: programs that read Statuspage's summary find what they look for.
func TestSite_Statuspage(t *testing.T) {
	s := made(t, Compose(shop().Facts, Options{Title: "Example", URL: "https://status.example.org"}))
	var sum struct {
		Page       struct{ ID, Name, URL, Updated_at string }
		Status     struct{ Indicator, Description string }
		Components []struct {
			ID, Name, Status, Group_id string
			Group                      bool
			Components                 []string
		}
		Incidents []struct {
			ID, Name, Status, Impact, Shortlink, Created_at string
			Incident_updates                                []struct{ Body, Status, Incident_id string }
			Components                                      []struct{ Name string }
		}
		Scheduled_maintenances []struct{ Name, Status, Impact, Scheduled_for, Scheduled_until string }
	}
	if err := json.Unmarshal(s["api/v2/summary.json"].Plain, &sum); err != nil {
		t.Fatal(err)
	}
	if sum.Page.Name != "Example" || sum.Page.URL != "https://status.example.org/" || sum.Status.Indicator != "critical" || !strings.HasPrefix(sum.Status.Description, "Incoming mail is down") {
		t.Errorf("%+v", sum.Page)
	}
	got := map[string]string{}
	for _, c := range sum.Components {
		got[c.Name] = c.Status
		if c.Group != (len(c.Components) > 0) || c.Group && c.Group_id != "" {
			t.Errorf("%+v", c)
		}
	}
	for name, want := range map[string]string{"Online shop": "operational", "Checkout": "partial_outage", "Incoming mail": "major_outage", "Archive": "unknown", "Name servers": "under_maintenance", "Mail": "major_outage", "Shop": "partial_outage"} {
		if got[name] != want {
			t.Errorf("%s is %q, want %q", name, got[name], want)
		}
	}
	if len(sum.Incidents) != 2 || sum.Incidents[0].Status != "investigating" || sum.Incidents[0].Impact != "critical" || sum.Incidents[0].Components[0].Name != "Incoming mail" || !strings.HasPrefix(sum.Incidents[0].Shortlink, "https://status.example.org/history.html#incident-") {
		t.Errorf("%+v", sum.Incidents)
	}
	if len(sum.Scheduled_maintenances) != 2 || sum.Scheduled_maintenances[1].Status != "in_progress" || sum.Scheduled_maintenances[0].Scheduled_for != "2026-12-06T02:00:00.000Z" {
		t.Errorf("%+v", sum.Scheduled_maintenances)
	}
	var all struct {
		Incidents []struct {
			Status, Resolved_at string
			Incident_updates    []struct{ Body, Status string }
		}
	}
	if err := json.Unmarshal(s["api/v2/incidents.json"].Plain, &all); err != nil || len(all.Incidents) != 4 || all.Incidents[2].Status != "resolved" || all.Incidents[2].Resolved_at == "" || all.Incidents[2].Incident_updates[0].Status != "resolved" {
		t.Errorf("%+v %v", all, err)
	}
	inOrder(t, string(s["feed.atom"].Plain), `<link rel="alternate" href="https://status.example.org/">`, `<link rel="self" href="https://status.example.org/feed.atom">`, "<title>Incoming mail is down</title>", "Online shop and Checkout were down", "Maintenance: ")
	if string(s["index.html"].Plain) != string(console.EscapeJSON(s["index.html"].Plain)) {
		t.Error("the page has characters that do not show")
	}
}

// TestMake_SameMinute: a page of the same minute is the same bytes, so that browsers have it.
func TestMake_SameMinute(t *testing.T) {
	a, b := shop(), shop()
	b.At = b.At.Add(20 * time.Second)
	x, y := Compose(a.Facts, Options{}), Compose(b.Facts, Options{})
	if !same(&x, &y) {
		t.Error("it is another page")
	}
	b.At = b.At.Add(time.Minute)
	if z := Compose(b.Facts, Options{}); same(&x, &z) {
		t.Error("a minute later it is as of another time")
	}
}
