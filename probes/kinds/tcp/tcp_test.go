package tcp

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"netmon/internal/probetest"
	"netmon/internal/targets"
	"netmon/probes"
	"netmon/probes/engine"
	"netmon/wire"
)

// certificate is a server's certificate, and the option tls that trusts it.
func certificate(t *testing.T, until time.Time) (config *tls.Config, cert, key, trust string) {
	t.Helper()
	config, certPEM, keyPEM, err := targets.TCPCertificate(until)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	os.WriteFile(cert, certPEM, 0o600)
	os.WriteFile(key, keyPEM, 0o600)
	return config, cert, key, fmt.Sprintf(`"tls":{"ca":"${file:%s}"}`, cert)
}

// TestTCP_Reasons produces every reason that the kind knows, but for those of
// ports, names and networks: TestTCP_Refused, TestTCP_Names, kinds.TestEveryKind_NoRoute,
// TestTCP_Blackhole.
func TestTCP_Reasons(t *testing.T) {
	good, _, _, trust := certificate(t, time.Now().Add(100*24*time.Hour))
	expired, _, _, trustExpired := certificate(t, time.Now().Add(-time.Hour))
	// After these a server does TLS.
	smtp := func(last string, more ...targets.TCPTurn) probetest.Turns {
		return append(probetest.Turns{{Say: "220 mx ESMTP\r\n"}, {Hear: "\r\n", Say: "250-mx\r\n250 STARTTLS\r\n"}, {Hear: "STARTTLS\r\n", Say: last}}, more...)
	}
	for name, c := range map[string]struct {
		serve   probetest.Turns
		options string
		failure wire.Failure
		unmet   string // the option, or ""
	}{
		"connected":                       {probetest.Turns{{Hold: true}}, `{}`, "", ""},
		"connected, and closed at once":   {probetest.Turns{}, `{}`, "", ""},
		"slow":                            {probetest.Turns{{Hold: true}}, `{"within":"1ns"}`, wire.FailSlow, "within"},
		"answered":                        {probetest.Turns{{Hold: true}}, `{"invert":true}`, wire.FailAnswered, ""},
		"answered, not as wanted":         {probetest.Turns{{Say: "220 mx\r\n"}, {Hold: true}}, `{"expect":{"banner":"^554"},"invert":true}`, wire.FailAnswered, "expect.banner"},
		"silence where it is wanted":      {probetest.Turns{{Hold: true}}, `{"banner":true,"invert":true}`, "", ""},
		"no source address":               {probetest.Turns{}, `{"source":"192.0.2.77"}`, wire.BrokenLocal, ""},
		"a secret that is not there":      {probetest.Turns{}, `{"steps":[{"send":"${env:NETMON_TEST_NO_SUCH}"}]}`, wire.BrokenSecret, ""},
		"a secret of TLS not there":       {probetest.Turns{{TLS: good}, {Hold: true}}, `{"security":"tls","tls":{"ca":"${env:NETMON_TEST_NO_SUCH}"}}`, wire.BrokenSecret, ""},
		"banner":                          {probetest.Turns{{Say: "220 mx\r\n"}, {Hold: true}}, `{"banner":true}`, "", ""},
		"banner as expected":              {probetest.Turns{{Say: "220 mx\r\n"}, {Hold: true}}, `{"expect":{"banner":"^220 mx$"}}`, "", ""},
		"banner without a line's end":     {probetest.Turns{{Say: "\x4a\x00\x00\x00\x0a"}, {Hold: true}}, `{"banner":true}`, "", ""},
		"a banner dripping in":            {probetest.Turns{{Say: "220 mx\r\n", Drip: 5 * time.Millisecond}, {Hold: true}}, `{"expect":{"banner":"^220 mx$"}}`, "", ""},
		"mismatch by banner":              {probetest.Turns{{Say: "554 go away\r\n"}, {Hold: true}}, `{"expect":{"banner":"^220"}}`, wire.FailMismatch, "expect.banner"},
		"mismatch by a closed connection": {probetest.Turns{{Say: "554 go away\r\n"}}, `{"expect":{"banner":"^220"}}`, wire.FailMismatch, "expect.banner"},
		"mismatch by step":                {probetest.Turns{{Hear: "\n", Say: "no\r\n"}, {Hold: true}}, `{"steps":[{"send":"hello\n","expect":"yes"}]}`, wire.FailMismatch, "steps[0].expect"},
		"mismatch by text":                {probetest.Turns{{Hear: "\n", Say: "no\r\n"}, {Hold: true}}, `{"steps":[{"send":"hello\n","expect_text":"yes"}]}`, wire.FailMismatch, "steps[0].expect_text"},
		"mismatch by hex":                 {probetest.Turns{{Hear: "\n", Say: "no\r\n"}, {Hold: true}}, `{"steps":[{"send_hex":"0a","expect_hex":"00 01"}]}`, wire.FailMismatch, "steps[0].expect_hex"},
		"mismatch once the step waited":   {probetest.Turns{{Hear: "\n", Say: "no\r\n"}, {Hold: true}}, `{"steps":[{"send":"hello\n","expect":"yes","wait":"50ms"}]}`, wire.FailMismatch, "steps[0].expect"},
		"timeout, no banner":              {probetest.Turns{{Hold: true}}, `{"banner":true}`, wire.FailTimeout, ""},
		"timeout, no answer to a step":    {probetest.Turns{{Hold: true}}, `{"steps":[{"send":"hello\n","expect":"yes","wait":"50ms"}]}`, wire.FailTimeout, ""},
		"timeout, a slow drip":            {probetest.Turns{{Say: strings.Repeat("2", 1000), Drip: 5 * time.Millisecond}}, `{"expect":{"banner":"yes"}}`, wire.FailTimeout, ""},
		"timeout in the handshake":        {probetest.Turns{{Hold: true}}, `{"security":"tls"}`, wire.FailTimeout, ""},
		"timeout in STARTTLS":             {probetest.Turns{{Say: "220"}, {Hold: true}}, `{"starttls":"smtp"}`, wire.FailTimeout, ""},
		"reset before the banner":         {probetest.Turns{{Reset: true}}, `{"banner":true}`, wire.FailReset, ""},
		"reset after the banner":          {probetest.Turns{{Say: "220 mx\r\n"}, {Hear: "\n", Reset: true}}, `{"banner":true,"steps":[{"send":"hello\n","expect":"250"}]}`, wire.FailReset, ""},
		"reset in the handshake":          {probetest.Turns{{Hear: "\x16", Reset: true}}, `{"security":"tls"}`, wire.FailReset, ""},
		"closed before the banner":        {probetest.Turns{}, `{"banner":true}`, wire.FailClosed, ""},
		"closed after the banner":         {probetest.Turns{{Say: "220 mx\r\n"}, {Hear: "\n"}}, `{"banner":true,"steps":[{"send":"hello\n","expect":"250"}]}`, wire.FailClosed, ""},
		"closed in the handshake":         {probetest.Turns{{Hear: "\x16"}}, `{"security":"tls"}`, wire.FailClosed, ""},
		"closed in STARTTLS":              {probetest.Turns{{Say: "220 mx\r\n"}}, `{"starttls":"smtp"}`, wire.FailClosed, ""},
		"tls, a plain server":             {probetest.Turns{{Say: "220 mx ESMTP\r\n"}, {Hold: true}}, `{"security":"tls"}`, wire.FailTLS, ""},
		"tls, no common version":          {probetest.Turns{{TLS: &tls.Config{Certificates: good.Certificates, MaxVersion: tls.VersionTLS12}}, {Hear: "x"}}, `{"security":"tls","tls":{"min_version":"1.3"}}`, wire.FailTLS, ""},
		"tls, plain after the go-ahead":   {smtp("220 go\r\n", targets.TCPTurn{Hear: "\x16", Say: "250 plain\r\n"}, targets.TCPTurn{Hold: true}), `{"starttls":"smtp"}`, wire.FailTLS, ""},
		"certificate of nobody":           {probetest.Turns{{TLS: good}, {Hear: "x"}}, `{"security":"tls"}`, wire.FailCertificate, ""},
		"certificate expired":             {probetest.Turns{{TLS: expired}, {Hear: "x"}}, `{"security":"tls",` + trustExpired + `}`, wire.FailCertificate, ""},
		"certificate of another name":     {probetest.Turns{{TLS: good}, {Hear: "x"}}, `{"security":"tls","tls":{"server_name":"example.com",` + trust[7:] + `}`, wire.FailCertificate, ""},
		"mismatch by days left":           {probetest.Turns{{TLS: good}, {Hear: "x"}}, `{"security":"tls","expect":{"days_left":101},` + trust + `}`, wire.FailMismatch, "expect.days_left"},
		"limit, an endless banner":        {probetest.Turns{{Say: strings.Repeat("2", 1<<16), Again: true}}, `{"banner":true}`, wire.FailLimit, ""},
		"limit, an endless answer":        {probetest.Turns{{Say: strings.Repeat("no\r\n", 1<<14), Again: true}}, `{"steps":[{"expect":"yes"}]}`, wire.FailLimit, ""},
		"limit set low":                   {probetest.Turns{{Say: "12345"}, {Hold: true}}, `{"max_bytes":4,"expect":{"banner":"5"}}`, wire.FailLimit, ""},
		"limit, an endless greeting":      {probetest.Turns{{Say: strings.Repeat("220-mx\r\n", 1<<14), Again: true}}, `{"starttls":"smtp"}`, wire.FailLimit, ""},
		"bad answer, STARTTLS refused":    {smtp("454 not now\r\n"), `{"starttls":"smtp"}`, wire.FailBadAnswer, ""},
		"bad answer, garbage":             {probetest.Turns{{Say: "\x00\x01\x02\n"}}, `{"starttls":"smtp"}`, wire.FailBadAnswer, ""},
		"bad answer, an injection":        {smtp("220 go\r\n250 injected\r\n", targets.TCPTurn{TLS: good}, targets.TCPTurn{Hold: true}), `{"starttls":"smtp",` + trust + `}`, wire.FailBadAnswer, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := probetest.ServeTCP(t, c.serve...)
			begin := time.Now()
			timeout := 20 * time.Second
			if c.failure == wire.FailTimeout || c.failure == wire.FailMismatch || strings.Contains(c.options, `"invert"`) {
				timeout = 300 * time.Millisecond // which such a run may wait for
			}
			r := measureWithin(t, timeout, "tcp", s.Addr, c.options)
			if took := time.Since(begin); took > timeout+20*time.Second {
				t.Errorf("took %v", took)
			}
			outcome := wire.OK
			for _, f := range wire.Failures {
				if f.Failure == c.failure {
					outcome = f.Outcome
				}
			}
			probetest.WantFailure(t, r, outcome, c.failure)
			if got := ""; c.unmet != "" {
				for _, u := range r.Unmet {
					got += u.Expect
				}
				if got != c.unmet {
					t.Errorf("unmet %q, want %q", got, c.unmet)
				}
			}
			if d := probetest.DetailsOf[Details](t, r); c.unmet == "expect.banner" && (d.Banner == "" || d.BannerNS != nil) {
				t.Errorf("the banner does not show, or has met its expectation: %s", r.Details)
			}
			if len(r.Details) > 4000 || len(r.Error) > 1000 {
				t.Errorf("%d bytes of details, %d of error", len(r.Details), len(r.Error))
			}
		})
	}
}

