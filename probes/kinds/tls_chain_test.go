//go:debug x509negativeserial=1

package kinds

import (
	"bufio"
	"crypto/tls"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ocsp"

	"netmon/internal/probetest"
	"netmon/internal/testcert"
	"netmon/probes/tlsconf"
	"netmon/wire"
)

// serveChain answers one HTTP response to whoever asks, and before that speaks
// POP3 up to STLS when told to.
func serveChain(t *testing.T, config *tls.Config, starttls bool) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				if starttls {
					io.WriteString(conn, "+OK\r\n")
					if s, _ := bufio.NewReader(conn).ReadString('\n'); s != "STLS\r\n" {
						return
					}
					io.WriteString(conn, "+OK\r\n")
				}
				c := tls.Server(conn, config)
				if c.Handshake() != nil {
					return
				}
				if starttls {
					io.Copy(io.Discard, c)
					return
				}
				if _, err := c.Read(make([]byte, 4096)); err == nil {
					io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
				}
			}()
		}
	}()
	return l.Addr().String()
}

// overTLS are the ways to a handshake of each kind that makes one: how a monitor
// asks for it, with what is in its tls.
var overTLS = map[string]struct {
	kind     string
	starttls bool
	target   func(addr string) string
	options  string // before tls
}{
	"tls":      {"tls", false, func(a string) string { return a }, ``},
	"https":    {"https", false, func(a string) string { return "https://" + a + "/" }, ``},
	"tcp":      {"tcp", false, func(a string) string { return a }, `"security":"tls",`},
	"starttls": {"tcp", true, func(a string) string { return a }, `"starttls":"pop3",`},
	// The answer is none; the handshake is over by then.
	"dns over TLS":   {"dns", false, func(a string) string { return "x.example@" + a }, `"transport":"tls",`},
	"dns over HTTPS": {"dns", false, func(a string) string { return "x.example@" + a }, `"transport":"https",`},
}

// figuresOf measures in one of these ways and returns the result with its
// figures of TLS.
func figuresOf(t *testing.T, way string, config *tls.Config, inTLS, expect string) (wire.Result, tlsconf.Figures, string) {
	t.Helper()
	w := overTLS[way]
	addr := serveChain(t, config, w.starttls)
	r := measureWithin(t, 20*time.Second, w.kind, w.target(addr), `{`+w.options+`"tls":{`+inTLS+`}`+expect+`}`)
	return r, probetest.DetailsOf[struct {
		TLS tlsconf.Figures `json:"tls"`
	}](t, r).TLS, addr
}

