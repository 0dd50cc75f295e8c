package access_test

import (
	"bufio"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nkeys"

	"netmon/identity"
	"netmon/internal/natstest"
)

// raw speaks NATS's protocol itself, with somebody's identity: client libraries
// do not send the header blocks that an attacker would.
type raw struct {
	t    testing.TB
	conn net.Conn
	in   *bufio.Reader
	kept *rawMsg
}

// rawMsg is what came on a subscription of a raw connection.
type rawMsg struct {
	Subject, Reply string
	Header, Data   string // as they came
}

// connectRaw connects over TLS as an actor; the server has let it in.
func connectRaw(t testing.TB, s natstest.Mesh, a actor) *raw {
	t.Helper()
	u, err := url.Parse(s.Address)
	if err != nil {
		t.Fatal(err)
	}
	plain, err := net.Dial("tcp", u.Host)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { plain.Close() })
	plain.SetDeadline(time.Now().Add(time.Minute))
	// INFO is all that comes before TLS: no byte of the handshake is lost in this reader.
	line, err := bufio.NewReaderSize(plain, 32<<10).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	var info struct {
		Nonce string `json:"nonce"`
	}
	if err := json.Unmarshal([]byte(strings.TrimPrefix(line, "INFO ")), &info); err != nil {
		t.Fatalf("%q: %v", line, err)
	}
	conf, err := s.ClientTLS()
	if err != nil {
		t.Fatal(err)
	}
	r := &raw{t: t, conn: tls.Client(plain, conf)}
	r.in = bufio.NewReader(r.conn)
	hello := map[string]any{"verbose": false, "headers": true, "no_responders": true, "echo": true, "protocol": 1, "lang": "raw", "version": "1"}
	if a.role != nobody {
		creds, err := os.ReadFile(identity.Creds(a.dir))
		if err != nil {
			t.Fatal(err)
		}
		token, err := nkeys.ParseDecoratedJWT(creds)
		if err != nil {
			t.Fatal(err)
		}
		key, err := nkeys.ParseDecoratedUserNKey(creds)
		if err != nil {
			t.Fatal(err)
		}
		sig, err := key.Sign([]byte(info.Nonce))
		if err != nil {
			t.Fatal(err)
		}
		hello["jwt"], hello["sig"] = token, base64.RawURLEncoding.EncodeToString(sig)
	}
	data, err := json.Marshal(hello)
	if err != nil {
		t.Fatal(err)
	}
	r.write("CONNECT " + string(data) + "\r\n")
	if err := r.flush(); err != nil {
		t.Fatal(err)
	}
	return r
}

func (r *raw) write(text string) {
	r.t.Helper()
	if _, err := io.WriteString(r.conn, text); err != nil {
		r.t.Fatal(err)
	}
}

// hpub publishes with a header block just as it is given, whether or not it is one.
func (r *raw) hpub(subject, reply, header, data string) {
	r.t.Helper()
	r.write(hpub(subject, reply, header, data))
}

// hpub is the text of one HPUB.
func hpub(subject, reply, header, data string) string {
	return fmt.Sprintf("HPUB %s %s %d %d\r\n%s%s\r\n", subject, reply, len(header), len(header)+len(data), header, data)
}

// sub subscribes; messages come by next.
func (r *raw) sub(subject string) {
	r.t.Helper()
	r.write("SUB " + subject + " 1\r\n")
	if err := r.flush(); err != nil {
		r.t.Fatal(err)
	}
}

// flush waits until the server has seen all that was sent, and returns what it
// refused. What comes on subscriptions meanwhile is thrown away.
func (r *raw) flush() (refused error) {
	r.t.Helper()
	defer func(kept *rawMsg) { r.kept = kept }(r.kept)
	return r.flushKeep()
}

// flushKeep waits until the server has said what it refuses of what was sent.
// The first message of a subscription, if it came meanwhile, is kept for next.
func (r *raw) flushKeep() (refused error) {
	r.t.Helper()
	r.write("PING\r\n")
	for {
		line := r.line()
		switch {
		case line == "PONG":
			return refused
		case strings.HasPrefix(line, "-ERR"):
			refused = fmt.Errorf("%s", line)
		case strings.HasPrefix(line, "MSG "), strings.HasPrefix(line, "HMSG "):
			m := r.rest(line)
			r.kept = &m
		}
	}
}

// next is the next message of a subscription.
func (r *raw) next() rawMsg {
	r.t.Helper()
	if m := r.kept; m != nil {
		r.kept = nil
		return *m
	}
	for {
		line := r.line()
		switch {
		case line == "PING":
			r.write("PONG\r\n")
		case strings.HasPrefix(line, "-ERR"):
			r.t.Fatal(line)
		case strings.HasPrefix(line, "MSG "), strings.HasPrefix(line, "HMSG "):
			return r.rest(line)
		}
	}
}

func (r *raw) line() string {
	r.t.Helper()
	line, err := r.in.ReadString('\n')
	if err != nil {
		r.t.Fatalf("%q: %v", line, err)
	}
	return strings.TrimRight(line, "\r\n")
}

// rest reads what follows MSG subject sid [reply] size, and HMSG subject sid
// [reply] header-size size.
func (r *raw) rest(line string) rawMsg {
	r.t.Helper()
	f := strings.Fields(line)
	numbers, m := 1, rawMsg{Subject: f[1]}
	if f[0] == "HMSG" {
		numbers = 2
	}
	if len(f) == 4+numbers {
		m.Reply = f[3]
	}
	size, err := strconv.Atoi(f[len(f)-1])
	if err != nil {
		r.t.Fatalf("%q: %v", line, err)
	}
	data := make([]byte, size+2)
	if _, err := io.ReadFull(r.in, data); err != nil {
		r.t.Fatal(err)
	}
	headers := 0
	if numbers == 2 {
		if headers, err = strconv.Atoi(f[len(f)-2]); err != nil {
			r.t.Fatalf("%q: %v", line, err)
		}
	}
	m.Header, m.Data = string(data[:headers]), string(data[headers:size])
	return m
}

// TestRaw says that the connection of these tests does what another one does.
func TestRaw(t *testing.T) {
	s := natstest.StartSecure(t)
	who := actors(t, s.Mesh)
	vic := connectRaw(t, s.Mesh, who["viewer"])
	vic.sub("_INBOX.vic.raw")
	vic.hpub("$JS.API.STREAM.INFO.RESULTS", "_INBOX.vic.raw", "NATS/1.0\r\nX: y\r\n\r\n", "")
	if m := vic.next(); !strings.Contains(m.Data, `"RESULTS"`) {
		t.Errorf("%+v", m)
	}
	vic.hpub("results.paris.web", "", "NATS/1.0\r\n\r\n", "{}")
	if err := vic.flush(); err == nil || !strings.Contains(err.Error(), "Permissions Violation") {
		t.Errorf("a viewer stores a result: %v", err)
	}
}
