package tcp

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"netmon/internal/need"
	"netmon/internal/probetest"
	"netmon/wire"
)

// server is a program to test against, and how to run it.
type server struct {
	starttls string
	tool     string
	pkg      string // Debian package
	user     string // "" for this process's own
	openssl  string // its name for the protocol
	// prepare writes what the program needs into dir and returns its arguments.
	prepare func(t *testing.T, s setting) []string
	banner  string // regular expression, "" where there is none
}

// setting is what a server is configured with.
type setting struct {
	dir, tool, port, cert, key string
}

// write makes a file in the server's folder.
func (s setting) write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(s.dir, name)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestTCP_RealServers asks programs that we did not write for TLS, and compares
// with what openssl s_client says of them.
func TestTCP_RealServers(t *testing.T) {
	need.Time(t)
	for _, c := range []server{
		{"smtp", "/usr/lib/postfix/sbin/master", "postfix", "", "smtp", postfixServer, "^220 mx.test ESMTP Postfix"},
		{"imap", "dovecot", "dovecot-imapd", "", "imap", dovecotServer("imap"), `^\* OK .*Dovecot.* ready`},
		{"pop3", "dovecot", "dovecot-pop3d", "", "pop3", dovecotServer("pop3"), `^\+OK Dovecot.* ready`},
		{"ftp", "vsftpd", "vsftpd", "", "ftp", vsftpdServer, `^220 \(vsFTPd`},
		{"xmpp-client", "prosody", "prosody", "", "xmpp", prosodyServer, ""},
		{"postgres", "postgres", "postgresql", "nobody", "postgres", postgresServer, ""},
		{"ldap", "slapd", "slapd", "", "ldap", slapdServer, ""},
	} {
		t.Run(c.starttls, func(t *testing.T) {
			t.Parallel()
			need.Root(t)
			openssl := need.Tool(t, "openssl", "openssl")
			tool := c.find(t)
			_, cert, key, trust := certificate(t, time.Now().Add(100*24*time.Hour))
			_, port, _ := net.SplitHostPort(probetest.ClosedTCP(t))
			dir := t.TempDir()
			os.Chmod(filepath.Dir(dir), 0o755) // for servers that give up root
			s := setting{dir: dir, tool: tool, port: port, cert: cert, key: key}
			daemon(t, c.user, dir, tool, c.prepare(t, s)...)

			addr := "127.0.0.1:" + port
			untilTCPConnects(t, addr)
			options := fmt.Sprintf(`{"starttls":%q,"tls":{"server_name":"localhost",%s,"expect":{"days_left":99,"subject":"localhost"}}`, c.starttls, trust[7:])
			if c.banner != "" {
				options = strings.Replace(options, `"expect":{`, fmt.Sprintf(`"expect":{"banner":%q,`, c.banner), 1)
			}
			r := measure(t, "tcp", addr, options)
			probetest.WantFailure(t, r, wire.OK, "")
			d := probetest.DetailsOf[Details](t, r)
			if d.StartTLSNS <= 0 || d.TLSNS <= 0 || d.TLS.VerifyError != "" || (d.Banner != "") != (c.banner != "") {
				t.Errorf("%s", r.Details)
			}
			probetest.WantFailure(t, measure(t, "tcp", addr, fmt.Sprintf(`{"starttls":%q,"tls":{"server_name":"localhost"}}`, c.starttls)), wire.Failed, wire.FailCertificate)

			args := []string{"s_client", "-connect", addr, "-starttls", c.openssl, "-servername", "localhost", "-CAfile", cert, "-verify_return_error", "-brief"}
			if c.openssl == "xmpp" {
				args = append(args, "-xmpphost", "localhost")
			}
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			defer cancel()
			out, err := exec.CommandContext(ctx, openssl, args...).CombinedOutput()
			want := []string{"Protocol version: " + strings.Replace(d.TLS.Version, "TLS ", "TLSv", 1), "Verification: OK", "Peer certificate: " + strings.Replace(d.TLS.Chain[0].Subject, "=", " = ", 1)}
			for _, w := range want {
				if !strings.Contains(string(out), w) {
					t.Errorf("openssl %s does not say %q: %v\n%s", strings.Join(args, " "), w, err, out)
				}
			}
		})
	}
}

