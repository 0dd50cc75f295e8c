package notify

import (
	"bytes"
	"context"
	"fmt"
	"mime"
	"net"
	"net/mail"
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
	"netmon/wire"
)

// postfix is Debian's mail server on loopback: it asks for TLS and a password, keeps the
// mail of ops@example.test, refuses nobody@ for good and later@ for now.
type postfix struct {
	address, ca, maildir string
}

func startPostfix(t *testing.T) postfix {
	t.Helper()
	need.Root(t)
	master, dovecot := need.Tool(t, "/usr/lib/postfix/sbin/master", "postfix"), need.Tool(t, "dovecot", "dovecot-core")
	dir := t.TempDir()
	os.Chmod(filepath.Dir(dir), 0o755) // Debian's postfix is a user of its own
	os.Chmod(dir, 0o755)
	owner, err := user.Lookup("postfix")
	if err != nil {
		t.Fatal(err)
	}
	uid, _ := strconv.Atoi(owner.Uid)
	gid, _ := strconv.Atoi(owner.Gid)
	for _, d := range []string{"active", "bounce", "corrupt", "defer", "deferred", "flush", "hold", "incoming", "maildrop", "pid", "private", "public", "saved", "trace", "data", "mail"} {
		os.Mkdir(filepath.Join(dir, d), 0o755)
		if d != "pid" {
			os.Chown(filepath.Join(dir, d), uid, gid)
		}
	}
	cert, key := certificate(t, dir)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	listener.Close()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	write("main.cf", fmt.Sprintf(`compatibility_level = 3.6
queue_directory = %[1]s
data_directory = %[1]s/data
myhostname = mx.test
mydestination =
inet_interfaces = 127.0.0.1
alias_maps =
local_recipient_maps =
virtual_mailbox_domains = example.test
virtual_mailbox_base = %[1]s/mail
virtual_mailbox_maps = inline:{ops@example.test=ops/, late@example.test=late/}
virtual_uid_maps = static:%[4]d
virtual_gid_maps = static:%[5]d
virtual_minimum_uid = 1
smtpd_tls_cert_file = %[2]s
smtpd_tls_key_file = %[3]s
smtpd_tls_security_level = encrypt
smtpd_tls_auth_only = yes
smtpd_sasl_auth_enable = yes
smtpd_sasl_type = dovecot
smtpd_sasl_path = private/auth
smtpd_relay_restrictions = permit_sasl_authenticated, reject
smtpd_recipient_restrictions = check_recipient_access inline:{{late@example.test = 450 come back later}}, permit_sasl_authenticated, reject
smtpd_peername_lookup = no
maillog_file = /dev/stdout
`, dir, cert, key, uid, gid))
	_, port, _ := net.SplitHostPort(address)
	write("master.cf", "127.0.0.1:"+port+` inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
tlsmgr unix - - n 1000? 1 tlsmgr
proxymap unix - - n - - proxymap
postlog unix-dgram n - n - 1 postlogd
`)
	conf := write("dovecot.conf", fmt.Sprintf(`base_dir = %[1]s/dovecot
state_dir = %[1]s/dovecot
log_path = /dev/stderr
protocols =
ssl = no
disable_plaintext_auth = no
auth_mechanisms = plain login cram-md5 scram-sha-256 xoauth2
default_internal_user = nobody
default_login_user = nobody
default_internal_group = nogroup
passdb {
  driver = static
  mechanisms = plain login cram-md5 scram-sha-256
  args = password=s3cret
}
userdb {
  driver = static
  args = uid=nobody gid=nogroup home=/nonexistent
}
service auth {
  unix_listener %[1]s/private/auth {
    mode = 0666
  }
}
service stats {
  unix_listener stats-writer {
    mode = 0666
  }
}
`, dir))
	daemon(t, dovecot, "-F", "-c", conf)
	daemon(t, master, "-c", dir, "-d")
	eventually(t, "postfix answers", func() bool {
		c, err := net.DialTimeout("tcp", address, time.Second)
		if err != nil {
			return false
		}
		defer c.Close()
		c.SetDeadline(time.Now().Add(time.Second))
		b := make([]byte, 3)
		_, err = c.Read(b)
		return err == nil && string(b) == "220"
	})
	eventually(t, "dovecot answers", func() bool {
		c, err := net.Dial("unix", filepath.Join(dir, "private/auth"))
		if err != nil {
			return false
		}
		c.Close()
		return true
	})
	pem, err := os.ReadFile(cert)
	if err != nil {
		t.Fatal(err)
	}
	return postfix{address: address, ca: string(pem), maildir: filepath.Join(dir, "mail", "ops", "new")}
}