// TestEveryKind_UsedChain: what ends first is looked for in the chain that
// verified, whatever else the server sends, and by every kind that speaks TLS.
func TestEveryKind_UsedChain(t *testing.T) {
	oldRoot := testcert.New(t, "Old Root", -4000, -30, nil, testcert.CA)
	root := testcert.New(t, "Root", -1000, 4000, nil, testcert.CA)
	lateRoot := testcert.New(t, "Late Root", -1000, 6, nil, testcert.CA)
	cross := testcert.New(t, "Root", -1000, -30, oldRoot, testcert.KeyOf(root))
	shortCross := testcert.New(t, "Root", -1000, 3, lateRoot, testcert.KeyOf(root))
	olderSelf := testcert.New(t, "Root", -1000, -2, nil, testcert.KeyOf(root))
	inter := testcert.New(t, "Inter", -100, 1000, root, testcert.CA)
	short := testcert.New(t, "Short Inter", -100, 5, root, testcert.CA)
	stranger := testcert.New(t, "Stranger", -100, -50, nil, testcert.CA)
	leaf := testcert.New(t, "leaf", -10, 80, inter, testcert.Server)
	ofShort := testcert.New(t, "leaf", -10, 80, short, testcert.Server)
	ofLate := testcert.New(t, "leaf", -10, 80, lateRoot, testcert.Server)
	for name, c := range map[string]struct {
		serve  *tls.Config
		trust  []*testcert.Cert
		days   int
		of     string // role and subject
		unused []int
		notes  []string // a part of each
	}{
		"nothing odd":                        {testcert.Chain(leaf, inter), []*testcert.Cert{root}, 80, " ", nil, nil},
		"an expired cross-sign":              {testcert.Chain(leaf, inter, cross), []*testcert.Cert{root}, 80, " ", []int{2}, []string{"sends 'CN=Root', issued by 'CN=Old Root', which ends on"}},
		"the same, out of order":             {testcert.Chain(leaf, cross, inter), []*testcert.Cert{root}, 80, " ", []int{1}, []string{"issued by 'CN=Old Root'"}},
		"an expired root of no relation":     {testcert.Chain(leaf, inter, oldRoot), []*testcert.Cert{root}, 80, " ", []int{2}, []string{"sends 'CN=Old Root'"}},
		"an expired stranger":                {testcert.Chain(leaf, stranger, inter), []*testcert.Cert{root}, 80, " ", []int{1}, []string{"sends 'CN=Stranger'"}},
		"the root":                           {testcert.Chain(leaf, inter, root), []*testcert.Cert{root}, 80, " ", nil, nil},
		"an older certificate of the root":   {testcert.Chain(leaf, inter, olderSelf), []*testcert.Cert{root}, 80, " ", []int{2}, []string{"sends 'CN=Root', issued by 'CN=Root'"}},
		"one of them twice":                  {testcert.Chain(leaf, leaf, inter), []*testcert.Cert{root}, 80, " ", []int{1}, nil},
		"an issuer that ends first":          {testcert.Chain(ofShort, short), []*testcert.Cert{root}, 5, "issuer CN=Short Inter", nil, nil},
		"a root that ends first":             {testcert.Chain(ofLate), []*testcert.Cert{lateRoot}, 6, "root CN=Late Root", nil, nil},
		"two roots, and the longer way":      {testcert.Chain(leaf, inter, shortCross), []*testcert.Cert{root, lateRoot}, 80, " ", []int{2}, []string{"issued by 'CN=Late Root'"}},
		"a cross-sign that is the only way":  {testcert.Chain(leaf, inter, shortCross), []*testcert.Cert{lateRoot}, 3, "issuer CN=Root", nil, nil},
		"the server's own, trusted directly": {testcert.Chain(leaf), []*testcert.Cert{leaf}, 80, " ", nil, nil},
	} {
		for way := range overTLS {
			t.Run(name+"/"+way, func(t *testing.T) {
				t.Parallel()
				r, f, _ := figuresOf(t, way, c.serve, testcert.Trust(t, c.trust...), ``)
				if overTLS[way].kind != "dns" {
					probetest.WantFailure(t, r, wire.OK, "")
				}
				if f.VerifyError != "" || r.CertExpires == nil || !r.CertExpires.Equal(f.Expires) {
					t.Fatalf("verify error %q, expires %v and %v", f.VerifyError, r.CertExpires, f.Expires)
				}
				if got := f.DaysLeft(time.Now()); got != c.days || f.ExpiresRole+" "+f.ExpiresOf != c.of {
					t.Errorf("%d days left by %s %s, want %d by %s", got, f.ExpiresRole, f.ExpiresOf, c.days, c.of)
				}
				var unused []int
				for i, told := range f.Chain {
					if told.Unused {
						unused = append(unused, i)
					}
				}
				if !slices.Equal(unused, c.unused) {
					t.Errorf("unused %v, want %v", unused, c.unused)
				}
				wantNotes(t, f.Notes, c.notes)
			})
		}
	}
}

func wantNotes(t *testing.T, notes, want []string) {
	t.Helper()
	if len(notes) != len(want) {
		t.Errorf("notes %q, want %q", notes, want)
		return
	}
	for i := range want {
		if !strings.Contains(notes[i], want[i]) {
			t.Errorf("note %q, want %q in it", notes[i], want[i])
		}
	}
}