func TestTCP_Refused(t *testing.T) {
	closed := probetest.ClosedTCP(t)
	r := measure(t, "tcp", closed, `{}`)
	probetest.WantFailure(t, r, wire.Failed, wire.FailRefused)
	if d := probetest.DetailsOf[Details](t, r); r.LatencyNS != nil || d.ConnectNS != 0 || d.BytesRead != nil || d.Info != nil {
		t.Errorf("figures of a connection that was none: %s", r.Details)
	}
	probetest.WantFailure(t, measure(t, "tcp", closed, `{"invert":true}`), wire.OK, "")
}

func TestTCP_Names(t *testing.T) {
	r := measure(t, "tcp", "example.com:25", `{"resolver":"`+probetest.ClosedUDP(t)+`"}`)
	probetest.WantFailure(t, r, wire.Broken, wire.BrokenResolver)
	s := probetest.ServeTCP(t, probetest.Turns{}...)
	_, port, _ := net.SplitHostPort(s.Addr)
	r = measure(t, "tcp", "localhost:"+port, `{}`) // ::1 may come first, where nobody listens
	probetest.WantFailure(t, r, wire.OK, "")
	if d := probetest.DetailsOf[Details](t, r); d.ResolveNS <= 0 || r.Address != "127.0.0.1" {
		t.Errorf("address %s, %s", r.Address, r.Details)
	}
}

