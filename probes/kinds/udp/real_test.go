package udp

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"netmon/internal/need"
	"netmon/internal/probetest"
	"netmon/wire"
)

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
			return probetest.ChronyArgs(t, port, "local stratum 3")
		}, "stratum 3, leap 0"},
	} {
		t.Run(name, func(t *testing.T) {
			tool := need.Tool(t, c.tool, c.pkg)
			port := probetest.FreeUDPPort(t)
			probetest.Daemon(t, tool, c.args(t, port)...)
			r := untilAnswered(t, "udp", "127.0.0.1:"+port, fmt.Sprintf(`{"protocol":%q}`, name))
			probetest.WantFailure(t, r, wire.OK, "")
			if d := probetest.DetailsOf[Details](t, r); !strings.HasPrefix(d.Says, c.says) || d.Clock == "" {
				t.Errorf("it says %q, want %q", d.Says, c.says)
			}
		})
	}
}

// TestUDP_SNMPSilence: a wrong community is never answered.
func TestUDP_SNMPSilence(t *testing.T) {
	tool := need.Tool(t, "snmpd", "snmpd")
	dir, port := t.TempDir(), probetest.FreeUDPPort(t)
	conf := filepath.Join(dir, "snmpd.conf")
	os.WriteFile(conf, []byte("rocommunity other\n"), 0o600)
	probetest.Daemon(t, tool, "-f", "-Lo", "-C", "-c", conf, "--persistentDir="+dir, "-p", filepath.Join(dir, "pid"), "udp:127.0.0.1:"+port)
	t.Setenv("NETMON_TEST_COMMUNITY", "other")
	probetest.WantFailure(t, untilAnswered(t, "udp", "127.0.0.1:"+port, `{"protocol":"snmp","community":"${env:NETMON_TEST_COMMUNITY}"}`), wire.OK, "")
	probetest.WantFailure(t, measureWithin(t, 300*time.Millisecond, "udp", "127.0.0.1:"+port, `{"protocol":"snmp"}`), wire.Failed, wire.FailNoAnswer)
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
