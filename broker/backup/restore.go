package backup

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"netmon/broker"
	"netmon/broker/access"
)

// RestoreOptions are those of a restore.
type RestoreOptions struct {
	// Ages are limits of age for streams, instead of those that they had.
	Ages     map[string]time.Duration
	Progress func(Progress)
	Log      *slog.Logger
	// History takes the file of history that a backup has; may be nil. created says when
	// each stream was made now.
	History func(ctx context.Context, path string, created map[string]time.Time) error

	single bool // one server
}

// Restored is what became of a backup.
type Restored struct {
	Left map[string]uint64        // messages of each stream, by its limits of size
	Ages map[string]time.Duration // limits of age, 0 for none: a timer sees to them

	created map[string]time.Time // when each stream was made
}

// Into restores a backup into an empty store, which no broker uses. It verifies all
// of it before it writes anything, and after an error the store is empty again.
// When its process is killed, the store says that it is not whole.
func Into(ctx context.Context, dir string, m *Manifest, store string, o RestoreOptions) (r Restored, err error) {
	if err := m.Verify(ctx, dir, o.Progress); err != nil {
		return r, err
	}
	if free, known := broker.Free(store); known && free < m.diskSpace() {
		return r, fmt.Errorf("store %s: the streams take %d MiB, and its disk has %d MiB free", store, m.diskSpace()>>20, free>>20)
	}
	finish, undo, err := broker.BeginRestore(store)
	if err != nil {
		return r, err
	}
	if err = restore(ctx, dir, m, store, o, &r); err == nil {
		err = finish()
	}
	if err != nil {
		err = errors.Join(err, undo())
	}
	return r, err
}

// diskSpace is what the streams take on a disk.
func (m *Manifest) diskSpace() (n uint64) {
	for _, s := range m.Streams {
		n += s.Bytes
	}
	if m.History != nil {
		n += uint64(max(0, m.History.Size))
	}
	return n + n/16 + 16<<20
}

// Bounds of the server that restores, which nobody else reaches: whatever a broker
// took in fits.
const (
	restorePayload = 8 << 20
	restoreStore   = 1 << 50
)

func restore(ctx context.Context, dir string, m *Manifest, store string, o RestoreOptions, r *Restored) error {
	with := broker.Options{Store: store, Restoring: true, MaxStore: restoreStore, ClientLimits: broker.ClientLimits{Payload: restorePayload}, Log: o.Log}
	var credential []nats.Option
	if m.Access != nil {
		files, err := m.readAccess(dir)
		if err != nil {
			return err
		}
		folder := access.FolderOf(store)
		if err := access.Install(folder, files); err != nil {
			return err
		}
		a, err := access.Open(folder, nil, o.Log)
		if err != nil {
			return err
		}
		defer a.Close()
		if credential, err = a.Built(access.Controller, "restore"); err != nil {
			return err
		}
		with.Access = a
	}
	b, err := broker.Start(ctx, with)
	if err != nil {
		return err
	}
	defer b.Close()
	nc, err := b.Connect(append(credential, nats.Name("netmon restore"))...)
	if err != nil {
		return err
	}
	defer nc.Close()
	o.single = true
	return sendAll(ctx, nc, dir, m, o, r)
}

// sendAll restores all streams.
func sendAll(ctx context.Context, nc *nats.Conn, dir string, m *Manifest, o RestoreOptions, r *Restored) error {
	r.Left, r.Ages, r.created = map[string]uint64{}, map[string]time.Duration{}, map[string]time.Time{}
	for _, s := range m.Streams {
		now, err := s.send(ctx, nc, dir, o)
		if err != nil {
			return fmt.Errorf("restore the stream %s: %w", s.Name, err)
		}
		r.Left[s.Name], r.Ages[s.Name], r.created[s.Name] = now.State.Msgs, now.Config.MaxAge, now.Created
	}
	if m.History == nil || o.History == nil {
		return nil
	}
	if err := o.History(ctx, HistoryFile(dir), r.created); err != nil {
		return fmt.Errorf("restore the file of history: %w", err)
	}
	return nil
}

// Streams restores the streams of a backup at a server that runs, and has none of
// them. After an error it has none of them again.
func Streams(ctx context.Context, nc *nats.Conn, dir string, m *Manifest, o RestoreOptions) (r Restored, err error) {
	if err := m.Verify(ctx, dir, o.Progress); err != nil {
		return r, err
	}
	js, err := jetstream.New(nc)
	if err != nil {
		return r, err
	}
	for _, s := range m.Streams {
		switch _, err := js.Stream(ctx, s.Name); {
		case err == nil:
			return r, fmt.Errorf("the broker already has a stream %s: stop its controller, and look at what is in it; to delete it: nats stream rm %s", s.Name, s.Name)
		case !errors.Is(err, jetstream.ErrStreamNotFound):
			return r, fmt.Errorf("look for the stream %s: %w", s.Name, err)
		}
	}
	if err = sendAll(ctx, nc, dir, m, o, &r); err == nil {
		return r, nil
	}
	clean, cancel := context.WithTimeout(context.WithoutCancel(ctx), ask)
	defer cancel()
	for _, s := range m.Streams {
		if e := js.DeleteStream(clean, s.Name); e != nil && !errors.Is(e, jetstream.ErrStreamNotFound) {
			err = errors.Join(err, fmt.Errorf("remove the stream %s again: %w", s.Name, e))
		}
	}
	return r, err
}
