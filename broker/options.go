package broker

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"netmon/broker/access"
	"netmon/wire"

	"github.com/nats-io/nats-server/v2/server"
)

// Options of the embedded server.
type Options struct {
	Listen   string // host:port; port 0 picks one; "" means in-process only
	Store    string // folder of JetStream
	Config   string // a nats-server configuration file; replaces Listen; Store overrides its store_dir when set
	Name     string // server name; default netmon-<host>
	HTTP     string // monitoring address host:port, "" is off
	MaxStore int64  // bytes of disk JetStream may use, results compressed; default DefaultMaxStore
	// Access, when not nil, is who may come in, over TLS. A broker without it
	// lets everybody do everything.
	Access *access.Authority
	// Advertise is the host, or host:port, that others reach the broker by;
	// default its first address that is not only its own.
	Advertise string
	// Insecure lets a server start that other hosts may use without saying who
	// they are; otherwise Start returns an OpenError.
	Insecure bool
	// BringAlong is an account of the store whose streams are to continue under this
	// broker, also where what it has itself must be set aside: a [Holding.Name].
	BringAlong string
	// Restoring lets a server start on a store of [BeginRestore] that is not whole.
	Restoring    bool
	ClientLimits ClientLimits // what clients may take of it
	Log          *slog.Logger
}

// DefaultMaxStore is how many bytes of disk a broker may use. Without a figure
// nats-server would take three quarters of what is free.
const DefaultMaxStore = 10 << 30

// StoreFor is the MaxStore in which results may take so many bytes of disk.
func StoreFor(results int64) int64 { return max(DefaultMaxStore, 2*results) }

// counted is what the server, which counts bytes before compression, may count where
// so much of the disk is used. Results are at most half of it.
func counted(store int64) int64 { return store/2 + mostSaved*(store/2) }

const (
	maxMemory = 256 << 20 // bytes of memory streams: heartbeats
	// The time in which the clients of a cluster are sent elsewhere.
	lameDuckGrace = 200 * time.Millisecond
	lameDuckTime  = 2 * time.Second
)

// server turns o into the server's own options. The warnings are for the log.
func (o Options) server() (so *server.Options, warnings []string, err error) {
	if o.Config != "" {
		return o.fromConfig()
	}
	so = &server.Options{
		ServerName:         o.Name,
		DontListen:         o.Listen == "",
		ClientAdvertise:    o.Advertise,
		Host:               "127.0.0.1",
		JetStream:          true,
		StoreDir:           o.Store,
		JetStreamMaxMemory: maxMemory,
	}
	var errs []error
	if o.Store == "" {
		errs = append(errs, errors.New("store: is missing: give the folder that results are kept in"))
	}
	if o.Listen != "" {
		if so.Host, so.Port, err = hostPort("listen", o.Listen); err != nil {
			errs = append(errs, err)
		}
	}
	if err := o.common(so); err != nil {
		errs = append(errs, err)
	}
	if so.ServerName == "" {
		host, _ := os.Hostname()
		so.ServerName = "netmon-" + wire.MakeToken(host)
	}
	return so, nil, errors.Join(errs...)
}

// common sets what holds with and without a configuration file.
func (o Options) common(so *server.Options) (err error) {
	so.NoSigs = true // else the server ends our process on SIGINT
	so.NoLog = false
	so.MaxTracedMsgLen = 256
	o.ClientLimits.applyTo(so)
	if so.PingInterval == 0 {
		so.PingInterval, so.MaxPingsOut = 20*time.Second, 2
	}
	if so.SyncInterval == 0 {
		so.SyncInterval = time.Second // from message to disk; nats-server's own default is 2 min
	}
	if so.LameDuckDuration == 0 {
		so.LameDuckGracePeriod, so.LameDuckDuration = lameDuckGrace, lameDuckTime
	}
	switch {
	case o.MaxStore > 0:
		so.JetStreamMaxStore = counted(o.MaxStore)
	case so.JetStreamMaxStore <= 0:
		so.JetStreamMaxStore = counted(DefaultMaxStore)
	}
	if o.HTTP != "" {
		so.HTTPHost, so.HTTPPort, err = hostPort("http", o.HTTP)
	}
	if so.StoreDir != "" {
		so.StoreDir, _ = filepath.Abs(so.StoreDir)
	}
	if o.Access != nil {
		err = errors.Join(err, o.Access.Secure(so))
	}
	return err
}

// fromConfig reads a nats-server configuration and reports every mistake in it.
func (o Options) fromConfig() (so *server.Options, warnings []string, err error) {
	so = &server.Options{}
	if err := so.ProcessConfigFile(o.Config); err != nil {
		list, ok := err.(interface{ Errors() []error })
		if !ok { // it could not be read at all
			return nil, nil, fmt.Errorf("nats-server configuration %s: %w", o.Config, err)
		}
		if errs := list.Errors(); len(errs) > 0 {
			return nil, nil, fmt.Errorf("nats-server configuration %s:\n%s", o.Config, strings.Join(inOrder(errs), "\n"))
		}
		if list, ok := err.(interface{ Warnings() []error }); ok {
			warnings = inOrder(list.Warnings())
		}
	}
	if o.Name != "" {
		so.ServerName = o.Name
	}
	if o.Store != "" {
		so.JetStream, so.StoreDir = true, o.Store
	}
	switch {
	case !so.JetStream:
		warnings = append(warnings, o.Config+" does not enable JetStream here: results are kept only if another server of the cluster does")
	case so.StoreDir == "":
		return nil, nil, fmt.Errorf("nats-server configuration %s: jetstream.store_dir: is missing, and results would be kept in %s: set it, or give a store folder", o.Config, os.TempDir())
	}
	// Two servers of one cluster must not have one name, so in a cluster the
	// server itself asks for a name rather than taking the host's.
	if so.ServerName == "" && so.Cluster.Port == 0 && so.Cluster.Name == "" {
		host, _ := os.Hostname()
		so.ServerName = "netmon-" + wire.MakeToken(host)
	}
	return so, warnings, o.common(so)
}

// typeMistake is what the server says of a value of the wrong type.
var typeMistake = regexp.MustCompile(`interface conversion: interface \{\} is (\S+), not (\S+)`)

// inOrder returns the messages of errs by the line that they name: the server
// reads its configuration in random order.
func inOrder(errs []error) []string {
	lineOf := func(s string) int {
		parts := strings.SplitN(s, ":", 4)
		if len(parts) < 3 {
			return 0
		}
		n, _ := strconv.Atoi(parts[1])
		return n
	}
	out := make([]string, len(errs))
	for i, e := range errs {
		out[i] = typeMistake.ReplaceAllString(strings.TrimSpace(e.Error()), "want a value of type $2, got $1")
	}
	slices.SortFunc(out, func(a, b string) int {
		if d := lineOf(a) - lineOf(b); d != 0 {
			return d
		}
		return strings.Compare(a, b)
	})
	return slices.Compact(out)
}

// hostPort splits an address to listen on; port 0 becomes the server's word
// for any port.
func hostPort(field, addr string) (host string, port int, err error) {
	host, p, err := net.SplitHostPort(addr)
	if err == nil {
		port, err = strconv.Atoi(p)
	}
	if err != nil || port < 0 || port > 65535 {
		return "", 0, fmt.Errorf("%s: want host:port such as 127.0.0.1:4222, got %q", field, addr)
	}
	if port == 0 {
		port = server.RANDOM_PORT
	}
	return host, port, nil
}