// TestTCP_Dialogue uses all that steps can do.
func TestTCP_Dialogue(t *testing.T) {
	t.Setenv("NETMON_TEST_WORD", "open sesame")
	file := filepath.Join(t.TempDir(), "secret")
	os.WriteFile(file, []byte("s3same\n"), 0o600)
	s := probetest.ServeTCP(t, probetest.Turns{
		{Say: "+OK ready <1896.697@dbc>\r\n"},
		{Hear: "USER open sesame\r\n", Say: "+OK open sesame is welc"}, {After: 10 * time.Millisecond, Say: "ome\r\nticket=a1"}, {After: 10 * time.Millisecond, Say: "b2\r\n"},
		{Hear: "PASS s3same a1b2 <1896.697@dbc> ${x}\r\n", Say: "+OK\r\n+OK again\r\n"},
		{Hear: "\x00\x01", Say: "\xff\xfe\xfd"},
		{Hear: "QUIT 1896\r\n", Say: "+OK bye\r\n"},
	}...)
	options := fmt.Sprintf(`{
		"expect":{"banner":"^\\+OK .*(?P<stamp><(?P<first>\\d+)[^>]*>)$"},
		"steps":[
			{"name":"user","send":"USER ${env:NETMON_TEST_WORD}\r\n","expect":"^ticket=(?P<ticket>\\w+)$"},
			{"send":"PASS ${file:%s} ${capture:ticket} ${capture:stamp} $${x}\r\n","expect_text":"+OK"},
			{"expect":"^\\+OK again"},
			{"send_hex":"00 01","expect_hex":"fe:fd"}],
		"quit":"QUIT ${capture:first}\r\n","keep":["ticket"]}`, file)
	env := &probes.Env{}
	c, err := Kinds().New(env, "tcp", s.Addr, json.RawMessage(options))
	if err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	r := c.Run(t.Context(), 5*time.Second, func(s probes.Step) { said.WriteString(s.Text + "\n") })
	t.Log(said.String())
	probetest.WantFailure(t, r, wire.OK, "")
	d := probetest.DetailsOf[Details](t, r)
	if len(d.Captures) != 1 || d.Captures["ticket"] != "a1b2" || d.Banner != `"+OK ready <1896.697@dbc>\r\n"` || d.BannerNS == nil || d.BannerBytes != 26 {
		t.Errorf("%s", r.Details)
	}
	if len(d.Steps) != 4 || d.Steps[0].Name != "user" || d.Steps[1].Name != "step 2" || *d.Steps[0].NS < 18e6 || *d.Steps[2].NS > *d.Steps[0].NS || d.Steps[3].SentBytes != 2 || d.Steps[3].ReceivedBytes != 3 {
		t.Errorf("steps %s", r.Details)
	}
	if heard := s.Heard(); *d.BytesWritten != int64(len(heard)) || !strings.HasSuffix(heard, "QUIT 1896\r\n") {
		t.Errorf("%d bytes written, the server heard %q", *d.BytesWritten, heard)
	}
	for _, want := range []string{"> USER ***", "< +OK *** is welcome", "> PASS *** a1b2 <1896.697@dbc> ${x}", "< 0xff", "< +OK bye"} {
		if want = strings.Replace(want, "0x", "", 1); !strings.Contains(said.String(), want) {
			t.Errorf("--explain lacks %q", want)
		}
	}
	all, _ := json.Marshal(r)
	for _, secret := range []string{"sesame", "s3same"} {
		if strings.Contains(string(all)+said.String(), secret) {
			t.Errorf("the secret %s shows", secret)
		}
	}
}

