package main

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"netmon/internal/host"

	"github.com/miekg/dns"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/urfave/cli/v2"

	"netmon/broker"
	"netmon/broker/backup"
	"netmon/console"
	"netmon/console/monitorfile"
	"netmon/console/output"
	"netmon/internal/natstest"
	"netmon/internal/need"
	"netmon/internal/testlog"
	"netmon/wire"
)

// nasty is what no terminal and no log may get: C0, C1 as one byte and as
// UTF-8, OSC 52 and 8, overrides of the direction, marks without width, line
// separators, bytes that are no UTF-8. The word shows that the rest was there.
const nasty = "a\x1b]52;c;ZXZpbA==\x07\x1b[2J\x1b[35;5m\x1b]8;;http://h/\x1b\\b" +
	"\u009b31m\u0090\u0085c\u202e\u2066\u200b\u200e\u2028\u2029\ufeff\U000e0041d\x00\x7f\r\n\t|%s%d\xff\xc2\x9b2J NASTY"

// text is nasty as far as JSON can carry it.
var nastyText = strings.ToValidUTF8(nasty, "\ufffd")

var ownColours = strings.NewReplacer(console.Colours.OK, "", console.Colours.Failed, "", console.Colours.Broken, "", console.Colours.Dim, "", console.Colours.Reset, "")

// unclean is the first thing in an output that a terminal might obey.
func unclean(out string) string {
	out = ownColours.Replace(out)
	for i, r := range out {
		if r == utf8.RuneError && !strings.HasPrefix(out[i:], string(utf8.RuneError)) || !unicode.IsPrint(r) && r != '\n' && r != '\t' {
			return fmt.Sprintf("%q in %q", r, out[max(0, i-40):min(len(out), i+40)])
		}
	}
	return ""
}

