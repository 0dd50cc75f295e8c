package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"netmon/probes"
	"netmon/probes/kinds"
	"netmon/wire"
)

// anyPorts lets the kernel choose.
func anyPorts() ports {
	const any = "127.0.0.1:0"
	return ports{http: any, https: any, expired: any, dns: any, ntp: any, ntpLost: any, mail: any, echo: any, lossy: any, silent: any}
}

func TestServices_BreakAndMend(t *testing.T) {
	ca := t.TempDir()
	s, err := start(anyPorts(), "targets", ca)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.close() })
	h := httptest.NewServer(control(s))
	t.Cleanup(h.Close)
	ask := func(path string) {
		t.Helper()
		var out bytes.Buffer
		if err := ask(t.Context(), &out, http.MethodPost, h.URL+path); err != nil {
			t.Fatal(err)
		}
	}
	trust := `"ca":"${file:` + filepath.Join(ca, "ca.pem") + `}"`
	for _, c := range []struct {
		lever, kind, target, options string
		failure                      wire.Failure
	}{
		{"http", "http", "http://" + s.at.http + "/", `{}`, wire.FailMismatch},
		{"certificate", "tls", s.at.https, `{"tls":{` + trust + `}}`, wire.FailCertificate},
		{"dns", "dns", "www.lab.example@" + s.at.dns, `{"expect":{"records":["192.0.2.7"]}}`, wire.FailMismatch},
		{"ntp", "ntp", s.at.ntp, `{"expect":{"offset":"1s"}}`, wire.FailMismatch},
		{"udp", "udp", s.at.echo, `{"payload":"hello","expect":{"regex":"^hello$"}}`, wire.FailNoAnswer},
		{"tcp", "tcp", s.at.mail, `{"expect":{"banner":"^220 "}}`, wire.FailRefused},
	} {
		t.Run(c.lever, func(t *testing.T) {
			want := func(failure wire.Failure) {
				t.Helper()
				env := &probes.Env{}
				defer env.Close()
				check, err := kinds.All().New(env, c.kind, c.target, json.RawMessage(c.options))
				if err != nil {
					t.Fatal(err)
				}
				if r := check.Run(t.Context(), time.Second, nil); r.Failure != failure {
					t.Errorf("%s %s: failure %q (%s), want %q", c.kind, c.target, r.Failure, r.Error, failure)
				}
			}
			want("")
			ask("/break/" + c.lever)
			want(c.failure)
			ask("/mend/all")
			want("")
		})
	}
	if len(s.levers) != 6 {
		t.Errorf("%d levers, and 6 are tried", len(s.levers))
	}
}

func TestServices_UnknownLever(t *testing.T) {
	s := &services{levers: []*lever{{name: "http"}}}
	if _, err := s.turn("htp", true); err == nil || !strings.Contains(err.Error(), `want one of http, got "htp"`) {
		t.Errorf("error %v", err)
	}
}

func TestAuthority_SurvivesARestart(t *testing.T) {
	folder := t.TempDir()
	one, err := newAuthority(folder)
	if err != nil {
		t.Fatal(err)
	}
	two, err := newAuthority(folder)
	if err != nil || !one.cert.Equal(two.cert) {
		t.Errorf("another authority after a restart, error %v", err)
	}
}
