package broker

import (
	"bufio"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"netmon/broker/access"
	"netmon/internal/freeport"
	"netmon/internal/need"
)

// Parts of configurations, with what of them is open to whoever comes. Each is
// tried with a server, too.
const (
	oneUser     = `authorization { user: a, password: b }`
	callout     = `authorization { users: [ {user: a, password: b} ], auth_callout { issuer: ABJHLOVMPA4CI6R5KLNGOB4GSLNIY7IOUPAJC4YFNDLQVIOBYQGUWVLA, auth_users: [ a ] } }`
	twoAccounts = `accounts { A { users: [ {user: a, password: b} ] }, B { users: [ {user: c, password: d} ] } }`
)

var openingCases = []struct {
	name, conf string
	open       string
}{
	{"nothing is said", ``, "listen"},
	{"a user", oneUser, ""},
	{"a token", `authorization { token: t }`, ""},
	{"users", `authorization { users: [ {user: a, password: b} ] }`, ""},
	{"nkeys", `authorization { users: [ {nkey: UDXU4RCSJNZOIQHZNWXHXORDPRTGNJAHAHFRGZNEEJCPQTT2M7NLCNF4} ] }`, ""},
	{"accounts with users", twoAccounts, ""},
	{"accounts without", `accounts { A {} }`, "listen"},
	{"no more than a timeout", `authorization { timeout: 1 }`, "listen"},
	{"no_auth_user", twoAccounts + "\nno_auth_user: a", "listen"},
	{"users of the system account only", `accounts { $SYS { users: [ {user: a, password: b} ] } }`, "listen"},
	{"users of a system account of another name", `accounts { S { users: [ {user: a, password: b} ] } }, system_account: S`, "listen"},
	{"and one more", `accounts { $SYS { users: [ {user: a, password: b} ] }, B { users: [ {user: c, password: d} ] } }`, ""},
	{"whoever comes is asked about", callout, ""},
	{"all but who is let in at once", callout + "\nno_auth_user: a", "listen"},
	{"TLS", `tls { cert_file: CERT, key_file: KEY }`, "listen"},
	{"mutual TLS", `tls { cert_file: CERT, key_file: KEY, ca_file: CERT, verify: true }`, ""},
	{"mutual TLS by any public authority", `tls { cert_file: CERT, key_file: KEY, verify: true }`, "listen"},
	{"mutual TLS for those who like", `tls { cert_file: CERT, key_file: KEY, ca_file: CERT, verify: true }, allow_non_tls: true`, "listen"},

	{"websockets as the rest", oneUser + "\nwebsocket { listen: WS, no_tls: true }", ""},
	{"websockets as the rest, open", `websocket { listen: WS, no_tls: true }`, "listen websocket"},
	{"websockets with a user of their own", `websocket { listen: WS, no_tls: true, authorization { user: a, password: b } }`, "listen"},
	{"websockets with no_auth_user", twoAccounts + "\nwebsocket { listen: WS, no_tls: true, no_auth_user: a }", "websocket"},
	{"websockets with a user, and leaf nodes without", `websocket { listen: WS, no_tls: true, authorization { user: a, password: b } }, leafnodes { listen: LEAF, tls { cert_file: CERT, key_file: KEY, ca_file: CERT, verify: true } }`, "listen websocket"},

	{"leaf nodes as the rest", oneUser + "\nleafnodes { listen: LEAF }", ""},
	{"leaf nodes as the rest, open", `leafnodes { listen: LEAF }`, "listen leafnodes"},
	{"leaf nodes with a user of their own", `leafnodes { listen: LEAF, authorization { user: a, password: b } }`, "listen"},
	{"leaf nodes with no_auth_user", twoAccounts + "\nno_auth_user: a, leafnodes { listen: LEAF }", "listen leafnodes"},
	{"leaf nodes that it goes to itself", oneUser + "\nleafnodes { remotes: [ {url: \"nats://127.0.0.1:1\"} ] }", ""},

	{"MQTT as the rest", oneUser + "\nmqtt { listen: MQTT }", ""},
	{"MQTT as the rest, open", `mqtt { listen: MQTT }`, "listen mqtt"},
	{"MQTT with a user of its own", `mqtt { listen: MQTT, authorization { user: a, password: b } }`, "listen"},
	{"MQTT with no_auth_user", strings.Replace(twoAccounts, "A {", "A { jetstream: enabled,", 1) + "\nmqtt { listen: MQTT, no_auth_user: a }", "mqtt"},

	{"a cluster without a password", oneUser + "\ncluster { name: c, listen: CLUSTER }", "cluster"},
	{"a cluster with one", oneUser + "\ncluster { name: c, listen: CLUSTER, authorization { user: a, password: b } }", ""},
	{"a cluster with TLS, which is mutual", oneUser + "\ncluster { name: c, listen: CLUSTER, tls { cert_file: CERT, key_file: KEY, ca_file: CERT } }", ""},
	{"gateways without a password", oneUser + "\ngateway { name: g, listen: GATEWAY }", "gateway"},
	{"gateways with one", oneUser + "\ngateway { name: g, listen: GATEWAY, authorization { user: a, password: b } }", ""},

	{"pages", oneUser + "\nhttp: HTTP", "(http)"},
	{"profiles", oneUser + "\nprof_port: -1", "(prof_port)"},
}