// nastyMesh is a broker that holds what a hostile client would leave there.
func nastyMesh(t *testing.T) (url string) {
	b := natstest.Start(t)
	nc := natstest.Connect(t, b)
	js := natstest.JetStream(t, nc)
	ctx := t.Context()
	publish := func(subject string, v any) {
		t.Helper()
		data, ok := v.([]byte)
		if !ok {
			data, _ = json.Marshal(v)
		}
		if _, err := js.Publish(ctx, subject, data); err != nil {
			t.Fatal(err)
		}
	}
	at := time.Now().UTC()
	beat := wire.Alive{Agent: "mars", Instance: nastyText, Version: nastyText, Host: nastyText, Started: at, At: at, Labels: map[string]string{"region": "eu"},
		Kinds: []string{"tcp", nastyText}, Cannot: map[string]string{nastyText: nastyText}, Families: []string{nastyText}, Digest: nastyText, Store: nastyText, Unsaved: 2, Skipped: 9,
		Refused: map[string]string{"web": nastyText, nastyText: nastyText}, Notes: []string{nastyText}}
	publish("agent.mars.alive", beat)
	publish("agent.venus.alive", []byte(nasty))
	publish("agent.ve\x1b[2Jnus.alive", beat)
	ns := int64(1)
	details := json.RawMessage(`{"k` + "\x9b" + `":"` + strings.ReplaceAll(strings.Map(func(r rune) rune {
		if r < ' ' || r == '\\' {
			return '_'
		}
		return r
	}, nasty), `"`, "") + "\xff" + `"}`)
	for _, m := range []string{"web", "bad", "worse"} {
		for _, r := range []wire.Result{
			{Outcome: wire.Failed, Failure: wire.Failure(nastyText), Error: nastyText},
			{Outcome: wire.OK, LatencyNS: &ns, Summary: nastyText, Address: nastyText},
			{Outcome: wire.Outcome(nastyText), Failure: wire.Failure(nastyText), Error: nastyText, Summary: nastyText, Unmet: []wire.Unmet{{Expect: nastyText, Want: nastyText, Got: nastyText}}},
		} {
			r.Agent, r.Monitor, r.Kind, r.Target, r.Started, r.Details, r.Dropped = "mars", m, nastyText, nastyText, time.Now().UTC(), details, 3
			publish("results.mars."+m, r)
		}
	}
	publish("results.mars.web", []byte(nasty))
	for i, state := range []wire.VerdictState{wire.VerdictUp, wire.VerdictDown, wire.VerdictState(nastyText)} {
		blame := &wire.Blame{Class: wire.BlameClass(nastyText), Names: []string{nastyText}, Why: nastyText}
		publish("verdicts.web", wire.Verdict{Monitor: "web", State: state, Was: wire.VerdictState(nastyText), Since: at, At: at.Add(time.Duration(i) * time.Second), N: uint64(i + 1), Incident: nastyText, Why: nastyText, Blame: blame,
			Quorum:   wire.VerdictQuorum{Need: 1, Rule: nastyText, Down: []string{"mars", nastyText}, Slow: []string{nastyText}, Up: []string{nastyText}, Blind: []string{nastyText}, Silent: []string{nastyText}, Aside: []string{nastyText}},
			Evidence: []wire.Evidence{{Agent: nastyText, Started: at, Outcome: wire.Outcome(nastyText), Failure: wire.Failure(nastyText), Text: nastyText, ID: nastyText}}, Revision: 1})
		publish("verdicts.agent.mars", wire.AgentVerdict{Agent: "mars", Status: wire.AgentStatus(nastyText), Since: at, At: at, N: uint64(i + 1), Incident: nastyText, Why: nastyText, Blame: blame})
		publish(wire.MeshVerdictSubject, wire.MeshVerdict{Frozen: true, Since: at, At: at, N: uint64(i + 1), Why: nastyText})
	}
	publish("verdicts.web", []byte(nasty))
	publish("verdicts.placement.some", wire.Placement{Monitor: "some", Want: 2, Agents: []string{"mars"}, At: at, N: 1, Why: nastyText, Refused: map[string]wire.Refusal{"mars": {Why: nastyText, Life: nastyText}}})
	publishIncidents(publish, at)
	publish("results.mars.\x1b[2J\u202eodd", []byte(nasty))
	publish("results.mars.db", wire.Result{Agent: nastyText, Monitor: nastyText})

	kv, err := js.KeyValue(ctx, wire.MonitorsBucket)
	if err != nil {
		t.Fatal(err)
	}
	options, _ := json.Marshal(map[string]string{"send": nastyText, nastyText: "x"})
	web := wire.Saved{Monitor: wire.Monitor{Name: "web", Kind: "k\u009b\x1b[2J\u202eNASTY", Target: "127.0.0.1:1", Options: options}, Author: nastyText, Change: nastyText}
	bad := web
	bad.Name, bad.Target = "bad", nastyText
	some := web
	some.Name, some.Target, some.Options, some.Kind, some.Agents = "some", "h:1", nil, "tcp", wire.Selectors{"2 of all"}
	for key, v := range map[string]any{"web": web, "bad": bad, "worse": []byte(nasty), "some": some} {
		data, ok := v.([]byte)
		if !ok {
			data, _ = json.Marshal(v)
		}
		if _, err := kv.Put(ctx, key, data); err != nil {
			t.Fatal(err)
		}
	}
	publish("$KV."+wire.MonitorsBucket+".k\x1b[2J\u202eodd", web)
	publish("$KV."+wire.MonitorsBucket+".other", web)
	control, err := js.KeyValue(ctx, wire.ControlBucket)
	if err != nil {
		t.Fatal(err)
	}
	lease, _ := json.Marshal(wire.Lease{ID: nastyText, Host: nastyText, Since: at})
	if _, err := control.Put(ctx, wire.LeaderKey, lease); err != nil {
		t.Fatal(err)
	}
	files, _ := json.Marshal(wire.KeptFiles{Folder: nastyText, Host: nastyText, Since: at, Mistakes: 1, Problem: nastyText})
	if _, err := control.Put(ctx, wire.FilesKey, files); err != nil {
		t.Fatal(err)
	}
	sets, err := js.ObjectStore(ctx, wire.ConfigsBucket)
	if err != nil {
		t.Fatal(err)
	}
	file, _ := json.Marshal(map[string]any{"monitors": []wire.Saved{web}})
	for name, content := range map[string][]byte{"office": file, "broken": []byte(nasty), nastyText: file} {
		meta := jetstream.ObjectMeta{Name: name, Description: nastyText, Metadata: map[string]string{"author": nastyText, "monitors": nastyText}}
		if _, err := sets.Put(ctx, meta, strings.NewReader(string(content))); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := nc.Subscribe("notify.hook.cmd", func(m *nats.Msg) {
		data, _ := json.Marshal(wire.NotifyReply{Channel: nastyText, By: nastyText, Outcome: wire.SendOutcome(nastyText), Answer: nastyText, Error: nastyText})
		m.Respond(data)
	}); err != nil {
		t.Fatal(err)
	}
	reply, _ := json.Marshal(wire.Reply{Agent: nastyText, Error: &wire.Error{Code: wire.Code(nastyText), Field: nastyText, Message: nastyText},
		Monitors: []wire.MonitorReply{{Name: nastyText, State: wire.State(nastyText), Note: nastyText}, {Name: nastyText, State: wire.Refused, Errors: []wire.Error{{Field: nastyText, Message: nastyText}}}, {Name: "x", State: wire.Refused}},
		Want:     []string{nastyText}, Info: &beat})
	result, _ := json.Marshal(wire.Reply{OK: true, Agent: nastyText, Result: &wire.Result{Kind: nastyText, Target: nastyText, Outcome: wire.Failed, Failure: wire.Failure(nastyText), Error: nastyText, Details: details}})
	running, _ := json.Marshal(wire.Reply{OK: true, Agent: nastyText, Monitors: []wire.MonitorReply{
		{Name: "fine", Kind: nastyText, Target: nastyText, Store: "older", Every: wire.Duration(time.Second), Options: details}, {Name: nastyText, Kind: "tcp", Target: nastyText, Store: nastyText + "x", Skipped: 9}}})
	if _, err := nc.Subscribe("agent.mars.cmd", func(m *nats.Msg) {
		c, _ := wire.DecodeCommand(m.Data)
		if c.Op == wire.OpProbe && c.Monitors[0].Kind == "tcp" {
			m.Respond(result)
			return
		}
		if c.Op == wire.OpList {
			m.Respond(running)
			return
		}
		if c.Op == wire.OpRun && c.Names[0] == "web" {
			asked, _ := json.Marshal(wire.Reply{OK: true, Agent: nastyText, Monitors: []wire.MonitorReply{{Name: "web", State: wire.Asked, Note: nastyText}}})
			m.Respond(asked)
			data, _ := json.Marshal(wire.Result{Agent: "mars", Monitor: "web", Kind: nastyText, Target: nastyText, Outcome: wire.Outcome(nastyText), Failure: wire.Failure(nastyText), Error: nastyText, Details: details, Asked: c.Asked})
			nc.Publish("results.mars.web", data)
			return
		}
		m.Respond(reply)
	}); err != nil {
		t.Fatal(err)
	}
	return b.URL()
}

// nastyTargets are servers that answer with it.
func nastyTargets(t *testing.T) (web, tcp, udp, name string) {
	// net/http refuses control characters in a header, and takes the rest.
	line := strings.NewReplacer("\r", "", "\n", "").Replace(nasty)
	value := strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return -1
		}
		return r
	}, line)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, rw, err := w.(http.Hijacker).Hijack()
		if err != nil {
			return
		}
		defer conn.Close()
		switch r.URL.Path {
		case "/raw":
			fmt.Fprintf(rw, "HTTP/1.1 200 %s\r\nServer: %s\r\n\r\n", line, line)
		case "/moved":
			fmt.Fprintf(rw, "HTTP/1.1 302 %s\r\nLocation: /%s\r\nContent-Length: 0\r\n\r\n", value, value)
		case "/coded":
			fmt.Fprintf(rw, "HTTP/1.1 200 OK\r\nContent-Encoding: %s\r\nContent-Length: %d\r\n\r\n%s", value, len(nasty), nasty)
		default:
			body, _ := json.Marshal(map[string]string{"k": nastyText})
			fmt.Fprintf(rw, "HTTP/1.1 200 %s\r\nServer: %s\r\nX-A: %s\r\nContent-Type: %s\r\nSet-Cookie: %s\r\nContent-Length: %d\r\n\r\n%s", value, value, value, value, value, len(body), body)
		}
		rw.Flush()
	}))
	t.Cleanup(srv.Close)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { io.WriteString(c, "220 "+nasty+"\r\n"); io.Copy(c, c); c.Close() }()
		}
	}()
	packets, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { packets.Close() })
	go func() {
		buf := make([]byte, 2048)
		for {
			_, from, err := packets.ReadFrom(buf)
			if err != nil {
				return
			}
			packets.WriteTo([]byte(nasty), from)
		}
	}()
	resolver, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &dns.Server{PacketConn: resolver, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		m := new(dns.Msg).SetReply(q)
		m.Answer = []dns.RR{&dns.TXT{Hdr: dns.RR_Header{Name: q.Question[0].Name, Rrtype: dns.TypeTXT, Class: dns.ClassINET, Ttl: 1}, Txt: []string{nasty}},
			&dns.CNAME{Hdr: dns.RR_Header{Name: q.Question[0].Name, Rrtype: dns.TypeCNAME, Class: dns.ClassINET, Ttl: 1}, Target: "\\027\\155\\226\\128\\174nasty.example."}}
		w.WriteMsg(m)
	})}
	go server.ActivateAndServe()
	t.Cleanup(func() { server.Shutdown() })
	return srv.URL, l.Addr().String(), packets.LocalAddr().String(), resolver.LocalAddr().String()
}

