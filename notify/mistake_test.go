package notify

import (
	"encoding/json"
	"strings"
	"testing"

	"netmon/wire"
)

// TestTemplates_FailWhenSent: a template that cannot be written of an incident keeps
// nobody from hearing of it: the default is sent, and the delivery and the status of the
// channel say what is wrong.
func TestTemplates_FailWhenSent(t *testing.T) {
	m := newMesh(t)
	r := receive(t, taken)
	const second = `{{(index .Members 1).Line}}`
	for name, more := range map[string]string{
		"text":  `,"text":"` + second + `"`,
		"title": `,"title":"` + second + `"`,
		"body":  `,"body":"{\"a\":\"` + second + `\"}"`,
		"type":  `,"type":"text/plain","body":"` + second + `"`,
		"json":  `,"body":"{\"a\":1{{if lt .Total 2}}{{.Total}}x{{end}}}"`,
	} {
		m.save(hook(name, r.URL, more))
	}
	m.run(nil)
	for name, want := range map[string]string{"text": "text: line 1: ", "title": "title: line 1: ", "body": "body: line 1: ", "type": "body: line 1: ", "json": "body: the template's output for this message is not JSON"} {
		i, n := about(name, "web-"+name, 1, wire.ReasonOpened)
		i.Members = i.Members[:1]
		m.store(i, n)
		d := m.delivery(name, "web-"+name, func(wire.Delivery) bool { return true })
		want = "sent with the default in place of " + want
		if d.Outcome != wire.Sent || !strings.HasPrefix(d.Error, want) || d.Answer != d.Error+"; 200 OK thanks" {
			t.Errorf("%s: %+v, want %q", name, d, want)
		}
		got := r.requests()
		if len(got) != 1 {
			t.Fatalf("%s: %d requests", name, len(got))
		}
		var p Payload
		if err := json.Unmarshal(got[0].Body, &p); err != nil || p.Incident.ID != "web-"+name || !strings.HasPrefix(p.Title, "DOWN: ") || !strings.Contains(p.Text, "web: down since") || got[0].Header.Get("Content-Type") != "application/json" {
			t.Errorf("%s: %s %s (%v)", name, got[0].Header, got[0].Body, err)
		}
		st := m.status(name, func(s wire.ChannelStatus) bool { return s.Sent == 1 })
		if !st.Ready || st.Problem != d.Error {
			t.Errorf("%s: status %+v", name, st)
		}
	}
}
