package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"log/slog"
	"net"
	"net/url"
	"strings"
	"sync"

	"netmon/console"
	"netmon/console/monitorfile"
	"netmon/export"
	"netmon/internal/endpoint"
	"netmon/probes/kinds"
	"netmon/web"
	"netmon/wire"
)

// served are the pages of a broker, on one connection.
type served struct {
	pages webPages
	cl    *console.Client
	o     web.Options
}

// servedBy makes the pages of a broker, in the name of who is connected to it.
func servedBy(at endpoint.Broker, cl *console.Client, pages webPages, log *slog.Logger) *served {
	s := &served{pages: pages, cl: cl}
	s.o = web.Options{Open: pages.here, Hosts: pages.hosts, Proxy: pages.Proxy, Secure: pages.cert != "" || len(pages.From) > 0,
		Archive: cl, Broker: endpoint.Redact(at.URL), Version: version, Log: log, Write: writtenMonitor, Kinds: kinds.All(),
		Own: ownActor(at, cl), Lend: lender(at),
		History: func(ctx context.Context, name string) ([]console.Revision, error) {
			store, err := cl.Monitors(ctx)
			if err != nil {
				return nil, err
			}
			return store.History(ctx, name)
		}}
	// Beyond this host, people have names of their own, where the mesh has any.
	if pages.here || s.o.Lend == nil && pages.User == "" {
		s.o.Token = rand.Text()
	}
	return s
}

// ownActor acts in the name of who serves the pages.
func ownActor(at endpoint.Broker, cl *console.Client) web.Actor {
	role := at.Role()
	if role != wire.RoleViewer { // pages need no admin, and a mesh without identities asks nobody
		role = wire.RoleOperator
	}
	return web.Actor{Name: cmp.Or(at.Who.Name, console.Author()), Role: role, Client: cl, Ops: opsOf(cl)}
}

// link is where the pages are, for who may change things.
func (s *served) link(l net.Listener) string {
	u := url.URL{Scheme: "http", Host: l.Addr().String(), Path: "/"}
	if s.o.Secure {
		u.Scheme = "https"
	}
	if _, port, err := net.SplitHostPort(u.Host); err == nil && len(s.pages.hosts) > 0 {
		u.Host = s.pages.hosts[0]
		if len(s.pages.From) == 0 && port != "443" { // a proxy has ports of its own
			u.Host = net.JoinHostPort(s.pages.hosts[0], port)
		}
	}
	if s.o.Token != "" {
		u.RawQuery = "token=" + s.o.Token
	}
	return u.String()
}

// serve serves them until ctx ends.
func (s *served) serve(ctx context.Context, l net.Listener) error {
	if s.pages.cert != "" {
		var err error
		if s.o.TLS, err = web.TLS(s.pages.cert, s.pages.key, func(err error) { s.o.Log.Error("a renewed certificate cannot be read", "error", err) }); err != nil {
			l.Close()
			return usage("--tls-cert: %w", err)
		}
	}
	var following sync.WaitGroup
	defer following.Wait()
	s.o.Follow = func(ctx context.Context) web.Model {
		model := s.cl.Model(console.ModelOptions{Past: true, Uptimes: true, Phases: kinds.All().Phases, Gather: web.Gather})
		following.Go(func() { model.Run(ctx) })
		return model
	}
	if s.pages.here {
		mesh := export.Follow(s.cl, kinds.All(), version)
		defer mesh.Close()
		s.o.Metrics = export.NewServer(export.Options{Mesh: mesh, RoundTrip: s.cl.RoundTrip, Log: s.o.Log}).Pages()
	}
	return web.New(s.o).Serve(ctx, l)
}

// writtenMonitor is a monitor as it stands in a file.
func writtenMonitor(m wire.Saved) (string, error) {
	var b strings.Builder
	err := monitorfile.Write(&b, console.Wanted{Monitors: []wire.Saved{m}}, "")
	return b.String(), err
}