// nastyManifest is what a hostile backup says of itself.
func nastyManifest() string {
	data, _ := json.Marshal(backup.Manifest{Format: 1, Netmon: nastyText, Host: nastyText, Server: nastyText,
		Access: &backup.Access{Files: []backup.File{{Path: "access/" + nastyText}}}})
	return string(data)
}

// TestInjection runs every command that prints against a hostile mesh and
// hostile targets, in every form.
func TestInjection(t *testing.T) {
	need.Time(t)
	t.Setenv("NETMON_BROKER", nastyMesh(t))
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	t.Setenv("XDG_STATE_HOME", t.TempDir())
	t.Setenv("CLICOLOR_FORCE", "1")
	web, tcp, udp, name := nastyTargets(t)
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
		return path
	}
	good := write("good.yaml", "monitors:\n- {name: web, kind: tcp, target: \"127.0.0.1:2\", options: {steps: [{send: \"\\e[2J\\u202eNASTY\"}]}}\n")
	ugly := write("ugly.yaml", "monitors:\n- {name: web, kind: "+strings.NewReplacer("\n", "", "\r", "", "\x00", "").Replace(nasty)+", \x1b[2JNASTY: 1}\n")
	foreign := write("foreign.yaml", `endpoints: [{name: "a\e[2J\u202e\nNASTY", group: "\e[2JNASTY", url: "https://h/", conditions: ["[BODY] == \e[2JNASTY"], "\e[2JNASTY": 1}, {name: "NASTY\e[2J", url: "x\e[2J"}]`)
	rules := write("rules.yaml", "defaults: {verdict: {quorum: any, down: 1/1}}\n")
	hostile := filepath.Dir(write("hostile/manifest.json", nastyManifest()))
	write("hostile/SHA256SUMS", fmt.Sprintf("%x  manifest.json\n", sha256.Sum256([]byte(nastyManifest()))))
	listForms := []string{"table", "wide", "json", "yaml", "ndjson", "csv", "name", "\x1b[2J"}

	tests := []struct {
		args  string // parts by spaces; FORM is each of forms
		forms []string
		stdin string
	}{
		{args: "get monitors -o FORM", forms: listForms},
		{args: "get monitor web -o FORM", forms: listForms},
		{args: "get monitor bad"}, {args: "get monitor worse"}, {args: "get monitor \x1b[2J"},
		{args: "get agents -o FORM", forms: listForms},
		{args: "get results -o FORM", forms: []string{"lines", "ndjson", "json", "csv"}},
		{args: "get broker -o FORM", forms: listForms},
		{args: "explain some"}, {args: "explain some -o json"}, {args: "show some"}, {args: "get monitors -o wide"}, {args: "check some"},
		{args: "set some agents=\x1b[2J"}, {args: "set some target=\x1b[2JNASTY"}, {args: "set some tags.a=\x1b[2JNASTY"}, {args: "set some \x1b[2J=1"}, {args: "set web every=7s --dry-run"}, {args: "set bad every=7s"},
		{args: "rename some \x1b[2J"}, {args: "rename \x1b[2J some"}, {args: "rename web"}, {args: "copy web \x1b[2J"}, {args: "copy bad other2"}, {args: "set --tag a=\x1b[2J every=5s"}, {args: "set *\x1b[2J every=5s"},
		{args: "explain web"}, {args: "explain web -o json"}, {args: "explain bad"}, {args: "explain \x1b[2J"}, {args: "explain web --at \x1b[2J"},
		{args: "stats web -o FORM", forms: listForms}, {args: "stats \x1b[2J"}, {args: "stats * --from \x1b[2J"}, {args: "stats web --against \x1b[2J"}, {args: "stats --tag \x1b[2J"},
		{args: "uptime -o FORM", forms: listForms}, {args: "uptime \x1b[2J"}, {args: "uptime web --by \x1b[2J"},
		{args: "graph web -o FORM", forms: []string{"text", "json", "\x1b[2J"}}, {args: "graph \x1b[2J"}, {args: "graph web --agent \x1b[2J"},
		{args: "get incidents --all -o FORM", forms: listForms}, {args: "get incidents --monitor \x1b[2J"}, {args: "get incidents --all --from \x1b[2J"},
		{args: "incident 1234 -o FORM", forms: []string{"text", "json", "yaml", "\x1b[2J"}}, {args: "incident web"}, {args: "incident \x1b[2J"}, {args: "__complete incident "},
		{args: "notify ls -o FORM", forms: listForms}, {args: "notify test hook -o FORM", forms: []string{"text", "json"}}, {args: "notify test \x1b[2J"}, {args: "notify test none"}, {args: "__complete notify test "},
		{args: "get channels -o FORM", forms: listForms}, {args: "get rules -o FORM", forms: listForms}, {args: "get windows -o FORM", forms: listForms}, {args: "get groups -o FORM", forms: listForms}, {args: "get silences --all -o FORM", forms: listForms},
		{args: "get channel hook"}, {args: "get channel bad"}, {args: "get rules \x1b[2J"}, {args: "get silences --watch -o \x1b[2J"}, {args: "__complete get channels "}, {args: "__complete silence --tag "}, {args: "__complete silence end "},
		{args: "silence --tag \x1b[2J --for 1h"}, {args: "silence --monitor \x1b[2J --severity \x1b[2J --blame \x1b[2J --for 1h"}, {args: "silence --tag a=\x1b[2J --for 1h"}, {args: "silence --monitor web --from \x1b[2J --for 1h"},
		{args: "silence --monitor web --for 1h -m \x1b[2JNASTY"}, {args: "silence end \x1b[2J"}, {args: "ack 1234 -m \x1b[2JNASTY"}, {args: "ack web -m \x1b[2JNASTY"}, {args: "ack \x1b[2J"}, {args: "unack web"}, {args: "unack \x1b[2J"},
		{args: "delete channel \x1b[2J"}, {args: "delete channel hook"}, {args: "edit channel \x1b[2J"}, {args: "get monitors --tag \x1b[2J"}, {args: "stop --tag a=\x1b[2J"},
		{args: "get verdicts -o FORM", forms: listForms}, {args: "get verdicts --all"},
		{args: "show web"}, {args: "show bad"}, {args: "show worse"}, {args: "show \x1b[2J"},
		{args: "history web -o FORM", forms: listForms},
		{args: "history worse -o FORM", forms: listForms},
		{args: "check web"}, {args: "check bad"}, {args: "check \x1b[2J|x"},
		{args: "wait web --timeout 300ms"}, {args: "wait worse --timeout 300ms"},
		{args: "watch --last -n 2 -o FORM", forms: []string{"lines", "ndjson"}},
		{args: "watch \x1b[2J"},
		{args: "dash --once"}, {args: "dash --once web"},
		{args: "recover"}, {args: "recover --yes"}, {args: "recover --discard --yes"}, {args: "recover \x1b[2J"},
		{args: "doctor"},
		{args: "config use office", stdin: "n\n"},
		{args: "probe tcp 127.0.0.1:1 --from mars -c 2 -o FORM", forms: []string{"text", "json", "ndjson"}},
		{args: "run web -o FORM", forms: []string{"text", "json", "ndjson"}}, {args: "run bad"}, {args: "run worse"}, {args: "run \x1b[2J"},
		{args: "probe icmp 127.0.0.1 --from mars -o FORM", forms: []string{"text", "json"}},
		{args: "probe http " + web + " --expect-body-contains nowhere -o FORM", forms: []string{"text", "json", "ndjson"}},
		{args: "probe http " + web + " --expect-headers x-a=^$ --expect-body-regex ^$ --expect-json [{\"path\":\"$.k\",\"equals\":1}] -o FORM", forms: []string{"text", "json"}},
		{args: "probe http " + web + "/raw --explain"}, {args: "probe http " + web + "/moved --explain"}, {args: "probe http " + web + "/coded --explain"}, {args: "probe http " + web + " --explain"},
		{args: "probe tcp " + tcp + " --banner --expect-banner ^x --timeout 500ms -o FORM", forms: []string{"text", "json"}},
		{args: "probe tcp " + tcp + " --banner --explain --expect-banner (?P<A>.*) --keep A"},
		{args: "probe tcp " + tcp + " --steps [{\"send\":\"\\u001b[2J\u202eNASTY\\n\",\"expect\":\"^x\"}] --explain --timeout 1s"},
		{args: "probe tcp " + tcp + " --starttls smtp --explain --timeout 1s"},
		{args: "probe tls " + tcp + " --explain --timeout 1s"},
		{args: "probe udp " + udp + " --payload text:x --explain"}, {args: "probe udp " + udp + " --expect-regex x -o FORM", forms: []string{"text", "json"}},
		{args: "probe ntp " + udp + " --explain --timeout 500ms"},
		{args: "probe dns nasty.example@" + name + " --type TXT --explain"}, {args: "probe dns nasty.example@" + name + " --type TXT --expect-contains x"},
		{args: "probe dns nasty.example@" + name + " --type TXT -o FORM", forms: []string{"text", "json"}},
		{args: "probe \x1b[2J x"}, {args: "probe tcp \x1b[2J\u202e:1"}, {args: "probe tcp h:1 --\x1b[2J"},
		{args: "validate " + good}, {args: "validate " + ugly}, {args: "validate " + dir + "/\x1b[2J"},
		{args: "diff -f " + good}, {args: "diff -f " + ugly},
		{args: "apply -f " + ugly},
		{args: "import gatus " + foreign}, {args: "import gatus \x1b[2J"}, {args: "import \x1b[2J"}, {args: "import gatus " + foreign + " --tag \x1b[2J --on \x1b[2J"},
		{args: "backtest -f " + rules + " -o FORM", forms: []string{"table", "json", "\x1b[2J"}}, {args: "backtest -f " + rules + " web"}, {args: "backtest -f " + ugly}, {args: "backtest -f " + rules + " \x1b[2J"},
		{args: "context add --broker nats://127.0.0.1:1 a"}, {args: "context add --broker \x1b[2J b"}, {args: "context ls"}, {args: "context use \x1b[2J"}, {args: "context use a"}, {args: "context rm a"},
		{args: "schema"}, {args: "docs"}, {args: "docs \x1b[2J"}, {args: "version"}, {args: "completion bash"}, {args: "completion zsh"}, {args: "completion fish"},
		{args: "console", stdin: "get agents\nshow web\nget results\n\x1b[2J\u202e\nadd\ntcp\n\x1b[2J\nhelp\nconfig ls\nwatch --last -n 2\n"},
		{args: "__complete show "}, {args: "__complete get monitor "}, {args: "__complete config use "}, {args: "__complete get agents -l "}, {args: "__complete add tcp h:1 --on "}, {args: "__complete --line netmon show \x1b[2J"},
		{args: "policy \x1b[2J"}, {args: "edit \x1b[2J"}, {args: "edit worse"}, {args: "token \x1b[2J"}, {args: "token new \x1b[2J"},
		{args: "access ls"}, {args: "access \x1b[2J"}, {args: "audit -o FORM", forms: []string{"table", "json", "yaml", "csv", "\x1b[2J"}},
		{args: "backup " + dir + "/copy"}, {args: "backup " + dir + "/\x1b[2J"}, {args: "backup --access \x1b[2J " + dir + "/none"},
		{args: "restore " + dir + "/\x1b[2J --store " + dir + "/\x1b[2J\u202e"}, {args: "restore " + dir + "/\x1b[2JNASTY"}, {args: "restore --store " + dir + "/new " + hostile},
		// Those that change the mesh come last.
		{args: "add tcp 127.0.0.1:1 --name new"}, {args: "add tcp 127.0.0.1:1 --name \x1b[2J"},
		{args: "ack 1234 -m \x1b[2J"}, {args: "ack \x1b[2J"}, {args: "unack 1234"}, {args: "silence \x1b[2J"}, {args: "silence web --for 1h -m NASTY\x1b[2J"},
		{args: "stop web"}, {args: "start web"}, {args: "stop worse"},
		{args: "set web every=\x1b[2J"}, {args: "set web \x1b[2J=1"}, {args: "set web every=11s"}, {args: "set worse every=1s"}, {args: "set \x1b[2J every=1s"},
		{args: "copy web other"}, {args: "copy worse other2"}, {args: "copy web \x1b[2J"}, {args: "rename other third"}, {args: "rename worse fourth"}, {args: "rename third \x1b[2J"}, {args: "delete third --yes"},
		{args: "apply -f " + good},
		{args: "rollback web --to 1"}, {args: "rollback web --to 7"},
		{args: "delete worse"}, {args: "delete bad"},
		{args: "rollback web --to 1"},
		{args: "config ls -o FORM", forms: listForms},
		{args: "config save office", stdin: "n\n"}, {args: "config save office --yes"},
		{args: "config use broken"}, {args: "config use office --yes"},
		{args: "config export office -f -"}, {args: "config export broken -f -"},
		{args: "config rm \x1b[2J"},
		{args: "agents forget paris \x1b[2J"},
		{args: "diff -f " + good},
		{args: "delete web"},
		{args: "\x1b[2J"}, {args: "get \x1b[2J"},
	}
	seen := 0
	used := map[string]bool{}
	for _, c := range tests {
		forms := c.forms
		if forms == nil {
			forms = []string{""}
		}
		for _, form := range forms {
			args := strings.Split(strings.ReplaceAll(c.args, "FORM", form), " ")
			var out, errs strings.Builder
			ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
			code := execute(ctx, append([]string{"netmon"}, args...), strings.NewReader(c.stdin), &out, &errs)
			if ctx.Err() != nil {
				t.Errorf("netmon %q did not end", args)
			}
			cancel()
			for stream, text := range map[string]string{"standard output": out.String(), "standard error": errs.String()} {
				if what := unclean(text); what != "" {
					t.Errorf("netmon %q (exit %d): %s on %s", args, code, what, stream)
				}
				if strings.Contains(text, "NASTY") {
					seen++
				}
			}
			if out.Len()+errs.Len() == 0 && !strings.HasPrefix(c.args, "__complete") {
				t.Errorf("netmon %q says nothing", args)
			}
			if c.args[:min(5, len(c.args))] == "check" {
				if n := strings.Count(out.String(), "\n"); n != 1 || strings.Count(out.String(), "|") > 1 {
					t.Errorf("netmon %q is no line of a plugin: %q", args, out.String())
				}
			}
			if testing.Verbose() {
				t.Logf("netmon %q: exit %d\n%s%s", args, code, out.String(), errs.String())
			}
		}
		used[strings.Split(c.args, " ")[0]] = true
	}
	if seen < 45 {
		t.Errorf("only %d outputs held what the hostile mesh says", seen)
	}
	for _, c := range newApp(nil, io.Discard, io.Discard).Commands {
		if !used[c.Name] && !daemon(c) {
			t.Errorf("netmon %s is not tried", c.Name)
		}
	}
}

