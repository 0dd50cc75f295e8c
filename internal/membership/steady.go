package membership

import (
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"

	"netmon/internal/retry"
)

// Steady is Connect for who stays connected: what becomes of the connection goes to the
// log, once, and where the broker no longer lets the notifier in it tries ever more seldom.
func (n Notifier) Steady(log *slog.Logger) func(...nats.Option) (*nats.Conn, error) {
	return func(more ...nats.Option) (*nats.Conn, error) {
		var holding atomic.Pointer[nats.Conn]
		var away atomic.Bool
		var denied atomic.Int32 // times in a row
		lost := func(err error) {
			switch {
			case retry.Refused(err):
				if denied.Add(1) == 2 { // the first may be of a key that was just changed
					log.Error("the broker does not let this notifier in: it was shut out (netmon access revoke), or its credentials belong to another mesh; it sends nothing, and tries again at least every 5 minutes. "+
						"To join again: netmon token new notifier --name "+n.Name+" there, netmon notifier --join LINE here", "error", err)
				}
			case err != nil && denied.Load() == 0 && !away.Swap(true):
				log.Warn("lost the connection to the broker; nothing is sent from here until it is back", "error", err)
			}
		}
		again := retry.Connects{}
		nc, err := n.Connect(append(more,
			nats.CustomReconnectDelay(func(int) time.Duration { return again.After(holding.Load().LastError()) }),
			nats.ReconnectErrHandler(func(_ *nats.Conn, err error) { lost(err) }), // also of the first attempt
			nats.DisconnectErrHandler(func(nc *nats.Conn, err error) {
				if !nc.IsClosed() && !retry.Refused(err) { // else it is reported as an error
					lost(err)
				}
			}),
			nats.ReconnectHandler(func(*nats.Conn) {
				if was := away.Swap(false); denied.Swap(0) > 1 || was {
					log.Info("connected to the broker again")
				}
			}),
			nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
				if retry.Refused(err) {
					lost(err)
				} else {
					log.Warn("nats", "error", err)
				}
			}))...)
		if err == nil {
			holding.Store(nc)
		}
		return nc, err
	}
}
