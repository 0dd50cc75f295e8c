package broker

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nkeys"

	"netmon/wire"
)

// openAccount is the one in which a server keeps what it has while it has
// no identities.
const openAccount = server.DEFAULT_GLOBAL_ACCOUNT

// OpenName is what people call that account: its own name means something to shells.
const OpenName = "open"

const streamsFolder = "streams" // nats-server's name

// Holding is what one account of a store keeps. nats-server keeps each account
// in a folder of its name, and nothing inside names the account (filestore.go).
type Holding struct {
	Account  string
	Monitors int64     // bytes of saved monitors, earlier ones and deleted ones included
	Configs  int64     // bytes of saved configurations
	Alerting int64     // bytes of channels, rules and what else says who is notified of what
	Results  int64     // bytes of results
	Last     time.Time // when something of these was written last
}

// Name is what people call the account.
func (h Holding) Name() string {
	if h.Account == openAccount {
		return OpenName
	}
	return h.Account
}

// saved says whether people ever saved something there.
func (h Holding) saved() bool { return h.Monitors+h.Configs+h.Alerting > 0 }

func (h Holding) String() string {
	return fmt.Sprintf("%s of saved monitors, %s of configurations, %s of alerting, %s of results, the last of %s",
		sizeText(h.Monitors), sizeText(h.Configs), sizeText(h.Alerting), sizeText(h.Results), h.Last.UTC().Format(time.RFC3339))
}

func sizeText(n int64) string {
	switch {
	case n >= 1<<30:
		return fmt.Sprintf("%.1f GiB", float64(n)/(1<<30))
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	case n >= 1<<10:
		return fmt.Sprintf("%.1f KiB", float64(n)/(1<<10))
	}
	return fmt.Sprintf("%d bytes", n)
}

// holdings are the accounts in the folder of a store that are a mesh's: the open
// one, and those of authorities, where they have streams of ours. Others, such as
// those that a configuration file once named, are not netmon's to touch.
func holdings(root string) ([]Holding, error) {
	entries, err := os.ReadDir(root)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var all []Holding
	for _, e := range entries {
		if e.Name() != openAccount && !nkeys.IsValidPublicAccountKey(e.Name()) {
			continue
		}
		if h, ours, err := holdingOf(root, e.Name()); err != nil {
			return nil, err
		} else if ours {
			all = append(all, h)
		}
	}
	return all, nil
}

// holdingOf measures one account; ours is false for one without streams of a mesh.
func holdingOf(root, account string) (h Holding, ours bool, err error) {
	streams := filepath.Join(root, account, streamsFolder)
	h.Account = account
	for _, s := range []struct {
		stream string
		bytes  *int64
	}{{monitorsStream, &h.Monitors}, {configsStream, &h.Configs}, {alertingStream, &h.Alerting}, {wire.ResultsStream, &h.Results}} {
		switch _, err := os.Stat(filepath.Join(streams, s.stream)); {
		case errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil:
			return h, false, err
		}
		if *s.bytes, err = h.measure(filepath.Join(streams, s.stream, "msgs")); err != nil {
			return h, false, err
		}
		ours = true
	}
	return h, ours, nil
}

// measure adds up the blocks of messages of a stream. A stream to which nothing
// was ever written has none.
func (h *Holding) measure(msgs string) (bytes int64, err error) {
	entries, err := os.ReadDir(msgs)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	for _, e := range entries {
		if filepath.Ext(e.Name()) != ".blk" {
			continue
		}
		info, err := e.Info()
		if err != nil {
			return 0, err
		}
		bytes += info.Size()
		if info.Size() > 0 && info.ModTime().After(h.Last) {
			h.Last = info.ModTime()
		}
	}
	return bytes, err
}

// other are those that are not of an account.
func other(all []Holding, account string) []Holding {
	return slices.DeleteFunc(slices.Clone(all), func(h Holding) bool { return h.Account == account })
}