// TestEveryKind_DaysLeftNames: what does not last names the host and the certificate.
func TestEveryKind_DaysLeftNames(t *testing.T) {
	root := testcert.New(t, "Root", -1000, 4000, nil, testcert.CA)
	lateRoot := testcert.New(t, "Late Root", -1000, 6, nil, testcert.CA)
	short := testcert.New(t, "Short Inter", -100, 5, root, testcert.CA)
	unnamed := testcert.New(t, "", -10, 4, root, testcert.Server)
	for name, c := range map[string]struct {
		serve *tls.Config
		trust *testcert.Cert
		want  string
	}{
		"the server's":                 {testcert.Chain(testcert.New(t, "leaf", -10, 4, root, testcert.Server)), root, "4: ADDR has 4 days left by the server's certificate 'CN=leaf'"},
		"one day":                      {testcert.Chain(testcert.New(t, "leaf", -10, 1, root, testcert.Server)), root, "1: ADDR has 1 day left by the server's certificate 'CN=leaf'"},
		"the server's without subject": {testcert.Chain(unnamed), root, "4: ADDR has 4 days left by the server's certificate 'localhost'"},
		"an issuer's":                  {testcert.Chain(testcert.New(t, "leaf", -10, 80, short, testcert.Server), short), root, "5: ADDR has 5 days left by the certificate of the issuer 'CN=Short Inter'"},
		"the root's":                   {testcert.Chain(testcert.New(t, "leaf", -10, 80, lateRoot, testcert.Server)), lateRoot, "6: ADDR has 6 days left by the certificate of the root 'CN=Late Root'"},
	} {
		for _, way := range []string{"tls", "https", "tcp", "starttls"} {
			t.Run(name+"/"+way, func(t *testing.T) {
				t.Parallel()
				r, _, addr := figuresOf(t, way, c.serve, testcert.Trust(t, c.trust), `,"expect":{"days_left":14}`)
				probetest.WantFailure(t, r, wire.Failed, wire.FailMismatch)
				want := strings.ReplaceAll(c.want, "ADDR", addr)
				if len(r.Unmet) != 1 || r.Unmet[0].Expect != "expect.days_left" || r.Unmet[0].Got != want {
					t.Errorf("unmet %+v, want %q", r.Unmet, want)
				}
				if strings.Contains(c.want, "issuer") && way != "https" && !strings.Contains(r.Summary, "5 days left by the certificate of the issuer 'CN=Short Inter'") {
					t.Errorf("summary %q", r.Summary)
				}
			})
		}
	}
}

