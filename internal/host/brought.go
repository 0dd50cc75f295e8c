package host

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"netmon/broker"
	"netmon/broker/access"
	"netmon/console/shellwords"
	"netmon/wire"
)

// printBrought says what a broker's start brought along from when its mesh asked,
// or did not ask, who people are, and what it left where it was.
func (b *Broker) printBrought(ctx context.Context, w io.Writer, own string) {
	is := b.Brought()
	if is.Missing != "" {
		fmt.Fprintf(w, "netmon: --bring-along %s: the store has nothing under that name: it was brought along before, or never existed\n", is.Missing)
	}
	for _, h := range is.Left {
		fmt.Fprintf(w, "netmon: WARNING: %s also holds data that this mesh does not use (%s): %s\n   --bring-along %s continues with that, and sets aside what is in use now\n", b.Store(), h.Name(), h, h.Name())
	}
	if is.From == "" {
		return
	}
	kept, err := b.kept(ctx)
	text := keptText(kept)
	if err != nil { // it is there anyway
		text = "all there was (" + err.Error() + ")"
	}
	before := "before this mesh had identities"
	switch {
	case b.authority == nil:
		before = "when this mesh had identities"
	case is.From != broker.OpenName:
		before = "when this mesh had other keys"
	}
	fmt.Fprintf(w, "netmon: brought along from %s: %s\n", before, text)
	if is.Aside != "" {
		fmt.Fprintf(w, "netmon: what was in its place is set aside in %s: to look at it: netmon broker --store %s --listen 127.0.0.1:0\n", is.Aside, shellwords.Quote(is.Aside))
	}
	if names := strangers(kept.Agents, b.authority, own); len(names) > 0 {
		fmt.Fprintf(w, "netmon: earlier agents come back with a line each, and keep what they measure until then: %s\n   netmon token new agent --id %s\n", strings.Join(names, ", "), names[0])
	}
}

// kept counts what the broker keeps.
func (b *Broker) kept(ctx context.Context) (k broker.Kept, err error) {
	nc, err := b.Controller()
	if err != nil {
		return k, err
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		return k, err
	}
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	return broker.Count(ctx, js)
}

// strangers are the agents that were there before and have no identity.
func strangers(agents []string, a *access.Authority, own string) (names []string) {
	for _, name := range agents {
		if a == nil || name == own {
			continue
		}
		if _, known := a.Labels(name); known || wire.CheckToken(name) != nil {
			continue
		}
		if names = append(names, name); len(names) == 20 {
			return append(names, "and more (netmon get agents)")
		}
	}
	return names
}

func keptText(k broker.Kept) string {
	count := func(n uint64, one string) string {
		if n != 1 {
			one += "s"
		}
		text := fmt.Sprint(n)
		for i := len(text) - 3; i > 0; i -= 3 {
			text = text[:i] + "," + text[i:]
		}
		return text + " " + one
	}
	settings := ""
	if k.Settings > 0 {
		settings = count(uint64(k.Settings), "setting") + " of alerting, " // #nosec G115 -- a count
	}
	return count(uint64(k.Monitors), "monitor") + ", " + settings + count(k.Results, "result") + ", " + count(uint64(k.Configs), "configuration") // #nosec G115 -- counts
}