// TestTCP_OpenSSL: TLS from the first byte, and a dialogue inside it.
func TestTCP_OpenSSL(t *testing.T) {
	openssl := need.Tool(t, "openssl", "openssl")
	_, cert, key, trust := certificate(t, time.Now().Add(100*24*time.Hour))
	_, port, _ := net.SplitHostPort(probetest.ClosedTCP(t))
	daemon(t, "", t.TempDir(), openssl, "s_server", "-accept", "127.0.0.1:"+port, "-cert", cert, "-key", key, "-rev", "-tls1_2")
	untilTCPConnects(t, "127.0.0.1:"+port)
	r := measure(t, "tcp", "127.0.0.1:"+port, `{"security":"tls",`+trust+`,"steps":[{"send":"hello\n","expect":"^olleh$"}],"quit":"CLOSE\n"}`)
	probetest.WantFailure(t, r, wire.OK, "")
	if d := probetest.DetailsOf[Details](t, r); d.TLS.Version != "TLS 1.2" {
		t.Errorf("%s", r.Details)
	}
	probetest.WantFailure(t, measure(t, "tcp", "127.0.0.1:"+port, `{"security":"tls","tls":{"min_version":"1.3"}}`), wire.Failed, wire.FailTLS)
}

// TestTCP_Socat: a dialogue with a program that echoes.
func TestTCP_Socat(t *testing.T) {
	socat := need.Tool(t, "socat", "socat")
	_, port, _ := net.SplitHostPort(probetest.ClosedTCP(t))
	daemon(t, "", t.TempDir(), socat, "TCP-LISTEN:"+port+",bind=127.0.0.1,reuseaddr,fork", "PIPE")
	untilTCPConnects(t, "127.0.0.1:"+port)
	r := measure(t, "tcp", "127.0.0.1:"+port, `{"steps":[{"send":"one 1\r\n","expect":"^one (?P<n>\\d)$"},{"send":"two ${capture:n}","expect_text":"two 1"},{"send_hex":"00ff","expect_hex":"00ff"}]}`)
	probetest.WantFailure(t, r, wire.OK, "")
}

func (c server) find(t *testing.T) string {
	t.Helper()
	if c.tool == "postgres" {
		found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/postgres")
		if len(found) == 0 {
			need.Missing(t, "postgres (Debian package postgresql)")
		}
		return found[len(found)-1]
	}
	return need.Tool(t, c.tool, c.pkg)
}

// daemon runs a program, and what it starts, until the test ends.
func daemon(t *testing.T, account, dir, path string, args ...string) {
	t.Helper()
	cmd := exec.Command(path, args...)
	cmd.Dir = dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: credential(t, account)}
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	cmd.WaitDelay = time.Second
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGTERM)
		kill := time.AfterFunc(2*time.Second, func() { syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) })
		cmd.Wait()
		kill.Stop()
		syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // what it left behind
		if t.Failed() {
			t.Logf("%s said:\n%s", path, said.String())
		}
	})
}

func credential(t *testing.T, account string) *syscall.Credential {
	t.Helper()
	if account == "" {
		return nil
	}
	uid, gid := iDs(t, account)
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
}

func iDs(t *testing.T, account string) (uid, gid int) {
	t.Helper()
	u, err := user.Lookup(account)
	if err != nil {
		t.Fatal(err)
	}
	uid, _ = strconv.Atoi(u.Uid)
	gid, _ = strconv.Atoi(u.Gid)
	return uid, gid
}