// TestTCP_KeepsSecrets: also when the target gives them back, whole or in part.
func TestTCP_KeepsSecrets(t *testing.T) {
	const secret = "correct-horse-battery"
	t.Setenv("NETMON_TEST_WORD", secret)
	for name, reply := range map[string]string{
		"whole": "535 who is " + secret + "?\r\n", "cut": "535 who is " + secret[:15], "binary": "\x00\x01" + secret + "\xff",
	} {
		for _, step := range []string{
			`{"send":"${env:NETMON_TEST_WORD}\n","expect":"^250"}`,
			`{"send":"${env:NETMON_TEST_WORD}\n","expect_hex":"00ff00"}`,
			`{"send":"${env:NETMON_TEST_WORD}\n","expect":"(?s)(?P<all>.*)"}`,
		} {
			s := probetest.ServeTCP(t, probetest.Turns{{Hear: "\n", Say: reply}, {Hold: true}}...)
			c, err := Kinds().New(&probes.Env{}, "tcp", s.Addr, json.RawMessage(`{"steps":[`+step+`]}`))
			if err != nil {
				t.Fatal(err)
			}
			var said strings.Builder
			r := c.Run(t.Context(), 150*time.Millisecond, func(s probes.Step) { said.WriteString(s.Text + "\n") })
			all, _ := json.Marshal(r)
			for _, leak := range []string{"correct-horse", fmt.Sprintf("%x", "correct-horse"), fmt.Sprintf("%x", secret[8:])} {
				if strings.Contains(string(all)+said.String(), leak) {
					t.Errorf("%s, %s: %q stands in\n%s\n%s", name, step, leak, all, said.String())
				}
			}
		}
	}
}

