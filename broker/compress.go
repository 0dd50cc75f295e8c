package broker

import (
	"context"

	"github.com/nats-io/nats-server/v2/server"

	"netmon/wire"
)

// compress starts the server again where the stream of results was changed to
// one that is compressed: a server takes that in when it loads a stream, and not
// before. What is stored already stays as it is, until it is old. In a cluster the
// next start of each server does it.
func (b *Broker) compress(ctx context.Context) {
	if !b.plain || b.clustered() {
		return
	}
	srv := b.server()
	if srv == nil {
		return
	}
	if _, compressed := resultsIn(srv); !compressed {
		return
	}
	b.plain = false
	b.log.Info("restarting the broker once: results are compressed from now on", "store", b.store)
	if err := b.Restart(ctx); err != nil {
		b.log.Error("restart of the broker", "error", err)
		b.comeBack(ctx, healthEvery)
	}
}

// resultsIn says whether a server has the stream of results, and whether that is
// to be compressed. The server itself is asked: it knows no accounts' keys, and needs none.
func resultsIn(srv *server.Server) (there, compressed bool) {
	if !srv.JetStreamEnabled() {
		return false, false
	}
	info, err := srv.Jsz(&server.JSzOptions{Accounts: true, Streams: true, Config: true})
	if err != nil {
		return false, false
	}
	for _, a := range info.AccountDetails {
		for _, s := range a.Streams {
			if s.Name == wire.ResultsStream && s.Config != nil {
				there, compressed = true, s.Config.Compression == server.S2Compression
			}
		}
	}
	return there, compressed
}