// openingConfig is a case's configuration, on one address.
func openingConfig(t *testing.T, conf, host string) string {
	t.Helper()
	cert, key := certificate(t)
	free := func() string { // the words of two listeners must differ
		return strconv.Quote(net.JoinHostPort(host, strconv.Itoa(freeport.Port(t))))
	}
	conf = strings.NewReplacer("CERT", strconv.Quote(cert), "KEY", strconv.Quote(key), "WS", free(), "LEAF", free(), "MQTT", free(), "CLUSTER", free(), "GATEWAY", free(), "HTTP", free()).Replace(conf)
	return config(t, fmt.Sprintf("server_name: n\nlisten: %s\njetstream { store_dir: %q }\n%s\n", free(), t.TempDir(), conf))
}

// certificate is that of a mesh, with its authority behind it.
func certificate(t *testing.T) (cert, key string) {
	t.Helper()
	dir := t.TempDir()
	a, err := access.Open(dir, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	a.Close()
	return filepath.Join(dir, "broker.pem"), filepath.Join(dir, "broker-key.pem")
}

func TestOpenings(t *testing.T) {
	need.Time(t)
	names := func(list []Opening) string {
		var out []string
		for _, o := range list {
			if o.Shows {
				o.Listener = "(" + o.Listener + ")"
			}
			out = append(out, o.Listener)
		}
		return strings.Join(out, " ")
	}
	for _, c := range openingCases {
		t.Run(c.name, func(t *testing.T) {
			for _, host := range []string{"0.0.0.0", "::", "192.0.2.1", "127.0.0.1", "::1", "localhost"} {
				conf := openingConfig(t, c.conf, host)
				so, _, err := Options{Config: conf}.server()
				if err != nil {
					t.Fatal(err)
				}
				want := c.open
				if Loopback(host) {
					want = ""
				}
				if got := names(Openings(so)); got != want {
					t.Errorf("on %s: open %q, want %q", host, got, want)
				}
			}
		})
	}
	so := &server.Options{Port: server.RANDOM_PORT}
	if list := Openings(so); len(list) != 1 || list[0].Addr != "0.0.0.0:any" {
		t.Errorf("%v", list)
	}
}

// TestOpenings_AsTheServerDoes checks the table against nats-server.
func TestOpenings_AsTheServerDoes(t *testing.T) {
	need.Time(t)
	for _, c := range openingCases {
		if strings.Contains(c.name, "public authority") || strings.Contains(c.conf, "gateway") || strings.Contains(c.conf, "cluster") {
			continue // needs a certificate of one, or a server to try with
		}
		t.Run(c.name, func(t *testing.T) {
			b := mustStart(t, Options{Config: openingConfig(t, c.conf, "127.0.0.1")})
			o := b.options()
			for listener, try := range map[string]func() error{
				"listen":    func() error { return tryNATS("nats", o.Host, o.Port, o) },
				"websocket": func() error { return tryNATS("ws", o.Websocket.Host, o.Websocket.Port, o) },
				"leafnodes": func() error { return tryLeaf(o.LeafNode.Host, o.LeafNode.Port) },
				"mqtt":      func() error { return tryMQTT(o.MQTT.Host, o.MQTT.Port) },
			} {
				ports := map[string]int{"listen": o.Port, "websocket": o.Websocket.Port, "leafnodes": o.LeafNode.Port, "mqtt": o.MQTT.Port}
				if ports[listener] == 0 || listener == "websocket" && strings.Contains(c.name, "and leaf nodes") { // open by those
					continue
				}
				if err, want := try(), slices.Contains(strings.Fields(c.open), listener); (err == nil) != want {
					t.Errorf("%s: %v; open: %v", listener, err, want)
				}
			}
		})
	}
}

// tryNATS takes whatever certificate the server has.
func tryNATS(scheme, host string, port int, o *server.Options) error {
	var opts []nats.Option
	if scheme == "nats" && o.TLSConfig != nil && !o.AllowNonTLS {
		opts = append(opts, nats.Secure(&tls.Config{InsecureSkipVerify: true})) // #nosec G402
	}
	nc, err := nats.Connect(fmt.Sprintf("%s://%s:%d", scheme, host, port), opts...)
	if err == nil {
		nc.Close()
	}
	return err
}

// tryLeaf says that it is a server.
func tryLeaf(host string, port int) error {
	c, err := net.Dial("tcp", net.JoinHostPort(host, fmt.Sprint(port)))
	if err != nil {
		return err
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(time.Minute))
	r := bufio.NewReader(c)
	if _, err := r.ReadString('\n'); err != nil { // INFO
		return err
	}
	io.WriteString(c, "CONNECT {\"name\":\"x\",\"server_id\":\"x\"}\r\nPING\r\n")
	for {
		line, err := r.ReadString('\n')
		switch {
		case strings.HasPrefix(line, "PONG"):
			return nil
		case strings.HasPrefix(line, "-ERR"):
			return errors.New(line)
		case err != nil:
			return err
		}
	}
}

// tryMQTT connects without a name or password (MQTT 3.1.1).
func tryMQTT(host string, port int) error {
	c, err := net.Dial("tcp", net.JoinHostPort(host, fmt.Sprint(port)))
	if err != nil {
		return err
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(time.Minute))
	io.WriteString(c, "\x10\x0d\x00\x04MQTT\x04\x02\x00\x3c\x00\x01x")
	var ack [4]byte
	if _, err := io.ReadFull(c, ack[:]); err != nil {
		return err
	}
	if ack[3] != 0 {
		return fmt.Errorf("refused with %d", ack[3])
	}
	return nil
}

func TestStart_RefusesWhatIsOpen(t *testing.T) {
	conf := openingConfig(t, "mqtt { listen: MQTT }\nleafnodes { listen: LEAF, authorization { user: a, password: b } }\nhttp: HTTP", "0.0.0.0")
	_, err := Start(t.Context(), Options{Config: conf})
	var open *OpenError
	if !errors.As(err, &open) || len(open.Openings) != 2 {
		t.Fatalf("%v", err)
	}
	for _, want := range []string{"\n  listen 0.0.0.0:", "\n  mqtt 0.0.0.0:", "command all agents", "close it: mqtt { authorization"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in\n%v", want, err)
		}
	}
	if b := mustStart(t, Options{Config: conf, Insecure: true}); len(b.Openings()) != 3 {
		t.Errorf("%v", b.Openings())
	}
	// One with identities is not open, wherever it listens.
	store := t.TempDir()
	a, err := access.Open(access.FolderOf(store), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	if b := mustStart(t, Options{Listen: "0.0.0.0:0", Store: store, Access: a}); len(b.Openings()) != 0 {
		t.Errorf("%v", b.Openings())
	}
}