func TestTCP_TLS(t *testing.T) {
	good, _, _, trust := certificate(t, time.Now().Add(100*24*time.Hour))
	good.NextProtos = []string{"postgresql"}
	s := probetest.ServeTCP(t, probetest.Turns{{TLS: good, Say: "* OK ready\r\n"}, {Hear: "a NOOP\r\n", Say: "a OK\r\n"}, {Hear: "LOGOUT"}}...)
	r := measure(t, "tcp", s.Addr, `{"security":"tls",`+trust+`,"alpn":["postgresql"],"expect":{"banner":"^\\* OK","version":"1.3","days_left":99,"alpn":"postgresql","subject":"localhost"},
		"steps":[{"send":"a NOOP\r\n","expect":"^a OK$"}],"quit":"LOGOUT"}`)
	probetest.WantFailure(t, r, wire.OK, "")
	d := probetest.DetailsOf[Details](t, r)
	if d.TLSNS == 0 || d.TLS.Version != "TLS 1.3" || r.CertExpires == nil || d.BannerBytes != 12 || *d.Steps[0].NS == 0 || *d.BytesRead < 500 {
		t.Errorf("%s", r.Details)
	}
	if r.Summary != `connected, TLS 1.3, 99 days left, 1 step, "* OK ready\r\n"` {
		t.Errorf("summary %q", r.Summary)
	}
	probetest.WantFailure(t, measure(t, "tcp", s.Addr, `{"security":"tls","tls":{"insecure":true}}`), wire.OK, "")
	// A server that wants a client's certificate says so after TLS 1.3's handshake.
	wants := good.Clone()
	wants.ClientAuth = tls.RequireAnyClientCert
	s = probetest.ServeTCP(t, probetest.Turns{{TLS: wants, Say: "hello\r\n"}, {Hold: true}}...)
	probetest.WantFailure(t, measure(t, "tcp", s.Addr, `{"security":"tls","tls":{"insecure":true},"banner":true}`), wire.Failed, wire.FailTLS)
	probetest.WantFailure(t, measure(t, "tcp", s.Addr, `{"security":"tls","tls":{"insecure":true}}`), wire.Failed, wire.FailTLS)
	probetest.WantFailure(t, measure(t, "tcp", s.Addr, `{"security":"tls","tls":{"insecure":true},"quit":"bye"}`), wire.Failed, wire.FailTLS)
}