// untilTCPConnects waits for a server that is just starting.
func untilTCPConnects(t *testing.T, addr string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for {
		c, err := (&net.Dialer{}).DialContext(ctx, "tcp", addr)
		if err == nil {
			c.Close()
			return
		}
		select { // a closed port answers at once
		case <-ctx.Done():
			t.Fatal(err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func postfixServer(t *testing.T, s setting) []string {
	uid, gid := iDs(t, "postfix")
	for _, d := range []string{"pid", "private", "public", "data"} {
		os.Mkdir(filepath.Join(s.dir, d), 0o700)
		if d != "pid" {
			os.Chown(filepath.Join(s.dir, d), uid, gid)
		}
	}
	s.write(t, "main.cf", fmt.Sprintf(`compatibility_level = 3.6
queue_directory = %[1]s
data_directory = %[1]s/data
myhostname = mx.test
mydestination = localhost
inet_interfaces = 127.0.0.1
alias_maps =
local_recipient_maps =
smtpd_tls_cert_file = %[2]s
smtpd_tls_key_file = %[3]s
smtpd_tls_security_level = may
smtpd_peername_lookup = no
maillog_file = /dev/stdout
`, s.dir, s.cert, s.key))
	s.write(t, "master.cf", "127.0.0.1:"+s.port+` inet n - n - - smtpd
anvil unix - - n - 1 anvil
tlsmgr unix - - n 1000? 1 tlsmgr
postlog unix-dgram n - n - 1 postlogd
`)
	return []string{"-c", s.dir, "-d"}
}

func dovecotServer(protocol string) func(*testing.T, setting) []string {
	return func(t *testing.T, s setting) []string {
		return []string{"-F", "-c", s.write(t, "dovecot.conf", fmt.Sprintf(`
base_dir = %[1]s/run
state_dir = %[1]s/state
log_path = /dev/stderr
protocols = %[4]s
listen = 127.0.0.1
ssl = yes
ssl_cert = <%[2]s
ssl_key = <%[3]s
default_internal_user = nobody
default_login_user = nobody
default_internal_group = nogroup
service %[4]s-login {
  chroot =
  inet_listener %[4]s {
    port = %[5]s
  }
  inet_listener %[4]ss {
    port = 0
  }
}
service anvil {
  chroot =
}
passdb {
  driver = static
  args = nopassword=y
}
userdb {
  driver = static
  args = uid=nobody gid=nogroup home=%[1]s
}
`, s.dir, s.cert, s.key, protocol, s.port))}
	}
}

func vsftpdServer(t *testing.T, s setting) []string {
	return []string{s.write(t, "vsftpd.conf", fmt.Sprintf(`listen=YES
listen_address=127.0.0.1
listen_port=%s
background=NO
anonymous_enable=YES
ssl_enable=YES
allow_anon_ssl=YES
rsa_cert_file=%s
rsa_private_key_file=%s
secure_chroot_dir=%s
xferlog_enable=NO
seccomp_sandbox=NO
nopriv_user=nobody
ftp_username=nobody
`, s.port, s.cert, s.key, s.dir))}
}

func prosodyServer(t *testing.T, s setting) []string {
	return []string{"--config", s.write(t, "prosody.cfg.lua", fmt.Sprintf(`run_as_root = true
pidfile = "%[1]s/pid"
data_path = "%[1]s"
certificates = "%[1]s"
modules_enabled = { "tls" }
modules_disabled = { "s2s", "offline" }
interfaces = { "127.0.0.1" }
c2s_ports = { %[4]s }
s2s_ports = { }
log = { info = "*console" }
VirtualHost "localhost"
  ssl = { certificate = "%[2]s", key = "%[3]s" }
`, s.dir, s.cert, s.key, s.port)), "-F"}
}

func slapdServer(t *testing.T, s setting) []string {
	return []string{"-h", "ldap://127.0.0.1:" + s.port, "-d", "0", "-f", s.write(t, "slapd.conf", fmt.Sprintf(`pidfile %[1]s/pid
argsfile %[1]s/args
include /etc/ldap/schema/core.schema
modulepath /usr/lib/ldap
moduleload back_ldif
TLSCertificateFile %[2]s
TLSCertificateKeyFile %[3]s
database ldif
suffix "dc=test"
directory %[1]s
`, s.dir, s.cert, s.key))}
}

func postgresServer(t *testing.T, s setting) []string {
	uid, gid := iDs(t, "nobody")
	data := filepath.Join(s.dir, "data")
	cert, _ := os.ReadFile(s.cert)
	key, _ := os.ReadFile(s.key)
	s.write(t, "cert.pem", string(cert))
	private := s.write(t, "key.pem", string(key))
	os.Chmod(private, 0o600)
	for _, path := range []string{s.dir, private} {
		os.Chown(path, uid, gid)
	}
	init := exec.Command(filepath.Join(filepath.Dir(s.tool), "initdb"), "-D", data, "-N", "-A", "trust", "-U", "test", "--no-locale")
	init.SysProcAttr = &syscall.SysProcAttr{Credential: credential(t, "nobody")}
	init.Dir = s.dir
	if out, err := init.CombinedOutput(); err != nil {
		t.Fatalf("initdb: %v: %s", err, out)
	}
	return []string{"-D", data, "-p", s.port, "-h", "127.0.0.1", "-k", "", "-F", "-c", "ssl=on", "-c", "ssl_cert_file=" + filepath.Join(s.dir, "cert.pem"), "-c", "ssl_key_file=" + private}
}