// daemon says that a command runs until it is ended; TestInjection_Logs has these.
func daemon(c *cli.Command) bool {
	return c.Name == "up" || c.Name == "broker" || c.Name == "agent" || c.Name == "controller" || c.Name == "notifier" || c.Name == "web" || c.Name == "status-page" || c.Name == "export"
}

// TestInjection_Exact reads what machines are given back: nothing is lost by escaping.
func TestInjection_Exact(t *testing.T) {
	for _, s := range []string{nastyText, "plain", "日本 é", "\U0001F600\U000e0041", "a\u009b", "\ufeff", "x\ty\nz", "<&>"} {
		want := map[string]string{"key": s, s + "k": "v"}
		for name, encode := range map[string]func(any) ([]byte, error){"line": output.JSONLine, "text": output.JSONText} {
			data, err := encode(want)
			if err != nil {
				t.Fatal(err)
			}
			var got map[string]string
			if err := json.Unmarshal(data, &got); err != nil || got["key"] != s || got[s+"k"] != "v" {
				t.Errorf("%s of %q: %s is read as %q, %v", name, s, data, got, err)
			}
			if what := unclean(string(data)); what != "" {
				t.Errorf("%s of %q: %s", name, s, what)
			}
		}
		m := wire.Saved{Monitor: wire.Monitor{Name: "web", Kind: "tcp", Target: "127.0.0.1:1"}}
		steps, _ := json.Marshal(map[string]any{"steps": []map[string]string{{"send": s}}})
		m.Options = steps
		var b strings.Builder
		if err := monitorfile.Write(&b, console.Wanted{Monitors: []wire.Saved{m, m}}, ""); err != nil {
			t.Fatal(err)
		}
		if what := unclean(b.String()); what != "" {
			t.Errorf("YAML of %q: %s", s, what)
		}
		file := strings.Replace(b.String(), "web", "db", 1)
		all, err := monitorfile.Parse("f.yaml", []byte(file), checks())
		if err != nil || len(all.Monitors) != 2 {
			t.Errorf("YAML of %q: %v\n%s", s, err, file)
			continue
		}
		var got struct{ Steps []struct{ Send string } }
		if err := json.Unmarshal(all.Monitors[0].Options, &got); err != nil || got.Steps[0].Send != s {
			t.Errorf("YAML of %q is read as %q", s, got)
		}
	}
}