// TestTCP_Clock: where the kernel measured the handshake its word is the latency.
func TestTCP_Clock(t *testing.T) {
	s := probetest.ServeTCP(t, probetest.Turns{{Say: "hello\r\n"}, {Hold: true}}...)
	r := measure(t, "tcp", s.Addr, `{"banner":true}`)
	d := probetest.DetailsOf[Details](t, r)
	if d.Info == nil {
		if r.Clock != engine.ClockUser || d.ConnectNS != d.ConnectUserNS {
			t.Errorf("%s", r.Details)
		}
		return
	}
	if r.Clock != engine.ClockTCPInfo || *r.LatencyNS != d.ConnectNS || d.ConnectNS <= 0 || d.ConnectNS > d.ConnectUserNS || d.ConnectNS%1000 != 0 || d.Info.MSS == 0 || d.Info.RTTNS == 0 {
		t.Errorf("clock %q, latency %d, %s", r.Clock, *r.LatencyNS, r.Details)
	}

	var run probes.Run
	for name, c := range map[string]struct {
		took  time.Duration
		info  *engine.TCPInfo
		want  time.Duration
		clock string
	}{
		"the kernel does not tell":         {5 * time.Millisecond, nil, 5 * time.Millisecond, engine.ClockUser},
		"the kernel has no round trip":     {5 * time.Millisecond, &engine.TCPInfo{}, 5 * time.Millisecond, engine.ClockUser},
		"the kernel's time":                {5 * time.Millisecond, &engine.TCPInfo{RTTNS: 4e6}, 4 * time.Millisecond, engine.ClockTCPInfo},
		"a SYN that was lost":              {time.Second, &engine.TCPInfo{RTTNS: 4e6, Retransmits: 1}, time.Second, engine.ClockUser},
		"a time that cannot be the SYN's":  {5 * time.Millisecond, &engine.TCPInfo{RTTNS: 6e6}, 5 * time.Millisecond, engine.ClockUser},
		"a round trip of the same instant": {4 * time.Millisecond, &engine.TCPInfo{RTTNS: 4e6}, 4 * time.Millisecond, engine.ClockTCPInfo},
	} {
		var d Details
		if d.connected(&run, c.took, c.info); d.ConnectNS != int64(c.want) || d.Clock != c.clock || d.ConnectUserNS != int64(c.took) {
			t.Errorf("%s: %+v, want %v by %s", name, d, c.want, c.clock)
		}
	}
}

func TestTCP_Golden(t *testing.T) {
	good, _, _, trust := certificate(t, time.Now().Add(100*24*time.Hour))
	s := probetest.ServeTCP(t, probetest.Turns{{Say: "220 mx ESMTP\r\n"}, {Hear: "\n", Say: "250-mx\r\n250 STARTTLS\r\n"}, {Hear: "STARTTLS\r\n", Say: "220 go\r\n"},
		{TLS: good, Hear: "\n", Say: "250-mx\r\n250 SIZE 1000\r\n"}, {Hear: "\n", Say: "502 what\r\n"}, {Hear: "QUIT\r\n", Say: "221 bye\r\n"}}...)
	r := measure(t, "tcp", s.Addr, `{"starttls":"smtp",`+trust+`,"expect":{"banner":"^220 (?P<host>\\S+)","days_left":120},"keep":["host"],
		"steps":[{"name":"hello","send":"EHLO me\r\n","expect":"^250 SIZE (?P<size>\\d+)$"},{"send":"NOOP\r\n","expect":"^250","wait":"200ms"}]}`)
	probetest.Golden(t, r, map[string]string{
		`("(mss|pmtu|bytes_read|bytes_written)": )\d+`: "${1}1",
		`("retransmits": )\d+`:                         "${1}0", // a busy machine has some
		`"clock": "(tcp_info|user)"`:                   `"clock": "tcp_info"`,
		`("cipher": )"[^"]*"`:                          `${1}"x"`,
	})
}

