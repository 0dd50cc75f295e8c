package kinds

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"math/big"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"netmon/internal/probetest"
	"netmon/internal/testcert"
	"netmon/probes/tlsconf"
	"netmon/wire"
)

// TestTLS_Faults: what is wrong with certificates is reported with the one that is
// meant, in a word and in a sentence.
func TestTLS_Faults(t *testing.T) {
	root := testcert.New(t, "Root", -1000, 4000, nil, testcert.CA)
	oldRoot := testcert.New(t, "Old Root", -4000, -30, nil, testcert.CA)
	cross := testcert.New(t, "Root", -1000, -30, oldRoot, testcert.KeyOf(root))
	namesake := testcert.New(t, "Root", -1000, 4000, nil, testcert.CA)
	inter := testcert.New(t, "Inter", -100, 1000, root, testcert.CA)
	impostor := testcert.New(t, "Inter", -100, 1000, root, testcert.CA)
	expired := testcert.New(t, "Expired Inter", -100, -5, root, testcert.CA)
	future := testcert.New(t, "Future Inter", 3, 100, root, testcert.CA)
	noCA := testcert.New(t, "No Authority", -100, 100, root, testcert.Server)
	pathLen := testcert.New(t, "No Issuers Below", -100, 100, root, func(c *testcert.Cert) { testcert.CA(c); c.MaxPathLenZero = true })
	below := testcert.New(t, "Below", -100, 100, pathLen, testcert.CA)
	others := testcert.New(t, "Others Only", -100, 100, root, func(c *testcert.Cert) {
		testcert.CA(c)
		c.PermittedDNSDomains, c.PermittedDNSDomainsCritical = []string{"example.org"}, true
	})
	leafOf := func(parent *testcert.Cert, from, to int, change func(*testcert.Cert)) *testcert.Cert {
		return testcert.New(t, "leaf", from, to, parent, func(c *testcert.Cert) {
			testcert.Server(c)
			if change != nil {
				change(c)
			}
		})
	}
	good := leafOf(inter, -10, 80, nil)
	for name, c := range map[string]struct {
		serve *tls.Config
		trust *testcert.Cert
		fault string
		says  string
	}{
		"its own has expired":            {testcert.Chain(leafOf(inter, -100, -1, nil), inter), root, tlsconf.FaultExpired, "the server's certificate 'CN=leaf' expired on 20"},
		"an issuer's has expired":        {testcert.Chain(leafOf(expired, -10, 80, nil), expired), root, tlsconf.FaultExpired, "the certificate of the issuer 'CN=Expired Inter' expired on 20"},
		"both have":                      {testcert.Chain(leafOf(expired, -100, -1, nil), expired), root, tlsconf.FaultExpired, "UTC; the certificate of the issuer 'CN=Expired Inter' expired on 20"},
		"the trusted root's has expired": {testcert.Chain(leafOf(oldRoot, -10, 80, nil)), oldRoot, tlsconf.FaultExpired, "the certificate of the root 'CN=Old Root' expired on 20"},
		"its own is of the future":       {testcert.Chain(leafOf(inter, 2, 80, nil), inter), root, tlsconf.FaultNotYet, "the server's certificate 'CN=leaf' is not valid before 20"},
		"an issuer's is":                 {testcert.Chain(leafOf(future, -10, 80, nil), future), root, tlsconf.FaultNotYet, "the certificate of the issuer 'CN=Future Inter' is not valid before 20"},
		"self-signed":                    {testcert.Chain(leafOf(nil, -10, 80, nil)), root, tlsconf.FaultSelfSigned, "the server's certificate 'CN=leaf' is self-signed, and not among the trusted ones"},
		"a missing intermediate":         {testcert.Chain(good), root, tlsconf.FaultMissing, "the server does not send the certificate of its issuer 'CN=Inter'"},
		"another one instead":            {testcert.Chain(good, others), root, tlsconf.FaultMissing, "the server does not send the certificate of its issuer 'CN=Inter'"},
		"an unknown root, which is sent": {testcert.Chain(good, inter, root), oldRoot, tlsconf.FaultUnknown, "unknown authority: the root 'CN=Root', which the server sends, is not among the trusted ones"},
		"an unknown root, which is not":  {testcert.Chain(good, inter), oldRoot, tlsconf.FaultUnknown, "unknown authority: 'CN=Root', the issuer of 'CN=Inter', is not among the trusted ones"},
		"a cross-sign by an unknown one": {testcert.Chain(good, inter, cross), noCA, tlsconf.FaultUnknown, "unknown authority: 'CN=Old Root', the issuer of 'CN=Root', is not among the trusted ones"},
		"a trusted namesake":             {testcert.Chain(good, inter), namesake, tlsconf.FaultUnknown, "unknown authority: the issuer of 'CN=Inter' is 'CN=Root', and the trusted certificate of that name has another key"},
		"a namesake of the issuer":       {testcert.Chain(good, impostor), root, tlsconf.FaultUnknown, "the certificate that the server sends for the issuer 'CN=Inter' does not have the key that signed 'CN=leaf'"},
		"an issuer that is no authority": {testcert.Chain(leafOf(noCA, -10, 80, nil), noCA), root, tlsconf.FaultNotAllowed, "the certificate of the issuer 'CN=No Authority' may not sign others"},
		"an issuer too many":             {testcert.Chain(leafOf(below, -10, 80, nil), below, pathLen), root, tlsconf.FaultNotAllowed, "the certificate of the issuer 'CN=No Issuers Below' allows fewer issuers below it"},
		"an issuer for other names":      {testcert.Chain(leafOf(others, -10, 80, nil), others), root, tlsconf.FaultNotAllowed, "an issuer of the server's certificate 'CN=leaf' may not sign for its names"},
		"a client's certificate":         {testcert.Chain(leafOf(inter, -10, 80, func(c *testcert.Cert) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} }), inter), root, tlsconf.FaultNotAllowed, "the server's certificate 'CN=leaf', or that of an issuer, is not for servers"},
		"a critical extension": {testcert.Chain(leafOf(inter, -10, 80, func(c *testcert.Cert) {
			c.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 2, 3, 4}, Critical: true, Value: []byte{5, 0}}}
		}), inter), root, tlsconf.FaultNotAllowed, "the server's certificate 'CN=leaf' has a critical extension that is not known here: [1.2.3.4]"},
		"another name": {testcert.Chain(leafOf(inter, -10, 80, func(c *testcert.Cert) { c.IPAddresses, c.DNSNames = nil, []string{"a.example", "b.example"} }), inter), root, tlsconf.FaultName, "the server's certificate 'CN=leaf' is not for 127.0.0.1: it is for a.example, b.example"},
		"very many other names": {testcert.Chain(leafOf(inter, -10, 80, func(c *testcert.Cert) {
			c.IPAddresses, c.DNSNames = nil, strings.Split(strings.Repeat("a.example ", 99)+"b", " ")
		}), inter), root, tlsconf.FaultName, "a.example and 95 more"},
		"no name but the common one":      {testcert.Chain(leafOf(inter, -10, 80, func(c *testcert.Cert) { c.IPAddresses, c.DNSNames = nil, nil }), inter), root, tlsconf.FaultName, "it has no subject alternative name, and a common name does not count"},
		"SHA-1":                           {testcert.Chain(sha1Leaf(t, inter), inter), root, tlsconf.FaultWeak, "the server's certificate 'CN=leaf' is signed with ECDSA-SHA1, which is no longer accepted"},
		"a subject made to deceive":       {testcert.Chain(testcert.New(t, "x\x1b[2J\nok "+strings.Repeat("y", 200), -10, -1, root, testcert.Server)), root, tlsconf.FaultExpired, `the server's certificate 'CN=x\x1b[2J\nok yyy`},
		"a mutual cross-sign, and no end": {mutual(t), root, tlsconf.FaultUnknown, "unknown authority"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, way := range []string{"tls", "https", "starttls", "dns over TLS"} {
				r, f, _ := figuresOf(t, way, c.serve, testcert.Trust(t, c.trust), ``)
				probetest.WantFailure(t, r, wire.Failed, wire.FailCertificate)
				if !strings.Contains(r.Error, c.says) {
					t.Errorf("%s: error %q, want %q in it", way, r.Error, c.says)
				}
				if f.VerifyFault != c.fault || f.VerifyError == "" || len(f.Chain) == 0 || r.CertExpires == nil {
					t.Errorf("%s: fault %q, want %q, with the chain and its end: %+v", way, f.VerifyFault, c.fault, f)
				}
				if strings.Contains(r.Error, "x509: ") || strings.Contains(r.Error, "handshake") || len(r.Error) > 700 {
					t.Errorf("%s: error %q", way, r.Error)
				}
			}
		})
	}
}

