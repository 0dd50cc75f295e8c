package broker

import (
	"context"
	"fmt"
	"log/slog"
	"regexp"
	"sync"
	"time"

	"netmon/wire"
)

const (
	repeatsEvery = time.Minute
	// An agent that is shut out tries again for as long as it runs, some minutes
	// apart: what connections cause is logged less and less often, and remembered longer.
	repeatsMost  = time.Hour
	repeatsQuiet = 10 * time.Minute
	// Kinds of line that are counted apart, of connections and of the server itself,
	// each: the server's own code has a few hundred, and seldom two at a time.
	repeatsKinds = 50
	repeatsLine  = 1000 // bytes of a line that are looked at
)

// repeats keeps lines of one kind from filling the log: whoever reaches the port
// can cause some thousands of them a second. The first of a kind is logged at once;
// those that follow are counted, and logged once a minute as their number and the
// last of them. After a minute without one, the next is a first one again. For what
// connections cause these minutes grow: see repeatsMost and repeatsQuiet.
type repeats struct {
	log *slog.Logger

	mu     sync.Mutex // guards the rest
	kinds  map[lineKind]*repeated
	timer  *time.Timer // runs while kinds has any
	closed bool        // nobody will come to log what is counted
}

// lineKind is what lines have in common.
type lineKind struct {
	level slog.Level
	of    bool   // of a connection, not of the server itself
	text  string // "" for all beyond repeatsKinds
}

type repeated struct {
	more  int
	last  string
	every time.Duration // how often it is logged, at most
	since time.Duration // it was logged, in whole minutes
	quiet time.Duration // it came last, in whole minutes
}

func newRepeats(log *slog.Logger) *repeats {
	return &repeats{log: log, kinds: map[lineKind]*repeated{}}
}

var (
	ofConnection = regexp.MustCompile(`^\S+ - [a-z_]+:\d+`)
	// What differs between two lines of one kind: what others named, in quotes,
	// and every word with a digit, such as addresses, ids and times.
	variable = regexp.MustCompile(`"(?:[^"\\]|\\.)*"|\S*\d\S*`)
	// On which subject somebody did what the role does not include is logged of each.
	violated = regexp.MustCompile(`Violation - Subject "[^"]*"$`)
)

// add writes a line, or counts it.
func (r *repeats) add(level slog.Level, text string) {
	text = wire.Clip(text, repeatsLine)
	k := lineKind{level, ofConnection.MatchString(text), variable.ReplaceAllString(text, "#") + violated.FindString(text)}
	r.mu.Lock()
	seen := r.kinds[k]
	if seen == nil && r.full(k.of) {
		k.text = ""
		seen = r.kinds[k]
	}
	if seen != nil && !r.closed {
		seen.more, seen.last, seen.quiet = seen.more+1, text, 0
		r.mu.Unlock()
		return
	}
	if !r.closed {
		r.kinds[k] = &repeated{every: repeatsEvery}
		if r.timer == nil {
			r.timer = time.AfterFunc(repeatsEvery, r.minute)
		}
	}
	r.mu.Unlock()
	r.write(level, text)
}

// full says whether one more kind only fits among the rest. What
// connections cause must not hide what the server itself has to say.
func (r *repeats) full(of bool) bool {
	n := 0
	for k := range r.kinds {
		if k.of == of {
			n++
		}
	}
	return n >= repeatsKinds
}

// minute logs what was counted, and forgets what did not come again.
func (r *repeats) minute() {
	r.mu.Lock()
	counted := r.takeDue(false)
	r.timer = nil
	if len(r.kinds) > 0 && !r.closed {
		r.timer = time.AfterFunc(repeatsEvery, r.minute)
	}
	r.mu.Unlock()
	r.writeAll(counted)
}

// close logs what is still counted. What comes later is logged as it is.
func (r *repeats) close() {
	r.mu.Lock()
	if r.timer != nil {
		r.timer.Stop()
	}
	r.closed = true
	counted := r.takeDue(true)
	r.mu.Unlock()
	r.writeAll(counted)
}

// takeDue is what was counted and is to be logged a minute after it was asked last, or
// all; r.mu is held.
func (r *repeats) takeDue(all bool) map[lineKind]repeated {
	counted := map[lineKind]repeated{}
	for k, seen := range r.kinds {
		seen.since, seen.quiet = seen.since+repeatsEvery, seen.quiet+repeatsEvery
		switch {
		case seen.more == 0:
			if !k.of || seen.quiet >= repeatsQuiet {
				delete(r.kinds, k)
			}
		case all || seen.since >= seen.every:
			counted[k] = *seen
			seen.more, seen.since = 0, 0
			if k.of {
				seen.every = min(2*seen.every, repeatsMost)
			}
		}
	}
	return counted
}

func (r *repeats) writeAll(counted map[lineKind]repeated) {
	for k, seen := range counted {
		alike := "like this one"
		if k.text == "" {
			alike = "of many kinds, such as this one"
		}
		r.write(k.level, fmt.Sprintf("%d more %s within %v: %s", seen.more, alike, seen.since, seen.last))
	}
}

func (r *repeats) write(level slog.Level, text string) {
	r.log.Log(context.Background(), level, "nats: "+text)
}