func TestTCP_RefusesBadOptions(t *testing.T) {
	for target, want := range map[string]string{
		"example.com":    `target: want host:port, got "example.com": the port is missing: write example.com:PORT`,
		"example.com:0":  `target: want host:port, got "example.com:0": the port must be 1 to 65535`,
		":22":            `target: want host:port, got ":22": the host is missing`,
		"exa mple.com:1": `target: want host:port, got "exa mple.com:1": "exa mple.com" is not a host name`,
	} {
		if got := refused(t, "tcp", target, ""); got != want {
			t.Errorf("%q gives %q, want %q", target, got, want)
		}
	}
	for options, want := range map[string]string{
		`{"security":"ssl"}`:                       `options.security: want none, tls or starttls, got "ssl"`,
		`{"starttls":"nntp"}`:                      `options.starttls: want one of smtp, imap, pop3, ftp, xmpp-client, postgres, ldap, got "nntp"`,
		`{"security":"starttls"}`:                  `options.starttls: port 9 does not imply a protocol: want one of smtp, imap, pop3, ftp, xmpp-client, postgres, ldap`,
		`{"security":"tls","starttls":"smtp"}`:     `options.starttls: "smtp" has no meaning with security "tls"`,
		`{"starttls":"ldap","banner":true}`:        `options.banner: ldap has no greeting`,
		`{"expect":{"days_left":3,"version":"4"}}`: "options.expect.days_left: has no meaning without TLS: want security tls or starttls, got \"none\"\noptions.expect.version: has no meaning without TLS: want security tls or starttls, got \"none\"\noptions.expect.version: want 1.0, 1.1, 1.2 or 1.3, got \"4\"",
		`{"tls":{"insecure":true}}`:                `options.tls: has no meaning without TLS: want security tls or starttls, got "none"`,
		`{"security":"tls","alpn":[""]}`:           `options.alpn[0]: want 1 to 255 bytes, got ""`,
		`{"max_bytes":0}`:                          `options.max_bytes: want 1 to 262144, got 0`,
		`{"expect":{"banner":"("}}`:                "options.expect.banner: want a regular expression, got \"(\": error parsing regexp: missing closing ): `(`",
		`{"steps":[{}]}`:                           `options.steps[0].send: the step does nothing: want something to send or to expect`,
		`{"steps":[{"send":"a","send_hex":"61"},{"expect":"a","expect_hex":"61"}]}`:    "options.steps[0].send: want send or send_hex, got both\noptions.steps[1].expect: want one of expect, expect_text and expect_hex, got 2 of them",
		`{"steps":[{"send_hex":"6"}]}`:                                                 `options.steps[0].send_hex: want pairs of hex digits, got "6": encoding/hex: odd length hex string`,
		`{"steps":[{"expect_hex":" "}]}`:                                               `options.steps[0].expect_hex: want pairs of hex digits, got " "`,
		`{"steps":[{"expect":"["}]}`:                                                   "options.steps[0].expect: want a regular expression, got \"[\": error parsing regexp: missing closing ]: `[`",
		`{"steps":[{"send":"${home}"}]}`:                                               `options.steps[0].send: want ${env:NAME}, ${file:PATH} or ${capture:NAME}, or $${ for the text itself, got "${home}"`,
		`{"steps":[{"send":"${env:A"}]}`:                                               `options.steps[0].send: want ${env:NAME}, ${file:PATH} or ${capture:NAME}, or $${ for the text itself, got "${env:A"`,
		`{"steps":[{"send":"${capture:x}","expect":"(?P<x>.)"}],"keep":["y"]}`:         "options.steps[0].send: no earlier step captures \"x\"\noptions.keep[0]: no step captures \"y\"",
		`{"steps":[{"expect":"a","wait":"-1s"},{"send":"a","wait":"1s"}]}`:             "options.steps[0].wait: want a positive duration, got \"-1s\"\noptions.steps[1].wait: has no meaning in a step that expects nothing",
		`{"steps":[` + strings.Repeat(`{"send":"a"},`, maxSteps) + `{"send":"b"}]}`:    `options.steps: want at most 20, got 21`,
		`{"steps":[{"send":"` + strings.Repeat("a", maxSend+1) + `"}],"quit":"${a:}"}`: "options.steps[0].send: want at most 65536 bytes, got 65537\noptions.quit: want ${env:NAME}, ${file:PATH} or ${capture:NAME}, or $${ for the text itself, got \"${a:}\"",
	} {
		if got := refused(t, "tcp", "127.0.0.1:9", options); got != want {
			t.Errorf("%.300s gives\n%s\nwant\n%s", options, got, want)
		}
	}
}

// TestTCP_Find: where a match ends in what came, line ends as they are.
func TestTCP_Find(t *testing.T) {
	for _, c := range []struct {
		regex, text, rest string
		ok                bool
	}{
		{`^250 ok$`, "250-a\r\n250 ok\r\nmore", "\r\nmore", true},
		{`a$`, "a\r\n", "\r\n", true},
		{"a\r\n", "a\r\nb", "b", true},
		{`^b$`, "a\r\nb\r\n", "\r\n", true},
		{`^b$`, "a\rb\r\n", "", false},
		{`(?s)a.*d$`, "a\r\nb\r\nc\rd\r\n", "\r\n", true},
		{`x`, "abc", "", false},
	} {
		re, err := tcpRegexp(c.regex)
		if err != nil {
			t.Fatal(err)
		}
		end, _, ok := (&expectation{regex: re}).find([]byte(c.text))
		if ok != c.ok || ok && c.text[end:] != c.rest {
			t.Errorf("%q in %q: %v, then %q, want %v, %q", c.regex, c.text, ok, c.text[end:], c.ok, c.rest)
		}
	}
}
