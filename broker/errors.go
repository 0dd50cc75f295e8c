package broker

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"

	"github.com/nats-io/nats-server/v2/server"
)

// explainStart says what to do about the usual reasons why a server does not start.
func explainStart(err error, o *server.Options) error {
	var op *net.OpError
	switch {
	case errors.Is(err, syscall.EADDRINUSE) && errors.As(err, &op):
		if op.Addr != nil && o.HTTPPort > 0 && op.Addr.String() == net.JoinHostPort(o.HTTPHost, fmt.Sprint(o.HTTPPort)) {
			return fmt.Errorf("monitoring on %s: the port is in use: set the monitoring port (http) to another: %w", op.Addr, err)
		}
		return fmt.Errorf("listen on %s: the port is in use: if a broker is there already, connect to it (%s), else set listen to 127.0.0.1:0 or another port: %w",
			op.Addr, clientURL(o), err)
	case errors.Is(err, syscall.EACCES) && errors.As(err, &op):
		return fmt.Errorf("listen on %s: not allowed: ports below 1024 belong to root; set listen to another port: %w", op.Addr, err)
	case errors.As(err, &op):
		return fmt.Errorf("listen: %w: set listen to an address of this host", err)
	case strings.Contains(err.Error(), "address already in use"):
		// Another port of a configuration file: a cluster's, or a websocket's.
		return fmt.Errorf("start the broker: %w: the port is in use: stop what is there, or change the port in the configuration", err)
	}
	return fmt.Errorf("start the broker: %w", err)
}
