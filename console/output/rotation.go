package output

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"netmon/console"
	"netmon/wire"
)

const (
	// authorityEvery is how often it is asked how far a change is.
	authorityEvery = 500 * time.Millisecond
	// authorityAgain is how often it is said again who is waited for.
	authorityAgain = 30 * time.Second
	// authorityComing is how long agents that are connected may take to come over.
	authorityComing = 30 * time.Second
)

func agentsIn(list []wire.Missing) bool {
	return slices.ContainsFunc(list, func(m wire.Missing) bool { return m.Role == wire.RoleAgent })
}

// Rotation is how a change of a mesh's authority is reported.
type Rotation struct {
	Out, Talk io.Writer // the end of it, and how far it is
}

// Await reports how far a change, of which s is the beginning, is until it is at its
// end, or ctx ends.
func (r Rotation) Await(ctx context.Context, cl *console.Client, s wire.AuthorityState) error {
	next, said, at, switched := s.Next, "", time.Time{}, time.Time{}
	fmt.Fprintf(r.Talk, "the next authority is %s; after Ctrl-C the change continues, --abort gives it up\n", next)
	if s.Lines > 0 {
		fmt.Fprintf(r.Talk, "join lines that were not used yet count no more after the switch: %d\n", s.Lines)
	}
	for {
		line := ""
		switch {
		case s.State == wire.AuthorityAnnounced && s.Next != next, s.State == wire.AuthoritySteady && s.Pin != next:
			return errors.New("the change was given up, or another one was begun")
		case s.State == wire.AuthorityAnnounced:
			line = fmt.Sprintf("%d of %d have it", s.Have, s.All-len(s.Without))
		case s.State == wire.AuthoritySwitched && (switched.IsZero() || time.Since(switched) < authorityComing && agentsIn(s.Missing)):
			if switched.IsZero() {
				switched = time.Now()
			}
			line = fmt.Sprintf("switched: %s is the authority; %d of %d follow it", s.Pin, s.Have, s.All-len(s.Without))
		default:
			fmt.Fprintf(r.Out, "%s is the authority, and %d of %d follow it: make a new backup, and remove the old ones\n", s.Pin, s.Have, s.All-len(s.Without))
			if len(s.Missing) > 0 {
				fmt.Fprintf(r.Out, "%s: they have it, and switch by themselves when they are back; until then they also trust the previous one\n", namesOf(s.Missing))
			}
			printWithout(r.Out, s)
			return nil
		}
		if len(s.Missing) > 0 {
			line += "; not yet: " + namesOf(s.Missing)
		}
		if s.Problem != "" {
			line += "; " + console.Printable(s.Problem)
		}
		if line != said || time.Since(at) > authorityAgain {
			fmt.Fprintf(r.Talk, "%s\n", line)
			said, at = line, time.Now()
		}
		select {
		case <-ctx.Done():
			fmt.Fprintln(r.Talk, "the change continues: netmon access authority shows how far it is")
			return nil
		case <-time.After(authorityEvery):
		}
		now, err := cl.Authority(ctx, wire.AccessCommand{Op: wire.AccessAuthority})
		switch {
		case err == nil:
			s = now
		case ctx.Err() != nil, passing(cl, err): // the broker starts again
		default:
			return err
		}
	}
}

// passing says whether an error may be that the broker is about to come back.
func passing(cl *console.Client, err error) bool {
	return errors.Is(err, console.ErrUnreachable) || errors.Is(err, nats.ErrTimeout) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, nats.ErrNoResponders) || !cl.Connected()
}

const namesShown = 10

func namesOf(list []wire.Missing) string {
	var names []string
	for _, m := range list[:min(len(list), namesShown)] {
		names = append(names, fmt.Sprintf("%s (%s)", m.Name, m.Role))
	}
	if more := len(list) - namesShown; more > 0 {
		names = append(names, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(names, ", ")
}

func printWithout(w io.Writer, s wire.AuthorityState) {
	if len(s.Without) > 0 {
		fmt.Fprintf(w, "left behind, as the change went on without them: %s: each needs a new line (netmon token new agent --id NAME --replace)\n", strings.Join(s.Without, ", "))
	}
}