// sha1Leaf is a server's certificate whose signature is too weak.
func sha1Leaf(t *testing.T, parent *testcert.Cert) *testcert.Cert {
	return testcert.New(t, "leaf", -10, 80, parent, func(c *testcert.Cert) {
		testcert.Server(c)
		c.SignatureAlgorithm = x509.ECDSAWithSHA1
	})
}

// mutual is a chain of two authorities that signed each other.
func mutual(t *testing.T) *tls.Config {
	a := testcert.New(t, "A", -100, 100, nil, testcert.CA)
	b := testcert.New(t, "B", -100, 100, a, testcert.CA)
	ab := testcert.New(t, "A", -100, 100, b, testcert.KeyOf(a))
	return testcert.Chain(testcert.New(t, "leaf", -10, 80, b, testcert.Server), b, ab)
}

// TestTLS_KeyFigures: kind and size of each key, and what it is signed with.
func TestTLS_KeyFigures(t *testing.T) {
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	with := func(key crypto.Signer) func(*testcert.Cert) {
		return func(c *testcert.Cert) { testcert.CA(c); c.Key = key }
	}
	root := testcert.New(t, "Root", -1000, 4000, nil, with(rsaKey))
	second := testcert.New(t, "Second", -100, 100, root, with(p384))
	third := testcert.New(t, "Third", -100, 100, second, with(ed))
	_, f, _ := figuresOf(t, "tls", testcert.Chain(testcert.New(t, "leaf", -10, 80, third, testcert.Server), third, second, root), testcert.Trust(t, root), ``)
	var got []string
	for _, c := range f.Chain {
		got = append(got, c.KeyText()+", "+c.Signature)
	}
	want := []string{"ECDSA, 256 bits, Ed25519", "Ed25519, 256 bits, ECDSA-SHA384", "ECDSA, 384 bits, SHA256-RSA", "RSA, 2048 bits, SHA256-RSA"}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("keys:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// negativeLeaf is a server's certificate whose serial number is below zero.
func negativeLeaf(t *testing.T, parent *testcert.Cert) *testcert.Cert {
	t.Helper()
	a := testcert.New(t, "leaf", -10, 80, parent, func(c *testcert.Cert) {
		testcert.Server(c)
		c.SerialNumber = big.NewInt(0x70123456)
	})
	tbs := []byte(strings.Replace(string(a.RawTBSCertificate), "\x02\x04\x70\x12\x34\x56", "\x02\x04\x90\x12\x34\x56", 1))
	sum := sha256.Sum256(tbs)
	signature, err := parent.Key.Sign(rand.Reader, sum[:], crypto.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	a.Raw, err = asn1.Marshal(struct {
		TBS       asn1.RawValue
		Algorithm pkix.AlgorithmIdentifier
		Signature asn1.BitString
	}{asn1.RawValue{FullBytes: tbs}, pkix.AlgorithmIdentifier{Algorithm: asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 2}}, asn1.BitString{Bytes: signature, BitLength: 8 * len(signature)}})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// TestEveryKind_NegativeSerial: it is against the RFC, all clients take it, and
// it is reported.
func TestEveryKind_NegativeSerial(t *testing.T) {
	root := testcert.New(t, "Root", -1000, 4000, nil, testcert.CA)
	leaf := negativeLeaf(t, root)
	for way := range overTLS {
		for name, inTLS := range map[string]string{"verified": testcert.Trust(t, root), "insecure": `"insecure":true`} {
			t.Run(way+"/"+name, func(t *testing.T) {
				r, f, _ := figuresOf(t, way, testcert.Chain(leaf), inTLS, ``)
				if overTLS[way].kind != "dns" {
					probetest.WantFailure(t, r, wire.OK, "")
				}
				if f.DaysLeft(time.Now()) != 80 || r.CertExpires == nil || (f.VerifyError == "") != (name == "verified") {
					t.Errorf("figures %+v", f)
				}
				wantNotes(t, f.Notes, []string{"the serial number of 'CN=leaf' is negative, against RFC 5280 section 4.1.2.2"})
			})
		}
	}
}

// TestTLS_UnusableCertificate: what crypto/tls gives up for is the certificate's
// fault, and not the handshake's.
func TestTLS_UnusableCertificate(t *testing.T) {
	root := testcert.New(t, "Root", -1000, 4000, nil, testcert.CA)
	twice := pkix.Extension{Id: asn1.ObjectIdentifier{1, 2, 3}, Value: []byte{5, 0}}
	duplicate := testcert.New(t, "leaf", -10, 80, root, func(c *testcert.Cert) {
		testcert.Server(c)
		c.ExtraExtensions = []pkix.Extension{twice, twice}
	})
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	withModulus := func(bits uint) *tls.Config {
		leaf := testcert.New(t, "leaf", -10, 80, root, func(c *testcert.Cert) {
			testcert.Server(c)
			n := new(big.Int).Lsh(big.NewInt(1), bits-1)
			c.Key = publicOnly{key, &rsa.PublicKey{N: n.SetBit(n, 0, 1), E: 65537}}
		})
		leaf.Key = key
		return testcert.Chain(leaf)
	}
	for name, c := range map[string]struct {
		serve *tls.Config
		godeb string
		says  string
	}{
		"an extension twice":              {testcert.Chain(duplicate), "", "a certificate that the server sends cannot be read: certificate contains duplicate extension"},
		"a negative serial, not accepted": {testcert.Chain(negativeLeaf(t, root)), "x509negativeserial=0", "cannot be read: negative serial number"},
		"a huge key":                      {withModulus(9000), "", "a certificate that the server sends has an RSA key larger than 8192 bits, which crypto/tls does not take"},
		"a short key":                     {withModulus(768), "", "the server's certificate 'CN=leaf' has an RSA key of 768 bits, which is too short for crypto/tls"},
		"a tiny key":                      {withModulus(512), "", "the server's certificate 'CN=leaf' has an RSA key of 512 bits, which is too short for crypto/tls"},
	} {
		t.Run(name, func(t *testing.T) {
			if c.godeb != "" {
				t.Setenv("GODEBUG", c.godeb)
			}
			for _, inTLS := range []string{testcert.Trust(t, root), `"insecure":true`} {
				r, _, _ := figuresOf(t, "tls", c.serve, inTLS, ``)
				probetest.WantFailure(t, r, wire.Failed, wire.FailCertificate)
				if !strings.Contains(r.Error, c.says) {
					t.Errorf("error %q, want %q in it", r.Error, c.says)
				}
			}
		})
	}
}

// publicOnly shows another public key than its own.
type publicOnly struct {
	crypto.Signer
	public crypto.PublicKey
}

func (p publicOnly) Public() crypto.PublicKey { return p.public }

// TestTLS_NoRoots: a host that trusts nobody has measured nothing of a target. It
// runs itself again, as the roots are read once in a process.
func TestTLS_NoRoots(t *testing.T) {
	if os.Getenv("NETMON_TEST_NO_ROOTS") == "" {
		again := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestTLS_NoRoots$", "-test.v")
		again.Env = append(os.Environ(), "NETMON_TEST_NO_ROOTS=1", "SSL_CERT_FILE=/dev/null", "SSL_CERT_DIR="+t.TempDir())
		out, err := again.CombinedOutput()
		if err != nil {
			t.Errorf("%v\n%s", err, out)
		}
		return
	}
	if !tlsconf.NoSystemRoots() {
		t.Skip("this system's roots are not in files")
	}
	root := testcert.New(t, "Root", -1000, 4000, nil, testcert.CA)
	serve := testcert.Chain(testcert.New(t, "leaf", -10, 80, root, testcert.Server))
	r, _, _ := figuresOf(t, "https", serve, ``, ``)
	probetest.WantFailure(t, r, wire.Broken, wire.BrokenLocal)
	if !strings.Contains(r.Error, "this host trusts no authority: install its package of CA certificates, or give tls.ca") {
		t.Errorf("error %q", r.Error)
	}
	r, _, _ = figuresOf(t, "https", serve, `"insecure":true`, ``)
	probetest.WantFailure(t, r, wire.OK, "")
	r, f, _ := figuresOf(t, "https", testcert.Chain(testcert.New(t, "leaf", -10, 80, nil, testcert.Server)), ``, ``)
	probetest.WantFailure(t, r, wire.Failed, wire.FailCertificate)
	if f.VerifyFault != tlsconf.FaultSelfSigned {
		t.Errorf("fault %q", f.VerifyFault)
	}
}
