package broker

import (
	"cmp"
	"crypto/tls"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/nats-io/nats-server/v2/server"
)

// Opening is a listener that other hosts reach, and that gives them something
// without asking who they are.
type Opening struct {
	Listener string // as the configuration calls it, such as mqtt
	Addr     string // host:port
	Gives    string // what whoever reaches it can do
	Cure     string // the words that close it
	Shows    bool   // it shows something, and takes no messages
}

func (o Opening) String() string {
	return fmt.Sprintf("%s %s: whoever reaches it can %s; close it: %s", o.Listener, o.Addr, o.Gives, o.Cure)
}

// Clients is the Listener of agents and consoles.
const Clients = "listen"

// OpenError says that a broker would let in whoever comes, which Options.Insecure allows.
type OpenError struct{ Openings []Opening }

func (e *OpenError) Error() string {
	var b strings.Builder
	b.WriteString("the broker would be open to other hosts, so it does not start:")
	for _, o := range e.Openings {
		b.WriteString("\n  " + o.String())
	}
	return b.String()
}

// refuseOpen is the error of a server that lets in whoever comes. One that only
// shows something is the caller's to warn of: those who read its pages from
// elsewhere must not have to open the rest for them.
func refuseOpen(o *server.Options) error {
	list := slices.DeleteFunc(Openings(o), func(o Opening) bool { return o.Shows })
	if len(list) == 0 {
		return nil
	}
	return &OpenError{list}
}

// Openings lists what a server with these options has open. It decides by who is
// asked for a name, not by what the name may do: permissions are the owner's.
func Openings(o *server.Options) (list []Opening) {
	add := func(listener, host string, port int, gives, cure string) {
		if !Loopback(host) {
			list = append(list, Opening{Listener: listener, Addr: address(host, port), Gives: gives, Cure: cure})
		}
	}
	show := func(listener, host string, port int, gives string) {
		if port != 0 && !Loopback(host) {
			list = append(list, Opening{Listener: listener, Addr: address(host, port), Gives: gives, Shows: true,
				Cure: fmt.Sprintf("%s: %s", listener, address("127.0.0.1", port))})
		}
	}
	const (
		commands = "read all results, command all agents, and change what is saved"
		users    = "authorization { user: NAME, password: WORD }"
		verify   = "tls { ca_file: FILE, verify: true }"
	)
	cure := func(block, noAuthUser string) string {
		if noAuthUser != "" {
			return fmt.Sprintf("take no_auth_user: %q out, or have it listen on 127.0.0.1", noAuthUser)
		}
		if block == "" {
			return users + ", accounts with users, operator, or " + verify + "; or listen on 127.0.0.1; or start without a configuration: the broker then makes identities by itself"
		}
		return fmt.Sprintf("%s { %s } or %s { %s }, or have it listen on 127.0.0.1", block, users, block, verify)
	}
	auth := authOf(o)
	if !o.DontListen && !auth.asks && !(mutual(o.TLSConfig, o.TLSPinnedCerts) && !o.AllowNonTLS) {
		add(Clients, o.Host, cmp.Or(o.Port, server.DEFAULT_PORT), commands, cure("", o.NoAuthUser))
	}
	ws, mqtt, leaf := &o.Websocket, &o.MQTT, &o.LeafNode
	mqttAuth := auth.override(o, mqtt.Username, mqtt.Token, mqtt.NoAuthUser)
	if ws.Port != 0 && !mutual(ws.TLSConfig, ws.TLSPinnedCerts) {
		// MQTT and leaf nodes come by it too, where there are any.
		switch wsAuth := auth.override(o, ws.Username, ws.Token, ws.NoAuthUser); {
		case !wsAuth.asks:
			add("websocket", ws.Host, ws.Port, commands, cure("websocket", wsAuth.noAuthUser))
		case mqtt.Port != 0 && !mqttAuth.asks:
			add("websocket", ws.Host, ws.Port, commands+", by MQTT", cure("mqtt", mqttAuth.noAuthUser))
		case leaf.Port != 0 && !auth.ofLeaf(o, ws.NoAuthUser).asks:
			add("websocket", ws.Host, ws.Port, "join a server of its own to this one, with all messages of an account", cure("leafnodes", ""))
		}
	}
	if mqtt.Port != 0 && !mqttAuth.asks && !mutual(mqtt.TLSConfig, mqtt.TLSPinnedCerts) {
		add("mqtt", mqtt.Host, mqtt.Port, commands, cure("mqtt", mqttAuth.noAuthUser))
	}
	if leafAuth := auth.ofLeaf(o, ""); leaf.Port != 0 && !leafAuth.asks && !mutual(leaf.TLSConfig, leaf.TLSPinnedCerts) {
		add("leafnodes", leaf.Host, leaf.Port, "join a server of its own to this one, with all messages of an account", cure("leafnodes", leafAuth.noAuthUser))
	}
	if c := &o.Cluster; c.Port != 0 && c.Username == "" && o.CustomRouterAuthentication == nil && !mapped(c.TLSMap, c.TLSCheckKnownURLs, c.TLSConfig, c.TLSPinnedCerts) {
		add("cluster", c.Host, c.Port, "be a server of the cluster, with the messages of all accounts", cure("cluster", ""))
	}
	if g := &o.Gateway; g.Port != 0 && g.Username == "" && !mapped(g.TLSMap, g.TLSCheckKnownURLs, g.TLSConfig, g.TLSPinnedCerts) {
		add("gateway", g.Host, g.Port, "be a cluster beside this one, with the messages of all accounts", cure("gateway", ""))
	}
	pages := cmp.Or(o.HTTPHost, o.Host)
	const see = "see who is connected, from where, and all subjects, streams and accounts"
	show("http", pages, o.HTTPPort, see)
	show("https", pages, o.HTTPSPort, see)
	show("prof_port", o.Host, o.ProfPort, "see the insides of the process, and slow it down")
	return list
}