// TestTLS_UnverifiedChain: where nothing vouches for the certificates, what a
// client needs of them decides.
func TestTLS_UnverifiedChain(t *testing.T) {
	oldRoot := testcert.New(t, "Old Root", -4000, -30, nil, testcert.CA)
	root := testcert.New(t, "Root", -1000, 4000, nil, testcert.CA)
	shortRoot := testcert.New(t, "Short Root", -1000, 7, nil, testcert.CA)
	cross := testcert.New(t, "Root", -1000, -30, oldRoot, testcert.KeyOf(root))
	inter := testcert.New(t, "Inter", -100, 1000, root, testcert.CA)
	short := testcert.New(t, "Short Inter", -100, 5, root, testcert.CA)
	expired := testcert.New(t, "Expired Inter", -100, -5, root, testcert.CA)
	sub := testcert.New(t, "Sub", -100, 90, short, testcert.CA)
	leaf := testcert.New(t, "leaf", -10, 80, inter, testcert.Server)
	elsewhere := testcert.New(t, "elsewhere", -10, 80, inter, func(c *testcert.Cert) { c.DNSNames = []string{"elsewhere.example"} })
	for name, c := range map[string]struct {
		serve *tls.Config
		trust *testcert.Cert // nil: of no relation
		days  int
		fault string
	}{
		"an unknown authority, and an expired cross-sign": {testcert.Chain(leaf, inter, cross), nil, 80, tlsconf.FaultUnknown},
		"the same, out of order":                          {testcert.Chain(leaf, cross, inter), nil, 80, tlsconf.FaultUnknown},
		"its issuer ends first":                           {testcert.Chain(testcert.New(t, "leaf", -10, 80, short, testcert.Server), short), nil, 5, tlsconf.FaultUnknown},
		"its issuer's issuer ends first":                  {testcert.Chain(testcert.New(t, "leaf", -10, 80, sub, testcert.Server), sub, short, root), nil, 5, tlsconf.FaultUnknown},
		"an unknown root is sent, and ends first":         {testcert.Chain(testcert.New(t, "leaf", -10, 80, shortRoot, testcert.Server), shortRoot), nil, 80, tlsconf.FaultUnknown},
		"its issuer has expired":                          {testcert.Chain(testcert.New(t, "leaf", -10, 80, expired, testcert.Server), expired), root, -5, tlsconf.FaultExpired},
		"the same, and nobody knows the root":             {testcert.Chain(testcert.New(t, "leaf", -10, 80, expired, testcert.Server), expired), nil, -5, tlsconf.FaultExpired},
		"another name, and an expired cross-sign":         {testcert.Chain(elsewhere, inter, cross), root, 80, tlsconf.FaultName},
		"it has expired, with a cross-sign that has, too": {testcert.Chain(testcert.New(t, "leaf", -10, -2, inter, testcert.Server), inter, cross), root, -2, tlsconf.FaultExpired},
		"self-signed": {testcert.Chain(testcert.New(t, "leaf", -10, 80, nil, testcert.Server)), nil, 80, tlsconf.FaultSelfSigned},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			trust := testcert.Trust(t, testcert.New(t, "Nobody", -10, 10, nil, testcert.CA))
			if c.trust != nil {
				trust = testcert.Trust(t, c.trust)
			}
			for _, insecure := range []bool{true, false} {
				more, outcome, failure := ``, wire.Failed, wire.FailCertificate
				if insecure {
					more, outcome, failure = `,"insecure":true`, wire.OK, wire.Failure("")
				}
				r, f, _ := figuresOf(t, "tls", c.serve, trust+more, ``)
				probetest.WantFailure(t, r, outcome, failure)
				if strings.HasPrefix(name, "an unknown authority") {
					wantNotes(t, f.Notes, []string{"sends 'CN=Root', issued by 'CN=Old Root', which ends on"})
				}
				if got := f.DaysLeft(time.Now()); got != c.days || f.VerifyFault != c.fault || f.VerifyError == "" {
					t.Errorf("insecure %v: %d days left, fault %q: %s; want %d, %q", insecure, got, f.VerifyFault, f.VerifyError, c.days, c.fault)
				}
			}
		})
	}
}

// TestTLS_StapleOfTheIssuer: a stapled response is checked with the issuer, which
// is not always the second certificate that is sent.
func TestTLS_StapleOfTheIssuer(t *testing.T) {
	root := testcert.New(t, "Root", -1000, 4000, nil, testcert.CA)
	inter := testcert.New(t, "Inter", -100, 1000, root, testcert.CA)
	stranger := testcert.New(t, "Stranger", -100, 50, nil, testcert.CA)
	leaf := testcert.New(t, "leaf", -10, 80, inter, testcert.Server)
	staple, err := ocsp.CreateResponse(inter.Certificate, inter.Certificate, ocsp.Response{Status: ocsp.Good, SerialNumber: leaf.SerialNumber,
		ThisUpdate: time.Now().Add(-time.Hour), NextUpdate: time.Now().Add(time.Hour)}, inter.Key)
	if err != nil {
		t.Fatal(err)
	}
	serve := testcert.Chain(leaf, stranger, inter)
	serve.Certificates[0].OCSPStaple = staple
	for _, inTLS := range []string{testcert.Trust(t, root), `"insecure":true`} {
		r, f, _ := figuresOf(t, "tls", serve, inTLS, ``)
		probetest.WantFailure(t, r, wire.OK, "")
		if f.OCSP != "good" {
			t.Errorf("staple %q, want good", f.OCSP)
		}
	}
}
