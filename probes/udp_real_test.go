package probes

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"netmon/internal/need"
	"netmon/wire"
)

// freeUDPPort is a port of 127.0.0.1 that nobody had a moment ago, for programs
// that cannot be told to take any.
func freeUDPPort(t *testing.T) string {
	t.Helper()
	_, port, _ := net.SplitHostPort(closedUDP(t))
	return port
}

// daemon runs a program until the test ends and shows what it said when the
// test fails.
func daemon(t *testing.T, path string, args ...string) {
	t.Helper()
	cmd := exec.Command(path, args...)
	cmd.Dir = t.TempDir()
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
		if t.Failed() {
			t.Logf("%s said:\n%s", path, said.String())
		}
	})
}

// untilAnswered runs a probe until the server, which is just starting, answers
// at all.
func untilAnswered(t *testing.T, kind, target, options string) wire.Result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
	defer cancel()
	for {
		r := measureWithin(t, 500*time.Millisecond, kind, target, options)
		if r.Failure != wire.FailRefused && r.Failure != wire.FailNoAnswer || ctx.Err() != nil {
			return r
		}
		select { // a closed port answers at once
		case <-ctx.Done():
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// TestUDP_RealServers sends the named payloads to programs that we did not write.
func TestUDP_RealServers(t *testing.T) {
	for name, c := range map[string]struct {
		tool, pkg string
		args      func(t *testing.T, port string) []string
		says      string
	}{
		"memcached": {"memcached", "memcached", func(t *testing.T, port string) []string {
			return []string{"-u", "nobody", "-l", "127.0.0.1", "-p", "0", "-U", port}
		}, "VERSION 1."},
		"snmp": {"snmpd", "snmpd", func(t *testing.T, port string) []string {
			dir := t.TempDir()
			conf := filepath.Join(dir, "snmpd.conf")
			os.WriteFile(conf, []byte("rocommunity public\nsysdescr a test\n"), 0o600)
			return []string{"-f", "-Lo", "-C", "-c", conf, "--persistentDir=" + dir, "-p", filepath.Join(dir, "pid"), "udp:127.0.0.1:" + port}
		}, "sysDescr a test"},
		"stun": {"turnserver", "coturn", func(t *testing.T, port string) []string {
			dir := t.TempDir()
			return []string{"-n", "-L", "127.0.0.1", "-p", port, "--no-tcp", "--no-tls", "--no-dtls", "--no-cli",
				"--log-file", "stdout", "--pidfile", filepath.Join(dir, "pid"), "--userdb", filepath.Join(dir, "db")}
		}, "mapped address 127.0.0.1:"},
		"openvpn": {"openvpn", "openvpn", func(t *testing.T, port string) []string {
			cert, key := testCertificate(t)
			return []string{"--dev", "null", "--ifconfig-noexec", "--proto", "udp", "--local", "127.0.0.1", "--port", port,
				"--tls-server", "--ca", cert, "--cert", cert, "--key", key, "--dh", "none"}
		}, "session acknowledged"},
		"sip": {"sipp", "sip-tester", func(t *testing.T, port string) []string {
			scenario := filepath.Join(t.TempDir(), "options.xml")
			os.WriteFile(scenario, []byte(sippScenario), 0o600)
			return []string{"-sf", scenario, "-i", "127.0.0.1", "-p", port, "-nostdin"}
		}, "200 OK"},
		"ntp": {"chronyd", "chrony", func(t *testing.T, port string) []string {
			return chronyArgs(t, port, "local stratum 3")
		}, "stratum 3, leap 0"},
	} {
		t.Run(name, func(t *testing.T) {
			tool := need.Tool(t, c.tool, c.pkg)
			port := freeUDPPort(t)
			daemon(t, tool, c.args(t, port)...)
			r := untilAnswered(t, "udp", "127.0.0.1:"+port, fmt.Sprintf(`{"protocol":%q}`, name))
			wantFailure(t, r, wire.OK, "")
			if d := detailsOf[UDPDetails](t, r); !strings.HasPrefix(d.Says, c.says) || d.Clock == "" {
				t.Errorf("it says %q, want %q", d.Says, c.says)
			}
		})
	}
}

// TestUDP_SNMPSilence: a wrong community is never answered.
func TestUDP_SNMPSilence(t *testing.T) {
	tool := need.Tool(t, "snmpd", "snmpd")
	dir, port := t.TempDir(), freeUDPPort(t)
	conf := filepath.Join(dir, "snmpd.conf")
	os.WriteFile(conf, []byte("rocommunity other\n"), 0o600)
	daemon(t, tool, "-f", "-Lo", "-C", "-c", conf, "--persistentDir="+dir, "-p", filepath.Join(dir, "pid"), "udp:127.0.0.1:"+port)
	t.Setenv("NETMON_TEST_COMMUNITY", "other")
	wantFailure(t, untilAnswered(t, "udp", "127.0.0.1:"+port, `{"protocol":"snmp","community":"${env:NETMON_TEST_COMMUNITY}"}`), wire.OK, "")
	wantFailure(t, measureWithin(t, 300*time.Millisecond, "udp", "127.0.0.1:"+port, `{"protocol":"snmp"}`), wire.Failed, wire.FailNoAnswer)
}

func testCertificate(t *testing.T) (cert, key string) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, k.Public(), k)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	os.WriteFile(cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600)
	os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), 0o600)
	return cert, key
}

const sippScenario = `<?xml version="1.0" encoding="ISO-8859-1" ?>
<scenario name="options">
<recv request="OPTIONS"/>
<send><![CDATA[
SIP/2.0 200 OK
[last_Via:]
[last_From:]
[last_To:];tag=[call_number]
[last_Call-ID:]
[last_CSeq:]
Allow: OPTIONS
Content-Length: 0

]]></send>
</scenario>
`