// auth says how clients are asked who they are.
type auth struct {
	asks       bool
	noAuthUser string // as whom those come in who do not say
}

// authOf follows what nats-server's configureAuthorization and
// processClientOrLeafAuthentication do.
func authOf(o *server.Options) auth {
	required := o.Nkeys != nil || o.Users != nil || o.Username != "" || o.Authorization != ""
	return asksBy(o, required && !systemOnly(o), o.NoAuthUser)
}

func asksBy(o *server.Options, required bool, noAuthUser string) auth {
	a := auth{noAuthUser: noAuthUser}
	switch c := o.AuthCallout; {
	case o.CustomClientAuthentication != nil, len(o.TrustedKeys)+len(o.TrustedOperators) > 0:
		a.asks = true
	case c != nil: // it is asked about everybody, but for its own users and other accounts
		a.asks = noAuthUser == "" || len(c.AllowedAccounts) == 0 && !slices.Contains(c.AuthUsers, noAuthUser)
	default:
		a.asks = required && noAuthUser == ""
	}
	return a
}

// override is what holds for websockets or MQTT: their own words, where there
// are any, or those for all clients.
func (a auth) override(o *server.Options, username, token, noAuthUser string) auth {
	if username == "" && token == "" && noAuthUser == "" {
		return a
	}
	return asksBy(o, true, noAuthUser)
}

// ofLeaf is what holds for leaf nodes; noAuthUser is that of websockets where
// they come by one.
func (a auth) ofLeaf(o *server.Options, noAuthUser string) auth {
	l := &o.LeafNode
	switch {
	case l.Username != "" || l.Nkey != "" || len(l.Users) > 0:
		return auth{asks: true}
	case a.asks && noAuthUser != "":
		return asksBy(o, true, noAuthUser)
	}
	return a
}

// systemOnly says that nobody but the system account has users. The server then
// lets everybody else in without a word.
func systemOnly(o *server.Options) bool {
	system := cmp.Or(o.SystemAccount, server.DEFAULT_SYSTEM_ACCOUNT)
	if o.Username != "" || o.Authorization != "" {
		return false
	}
	for _, a := range o.Accounts {
		if a.Name != system && a.Name != server.DEFAULT_GLOBAL_ACCOUNT {
			return false
		}
	}
	isSystem := func(a *server.Account) bool { return a != nil && a.Name == system }
	return !slices.ContainsFunc(o.Users, func(u *server.User) bool { return !isSystem(u.Account) }) &&
		!slices.ContainsFunc(o.Nkeys, func(u *server.NkeyUser) bool { return !isSystem(u.Account) })
}

// mutual says whether TLS lets in only who has a certificate of an authority
// that was chosen: without ca_file that of any public one would do.
func mutual(c *tls.Config, pinned server.PinnedCertSet) bool {
	return c != nil && c.ClientAuth == tls.RequireAndVerifyClientCert && (c.ClientCAs != nil || len(pinned) > 0)
}

// mapped is mutual for servers, whose certificates may have to name them.
func mapped(byMap, byURL bool, c *tls.Config, pinned server.PinnedCertSet) bool {
	return c != nil && (byMap || byURL) || mutual(c, pinned)
}

// Loopback says whether only this host reaches an address to listen on. "" is all
// addresses, as nats-server has it.
func Loopback(host string) bool {
	addr, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return host == "localhost" || err == nil && addr.Unmap().IsLoopback()
}

func address(host string, port int) string {
	host = cmp.Or(host, server.DEFAULT_HOST)
	if port == server.RANDOM_PORT {
		return net.JoinHostPort(host, "any")
	}
	return net.JoinHostPort(host, strconv.Itoa(port))
}
