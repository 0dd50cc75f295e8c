package httpserve

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// Bounds of a server.
type Bounds struct {
	Connections int           // open at a time; more wait with the kernel
	Header      int           // bytes of a request's header
	HeaderTime  time.Duration // for a request's header
	Idle        time.Duration // for the next request of a connection
	Write       time.Duration // for one answer
}

// Usual are bounds for pages that anybody may ask for.
func Usual() Bounds {
	return Bounds{Connections: 1000, Header: 16 << 10, HeaderTime: 5 * time.Second, Idle: 30 * time.Second, Write: 30 * time.Second}
}

// crowded is the share of the connections from which on none is kept for another request:
// whoever waits gets the place.
const crowded = 0.75

// Serve answers on l until ctx ends, and closes it. A request has no body: one is not read.
func Serve(ctx context.Context, l net.Listener, h http.Handler, b Bounds, log *slog.Logger) error {
	open := Limit(l, b.Connections)
	most := int(crowded * float64(b.Connections))
	srv := &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if open.Open() > most {
				w.Header().Set("Connection", "close")
			}
			h.ServeHTTP(w, r)
		}),
		ReadHeaderTimeout: b.HeaderTime,
		ReadTimeout:       b.HeaderTime,
		WriteTimeout:      b.Write,
		IdleTimeout:       b.Idle,
		MaxHeaderBytes:    b.Header,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	over := context.AfterFunc(ctx, func() {
		bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		if srv.Shutdown(bounded) != nil {
			_ = srv.Close()
		}
	})
	defer over()
	if err := srv.Serve(open); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