// TestInjection_Logs lets hostile clients loose on a broker with its
// controller, and reads their logs.
func TestInjection_Logs(t *testing.T) {
	var log testlog.Buffer
	logger := slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	b, err := broker.Start(t.Context(), broker.Options{Listen: "127.0.0.1:0", Store: t.TempDir(), Log: logger})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	ctx, cancel := context.WithCancel(t.Context())
	h, err := host.Around(b, nil, logger)
	if err != nil {
		t.Fatal(err)
	}
	ended, ready := make(chan struct{}), make(chan struct{})
	go func() {
		h.Control(ctx, b.DefaultLimits(), func() { close(ready) })
		close(ended)
	}()
	<-ready
	host := strings.TrimPrefix(b.URL(), "nats://")
	line := strings.NewReplacer("\r", "", "\n", "", `"`, "", `\`, "").Replace(nastyText)
	raw := strings.NewReplacer("\r", "", "\n", "", " ", "").Replace(nasty)
	name, _ := json.Marshal(nastyText)
	for _, text := range []string{
		nasty, "CONNECT " + line + "\r\n", "CONNECT {\"name\":" + string(name) + ",\"lang\":" + string(name) + ",\"user\":" + string(name) + "}\r\nPUB " + raw + " 5\r\nhello\r\nPING\r\n" + raw + "\r\n",
		"CONNECT {}\r\nSUB " + raw + " " + raw + "\r\n" + "PUB x " + raw + "\r\n",
	} {
		conn, err := net.Dial("tcp", host)
		if err != nil {
			t.Fatal(err)
		}
		conn.SetDeadline(time.Now().Add(time.Minute))
		go io.WriteString(conn, text)
		buf := make([]byte, 4096)
		for heard := ""; !strings.Contains(heard, "-ERR"); {
			n, err := conn.Read(buf)
			if heard += string(buf[:n]); err != nil {
				break
			}
		}
		conn.Close()
	}
	nc := natstest.Connect(t, b, nats.Name(nastyText))
	js := natstest.JetStream(t, nc)
	reply, _ := json.Marshal(wire.Reply{Monitors: []wire.MonitorReply{{Name: nastyText, State: wire.Refused}, {Name: nastyText, State: wire.Refused, Errors: []wire.Error{{Message: nastyText}}}}})
	asked := make(chan struct{}, 100)
	if _, err := nc.Subscribe("agent.mars.cmd", func(m *nats.Msg) { m.Respond(reply); asked <- struct{}{} }); err != nil {
		t.Fatal(err)
	}
	kv, err := js.KeyValue(ctx, wire.MonitorsBucket)
	if err != nil {
		t.Fatal(err)
	}
	for key, v := range map[string]string{"a": nasty, "b": `{"name":` + string(name) + `}`, "c": `{"name":"c","kind":"tcp","target":"h:1"}`} {
		if _, err := kv.PutString(ctx, key, v); err != nil {
			t.Fatal(err)
		}
	}
	beats := map[string]any{"agent.venus.alive": nastyText, "agent.ve\x1bnus.alive": wire.Alive{Agent: nastyText}, "agent.mars.alive": wire.Alive{Agent: "mars", Store: nastyText, Digest: nastyText}}
	// It is asked, refuses, and the controller lives on to ask again.
	for n, end := 0, time.Now().Add(time.Minute); n < 2; {
		for subject, v := range beats {
			data, _ := json.Marshal(v)
			if _, err := js.Publish(ctx, subject, data); err != nil {
				t.Fatal(err)
			}
		}
		select {
		case <-asked:
			n++
		case <-time.After(100 * time.Millisecond):
			if time.Now().After(end) {
				t.Fatal("the controller does not ask the agent")
			}
		}
	}
	cancel()
	<-ended
	b.Close()
	text := log.String()
	if what := unclean(text); what != "" {
		t.Errorf("%s in the log", what)
	}
	if n := strings.Count(text, "NASTY"); n < 4 {
		t.Errorf("only %d lines of the log are of hostile clients:\n%s", n, text)
	}
	each := regexp.MustCompile(`^time=\S+ level=[A-Z]+ msg=`)
	for l := range strings.SplitSeq(strings.TrimSpace(text), "\n") {
		if !each.MatchString(l) {
			t.Errorf("no line of the log's own: %q", l)
		}
	}
}