// daemon runs a program, and what it starts, until the test ends.
func daemon(t *testing.T, path string, args ...string) {
	t.Helper()
	cmd := exec.Command(path, args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
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
		syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		if t.Failed() {
			t.Logf("%s said:\n%s", path, said.String())
		}
	})
}

// mails are those that ops@example.test has, by Message-ID.
func (p postfix) mails(t *testing.T) map[string]*mail.Message {
	t.Helper()
	out := map[string]*mail.Message{}
	files, _ := filepath.Glob(filepath.Join(p.maildir, "*"))
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		m, err := mail.ReadMessage(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		id := m.Header.Get("Message-Id")
		if out[id] != nil {
			t.Errorf("%s came twice", id)
		}
		out[id] = m
	}
	return out
}

// TestMail_Postfix: over STARTTLS and a login by each way that the server has, in a
// thread, to each recipient that the server takes, and to no one twice.
func TestMail_Postfix(t *testing.T) {
	p := startPostfix(t)
	env := testEnv(t, map[string]string{"${env:PW}": "s3cret", "${env:WRONG}": "wrong", "${env:CA}": p.ca})
	settings := func(to, more string) string {
		return fmt.Sprintf(`{"to":%s,"from":"Netmon <netmon@example.test>","server":%q,"user":"netmon","password":"${env:PW}","ca":"${env:CA}"%s}`, to, p.address, more)
	}
	send := func(s Sender, m *Message) (Receipt, error) {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		return s.Send(ctx, env, m)
	}

	some := testSender(t, mailKind(), settings(`["ops@example.test","nobody@example.test","late@example.test"]`, ""))
	m := testMessage(wire.ReasonOpened)
	m.Title = "DOWN: Größe\r\nBcc: evil@example.test"
	r, err := send(some, m)
	if err == nil || !strings.Contains(err.Error(), "late@example.test") || strings.Contains(err.Error(), "nobody@") {
		t.Fatalf("%+v %v, want only late@ to be asked again", r, err)
	}
	m.Thread = r.Thread
	if r, err = send(some, m); err == nil || !strings.HasPrefix(err.Error(), "1 of 3 recipients: late@example.test: ") {
		t.Fatalf("once more: %+v %v", r, err)
	}
	const first = "<web-paris-1-7-ops-1@example.test>"
	eventually(t, "the mail is there", func() bool { return len(p.mails(t)) == 1 })
	got := p.mails(t)[first]
	if got == nil {
		t.Fatalf("no %s in %v", first, p.mails(t))
	}
	subject, _ := new(mime.WordDecoder).DecodeHeader(got.Header.Get("Subject"))
	if subject != "DOWN: Größe Bcc: evil@example.test" || got.Header.Get("Bcc") != "" || got.Header.Get("Auto-Submitted") != "auto-generated" || got.Header.Get("References") != "" {
		t.Errorf("headers %v", got.Header)
	}

	// The end of it comes to those who take it, under the first.
	both := testSender(t, mailKind(), settings(`"ops@example.test, nobody@example.test"`, ""))
	over := testMessage(wire.ReasonResolved)
	over.Thread = r.Thread
	if r, err = send(both, over); err != nil || !strings.Contains(r.Answer, "accepted for 1 of 2, refused for nobody@example.test: RCPT TO: 550") {
		t.Fatalf("the end: %+v %v", r, err)
	}
	eventually(t, "the second mail is there", func() bool { return len(p.mails(t)) == 2 })
	if got := p.mails(t)["<web-paris-1-7-ops-2@example.test>"]; got == nil || got.Header.Get("References") != first || got.Header.Get("In-Reply-To") != first {
		t.Errorf("the second mail is not under the first: %v", got)
	}
	nobody := testSender(t, mailKind(), settings(`["nobody@example.test"]`, ""))
	wantRefusal(t, nobody, env, "nobody@example.test: RCPT TO: 550")

	for i, way := range []string{"plain", "login", "cram-md5", "scram-sha-256"} {
		m := testMessage(wire.ReasonRepeated)
		m.Notice.N = uint64(10 + i)
		if _, err := send(testSender(t, mailKind(), settings(`["ops@example.test"]`, `,"auth":"`+way+`"`)), m); err != nil {
			t.Errorf("%s: %v", way, err)
		}
	}
	wantRefusal(t, testSender(t, mailKind(), strings.Replace(settings(`["ops@example.test"]`, ""), "env:PW", "env:WRONG", 1)), env, "log in: 535")
	untrusted := strings.Replace(settings(`["ops@example.test"]`, ""), `,"ca":"${env:CA}"`, "", 1)
	if _, err := send(testSender(t, mailKind(), untrusted), testMessage(wire.ReasonOpened)); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("a server with a certificate of nobody: %v", err)
	}
}
