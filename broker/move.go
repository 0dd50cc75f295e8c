package broker

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"netmon/broker/access"
	"netmon/internal/atomicfile"
)

// Brought is what a start found in its store that another account keeps. A
// mesh that begins to have identities has another account than before, and
// so has one that ceases to, or has new keys. What it keeps goes along.
type Brought struct {
	From    string    // account whose streams are this broker's now, as people call it; "" for none
	Aside   string    // store in which is what was in their place, "" for none
	Left    []Holding // other accounts that keep something, which nothing was done with
	Missing string    // account that was asked for and is not there
}

// Brought is what this broker's start brought along.
func (b *Broker) Brought() Brought { return b.brought }

// move is what to do about the accounts of a store.
type move struct {
	from string    // account to bring along, "" for none
	left []Holding // see Brought
}

// decide says what becomes of the accounts of a store for a broker whose own
// account is own. asked is the account that somebody wants, "" for nobody.
//
// What people saved is never left behind without a word, and never replaced
// without being asked. Where only results are at stake, what is in use stays.
func decide(own string, all []Holding, asked string) (move, error) {
	others := other(all, own)
	if asked != "" {
		for i, h := range others {
			if h.Name() == asked {
				return move{from: h.Account, left: worth(slices.Delete(others, i, i+1))}, nil
			}
		}
	}
	used := len(others) < len(all)
	if i := slices.IndexFunc(all, func(h Holding) bool { return h.Account == own }); i >= 0 && all[i].saved() {
		return move{left: worth(others)}, nil
	}
	candidates := slices.DeleteFunc(slices.Clone(others), func(h Holding) bool { return !h.saved() })
	if len(candidates) == 0 && !used {
		candidates = others
	}
	switch len(candidates) {
	case 0:
		return move{left: worth(others)}, nil
	case 1:
		return move{from: candidates[0].Account, left: worth(other(others, candidates[0].Account))}, nil
	}
	var lines []string
	for _, h := range candidates {
		lines = append(lines, fmt.Sprintf("   --bring-along %s   brings %s", h.Name(), h))
	}
	return move{}, fmt.Errorf("it has data of several meshes, and the one in use has saved nothing yet: choose the one to continue with; the others stay where they are:\n%s", strings.Join(lines, "\n"))
}

// worth are those that somebody may miss.
func worth(list []Holding) []Holding {
	return slices.DeleteFunc(list, func(h Holding) bool { return !h.saved() && h.Results == 0 })
}

// asideFolder is where in a store what had to make way is kept, each in a folder
// that is a store itself: a broker without identities shows it.
const asideFolder = "set-aside"

// cameName is a file in an account's folder that says where its streams came
// from. It is written before they move and moves with them, and stays until
// what was saved there counts here: no crash comes between.
const cameName = "netmon.came"

// steps carry a move out. Each leaves a store that the next start understands:
// it decides again, and comes to what is left to do.
func (m move) steps(root, own, aside string) []func() error {
	from, to := filepath.Join(root, m.from), filepath.Join(root, own)
	return []func() error{
		func() error { // what is in the way
			_, err := os.Lstat(to)
			if errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			place := filepath.Join(aside, server.JetStreamStoreDir, openAccount)
			if err := os.MkdirAll(filepath.Dir(place), 0o700); err != nil {
				return err
			}
			return rename(to, place)
		},
		func() error { return mark(from, m.from) },
		func() error { return rename(from, to) },
	}
}

// bringAlong looks at the store of a broker whose server does not run yet, and
// moves what is to continue under its account. own is that account.
func bringAlong(store, own, asked string, now time.Time) (out Brought, err error) {
	root := filepath.Join(store, server.JetStreamStoreDir)
	all, err := holdings(root)
	var m move
	if err == nil {
		m, err = decide(own, all, asked)
	}
	if err != nil {
		return out, fmt.Errorf("store %s: %w", store, err)
	}
	out.Left = m.left
	if asked != "" && asked != (Holding{Account: own}).Name() && asked != (Holding{Account: m.from}).Name() {
		out.Missing = asked
	}
	if m.from != "" {
		aside := filepath.Join(store, asideFolder, now.UTC().Format("20060102T150405.000Z"))
		for _, step := range m.steps(root, own, aside) {
			if err := step(); err != nil {
				return out, fmt.Errorf("store %s: bring along what %s keeps: %w: nothing is lost; the next start continues with it", store, Holding{Account: m.from}.Name(), err)
			}
		}
		if put, err := os.ReadDir(filepath.Join(aside, server.JetStreamStoreDir, openAccount, streamsFolder)); err == nil && len(put) > 0 {
			out.Aside = aside
		}
	}
	if data, err := os.ReadFile(filepath.Join(root, own, cameName)); err == nil {
		out.From = Holding{Account: strings.TrimSpace(string(data))}.Name()
	} else if !errors.Is(err, fs.ErrNotExist) {
		return out, fmt.Errorf("store %s: %w", store, err)
	}
	return out, nil
}

// followAccount brings the streams of a mesh whose authority changed its keys to
// the account that it has now. They are the same mesh's: nothing is asked, and
// nothing in them is accepted but by access.Authority.Adopt. It may be done again.
func followAccount(store string, a *access.Authority) error {
	if a == nil || store == "" || a.Former() == "" {
		return nil
	}
	root := filepath.Join(store, server.JetStreamStoreDir)
	from, to := filepath.Join(root, a.Former()), filepath.Join(root, a.Account())
	if _, err := os.Lstat(from); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if _, err := os.Lstat(to); !errors.Is(err, fs.ErrNotExist) {
		return err // both are there: bringAlong says which continues
	}
	if err := rename(from, to); err != nil {
		return fmt.Errorf("store %s: bring the streams to the account of the authority in force: %w", store, err)
	}
	return nil
}

// Rekey starts the server again with what its authority holds now: its operator,
// accounts and certificate, which no nats-server takes while it runs. Connections
// are lost for that moment. After an error the broker is down, and Rekey may be called again.
func (b *Broker) Rekey(ctx context.Context, a *access.Authority) error {
	return b.restart(ctx, func() error {
		opts := b.options().Clone()
		err := followAccount(b.store, a)
		if err == nil {
			err = a.Secure(opts)
		}
		if err != nil {
			return err
		}
		b.mu.Lock()
		defer b.mu.Unlock()
		b.opts = opts
		return nil
	})
}

// adoptStored has what was saved in another account count in this one. Without an
// authority it does so by itself.
func (b *Broker) adoptStored(a *access.Authority) error {
	if b.brought.From == "" {
		return nil
	}
	done := func() error { return clearOrigin(b.store, accountOf(a)) }
	if a == nil {
		return done()
	}
	a.AdoptAgain(done)
	return nil
}

// clearOrigin forgets that an account's streams came from another.
func clearOrigin(store, own string) error {
	path := filepath.Join(store, server.JetStreamStoreDir, own, cameName)
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return atomicfile.SyncFolder(filepath.Dir(path))
}

// accountOf is the account in which a broker with this authority keeps its streams.
func accountOf(a *access.Authority) string {
	if a == nil {
		return openAccount
	}
	return a.Account()
}

func mark(dir, from string) error {
	f, err := os.OpenFile(filepath.Join(dir, cameName), os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(f, from)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close(), atomicfile.SyncFolder(dir))
}

// rename moves a folder, all of it or nothing, and has it survive a power failure.
func rename(from, to string) error {
	if err := os.Rename(from, to); err != nil {
		return err
	}
	return errors.Join(atomicfile.SyncFolder(filepath.Dir(to)), atomicfile.SyncFolder(filepath.Dir(from)))
}
