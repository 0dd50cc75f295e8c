package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"text/tabwriter"
	"time"
)

// serveControl answers break, mend and list until ctx ends.
func serveControl(ctx context.Context, addr string, s *services, out io.Writer) error {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	h := &http.Server{Handler: control(s), ReadHeaderTimeout: 5 * time.Second}
	stop := context.AfterFunc(ctx, func() { h.Close() })
	defer stop()
	fmt.Fprintf(out, "targets ready; control at http://%s/\n%s", l.Addr(), s.table())
	if err := h.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func control(s *services) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, s.table()) })
	for _, verb := range []string{"break", "mend"} {
		mux.HandleFunc("POST /"+verb+"/{name}", func(w http.ResponseWriter, r *http.Request) {
			text, err := s.turn(r.PathValue("name"), verb == "break")
			if err != nil {
				http.Error(w, err.Error(), http.StatusBadRequest)
				return
			}
			io.WriteString(w, text)
		})
	}
	return mux
}

// turn breaks or mends one service, or mends all.
func (s *services) turn(name string, broken bool) (string, error) {
	if name == "all" && !broken {
		for _, l := range s.levers {
			if err := s.pull(l, false); err != nil {
				return "", err
			}
		}
		return "all are mended\n", nil
	}
	for _, l := range s.levers {
		if l.name != name {
			continue
		}
		if err := s.pull(l, broken); err != nil {
			return "", fmt.Errorf("%s: %w", name, err)
		}
		if broken {
			return fmt.Sprintf("%s: %s\nexpect: %s\n", name, l.what, l.expect), nil
		}
		return fmt.Sprintf("%s is mended\n", name), nil
	}
	var names []string
	for _, l := range s.levers {
		names = append(names, l.name)
	}
	return "", fmt.Errorf("want one of %s, got %q", strings.Join(names, ", "), name)
}

func (s *services) pull(l *lever, broken bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if l.broken == broken {
		return nil
	}
	if err := l.pull(broken); err != nil {
		return err
	}
	l.broken = broken
	return nil
}

// table lists what can be broken, and what is.
func (s *services) table() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, l := range s.levers {
		state := "healthy"
		if l.broken {
			state = "BROKEN"
		}
		fmt.Fprintf(w, "%s\t%s\tbreak: %s\t%s\n", l.name, state, l.what, l.expect)
	}
	w.Flush()
	return b.String()
}
